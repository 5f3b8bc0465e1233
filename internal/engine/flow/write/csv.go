package write

import (
	"io"
	"strconv"

	"noroshi/internal/engine/flow/record"
)

// csvColumns are stable: new ones are added at the end.
var csvColumns = [...]string{"start", "end", "src", "dst", "sport", "dport", "proto", "app", "class", "state", "pkts_out", "pkts_in",
	"bytes_out", "bytes_in", "payload_out", "payload_in", "lost_out", "lost_in", "flags_out", "flags_in", "vlan", "tunnel", "community_id",
	"dns_names", "dns_rcodes", "sni", "alpn", "ja3", "ja4", "http_methods", "http_hosts", "http_paths", "http_status", "agents", "ssh_client",
	"ssh_server", "cut", "names", "dns_made", "sampled"}

func newCSV(w io.Writer) (*lines, error) {
	l := newLines(w, appendCSV)
	for i, c := range csvColumns {
		if i > 0 {
			l.b = append(l.b, ',')
		}
		l.b = append(l.b, c...)
	}
	_, err := l.w.Write(append(l.b, "\r\n"...))
	return l, err
}

// row appends the cells of one line.
type row struct{ b []byte }

func (o *row) num(v uint64) { o.b = strconv.AppendUint(append(o.b, ','), v, 10) }

// share appends a number of 255ths as a share of one, nothing for 0.
func (o *row) share(v uint8) {
	if o.b = append(o.b, ','); v != 0 {
		o.b = record.AppendShare(o.b, v)
	}
}

// text appends a cell that no spreadsheet takes for a formula: what begins like
// one gets an apostrophe in front.
func (o *row) text(s string) {
	o.b = appendCell(append(o.b, ','), s)
}

func appendCell(b []byte, s string) []byte {
	guard, quote := false, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"', ',', '\r', '\n':
			quote = true
		}
	}
	if s != "" {
		switch s[0] {
		case '=', '+', '-', '@', '\t', '\r':
			guard = true
		}
	}
	if quote {
		b = append(b, '"')
	}
	if guard {
		b = append(b, '\'')
	}
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			b = append(b, '"')
		}
		b = append(b, s[i])
	}
	if quote {
		b = append(b, '"')
	}
	return b
}

func appendCSV(b []byte, r *record.Record) []byte {
	o := row{b: record.AppendTime(b, r.Start)}
	o.b = record.AppendTime(append(o.b, ','), r.End)
	o.b = r.Src.AppendTo(append(o.b, ','))
	o.b = r.Dst.AppendTo(append(o.b, ','))
	for _, v := range [...]uint64{uint64(r.SrcPort), uint64(r.DstPort), uint64(r.Proto)} {
		o.num(v)
	}
	o.text(r.App.String())
	o.text(r.Class.String())
	o.text(r.State.String())
	for _, v := range [...]uint64{r.Packets[0], r.Packets[1], r.Bytes[0], r.Bytes[1], r.Payload[0], r.Payload[1], r.Lost[0], r.Lost[1],
		uint64(r.Flags[0]), uint64(r.Flags[1]), uint64(r.VLAN)} {
		o.num(v)
	}
	o.text(r.Tunnel.String())
	o.text(r.Community())
	f := flatten(r)
	for _, s := range [...]string{f.dnsNames, f.dnsRcodes, f.sni, f.alpn, f.ja3, f.ja4, f.methods, f.hosts, f.paths, f.status, f.agents,
		f.sshClient, f.sshServer} {
		o.text(s)
	}
	o.num(uint64(r.Cut))
	if r.Full {
		o.text("full")
	} else {
		o.text("short")
	}
	o.share(f.dnsMade)
	o.num(uint64(max(r.Sampled, 1)))
	return append(o.b, "\r\n"...)
}
