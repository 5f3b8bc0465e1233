package deid

import (
	"bytes"
	"crypto/ecdh"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"
)

// ErrAbsent is returned for a pseudonym the vault has no entry of: it was never
// sealed, or was erased with its record.
var ErrAbsent = errors.New("deid: the vault has no entry of this pseudonym")

// ErrOtherKey is returned for a vault sealed to another key or approval.
var ErrOtherKey = errors.New("deid: the vault is sealed to another key")

// VaultError is a line of a vault that cannot be read.
type VaultError struct {
	Line int // from 1
	Err  error
}

// Error names the line.
func (e *VaultError) Error() string { return fmt.Sprintf("deid: vault line %d: %v", e.Line, e.Err) }

// Unwrap is what is wrong with the line.
func (e *VaultError) Unwrap() error { return e.Err }

// Head is what the head of a vault says in clear: the key's id and the approval.
type Head = Sealed

// PeekVault reads the head of a vault's file, without a key.
func PeekVault(raw []byte) (Head, error) {
	h, _, err := vaultHead(raw)
	return h, err
}

func vaultHead(raw []byte) (Head, int, error) {
	n := min(len(raw), MaxFile)
	l, err := readPage(raw[:n], vaultKind)
	if err != nil {
		return Head{}, 0, err
	}
	h := Head{l.takeID(), l.takeApproval()}
	if l.err != nil {
		return Head{}, 0, l.err
	}
	at := 0
	for range 3 {
		at += bytes.IndexByte(raw[at:], '\n') + 1
	}
	return h, at, nil
}

// entry is one line of a vault.
type entry struct {
	name   string
	index  int
	sealed []byte // base 64
	once   []byte // base 64 of a segment's public key; the rest is empty
}

// lines calls fn with each line of a vault's body, and its bytes. A last line
// without an end is what a crash left, and is passed over.
func lines(raw []byte, at int, fn func(n int, line []byte, e entry) error) error {
	for n := 4; at < len(raw); n++ {
		size := bytes.IndexByte(raw[at:], '\n')
		if size < 0 {
			return nil
		}
		line := raw[at : at+size+1]
		at += size + 1
		e, err := parseEntry(line[:size])
		if err == nil {
			err = fn(n, line, e)
		}
		if err != nil {
			return &VaultError{n, err}
		}
	}
	return nil
}

func parseEntry(line []byte) (entry, error) {
	if once, ok := bytes.CutPrefix(line, []byte("x25519 ")); ok {
		return entry{once: once}, nil
	}
	name, rest, ok := bytes.Cut(line, []byte{' '})
	number, sealed, ok2 := bytes.Cut(rest, []byte{' '})
	index, err := strconv.Atoi(string(number))
	if !ok || !ok2 || err != nil || index < 0 || index >= perSegment || strconv.Itoa(index) != string(number) {
		return entry{}, ErrDamaged
	}
	return entry{name: string(name), index: index, sealed: sealed}, nil
}

// Vault is an opened vault: it can be read, value by value. Nothing is
// decrypted but what is asked for.
type Vault struct {
	head    Head
	private *ecdh.PrivateKey
	public  Public
	at      map[string]place
	nets    []string // entries of address keys
	nSealed int
}

// place is where an entry is: in which segment, and its bytes.
type place struct {
	line   int
	once   []byte
	index  int
	sealed []byte
}

// OpenVault reads a vault's file with the key it is sealed to. It keeps raw.
func OpenVault(k *Key, raw []byte) (*Vault, error) {
	if len(raw) > MaxVault {
		return nil, ErrFull
	}
	head, at, err := vaultHead(raw)
	if err != nil {
		return nil, err
	}
	if head.ID != k.ID() || head.Approval != k.approval {
		return nil, ErrOtherKey
	}
	private, err := k.private()
	if err != nil {
		return nil, err
	}
	v := &Vault{head: head, private: private, public: Public{ID: head.ID, Approval: head.Approval, key: private.PublicKey()}, at: map[string]place{}}
	var once []byte
	segments := 0
	err = lines(raw, at, func(n int, _ []byte, e entry) error {
		if e.once != nil {
			if segments++; segments > maxSegments {
				return ErrFull
			}
			once = e.once
			return nil
		}
		if once == nil {
			return ErrDamaged
		}
		// The first entry of a pseudonym stands: a later one can only say the same.
		if _, ok := v.at[e.name]; !ok {
			v.at[e.name] = place{n, once, e.index, e.sealed}
			if strings.HasPrefix(e.name, networksKey) {
				v.nets = append(v.nets, e.name)
			} else {
				v.nSealed++
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return v, nil
}

// Approval is the id of the approval whose run wrote the vault.
func (v *Vault) Approval() string { return v.head.Approval }

// Len is the number of pseudonyms the vault holds.
func (v *Vault) Len() int { return v.nSealed }

// Reveal returns the value a pseudonym stands for, or ErrAbsent. A VaultError
// says that its entry was changed.
func (v *Vault) Reveal(p Pseudonym) ([]byte, error) { return v.reveal(p.String()) }

// RevealNetwork turns a prefix-preserving address back with each address key
// of the vault: one answer per epoch that the run's records were made in.
func (v *Vault) RevealNetwork(image netip.Addr) ([]netip.Addr, error) {
	if len(v.nets) == 0 {
		return nil, ErrAbsent
	}
	var out []netip.Addr
	for _, name := range v.nets {
		b, err := v.reveal(name)
		if err != nil {
			return nil, err
		}
		if len(b) != 32 {
			return nil, &VaultError{v.at[name].line, ErrDamaged}
		}
		c := NewCryptoPAn([32]byte(b))
		out = append(out, c.Reveal(image))
		c.Wipe()
		clear(b)
	}
	return out, nil
}

// RevealText reads a pseudonym or a prefix-preserving address in its text form
// and returns what it stands for; of several epochs, the addresses that it may.
func (v *Vault) RevealText(s string) ([]string, error) {
	if strings.HasPrefix(s, netPrefix) {
		image, err := ParseNetwork(s)
		if err != nil {
			return nil, err
		}
		addrs, err := v.RevealNetwork(image)
		var out []string
		for _, a := range addrs {
			out = append(out, a.String())
		}
		return out, err
	}
	p, err := ParsePseudonym(s)
	if err != nil {
		return nil, err
	}
	b, err := v.Reveal(p)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return []string{string(b)}, nil
}

func (v *Vault) reveal(name string) ([]byte, error) {
	e, ok := v.at[name]
	if !ok {
		return nil, ErrAbsent
	}
	value, err := v.open(name, e)
	if err != nil {
		return nil, &VaultError{e.line, err}
	}
	return value, nil
}

func (v *Vault) open(name string, e place) ([]byte, error) {
	once, err := base64.RawStdEncoding.Strict().DecodeString(string(e.once))
	if err != nil {
		return nil, ErrDamaged
	}
	peer, err := ecdh.X25519().NewPublicKey(once)
	if err != nil {
		return nil, ErrDamaged
	}
	shared, err := v.private.ECDH(peer)
	if err != nil {
		return nil, ErrDamaged
	}
	defer clear(shared)
	var chain [32]byte
	defer clear(chain[:])
	if err := begin(&chain, shared, once, v.public); err != nil {
		return nil, err
	}
	aead, err := step(&chain)
	for range e.index {
		if err == nil {
			aead, err = step(&chain)
		}
	}
	if err != nil {
		return nil, err
	}
	sealed, err := base64.RawStdEncoding.Strict().DecodeString(string(e.sealed))
	if err != nil {
		return nil, ErrDamaged
	}
	var nonce [chacha20poly1305.NonceSize]byte
	plain, err := aead.Open(nil, nonce[:], sealed, binding(nil, v.head.ID, v.head.Approval, e.index, name))
	if err != nil {
		return nil, ErrDamaged
	}
	value, ok := unpad(plain)
	if !ok {
		return nil, ErrDamaged
	}
	return value, nil
}

// Wipe forgets the key. The vault's file stays.
func (v *Vault) Wipe() { v.private, v.at = nil, nil }

// Prune copies a vault's file without the entries of pseudonyms that keep does
// not want: the entry goes when the last record that names it goes. It needs no
// key. Keys of addresses go when keepNetworks is false: when no record with such
// an address is left.
func Prune(dst, raw []byte, keep func(Pseudonym) bool, keepNetworks bool) (out []byte, erased int, err error) {
	_, at, err := vaultHead(raw)
	if err != nil {
		return dst, 0, err
	}
	out = append(dst, raw[:at]...)
	err = lines(raw, at, func(_ int, line []byte, e entry) error {
		stays := e.once != nil
		if !stays {
			if strings.HasPrefix(e.name, networksKey) {
				stays = keepNetworks
			} else {
				p, err := ParsePseudonym(e.name)
				if err != nil {
					return err
				}
				stays = keep(p)
			}
		}
		if stays {
			out = append(out, line...)
		} else {
			erased++
		}
		return nil
	})
	return out, erased, err
}
