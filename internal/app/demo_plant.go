package app

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
	"noroshi/internal/oversight/rogue"
)

// rogueOrigin names the log of the hub that breaks a rule. Its key is made for
// the occasion and thrown away: no hub that anybody runs has it.
const rogueOrigin = "rogue.noroshi.invalid/ledger"

// plantable refuses what cannot be planted before anything is played.
func plantable(o demoFlags) error {
	switch {
	case o.plant == "none":
		return nil
	case !slices.Contains(rogue.Rules(), o.plant):
		return fault.New(fault.Usage, "app.demo.no_rule", "rule", o.plant, "rules", strings.Join(rogue.Rules(), ", "))
	case !o.story:
		return fault.New(fault.Usage, "app.demo.no_story")
	}
	return nil
}

// handed leaves the auditor a copy of the log, with the key to verify it; or,
// where a rule is to be broken, the log of a rogue hub to which the same happened
// but for that.
func (s *story) handed(rule string) error {
	to := filepath.Join(s.dir, "auditor")
	if rule != "none" {
		return s.planted(to, rule)
	}
	if err := os.CopyFS(filepath.Join(to, "ledger"), os.DirFS(s.folder())); err != nil {
		return err
	}
	raw, err := os.ReadFile(filepath.Join(s.dir, "ledger.vkey"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(to, "ledger.vkey"), raw, 0o600)
}

// planted writes a rogue hub's log, and has the auditor find what was broken in
// it: that rule and nothing else.
func (s *story) planted(to, rule string) error {
	var leaves [][]byte
	keys, err := s.keys()
	if err != nil {
		return err
	}
	if _, err := tlog.Verify(s.ctx, os.DirFS(s.folder()), tlog.Options{Keys: keys, Replay: func(_ uint64, leaf []byte) error {
		leaves = append(leaves, slices.Clone(leaf))
		return nil
	}}); err != nil {
		return err
	}
	kinds := s.h.Approvals.Rules
	if leaves, err = rogue.Plant(leaves, rule, func(l [][]byte) ([]string, error) { return oversight.Broken(kinds, l) }); err != nil {
		return err
	}
	key, err := writeLog(to, rogueOrigin, leaves)
	if err != nil {
		return err
	}
	got, err := oversight.ReplayLog(s.ctx, os.DirFS(filepath.Join(to, "ledger")), oversight.Options{Keys: []note.Verifier{key}, Kinds: kinds})
	if err != nil {
		return err
	}
	if s.out != nil {
		fmt.Fprintf(s.out, "\n%s\n\n", s.say.T("app.story.planted", "rule", rule, "sentence", s.say.T("oversight.rule."+rule)))
		if err := got.Speak(s.say).Print(s.out, s.say); err != nil {
			return err
		}
	}
	alone := !slices.ContainsFunc(got.Violations, func(v oversight.Violation) bool { return v.Rule != rule })
	return must(len(got.Violations) > 0 && alone && len(got.Gaps)+len(got.Alarms) == 0, "%s was broken, and the replay found %v", rule, got.Violations)
}

// writeLog publishes leaves as a log of its own, signed with a key that nobody
// keeps, and the verifier key beside it.
func writeLog(dir, origin string, leaves [][]byte) (note.Verifier, error) {
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return nil, err
	}
	tree, files, err := tlog.Tree{}.Append(leaves)
	if err != nil {
		return nil, err
	}
	signed, err := tlog.SignCheckpoint(tlog.Checkpoint{Origin: origin, Size: tree.Size(), Root: tree.Root()}, signer)
	if err != nil {
		return nil, err
	}
	for _, f := range append(files.Files, tlog.File{Path: tlog.CheckpointPath, Data: signed}, tlog.File{Path: "../ledger.vkey", Data: []byte(public + "\n")}) {
		name := filepath.Join(dir, "ledger", filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(name, f.Data, 0o600); err != nil {
			return nil, err
		}
	}
	return note.NewVerifier(public)
}
