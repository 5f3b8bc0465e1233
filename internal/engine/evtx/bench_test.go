package evtx

import (
	"bytes"
	"errors"
	"io"
	"path"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"noroshi/internal/engine/event"
)

// dense returns the chunks of the shared files that are at least three quarters
// full, and the bytes that they use: sparse ones would flatter MB/s or events/s.
func dense(t testing.TB) (chunks [][]byte, used int) {
	for name, file := range unzipped(t, "copyleft/evtx/evtx-attack-samples-dev.zip") {
		if path.Ext(name) != ".evtx" {
			continue
		}
		c := NewChunks(bytes.NewReader(file))
		for {
			buf := make([]byte, ChunkSize)
			n, _, err := c.Next(buf)
			if errors.Is(err, io.EOF) {
				break
			}
			if free := freeSpace(buf[:n]); free > ChunkSize*3/4 {
				chunks, used = append(chunks, buf[:n]), used+free
			}
		}
	}
	return chunks, used
}

func BenchmarkChunk(b *testing.B) {
	chunks, used := dense(b)
	d := NewDecoder(Options{})
	var row event.Row
	events := 0
	pass := func() {
		for _, c := range chunks {
			if _, err := d.Chunk(&row, c, 0, func(*event.Row) error { events++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
	}
	pass()
	events = 0
	from := processor(b)
	b.SetBytes(int64(used))
	b.ReportAllocs()
	for b.Loop() {
		pass()
	}
	spent := (processor(b) - from).Seconds()
	b.ReportMetric(float64(events)/spent, "events/cpu-s")
	b.ReportMetric(float64(used)*float64(b.N)/spent/1e6, "MB/cpu-s")
	b.ReportMetric(float64(used)*float64(b.N)/float64(events), "B/event")
}

// BenchmarkWorkers decodes with a worker for each processor: with -cpu 1,2 the
// events of a second of processor time must stay the same.
func BenchmarkWorkers(b *testing.B) {
	chunks, used := dense(b)
	names := event.NewNames()
	var events atomic.Int64
	b.SetBytes(int64(used) / int64(len(chunks)))
	from := processor(b)
	b.RunParallel(func(pb *testing.PB) {
		d := NewDecoder(Options{Names: names})
		var row event.Row
		n := 0
		for i := 0; pb.Next(); i++ {
			_, _ = d.Chunk(&row, chunks[i%len(chunks)], 0, func(*event.Row) error { n++; return nil })
		}
		events.Add(int64(n))
	})
	b.ReportMetric(float64(events.Load())/(processor(b)-from).Seconds(), "events/cpu-s")
}

// processor is the processor time of this process: on a shared machine the
// clock measures the neighbours too.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
