package detect

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/sensor/synth"
)

// A run that is stopped, saved and gone on with, as often as one likes, finds
// what one pass finds.
func TestGoingOnIsOnePass(t *testing.T) {
	all := synth.New(synth.Config{Seed: 3, Machines: 20}).All()
	conf := Config{Home: synth.Home(), Seed: 9, Limits: Limits{Pairs: 4096, Names: 2048, Beats: 500}}
	whole := New(conf)
	whole.AddAll(all)
	want := list(whole.Finish().Findings, 0)
	d := New(conf)
	for i := range 4 {
		d.AddAll(all[i*len(all)/4 : (i+1)*len(all)/4])
		d.Finish() // judging in between changes nothing
		var b bytes.Buffer
		if err := d.Save(&b); err != nil {
			t.Fatal(err)
		}
		t.Logf("state after a part: %d KB", b.Len()/1000)
		var err error
		if d, err = Load(conf, bytes.NewReader(b.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(d.Finish().Findings, 0); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if want == "" {
		t.Error("nothing was found")
	}
}

func TestBrokenStateIsRefused(t *testing.T) {
	d := New(Config{Limits: Limits{Pairs: 64}})
	r := record.Record{Start: hour, End: hour, Src: addr4(0x0a000001), Dst: addr4(0x08080808), Proto: 6, DstPort: 443, Packets: [2]uint64{3, 3}}
	d.Add(&r)
	var b bytes.Buffer
	if err := d.Save(&b); err != nil {
		t.Fatal(err)
	}
	huge := []byte{version, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff} // an array of 2^64-1
	for _, in := range [][]byte{nil, []byte("hello"), b.Bytes()[:b.Len()/2], huge} {
		if _, err := Load(Config{}, bytes.NewReader(in)); !errors.Is(err, ErrState) {
			t.Errorf("%d bytes: %v", len(in), err)
		}
	}
	d.state.Pairs.each(func(p *pair) { p.Beat = 7 })
	b.Reset()
	if err := d.Save(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Config{}, &b); !errors.Is(err, ErrState) {
		t.Error("a rhythm that is not there is read")
	}
}

// A state of any form is read whole or refused, and what is read can be used.
func FuzzLoad(f *testing.F) {
	d := New(Config{Limits: Limits{Pairs: 16, Beats: 4, Names: 16, Outside: 16, Home: 8, Scans: 16, Victims: 8, Others: 256}})
	r := record.Record{Start: hour, End: hour, Src: addr4(0x0a000001), Dst: addr4(0x08080808), Proto: 6, DstPort: 443, Packets: [2]uint64{3, 3}}
	for range 5 {
		d.Add(&r)
		r.Start += minute
	}
	var b bytes.Buffer
	if err := d.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Load(Config{}, bytes.NewReader(b))
		if err != nil {
			return
		}
		r := r
		d.Add(&r)
		d.Finish()
	})
}

// What waits is halved every minute, whether or not somebody looks.
func TestWaitingIsHalvedEachMinute(t *testing.T) {
	var w waiting
	var cells [2][]float64
	for k := range cells {
		cells[k] = make([]float64, waitingCells)
	}
	at, rng := int64(1_793_764_800)*second, rand.New(rand.NewPCG(1, 2))
	last := at / minute
	for i := range 4000 {
		at += int64(rng.IntN(40)) * second
		if i%500 == 499 {
			at += int64(rng.IntN(60)) * minute
		}
		for ; last < at/minute; last++ {
			for k := range cells {
				for i := range cells[k][:256] {
					cells[k][i] /= 2
				}
			}
		}
		h := uint64(rng.IntN(8))
		f := flow{Record: &record.Record{Start: at, Packets: [2]uint64{uint64(rng.IntN(70))}}, dstHash: h | h<<40}
		v := max(float64(f.Packets[0]), floodPackets/floodFlows)
		cells[0][h] += v
		want := cells[0][h] >= floodPackets/100
		if got := w.enough(&f); got != want && math.Abs(cells[0][h]-floodPackets/100) > 0.01 {
			t.Fatalf("%d: %v with %.2f packets", i, got, cells[0][h])
		}
	}
	if !w.sound() {
		t.Errorf("scale %v", w.Scale)
	}
}
