package selector

import (
	"encoding/binary"
	"math"
)

// Version 1 of the file, which lists that were compiled and signed before have:
//
//	48  u32 text that names who listed, 12 bytes zero
//	96  records, metas, ends of texts, texts, arena
//
// A record has 8 bytes: u32 form | row of metas << 4, then the value itself of an
// IPv4 address or a port, else its place in the arena. There, lengths have two
// bytes. Such a list keeps its hash, and with it its signature and its public ids.
const (
	oldVersion = 1
	recordSize = 8
)

// renew writes the selectors of a file of version 1 as this version has them.
func (b *body) renew(records []byte) error {
	old, n := b.arena, b.n
	b.arena, b.n = make([]byte, 0, len(old)+n), 0 // more for IPv4 addresses
	at := 0
	for i := range n {
		r := records[i*recordSize:][:recordSize]
		head, ref := binary.LittleEndian.Uint32(r), binary.LittleEndian.Uint32(r[4:])
		f := form(head & 15)
		if f == 0 || f >= formEnd {
			return damaged("selector %d", i+1)
		}
		b.mark(head >> 4)
		if f == addrFour || f == formPort {
			inline := binary.BigEndian.AppendUint32(nil, ref)
			if f == formPort {
				if inline[0] != 0 {
					return damaged("selector %d: its value", i+1)
				}
				inline = inline[1:]
			}
			b.put(f, inline)
			continue
		}
		size := layout[f].size
		if int(ref) != at {
			return damaged("selector %d: its place", i+1)
		}
		if size < 0 {
			if at+2 > len(old) {
				return damaged("selector %d: its length", i+1)
			}
			size = int(binary.LittleEndian.Uint16(old[at:]))
			at += 2
		}
		if size > len(old)-at || layout[f].size == inByte && size > math.MaxUint8 {
			return damaged("selector %d: its end", i+1)
		}
		b.put(f, old[at:at+size])
		at += size
	}
	if at != len(old) {
		return damaged("bytes after the last value")
	}
	return nil
}
