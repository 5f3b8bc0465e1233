package zeek

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"

	"noroshi/internal/engine/flow/record"
	"noroshi/internal/engine/jsonscan"
)

// row is one line split into columns. Its slices share the reader's buffer.
type row struct {
	v       [columns][]byte
	filled  []column // of JSON: which to empty again
	set     byte     // what separates the parts of a list
	escaped bool     // a backslash is in the line
	quoted  bool     // the line is JSON
	keys    [maxKeys]lastKey
}

// lastKey is the key that stood at a place of the line before: lines of one log
// have the same keys in the same order, which spares the look into the table.
type lastKey struct {
	name   string
	column column
}

const maxKeys = 48

func (w *row) has(c column) bool { return w.v[c] != nil }

// forget lets go of everything.
func (w *row) forget() { clear(w.v[:]); w.filled = w.filled[:0] }

func (w *row) forgetSet() {
	for _, c := range w.filled {
		w.v[c] = nil
	}
	w.filled = w.filled[:0]
}

// kind is the log that a JSON line belongs to.
func (w *row) kind() log {
	if w.has(cPath) {
		return logOf(w.v[cPath])
	}
	return w.guess()
}

// build fills a record from the row. It returns false when the row lacks a
// time or an address.
func (r *Reader) build(out *record.Record, i int, kind log) bool {
	w := &r.row
	var ok bool
	if out.Start, ok = instant(w.v[cTS]); !ok {
		return false
	}
	out.End = out.Start
	if out.Src, ok = r.name.addr(w.v[cOrigH]); !ok {
		return false
	}
	if out.Dst, ok = r.name.addr(w.v[cRespH]); !ok {
		return false
	}
	out.SrcPort, out.DstPort = uint16(number(w.v[cOrigP])), uint16(number(w.v[cRespP]))
	out.Proto = protocol(w.v[cProto])
	out.Full = r.name.naming.Full()
	switch kind {
	case connLog:
		w.conn(out)
	case dnsLog:
		r.dns(out)
	case sslLog:
		r.ssl(out, &r.slab.tls[i], &r.slab.cert[i])
	case httpLog:
		r.http(out)
	case sshLog:
		r.sshd(out, &r.slab.ssh[i])
	case krbLog:
		r.kerberos(out, &r.slab.krb[i])
	case quicLog:
		r.quic(out, &r.slab.quic[i])
	case rdpLog:
		out.App, out.Proto = record.RDPApp, 6
		r.slab.rdp[i] = record.RDP{Cookie: r.name.hash(w.v[cCookie])}
		out.RDP = &r.slab.rdp[i]
	}
	return true
}

// state reads the values of conn_state (base/protocols/conn/main.zeek).
func state(b []byte) record.State {
	switch string(b) {
	case "SF":
		return record.Closed
	case "S0", "SH", "RSTOS0":
		return record.Tried
	case "REJ":
		return record.Refused
	case "S1", "S2", "S3":
		return record.Open
	case "RSTO", "RSTR":
		return record.Reset
	case "OTH", "SHR", "RSTRH":
		return record.Midway
	}
	return record.Unseen
}

func (w *row) conn(out *record.Record) {
	if d, ok := instant(w.v[cDuration]); ok && d > 0 && out.Start+d > out.Start {
		out.End = out.Start + d
	}
	out.State = state(w.v[cConnState])
	out.Payload = [2]uint64{number(w.v[cOrigBytes]), number(w.v[cRespBytes])}
	out.Packets = [2]uint64{number(w.v[cOrigPkts]), number(w.v[cRespPkts])}
	out.Bytes = [2]uint64{number(w.v[cOrigIPBytes]), number(w.v[cRespIPBytes])}
	for side := range 2 {
		out.Bytes[side] = max(out.Bytes[side], out.Payload[side]) // without packet counters Zeek says 0
		if out.Packets[side] == 0 && out.Bytes[side] > 0 {
			out.Packets[side] = 1 + out.Bytes[side]/1460
		}
	}
	if out.Packets == [2]uint64{} {
		out.Packets[record.Out] = 1 // a line of conn is at least one packet
	}
	out.Lost[record.In] = number(w.v[cMissed]) // Zeek does not say of which side
	out.VLAN = uint16(number(w.v[cVLAN]))
	out.App = service(w.v[cService])
	out.Flags = flags(w.v[cHistory])
	if out.Proto == 1 || out.Proto == 58 {
		out.App = record.ICMPApp
	}
	if id := w.v[cCommunity]; len(id) == 30 && id[0] == '1' && id[1] == ':' {
		var sum [24]byte // base64 without padding may stand for more than SHA-1 has
		if n, err := base64.StdEncoding.Decode(sum[:], id[2:]); err == nil && n == len(out.CommunityID) {
			copy(out.CommunityID[:], sum[:])
		}
	}
}

// flags are the TCP flags that a history stands for: s SYN, h SYN-ACK, a ACK,
// d data, f FIN, r RST; capitals are the originator's.
func flags(history []byte) (f [2]uint8) {
	const fin, syn, rst, psh, ack = 1, 2, 4, 8, 16
	for _, c := range history {
		side := record.In
		if 'A' <= c && c <= 'Z' {
			side = record.Out
		}
		switch c | 0x20 {
		case 's':
			f[side] |= syn
		case 'h':
			f[side] |= syn | ack
		case 'a':
			f[side] |= ack
		case 'd':
			f[side] |= psh | ack
		case 'f':
			f[side] |= fin
		case 'r':
			f[side] |= rst
		}
	}
	return f
}

// protocol is the IP protocol number of a word; a log without one is of TCP.
func protocol(b []byte) uint8 {
	switch string(b) {
	case "udp":
		return 17
	case "icmp":
		return 1
	case "icmp6", "ipv6-icmp":
		return 58
	case "sctp":
		return 132
	case "tcp", "":
		return 6
	}
	return 0
}

// services pairs the words of the field service with protocols.
var services = map[string]record.App{
	"dns": record.DNSApp, "http": record.HTTPApp, "ssl": record.TLSApp, "tls": record.TLSApp, "quic": record.QUICApp, "ssh": record.SSHApp,
	"smtp": record.SMTP, "imap": record.IMAP, "pop3": record.POP3, "smb": record.SMBApp, "rdp": record.RDPApp, "krb": record.KerberosApp,
	"krb_tcp": record.KerberosApp, "kerberos": record.KerberosApp, "ldap": record.LDAPApp, "ldap_tcp": record.LDAPApp, "ldap_udp": record.CLDAP,
	"modbus": record.Modbus, "dnp3": record.DNP3, "dnp3_tcp": record.DNP3, "s7comm": record.S7, "ftp": record.FTP, "ftp-data": record.FTP,
	"ntp": record.NTP, "dhcp": record.DHCP, "snmp": record.SNMP, "syslog": record.Syslog, "sip": record.SIP, "radius": record.Radius,
	"mysql": record.MySQL, "postgresql": record.PostgreSQL, "redis": record.Redis, "socks": record.SOCKS, "dce_rpc": record.MSRPC,
	"mqtt": record.MQTTApp, "rfb": record.VNC, "bittorrent": record.BitTorrent, "openvpn": record.OpenVPN, "wireguard": record.WireGuard,
	"ipsec": record.IPsec, "stun": record.STUNApp, "websocket": record.HTTPApp, "enip": record.EtherNetIP, "bacnet": record.BACnet,
}

// service is the protocol of the field service; of several, the one that
// carries the others goes first, which Zeek does not sort by.
func service(b []byte) record.App {
	if bytes.IndexByte(b, ',') < 0 {
		return services[string(b)]
	}
	best := record.NoApp
	for len(b) > 0 {
		part := b
		if i := bytes.IndexByte(b, ','); i >= 0 {
			part, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		app := services[string(bytes.TrimPrefix(part, []byte("-")))]
		switch {
		case app == record.NoApp:
		case best == record.NoApp, app == record.SMBApp, app == record.QUICApp, app == record.RDPApp, best == record.KerberosApp && app == record.LDAPApp:
			if best != record.SMBApp {
				best = app
			}
		}
	}
	return best
}

// maxCount is the largest count that is believed: a petabyte, or that many
// packets, of one communication. What adds them up has room for thousands.
const maxCount = 1 << 50

// number is a count, at most maxCount; what is no number is 0.
func number(b []byte) (n uint64) {
	for i, c := range b {
		if c < '0' || c > '9' {
			if c == '.' && i > 0 {
				return n // JSON of some shippers writes 60.0
			}
			return 0
		}
		n = min(n*10+uint64(c-'0'), maxCount)
	}
	return n
}

// instant is a time or an interval in nanoseconds: seconds with a fraction, as
// Zeek writes them; whole milliseconds (JSON::TS_MILLIS); or ISO 8601
// (JSON::TS_ISO8601).
func instant(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 40 {
		return 0, false
	}
	whole, frac, digits, i := int64(0), int64(0), 0, 0
	for ; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
		if whole = whole*10 + int64(b[i]-'0'); whole > 1<<53 {
			return 0, false
		}
	}
	if i == 0 {
		return 0, false
	}
	if i == len(b) && whole >= 1e11 && whole < 1e13 {
		return whole * 1e6, true
	}
	if i < len(b) && b[i] == '.' {
		for i++; i < len(b) && '0' <= b[i] && b[i] <= '9'; i++ {
			if digits < 9 {
				frac, digits = frac*10+int64(b[i]-'0'), digits+1
			}
		}
		for ; digits < 9; digits++ {
			frac *= 10
		}
	}
	if i < len(b) {
		return oddInstant(b)
	}
	if whole > 9e9 {
		return 0, false
	}
	return whole*1e9 + frac, true
}

func oddInstant(b []byte) (int64, bool) {
	if bytes.IndexByte(b, '-') == 4 {
		if t, ok := jsonscan.ParseTime(string(b)); ok && t.Year() >= 1970 && t.Year() < 2200 {
			return t.UnixNano(), true
		}
		return 0, false
	}
	if f, err := strconv.ParseFloat(string(b), 64); err == nil && f >= 0 && f < 9e9 {
		return int64(f * 1e9), true
	}
	return 0, false
}

// truth reads T, F, true and false.
func truth(b []byte) bool { return len(b) > 0 && (b[0] == 'T' || b[0] == 't') }

// unhex fills out from hexadecimal digits, or leaves it zero.
func unhex(out, b []byte) {
	if len(b) != 2*len(out) {
		return
	}
	if _, err := hex.Decode(out, b); err != nil {
		clear(out)
	}
}

// first is the first part of a list.
func (w *row) first(b []byte) []byte {
	if i := bytes.IndexByte(b, w.set); i >= 0 {
		b = b[:i]
	}
	return bytes.Trim(b, `" `)
}

// each calls fn with the parts of a list until it returns false.
func (w *row) each(b []byte, fn func([]byte) bool) {
	for len(b) > 0 {
		part := b
		if i := bytes.IndexByte(b, w.set); i >= 0 {
			part, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		if !fn(bytes.Trim(part, `" `)) {
			return
		}
	}
}

// parse4 reads an IPv4 address without allocating.
func parse4(b []byte) (netip.Addr, bool) {
	var a [4]byte
	part, n, digits := 0, 0, 0
	for i := 0; i <= len(b); i++ {
		if i == len(b) || b[i] == '.' {
			if digits == 0 || n > 3 {
				return netip.Addr{}, false
			}
			a[n] = byte(part)
			n, part, digits = n+1, 0, 0
			continue
		}
		c := b[i] - '0'
		if c > 9 || digits == 3 {
			return netip.Addr{}, false
		}
		if part, digits = part*10+int(c), digits+1; part > 255 {
			return netip.Addr{}, false
		}
	}
	return netip.AddrFrom4(a), n == 4
}
