package sieve

import (
	"encoding/binary"
	"testing"

	"noroshi/internal/engine/flow/capture"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

func fuzzLists(t testing.TB) []*selector.Set {
	names := []selector.Selector{sel(selector.Domain, "c2.evil.example.com"), sel(selector.Suffix, "bad.example.net"), sel(selector.URI, "a.example/gate/{x}"),
		sel(selector.JA4, "t13d1516h2_8daaf6152771_e5627efa2ab1"), sel(selector.Certificate, "00112233445566778899aabbccddeeff00112233")}
	headers := []selector.Selector{sel(selector.Prefix, "20.0.0.0/9"), sel(selector.Address, abr), sel(selector.Prefix, "2400:30::/32"), sel(selector.Port, "tcp/4444")}
	patterns := []selector.Selector{sel(selector.Pattern, `"aaaa"`), sel(selector.Pattern, `"cmd.exe"`)}
	return []*selector.Set{nil, list(t, headers...), list(t, names...), list(t, append(patterns, names...)...), list(t, append(append(patterns, names...), headers...)...)}
}

// pieces of captures: a length, a step of time and a link, then the packet.
func pack(list []capture.Packet) (b []byte) {
	for _, p := range list {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p.Data))), 3, 0)
		b = append(b, p.Data...)
	}
	return b
}

// Whatever comes, what was seen is accounted for and nothing is left.
func FuzzSieve(f *testing.F) {
	lists := fuzzLists(f)
	hello := tlsHello(f, "c2.evil.example.com")
	f.Add(pack(frames(stream(dom, abr, 40000, 443, hello, 300))), uint8(2), uint8(7), uint8(0))
	f.Add(pack(frames(stream(dom6, abr6, 40000, 80, httpGet("a.example", "/gate/q"), 10))), uint8(4), uint8(1), uint8(3))
	f.Add(pack(frames([]pk{{src: dom, dst: abr, dport: 443, proto: 17, body: quicInitial(f, 1, hello[5:], 0, 1<<20)}, {src: abr, dst: dom, sport: 53, proto: 17, body: dnsQuery("x.bad.example.net", true)}})), uint8(3), uint8(1), uint8(0))
	f.Add(pack(outerParts(udp(dom, abr, dom, abr), 16)), uint8(1), uint8(3), uint8(2))
	odd := []pk{udp(dom, abr), udp(dom6, abr6), udp(abr, dom), udp(abr, dom, abr, dom2), udp(abr, dom)}
	odd[0].opts, odd[1].opts, odd[3].outerOpts = []byte{1, 0x83, 3, 4}, []byte{0xc9, 2, 0, 0, 1, 0}, []byte{0x94, 4, 0, 0}
	odd[2].body, odd[4].body, odd[4].more = odd[0].build().Data[14:], odd[1].build().Data[14:], true
	f.Add(pack(frames(odd)), uint8(0x83), uint8(1), uint8(9))
	f.Fuzz(func(t *testing.T, b []byte, which, batch, flows uint8) {
		var packets []capture.Packet
		at := t0
		for len(b) >= 4 && len(packets) < 500 {
			n, step := int(binary.BigEndian.Uint16(b)), int64(int8(b[2]))
			p := capture.Packet{Link: capture.LinkEthernet}
			if b[3] > 0 && b[3] < 20 {
				p.Link = capture.Link([]uint16{101, 113, 228, 229, 0, 1, 9}[b[3]%7])
			}
			b = b[4:]
			n = min(n, len(b))
			at += step * step * step * 100_000 // from a fifth of a millisecond to minutes, either way
			p.At, p.Data, p.Orig, b = at, b[:n], uint32(n), b[n:]
			packets = append(packets, p)
		}
		o := options(lists[int(which)%len(lists)])
		o.Flows, o.From, o.Until = int(flows)+1, -1<<62, 1<<62
		if which&0x80 != 0 {
			o.CapPackets = uint64(batch)
			o.Side = func(*[16]byte) geo.Side { return geo.Foreign }
		}
		var got []Record
		s := New(o, func(r *Record) error { got = append(got, *r); return nil })
		for len(packets) > 0 {
			n := min(len(packets), int(batch)+1)
			if end, err := s.Add(packets[:n]); err != nil || end != Going {
				break
			}
			packets = packets[n:]
			if which&0x40 != 0 {
				if _, err := s.Tick(at); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		y := s.Tally()
		conserved(t, &y, got)
		clean(t, s)
	})
}

// Whether a stream is found does not depend on how it is cut.
func FuzzStream(f *testing.F) {
	lists := fuzzLists(f)
	hello := tlsHello(f, "c2.evil.example.com")
	f.Add(hello, uint16(443), uint16(100), uint8(2))
	f.Add(append([]byte("CONNECT 30.0.0.1:443 HTTP/1.1\r\n\r\n"), hello...), uint16(443), uint16(200), uint8(3))
	f.Add(append(httpGet("fine.example", "/"), httpGet("a.example", "/gate/q")...), uint16(80), uint16(9), uint8(3))
	f.Add(append(framed(dnsQuery("fine.example", false)), framed(dnsQuery("c2.evil.example.com", false))...), uint16(53), uint16(5), uint8(2))
	f.Add([]byte("POST / HTTP/1.1\r\nContent-Length: 9\r\nHost: x\r\n\r\naaaaaaaaaGET / HTTP/1.0\nhost:x.bad.example.net\n\n"), uint16(53), uint16(5), uint8(2))
	f.Fuzz(func(t *testing.T, b []byte, port, cut uint16, which uint8) {
		if len(b) > 60000 || port == 4444 {
			return
		}
		set := lists[2+which%2]
		if len(b) > 0 {
			cut = max(cut, uint16(len(b)/(MaxPackets-1)+1))
		}
		_, y, _ := sift(t, options(set), frames(stream(dom, abr, 40000, port, b, 1<<20)), 1)
		_, z, _ := sift(t, options(set), frames(stream(dom, abr, 40000, port, b, int(max(cut, 1)))), 1)
		if (y.Selected.Packets > 0) != (z.Selected.Packets > 0) {
			t.Errorf("at once: %v, in pieces of %d: %v", y.Selected, cut, z.Selected)
		}
	})
}
