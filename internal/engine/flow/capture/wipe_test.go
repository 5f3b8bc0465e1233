package capture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// The canary is never written as it is, so that the program that looks for it
// does not find its own copy.
const (
	canaryHidden = 0x7ea1c0de5eed51de
	canaryMask   = 0x1337c0ffee15dead
)

// plant puts the canary into every packet, at random places, many times.
func plant(r *rand.Rand, ps []Packet) {
	var c [8]byte
	mask := uint64(canaryMask)
	binary.LittleEndian.PutUint64(c[:], canaryHidden^mask)
	for i := range ps {
		for at := 0; at+8 <= len(ps[i].Data); at += 8 + r.IntN(120) {
			copy(ps[i].Data[at:], c[:])
		}
	}
}

// canaries counts the canary in b.
func canaries(b []byte, mask uint64) (n int) {
	for i := 0; i+8 <= len(b); i++ {
		if binary.LittleEndian.Uint64(b[i:])^mask == canaryHidden {
			n++
		}
	}
	return n
}

// TestWiped reads captures full of canaries in a process of their own, which
// then searches all of its writable memory, garbage and stacks included.
func TestWiped(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux shows a process its own memory")
	}
	r := rand.New(rand.NewPCG(11, 12))
	ps := some(r, 500)
	plant(r, ps)
	noisy := some(r, 200)
	plant(r, noisy)
	// Much of it repeats, so that windows are used, and much does not.
	ps = append(append(append([]Packet{}, ps...), noisy...), ps...)
	plain := old(form1{binary.LittleEndian, magicMicro, 4}, ps)
	third := len(plain) / 3
	files := map[string][]byte{
		"plain": plain, "ng": ng(binary.BigEndian, r, ps, true),
		"gzip": gzipped1(plain, 6), "gzip stored": gzipped1(plain, 0), "gzip members": append(gzipped1(plain[:third], 9), gzipped1(plain[third:], 1)...),
		"zstd":              zstd1(plain, zstd.WithEncoderLevel(zstd.SpeedDefault)),
		"zstd best":         zstdStream(plain, zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithWindowSize(16<<20)),
		"zstd small window": zstdStream(plain, zstd.WithWindowSize(1<<12)),
		"zstd growing":      append(zstdStream(plain[:third], zstd.WithWindowSize(1<<17)), zstdStream(plain[third:], zstd.WithWindowSize(1<<23))...),
		"zstd single":       zstd1(plain, zstd.WithSingleSegment(true), zstd.WithEncoderLevel(zstd.SpeedFastest)),
	}
	for name, b := range files {
		for _, how := range []string{"end", "stop"} {
			t.Run(name+" "+how, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "capture")
				if err := os.WriteFile(path, b, 0o600); err != nil {
					t.Fatal(err)
				}
				c := exec.Command(os.Args[0], "-test.run=^TestWipedChild$", "-test.v")
				// A thread stopped by a signal has its registers saved on a stack,
				// and a copy of packets may be under way in them. That is no buffer
				// and goes with the next signal; here no signal stops a thread.
				c.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1", "CAPTURE_WIPE="+path, "CAPTURE_HOW="+how, fmt.Sprintf("CAPTURE_MASK=%d", uint64(canaryMask)))
				out, err := c.CombinedOutput()
				if err != nil || !bytes.Contains(out, []byte("nothing left")) {
					t.Fatalf("%v\n%s", err, out)
				}
			})
		}
	}
}

// TestWipedChild is the process TestWiped starts.
func TestWipedChild(t *testing.T) {
	path := os.Getenv("CAPTURE_WIPE")
	if path == "" {
		t.Skip("started by TestWiped")
	}
	mask, err := strconv.ParseUint(os.Getenv("CAPTURE_MASK"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	look(t, f, mask)
	r, err := NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.SetClock(func() int64 { return int64(time.Since(began)) })
	batch := make([]Packet, 64)
	seen := 0
	for i := 0; ; i++ {
		n, err := r.Next(batch)
		for _, p := range batch[:n] {
			seen += canaries(p.Data, mask)
		}
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if i == 4 && os.Getenv("CAPTURE_HOW") == "stop" {
			if inMemory(t, mask) == 0 {
				t.Fatal("the search does not find what is there")
			}
			start := time.Now()
			r.Wipe()
			t.Logf("wiped in %v", time.Since(start))
			break
		}
	}
	if seen == 0 {
		t.Fatal("no canary was read")
	}
	if n := inMemory(t, mask); n > 0 {
		t.Fatalf("%d canaries of %d left in memory", n, seen)
	}
	t.Logf("nothing left of %d; %d ns until a batch was overwritten, %d ns since it was read", seen, r.Stats().WipeNanos, r.Stats().HeldNanos)
	runtime.KeepAlive(r)
}

// look sees what the file is, as who reads it does before.
func look(t *testing.T, f *os.File, mask uint64) {
	head, plain := make([]byte, 136<<10), make([]byte, 64<<10)
	k, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	n, packed := Begins(head[:k], plain)
	if packed && canaries(plain[:n], mask) == 0 {
		t.Fatalf("no canary in %d bytes", n)
	}
	clear(head)
	clear(plain)
}

// inMemory counts the canaries in this process's writable memory.
func inMemory(t *testing.T, mask uint64) (n int) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Skip(err)
	}
	defer mem.Close()
	buf := make([]byte, 1<<20)
	for line := range strings.Lines(string(maps)) {
		f := strings.Fields(line)
		if len(f) < 2 || !strings.HasPrefix(f[1], "rw") {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		lo, _ := strconv.ParseUint(from, 16, 64)
		hi, _ := strconv.ParseUint(to, 16, 64)
		for at := lo; at < hi; at += uint64(len(buf) - 8) {
			k, err := mem.ReadAt(buf[:min(uint64(len(buf)), hi-at)], int64(at))
			if err != nil && k == 0 {
				break
			}
			n += canaries(buf[:k], mask)
			clear(buf)
		}
	}
	return n
}
