//go:build linux

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/flow"
	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/zeek"
	"noroshi/internal/engine/geo"
)

// TestMix looks at what a mix holds: its sizes, its families, and that what is
// said in it is understood.
func TestMix(t *testing.T) {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	if err := writeMix(w, 400_000); err != nil {
		t.Fatal(err)
	}
	_ = w.Flush()
	t.Logf("%d bytes a packet", b.Len()/400_000-16)
	r, err := capture.NewReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	apps := map[record.App]int{}
	var names, hosts, keys, asked, certs, records int
	st, err := flow.Read(r, flow.Options{Full: true}, func(r *record.Record) error {
		records++
		apps[r.App]++
		if r.TLS != nil && !r.TLS.SNI.IsZero() {
			names++
		}
		if r.TLS != nil && r.TLS.Certificate != nil {
			certs++
		}
		if len(r.HTTP) > 0 && !r.HTTP[0].Host.IsZero() {
			hosts++
		}
		if r.SSH != nil {
			keys++
		}
		if len(r.DNS) > 0 && r.DNS[0].Answered {
			asked++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", st)
	t.Logf("%d records %v; %d SNI, %d certificates, %d hosts, %d SSH, %d DNS", records, apps, names, certs, hosts, keys, asked)
	if st.NotIP+st.Unread+st.Fragments > 0 || st.Faults[packet.None] != st.Packets {
		t.Errorf("not every packet is sound: %+v", st)
	}
	if names < 4000 || certs < 500 || hosts < 1000 || keys < 200 || asked < 20_000 {
		t.Error("too little is understood")
	}
}

func capturePath(b *testing.B) string {
	if name := os.Getenv("NOROSHI_BENCH_CAPTURE"); name != "" {
		return name
	}
	name := b.TempDir() + "/mix.pcap"
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	if err := writeMix(w, 400_000); err != nil {
		b.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	return name
}

func homes(b *testing.B) (out []netip.Prefix) {
	for p := range strings.SplitSeq(home, ",") {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func sides(b *testing.B) *geo.Classifier {
	t, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	c, err := t.Classifier(geo.Options{Own: homes(b)})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// overFile opens the capture again and again and reports packets per second of
// time and of processor time. each returns how many packets it read.
func overFile(b *testing.B, name string, each func(f *os.File) int64) {
	n := int64(0)
	began, start := time.Now(), worked()
	for range b.N {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		n += each(f)
		_ = f.Close()
	}
	b.ReportMetric(float64(n)/(worked()-start)*1e6, "packets/cpu-s")
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "packets/s")
}

// packetsIn counts the packets of a capture.
func packetsIn(b *testing.B, name string) (n int64) {
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	eachBatch(b, f, func(batch []capture.Packet) { n += int64(len(batch)) })
	return n
}

func eachBatch(b *testing.B, f *os.File, fn func([]capture.Packet)) int64 {
	r, err := capture.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]capture.Packet, flow.BatchSize)
	for {
		n, err := r.Next(batch)
		fn(batch[:n])
		if err == io.EOF {
			return r.Stats().Packets
		} else if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrafficDecode is what reading alone takes, and each step up to the
// class of a packet.
func BenchmarkTrafficDecode(b *testing.B) {
	name := capturePath(b)
	total := packetsIn(b, name)
	for what, size := range map[string]int{"plain1M": 1 << 20, "plain256K": 256 << 10} {
		b.Run(what, func(b *testing.B) {
			buf := make([]byte, size)
			overFile(b, name, func(f *os.File) int64 {
				for {
					if _, err := f.Read(buf); err != nil {
						return total
					}
				}
			})
		})
	}
	c := sides(b)
	var h packet.Headers
	var counts [8]int64
	pairs, classes := make([]geo.Pair, flow.BatchSize), make([]geo.Class, flow.BatchSize)
	steps := []struct {
		name string
		do   func([]capture.Packet)
	}{
		{"batches", func([]capture.Packet) {}},
		{"decode", func(batch []capture.Packet) {
			for i := range batch {
				packet.Decode(&batch[i], &h)
			}
		}},
		{"class", func(batch []capture.Packet) {
			for i := range batch {
				packet.Decode(&batch[i], &h)
				pairs[i].Src, pairs[i].Dst = h.Src, h.Dst
			}
			c.Classes(pairs[:len(batch)], classes)
			for _, k := range classes[:len(batch)] {
				counts[k&7]++
			}
		}},
	}
	for _, s := range steps {
		b.Run(s.name, func(b *testing.B) {
			overFile(b, name, func(f *os.File) int64 { return eachBatch(b, f, s.do) })
		})
	}
}

// BenchmarkTrafficRead is the flow table with metadata, with Community IDs too
// (named), and with every detector behind it (detect).
func BenchmarkTrafficRead(b *testing.B) {
	name := capturePath(b)
	c := sides(b)
	for _, what := range []string{"table", "named", "detect"} {
		b.Run(what, func(b *testing.B) {
			records := 0
			overFile(b, name, func(f *os.File) int64 {
				d := detect.New(detect.Config{Home: homes(b)})
				t := flow.New(flow.Options{Class: c.Class, NoID: what == "table", Soon: d.Soon}, func(r *record.Record) error {
					records++
					if what == "detect" {
						d.Add(r)
					}
					return nil
				})
				n := eachBatch(b, f, func(batch []capture.Packet) {
					if err := t.Add(batch); err != nil {
						b.Fatal(err)
					}
				})
				if err := t.Close(); err != nil {
					b.Fatal(err)
				}
				d.Finish()
				return n
			})
			b.ReportMetric(float64(records)/float64(b.N), "records/op")
		})
	}
}

// later moves the times of a capture that is read again and again: each time
// a quarter of an hour behind the time before.
type later struct{ shift, last int64 }

func (l *later) again() {
	if l.last > 0 {
		l.shift = l.last + int64(15*time.Minute) - mixStart
	}
}

func (l *later) move(batch []capture.Packet) {
	for i := range batch {
		batch[i].At += l.shift
		l.last = max(l.last, batch[i].At)
	}
}

// BenchmarkTrafficSteady is BenchmarkTrafficRead/detect for a sensor that has
// run for a while: the same table and detectors see the capture again and
// again, each time a quarter of an hour later, when all that was open is over
// and nothing grows any more.
func BenchmarkTrafficSteady(b *testing.B) {
	name := capturePath(b)
	c := sides(b)
	d := detect.New(detect.Config{Home: homes(b)})
	t := flow.New(flow.Options{Class: c.Class, Soon: d.Soon}, func(r *record.Record) error {
		d.Add(r)
		return nil
	})
	var l later
	again := func(f *os.File) int64 {
		l.again()
		return eachBatch(b, f, func(batch []capture.Packet) {
			l.move(batch)
			if err := t.Add(batch); err != nil {
				b.Fatal(err)
			}
		})
	}
	for range 2 {
		f, err := os.Open(name)
		if err != nil {
			b.Fatal(err)
		}
		again(f)
		_ = f.Close()
	}
	b.ResetTimer()
	overFile(b, name, again)
	if err := t.Abort(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkTrafficZeek reads a tenth of a million connections of a day of logs,
// and has every detector look at them.
func BenchmarkTrafficZeek(b *testing.B) {
	var logs bytes.Buffer
	day := zeekDay{connections: 100_000}
	if err := day.write(&logs); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d lines, %d bytes each", day.lines, logs.Len()/day.lines)
	for _, what := range []string{"read", "detect"} {
		b.Run(what, func(b *testing.B) {
			d := detect.New(detect.Config{})
			start := worked()
			for range b.N {
				r, err := zeek.NewReader(bytes.NewReader(logs.Bytes()), record.NewNaming([32]byte{}, false))
				if err != nil {
					b.Fatal(err)
				}
				batch := make([]record.Record, 1024)
				for err == nil {
					var n int
					n, err = r.Next(batch)
					if what == "detect" {
						d.AddAll(batch[:n])
					}
				}
				if s := r.Stats(); int(s.Records) != day.lines {
					b.Fatalf("%+v", s)
				}
			}
			b.ReportMetric(float64(day.lines*b.N)/(worked()-start)*1e6, "lines/cpu-s")
		})
	}
}
