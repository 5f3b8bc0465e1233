package oversight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"time"

	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
)

// A log that was put back from a backup is another history, and no copy can go on
// from one into the other. When people have acknowledged that, the copy so far
// becomes evidence, and following begins anew beside it:
//
//	before/1/   ledger/, cosigned and auditor.vkey, as they were at the first time
//
// The key of the witness goes with the copy, and its secret half is destroyed: a
// witness never cosigns two histories (c2sp.org/tlog-witness).
const beforeDir = "before"

// Branch is that following began anew, and why.
type Branch struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// restorable are alarms after which following may begin anew.
func restorable(a Alarm) bool {
	return a.Code == rolledBack || a.Code == forked || a.Code == string(tlog.Differs)
}

// turn puts the copy so far aside, and lets following begin anew. What the memory
// says to be turned is turned by whoever opens the folder next: a process may end
// at any step.
func (m *memory) turn(w *folder.Writer) error {
	if m.Turn == nil {
		return nil
	}
	to := fmt.Sprintf("%s/%d", beforeDir, len(m.Branches)+1)
	for _, name := range []string{"ledger", cosignedFile, publicFile, secretFile} {
		if err := w.Move(name, to+"/"+name); err != nil {
			return err
		}
	}
	if err := w.Remove(to + "/" + secretFile); err != nil {
		return err
	}
	*m = memory{Branches: append(m.Branches, *m.Turn)}
	return m.write(w)
}

// Loss is what a log no longer says since it was put back: what an auditor's copy
// had and the log that is followed now does not have.
type Loss struct {
	Before  string            `json:"before"`          // folder of the copy, below the auditor's
	From    uint64            `json:"from"`            // place of the first entry that is gone or another
	Entries uint64            `json:"entries"`         // how many
	Power   map[string]uint64 `json:"power"`           // acts of power and of its oversight among them, by verb
	First   string            `json:"first,omitempty"` // instants of the first and the last of them
	Last    string            `json:"last,omitempty"`
	At      time.Time         `json:"at"` // when that was acknowledged, and why
	Why     string            `json:"why"`

	Violations []Violation `json:"violations"` // that lost entries show; their places are of the old copy
	More       uint64      `json:"more_violations,omitempty"`

	ends []lostEnd // what was revoked, withdrawn or refused by them
}

// Losses reads what was lost from an auditor's folder; none where it has one copy
// alone, or is the folder of a log. An old copy that was changed is an alarm. Errors
// are those of ctx and of reading, [tlog.ErrMoved] and [ErrHeld].
func Losses(ctx context.Context, dir string, o Options) (out []Loss, alarms []Alarm, err error) {
	var m memory
	if err := m.read(dir); err != nil {
		return nil, nil, err
	}
	now := os.DirFS(filepath.Join(dir, "ledger"))
	for i, b := range m.Branches {
		l := Loss{Before: beforeDir + "/" + strconv.Itoa(i+1), At: b.At, Why: b.Why, Power: map[string]uint64{}, Violations: []Violation{}}
		bad, err := l.read(ctx, os.DirFS(filepath.Join(dir, filepath.FromSlash(l.Before), "ledger")), now, o)
		if err != nil {
			return nil, nil, fmt.Errorf("old copy: %w", err)
		}
		for _, a := range bad {
			a.Path = l.Before + "/" + a.Path
			alarms = append(alarms, a)
		}
		out = append(out, l)
	}
	return out, alarms, nil
}

// read replays an old copy and holds it against the log as it is now.
func (l *Loss) read(ctx context.Context, old, now fs.FS, o Options) ([]Alarm, error) {
	was, err := headOf(old)
	if err != nil {
		return nil, err
	}
	is, err := headOf(now)
	if err != nil {
		return nil, err
	}
	if l.From, err = common(old, was, now, is); err != nil {
		return nil, err
	}
	l.Entries = was - l.From
	r, err := NewReplay(o.Kinds)
	if err != nil {
		return nil, err
	}
	r.Pin(o.Commission)
	r.Number(o.Measures)
	r.since = l.From
	var e entry
	_, err = tlog.Verify(ctx, old, tlog.Options{Keys: o.Keys, Replay: func(index uint64, leaf []byte) error {
		if e.index = index; index >= l.From && e.read(leaf) {
			l.take(&e)
		}
		return r.Take(index, leaf)
	}})
	var bad tlog.Problems
	switch {
	case r.err != nil:
		return nil, r.err
	case err != nil && !errors.As(err, &bad):
		return nil, err
	}
	res := r.Close(time.Time{})
	for _, p := range bad {
		res.Wrong(p)
	}
	l.Violations, l.More = res.Violations, res.More
	return append(res.Gaps, res.Alarms...), nil
}

// take counts an entry that is lost.
func (l *Loss) take(e *entry) {
	at := time.UnixMicro(e.at).UTC().Format(time.RFC3339)
	if l.First == "" {
		l.First = at
	}
	e.split()
	if l.Last = at; !e.refused && (powers[string(nounOf(e.verb))] || string(nounOf(e.verb)) == "request" && e.has("chain")) {
		l.Power[string(e.verb)]++
		l.end(e)
	}
}

// headOf is the size of a log by its own checkpoint.
func headOf(fsys fs.FS) (uint64, error) {
	signed, err := fs.ReadFile(fsys, tlog.CheckpointPath)
	if err != nil {
		return 0, err
	}
	c, err := tlog.OpenCheckpoint(signed)
	return c.Size, err
}

// common is how many entries two copies of a log begin with alike: the place of the
// first that differs. It trusts the files, which are verified beside it.
func common(a fs.FS, na uint64, b fs.FS, nb uint64) (uint64, error) {
	ra, err := tlog.NewReader(a, na)
	if err != nil {
		return 0, err
	}
	rb, err := tlog.NewReader(b, nb)
	if err != nil {
		return 0, err
	}
	var failed error
	differ := func(n int) bool { // the trees of the first n+1 entries
		x, err := ra.Root(uint64(n) + 1)
		if err == nil {
			var y tlog.Hash
			if y, err = rb.Root(uint64(n) + 1); err == nil {
				return x != y
			}
		}
		failed = err
		return true
	}
	n := sort.Search(int(min(na, nb)), differ)
	return uint64(n), failed
}
