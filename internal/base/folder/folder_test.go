package folder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestWhatIsWrittenIsThere(t *testing.T) {
	w := Writer{Dir: filepath.Join(t.TempDir(), "a"), Mode: 0o640}
	if err := w.Write("tile/0/001.p/3", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		if err := w.Replace("checkpoint", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if err := w.Append("lines", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"tile/0/001.p/3": "x", "checkpoint": "two", "lines": "one\ntwo\n"} {
		if got, err := os.ReadFile(w.Path(name)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(w.Path("checkpoint.new")); err == nil {
		t.Error("the file that replaced another is still there")
	}
	if s, err := os.Stat(w.Path("tile")); err != nil || s.Mode().Perm()&^0o750 != 0 || s.Mode().Perm()&0o700 != 0o700 {
		t.Errorf("a folder has the mode %v: %v", s.Mode(), err)
	}
	for range 2 { // what was moved is moved
		if err := w.Move("lines", "old/1/lines"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(w.Path("old/1/lines")); err != nil || string(got) != "one\ntwo\n" {
			t.Errorf("moved: %q, %v", got, err)
		}
	}
	for range 2 { // what is gone already is no error
		if err := w.Remove("tile/0/001.p/3"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(w.Path("tile/0/001.p")); err == nil {
		t.Error("a folder without partial tiles is still there")
	}
}

// TestAStepThatFailsLeavesTheOldFile fails each step of a replacement.
func TestAStepThatFailsLeavesTheOldFile(t *testing.T) {
	w := Writer{Dir: t.TempDir(), Mode: 0o600}
	if err := w.Replace("f", []byte("old")); err != nil {
		t.Fatal(err)
	}
	for fail := range 2 {
		n := 0
		w.Inject = func(string) error {
			if n++; n == fail+1 {
				return errors.New("disk full")
			}
			return nil
		}
		if err := w.Replace("f", []byte("new")); err == nil {
			t.Fatalf("step %d did not fail", fail)
		}
		if got, err := os.ReadFile(w.Path("f")); err != nil || string(got) != "old" {
			t.Errorf("step %d: %q, %v", fail, got, err)
		}
	}
}

func TestOneAloneHoldsALock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "lock")
	f, err := Lock(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(file); !errors.Is(err, ErrLocked) {
		t.Errorf("a second: %v", err)
	}
	f.Close()
	f, err = Lock(file)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
}
