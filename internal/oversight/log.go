package oversight

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/measure"
)

// Options says how a log is replayed.
type Options struct {
	Keys     []note.Verifier // of the log; one of them must have signed it
	Kinds    approval.Rules
	Earlier  []tlog.Checkpoint        // that the log has to continue
	Now      time.Time                // when deadlines are judged; zero: at the newest entry
	Progress func(done, total uint64) // may be nil

	Measures   measure.Numbers // that measures are judged by; zero: those built in
	Commission string          // pseudonym of the commission in the log; empty: who acts as it first
	Lost       []Loss          // what the log said before it was put back; see [Losses]
}

// ReplayLog verifies a log from its files and replays the rules over its
// entries in one pass. What is wrong with the log itself is in Gaps and Alarms;
// an entry that does not stand the test is not replayed. Errors are those of
// ctx, [tlog.ErrMoved] and [ErrHeld].
func ReplayLog(ctx context.Context, fsys fs.FS, o Options) (Result, error) {
	_, out, err := replayLog(ctx, fsys, o)
	return out, err
}

func replayLog(ctx context.Context, fsys fs.FS, o Options) (*Replay, Result, error) {
	r, err := NewReplay(o.Kinds)
	if err != nil {
		return nil, Result{}, err
	}
	r.Pin(o.Commission)
	r.Number(o.Measures)
	r.lost = slices.Clone(o.Lost)
	res, err := tlog.Verify(ctx, fsys, tlog.Options{Keys: o.Keys, Earlier: o.Earlier, Progress: o.Progress, Replay: r.Take})
	var bad tlog.Problems
	if err != nil && !errors.As(err, &bad) {
		return nil, Result{}, fmt.Errorf("replay: %w", err)
	}
	if r.err != nil {
		return nil, Result{}, r.err
	}
	out := r.Close(o.Now)
	for _, p := range bad {
		out.Wrong(p)
	}
	out.Lost = o.Lost
	out.Signer, out.Root = res.Signer, res.Checkpoint.Root.String()
	return r, out, nil
}
