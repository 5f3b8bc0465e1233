package geo

import (
	"encoding/binary"
	"math/bits"
	"net/netip"
)

// addr is a place in the 128-bit space in which both families live: an IPv4
// address is its IPv4-mapped form (RFC 4291 section 2.5.5.2), so that one list
// of ranges serves both.
type addr struct{ hi, lo uint64 }

// mapped is ::ffff:0.0.0.0, the first address of IPv4.
const mapped = 0xffff << 32

// last4 is ::ffff:255.255.255.255, the last address of IPv4.
const last4 = mapped + 1<<32 - 1

func addrOf(a netip.Addr) addr {
	b := a.As16()
	return addr{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// netip returns the address, IPv4 where it is mapped.
func (a addr) netip() netip.Addr {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.AddrFrom16(b).Unmap()
}

func (a addr) is4() bool { return a.hi == 0 && a.lo>>32 == 0xffff }

func (a addr) less(b addr) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

func (a addr) cmp(b addr) int {
	switch {
	case a == b:
		return 0
	case a.less(b):
		return -1
	}
	return 1
}

// next returns the address after a, and false after the last one.
func (a addr) next() (addr, bool) {
	lo, carry := bits.Add64(a.lo, 1, 0)
	hi, over := bits.Add64(a.hi, 0, carry)
	return addr{hi, lo}, over == 0
}

// prev returns the address before a, which must not be the first.
func (a addr) prev() addr {
	lo, borrow := bits.Sub64(a.lo, 1, 0)
	return addr{a.hi - borrow, lo}
}

// minus returns a-b for a >= b.
func (a addr) minus(b addr) addr {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	return addr{a.hi - b.hi - borrow, lo}
}

// plus returns a+b, and false when that is past the last address.
func (a addr) plus(b addr) (addr, bool) {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, over := bits.Add64(a.hi, b.hi, carry)
	return addr{hi, lo}, over == 0
}

// span returns the first and last address of a prefix. Bits below the prefix
// length are ignored.
func span(p netip.Prefix) (first, last addr) {
	p = p.Masked()
	n := p.Bits()
	if p.Addr().Is4() {
		n += 96
	}
	first = addrOf(p.Addr())
	last = first
	if n < 64 {
		last.hi |= ^uint64(0) >> n
		n = 64
	}
	if n < 128 {
		last.lo |= ^uint64(0) >> (n - 64)
	}
	return first, last
}
