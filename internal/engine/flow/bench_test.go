package flow

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/flow/write"
	"noroshi/internal/engine/geo"
)

// traffic makes packets as a busy link has them: copies of the connections of
// real captures between ever new addresses, mixed, with packets of small
// connections in between. Without the shared captures only the latter.
func traffic(t testing.TB, n int) []capture.Packet {
	rng := rand.New(rand.NewPCG(1, 2))
	var real [][]capture.Packet
	files := archives{}
	for _, name := range index(t) {
		if !strings.HasPrefix(name, "pcap/ja4-dev.zip") && !strings.HasPrefix(name, "pcap/ipfixprobe") {
			continue
		}
		r, err := capture.NewReader(strings.NewReader(string(files.read(t, name))))
		if err != nil {
			continue
		}
		var list []capture.Packet
		batch := make([]capture.Packet, 64)
		for {
			n, err := r.Next(batch)
			for _, p := range batch[:n] {
				p.Data = append([]byte(nil), p.Data...)
				if p.Link == capture.LinkEthernet && len(p.Data) > 34 {
					list = append(list, p)
				}
			}
			if err != nil {
				break
			}
		}
		real = append(real, list)
	}
	type player struct {
		list []capture.Packet
		next int
		salt byte
	}
	players := make([]player, 400)
	out := make([]capture.Packet, 0, n)
	at := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC).UnixNano()
	for len(out) < n {
		at += int64(rng.IntN(8000))
		if rng.IntN(10) < 4 {
			out = append(out, small(rng, at))
			continue
		}
		p := &players[rng.IntN(len(players))]
		if p.next == len(p.list) {
			*p = player{list: real[rng.IntN(len(real))], salt: byte(rng.Uint32())}
			continue
		}
		q := p.list[p.next]
		p.next++
		q.At = at
		q.Data = append([]byte(nil), q.Data...)
		if binary.BigEndian.Uint16(q.Data[12:]) == 0x0800 { // another client and server, the same on both ways
			q.Data[14+12+1] ^= p.salt
			q.Data[14+16+1] ^= p.salt
		}
		out = append(out, q)
	}
	return out
}

// small is a packet of one of many short communications.
func small(rng *rand.Rand, at int64) capture.Packet {
	b := make([]byte, 14+20+20+rng.IntN(60))
	b[12] = 8
	ip := b[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, packet.ProtoTCP
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	pair := uint32(rng.ExpFloat64() * 20000)
	binary.BigEndian.PutUint32(ip[12:], 0x0a000000+pair%5000)
	binary.BigEndian.PutUint32(ip[16:], 0xc6336400+pair/5000)
	binary.BigEndian.PutUint16(ip[20:], uint16(30000+pair%20000))
	binary.BigEndian.PutUint16(ip[22:], 9)
	ip[32], ip[33] = 0x50, flagACK
	return capture.Packet{Data: b, At: at, Orig: uint32(len(b)), Link: capture.LinkEthernet}
}

func benchmarkTracker(b *testing.B, workers int, o Options) {
	packets := traffic(b, 400_000)
	var size int64
	for _, p := range packets {
		size += int64(len(p.Data))
	}
	table, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	sides, err := table.Classifier(geo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	o.Class, o.Workers, o.NoID = sides.Class, workers, true
	span := packets[len(packets)-1].At - packets[0].At
	flows := 0
	t := New(o, func(*record.Record) error { flows++; return nil })
	var m0, m1 runtime.MemStats
	runtime.ReadMemStats(&m0)
	b.SetBytes(size)
	n, start := 0, spent()
	for b.Loop() {
		for i := 0; i < len(packets); i += BatchSize {
			if err := t.Add(packets[i:min(i+BatchSize, len(packets))]); err != nil {
				b.Fatal(err)
			}
		}
		for i := range packets {
			packets[i].At += span
		}
		n += len(packets)
	}
	if err := t.Close(); err != nil {
		b.Fatal(err)
	}
	runtime.ReadMemStats(&m1)
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mpackets/s")
	b.ReportMetric(float64(n)/(spent()-start)/1e6, "Mpackets/cpu-s")
	b.ReportMetric(float64(flows)/float64(n)*1000, "flows/kpacket")
	b.ReportMetric(float64(m1.Mallocs-m0.Mallocs)/float64(n), "allocs/packet")
}

// spent is the processor time of this process in seconds, system time included:
// on a machine with other work it says more than a clock.
func spent() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

func BenchmarkTracker(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) { benchmarkTracker(b, workers, Options{}) })
	}
}

// BenchmarkRead is everything that "flow read" does to a capture in memory:
// from the file's bytes to lines of JSON.
func BenchmarkRead(b *testing.B) {
	list := traffic(b, 400_000)
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.LinkEthernet)
	if err != nil {
		b.Fatal(err)
	}
	for i := range list {
		if err := w.Write(&list[i]); err != nil {
			b.Fatal(err)
		}
	}
	table, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	sides, err := table.Classifier(geo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) {
			b.SetBytes(int64(file.Len()))
			b.ReportAllocs()
			start, n := spent(), 0
			for b.Loop() {
				r, err := capture.NewReader(bytes.NewReader(file.Bytes()))
				if err != nil {
					b.Fatal(err)
				}
				out, err := write.New(io.Discard, write.JSONL)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := Read(r, Options{Class: sides.Class, Workers: workers}, out.Write); err != nil {
					b.Fatal(err)
				}
				n += len(list)
			}
			b.ReportMetric(float64(n)/(spent()-start)/1e6, "Mpackets/cpu-s")
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mpackets/s")
		})
	}
}

// TestWriteTraffic writes the packets of the benchmark to the file that
// NOROSHI_TRAFFIC names, for measuring the command itself.
func TestWriteTraffic(t *testing.T) {
	name := os.Getenv("NOROSHI_TRAFFIC")
	if name == "" {
		t.Skip("NOROSHI_TRAFFIC names no file")
	}
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	head := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	_, _ = w.Write(append(head, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0))
	list := traffic(t, 500_000)
	span := list[len(list)-1].At - list[0].At
	for round := range int64(4) {
		for _, p := range list {
			at := p.At + round*span
			var h []byte
			for _, v := range []uint32{uint32(at / 1e9), uint32(at % 1e9), uint32(len(p.Data)), p.Orig} {
				h = binary.LittleEndian.AppendUint32(h, v)
			}
			_, _ = w.Write(h)
			_, _ = w.Write(p.Data)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkFile reads the capture file that NOROSHI_BENCH_CAPTURE names, as
// "flow read" does, but for what it writes.
func BenchmarkFile(b *testing.B) {
	name := os.Getenv("NOROSHI_BENCH_CAPTURE")
	if name == "" {
		b.Skip("NOROSHI_BENCH_CAPTURE names no file")
	}
	table, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	sides, err := table.Classifier(geo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{1, 2} {
		b.Run("workers="+strconv.Itoa(workers), func(b *testing.B) {
			start, n := spent(), uint64(0)
			for b.Loop() {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				r, err := capture.NewReader(f)
				if err != nil {
					b.Fatal(err)
				}
				st, err := Read(r, Options{Class: sides.Class, Workers: workers}, func(*record.Record) error { return nil })
				if err != nil {
					b.Fatal(err)
				}
				n += st.Packets
				_ = f.Close()
			}
			b.ReportMetric(float64(n)/(spent()-start)/1e6, "Mpackets/cpu-s")
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mpackets/s")
		})
	}
}

// BenchmarkWrite writes the records of the capture file that
// NOROSHI_BENCH_CAPTURE names in each format.
func BenchmarkWrite(b *testing.B) {
	name := os.Getenv("NOROSHI_BENCH_CAPTURE")
	if name == "" {
		b.Skip("NOROSHI_BENCH_CAPTURE names no file")
	}
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	var all []record.Record
	if _, err := Read(r, Options{}, func(r *record.Record) error {
		mine := *r
		mine.DNS, mine.HTTP = slices.Clone(r.DNS), slices.Clone(r.HTTP)
		all = append(all, mine)
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for _, format := range write.Formats {
		b.Run(string(format), func(b *testing.B) {
			b.ReportAllocs()
			start, n := spent(), 0
			for b.Loop() {
				w, err := write.New(io.Discard, format)
				if err != nil {
					b.Fatal(err)
				}
				for i := range all {
					if err := w.Write(&all[i]); err != nil {
						b.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				n += len(all)
			}
			b.ReportMetric(float64(n)/(spent()-start)/1e3, "krecords/cpu-s")
		})
	}
}
