package format

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/engine/event"
)

// shared returns the path of a file of the shared test data; without it the
// test is skipped, or fails where everything has to run.
func shared(t testing.TB, name string) string {
	t.Helper()
	for _, root := range []string{os.Getenv("NOROSHI_SHARED_DATA"), "../../../../../shared/data"} {
		if root == "" {
			continue
		}
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	if os.Getenv("NOROSHI_TEST_ALL") == "1" {
		t.Fatalf("the shared data has no %s", name)
	}
	t.Skipf("the shared data has no %s", name)
	return ""
}

// member is one file of an archive.
type member struct {
	name string
	text []byte
}

// members returns the files of a zip or tar archive, without those that an
// operating system adds.
func members(t testing.TB, path string) (out []member) {
	t.Helper()
	add := func(name string, r io.Reader) {
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "__MACOSX/") {
			out = append(out, member{name, text})
		}
	}
	if strings.HasSuffix(path, ".tar.gz") {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for r := tar.NewReader(z); ; {
			h, err := r.Next()
			if err == io.EOF {
				return out
			}
			if err != nil {
				t.Fatal(err)
			}
			if h.Typeflag == tar.TypeReg {
				add(h.Name, r)
			}
		}
	}
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		add(f.Name, r)
		r.Close()
	}
	return out
}

// mordor returns the archives of host logs.
func mordor(t testing.TB) (out []string) {
	t.Helper()
	root := shared(t, "mordor/host")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// processorTime is what this process has used of processors: the machine may
// have others to serve.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMordor decodes some 40 MB of host logs.
func BenchmarkMordor(b *testing.B) {
	var blocks []*Block
	size, events := int64(0), 0
	for _, path := range mordor(b) {
		if size > 40<<20 {
			break
		}
		for _, m := range members(b, path) {
			if Detect(m.text[:min(len(m.text), HeadSize)], m.name) != JSONLines {
				continue
			}
			for s := NewSplitter(bytes.NewReader(m.text), JSONLines, 0); ; {
				var k Block
				if s.Next(&k) != nil {
					break
				}
				blocks, size = append(blocks, &k), size+int64(len(k.Data))
			}
		}
	}
	d := NewDecoder(JSONLines, Options{})
	var row event.Row
	count := func(*event.Row) error { events++; return nil }
	all := func() {
		events = 0
		for _, k := range blocks {
			if _, err := d.Rows(k, &row, count); err != nil {
				b.Fatal(err)
			}
		}
	}
	all()
	b.SetBytes(size)
	b.ReportAllocs()
	before := processorTime(b)
	for b.Loop() {
		all()
	}
	used := (processorTime(b) - before).Seconds()
	b.ReportMetric(float64(events)*float64(b.N)/used, "events/cpu-s")
	b.ReportMetric(float64(size)*float64(b.N)/1e6/used, "MB/cpu-s")
}

// BenchmarkSplit divides an array of host logs into blocks, which one goroutine
// does for all workers.
func BenchmarkSplit(b *testing.B) {
	text := []byte{'['}
	for _, path := range mordor(b)[20:] {
		for _, m := range members(b, path) {
			if len(text) < 20<<20 && strings.HasSuffix(m.name, ".json") {
				text = append(text, bytes.ReplaceAll(m.text, []byte("}\n{"), []byte("},\n{"))...)
			}
		}
	}
	text = append(text, ']')
	var block Block
	b.SetBytes(int64(len(text)))
	before, records := processorTime(b), uint64(0)
	for b.Loop() {
		for s := NewSplitter(bytes.NewReader(text), JSON, 0); s.Next(&block) == nil; {
			records = block.First
		}
	}
	used := (processorTime(b) - before).Seconds()
	b.ReportMetric(float64(len(text))*float64(b.N)/1e6/used, "MB/cpu-s")
	b.ReportMetric(float64(records), "records")
}
