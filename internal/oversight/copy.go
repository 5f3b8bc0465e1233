package oversight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/folder"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/measure"
)

// Codes of what an auditor finds when it follows a log, beside those of
// engine/tlog.
const (
	rolledBack = "rolled_back" // the log has fewer entries than it had
	forked     = "forked"      // it tells another history than it told
	aheadOfUs  = "ahead"       // an entry says a time that has not come yet
	cameLate   = "came_late"   // an entry says a time at which the log did not have it
	fellSilent = "silent"      // nothing new came for longer than the log is ever still
	ownClock   = "own_clock"   // the auditor's own clock went back
)

// Follower keeps a copy of a log of its own and takes nothing into it that does
// not continue it. Its folder:
//
//	ledger/     the copy, as the log's own folder
//	cosigned    the newest checkpoint with our cosignature
//	evidence/   signed checkpoints that contradict the copy
//	memory      what has to be known after a restart: see memory
//	acknowledged   who went on after an alarm, and why; a line each
//	before/     copies of a log that was put back since: see turn
//	auditor.key, auditor.vkey   the witness's key
//	lock        held by the one process that follows
type Follower struct {
	Remote fs.FS // the log
	Dir    string
	Keys   []note.Verifier
	Kinds  approval.Rules
	Now    func() time.Time

	// Commission is its pseudonym in the log; empty: who acts as it first.
	Commission string
	Measures   measure.Numbers // that measures are judged by; zero: those built in
	// Silence is how long nothing new may come; 0 for ever. A hub writes an entry
	// when nothing else happens, so that silence is a sign.
	Silence time.Duration
	// Send gives the log the checkpoint with our cosignature; nil keeps it here.
	Send func(ctx context.Context, cosigned []byte) error

	inject func(step string) error // see folder.Writer
	files  folder.Writer
	lock   io.Closer
	memory memory
	replay *Replay
	tree   tlog.Tree
	have   tlog.Checkpoint
	began  time.Time // when it was opened
	dirty  bool      // the copy may hold more than its checkpoint accounts for
	stale  bool      // the replay may have read more or less than the copy
	seal   seal
}

// Round is what one look at the log came to.
type Round struct {
	Origin   string `json:"origin"`
	Size     uint64 `json:"size"`
	New      uint64 `json:"new"` // entries that came in
	Root     string `json:"root"`
	Cosigned bool   `json:"cosigned"`
	Sent     bool   `json:"sent"`    // the log has our cosignature
	Witness  string `json:"witness"` // verifier key of the cosignature
	Halted   bool   `json:"halted"`  // following ended until somebody acknowledges
	Result
	unsent error
}

// ErrHalted says that the log contradicted itself, now or before a restart, and
// that nobody has acknowledged it yet.
var ErrHalted = errors.New("the log contradicted its own past; somebody has to acknowledge that before it is followed further")

// Open takes the folder for this process, reads the copy back, verifies every
// file of it and replays it. A copy that was changed is an error; folder.ErrLocked
// says that another process follows.
func (f *Follower) Open(ctx context.Context) (err error) {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return fmt.Errorf("auditor's folder: %w", err)
	}
	lock, err := folder.Lock(filepath.Join(f.Dir, "lock"))
	if err != nil {
		return fmt.Errorf("auditor's folder: %w", err)
	}
	f.lock, f.began = lock, f.Now()
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	f.files = folder.Writer{Dir: f.Dir, Mode: 0o600, Inject: f.inject}
	if err := f.memory.read(f.Dir); err != nil {
		return err
	}
	if err := f.memory.turn(&f.files); err != nil {
		return fmt.Errorf("auditor's folder: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(f.Dir, "ledger"), 0o700); err != nil {
		return fmt.Errorf("auditor's folder: %w", err)
	}
	if err := f.seal.open(&f.files, f.Keys); err != nil {
		return err
	}
	if f.memory.Halted {
		f.seal.halt()
	}
	return f.rebuild(ctx)
}

// Close gives the folder back.
func (f *Follower) Close() error {
	if f.lock == nil {
		return nil
	}
	err := f.lock.Close()
	f.lock = nil
	return err
}

// rebuild reads everything from what is durably kept.
func (f *Follower) rebuild(ctx context.Context) (err error) {
	if f.replay, err = NewReplay(f.Kinds); err != nil {
		return err
	}
	f.replay.Pin(f.Commission)
	f.replay.Number(f.Measures)
	f.tree, f.have, f.stale = tlog.Tree{}, tlog.Checkpoint{}, true
	local := os.DirFS(filepath.Join(f.Dir, "ledger"))
	signed, err := fs.ReadFile(local, tlog.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		f.stale = false
		return f.sweep()
	}
	if err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	have, err := tlog.OpenCheckpoint(signed, f.Keys...)
	if err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	f.have = have
	if err := f.sweep(); err != nil {
		return err
	}
	if _, err := tlog.Verify(ctx, local, tlog.Options{Keys: f.Keys, Replay: f.replay.Take}); err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	if f.replay.err != nil {
		return f.replay.err
	}
	if f.tree, err = tlog.Restore(local, f.have.Size, f.have.Root); err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	f.stale = false
	return nil
}

// sweep removes what a round that did not end left in the copy.
func (f *Follower) sweep() error {
	f.dirty = true
	extra, err := tlog.Extra(os.DirFS(filepath.Join(f.Dir, "ledger")), f.have.Size)
	if err != nil {
		return fmt.Errorf("auditor's copy: %w", err)
	}
	for _, name := range extra {
		if err := f.files.Remove("ledger/" + name); err != nil {
			return fmt.Errorf("auditor's copy: %w", err)
		}
	}
	f.dirty = false
	return nil
}

// Once looks at the log once. What contradicts the copy is an alarm in the
// round, kept as evidence, and changes nothing here. Errors are those of
// reaching the log and of the disk, and [ErrHalted]; a round that comes with
// one still says what stands.
func (f *Follower) Once(ctx context.Context) (Round, error) {
	now := f.Now()
	if err := f.ready(ctx); err != nil {
		return Round{Result: Result{Gaps: []Alarm{}, Alarms: slices.Clone(f.memory.Alarms)}}, err
	}
	if f.memory.Halted {
		return f.round(now, time.Time{}), errors.Join(ErrHalted, f.memory.write(&f.files)) // perhaps the disk has room now
	}
	if back := f.memory.Looked.Sub(now); back > f.tolerance() {
		f.memory.add(Alarm{Code: ownClock, Seconds: seconds(back)})
	}
	floor := f.seal.size()
	signed, err := read(f.Remote, tlog.CheckpointPath)
	if err != nil {
		return f.round(now, time.Time{}), err
	}
	next, err := tlog.OpenCheckpoint(signed, f.Keys...)
	var bad *tlog.Problem
	if errors.As(err, &bad) {
		return f.alarm(now, signed, string(bad.Code), bad.Path)
	} else if err != nil {
		return f.round(now, time.Time{}), err
	}
	switch {
	case f.have.Origin != "" && next.Origin != f.have.Origin:
		return f.alarm(now, signed, forked, tlog.CheckpointPath)
	case next.Size < max(f.have.Size, floor):
		return f.alarm(now, signed, rolledBack, tlog.CheckpointPath)
	case next.Size == f.have.Size && f.have.Origin != "" && next.Root != f.have.Root:
		return f.alarm(now, signed, forked, tlog.CheckpointPath)
	}
	before := f.have
	if next.Size > before.Size || before.Origin == "" {
		bad, err := f.advance(ctx, next, signed, now)
		if err != nil {
			return f.round(now, time.Time{}), err
		}
		if bad != nil {
			return f.alarm(now, signed, string(bad.Code), bad.Path)
		}
	}
	return f.conclude(ctx, signed, before, now)
}

// ready brings the copy and the replay to what is durably kept.
func (f *Follower) ready(ctx context.Context) error {
	if f.stale {
		return f.rebuild(ctx)
	}
	if f.dirty {
		return f.sweep()
	}
	return nil
}

// conclude cosigns what the copy now ends with, and remembers that it looked.
func (f *Follower) conclude(ctx context.Context, signed []byte, before tlog.Checkpoint, now time.Time) (Round, error) {
	local := os.DirFS(filepath.Join(f.Dir, "ledger"))
	out, err := f.seal.sign(signed, f.have, now, func(older tlog.Checkpoint) error { return tlog.Consistent(local, older, f.have) })
	var bad *tlog.Problem
	if errors.As(err, &bad) { // what was cosigned without the entries is not what the entries say
		return f.alarm(now, signed, forked, tlog.CheckpointPath)
	} else if err != nil {
		return f.round(now, time.Time{}), err
	}
	if f.memory.Looked = now; f.have.Size > before.Size || before.Origin == "" {
		f.memory.Changed = now
	}
	if err := f.memory.write(&f.files); err != nil {
		return f.round(now, time.Time{}), err
	}
	r := f.round(now, now)
	r.New, r.Cosigned = f.have.Size-before.Size, out != nil
	if f.Send != nil && out != nil {
		r.unsent = f.Send(ctx, out)
		r.Sent = r.unsent == nil
	}
	return r, nil
}

// round is what stands now. Deadlines are judged as of an instant up to which
// the copy has everything; zero: as of its newest entry, for what was done in
// time may stand in entries that did not get here.
func (f *Follower) round(now, whole time.Time) Round {
	r := Round{Origin: f.have.Origin, Size: f.have.Size, Root: f.have.Root.String(), Witness: f.seal.vkey, Halted: f.memory.Halted, Result: f.replay.Close(whole)}
	r.Alarms = append(r.Alarms, f.memory.Alarms...)
	if still := f.still(now); f.Silence > 0 && still > f.Silence {
		r.Alarms = append(r.Alarms, Alarm{Code: fellSilent, Seconds: seconds(still)})
	}
	return r
}

// still is for how long nothing new came: since we saw it, or since the newest
// entry says, if that is longer ago.
func (f *Follower) still(now time.Time) time.Duration {
	since := f.memory.Changed
	if since.IsZero() {
		since = f.began
	}
	if f.replay.log.n > 0 {
		if at := time.UnixMicro(f.replay.log.newest); at.Before(since) {
			since = at
		}
	}
	return now.Sub(since)
}

// alarm keeps the checkpoint that contradicts the copy. What the log signed
// against its own past ends following; what anybody on the way could have done
// is said at every look.
func (f *Follower) alarm(now time.Time, signed []byte, code, path string) (Round, error) {
	kept, err := f.keep(signed)
	if err != nil {
		return f.round(now, time.Time{}), err
	}
	a := Alarm{Code: code, Path: path, Evidence: kept}
	if code != rolledBack && code != forked && code != string(tlog.Differs) {
		r := f.round(now, time.Time{})
		r.Alarms = append(r.Alarms, a)
		return r, nil
	}
	f.seal.halt()
	f.memory.Halted = true
	f.memory.add(a)
	err = f.memory.write(&f.files)
	return f.round(now, time.Time{}), err
}
