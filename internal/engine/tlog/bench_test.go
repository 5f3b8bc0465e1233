package tlog

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// benchSize is how many entries the logs of benchmarks have; NOROSHI_BENCH_SIZE
// sets another number, such as 10000000.
func benchSize(b *testing.B) int {
	if s := os.Getenv("NOROSHI_BENCH_SIZE"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			b.Fatalf("NOROSHI_BENCH_SIZE is %q", s)
		}
		return n
	}
	return 500_000
}

// diskLog writes a log of n entries of the given size to a new folder.
func diskLog(b *testing.B, n, entrySize int) (dir string, tree Tree, key note.Verifier) {
	b.Helper()
	signer, key := testKey(b, "ledger.example")
	dir = b.TempDir()
	write := func(path string, data []byte) {
		name := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.WriteFile(name, data, 0o644); err != nil {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				b.Fatal(err)
			}
			if err := os.WriteFile(name, data, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	room := make([]byte, 20000*entrySize)
	for i := range room {
		room[i] = byte(i * 7)
	}
	batch := make([][]byte, 0, 20000)
	for done := 0; done < n; done += len(batch) {
		batch = batch[:0]
		for k := range min(20000, n-done) {
			e := room[k*entrySize : (k+1)*entrySize]
			copy(e, fmt.Sprintf("%12d", done+k))
			batch = append(batch, e)
		}
		next, out, err := tree.Append(batch)
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range out.Files {
			write(f.Path, f.Data)
		}
		for _, path := range out.Superseded {
			os.Remove(filepath.Join(dir, filepath.FromSlash(path)))
		}
		tree = next
	}
	write(CheckpointPath, sign(b, signer, tree))
	return dir, tree, key
}

// BenchmarkVerify verifies a log on disk with entries of 300 bytes. The goal
// is 450,000 entries/s on two processors.
func BenchmarkVerify(b *testing.B) {
	n := benchSize(b)
	dir, _, key := diskLog(b, n, 300)
	b.ReportAllocs()
	var peak uint64
	for b.Loop() {
		var m runtime.MemStats
		step := uint64(0)
		res, err := Verify(b.Context(), os.DirFS(dir), Options{Keys: keys(key), Progress: func(done, _ uint64) {
			if done >= step {
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
				step += uint64(n/10 + 1)
			}
		}})
		if err != nil || res.Entries != uint64(n) {
			b.Fatal(res, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(peak)/(1<<20), "MiB-heap")
}

// BenchmarkVerifyReplay is BenchmarkVerify with every entry handed over.
func BenchmarkVerifyReplay(b *testing.B) {
	n := benchSize(b)
	dir, _, key := diskLog(b, n, 300)
	for b.Loop() {
		bytes := 0
		res, err := Verify(b.Context(), os.DirFS(dir), Options{Keys: keys(key), Replay: func(_ uint64, e []byte) error {
			bytes += len(e)
			return nil
		}})
		if err != nil || bytes != 300*n || res.Bytes != uint64(bytes) {
			b.Fatal(res, err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkAppend appends batches to a log that is large already.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100, 10_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			start, _, err := Tree{}.Append(makeEntries(seeded(50), 70_123, 4))
			if err != nil {
				b.Fatal(err)
			}
			batch := make([][]byte, size)
			for i := range batch {
				batch[i] = fmt.Appendf(make([]byte, 300), "%d", i)[:300]
			}
			b.ReportAllocs()
			tree := start
			for b.Loop() {
				next, out, err := tree.Append(batch)
				if err != nil || len(out.Files) == 0 {
					b.Fatal(err)
				}
				if next.Root() == tree.Root() {
					b.Fatal("the root stays the same")
				}
				tree = next
			}
			b.ReportMetric(float64(size)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkProve makes proofs from the tiles on disk.
func BenchmarkProve(b *testing.B) {
	n := benchSize(b)
	dir, tree, _ := diskLog(b, n, 300)
	checkpoint, err := os.ReadFile(filepath.Join(dir, CheckpointPath))
	if err != nil {
		b.Fatal(err)
	}
	reader := tree.Reader(os.DirFS(dir))
	r := seeded(51)
	b.ReportAllocs()
	for b.Loop() {
		index := uint64(r.IntN(n))
		if _, err := reader.Prove(index, checkpoint); err != nil {
			b.Fatal(err)
		}
	}

}

// BenchmarkProofVerify checks one proof with its signature. The goal is 1 ms.
func BenchmarkProofVerify(b *testing.B) {
	dir, tree, key := diskLog(b, 100_000, 30)
	checkpoint, err := os.ReadFile(filepath.Join(dir, CheckpointPath))
	if err != nil {
		b.Fatal(err)
	}
	reader := tree.Reader(os.DirFS(dir))
	p, err := reader.Prove(77_777, checkpoint)
	if err != nil {
		b.Fatal(err)
	}
	entry, err := reader.Entry(77_777)
	if err != nil {
		b.Fatal(err)
	}
	text := p.Text()
	for b.Loop() {
		back, err := ParseProof(text)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := back.Verify(LeafHash(entry), key); err != nil {
			b.Fatal(err)
		}
	}
}
