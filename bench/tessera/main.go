// Command tessera appends entries to a log of Tessera's POSIX driver, the peer
// of Noroshi's ledger, and prints what it measured as JSON. It is a module of
// its own, so that the product depends on nothing of it.
//
// Like the ledger's measure beside it: so many writers, each waiting until its
// entry is durable before it makes the next; a checkpoint every 500 ms. Here an
// entry is durable when its future resolves: the driver has then written entry
// bundle, tiles and state with O_SYNC and has fsynced their folders. Antispam
// is off, as the ledger has none.
//
// A batch is flushed when it is full or old enough (WithBatching). With fewer
// writers than a batch holds every batch waits for its age, so the size has to
// suit the writers: of what was tried for 64 writers, -batch 32 -age 5ms is the
// quickest; for 512 it is Tessera's own defaults, 256 and 250 ms.
package main

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	mrand "math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

func main() {
	dir := flag.String("dir", os.TempDir(), "folder to make the log in")
	writers := flag.Int("writers", 64, "writers at once")
	size := flag.Int("size", 300, "bytes of an entry")
	batch := flag.Uint("batch", tessera.DefaultBatchMaxSize, "entries of a batch")
	age := flag.Duration("age", tessera.DefaultBatchMaxAge, "age of a batch")
	length := flag.Duration("time", 5*time.Second, "how long to write")
	flag.Parse()
	if err := run(*dir, *writers, *size, *batch, *age, *length); err != nil {
		log.Fatal(err)
	}
}

func run(parent string, writers, size int, batch uint, age, length time.Duration) (err error) {
	dir, err := os.MkdirTemp(parent, "bench-tessera-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx := context.Background()
	secret, _, err := note.GenerateKey(rand.Reader, "log.example")
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).WithCheckpointInterval(500*time.Millisecond).WithBatching(batch, age))
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, 2*time.Millisecond)

	var made atomic.Uint64
	entry := func() *tessera.Entry {
		data := make([]byte, size)
		_, _ = rand.Read(data)
		binary.BigEndian.PutUint64(data, made.Add(1))
		return tessera.NewEntry(data)
	}
	var (
		mu     sync.Mutex
		waits  []time.Duration // until an entry is durable
		proofs []time.Duration // from then until a checkpoint covers it
		last   tessera.IndexFuture
		failed error
		wg     sync.WaitGroup
	)
	began, before := time.Now(), worked()
	until := began.Add(length)
	for w := range writers {
		wg.Go(func() {
			var own, seen []time.Duration
			for time.Now().Before(until) {
				t := time.Now()
				future := appender.Add(ctx, entry())
				_, err := future()
				own = append(own, time.Since(t))
				if err == nil && w == 0 { // one writer also waits for the proof
					t = time.Now()
					_, _, err = awaiter.Await(ctx, future)
					seen = append(seen, time.Since(t))
					time.Sleep(mrand.N(500 * time.Millisecond)) // so as not to march in step with the checkpoints
				}
				mu.Lock()
				last, failed = future, errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					break
				}
			}
			mu.Lock()
			waits, proofs = append(waits, own...), append(proofs, seen...)
			mu.Unlock()
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	if _, _, err := awaiter.Await(ctx, last); err != nil {
		return err
	}
	took := time.Since(began)
	if err := shutdown(ctx); err != nil {
		return fmt.Errorf("shutdown: %w", err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"cpu us": (worked() - before) / float64(len(waits)), "entries/s": float64(len(waits)) / took.Seconds(), "entry bytes": float64(size),
		"durable p95 ms": p95(waits), "proof p95 ms": p95(proofs),
	})
}

// worked returns the processor time of this process so far, in microseconds.
func worked() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e3
}

// p95 returns the 95th percentile in milliseconds.
func p95(d []time.Duration) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[(len(d)*95+99)/100-1].Seconds() * 1e3
}
