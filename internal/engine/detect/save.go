package detect

import (
	"encoding/binary"
	"errors"
	"io"
	"slices"

	"github.com/fxamacker/cbor/v2"
)

// version says in which form a state is written. Another form is not read: the
// state is begun anew.
const version = 7

// ErrState says that a saved state is of another version, or broken.
var ErrState = errors.New("the saved state is of another version or broken")

// Save writes what the Detector knows, so that a later run goes on from there.
// Nothing but numbers, addresses, hashes and bounded names is in it.
func (d *Detector) Save(w io.Writer) error {
	to := &writer{w: w}
	to.put(version)
	to.put(&d.state)
	for _, t := range d.state.all() {
		t.save(to)
	}
	return to.err
}

// Load makes a Detector that knows what Save wrote. The seed and the sizes of
// the tables are those of then, and no larger than the limits of c; the home
// networks and the list of what is expected are those of c.
func Load(c Config, r io.Reader) (*Detector, error) {
	from, have := &reader{r: r}, 0
	if from.get(&have, short) != nil || have != version {
		return nil, ErrState
	}
	d := New(c)
	if from.get(&d.state, long) != nil {
		return nil, ErrState
	}
	for _, t := range d.state.all() {
		if t.load(from) != nil {
			return nil, ErrState
		}
	}
	if !d.state.sound() {
		return nil, ErrState
	}
	d.wire()
	return d, nil
}

// table is one that is saved and read back piece by piece, so that nothing holds
// all of it a second time.
type table interface {
	save(*writer)
	load(*reader) error
}

func (t *tables) all() []table {
	return []table{&t.Homes, &t.Outside, &t.Domains, &t.Led, &t.Pairs, &t.Kept, &t.Names, &t.Leaves, &t.Beats, &t.Hosts, &t.Ports, &t.Guesses, &t.Victims, &t.Reflect, &t.Stones,
		&t.Bridges, &t.Tools, &t.Prints, &t.Hits}
}

// writer writes items of CBOR (RFC 8949), each after its length in bytes.
type writer struct {
	w   io.Writer
	err error
}

func (w *writer) put(v any) {
	if w.err != nil {
		return
	}
	item, err := cbor.Marshal(v)
	if err == nil {
		_, err = w.w.Write(append(binary.LittleEndian.AppendUint32(nil, uint32(len(item))), item...))
	}
	w.err = err
}

// reader reads them back.
type reader struct {
	r    io.Reader
	item []byte
}

// maxItem bounds one item, in bytes: three times the largest, a piece of a
// thousand victims of floods.
const maxItem = 16 << 20

// What reads an item refuses what Save does not write, such as tags and fields
// that are not ours, and rows of more elements than a piece of a table has, before
// it makes anything. What waits and what is free are longer.
var (
	short = strict(maxPiece)
	long  = strict(1 << 18)
)

func strict(most int) cbor.DecMode {
	mode, err := cbor.DecOptions{
		DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden, UTF8: cbor.UTF8DecodeInvalid,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField, FieldNameMatching: cbor.FieldNameMatchingCaseSensitive,
		MaxArrayElements: most, MaxMapPairs: maxHosts,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return mode
}

func (r *reader) get(v any, mode cbor.DecMode) error {
	var size [4]byte
	if _, err := io.ReadFull(r.r, size[:]); err != nil {
		return err
	}
	n := binary.LittleEndian.Uint32(size[:])
	if n > maxItem {
		return ErrState
	}
	r.item = slices.Grow(r.item[:0], int(n))[:n]
	if _, err := io.ReadFull(r.r, r.item); err != nil {
		return err
	}
	return mode.Unmarshal(r.item, v)
}

// sound reports whether the tables refer to what is there, so that a damaged
// file is refused instead of read beyond an end.
func (s *state) sound() bool {
	ok := s.Beats.sound() && s.Waiting.sound()
	s.Victims.each(func(v *victim) { ok = ok && v.Newest >= 0 && v.Newest < 1<<40 })
	s.Pairs.each(func(p *pair) { ok = ok && p.Beat >= 0 && p.Beat <= s.Beats.Made })
	s.Names.each(func(n *named) { ok = ok && n.Beat >= 0 && n.Beat <= s.Beats.Made })
	s.Outside.each(func(p *place) { ok = ok && p.Tool >= 0 && int(p.Tool) <= len(toolList) })
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
func (c *cache[V]) save(to *writer) {
	to.put(cacheHead{len(c.Slots), c.Max, c.N, c.Evicted})
	var p piece[V]
	for i, s := range c.Slots {
		if s.Key != 0 {
			p.At, p.Keys, p.Uses, p.Vals = append(p.At, uint32(i)), append(p.Keys, s.Key), append(p.Uses, s.Uses), append(p.Vals, *c.value(i))
		}
		if n := len(p.At); n == maxPiece || n > 0 && i == len(c.Slots)-1 {
			to.put(&p)
			p.At, p.Keys, p.Uses, p.Vals = p.At[:0], p.Keys[:0], p.Uses[:0], p.Vals[:0]
		}
	}
}

// load reads what save wrote; a table that does not hang together, or that is
// larger than c may be, is an error.
func (c *cache[V]) load(from *reader) error {
	var h cacheHead
	if err := from.get(&h, short); err != nil {
		return err
	}
	// A table doubles only when eight stand together: it is never nearly empty.
	if h.Size > 1024 && h.Size/256 > h.N || h.Size < ways || h.Size&(h.Size-1) != 0 || h.Size > h.Max || h.Max > c.Max || h.Max&(h.Max-1) != 0 || h.N < 0 || h.N > h.Size {
		return ErrState
	}
	*c = cache[V]{Slots: make([]slot, h.Size), Max: h.Max, N: h.N, Evicted: h.Evicted, drop: c.drop}
	for left := h.N; left > 0; {
		var p piece[V]
		if err := from.get(&p, short); err != nil {
			return err
		}
		n := len(p.At)
		if n == 0 || n > left || len(p.Keys) != n || len(p.Uses) != n || len(p.Vals) != n {
			return ErrState
		}
		for k, key := range p.Keys {
			first, end := c.set(key)
			if in := int(p.At[k]); key == 0 || in < first || in >= end || c.Slots[in].Key != 0 {
				return ErrState
			}
			at := c.make()
			c.pages[at/pageSize][at%pageSize] = p.Vals[k]
			c.Slots[p.At[k]] = slot{key, p.Uses[k], at}
		}
		left -= n
	}
	return nil
}

// save writes the rhythms a page at a time.
func (b *beats) save(to *writer) {
	to.put(beatsHead{b.Made, b.Free, b.Max, b.Evicted})
	for _, page := range b.Pages {
		to.put(page)
	}
}

// load reads what save wrote.
func (b *beats) load(from *reader) error {
	var h beatsHead
	if err := from.get(&h, long); err != nil {
		return err
	}
	if h.Max > b.Max || int(h.Made) > h.Max {
		return ErrState
	}
	*b = beats{Made: h.Made, Free: h.Free, Max: h.Max, Evicted: h.Evicted}
	for int(h.Made) > len(b.Pages)*beatPage {
		page := new([beatPage]beat)
		if err := from.get(page, short); err != nil {
			return err
		}
		b.Pages = append(b.Pages, page)
	}
	return nil
}
