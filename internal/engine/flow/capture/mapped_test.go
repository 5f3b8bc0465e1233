package capture

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
)

// asRead compares a capture in memory with the same that is read, and looks
// that the memory stays as it is.
func asRead(t *testing.T, b []byte, size int) {
	t.Helper()
	before := bytes.Clone(b)
	want, ws, werr := all(t, bytes.NewReader(b), size)
	r, err := NewMapped(b)
	if errors.Is(err, ErrCompressed) {
		return
	}
	got, gs, err := drain(t, r, err, size)
	if err != werr && (err == nil || werr == nil || err.Error() != werr.Error()) {
		t.Fatalf("%v, and read: %v", err, werr)
	}
	samePackets(t, got, want, true)
	gs.Wipes, gs.WipeSum, gs.WipeNanos, gs.HeldNanos = ws.Wipes, ws.WipeSum, ws.WipeNanos, ws.HeldNanos
	if gs != ws {
		t.Fatalf("%+v, and read: %+v", gs, ws)
	}
	if r != nil {
		r.Wipe()
	}
	if !bytes.Equal(b, before) {
		t.Fatal("memory that is not the reader's was written to")
	}
}

func TestMappedIsAsRead(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 22))
	for _, n := range []int{0, 1, 9, 700} {
		for name, b := range forms(r, some(r, n)) {
			t.Run(name, func(t *testing.T) {
				asRead(t, b, 512)
				for range 20 {
					asRead(t, b[:r.IntN(len(b)+1)], 1+r.IntN(9))
				}
			})
		}
	}
}

// TestMappedIsLent lends batches that are returned in another order.
func TestMappedIsLent(t *testing.T) {
	r := rand.New(rand.NewPCG(23, 24))
	ps := some(r, 700)
	in, err := NewMapped(forms(r, ps)["micro"])
	if err != nil {
		t.Fatal(err)
	}
	var clock int64
	in.SetClock(func() int64 { clock++; return clock })
	var got []Packet
	var loans []*Loan
	for at := 0; ; {
		batch := make([]Packet, 7)
		n, loan, err := in.Lend(batch)
		if err == io.EOF {
			break
		}
		if err != nil || loan.Waits() || in.Offset() <= at {
			t.Fatal(err, in.Offset())
		}
		at = in.Offset()
		got, loans = append(got, batch[:n]...), append(loans, loan)
	}
	slices.Reverse(loans)
	for _, l := range loans {
		l.Return()
	}
	samePackets(t, got, ps, true)
}
