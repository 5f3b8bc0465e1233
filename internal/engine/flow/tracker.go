package flow

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"unsafe"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/memory"
)

// parts is into how many tables the communications are divided, whatever the
// number of workers, so that what is evicted does not depend on it.
const parts = MaxWorkers

// BatchSize is how many packets are best added at once.
const BatchSize = 512

// Tracker turns packets into records. Records come in the order in which they
// end: at the packet that ended them, and what ends at the same packet in the
// order of its first packets; whatever the number of workers. A Tracker is for
// one goroutine; Close waits for those it began.
type Tracker struct {
	opts    Options
	emit    func(*record.Record) error
	front   front
	stats   Stats
	tables  [parts]*table
	lists   [][]*table // whose items stand in one list of a batch, and which one works on at a time
	batches []*batch
	turn    int   // which batch is next
	crew    *crew // nil: nobody but the caller
	order   []over
	err     error
	closed  bool
}

// New returns a Tracker that calls emit with every record, on the goroutine
// that calls Add or Close. The record is the Tracker's own: emit may not keep
// it, nor what it points to, after it returns. An error of emit ends it.
func New(o Options, emit func(*record.Record) error) *Tracker {
	o.ready()
	t := &Tracker{opts: o, emit: emit}
	t.front = front{seed: binary.LittleEndian.Uint64(o.Key[:]) | 1, joinVLAN: o.JoinVLAN, stats: &t.stats, exports: newExports(&o)}
	lists := 1
	if o.Workers > 1 {
		lists = min(2*o.Workers, parts) // so that nobody waits for one of them
	}
	for l := range lists {
		from, end := parts*l/lists, parts*(l+1)/lists
		naming := record.NewNaming(o.Key, o.Full) // remembers names, so that few tables should have one of their own
		for i := from; i < end; i++ {
			t.tables[i] = newTable(&t.opts, naming, i, max(o.Flows/parts, 1), o.Buffered/parts)
			t.front.list[i] = uint8(l)
		}
		t.lists = append(t.lists, t.tables[from:end])
	}
	if o.Workers == 1 {
		t.batches = []*batch{newBatch(1, false)}
		return t
	}
	for range inFlight {
		t.batches = append(t.batches, newBatch(lists, true))
	}
	t.crew = &crew{work: t.run, after: t.wipe, batches: t.batches, lists: lists}
	t.crew.start(o.Workers - 1)
	return t
}

// inFlight is how many batches are filled and worked on at once.
const inFlight = 8

// lastSteps is in how many steps the end of the input ends everything, so that
// records are handed on while others are still being settled, and while they are
// in the processor's cache.
const lastSteps = 64

// errClosed is what Add returns after Close.
var errClosed = errors.New("flow: the tracker is closed")

// Add takes packets in. Their data is not needed any more when it returns.
func (t *Tracker) Add(packets []capture.Packet) error { return t.AddLent(packets, nil) }

// AddLent is Add for packets that a reader lends: workers read them where they
// lie, and the loan is returned when they are through. It is the Tracker's from
// here on, also with an error.
func (t *Tracker) AddLent(packets []capture.Packet, loan *capture.Loan) error {
	if loan != nil {
		defer loan.Return()
	}
	if t.closed {
		return errClosed
	}
	for len(packets) > 0 && t.err == nil {
		n := min(len(packets), BatchSize)
		b := t.open()
		b.borrow(loan)
		t.front.add(b, packets[:n])
		t.tidy()
		if b.full() || loan != nil && loan.Waits() {
			t.send()
		}
		packets = packets[n:]
	}
	return t.err
}

// tidy overwrites what was put together out of fragments: workers have a copy.
func (t *Tracker) tidy() {
	if t.crew != nil {
		t.front.frags.wipe()
	}
}

// Tick tells the time of a live source when no packet tells it: communications
// silent since end. at is ns since 1970 UTC and does not lie before the packets.
func (t *Tracker) Tick(at int64) error {
	if t.closed {
		return errClosed
	}
	b := t.open()
	if at > t.front.latest {
		t.front.clock(b, at)
	}
	t.tidy()
	t.send()
	t.settle() // nothing waits for the next packet
	return t.err
}

// settle waits until everything sent was worked on, and emits it.
func (t *Tracker) settle() {
	for range t.batches {
		t.empty(t.batches[t.turn])
		t.turn = (t.turn + 1) % len(t.batches)
	}
}

// Close ends every communication, waits for the workers and overwrites what is
// held. It returns the first error of emit.
func (t *Tracker) Close() error {
	if t.closed {
		return t.err
	}
	t.front.frags.flush(&t.front, t.open())
	t.tidy()
	for step := uint64(1); step <= lastSteps; step++ {
		t.open().flush = t.front.number / lastSteps * step
		if step == lastSteps {
			t.open().flush = ^uint64(0)
		}
		t.send()
	}
	t.settle()
	if t.crew != nil {
		t.crew.stop()
	}
	if x := t.front.exports; x != nil {
		x.decoder.Wipe()
	}
	t.closed = true
	return t.err
}

// Abort is Close for who wants no more records: what is held is overwritten and
// nothing is emitted.
func (t *Tracker) Abort() error {
	if t.err == nil {
		t.err = errClosed
	}
	if err := t.Close(); err != errClosed {
		return err
	}
	return nil
}

// Stats returns what was counted so far; while workers run, what they count is
// left out until Close.
func (t *Tracker) Stats() Stats {
	s := t.stats
	if t.crew == nil || t.closed {
		for _, table := range t.tables {
			s.add(&table.stats)
			s.Live += uint64(len(table.seats))
		}
	}
	return s
}

// open returns the batch that is being filled.
func (t *Tracker) open() *batch {
	b := t.batches[t.turn]
	if !b.open {
		t.empty(b)
		b.open = true
		if t.opts.Clock != nil {
			b.since = t.opts.Clock()
		}
	}
	return b
}

// empty waits until a batch was worked on, emits what ended in it and makes it
// ready for the next.
func (t *Tracker) empty(b *batch) {
	if t.crew != nil {
		t.crew.finish(b)
		t.deliver(b)
	}
	t.stats.WipeNanos = max(t.stats.WipeNanos, b.stay)
	b.reset()
}

// send has the open batch worked on, here or by the crew.
func (t *Tracker) send() {
	b := t.batches[t.turn]
	b.open, b.emitted = false, false
	t.turn = (t.turn + 1) % len(t.batches)
	if t.crew != nil {
		t.crew.send(b)
		return
	}
	t.run(b, 0)
	t.deliver(b)
	t.front.frags.wipe()
}

// wipe overwrites what every part has read.
func (t *Tracker) wipe(b *batch) {
	b.release()
	if t.opts.Clock != nil {
		b.stay = t.opts.Clock() - b.since
	}
}

// run works on one list of a batch.
func (t *Tracker) run(b *batch, list int) {
	tables := t.lists[list]
	for _, o := range b.ended[list] {
		t.tables[o.e.table].release(o.e)
	}
	b.ended[list] = b.ended[list][:0]
	for _, table := range tables {
		table.ended = &b.ended[list]
	}
	ticks := b.ticks
	mine := b.items[list]
	for i := range len(mine) + slotAhead {
		if i < len(mine) {
			t.tables[mine[i].part()].slotSoon(&mine[i])
		}
		if i := i - (slotAhead - entryAhead); i >= 0 && i < len(mine) {
			t.tables[mine[i].part()].entrySoon(&mine[i])
		}
		if i < slotAhead {
			continue
		}
		it := &mine[i-slotAhead]
		for len(ticks) > 0 && ticks[0].number < it.number {
			ticks[0].of(tables)
			ticks = ticks[1:]
		}
		t.tables[it.part()].process(it)
	}
	for i := range ticks {
		ticks[i].of(tables)
	}
	if b.flush > 0 {
		for _, table := range tables {
			table.finish(b.flush)
		}
	}
}

// of advances the clock of tables.
func (k *tick) of(tables []*table) {
	for _, table := range tables {
		table.moment = k.number
		if k.flush {
			table.flush()
			table.wheel.at = k.at
			continue
		}
		table.advance(k.at)
	}
}

// Who settled records may have been on another processor, so that their memory is
// asked for ahead of time: so many records before one is emitted, then that of its
// questions, then whatever Options.Soon asks for.
const (
	recordAhead   = 12
	questionAhead = 8
	soonAhead     = 4
)

// deliver emits what ended in a batch and what routers told, in order.
func (t *Tracker) deliver(b *batch) {
	if b.emitted {
		return
	}
	b.emitted = true
	t.order = t.order[:0]
	for _, ended := range b.ended {
		t.order = append(t.order, ended...)
	}
	if !slices.IsSortedFunc(t.order, over.compare) {
		slices.SortFunc(t.order, over.compare)
	}
	rows := b.told
	for i, o := range t.order {
		if i+recordAhead < len(t.order) {
			memory.Soon(&t.order[i+recordAhead].e.rec)
		}
		if i+questionAhead < len(t.order) {
			memory.Soon(unsafe.SliceData(t.order[i+questionAhead].e.rec.DNS))
		}
		if t.opts.Soon != nil && i+soonAhead < len(t.order) {
			t.opts.Soon(&t.order[i+soonAhead].e.rec)
		}
		for len(rows) > 0 && rows[0].number < o.moment {
			t.handTold(&rows[0].rec)
			rows = rows[1:]
		}
		t.hand(&o.e.rec)
	}
	for i := range rows {
		t.handTold(&rows[i].rec)
	}
}

// hand emits one record.
func (t *Tracker) hand(r *record.Record) {
	if t.err == nil {
		t.err = t.emit(r)
	}
}

// handTold emits one record that a router told.
func (t *Tracker) handTold(r *record.Record) {
	if !t.opts.NoID {
		r.CommunityID = Community(r)
	}
	t.hand(r)
}

// Source is where packets come from: a capture, which is asked to lend them, or
// an interface. Next fills the batch and returns io.EOF at the end; Wipe
// overwrites what it holds.
type Source interface {
	Next(batch []capture.Packet) (int, error)
	Wipe()
}

// Read turns all packets of a source into records (see New), and wipes it. It
// returns what was counted, also with an error.
func Read(s Source, o Options, emit func(*record.Record) error) (Stats, error) {
	defer s.Wipe()
	t := New(o, emit)
	packets := make([]capture.Packet, BatchSize)
	file, _ := s.(*capture.Reader)
	for {
		var n int
		var err error
		var loan *capture.Loan
		if file != nil {
			n, loan, err = file.Lend(packets)
		} else {
			n, err = s.Next(packets)
		}
		if n > 0 {
			if err := t.AddLent(packets[:n], loan); err != nil {
				_ = t.Close()
				return t.Stats(), err
			}
		}
		if err != nil {
			end := t.Close()
			if err == io.EOF {
				err = end
			}
			return t.Stats(), err
		}
	}
}
