package oversight

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/engine/tlog"
)

// follower opens an auditor's folder that follows a log.
func (f *folder) follower(t *testing.T, dir string, now time.Time) *Follower {
	t.Helper()
	a := &Follower{Remote: os.DirFS(f.dir), Dir: dir, Keys: []note.Verifier{f.verifier}, Kinds: numbers(t), Now: func() time.Time { return now }}
	if err := a.Open(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a
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
	log, dir, now := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir(), time.Date(2028, 2, 1, 0, 0, 0, 0, time.UTC)
	for at, step := 0, 1; at < len(leaves); step *= 3 {
		to := min(len(leaves), at+step)
		log.add(t, leaves[at:to]...)
		a := log.follower(t, dir, now)
		r := look(t, a)
		if len(r.Alarms)+len(r.Gaps) > 0 || r.Size != uint64(to) || r.New != uint64(to-at) || !r.Cosigned || r.Entries != uint64(to) {
			t.Fatalf("after %d entries: %+v", to, r)
		}
		if r := look(t, a); r.New != 0 || len(r.Alarms) > 0 {
			t.Fatalf("nothing new: %+v", r)
		}
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
	w, err := ReadWitness(string(vkey))
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
	now := time.Date(2028, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, code string
		then       func(t *testing.T, log *folder, other *folder)
	}{
		{"rollback", rolledBack, func(t *testing.T, log, other *folder) { other.add(t, leaves[:300]...) }},
		{"fork at the same size", forked, func(t *testing.T, log, other *folder) {
			other.add(t, leaves[:299]...)
			other.add(t, leaves[301])
			other.add(t, leaves[302:402]...)
		}},
		{"fork further on", forked, func(t *testing.T, log, other *folder) {
			other.add(t, leaves[:299]...)
			other.add(t, leaves[301:500]...)
		}},
		{"another key", string(tlog.Unsigned), func(t *testing.T, log, other *folder) {
			stranger := newFolder(t, other.dir, "log.example/test")
			stranger.add(t, leaves[:450]...)
		}},
		{"entries that were not signed", string(tlog.Differs), func(t *testing.T, log, other *folder) {
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
		{"entries that are gone", string(tlog.Missing), func(t *testing.T, log, other *folder) {
			other.add(t, leaves[:450]...)
			if err := os.Remove(filepath.Join(other.dir, "tile", "entries", "001.p", "194")); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
			log.add(t, leaves[:400]...)
			look(t, log.follower(t, dir, now))
			other := &folder{dir: t.TempDir(), signer: log.signer, verifier: log.verifier}
			c.then(t, log, other)
			a := other.follower(t, dir, now)
			r := look(t, a)
			if len(r.Alarms) != 1 || r.Alarms[0].Code != c.code || r.Cosigned || r.Size != 400 {
				t.Fatalf("%+v", r.Alarms)
			}
			if kept, err := os.ReadDir(filepath.Join(dir, "evidence")); err != nil || len(kept) != 1 {
				t.Errorf("evidence: %v %v", kept, err)
			}
			// The log as it was goes on as if nothing had happened.
			log.add(t, leaves[400:460]...)
			if r := look(t, log.follower(t, dir, now)); len(r.Alarms) > 0 || r.Size != 460 {
				t.Errorf("afterwards: %+v", r)
			}
		})
	}
}

// TestACopyThatWasChangedIsNotGoneOnWith edits the auditor's own copy.
func TestACopyThatWasChangedIsNotGoneOnWith(t *testing.T) {
	log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
	log.add(t, lawful(1, 5)...)
	look(t, log.follower(t, dir, time.Time{}))
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
