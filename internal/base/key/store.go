package key

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"noroshi/internal/base/db"
)

// Migrations are the tables of this package.
//
//go:embed migrations
var Migrations embed.FS

// maxCached bounds how many data keys are kept unwrapped in memory.
const maxCached = 4096

// Store keeps one data key per owner, such as an organisation.
type Store struct {
	ring *Ring

	mu    sync.Mutex
	cache map[string]*Cipher // by owner and wrapped key
}

// NewStore returns a store of data keys wrapped by ring.
func NewStore(ring *Ring) *Store { return &Store{ring: ring, cache: map[string]*Cipher{}} }

// Cipher seals and opens what belongs to one owner.
type Cipher struct{ key, tagKey []byte }

// For returns the owner's cipher, or db.ErrNoRows when they have none. The
// row is read each time, so that a key whose transaction was undone, or that
// was destroyed, is never used; only the unwrapping is saved.
func (s *Store) For(ctx context.Context, tx *db.Tx, owner string) (*Cipher, error) {
	var wrapped []byte
	if err := tx.QueryRow(ctx, "SELECT wrapped FROM key_data WHERE owner = $1", owner).Scan(&wrapped); err != nil {
		return nil, err
	}
	at := owner + "\x00" + string(wrapped)
	s.mu.Lock()
	c, ok := s.cache[at]
	s.mu.Unlock()
	if ok {
		return c, nil
	}
	k, err := s.ring.Unwrap(wrapped, owner)
	if err != nil {
		return nil, fmt.Errorf("data key of %s: %w", owner, err)
	}
	c = newCipher(k)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.cache) >= maxCached {
		clear(s.cache)
	}
	s.cache[at] = c
	return c, nil
}

// Make returns the owner's cipher and makes their key when they have none.
func (s *Store) Make(ctx context.Context, tx *db.Tx, owner string) (*Cipher, error) {
	c, err := s.For(ctx, tx, owner)
	if err != db.ErrNoRows {
		return c, err
	}
	k := New()
	n, err := tx.Exec(ctx, "INSERT INTO key_data (owner, wrapped, created_at) VALUES ($1, $2, $3) ON CONFLICT (owner) DO NOTHING",
		owner, s.ring.Wrap(k, owner), time.Now().UnixMicro())
	if err != nil {
		return nil, err
	}
	if n == 0 { // another node was first
		return s.For(ctx, tx, owner)
	}
	return newCipher(k), nil
}

// SealJSON seals a value under the owner's key, which is made when they have none.
func (s *Store) SealJSON(ctx context.Context, tx *db.Tx, owner string, v any, what string) ([]byte, error) {
	c, err := s.Make(ctx, tx, owner)
	if err != nil {
		return nil, err
	}
	return c.SealJSON(v, what)
}

// OpenJSON opens what SealJSON sealed; db.ErrNoRows when the owner has no key.
func (s *Store) OpenJSON(ctx context.Context, tx *db.Tx, owner string, sealed []byte, what string, v any) error {
	c, err := s.For(ctx, tx, owner)
	if err != nil {
		return fmt.Errorf("open %s: %w", what, err)
	}
	return c.OpenJSON(sealed, what, v)
}

// Destroy erases the owner's key, and with it everything sealed under it.
func (s *Store) Destroy(ctx context.Context, tx *db.Tx, owner string) error {
	_, err := tx.Exec(ctx, "DELETE FROM key_data WHERE owner = $1", owner)
	s.mu.Lock()
	clear(s.cache)
	s.mu.Unlock()
	return err
}

// Rewrap wraps every data key under the ring's last key, after a rotation,
// and returns how many it changed.
func (s *Store) Rewrap(ctx context.Context, d *db.DB) (changed int, err error) {
	err = d.Write(ctx, func(tx *db.Tx) error {
		changed, err = RewrapTable(ctx, tx, s.ring, "key_data", "owner")
		return err
	})
	return changed, err
}

// RewrapTable does the same for another table with a column wrapped, whose
// id column is what its keys are bound to. Both names are constants of code.
func RewrapTable(ctx context.Context, tx *db.Tx, ring *Ring, table, id string) (changed int, err error) {
	const page = 1000
	after := ""
	for {
		rows, err := tx.Query(ctx, "SELECT "+id+", wrapped FROM "+table+" WHERE "+id+" > $1 ORDER BY "+id+" LIMIT $2", after, page)
		if err != nil {
			return changed, err
		}
		type row struct {
			owner   string
			wrapped []byte
		}
		var batch []row
		for rows.Next() {
			var r row
			if err := rows.Scan(&r.owner, &r.wrapped); err != nil {
				rows.Close()
				return changed, err
			}
			batch = append(batch, r)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return changed, err
		}
		for _, r := range batch {
			wrapped, did, err := ring.Rewrap(r.wrapped, r.owner)
			if err != nil {
				return changed, fmt.Errorf("%s %s: %w", table, r.owner, err)
			}
			if !did {
				continue
			}
			if _, err := tx.Exec(ctx, "UPDATE "+table+" SET wrapped = $2 WHERE "+id+" = $1", r.owner, wrapped); err != nil {
				return changed, err
			}
			changed++
		}
		if len(batch) < page {
			return changed, nil
		}
		after = batch[len(batch)-1].owner
	}
}

func newCipher(k []byte) *Cipher {
	m := hmac.New(sha256.New, k)
	m.Write([]byte("noroshi tag key"))
	return &Cipher{key: k, tagKey: m.Sum(nil)}
}

// Seal encrypts plain, bound to what it is.
func (c *Cipher) Seal(plain []byte, what string) []byte { return Seal(c.key, plain, what) }

// Open decrypts what Seal returned, or returns ErrSealed.
func (c *Cipher) Open(sealed []byte, what string) ([]byte, error) { return Open(c.key, sealed, what) }

// SealJSON encrypts a value as JSON, bound to what it is.
func (c *Cipher) SealJSON(v any, what string) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", what, err)
	}
	return c.Seal(raw, what), nil
}

// OpenJSON decrypts what SealJSON returned into v, or returns ErrSealed.
func (c *Cipher) OpenJSON(sealed []byte, what string, v any) error {
	raw, err := c.Open(sealed, what)
	if err == nil {
		err = json.Unmarshal(raw, v)
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", what, err)
	}
	return nil
}

// Tag returns a keyed digest by which rows with the same value can be found
// without the value being stored. It shows which rows of this owner are
// alike, so it is for filters, not for secrets of which there are few.
func (c *Cipher) Tag(what, value string) string {
	m := hmac.New(sha256.New, c.tagKey)
	fmt.Fprintf(m, "%d:%s%s", len(what), what, value)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:15])
}
