package export

// field is one field of a template: RFC 7011 section 3.2.
type field struct {
	enterprise uint32
	id         uint16
	length     uint16 // in octets; variable is "told in the record"
}

const variable = 0xffff

// op copies one field of every record into its column.
type op struct {
	col   column
	way   way
	width uint8
	off   uint16 // of the field within a record without its variable fields
	off2  uint16 // of systemInitTimeMilliseconds, for uptimeInit
}

// program turns records of one layout into rows.
type program struct {
	ops    []op
	absent []column // columns no op writes from the start: zeroed
	given  Columns
	uptime bool // times stand on the exporter's uptime, which may be unknown
	// alone says that only one end of the flow's time is given.
	startAlone, endAlone bool
	rows                 bool // the records give at least one address
}

// compile makes the program of a layout. v9 is for layouts of NetFlow v9 and
// v5, whose datagrams tell the exporter's uptime.
func compile(fields []field, v9 bool) program {
	var p program
	best := pick(fields, v9)
	offs := offsets(fields)
	add := func(i int, c column, w way) {
		o := op{col: c, way: w, width: uint8(fields[i].length), off: offs[i]}
		if w == uptime && !v9 {
			if j, ok := find(fields, 160); ok {
				o.way, o.off2 = uptimeInit, offs[j]
			}
		}
		p.uptime = p.uptime || o.way == uptime
		p.ops = append(p.ops, o)
		p.given |= 1 << c
	}
	cleared := Columns(0)
	for c := range column(columns) {
		if c == icmp {
			continue
		}
		if i := best[c].field; i >= 0 {
			add(i, c, best[c].way)
			cleared |= 1 << c
		}
	}
	if best[start].field >= 0 && best[start].way.lasts() {
		p.swapTimes() // the start counts back from the end
	}
	for i, f := range fields { // what is laid over or or-ed into a column
		m := mean(f)
		switch {
		case m.col == icmp && m.way.fits(int(f.length)):
			add(i, icmp, m.way)
		case m.way == addr6 && f.length == 16 && best[m.col].way == addr4:
			add(i, m.col, over6)
		}
	}
	for c := range column(columns) {
		if cleared&(1<<c) == 0 && c != start && c != end {
			p.absent = append(p.absent, c)
		}
	}
	p.startAlone = p.given&ColStart != 0 && p.given&ColEnd == 0
	p.endAlone = p.given&ColStart == 0 && p.given&ColEnd != 0
	p.rows = p.given&(ColSrc|ColDst) != 0
	return p
}

// swapTimes puts the op of the end before the op of the start.
func (p *program) swapTimes() {
	for i := range p.ops[1:] {
		if p.ops[i].col == start && p.ops[i+1].col == end {
			p.ops[i], p.ops[i+1] = p.ops[i+1], p.ops[i]
		}
	}
}

// lasts reports whether the field is the length of the flow.
func (w way) lasts() bool { return w == lastMillis || w == lastMicros }

// choice is the field chosen for a column.
type choice struct {
	field int // -1 none
	way   way
	rank  uint8
}

// pick chooses a field for every column: the lowest rank, then the first.
func pick(fields []field, v9 bool) [columns]choice {
	var best [columns]choice
	for c := range best {
		best[c].field = -1
	}
	better := func(i int, c column, w way, rank uint8) {
		if b := &best[c]; b.field < 0 || rank < b.rank {
			*b = choice{i, w, rank}
		}
	}
	lasting := choice{field: -1} // the flow's length
	var answer [columns]int      // index+1 of OUT_ counters
	for i, f := range fields {
		m := mean(f)
		switch {
		case !m.way.fits(int(f.length)), m.way == initMillis:
		case m.way.lasts():
			if lasting.field < 0 || m.rank < lasting.rank {
				lasting = choice{i, m.way, m.rank}
			}
			better(i, m.col, m.way, m.rank)
		case m.way == answering:
			answer[m.col] = i + 1
			better(i, m.col, number, m.rank)
		default:
			better(i, m.col, m.way, m.rank)
		}
	}
	for _, pair := range [...][2]column{{octets, revOctets}, {packets, revPackets}} {
		from, to := pair[0], pair[1]
		// Beside counters of its own, OUT_ is the other direction: so say
		// exporters of two-way v9 records. In IPFIX it is the same flow behind
		// a middlebox, which is no second count.
		if i := answer[from]; i > 0 && v9 && best[from].field != i-1 {
			better(i-1, to, number, 9)
		}
	}
	if best[start].field < 0 {
		switch {
		case best[end].field >= 0 && best[end].way.lasts():
			best[end].field = -1 // a length with neither end
		case best[end].field >= 0 && lasting.field >= 0:
			best[start] = lasting
		}
	}
	return best
}

func find(fields []field, id uint16) (int, bool) {
	for i, f := range fields {
		if m := mean(f); f.enterprise == 0 && f.id == id && m.way.fits(int(f.length)) {
			return i, true
		}
	}
	return 0, false
}

// offsets returns where every field stands in a record, its variable fields
// left out.
func offsets(fields []field) []uint16 {
	offs := make([]uint16, len(fields))
	at := 0
	for i, f := range fields {
		offs[i] = uint16(at)
		if f.length != variable {
			at += int(f.length)
		}
	}
	return offs
}
