package rpz

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/miekg/dns"

	"noroshi/internal/measure/act/driver"
)

// size is how many names are measured: NOROSHI_BENCH_SIZE, or 100,000.
func size() int {
	if n, err := strconv.Atoi(os.Getenv("NOROSHI_BENCH_SIZE")); err == nil && n > 0 {
		return n
	}
	return 100_000
}

// listed are names as they stand in lists: of no order, half with what is below.
func listed(n int) (rules []driver.Rule) {
	tlds := [...]string{"com", "net", "xyz", "top", "ru", "co.jp", "info", "online"}
	for i := range n {
		h := uint64(i) * 0x9e3779b97f4a7c15
		rules = append(rules, driver.Rule{Order: fmt.Sprintf("01997d5e-0000-7000-8000-%012d", i%20), Kind: driver.Sinkhole, Answer: driver.NoDomain,
			Name: fmt.Sprintf("%x-%d.%s", h>>40, i, tlds[h>>20%8]), Below: i%2 == 0})
	}
	return rules
}

// BenchmarkPublish is from rules to a zone that is on disk, served, and fetched
// whole once; the heap is what is held afterwards beyond the rules.
func BenchmarkPublish(b *testing.B) {
	rules := listed(size())
	for b.Loop() {
		c := local(b)
		c.MaxNames = 5_000_000
		before := heap()
		z, err := open(c, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		apply(b, z, rules, nil)
		applied := time.Now()
		bytes := 0
		if err := z.reply(&request{kind: typeAXFR, question: append(append([]byte{}, z.layouts[whole].wire...), 0, typeAXFR, 0, classIN), signer: &signer{key: z.key}}, func(msg []byte) error {
			bytes += len(msg)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(applied.Sub(began).Seconds()*1000, "apply-ms")
		b.ReportMetric(time.Since(applied).Seconds()*1000, "axfr-ms")
		b.ReportMetric(float64(bytes)/1e6, "axfr-MB")
		b.ReportMetric(float64(heap()-before)/1e6, "held-MB")
		runtime.KeepAlive(z)
		if err := z.Close(); err != nil {
			b.Fatal(err)
		}
	}
	runtime.KeepAlive(rules)
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// BenchmarkOneMore is one name more, on disk and served.
func BenchmarkOneMore(b *testing.B) {
	z := opened(b, local(b))
	apply(b, z, listed(size()-1), nil)
	one := []driver.Rule{rule("bad.example", driver.NoDomain, true)}
	add := true
	for b.Loop() {
		if add {
			apply(b, z, one, nil)
		} else {
			apply(b, z, nil, one)
		}
		add = !add
	}
}

// BenchmarkOpen is the process beginning anew.
func BenchmarkOpen(b *testing.B) {
	c := local(b)
	z, err := open(c, time.Now)
	if err != nil {
		b.Fatal(err)
	}
	apply(b, z, listed(size()), nil)
	if err := z.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		z, err := open(c, time.Now)
		if err != nil {
			b.Fatal(err)
		}
		if err := z.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFile is the zone as a file.
func BenchmarkFile(b *testing.B) {
	z := opened(b, local(b))
	apply(b, z, listed(size()), nil)
	v := z.serving.Load()
	for b.Loop() {
		if err := z.layouts[whole].write(io.Discard, v.serial, v.held); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTransfer is a client that reads the whole zone, which costs more than
// to serve it.
func BenchmarkTransfer(b *testing.B) {
	c := local(b)
	z := opened(b, c)
	apply(b, z, listed(size()), nil)
	for b.Loop() {
		if _, err := fetched(c, dns.TypeAXFR, 0); err != nil {
			b.Fatal(err)
		}
	}
}
