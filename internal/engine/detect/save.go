package detect

import (
	"errors"
	"io"

	"github.com/fxamacker/cbor/v2"
)

// version says in which form a state is written. Another form is not read: the
// state is begun anew.
const version = 6

// ErrState says that a saved state is of another version, or broken.
var ErrState = errors.New("the saved state is of another version or broken")

// Save writes what the Detector knows, so that a later run goes on from there.
// Nothing but numbers, addresses, hashes and bounded names is in it.
func (d *Detector) Save(w io.Writer) error {
	e := cbor.NewEncoder(w)
	if err := e.Encode(version); err != nil {
		return err
	}
	if err := e.Encode(&d.state); err != nil {
		return err
	}
	for _, t := range d.state.all() {
		if err := t.save(e); err != nil {
			return err
		}
	}
	return nil
}

// table is one that is saved and read back piece by piece, so that nothing holds
// all of it a second time.
type table interface {
	save(*cbor.Encoder) error
	load(*reader) error
}

// reader reads what was saved, item by item (CBOR, RFC 8949).
type reader struct {
	items *cbor.Decoder
	from  io.LimitedReader
}

// maxItem bounds one item in bytes, far above the largest there is (what waits,
// 2 MB): a file cannot ask for more memory than this at once.
const maxItem = 256 << 20

// strict refuses what Save does not write: tags, lengths that come later, fields
// that are not ours, and keys that come twice.
var strict = must(cbor.DecOptions{
	DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden,
	ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
	MaxArrayElements: maxItem, MaxMapPairs: maxItem,
}.DecMode())

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func newReader(r io.Reader) *reader {
	in := &reader{from: io.LimitedReader{R: r}}
	in.items = strict.NewDecoder(&in.from)
	return in
}

func (r *reader) Decode(v any) error {
	r.from.N = maxItem
	return r.items.Decode(v)
}

func (t *tables) all() []table {
	return []table{&t.Homes, &t.Outside, &t.Domains, &t.Led, &t.Pairs, &t.Kept, &t.Names, &t.Leaves, &t.Beats, &t.Hosts, &t.Ports, &t.Guesses, &t.Victims, &t.Reflect, &t.Stones,
		&t.Bridges, &t.Tools, &t.Prints, &t.Hits}
}

// Load makes a Detector that knows what Save wrote. The limits and the seed are
// those of then; the home networks and the list of what is expected are those
// of c.
func Load(c Config, r io.Reader) (*Detector, error) {
	dec := newReader(r)
	have := 0
	if err := dec.Decode(&have); err != nil || have != version {
		return nil, ErrState
	}
	d := &Detector{conf: c, lim: c.Limits.filled(), home: newHomes(c.Home)}
	if err := dec.Decode(&d.state); err != nil {
		return nil, ErrState
	}
	for _, t := range d.state.all() {
		if t.load(dec) != nil {
			return nil, ErrState
		}
	}
	if !d.state.sound() {
		return nil, ErrState
	}
	d.wire()
	return d, nil
}

// sound reports whether the tables refer to what is there, so that a damaged
// file is refused instead of read beyond an end.
func (s *state) sound() bool {
	ok := s.Beats.sound() && s.Waiting.sound()
	s.Victims.each(func(v *victim) { ok = ok && v.Newest >= 0 && v.Newest < 1<<40 })
	s.Pairs.each(func(p *pair) { ok = ok && p.Beat >= 0 && p.Beat <= s.Beats.Made })
	s.Names.each(func(n *named) { ok = ok && n.Beat >= 0 && n.Beat <= s.Beats.Made })
	s.Tools.each(func(u *toolUse) { ok = ok && u.Tool >= 0 && int(u.Tool) < len(toolList) })
	return ok
}

// Heads of what is saved of a table, and a piece of it: without its empty slots.
type (
	cacheHead struct {
		Size, Max, N int
		Evicted      int64
	}
	piece[V any] struct {
		At   []uint32
		Keys []uint64
		Uses []uint32
		Vals []V
	}
	beatsHead struct {
		Made    int32
		Free    []int32
		Max     int
		Evicted int64
	}
)

// maxPiece is how many slots are saved at a time.
const maxPiece = 1 << 10

// save writes what is in use.
func (c *cache[V]) save(e *cbor.Encoder) error {
	if err := e.Encode(cacheHead{len(c.Slots), c.Max, c.N, c.Evicted}); err != nil {
		return err
	}
	var p piece[V]
	for i, s := range c.Slots {
		if s.Key != 0 {
			p.At, p.Keys, p.Uses, p.Vals = append(p.At, uint32(i)), append(p.Keys, s.Key), append(p.Uses, s.Uses), append(p.Vals, *c.value(i))
		}
		if n := len(p.At); n == maxPiece || n > 0 && i == len(c.Slots)-1 {
			if err := e.Encode(&p); err != nil {
				return err
			}
			p.At, p.Keys, p.Uses, p.Vals = p.At[:0], p.Keys[:0], p.Uses[:0], p.Vals[:0]
		}
	}
	return nil
}

// maxSlots bounds a table that is read back.
const maxSlots = 1 << 26

// load reads what save wrote; a table that does not hang together is an error.
func (c *cache[V]) load(dec *reader) error {
	var h cacheHead
	if err := dec.Decode(&h); err != nil {
		return err
	}
	// A table doubles only when eight stand together: it is never nearly empty,
	// and a file cannot ask for more memory than what it holds gives reason for.
	if h.Size > 1024 && h.Size/256 > h.N || h.Size < ways || h.Size&(h.Size-1) != 0 || h.Size > h.Max || h.Max > maxSlots || h.Max&(h.Max-1) != 0 || h.N < 0 || h.N > h.Size {
		return ErrState
	}
	*c = cache[V]{Max: h.Max, Evicted: h.Evicted, drop: c.drop}
	var read []placed
	for len(read) < h.N {
		var p piece[V]
		if err := dec.Decode(&p); err != nil {
			return err
		}
		n := len(p.At)
		if n == 0 || n > maxPiece || len(read)+n > h.N || len(p.Keys) != n || len(p.Uses) != n || len(p.Vals) != n {
			return ErrState
		}
		for k := range p.At {
			at := c.make()
			c.pages[at/pageSize][at%pageSize] = p.Vals[k]
			read = append(read, placed{p.At[k], slot{p.Keys[k], p.Uses[k], at}})
		}
	}
	c.Slots = make([]slot, h.Size)
	for _, r := range read {
		if from, end := c.set(r.slot.Key); int(r.in) < from || int(r.in) >= end || c.Slots[r.in].Key != 0 || r.slot.Key == 0 {
			return ErrState
		}
		c.Slots[r.in] = r.slot
	}
	c.N = len(read)
	return nil
}

// placed is a slot and where it stands.
type placed struct {
	in   uint32
	slot slot
}

// save writes the rhythms a page at a time.
func (b *beats) save(e *cbor.Encoder) error {
	if err := e.Encode(beatsHead{b.Made, b.Free, b.Max, b.Evicted}); err != nil {
		return err
	}
	for _, page := range b.Pages {
		if err := e.Encode(page[:]); err != nil {
			return err
		}
	}
	return nil
}

// load reads what save wrote.
func (b *beats) load(dec *reader) error {
	var h beatsHead
	if err := dec.Decode(&h); err != nil {
		return err
	}
	*b = beats{Made: h.Made, Free: h.Free, Max: h.Max, Evicted: h.Evicted}
	for int(h.Made) > len(b.Pages)*beatPage {
		var page []beat
		if err := dec.Decode(&page); err != nil {
			return err
		}
		if len(page) != beatPage {
			return ErrState
		}
		b.Pages = append(b.Pages, (*[beatPage]beat)(page))
	}
	return nil
}
