package key

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/base/db"
)

func TestSealBindsContentToItsPlace(t *testing.T) {
	k := New()
	sealed := Seal(k, []byte("FG-100F 7.4.1"), "asset/1")
	if plain, err := Open(k, sealed, "asset/1"); err != nil || string(plain) != "FG-100F 7.4.1" {
		t.Fatalf("%q %v", plain, err)
	}
	for name, try := range map[string]func() ([]byte, error){
		"moved to another row": func() ([]byte, error) { return Open(k, sealed, "asset/2") },
		"another key":          func() ([]byte, error) { return Open(New(), sealed, "asset/1") },
		"cut":                  func() ([]byte, error) { return Open(k, sealed[:10], "asset/1") },
		"changed": func() ([]byte, error) {
			c := bytes.Clone(sealed)
			c[len(c)-1] ^= 1
			return Open(k, c, "asset/1")
		},
	} {
		if _, err := try(); err != ErrSealed {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAValueSealedAsJSONOpensInItsPlaceAlone(t *testing.T) {
	c := newCipher(New())
	sealed, err := c.SealJSON(map[string]int{"ports": 2}, "asset/1")
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	if err := c.OpenJSON(sealed, "asset/1", &got); err != nil || got["ports"] != 2 {
		t.Errorf("%v %v", got, err)
	}
	if err := c.OpenJSON(sealed, "asset/2", &got); !errors.Is(err, ErrSealed) || !strings.Contains(err.Error(), "asset/2") {
		t.Errorf("moved: %v", err)
	}
	if _, err := c.SealJSON(func() {}, "asset/1"); err == nil {
		t.Error("what JSON cannot hold was sealed")
	}
}

func TestRotationKeepsWhatWasSealed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "keys")
	ring, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "key", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	with := func(s *Store, fn func(c *Cipher)) {
		t.Helper()
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			c, err := s.Make(t.Context(), tx, "org-a")
			if err == nil {
				fn(c)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var sealed []byte
	var tag string
	with(NewStore(ring), func(c *Cipher) { sealed, tag = c.Seal([]byte("x"), "w"), c.Tag("zone", "dmz") })
	if err := ring.Rotate(); err != nil {
		t.Fatal(err)
	}
	if n, err := NewStore(ring).Rewrap(t.Context(), d); err != nil || n != 1 {
		t.Fatalf("rewrap: %d %v", n, err)
	}
	if n, err := NewStore(ring).Rewrap(t.Context(), d); err != nil || n != 0 {
		t.Fatalf("again: %d %v", n, err)
	}
	// The old wrapping key is not needed any more.
	if err := os.Remove(filepath.Join(dir, "kek-0001.key")); err != nil {
		t.Fatal(err)
	}
	again, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	with(NewStore(again), func(c *Cipher) {
		if plain, err := c.Open(sealed, "w"); err != nil || string(plain) != "x" || c.Tag("zone", "dmz") != tag {
			t.Errorf("%q %v", plain, err)
		}
	})
	if info, err := os.Stat(filepath.Join(dir, "kek-0002.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestADestroyedKeyOpensNothing(t *testing.T) {
	ring, err := OpenRing(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "key", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	s := NewStore(ring)
	err = d.Write(t.Context(), func(tx *db.Tx) error {
		c, err := s.Make(t.Context(), tx, "o")
		if err != nil {
			return err
		}
		sealed := c.Seal([]byte("x"), "w")
		if err := s.Destroy(t.Context(), tx, "o"); err != nil {
			return err
		}
		c2, err := s.Make(t.Context(), tx, "o")
		if err != nil {
			return err
		}
		if _, err := c2.Open(sealed, "w"); err != ErrSealed {
			t.Errorf("still opens: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestABrokenKeyFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "kek-0001.key"), []byte("zz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRing(dir); err == nil {
		t.Error("accepted")
	}
}

// TestARotationReachesARunningHub rotates in another process, as admin
// rotate-keys does beside a hub that serves.
func TestARotationReachesARunningHub(t *testing.T) {
	dir := t.TempDir()
	serving, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := serving.Wrap(New(), "org-a")
	admin, err := OpenRing(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.Rotate(); err != nil {
		t.Fatal(err)
	}
	wrapped, changed, err := admin.Rewrap(wrapped, "org-a")
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	if _, err := serving.Unwrap(wrapped, "org-a"); err != nil {
		t.Errorf("the serving hub cannot open what was wrapped again: %v", err)
	}
	if _, changed, err := admin.Rewrap(serving.Wrap(New(), "org-b"), "org-b"); err != nil || changed {
		t.Errorf("the serving hub still wraps under the old key: %v %v", changed, err)
	}
	if _, err := serving.Unwrap(append([]byte("no such key"), wrapped...), "org-a"); err != ErrSealed {
		t.Errorf("an unknown key: %v", err)
	}
}

// TestAKeyFileIsWholeOrNotThere leaves what a crash in the middle of writing
// leaves, and writes again.
func TestAKeyFileIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "kek-0001.key")
	if err := WriteFile(name, []byte("whole")); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(name, []byte("other")); !os.IsExist(err) {
		t.Errorf("overwritten: %v", err)
	}
	files, err := os.ReadDir(dir)
	if raw, rerr := os.ReadFile(name); err != nil || rerr != nil || string(raw) != "whole" || len(files) != 1 {
		t.Errorf("%q, %d files, %v %v", raw, len(files), err, rerr)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}
