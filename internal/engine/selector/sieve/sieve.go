package sieve

import (
	"encoding/binary"
	"errors"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// How long a flow that no header decided is looked at: until one of both. With a
// Tick every 50 ms everything held of it is gone within a second.
const (
	MaxPackets = 16
	MaxWait    = 950 * int64(time.Millisecond) // of the packets' time, or of Tick's
)

// MaxDisorder is how far, in ns, the time of a packet may lie before that of an
// earlier one; what goes back farther ends every flow.
const MaxDisorder = 60 * int64(time.Second)

// What is left out of Options.
const (
	DefaultFlows    = 1 << 18  // about 150 bytes each, and as many while one is looked at
	DefaultBuffered = 64 << 20 // bytes of payload
)

// Options are what an order covers, and the bounds of memory.
type Options struct {
	Directions  []geo.Class                // granted: FF, FD, DF; others grant nothing
	Side        func(a *[16]byte) geo.Side // of an address; IPv4 is ::ffff:a.b.c.d. nil: every side is unknown
	From, Until int64                      // the period, ns since 1970 UTC: From ≤ time < Until
	CapPackets  uint64                     // of packets that pass the gate; 0: none
	CapBytes    uint64                     // likewise of their bytes
	Set         func() *selector.Set       // asked once by every Add; nil, or nil returned: nothing is selected
	Flows       int                        // known at once, of all kinds; DefaultFlows
	Buffered    int64                      // bytes of payload held at once; DefaultBuffered
	Key         [32]byte                   // of the hashes in names and of the table; secret
	Clock       func() int64               // ns of a clock that never goes back, to measure destruction; nil: not measured
}

// Sieve is one run. It is for one goroutine.
type Sieve struct {
	o       Options
	emit    func(*Record) error
	granted [geo.DD + 1]bool
	seed    [2]uint64

	set     *selector.Set
	needs   selector.Needs
	payload bool // the list has selectors that need payload
	swapped bool // flows may be there that another list found or still may find

	tally   Tally
	passed  Amount
	capped  bool
	end     End
	err     error
	aborted bool
	closed  bool
	started bool
	latest  int64 // the packets' clock: the latest time seen

	h       packet.Headers
	items   [chunkSize]item
	dirty   int // of items
	touched byte
	table   table
	frags   fragments
	hits    hits
	learned slab[facts]
	looks   slab[look]
	aheads  slab[ahead]
	pieces  slab[pieces]
	pool    pool
	delays  delays
	naming  *record.Naming
	scratch scratch
	said    record.Record // what a dissector says; empty between
	out     Record
}

// chunkSize is how many packets go from step to step together.
const chunkSize = 128

// New returns a Sieve that calls emit with every record, on the goroutine that
// calls Add, Tick or Close. The record is the Sieve's own: emit may not keep it
// after it returns. After an error of emit no more is handed on: what that record
// and later ones would hold counts as unselected, and Add returns the error.
func New(o Options, emit func(*Record) error) *Sieve {
	if o.Flows <= 0 {
		o.Flows = DefaultFlows
	}
	if o.Buffered <= 0 {
		o.Buffered = DefaultBuffered
	}
	if o.Side == nil {
		o.Side = func(*[16]byte) geo.Side { return geo.SideUnknown }
	}
	s := &Sieve{o: o, emit: emit, naming: record.NewNaming(o.Key, false)}
	for _, c := range o.Directions {
		if c == geo.FF || c == geo.FD || c == geo.DF {
			s.granted[c] = true
		}
	}
	s.seed[0], s.seed[1] = binary.LittleEndian.Uint64(o.Key[:])|1, binary.LittleEndian.Uint64(o.Key[8:])|1
	clear(s.o.Key[:])
	s.tally.BySelector = make(map[string]Amount)
	s.table.init(o.Flows)
	s.pool.limit = o.Buffered
	s.delays.clock = o.Clock
	return s
}

var errClosed = errors.New("sieve: the run is closed")

// Add takes packets in; their data is not needed any more when it returns. Once
// End is not Going, or with an error, nothing more is taken in: the same is
// returned again. The packets up to the one that ended the run were taken in,
// and with CapReached those behind it too, as beyond the cap.
func (s *Sieve) Add(packets []capture.Packet) (End, error) {
	if s.closed {
		return s.end, errClosed
	}
	if s.end != Going || s.err != nil {
		return s.end, s.err
	}
	s.swap()
	for len(packets) > 0 {
		at := packets[0].At
		if s.end = s.outside(at); s.end != Going {
			break
		}
		if s.started && at < s.latest-MaxDisorder {
			s.flush() // the clock was set back
			s.latest = at
		} else if !s.started {
			s.started, s.latest = true, at
		}
		n := s.extent(packets)
		s.chunk(packets[:n])
		packets = packets[n:]
	}
	s.tidyUp()
	if s.capped {
		s.end = CapReached
	}
	return s.end, s.err
}

// tidyUp overwrites what is left of the last packets.
func (s *Sieve) tidyUp() {
	clear(s.items[:s.dirty])
	s.dirty, s.touched = 0, 0
	s.h = packet.Headers{}
	s.scratch.address = [16]byte{}
}

// swap takes the list that is in force.
func (s *Sieve) swap() {
	var set *selector.Set
	if s.o.Set != nil {
		set = s.o.Set()
	}
	if set == s.set {
		return
	}
	s.swapped = s.table.used > 0
	s.set, s.needs, s.payload = set, 0, false
	if set != nil {
		s.needs = set.Needs()
		s.payload = s.needs.Payload()
	}
	s.hits.swap(set)
}

// outside says whether a time ends the run.
func (s *Sieve) outside(at int64) End {
	switch {
	case at < s.o.From:
		return BeforePeriod
	case at >= s.o.Until:
		return PeriodOver
	}
	return Going
}

// extent is how many packets can go together behind the first: all in the period
// and none that sets the clock back.
func (s *Sieve) extent(packets []capture.Packet) int {
	latest := max(s.latest, packets[0].At)
	n := min(len(packets), chunkSize)
	for i := 1; i < n; i++ {
		at := packets[i].At
		if at < s.o.From || at >= s.o.Until || at < latest-MaxDisorder {
			return i
		}
		latest = max(latest, at)
	}
	return n
}

// Tick tells the time of a live source when no packet tells it, in ns since 1970
// UTC: flows that waited too long are destroyed, those silent are written out,
// and a period that is over ends the run.
func (s *Sieve) Tick(at int64) (End, error) {
	if s.closed {
		return s.end, errClosed
	}
	if s.started && at > s.latest {
		s.latest = at
		s.advance(at)
	}
	if s.end == Going && at >= s.o.Until {
		s.end = PeriodOver
	}
	return s.end, s.err
}

// Close ends the run: flows not decided are destroyed, selected ones written out,
// and all memory that held anything of a packet is overwritten. It returns the
// first error of emit.
func (s *Sieve) Close() error {
	if s.closed {
		return s.err
	}
	s.flush()
	s.wipe()
	s.closed = true
	return s.err
}

// Abort is Close without a record: what would have been written out counts as
// unselected.
func (s *Sieve) Abort() {
	s.aborted = true
	_ = s.Close()
}

// flush ends every flow.
func (s *Sieve) flush() {
	s.table.each(s.leave)
	s.frags.forget()
}

// wipe overwrites what is left.
func (s *Sieve) wipe() {
	s.table.wipe()
	s.learned.wipe()
	s.looks.wipe()
	s.aheads.wipe()
	s.pool.wipe()
	s.scratch = scratch{}
	s.tidyUp()
	s.out = Record{}
}
