package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/tlog"
)

// ledgerScenes prove that all of it happened, from files alone.
func (s *story) ledgerScenes() []scene {
	return []scene{
		{"ledger", 9*day + 12*time.Hour, s.proven},
		{"ledger", 9*day + 12*time.Hour, s.verified},
		{"ledger", 9*day + 12*time.Hour, s.tampered},
		{"oversight", 9*day + 12*time.Hour, s.replayed},
	}
}

// refusals counts the refused acts on an object, as the record has them.
func (s *story) refusals(object string) (n int, err error) {
	rows, _, err := s.h.Ledger.Entries(s.ctx, ledger.Filter{Object: object})
	for _, r := range rows {
		if r.Entry.Outcome == ledger.Refused {
			n++
		}
	}
	return n, err
}

// folder is where the public files of the log are.
func (s *story) folder() string { return filepath.Join(s.dir, "ledger") }

// keys are those that the log is signed with, as anybody is given them.
func (s *story) keys() ([]note.Verifier, error) {
	raw, err := os.ReadFile(filepath.Join(s.dir, "ledger.vkey"))
	if err != nil {
		return nil, err
	}
	return tlog.ParseKeys(raw)
}

// verify does what a stranger can, who has the files and the verifier key.
func (s *story) verify(fsys fs.FS) (tlog.Result, error) {
	keys, err := s.keys()
	if err != nil {
		return tlog.Result{}, err
	}
	return tlog.Verify(s.ctx, fsys, tlog.Options{Keys: keys, Check: func(_ uint64, leaf []byte) error { _, err := ledger.ParseEntry(leaf); return err }})
}

// proven checks the receipt of the first report against the published log.
func (s *story) proven() (string, error) {
	if err := s.h.Ledger.Settle(s.ctx); err != nil {
		return "", err
	}
	got, err := s.h.Ledger.Prove(s.ctx, s.sent.Receipt.Entry)
	if err != nil {
		return "", err
	}
	if err := must(got.Leaf == s.sent.Receipt.Leaf, "the log holds another entry than the receipt"); err != nil {
		return "", err
	}
	proof, err := tlog.ParseProof([]byte(got.Proof))
	if err != nil {
		return "", err
	}
	keys, err := s.keys()
	if err != nil {
		return "", err
	}
	c, err := proof.Verify(tlog.LeafHash([]byte(s.sent.Receipt.Leaf)), keys...)
	if err != nil {
		return "", err
	}
	return s.say.T("app.story.proven", "index", int64(proof.Index), "size", int64(c.Size), "origin", c.Origin), nil
}

// verified reads the whole log as anybody can, from the folder and the key.
func (s *story) verified() (string, error) {
	res, err := s.verify(os.DirFS(s.folder()))
	if err != nil {
		return "", err
	}
	status, err := s.h.Ledger.Status(s.ctx)
	if err != nil {
		return "", err
	}
	s.whole.Ledger.Entries, s.whole.Ledger.Verified = res.Entries, res.Signer != "" && res.Entries == res.Checkpoint.Size
	return s.say.T("app.story.verified", "n", int64(res.Entries), "root", res.Checkpoint.Root.String(), "signer", res.Signer),
		must(s.whole.Ledger.Verified && int64(res.Entries) == int64(status.Published), "%d entries of %d", res.Entries, status.Published)
}

// tampered changes one bit in a copy of the folder, and the verifier finds it.
func (s *story) tampered() (_ string, err error) {
	dir, err := os.MkdirTemp("", "noroshi-copy-")
	if err != nil {
		return "", fault.New(fault.Usage, "app.demo.folder", "dir", os.TempDir()).Because(err)
	}
	defer func() {
		if e := os.RemoveAll(dir); err == nil {
			err = e
		}
	}()
	copied := filepath.Join(dir, "ledger")
	if err := os.CopyFS(copied, os.DirFS(s.folder())); err != nil {
		return "", err
	}
	var file string
	err = filepath.WalkDir(filepath.Join(copied, "tile", "entries"), func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && file == "" {
			file = name
		}
		return err
	})
	if err != nil {
		return "", err
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		return "", err
	}
	res, bad := s.verify(os.DirFS(copied))
	if err := must(bad != nil && len(res.Problems) > 0, "a changed entry went unnoticed"); err != nil {
		return "", err
	}
	for _, p := range res.Problems {
		s.more = append(s.more, ledger.Sentence(s.say, p))
	}
	return s.say.T("app.story.tampered", "n", len(res.Problems)), nil
}
