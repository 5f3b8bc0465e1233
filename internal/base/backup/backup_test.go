package backup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

type hub struct {
	Hub
	dir    string
	ledger *ledger.Ledger
	blobs  *blob.Store
}

// start opens a hub in a folder; source is its database, "" for SQLite there.
func start(t *testing.T, dir string) *hub {
	t.Helper()
	d, err := db.Open(t.Context(), filepath.Join(dir, "hub.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "ledger", FS: ledger.Migrations}, db.Source{Noun: "key", FS: key.Migrations}, db.Source{Noun: "blob", FS: blob.Migrations}); err != nil {
		t.Fatal(err)
	}
	return &hub{Hub: Hub{DB: d, Blobs: filepath.Join(dir, "blobs"), Keys: filepath.Join(dir, "keys")}, dir: dir}
}

// run opens keys, attachments and ledger, as serving does.
func (h *hub) run(t *testing.T) *hub {
	t.Helper()
	ring, err := key.OpenRing(h.Keys)
	if err != nil {
		t.Fatal(err)
	}
	s, v, vkey, err := ledger.OpenSigner(filepath.Join(h.Keys, "ledger.key"), "example/ledger")
	if err != nil {
		t.Fatal(err)
	}
	if h.blobs, err = blob.Open(h.Blobs, ring, 1<<20); err != nil {
		t.Fatal(err)
	}
	h.ledger = ledger.New(ledger.Config{DB: h.DB, Dir: filepath.Join(h.dir, "ledger"), Signer: s, Verifier: v, VKey: vkey, Log: slog.New(slog.DiscardHandler)})
	return h
}

func TestEverythingComesBack(t *testing.T) {
	ctx := t.Context()
	h := start(t, t.TempDir()).run(t)
	m, err := h.blobs.Stage(strings.NewReader("evidence"), "a.txt")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 300 {
		if _, err := h.ledger.Do(ctx, &ledger.Act{Verb: "probe.put", Secret: i}, func(tx *db.Tx) error {
			if i > 0 {
				return nil
			}
			_, err := h.blobs.Add(ctx, tx, m, "org", "probe/1")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.ledger.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	made, err := Write(ctx, &out, h.Hub, time.Now(), id.Recipient())
	if err != nil || made.Rows["ledger_entry"] != 300 {
		t.Fatalf("%+v %v", made, err)
	}

	back := start(t, t.TempDir())
	sum, manifest, err := Restore(ctx, bytes.NewReader(out.Bytes()), back.Hub, id)
	if err != nil || !manifest.Keys || fmt.Sprint(sum) != fmt.Sprint(made) {
		t.Fatalf("%+v %v", sum, err)
	}
	back.run(t)
	if err := back.ledger.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"ledger/checkpoint", "ledger/tile/0/001.p/44"} {
		want, err1 := os.ReadFile(filepath.Join(h.dir, name))
		got, err2 := os.ReadFile(filepath.Join(back.dir, name))
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%s differs: %v %v", name, err1, err2)
		}
	}
	var found blob.Meta
	if err := back.DB.Read(ctx, func(tx *db.Tx) (err error) { found, err = back.blobs.Get(ctx, tx, m.ID); return err }); err != nil {
		t.Fatal(err)
	}
	r, err := back.blobs.Open(found)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if raw, err := io.ReadAll(r); err != nil || string(raw) != "evidence" {
		t.Errorf("%q %v", raw, err)
	}
	if _, _, err := Restore(ctx, bytes.NewReader(out.Bytes()), back.Hub, id); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("over a hub in use: %v", err)
	}
}

func TestDamageAndWrongKeysAreSaid(t *testing.T) {
	ctx := t.Context()
	h := start(t, t.TempDir()).run(t)
	if _, err := h.ledger.Do(ctx, &ledger.Act{Verb: "probe.put"}, func(*db.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	mine, _ := age.GenerateX25519Identity()
	other, _ := age.GenerateX25519Identity()
	var sealed, plain bytes.Buffer
	if _, err := Write(ctx, &sealed, h.Hub, time.Now(), mine.Recipient()); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(ctx, &plain, h.Hub, time.Now()); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed.Bytes(), []byte("manifest")) {
		t.Error("content in clear")
	}
	flipped := bytes.Clone(sealed.Bytes())
	flipped[len(flipped)/2] ^= 1
	for _, c := range []struct {
		name string
		raw  []byte
		id   []age.Identity
		want error
	}{
		{"no key", sealed.Bytes(), nil, ErrLocked},
		{"another key", sealed.Bytes(), []age.Identity{other}, ErrLocked},
		{"cut", sealed.Bytes()[:sealed.Len()-100], []age.Identity{mine}, ErrDamaged},
		{"flipped", flipped, []age.Identity{mine}, ErrDamaged},
		{"empty", nil, nil, ErrNoBackup},
		{"another file", []byte("this is not a backup at all, but a text"), nil, ErrNoBackup},
		{"plain and cut", plain.Bytes()[:plain.Len()-20], nil, ErrDamaged},
	} {
		into := start(t, t.TempDir())
		if _, _, err := Restore(ctx, bytes.NewReader(c.raw), into.Hub, c.id...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	into := start(t, t.TempDir())
	if _, _, err := Restore(ctx, &plain, into.Hub); err != nil {
		t.Errorf("a plain one: %v", err)
	}
}

func TestWordsAgree(t *testing.T) {
	if _, err := text.Load(Words); err != nil {
		t.Error(err)
	}
}

// TestALargeRowComesBack backs up a row as large as a list of equipment in
// preview may be: what was written has to be readable.
func TestALargeRowComesBack(t *testing.T) {
	ctx := t.Context()
	h := start(t, t.TempDir())
	if err := h.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO key_data (owner, wrapped, created_at) VALUES ('org', $1, 1)", make([]byte, 66_000_000))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if _, err := Write(ctx, &buf, h.Hub, time.Now()); err != nil {
		t.Fatal(err)
	}
	sum, _, err := Restore(ctx, &buf, start(t, t.TempDir()).Hub)
	if err != nil || sum.Rows["key_data"] != 1 {
		t.Errorf("%v %v", sum, err)
	}
}
