package mapped

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func file(t *testing.T, data []byte) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func mapping(t *testing.T, f *os.File) *File {
	t.Helper()
	m, err := New(f)
	if errors.Is(err, ErrUnfit) && runtime.GOOS != "linux" {
		t.Skip("this system maps no files here")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

func TestWhatIsMappedIsTheFile(t *testing.T) {
	want := bytes.Repeat([]byte("0123456789abcdef"), 3*window/16+77)
	m := mapping(t, file(t, want))
	var got []byte
	const step = 100_003
	for at := 0; at < len(m.Data); at += step {
		m.Advance(at)
		got = append(got, m.Data[at:min(at+step, len(m.Data))]...)
	}
	if !bytes.Equal(got, want) {
		t.Fatal("another file")
	}
	if m.gone == 0 || !bytes.Equal(m.Data[:100], want[:100]) { // let go of, and still there
		t.Fatalf("let go of %d bytes", m.gone)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatIsCutShortIsAnError(t *testing.T) {
	f := file(t, make([]byte, 3*window))
	m := mapping(t, f)
	if err := f.Truncate(10); err != nil {
		t.Fatal(err)
	}
	sum := 0
	err := m.Guard(func() error {
		for _, b := range m.Data {
			sum += int(b)
		}
		return nil
	})
	if !errors.Is(err, ErrShrunk) {
		t.Fatal(err)
	}
	own := errors.New("its own")
	if err := m.Guard(func() error { return own }); err != own {
		t.Fatal(err)
	}
	defer func() {
		if recover() == nil {
			t.Fatal("a fault of another place was taken for the file's")
		}
	}()
	_ = m.Guard(func() error {
		var none *File
		none.next++
		return nil
	})
}

func TestWhatIsNoFileIsRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	begun := file(t, make([]byte, 100))
	if _, err := begun.Read(make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{r, file(t, nil), begun} {
		if _, err := New(f); !errors.Is(err, ErrUnfit) {
			t.Fatal(err)
		}
	}
}
