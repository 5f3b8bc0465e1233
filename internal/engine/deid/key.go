package deid

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"unicode"
	"unicode/utf8"

	"github.com/zeebo/blake3"
)

// The purposes of derived keys (BLAKE3 derive_key contexts, BLAKE3 paper §6.2).
// A context is never reused and never changed: that would change every
// pseudonym made so far.
const (
	contextID       = "noroshi 2026-11-22 deid key id v1"
	contextWorking  = "noroshi 2026-11-22 deid working key v1"
	contextVault    = "noroshi 2026-11-22 deid vault x25519 v1"
	contextNames    = "noroshi 2026-11-22 deid pseudonyms of an epoch v1"
	contextNetworks = "noroshi 2026-11-22 deid crypto-pan of an epoch v1"
)

// MaxApproval is the greatest length of an approval's id in bytes.
const MaxApproval = 128

// ErrApproval is returned for an approval id that is too long or has
// characters that a line of text cannot hold.
var ErrApproval = errors.New("deid: the approval id is longer than 128 bytes or has spaces or control characters")

// Key is the secret of one approval: 32 random bytes, an id and the approval
// it belongs to. Its zero value is no key.
type Key struct {
	secret   [32]byte
	approval string
}

// New makes a random key for an approval ("" for none yet).
func New(approval string) (*Key, error) {
	k := &Key{approval: approval}
	_, _ = rand.Read(k.secret[:]) // never fails (crypto/rand)
	return k, checkApproval(approval)
}

// FromSecret is the key with these bytes, for keys held elsewhere.
func FromSecret(secret [32]byte, approval string) (*Key, error) {
	return &Key{secret: secret, approval: approval}, checkApproval(approval)
}

func checkApproval(s string) error {
	if len(s) > MaxApproval || !utf8.ValidString(s) {
		return ErrApproval
	}
	for _, r := range s {
		if unicode.IsSpace(r) || !unicode.IsPrint(r) {
			return ErrApproval
		}
	}
	return nil
}

// ID names the key without saying anything about it: 16 hex digits.
func (k *Key) ID() string {
	var id [8]byte
	derive(contextID, &k.secret, k.approval, id[:])
	return hex.EncodeToString(id[:])
}

// Approval is the id of the approval the key belongs to, or "".
func (k *Key) Approval() string { return k.approval }

// Public is the part of the key that seals.
func (k *Key) Public() (Public, error) {
	private, err := k.private()
	if err != nil {
		return Public{}, err
	}
	return Public{ID: k.ID(), Approval: k.approval, key: private.PublicKey()}, nil
}

// private is the X25519 key of vaults (RFC 7748).
func (k *Key) private() (*ecdh.PrivateKey, error) {
	var b [32]byte
	defer clear(b[:])
	derive(contextVault, &k.secret, k.approval, b[:])
	return ecdh.X25519().NewPrivateKey(b[:])
}

// Working is what runs of this approval make pseudonyms with: the same for
// every run, so that one account has one pseudonym in all of them.
func (k *Key) Working() *Working {
	w := &Working{approval: k.approval}
	derive(contextWorking, &k.secret, k.approval, w.secret[:])
	return w
}

// Secret is a copy of the key's bytes, for a caller that keeps keys wrapped.
// The caller overwrites it after use.
func (k *Key) Secret() [32]byte { return k.secret }

// Wipe overwrites the key. It is of no use afterwards.
func (k *Key) Wipe() { clear(k.secret[:]) }

// derive fills out from a secret, its approval and a purpose.
func derive(context string, secret *[32]byte, more string, out []byte) {
	material := make([]byte, 0, 32+MaxApproval)
	material = append(append(material, secret[:]...), more...)
	blake3.DeriveKey(context, material, out)
	clear(material)
}

// Public seals and cannot open. It may be known to anybody.
type Public struct {
	ID       string // of the Key
	Approval string // "" for none
	key      *ecdh.PublicKey
}

// Working makes the pseudonyms of runs. It is secret: who has it can try names
// until a pseudonym fits, and can turn Crypto-PAn addresses back.
type Working struct {
	secret   [32]byte
	approval string
}

// NewWorking is a random working key for one run: its pseudonyms agree with no
// other run's.
func NewWorking(approval string) (*Working, error) {
	w := &Working{approval: approval}
	_, _ = rand.Read(w.secret[:]) // never fails (crypto/rand)
	return w, checkApproval(approval)
}

// WorkingFromSecret is the working key with these bytes, for keys held
// elsewhere.
func WorkingFromSecret(secret [32]byte, approval string) (*Working, error) {
	return &Working{secret: secret, approval: approval}, checkApproval(approval)
}

// Approval is the id of the approval the key belongs to, or "".
func (w *Working) Approval() string { return w.approval }

// Secret is a copy of the key's bytes, for a caller that keeps keys wrapped.
// The caller overwrites it after use.
func (w *Working) Secret() [32]byte { return w.secret }

// Names makes pseudonyms of a rotation epoch: another epoch, other pseudonyms.
func (w *Working) Names(epoch uint32) *Names {
	var k [32]byte
	defer clear(k[:])
	w.of(contextNames, epoch, k[:])
	return NewNames(k)
}

// Networks makes prefix-preserving addresses of a rotation epoch.
func (w *Working) Networks(epoch uint32) *CryptoPAn {
	var k [32]byte
	defer clear(k[:])
	w.of(contextNetworks, epoch, k[:])
	return NewCryptoPAn(k)
}

func (w *Working) of(context string, epoch uint32, out []byte) {
	var e [4]byte
	binary.BigEndian.PutUint32(e[:], epoch)
	derive(context, &w.secret, string(e[:])+w.approval, out)
}

// Wipe overwrites the key. Names and addresses made of it keep theirs.
func (w *Working) Wipe() { clear(w.secret[:]) }
