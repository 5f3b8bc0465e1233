package oversight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
)

// entryAt is a leaf that says a time; nothing else about it matters.
func entryAt(n int, at time.Time) []byte {
	ms := at.UnixMilli()
	return fmt.Appendf(nil, `{"v":1,"id":"%08x-%04x-7%03x-8000-%012x","at":%q,"verb":"probe.put","outcome":"done"}`, ms>>16, ms&0xffff, n&0xfff, n, at.UTC().Format(time.RFC3339Nano))
}

func codes(r Round) (out []string) {
	for _, a := range r.Alarms {
		out = append(out, a.Code)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestTimesAreHeldAgainstTheAuditorsClock lets entries come of a time that has
// not come, and entries of a time at which the log did not have them.
func TestTimesAreHeldAgainstTheAuditorsClock(t *testing.T) {
	log, dir, now := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir(), time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC)
	a := log.follower(t, dir, now)
	a.Now = func() time.Time { return now }
	step := func(what string, want []string, ats ...time.Duration) {
		t.Helper()
		for i, d := range ats {
			log.add(t, entryAt(int(log.tree.Size())+i, now.Add(d)))
		}
		if got := codes(look(t, a)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	step("an old log, seen for the first time", nil, -1000*time.Hour, -time.Hour, 0)
	now = now.Add(time.Hour)
	step("since the last look, in the time that clocks may differ", nil, -time.Hour-299*time.Second, 299*time.Second)
	now = now.Add(time.Hour)
	step("from the future", []string{aheadOfUs}, 301*time.Second)
	now = now.Add(time.Hour)
	step("written afterwards", []string{aheadOfUs, cameLate}, -time.Hour-400*time.Second)
	shut(t, a)
	a = log.follower(t, dir, now)
	if got := look(t, a); !slices.Equal(codes(got), []string{aheadOfUs, cameLate}) || len(got.Alarms) != 2 || *got.Alarms[1].Entry != 6 || got.Alarms[1].Seconds < 400 {
		t.Errorf("a restart forgot: %+v", got.Alarms)
	}
	shut(t, a)
	if _, err := Acknowledge(dir, "the hub's clock was wrong, see letter 3", false, now); err != nil {
		t.Fatal(err)
	}
	a = log.follower(t, dir, now.Add(-time.Hour))
	if got := codes(look(t, a)); !slices.Equal(got, []string{ownClock}) {
		t.Errorf("the own clock went back: %v", got)
	}
}

// TestSilenceIsAnAlarm lets a hub stop, whether it can be reached or not.
func TestSilenceIsAnAlarm(t *testing.T) {
	log, dir, now := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir(), time.Date(2027, 4, 1, 9, 0, 0, 0, time.UTC)
	a := log.follower(t, dir, now)
	a.Now, a.Silence = func() time.Time { return now }, 30*time.Minute
	log.add(t, entryAt(1, now))
	for _, c := range []struct {
		after time.Duration
		adds  bool
		want  []string
	}{{0, false, nil}, {29 * time.Minute, false, nil}, {2 * time.Minute, false, []string{fellSilent}}, {time.Minute, true, nil}, {31 * time.Minute, false, []string{fellSilent}}} {
		if now = now.Add(c.after); c.adds {
			log.add(t, entryAt(int(log.tree.Size())+1, now))
		}
		if got := look(t, a); !slices.Equal(codes(got), c.want) || !got.Cosigned {
			t.Errorf("%s: %v, want %v", now, codes(got), c.want)
		}
	}
	a.Remote = tlog.Fetch(func(string) ([]byte, error) { return nil, errors.New("no route") })
	if r, err := a.Once(t.Context()); err == nil || !slices.Equal(codes(r), []string{fellSilent}) {
		t.Errorf("out of reach: %v %v", codes(r), err)
	}
	shut(t, a)
	b := log.follower(t, t.TempDir(), now.Add(time.Hour))
	b.Silence = 30 * time.Minute
	if r := look(t, b); !slices.Equal(codes(r), []string{fellSilent}) {
		t.Errorf("a log that was silent already: %v", codes(r))
	}
}

func TestOneAuditorAFolder(t *testing.T) {
	log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
	log.add(t, lawful(1, 2)...)
	log.follower(t, dir, time.Now())
	b := &Follower{Remote: os.DirFS(log.dir), Dir: dir, Keys: []note.Verifier{log.verifier}, Kinds: numbers(t), Now: time.Now}
	if err := b.Open(t.Context()); !errors.Is(err, folder.ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
}

var errDisk = errors.New("no room on the disk")

// TestAnyStepMayFail fails every step of a round in turn, once as a disk that
// recovers and once as the end of the process: the folder opens, nothing counts
// twice, and the next look has everything.
func TestAnyStepMayFail(t *testing.T) {
	leaves := lawful(1, 25)
	cut := 300
	if len(leaves) < cut+260 {
		t.Fatalf("a history of %d entries is too short", len(leaves))
	}
	leaves = leaves[:cut+260]
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, leaves[:cut]...)
	half := t.TempDir()
	first := log.follower(t, half, after(t, leaves[cut-1]))
	look(t, first)
	shut(t, first)
	log.add(t, leaves[cut:]...)
	now := after(t, leaves[len(leaves)-1])
	whole := log.follower(t, t.TempDir(), now)
	want := look(t, whole)
	for _, dies := range []bool{false, true} {
		for fail := 1; ; fail++ {
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(half)); err != nil {
				t.Fatal(err)
			}
			n := 0
			a := &Follower{Remote: os.DirFS(log.dir), Dir: dir, Keys: []note.Verifier{log.verifier}, Kinds: numbers(t), Now: func() time.Time { return now }}
			a.inject = func(step string) error {
				if n++; n == fail || dies && n > fail {
					if what, name, _ := strings.Cut(step, " "); what == "write" && n == fail { // torn in the middle
						_ = os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700)
						_ = os.WriteFile(filepath.Join(dir, name), []byte("torn"), 0o600)
					}
					return fmt.Errorf("%s: %w", step, errDisk)
				}
				return nil
			}
			err := a.Open(t.Context())
			if err == nil {
				_, err = a.Once(t.Context())
			}
			if err == nil && n < fail {
				if fail < 12 {
					t.Errorf("a round has %d steps only", fail)
				}
				shut(t, a)
				break
			}
			if err != nil && !errors.Is(err, errDisk) {
				t.Fatalf("step %d: %v", fail, err)
			}
			if dies || err != nil && a.lock == nil {
				shut(t, a)
				a = log.follower(t, dir, now)
			}
			a.inject, a.files.Inject, a.seal.files.Inject = nil, nil, nil
			r, err := a.Once(t.Context())
			if err != nil || r.Size != want.Size || r.Entries != want.Entries || !r.Cosigned || len(r.Violations) != len(want.Violations) || len(r.Alarms)+len(r.Gaps) > 0 {
				t.Errorf("after a failure of step %d (dies %v): %d of %d entries, %d violations, %v %v", fail, dies, r.Entries, want.Entries, len(r.Violations), r.Alarms, err)
			}
			for rule, count := range want.Checked {
				if rule != ruleOutcome && rule != ruleErased && r.Checked[rule] != count { // those are asked at every look
					t.Errorf("after a failure of step %d (dies %v): %s was asked %d times, not %d", fail, dies, rule, r.Checked[rule], count)
				}
			}
			shut(t, a)
			if _, err := tlog.Verify(context.Background(), os.DirFS(filepath.Join(dir, "ledger")), tlog.Options{Keys: []note.Verifier{log.verifier}}); err != nil {
				t.Errorf("the copy after step %d: %v", fail, err)
			}
		}
	}
}

// TestAKilledAuditorOpensAgain kills a process that follows, at many instants.
func TestAKilledAuditorOpensAgain(t *testing.T) {
	const logDir, ownDir, key = "AUDITOR_TEST_LOG", "AUDITOR_TEST_DIR", "AUDITOR_TEST_KEY"
	if dir := os.Getenv(ownDir); dir != "" { // the child: follows until it is killed
		v, err := note.NewVerifier(os.Getenv(key))
		if err != nil {
			t.Fatal(err)
		}
		for {
			a := &Follower{Remote: os.DirFS(os.Getenv(logDir)), Dir: dir, Keys: []note.Verifier{v}, Kinds: numbers(t), Now: time.Now}
			if err := a.Open(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Once(t.Context()); err != nil {
				t.Fatal(err)
			}
			a.Close()
		}
	}
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, lawful(1, 60)...)
	dir := t.TempDir()
	for i := range 8 {
		child := exec.Command(os.Args[0], "-test.run=^TestAKilledAuditorOpensAgain$")
		child.Env = append(os.Environ(), logDir+"="+log.dir, ownDir+"="+dir, key+"="+log.vkey)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+35*i) * time.Millisecond)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := child.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Fatalf("the child ended by itself: %v", err)
		}
		a := log.follower(t, dir, time.Now().AddDate(20, 0, 0))
		a.Now = time.Now // only the times of the history are ahead
		if i == 7 {
			if r := look(t, a); r.Size != log.tree.Size() || !r.Cosigned {
				t.Errorf("after all that: %+v", r)
			}
		}
		shut(t, a)
	}
}

// TestWhatIsTakenInAtATimeIsBounded serves the largest bundles there are.
func TestWhatIsTakenInAtATimeIsBounded(t *testing.T) {
	bundle := make([]byte, 256*(2+tlog.MaxEntry))
	for at := 0; at < len(bundle); at += 2 + tlog.MaxEntry {
		bundle[at], bundle[at+1] = 0xff, 0xff
	}
	asked := 0
	f := &Follower{Remote: tlog.Fetch(func(string) ([]byte, error) { asked++; return bundle, nil })}
	leaves, bad, err := f.fetch(t.Context(), 0, 256*1000)
	if err != nil || bad != nil || asked > 1 || len(leaves) != 256*asked {
		t.Errorf("%d bundles of 16 MiB at a time: %d entries, %v %v", asked, len(leaves), bad, err)
	}
	f.Remote = tlog.Fetch(func(string) ([]byte, error) { return append(bundle, 1), nil })
	if _, bad, err := f.fetch(t.Context(), 0, 256*1000); err != nil || bad == nil {
		t.Errorf("a bundle that is too long: %v %v", bad, err)
	}
}
