// Package key holds keys. Wrapping keys live in files outside the database;
// data keys live in the database, wrapped. Rotation makes a new wrapping key
// and wraps the data keys again; what they encrypted stays as it is.
//
// Everything is XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), whose 24-byte
// nonces may be random, with the owner or the purpose as associated data, so
// that a value moved to another row does not open.
package key

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"
)

// Size is the length of every key in bytes.
const Size = chacha20poly1305.KeySize

// ErrSealed is returned when something sealed does not open: it was changed,
// moved, or sealed with a key that is not here.
var ErrSealed = errors.New("sealed data does not open with the keys at hand")

// New returns a random key.
func New() []byte {
	k := make([]byte, Size)
	_, _ = rand.Read(k) // never fails (crypto/rand)
	return k
}

// Seal encrypts plain under k, bound to what it is (associated data).
func Seal(k, plain []byte, what string) []byte {
	aead := newAEAD(k)
	out := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(out)
	return aead.Seal(out, out, plain, []byte(what))
}

// Open decrypts what Seal returned, or returns ErrSealed.
func Open(k, sealed []byte, what string) ([]byte, error) {
	aead := newAEAD(k)
	if len(sealed) < aead.NonceSize() {
		return nil, ErrSealed
	}
	plain, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], []byte(what))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func newAEAD(k []byte) cipher.AEAD {
	aead, err := chacha20poly1305.NewX(k)
	if err != nil {
		panic("BUG: key: " + err.Error())
	}
	return aead
}

// Ring is the set of wrapping keys in a folder: files kek-NNNN.key, of which
// the last wraps and all unwrap.
type Ring struct {
	dir string

	mu   sync.RWMutex
	keys map[[idSize]byte][]byte
	last [idSize]byte
	n    int // number of the last file
}

const idSize = 8

// OpenRing reads the folder's keys, and makes the folder and a first key when
// there is none.
func OpenRing(dir string) (*Ring, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open keys: %w", err)
	}
	r := &Ring{dir: dir, keys: map[[idSize]byte][]byte{}}
	if err := r.load(); err != nil {
		return nil, err
	}
	if r.n == 0 {
		return r, r.Rotate()
	}
	return r, nil
}

// load reads the keys that came after the last one known.
func (r *Ring) load() error {
	names, err := filepath.Glob(filepath.Join(r.dir, "kek-*.key"))
	if err != nil {
		return fmt.Errorf("open keys: %w", err)
	}
	slices.Sort(names)
	for _, name := range names {
		var n int
		if _, err := fmt.Sscanf(filepath.Base(name), "kek-%d.key", &n); err != nil || n < 1 {
			return fmt.Errorf("open keys: %s: not named kek-NNNN.key", name)
		}
		if n <= r.n {
			continue
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return fmt.Errorf("open keys: %w", err)
		}
		k, err := hex.DecodeString(strings.TrimSpace(string(raw)))
		if err != nil || len(k) != Size {
			return fmt.Errorf("open keys: %s: not %d bytes in hexadecimal", name, Size)
		}
		r.add(k)
		r.n = n
	}
	return nil
}

func (r *Ring) add(k []byte) {
	sum := sha256.Sum256(append([]byte("noroshi kek id\x00"), k...))
	id := [idSize]byte(sum[:idSize])
	r.keys[id], r.last = k, id
}

// Rotate adds a new wrapping key, on disk before it is used.
func (r *Ring) Rotate() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := New()
	name := filepath.Join(r.dir, fmt.Sprintf("kek-%04d.key", r.n+1))
	if err := WriteFile(name, []byte(hex.EncodeToString(k)+"\n")); err != nil {
		return fmt.Errorf("rotate keys: %w", err)
	}
	r.n++
	r.add(k)
	return nil
}

// Wrap encrypts a data key for its owner under the last wrapping key.
func (r *Ring) Wrap(data []byte, owner string) []byte {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return append(bytes.Clone(r.last[:]), Seal(r.keys[r.last], data, owner)...)
}

// Unwrap decrypts a data key of its owner.
func (r *Ring) Unwrap(wrapped []byte, owner string) ([]byte, error) {
	if len(wrapped) < idSize {
		return nil, ErrSealed
	}
	r.mu.RLock()
	k, ok := r.keys[[idSize]byte(wrapped[:idSize])]
	r.mu.RUnlock()
	if !ok { // another process rotated: its key is in the folder
		r.mu.Lock()
		err := r.load()
		k, ok = r.keys[[idSize]byte(wrapped[:idSize])]
		r.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
	if !ok {
		return nil, ErrSealed
	}
	return Open(k, wrapped[idSize:], owner)
}

// Rewrap wraps a data key under the last wrapping key, and reports false when
// it already is.
func (r *Ring) Rewrap(wrapped []byte, owner string) ([]byte, bool, error) {
	r.mu.RLock()
	current := len(wrapped) >= idSize && [idSize]byte(wrapped[:idSize]) == r.last
	r.mu.RUnlock()
	if current {
		return wrapped, false, nil
	}
	data, err := r.Unwrap(wrapped, owner)
	if err != nil {
		return nil, false, err
	}
	return r.Wrap(data, owner), true, nil
}

// WriteFile writes a new file only its owner can read, and the folder's entry
// of it, to the disk. It refuses to overwrite, and a crash leaves the whole
// file or none: half a key would keep the hub from starting.
func WriteFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Link(f.Name(), name); os.IsExist(err) { // unlike a rename, never over another
		return err
	} else if err != nil { // a file system without links
		if _, err := os.Lstat(name); err == nil {
			return fmt.Errorf("%s: %w", name, os.ErrExist)
		}
		if err := os.Rename(f.Name(), name); err != nil {
			return err
		}
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
