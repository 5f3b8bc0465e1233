package packet

import (
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
)

const (
	benchPackets = 400_000 // 210 MB: their headers alone are more than a processor's cache holds
	benchBatch   = 512
)

func benchmark(b *testing.B, fn func(batch []capture.Packet)) {
	ps := mix(1, benchPackets)
	var size int64
	for i := range ps {
		size += int64(len(ps[i].Data))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	b.ResetTimer()
	start := cpu()
	for range b.N {
		for i := 0; i < len(ps); i += benchBatch {
			fn(ps[i:min(i+benchBatch, len(ps))])
		}
	}
	b.ReportMetric(float64(b.N*len(ps))/(cpu()-start), "packets/cpu-s")
}

// cpu returns the seconds of processor time this process has used, system time
// included: on a machine with other work it says more than a clock.
func cpu() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}

// BenchmarkDecode is the bare decoder.
func BenchmarkDecode(b *testing.B) {
	var h Headers
	var seen Layers
	benchmark(b, func(batch []capture.Packet) {
		for i := range batch {
			Decode(&batch[i], &h)
			seen |= h.Layers
		}
	})
	if !seen.Has(TCP) || !seen.Has(UDP) {
		b.Fatal(seen)
	}
}

// BenchmarkClass is the fast path: decode, two lookups, four-way class.
func BenchmarkClass(b *testing.B) {
	c := classifier(b)
	var h Headers
	var counts [8]int64
	pairs := make([]geo.Pair, benchBatch)
	classes := make([]geo.Class, benchBatch)
	benchmark(b, func(batch []capture.Packet) {
		classify(c, batch, &h, pairs, classes, &counts)
	})
}

func classify(c *geo.Classifier, batch []capture.Packet, h *Headers, pairs []geo.Pair, classes []geo.Class, counts *[8]int64) {
	for i := range batch {
		Decode(&batch[i], h)
		pairs[i].Src, pairs[i].Dst = h.Src, h.Dst
	}
	c.Classes(pairs[:len(batch)], classes[:len(batch)])
	for _, k := range classes[:len(batch)] {
		counts[k&7]++
	}
}

func classifier(b *testing.B) *geo.Classifier {
	t, err := geo.Embedded()
	if err != nil {
		b.Fatal(err)
	}
	c, err := t.Classifier(geo.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// BenchmarkFileToClass reads a capture file that is in the page cache and
// counts classes.
func BenchmarkFileToClass(b *testing.B) {
	name := filepath.Join(b.TempDir(), "mix.pcap")
	f, err := os.Create(name)
	if err != nil {
		b.Fatal(err)
	}
	w, err := capture.NewWriter(f, capture.LinkEthernet)
	if err != nil {
		b.Fatal(err)
	}
	ps := mix(1, benchPackets)
	for i := range ps {
		if err := w.Write(&ps[i]); err != nil {
			b.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	info, _ := os.Stat(name)
	size := info.Size()
	c := classifier(b)
	var h Headers
	var counts [8]int64
	pairs := make([]geo.Pair, benchBatch)
	classes := make([]geo.Class, benchBatch)
	batch := make([]capture.Packet, benchBatch)
	for _, what := range []string{"read", "count", "class"} {
		b.Run(what, func(b *testing.B) {
			b.SetBytes(size)
			start := cpu()
			for range b.N {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				r, err := capture.NewReader(f)
				if err != nil {
					b.Fatal(err)
				}
				var n Counter
				for {
					k, err := r.Next(batch)
					if err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					switch what {
					case "count":
						n.Add(batch[:k])
					case "class":
						classify(c, batch[:k], &h, pairs, classes, &counts)
					}
				}
				f.Close()
			}
			b.ReportMetric(float64(b.N*len(ps))/(cpu()-start), "packets/cpu-s")
		})
	}
}

// BenchmarkPeerLayers is gopacket with preallocated layers.
func BenchmarkPeerLayers(b *testing.B) {
	var eth layers.Ethernet
	var tag layers.Dot1Q
	var ip4 layers.IPv4
	var ip6 layers.IPv6
	var tcp layers.TCP
	var udp layers.UDP
	var rest gopacket.Payload
	p := gopacket.NewDecodingLayerParser(layers.LayerTypeEthernet, &eth, &tag, &ip4, &ip6, &tcp, &udp, &rest)
	p.IgnoreUnsupported = true
	var found []gopacket.LayerType
	benchmark(b, func(batch []capture.Packet) {
		for i := range batch {
			if err := p.DecodeLayers(batch[i].Data, &found); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPeerPacket is gopacket as its first example shows it.
func BenchmarkPeerPacket(b *testing.B) {
	benchmark(b, func(batch []capture.Packet) {
		for i := range batch {
			p := gopacket.NewPacket(batch[i].Data, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
			if p.TransportLayer() == nil {
				b.Fatal("no transport")
			}
		}
	})
}
