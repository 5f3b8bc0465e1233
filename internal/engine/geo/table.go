package geo

import (
	"slices"
	"time"
)

// Limits of what one table holds. What goes past them is refused with a
// LimitError, so that no input makes a table of unbounded size.
const (
	MaxRanges  = 4 << 20 // rows of an input, and segments of a table
	MaxEntries = 1 << 20 // different (country, AS, name) values
	MaxOrg     = 96      // bytes of an AS name; the rest is cut off
	MaxText    = 200     // bytes of a source or a licence
)

// Entry is what a table says of a range.
type Entry struct {
	Country string // ISO 3166-1 alpha-2 in capitals, or "" when not said
	ASN     uint32 // autonomous system number, 0 when not said
	Org     string // name of the autonomous system, at most MaxOrg bytes of printable text
}

// The first entries of every table.
const (
	entryNone      = iota // no row contains the address
	entryElsewhere        // no row does, but IANA gave the address to a registry
	entryFirst            // the first entry of a row
)

// Meta says where a table comes from.
type Meta struct {
	Source  string    // who made the data and which edition
	Licence string    // under which terms, an SPDX identifier where there is one
	Date    time.Time // day of the data, UTC; the zero time when not known
	// Complete names the countries whose lists are complete. Only for them does
	// an address on no list count as delegated elsewhere.
	Complete []string
}

// Counts sums up a table.
type Counts struct {
	Ranges4, Ranges6 int    // ranges with a country or an AS; neighbours that say the same are one
	Addresses4       uint64 // IPv4 addresses in them
	Subnets6         uint64 // IPv6 /64 networks in them, parts of one not counted
	Countries        int
	Systems          int // different AS numbers
}

// Table maps ranges of addresses to entries. It is immutable.
type Table struct {
	meta    Meta
	segs    segments // values are indexes of entries
	entries []Entry
}

// Meta returns where the table comes from.
func (t *Table) Meta() Meta {
	m := t.meta
	m.Complete = slices.Clone(m.Complete)
	return m
}

// Counts sums up the table. It takes time in the size of the table.
func (t *Table) Counts() Counts {
	var c Counts
	countries, systems := map[string]bool{}, map[uint32]bool{}
	for i, v := range t.segs.values {
		if v < entryFirst {
			continue
		}
		first, last := t.segs.starts[i], t.segs.last(i)
		if first.is4() {
			c.Ranges4++
			c.Addresses4 += last.lo - first.lo + 1
		} else {
			c.Ranges6++
			c.Subnets6 += whole64(first, last)
		}
	}
	for _, e := range t.entries[entryFirst:] {
		if e.Country != "" {
			countries[e.Country] = true
		}
		if e.ASN != 0 {
			systems[e.ASN] = true
		}
	}
	c.Countries, c.Systems = len(countries), len(systems)
	return c
}

// whole64 counts the /64 networks that lie in a range with all their addresses.
func whole64(first, last addr) uint64 {
	from, to := first.hi, last.hi
	if first.lo != 0 {
		if from++; from == 0 {
			return 0
		}
	}
	if last.lo != ^uint64(0) {
		if to == 0 {
			return 0
		}
		to--
	}
	if to < from {
		return 0
	}
	return to - from + 1
}

// lists reports whether a row of the table names the country.
func (t *Table) lists(country string) bool {
	return slices.ContainsFunc(t.entries[entryFirst:], func(e Entry) bool { return e.Country == country })
}

// fence cuts segments at the ends of the IPv4-mapped space, so that no range
// of a count spans both families.
func (s *segments) fence() {
	for _, at := range [...]addr{{0, mapped}, {0, last4 + 1}} {
		i := s.index(at)
		if s.starts[i] != at {
			s.starts = slices.Insert(s.starts, i+1, at)
			s.values = slices.Insert(s.values, i+1, s.values[i])
		}
	}
}
