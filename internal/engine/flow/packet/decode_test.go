package packet

import (
	"encoding/hex"
	"net/netip"
	"strings"
	"testing"

	"noroshi/internal/engine/flow/capture"
)

// The pieces packets are put together from, in hexadecimal.
const (
	xEth4 = "020000000001020000000002 0800"
	xEth6 = "020000000001020000000002 86dd"
	xUDP  = "1388 1389 000a 0000 6162"                             // ports 5000 and 5001, two bytes
	xTCP  = "1388 0050 00000001 00000002 5012 ffff 0000 0000 6162" // SYN and ACK, two bytes
)

// ip4 returns an IPv4 header in front of a body.
func ip4(proto byte, body string) string {
	n := 20 + len(strings.ReplaceAll(body, " ", ""))/2
	return "4500" + hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) + "00010000 40" + hex.EncodeToString([]byte{proto}) + "0000 c0000201 c0000202" + body
}

// ip6 returns an IPv6 header in front of a body.
func ip6(proto byte, body string) string {
	n := len(strings.ReplaceAll(body, " ", "")) / 2
	return "60000000" + hex.EncodeToString([]byte{byte(n >> 8), byte(n), proto, 7}) + "20010db8000000000000000000000001 20010db8000000000000000000000002" + body
}

// udp returns a UDP header in front of a body.
func udp(port uint16, body string) string {
	n := 8 + len(strings.ReplaceAll(body, " ", ""))/2
	return "d431" + hex.EncodeToString([]byte{byte(port >> 8), byte(port), byte(n >> 8), byte(n)}) + "0000" + body
}

// TestDecode has one packet of each kind. What a case does not name is not
// compared.
func TestDecode(t *testing.T) {
	inner := "450000140001000040fd 0000 0a000001 0a000002"
	eth := xEth4 + inner
	for _, c := range []struct {
		name   string
		link   capture.Link
		hex    string
		layers string
		src    string // innermost
		outer  string // outermost source, "" without a tunnel
		fault  Fault
	}{
		{"tcp", 1, xEth4 + ip4(6, xTCP), "eth:ip:tcp", "192.0.2.1", "", None},
		{"udp in ipv6", 1, xEth6 + ip6(17, xUDP), "eth:ipv6:udp", "2001:db8::1", "", None},
		{"two tags", 1, "020000000001020000000002 88a8 0005 8100 0006 0800" + ip4(17, xUDP), "eth:vlan:ip:udp", "192.0.2.1", "", None},
		{"loopback, BSD", 0, "02000000" + ip4(17, xUDP), "null:ip:udp", "192.0.2.1", "", None},
		{"loopback, Darwin, big", 0, "0000001e" + ip6(17, xUDP), "null:ipv6:udp", "2001:db8::1", "", None},
		{"loopback, OpenBSD", 108, "00000018" + ip6(17, xUDP), "null:ipv6:udp", "2001:db8::1", "", None},
		{"raw", 101, ip4(17, xUDP), "ip:udp", "192.0.2.1", "", None},
		{"raw 4", 228, ip4(17, xUDP), "ip:udp", "192.0.2.1", "", None},
		{"raw 6", 229, ip6(17, xUDP), "ipv6:udp", "2001:db8::1", "", None},
		{"raw, other", 12, "50000000", "", "::", "", BadVersion},
		{"cooked", 113, "0000 0001 0006 0200000000010000 0800" + ip4(17, xUDP), "sll:ip:udp", "192.0.2.1", "", None},
		{"cooked 2", 276, "86dd 0000 00000001 0001 00 06 0200000000010000" + ip6(17, xUDP), "sll:ipv6:udp", "2001:db8::1", "", None},
		{"ppp", 9, "ff03 0021" + ip4(17, xUDP), "ppp:ip:udp", "192.0.2.1", "", None},
		{"ppp, short", 9, "21" + ip4(17, xUDP), "ppp:ip:udp", "192.0.2.1", "", None},
		{"cisco hdlc", 50, "0f00 0800" + ip4(17, xUDP), "ip:udp", "192.0.2.1", "", None},
		{"fddi", 10, "50 020000000001020000000002 aaaa03 000000 0800" + ip4(17, xUDP), "llc:fddi:ip:udp", "192.0.2.1", "", None},
		{"802.11", 105, "0801 0000 020000000001020000000002020000000003 0000 aaaa03 000000 0800" + ip4(17, xUDP), "llc:wlan:ip:udp", "192.0.2.1", "", None},
		{"802.11, protected", 105, "0841 0000 020000000001020000000002020000000003 0000 aaaa03 000000 0800", "wlan", "::", "", None},
		{"802.11 QoS, radiotap with FCS", 127, "0000 0900 02000000 10 8801 0000 020000000001020000000002020000000003 0000 0000 aaaa03 000000 0800" + ip4(17, xUDP) + "deadbeef", "llc:wlan:radiotap:ip:udp", "192.0.2.1", "", None},
		{"nflog", 239, "02 00 0000 0800 0100 00000000 2200 0900" + ip4(17, xUDP) + "0000", "nflog:ip:udp", "192.0.2.1", "", None},
		{"802.15.4", 230, "4188 01 cdab ffff 0100 41" + ip6(17, xUDP), "wpan:6lowpan:ipv6:udp", "2001:db8::1", "", None},
		{"802.15.4, compressed", 230, "41cc 01 cdab 0807060504030201 1817161514131211 7e33 f3 1289 abcd 6162", "wpan:6lowpan:ipv6:udp", "fe80::1312:1314:1516:1718", "", None},
		{"802.15.4, checked", 195, "41cc 01 cdab 0807060504030201 1817161514131211 7e33 f3 1289 abcd 6162 b5e5", "wpan:6lowpan:ipv6:udp", "fe80::1312:1314:1516:1718", "", None},
		{"802.15.4, damaged", 195, "41cc 01 cdab 0807060504030201 1817161514131211 7e33 f3 1289 abcd 6162 b5e6", "wpan", "::", "", None},
		{"802.3 and SNAP", 1, "020000000001020000000002 0026 aaaa03 000000 0800" + ip4(17, xUDP), "eth:llc:ip:udp", "192.0.2.1", "", None},
		{"spanning tree", 1, "020000000001020000000002 0003 424203", "eth:llc:stp", "::", "", None},
		{"mpls", 1, "020000000001020000000002 8847 00010040 00011140" + ip4(17, xUDP), "eth:mpls:ip:udp", "192.0.2.1", "", None},
		{"mpls pseudowire", 1, "020000000001020000000002 8847 00011140 00000000" + eth, "eth:mpls:ip", "10.0.0.1", "", None},
		{"pppoe", 1, "020000000001020000000002 8864 1100 0001 0020 0021" + ip4(17, xUDP), "eth:pppoes:ppp:ip:udp", "192.0.2.1", "", None},
		{"gre", 1, xEth4 + ip4(47, "2000 0800 00000007"+inner), "eth:ip:gre", "10.0.0.1", "192.0.2.1", None},
		{"pptp", 1, xEth4 + ip4(47, "3081 880b 0016 0001 00000001 00000001 ff03 0021"+inner), "eth:ppp:ip:gre", "10.0.0.1", "192.0.2.1", None},
		{"erspan 2", 1, xEth4 + ip4(47, "1000 88be 00000001 1000000000000000"+eth), "eth:ip:gre:erspan", "10.0.0.1", "192.0.2.1", None},
		{"erspan 3", 1, xEth4 + ip4(47, "1000 22eb 00000001 200000000000000000000001 0000000000000000"+eth), "eth:ip:gre:erspan", "10.0.0.1", "192.0.2.1", None},
		{"etherip", 1, xEth4 + ip4(97, "3000"+eth), "eth:ip:etherip", "10.0.0.1", "192.0.2.1", None},
		{"ip in ip", 1, xEth4 + ip4(4, inner), "eth:ip", "10.0.0.1", "192.0.2.1", None},
		{"6in4", 1, xEth4 + ip4(41, ip6(17, xUDP)), "eth:ip:ipv6:udp", "2001:db8::1", "192.0.2.1", None},
		{"4in6", 1, xEth6 + ip6(4, ip4(17, xUDP)), "eth:ip:ipv6:udp", "192.0.2.1", "2001:db8::1", None},
		{"vxlan", 1, xEth4 + ip4(17, udp(4789, "0800000000007b00"+eth)), "eth:ip:udp:vxlan", "10.0.0.1", "192.0.2.1", None},
		{"geneve", 1, xEth4 + ip4(17, udp(6081, "0100 6558 00007b00 00000000"+eth)), "eth:ip:udp:geneve", "10.0.0.1", "192.0.2.1", None},
		{"gtp", 1, xEth4 + ip4(17, udp(2152, "34ff 001c 00000001 0000 00 85 01 1000 00"+inner)), "eth:ip:udp:gtp", "10.0.0.1", "192.0.2.1", None},
		{"teredo", 1, xEth4 + ip4(17, udp(3544, "0000 aaaa bbbbbbbb"+ip6(17, xUDP))), "eth:ip:ipv6:udp:teredo", "2001:db8::1", "192.0.2.1", None},
		{"l2tp", 1, xEth4 + ip4(17, udp(1701, "0002 0001 0002 ff03 0021"+inner)), "eth:ppp:ip:udp:l2tp", "10.0.0.1", "192.0.2.1", None},
		{"lisp", 1, xEth4 + ip4(17, udp(4341, "0000000000000000"+inner)), "eth:ip:udp", "10.0.0.1", "192.0.2.1", None},
		{"tzsp", 1, xEth4 + ip4(17, udp(37008, "01000001 0a01ff 00 01"+eth)), "eth:ip:udp", "10.0.0.1", "192.0.2.1", None},
		{"capwap, 802.3", 1, xEth4 + ip4(17, udp(5247, "0010 0200 00000000"+eth)), "eth:ip:udp", "10.0.0.1", "192.0.2.1", None},
		{"capwap, turned 802.11", 1, xEth4 + ip4(17, udp(5247, "0010 0300 00000000 0108 0000 020000000001020000000002020000000003 0000 aaaa03 000000 0800"+inner)), "eth:llc:wlan:ip:udp", "10.0.0.1", "192.0.2.1", None},
		{"extensions", 1, xEth6 + ip6(0, "2b00010400000000 3c00000000000000 1100010400000000"+xUDP), "eth:ipv6:ipv6.hopopts:ipv6.routing:ipv6.dstopts:udp", "2001:db8::1", "", None},
		{"authentication", 1, xEth4 + ip4(51, "11040000 00000001 00000001 000000000000000000000000"+xUDP), "eth:ip:ah:udp", "192.0.2.1", "", None},
		{"icmp error", 1, xEth4 + ip4(1, "0303000000000000"+ip6(17, xUDP)), "eth:ip:icmp", "192.0.2.1", "", None},
		{"sctp", 1, xEth4 + ip4(132, "13881389 00000000 00000000"), "eth:ip:sctp", "192.0.2.1", "", None},
		{"arp", 1, "ffffffffffff020000000002 0806 0001", "eth:arp", "::", "", None},
		{"cut in ip", 1, xEth4 + "4500", "eth:ip", "::", "", Truncated},
		{"short header", 1, xEth4 + strings.Replace(ip4(6, xTCP), "45", "44", 1), "eth:ip", "192.0.2.1", "", BadLength},
		{"tcp offset", 1, xEth4 + ip4(6, strings.Replace(xTCP, "5012", "4012", 1)), "eth:ip:tcp", "192.0.2.1", "", BadLength},
		{"udp too long", 1, xEth4 + ip4(17, "13881389 00ff 0000 6162"), "eth:ip:udp", "192.0.2.1", "", BadLength},
		{"not ipv6", 1, xEth6 + ip4(17, xUDP), "eth", "::", "", BadVersion},
		{"unknown link", 999, "00", "", "::", "", UnknownLink},
	} {
		d, err := hex.DecodeString(strings.ReplaceAll(c.hex, " ", ""))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		var h Headers
		f := Decode(&capture.Packet{Data: d, Orig: uint32(len(d)), Link: c.link}, &h)
		if got := names(h.Layers); got != c.layers || f != c.fault {
			t.Errorf("%s: %s, %v; want %s, %v", c.name, got, f, c.layers, c.fault)
			continue
		}
		if got := netip.AddrFrom16(h.Src).Unmap(); got.String() != c.src {
			t.Errorf("%s: from %v, want %s", c.name, got, c.src)
		}
		if (h.Outers > 0) != (c.outer != "") || h.Outers > 0 && netip.AddrFrom16(h.Outer[0].Src).Unmap().String() != c.outer {
			t.Errorf("%s: %d tunnels, the first from %v", c.name, h.Outers, netip.AddrFrom16(h.Outer[0].Src))
		}
	}
}

// TestPadding: what fills an Ethernet frame up is no payload, and what was not
// captured is still counted.
func TestPadding(t *testing.T) {
	d, _ := hex.DecodeString(strings.ReplaceAll(xEth4+ip4(17, xUDP)+strings.Repeat("00", 20), " ", ""))
	var h Headers
	Decode(&capture.Packet{Data: d, Orig: 60, Link: 1}, &h)
	if h.PayloadLen != 2 || h.PayloadWire != 2 || string(d[h.Payload:h.Payload+h.PayloadLen]) != "ab" || h.IPLen != 30 {
		t.Errorf("%+v", h)
	}
	Decode(&capture.Packet{Data: d[:43], Orig: 60, Link: 1}, &h)
	if h.PayloadLen != 1 || h.PayloadWire != 2 || h.Fault != None {
		t.Errorf("%+v", h)
	}
}

// TestDeep nests IPv4 without end.
func TestDeep(t *testing.T) {
	body := ip4(17, xUDP)
	for range MaxDepth {
		body = ip4(4, body)
	}
	d, _ := hex.DecodeString(strings.ReplaceAll(body, " ", ""))
	var h Headers
	if f := Decode(&capture.Packet{Data: d, Orig: uint32(len(d)), Link: 101}, &h); f != TooDeep || h.Outers != MaxOuter {
		t.Errorf("%v, %d", f, h.Outers)
	}
}
