package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
)

// stride is how many entries an inspection reads at a time in the background.
const stride = 100_000

// patience is how long a log in which something is wrong is left alone before it
// is read as a whole again.
const patience = 10 * time.Minute

// tries and pause are how often, and how much later, a log is read again that was
// being written while it was read.
const (
	tries = 6
	pause = 500 * time.Millisecond
)

// passing reports whether all that is wrong with a log is what a log looks like
// while it is written: tiles come before the checkpoint that signs them, and those
// that they take the place of go after it. What stays so is an alarm all the same.
func passing(r *oversight.Result) bool {
	for _, a := range r.Alarms {
		if a.Code != string(tlog.Beyond) && a.Code != string(tlog.Stale) {
			return false
		}
	}
	return len(r.Gaps) == 0 && len(r.Alarms) > 0
}

// idle is how long an inspection waits for something new before it looks again at
// what is overdue.
const idle = time.Minute

// inspection holds the rules against a log's files and goes on where it stopped.
// It reads only what is new; whole reads everything again.
type inspection struct {
	fsys  fs.FS
	keys  []note.Verifier
	kinds approval.Rules

	mu     sync.Mutex // one reads at a time; it guards what follows
	tracer *oversight.Tracer
	watch  *watch
	tree   tlog.Tree
	have   tlog.Checkpoint // that the tree was held against last
	fullAt time.Time

	told struct {
		sync.RWMutex
		found
	}
}

// found is what an inspection came to. It is never changed once it is told.
type found struct {
	result  oversight.Result
	asked   []oversight.Asked
	size    uint64
	at      time.Time // when it was read
	fullAt  time.Time // when everything was read
	late    []lateFact
	use     uses
	pending uint64 // entries that were not read yet
	papers  []paperFact
	plans   []string           // ids, ascending
	units   map[string]int     // acts that can be drawn, by stratum
	public  map[string][]int64 // by what happened: instants
}

// uses are how measures came to be carried out.
type uses struct {
	Ordinary  int      `json:"ordinary"`  // authorised on an approval
	Emergency int      `json:"emergency"` // declared
	Entries   []uint64 `json:"entries"`   // of the emergencies, the last of them
}

// lateFact is a notice or a review of an emergency that is past its time.
type lateFact struct {
	What    string    `json:"what"` // notice or review
	Object  string    `json:"object"`
	Due     time.Time `json:"due"`
	Entries []uint64  `json:"entries"`
}

func newInspection(fsys fs.FS, keys []note.Verifier, kinds approval.Rules) *inspection {
	return &inspection{fsys: fsys, keys: keys, kinds: kinds}
}

// now returns what the last inspection came to; false before the first.
func (i *inspection) now() (found, bool) {
	i.told.RLock()
	defer i.told.RUnlock()
	return i.told.found, i.told.asked != nil
}

// whole verifies and replays the log from its first entry.
func (i *inspection) whole(ctx context.Context, now time.Time) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.again(ctx, now)
}

// again is whole, while it is locked.
func (i *inspection) again(ctx context.Context, now time.Time) error {
	i.tracer, i.watch = nil, nil // two of them at once would need twice the memory
	r, err := oversight.NewReplay(i.kinds)
	if err != nil {
		return err
	}
	o := oversight.Options{Keys: i.keys, Now: now}
	if i.have.Size > 0 {
		o.Earlier = []tlog.Checkpoint{i.have} // what was read once the log has to continue
	}
	var res oversight.Result
	var at tlog.Checkpoint
	var t *oversight.Tracer
	var w *watch
	for try := 0; ; try++ {
		if try > 0 {
			if r, err = oversight.NewReplay(i.kinds); err != nil {
				return err
			}
		}
		t, w = oversight.NewTracer(r), newWatch()
		res, at, err = t.Verify(ctx, i.fsys, o, w.take)
		moving := errors.Is(err, tlog.ErrMoved) || err == nil && passing(&res)
		if !moving || try == tries {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
	}
	if err != nil {
		return fmt.Errorf("inspection: %w", err)
	}
	i.fullAt = now
	if len(res.Gaps)+len(res.Alarms) == 0 {
		if i.tree, err = tlog.Restore(i.fsys, at.Size, at.Root); err == nil {
			i.tracer, i.watch, i.have = t, w, at
		} // a log that moved meanwhile is read again next time
	}
	i.tell(t, w, res, now)
	return nil
}

// follow reads what is new, at most limit entries of it, and holds it against the
// signed root once it has caught up. A log that does not continue what was read is
// read again as a whole, which says what is wrong with it.
func (i *inspection) follow(ctx context.Context, now time.Time, limit uint64) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if told, ok := i.now(); i.tracer == nil && ok && len(told.result.Gaps)+len(told.result.Alarms) > 0 {
		if age := now.Sub(told.at); age < idle || age < patience && !passing(&told.result) {
			return nil
		}
	}
	if i.tracer == nil {
		return i.again(ctx, now)
	}
	signed, err := fs.ReadFile(i.fsys, tlog.CheckpointPath)
	if err != nil {
		return i.again(ctx, now)
	}
	next, err := tlog.OpenCheckpoint(signed, i.keys...)
	if err != nil || next.Origin != i.have.Origin || next.Size < i.tree.Size() {
		return i.again(ctx, now)
	}
	if told, ok := i.now(); ok && next.Size == i.tree.Size() && next.Root == i.have.Root && now.Sub(told.at) < idle {
		return nil
	}
	until := min(next.Size, i.tree.Size()+limit)
	for i.tree.Size() < until {
		if err := ctx.Err(); err != nil {
			return err
		}
		leaves, err := bundle(i.fsys, i.tree.Size(), next.Size)
		if errors.Is(err, fs.ErrNotExist) { // a wider one took its place: the log moved on
			if again, e := fs.ReadFile(i.fsys, tlog.CheckpointPath); e == nil && string(again) != string(signed) {
				return nil
			}
		}
		if err != nil {
			return i.again(ctx, now)
		}
		if err := i.read(leaves); err != nil {
			return fmt.Errorf("inspection: %w", err)
		}
	}
	if i.tree.Size() < next.Size {
		i.told.Lock()
		i.told.pending = next.Size - i.tree.Size()
		i.told.Unlock()
		return nil
	}
	if i.tree.Root() != next.Root {
		return i.again(ctx, now)
	}
	i.have = next
	res := i.tracer.Close(now)
	res.Signer, res.Root = next.Origin, next.Root.String()
	i.tell(i.tracer, i.watch, res, now)
	return nil
}

// read takes entries in.
func (i *inspection) read(leaves [][]byte) error {
	at := i.tree.Size()
	grown, _, err := i.tree.Append(leaves)
	if err != nil {
		return err
	}
	for n, leaf := range leaves {
		if err := i.tracer.Take(at+uint64(n), leaf); err != nil {
			return err
		}
		if err := i.watch.take(at+uint64(n), leaf); err != nil {
			return err
		}
	}
	i.tree = grown
	return nil
}

// bundle reads the entries from one on that stand in the same file, of a log of a
// size.
func bundle(fsys fs.FS, at, size uint64) ([][]byte, error) {
	const full = 256
	t := tlog.Tile{Level: tlog.EntriesLevel, Index: at / full, Width: int(min(full, size-at/full*full))}
	raw, err := fs.ReadFile(fsys, t.Path())
	if err != nil {
		return nil, err
	}
	all, err := tlog.ParseBundle(raw, t.Width)
	if err != nil {
		return nil, err
	}
	return all[at%full:], nil
}

// tell lets readers see what was found.
func (i *inspection) tell(t *oversight.Tracer, w *watch, res oversight.Result, now time.Time) {
	f := found{result: res, asked: t.Asked(), size: res.Entries, at: now, fullAt: i.fullAt, public: map[string][]int64{}, units: map[string]int{}}
	f.result.Violations = slices.Clone(res.Violations)
	for _, id := range slices.Sorted(maps.Keys(w.chains)) {
		c := w.chains[id]
		if c.ordinary {
			f.use.Ordinary++
		}
		if c.emergency {
			f.use.Emergency++
			f.use.Entries = append(f.use.Entries, c.declared)
		}
		if what, due := c.late(now); what != "" {
			f.late = append(f.late, lateFact{what, c.object, due, slices.Clone(c.places)})
		}
	}
	slices.Sort(f.use.Entries)
	f.use.Entries = f.use.Entries[max(0, len(f.use.Entries)-maxEntries):]
	for _, id := range slices.Sorted(maps.Keys(w.papers)) {
		f.papers = append(f.papers, *w.papers[id])
	}
	f.plans = slices.Sorted(maps.Keys(w.plans))
	for k, v := range w.units {
		f.units[k] = len(v)
	}
	for k, v := range w.events { // only ever appended to: what is told is a part that stays
		f.public[k] = v[:len(v):len(v)]
	}
	i.told.Lock()
	i.told.found = f
	i.told.Unlock()
}

// planned reports whether the entry of a plan was read from the signed log.
func (i *inspection) planned(id string) bool {
	f, ok := i.now()
	_, found := slices.BinarySearch(f.plans, id)
	return ok && found
}

// plan returns what a plan draws, from what was read; false while its own entry, or
// that of its nonce, was not.
func (i *inspection) plan(id string) (seedHex string, at planFact, root string, strata []Drawn, picks []Pick, ok bool, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.watch == nil || i.watch.plans[id] == nil || i.watch.plans[id].Nonce == "" {
		return "", at, "", nil, nil, false, nil
	}
	at = *i.watch.plans[id]
	r, err := reader(i.fsys, i.keys)
	if err != nil {
		return "", at, "", nil, nil, false, err
	}
	h, err := r.Root(at.Place + 1)
	if err != nil {
		return "", at, "", nil, nil, false, busy(err)
	}
	seedHex, strata, picks = at.sample(i.watch, h.String())
	return seedHex, at, h.String(), strata, picks, true, nil
}

// reader reads the log as it is signed now.
func reader(fsys fs.FS, keys []note.Verifier) (r tlog.Reader, err error) {
	signed, err := fs.ReadFile(fsys, tlog.CheckpointPath)
	if err != nil {
		return r, busy(err)
	}
	c, err := tlog.OpenCheckpoint(signed, keys...)
	if err != nil {
		return r, err
	}
	return tlog.NewReader(fsys, c.Size)
}

// busy is for a file that the growing log replaced while it was read.
func busy(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return ErrBusy.Because(err)
	}
	return err
}

// entry reads one entry from the files; ErrNone where it was not inspected yet.
func (i *inspection) entry(place uint64) ([]byte, error) {
	if f, ok := i.now(); !ok || place >= f.size {
		return nil, ErrNone
	}
	r, err := reader(i.fsys, i.keys)
	if err != nil {
		return nil, err
	}
	leaf, err := r.Entry(place)
	return leaf, busy(err)
}
