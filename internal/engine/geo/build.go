package geo

import (
	"container/heap"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Place is a row of an input.
type Place struct {
	File string // as the caller named it
	Line int    // from 1; 0 when the input has no lines
}

// LimitError says that an input holds more than a table may.
type LimitError struct {
	What string // "ranges", "entries", "tree"
	Max  int
}

func (e *LimitError) Error() string { return fmt.Sprintf("geo: more than %d %s", e.Max, e.What) }

// ConflictError says that two rows contradict each other: they name different
// countries and are the same range, or overlap with neither inside the other.
type ConflictError struct {
	A, B           Place
	ARange, BRange string // "first-last"
	ASays, BSays   string // the countries, "" for none
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("geo: %s:%d (%s %s) contradicts %s:%d (%s %s)", e.A.File, e.A.Line, e.ARange, e.ASays, e.B.File, e.B.Line, e.BRange, e.BSays)
}

// item is a row with its place.
type item struct {
	first, last addr
	value       uint32
	line        int32
	file        int32
}

// Builder collects rows and makes a Table of them. The zero value is ready. It
// is not safe for use by several goroutines.
//
// Rows may come in any order. Of two rows where one range lies inside the
// other, the narrower one holds for its addresses, as in routing. Two rows of
// the same range, or ranges that cross, must name the same country; the row
// that begins first, or came first, gives the AS then.
type Builder struct {
	items   [2][]item // rows; rows that name only an AS
	entries []Entry
	known   map[Entry]uint32
	files   []string
}

// File names the input that the rows to come belong to.
func (b *Builder) File(name string) { b.files = append(b.files, name) }

// Rows returns how many rows were added.
func (b *Builder) Rows() int { return len(b.items[0]) + len(b.items[1]) }

// Add adds a row: the addresses from first to last, both inside, of one
// family. Country codes that mean "unknown" (ZZ, XX) count as none; a row
// that says nothing makes a hole in a wider row of a country. A row with an AS and without
// a country adds the AS wherever no other row gives one, and contradicts
// nothing: so a list of countries and a list of systems make one table.
func (b *Builder) Add(first, last netip.Addr, e Entry, line int) error {
	if !first.IsValid() || !last.IsValid() || first.Unmap().Is4() != last.Unmap().Is4() || last.Unmap().Less(first.Unmap()) {
		return fmt.Errorf("geo: no range from %s to %s", first, last)
	}
	return b.add(addrOf(first), addrOf(last), e, line)
}

// AddPrefix adds a row for a prefix. Bits below its length are ignored.
func (b *Builder) AddPrefix(p netip.Prefix, e Entry, line int) error {
	if !p.IsValid() {
		return fmt.Errorf("geo: no prefix %s", p)
	}
	first, last := span(p)
	return b.add(first, last, e, line)
}

func (b *Builder) add(first, last addr, e Entry, line int) error {
	if b.Rows() >= MaxRanges {
		return &LimitError{"ranges", MaxRanges}
	}
	value, err := b.entry(e)
	if err != nil {
		return err
	}
	layer := &b.items[0]
	if e := &b.entries[value]; e.Country == "" && e.ASN != 0 {
		layer = &b.items[1]
	}
	it := item{first, last, value, int32(min(line, 1<<31-1)), int32(len(b.files) - 1)}
	if from, to := (addr{0, mapped}), (addr{0, last4}); first.less(from) && to.less(last) {
		// A wide IPv6 row says nothing of IPv4, which is kept inside it.
		it.last = from.prev()
		*layer = append(*layer, it)
		it.first, _ = to.next()
		it.last = last
	}
	*layer = append(*layer, it)
	return nil
}

// entry returns the number of an entry, making one when it is new.
func (b *Builder) entry(e Entry) (uint32, error) {
	if b.known == nil {
		b.known = map[Entry]uint32{}
		b.entries = make([]Entry, entryFirst)
	}
	if e.Country == "ZZ" || e.Country == "XX" {
		e.Country = ""
	}
	if e.Country != "" && !isCountry(e.Country) {
		return 0, fmt.Errorf("geo: %q is no country code", e.Country)
	}
	if e.Org = clean(e.Org, MaxOrg); e.ASN == 0 {
		e.Org = ""
	}
	if e == (Entry{}) {
		return entryNone, nil
	}
	v, ok := b.known[e]
	if !ok {
		if len(b.entries) >= MaxEntries {
			return 0, &LimitError{"entries", MaxEntries}
		}
		v = uint32(len(b.entries))
		b.known[e] = v
		b.entries = append(b.entries, e)
	}
	return v, nil
}

// isCountry reports whether s has the form of an ISO 3166-1 alpha-2 code.
func isCountry(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}

// clean returns s without what a terminal or a page should not be given, cut
// at a character within max bytes.
func clean(s string, max int) string {
	s = strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
	for len(s) > max {
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return strings.TrimSpace(s)
}

// Table returns a table of the rows, or the first ConflictError. The builder
// may be used on.
func (b *Builder) Table(m Meta) (*Table, error) {
	segs, err := b.flatten(b.items[0])
	if err == nil && len(b.items[1]) > 0 {
		err = b.systems(&segs)
	}
	if err != nil {
		return nil, err
	}
	m.Source, m.Licence, m.Complete = clean(m.Source, MaxText), clean(m.Licence, MaxText), nil
	return b.finish(m, segs), nil
}

// systems lays the rows that name only an AS under those that name a country
// and no AS.
func (b *Builder) systems(segs *segments) error {
	layer, err := b.flatten(b.items[1])
	if err != nil {
		return err
	}
	known := map[[2]uint32]uint32{}
	*segs = segs.merge(layer.patches(), func(below, above uint32) uint32 {
		if below == entryNone {
			return above
		}
		if above == entryNone || b.entries[below].ASN != 0 || err != nil {
			return below
		}
		v, ok := known[[2]uint32{below, above}]
		if !ok {
			e := b.entries[above]
			e.Country = b.entries[below].Country
			v, err = b.entry(e)
			known[[2]uint32{below, above}] = v
		}
		return v
	})
	return err
}

// TableOf returns a table of complete lists: every country that has a row is
// taken to be listed whole, and an address on no list that IANA has given out
// is "elsewhere".
func (b *Builder) TableOf(m Meta) (*Table, error) {
	t, err := b.Table(m)
	if err != nil {
		return nil, err
	}
	for _, e := range b.entries[min(entryFirst, len(b.entries)):] {
		if e.Country != "" && !slices.Contains(t.meta.Complete, e.Country) {
			t.meta.Complete = append(t.meta.Complete, e.Country)
		}
	}
	slices.Sort(t.meta.Complete)
	var given []patch
	for _, p := range delegated {
		first, last := span(netip.MustParsePrefix(p))
		given = append(given, patch{first, last, entryElsewhere})
	}
	t.segs = t.segs.merge(join(given), func(below, above uint32) uint32 {
		if below == entryNone {
			return above
		}
		return below
	})
	t.segs.fence()
	return t, nil
}

func (b *Builder) finish(m Meta, segs segments) *Table {
	entries := slices.Clone(b.entries)
	if entries == nil {
		entries = make([]Entry, entryFirst)
	}
	segs.fence()
	return &Table{meta: m, segs: segs, entries: entries}
}

// rest are the parts of rows that stick out of the row they began in.
type rest []item

func (r rest) Len() int           { return len(r) }
func (r rest) Less(i, j int) bool { return r[i].before(&r[j]) }
func (r rest) Swap(i, j int)      { r[i], r[j] = r[j], r[i] }
func (r *rest) Push(x any)        { *r = append(*r, x.(item)) }
func (r *rest) Pop() any {
	old := *r
	x := old[len(old)-1]
	*r = old[:len(old)-1]
	return x
}

// before orders rows by their beginning, the wider first, then as they came.
func (a *item) before(b *item) bool {
	if a.first != b.first {
		return a.first.less(b.first)
	}
	if a.last != b.last {
		return b.last.less(a.last)
	}
	return a.file < b.file || a.file == b.file && a.line < b.line
}

// flatten sweeps over the rows in order, with the rows that contain the
// current place on a stack, the narrowest on top.
func (b *Builder) flatten(items []item) (segments, error) {
	items = slices.Clone(items)
	slices.SortStableFunc(items, func(x, y item) int {
		switch {
		case x.before(&y):
			return -1
		case y.before(&x):
			return 1
		}
		return 0
	})
	var out segments
	out.put(addr{}, entryNone)
	var open []item
	var late rest
	shut := func(until addr, all bool) {
		for n := len(open); n > 0 && (all || open[n-1].last.less(until)); n-- {
			next, ok := open[n-1].last.next()
			open = open[:n-1]
			below := uint32(entryNone)
			if n > 1 {
				below = open[n-2].value
			}
			if ok {
				out.put(next, below)
			}
		}
	}
	for i := 0; i < len(items) || len(late) > 0; {
		var it item
		if len(late) > 0 && (i == len(items) || late[0].before(&items[i])) {
			it = heap.Pop(&late).(item)
		} else {
			it = items[i]
			i++
		}
		shut(it.first, false)
		if n := len(open); n > 0 {
			top := &open[n-1]
			same := top.first == it.first && top.last == it.last
			cross := top.last.less(it.last)
			if (same || cross) && b.country(top.value) != b.country(it.value) {
				return out, b.conflict(top, &it)
			}
			if cross {
				it.first, _ = top.last.next()
				heap.Push(&late, it)
			}
			if same || cross {
				continue
			}
		}
		open = append(open, it)
		out.put(it.first, it.value)
	}
	shut(addr{}, true)
	return out, nil
}

func (b *Builder) country(value uint32) string { return b.entries[value].Country }

func (b *Builder) conflict(x, y *item) error {
	at := func(i *item) Place {
		p := Place{Line: int(i.line)}
		if i.file >= 0 {
			p.File = b.files[i.file]
		}
		return p
	}
	show := func(i *item) string { return i.first.netip().String() + "-" + i.last.netip().String() }
	if y.file < x.file || y.file == x.file && y.line < x.line {
		x, y = y, x
	}
	return &ConflictError{at(x), at(y), show(x), show(y), b.country(x.value), b.country(y.value)}
}
