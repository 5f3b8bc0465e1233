package oversight

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
)

// follower opens an auditor's folder that follows a log.
func (f *logFolder) follower(t *testing.T, dir string, now time.Time) *Follower {
	t.Helper()
	a := &Follower{Remote: os.DirFS(f.dir), Dir: dir, Keys: []note.Verifier{f.verifier}, Kinds: numbers(t), Now: func() time.Time { return now }}
	if err := a.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	return a
}

// after is a second after what an entry says.
func after(t testing.TB, leaf []byte) time.Time {
	t.Helper()
	var e entry
	if !e.read(leaf) {
		t.Fatalf("no entry: %s", leaf)
	}
	return time.UnixMicro(e.at).UTC().Add(time.Second)
}

// shut gives an auditor's folder back, as the end of its process does.
func shut(t *testing.T, a *Follower) {
	t.Helper()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func look(t *testing.T, a *Follower) Round {
	t.Helper()
	r, err := a.Once(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestAnAuditorKeepsACopyAndCosigns follows a log that grows, over stops of the
// auditor, and checks the cosignature as any witness's.
func TestAnAuditorKeepsACopyAndCosigns(t *testing.T) {
	leaves := lawful(1, 40)
	log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
	for at, step := 0, 1; at < len(leaves); step *= 3 {
		to := min(len(leaves), at+step)
		log.add(t, leaves[at:to]...)
		a := log.follower(t, dir, after(t, leaves[to-1]))
		r := look(t, a)
		if len(r.Alarms)+len(r.Gaps) > 0 || r.Size != uint64(to) || r.New != uint64(to-at) || !r.Cosigned || r.Entries != uint64(to) {
			t.Fatalf("after %d entries: %+v", to, r)
		}
		if r := look(t, a); r.New != 0 || len(r.Alarms) > 0 {
			t.Fatalf("nothing new: %+v", r)
		}
		shut(t, a)
		at = to
	}
	if _, err := tlog.Verify(context.Background(), os.DirFS(filepath.Join(dir, "ledger")), tlog.Options{Keys: []note.Verifier{log.verifier}}); err != nil {
		t.Errorf("the copy: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "cosigned"))
	if err != nil {
		t.Fatal(err)
	}
	vkey, err := os.ReadFile(filepath.Join(dir, "auditor.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := tlog.ReadWitness(string(vkey))
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(raw, note.VerifierList(w, log.verifier))
	if err != nil || len(n.Sigs) != 2 {
		t.Fatalf("%s: %v", raw, err)
	}
	changed := strings.Replace(string(raw), "\n"+n.Text[len("log.example/test\n"):len("log.example/test\n")+1], "\n9", 1)
	if _, err := note.Open([]byte(changed), note.VerifierList(w)); err == nil {
		t.Error("another size bears the cosignature")
	}
}

// TestAnAuditorRefusesAnotherHistory rolls a log back, forks it, and has it serve
// other entries than it signed: the copy stays, and the evidence is kept.
func TestAnAuditorRefusesAnotherHistory(t *testing.T) {
	leaves := lawful(1, 40)
	before, now := after(t, leaves[399]), after(t, leaves[505])
	for _, c := range []struct {
		name, code string
		halts      bool // the log signed it against its own past
		then       func(t *testing.T, log *logFolder, other *logFolder)
	}{
		{"rollback", rolledBack, true, func(t *testing.T, log, other *logFolder) { other.add(t, leaves[:300]...) }},
		{"fork at the same size", forked, true, func(t *testing.T, log, other *logFolder) {
			other.add(t, leaves[:299]...)
			other.add(t, leaves[301])
			other.add(t, leaves[302:402]...)
		}},
		{"fork further on", forked, true, func(t *testing.T, log, other *logFolder) {
			other.add(t, leaves[:299]...)
			other.add(t, leaves[301:500]...)
		}},
		{"another key", string(tlog.Unsigned), false, func(t *testing.T, log, other *logFolder) {
			stranger := newFolder(t, other.dir, "log.example/test")
			stranger.add(t, leaves[:450]...)
		}},
		{"entries that were not signed", string(tlog.Differs), true, func(t *testing.T, log, other *logFolder) {
			other.add(t, leaves[:450]...)
			name := filepath.Join(other.dir, "tile", "entries", "001.p", "194")
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			raw[len(raw)-3] ^= 1
			if err := os.WriteFile(name, raw, 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"entries that are gone", string(tlog.Missing), false, func(t *testing.T, log, other *logFolder) {
			other.add(t, leaves[:450]...)
			if err := os.Remove(filepath.Join(other.dir, "tile", "entries", "001.p", "194")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
			log.add(t, leaves[:400]...)
			first := log.follower(t, dir, before)
			look(t, first)
			shut(t, first)
			other := &logFolder{dir: t.TempDir(), signer: log.signer, verifier: log.verifier}
			c.then(t, log, other)
			a := other.follower(t, dir, now)
			r := look(t, a)
			if len(r.Alarms) != 1 || r.Alarms[0].Code != c.code || r.Cosigned || r.Size != 400 {
				t.Fatalf("%+v", r.Alarms)
			}
			if kept, err := os.ReadDir(filepath.Join(dir, "evidence")); err != nil || len(kept) != 1 {
				t.Errorf("evidence: %v %v", kept, err)
			}
			shut(t, a)
			log.add(t, leaves[400:460]...)
			a = log.follower(t, dir, now)
			if c.halts { // a restart forgets nothing, and somebody has to say why it goes on
				for range 2 {
					if r, err := a.Once(context.Background()); !errors.Is(err, ErrHalted) || len(r.Alarms) != 1 || r.Alarms[0].Code != c.code || r.Alarms[0].Evidence == "" || !r.Halted {
						t.Fatalf("after a restart: %+v %v", r, err)
					}
				}
				if _, err := Acknowledge(dir, "reason", false, now); !errors.Is(err, folder.ErrLocked) {
					t.Errorf("acknowledged while somebody follows: %v", err)
				}
				shut(t, a)
				if _, err := Acknowledge(dir, "", false, now); !errors.Is(err, ErrWhy) {
					t.Errorf("acknowledged without a reason: %v", err)
				}
				if got, err := Acknowledge(dir, "the hub was restored on the 3rd, see letter 12", false, now); err != nil || len(got.Alarms) != 1 || !got.Halted {
					t.Fatalf("%+v %v", got, err)
				}
				if _, err := Acknowledge(dir, "again", false, now); !errors.Is(err, ErrNothing) {
					t.Errorf("acknowledged twice: %v", err)
				}
				if kept, err := os.ReadFile(filepath.Join(dir, "acknowledged")); err != nil || !strings.Contains(string(kept), "letter 12") {
					t.Errorf("the reason is not kept: %s %v", kept, err)
				}
				a = log.follower(t, dir, now)
			}
			// The log as it was goes on.
			if r := look(t, a); len(r.Alarms) > 0 || r.Size != 460 || !r.Cosigned {
				t.Errorf("afterwards: %+v", r)
			}
		})
	}
}

// TestACopyThatWasChangedIsNotGoneOnWith edits the auditor's own copy.
func TestACopyThatWasChangedIsNotGoneOnWith(t *testing.T) {
	log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
	log.add(t, lawful(1, 5)...)
	first := log.follower(t, dir, time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))
	look(t, first)
	shut(t, first)
	var name string
	err := filepath.WalkDir(filepath.Join(dir, "ledger", "tile", "entries"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)-1] ^= 1
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	a := &Follower{Remote: os.DirFS(log.dir), Dir: dir, Keys: []note.Verifier{log.verifier}, Kinds: numbers(t), Now: time.Now}
	if err := a.Open(context.Background()); err == nil {
		t.Error("a changed copy was taken")
	}
}
