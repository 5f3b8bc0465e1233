package dissect

import (
	"bytes"
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// datagramApp finds the protocol of a communication over UDP from one of its
// payloads and its ports; NoApp when neither tells. Ports are believed only
// where the payload does not contradict.
func datagramApp(b []byte, r *record.Record) record.App {
	for _, port := range [...]uint16{r.DstPort, r.SrcPort} {
		if app := udpPorts[port]; app != record.NoApp && fits(app, b) {
			return app
		}
	}
	switch {
	case isQUIC(b):
		return record.QUICApp
	case isDTLS(b):
		return record.TLSApp
	case fits(record.STUNApp, b):
		return record.STUNApp
	case fits(record.SSDP, b):
		return record.SSDP
	case fits(record.SIP, b):
		return record.SIP
	case b[0] <= 2 && fits(record.WireGuard, b):
		return record.WireGuard
	case bytes.HasPrefix(b, []byte("d1:ad2:id20:")), bytes.HasPrefix(b, []byte("d1:rd2:id20:")), bytes.HasPrefix(b, []byte("d1:eli20")):
		return record.BitTorrent
	case dnp3Begins(b) == yes && len(b) >= 10 && len(b) >= dnp3Size(b):
		return record.DNP3
	case len(b) >= 20 && exports(b):
		return record.NetFlow
	case len(b) > 13 && b[0] == 0 && b[11] == 0x17 && b[12] == 0x24:
		return record.Teamviewer
	case len(b) > 240 && string(b[236:240]) == "\x63\x82\x53\x63":
		return record.DHCP
	case looksDNS(b):
		return record.DNSApp
	}
	return record.NoApp
}

// fits reports whether a payload can be of the protocol that its port names.
func fits(app record.App, b []byte) bool {
	n := len(b)
	switch app {
	case record.DNSApp:
		return n >= dnsHead && b[3]&0x40 == 0
	case record.MDNS, record.LLMNR, record.NBNS:
		return n >= dnsHead
	case record.QUICApp:
		return isQUIC(b)
	case record.KerberosApp:
		head, size, ok := berHead(b)
		return ok && krbType(b[0]) && head+size == n
	case record.CLDAP:
		return ldapBegins(b) == yes
	case record.DNP3:
		return n >= 10 && dnp3Begins(b) == yes
	case record.STUNApp: // RFC 8489 §5
		return n >= 20 && b[0] < 4 && string(b[4:8]) == "\x21\x12\xa4\x42" && int(binary.BigEndian.Uint16(b[2:]))+20 <= n
	case record.NTP: // RFC 5905 §7.3; modes 6 and 7 are shorter
		return n >= 48 || n >= 8 && b[0]&7 >= 6
	case record.SNMP:
		head, size, ok := berHead(b)
		return ok && b[0] == 0x30 && head+size <= n
	case record.SSDP:
		return bytes.HasPrefix(b, []byte("M-SEARCH ")) || bytes.HasPrefix(b, []byte("NOTIFY * ")) || bytes.HasPrefix(b, []byte("HTTP/1."))
	case record.SIP:
		return matchSIP(0, b, nil) == yes
	case record.TFTP:
		return n >= 4 && b[0] == 0 && b[1] >= 1 && b[1] <= 6
	case record.Radius: // RFC 2865 §3
		return n >= 20 && int(binary.BigEndian.Uint16(b[2:])) <= n
	case record.WireGuard:
		return n >= 32 && b[1]|b[2]|b[3] == 0 && (b[0] == 1 && n == 148 || b[0] == 2 && n == 92 || b[0] == 3 && n == 64 || b[0] == 4 && n%16 == 0)
	case record.Syslog:
		return n > 3 && b[0] == '<' && b[1] >= '0' && b[1] <= '9'
	case record.NetFlow:
		v := uint16(0)
		if n >= 16 {
			v = binary.BigEndian.Uint16(b)
		}
		return v == 1 || v >= 5 && v <= 10
	case record.SFlow:
		return n >= 28 && string(b[:4]) == "\x00\x00\x00\x05"
	case record.BACnet:
		return n >= 4 && b[0] == 0x81
	case record.OpenVPN: // opcodes 1 to 10 with a key below 8
		return n >= 14 && b[0]>>3 >= 1 && b[0]>>3 <= 10
	case record.EtherNetIP:
		return n >= 24
	}
	return true
}

// exports reports whether a payload is one of NetFlow version 5 or 9 or IPFIX
// (RFC 3954 §5.1, RFC 7011 §3.1) whatever its port: its counts fit its length,
// or its time is of this age.
func exports(b []byte) bool {
	second := binary.BigEndian.Uint16(b[2:])
	switch binary.BigEndian.Uint16(b) {
	case 5:
		return second >= 1 && second <= 30 && len(b) == 24+48*int(second)
	case 9:
		const y2000, y2100 = 946684800, 4102444800
		at := binary.BigEndian.Uint32(b[8:])
		return second >= 1 && second <= 64 && at > y2000 && at < y2100
	case 10:
		return int(second) == len(b)
	}
	return false
}

// mediaSeen is what the last datagram of a side said if it was one of RTP.
type mediaSeen struct {
	source uint32
	number uint16
	again  uint8
}

// follows reports whether a datagram is the third in a row that can be of one
// source of RTP, numbered one after the other (RFC 3550 §5.1, A.1).
func (m *mediaSeen) follows(b []byte) bool {
	if len(b) < 13 || b[0]>>6 != 2 || b[1]&0x7f >= 64 && b[1]&0x7f < 96 {
		*m = mediaSeen{}
		return false
	}
	source, number := binary.BigEndian.Uint32(b[8:]), binary.BigEndian.Uint16(b[2:])
	if m.again++; source != m.source || number != m.number+1 {
		m.again = 1
	}
	m.source, m.number = source, number
	return m.again >= 3
}

// ssdpDatagram reads a message of SSDP, which has the form of HTTP/1.
func ssdpDatagram(side int, at int64, b []byte, f record.Facts) {
	s := httpStream{f: f}
	s.side[0].place, s.side[1].place = -1, -1
	s.Data(side, at, b)
}
