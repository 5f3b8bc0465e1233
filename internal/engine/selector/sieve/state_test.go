package sieve

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// With room for one, two or few flows, and for little payload, everything is
// still counted once, and what is selected is in records.
func TestFullTables(t *testing.T) {
	hellos := map[string][]byte{}
	for round := range 400 {
		w := &world{rand.New(rand.NewPCG(uint64(round), seed+2)), t, hellos}
		built := frames(append(w.traffic(), w.traffic()...))
		set := list(t, w.sels(true)...)
		for _, flows := range []int{1, 2, 3, 5} {
			o := options(set)
			o.Flows, o.Buffered = flows, int64(w.r.IntN(3))*40<<10
			var got []Record
			s := New(o, func(r *Record) error { got = append(got, *r); return nil })
			for i := range built {
				if _, err := s.Add(built[i : i+1]); err != nil {
					t.Fatal(err)
				}
				held, n := int64(0), 0
				for _, win := range s.pool.all {
					held += int64(cap(win.b))
				}
				for q := range s.table.ends {
					for at := s.table.ends[q].head; at != 0; at = s.table.entries[at].next {
						n++
					}
				}
				if n > flows || n != s.table.used || held > max(o.Buffered, 1<<40*b2i(o.Buffered == 0)) {
					t.Fatalf("%d flows, %d bytes where %d and %d are allowed", n, held, flows, o.Buffered)
				}
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			y := s.Tally()
			conserved(t, &y, got)
			clean(t, s)
		}
	}
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// clean checks that a closed sieve holds nothing of any packet.
func clean(t testing.TB, s *Sieve) {
	t.Helper()
	for _, w := range s.pool.all {
		for _, c := range w.b[:cap(w.b)] {
			if c != 0 {
				t.Fatal("payload is left in a window")
			}
		}
	}
	for i := range s.table.entries {
		if s.table.entries[i] != (entry{}) {
			t.Fatal("a flow is left in the table")
		}
	}
	for i := range s.frags.ring {
		if s.frags.ring[i] != (fragmented{}) {
			t.Fatal("a fragment is left")
		}
	}
	for i := range s.items {
		if s.items[i].k != (key{}) || s.items[i].data != nil {
			t.Fatal("a packet is left")
		}
	}
	if s.h != (packet.Headers{}) || s.scratch != (scratch{}) || len(s.frags.byHash) != 0 {
		t.Fatal("headers are left")
	}
}

// What is held of undecided flows is overwritten as soon as they are decided, not
// when their memory is used again.
func TestDestroyedAtOnce(t *testing.T) {
	set := list(t, sel(selector.Domain, "c2.evil.example.com"), sel(selector.Pattern, `"never there"`))
	now := int64(1)
	o := options(set)
	o.Clock = func() int64 { return now }
	s := New(o, func(*Record) error { return nil })
	holds := func() (n int) {
		for _, w := range s.pool.all {
			for _, c := range w.b[:cap(w.b)] {
				if c != 0 {
					n++
				}
			}
		}
		return n
	}
	hello := tlsHello(t, "fine.example.com")
	var all []capture.Packet
	for i := range 100 { // each half a hello, some with a part that comes too early
		p := stream(dom, abr, uint16(1000+i), 443, hello[:len(hello)/2], 1<<20)
		if i%2 == 0 {
			p[1].seq += 5
		}
		all = append(all, frames(p)...)
	}
	if _, err := s.Add(all); err != nil {
		t.Fatal(err)
	}
	if holds() == 0 {
		t.Fatal("nothing is held: the test shows nothing")
	}
	now += 777_000_000
	if _, err := s.Tick(t0 + 1000 + MaxWait); err != nil {
		t.Fatal(err)
	}
	if n := holds(); n != 0 {
		t.Errorf("%d bytes are left of flows that were rejected", n)
	}
	if d := s.Destroyed(); d.Flows != 100 || d.Longest != 777_000_000 || d.P99 < d.Longest || d.P99 > d.Longest {
		t.Errorf("%+v", d)
	}
	for i := range s.table.entries { // nor is an address
		if e := &s.table.entries[i]; e.k != (key{}) || e.start != 0 {
			t.Error("a rejected flow keeps its addresses")
		}
	}
	if _, err := s.Add(frames([]pk{{at: t0 + 2e9, src: dom, dst: abr, sport: 5, dport: 443, proto: 6, flags: 16, seq: 9, body: hello[:100]},
		{at: t0 + 2e9, src: dom, dst: abr, sport: 5, dport: 443, proto: 6, flags: 16, seq: 109, body: hello[100:]}})); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	clean(t, s)
}

// On a live line with a Tick every 50 ms, whose clock is that of the packets, no
// payload is held for more than a second, whatever comes.
func TestDestroyedInTime(t *testing.T) {
	now := t0
	var flows uint64
	for round := range 200 {
		w := &world{rand.New(rand.NewPCG(uint64(round), seed+4)), t, map[string][]byte{}}
		now = t0
		o := options(list(t, sel(selector.Suffix, "never.example.com"), sel(selector.Pattern, `"never there"`)))
		o.Clock = func() int64 { return now }
		s := New(o, func(*Record) error { return nil })
		for _, p := range frames(w.traffic()) {
			p.At = max(p.At, now)
			for p.At-now > 50e6 && p.At-now < 100e9 {
				now += 50e6
				if _, err := s.Tick(now); err != nil {
					t.Fatal(err)
				}
			}
			if p.At-now >= 100e9 { // nobody waits so long: the source was silent
				now += 50e6
				p.At = now
			}
			now = p.At
			if _, err := s.Add([]capture.Packet{p}); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			now += 50e6
			_, _ = s.Tick(now)
		}
		d := s.Destroyed()
		if flows += d.Flows; d.Longest > 1e9 || d.P99 > 1e9 {
			t.Fatalf("round %d: %+v", round, d)
		}
		_ = s.Close()
		if s.Destroyed() != d {
			t.Fatal("something was held until the end")
		}
	}
	if flows < 100 {
		t.Errorf("only %d flows held anything", flows)
	}
}

// The delays of a thousand flows.
func TestDelays(t *testing.T) {
	d := delays{clock: func() int64 { return 1 << 40 }}
	for i := range int64(1000) {
		d.add(1<<40 - i*1e6)
	}
	if y := d.sum(); y.Flows != 1000 || y.Longest != 999e6 || y.P99 < 989e6 || y.P99 > 989e6*17/16 {
		t.Errorf("%+v", y)
	}
	for _, v := range []uint64{0, 1, 15, 16, 17, 31, 32, 33, 1000, 1 << 40, 1<<63 - 1} {
		if i := bucket(v); limit(i) < int64(v) || i > 0 && limit(i-1) >= int64(v) {
			t.Errorf("%d is in bucket %d up to %d", v, i, limit(i))
		}
	}
}

// around wraps the parts of a fragmented packet of IPv4 that carries a tunnel.
func outerParts(p pk, cut int) []capture.Packet {
	whole := p.build().Data
	head, body := whole[:34], whole[34:]
	var out []capture.Packet
	for off := 0; off < len(body); off += cut {
		n := min(cut, len(body)-off)
		f := append(append([]byte(nil), head...), body[off:off+n]...)
		binary.BigEndian.PutUint16(f[16:], uint16(20+n))
		word := uint16(off / 8)
		if off+n < len(body) {
			word |= 0x2000
		}
		binary.BigEndian.PutUint16(f[18:], 99)
		binary.BigEndian.PutUint16(f[20:], word)
		out = append(out, capture.Packet{Data: f, At: t0, Orig: uint32(len(f)), Link: capture.LinkEthernet})
	}
	return out
}

// Of a tunnel in parts only the first shows all addresses: the others go where it
// went, and nowhere while it is not known.
func TestFragmentedTunnel(t *testing.T) {
	set := list(t, sel(selector.Prefix, "20.0.0.0/8"), sel(selector.Prefix, "30.0.0.0/8"))
	body := make([]byte, 200)
	good, hidden := udp(dom, abr, dom2, abr2), udp(dom, dom2, dom, abr)
	good.body, hidden.body = body, body
	vxlan := func(p pk) pk { // a domestic packet inside one that goes abroad
		inside := udp(dom, dom2)
		inside.body = body
		p.around, p.dport, p.body = nil, 4789, append([]byte{8, 0, 0, 0, 0, 0, 0, 0}, inside.build().Data...)
		return p
	}
	turned := func(list []capture.Packet) []capture.Packet { slices.Reverse(list); return list }
	odd := func(proto uint8, dport uint16) pk { // a first part that does not pass by what carries it
		p := udp(dom, abr)
		p.proto, p.dport, p.body = proto, dport, append([]byte{0, 0, 0x60, 3}, body...) // GRE with DECnet
		return p
	}
	seg := udp(dom, abr)
	seg.proto, seg.body = packet.ProtoTCP, body
	again := func(a, b pk) []capture.Packet { // two packets of one number
		a.body = body
		b.body = body
		x, y := outerParts(a, 64), outerParts(b, 64)
		return append([]capture.Packet{x[0], y[0]}, x[1:]...)
	}
	nested := outerParts(udp(dom, abr, dom, abr), 24)[:1] // around a later part of another: no port is seen
	nested[0].Data[34+7] = 9
	for _, c := range []struct {
		name  string
		parts []capture.Packet
		want  Tally
	}{
		{"a first part around a later part", nested, Tally{Unknown: Amount{Packets: 1}}},
		{"GRE without IP", outerParts(odd(packet.ProtoGRE, 0), 64), Tally{Unknown: Amount{Packets: 4}}},
		{"VXLAN, domestic inside, turned", turned(outerParts(vxlan(udp(dom, abr)), 104)), Tally{Unknown: Amount{Packets: 2}, Domestic: Amount{Packets: 1}}},
		{"VXLAN, the second only", outerParts(vxlan(udp(dom, abr)), 104)[1:2], Tally{Unknown: Amount{Packets: 1}}},
		{"plain UDP", outerParts(odd(packet.ProtoUDP, 9), 64), Tally{Selected: Amount{Packets: 4}}},
		{"plain UDP, turned", turned(outerParts(odd(packet.ProtoUDP, 9), 64)), Tally{Unknown: Amount{Packets: 3}, Selected: Amount{Packets: 1}}},
		{"TCP", outerParts(seg, 64), Tally{Selected: Amount{Packets: 4}}},
		{"TCP, the first is missing", outerParts(seg, 64)[1:], Tally{Unknown: Amount{Packets: 3}}},
		{"two firsts, one of them domestic", again(udp(dom, abr, dom, abr), hidden), Tally{Selected: Amount{Packets: 1}, Domestic: Amount{Packets: 4}}},
		{"two firsts, the domestic one before", again(hidden, udp(dom, abr, dom, abr)), Tally{Domestic: Amount{Packets: 4}, Selected: Amount{Packets: 1}}},
		{"all agree", outerParts(good, 64), Tally{Selected: Amount{Packets: 4}}},
		{"domestic inside", outerParts(hidden, 64), Tally{Domestic: Amount{Packets: 4}}},
		{"the first is missing", outerParts(good, 64)[1:], Tally{Unknown: Amount{Packets: 3}}},
		{"the first comes last", append(outerParts(good, 64)[1:], outerParts(good, 64)[0]), Tally{Unknown: Amount{Packets: 3}, Selected: Amount{Packets: 1}}},
		{"the first does not show the inside", outerParts(good, 16), Tally{Malformed: Amount{Packets: 15}}},
		{"VXLAN, domestic inside", outerParts(vxlan(udp(dom, abr)), 104), Tally{Domestic: Amount{Packets: 3}}},
		{"VXLAN, the inside is in a later part", outerParts(vxlan(udp(dom, abr)), 24), Tally{Malformed: Amount{Packets: 11}}},
	} {
		_, y, _ := sift(t, options(set), c.parts, 1)
		have := []uint64{y.Selected.Packets, y.Domestic.Packets, y.Unknown.Packets, y.Malformed.Packets, y.Unselected.Packets}
		want := []uint64{c.want.Selected.Packets, c.want.Domestic.Packets, c.want.Unknown.Packets, c.want.Malformed.Packets, 0}
		if fmt.Sprint(have) != fmt.Sprint(want) {
			t.Errorf("%s: %d parts, have %v, want %v", c.name, len(c.parts), have, want)
		}
	}
}

// An order for a direction selects nothing of any other, whatever is listed.
func TestAnotherDirection(t *testing.T) {
	all := list(t, sel(selector.Prefix, "20.0.0.0/8"), sel(selector.Prefix, "30.0.0.0/8"), sel(selector.Prefix, "2400::/16"), sel(selector.Pattern, `"aaaa"`))
	for round := range 300 {
		w := &world{rand.New(rand.NewPCG(uint64(round), seed+3)), t, map[string][]byte{}}
		built := frames(w.traffic())
		granted := every[round%3]
		out, y, _ := sift(t, options(all, granted), built, 64)
		for i := range out {
			src, dst := out[i].Src.As16(), out[i].Dst.As16()
			if c := geo.Combine(testSide(&src), testSide(&dst)); c != granted || out[i].Direction != granted {
				t.Fatalf("round %d: %v was granted, %v selected", round, granted, c)
			}
		}
		if y.Selected.Packets+y.Unselected.Packets+y.Cap.Packets+y.Direction.Packets+y.Domestic.Packets+y.Unknown.Packets+y.Malformed.Packets != uint64(len(built)) {
			t.Fatal(y)
		}
	}
}

// Both ways of a flow from abroad to abroad are two records.
func TestOneWay(t *testing.T) {
	set := list(t, sel(selector.Address, abr))
	p := udp(abr, abr2)
	q := udp(abr2, abr)
	q.sport, q.dport = p.dport, p.sport
	out, _, _ := sift(t, options(set), frames([]pk{p, q, p, q, q}), 2)
	if len(out) != 2 || out[0].Src == out[1].Src || out[0].Packets+out[1].Packets != 5 {
		t.Errorf("%+v", out)
	}
	if out[0].Tunnel != record.NoTunnel {
		t.Error(out[0].Tunnel)
	}
}

// In the steady state no packet takes memory of the heap.
func TestAllocations(t *testing.T) {
	hellos := map[string][]byte{}
	set := list(t, sel(selector.Address, abr2), sel(selector.Suffix, "never.example.com"), sel(selector.Pattern, `"never there"`))
	w := &world{rand.New(rand.NewPCG(8, 8)), t, hellos}
	var all []pk
	for len(all) < 4000 {
		all = append(all, w.traffic()...)
	}
	built := frames(all)
	for i := range built {
		built[i].At = t0 + int64(i)*1e6
	}
	o := options(set)
	o.Flows = 100
	s := New(o, func(*Record) error { return nil })
	span := int64(len(built)) * 1e6
	run := func() {
		for off := 0; off < len(built); off += 512 {
			if _, err := s.Add(built[off:min(off+512, len(built))]); err != nil {
				t.Fatal(err)
			}
		}
		for i := range built {
			built[i].At += span
		}
	}
	run()
	run()
	if n := testing.AllocsPerRun(5, run); n != 0 {
		t.Errorf("%.0f allocations for %d packets", n, len(built))
	}
}

// A record has one direction and no place for content: numbers, arrays of bytes
// for hashes, addresses, the selector's id and a bounded name.
func TestRecordHoldsNoContent(t *testing.T) {
	var walk func(path string, ty reflect.Type)
	walk = func(path string, ty reflect.Type) {
		switch ty {
		case reflect.TypeFor[netip.Addr](), reflect.TypeFor[record.Name](), reflect.TypeFor[*selector.Set]():
			return
		}
		switch ty.Kind() {
		case reflect.Struct:
			for i := range ty.NumField() {
				walk(path+"."+ty.Field(i).Name, ty.Field(i).Type)
			}
		case reflect.Array:
			if ty.Elem().Kind() != reflect.Uint8 || ty.Len() > 36 || strings.HasSuffix(path, "Packets") || strings.HasSuffix(path, "Bytes") {
				t.Errorf("%s is %v", path, ty)
			}
		case reflect.Bool, reflect.Int64, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		default:
			if path != "Record.Selector" {
				t.Errorf("%s is %v", path, ty)
			}
		}
	}
	walk("Record", reflect.TypeFor[Record]())
}
