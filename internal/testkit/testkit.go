// Package testkit gives tests what they run on: a fresh, migrated database on
// SQLite and on PostgreSQL, a ledger with a key, a ring of keys and a folder of
// blobs, and a clock that only the test moves. It knows no noun; invented
// organisations are in testkit/country.
package testkit

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
)

// Start is the instant at which a test's clock stands.
var Start = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// All reports whether what is missing has to fail a test instead of skipping
// it, as in CI (NOROSHI_TEST_ALL=1).
func All() bool { return os.Getenv("NOROSHI_TEST_ALL") == "1" }

// Skip skips the test with a reason, or fails it when everything has to run.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if All() {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// Base are the tables of base packages that services need.
func Base() []db.Source {
	return []db.Source{
		{Noun: "bus", FS: bus.Migrations}, {Noun: "ledger", FS: ledger.Migrations}, {Noun: "key", FS: key.Migrations},
		{Noun: "blob", FS: blob.Migrations}, {Noun: "thread", FS: thread.Migrations},
	}
}

// DB returns a fresh SQLite database with the tables of the sources, gone
// when the test ends.
func DB(t testing.TB, sources ...db.Source) *db.DB {
	t.Helper()
	return open(t, filepath.Join(t.TempDir(), "test.db"), sources)
}

// Postgres returns the same on PostgreSQL: a schema of its own in the database
// that NOROSHI_TEST_DB names. Without that variable the test is skipped.
func Postgres(t testing.TB, sources ...db.Source) *db.DB {
	t.Helper()
	source := os.Getenv("NOROSHI_TEST_DB")
	if source == "" {
		Skip(t, "NOROSHI_TEST_DB names no PostgreSQL")
	}
	u, err := url.Parse(source)
	if err != nil {
		t.Fatalf("NOROSHI_TEST_DB: %v", err)
	}
	schema := "test_" + strings.ToLower(rand.Text()[:20])
	admin := func(sql string) {
		d, err := db.Open(context.Background(), source)
		if err != nil {
			t.Fatalf("NOROSHI_TEST_DB: %v", err)
		}
		defer d.Close()
		err = d.Write(context.Background(), func(tx *db.Tx) error {
			_, err := tx.Exec(context.Background(), sql)
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	admin("CREATE SCHEMA " + schema)
	t.Cleanup(func() { admin("DROP SCHEMA " + schema + " CASCADE") }) // after open's Cleanup closed the pool
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return open(t, u.String(), sources)
}

// Each runs a test on both databases.
func Each(t *testing.T, sources []db.Source, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, DB(t, sources...)) })
	t.Run("postgres", func(t *testing.T) { fn(t, Postgres(t, sources...)) })
}

func open(t testing.TB, source string, sources []db.Source) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.Migrate(context.Background(), sources...); err != nil {
		t.Fatal(err)
	}
	return d
}

// Clock stands still until it is moved.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// NewClock returns a clock at Start.
func NewClock() *Clock { return &Clock{at: Start} }

// Now returns where the clock stands.
func (c *Clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

// Pass moves the clock forward.
func (c *Clock) Pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }

// Key makes a key that signs notes, and what verifies it, as text too.
func Key(t testing.TB, name string) (note.Signer, note.Verifier, string) {
	t.Helper()
	secret, public, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		t.Fatal(err)
	}
	s, err := note.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return s, v, public
}

// Parts are what a service of a noun is made from.
type Parts struct {
	DB      *db.DB
	Ledger  *ledger.Ledger
	VKey    string // verifies the ledger
	Ring    *key.Ring
	Keys    *key.Store
	Blobs   *blob.Store // at most MaxBlob bytes each
	Threads *thread.Store
	Clock   *Clock
}

// MaxBlob bounds an attachment in tests, in bytes.
const MaxBlob = 1 << 20

// NewParts returns the parts on a database, with folders that go when the test
// ends. Nothing runs in the background; Ledger.Settle numbers what is written.
func NewParts(t testing.TB, d *db.DB) *Parts {
	t.Helper()
	p := &Parts{DB: d, Clock: NewClock()}
	signer, verifier, public := Key(t, "ledger.test.example")
	p.VKey = public
	p.Ledger = ledger.New(ledger.Config{DB: d, Dir: filepath.Join(t.TempDir(), "ledger"), Signer: signer, Verifier: verifier, VKey: public, Now: p.Clock.Now})
	var err error
	if p.Ring, err = key.OpenRing(filepath.Join(t.TempDir(), "keys")); err != nil {
		t.Fatal(err)
	}
	p.Keys = key.NewStore(p.Ring)
	p.Threads = thread.New(p.Keys)
	if p.Blobs, err = blob.Open(filepath.Join(t.TempDir(), "blobs"), p.Ring, MaxBlob); err != nil {
		t.Fatal(err)
	}
	return p
}

// Entries counts the ledger's entries of a verb with an outcome.
func (p *Parts) Entries(t testing.TB, verb, outcome string) (n int) {
	t.Helper()
	err := p.DB.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(context.Background(), "SELECT count(*) FROM ledger_entry WHERE verb = $1 AND leaf LIKE $2", verb, `%"outcome":"`+outcome+`"%`).Scan(&n)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Count returns the number a query counts. The query is a constant of a test.
func Count(t testing.TB, d *db.DB, query string, args ...any) (n int) {
	t.Helper()
	err := d.Read(context.Background(), func(tx *db.Tx) error {
		return tx.QueryRow(context.Background(), query, args...).Scan(&n)
	})
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}
