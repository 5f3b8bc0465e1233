package synth

import (
	"bytes"
	"io"
	"testing"
	"time"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/geo"
)

// All four directions are on the line, and some packets of none; the same seed
// gives the same line.
func TestALineHasAllDirections(t *testing.T) {
	write := func(seed uint64) []byte {
		var b bytes.Buffer
		if err := WriteLink(&b, LinkConfig{Seed: seed, Start: time.Unix(1_700_000_000, 0), Talks: 400}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	raw := write(1)
	if !bytes.Equal(raw, write(1)) || bytes.Equal(raw, write(2)) {
		t.Fatal("a seed does not give one line")
	}
	if !bytes.Contains(raw, []byte(LinkContent)) || !bytes.Contains(raw, []byte(LinkDomain)) || !bytes.Contains(raw, []byte(LinkMailbox)) {
		t.Error("what was planted is not there")
	}
	table, err := geo.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	c, err := table.Classifier(geo.Options{Own: LinkOwn(), Away: LinkAway(), Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	r, err := capture.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[geo.Class]int{}
	last := int64(0)
	batch := make([]capture.Packet, 512)
	for {
		n, err := r.Next(batch)
		for i := range batch[:n] {
			var h packet.Headers
			if f := packet.Decode(&batch[i], &h); f != packet.None {
				t.Fatalf("packet: %s", f)
			}
			seen[c.Class16(&h.Src, &h.Dst)]++
			if batch[i].At < last {
				t.Fatal("packets are not in order")
			}
			last = batch[i].At
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, class := range []geo.Class{geo.FF, geo.FD, geo.DF, geo.DD, geo.Unknown} {
		if seen[class] < 50 {
			t.Errorf("%s: %d packets", class, seen[class])
		}
	}
}
