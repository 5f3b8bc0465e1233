package sieve

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"

	"noroshi/internal/engine/selector"
)

// Bounds of what is read of QUIC.
const (
	maxInitial   = 2 << 10  // bytes of a packet that is opened (RFC 9000 §14: 1200 are usual)
	maxCoalesced = 4        // packets of one datagram
	maxQUICHello = 16 << 10 // bytes of a client hello
	maxPieces    = 48       // of it that are apart
)

// quicVersion is what the keys of a version's first packets are made with.
type quicVersion struct {
	number       uint32
	initial      uint8 // the kind of packet (RFC 9000 §17.2.2, RFC 9369 §3.2)
	salt         [20]byte
	key, iv, hdr string
}

var quicVersions = [...]quicVersion{
	{1, 0, [20]byte{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
		"quic key", "quic iv", "quic hp"}, // RFC 9001 §5.2
	{0x6b3343cf, 1, [20]byte{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
		"quicv2 key", "quicv2 iv", "quicv2 hp"}, // RFC 9369 §3.3.1
	{0xff00001d, 0, [20]byte{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99},
		"quic key", "quic iv", "quic hp"}, // draft 29
}

// cursor reads numbers and parts; short says that something was not there.
type cursor struct {
	b     []byte
	short bool
}

func (c *cursor) take(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.b, c.short = nil, true
		return nil
	}
	part := c.b[:n]
	c.b = c.b[n:]
	return part
}

// number reads n bytes, at most 8.
func (c *cursor) number(n int) (v uint64) {
	for _, x := range c.take(n) {
		v = v<<8 | uint64(x)
	}
	return v
}

// varint reads a number of RFC 9000 §16; one that no packet reaches is short.
func (c *cursor) varint() int {
	if len(c.b) == 0 {
		c.short = true
		return 0
	}
	size := 1 << (c.b[0] >> 6)
	v := c.number(size) & (1<<(8*size-2) - 1)
	if v > 1<<30 {
		c.b, c.short = nil, true
		return 0
	}
	return int(v)
}

// quic reads the first packets that a client sends, until its hello is whole.
func (s *Sieve) quic(l *look, at int64, b []byte) selector.ID {
	for range maxCoalesced {
		if len(b) < 7 || b[0]&0xc0 != 0xc0 {
			return 0
		}
		version := quicOf(binary.BigEndian.Uint32(b[1:]))
		if version == nil {
			return 0
		}
		c := cursor{b: b[5:]}
		id := c.take(int(c.number(1)))
		c.take(int(c.number(1)))
		initial := b[0]>>4&3 == version.initial
		if initial {
			c.take(c.varint()) // token
		}
		size := c.varint()
		number := len(b) - len(c.b)
		if c.short || len(id) > 20 || size > len(c.b) {
			return 0
		}
		end := number + size
		if initial && end <= maxInitial {
			if found, done := s.initial(l, at, version, id, b[:end], number); found != 0 || done {
				return found
			}
		}
		b = b[end:]
	}
	return 0
}

func quicOf(number uint32) *quicVersion {
	for i := range quicVersions {
		if quicVersions[i].number == number {
			return &quicVersions[i]
		}
	}
	return nil
}

// initial opens a packet in a copy and reads its pieces of the hello; done says
// that there is no more to read in the datagram.
func (s *Sieve) initial(l *look, at int64, v *quicVersion, id, b []byte, number int) (found selector.ID, done bool) {
	room := s.scratch.initial[:copy(s.scratch.initial[:], b)]
	defer clear(room)
	text := v.open(room, id, number)
	if text == nil {
		return 0, true
	}
	for c := (cursor{b: text}); len(c.b) > 0 && !c.short; {
		switch kind := c.varint(); kind { // RFC 9000 §12.4
		case 0, 1: // padding, ping
		case 2, 3: // what was received
			c.varint()
			c.varint()
			ranges := c.varint()
			c.varint()
			for ; ranges > 0 && !c.short; ranges-- {
				c.varint()
				c.varint()
			}
			if kind == 3 {
				c.varint()
				c.varint()
				c.varint()
			}
		case 6: // a piece of the hello
			offset := c.varint()
			piece := c.take(c.varint())
			if c.short {
				return 0, true
			}
			if found, whole := s.piece(l, at, offset, piece); found != 0 || whole {
				return found, true
			}
		default:
			return 0, true
		}
	}
	return 0, false
}

// open decrypts a packet in place (RFC 9001 §5.3, §5.4); nil when the client did
// not send it first.
func (v *quicVersion) open(b, id []byte, number int) []byte {
	if len(b) < number+4+16 {
		return nil
	}
	secret, err := hkdf.Extract(sha256.New, id, v.salt[:])
	if err != nil {
		return nil
	}
	client := expand(secret, "client in", 32)
	header, err := aes.NewCipher(expand(client, v.hdr, 16))
	if err != nil {
		return nil
	}
	var mask [16]byte
	header.Encrypt(mask[:], b[number+4:number+20])
	b[0] ^= mask[0] & 0x0f
	size := int(b[0]&3) + 1
	nonce := expand(client, v.iv, 12)
	for i := range size {
		b[number+i] ^= mask[1+i]
		nonce[12-size+i] ^= b[number+i]
	}
	block, err := aes.NewCipher(expand(client, v.key, 16))
	if err != nil {
		return nil
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil
	}
	body := number + size
	text, err := aead.Open(b[body:body], nonce, b[body:], b[:body])
	if err != nil {
		return nil
	}
	return text
}

// expand is HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
func expand(secret []byte, label string, n int) []byte {
	info := append([]byte{0, byte(n), byte(6 + len(label))}, "tls13 "...)
	info = append(append(info, label...), 0)
	out, err := hkdf.Expand(sha256.New, secret, string(info), n)
	if err != nil {
		panic("BUG: HKDF refuses " + label)
	}
	return out
}

// pieces are the parts of a hello that are there: in order, apart from each
// other.
type pieces struct {
	list [maxPieces]struct{ from, to uint16 }
	n    int
}

// add joins a part to the others; false when there are too many.
func (p *pieces) add(from, to uint16) bool {
	first := 0
	for first < p.n && p.list[first].to < from {
		first++
	}
	last := first
	for last < p.n && p.list[last].from <= to {
		from, to = min(from, p.list[last].from), max(to, p.list[last].to)
		last++
	}
	switch {
	case last > first:
		copy(p.list[first+1:], p.list[last:p.n])
		p.n -= last - first - 1
	case p.n == maxPieces:
		return false
	default:
		copy(p.list[first+1:p.n+1], p.list[first:p.n])
		p.n++
	}
	p.list[first].from, p.list[first].to = from, to
	return true
}

// piece puts a part of the hello in its place and reads the hello when it is
// whole. whole says that there is nothing more to read.
func (s *Sieve) piece(l *look, at int64, offset int, b []byte) (found selector.ID, whole bool) {
	if len(b) == 0 {
		return 0, false
	}
	if offset+len(b) > maxQUICHello {
		return 0, true
	}
	if l.hand == nil {
		if l.hand = s.keep(l, nil, s.scratch.zeros[:]); l.hand == nil {
			return 0, true
		}
	}
	if l.pieces == 0 {
		l.pieces = s.pieces.take()
	}
	copy(l.hand.b[offset:], b)
	p := s.pieces.at(l.pieces)
	if !p.add(uint16(offset), uint16(offset+len(b))) {
		s.unhand(l)
		return 0, true
	}
	start := &p.list[0]
	if start.from != 0 || start.to < 4 {
		return 0, false
	}
	size := messageSize(l.hand.b)
	if l.hand.b[0] != clientHello || size > maxQUICHello {
		s.unhand(l)
		return 0, true
	}
	if int(start.to) < size {
		return 0, false
	}
	found = s.hello(l, at, l.hand.b[:size])
	s.unhand(l)
	return found, true
}

// datagram looks for names in a payload of UDP.
func (s *Sieve) datagram(l *look, it *item) selector.ID {
	if !l.dns && it.data[0]&0xc0 == 0xc0 && len(it.data) > 1000 {
		return s.quic(l, it.at, it.data)
	}
	return s.questions(l, it.at, it.data)
}

// scratch is room for what is read at once.
type scratch struct {
	address [16]byte
	name    [256]byte
	initial [maxInitial]byte
	zeros   [maxQUICHello]byte // never written to
}
