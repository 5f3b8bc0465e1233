package deid

import (
	"crypto/aes"
	"net/netip"
)

// naive is the published algorithm as its authors wrote it down: one AES block
// for each bit of the address, nothing kept between addresses.
func naive(key [32]byte, a netip.Addr) netip.Addr {
	block, err := aes.NewCipher(key[:16])
	if err != nil {
		panic(err)
	}
	var pad, in, out [16]byte
	block.Encrypt(pad[:], key[16:])
	from := a.AsSlice()
	to := make([]byte, len(from))
	for i := range 8 * len(from) {
		in = pad
		for b := range i {
			mask := byte(0x80) >> (b % 8)
			in[b/8] = in[b/8]&^mask | from[b/8]&mask
		}
		block.Encrypt(out[:], in[:])
		to[i/8] |= (from[i/8]<<(i%8)&0x80 ^ out[0]&0x80) >> (i % 8)
	}
	image, _ := netip.AddrFromSlice(to)
	return image
}
