package csaf

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"
	"testing"

	"noroshi/internal/intel/feed"
)

func realDocuments(b *testing.B) (docs [][]byte, size int64) {
	z := shared(b, "cisa-csaf-dev.zip")
	for _, f := range z.File {
		if path.Ext(f.Name) == ".json" {
			raw := content(b, z, f.Name)
			docs = append(docs, raw)
			size += int64(len(raw))
		}
	}
	return docs, size
}

func BenchmarkRead(b *testing.B) {
	docs, size := realDocuments(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range docs {
			if err := Read(context.Background(), "x", bytes.NewReader(d), func(*feed.Record) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	docs, size := realDocuments(b)
	b.SetBytes(size)
	for b.Loop() {
		for _, d := range docs {
			if !Validate(d).OK() {
				b.Fatal("not valid")
			}
		}
	}
}

// rolie makes a feed of at least size bytes without holding it.
type rolie struct {
	size, made, n int
	rest          []byte
	done          bool
}

func (r *rolie) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		if r.done {
			return 0, io.EOF
		}
		var b strings.Builder
		if r.made == 0 {
			b.WriteString(`{"feed":{"id":"f","title":"t","link":[],"category":[],"updated":"2026-01-01T00:00:00Z","entry":[`)
		}
		for range 50 {
			if r.n > 0 {
				b.WriteByte(',')
			}
			u := fmt.Sprintf("https://kumo.example/csaf/white/2026/kd-2026-%06d.json", r.n)
			fmt.Fprintf(&b, `{"id":"KD-2026-%06d","title":"A fault in product number %d","link":[{"rel":"self","href":"%s"},{"rel":"hash","href":"%s.sha256"},{"rel":"hash","href":"%s.sha512"},{"rel":"signature","href":"%s.asc"}],"published":"2026-01-01T00:00:00Z","updated":"2026-01-02T00:00:00Z","summary":{"content":"A fault was found and repaired"},"content":{"type":"application/json","src":"%s"},"format":{"schema":"https://docs.oasis-open.org/csaf/csaf/v2.0/csaf_json_schema.json","version":"2.0"}}`, r.n, r.n, u, u, u, u, u)
			r.n++
		}
		if r.made+b.Len() >= r.size {
			b.WriteString(`]}}`)
			r.done = true
		}
		r.made += b.Len()
		r.rest = []byte(b.String())
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// A ROLIE feed of 40 MB grows the heap by less than 64 MiB, also when every
// entry is kept to be fetched.
func TestLargeFeed(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	r := &rolie{size: 40 << 20}
	n := 0
	err := ReadFeed(r, func(Entry) error {
		if n++; n%5000 == 0 {
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapSys-after.HeapReleased)
		}
		return nil
	})
	if err != nil || n < 40000 {
		t.Fatal(n, err)
	}
	grown := int64(peak) - int64(before.HeapSys-before.HeapReleased)
	t.Logf("%d entries, %d bytes: the heap grew by %.1f MiB while streaming", n, r.made, float64(grown)/(1<<20))
	if grown > 64<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}

	feed := &rolie{size: 40 << 20}
	runtime.GC()
	runtime.ReadMemStats(&before)
	w := &walk{Provider: &Provider{Get: func(context.Context, string, Condition) (io.ReadCloser, Meta, error) {
		return io.NopCloser(feed), Meta{}, nil
	}}, res: &Result{State: State{}}}
	entries, _, err := w.feed(context.Background(), List{URL: "https://kumo.example/csaf/feed.json"})
	if err != nil || len(entries) != n {
		t.Fatal(len(entries), err)
	}
	runtime.ReadMemStats(&after)
	grown = int64(after.HeapSys-after.HeapReleased) - int64(before.HeapSys-before.HeapReleased)
	t.Logf("the heap grew by %.1f MiB with all entries kept", float64(grown)/(1<<20))
	if grown > 64<<20 {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	runtime.KeepAlive(entries)
}
