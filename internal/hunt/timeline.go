package hunt

import (
	"bufio"
	"cmp"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// timeline puts lines in the order of their times, whatever their number: what
// does not fit into memory waits, sorted, in files without a name. Lines of one
// time stay in the order in which they came.
type timeline struct {
	room int // bytes of memory
	held []timed
	text []byte
	runs []*os.File
	n    uint64
}

type timed struct {
	at       int64
	n        uint64
	off, len int
}

// timelineRoom is the memory of a timeline in bytes; timelineRuns how many
// files it may have open.
const (
	timelineRoom = 64 << 20
	timelineRuns = 256
)

func (t *timeline) add(at int64, line []byte) error {
	if t.room == 0 {
		t.room = timelineRoom
	}
	if len(t.text)+len(line)+len(t.held)*32 > t.room && len(t.held) > 0 {
		if err := t.spill(); err != nil {
			return err
		}
	}
	t.held = append(t.held, timed{at, t.n, len(t.text), len(line)})
	t.text = append(t.text, line...)
	t.n++
	return nil
}

func (t *timeline) sort() {
	slices.SortFunc(t.held, func(a, b timed) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.n, b.n)) })
}

// spill writes what is held to a file of its own. When there are too many
// files they are made one.
func (t *timeline) spill() error {
	t.sort()
	if err := t.write(func(emit func(at int64, n uint64, line []byte) error) error {
		for _, h := range t.held {
			if err := emit(h.at, h.n, t.text[h.off:h.off+h.len]); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	t.held, t.text = t.held[:0], t.text[:0]
	if len(t.runs) < timelineRuns {
		return nil
	}
	old := t.runs
	t.runs = nil
	defer closeAll(old)
	return t.write(func(emit func(at int64, n uint64, line []byte) error) error { return merge(old, emit) })
}

func (t *timeline) write(fill func(emit func(at int64, n uint64, line []byte) error) error) error {
	f, err := os.CreateTemp("", "noroshi-timeline-*")
	if err != nil {
		return fmt.Errorf("sort by time: %w", err)
	}
	_ = os.Remove(f.Name()) // it lives as long as it is open
	t.runs = append(t.runs, f)
	w := bufio.NewWriterSize(f, 256<<10)
	err = fill(func(at int64, n uint64, line []byte) error {
		var head [20]byte
		binary.LittleEndian.PutUint64(head[:], uint64(at))
		binary.LittleEndian.PutUint64(head[8:], n)
		binary.LittleEndian.PutUint32(head[16:], uint32(len(line)))
		_, _ = w.Write(head[:])
		_, err := w.Write(line)
		return err
	})
	if err := errors.Join(err, w.Flush()); err != nil {
		return fmt.Errorf("sort by time: %w", err)
	}
	_, err = f.Seek(0, io.SeekStart)
	return err
}

// each gives the lines in order and lets the files go.
func (t *timeline) each(emit func(at int64, line []byte) error) error {
	defer func() { closeAll(t.runs); t.runs = nil }()
	if len(t.runs) == 0 {
		t.sort()
		for _, h := range t.held {
			if err := emit(h.at, t.text[h.off:h.off+h.len]); err != nil {
				return err
			}
		}
		return nil
	}
	if err := t.spill(); err != nil {
		return err
	}
	return merge(t.runs, func(at int64, _ uint64, line []byte) error { return emit(at, line) })
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// merge reads sorted files as one.
func merge(files []*os.File, emit func(at int64, n uint64, line []byte) error) error {
	var q runs
	for _, f := range files {
		r := &run{r: bufio.NewReaderSize(f, 64<<10)}
		if ok, err := r.next(); err != nil {
			return err
		} else if ok {
			q = append(q, r)
		}
	}
	heap.Init(&q)
	for len(q) > 0 {
		r := q[0]
		if err := emit(r.at, r.n, r.line); err != nil {
			return err
		}
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(&q, 0)
		} else {
			heap.Pop(&q)
		}
	}
	return nil
}

// run is one sorted file and its line at hand.
type run struct {
	r    *bufio.Reader
	at   int64
	n    uint64
	line []byte
}

func (r *run) next() (bool, error) {
	var head [20]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		return false, fmt.Errorf("sort by time: %w", err)
	}
	r.at, r.n = int64(binary.LittleEndian.Uint64(head[:])), binary.LittleEndian.Uint64(head[8:])
	r.line = slices.Grow(r.line[:0], int(binary.LittleEndian.Uint32(head[16:])))[:binary.LittleEndian.Uint32(head[16:])]
	if _, err := io.ReadFull(r.r, r.line); err != nil {
		return false, fmt.Errorf("sort by time: %w", err)
	}
	return true, nil
}

type runs []*run

func (q runs) Len() int { return len(q) }
func (q runs) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].at, q[j].at), cmp.Compare(q[i].n, q[j].n)) < 0
}
func (q runs) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *runs) Push(x any)   { *q = append(*q, x.(*run)) }
func (q *runs) Pop() any {
	last := (*q)[len(*q)-1]
	*q = (*q)[:len(*q)-1]
	return last
}
