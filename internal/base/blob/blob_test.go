package blob

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/key"
	"noroshi/internal/base/text"
)

func content(n int) []byte {
	rng := rand.NewChaCha8([32]byte{byte(n)})
	b := make([]byte, n)
	_, _ = rng.Read(b)
	return b
}

func TestStreamSizes(t *testing.T) {
	k := key.New()
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 3*chunkSize + 7} {
		want := content(n)
		var sealed bytes.Buffer
		if err := encrypt(&sealed, bytes.NewReader(want), k); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(decrypt(bytes.NewReader(sealed.Bytes()), k))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: %d came back, %v", n, len(got), err)
		}
	}
}

func TestStreamDamage(t *testing.T) {
	k := key.New()
	var buf bytes.Buffer
	if err := encrypt(&buf, bytes.NewReader(content(3*chunkSize)), k); err != nil {
		t.Fatal(err)
	}
	sealed, size := buf.Bytes(), chunkSize+16
	swapped := append(append(append([]byte{}, sealed[size:2*size]...), sealed[:size]...), sealed[2*size:]...)
	flipped := bytes.Clone(sealed)
	flipped[size+5] ^= 1
	for name, bad := range map[string][]byte{
		"cut after a chunk": sealed[:2*size], "cut within": sealed[:size+9], "empty": {}, "flipped": flipped,
		"chunks swapped": swapped, "appended": append(bytes.Clone(sealed), 0), "repeated": append(bytes.Clone(sealed), sealed[2*size:]...),
	} {
		if _, err := io.ReadAll(decrypt(bytes.NewReader(bad), k)); !errors.Is(err, key.ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStore(t *testing.T) {
	dir := t.TempDir()
	ring, err := key.OpenRing(filepath.Join(dir, "keys"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(dir, "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "blob", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	s, err := Open(filepath.Join(dir, "blobs"), ring, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte("%PDF-1.7\n"), content(90_000)...)
	m, err := s.Stage(bytes.NewReader(want), `..\..\秘密\報告.pdf`)
	if err != nil || m.Name != "報告.pdf" || m.Media != "application/pdf" || m.Size != int64(len(want)) {
		t.Fatalf("%+v %v", m, err)
	}
	if err := d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := s.Add(t.Context(), tx, m, "org-a", "incident/1")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stage(bytes.NewReader(content(100_001)), "big"); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("over the limit: %v", err)
	}
	orphan, err := s.Stage(strings.NewReader("x"), "never added")
	if err != nil {
		t.Fatal(err)
	}
	if err := ring.Rotate(); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Rewrap(t.Context(), d); err != nil || n != 1 {
		t.Fatalf("rewrap: %d %v", n, err)
	}
	if n, err := s.Sweep(t.Context(), d, time.Now().Add(2*stale)); err != nil || n != 1 {
		t.Errorf("sweep: %d %v", n, err)
	}
	if _, err := os.Stat(s.path(orphan.ID)); !os.IsNotExist(err) {
		t.Errorf("the orphan is still there: %v", err)
	}
	var of []Meta
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { of, err = s.Of(t.Context(), tx, "incident/1"); return err }); err != nil || len(of) != 1 {
		t.Fatalf("%v %v", of, err)
	}
	r, err := s.Open(of[0])
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	raw, err := os.ReadFile(s.path(m.ID))
	if err != nil || bytes.Contains(raw, []byte("%PDF")) {
		t.Errorf("content in clear on the disk: %v", err)
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{"": "file", "a/b.txt": "b.txt", "x\x00\u202Efdp.exe": "xfdp.exe", "..": "..", strings.Repeat("あ", 100): strings.Repeat("あ", 66)} {
		if got := cleanName(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestWordsAgree(t *testing.T) {
	if _, err := text.Load(Words); err != nil {
		t.Error(err)
	}
}
