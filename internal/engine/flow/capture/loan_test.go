package capture

import (
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"
	"time"
)

// slowly gives as much as chance says, as a pipe does.
type slowly struct {
	src io.Reader
	rng *rand.Rand
}

func (s *slowly) Read(p []byte) (int, error) { return s.src.Read(p[:1+s.rng.IntN(len(p))]) }

// TestLend has several readers hold on to packets for as long as chance says:
// they see what Next gives, in any order in which loans come back, and nothing
// is left when all came back.
func TestLend(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	var ps []Packet
	for range 20 {
		ps = append(ps, some(rng, 400)...)
	}
	file := old(form1{binary.LittleEndian, magicMicro, 4}, ps)
	for name, open := range map[string]func() io.Reader{
		"file":   func() io.Reader { return bytes.NewReader(file) },
		"pipe":   func() io.Reader { return &slowly{bytes.NewReader(file), rand.New(rand.NewPCG(1, 2))} },
		"broken": func() io.Reader { return iotest.TimeoutReader(bytes.NewReader(file)) },
		"gzip":   func() io.Reader { return bytes.NewReader(gzipped1(file, 1)) },
	} {
		for _, stop := range []int{1 << 30, 7} {
			want := sums(t, open(), stop)
			if got := lentSums(t, open(), stop); !bytes.Equal(got, want) {
				t.Errorf("%s, stopped after %d: what is lent is not what is read", name, stop)
			}
		}
	}
}

// sums are hashes of packets in their order.
func sums(t *testing.T, src io.Reader, stop int) (out []byte) {
	r, err := NewReader(src)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Wipe()
	batch := make([]Packet, 100)
	for range stop {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			h := fnv.New64a()
			_, _ = h.Write(batch[i].Data)
			out = h.Sum(out)
		}
		if err != nil {
			break
		}
	}
	return out
}

func lentSums(t *testing.T, src io.Reader, stop int) []byte {
	r, err := NewReader(src)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.SetClock(func() int64 { return int64(time.Since(began)) })
	type work struct {
		batch []Packet
		loan  *Loan
		sums  []byte
	}
	all, todo := []*work(nil), make(chan *work) // no room: who asks for more holds three at most
	var busy sync.WaitGroup
	for w := range uint64(3) {
		busy.Go(func() {
			rng := rand.New(rand.NewPCG(w, 1))
			for x := range todo {
				time.Sleep(time.Duration(rng.IntN(300)) * time.Microsecond)
				for i := range x.batch {
					h := fnv.New64a()
					_, _ = h.Write(x.batch[i].Data)
					x.sums = h.Sum(x.sums)
				}
				x.loan.Return()
			}
		})
	}
	seen := map[*Loan]bool{}
	for range stop {
		x := &work{batch: make([]Packet, 100)}
		n, loan, err := r.Lend(x.batch)
		if err != nil {
			break
		}
		x.batch, x.loan = x.batch[:n], loan
		seen[loan] = true
		all = append(all, x)
		todo <- x
	}
	r.Wipe()
	close(todo)
	busy.Wait()
	if len(seen) > maxLent {
		t.Errorf("%d buffers", len(seen))
	}
	for l := range seen {
		if bytes.ContainsFunc(l.buf, func(c rune) bool { return c != 0 }) {
			t.Error("a buffer that came back holds something")
		}
	}
	if s := r.Stats(); s.HeldNanos < s.WipeNanos || s.WipeNanos <= 0 {
		t.Errorf("%+v", s)
	}
	var out []byte
	for _, x := range all {
		out = append(out, x.sums...)
	}
	return out
}
