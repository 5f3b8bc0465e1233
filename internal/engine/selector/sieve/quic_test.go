package sieve

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"testing"
)

// quicInitial is the first datagram of a client, with the bytes of its hello from
// one offset to another (RFC 9001 §5): a second implementation, of the sender.
func quicInitial(t testing.TB, number uint32, hello []byte, from, to int) []byte {
	t.Helper()
	v := quicOf(number)
	id := []byte{0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08}
	to = min(to, len(hello))
	part := hello[from:to]
	frame := []byte{6, 0x80, 0, byte(from >> 8), byte(from), 0x40 | byte(len(part)>>8), byte(len(part))}
	frame = append([]byte{1, 0}, append(frame, part...)...) // after a ping and some padding
	frame = append(frame, make([]byte, max(0, 1162-len(frame)))...)
	secret, _ := hkdf.Extract(sha256.New, id, v.salt[:])
	client := expand(secret, "client in", 32)
	head := []byte{0xc0 | v.initial<<4 | 1}
	head = binary.BigEndian.AppendUint32(head, number)
	head = append(append(append(head, byte(len(id))), id...), 0, 0)
	size := len(frame) + 2 + 16
	head = append(head, 0x40|byte(size>>8), byte(size), 0x12, 0x34)
	block, _ := aes.NewCipher(expand(client, v.key, 16))
	aead, _ := cipher.NewGCM(block)
	nonce := expand(client, v.iv, 12)
	nonce[10] ^= 0x12
	nonce[11] ^= 0x34
	out := aead.Seal(head, nonce, frame, head)
	at := len(head) - 2
	hide, _ := aes.NewCipher(expand(client, v.hdr, 16))
	var mask [16]byte
	hide.Encrypt(mask[:], out[at+4:at+20])
	out[0] ^= mask[0] & 15
	out[at] ^= mask[1]
	out[at+1] ^= mask[2]
	return out
}

// The keys of RFC 9001 appendix A.1.
func TestQUICKeys(t *testing.T) {
	id, _ := hex.DecodeString("8394c8f03e515708")
	v := quicOf(1)
	secret, _ := hkdf.Extract(sha256.New, id, v.salt[:])
	client := expand(secret, "client in", 32)
	for label, want := range map[string]string{v.key: "1f369613dd76d5467730efcbe3b1a22d", v.iv: "fa044b2f42a3fd3b46fb255c", v.hdr: "9f50449e04a0e810283a1e9933adedd2"} {
		if got := hex.EncodeToString(expand(client, label, len(want)/2)); got != want {
			t.Errorf("%s: %s", label, got)
		}
	}
}
