package flow

import (
	"noroshi/internal/engine/flow/capture"
)

// batch is packets on their way from who decodes them to the tables.
type batch struct {
	items   [][]item // of each list
	count   int      // of items
	ticks   []tick
	told    []told          // what routers told in its packets
	ended   [][]over        // of each list
	emitted bool            // what ended was handed on
	loans   []*capture.Loan // memory of the payload
	arenas  [][]byte        // payload whose memory does not last as long as the batch
	held    int             // bytes of it
	beside  bool            // others read it while the next one is filled
	lent    bool            // payload that is added now stays where it is
	open    bool            // being filled
	flush   uint64          // the input is over: what began before this number ends
	since   int64           // when it was begun
	stay    int64           // how long payload stayed, in ns
	left    int             // lists that are not worked on yet; the crew's
}

func newBatch(lists int, beside bool) *batch {
	return &batch{items: make([][]item, lists), ended: make([][]over, lists), emitted: true, beside: beside}
}

// Handing over costs as much as many packets, so batches of a crew are larger:
// in items, in buffers of a reader, which has only capture.MaxHeld to give, and
// in bytes of payload that was copied.
const (
	heldItems = 4 * BatchSize
	heldLoans = capture.MaxHeld / inFlight
	heldBytes = 1 << 20
)

// full reports whether a batch is to be worked on.
func (b *batch) full() bool {
	return !b.beside || b.count > heldItems || len(b.loans) >= heldLoans || b.held > heldBytes
}

// borrow keeps the memory of packets until the batch was worked on.
func (b *batch) borrow(loan *capture.Loan) {
	b.lent = loan != nil
	if n := len(b.loans); b.lent && b.beside && (n == 0 || b.loans[n-1] != loan) {
		loan.Hold()
		b.loans = append(b.loans, loan)
	}
}

// put appends an item to a list.
func (b *batch) put(to uint8, it *item) {
	list := append(b.items[to], *it)
	b.items[to] = list
	b.count++
	if b.beside && len(it.data) > 0 && (!b.lent || it.pieced) {
		list[len(list)-1].data = b.copy(it.data)
	}
}

// copy puts payload into memory of the batch.
func (b *batch) copy(data []byte) []byte {
	n := len(b.arenas)
	if n == 0 || cap(b.arenas[n-1])-len(b.arenas[n-1]) < len(data) {
		b.arenas = append(b.arenas, make([]byte, 0, max(heldBytes+1<<16, len(data))))
		n++
	}
	a := &b.arenas[n-1]
	from := len(*a)
	*a = append(*a, data...)
	b.held += len(data)
	return (*a)[from:]
}

// release overwrites what was copied and gives back what was borrowed.
func (b *batch) release() {
	for i := range b.arenas {
		clear(b.arenas[i])
		b.arenas[i] = b.arenas[i][:0]
	}
	b.arenas = b.arenas[:min(len(b.arenas), 1)]
	for _, l := range b.loans {
		l.Return()
	}
	b.loans = b.loans[:0]
}

// reset makes a batch that was worked on and delivered ready for the next.
func (b *batch) reset() {
	for i := range b.items {
		b.items[i] = b.items[i][:0]
	}
	b.ticks, b.told, b.flush = b.ticks[:0], b.told[:0], 0
	b.count, b.held = 0, 0
}
