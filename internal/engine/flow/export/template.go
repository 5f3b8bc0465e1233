package export

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// template is the layout of the records of a set.
type template struct {
	id       uint16
	options  bool
	scope    uint16 // of an options template: how many fields are its scope
	varied   bool   // a field has its length in the record
	size     int    // octets of a record; the least a record has when varied
	runs     []int  // when varied: octets of fixed fields before each variable one, and behind the last
	fields   []field
	program  program
	raw      []byte // the definition, to know it again
	lastUsed uint64
}

// maxEmpty bounds the fields of no octets in a template (scopes of v9 have
// none), so that a small set cannot hold much to walk.
const maxEmpty = 16

// The set ids of definitions (RFC 3954 section 5.2, 6.1; RFC 7011 section 3.3.2).
const (
	templateSet9  = 0
	optionsSet9   = 1
	templateSet   = 2
	optionsSet    = 3
	firstTemplate = 256
)

// definitions reads the template records of a set.
func (d *Decoder) definitions(e *exporter, set uint16, data []byte, b *Batch) error {
	var bad error
	for len(data) >= 4 {
		n, err := d.definition(e, set, data, b)
		if err != nil {
			bad = err
			e.counts.Refused++
		}
		if n == 0 {
			break
		}
		data = data[n:]
	}
	return bad
}

// definition reads one template record and returns its length; 0 when the rest
// of the set is padding or cannot be read.
func (d *Decoder) definition(e *exporter, set uint16, data []byte, b *Batch) (int, error) {
	id, count := binary.BigEndian.Uint16(data), int(binary.BigEndian.Uint16(data[2:]))
	if id == 0 && count == 0 {
		return 0, nil // padding
	}
	if set >= templateSet && count == 0 {
		d.withdraw(e, set, id)
		return 4, nil
	}
	head, scope := 4, 0
	switch set {
	case optionsSet9: // two lengths in octets, of 4 per field
		if len(data) < 6 {
			return 0, ErrTemplate
		}
		options := int(binary.BigEndian.Uint16(data[4:]))
		if count%4 != 0 || options%4 != 0 {
			return 0, ErrTemplate
		}
		head, scope, count = 6, count/4, (count+options)/4
	case optionsSet:
		if len(data) < 6 {
			return 0, ErrTemplate
		}
		head, scope = 6, int(binary.BigEndian.Uint16(data[4:]))
	}
	n := fieldsLength(data[head:], count, set >= templateSet)
	if n < 0 {
		return 0, ErrTemplate
	}
	n += head
	if id < firstTemplate || count == 0 || count > d.limits.Fields || scope > count {
		return n, ErrTemplate
	}
	return n, d.define(e, set, id, uint16(scope), head, count, data[:n], b)
}

// fieldsLength returns the octets that count field specifiers take, or -1 when
// there are not so many.
func fieldsLength(data []byte, count int, enterprises bool) int {
	if !enterprises {
		if count*4 > len(data) {
			return -1
		}
		return count * 4
	}
	at := 0
	for range count {
		if at+4 > len(data) {
			return -1
		}
		if data[at]&0x80 != 0 {
			at += 4
		}
		at += 4
	}
	if at > len(data) {
		return -1
	}
	return at
}

// define keeps a template and decodes what waited for it.
func (d *Decoder) define(e *exporter, set, id, scope uint16, head, count int, raw []byte, b *Batch) error {
	d.tick++
	old := e.templates[id]
	if old != nil && bytes.Equal(old.raw, raw) && old.options == (set == optionsSet || set == optionsSet9) {
		old.lastUsed = d.tick
		return nil
	}
	t := &template{id: id, options: set == optionsSet || set == optionsSet9, scope: scope, lastUsed: d.tick}
	t.fields = readFields(raw[head:], count, set >= templateSet)
	run := 0
	for _, f := range t.fields {
		if f.length == variable {
			t.varied = true
			t.size++
			t.runs, run = append(t.runs, run), 0
		} else {
			t.size += int(f.length)
			run += int(f.length)
		}
	}
	t.runs = append(t.runs, run)
	if t.size == 0 || t.size > 0xffff || count > t.size+maxEmpty {
		return ErrTemplate // its records have no end, fit no set, or are nearly all empty fields
	}
	if !t.options {
		t.program = compile(t.fields, set < templateSet)
	}
	t.raw = bytes.Clone(raw)
	if old != nil {
		d.removeTemplate(e, old)
	}
	d.makeRoom(e, count)
	if e.templates == nil {
		e.templates = map[uint16]*template{}
	}
	e.templates[id] = t
	d.fields += count
	e.counts.Templates++
	d.release(e, t, b)
	return nil
}

func readFields(data []byte, count int, enterprises bool) []field {
	fields := make([]field, count)
	for i := range fields {
		f := &fields[i]
		f.id, f.length = binary.BigEndian.Uint16(data), binary.BigEndian.Uint16(data[2:])
		data = data[4:]
		if enterprises && f.id&0x8000 != 0 {
			f.id &^= 0x8000
			f.enterprise = binary.BigEndian.Uint32(data)
			data = data[4:]
		}
		if !enterprises && f.length == variable {
			f.length = variable - 1 // v9 has no fields of variable length
		}
	}
	return fields
}

// makeRoom evicts templates until one more of count fields is within limits.
func (d *Decoder) makeRoom(e *exporter, count int) {
	for len(e.templates) >= d.limits.Templates {
		d.evictTemplate(e)
	}
	for d.fields+count > d.limits.AllFields {
		victim := d.recent.tail
		for victim != nil && len(victim.templates) == 0 {
			victim = victim.prev
		}
		if victim == nil {
			return
		}
		d.evictTemplate(victim)
	}
}

// evictTemplate drops an eighth of an exporter's templates, the least recently
// used: one at a time, a flood of definitions would have all looked through for
// each.
func (d *Decoder) evictTemplate(e *exporter) {
	d.oldest = d.oldest[:0]
	for _, t := range e.templates {
		d.oldest = append(d.oldest, t)
	}
	slices.SortFunc(d.oldest, func(a, b *template) int { return cmp.Compare(a.lastUsed, b.lastUsed) })
	for _, t := range d.oldest[:(len(d.oldest)+7)/8] {
		d.removeTemplate(e, t)
		e.counts.Evicted++
	}
	clear(d.oldest)
}

func (d *Decoder) removeTemplate(e *exporter, t *template) {
	delete(e.templates, t.id)
	d.fields -= len(t.fields)
	if e.current == t {
		e.current = nil
	}
}

// forget drops all templates of an exporter.
func (d *Decoder) forget(e *exporter) {
	for _, t := range e.templates {
		d.fields -= len(t.fields)
	}
	e.templates, e.current = nil, nil
}

// withdraw takes back one template, or all of a kind when the id is the set's
// own (RFC 7011 section 8.1).
func (d *Decoder) withdraw(e *exporter, set, id uint16) {
	for _, t := range e.templates {
		if t.id == id || id == set && t.options == (set == optionsSet) {
			d.removeTemplate(e, t)
			e.counts.Withdrawn++
		}
	}
}

// template returns the layout of a set, nil when it is not known.
func (d *Decoder) template(e *exporter, id uint16) *template {
	t := e.current
	if t == nil || t.id != id {
		if t = e.templates[id]; t == nil {
			return nil
		}
		e.current = t
	}
	d.tick++
	t.lastUsed = d.tick
	return t
}
