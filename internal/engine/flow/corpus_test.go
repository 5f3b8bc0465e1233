package flow

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
)

// shared opens a file of the shared test data, and skips the test without it
// unless NOROSHI_TEST_ALL=1 requires it.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("../../../../shared/data", name)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the shared test data is not here: %v", err)
	}
	return path
}

// archives keeps the zip files of a test open.
type archives map[string]*zip.ReadCloser

func (a archives) read(t testing.TB, name string) []byte {
	t.Helper()
	file, inner, zipped := strings.Cut(name, "!")
	path := shared(t, file)
	if !zipped {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	z := a[path]
	if z == nil {
		var err error
		if z, err = zip.OpenReader(path); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { z.Close() })
		a[path] = z
	}
	f, err := z.Open(inner)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// index returns the names of all shared captures.
func index(t testing.TB) []string {
	t.Helper()
	f, err := os.Open(shared(t, "pcap/pcap-index.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rows[1:] {
		out = append(out, r[0])
	}
	return out
}

// track reads a capture into records, each given to emit.
func track(t testing.TB, b []byte, o Options, emit func(*record.Record) error) Stats {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Read(r, o, emit)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every packet of every capture is in one record, or counted as none's.
func TestEveryCaptureIsRead(t *testing.T) {
	files, all := archives{}, index(t)
	for _, name := range all {
		if len(name) < 3 {
			t.Fatal(name)
		}
		b := files.read(t, name)
		var in, flows uint64
		var order []byte
		s := track(t, b, Options{}, func(r *record.Record) error {
			in += r.Packets[0] + r.Packets[1]
			flows++
			if r.Start > r.End || !r.Src.IsValid() || !r.Dst.IsValid() || r.Packets[0]+r.Packets[1] == 0 {
				t.Errorf("%s: %+v", name, r)
			}
			order = record.AppendJSON(order, r)
			return nil
		})
		if in != s.Packets-s.NotIP-s.Unread || flows != s.Flows {
			t.Errorf("%s: %d packets in %d records, of %d packets, %d not IP, %d unread", name, in, flows, s.Packets, s.NotIP, s.Unread)
		}
		var again []byte
		track(t, b, Options{Workers: 3}, func(r *record.Record) error { again = record.AppendJSON(again, r); return nil })
		if !bytes.Equal(order, again) {
			t.Errorf("%s: three workers say something else", name)
		}
	}
	if len(all) < 900 {
		t.Errorf("only %d captures", len(all))
	}
}
