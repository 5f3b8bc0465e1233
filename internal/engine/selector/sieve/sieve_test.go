package sieve

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

const (
	dom, dom2 = "20.0.0.1", "20.0.0.2"
	abr, abr2 = "30.0.0.1", "30.0.0.2"
	dom6      = "2400:20::1"
	abr6      = "2400:30::1"
	nowhere   = "10.0.0.1"
)

func udp(src, dst string, around ...string) pk {
	return pk{at: t0, src: src, dst: dst, sport: 1000, dport: 2000, proto: packet.ProtoUDP, body: []byte("hello"), around: around}
}

// What becomes of one packet when everything is granted but what is said, and
// the list has every address of the tests.
func TestGate(t *testing.T) {
	set := list(t, sel(selector.Prefix, "20.0.0.0/8"), sel(selector.Prefix, "30.0.0.0/8"), sel(selector.Prefix, "2400::/16"))
	selected, unknownAmount := func(y *Tally) Amount { return y.Selected }, func(y *Tally) Amount { return y.Unknown }
	home, wrong, bad := func(y *Tally) Amount { return y.Domestic }, func(y *Tally) Amount { return y.Direction }, func(y *Tally) Amount { return y.Malformed }
	gre := func(p pk, proto uint16, inner []byte) pk {
		p.proto, p.body = packet.ProtoGRE, append([]byte{0, 0, byte(proto >> 8), byte(proto)}, inner...)
		return p
	}
	with := func(p pk, f func(*pk)) pk { f(&p); return p }
	for _, c := range []struct {
		name    string
		p       pk
		granted []geo.Class
		want    func(*Tally) Amount
	}{
		{"out", udp(dom, abr), []geo.Class{geo.DF}, selected},
		{"out, not granted", udp(dom, abr), []geo.Class{geo.FD, geo.FF}, wrong},
		{"in", udp(abr, dom), []geo.Class{geo.FD}, selected},
		{"in, not granted", udp(abr, dom), []geo.Class{geo.DF, geo.FF}, wrong},
		{"through", udp(abr, abr2), []geo.Class{geo.FF}, selected},
		{"through, not granted", udp(abr, abr2), []geo.Class{geo.DF, geo.FD}, wrong},
		{"nothing granted", udp(abr, abr2), []geo.Class{}, wrong},
		{"domestic cannot be granted", udp(dom, dom2), []geo.Class{geo.DD, geo.Unknown}, home},
		{"domestic", udp(dom, dom2), every, home},
		{"private source", udp(nowhere, abr), every, unknownAmount},
		{"private destination", udp(dom, nowhere), every, unknownAmount},
		{"unknown cannot be granted", udp(dom, nowhere), []geo.Class{geo.Unknown}, unknownAmount},
		{"IPv6", udp(dom6, abr6), []geo.Class{geo.DF}, selected},
		{"IPv6 domestic", udp(dom6, "2400:20::2"), every, home},
		{"mapped IPv4 in IPv6", udp("::ffff:20.0.0.1", "::ffff:30.0.0.1"), every, unknownAmount},
		{"tunnel, all agree", udp(dom, abr, dom2, abr2), []geo.Class{geo.DF}, selected},
		{"tunnel, inside domestic", udp(dom, dom2, dom, abr), every, home},
		{"tunnel, outside domestic", udp(dom, abr, dom, dom2), every, home},
		{"tunnel, they disagree", udp(dom, abr, abr, dom), every, unknownAmount},
		{"tunnel, another direction", udp(dom, abr, abr, abr2), every, unknownAmount},
		{"tunnel, inside private", udp(nowhere, nowhere, dom, abr), every, unknownAmount},
		{"tunnel, outside private", udp(dom, abr, nowhere, abr2), every, unknownAmount},
		{"tunnel, unknown goes before domestic", udp(nowhere, abr, dom, dom2), every, unknownAmount},
		{"three layers", udp(dom, abr, dom, abr, dom2, abr2), []geo.Class{geo.DF}, selected},
		{"three layers, domestic in the middle", udp(dom, abr, dom, abr, dom, dom2), every, home},
		{"IPv6 in IPv4", udp(dom6, abr6, dom, abr), []geo.Class{geo.DF}, selected},
		{"four around", udp(dom, abr, dom, abr, dom, abr, dom, abr, dom, abr), every, unknownAmount},
		{"five around", udp(dom, abr, dom, dom2, dom, abr, dom, abr, dom, abr, dom, abr), every, unknownAmount},
		{"nine around, domestic inside", udp(dom, dom2, dom, abr, dom, abr, dom, abr, dom, abr, dom, abr, dom, abr, dom, abr, dom, abr, dom, abr), every, unknownAmount},
		{"GRE with something that is not IP", gre(udp(dom, abr), 0x0806, make([]byte, 28)), every, unknownAmount},
		{"GRE with nothing", gre(udp(dom, abr), 0x0800, nil), every, bad},
		{"VXLAN that is too short", with(udp(dom, abr), func(p *pk) { p.dport, p.body = 4789, []byte{8} }), every, unknownAmount},
		{"tunnel cut off inside", with(udp(dom, abr, dom, abr), func(p *pk) { p.cut = 25 }), every, bad},
		{"cut off in the IP header", with(udp(dom, abr), func(p *pk) { p.cut = 20 }), every, bad},
		{"cut off in the UDP header", with(udp(dom, abr), func(p *pk) { p.cut = 8 }), every, bad},
		{"cut off in the TCP header", with(udp(dom, abr), func(p *pk) { p.proto, p.body, p.cut = packet.ProtoTCP, nil, 8 }), []geo.Class{geo.DF}, selected},
		{"an ICMP error of a domestic packet", with(udp(dom, abr), func(p *pk) {
			p.proto, p.typ = packet.ProtoICMP, 3
			p.body = udp(dom, dom2).build().Data[14:]
		}), []geo.Class{geo.DF}, selected},
	} {
		o := options(set, c.granted...)
		o.Directions = c.granted
		q := c.p.build()
		_, y, _ := sift(t, o, []capture.Packet{q}, 1)
		if got := c.want(&y); got != (Amount{1, uint64(q.Orig)}) {
			t.Errorf("%s: %+v", c.name, y)
		}
	}
	for name, q := range map[string]capture.Packet{
		"ARP":               {Data: append(make([]byte, 12), 8, 6, 0, 1, 8, 0, 6, 4, 0, 1), Link: 1, Orig: 60},
		"an unknown link":   {Data: make([]byte, 80), Link: 9999, Orig: 80},
		"nothing":           {Link: 1},
		"IPv6 with a route": {Data: routed(), Link: 1, Orig: 90},
	} {
		q.At = t0
		_, y, _ := sift(t, options(set), []capture.Packet{q}, 1)
		if y.Malformed.Packets+y.Unknown.Packets != 1 {
			t.Errorf("%s: %+v", name, y)
		}
	}
}

// After the gate only transports pass that carry no IP: of every other number that
// may stand in an IP header, what it carries is not seen.
func TestProtocols(t *testing.T) {
	set := list(t, sel(selector.Prefix, "20.0.0.0/8"), sel(selector.Prefix, "30.0.0.0/8"), sel(selector.Prefix, "2400::/16"))
	inside := udp(dom, dom2).build().Data[14:]
	minimal := append([]byte{17, 0x80, 0, 0}, inside[16:20]...) // RFC 2004: the original addresses
	minimal = append(append(minimal, inside[12:16]...), inside[20:]...)
	bodies := [][]byte{inside, append([]byte{0, 0, 0, 1, 0, 0, 0, 1}, inside...), minimal, append([]byte{0, 9, 0, 9}, make([]byte, 60)...), nil}
	for proto := range 256 {
		for i, body := range bodies {
			for _, six := range []bool{false, true} {
				p := udp(abr, abr2)
				if six {
					p.src, p.dst = abr6, "2400:30::2"
				}
				p.proto, p.sport, p.dport, p.body = uint8(proto), 1000, 2000, body
				built := p.build()
				_, y, _ := sift(t, options(set), []capture.Packet{built}, 1)
				passes := false
				switch proto {
				case 6, 17, 1, 58, 132, 33, 136, 2:
					passes = true
				}
				if !passes && y.Selected.Packets+y.Unselected.Packets != 0 {
					t.Errorf("protocol %d, body %d, IPv6 %v: %+v", proto, i, six, y)
				}
				if passes && i == 3 && y.Selected.Packets != 1 {
					t.Errorf("protocol %d does not pass, IPv6 %v: %+v", proto, six, y)
				}
			}
		}
	}
}

// A datagram to or from a tunnel's port does not pass whatever the other port is:
// the decoder takes what has a well-known port for that service's.
func TestTunnelPorts(t *testing.T) {
	set := list(t, sel(selector.Prefix, "30.0.0.0/8"), sel(selector.Pattern, `"hello"`))
	inside := udp(dom, dom2).build().Data
	for name, body := range map[string][]byte{"VXLAN": append([]byte{8, 0, 0, 0, 0, 0, 42, 0}, inside...), "GUE": append([]byte{0, 4, 0, 0}, inside[14:]...),
		"IP": inside[14:], "GTP": append([]byte{0x30, 255, 0, byte(len(inside) - 14), 0, 0, 0, 1}, inside[14:]...), "nothing known": make([]byte, 60), "nothing": nil} {
		for port := range tunnels {
			for _, other := range []uint16{53, 80, 123, 443, 500, 853, 1024, 33333, 65535, port} {
				for _, proto := range []uint8{17, 136} {
					p := udp(abr, abr2)
					p.proto, p.sport, p.dport, p.body = proto, other, port, body
					if proto == 136 {
						p.body = slices.Concat(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, other), port), []byte{0, 8, 0, 0}, body)
					}
					q := p
					q.sport, q.dport = port, other
					if proto == 136 {
						q = p
					}
					_, y, _ := sift(t, options(set), frames([]pk{p, q}), 2)
					if y.Selected.Packets+y.Unselected.Packets != 0 {
						t.Errorf("%s, protocol %d between %d and %d: %+v", name, proto, other, port, y)
					}
					if y.TunnelPort.Packets > y.Unknown.Packets || other == 53 && proto == 17 && (y.TunnelPort.Packets != 2 || y.Unknown != y.TunnelPort) {
						t.Errorf("%s, protocol %d between %d and %d is not told: %+v", name, proto, other, port, y)
					}
				}
			}
		}
	}
	for other, unknown := range map[uint16]uint64{40000: 0, 4789: 0, 8472: 0, 53: 1, 6081: 1, 1701: 1, 2152: 1, 5555: 1, 6080: 1} { // two tunnels at once: which, nobody can tell
		p := udp(abr, abr2)
		p.sport, p.dport, p.body = other, 4789, append([]byte{8, 0, 0, 0, 0, 0, 42, 0}, udp(abr, abr2).build().Data...)
		if _, y, _ := sift(t, options(set), frames([]pk{p}), 1); y.Unknown.Packets != unknown {
			t.Errorf("VXLAN from port %d: %+v", other, y)
		}
	}
	p := udp(abr, abr2) // a tunnel in the form of TCP
	p.proto, p.dport, p.body = 6, 7471, append(make([]byte, 18), inside...)
	q := p
	q.sport, q.dport = q.dport, q.sport
	if _, y, _ := sift(t, options(set), frames([]pk{p, q}), 1); y.Unknown.Packets != 2 || y.TunnelPort.Packets != 2 {
		t.Errorf("STT: %+v", y)
	}
}

// A datagram that begins as an IP packet does not pass, whatever its ports are;
// one that only looks a little like it does.
func TestPacketInDatagram(t *testing.T) {
	set := list(t, sel(selector.Prefix, "30.0.0.0/8"))
	four, six := udp(dom, dom2).build().Data[14:], udp(dom6, "2400:20::2").build().Data[14:]
	change := func(b []byte, at int, v byte, more int) []byte {
		b = append(slices.Clone(b), make([]byte, more)...)
		b[at] = v
		return b
	}
	right := slices.Clone(four)
	check(right[:20])
	question := dnsQuery("abcdefg.example.com", false)
	question = append(question, make([]byte, 41-len(question))...) // as long as a packet with one byte in it
	question[0] = 0x61
	for _, c := range []struct {
		name   string
		body   []byte
		cut    int
		hidden bool
	}{
		{"IPv4", four, 0, true},
		{"IPv4, checked", right, 0, true},
		{"IPv4, cut off in the header", four, len(four) - 10, true},
		{"IPv4, cut off after a byte", four, len(four) - 1, true},
		{"IPv4, bytes behind it", change(right, 0, 0x45, 3), 0, true},
		{"IPv4, bytes behind it, cut off", change(four, 0, 0x45, 9), 30, true},
		{"IPv4, no length", func() []byte { b := change(four, 3, 0, 0); check(b[:20]); return b }(), 0, true},
		{"IPv4, bytes behind it, not checked", change(right, 11, right[11]+1, 3), 0, false},
		{"IPv4, too long", change(right, 2, 9, 0), 0, false},
		{"IPv4, a short header", change(right, 0, 0x44, 0), 0, false},
		{"IPv5", change(right, 0, 0x55, 0), 0, false},
		{"text of a telephone call", []byte("OPTIONS sip:a@example.com SIP/2.0\r\nVia: x\r\n"), 0, false},
		{"IPv6", six, 0, true},
		{"IPv6, cut off in the header", six, len(six) - 20, true},
		{"IPv6, bytes behind it", change(six, 0, 0x60, 9), 0, true},
		{"IPv6, no length", change(six, 5, 0, 0), 0, true},
		{"IPv6, other addresses", change(six, 8, 0x50, 0), 0, true},
		{"IPv6, other addresses, bytes behind it", change(six, 8, 0x50, 9), 0, false},
		{"IPv6, too long", change(six, 5, 200, 0), 0, false},
		{"a question", question, 0, false},
		{"nothing", nil, 0, false},
	} {
		for _, around := range [][]string{nil, {abr, abr2}} {
			p := udp(abr, abr2)
			p.body, p.cut, p.around = c.body, c.cut, around
			_, y, _ := sift(t, options(set), []capture.Packet{p.build()}, 1)
			if c.hidden && y.Unknown.Packets != 1 || !c.hidden && y.Selected.Packets != 1 || y.TunnelPort.Packets != 0 {
				t.Errorf("%s, %d around: %+v", c.name, len(around)/2, y)
			}
		}
	}
	p := udp(abr, abr2) // the packet inside is in two parts, too
	p.body = make([]byte, 200)
	copy(p.body, four)
	binary.BigEndian.PutUint16(p.body[2:], 200)
	for _, size := range []int{32, 64, 104} {
		parts := outerParts(p, size)
		if _, y, _ := sift(t, options(set), parts, 1); y.Unknown.Packets != uint64(len(parts)) {
			t.Errorf("in parts of %d: %+v", size, y)
		}
	}
}

// An option that names another sender or receiver than the header holds a packet
// back, in whatever frame and in whichever header it is; the others do not.
func TestDetours(t *testing.T) {
	set := list(t, sel(selector.Prefix, "30.0.0.0/8"), sel(selector.Prefix, "2400::/16"))
	for opts, want := range detours {
		p, around := udp(abr, abr2), []string{abr, abr2}
		if len(opts)%8 == 6 {
			p, around = udp(abr6, "2400:30::2"), []string{abr6, "2400:30::3"}
		}
		p.body = []byte("~hello")
		plain, tunnel, inner, tcp, part, later := p, p, p, p, p, p
		tunnel.around, tunnel.outerOpts = around, []byte(opts)
		for _, q := range []*pk{&plain, &inner, &tcp, &part, &later} {
			q.opts = []byte(opts)
		}
		inner.around = around
		tcp.proto = 6
		part.more, later.off = true, 64
		var all []capture.Packet
		for _, q := range []pk{plain, tunnel, inner, tcp, part, later} {
			for _, vlan := range []uint16{0, 7} {
				q.vlan, q.id = vlan, 9
				all = append(all, q.build())
			}
		}
		raw, twice, unread := plain.build(), plain.build(), plain.build()
		raw.Data, raw.Link, raw.Orig = raw.Data[14:], 101, raw.Orig-14
		twice.Data, twice.Orig = slices.Concat(twice.Data[:12], []byte{0x88, 0xa8, 0, 5, 0x81, 0, 0, 6}, twice.Data[12:]), twice.Orig+8
		unread.Data[12], unread.Data[13] = 8, 0 // IPv6 by a carrier of IPv4
		all = append(all, raw, twice)
		_, y, _ := sift(t, options(set), all, 5)
		if got := y.Unknown.Packets; want && got != uint64(len(all)) || !want && y.Selected.Packets != uint64(len(all)) {
			t.Errorf("%x: %d of %d, %+v", opts, got, len(all), y)
		}
		if _, y, _ = sift(t, options(set), []capture.Packet{unread}, 5); want && y.Selected.Packets != 0 {
			t.Errorf("%x in a wrong frame: %+v", opts, y)
		}
	}
	alone := udp(abr, abr2) // a later part with a route, of a first part without
	alone.more, alone.id, alone.body = true, 4, []byte("~hello")
	routed := alone
	routed.more, routed.off, routed.opts = false, 64, []byte{0x83, 7, 4, 20, 0, 0, 1, 0}
	if _, y, _ := sift(t, options(set), frames([]pk{alone, routed}), 2); y.Selected.Packets != 1 || y.Unknown.Packets != 1 {
		t.Errorf("a part with a route: %+v", y)
	}
}

// Where a header with options is not found, as it is compressed, or ends before
// they do, the packet does not pass.
func TestDetourNotFound(t *testing.T) {
	p := udp(abr6, "2400:30::2")
	p.opts = []byte{1, 4, 0, 0, 0, 0}
	q := p.build()
	var h packet.Headers
	if packet.Decode(&q, &h) != packet.None || detoured(&q, &h) {
		t.Error("plain options are a detour")
	}
	short := h
	short.Payload = 14 + 40 + 4
	if !detoured(&q, &short) {
		t.Error("options that end too early are none")
	}
	clear(q.Data[:14+40])
	if !detoured(&q, &h) {
		t.Error("options that are not found are none")
	}
	p = udp(abr, abr2)
	p.opts = []byte{1, 1, 1, 1, 0x83, 7, 4, 20, 0, 0, 1, 0}
	q = p.build()
	packet.Decode(&q, &h)
	for h.Payload = 14 + 24; h.Payload < 14+32; h.Payload++ {
		if !detoured(&q, &h) {
			t.Errorf("options that end at %d are none", h.Payload)
		}
	}
}

// What follows an authentication header is judged as what follows IP is.
func TestAuthenticated(t *testing.T) {
	set := list(t, sel(selector.Prefix, "30.0.0.0/8"))
	for next, want := range map[uint8]string{17: "selected", 4: "domestic", 50: "unknown", 94: "unknown", 253: "unknown"} {
		body := udp(dom, dom2).build().Data[14:]
		if next == 17 {
			body = body[20:]
		}
		p := udp(abr, abr2)
		p.proto, p.body = packet.ProtoAH, append(append([]byte{next, 4, 0, 0, 0, 0, 0, 1}, make([]byte, 16)...), body...)
		_, y, _ := sift(t, options(set), []capture.Packet{p.build()}, 1)
		if got := map[string]uint64{"selected": y.Selected.Packets, "domestic": y.Domestic.Packets, "unknown": y.Unknown.Packets}; got[want] != 1 {
			t.Errorf("%d behind it: not %s but %+v", next, want, y)
		}
	}
}

func routed() []byte {
	p := udp(dom6, abr6)
	p.proto, p.body = packet.ProtoRouting, append([]byte{packet.ProtoUDP, 2, 0, 1}, make([]byte, 36)...)
	return p.build().Data
}

// A packet outside the period ends the run and is not counted.
func TestPeriod(t *testing.T) {
	set := list(t, sel(selector.Address, dom))
	o := options(set)
	o.From, o.Until = t0, t0+100
	at := func(times ...int64) (out []capture.Packet) {
		for _, v := range times {
			p := udp(dom, abr)
			p.at = v
			out = append(out, p.build())
		}
		return out
	}
	for _, c := range []struct {
		times []int64
		seen  uint64
		end   End
	}{
		{[]int64{t0 - 1, t0}, 0, BeforePeriod},
		{[]int64{t0 + 100, t0}, 0, PeriodOver},
		{[]int64{t0, t0 + 99, t0 + 100, t0 + 5}, 2, PeriodOver},
		{[]int64{t0 + 50, t0, t0 - 1, t0 + 60}, 2, BeforePeriod},
		{[]int64{t0, t0 + 99}, 2, Going},
		{[]int64{0}, 0, BeforePeriod},
	} {
		for size := 1; size < 4; size++ {
			_, y, end := sift(t, o, at(c.times...), size)
			if y.Seen.Packets != c.seen || y.Selected.Packets != c.seen || end != c.end {
				t.Errorf("%v by %d: %v, %+v", c.times, size, end, y)
			}
		}
	}
	o.From, o.Until = -1<<63, 1<<63-1 // times at the ends of their range
	if _, y, _ := sift(t, o, at(-1<<63, -1<<63+1, 0, 1<<63-2, -1<<63, 1<<63-2), 3); y.Selected.Packets != 6 {
		t.Errorf("%+v", y)
	}
	o.From, o.Until = t0, t0+100
	s := New(o, func(*Record) error { return nil })
	if _, err := s.Add(at(t0)); err != nil {
		t.Fatal(err)
	}
	if end, _ := s.Tick(t0 + 99); end != Going {
		t.Error(end)
	}
	if end, _ := s.Tick(t0 + 100); end != PeriodOver {
		t.Error(end)
	}
	if end, err := s.Add(at(t0 + 1)); end != PeriodOver || err != nil || s.Tally().Seen.Packets != 1 {
		t.Error(end, err, s.Tally())
	}
	_ = s.Close()
	if _, err := s.Add(at(t0)); err == nil {
		t.Error("a closed run takes packets in")
	}
	if (End(9)).String() == "" || Going.String() != "going" || PeriodOver.String() != "period_over" {
		t.Error("names of ends")
	}
}

// What passes the gate beyond the cap is counted as that, and ends the run.
func TestCap(t *testing.T) {
	set := list(t, sel(selector.Address, dom))
	var all []capture.Packet
	for i := range 10 {
		p := udp(dom, abr)
		if i%2 == 1 {
			p.src, p.dst = dom, dom2 // held back: it does not count against the cap
		}
		all = append(all, p.build())
	}
	size := uint64(all[0].Orig)
	for _, c := range []struct {
		packets, bytes    uint64
		selected, cap     uint64
		seen, domesticSum uint64
	}{{0, 0, 5, 0, 10, 5}, {5, 0, 5, 0, 10, 5}, {3, 0, 3, 2, 10, 5}, {0, 3 * size, 3, 2, 10, 5}, {0, 3*size + 1, 3, 2, 10, 5}, {0, 1, 0, 5, 10, 5}, {2, size, 1, 4, 10, 5}} {
		o := options(set)
		o.CapPackets, o.CapBytes = c.packets, c.bytes
		_, y, end := sift(t, o, all, 100)
		if y.Selected.Packets != c.selected || y.Cap.Packets != c.cap || y.Seen.Packets != c.seen || y.Domestic.Packets != c.domesticSum || (end == CapReached) != (c.cap > 0) {
			t.Errorf("%+v: %v %+v", c, end, y)
		}
	}
	o := options(set)
	o.CapPackets = 2
	if _, y, end := sift(t, o, all, 1); y.Seen.Packets != 5 || y.Cap.Packets != 1 || end != CapReached {
		t.Errorf("one by one: %v %+v", end, y)
	}
}

// What emit refuses, and all that follows, counts as unselected; and so does what
// an aborted run held.
func TestEmitFails(t *testing.T) {
	set := list(t, sel(selector.Prefix, "20.0.0.0/8"))
	full := errors.New("the disk is full")
	var all []capture.Packet
	for i := range 6 {
		p := udp(dom, abr)
		p.sport = uint16(i)
		all = append(all, p.build())
	}
	var kept []Record
	s := New(options(set), func(r *Record) error {
		if len(kept) == 2 {
			return full
		}
		kept = append(kept, *r)
		return nil
	})
	if _, err := s.Add(all); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Tick(t0 + 1e12); !errors.Is(err, full) {
		t.Error(err)
	}
	if _, err := s.Add(all); !errors.Is(err, full) {
		t.Error(err)
	}
	if err := s.Close(); !errors.Is(err, full) {
		t.Error(err)
	}
	y := s.Tally()
	conserved(t, &y, kept)
	if y.Seen.Packets != 6 || y.Selected.Packets != 2 || y.Unselected.Packets != 4 {
		t.Errorf("%+v", y)
	}
	s = New(options(set), func(*Record) error { t.Error("an aborted run hands a record on"); return nil })
	if _, err := s.Add(all); err != nil {
		t.Fatal(err)
	}
	s.Abort()
	y = s.Tally()
	conserved(t, &y, nil)
	if y.Unselected.Packets != 6 {
		t.Errorf("%+v", y)
	}
}
