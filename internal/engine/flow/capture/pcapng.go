package capture

import (
	"encoding/binary"
	"math/bits"
)

// Block types of draft-ietf-opsawg-pcapng section 10.1.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockOldPacket  = 2
	blockSimple     = 3
	blockStatistics = 5
	blockPacket     = 6
)

const (
	byteOrderMagic = 0x1a2b3c4d
	maxInterfaces  = 65536 // of one section
	maxBlock       = MaxPacket + 256<<10
)

// section is the state of a pcapng section.
type section struct {
	interfaces []adapter
}

// adapter is what an interface description says.
type adapter struct {
	link   Link
	snap   uint32
	binary bool   // a unit is 2^-exp seconds instead of 10^-exp
	exp    uint8  // of the unit
	units  uint64 // per second, when not binary
	offset int64  // seconds
	lost   uint64
}

// sectionAhead reports whether a section header begins at lo.
func (r *Reader) sectionAhead() bool {
	if r.hi-r.lo < 4 || binary.LittleEndian.Uint32(r.buf[r.lo:]) != blockSection || !r.need(28) {
		return false
	}
	b := r.buf[r.lo:]
	return binary.LittleEndian.Uint32(b[8:]) == byteOrderMagic || binary.BigEndian.Uint32(b[8:]) == byteOrderMagic
}

// nextNG fills batch from the blocks in the buffer and reads on only while the
// batch is empty. It returns 0 when the capture ended.
func (r *Reader) nextNG(batch []Packet) int {
	n := 0
	for n < len(batch) && r.form == formNG {
		if r.hi-r.lo < 12 {
			if n > 0 {
				return n
			}
			if !r.need(12) {
				r.cutOff()
				return 0
			}
		}
		b := r.buf[r.lo:r.hi]
		if binary.LittleEndian.Uint32(b) == blockSection {
			// Its byte order holds for its own length already.
			switch {
			case binary.LittleEndian.Uint32(b[8:]) == byteOrderMagic:
				r.swap = false
			case binary.BigEndian.Uint32(b[8:]) == byteOrderMagic:
				r.swap = true
			default:
				r.damaged()
				return n
			}
		}
		kind, size := r.u32(b), r.u32(b[4:])
		if size < 12 || size > 1<<31 {
			r.damaged()
			return n
		}
		size = (size + 3) &^ 3
		if len(b) < int(size) {
			if n > 0 {
				return n
			}
			if !r.awaitBlock(kind, size) {
				return 0
			}
			continue
		}
		b = b[:size]
		if end := r.u32(b[size-4:]); end != r.u32(b[4:]) {
			r.damaged()
			return n
		}
		r.lo += int(size)
		if r.block(kind, b[8:size-4], &batch[n]) {
			n++
		}
	}
	return n
}

// awaitBlock reads until a block is there, or skips it when it is no packet or
// too long for one. It returns false when the capture ended.
func (r *Reader) awaitBlock(kind, size uint32) bool {
	if size <= maxBlock && r.need(int(size)) {
		return true
	}
	if size > maxBlock {
		if kind == blockPacket || kind == blockOldPacket || kind == blockSimple {
			r.stats.Oversize++
		} else {
			r.stats.Blocks++
		}
		if r.skip(int64(size)) {
			return true
		}
	}
	r.cutOff()
	return false
}

// block reads the body of a block and reports whether it filled p.
func (r *Reader) block(kind uint32, b []byte, p *Packet) bool {
	switch kind {
	case blockPacket:
		return r.enhanced(b, p)
	case blockSimple:
		return r.simple(b, p)
	case blockOldPacket:
		return r.obsolete(b, p)
	case blockSection:
		r.stats.Sections++
		r.ng.interfaces = r.ng.interfaces[:0]
	case blockInterface:
		r.describe(b)
	case blockStatistics:
		r.statistics(b)
	default:
		r.stats.Blocks++
	}
	return false
}

// enhanced reads section 4.3.
func (r *Reader) enhanced(b []byte, p *Packet) bool {
	if len(b) < 20 {
		r.stats.Damaged++
		return false
	}
	return r.packet(r.u32(b), b[4:], b[20:], p)
}

// obsolete reads appendix A: the old packet block, with 16 bits of interface
// and a count of drops.
func (r *Reader) obsolete(b []byte, p *Packet) bool {
	if len(b) < 20 {
		r.stats.Damaged++
		return false
	}
	if drops := r.u16(b[2:]); drops != 0xffff {
		r.stats.Lost += int64(drops)
	}
	return r.packet(uint32(r.u16(b)), b[4:], b[20:], p)
}

// packet fills p from time, lengths and data.
func (r *Reader) packet(id uint32, head, data []byte, p *Packet) bool {
	size := r.u32(head[8:])
	if int64(id) >= int64(len(r.ng.interfaces)) || uint64(size) > uint64(len(data)) {
		r.stats.Damaged++
		return false
	}
	if size > MaxPacket {
		r.stats.Oversize++
		return false
	}
	a := &r.ng.interfaces[id]
	*p = Packet{
		Data: data[:size:size], Orig: r.u32(head[12:]), Link: a.link,
		At: a.time(uint64(r.u32(head))<<32 | uint64(r.u32(head[4:]))),
	}
	return true
}

// simple reads section 4.4: no time, the first interface, and a length that the
// block and the interface bound.
func (r *Reader) simple(b []byte, p *Packet) bool {
	if len(b) < 4 || len(r.ng.interfaces) == 0 {
		r.stats.Damaged++
		return false
	}
	a := &r.ng.interfaces[0]
	orig := r.u32(b)
	size := min(int64(orig), int64(len(b)-4))
	if a.snap > 0 {
		size = min(size, int64(a.snap))
	}
	if size > MaxPacket {
		r.stats.Oversize++
		return false
	}
	r.stats.Undated++
	*p = Packet{Data: b[4 : 4+size : 4+size], Orig: orig, Link: a.link}
	return true
}

// describe reads section 4.2.
func (r *Reader) describe(b []byte) {
	if len(b) < 8 || len(r.ng.interfaces) == maxInterfaces {
		r.stats.Damaged++
		return
	}
	a := adapter{link: Link(r.u16(b)), snap: r.u32(b[4:]), exp: 6, units: 1e6}
	r.options(b[8:], func(code uint16, v []byte) {
		switch {
		case code == 9 && len(v) >= 1: // if_tsresol
			a.binary, a.exp = v[0]&0x80 != 0, v[0]&0x7f
		case code == 14 && len(v) >= 8: // if_tsoffset
			a.offset = int64(r.u64(v))
		}
	})
	if !a.binary {
		a.exp = min(a.exp, 19)
		a.units = 1
		for range a.exp {
			a.units *= 10
		}
	}
	r.ng.interfaces = append(r.ng.interfaces, a)
}

// statistics reads section 4.6: the drops an interface reports, which only
// grow.
func (r *Reader) statistics(b []byte) {
	if len(b) < 12 || int64(r.u32(b)) >= int64(len(r.ng.interfaces)) {
		r.stats.Damaged++
		return
	}
	a := &r.ng.interfaces[r.u32(b)]
	r.options(b[12:], func(code uint16, v []byte) {
		if code == 5 && len(v) >= 8 { // isb_ifdrop
			if n := r.u64(v); n > a.lost && n-a.lost < 1<<62 {
				r.stats.Lost += int64(n - a.lost)
				a.lost = n
			}
		}
	})
}

// options calls fn for each option of section 3.5.
func (r *Reader) options(b []byte, fn func(code uint16, value []byte)) {
	for len(b) >= 4 {
		code, size := r.u16(b), int(r.u16(b[2:]))
		if code == 0 || size > len(b)-4 {
			return
		}
		fn(code, b[4:4+size])
		b = b[min(4+(size+3)&^3, len(b)):]
	}
}

func (r *Reader) u64(b []byte) uint64 {
	v := binary.LittleEndian.Uint64(b)
	if r.swap {
		v = bits.ReverseBytes64(v)
	}
	return v
}

// time returns the nanoseconds since 1970 of a number of units.
func (a *adapter) time(t uint64) int64 {
	if !a.binary && a.exp == 6 {
		return int64(t)*1000 + a.offset*1e9
	}
	if !a.binary && a.exp == 9 {
		return int64(t) + a.offset*1e9
	}
	var seconds, rest uint64
	if a.binary {
		if a.exp < 64 {
			seconds = t >> a.exp
			hi, lo := bits.Mul64(t&(1<<a.exp-1), 1e9)
			rest = lo>>a.exp | hi<<(64-a.exp)
		}
	} else {
		seconds = t / a.units
		hi, lo := bits.Mul64(t%a.units, 1e9)
		rest, _ = bits.Div64(hi, lo, a.units)
	}
	return int64(seconds)*1e9 + int64(rest) + a.offset*1e9
}
