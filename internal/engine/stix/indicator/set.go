package indicator

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"noroshi/internal/engine/detect/distinct"
	"noroshi/internal/engine/flow/record"
)

// MaxEntries bounds a set.
const MaxEntries = 16 << 20

// ErrFull says that a set holds MaxEntries or 2 GiB of text.
var ErrFull = errors.New("indicator: the set is full")

// entry is where an indicator stands in the set. Its key is text[at:at+size].
type entry struct {
	at    uint32
	label uint32 // place in labels
	size  uint16
	kind  Kind
	list  uint8
}

// label is what is told of an entry.
type label struct{ name, id string }

// Builder gathers entries for a Set.
type Builder struct {
	naming *record.Naming
	seed   uint64
	set    Set
	known  map[label]uint32
	index  map[string]uint8
	here   map[uint64]uint32 // hash of a key → entry, for finding doubles
}

// NewBuilder begins a set. naming is the way of shortening of the records that
// will be looked at, so that names which it hides can be found; without it
// only names as they are sent can be looked up.
func NewBuilder(naming *record.Naming, seed uint64) *Builder {
	return &Builder{naming: naming, seed: seed, known: map[label]uint32{}, index: map[string]uint8{}, here: map[uint64]uint32{}}
}

// Add takes an entry of a list. One that is already there is kept as it was
// first given, and false is returned.
func (b *Builder) Add(list string, e Entry) (bool, error) {
	key := keyOf(&e)
	if key == nil {
		return false, nil
	}
	added, err := b.put(list, &e, key)
	if err != nil || e.Kind != Domain || b.naming == nil {
		return added, err
	}
	if shown := b.naming.Host([]byte(e.Text)).String(); shown != e.Text && !strings.HasPrefix(shown, "+") {
		if _, err = b.put(list, &e, textKey(shownKind, shown)); err != nil {
			return added, err
		}
	}
	return added, nil
}

// shownKind marks keys of names in the form of records; they count as Domain.
const shownKind = kindEnd

func (b *Builder) put(list string, e *Entry, key []byte) (bool, error) {
	h := hash(b.seed, key)
	if i, ok := b.here[h]; ok && bytes.Equal(b.set.key(&b.set.entries[i]), key) {
		return false, nil
	}
	if len(b.set.entries) >= MaxEntries || len(b.set.text)+len(key) > 1<<31 {
		return false, ErrFull
	}
	n, ok := b.index[list]
	if !ok {
		if n = uint8(min(len(b.set.lists), 255)); len(b.set.lists) < 255 {
			b.set.lists = append(b.set.lists, list)
			b.index[list] = n
		} else {
			n = 254 // later lists share the last name
		}
	}
	l := label{e.Name, e.ID}
	li, ok := b.known[l]
	if !ok {
		li = uint32(len(b.set.labels))
		b.set.labels = append(b.set.labels, l)
		b.known[l] = li
	}
	b.here[h] = uint32(len(b.set.entries))
	b.set.entries = append(b.set.entries, entry{at: uint32(len(b.set.text)), label: li, size: uint16(len(key)), kind: Kind(key[0]), list: n})
	b.set.text = append(b.set.text, key...)
	return true, nil
}

// Build makes the set and looks every entry up in it. One that is not found by
// its own value is a broken set: an error.
func (b *Builder) Build() (*Set, error) {
	s := b.set
	s.seed = b.seed
	b.set, b.known, b.here, b.index = Set{}, nil, nil, nil
	s.entries, s.text = slices.Clip(s.entries), slices.Clip(s.text)
	size := 16
	for size < 2*len(s.entries) {
		size *= 2
	}
	s.slots = make([]uint32, size)
	nets := 0
	for i := range s.entries {
		if s.entries[i].kind == Network {
			nets++
		}
	}
	s.nets, s.rest = newBloom(nets), newBloom(len(s.entries)-nets)
	for i := range s.entries {
		e := &s.entries[i]
		key := s.key(e)
		h := hash(s.seed, key)
		f := s.bloom(e.kind)
		f[h&uint64(len(f)-1)] |= mask(h)
		at := h >> 20 & uint64(size-1)
		for s.slots[at] != 0 {
			at = (at + 1) & uint64(size-1)
		}
		s.slots[at] = uint32(i) + 1
		if e.kind == Network {
			// bits and family of the network follow the kind in its key
			lengths := &s.lengths4
			if len(key) > 2+4 {
				lengths = &s.lengths6
			}
			if n := key[1]; !slices.Contains(*lengths, n) {
				*lengths = append(*lengths, n)
			}
		}
	}
	for _, l := range [][]uint8{s.lengths4, s.lengths6} {
		slices.Sort(l)
		slices.Reverse(l) // the narrowest network first
	}
	for i := range s.entries {
		if _, ok := s.find(s.key(&s.entries[i])); !ok {
			return nil, errors.New("indicator: an entry does not match itself")
		}
	}
	return &s, nil
}

// newBloom makes room for n keys at sixteen bits each.
func newBloom(n int) []uint64 {
	words := 16
	for words*64 < 16*n {
		words *= 2
	}
	return make([]uint64, words)
}

// bloom is the filter for keys of a kind. Networks have their own: an address
// is looked up in one of each length, and so their filter stays near the core.
func (s *Set) bloom(k Kind) []uint64 {
	if k == Network {
		return s.nets
	}
	return s.rest
}

// hash spreads a key over 64 bits: addresses by their words, the rest as text.
func hash(seed uint64, key []byte) uint64 {
	if key[0] > byte(Network) {
		return distinct.Hash(seed, key)
	}
	head := seed ^ uint64(key[0])<<40 ^ uint64(key[1])<<48
	if len(key) == 2+4 {
		return distinct.Mix(head ^ uint64(binary.BigEndian.Uint32(key[2:])))
	}
	return distinct.Mix(distinct.Mix(head^binary.BigEndian.Uint64(key[2:])) ^ binary.BigEndian.Uint64(key[10:]))
}

// mask is which four bits of a word stand for a hash.
func mask(h uint64) uint64 {
	return 1<<(h>>40&63) | 1<<(h>>46&63) | 1<<(h>>52&63) | 1<<(h>>58)
}

// Set is a list of indicators for looking up, safe for use by many goroutines.
type Set struct {
	seed               uint64
	entries            []entry
	text               []byte
	slots              []uint32 // entry + 1 by hash
	nets, rest         []uint64 // filters: most misses end here
	labels             []label
	lists              []string
	lengths4, lengths6 []uint8
}

// Len is how many keys the set holds.
func (s *Set) Len() int { return len(s.entries) }

// Hit is a match: which entry of which list.
type Hit struct {
	Kind Kind
	List string
	Name string
	ID   string
	at   *entry
	set  *Set
}

// Value is the entry's own value as text.
func (h Hit) Value() string {
	key := h.set.key(h.at)
	switch h.Kind {
	case Address, Network:
		a, _ := netip.AddrFromSlice(key[2:])
		if h.Kind == Address {
			return a.String()
		}
		return netip.PrefixFrom(a, int(key[1])).String()
	case JA3, Certificate, File:
		return hex.EncodeToString(key[1:])
	}
	return string(key[1:])
}

func (s *Set) key(e *entry) []byte { return s.text[e.at : e.at+uint32(e.size)] }

func (s *Set) find(key []byte) (Hit, bool) {
	if s == nil || len(s.entries) == 0 {
		return Hit{}, false
	}
	h := hash(s.seed, key)
	f := s.bloom(Kind(key[0]))
	if m := mask(h); f[h&uint64(len(f)-1)]&m != m {
		return Hit{}, false
	}
	for at := h >> 20 & uint64(len(s.slots)-1); s.slots[at] != 0; at = (at + 1) & uint64(len(s.slots)-1) {
		e := &s.entries[s.slots[at]-1]
		if bytes.Equal(s.key(e), key) {
			kind := e.kind
			if kind == shownKind {
				kind = Domain
			}
			l := s.labels[e.label]
			return Hit{Kind: kind, List: s.lists[e.list], Name: l.name, ID: l.id, at: e, set: s}, true
		}
	}
	return Hit{}, false
}

// keyOf writes an entry's key: its kind and its value. nil: nothing to look for.
func keyOf(e *Entry) []byte {
	switch e.Kind {
	case Address, Network:
		if !e.Prefix.IsValid() {
			return nil
		}
		return append([]byte{byte(e.Kind), byte(e.Prefix.Bits())}, e.Prefix.Masked().Addr().AsSlice()...)
	case Domain, URL, JA4:
		if e.Text == "" || len(e.Text) > 4096 {
			return nil
		}
		return textKey(e.Kind, e.Text)
	case JA3, Certificate, File:
		if len(e.Sum) < 16 || len(e.Sum) > 64 {
			return nil
		}
		return append([]byte{byte(e.Kind)}, e.Sum...)
	}
	return nil
}

func textKey(k Kind, text string) []byte { return append([]byte{byte(k)}, text...) }
