package flow

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// tell runs packets through a table and returns its records.
func tell(t *testing.T, o Options, list []pk) ([]record.Record, Stats) {
	t.Helper()
	o.Full = true
	var out []record.Record
	tr := New(o, func(r *record.Record) error {
		c := *r
		c.DNS, c.HTTP = append([]record.DNS(nil), r.DNS...), append([]record.HTTP(nil), r.HTTP...)
		out = append(out, c)
		return nil
	})
	if err := tr.Add(frames(list)); err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	return out, tr.Stats()
}

const second = int64(1e9)

var t0 = int64(1_700_000_000) * second

// Questions and answers of DNS are over soon after the last answer; a question
// without one waits longer.
func TestAnsweredEndsSoon(t *testing.T) {
	ask := func(id byte, after int64) pk {
		return pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 53, proto: packet.ProtoUDP, at: t0 + after*second, body: dnsAsk("www", id)}
	}
	answer := func(id byte, after int64) pk {
		q := ask(id, after)
		q.src, q.dst, q.sport, q.dport, q.body = q.dst, q.src, q.dport, q.sport, dnsAddress("www", "", id)
		return q
	}
	for _, c := range []struct {
		name string
		list []pk
		want []int // questions of each record
	}{
		{"answered, and 11 s later asked again", []pk{ask(1, 0), answer(1, 1), ask(2, 12)}, []int{1, 1}},
		{"answered, and 9 s later asked again", []pk{ask(1, 0), answer(1, 1), ask(2, 10)}, []int{2}},
		{"one of two not answered", []pk{ask(1, 0), ask(2, 0), answer(1, 1), ask(3, 60)}, []int{3}},
		{"answered late", []pk{ask(1, 0), ask(2, 0), answer(1, 1), answer(2, 60)}, []int{2}},
	} {
		records, _ := tell(t, Options{}, c.list)
		var got []int
		for i := range records {
			got = append(got, len(records[i].DNS))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: records with %v questions, not %v", c.name, got, c.want)
		}
	}
}

// web is a connection whose client sends parts, each at an offset.
func web(parts ...string) []pk {
	c := pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 80, proto: packet.ProtoTCP, at: t0}
	s := pk{src: c.dst, dst: c.src, sport: 80, dport: 40000, proto: packet.ProtoTCP, at: t0 + 1}
	c.flags, c.seq = flagSYN, 0xfffffff0
	s.flags, s.seq, s.ack = flagSYN|flagACK, 1000, c.seq+1
	list := []pk{c, s}
	for i, p := range parts {
		var at int
		at, text := 0, p
		if n, rest, ok := strings.Cut(p, "|"); ok {
			_, _ = fmt.Sscan(n, &at)
			text = rest
		}
		q := c
		q.flags, q.seq, q.ack, q.body, q.at = flagACK|flagPSH, c.seq+1+uint32(at), 1001, []byte(text), t0+int64(i+2)
		list = append(list, q)
	}
	return list
}

// acked is the server's acknowledgement of n bytes.
func acked(n uint32) pk {
	return pk{src: "198.51.100.2", dst: "192.0.2.1", sport: 80, dport: 40000, proto: packet.ProtoTCP, at: t0 + 100, flags: flagACK, seq: 1001, ack: 0xfffffff1 + n}
}

const request = "GET /index.html HTTP/1.1\r\nHost: h.example.com\r\nUser-Agent: curl/8\r\n\r\n"

// A request is read however its segments come: whole, reversed, again,
// overlapping; across the wrap of sequence numbers.
func TestOrderOfSegments(t *testing.T) {
	whole := len(request)
	part := func(from, to int) string { return fmt.Sprintf("%d|%s", from, request[from:to]) }
	for name, parts := range map[string][]string{
		"whole":    {request},
		"in order": {part(0, 10), part(10, 30), part(30, whole)},
		"reversed": {part(30, whole), part(10, 30), part(0, 10)},
		"again":    {part(0, 10), part(0, 10), part(10, 30), part(5, 40), part(30, whole), part(0, whole)},
		"overlap":  {part(20, 40), part(0, 25), part(10, 50), part(35, whole)},
		"inside":   {part(5, 50), part(20, 30), part(0, whole)},
		"other":    {part(20, 40), "20|" + strings.Repeat("X", 20), part(0, 20), part(40, whole)}, // the first bytes win
	} {
		out, s := tell(t, Options{}, web(parts...))
		if len(out) != 1 || len(out[0].HTTP) != 1 || out[0].HTTP[0].Host.String() != "h.example.com" || out[0].Payload[0] != uint64(whole) || out[0].Lost[0] != 0 || s.Live != 0 {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// A gap that the other side acknowledged was not captured: what is behind it is
// read on, the gap is counted.
func TestGap(t *testing.T) {
	list := web(request, fmt.Sprintf("%d|%s", len(request)+50, request))
	list = append(list, acked(uint32(2*len(request)+50)))
	out, s := tell(t, Options{}, list)
	if len(out) != 1 || out[0].Lost[0] != 50 || out[0].Payload[0] != uint64(2*len(request)) || s.Lost != 50 {
		t.Fatalf("%+v", out)
	}
	// Without the acknowledgement it may still come, and is counted at the end.
	out, _ = tell(t, Options{}, web(request, fmt.Sprintf("%d|%s", len(request)+50, request)))
	if out[0].Lost[0] != 50 {
		t.Errorf("%+v", out)
	}
	// What was acknowledged and never followed is lost, too.
	out, _ = tell(t, Options{}, append(web(request), acked(uint32(len(request)+7))))
	if out[0].Lost[0] != 7 {
		t.Errorf("%+v", out)
	}
}

// Many segments before their turn are held within bounds.
func TestAheadIsBounded(t *testing.T) {
	var parts []string
	for i := range 200 {
		parts = append(parts, fmt.Sprintf("%d|%s", 100+i*1000, strings.Repeat("x", 500)))
	}
	for _, room := range []int64{1 << 16, 1 << 30} {
		out, s := tell(t, Options{Buffered: room}, web(parts...))
		if len(out) != 1 || out[0].Payload[0]+out[0].Lost[0] != 100+199*1000+500 || s.Live != 0 {
			t.Errorf("%+v %+v", out, s)
		}
		if room == 1<<16 && s.NoRoom == 0 {
			t.Error("there was room for everything")
		}
	}
}

// A full table ends communications and counts them; packets are never lost.
func TestFullTable(t *testing.T) {
	var list []pk
	for i := range 5000 {
		list = append(list, pk{src: fmt.Sprintf("10.0.%d.%d", i/250, i%250+1), dst: "198.51.100.2", sport: 40000, dport: 53, proto: packet.ProtoUDP, at: t0 + int64(i), body: []byte("x")})
		if i%10 == 0 { // one that is answered again and again stays
			list = append(list, pk{src: "192.0.2.1", dst: "192.0.2.2", sport: 5000, dport: 5001, proto: packet.ProtoUDP, at: t0 + int64(i)},
				pk{src: "192.0.2.2", dst: "192.0.2.1", sport: 5001, dport: 5000, proto: packet.ProtoUDP, at: t0 + int64(i)})
		}
	}
	out, s := tell(t, Options{Flows: 160}, list)
	var packets uint64
	long := 0
	for _, r := range out {
		packets += r.Packets[0] + r.Packets[1]
		if r.SrcPort == 5000 {
			long++
		}
	}
	if packets != uint64(len(list)) || s.Evicted < 4800 || s.Live != 0 || long != 1 {
		t.Errorf("%d of %d packets, %d evicted, the lasting one in %d records", packets, len(list), s.Evicted, long)
	}
}

// The clock may jump either way; nothing hangs and nothing is lost.
func TestClockJumps(t *testing.T) {
	ask := func(at int64) pk {
		return pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 53, proto: packet.ProtoUDP, at: at, body: []byte("x")}
	}
	list := []pk{ask(t0), ask(t0 + second), ask(t0 + 40*365*86400*second), ask(t0 + 2*second), ask(t0 + 3*second), ask(t0 + 2*second)}
	out, s := tell(t, Options{}, list)
	if len(out) != 3 || out[0].Packets[0] != 2 || out[2].Packets[0] != 3 || s.JumpsAhead != 1 || s.JumpsBack != 1 || s.Disorder != 1 {
		t.Errorf("%+v %+v", out, s)
	}
	var wild []pk
	for i := range 4000 {
		wild = append(wild, ask(int64(uint64(i)*0x9e3779b97f4a7c15>>1)))
	}
	out, s = tell(t, Options{}, wild)
	var n uint64
	for _, r := range out {
		n += r.Packets[0]
	}
	if n != 4000 || s.JumpsBack < 1000 {
		t.Errorf("%d packets, %d jumps", n, s.JumpsBack)
	}
}

// A long communication is written in slices when asked for, and so is one that
// asks more than a record holds.
func TestSlices(t *testing.T) {
	var list []pk
	for i := range 100 {
		list = append(list, pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 9999, proto: packet.ProtoUDP, at: t0 + int64(i)*10*second, body: []byte("xyz")})
	}
	out, s := tell(t, Options{Active: 100 * 1e9}, list)
	var bytes uint64
	for _, r := range out {
		bytes += r.Payload[0]
		if r.End-r.Start > 100*second {
			t.Errorf("a slice of %d s", (r.End-r.Start)/second)
		}
	}
	if len(out) != 10 || bytes != 300 || s.Sliced != 9 {
		t.Errorf("%d slices, %d bytes, %+v", len(out), bytes, s)
	}
	list = list[:0]
	for i := range 100 {
		q := []byte{byte(i), 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'a', 'a' + byte(i/10), 'a' + byte(i%10), 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1}
		list = append(list, pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 53, proto: packet.ProtoUDP, at: t0 + int64(i), body: q})
	}
	out, _ = tell(t, Options{}, list)
	names := map[string]bool{}
	for _, r := range out {
		for _, d := range r.DNS {
			names[d.Name.String()] = true
		}
		if r.Cut != 0 {
			t.Errorf("%d questions were cut", r.Cut)
		}
	}
	if len(names) != 100 {
		t.Errorf("%d names of 100 in %d records", len(names), len(out))
	}
}

// fragmentsOf cuts a datagram into parts of size bytes, all with one id.
func fragmentsOf(p pk, size int) (list []pk) {
	whole := p.build().Data[14+20:]
	for off := 0; off < len(whole); off += size {
		q := p
		q.off, q.more, q.body = uint16(off), off+size < len(whole), whole[off:min(off+size, len(whole))]
		if off == 0 {
			q.proto = p.proto
		}
		list = append(list, q)
	}
	return list
}

// raw builds a fragment whose body already has the transport header.
func raw(p pk) capture.Packet {
	if p.off == 0 {
		f := p
		f.off = 8 // keeps build from making a header
		f.body = p.body
		b := f.build()
		// put the offset right, and the checksum with it
		h := ipv4(p, addrOf(p.src), addrOf(p.dst), len(p.body))
		copy(b.Data[14:], h)
		return b
	}
	return p.build()
}

// A datagram in parts is one communication with one question, in any order.
func TestFragments(t *testing.T) {
	q := append([]byte{7, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 3, 'w', 'w', 'w', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1}, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0)
	p := pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 53, proto: packet.ProtoUDP, at: t0, body: q, id: 9}
	parts := fragmentsOf(p, 16)
	if len(parts) < 3 {
		t.Fatal(len(parts))
	}
	run := func(list []pk) ([]record.Record, Stats) {
		var out []record.Record
		tr := New(Options{Full: true}, func(r *record.Record) error {
			c := *r
			c.DNS = append([]record.DNS(nil), r.DNS...)
			out = append(out, c)
			return nil
		})
		for _, p := range list {
			if err := tr.Add([]capture.Packet{raw(p)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		return out, tr.Stats()
	}
	back := []pk{}
	for i := range parts {
		back = append(back, parts[len(parts)-1-i])
	}
	for name, list := range map[string][]pk{"in order": parts, "reversed": back, "doubled": append(parts[:2:2], parts[1:]...)} {
		out, s := run(list)
		if len(out) != 1 || len(out[0].DNS) != 1 || out[0].DNS[0].Name.String() != "www.example" || out[0].SrcPort != 40000 || s.Reassembled != 1 ||
			out[0].Packets[0] != uint64(len(list)) {
			t.Errorf("%s: %+v %+v", name, out, s)
		}
	}
	// Parts that overlap are counted and not read.
	lie := parts[1]
	lie.off -= 8
	out, s := run([]pk{parts[0], lie, parts[1], parts[2]})
	if s.FragmentsBad != 1 || len(out) != 1 || out[0].Packets[0] != 4 || s.Reassembled != 0 {
		t.Errorf("%+v %+v", out, s)
	}
	// A first part that never comes: the others are of nobody's ports.
	out, s = run(parts[1:])
	if len(out) != 1 || out[0].SrcPort != 0 || out[0].Packets[0] != uint64(len(parts)-1) || s.FragmentsLeft != 1 {
		t.Errorf("%+v %+v", out, s)
	}
	// A flood of first parts is bounded.
	var flood []pk
	for i := range 3000 {
		f := parts[0]
		f.id = uint16(i)
		flood = append(flood, f)
	}
	out, s = run(flood)
	if len(out) != 1 || out[0].Packets[0] != 3000 || s.FragmentsLeft != 3000 || s.FragmentsOver == 0 {
		t.Errorf("%+v %+v", out, s)
	}
}

// An ICMP error marks what it quotes as refused, and is a communication of its
// own.
func TestRefusedByICMP(t *testing.T) {
	ask := pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 5353, proto: packet.ProtoUDP, at: t0, body: []byte("secret")}
	quoted := ask.build().Data[14:]
	no := pk{src: "198.51.100.2", dst: "192.0.2.1", proto: packet.ProtoICMP, typ: 3, code: 3, at: t0 + 1, body: quoted}
	out, s := tell(t, Options{}, []pk{ask, no})
	if len(out) != 2 || out[0].State != record.Refused || out[1].App != record.ICMPApp || out[1].SrcPort != 3 || out[1].DstPort != 3 || s.Refusals != 1 {
		t.Errorf("%+v %+v", out, s)
	}
	if b := record.AppendJSON(nil, &out[1]); bytes.Contains(b, []byte("secret")) {
		t.Errorf("%s", b)
	}
}

// What began is told by SYN, SYN-ACK, and else by well-known ports.
func TestWhoBegan(t *testing.T) {
	const S, A, R, F = flagSYN, flagACK, flagRST, flagFIN
	tcp := func(from int, flags uint8, at int64) pk {
		p := pk{src: "192.0.2.1", dst: "198.51.100.2", sport: 40000, dport: 443, proto: packet.ProtoTCP, flags: flags, at: t0 + at, seq: 5, ack: 6}
		if from == 1 {
			p.src, p.dst, p.sport, p.dport = p.dst, p.src, p.dport, p.sport
		}
		return p
	}
	for name, c := range map[string]struct {
		list []pk
		want record.State
	}{
		"syn":          {[]pk{tcp(0, S, 0)}, record.Tried},
		"rejected":     {[]pk{tcp(0, S, 0), tcp(1, R|A, 1)}, record.Refused},
		"syn-ack only": {[]pk{tcp(1, S|A, 0)}, record.Open},
		"open":         {[]pk{tcp(0, S, 0), tcp(1, S|A, 1), tcp(0, A, 2)}, record.Open},
		"closed":       {[]pk{tcp(0, S, 0), tcp(1, S|A, 1), tcp(0, F|A, 2), tcp(1, F|A, 3)}, record.Closed},
		"reset":        {[]pk{tcp(0, S, 0), tcp(1, S|A, 1), tcp(0, R, 2)}, record.Reset},
		"midway":       {[]pk{tcp(1, A, 0), tcp(0, A, 1)}, record.Midway},
	} {
		out, _ := tell(t, Options{}, c.list)
		if len(out) != 1 || out[0].State != c.want || out[0].Src.String() != "192.0.2.1" || out[0].DstPort != 443 {
			t.Errorf("%s: %+v", name, out)
		}
	}
}

// However many communications begin and whatever they leave unread, the table
// takes no more memory than was said.
func TestMemoryIsBounded(t *testing.T) {
	const flows, room = 1600, 256 << 10
	tr := New(Options{Flows: flows, Buffered: room}, func(*record.Record) error { return nil })
	var list []capture.Packet
	for i := range 60_000 {
		p := pk{src: fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), dst: "198.51.100.2", sport: uint16(i), dport: 80, proto: packet.ProtoTCP, flags: flagACK,
			at: t0 + int64(i)*1000, seq: uint32(i), body: []byte("GET /unfinished")}
		late := p
		late.seq += 5000
		list = append(list, p.build(), late.build())
		if len(list) >= 1000 {
			if err := tr.Add(list); err != nil {
				t.Fatal(err)
			}
			list = list[:0]
		}
	}
	entries, made := 0, int64(0)
	for _, table := range tr.tables {
		entries += len(table.chunks) * chunkSize
		made += table.pool.made
		if len(table.slots) > 4*flows {
			t.Errorf("%d places for %d communications", len(table.slots), table.limit)
		}
	}
	if entries > flows+BatchSize*parts+parts*chunkSize || made > room {
		t.Errorf("%d entries, %d bytes of windows", entries, made)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if s := tr.Stats(); s.Evicted < 50_000 || s.NoRoom == 0 {
		t.Errorf("%+v", s)
	}
}
