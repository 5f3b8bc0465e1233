package oversight

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
)

// put is a log that was put back to its first entries and went on from there.
func (f *logFolder) put(t *testing.T, back [][]byte, then ...[]byte) *logFolder {
	t.Helper()
	out := &logFolder{dir: t.TempDir(), signer: f.signer, verifier: f.verifier}
	out.add(t, back...)
	out.add(t, then...)
	return out
}

func (f *logFolder) options(t *testing.T) Options {
	return Options{Keys: []note.Verifier{f.verifier}, Kinds: numbers(t)}
}

// halted is an auditor's folder that saw a log of so many entries, and then one
// that was put back.
func halted(t *testing.T, log, back *logFolder, seen, now time.Time) (dir, vkey string) {
	t.Helper()
	dir = t.TempDir()
	a := log.follower(t, dir, seen)
	vkey = look(t, a).Witness
	shut(t, a)
	a = back.follower(t, dir, now)
	if r := look(t, a); !r.Halted {
		t.Fatalf("a log that was put back: %+v", r.Alarms)
	}
	shut(t, a)
	return dir, vkey
}

// TestALogThatWasPutBackIsFollowedAnew restores a hub from an old backup: once
// people have acknowledged it the copy so far is evidence, following begins anew
// under another key, and a replay says what was lost.
func TestALogThatWasPutBackIsFollowedAnew(t *testing.T) {
	leaves := lawful(1, 40)
	// An act that no table has, which the backup hides.
	hidden := bytes.Replace(entryAt(4000, after(t, leaves[398])), []byte("probe.put"), []byte("measure.enter"), 1)
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, leaves[:399]...)
	log.add(t, hidden)
	var then [][]byte
	for i := range 50 {
		then = append(then, entryAt(i+1, after(t, leaves[299]).Add(time.Duration(i)*time.Second)))
	}
	back, now := log.put(t, leaves[:300], then...), after(t, then[49])
	dir, key := halted(t, log, back, after(t, hidden), now)
	if _, err := Acknowledge(dir, "restored, letter 12", true, time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := openLog(dir); err == nil {
		t.Error("there is a copy before anybody followed")
	}
	for _, name := range []string{"ledger/checkpoint", "cosigned", "auditor.vkey"} {
		if _, err := os.Stat(filepath.Join(dir, "before", "1", name)); err != nil {
			t.Errorf("the evidence: %v", err)
		}
	}
	if got, err := filepath.Glob(filepath.Join(dir, "before", "*", "auditor.key*")); err != nil || len(got) > 0 {
		t.Errorf("the old secret key is still there: %v %v", got, err)
	}
	a := back.follower(t, dir, now)
	r := look(t, a)
	if len(r.Alarms)+len(r.Gaps) > 0 || r.Size != 350 || !r.Cosigned || r.Witness == key {
		t.Fatalf("followed anew: size %d, %+v, the same key %v", r.Size, r.Alarms, r.Witness == key)
	}
	shut(t, a)
	lost, alarms, err := Losses(t.Context(), dir, log.options(t))
	if err != nil || len(alarms) > 0 || len(lost) != 1 {
		t.Fatalf("%v %v %v", lost, alarms, err)
	}
	l, power := lost[0], uint64(0)
	for _, n := range l.Power {
		power += n
	}
	if l.From != 300 || l.Entries != 100 || power == 0 || l.Why != "restored, letter 12" || l.First == "" || l.Last < l.First {
		t.Errorf("%+v", l)
	}
	if len(l.Violations) != 1 || l.Violations[0].Rule != ruleVerb || !slices.Equal(l.Violations[0].Entries, []uint64{399}) {
		t.Errorf("what the backup hid: %+v", l.Violations)
	}
	res, err := ReplayLog(t.Context(), os.DirFS(filepath.Join(dir, "ledger")), log.options(t))
	if err != nil || !res.Clean() {
		t.Fatalf("the log as it is now: %+v %v", res.Violations, err)
	}
	if res.Lost = lost; res.Clean() {
		t.Error("a violation that was lost is none")
	}
	// It is put back a second time.
	again := log.put(t, leaves[:200], leaves[450:500]...)
	a = again.follower(t, dir, after(t, leaves[499]))
	look(t, a)
	shut(t, a)
	if _, err := Acknowledge(dir, "again, letter 13", true, time.Now()); err != nil {
		t.Fatal(err)
	}
	a = again.follower(t, dir, after(t, leaves[499]))
	if r := look(t, a); len(r.Alarms) > 0 || r.Size != 250 {
		t.Errorf("%+v", r)
	}
	shut(t, a)
	lost, _, err = Losses(t.Context(), dir, log.options(t))
	if err != nil || len(lost) != 2 || lost[0].From != 200 || lost[0].Entries != 200 || lost[1].From != 200 || lost[1].Entries != 150 || lost[1].Before != "before/2" {
		t.Errorf("twice: %+v %v", lost, err)
	}
	// The evidence is changed.
	name := filepath.Join(dir, "before", "1", "ledger", "tile", "entries", "000")
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(name, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, alarms, err := Losses(t.Context(), dir, log.options(t)); err != nil || len(alarms) == 0 {
		t.Errorf("changed evidence: %v %v", alarms, err)
	}
}

// TestFollowingBeginsAnewOnlyWhereALogWasPutBack refuses it after other alarms, and
// where nothing stands.
func TestFollowingBeginsAnewOnlyWhereALogWasPutBack(t *testing.T) {
	leaves := lawful(1, 10)
	log, dir := newFolder(t, t.TempDir(), "log.example/test"), t.TempDir()
	log.add(t, leaves[:50]...)
	a := log.follower(t, dir, after(t, leaves[0]).Add(-time.Hour)) // all of it is ahead of this clock
	if r := look(t, a); len(r.Alarms) == 0 {
		t.Fatal("no alarm")
	}
	shut(t, a)
	if _, err := Acknowledge(dir, "why", true, time.Now()); !errors.Is(err, ErrNotBack) {
		t.Errorf("after an alarm about times: %v", err)
	}
	if _, err := Acknowledge(dir, "why", false, time.Now()); err != nil {
		t.Error(err)
	}
	if _, err := Acknowledge(dir, "why", true, time.Now()); !errors.Is(err, ErrNothing) {
		t.Errorf("where nothing stands: %v", err)
	}
	lost, alarms, err := Losses(t.Context(), dir, log.options(t))
	if err != nil || len(lost)+len(alarms) > 0 {
		t.Errorf("%v %v %v", lost, alarms, err)
	}
}

// TestPuttingAsideMayEndAtAnyStep ends the process at each step of putting the copy
// aside: it is there whole, before or aside, and goes on either way.
func TestPuttingAsideMayEndAtAnyStep(t *testing.T) {
	leaves := lawful(1, 40)
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, leaves[:400]...)
	back, now := log.put(t, leaves[:300], leaves[401:450]...), after(t, leaves[449])
	ready, _ := halted(t, log, back, after(t, leaves[399]), now)
	for fail := 1; ; fail++ {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(ready)); err != nil {
			t.Fatal(err)
		}
		n := 0
		_, err := acknowledge(dir, "letter 12", true, now, func(step string) error {
			if n++; n >= fail {
				return fmt.Errorf("%s: %w", step, errDisk)
			}
			return nil
		})
		if err == nil {
			if fail < 8 {
				t.Errorf("putting aside has %d steps only", fail)
			}
			break
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("step %d: %v", fail, err)
		}
		if fail%2 == 0 { // somebody tries again at once
			if _, err := Acknowledge(dir, "letter 12", true, now); err != nil && !errors.Is(err, ErrNothing) {
				t.Errorf("step %d, again: %v", fail, err)
			}
		}
		a := back.follower(t, dir, now)
		r, err := a.Once(t.Context())
		shut(t, a)
		if errors.Is(err, ErrHalted) { // it had not begun
			if r.Size != 400 {
				t.Errorf("step %d: the copy has %d entries", fail, r.Size)
			}
			if _, err := Acknowledge(dir, "letter 12", true, now); err != nil {
				t.Fatalf("step %d: %v", fail, err)
			}
			a = back.follower(t, dir, now)
			r, err = a.Once(t.Context())
			shut(t, a)
		}
		if err != nil || r.Size != 349 || !r.Cosigned || len(r.Alarms) > 0 {
			t.Errorf("step %d: size %d, %+v, %v", fail, r.Size, r.Alarms, err)
		}
		res, err := tlog.Verify(t.Context(), os.DirFS(filepath.Join(dir, "before", "1", "ledger")), tlog.Options{Keys: []note.Verifier{log.verifier}})
		if err != nil || res.Checkpoint.Size != 400 {
			t.Errorf("step %d: the evidence: %d entries, %v", fail, res.Checkpoint.Size, err)
		}
		lost, _, err := Losses(t.Context(), dir, log.options(t))
		if err != nil || len(lost) != 1 || lost[0].From != 300 {
			t.Errorf("step %d: %+v %v", fail, lost, err)
		}
		if got, _ := filepath.Glob(filepath.Join(dir, "before", "*", "auditor.key")); len(got) > 0 {
			t.Errorf("step %d: the old secret key is still there", fail)
		}
	}
}

// replayed follows a log that was put back, and replays the auditor's folder.
func replayed(t *testing.T, log, back *logFolder, seen, now time.Time) Result {
	t.Helper()
	dir, _ := halted(t, log, back, seen, now)
	if _, err := Acknowledge(dir, "restored, letter 12", true, now); err != nil {
		t.Fatal(err)
	}
	a := back.follower(t, dir, now)
	look(t, a)
	shut(t, a)
	fsys, _, err := openLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, res, err := replayDir(t.Context(), dir, fsys, back.options(t))
	if err != nil || len(res.Alarms)+len(res.Gaps) > 0 {
		t.Fatalf("%+v %+v %v", res.Alarms, res.Gaps, err)
	}
	return res
}

// TestALostRevocationStillHolds puts a log back to before a revocation and begins a
// run under that approval: both histories are lawful, and what they hide is found.
func TestALostRevocationStillHolds(t *testing.T) {
	var all [][]byte
	var begin int
	var revoke []byte
	for seed := uint64(1); revoke == nil && seed < 50; seed++ {
		decided := map[string]string{} // who decided, by the approval
		var e entry
		for i, leaf := range lawful(seed, 6) {
			if !e.read(leaf) {
				t.Fatal("no entry")
			}
			e.split()
			who := decided[string(e.grant)]
			switch {
			case string(e.verb) == "approval.decide" && string(e.text("to")) == "approved":
				_, x, _ := about(e.object)
				decided[string(x[:])] = fmt.Sprintf(`"who":%q,"org":%q,"verb":"approval.revoke","object":%q,"outcome":"done","public":{"from":"approved","kind":%q,"to":"revoked"}}`, e.who, e.org, e.object, e.text("kind"))
			case string(e.verb) == "selection.run" && e.has("approval") && who != "":
				all, begin = lawful(seed, 6), i
				head, _, _ := bytes.Cut(entryAt(7, time.UnixMicro(e.at)), []byte(`"verb"`))
				revoke = append(bytes.Clone(head), who...)
			}
			if revoke != nil {
				break
			}
		}
	}
	if revoke == nil {
		t.Fatal("no history has a run under an approval")
	}
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, all[:begin]...)
	log.add(t, revoke)
	log.add(t, entryAt(8, after(t, revoke)))
	back := log.put(t, all[:begin], all[begin])
	for _, f := range []*logFolder{log, back} {
		if res, err := ReplayLog(t.Context(), os.DirFS(f.dir), f.options(t)); err != nil || !res.Clean() {
			t.Fatalf("each alone is lawful: %+v %v", res.Violations, err)
		}
	}
	res := replayed(t, log, back, after(t, revoke).Add(time.Second), after(t, all[begin]))
	if len(res.Violations) != 1 || res.Violations[0].Rule != ruleLive || res.Violations[0].Found != "lost_end" || !slices.Contains(res.Violations[0].Entries, uint64(begin)) {
		t.Errorf("a run under an approval that was revoked: %+v", res.Violations)
	}
	// Nobody begins anything: that a revocation is lost is said all the same.
	back = log.put(t, all[:begin], entryAt(9, after(t, revoke)))
	res = replayed(t, log, back, after(t, revoke).Add(time.Second), after(t, revoke).Add(time.Second))
	if len(res.Violations) > 0 || res.Clean() || res.Lost[0].Power["approval.revoke"] != 1 || fault.Of(res.Fault()).Code != ErrLost.Code {
		t.Errorf("a lost revocation: %+v %v", res, res.Fault())
	}
	// What is lost is no power.
	log = log.put(t, all[:begin], entryAt(8, after(t, revoke)))
	if res = replayed(t, log, back, after(t, revoke).Add(time.Second), after(t, revoke).Add(time.Second)); res.Lost[0].Entries != 1 || !res.Clean() || res.Fault() != nil {
		t.Errorf("an entry is lost that is no act of power: %+v", res)
	}
}

// TestWhatWasWrongBeforeIsNotLost has more violations than are listed before a log
// was put back, and one after: one is lost.
func TestWhatWasWrongBeforeIsNotLost(t *testing.T) {
	at := time.Date(2027, 6, 1, 0, 0, 0, 0, time.UTC)
	var all [][]byte
	for i := range maxListed + 50 {
		all = append(all, bytes.Replace(entryAt(i+1, at.Add(time.Duration(i)*time.Second)), []byte("probe.put"), []byte("measure.enter"), 1))
	}
	kept, now := len(all)-1, at.Add(2*time.Hour)
	log := newFolder(t, t.TempDir(), "log.example/test")
	log.add(t, all...)
	res := replayed(t, log, log.put(t, all[:kept-10], entryAt(5000, at.Add(time.Hour))), now, now)
	if l := res.Lost[0]; l.Entries != 11 || len(l.Violations) != 11 || l.More != 0 {
		t.Errorf("lost: %d entries, %d violations and %d more", l.Entries, len(l.Violations), l.More)
	}
	if len(res.Violations) != maxListed || res.More != uint64(kept-10-maxListed) {
		t.Errorf("now: %d violations and %d more", len(res.Violations), res.More)
	}
}
