package evtx

import (
	"bytes"
	"errors"
	"io"
	"path"
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

// processor is the processor time of this process: on a shared machine the
// clock measures the neighbours too.
func processor(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
