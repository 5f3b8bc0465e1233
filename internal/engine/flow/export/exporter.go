package export

import (
	"cmp"
	"net/netip"
	"slices"
)

// Counts is what is counted of an exporter.
type Counts struct {
	Datagrams  uint64 `json:"datagrams"`
	Octets     uint64 `json:"bytes"`
	Records    uint64 `json:"records"`   // rows given
	Options    uint64 `json:"options"`   // option records, and counter samples of sFlow
	Skipped    uint64 `json:"skipped"`   // records without an address, or whose packet could not be read
	Templates  uint64 `json:"templates"` // definitions that were new or changed
	Refused    uint64 `json:"refused"`   // definitions that were malformed or too long
	Evicted    uint64 `json:"evicted"`   // templates that went to stay within the limits
	Withdrawn  uint64 `json:"withdrawn"` // templates taken back by the exporter
	Early      uint64 `json:"early"`     // sets that came before their template
	Released   uint64 `json:"released"`  // of these, decoded when it came
	LostSets   uint64 `json:"lost_sets"` // of these, dropped because it did not come
	Lost       uint64 `json:"lost"`      // missing by sequence: datagrams (v9, sFlow) or records (v5, IPFIX)
	Disorder   uint64 `json:"disorder"`  // datagrams that came after a later one
	Duplicates uint64 `json:"duplicates"`
	Restarts   uint64 `json:"restarts"`  // uptime or sequence began anew
	Malformed  uint64 `json:"malformed"` // datagrams whose lengths do not fit
}

// Add adds the counts of another.
func (c *Counts) Add(o *Counts) {
	c.Datagrams += o.Datagrams
	c.Octets += o.Octets
	c.Records += o.Records
	c.Options += o.Options
	c.Skipped += o.Skipped
	c.Templates += o.Templates
	c.Refused += o.Refused
	c.Evicted += o.Evicted
	c.Withdrawn += o.Withdrawn
	c.Early += o.Early
	c.Released += o.Released
	c.LostSets += o.LostSets
	c.Lost += o.Lost
	c.Disorder += o.Disorder
	c.Duplicates += o.Duplicates
	c.Restarts += o.Restarts
	c.Malformed += o.Malformed
}

// Exporter is one origin of datagrams and what was counted of it.
type Exporter struct {
	Number uint32     // the value in Batch.Exporter
	Addr   netip.Addr // whom the datagrams came from
	Agent  netip.Addr // the device that sFlow names, else invalid
	Kind   Kind
	// Domain is the observation domain (IPFIX), source id (v9), engine type
	// and id (v5) or sub-agent (sFlow).
	Domain          uint32
	FirstAt, LastAt int64 // ns since 1970: datagrams received
	Sampling        uint32
	Counts
}

// exporter is the state behind an Exporter.
type exporter struct {
	origin
	number     uint32
	agent      netip.Addr
	first, at  int64
	counts     Counts
	templates  map[uint16]*template
	current    *template // the one used last
	sequence   sequence
	samplers   samplers
	sampling   uint32 // without a sampler id; 0 unknown
	boot       int64  // systemInitTimeMilliseconds as ns, from options; 0 unknown
	waiting    int    // octets of sets that wait for a template
	prev, next *exporter
}

// list orders exporters from the most recently seen to the longest silent.
type list struct{ head, tail *exporter }

func (l *list) remove(e *exporter) {
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		l.head = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	} else {
		l.tail = e.prev
	}
	e.prev, e.next = nil, nil
}

func (l *list) push(e *exporter) {
	e.next = l.head
	if l.head != nil {
		l.head.prev = e
	} else {
		l.tail = e
	}
	l.head = e
}

// exporter finds or makes the state of an origin and marks it seen.
func (d *Decoder) exporter(from netip.Addr, kind Kind, domain uint32, at int64, size int) *exporter {
	o := origin{from, kind, domain}
	e := d.last
	if e == nil || e.origin != o {
		e = d.exporters[o]
		if e == nil {
			e = d.admit(o, at)
		} else if d.recent.head != e {
			d.recent.remove(e)
			d.recent.push(e)
		}
		d.last = e
	}
	e.at = at
	e.counts.Datagrams++
	e.counts.Octets += uint64(size)
	return e
}

func (d *Decoder) admit(o origin, at int64) *exporter {
	if len(d.exporters) >= d.limits.Exporters {
		d.evict(d.recent.tail)
	}
	d.number++
	e := &exporter{origin: o, number: d.number, first: at}
	d.exporters[o] = e
	d.numbers[e.number] = e
	d.recent.push(e)
	return e
}

func (d *Decoder) evict(e *exporter) {
	d.forget(e)
	d.recent.remove(e)
	delete(d.exporters, e.origin)
	delete(d.numbers, e.number)
	if d.last == e {
		d.last = nil
	}
	d.stats.ExportersEvicted++
	d.stats.Gone.Add(&e.counts)
	e.counts = Counts{}
}

// Exporter returns the exporter with the number of a row. It is false when it
// was evicted since.
func (d *Decoder) Exporter(number uint32) (Exporter, bool) {
	if e := d.numbers[number]; e != nil {
		return e.public(), true
	}
	return Exporter{}, false
}

// Exporters returns all exporters that are known, by number.
func (d *Decoder) Exporters() []Exporter {
	all := make([]Exporter, 0, len(d.exporters))
	for _, e := range d.exporters {
		all = append(all, e.public())
	}
	slices.SortFunc(all, func(a, b Exporter) int { return cmp.Compare(a.Number, b.Number) })
	return all
}

func (e *exporter) public() Exporter {
	return Exporter{Number: e.number, Addr: e.addr, Agent: e.agent, Kind: e.kind, Domain: e.domain,
		FirstAt: e.first, LastAt: e.at, Sampling: e.sampling, Counts: e.counts}
}

// samplers are the rates of an exporter's numbered samplers.
type samplers struct {
	id, rate [maxSamplers]uint32
	n, next  int
}

// maxSamplers bounds them; the oldest goes.
const maxSamplers = 16

func (s *samplers) set(id, rate uint32) {
	for i := range s.n {
		if s.id[i] == id {
			s.rate[i] = rate
			return
		}
	}
	s.id[s.next], s.rate[s.next] = id, rate
	s.n = max(s.n, s.next+1)
	s.next = (s.next + 1) % maxSamplers
}

// replace turns ids into rates; an id nobody told of becomes otherwise.
func (s *samplers) replace(ids []uint32, otherwise uint32) {
	for i, id := range ids {
		ids[i] = otherwise
		for j := range s.n {
			if s.id[j] == id {
				ids[i] = s.rate[j]
				break
			}
		}
	}
}
