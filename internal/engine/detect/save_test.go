package detect

import (
	"bytes"
	"encoding/binary"
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
	huge := []byte{1, 0, 0, 0, version, 9, 0, 0, 0, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff} // an array of 2^64-1
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

// What is damaged in a state that hangs together is refused, or does no harm.
func TestDamagedStateDoesNoHarm(t *testing.T) {
	r := record.Record{Start: hour, End: hour, Src: addr4(0x0a000001), Dst: addr4(0x08080808), Proto: 6, DstPort: 443, Packets: [2]uint64{3, 3}, Payload: [2]uint64{5, 5}, State: record.Open}
	for name, damage := range map[string]func(*state){
		"tool":     func(s *state) { s.Outside.each(func(p *place) { p.Tool = 30000 }) },
		"early":    func(s *state) { s.Pairs.each(func(p *pair) { p.Early[0] = -45 * second }) },
		"only":     func(s *state) { s.Homes.each(func(m *machine) { m.Only = -45 * second }) },
		"grid":     func(s *state) { s.Beats.of(1).Grid.Base = math.MinInt64 },
		"rhythm":   func(s *state) { s.Beats.of(1).Waiting = pendingBeats + 1 },
		"not text": func(s *state) { s.Tunnels = map[tunnelKey]tunnelled{{r.Src, "\xff"}: {}} },
	} {
		for _, records := range []int{2, beatAfter + 1} {
			d, r := New(Config{}), r
			for range records {
				d.Add(&r)
				r.Start, r.End = r.Start+minute, r.End+minute
			}
			if d.state.Beats.Made == 0 && (name == "grid" || name == "rhythm") {
				continue
			}
			damage(&d.state)
			var b bytes.Buffer
			if err := d.Save(&b); err != nil {
				t.Fatal(err)
			}
			d, err := Load(Config{}, &b)
			if (err == nil) == (name == "tool" || name == "rhythm") {
				t.Errorf("%s: %v", name, err)
			}
			if err == nil {
				r.Start, r.End = 1, 1
				d.Add(&r)
				d.Finish()
			}
		}
	}
}

// A state cannot ask for more than the tables may be, nor for more than it holds.
func TestGreedyStateIsRefused(t *testing.T) {
	small := Config{Limits: Limits{Pairs: 64, Beats: 64}}
	write := func(d *Detector) *bytes.Buffer {
		var b bytes.Buffer
		if err := d.Save(&b); err != nil {
			t.Fatal(err)
		}
		return &b
	}
	if _, err := Load(small, write(New(Config{}))); !errors.Is(err, ErrState) {
		t.Error("larger tables are read")
	}
	if _, err := Load(Config{}, write(New(small))); err != nil {
		t.Error(err)
	}
	d := New(Config{})
	d.state.Seed, d.state.Waiting.Cells[0] = 1, make([]float32, 1<<18+1)
	if _, err := Load(Config{}, write(d)); !errors.Is(err, ErrState) {
		t.Error("a long row is read")
	}
	r, size := &reader{r: bytes.NewReader([]byte{1, 0, 0, 1})}, maxItem
	if err := r.get(&size, short); !errors.Is(err, ErrState) || cap(r.item) > 0 {
		t.Errorf("16 MB are made room for: %v", err)
	}
	var p piece[relay]
	many := append([]byte{0, 0, 0, 0}, append([]byte{0xa1, 0x64, 'V', 'a', 'l', 's', 0x99, 0x04, 0x01}, bytes.Repeat([]byte{0xa0}, 1025)...)...)
	binary.LittleEndian.PutUint32(many, uint32(len(many)-4))
	if err := (&reader{r: bytes.NewReader(many)}).get(&p, short); err == nil || p.Vals != nil {
		t.Errorf("%d values are made of a piece too large: %v", len(p.Vals), err)
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
