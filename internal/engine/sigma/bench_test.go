package sigma

import (
	"testing"
	"time"
)

// BenchmarkLoad reads all rules of a public collection: 3,141 files, 4.7 MB.
func BenchmarkLoad(b *testing.B) {
	files := archive(b, "sigma/sigma-rules.zip", "rules/")
	size := 0
	for _, f := range files {
		size += len(f.data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		if got := load(files, Options{}); len(got.Rules) != len(files) {
			b.Fatal(len(got.Rules))
		}
	}
}

// BenchmarkRoutes makes the routes and asks for those of every rule.
func BenchmarkRoutes(b *testing.B) {
	rules := load(archive(b, "sigma/sigma-rules.zip", "rules/"), Options{}).Rules
	for b.Loop() {
		routes := DefaultRoutes()
		start := time.Now()
		for _, r := range rules {
			routes.For(r.Logsource)
		}
		b.ReportMetric(float64(time.Since(start).Nanoseconds())/float64(len(rules)), "ns/route")
	}
}
