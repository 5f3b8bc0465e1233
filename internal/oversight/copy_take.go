package oversight

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"noroshi/internal/engine/tlog"
)

// Bounds of what is taken in at a time: so many bundles, and no further one once
// so many bytes are there. A bundle has 16 MiB at most.
const (
	batch      = 64
	batchBytes = 16 << 20
)

// read reads a file of the log, and one byte more at most than it can have.
func read(fsys fs.FS, path string) ([]byte, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	limit := int64(tlog.Limit(path))
	return io.ReadAll(io.LimitReader(file, limit+1)) // what is too long is malformed to whoever reads it
}

// advance fetches the entries that are new, rebuilds the tree over them on top of
// the copy's own, and takes them in when that gives the root that was signed:
// the copy then is the beginning of the log. Otherwise the copy stays as it is.
// Entries are judged once they are durably in the copy, so that no failure
// makes one count twice.
func (f *Follower) advance(ctx context.Context, next tlog.Checkpoint, signed []byte, now time.Time) (*tlog.Problem, error) {
	grown, odd, old, bad, err := f.grow(ctx, next, now)
	if err == nil && bad == nil && grown.Root() != next.Root {
		bad = f.whose(next)
	}
	if err != nil || bad != nil {
		f.dirty = true
		return bad, errors.Join(err, f.sweep())
	}
	if len(odd) > 0 { // before the entries: an alarm is not lost, at worst it is found again
		for _, a := range odd {
			f.memory.add(a)
		}
		err = f.memory.write(&f.files)
	}
	if err == nil {
		err = f.files.Sync()
	}
	if err == nil {
		err = f.files.Replace("ledger/"+tlog.CheckpointPath, signed)
	}
	if err != nil {
		f.stale = true // whether the new checkpoint stands, only the disk knows
		return nil, err
	}
	from := f.have.Size
	f.tree, f.have = grown, next
	for _, name := range old {
		if err := f.files.Remove("ledger/" + name); err != nil {
			f.dirty = true
			break
		}
	}
	if err := f.judge(from); err != nil {
		f.stale = true
		return nil, err
	}
	return nil, nil
}

// whose says who is wrong when entries do not give the root: did the log change
// its past, or does it serve other entries than it signed?
func (f *Follower) whose(next tlog.Checkpoint) *tlog.Problem {
	var bad *tlog.Problem
	if err := tlog.Consistent(f.Remote, f.have, next); f.have.Size > 0 && errors.As(err, &bad) {
		return bad
	}
	return &tlog.Problem{Code: tlog.Differs, Path: tlog.CheckpointPath, Entry: tlog.NoEntry}
}

// grow fetches and writes what is new, without publishing it. It returns the
// tree, what is odd about the times of entries, and which files of the copy are
// superseded.
func (f *Follower) grow(ctx context.Context, next tlog.Checkpoint, now time.Time) (tree tlog.Tree, odd []Alarm, old []string, bad *tlog.Problem, err error) {
	tree = f.tree
	for at := f.have.Size; at < next.Size; {
		leaves, bad, err := f.fetch(ctx, at, next.Size)
		if err != nil || bad != nil {
			return tree, nil, nil, bad, err
		}
		grown, b, err := tree.Append(leaves)
		if err != nil {
			return tree, nil, nil, nil, err
		}
		for _, x := range b.Files {
			if err := f.files.Write("ledger/"+x.Path, x.Data); err != nil {
				return tree, nil, nil, nil, err
			}
		}
		if at == f.have.Size {
			old = b.Superseded
		} else { // of this round alone: no checkpoint needs it
			for _, name := range b.Superseded {
				if err := f.files.Remove("ledger/" + name); err != nil {
					return tree, nil, nil, nil, err
				}
			}
		}
		odd = f.times(odd, at, leaves, now)
		tree, at = grown, at+uint64(len(leaves))
	}
	return tree, odd, old, nil, nil
}

// times holds what entries say of their time against our own clock: none may
// be of a time that has not come, and none that came in now of a time at
// which we looked and it was not there.
func (f *Follower) times(odd []Alarm, at uint64, leaves [][]byte, now time.Time) []Alarm {
	latest, tolerated := now.Add(f.tolerance()).UnixMicro(), f.tolerance()
	var earliest int64
	if !f.memory.Looked.IsZero() {
		earliest = f.memory.Looked.Add(-tolerated).UnixMicro()
	}
	var e entry
	for i, leaf := range leaves {
		if !e.read(leaf) {
			continue // the replay says so
		}
		place := int64(at) + int64(i)
		switch {
		case len(odd) >= maxStanding:
			return odd
		case e.at > latest:
			odd = append(odd, Alarm{Code: aheadOfUs, Entry: &place, Seconds: (e.at - now.UnixMicro()) / second})
		case e.at < earliest:
			odd = append(odd, Alarm{Code: cameLate, Entry: &place, Seconds: (f.memory.Looked.UnixMicro() - e.at) / second})
		}
	}
	return odd
}

// tolerance is how far the clocks of hub and auditor may differ, with the time
// an entry may wait for its checkpoint.
func (f *Follower) tolerance() time.Duration {
	return time.Duration(f.replay.table.limit("auditor_clock_s")) * time.Second
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// judge replays what was taken in from a place on, from the copy.
func (f *Follower) judge(at uint64) error {
	for at < f.have.Size {
		path, width, skip := bundleAt(at, f.have.Size)
		raw, err := os.ReadFile(filepath.Join(f.Dir, "ledger", filepath.FromSlash(path)))
		if err != nil {
			return err
		}
		entries, err := tlog.ParseBundle(raw, width)
		if err != nil {
			return err
		}
		for i, leaf := range entries[skip:] {
			if err := f.replay.Take(at+uint64(i), leaf); err != nil {
				return err
			}
		}
		at += uint64(len(entries) - skip)
	}
	return nil
}

// bundleAt is the bundle that holds an entry of a log of a size, and how many
// entries before it.
func bundleAt(at, size uint64) (path string, width, skip int) {
	const full = 256
	t := tlog.Tile{Level: tlog.EntriesLevel, Index: at / full, Width: int(min(full, size-at/full*full))}
	return t.Path(), t.Width, int(at % full)
}

// fetch reads some bundles of new entries.
func (f *Follower) fetch(ctx context.Context, at, size uint64) (leaves [][]byte, bad *tlog.Problem, err error) {
	for n, bytes := 0, 0; n < batch && bytes < batchBytes && at < size; n++ {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		path, width, skip := bundleAt(at, size)
		raw, err := read(f.Remote, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &tlog.Problem{Code: tlog.Missing, Path: path, Entry: tlog.NoEntry}, nil
		}
		if err != nil {
			return nil, nil, err
		}
		entries, err := tlog.ParseBundle(raw, width)
		if err != nil {
			return nil, &tlog.Problem{Code: tlog.Malformed, Path: path, Entry: tlog.NoEntry, Detail: err.Error()}, nil
		}
		leaves = append(leaves, entries[skip:]...)
		at, bytes = at+uint64(width-skip), bytes+len(raw)
	}
	return leaves, nil, nil
}
