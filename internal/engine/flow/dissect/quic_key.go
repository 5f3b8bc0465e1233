package dissect

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
)

// Versions of QUIC that are named here (IANA QUIC Versions).
const (
	quicV1 = 0x00000001
	quicV2 = 0x6b3343cf
)

// Salts from which the keys of the first packets are derived, by version.
var (
	saltV1      = [20]byte{0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a} // RFC 9001 §5.2
	saltV2      = [20]byte{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9} // RFC 9369 §3.3.1
	saltDraft29 = [20]byte{0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99}
	saltDraft23 = [20]byte{0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02}
	saltDraft22 = [20]byte{0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a, 0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a}
	saltQ050    = [20]byte{0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94, 0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45}
	saltT050    = [20]byte{0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80, 0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10}
	saltT051    = [20]byte{0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50, 0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d}
)

// quicSalt finds the salt of a version; nil when its first packets cannot be
// opened here.
func quicSalt(version uint32) *[20]byte {
	switch version {
	case quicV1, 0xff000021, 0xff000022: // and drafts 33, 34
		return &saltV1
	case quicV2:
		return &saltV2
	case 0xff000016, 0xfaceb001: // draft 22 and Facebook's form of it
		return &saltDraft22
	case 0xfaceb002, 0xfaceb00e:
		return &saltDraft23
	case 0x51303530: // Q050
		return &saltQ050
	case 0x54303530: // T050
		return &saltT050
	case 0x54303531: // T051
		return &saltT051
	}
	switch {
	case version >= 0xff000017 && version <= 0xff00001c: // drafts 23 to 28
		return &saltDraft23
	case version >= 0xff00001d && version <= 0xff000020: // drafts 29 to 32
		return &saltDraft29
	}
	return nil
}

// quicKeys open the first packets that a client sends (RFC 9001 §5).
type quicKeys struct {
	version uint32
	cid     [20]byte
	size    uint8 // of cid
	iv      [12]byte
	header  cipher.Block
	payload cipher.AEAD
	// Passed to the ciphers, which would move them to the heap for each packet.
	sample, hidden [16]byte
	nonce          [12]byte
}

// fits reports whether the keys were made for a version and connection id.
func (k *quicKeys) fits(version uint32, cid []byte) bool {
	return k != nil && k.version == version && string(k.cid[:k.size]) == string(cid)
}

// newQUICKeys derives the client's keys from the connection id that it chose
// for the server; nil when the version is not known.
func newQUICKeys(version uint32, cid []byte) *quicKeys {
	salt := quicSalt(version)
	if salt == nil || len(cid) > 20 {
		return nil
	}
	k := &quicKeys{version: version}
	k.size = uint8(copy(k.cid[:], cid))
	initial := hmac256(salt[:], cid)
	client := expandLabel(&initial, "client in")
	key, iv, hp := "quic key", "quic iv", "quic hp"
	if version == quicV2 {
		key, iv, hp = "quicv2 key", "quicv2 iv", "quicv2 hp"
	}
	sum := expandLabelN(&client, iv, 12)
	copy(k.iv[:], sum[:12])
	sum = expandLabelN(&client, hp, 16)
	block, err := aes.NewCipher(sum[:16])
	if err != nil {
		panic("BUG: a key of 16 bytes is refused")
	}
	k.header = block
	sum = expandLabelN(&client, key, 16)
	if block, err = aes.NewCipher(sum[:16]); err != nil {
		panic("BUG: a key of 16 bytes is refused")
	}
	if k.payload, err = cipher.NewGCM(block); err != nil {
		panic("BUG: AES has no GCM")
	}
	return k
}

// expandLabel and expandLabelN are HKDF-Expand-Label with an empty context, for
// 32 and for n bytes (RFC 8446 §7.1).
func expandLabel(secret *[32]byte, label string) [32]byte { return expandLabelN(secret, label, 32) }

func expandLabelN(secret *[32]byte, label string, n byte) [32]byte {
	var room [32]byte
	info := append(room[:0], 0, n, byte(6+len(label)))
	info = append(info, "tls13 "...)
	info = append(info, label...)
	info = append(info, 0, 1)
	return hmac256(secret[:], info)
}

// hmac256 is HMAC with SHA-256 (RFC 2104) of a key and a message of at most one
// block each, without an allocation.
func hmac256(key, message []byte) [32]byte {
	var inner [128]byte
	var outer [96]byte
	for i := range 64 {
		c := byte(0)
		if i < len(key) {
			c = key[i]
		}
		inner[i], outer[i] = c^0x36, c^0x5c
	}
	n := 64 + copy(inner[64:], message)
	sum := sha256.Sum256(inner[:n])
	copy(outer[64:], sum[:])
	return sha256.Sum256(outer[:])
}

// open decrypts a packet in place: from its first byte to the end that its
// length names, at being where the packet number begins. It returns what was
// encrypted, nil when the keys do not fit; b is spoilt then.
func (k *quicKeys) open(b []byte, at int) []byte {
	if len(b) < at+4+16 {
		return nil
	}
	copy(k.sample[:], b[at+4:])
	mask := k.mask()
	b[0] ^= mask[0] & 0x0f
	size := int(b[0]&3) + 1
	number := uint32(0)
	for i := range size {
		b[at+i] ^= mask[1+i]
		number = number<<8 | uint32(b[at+i])
	}
	k.nonce = k.iv
	for i := range 4 {
		k.nonce[11-i] ^= byte(number >> (8 * i))
	}
	body := at + size
	text, err := k.payload.Open(b[body:body], k.nonce[:], b[body:], b[:body])
	if err != nil {
		return nil
	}
	return text
}

// mask hides the header of the packet that the sample is from (RFC 9001 §5.4).
func (k *quicKeys) mask() *[16]byte {
	k.header.Encrypt(k.hidden[:], k.sample[:])
	return &k.hidden
}
