package dissect

import "noroshi/internal/engine/flow/record"

// Bounds of a decoder of HPACK (RFC 7541).
const (
	maxTable = 16 << 10 // bytes of the dynamic table, by its own way of counting
	maxText  = 1 << 10  // bytes of a text that are looked at
	perEntry = 32       // RFC 7541 §4.1
)

// h2Name is a field that is read; any other is 0.
type h2Name uint8

const (
	h2Other h2Name = iota
	h2Authority
	h2Method
	h2Path
	h2Status
	h2Agent
	h2Server
	h2Type
	h2Host
)

// h2Value is what becomes of a field's value: nothing of its text is kept that
// a record would not hold.
type h2Value struct {
	text   record.Name
	agent  record.Agent
	number uint16
}

// h2Entry is a field of the dynamic table without its text: what it means and
// how much it counts.
type h2Entry struct {
	value    h2Value
	name     h2Name
	nameSize uint32
	size     uint32
}

// hpack decodes the field sections of one direction.
type hpack struct {
	f       record.Facts
	entries []h2Entry // a ring, head the newest
	head    int
	count   int
	size    uint32
	limit   uint32 // that the encoder chose
	most    uint32 // that the other side allows
	scratch [maxText]byte
}

func newHPACK(f record.Facts) hpack { return hpack{f: f, limit: 4096, most: 4096} }

// decode reads one whole field section and tells each field to take. It
// returns false when the section is not sound: the decoder is of no use then.
func (d *hpack) decode(b []byte, take func(h2Name, *h2Value)) bool {
	defer clear(d.scratch[:])
	for len(b) > 0 {
		c := b[0]
		switch {
		case c&0x80 != 0: // RFC 7541 §6.1
			n, rest, ok := hpackInt(b, 7)
			if !ok || !d.indexed(n, take) {
				return false
			}
			b = rest
		case c&0xe0 == 0x20: // §6.3
			n, rest, ok := hpackInt(b, 5)
			if !ok || n > uint64(d.most) {
				return false
			}
			d.limit = uint32(n)
			d.evict(0)
			b = rest
		default: // §6.2
			bits := uint(4)
			if c&0x40 != 0 {
				bits = 6
			}
			rest, ok := d.literal(b, bits, take)
			if !ok {
				return false
			}
			b = rest
		}
	}
	return true
}

func (d *hpack) indexed(n uint64, take func(h2Name, *h2Value)) bool {
	if n == 0 {
		return false
	}
	if n <= uint64(len(staticFields)) {
		s := &staticFields[n-1]
		if s.means != h2Other && s.value != "" {
			v := d.meaning(s.means, append(d.scratch[:0], s.value...))
			take(s.means, &v)
		}
		return true
	}
	e := d.entry(n - uint64(len(staticFields)))
	if e == nil {
		return false
	}
	take(e.name, &e.value)
	return true
}

// entry is the nth newest of the dynamic table, from 1.
func (d *hpack) entry(n uint64) *h2Entry {
	if n == 0 || n > uint64(d.count) {
		return nil
	}
	return &d.entries[(d.head+len(d.entries)-int(n)+1)%len(d.entries)]
}

func (d *hpack) literal(b []byte, bits uint, take func(h2Name, *h2Value)) (rest []byte, ok bool) {
	n, b, ok := hpackInt(b, bits)
	if !ok {
		return nil, false
	}
	e := h2Entry{}
	switch {
	case n == 0:
		text, size, rest, ok := d.text(b)
		if !ok {
			return nil, false
		}
		e.name, e.nameSize, b = h2NameOf(text), size, rest
	case n <= uint64(len(staticFields)):
		s := &staticFields[n-1]
		e.name, e.nameSize = s.means, uint32(len(s.name))
	default:
		have := d.entry(n - uint64(len(staticFields)))
		if have == nil {
			return nil, false
		}
		e.name, e.nameSize = have.name, have.nameSize
	}
	text, size, b, ok := d.text(b)
	if !ok {
		return nil, false
	}
	if e.name != h2Other {
		e.value = d.meaning(e.name, text)
		take(e.name, &e.value)
	}
	if bits == 6 {
		e.size = e.nameSize + size + perEntry
		d.add(e)
	}
	return b, true
}

// add puts an entry into the dynamic table (RFC 7541 §4.4).
func (d *hpack) add(e h2Entry) {
	if e.size > d.limit {
		d.evict(d.limit)
		return
	}
	d.evict(e.size)
	if d.count == len(d.entries) {
		grown := make([]h2Entry, max(8, 2*len(d.entries)))
		for i := range d.count {
			grown[i] = *d.entry(uint64(d.count - i))
		}
		clear(d.entries)
		d.entries, d.head = grown, d.count-1
		if d.count == 0 {
			d.head = len(grown) - 1
		}
	}
	d.head = (d.head + 1) % len(d.entries)
	d.entries[d.head] = e
	d.size += e.size
	d.count++
}

// evict makes room for an entry by dropping the oldest.
func (d *hpack) evict(room uint32) {
	for d.count > 0 && d.size+room > d.limit {
		e := d.entry(uint64(d.count))
		d.size -= e.size
		*e = h2Entry{}
		d.count--
	}
}

// wipe forgets everything.
func (d *hpack) wipe() {
	clear(d.entries)
	clear(d.scratch[:])
	d.count, d.size = 0, 0
}

// meaning is what a value says. The text is not kept.
func (d *hpack) meaning(name h2Name, b []byte) (v h2Value) {
	switch name {
	case h2Authority, h2Host:
		h := record.HTTP{}
		setHost(&h, b, d.f)
		v.text, v.number = h.Host, h.Port
	case h2Path:
		v.text = d.f.Naming.Path(b)
	case h2Method:
		v.number = uint16(method(b))
	case h2Status:
		n, ok := number(b)
		if ok && n < 1000 {
			v.number = uint16(n)
		}
	case h2Agent, h2Server:
		v.agent = d.f.Naming.Agent(b)
	case h2Type:
		v.number = uint16(media(b))
	}
	return v
}

// text reads a string literal (RFC 7541 §5.2): at most maxText bytes of it, and
// how long all of it is. It is good until the next call.
func (d *hpack) text(b []byte) (text []byte, size uint32, rest []byte, ok bool) {
	if len(b) == 0 {
		return nil, 0, nil, false
	}
	huffman := b[0]&0x80 != 0
	n, b, ok := hpackInt(b, 7)
	if !ok || n > uint64(len(b)) {
		return nil, 0, nil, false
	}
	coded, rest := b[:n], b[n:]
	if !huffman {
		return coded[:min(len(coded), maxText)], uint32(n), rest, true
	}
	used, size, ok := unHuffman(d.scratch[:], coded)
	return d.scratch[:used], size, rest, ok
}

// hpackInt reads an integer with a prefix of some bits (RFC 7541 §5.1).
func hpackInt(b []byte, bits uint) (v uint64, rest []byte, ok bool) {
	if len(b) == 0 {
		return 0, nil, false
	}
	full := uint64(1)<<bits - 1
	if v = uint64(b[0]) & full; v < full {
		return v, b[1:], true
	}
	for i, shift := 1, uint(0); i < len(b) && shift < 35; i, shift = i+1, shift+7 {
		v += uint64(b[i]&0x7f) << shift
		if b[i]&0x80 == 0 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}

// unHuffman decodes as much as fits into out and counts the rest too. The code
// is canonical (RFC 7541 Appendix B): codes of one length follow each other in
// the order of their symbols.
func unHuffman(out, coded []byte) (used int, size uint32, ok bool) {
	code, length := uint32(0), 0
	for _, c := range coded {
		for bit := 7; bit >= 0; bit-- {
			code = code<<1 | uint32(c>>bit&1)
			if length++; length > 30 {
				return used, size, false
			}
			l := &huffman.byLength[length]
			if off := code - l.first; code >= l.first && off < l.count {
				if used < len(out) {
					out[used] = huffman.symbols[l.start+off]
					used++
				}
				size++
				code, length = 0, 0
			}
		}
	}
	// What is left must be the beginning of the end-of-string code: all ones.
	return used, size, length < 8 && code == 1<<length-1
}

// huffman is the code: for every length its first code, how many there are and
// where its symbols begin.
var huffman = func() (t struct {
	byLength [31]struct{ first, count, start uint32 }
	symbols  [256]byte
}) {
	code, place := uint32(0), uint32(0)
	for length := 1; length <= 30; length++ {
		code <<= 1
		l := &t.byLength[length]
		l.first, l.start = code, place
		for s := range 256 {
			if int(huffmanLengths[s]-'A') == length {
				t.symbols[place] = byte(s)
				place, code = place+1, code+1
			}
		}
		l.count = place - l.start
	}
	return t
}()

// huffmanLengths is the length of the code of each byte, A being 0 (RFC 7541
// Appendix B).
const huffmanLengths = "" +
	`NX]]]]]]]Y_]]_]]]]]]]]_]]]]]]]]]GKKMNGILKKILIGGGFFFGGGGGGGHIPGMK` +
	`NGHHHHHHHHHHHHHHHHHHHHHHIHINTNOGPFGFGFGGGFHHGGGFGHGFFGHHHHHPLON]` +
	`UWUUWWWXWXXXXXYXYYWXYXXXXVWXWXXYWVUWWXXVXWWYVWXXVVWVXWXXUWWWXWWX` +
	`[[UTWXWZ[[[\\[YZTV[\\[\YVV[[]\\\UYUVWVVXWWZZYY[X[\[[\\\\\]\\\\\[`
