package evtx

import "noroshi/internal/engine/event"

// A template is binary XML compiled to the steps that fill a row.
type template struct {
	ops  []op
	text []byte // of all literal parts
	cost int    // steps that compiling took from the budget
	shape
}

// op is one step. What it does with a value depends on the value's type, which
// is known only from the record.
type op struct {
	kind  opKind
	value event.Kind
	flags opFlags
	hole  uint16 // number of the value, of opHole, opPart and opName
	name  event.Name
	off   uint32 // of the literal text; of opInstance: its place in the chunk
	len   uint32
	node  uint32 // where the element stands, for binary XML in its place
}

type opKind uint8

const (
	opConst    opKind = iota // a field with a literal text
	opHole                   // a field with a value, a field for each element of an array
	opText                   // literal part of a mixed field
	opPart                   // value as part of a mixed field
	opClose                  // the end of a mixed field
	opNull                   // an element without content
	opName                   // a value that names the field after it
	opInstance               // a template in this place
)

type opFlags uint8

const (
	noNull   opFlags = 1 << iota // an absent value leaves no field: optional ones, attributes, elements with others inside
	shadows                      // the field takes its plain name from System
	isNamed                      // the name is that of the last opName
	isTime                       // the time of the event
	isRecord                     // the number of the event
)

// marks are the flags of fields that mean something for the whole row.
const marks = shadows | isTime | isRecord

// Bounds of what a template and a record may ask for. True templates have some
// hundred steps, and a chunk cannot hold more than 96 KiB of text.
const (
	maxOps      = 1 << 13 // steps of a template
	maxElements = 64      // elements inside each other
	maxNested   = 16      // templates and binary XML inside each other
	recordSteps = 1 << 16
	chunkSteps  = 1 << 20
	recordText  = 1 << 20 // bytes
	chunkText   = 16 << 20
)

// slots is the size of the table of a chunk's templates.
const slots = 1 << 10

// slot remembers the template at a place of the chunk. Templates of other
// chunks are of an older age.
type slot struct {
	age  uint64
	off  uint32
	node uint32
	t    *template
}

// templateAt returns the compiled template whose definition is at off, when
// used inside node. The definition has a header of 24 bytes: the place of the
// next one, a GUID and its size.
func (d *Decoder) templateAt(off int, node uint32) (*template, Reason) {
	if off < chunkHead || off+24 > len(d.chunk) {
		return nil, BadTemplate
	}
	s := &d.slots[(uint32(off)*0x9E3779B1^node*0x85EBCA6B)>>22%slots]
	if s.age == d.age && s.off == uint32(off) && s.node == node {
		return s.t, None
	}
	size := int64(le.Uint32(d.chunk[off+20:]))
	if size > int64(len(d.chunk)-off-24) {
		return nil, BadTemplate
	}
	key := place{node: node}
	copy(key.guid[:], d.chunk[off+4:])
	if t := d.kept[key]; t != nil && d.isSame(t, off+24, off+24+int(size)) {
		d.spend(t.cost)
		*s = slot{d.age, uint32(off), node, t}
		return t, None
	}
	t := d.spare()
	c := compiler{d: d, t: t, end: off + 24 + int(size), inTemplate: true}
	_, reason := c.compile(off+24, node)
	if reason == None && !c.hasElement {
		reason = BadTemplate
	}
	if reason != None {
		d.used--
		return nil, reason
	}
	*s = slot{d.age, uint32(off), node, t}
	d.keep(key, t)
	return t, None
}

func (t *template) empty() {
	t.ops, t.text = t.ops[:0], t.text[:0]
	t.refs, t.bytes, t.isOdd = t.refs[:0], t.bytes[:0], false
}

// spare returns an empty template of those of chunks before.
func (d *Decoder) spare() *template {
	if d.used == len(d.templates) {
		d.templates = append(d.templates, &template{})
	}
	t := d.templates[d.used]
	d.used++
	t.empty()
	return t
}
