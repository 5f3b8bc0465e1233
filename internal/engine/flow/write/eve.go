package write

import (
	"strconv"
	"strings"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/flow/record"
)

// appendEVE writes the events of a record in the field names of Suricata's EVE
// (https://docs.suricata.io/en/latest/output/eve/eve-json-format.html): flow,
// and one for each question, request or handshake. Bytes are those of the IP
// packets. What a record does not know is left out.
func appendEVE(b []byte, r *record.Record) []byte {
	o := object{b: b}
	hi, _ := identity(r)
	begin := func(kind string, at int64) {
		o.open("")
		o.stamp("timestamp", at)
		o.num("flow_id", hi>>11) // fits the numbers of every JSON reader
		o.text("event_type", kind)
		o.nonzero("vlan", uint64(r.VLAN))
		o.addr("src_ip", r.Src)
		o.addr("dest_ip", r.Dst)
		o.text("proto", eveProto(r.Proto))
		if r.Proto == packet.ProtoICMP || r.Proto == packet.ProtoICMPv6 {
			o.num("icmp_type", uint64(r.SrcPort))
		} else {
			o.num("src_port", uint64(r.SrcPort))
			o.num("dest_port", uint64(r.DstPort))
		}
		o.text("community_id", r.Community())
	}
	for i := range r.DNS {
		eveDNS(&o, begin, &r.DNS[i])
	}
	for i := range r.HTTP {
		begin("http", r.HTTP[i].At)
		eveHTTP(&o, &r.HTTP[i])
	}
	if r.TLS != nil {
		begin("tls", r.Start)
		eveTLS(&o, r.TLS)
	}
	if r.QUIC != nil {
		begin("quic", r.Start)
		eveQUIC(&o, r.QUIC)
	}
	if r.SSH != nil {
		begin("ssh", r.Start)
		eveSSH(&o, r.SSH)
	}
	begin("flow", r.End)
	eveFlow(&o, r)
	return o.b
}

func eveProto(p uint8) string {
	switch p {
	case packet.ProtoTCP:
		return "TCP"
	case packet.ProtoUDP:
		return "UDP"
	case packet.ProtoICMP:
		return "ICMP"
	case packet.ProtoICMPv6:
		return "IPv6-ICMP"
	case packet.ProtoSCTP:
		return "SCTP"
	}
	return strconv.Itoa(int(p))
}

func eveFlow(o *object, r *record.Record) {
	app := r.App.String()
	if app == "" {
		app = "failed"
	}
	o.text("app_proto", app)
	o.open("flow")
	o.num("pkts_toserver", r.Packets[record.Out])
	o.num("pkts_toclient", r.Packets[record.In])
	o.num("bytes_toserver", r.Bytes[record.Out])
	o.num("bytes_toclient", r.Bytes[record.In])
	o.stamp("start", r.Start)
	o.stamp("end", r.End)
	o.num("age", uint64(max(r.End-r.Start, 0)/1e9))
	o.text("state", eveState(r.State))
	o.close()
	if r.Proto == packet.ProtoTCP {
		o.open("tcp")
		both := r.Flags[record.Out] | r.Flags[record.In]
		o.text("tcp_flags", eveFlags(both))
		o.text("tcp_flags_ts", eveFlags(r.Flags[record.Out]))
		o.text("tcp_flags_tc", eveFlags(r.Flags[record.In]))
		for i, name := range [...]string{"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"} {
			if both&(1<<i) != 0 {
				o.truth(name, true)
			}
		}
		o.close()
	}
	o.line()
}

func eveFlags(f uint8) string {
	s := strconv.FormatUint(uint64(f), 16)
	return strings.Repeat("0", 2-len(s)) + s
}

func eveState(s record.State) string {
	switch s {
	case record.Tried, record.Refused, record.Unseen:
		return "new"
	case record.Closed, record.Reset:
		return "closed"
	}
	return "established"
}

func eveDNS(o *object, begin func(string, int64), d *record.DNS) {
	begin("dns", d.At)
	o.open("dns")
	o.text("type", "query")
	o.text("rrname", d.Name.String())
	o.text("rrtype", record.TypeName(d.Type))
	o.close()
	o.line()
	if !d.Answered {
		return
	}
	begin("dns", d.At)
	o.open("dns")
	o.text("type", "answer")
	o.text("rrname", d.Name.String())
	o.text("rrtype", record.TypeName(d.Type))
	o.text("rcode", record.RcodeName(d.Rcode))
	if d.Addrs[0].IsValid() {
		o.open("grouped")
		kind := "AAAA"
		if d.Addrs[0].Is4() {
			kind = "A"
		}
		o.addrs(kind, d.Addrs[:])
		o.close()
	}
	o.close()
	o.line()
}

func eveHTTP(o *object, h *record.HTTP) {
	o.open("http")
	o.text("hostname", h.Host.String())
	o.nonzero("http_port", uint64(h.Port))
	o.text("url", h.Path.String())
	o.text("http_user_agent", agentText(&h.Agent))
	o.text("http_method", h.Method.String())
	if h.Major != 0 {
		o.text("protocol", "HTTP/"+strconv.Itoa(int(h.Major))+"."+strconv.Itoa(int(h.Minor)))
	}
	o.nonzero("status", uint64(h.Status))
	o.num("length", h.Body[record.In])
	o.close()
	o.line()
}

func eveTLS(o *object, t *record.TLS) {
	o.open("tls")
	o.text("sni", t.SNI.String())
	o.text("version", tlsVersion(t.Version, "SSLv", "TLS 1."))
	if t.Resumed {
		o.truth("session_resumed", true)
	}
	if c := t.Certificate; c != nil {
		o.hex("fingerprint_sha256", c.SHA256[:])
		o.stamp("notbefore", c.NotBefore)
		o.stamp("notafter", c.Until)
	}
	o.ja3("ja3", t.JA3)
	o.ja3("ja3s", t.JA3S)
	o.text("ja4", t.JA4.String())
	o.close()
	o.line()
}

// ja3 appends a fingerprint as an object with its hash.
func (o *object) ja3(k string, v [16]byte) {
	if v != ([16]byte{}) {
		o.open(k)
		o.hex("hash", v[:])
		o.close()
	}
}

func eveQUIC(o *object, q *record.QUIC) {
	o.open("quic")
	o.text("version", strconv.FormatUint(uint64(q.Version), 16))
	o.text("sni", q.SNI.String())
	o.text("ua", agentText(&q.Agent))
	o.ja3("ja3", q.JA3)
	o.text("ja4", q.JA4.String())
	o.close()
	o.line()
}

func eveSSH(o *object, s *record.SSH) {
	o.open("ssh")
	o.open("client")
	o.text("software_version", agentText(&s.Client))
	if s.HASSH != ([16]byte{}) {
		o.open("hassh")
		o.hex("hash", s.HASSH[:])
		o.close()
	}
	o.close()
	o.open("server")
	o.text("software_version", agentText(&s.Server))
	o.close()
	o.close()
	o.line()
}
