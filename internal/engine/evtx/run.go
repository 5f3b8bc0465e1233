package evtx

import (
	"slices"
	"strconv"
	"time"

	"noroshi/internal/engine/event"
)

// value is a value of a template instance.
type value struct {
	off  uint32 // in the chunk
	size uint16
	typ  uint8
}

// instance is a template in use: its definition, and where its values stand.
type instance struct {
	def    int
	values int // their number, sizes and types, then they themselves
}

// instance reads the head of a template instance: a byte, the first part of the
// GUID and the place of the definition, which may follow right here.
func (d *Decoder) instance(pos, end int) (instance, Reason) {
	b := d.chunk[:end]
	if pos+14 > len(b) {
		return instance{}, BadTemplate
	}
	in := instance{def: int(le.Uint32(b[pos+6:])), values: pos + 10}
	if in.def == in.values {
		if in.def+24 > len(b) {
			return instance{}, BadTemplate
		}
		size := le.Uint32(b[in.def+20:])
		if int64(in.def)+24+int64(size)+4 > int64(len(b)) {
			return instance{}, BadTemplate
		}
		in.values += 24 + int(size)
	}
	return in, None
}

// load puts the values of an instance after those of the instances around it
// and returns the place after them.
func (d *Decoder) load(in instance, end int) (next int, reason Reason) {
	b := d.chunk[:end]
	if in.values+4 > len(b) {
		return 0, BadValues
	}
	count, at := le.Uint32(b[in.values:]), in.values+4
	if int64(count)*4 > int64(len(b)-at) {
		return 0, BadValues
	}
	list := b[at : at+4*int(count)]
	d.values = slices.Grow(d.values, int(count))
	values := d.values[len(d.values) : len(d.values)+int(count)]
	off := uint32(at + len(list))
	for i := range values {
		v := le.Uint32(list[4*i:])
		size := uint16(v)
		values[i] = value{off, size, uint8(v >> 16)}
		off += uint32(size)
	}
	if int(off) > len(b) {
		return 0, BadValues
	}
	d.values = d.values[:len(d.values)+int(count)]
	return int(off), None
}

// fragment reads binary XML between pos and end that stands inside node.
func (d *Decoder) fragment(row *event.Row, pos, end int, node uint32, depth int) Reason {
	if depth == 0 {
		d.values = d.values[:0]
	}
	if depth > maxNested {
		return TooDeep
	}
	for pos < end {
		if !d.spend(1) {
			return TooMuch
		}
		switch d.chunk[pos] &^ moreFlag {
		case tokenEnd:
			return None
		case tokenFragment:
			pos += 4
		case tokenTemplate:
			in, reason := d.instance(pos, end)
			if reason == None {
				pos, reason = d.use(row, in, end, node, depth)
			}
			if reason != None {
				return reason
			}
		default:
			// Elements without a template: compiled for this once.
			t := &d.once[depth]
			t.empty()
			c := compiler{d: d, t: t, end: end}
			next, reason := c.compile(pos, node)
			if reason == None {
				reason = d.run(row, t, nil, depth)
			}
			if reason != None {
				return reason
			}
			pos = next
		}
	}
	return None
}

// use fills row from an instance of a template and returns the place after it.
func (d *Decoder) use(row *event.Row, in instance, end int, node uint32, depth int) (next int, reason Reason) {
	t, reason := d.templateAt(in.def, node)
	if reason != None {
		return 0, reason
	}
	base := len(d.values)
	if next, reason = d.load(in, end); reason == None {
		reason = d.run(row, t, d.values[base:], depth)
		d.values = d.values[:base]
	}
	return next, reason
}

// run takes the steps of a template.
func (d *Decoder) run(row *event.Row, t *template, values []value, depth int) Reason {
	if !d.spend(len(t.ops) + len(values)) {
		return TooMuch
	}
	var open []byte // a mixed field being built
	for i := range t.ops {
		o := &t.ops[i]
		switch o.kind {
		case opHole:
			if int(o.hole) >= len(values) {
				d.null(row, o)
				break
			}
			v := values[o.hole]
			if v.typ == typeString && o.flags&^noNull == 0 { // most are
				row.Close(o.name, event.Text, appendUTF16(row.Open(), trimNUL(d.chunk[v.off:v.off+uint32(v.size)])))
				d.room -= int(v.size)
				break
			}
			if reason := d.field(row, o, v, depth); reason != None {
				return reason
			}
		case opConst:
			row.Add(d.nameOf(o), event.Text, t.text[o.off:o.off+o.len])
			d.room -= int(o.len)
			if o.flags&marks != 0 {
				d.mark(row, o, value{})
			}
		case opNull:
			row.AddString(d.nameOf(o), event.Null, "")
		case opText:
			if open == nil {
				open = row.Open()
			}
			open = append(open, t.text[o.off:o.off+o.len]...)
			d.room -= int(o.len)
		case opPart:
			if open == nil {
				open = row.Open()
			}
			if int(o.hole) < len(values) {
				open = d.part(open, values[o.hole])
			}
		case opClose:
			row.Close(d.nameOf(o), event.Text, open)
			open = nil
			d.mark(row, o, value{})
		case opName:
			d.named = 0
			if int(o.hole) < len(values) {
				d.scratch = d.part(d.scratch[:0], values[o.hole])
				f := d.naming.named(o.node, d.scratch)
				d.named, d.shadow = f.name, d.shadow || f.shadows
			}
		case opInstance:
			in, reason := d.instance(int(o.off), len(d.chunk))
			if reason == None && depth >= maxNested {
				reason = TooDeep
			}
			if reason == None {
				_, reason = d.use(row, in, len(d.chunk), o.node, depth+1)
			}
			if reason != None {
				return reason
			}
		}
		if d.room < 0 || d.budget < 0 {
			return TooMuch
		}
	}
	return None
}

func (d *Decoder) nameOf(o *op) event.Name {
	if o.flags&isNamed != 0 {
		return d.named
	}
	return o.name
}

// null leaves the field of a value that is not there.
func (d *Decoder) null(row *event.Row, o *op) {
	if o.flags&noNull == 0 {
		row.AddString(d.nameOf(o), event.Null, "")
		d.mark(row, o, value{})
	}
}

// field adds the field of a value: one for each element of an array, and what
// binary XML has inside.
func (d *Decoder) field(row *event.Row, o *op, v value, depth int) Reason {
	b := d.chunk[v.off : v.off+uint32(v.size)]
	name := d.nameOf(o)
	switch {
	case v.typ == typeString:
		text := appendUTF16(row.Open(), trimNUL(b))
		d.room -= len(b)
		row.Close(name, event.Text, text)
	case v.typ == typeNull || v.size == 0 && !mayBeEmpty(v.typ):
		d.null(row, o)
		return None
	case v.typ == typeBinXML:
		return d.fragment(row, int(v.off), int(v.off)+int(v.size), o.node, depth+1)
	case v.typ&typeArray != 0:
		if reason := d.array(row, name, v.typ&^typeArray, b, o); reason != None {
			return reason
		}
	default:
		text, kind, ok := d.appendValue(row.Open(), v.typ, b)
		d.room -= 2 * len(b)
		d.bad = d.bad || !ok
		row.Close(name, kind, text)
	}
	if o.flags&marks != 0 {
		d.mark(row, o, v)
	}
	return None
}

// mayBeEmpty reports whether no bytes are a value of a type: the empty text.
// Those of other types without bytes are absent.
func mayBeEmpty(typ uint8) bool {
	return typ == typeANSI || typ == typeBinary || typ == typeXML
}

// array adds a field for each element of an array.
func (d *Decoder) array(row *event.Row, name event.Name, typ uint8, b []byte, o *op) Reason {
	if len(b) == 0 {
		d.null(row, o)
	}
	for len(b) > 0 {
		if !d.spend(1) {
			return TooMuch
		}
		size, mark := element(typ, b)
		if size+mark == 0 {
			d.bad = true
			row.Close(name, event.Text, appendHex(row.Open(), b))
			return None
		}
		text, kind, ok := d.appendValue(row.Open(), typ, b[:size])
		d.room -= 2 * size
		d.bad = d.bad || !ok
		row.Close(name, kind, text)
		b = b[size+mark:]
	}
	return None
}

// part appends a value to a mixed field; the elements of an array follow each
// other with commas.
func (d *Decoder) part(to []byte, v value) []byte {
	b := d.chunk[v.off : v.off+uint32(v.size)]
	d.room -= 2 * len(b)
	if v.typ == typeNull || v.typ == typeBinXML || len(b) == 0 {
		return to
	}
	typ := v.typ &^ typeArray
	ok := true
	if typ == v.typ {
		to, _, ok = d.appendValue(to, typ, b)
		d.bad = d.bad || !ok
		return to
	}
	for first := true; len(b) > 0 && d.spend(1); first = false {
		size, mark := element(typ, b)
		if size+mark == 0 {
			d.bad = true
			return appendHex(to, b)
		}
		if !first {
			to = append(to, ',')
		}
		to, _, ok = d.appendValue(to, typ, b[:size])
		d.bad = d.bad || !ok
		b = b[size+mark:]
	}
	return to
}

// mark takes what the field added last means for the row as a whole. Events that
// were made from text have text for their time and number too.
func (d *Decoder) mark(row *event.Row, o *op, v value) {
	if o.flags&shadows != 0 {
		d.shadow = true
	}
	if o.flags&(isTime|isRecord) == 0 || len(row.Fields) == 0 {
		return
	}
	b := d.chunk[v.off : v.off+uint32(v.size)]
	switch text := row.Value(len(row.Fields) - 1); {
	case o.flags&isTime == 0:
		if v.typ == typeUint64 && len(b) == 8 {
			row.Record = le.Uint64(b)
		} else if n, err := strconv.ParseUint(string(text), 10, 64); err == nil {
			row.Record = n
		}
	case v.typ == typeFiletime && len(b) == 8:
		row.Time = unixNano(le.Uint64(b))
	default:
		if t, err := time.Parse(time.RFC3339Nano, string(text)); err == nil {
			row.Time = t.UnixNano()
		}
	}
}
