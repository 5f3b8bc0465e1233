package sieve

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/selector"
)

const (
	dnsHead      = 12 // bytes of a header (RFC 1035 §4.1.1)
	maxQuestions = 4  // of one message that are read
	maxPointers  = 8  // of one name
)

// dnsFrame reads a message over TCP, behind its length (RFC 1035 §4.2.2).
func (s *Sieve) dnsFrame(l *look, at int64, b []byte) (int, selector.ID) {
	if len(b) < 2 {
		return more, 0
	}
	size := int(binary.BigEndian.Uint16(b))
	if size < dnsHead {
		return nothing, 0
	}
	if len(b) < 2+size {
		return more, 0
	}
	return 2 + size, s.questions(l, at, b[2:2+size])
}

// questions looks for the names that a DNS message asks about, or repeats in its
// answer. Away from port 53 it has to look like nothing else: one question of
// class IN.
func (s *Sieve) questions(l *look, at int64, b []byte) selector.ID {
	if len(b) < dnsHead+5 {
		return 0
	}
	flags, count := binary.BigEndian.Uint16(b[2:]), int(binary.BigEndian.Uint16(b[4:]))
	if count == 0 {
		return 0
	}
	if !l.dns {
		rest := binary.BigEndian.Uint32(b[6:]) // answers and authorities
		if count != 1 || flags&0x7840 != 0 || flags&0x8000 == 0 && rest != 0 {
			return 0
		}
	}
	defer clear(s.scratch.name[:])
	off := dnsHead
	for range min(count, maxQuestions) {
		n, next := dnsName(s.scratch.name[:], b, off)
		if next == 0 || next+4 > len(b) || !l.dns && binary.BigEndian.Uint16(b[next+2:])&0x7fff != 1 {
			return 0
		}
		l.app = record.DNSApp
		if id := s.name(l, at, s.scratch.name[:n]); id != 0 {
			return id
		}
		off = next + 4
	}
	return 0
}

// dnsName writes the name at off with dots into out and returns its length and
// where what follows it begins, 0 when it is no name (RFC 1035 §4.1.4). A dot
// inside a label would stand for what it is not.
func dnsName(out, b []byte, off int) (n, next int) {
	pointers := 0
	for off < len(b) {
		size := int(b[off])
		switch {
		case size == 0:
			if next == 0 {
				next = off + 1
			}
			return n, next
		case size >= 0xc0:
			if off+2 > len(b) || pointers == maxPointers {
				return 0, 0
			}
			if pointers++; next == 0 {
				next = off + 2
			}
			off = size&0x3f<<8 | int(b[off+1])
		case size > 63 || off+1+size > len(b) || n+1+size > 254:
			return 0, 0
		default:
			if n > 0 {
				out[n] = '.'
				n++
			}
			for _, c := range b[off+1 : off+1+size] {
				if c == '.' {
					return 0, 0
				}
				out[n] = c
				n++
			}
			off += 1 + size
		}
	}
	return 0, 0
}

// name looks a name up, and remembers it in its bounded form when it is found.
func (s *Sieve) name(l *look, at int64, name []byte) selector.ID {
	if len(name) == 0 {
		return 0
	}
	id := l.set.Name(name)
	if !s.valid(l, id, at) {
		return 0
	}
	l.name = s.naming.Host(name)
	return id
}
