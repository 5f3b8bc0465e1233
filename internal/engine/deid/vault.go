package deid

import (
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"

	"golang.org/x/crypto/chacha20poly1305"
)

const (
	vaultKind    = "noroshi-deid-vault/1"
	contextEntry = "noroshi 2026-11-22 deid vault chain v1"
)

// Bounds of a vault.
const (
	MaxEntries  = 1 << 20  // entries that one Sealer writes
	MaxSealed   = 4096     // bytes of a value
	MaxVault    = 1 << 30  // bytes of a vault's file
	perSegment  = 1 << 12  // entries between two X25519 exchanges
	padding     = 32       // lengths are rounded up to this: a length would say much
	maxSegments = 1 << 20  // of one file, which several runs may have written
	networksKey = "k:net:" // then the epoch: not a pseudonym
)

// ErrFull is returned by a Sealer that has written MaxEntries entries.
var ErrFull = errors.New("deid: the vault is full")

// ErrTooLong is returned for a value longer than MaxSealed.
var ErrTooLong = errors.New("deid: the value is too long for the vault")

// ErrWiped is returned for an address key that was wiped before it was sealed.
var ErrWiped = errors.New("deid: the key of the addresses is already wiped")

// Sealer writes the entries of a vault to one Public. It cannot read them: the
// exchange's private key is gone at once, and the chain from which each entry's
// key comes moves on over itself (as in the Double Ratchet's sending chain).
// It is for one goroutine. Its memory is 24 bytes for each entry written.
type Sealer struct {
	public Public
	seen   map[Pseudonym]struct{}
	chain  [32]byte
	index  int // in the segment; perSegment: a new one is due
	bound  []byte
	plain  []byte
	sealed []byte
}

// NewSealer writes to the holders of the key that public belongs to.
func NewSealer(public Public) *Sealer {
	return &Sealer{public: public, seen: map[Pseudonym]struct{}{}, index: perSegment}
}

// Begin appends the head of a vault's file. It comes once, before any entry.
func (s *Sealer) Begin(dst []byte) []byte {
	out := newPage(vaultKind)
	out.put("id", s.public.ID)
	out.put("approval", orNone(s.public.Approval))
	return append(dst, out.b...)
}

// Add appends the sealed entry of a pseudonym, or nothing when it was added
// before. The value is the identifier itself. Whole lines are appended: what
// was written up to any of them can be read.
func (s *Sealer) Add(dst []byte, p Pseudonym, value []byte) ([]byte, error) {
	if _, ok := s.seen[p]; ok {
		return dst, nil
	}
	if len(s.seen) >= MaxEntries {
		return dst, ErrFull
	}
	out, err := s.add(dst, p.String(), value)
	if err == nil {
		s.seen[p] = struct{}{}
	}
	return out, err
}

// AddNetworks appends the sealed key of prefix-preserving addresses, so that
// the holders can turn them back although the run's own copy is wiped.
func (s *Sealer) AddNetworks(dst []byte, c *CryptoPAn, epoch uint32) ([]byte, error) {
	if c.block == nil {
		return dst, ErrWiped
	}
	return s.add(dst, networksKey+strconv.FormatUint(uint64(epoch), 10), c.key[:])
}

// Len is the number of pseudonyms added.
func (s *Sealer) Len() int { return len(s.seen) }

func (s *Sealer) add(dst []byte, name string, value []byte) ([]byte, error) {
	if len(value) > MaxSealed {
		return dst, ErrTooLong
	}
	if s.index == perSegment {
		var err error
		if dst, err = s.exchange(dst); err != nil {
			return dst, err
		}
	}
	aead, err := step(&s.chain)
	if err != nil {
		return dst, err
	}
	dst = append(append(dst, name...), ' ')
	dst = strconv.AppendInt(dst, int64(s.index), 10)
	s.bound = binding(s.bound[:0], s.public.ID, s.public.Approval, s.index, name)
	s.plain = pad(s.plain[:0], value)
	var nonce [chacha20poly1305.NonceSize]byte // each key seals once
	s.sealed = aead.Seal(s.sealed[:0], nonce[:], s.plain, s.bound)
	clear(s.plain)
	s.index++
	dst = base64.RawStdEncoding.AppendEncode(append(dst, ' '), s.sealed)
	return append(dst, '\n'), nil
}

// exchange begins a segment: a fresh X25519 key whose public half is written.
func (s *Sealer) exchange(dst []byte) ([]byte, error) {
	once, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return dst, err
	}
	shared, err := once.ECDH(s.public.key)
	if err != nil {
		return dst, err
	}
	defer clear(shared)
	if err := begin(&s.chain, shared, once.PublicKey().Bytes(), s.public); err != nil {
		return dst, err
	}
	s.index = 0
	dst = append(dst, "x25519 "...)
	dst = base64.RawStdEncoding.AppendEncode(dst, once.PublicKey().Bytes())
	return append(dst, '\n'), nil
}

// Wipe overwrites what the Sealer still holds. Add must not be called again.
func (s *Sealer) Wipe() {
	clear(s.chain[:])
	clear(s.plain[:cap(s.plain)])
	clear(s.seen)
	s.index = perSegment
}

// begin sets the chain of a segment (RFC 5869; both public keys are bound, as
// RFC 7748 §6.1 advises).
func begin(chain *[32]byte, shared, once []byte, p Public) error {
	salt := append(append(make([]byte, 0, 64), once...), p.key.Bytes()...)
	k, err := hkdf.Key(sha256.New, shared, salt, contextEntry+" "+p.ID+" "+orNone(p.Approval), 32)
	if err != nil {
		return err
	}
	copy(chain[:], k)
	clear(k)
	return nil
}

// step returns the cipher of the next entry and moves the chain on, so that it
// cannot be had again from what is left.
func step(chain *[32]byte) (cipher.AEAD, error) {
	k, err := hkdf.Expand(sha256.New, chain[:], contextEntry, 64)
	if err != nil {
		return nil, err
	}
	defer clear(k)
	copy(chain[:], k[:32])
	return chacha20poly1305.New(k[32:])
}

// binding is what an entry is sealed to: it opens in no other vault and under
// no other pseudonym.
func binding(dst []byte, id, approval string, index int, name string) []byte {
	dst = append(append(append(dst, id...), ' '), orNone(approval)...)
	dst = strconv.AppendInt(append(dst, ' '), int64(index), 10)
	return append(append(dst, ' '), name...)
}

// pad appends the value, a 1 and zeros up to a round length (ISO/IEC 7816-4).
func pad(dst, value []byte) []byte {
	dst = append(append(dst, value...), 0x80)
	for len(dst)%padding != 0 {
		dst = append(dst, 0)
	}
	return dst
}

func unpad(b []byte) ([]byte, bool) {
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] == 0x80 {
			return b[:i], true
		}
		if b[i] != 0 {
			break
		}
	}
	return nil, false
}
