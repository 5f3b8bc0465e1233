package export

// pending holds sets whose template is not known yet, first in first out, in
// one ring of octets. What leaves it is overwritten.
type pending struct {
	octets  []byte // the ring; made when first needed
	from    int    // where the oldest set starts
	used    int    // octets in use, with those skipped at the ring's end
	entries []waitingSet
}

// waitingSet is one set in the ring.
type waitingSet struct {
	e      *exporter
	id     uint16
	done   bool // decoded already
	at     int64
	off, n int
	taken  int // octets of the ring it occupies
	clock  clock
}

// wait keeps a set until its template comes. An exporter may hold a quarter of
// the room, so that one cannot push out what all others wait for.
func (d *Decoder) wait(e *exporter, id uint16, data []byte, c *clock, at int64) {
	e.counts.Early++
	p := &d.waiting
	size := d.limits.PendingBytes
	if len(data) == 0 || len(data) > size/4 || e.waiting+len(data) > size/4 {
		d.lose(e)
		return
	}
	if p.octets == nil {
		p.octets = make([]byte, size)
	}
	for len(p.entries) >= d.limits.PendingSets || !p.fits(len(data)) {
		d.dropPending(1)
	}
	off := (p.from + p.used) % size
	taken := len(data)
	if off+len(data) > size {
		taken += size - off
		off = 0
	}
	copy(p.octets[off:], data)
	p.used += taken
	e.waiting += len(data)
	p.entries = append(p.entries, waitingSet{e: e, id: id, at: at, off: off, n: len(data), taken: taken, clock: *c})
}

func (p *pending) fits(n int) bool {
	size := len(p.octets)
	off := (p.from + p.used) % size
	if off+n > size {
		n += size - off
	}
	return p.used+n <= size
}

func (d *Decoder) lose(e *exporter) {
	e.counts.LostSets++
	d.stats.PendingLost++
}

// dropPending removes the oldest n sets; those not decoded are lost.
func (d *Decoder) dropPending(n int) {
	p := &d.waiting
	for i := range p.entries[:n] {
		w := &p.entries[i]
		if !w.done {
			p.settle(w)
			d.lose(w.e)
		}
		p.from = (p.from + w.taken) % len(p.octets)
		p.used -= w.taken
	}
	left := copy(p.entries, p.entries[n:])
	clear(p.entries[left:])
	p.entries = p.entries[:left]
	if left == 0 {
		p.from, p.used = 0, 0
	}
}

// settle overwrites a set's octets.
func (p *pending) settle(w *waitingSet) {
	clear(p.octets[w.off : w.off+w.n])
	w.e.waiting -= w.n
	w.done = true
}

// expire drops sets that waited too long, and those decoded before them.
func (d *Decoder) expire(at int64) {
	entries := d.waiting.entries
	n := 0
	for n < len(entries) && (entries[n].done || at-entries[n].at > d.limits.PendingWait) {
		n++
	}
	if n > 0 {
		d.dropPending(n)
	}
}

// release decodes the sets that waited for a template.
func (d *Decoder) release(e *exporter, t *template, b *Batch) {
	if e.waiting == 0 {
		return
	}
	p := &d.waiting
	for i := range p.entries {
		w := &p.entries[i]
		if w.done || w.e != e || w.id != t.id {
			continue
		}
		if e.kind == IPFIX {
			w.clock.boot = e.boot
		}
		if _, err := d.records(e, t, p.octets[w.off:w.off+w.n], &w.clock, b); err != nil {
			e.counts.Malformed++
		}
		e.counts.Released++
		p.settle(w)
	}
}
