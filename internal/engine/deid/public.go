package deid

import (
	"crypto/ecdh"
	"fmt"

	"github.com/zeebo/blake3"
)

const publicKind = "noroshi-deid-public/1"

const contextPublic = "noroshi 2026-11-22 deid public file check v1"

// Text is the public part as a file.
func (p Public) Text() []byte {
	out := newPage(publicKind)
	out.put("id", p.ID)
	out.put("approval", orNone(p.Approval))
	out.put("x25519", encode64(p.key.Bytes()))
	out.put("check", encode64(checkOf(contextPublic, out.b)))
	return out.b
}

// ParsePublic reads what Text wrote.
func ParsePublic(raw []byte) (Public, error) {
	l, err := readPage(raw, publicKind)
	if err != nil {
		return Public{}, err
	}
	p := Public{ID: l.takeID(), Approval: l.takeApproval()}
	b := l.takeBytes("x25519", 32)
	check := l.takeBytes("check", 8)
	if err := l.end(); err != nil {
		return Public{}, err
	}
	if p.key, err = ecdh.X25519().NewPublicKey(b); err != nil {
		return Public{}, fmt.Errorf("%w: line \"x25519\"", ErrDamaged)
	}
	out := newPage(publicKind)
	out.put("id", p.ID)
	out.put("approval", orNone(p.Approval))
	out.put("x25519", encode64(b))
	if string(check) != string(checkOf(contextPublic, out.b)) {
		return Public{}, ErrDamaged
	}
	return p, nil
}

// checkOf finds a slip of the hand, not an attack.
func checkOf(context string, b []byte) []byte {
	var sum [8]byte
	blake3.DeriveKey(context, b, sum[:])
	return sum[:]
}
