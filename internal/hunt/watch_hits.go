package hunt

import (
	"cmp"
	"container/heap"
	"encoding/binary"
	"time"

	"noroshi/internal/engine/sigma/correlate"
)

// The patience of correlations while watching.
const (
	hitReorder = 2 * time.Second // hits that come so close are put in order
	hitLate    = 5 * time.Minute // older than the newest by more: left out and counted
	hitFuture  = 5 * time.Minute // a clock may be ahead by that; more is taken as now
	hitIdle    = time.Minute     // how far behind the clock spans are closed without a hit
	maxWaiting = 1 << 16         // hits that wait for their order
	maxHeld    = 32 << 20        // and their bytes
	maxGroups  = 1 << 16         // of correlations
	maxKept    = 1 << 18         // hits and values in them
)

// watchHits puts hits in the order of their times and gives them to the
// correlations. While files are read that lie behind, the hits of all wait for
// each other.
type watchHits struct {
	g       *watching
	engine  *correlate.Engine
	waiting waitingHits
	held    int // bytes of those
	n       uint64
	newest  int64     // of all hits
	done    int64     // up to where the correlations are
	came    time.Time // when the newest came, by the clock of the process
}

func newWatchHits(g *watching) *watchHits {
	h := &watchHits{g: g}
	h.engine = correlate.New(g.run.together, correlate.Limits{Groups: maxGroups, Entries: maxKept}, true, func(f *correlate.Finding) error {
		if f.Rule.Hidden || f.Rule.Level < g.Least {
			return nil
		}
		d := found(f)
		if g.run.known.cover(d) {
			g.told.Known++
			return nil
		}
		return g.emit(d)
	})
	return h
}

// add takes a hit in. A time that is still to come would make all that follow
// late, so that it counts as now.
func (h *watchHits) add(at int64, line []byte) error {
	if at == 0 {
		return nil
	}
	if limit := h.g.Now().Add(hitFuture).UnixNano(); at > limit {
		h.g.told.Future++
		at = limit
	}
	if at < h.done-int64(hitLate) {
		h.g.told.Late++
		return nil
	}
	if at >= h.newest {
		h.newest = at
	}
	h.came = time.Now()
	heap.Push(&h.waiting, waitingHit{at, h.n, line})
	h.n++
	h.held += len(line)
	for len(h.waiting) > maxWaiting || h.held > maxHeld {
		if err := h.release(); err != nil {
			return err
		}
	}
	return nil
}

// release gives the oldest hit away.
func (h *watchHits) release() error {
	x := heap.Pop(&h.waiting).(waitingHit)
	h.held -= len(x.Line)
	hit, err := h.g.run.decodeHit(x.At, x.Line)
	if err != nil {
		return err
	}
	h.done = max(h.done, x.At)
	return h.engine.Add(hit)
}

// settle gives away the hits that no other can precede any more: those that are
// older than the newest by some, or all when none came for a while.
func (h *watchHits) settle(busy bool) error {
	if busy {
		return nil
	}
	quiet := time.Since(h.came)
	for len(h.waiting) > 0 && (h.waiting[0].At < h.newest-int64(hitReorder) || quiet >= hitReorder) {
		if err := h.release(); err != nil {
			return err
		}
	}
	if now := h.newest + int64(quiet-hitIdle); h.newest != 0 && quiet > hitIdle && now > h.done {
		h.done = now
		h.g.dirty = true
		return h.engine.Advance(now)
	}
	return nil
}

// end gives all away and closes the spans, at the end of the input.
func (h *watchHits) end() error {
	for len(h.waiting) > 0 {
		if err := h.release(); err != nil {
			return err
		}
	}
	return h.engine.Flush()
}

// waitingHit is a hit that waits for its order.
type waitingHit struct {
	At   int64  `json:"time"`
	N    uint64 `json:"n"`
	Line []byte `json:"hit"`
}

// waitingHits is a heap, the oldest first.
type waitingHits []waitingHit

func (q waitingHits) Len() int { return len(q) }
func (q waitingHits) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(q[i].At, q[j].At), cmp.Compare(q[i].N, q[j].N)) < 0
}
func (q waitingHits) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *waitingHits) Push(x any)   { *q = append(*q, x.(waitingHit)) }
func (q *waitingHits) Pop() any {
	last := (*q)[len(*q)-1]
	(*q)[len(*q)-1] = waitingHit{}
	*q = (*q)[:len(*q)-1]
	return last
}

// isHit reports whether a line is what encodeHit writes for these rules.
func (r *running) isHit(line []byte) bool {
	number := func() (uint64, bool) {
		x, n := binary.Uvarint(line)
		line = line[max(n, 0):]
		return x, n > 0
	}
	text := func(n uint64) bool {
		if n > uint64(len(line)) {
			return false
		}
		line = line[n:]
		return true
	}
	rule, ok := number()
	if !ok || rule >= uint64(len(r.needs)) {
		return false
	}
	if _, ok = number(); !ok {
		return false
	}
	if n, ok := number(); !ok || !text(n) {
		return false
	}
	for range r.needs[rule] {
		if n, ok := number(); !ok || n > 0 && !text(n-1) {
			return false
		}
	}
	return len(line) == 0
}
