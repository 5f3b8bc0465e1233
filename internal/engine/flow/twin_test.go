package flow

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// twin is the table as one would explain it: a map, every byte of TCP in a set,
// no limits.
type twin struct {
	opts    Options
	flows   map[string]*twinFlow
	number  uint64
	latest  int64
	ticks   int64
	started bool
	out     []string
}

type twinFlow struct {
	first  uint64
	rec    record.Record
	refuse bool
	src    string // the initiator's end
	sides  [2]twinSide
}

type twinSide struct {
	heard, syn, fin bool
	isn             uint32
	base            uint32 // number of the first byte
	known           bool
	got             map[int]bool // offsets from base
	edge            int          // all before it is settled
	told            bool
	ackTop          uint32
}

func newTwin(o Options) *twin {
	o.ready()
	return &twin{opts: o, flows: map[string]*twinFlow{}}
}

func (w *twin) grade(f *twinFlow) int {
	both := f.sides[0].heard && f.sides[1].heard
	switch f.rec.Proto {
	case packet.ProtoTCP:
		switch {
		case f.sides[0].fin && f.sides[1].fin || (f.rec.Flags[0]|f.rec.Flags[1])&flagRST != 0:
			return tcpClosed
		case both || !f.sides[0].syn:
			return tcpOpen
		}
		return tcpTried
	case packet.ProtoUDP:
		if both {
			return udpOpen
		}
		return udpTried
	case packet.ProtoICMP:
		return icmp
	}
	return other
}

func (w *twin) over(f *twinFlow) int64 { return f.rec.End + w.opts.silence[w.grade(f)] }

// end writes flows out in the order of their first packets.
func (w *twin) end(which func(*twinFlow) bool) {
	var list []*twinFlow
	for k, f := range maps.Clone(w.flows) {
		if which(f) {
			delete(w.flows, k)
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b *twinFlow) int { return int(a.first) - int(b.first) })
	for _, f := range list {
		r := &f.rec
		for i := range f.sides {
			s := &f.sides[i]
			top := s.edge
			for o := range s.got {
				top = max(top, o+1)
			}
			missing := 0
			for o := s.edge; o < top; o++ {
				if !s.got[o] {
					missing++
				}
			}
			if s.told && s.known {
				if more := int(int32(s.ackTop - (s.base + uint32(top)))); more > 0 {
					if s.fin {
						more--
					}
					missing += more
				}
			}
			r.Lost[i] += uint64(missing)
		}
		r.State = stateOf(r, f.refuse)
		w.out = append(w.out, describe(r))
	}
}

func describe(r *record.Record) string {
	return fmt.Sprint(r.Start, r.End, r.Src, r.Dst, r.SrcPort, r.DstPort, r.Proto, r.State, r.VLAN, r.Packets, r.Bytes, r.Payload, r.Lost, r.Flags)
}

func (w *twin) clock(at int64) {
	s := ticksOf(at)
	switch {
	case !w.started:
		w.started, w.latest, w.ticks = true, at, s
	case at > w.latest:
		w.latest = at
		if s > w.ticks {
			w.ticks = s
			w.end(func(f *twinFlow) bool { return w.over(f) <= s*tickTime })
		}
	case at < w.latest-MaxDisorder:
		w.latest, w.ticks = at, s
		w.end(func(*twinFlow) bool { return true })
	}
}

func (w *twin) add(p pk) {
	w.number++
	w.clock(p.at)
	sport, dport, answer := p.sport, p.dport, false
	one := ""
	if p.proto == packet.ProtoICMP {
		var way bool
		if sport, dport, way, answer = icmpPorts(false, p.typ, p.code); way {
			one = p.src + ">"
		}
	}
	a, b := fmt.Sprintf("%s %d", p.src, sport), fmt.Sprintf("%s %d", p.dst, dport)
	k := fmt.Sprint(min(a, b), max(a, b), p.proto, p.vlan, one)
	f := w.flows[k]
	if f != nil && w.another(f, p, a) {
		w.end(func(g *twinFlow) bool { return g == f })
		f = nil
	}
	if f == nil {
		f = &twinFlow{first: w.number, src: a}
		src, dst := p.src, p.dst
		turn := answer
		switch {
		case p.proto == packet.ProtoTCP && p.flags&flagSYN != 0:
			turn = p.flags&flagACK != 0
		case p.proto == packet.ProtoTCP || p.proto == packet.ProtoUDP:
			turn = service(sport) && !service(dport)
		}
		if turn {
			src, dst, sport, dport, f.src = dst, src, dport, sport, b
		}
		f.rec = record.Record{Start: p.at, End: p.at, Src: netip.MustParseAddr(src), Dst: netip.MustParseAddr(dst), SrcPort: sport, DstPort: dport, Proto: p.proto, VLAN: p.vlan}
		w.flows[k] = f
	}
	side := record.In
	if a == f.src {
		side = record.Out
	}
	r := &f.rec
	r.Start, r.End = min(r.Start, p.at), max(r.End, p.at)
	r.Packets[side]++
	frame := p.build()
	r.Bytes[side] += uint64(len(frame.Data) - 14)
	if p.vlan != 0 {
		r.Bytes[side] -= 4
	}
	switch p.proto {
	case packet.ProtoTCP:
		w.tcp(f, side, p)
	case packet.ProtoUDP:
		r.Payload[side] += uint64(len(p.body))
	}
	f.sides[side].heard = true
}

func (w *twin) another(f *twinFlow, p pk, a string) bool {
	if p.at > w.over(f) {
		return true
	}
	if p.proto != packet.ProtoTCP || p.flags&flagSYN == 0 || p.flags&(flagACK|flagRST) != 0 {
		return false
	}
	me, you := &f.sides[record.In], &f.sides[record.Out]
	if a == f.src {
		me, you = you, me
	}
	switch {
	case me.syn && me.isn == p.seq:
		return false
	case !me.syn && !you.syn:
		return true
	case !me.syn:
		return me.heard
	}
	return me.fin && you.fin || (f.rec.Flags[0]|f.rec.Flags[1])&flagRST != 0 || you.heard
}

func (w *twin) tcp(f *twinFlow, side int, p pk) {
	s, o := &f.sides[side], &f.sides[1-side]
	f.rec.Flags[side] |= p.flags
	seq := p.seq
	if p.flags&flagSYN != 0 {
		if !s.syn {
			s.syn, s.isn = true, seq
			if !s.known {
				s.known, s.base = true, seq+1
			}
		}
		seq++
	}
	if p.flags&flagRST != 0 {
		return
	}
	if p.flags&flagACK != 0 {
		if !o.told || int32(p.ack-o.ackTop) > 0 {
			o.told, o.ackTop = true, p.ack
		}
		if o.known {
			w.settle(f, 1-side, int(int32(p.ack-o.base)))
		}
	}
	if !s.known && (len(p.body) > 0 || p.flags&flagACK != 0) {
		s.known, s.base = true, seq
	}
	if s.got == nil {
		s.got = map[int]bool{}
	}
	from := int(int32(seq - s.base))
	for i := range p.body {
		if o := from + i; o >= s.edge && !s.got[o] {
			s.got[o] = true
			f.rec.Payload[side]++
		}
	}
	for s.got[s.edge] {
		s.edge++
	}
	s.fin = s.fin || p.flags&flagFIN != 0
}

// settle gives up the gaps before data that was acknowledged.
func (w *twin) settle(f *twinFlow, side, ack int) {
	s := &f.sides[side]
	for {
		next := -1
		for o := range s.got {
			if o >= s.edge && (next < 0 || o < next) {
				next = o
			}
		}
		if next < 0 || ack <= next {
			return
		}
		f.rec.Lost[side] += uint64(next - s.edge)
		for s.edge = next; s.got[s.edge]; s.edge++ {
		}
	}
}

// random makes packets of few ends, so that everything meets everything.
func random(rng *rand.Rand, n int) []pk {
	hosts := []string{"192.0.2.1", "192.0.2.2", "198.51.100.7", "10.0.0.1"}
	ports := []uint16{40000, 40001, 80, 53}
	flags := []uint8{flagSYN, flagSYN | flagACK, flagACK, flagACK, flagACK, flagACK | flagPSH, flagACK | flagFIN, flagRST, flagRST | flagACK, 0}
	at := int64(1_700_000_000_000_000_000)
	out := make([]pk, n)
	for i := range out {
		switch rng.IntN(40) {
		case 0:
			at += rng.Int64N(700e9)
		case 1:
			at -= rng.Int64N(50e9)
		case 2:
			if rng.IntN(8) == 0 {
				at += rng.Int64N(4e18) / 8 * int64(rng.IntN(3)-1)
				at = max(at, 0)
			}
		default:
			at += rng.Int64N(3e9)
		}
		p := pk{at: at, src: hosts[rng.IntN(len(hosts))], dst: hosts[rng.IntN(len(hosts))], sport: ports[rng.IntN(len(ports))], dport: ports[rng.IntN(len(ports))]}
		for p.dst == p.src {
			p.dst = hosts[rng.IntN(len(hosts))]
		}
		if rng.IntN(9) == 0 {
			p.vlan = 7
		}
		switch rng.IntN(8) {
		case 0:
			p.proto, p.typ, p.code = packet.ProtoICMP, []uint8{8, 0, 13, 14, 42}[rng.IntN(5)], uint8(rng.IntN(2))
			p.sport, p.dport = 0, 0
		case 1:
			p.proto, p.body = packet.ProtoUDP, make([]byte, rng.IntN(30))
		case 2:
			p.proto, p.sport, p.dport = 89, 0, 0
		default:
			p.proto, p.flags = packet.ProtoTCP, flags[rng.IntN(len(flags))]
			p.seq, p.ack = 0xffffffc0+uint32(rng.IntN(120)), 0xffffffc0+uint32(rng.IntN(120))
			if rng.IntN(2) == 0 {
				p.body = make([]byte, rng.IntN(20))
			}
			if p.flags == 0 && len(p.body) == 0 {
				p.flags = flagACK
			}
		}
		out[i] = p
	}
	return out
}

// The table says what its twin says, in the same order, with any number of
// workers and any batches.
func TestTwin(t *testing.T) {
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 0))
		list := random(rng, 50+rng.IntN(1500))
		var o Options
		w := newTwin(o)
		for _, p := range list {
			w.add(p)
		}
		w.end(func(*twinFlow) bool { return true })
		want := strings.Join(w.out, "\n")
		for _, workers := range []int{1, 2, 5} {
			o.Workers = workers
			var got []string
			tr := New(o, func(r *record.Record) error { got = append(got, describe(r)); return nil })
			all := frames(list)
			for len(all) > 0 {
				n := min(1+rng.IntN(700), len(all))
				if err := tr.Add(all[:n]); err != nil {
					t.Fatal(err)
				}
				for _, p := range all[:n] {
					clear(p.Data) // Add needs them no more
				}
				all = all[n:]
			}
			if err := tr.Close(); err != nil {
				t.Fatal(err)
			}
			if g := strings.Join(got, "\n"); g != want {
				for i := range got {
					if i >= len(w.out) || got[i] != w.out[i] {
						t.Fatalf("seed %d, %d workers, %d packets, record %d of %d, %d:\n got %s\nwant %s", seed, workers, len(list), i, len(got), len(w.out), got[i], w.out[min(i, len(w.out)-1)])
					}
				}
				t.Fatalf("seed %d: %d records, want %d", seed, len(got), len(w.out))
			}
		}
	}
}
