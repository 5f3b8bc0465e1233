package evtx

import "bytes"

// A definition stands in every chunk that uses it, each time with other places
// of the names it refers to. What a worker compiled for one chunk it uses for
// the next if the definition there says the same: the same bytes between the
// same names. The GUID only finds the candidate, so a file that gives two
// definitions one GUID fools nobody.

// maxKept is how many bytes of definitions a worker keeps, without their names.
const maxKept = 1 << 20

// place is what templates are found by: the node is where they are used.
type place struct {
	guid [16]byte
	node uint32
}

// shape is what a definition must have to be the same: bytes and references to
// names in turn, and bytes at the end.
type shape struct {
	refs  []ref
	bytes []byte
	isAll bool // the definition ends with the bytes; else something may follow
	isOdd bool // not to be kept
}

// ref is a reference to a name.
type ref struct {
	before uint32 // bytes in front of it that must be the same
	elem   uint32
	kind   refKind
}

type refKind uint8

const (
	refName       refKind = iota
	refElement            // behind a size, which depends on where names stand
	refAttributes         // between the sizes of the element and its attributes
)

// refer notes a reference to a name: at is where it or the size before it
// stands, next the place after all that is not compared.
func (c *compiler) refer(at, next int, elem uint32, kind refKind) {
	if !c.inTemplate {
		return
	}
	before := c.d.chunk[c.seen:at]
	c.t.bytes = append(c.t.bytes, before...)
	c.t.refs = append(c.t.refs, ref{uint32(len(before)), elem, kind})
	c.seen = next
}

// tail notes the bytes behind the last reference, and whether the definition
// ends with them: had it gone on, the reader would have too.
func (s *shape) tail(b []byte, isAll bool) {
	s.bytes, s.isAll = append(s.bytes, b...), isAll
}

// isSame reports whether the definition between pos and end is that of t.
func (d *Decoder) isSame(t *template, pos, end int) bool {
	same := t.bytes
	for i := range t.refs {
		r := &t.refs[i]
		n := int(r.before)
		if pos+n > end || !bytes.Equal(d.chunk[pos:pos+n], same[:n]) {
			return false
		}
		pos, same = pos+n, same[n:]
		if r.kind != refName {
			pos += 4
		}
		elem, next, ok := d.name(pos, end)
		if !ok || elem != r.elem {
			return false
		}
		if pos = next; r.kind == refAttributes {
			pos += 4
		}
	}
	last := pos + len(same)
	return last <= end && (last == end || !t.isAll) && bytes.Equal(d.chunk[pos:last], same)
}

// keep keeps the template compiled last for the chunks to come.
func (d *Decoder) keep(key place, t *template) {
	if t.isOdd || len(t.bytes) > maxKept/16 {
		return
	}
	if d.keptBytes += len(t.bytes); d.keptBytes > maxKept {
		d.forget()
		d.keptBytes = len(t.bytes)
	}
	d.used--
	d.templates[d.used] = &template{}
	d.kept[key] = t
}

// forget drops all templates kept for the chunks to come.
func (d *Decoder) forget() {
	d.kept, d.keptBytes = map[place]*template{}, 0
}
