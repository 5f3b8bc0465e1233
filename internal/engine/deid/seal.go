package deid

import (
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	keyKind     = "noroshi-deid-key/1"
	workingKind = "noroshi-deid-working/1"
)

// ErrPassphrase is returned when a sealed key does not open: the passphrase is
// another one, or the file was changed.
var ErrPassphrase = errors.New("deid: the key does not open with this passphrase")

// ErrWeak is returned for a passphrase shorter than MinPassphrase.
var ErrWeak = errors.New("deid: the passphrase is too short")

// MinPassphrase is the least length of a passphrase in bytes.
const MinPassphrase = 12

// The cost of Argon2id: the second recommended option of RFC 9106 §4. Files
// that ask for more than the limits are refused before they cost anything.
const (
	passes, memory, lanes          = 3, 64 << 10, 4
	maxPasses, maxMemory, maxLanes = 10, 256 << 10, 16
)

// Seal is the key as a file that opens with the passphrase (Argon2id,
// XChaCha20-Poly1305). Id and approval stand in clear and are bound to it.
func (k *Key) Seal(passphrase []byte) ([]byte, error) {
	return seal(keyKind, k.ID(), k.approval, &k.secret, passphrase)
}

// Open opens what Key.Seal wrote.
func Open(raw, passphrase []byte) (*Key, error) {
	k := &Key{}
	s, err := open(keyKind, raw, passphrase, &k.secret)
	if k.approval = s.Approval; err == nil && s.ID != k.ID() {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Seal is the working key as a file that opens with the passphrase.
func (w *Working) Seal(passphrase []byte) ([]byte, error) {
	return seal(workingKind, w.id(), w.approval, &w.secret, passphrase)
}

// OpenWorking opens what Working.Seal wrote.
func OpenWorking(raw, passphrase []byte) (*Working, error) {
	w := &Working{}
	s, err := open(workingKind, raw, passphrase, &w.secret)
	if w.approval = s.Approval; err == nil && s.ID != w.id() {
		err = ErrDamaged
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (w *Working) id() string { return (&Key{secret: w.secret, approval: w.approval}).ID() }

// Sealed is what a sealed file says in clear.
type Sealed struct {
	ID, Approval string
}

// Peek reads what a sealed key's file says in clear, without a passphrase.
func Peek(raw []byte) (Sealed, error) {
	l, err := readPage(raw, keyKind)
	if err != nil {
		return Sealed{}, err
	}
	s := Sealed{l.takeID(), l.takeApproval()}
	return s, l.err
}

func seal(kind, id, approval string, secret *[32]byte, passphrase []byte) ([]byte, error) {
	if len(passphrase) < MinPassphrase {
		return nil, ErrWeak
	}
	var salt [16]byte
	var nonce [chacha20poly1305.NonceSizeX]byte
	_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
	_, _ = rand.Read(nonce[:])
	out := &page{bindingOf(kind, Sealed{id, approval}, fmt.Sprintf("t=%d m=%d p=%d", passes, memory, lanes), salt[:], nonce[:])}
	k := argon2.IDKey(passphrase, salt[:], passes, memory, lanes, 32)
	defer clear(k)
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		return nil, err
	}
	out.put("sealed", encode64(aead.Seal(nil, nonce[:], secret[:], out.b)))
	return out.b, nil
}

// box is a sealed file, read and not yet opened.
type box struct {
	Sealed
	t, m          uint32
	lanes         uint8
	salt, nonce   []byte
	bound, sealed []byte
}

func readSealed(kind string, raw []byte) (*box, error) {
	l, err := readPage(raw, kind)
	if err != nil {
		return nil, err
	}
	b := &box{Sealed: Sealed{l.takeID(), l.takeApproval()}}
	cost := l.take("argon2id")
	b.salt, b.nonce = l.takeBytes("salt", 16), l.takeBytes("nonce", chacha20poly1305.NonceSizeX)
	b.sealed = l.takeBytes("sealed", 32+chacha20poly1305.Overhead)
	if err := l.end(); err != nil {
		return nil, err
	}
	var t, m, p uint32
	if _, err := fmt.Sscanf(cost, "t=%d m=%d p=%d", &t, &m, &p); err != nil || cost != fmt.Sprintf("t=%d m=%d p=%d", t, m, p) ||
		t < 1 || t > maxPasses || p < 1 || p > maxLanes || m < 8*p || m > maxMemory {
		return nil, fmt.Errorf("%w: line \"argon2id\"", ErrDamaged)
	}
	b.t, b.m, b.lanes = t, m, uint8(p)
	b.bound = bindingOf(kind, b.Sealed, cost, b.salt, b.nonce)
	return b, nil
}

// bindingOf is what stands in clear above the sealed secret, which is bound to it.
func bindingOf(kind string, s Sealed, cost string, salt, nonce []byte) []byte {
	out := newPage(kind)
	out.put("id", s.ID)
	out.put("approval", orNone(s.Approval))
	out.put("argon2id", cost)
	out.put("salt", encode64(salt))
	out.put("nonce", encode64(nonce))
	return out.b
}

func open(kind string, raw, passphrase []byte, secret *[32]byte) (Sealed, error) {
	b, err := readSealed(kind, raw)
	if err != nil {
		return Sealed{}, err
	}
	k := argon2.IDKey(passphrase, b.salt, b.t, b.m, b.lanes, 32)
	defer clear(k)
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		return Sealed{}, err
	}
	plain, err := aead.Open(nil, b.nonce, b.sealed, b.bound)
	if err != nil {
		return Sealed{}, ErrPassphrase
	}
	copy(secret[:], plain)
	clear(plain)
	return b.Sealed, nil
}
