package sieve

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

const t0 = int64(1_790_000_000_000_000_000)

// pk is a packet to be built. around are the addresses of IP headers around it,
// outermost first, src and dst in turn.
type pk struct {
	at           int64
	src, dst     string
	sport, dport uint16
	proto        uint8
	flags        uint8
	seq          uint32
	body         []byte
	typ          uint8
	vlan         uint16
	id           uint32 // of fragments; off in bytes
	off          uint16
	more         bool
	cut          int // bytes of the frame that were not captured
	around       []string
	opts         []byte // of the innermost IP header, padded: of IPv4, or for the destination in IPv6
	outerOpts    []byte // of those around
}

func (p pk) transport() []byte {
	var b []byte
	switch {
	case p.off > 0: // a later fragment has no transport header
	case p.proto == packet.ProtoTCP:
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, p.sport), p.dport)
		b = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, p.seq), 7)
		b = append(b, 0x50, p.flags, 0xff, 0xff, 0, 0, 0, 0)
	case p.proto == packet.ProtoUDP:
		b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, p.sport), p.dport)
		size := 8 + len(p.body)
		if p.more {
			size += 1000
		}
		b = append(binary.BigEndian.AppendUint16(b, uint16(size)), 0, 0)
	case p.proto == packet.ProtoICMP || p.proto == packet.ProtoICMPv6:
		b = append(b, p.typ, 0, 0, 0, 0, 0, 0, 0)
	}
	return append(b, p.body...)
}

// build makes the Ethernet frame of a packet.
func (p pk) build() capture.Packet {
	b, proto := p.transport(), p.proto
	b, proto = p.ip(p.src, p.dst, proto, b, true)
	for i := len(p.around) - 2; i >= 0; i -= 2 {
		b, proto = p.ip(p.around[i], p.around[i+1], proto, b, false)
	}
	frame := make([]byte, 12, 64+len(b))
	if p.vlan != 0 {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x81, 0), p.vlan)
	}
	if proto == packet.ProtoIPv4 {
		frame = append(frame, 8, 0)
	} else {
		frame = append(frame, 0x86, 0xdd)
	}
	frame = append(frame, b...)
	orig := uint32(len(frame))
	return capture.Packet{Data: frame[:len(frame)-p.cut], At: p.at, Orig: orig, Link: capture.LinkEthernet}
}

// ip puts an IP header in front of b and returns which one.
func (p pk) ip(from, to string, proto uint8, b []byte, inner bool) ([]byte, uint8) {
	src, dst := netip.MustParseAddr(from), netip.MustParseAddr(to)
	opts := p.opts
	if !inner {
		opts = p.outerOpts
	}
	if src.Is4() {
		h := append(make([]byte, 20), opts...)
		h[0], h[8], h[9] = 0x40|byte(len(h)/4), 64, proto
		binary.BigEndian.PutUint16(h[2:], uint16(len(h)+len(b)))
		if inner {
			frag := p.off / 8
			if p.more {
				frag |= 0x2000
			}
			binary.BigEndian.PutUint16(h[4:], uint16(p.id))
			binary.BigEndian.PutUint16(h[6:], frag)
		}
		copy(h[12:], src.AsSlice())
		copy(h[16:], dst.AsSlice())
		return append(h, b...), packet.ProtoIPv4
	}
	if inner && (p.off > 0 || p.more) {
		head := []byte{proto, 0}
		word := p.off
		if p.more {
			word |= 1
		}
		head = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(head, word), p.id)
		b, proto = append(head, b...), packet.ProtoFragment
	}
	if len(opts) > 0 {
		b, proto = slices.Concat([]byte{proto, byte((len(opts)+2)/8 - 1)}, opts, b), packet.ProtoDestOpts
	}
	h := []byte{0x60, 0, 0, 0}
	h = binary.BigEndian.AppendUint16(h, uint16(len(b)))
	h = append(h, proto, 64)
	h = append(append(h, src.AsSlice()...), dst.AsSlice()...)
	return append(h, b...), packet.ProtoIPv6
}

// check sets the checksum of an IPv4 header.
func check(h []byte) {
	h[10], h[11] = 0, 0
	sum := uint32(0)
	for i := 0; i < len(h); i += 2 {
		sum += uint32(h[i])<<8 | uint32(h[i+1])
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(h[10:], ^uint16(sum))
}

func frames(list []pk) []capture.Packet {
	out := make([]capture.Packet, len(list))
	for i, p := range list {
		out[i] = p.build()
	}
	return out
}

// testSide has 20/8 and 2400:20::/32 domestic, 30/8 and 2400:30::/32 foreign.
func testSide(a *[16]byte) geo.Side {
	n := a[12]
	if a[0] == 0x24 {
		n = a[3] / 16 * 10
	}
	switch n {
	case 20:
		return geo.Domestic
	case 30:
		return geo.Foreign
	}
	return geo.SideUnknown
}

var every = []geo.Class{geo.FF, geo.FD, geo.DF}

// options are those of a test with one list.
func options(set *selector.Set, directions ...geo.Class) Options {
	if len(directions) == 0 {
		directions = every
	}
	return Options{Directions: directions, Side: testSide, From: t0 - 1e12, Until: t0 + 1e15, Set: func() *selector.Set { return set }, Flows: 1 << 12, Key: [32]byte{1, 2, 3, 9: 7}}
}

// list compiles selectors.
func list(t testing.TB, all ...selector.Selector) *selector.Set {
	t.Helper()
	b := selector.NewBuilder(selector.Options{Warnings: new(selector.Warnings)})
	for _, s := range all {
		if _, err := b.Add(s); err != nil {
			t.Fatalf("%v %s: %v", s.Kind, s.Value, err)
		}
	}
	set, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func sel(k selector.Kind, value string) selector.Selector {
	return selector.Selector{Kind: k, Value: value, Source: "test", Act: "test", Approval: "test"}
}

// sift runs packets through and returns the records and what was counted; every
// run keeps the invariants.
func sift(t testing.TB, o Options, packets []capture.Packet, size int) ([]Record, Tally, End) {
	t.Helper()
	var out []Record
	s := New(o, func(r *Record) error { out = append(out, *r); return nil })
	end := Going
	for len(packets) > 0 && end == Going {
		n := min(size, len(packets))
		var err error
		if end, err = s.Add(packets[:n]); err != nil {
			t.Fatal(err)
		}
		packets = packets[n:]
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	tally := s.Tally()
	conserved(t, &tally, out)
	return out, tally, end
}

// conserved checks what holds of every run.
func conserved(t testing.TB, y *Tally, out []Record) {
	t.Helper()
	if y.Seen != y.Sum() {
		t.Fatalf("seen %v is not the sum %v: %+v", y.Seen, y.Sum(), y)
	}
	var sum Amount
	by := map[string]Amount{}
	for i := range out {
		r := &out[i]
		a := Amount{r.Packets, r.Bytes}
		sum = sum.Plus(a)
		by[r.Selector] = by[r.Selector].Plus(a)
		if r.Start > r.End || r.Packets == 0 || r.Selector != r.Set.Ref(r.ID) || !r.Src.IsValid() || !r.Dst.IsValid() {
			t.Fatalf("a record that cannot be: %+v", r)
		}
	}
	if sum != y.Selected || uint64(len(out)) != y.Records || len(by) != len(y.BySelector) {
		t.Fatalf("records have %v in %d, the tally %v in %d", sum, len(out), y.Selected, y.Records)
	}
	for ref, a := range by {
		if y.BySelector[ref] != a {
			t.Fatalf("%s: %v and %v", ref, a, y.BySelector[ref])
		}
	}
}

// clientHello is the record of the hello that a client of the standard library
// sends to a server of that name.
func tlsHello(t testing.TB, name string) []byte {
	t.Helper()
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	go func() {
		c := tls.Client(b, &tls.Config{ServerName: name, InsecureSkipVerify: true}) //nolint: nobody is spoken to
		_ = c.Handshake()
	}()
	head := make([]byte, 5)
	if _, err := io.ReadFull(a, head); err != nil {
		t.Fatal(err)
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	if _, err := io.ReadFull(a, body); err != nil {
		t.Fatal(err)
	}
	return append(head, body...)
}

// dnsQuery is a question for the addresses of a name.
func dnsQuery(name string, answer bool) []byte {
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 77, RecursionDesired: true, Response: answer},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name + "."), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	if answer {
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.AResource{A: [4]byte{30, 0, 0, 9}}}}
	}
	b, err := m.Pack()
	if err != nil {
		panic(err)
	}
	return b
}

func framed(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }

func httpGet(host, path string) []byte {
	return []byte(strings.Join([]string{"GET " + path + " HTTP/1.1", "Host: " + host, "User-Agent: test", "", ""}, "\r\n"))
}
