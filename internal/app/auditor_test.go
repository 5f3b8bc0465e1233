package app

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
)

// audit runs noroshi auditor as its own program would, and returns its exit code
// and what it says in JSON.
func audit(t *testing.T, out any, args ...string) int {
	t.Helper()
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	var said, talk bytes.Buffer
	env := cli.New(words)
	env.Out, env.Err = &said, &talk
	code := env.Run(t.Context(), Root(env), append([]string{"auditor", "--json"}, args...))
	if err := json.Unmarshal(said.Bytes(), out); err != nil {
		t.Fatalf("%v: %v\n%s\n%s", args, err, said.String(), talk.String())
	}
	return code
}

// TestTheStoryWasLawful replays the rules over the folder that the story leaves.
func TestTheStoryWasLawful(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := tellStory(t.Context(), words, words.Printer(text.EN, nil), dir, 7, "none", nil); err != nil {
		t.Fatal(err)
	}
	var res oversight.Result
	code := audit(t, &res, "replay", dir, "--key", filepath.Join(dir, "ledger.vkey"))
	asked := 0
	for _, n := range res.Checked {
		if n > 0 {
			asked++
		}
	}
	if code != 0 || !res.Clean() || res.Entries < 180 || asked < 30 || res.Signer == "" {
		t.Errorf("exit %d, %d entries, %d rules asked, signer %q: %+v %+v %+v", code, res.Entries, asked, res.Signer, res.Violations, res.Gaps, res.Alarms)
	}
	if code := audit(t, &struct{ Rules []oversight.RuleRow }{}, "rules"); code != 0 {
		t.Errorf("rules: exit %d", code)
	}
}

// TestAnAuditorFollowsAServedHub follows the demo's hub over the network with a
// token of a member of the commission, while it goes on, and then meets a hub
// that was set back.
func TestAnAuditorFollowsAServedHub(t *testing.T) {
	c := built(t, 5, 0)
	l, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.h.Run(ctx, l) }()
	defer func() { stop(); <-ended }()
	_, token, err := c.h.Orgs.IssueToken(c.as(t, "commission", gate.CommissionMember), "監査", []string{"ledger.audit"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, vkey, own := filepath.Join(dir, "token"), filepath.Join(dir, "ledger.vkey"), filepath.Join(dir, "auditor")
	for name, data := range map[string]string{file: token, vkey: c.h.Ledger.VKey + "\n"} {
		if err := os.WriteFile(name, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	follow := func() (r oversight.Round, code int) {
		t.Helper()
		code = audit(t, &r, "follow", "http://"+l.Addr().String(), "--key", vkey, "--dir", own, "--once", "--token-file", file)
		return r, code
	}
	first, code := follow()
	if code != 0 || first.Size == 0 || first.New != first.Size || !first.Cosigned || !first.Clean() {
		t.Fatalf("exit %d: %d entries, %d new: %+v %+v", code, first.Size, first.New, first.Violations, first.Alarms)
	}
	if _, _, err := c.h.Orgs.IssueToken(c.as(t, "power", gate.OperatorAdmin), "別の", []string{"asset.list"}, time.Hour); err != nil {
		t.Fatal(err)
	}
	if err := c.h.Ledger.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, code := follow()
	if code != 0 || second.New == 0 || second.Size != first.Size+second.New {
		t.Fatalf("exit %d: %d entries, %d new", code, second.Size, second.New)
	}
	// The copy is a ledger that others can verify and replay.
	var res oversight.Result
	if code := audit(t, &res, "replay", own, "--key", vkey); code != 0 || res.Entries != second.Size {
		t.Errorf("the copy: exit %d, %d entries", code, res.Entries)
	}
	// The hub is set back to what it was before: fewer entries than were seen.
	if err := os.WriteFile(filepath.Join(c.h.Ledger.Dir, "checkpoint"), setBack(t, own, first.Size, c), 0o644); err != nil {
		t.Fatal(err)
	}
	back, code := follow()
	if code != 3 || len(back.Alarms) != 1 || back.Cosigned || !back.Halted || back.Size != second.Size {
		t.Errorf("a hub set back: exit %d, %+v", code, back.Alarms)
	}
}

// setBack signs a checkpoint as the hub did when it had fewer entries.
func setBack(t *testing.T, copied string, size uint64, c *country) []byte {
	t.Helper()
	signed, err := os.ReadFile(filepath.Join(copied, "ledger", tlog.CheckpointPath))
	if err != nil {
		t.Fatal(err)
	}
	now, err := tlog.OpenCheckpoint(signed, c.h.Ledger.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	r, err := tlog.NewReader(os.DirFS(filepath.Join(copied, "ledger")), now.Size)
	if err != nil {
		t.Fatal(err)
	}
	root, err := r.Root(size)
	if err != nil {
		t.Fatal(err)
	}
	old, err := tlog.SignCheckpoint(tlog.Checkpoint{Origin: now.Origin, Size: size, Root: root}, c.h.Ledger.Signer)
	if err != nil {
		t.Fatal(err)
	}
	return old
}
