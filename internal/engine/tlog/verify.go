package tlog

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/mod/sumdb/note"
)

// Options says what [Verify] checks beyond the tree. The zero value is good.
type Options struct {
	// Keys are the log's verifier keys, of which one must have signed the
	// checkpoint. Without keys the signer stays unknown: see Result.Signer.
	Keys []note.Verifier
	// Earlier are checkpoints of the same log known from before. The log must
	// continue every one of them.
	Earlier []Checkpoint
	// Check, if set, is given the entries of every bundle that stands the test
	// against its leaves. It is called by many goroutines, in no order. The
	// entry's memory is reused after it returns. An error is a problem of
	// code Refused.
	Check func(index uint64, entry []byte) error
	// Replay is like Check but is called for one entry after the other, in
	// the order of the log. Check comes first.
	Replay func(index uint64, entry []byte) error
	// Progress, if set, is told after every bundle how many entries of how
	// many are done, in order, by one goroutine.
	Progress func(done, total uint64)
	// MaxEntries refuses a larger log at once; 0 is no limit.
	MaxEntries uint64
	// Workers is how many bundles are read and hashed at a time; 0 is one per
	// processor. More make sense where reading waits for a network. Memory
	// is about four bundles for each, of 16 MiB at most.
	Workers int
}

// Result says what [Verify] looked at.
type Result struct {
	Checkpoint Checkpoint `json:"checkpoint"`
	Signer     string     `json:"signer"`  // name of the key that signed, or "": unknown
	Entries    uint64     `json:"entries"` // read and hashed
	Bytes      uint64     `json:"bytes"`   // of their content
	Listed     bool       `json:"listed"`  // false if the folder could not be searched for other files
	Problems   Problems   `json:"problems"`
}

// ErrMoved says that a checkpoint was replaced while the log was verified and
// that what looked wrong may be due to that. Verify again.
var ErrMoved = errors.New("the log moved on while it was read; verify again")

// errTooMany ends a verification that has found enough.
var errTooMany = fmt.Errorf("more than %d problems", MaxProblems)

// Verify checks a whole log from its files alone: the signed checkpoint, every
// entry against its leaf, every tile of every level against those below, the
// root, and that the folder has no other file. If the error is nil, all of
// that is so; whether somebody known signed it is in Result.Signer. Otherwise
// the error is [Problems], also found in the result, or [ErrMoved], or that of
// ctx.
//
// Each problem is blamed on the smallest thing that explains it: a changed
// entry is one problem, not one per level above it. Check and Replay see
// entries before the root is known; what they conclude counts once Verify
// returns nil.
func Verify(ctx context.Context, fsys fs.FS, o Options) (Result, error) {
	var res Result
	f := &findings{}
	raw, p := readFile(fsys, CheckpointPath, nil, maxCheckpoint)
	if p != nil {
		f.add(p)
		return f.close(res)
	}
	c, p, err := openCheckpoint(raw, o.Keys)
	if err != nil {
		f.addError(err)
		return f.close(res)
	}
	res.Checkpoint = c
	if p != nil {
		f.add(p)
	} else if len(o.Keys) > 0 {
		res.Signer = c.Origin
	}
	if o.MaxEntries > 0 && c.Size > o.MaxEntries {
		f.add(problem(TooLarge, CheckpointPath, "has %d entries; at most %d are allowed", c.Size, o.MaxEntries))
		return f.close(res)
	}
	steady := pin(fsys, c.Size)
	if _, remote := fsys.(Fetch); !remote {
		res.Listed = true
		f.unaccounted(fsys, c.Size)
	}
	for _, older := range o.Earlier {
		if err := Consistent(steady, older, c); err != nil {
			f.addError(err)
		}
	}
	v := newVerification(steady, c, o, f)
	err = v.run(ctx)
	res.Entries, res.Bytes = v.entries, v.bytes
	if err != nil && !errors.Is(err, errTooMany) {
		res, _ = f.close(res)
		return res, fmt.Errorf("verify: %w", err)
	}
	if len(f.list) > 0 {
		if now, p := readFile(fsys, CheckpointPath, nil, maxCheckpoint); p == nil && !bytes.Equal(now, raw) {
			res, _ = f.close(res)
			return res, ErrMoved
		}
	}
	return f.close(res)
}

// findings collects problems, each one once.
type findings struct {
	list Problems
	seen map[Problem]bool
}

func (f *findings) full() bool { return len(f.list) >= MaxProblems }

func (f *findings) add(p *Problem) {
	key := Problem{Code: p.Code, Path: p.Path, Entry: p.Entry}
	if f.full() || f.seen[key] {
		return
	}
	if f.seen == nil {
		f.seen = map[Problem]bool{}
	}
	f.seen[key] = true
	f.list = append(f.list, p)
}

func (f *findings) addError(err error) {
	var p *Problem
	if !errors.As(err, &p) {
		p = problem(Unreadable, CheckpointPath, "%v", err).because(err)
	}
	f.add(p)
}

// close returns the result with the problems in order, and as an error if
// there are any.
func (f *findings) close(res Result) (Result, error) {
	rank := func(p *Problem) int {
		if p.Path == CheckpointPath {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(f.list, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Entry, b.Entry))
	})
	res.Problems = f.list
	if len(f.list) == 0 {
		return res, nil
	}
	return res, f.list
}

// verification is one run over a log: workers hash bundles and compare them
// with their leaves, side by side; one goroutine takes their results in order
// and climbs.
type verification struct {
	*climb
	check    func(uint64, []byte) error
	replay   func(uint64, []byte) error
	progress func(done, total uint64)
	workers  int
	entries  uint64
	bytes    uint64
}

func newVerification(fsys fs.FS, c Checkpoint, o Options, f *findings) *verification {
	v := &verification{
		climb: &climb{findings: f, r: Reader{fsys, c.Size}, root: c.Root},
		check: o.Check, replay: o.Replay, progress: o.Progress, workers: o.Workers,
	}
	if v.workers <= 0 {
		v.workers = runtime.GOMAXPROCS(0)
	}
	return v
}

// run verifies entries, tiles and root. It returns the error of ctx, or
// errTooMany.
func (v *verification) run(ctx context.Context) error {
	slots := make([]*slot, 4*v.workers)
	jobs := make(chan *slot, len(slots))
	for i := range slots {
		slots[i] = &slot{done: make(chan struct{}, 1)}
	}
	var working sync.WaitGroup
	for range v.workers {
		working.Go(func() {
			for s := range jobs {
				s.read(v.r, v.check)
				s.done <- struct{}{}
			}
		})
	}
	defer func() {
		for len(jobs) > 0 { // left over if the run ends early
			select {
			case <-jobs:
			default:
			}
		}
		close(jobs)
		working.Wait()
	}()
	size := v.r.size
	bundles := tilesAt(size, EntriesLevel)
	given := uint64(0)
	for i := range bundles {
		for ; given < bundles && given < i+uint64(len(slots)); given++ {
			s := slots[given%uint64(len(slots))]
			s.tile = tileAt(size, EntriesLevel, given)
			jobs <- s
		}
		s := slots[i%uint64(len(slots))]
		select {
		case <-s.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		v.take(s)
		if v.full() {
			return errTooMany
		}
	}
	return v.finish()
}

// take adds the result of one bundle.
func (v *verification) take(s *slot) {
	for _, p := range s.problems {
		v.add(p)
	}
	agrees := s.good
	if !agrees {
		agrees = v.settle(0, s.tile.Index, s.leaves[:s.tile.Width], s.known) && s.known
	} else if s.tile.Width == tileWidth {
		v.push(1, s.top, true)
	} else {
		v.edge = append(v.edge[:0], slices.Clone(s.leaves[:s.tile.Width]))
	}
	if s.known {
		v.entries += uint64(s.tile.Width)
		v.bytes += uint64(s.ends[s.tile.Width-1] - 2*s.tile.Width)
	}
	if agrees && !s.good && v.check != nil {
		s.each(v.check, v.add) // the worker found no leaves to agree with
	}
	if agrees && v.replay != nil {
		s.each(v.replay, v.add)
	}
	if v.progress != nil {
		v.progress(s.tile.Index*tileWidth+uint64(s.tile.Width), v.r.size)
	}
}

// each gives every entry of the bundle to fn and every error to refuse, as a
// problem.
func (s *slot) each(fn func(uint64, []byte) error, refuse func(*Problem)) {
	start := 0
	for k, end := range s.ends[:s.tile.Width] {
		// The length before an entry was overwritten by hashBundle; nothing
		// here looks at it.
		if err := fn(s.tile.Index*tileWidth+uint64(k), s.data[start+2:end:end]); err != nil {
			refuse(atEntry(Refused, s.tile, k, "is refused: %v", err).because(err))
		}
		start = end
	}
}

// atEntry returns a problem of the k-th entry of a bundle.
func atEntry(code Code, t Tile, k int, format string, args ...any) *Problem {
	t.Level = EntriesLevel
	p := problem(code, t.Path(), format, args...)
	p.Entry = int64(t.Index*tileWidth) + int64(k)
	return p
}

// slot is one bundle under way, and the memory for it.
type slot struct {
	done     chan struct{}
	tile     Tile // of the bundle
	data     []byte
	hashes   []byte
	ends     [tileWidth]int
	leaves   [tileWidth]Hash
	known    bool // leaves and ends hold what the bundle says
	good     bool // and the tile of level 0 says the same
	top      Hash // of a full and good tile
	problems []*Problem
}

// read reads and hashes the bundle and compares it with its leaves. What is
// wrong with the tile of leaves is for climb to say.
func (s *slot) read(r Reader, check func(uint64, []byte) error) {
	s.known, s.good, s.problems = false, false, nil
	width := s.tile.Width
	if cap(s.data) > 4<<20 {
		s.data = nil // an unusual bundle; its memory is not kept for the next
	}
	var p *Problem
	s.data, p = readFile(r.fsys, s.tile.Path(), s.data, Limit(s.tile.Path()))
	if p != nil {
		s.problems = append(s.problems, p)
		return
	}
	leaves := s.leaves[:width]
	if err := hashBundle(s.data, leaves, &s.ends); err != nil {
		s.problems = append(s.problems, problem(Malformed, s.tile.Path(), "%v", err))
		return
	}
	s.known = true
	at := Tile{0, s.tile.Index, width}
	s.hashes, p = readFile(r.fsys, at.Path(), s.hashes, tileWidth*HashSize)
	if p != nil || !sameHashes(leaves, s.hashes) {
		return
	}
	s.good = true
	if width == tileWidth {
		s.top = fold(leaves)
	}
	if check != nil {
		s.each(check, func(p *Problem) { s.problems = append(s.problems, p) })
	}
}

// sameHashes reports whether a tile's content is exactly these hashes.
func sameHashes(hashes []Hash, data []byte) bool {
	if len(data) != len(hashes)*HashSize {
		return false
	}
	for i := range hashes {
		if !bytes.Equal(hashes[i][:], data[i*HashSize:][:HashSize]) {
			return false
		}
	}
	return true
}
