package oversight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
)

// traced is how many of the entries that a rule was asked about last are kept.
const traced = 8

// Asked is how often a rule was asked, and about which entries last.
type Asked struct {
	Rule    string    `json:"rule"`
	Checked uint64    `json:"checked"`
	At      time.Time `json:"at,omitzero"` // instant of the last of the entries
	Entries []uint64  `json:"entries"`     // their places in the log, the newest first
}

// Tracer is a replay that remembers beside each rule which entries it was asked
// about last, so that a number can be looked at. It costs about a microsecond an
// entry.
type Tracer struct {
	*Replay
	rules []trace
}

type trace struct {
	seen uint64
	n    int
	last [traced]uint64 // a ring
	at   int64
}

// NewTracer wraps a replay that has taken no entry yet.
func NewTracer(r *Replay) *Tracer { return &Tracer{r, make([]trace, len(ruleIDs))} }

// Take reads the next entry, as [Replay.Take] does.
func (t *Tracer) Take(index uint64, leaf []byte) error {
	err := t.Replay.Take(index, leaf)
	for i, id := range ruleIDs {
		x := &t.rules[i]
		if n := t.checked[id]; n != x.seen {
			x.seen, x.at, x.last[x.n%traced] = n, t.log.newest, index
			x.n++
		}
	}
	return err
}

// Asked lists the rules in the order in which they are shown.
func (t *Tracer) Asked() []Asked {
	out := make([]Asked, len(ruleIDs))
	for i, id := range ruleIDs {
		x := &t.rules[i]
		out[i] = Asked{Rule: id, Checked: t.checked[id], Entries: []uint64{}}
		if x.n > 0 {
			out[i].At = time.UnixMicro(x.at).UTC()
		}
		for k := x.n - 1; k >= max(0, x.n-traced); k-- {
			out[i].Entries = append(out[i].Entries, x.last[k%traced])
		}
	}
	return out
}

// Verify verifies a whole log from its files and replays it, as [ReplayLog] does;
// each is also given every entry, and may be nil. The checkpoint is what the
// tracer has read up to where nothing is wrong with the log. Errors are those of
// ctx and each, [tlog.ErrMoved] and [ErrHeld].
func (t *Tracer) Verify(ctx context.Context, fsys fs.FS, o Options, each func(index uint64, leaf []byte) error) (Result, tlog.Checkpoint, error) {
	var failed error
	res, err := tlog.Verify(ctx, fsys, tlog.Options{Keys: o.Keys, Earlier: o.Earlier, Progress: o.Progress, Replay: func(index uint64, leaf []byte) error {
		if failed == nil && each != nil {
			failed = each(index, leaf)
		}
		return t.Take(index, leaf)
	}})
	var bad tlog.Problems
	switch {
	case t.err != nil:
		return Result{}, tlog.Checkpoint{}, t.err
	case failed != nil:
		return Result{}, tlog.Checkpoint{}, failed
	case err != nil && !errors.As(err, &bad):
		return Result{}, tlog.Checkpoint{}, fmt.Errorf("replay: %w", err)
	}
	out := t.Close(o.Now)
	for _, p := range bad {
		out.Wrong(p)
	}
	out.Signer, out.Root = res.Signer, res.Checkpoint.Root.String()
	return out, res.Checkpoint, nil
}

// Wrong adds what is wrong with the log itself to a result.
func (r *Result) Wrong(p *tlog.Problem) {
	r.unsound = true
	a := Alarm{Code: string(p.Code), Path: p.Path, Text: p.Detail}
	if p.Entry != tlog.NoEntry {
		a.Entry = &p.Entry
	}
	if gap(p.Code) {
		r.Gaps = append(r.Gaps, a)
	} else {
		r.Alarms = append(r.Alarms, a)
	}
}

// Speak returns the result with its sentences in a language; the result itself
// stays as it is, so that several readers can have it at once.
func (r Result) Speak(p text.Printer) Result {
	r.Violations = append([]Violation{}, r.Violations...)
	r.Gaps, r.Alarms = append([]Alarm{}, r.Gaps...), append([]Alarm{}, r.Alarms...)
	r.speak(p)
	return r
}

// At is the instant of the entry that shows a violation.
func (v Violation) At() time.Time { return time.UnixMicro(v.at).UTC() }
