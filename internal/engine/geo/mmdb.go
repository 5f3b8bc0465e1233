package geo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// A small MMDB file can describe a tree of which walking every path never ends.
// Writers let a few places share the tree of IPv4, and nothing else: the walk
// may visit so many times the number of nodes, and some.
const (
	maxShared = 16
	someMore  = 1 << 16
)

// ErrMMDB says that bytes are no readable MMDB file.
var ErrMMDB = errors.New("geo: not a readable MMDB file")

// fields are the places where databases keep what we read: those of MaxMind's
// Country, City and ASN editions, and the flat ones of others.
type fields struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Flat string `maxminddb:"country_code"`
	ASN  uint32 `maxminddb:"autonomous_system_number"`
	Org  string `maxminddb:"autonomous_system_organization"`
}

// ReadMMDB adds the networks of a MaxMind DB file (format 2.0), of which the
// records hold a country code ("country.iso_code" or "country_code"), an AS
// number or an AS name. Networks whose records hold none are left out. It
// returns what the file says of itself: its type as the source, its build time
// as the date. data must not change until it returns.
//
// Errors are ErrMMDB with a cause, or a LimitError.
func ReadMMDB(b *Builder, name string, data []byte) (m Meta, err error) {
	defer func() {
		// The library reads hostile bytes; a fault of its is not ours to die of.
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: it makes the reader stop", ErrMMDB)
		}
	}()
	db, err := maxminddb.OpenBytes(data, maxminddb.DisableStringCache())
	if err != nil {
		return m, fmt.Errorf("%w: %w", ErrMMDB, err)
	}
	defer db.Close()
	if err := walkable(data, db.Metadata.NodeCount, db.Metadata.RecordSize); err != nil {
		return m, err
	}
	b.File(name)
	m.Source = clean(db.Metadata.DatabaseType, MaxText)
	if t := db.Metadata.BuildEpoch; t < 1<<33 { // a time within this format's life
		m.Date = time.Unix(int64(t), 0).UTC()
	}
	seen := map[uintptr]Entry{} // many networks share a record
	for n := range db.Networks() {
		if err := n.Err(); err != nil {
			return m, fmt.Errorf("%w: %w", ErrMMDB, err)
		}
		e, ok := seen[n.Offset()]
		if !ok {
			if e, err = record(n); err != nil {
				return m, fmt.Errorf("%w: %w", ErrMMDB, err)
			}
			if len(seen) < MaxEntries {
				seen[n.Offset()] = e
			}
		}
		if e == (Entry{}) {
			continue
		}
		if err := b.AddPrefix(unmap(n.Prefix()), e, 0); err != nil {
			return m, err
		}
	}
	return m, nil
}

func record(n maxminddb.Result) (Entry, error) {
	var f fields
	if err := n.Decode(&f); err != nil {
		return Entry{}, err
	}
	e := Entry{Country: f.Country.Code, ASN: f.ASN, Org: f.Org}
	if e.Country == "" {
		e.Country = f.Flat
	}
	if !isCountry(e.Country) {
		e.Country = "" // "None", "" and the like
	}
	if e.Org = clean(e.Org, MaxOrg); e.ASN == 0 {
		e.Org = ""
	}
	return e, nil
}

// unmap returns an IPv4-mapped prefix as one of IPv4.
func unmap(p netip.Prefix) netip.Prefix {
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p
}

// walkable returns an error when the search tree at the beginning of data has
// a loop, or more paths than a walk should take. It counts the paths below every node
// once, deepest first.
func walkable(data []byte, nodes, size uint) error {
	if size != 24 && size != 28 && size != 32 || nodes > uint(len(data))/(size/4) {
		return fmt.Errorf("%w: its tree is longer than the file", ErrMMDB)
	}
	if nodes == 0 {
		return nil
	}
	const open = ^uint32(0) // begun, not counted yet
	most := min(nodes*maxShared+someMore, 1<<30)
	paths := make([]uint32, nodes)
	stack := []uint{0}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		left, right := children(data, n, size)
		total, ready := uint32(1), true
		if paths[n] == 0 {
			paths[n] = open
		}
		for _, c := range [2]uint{left, right} {
			switch {
			case c >= nodes:
			case paths[c] == 0:
				stack, ready = append(stack, c), false
			case paths[c] == open:
				return fmt.Errorf("%w: its tree has a loop", ErrMMDB)
			default:
				total += paths[c]
			}
			if !ready {
				break
			}
		}
		if uint(total) > most {
			return &LimitError{"paths in the tree", int(most)}
		}
		if ready {
			paths[n] = total
			stack = stack[:len(stack)-1]
		}
	}
	return nil
}

// children returns the two records of a node.
func children(data []byte, n, size uint) (left, right uint) {
	at := data[n*(size/4):]
	switch size {
	case 24:
		return uint(at[0])<<16 | uint(at[1])<<8 | uint(at[2]), uint(at[3])<<16 | uint(at[4])<<8 | uint(at[5])
	case 28:
		return uint(at[3]>>4)<<24 | uint(at[0])<<16 | uint(at[1])<<8 | uint(at[2]),
			uint(at[3]&15)<<24 | uint(at[4])<<16 | uint(at[5])<<8 | uint(at[6])
	}
	return uint(binary.BigEndian.Uint32(at)), uint(binary.BigEndian.Uint32(at[4:]))
}
