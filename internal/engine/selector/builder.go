package selector

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"slices"
)

// Builder gathers selectors and compiles them. The zero Builder is not ready:
// use NewBuilder. It is for one goroutine.
type Builder struct {
	o     Options
	b     body
	rows  map[Selector]uint32
	texts map[string]uint32
	seen  []uint32 // open addressing: a place of the arena and 1, 0 for none
	seed  maphash.Seed

	crowds       map[string]int // templates at one place
	patterns     int
	patternBytes int
	overridden   int
}

// Options are what a list is read with.
type Options struct {
	Now      int64     // ns UTC: selectors that expired at or before it are dropped; 0 keeps all
	Lister   string    // the person who lists; whoever overrides a warning must be another
	Warnings *Warnings // lists that keep selectors out; nil is BuiltIn
	Skip     bool      // leave broken lines out instead of refusing the list
	Default  Selector  // Source, Act, Approval and Expires of lines that say none
}

// Added says what became of a selector.
type Added uint8

// What can become of a selector without an error.
const (
	Taken     Added = iota + 1
	Duplicate       // the same kind and value is there: the first one stays
	Expired         // its time is over
)

// ErrFull is returned for more selectors, or more bytes, than a list holds.
var ErrFull = errors.New("selector: the list is full")

// NewBuilder returns an empty Builder.
func NewBuilder(o Options) *Builder {
	if o.Warnings == nil {
		o.Warnings = BuiltIn()
	}
	return &Builder{o: o, rows: map[Selector]uint32{}, crowds: map[string]int{}, texts: map[string]uint32{}, seen: make([]uint32, 64), seed: maphash.MakeSeed()}
}

// expect makes room for so many more, but for no lines that hold next to nothing.
func (b *Builder) expect(lines, bytes int) {
	lines = min(lines, bytes/8)
	b.b.arena = slices.Grow(b.b.arena, min(lines*5, maxArena)) // of IPv4 addresses
	size := len(b.seen)
	for size/4*3 < b.b.n+lines {
		size *= 2
	}
	if size > len(b.seen) {
		b.grow(size)
	}
}

// Len returns how many selectors were taken.
func (b *Builder) Len() int { return b.b.n }

// Add checks one selector and takes it. A Kind of 0 is guessed. Errors are
// *ValueError, *TextError, *WarnedError or ErrFull; after one, the Builder is
// as before.
func (b *Builder) Add(s Selector) (Added, error) {
	v, err := parse(s.Kind, s.Value)
	if err != nil {
		return 0, err
	}
	if v.boundless() {
		return 0, &ValueError{Problem: BadWide, Kind: Prefix, Value: shown(s.Value)}
	}
	if s.Expires == 0 {
		s.Expires = b.o.Default.Expires
	}
	if s.Expires != 0 && b.o.Now != 0 && s.Expires <= b.o.Now {
		return Expired, nil
	}
	if s.Source == "" {
		s.Source = b.o.Default.Source
	}
	if s.Act == "" {
		s.Act = b.o.Default.Act
	}
	if s.Approval == "" {
		s.Approval = b.o.Default.Approval
	}
	if err := b.checkTexts(&s); err != nil {
		return 0, err
	}
	slot, there := b.find(&v)
	if there {
		return Duplicate, nil
	}
	if err := b.warned(&s, &v); err != nil {
		return 0, err
	}
	return b.put(&s, &v, slot)
}

func (b *Builder) put(s *Selector, v *parsed, slot int) (Added, error) {
	if b.b.n >= maxListed || len(b.b.arena)+len(v.bytes)+3 > maxArena || len(b.rows) >= maxRows || len(b.b.texts) > maxArena-6*maxTextLen {
		return 0, ErrFull
	}
	if !b.crowd(v) {
		return 0, &ValueError{Problem: BadCrowd, Kind: URI, Value: shown(s.Value)}
	}
	if v.form == formPattern {
		if b.patterns >= maxPatterns || b.patternBytes+len(v.bytes) > maxPatternBytes {
			return 0, ErrFull
		}
		b.patterns++
		b.patternBytes += len(v.bytes)
	}
	s.Kind, s.Value = 0, ""
	row, ok := b.rows[*s]
	if !ok {
		row = uint32(len(b.rows))
		b.rows[*s] = row
		for _, text := range [...]string{s.Source, s.Act, s.Approval, s.Reason, s.By, ""} {
			b.b.metas = binary.LittleEndian.AppendUint32(b.b.metas, b.intern(text))
		}
		b.b.metas = binary.LittleEndian.AppendUint64(b.b.metas, uint64(s.Expires))
	}
	b.b.mark(row)
	b.seen[slot] = uint32(len(b.b.arena) + 1)
	b.b.put(v.form, v.bytes)
	if b.b.n > len(b.seen)/4*3 {
		b.grow(2 * len(b.seen))
	}
	return Taken, nil
}

func (b *Builder) intern(text string) uint32 {
	if text == "" {
		return 0
	}
	i, ok := b.texts[text]
	if !ok {
		i = uint32(len(b.texts) + 1)
		b.texts[text] = i
		b.b.texts = append(b.b.texts, text...)
		b.b.ends = binary.LittleEndian.AppendUint32(b.b.ends, uint32(len(b.b.texts)))
	}
	return i
}

// place returns where the search for a value begins. The seed is this process's
// own: it decides no byte of the result.
func (b *Builder) place(f form, value []byte) int {
	h := maphash.Bytes(b.seed, value)
	return int(mix(h+uint64(f)) & uint64(len(b.seen)-1))
}

// find returns the slot of a value, and whether it is taken.
func (b *Builder) find(v *parsed) (slot int, there bool) {
	for slot = b.place(v.form, v.bytes); b.seen[slot] != 0; slot = (slot + 1) & (len(b.seen) - 1) {
		if f, value, _ := b.b.cut(int(b.seen[slot]) - 1); f == v.form && bytes.Equal(value, v.bytes) {
			return slot, true
		}
	}
	return slot, false
}

func (b *Builder) grow(size int) {
	b.seen = make([]uint32, size) // a power of two
	for at := 0; at < len(b.b.arena); {
		f, value, next := b.b.cut(at)
		slot := b.place(f, value)
		for b.seen[slot] != 0 {
			slot = (slot + 1) & (len(b.seen) - 1)
		}
		b.seen[slot] = uint32(at + 1)
		at = next
	}
}

// Encode returns the compiled list: the same selectors in the same order give
// the same bytes.
func (b *Builder) Encode() ([]byte, error) {
	if !b.textOK(b.o.Lister) {
		return nil, &TextError{Column: "lister", Value: shown(b.o.Lister)}
	}
	lister := b.intern(b.o.Lister)
	p := &b.b
	file := make([]byte, headSize, headSize+len(p.metas)+len(p.ends)+len(p.texts)+len(p.runs)+len(p.arena))
	copy(file, magic)
	le := binary.LittleEndian
	le.PutUint32(file[16:], version)
	le.PutUint32(file[20:], uint32(p.n))
	le.PutUint32(file[24:], uint32(len(p.metas)/metaSize))
	le.PutUint32(file[28:], uint32(len(p.ends)/4))
	le.PutUint64(file[32:], uint64(len(p.texts)))
	le.PutUint64(file[40:], uint64(len(p.arena)))
	le.PutUint32(file[48:], lister)
	le.PutUint32(file[52:], uint32(len(p.runs)/runSize))
	for _, part := range [...][]byte{p.metas, p.ends, p.texts, p.runs, p.arena} {
		file = append(file, part...)
	}
	sum := hashOf(file)
	copy(file[64:], sum[:])
	return file, nil
}

// TextError says that a text beside a value cannot be kept.
type TextError struct {
	Column string // source, act, approval, reason, by, lister or expires
	Value  string
}

func (e *TextError) Error() string {
	return "selector: " + e.Column + " is too long, or holds what does not print: " + e.Value
}

func (b *Builder) textOK(s string) bool { return len(s) <= maxTextLen && printable(s) }

func (b *Builder) checkTexts(s *Selector) error {
	for _, c := range [...]struct{ name, text string }{{"source", s.Source}, {"act", s.Act}, {"approval", s.Approval}, {"reason", s.Reason}, {"by", s.By}} {
		if c.text != "" && !b.textOK(c.text) {
			return &TextError{c.name, shown(c.text)}
		}
	}
	if s.Expires < 0 {
		return &TextError{"expires", ""}
	}
	return nil
}
