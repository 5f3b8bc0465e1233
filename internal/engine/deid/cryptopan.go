package deid

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
	"sync"
)

// CryptoPAn maps addresses one to one so that two of them share exactly as
// long a prefix after as before (Xu, Fan, Ammar, Moon: "Prefix-Preserving IP
// Address Anonymization", ICNP 2002). Bit i is flipped by a bit that AES-128
// makes of the i bits before it, filled up with a secret pad. IPv6 is the same
// function on 128 bits; an IPv4 address maps as the first 32 bits of an IPv6
// address that begins with it.
//
// It is for one goroutine; Clone gives another its own caches over the same
// table. Whoever holds the key can turn addresses back (Reveal).
type CryptoPAn struct {
	key   [32]byte // AES key, then the block whose encryption is the pad
	block cipher.Block
	pad   [2]uint64
	first *flips16

	in, out [16]byte     // what AES reads and writes
	blocks  [64][16]byte // the same for the bits of a part of an address
	seen4   []entry4
	net4    []entry24
	seen6   []entry64
	net6    [2][]entry64 // flips of bits 16…47 and 48…63
}

// flips16 holds the flips of the first 16 bits of every address (128 KiB).
type flips16 struct {
	once sync.Once
	of   [1 << 16]uint16
}

// The caches are direct-mapped: a newer address takes the place of an older
// one, so their size is fixed. In a batch whose addresses repeat they do what
// removing duplicates would.
const (
	bits4  = 16 // entries of whole IPv4 addresses: 512 KiB
	bits24 = 15 // entries of the third byte of IPv4: 256 KiB
	bits64 = 14 // entries of the first 48 and 64 bits of IPv6: 512 KiB each
	bits6  = 16 // entries of whole IPv6 addresses: 2 MiB
)

type (
	entry4  struct{ from, to uint32 }
	entry24 struct {
		net  uint32 // the first 24 bits and 1, so that zero is no entry
		flip uint32
	}
	entry64 struct {
		from, flip uint64
		high       uint64 // of a whole address: its first 64 bits
		ok         bool
	}
)

// NewCryptoPAn takes the key of the published algorithm: 16 bytes of AES key
// and 16 bytes whose encryption is the pad. Most callers want Working.Networks.
func NewCryptoPAn(key [32]byte) *CryptoPAn {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic("BUG: deid: " + err.Error())
	}
	c := &CryptoPAn{key: key, block: block, first: &flips16{}}
	block.Encrypt(c.out[:], key[16:])
	c.pad = [2]uint64{binary.BigEndian.Uint64(c.out[:8]), binary.BigEndian.Uint64(c.out[8:])}
	return c
}

// Clone maps alike, for another goroutine.
func (c *CryptoPAn) Clone() *CryptoPAn {
	return &CryptoPAn{key: c.key, block: c.block, pad: c.pad, first: c.first}
}

// flip is the bit of one AES block: the first n bits of hi:lo, then the pad.
func (c *CryptoPAn) flip(hi, lo uint64, n uint) uint64 {
	keepHi, keepLo := ^uint64(0), ^uint64(0)
	if n < 64 {
		keepHi, keepLo = ^(keepHi >> n), 0
	} else {
		keepLo = ^(keepLo >> (n - 64))
	}
	binary.BigEndian.PutUint64(c.in[:8], hi&keepHi|c.pad[0]&^keepHi)
	binary.BigEndian.PutUint64(c.in[8:], lo&keepLo|c.pad[1]&^keepLo)
	c.block.Encrypt(c.out[:], c.in[:])
	return uint64(c.out[0] >> 7)
}

// flips is the flips of bits from…to-1 (at most 64), the last of them in bit 0.
// The blocks are all written before the first is read: AES reads 16 bytes at
// once, and would wait for two writes of 8 bytes that are still on their way.
func (c *CryptoPAn) flips(hi, lo uint64, from, to uint) (f uint64) {
	blocks := c.blocks[:to-from]
	for i := range blocks {
		n := from + uint(i)
		keepHi, keepLo := ^(^uint64(0) >> n), uint64(0) // a shift by 64 or more leaves 0
		if n > 64 {
			keepLo = ^(^uint64(0) >> (n - 64))
		}
		binary.BigEndian.PutUint64(blocks[i][:8], hi&keepHi|c.pad[0]&^keepHi)
		binary.BigEndian.PutUint64(blocks[i][8:], lo&keepLo|c.pad[1]&^keepLo)
	}
	for i := range blocks {
		c.block.Encrypt(blocks[i][:], blocks[i][:])
		f = f<<1 | uint64(blocks[i][0]>>7)
	}
	return f
}

// table fills the table of the first 16 bits once for all clones: 65,535
// blocks of AES, a few milliseconds.
func (c *CryptoPAn) table() *flips16 {
	c.first.once.Do(func() {
		for n := range uint(16) {
			for prefix := range uint64(1) << n {
				bit := uint16(c.flip(prefix<<(64-n), 0, n)) << (15 - n)
				low := prefix << (16 - n)
				for a := low; a < low+1<<(16-n); a++ {
					c.first.of[a] |= bit
				}
			}
		}
	})
	return c.first
}

// Addr4 maps an IPv4 address, the first byte in the highest bits.
func (c *CryptoPAn) Addr4(a uint32) uint32 {
	if c.seen4 == nil {
		c.table()
		c.seen4, c.net4 = make([]entry4, 1<<bits4), make([]entry24, 1<<bits24)
		c.seen4[slot(0, bits4)].from = 1 // zero is an address too: its place holds another
	}
	seen := &c.seen4[slot(uint64(a), bits4)]
	if seen.from == a {
		return seen.to
	}
	hi := uint64(a) << 32
	net := &c.net4[slot(uint64(a>>8), bits24)]
	if net.net != a>>8+1 {
		*net = entry24{a>>8 + 1, uint32(c.flips(hi, 0, 16, 24)) << 8}
	}
	f := uint32(c.first.of[a>>16])<<16 | net.flip | uint32(c.flips(hi, 0, 24, 32))
	*seen = entry4{a, a ^ f}
	return a ^ f
}

// Addr16 maps an IPv6 address. An IPv4 address written as IPv6
// (::ffff:a.b.c.d) is mapped as the IPv4 address it is.
func (c *CryptoPAn) Addr16(a *[16]byte) [16]byte {
	hi, lo := binary.BigEndian.Uint64(a[:8]), binary.BigEndian.Uint64(a[8:])
	if hi == 0 && lo>>32 == 0xffff {
		lo = 0xffff<<32 | uint64(c.Addr4(uint32(lo)))
	} else {
		hi, lo = c.map6(hi, lo)
	}
	var out [16]byte
	binary.BigEndian.PutUint64(out[:8], hi)
	binary.BigEndian.PutUint64(out[8:], lo)
	return out
}

func (c *CryptoPAn) map6(hi, lo uint64) (uint64, uint64) {
	if c.seen6 == nil {
		c.table()
		c.seen6 = make([]entry64, 1<<bits6)
		c.net6 = [2][]entry64{make([]entry64, 1<<bits64), make([]entry64, 1<<bits64)}
	}
	site, net := &c.net6[0][slot(hi>>16, bits64)], &c.net6[1][slot(hi, bits64)]
	if !site.ok || site.from != hi>>16 {
		*site = entry64{from: hi >> 16, flip: c.flips(hi, 0, 16, 48), ok: true}
	}
	if !net.ok || net.from != hi {
		*net = entry64{from: hi, flip: c.flips(hi, 0, 48, 64), ok: true}
	}
	high := uint64(c.first.of[hi>>48])<<48 | site.flip<<16 | net.flip
	seen := &c.seen6[slot(hi^lo*0x9e3779b97f4a7c15, bits6)]
	if !seen.ok || seen.from != lo || seen.high != hi {
		*seen = entry64{from: lo, high: hi, flip: c.flips(hi, lo, 64, 128), ok: true}
	}
	return hi ^ high, lo ^ seen.flip
}

// slot is a place in a cache of 2^bits entries (Fibonacci hashing).
func slot(v uint64, bits uint) uint64 { return v * 0x9e3779b97f4a7c15 >> (64 - bits) }

// Addr maps an address. A zone is left out: it names a link of one machine.
// The zero Addr stays.
func (c *CryptoPAn) Addr(a netip.Addr) netip.Addr {
	switch {
	case a.Is4() || a.Is4In6():
		b := a.As4()
		binary.BigEndian.PutUint32(b[:], c.Addr4(binary.BigEndian.Uint32(b[:])))
		return netip.AddrFrom4(b)
	case a.Is6():
		b := a.As16()
		return netip.AddrFrom16(c.Addr16(&b))
	}
	return a
}

// Batch4 maps many IPv4 addresses in place.
func (c *CryptoPAn) Batch4(a []uint32) {
	for i, v := range a {
		a[i] = c.Addr4(v)
	}
}

// Batch maps many addresses in place.
func (c *CryptoPAn) Batch(a []netip.Addr) {
	for i, v := range a {
		a[i] = c.Addr(v)
	}
}

const netPrefix = "p:net:"

// Append appends the text form of the image of a: "p:net:" and an address that
// nobody can take for a real one.
func (c *CryptoPAn) Append(dst []byte, a netip.Addr) []byte {
	return c.Addr(a).AppendTo(append(dst, netPrefix...))
}

// ErrNetwork is returned for text that is no prefix-preserving address.
var ErrNetwork = errors.New("deid: not a prefix-preserving address (p:net: and an IP address)")

// ParseNetwork reads the text form: the image, not the address.
func ParseNetwork(s string) (netip.Addr, error) {
	text, ok := strings.CutPrefix(s, netPrefix)
	a, err := netip.ParseAddr(text)
	if !ok || err != nil || a.Zone() != "" {
		return netip.Addr{}, ErrNetwork
	}
	return a, nil
}

// Reveal turns an image back into its address.
func (c *CryptoPAn) Reveal(image netip.Addr) netip.Addr {
	switch {
	case image.Is4() || image.Is4In6():
		b := image.As4()
		hi, _ := c.reveal(uint64(binary.BigEndian.Uint32(b[:]))<<32, 0, 32)
		binary.BigEndian.PutUint32(b[:], uint32(hi>>32))
		return netip.AddrFrom4(b)
	case image.Is6():
		b := image.As16()
		hi, lo := c.reveal(binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), 128)
		binary.BigEndian.PutUint64(b[:8], hi)
		binary.BigEndian.PutUint64(b[8:], lo)
		return netip.AddrFrom16(b)
	}
	return image
}

// reveal undoes bit after bit: the flip of a bit depends on true bits before it.
func (c *CryptoPAn) reveal(hi, lo uint64, n uint) (uint64, uint64) {
	for i := range n {
		f := c.flip(hi, lo, i)
		if i < 64 {
			hi ^= f << (63 - i)
		} else {
			lo ^= f << (127 - i)
		}
	}
	return hi, lo
}

// Wipe overwrites the key and the caches, which hold addresses. The table is
// shared with clones and is overwritten too: none of them is of use afterwards.
func (c *CryptoPAn) Wipe() {
	clear(c.key[:])
	clear(c.pad[:])
	clear(c.in[:])
	clear(c.out[:])
	clear(c.blocks[:])
	clear(c.first.of[:])
	c.forget()
	c.block = nil
}

func (c *CryptoPAn) forget() {
	clear(c.seen4)
	clear(c.net4)
	clear(c.seen6)
	clear(c.net6[0])
	clear(c.net6[1])
	c.seen4, c.net4, c.seen6, c.net6 = nil, nil, nil, [2][]entry64{}
}
