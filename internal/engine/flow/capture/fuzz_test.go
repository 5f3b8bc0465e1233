package capture

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"testing"
)

// FuzzReader reads anything: no input may crash the reader, make it hand out
// more than was there, or leave packets in its buffer.
func FuzzReader(f *testing.F) {
	r := rand.New(rand.NewPCG(13, 14))
	ps := some(r, 6)
	for i := range ps {
		ps[i].Data = ps[i].Data[:min(len(ps[i].Data), 60)]
	}
	for _, b := range forms(r, ps) {
		f.Add(b)
	}
	f.Add(old(form1{binary.LittleEndian, magicHardware, 4}, ps[:1]))
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		batch, buf := make([]Packet, 7), in.buf
		var n int64
		for range 4000 {
			k, err := in.Next(batch)
			if (k == 0) == (err == nil) {
				t.Fatalf("%d packets and %v", k, err)
			}
			for _, p := range batch[:k] {
				n++
				if len(p.Data) > MaxPacket || cap(p.Data) != len(p.Data) {
					t.Fatalf("a packet of %d bytes with room for %d", len(p.Data), cap(p.Data))
				}
			}
			if err != nil {
				break
			}
		}
		if s := in.Stats(); s.Packets != n {
			t.Fatalf("%d packets, %+v", n, s)
		}
		in.Wipe()
		if i := bytes.IndexFunc(buf, func(r rune) bool { return r != 0 }); i >= 0 {
			t.Fatalf("byte %d of the buffer was not overwritten", i)
		}
		if k, err := in.Next(batch); k != 0 || err == nil {
			t.Fatalf("after the end: %d packets, %v", k, err)
		}
	})
}

// BenchmarkReader reads a capture of 520-byte packets out of memory: the cost
// of parsing and of overwriting.
func BenchmarkReader(b *testing.B) {
	r := rand.New(rand.NewPCG(15, 16))
	ps := make([]Packet, 200_000)
	data := make([]byte, 1514)
	for i := range ps {
		size := 60
		if r.IntN(3) == 0 {
			size = 1400
		}
		ps[i] = Packet{Data: data[:size], At: int64(i) * 1e6, Orig: uint32(size), Link: LinkEthernet}
	}
	batch := make([]Packet, 512)
	le := binary.LittleEndian
	for name, file := range map[string][]byte{"pcap": old(form1{le, magicMicro, 4}, ps), "pcapng": ng(le, r, ps, true), "gzip": gzipped1(old(form1{le, magicMicro, 4}, ps), 6), "zstd": zstd1(old(form1{le, magicMicro, 4}, ps))} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(ps) * 520))
			for range b.N {
				in, err := NewReader(bytes.NewReader(file))
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = in.Next(batch)
				}
				if err != io.EOF || in.Stats().Packets != int64(len(ps)) {
					b.Fatal(err, in.Stats())
				}
			}
			b.ReportMetric(float64(b.N*len(ps))/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
