package flow

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/record"
)

// What workers read where it lies is what they read of a copy, and what one
// alone reads, record for record.
func TestLent(t *testing.T) {
	name := filepath.Join(t.TempDir(), "in.pcap")
	rng := rand.New(rand.NewPCG(5, 6))
	said := canaries(t, "k3m9x2v7")
	var list []pk
	for round := range int64(60) { // more than all buffers of a reader hold
		for _, p := range append(said, random(rng, 100)...) {
			p.at += round * 3600e9
			list = append(list, p)
		}
	}
	writeCapture(t, name, list)
	read := func(workers int, lend bool) (all []byte) {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		r, err := capture.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		emit := func(r *record.Record) error { all = append(record.AppendJSON(all, r), '\n'); return nil }
		o := Options{Key: [32]byte{1}, Workers: workers}
		var s Source = r
		if !lend {
			s = struct{ Source }{r} // hides that it lends
		}
		if _, err := Read(s, o, emit); err != nil {
			t.Fatal(err)
		}
		return all
	}
	want := read(1, false)
	if len(want) < 1<<20 {
		t.Fatalf("%d bytes of records", len(want))
	}
	for _, workers := range []int{1, 2, 5} {
		for _, lend := range []bool{true, false} {
			if got := read(workers, lend); string(got) != string(want) {
				t.Errorf("%d workers, lent %v: other records", workers, lend)
			}
		}
	}
}
