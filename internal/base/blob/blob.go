// Package blob keeps attachments and evidence: each file encrypted under a key
// of its own that is wrapped to a key outside the database, hashed, and
// limited in size. A file is first staged, encrypted on the disk, and exists
// once its row commits; what was staged and never added is swept away.
//
// Table: blob_file. Files: one per blob in the folder, named by id.
package blob

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http" // DetectContentType only
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
)

// Migrations and Words are this package's table and sentences.
var (
	//go:embed migrations
	Migrations embed.FS
	//go:embed text
	Words embed.FS
)

// Faults of attachments.
var (
	ErrTooLarge = fault.New(fault.TooLarge, "blob.too_large")
	ErrNone     = fault.New(fault.NotFound, "blob.none")
)

// maxName bounds a file name in bytes; stale is how long something staged may
// wait to be added.
const (
	maxName = 200
	stale   = 24 * time.Hour
)

// Meta is what is known of a blob without opening it.
type Meta struct {
	ID      string    `json:"id"`
	Owner   string    `json:"-"`      // organisation
	Object  string    `json:"object"` // noun/id that it belongs to
	Name    string    `json:"name"`   // without folders and control characters
	Media   string    `json:"media"`  // found from the content, never believed from the sender
	Size    int64     `json:"size"`   // bytes
	SHA256  string    `json:"sha256"` // hexadecimal, of the content
	AddedAt time.Time `json:"added_at"`

	wrapped []byte
}

// Store is a folder of blobs.
type Store struct {
	dir   string
	ring  *key.Ring
	limit int64
}

// Open opens the folder; no blob may be larger than limit bytes.
func Open(dir string, ring *key.Ring, limit int64) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blobs: %w", err)
	}
	return &Store{dir, ring, limit}, nil
}

func (s *Store) path(id string) string { return filepath.Join(s.dir, id[len(id)-2:], id) }

// Stage encrypts r to the disk. Nothing refers to it before Add.
func (s *Store) Stage(r io.Reader, name string) (Meta, error) {
	k := key.New()
	m := Meta{ID: uuid.Must(uuid.NewV7()).String(), Name: cleanName(name)}
	m.wrapped = s.ring.Wrap(k, m.ID)
	file := s.path(m.ID)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return Meta{}, fmt.Errorf("stage %s: %w", m.Name, err)
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return Meta{}, fmt.Errorf("stage %s: %w", m.Name, err)
	}
	defer f.Close()
	seen := &measure{in: io.LimitReader(r, s.limit+1), hash: sha256.New()}
	err = encrypt(f, seen, k)
	if err == nil && seen.size > s.limit {
		err = fault.New(fault.TooLarge, ErrTooLarge.Code, "name", m.Name, "mb", s.limit/1_000_000)
	}
	if err == nil {
		err = f.Sync()
	}
	if err == nil { // its name too: what is added later must be there after a crash
		err = errors.Join(syncDir(filepath.Dir(file)), syncDir(s.dir))
	}
	if err != nil {
		os.Remove(file)
		return Meta{}, err
	}
	m.Size, m.SHA256 = seen.size, hex.EncodeToString(seen.hash.Sum(nil))
	m.Media, _, _ = mime.ParseMediaType(http.DetectContentType(seen.head))
	return m, nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// Add makes a staged blob part of an object.
func (s *Store) Add(ctx context.Context, tx *db.Tx, m Meta, owner, object string) (Meta, error) {
	m.Owner, m.Object, m.AddedAt = owner, object, time.Now().UTC().Truncate(time.Microsecond)
	_, err := tx.Exec(ctx, "INSERT INTO blob_file (id, owner, object, name, media, size, sha256, wrapped, added_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		m.ID, m.Owner, m.Object, m.Name, m.Media, m.Size, m.SHA256, m.wrapped, db.Micros(m.AddedAt))
	if err != nil {
		return Meta{}, fmt.Errorf("add blob: %w", err)
	}
	return m, nil
}

const columns = "id, owner, object, name, media, size, sha256, wrapped, added_at"

func scan(row interface{ Scan(...any) error }) (m Meta, err error) {
	var at int64
	err = row.Scan(&m.ID, &m.Owner, &m.Object, &m.Name, &m.Media, &m.Size, &m.SHA256, &m.wrapped, &at)
	m.AddedAt = db.Time(at)
	return m, err
}

// Get returns what is known of a blob; whether it may be known the caller
// decides by its object.
func (s *Store) Get(ctx context.Context, tx *db.Tx, id string) (Meta, error) {
	m, err := scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM blob_file WHERE id = $1", id))
	if err == db.ErrNoRows {
		return Meta{}, ErrNone
	}
	return m, err
}

// Of lists the blobs of an object, the oldest first, 500 at most.
func (s *Store) Of(ctx context.Context, tx *db.Tx, object string) ([]Meta, error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM blob_file WHERE object = $1 ORDER BY id LIMIT $2", object, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Meta
	for rows.Next() {
		m, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// Open reads a blob's content.
func (s *Store) Open(m Meta) (io.ReadCloser, error) {
	k, err := s.ring.Unwrap(m.wrapped, m.ID)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", m.ID, err)
	}
	f, err := os.Open(s.path(m.ID))
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", m.ID, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{decrypt(f, k), f}, nil
}

// Remove takes a blob out of its object; the file goes with the next sweep,
// and its key is gone at once.
func (s *Store) Remove(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, "DELETE FROM blob_file WHERE id = $1", id)
	return err
}

// Rewrap wraps every blob's key under the ring's last key.
func (s *Store) Rewrap(ctx context.Context, d *db.DB) (changed int, err error) {
	err = d.Write(ctx, func(tx *db.Tx) error {
		changed, err = key.RewrapTable(ctx, tx, s.ring, "blob_file", "id")
		return err
	})
	return changed, err
}

// Sweep deletes files that no row refers to and that were staged more than a
// day before now, and returns how many.
func (s *Store) Sweep(ctx context.Context, d *db.DB, now time.Time) (swept int, err error) {
	err = filepath.WalkDir(s.dir, func(file string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || ctx.Err() != nil {
			return err
		}
		info, err := e.Info()
		if err != nil || now.Sub(info.ModTime()) < stale {
			return err
		}
		err = d.Read(ctx, func(tx *db.Tx) error {
			_, err := s.Get(ctx, tx, e.Name())
			return err
		})
		if errors.Is(err, ErrNone) {
			swept++
			return os.Remove(file)
		}
		return err
	})
	return swept, err
}

// measure hashes and counts what passes, and keeps its first 512 bytes.
type measure struct {
	in   io.Reader
	hash interface {
		io.Writer
		Sum([]byte) []byte
	}
	size int64
	head []byte
}

func (m *measure) Read(p []byte) (int, error) {
	n, err := m.in.Read(p)
	m.hash.Write(p[:n])
	m.size += int64(n)
	if room := 512 - len(m.head); room > 0 {
		m.head = append(m.head, p[:min(n, room)]...)
	}
	return n, err
}

// cleanName keeps the last element of a file name, without control characters
// and not longer than maxName bytes.
func cleanName(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	for len(name) > maxName {
		r := []rune(name)
		name = string(r[:len(r)-1])
	}
	if name == "" || name == "." || name == "/" {
		return "file"
	}
	return name
}
