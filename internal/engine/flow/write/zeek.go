package write

import (
	"crypto/tls"
	"strconv"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// appendZeek writes the lines of a record: conn, and one for each question,
// request or handshake, with the field names of Zeek's logs of that _path
// (https://docs.zeek.org/en/master/script-reference/log-files.html). What a
// record does not know is left out.
func appendZeek(b []byte, r *record.Record) []byte {
	o := object{b: b}
	var uid [18]byte
	id := zeekUID(uid[:0], r)
	begin := func(path string, ts int64) {
		o.open("")
		o.text("_path", path)
		o.seconds("ts", ts)
		o.text("uid", string(id))
		o.addr("id.orig_h", r.Src)
		o.num("id.orig_p", uint64(r.SrcPort))
		o.addr("id.resp_h", r.Dst)
		o.num("id.resp_p", uint64(r.DstPort))
	}
	begin("conn", r.Start)
	zeekConn(&o, r)
	for i := range r.DNS {
		begin("dns", r.DNS[i].At)
		zeekDNS(&o, r, &r.DNS[i])
	}
	for i := range r.HTTP {
		begin("http", r.HTTP[i].At)
		zeekHTTP(&o, &r.HTTP[i], i)
	}
	if r.TLS != nil {
		begin("ssl", r.Start)
		zeekSSL(&o, r.TLS)
	}
	if q := r.QUIC; q != nil {
		begin("quic", r.Start)
		o.text("version", strconv.FormatUint(uint64(q.Version), 10))
		o.text("server_name", q.SNI.String())
		o.text("client_protocol", q.ALPN.String())
		o.hex("ja3", q.JA3[:])
		o.text("ja4", q.JA4.String())
		o.line()
	}
	if s := r.SSH; s != nil {
		begin("ssh", r.Start)
		o.text("client", agentText(&s.Client))
		o.text("server", agentText(&s.Server))
		o.hex("hassh", s.HASSH[:])
		o.hex("hasshServer", s.HASSHServer[:])
		o.line()
	}
	return o.b
}

// zeekUID makes a name of the form of Zeek's: C and 17 letters and digits.
func zeekUID(b []byte, r *record.Record) []byte {
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	hi, lo := identity(r)
	b = append(b, 'C')
	for i := range 17 {
		v := &hi
		if i >= 9 {
			v = &lo
		}
		b = append(b, letters[*v%62])
		*v /= 62
	}
	return b
}

func zeekConn(o *object, r *record.Record) {
	o.text("proto", zeekProto(r.Proto))
	o.text("service", zeekService(r.App))
	o.seconds("duration", r.End-r.Start)
	o.num("orig_bytes", r.Payload[record.Out])
	o.num("resp_bytes", r.Payload[record.In])
	o.text("conn_state", connState(r))
	o.num("missed_bytes", r.Lost[record.Out]+r.Lost[record.In])
	o.num("orig_pkts", r.Packets[record.Out])
	o.num("orig_ip_bytes", r.Bytes[record.Out])
	o.num("resp_pkts", r.Packets[record.In])
	o.num("resp_ip_bytes", r.Bytes[record.In])
	o.nonzero("vlan", uint64(r.VLAN))
	o.num("ip_proto", uint64(r.Proto))
	o.text("community_id", r.Community())
	o.line()
}

func zeekProto(p uint8) string {
	switch p {
	case packet.ProtoTCP:
		return "tcp"
	case packet.ProtoUDP:
		return "udp"
	case packet.ProtoICMP, packet.ProtoICMPv6:
		return "icmp"
	}
	return "unknown_transport"
}

// zeekService is the name of a protocol in the service column.
func zeekService(a record.App) string {
	switch a {
	case record.TLSApp:
		return "ssl"
	case record.KerberosApp:
		return "krb"
	case record.POP3:
		return "pop3"
	case record.MDNS, record.LLMNR, record.NBNS:
		return "dns"
	case record.ICMPApp:
		return ""
	}
	return a.String()
}

// connState is Zeek's summary of how a connection went, from the flags of both
// sides (https://docs.zeek.org/en/master/logs/conn.html).
func connState(r *record.Record) string {
	out, in := r.Flags[record.Out], r.Flags[record.In]
	const fin, syn, rst = 1, 2, 4
	if r.Proto != packet.ProtoTCP {
		switch {
		case r.Proto == packet.ProtoICMP || r.Proto == packet.ProtoICMPv6:
			return "OTH"
		case r.Packets[record.In] == 0:
			return "S0"
		case r.Packets[record.Out] == 0:
			return "SHR"
		}
		return "SF"
	}
	switch began, answered := out&syn != 0, in&syn != 0; {
	case began && answered:
		switch {
		case out&in&fin != 0:
			return "SF"
		case out&rst != 0:
			return "RSTO"
		case in&rst != 0:
			return "RSTR"
		case out&fin != 0:
			return "S2"
		case in&fin != 0:
			return "S3"
		}
		return "S1"
	case began:
		switch {
		case in&rst != 0:
			return "REJ"
		case r.Packets[record.In] != 0:
			return "OTH"
		case out&rst != 0:
			return "RSTOS0"
		case out&fin != 0:
			return "SH"
		}
		return "S0"
	case answered && r.Packets[record.Out] == 0:
		switch {
		case in&rst != 0:
			return "RSTRH"
		case in&fin != 0:
			return "SHR"
		}
	}
	return "OTH"
}

func zeekDNS(o *object, r *record.Record, d *record.DNS) {
	o.text("proto", zeekProto(r.Proto))
	o.text("query", d.Name.String())
	o.num("qclass", 1)
	o.text("qclass_name", "C_INTERNET")
	o.num("qtype", uint64(d.Type))
	o.text("qtype_name", record.TypeName(d.Type))
	if d.Answered {
		o.num("rcode", uint64(d.Rcode))
		o.text("rcode_name", record.RcodeName(d.Rcode))
		o.truth("rejected", d.Rcode == 5)
	}
	o.addrs("answers", d.Addrs[:])
	o.line()
}

func zeekHTTP(o *object, h *record.HTTP, i int) {
	o.num("trans_depth", uint64(i+1))
	o.text("method", h.Method.String())
	o.text("host", h.Host.String())
	o.text("uri", h.Path.String())
	if h.Major != 0 {
		o.text("version", strconv.Itoa(int(h.Major))+"."+strconv.Itoa(int(h.Minor)))
	}
	o.text("user_agent", agentText(&h.Agent))
	o.num("request_body_len", h.Body[record.Out])
	o.num("response_body_len", h.Body[record.In])
	o.nonzero("status_code", uint64(h.Status))
	o.line()
}

func zeekSSL(o *object, t *record.TLS) {
	o.text("version", tlsVersion(t.Version, "SSLv", "TLSv1"))
	if t.Cipher != 0 {
		o.text("cipher", tls.CipherSuiteName(t.Cipher))
	}
	o.text("server_name", t.SNI.String())
	o.truth("resumed", t.Resumed)
	o.nonzero("last_alert", uint64(t.Alert))
	o.text("next_protocol", t.Chosen.String())
	o.truth("established", t.Established)
	if c := t.Certificate; c != nil {
		o.key("cert_chain_fps")
		o.b = append(o.b, '[')
		o.b = record.AppendText(o.b, hexText(c.SHA256[:]))
		o.b = append(o.b, ']')
	}
	o.hex("ja3", t.JA3[:])
	o.hex("ja3s", t.JA3S[:])
	o.text("ja4", t.JA4.String())
	o.line()
}

// tlsVersion names a version: ssl and a digit, or tls and what follows 1.
func tlsVersion(v uint16, ssl, tls string) string {
	switch v {
	case 0:
		return ""
	case 0x0002:
		return ssl + "2"
	case 0x0300:
		return ssl + "3"
	case 0x0301, 0x0302, 0x0303, 0x0304:
		return tls + strconv.Itoa(int(v-0x0301))
	}
	return "unknown-" + strconv.Itoa(int(v))
}
