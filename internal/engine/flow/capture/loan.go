package capture

import (
	"sync"
	"sync/atomic"
)

// Loan is the memory that the packets of a batch point into, lent to who reads
// them. It is returned once, from any goroutine; then it is overwritten.
type Loan struct {
	buf     []byte
	from    *lender
	users   atomic.Int32 // batches not returned, and the reader while it parses
	dirty   int          // what held packets ends here
	touched int          // what the input was ever given to write to ends here
	since   int64        // when its packets began to be read
	back    atomic.Int64 // when one of its batches was last returned
	waits   bool
}

// Waits reports whether the reader may have to wait for what comes behind this
// batch. Who has it then should not hold on to it.
func (l *Loan) Waits() bool { return l.waits }

// Hold makes one more Return necessary.
func (l *Loan) Hold() { l.users.Add(1) }

// Return says that the packets are not needed any more.
func (l *Loan) Return() {
	p := l.from
	if p.clock != nil {
		l.back.Store(p.clock())
	}
	if l.users.Add(-1) > 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.lazy {
		p.wipe(l, l.dirty)
	}
	if p.over {
		clear(l.buf[:l.touched])
	}
	p.free = append(p.free, l)
	p.came.Signal()
}

// lender has the buffers of a reader that nobody reads. The one that came back
// first is filled first, so that none stays as it is for long.
type lender struct {
	mu    sync.Mutex
	came  sync.Cond // a buffer came back
	free  []*Loan
	made  int
	lazy  bool // the input overwrites what comes back soon enough
	over  bool // nothing will be read any more
	clock func() int64

	wipes, sum, longest, held int64 // as Stats has them
}

// MaxHeld is of how many buffers one may hold batches and ask for the next:
// with more, one would wait for oneself. maxLent bounds the buffers of a reader.
const (
	MaxHeld = 16
	maxLent = MaxHeld + 2 // one is being parsed, one is filled meanwhile
)

func newLender() *lender {
	p := &lender{free: make([]*Loan, 0, maxLent)}
	p.came.L = &p.mu
	return p
}

// take returns a buffer that nobody reads, and waits for one if it must.
func (p *lender) take() *Loan {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.free) == 0 && p.made == maxLent {
		p.came.Wait()
	}
	if len(p.free) == 0 {
		p.made++
		l := &Loan{buf: make([]byte, bufferSize), from: p}
		l.users.Store(1)
		return l
	}
	l := p.free[0]
	p.free = p.free[:copy(p.free, p.free[1:])]
	l.users.Store(1)
	return l
}

// rely says whether what comes back is overwritten by the input soon. If not,
// zeros overwrite it at once.
func (p *lender) rely(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lazy = on && !p.over; !p.lazy {
		for _, l := range p.free {
			p.wipe(l, l.dirty)
		}
	}
}

// end overwrites everything, what is still lent as soon as it comes back.
func (p *lender) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lazy, p.over = false, true
	for _, l := range p.free {
		p.wipe(l, l.dirty)
		clear(l.buf[:l.touched])
	}
}

// wipe overwrites the first n bytes of a buffer.
func (p *lender) wipe(l *Loan, n int) {
	if n > 0 {
		clear(l.buf[:n])
		l.dirty = 0
		p.measure(l)
	}
}

// measure notes how long the packets of a buffer that was just overwritten were
// in memory.
func (p *lender) measure(l *Loan) {
	if p.clock != nil {
		t := p.clock()
		p.wipes++
		p.sum += t - l.back.Load()
		p.longest = max(p.longest, t-l.back.Load())
		p.held = max(p.held, t-l.since)
	}
}

func (p *lender) now() int64 {
	if p.clock == nil {
		return 0
	}
	return p.clock()
}
