package export

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"
)

// benchDatagrams returns a template datagram and data datagrams of 24 records.
func benchDatagrams(ipfix bool, fields []field) (def []byte, data [][]byte) {
	rnd := rand.New(rand.NewPCG(1, 2))
	def = newMessage(ipfix, 0, uint32(received/second), 1e6, 7).template(256, 0, fields).bytes()
	for i := range 64 {
		body := make([]byte, 24*length(fields))
		for j := range body {
			body[j] = byte(rnd.Uint32())
		}
		number := uint32(i + 1)
		if ipfix {
			number = uint32(24 * i)
		}
		data = append(data, newMessage(ipfix, number, uint32(received/second), 1e6, 7).set(256, body).bytes())
	}
	return def, data
}

func benchmarkDecode(b *testing.B, ipfix bool, fields []field) {
	def, data := benchDatagrams(ipfix, fields)
	d := NewDecoder(Limits{})
	rows := 0
	batch := NewBatch(0, func(x *Batch) { rows += x.Len() })
	if err := d.Decode(router, received, def, batch); err != nil {
		b.Fatal(err)
	}
	size, from := 0, used()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		m := data[i%len(data)]
		size = len(m)
		if err := d.Decode(router, received, m, batch); err != nil {
			b.Fatal(err)
		}
	}
	batch.Flush()
	b.SetBytes(int64(size))
	b.ReportMetric(float64(rows)/(used()-from).Seconds()/1e6, "Mrec/cpu-s")
}

// used is the processor time of this process: the machine is shared.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkNetFlow9(b *testing.B) { benchmarkDecode(b, false, usual) }

var usualIPFIX = append([]field{ie(152, 8), ie(153, 8)}, usual[2:]...)

func BenchmarkIPFIX(b *testing.B) { benchmarkDecode(b, true, usualIPFIX) }

func BenchmarkIPFIXv6(b *testing.B) {
	fields := append([]field{}, usualIPFIX...)
	fields[6], fields[7] = ie(27, 16), ie(28, 16)
	benchmarkDecode(b, true, fields)
}

func BenchmarkIPFIXVaried(b *testing.B) {
	fields := append(append([]field{}, usualIPFIX...), ie(82, variable))
	def := newMessage(true, 0, uint32(received/second), 0, 7).template(256, 0, fields).bytes()
	var body []byte
	for range 24 {
		body = append(append(body, make([]byte, length(usualIPFIX))...), "\x04eth0"...)
	}
	data := newMessage(true, 0, uint32(received/second), 0, 7).set(256, body).bytes()
	d := NewDecoder(Limits{})
	rows := 0
	batch := NewBatch(0, func(x *Batch) { rows += x.Len() })
	_ = d.Decode(router, received, def, batch)
	b.ReportAllocs()
	from := used()
	for b.Loop() {
		if err := d.Decode(router, received, data, batch); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(data)))
	b.ReportMetric(float64(rows)/(used()-from).Seconds()/1e6, "Mrec/cpu-s")
}

// BenchmarkTemplateFlood defines 180 templates per datagram, every one new.
func BenchmarkTemplateFlood(b *testing.B) {
	d, batch := NewDecoder(Limits{}), NewBatch(0, nil)
	id := 0
	for b.Loop() {
		m := newMessage(false, 0, uint32(received/second), 0, 7)
		var body []byte
		for range 180 {
			id++
			body = append(body, byte(1+id>>8%255), byte(id), 0, 1, 0, 8, 0, 4)
		}
		_ = d.Decode(router, received, m.set(templateSet9, body).bytes(), batch)
	}
}

func BenchmarkSFlow(b *testing.B) {
	raw := append(words(1, 1500, 4), opaque(append(frame(), make([]byte, 70)...))...)
	flow := append(words(9, 1<<24|5, 512, 1000, 0, 3, 4, 1), append(words(rawHeader), opaque(raw)...)...)
	s := &samples{}
	for range 7 {
		s.add(1, flow)
	}
	m := s.bytes(1)
	d := NewDecoder(Limits{})
	rows := 0
	batch := NewBatch(0, func(x *Batch) { rows += x.Len() })
	b.ReportAllocs()
	from := used()
	for b.Loop() {
		if err := d.Decode(router, received, m, batch); err != nil {
			b.Fatal(err)
		}
	}
	batch.Flush()
	b.ReportMetric(float64(rows)/(used()-from).Seconds()/1e6, "Mrec/cpu-s")
}
