//go:build linux

package main

import (
	"bufio"
	"bytes"
	"os"
	"testing"
	"time"

	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
	"noroshi/internal/engine/selector/sieve"
)

// TestListOf looks that every line of a made-up list is one that can be taken.
func TestListOf(t *testing.T) {
	for _, kind := range []string{addresses, names, anything} {
		s, r := made(t, kind, 20_000)
		if r.Broken+r.Warned > 0 || s.Len() < 19_990 || s.Needs().Payload() != (kind != addresses) {
			t.Errorf("%s: %d of %+v", kind, s.Len(), r)
		}
	}
}

func made(t testing.TB, kind string, n int) (*selector.Set, selector.Report) {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	listOf(w, n, kind)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	s, r, err := selector.Read(kind, b.Bytes(), selector.Options{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// listed is the list that NOROSHI_BENCH_LIST names, or a short one, and how
// many seconds it took to load.
func listed(b *testing.B) (*selector.Set, float64) {
	name := os.Getenv("NOROSHI_BENCH_LIST")
	if name == "" {
		s, _ := made(b, anything, 20_000)
		return s, 0
	}
	began := time.Now()
	file, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	s, err := selector.Load(file, nil)
	if err != nil {
		b.Fatal(err)
	}
	return s, time.Since(began).Seconds()
}

// sieved is a run without an end over a capture that comes again and again.
type sieved struct {
	*sieve.Sieve
	later
	b    *testing.B
	seen uint64
}

func newSieved(b *testing.B, set func() *selector.Set) *sieved {
	o := sieve.Options{Directions: []geo.Class{geo.FF, geo.FD, geo.DF}, Side: sides(b).Side16, Until: 1 << 62, Set: set, Key: [32]byte{1}}
	return &sieved{b: b, Sieve: sieve.New(o, func(*sieve.Record) error { return nil })}
}

func (s *sieved) add(batch []capture.Packet) {
	s.move(batch)
	if end, err := s.Add(batch); end != sieve.Going || err != nil {
		s.b.Fatal(end, err)
	}
	s.seen += uint64(len(batch))
}

// over ends the run, looks that nothing was lost, and reports what became of it.
func (s *sieved) over() {
	if err := s.Close(); err != nil {
		s.b.Fatal(err)
	}
	y := s.Tally()
	if y.Seen != y.Sum() || y.Seen.Packets != s.seen {
		s.b.Fatalf("%d packets: %+v", s.seen, y)
	}
	s.b.ReportMetric(100*float64(y.Selected.Packets)/float64(s.seen), "%selected")
	s.b.ReportMetric(100*float64(y.Domestic.Packets+y.Unknown.Packets+y.Direction.Packets)/float64(s.seen), "%held")
}

// kept is the beginning of the capture, in memory as a reader has it.
func kept(b *testing.B, name string) (packets []capture.Packet) {
	const most = 1 << 18
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	eachBatch(b, f, func(batch []capture.Packet) {
		for _, p := range batch[:min(len(batch), most-len(packets))] {
			p.Data = bytes.Clone(p.Data)
			packets = append(packets, p)
		}
	})
	return packets
}

// BenchmarkSelection is a sieve over the capture: from memory, from its file,
// and with a list that another takes the place of every hundred batches.
func BenchmarkSelection(b *testing.B) {
	name := capturePath(b)
	one, _ := listed(b)
	packets := kept(b, name)
	var batch [flow.BatchSize]capture.Packet
	memory := func(s *sieved, each func([]capture.Packet)) {
		s.again()
		for i := 0; i < len(packets); i += len(batch) {
			each(batch[:copy(batch[:], packets[i:])])
		}
	}
	b.Run("memory", func(b *testing.B) {
		s := newSieved(b, func() *selector.Set { return one })
		memory(s, s.add)
		before := worked()
		const rounds = 8 // about as many packets as the file has
		for range b.N * rounds {
			memory(s, s.add)
		}
		b.ReportMetric(float64(b.N*rounds*len(packets))/(worked()-before)*1e6, "packets/cpu-s")
		s.over()
	})
	b.Run("file", func(b *testing.B) {
		s := newSieved(b, func() *selector.Set { return one })
		overFile(b, name, func(f *os.File) int64 {
			s.again()
			return eachBatch(b, f, s.add)
		})
		s.over()
	})
	b.Run("swap", func(b *testing.B) {
		two, took := listed(b)
		set, other := one, two
		s := newSieved(b, func() *selector.Set { return set })
		var swapped, others []time.Duration
		n := 0
		for range b.N * 4 {
			memory(s, func(batch []capture.Packet) {
				n++
				if n%100 == 0 {
					set, other = other, set
				}
				began := time.Now()
				s.add(batch)
				if d := time.Since(began); n%100 == 0 {
					swapped = append(swapped, d)
				} else {
					others = append(others, d)
				}
			})
		}
		b.ReportMetric(percentile(swapped, 95)*1e3, "swapped-us")
		b.ReportMetric(percentile(others, 95)*1e3, "other-us")
		b.ReportMetric(took, "load-s")
		s.over()
	})
}
