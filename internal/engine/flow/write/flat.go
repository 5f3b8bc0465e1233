package write

import (
	"encoding/hex"
	"strconv"

	"noroshi/internal/engine/flow/record"
)

// flat is the facts of a record in one line: lists joined with a space, which
// no shortened name contains, each value once.
type flat struct {
	dnsNames, dnsRcodes, sni, alpn, ja3, ja4 string
	methods, hosts, paths, status, agents    string
	sshClient, sshServer                     string
	dnsMade                                  uint8 // the highest, in 255ths
}

// list joins values, each once, in the order in which they came.
type list struct {
	b    []byte
	ends []int
}

func (l *list) add(s string) {
	if s == "" {
		return
	}
	from := 0
	for _, end := range l.ends {
		if string(l.b[from:end]) == s {
			return
		}
		from = end + 1
	}
	if len(l.b) > 0 {
		l.b = append(l.b, ' ')
	}
	l.b = append(l.b, s...)
	l.ends = append(l.ends, len(l.b))
}

func flatten(r *record.Record) (f flat) {
	if len(r.DNS) > 0 {
		var names, rcodes list
		for i := range r.DNS {
			names.add(r.DNS[i].Name.String())
			f.dnsMade = max(f.dnsMade, r.DNS[i].Made)
			if r.DNS[i].Answered {
				rcodes.add(record.RcodeName(r.DNS[i].Rcode))
			}
		}
		f.dnsNames, f.dnsRcodes = string(names.b), string(rcodes.b)
	}
	if len(r.HTTP) > 0 {
		var methods, hosts, paths, status, agents list
		for i := range r.HTTP {
			h := &r.HTTP[i]
			methods.add(h.Method.String())
			hosts.add(h.Host.String())
			paths.add(h.Path.String())
			if h.Status != 0 {
				status.add(strconv.Itoa(int(h.Status)))
			}
			agents.add(agentText(&h.Agent))
		}
		f.methods, f.hosts, f.paths, f.status, f.agents = string(methods.b), string(hosts.b), string(paths.b), string(status.b), string(agents.b)
	}
	if t := r.TLS; t != nil {
		f.sni, f.alpn = t.SNI.String(), t.ALPN.String()
	} else if q := r.QUIC; q != nil {
		f.sni, f.alpn = q.SNI.String(), q.ALPN.String()
	}
	f.ja3, f.ja4 = fingerprints(r)
	if s := r.SSH; s != nil {
		f.sshClient, f.sshServer = agentText(&s.Client), agentText(&s.Server)
	}
	return f
}

// fingerprints are those of who began, "" for none.
func fingerprints(r *record.Record) (ja3, ja4 string) {
	if t := r.TLS; t != nil {
		return hexText(t.JA3[:]), t.JA4.String()
	} else if q := r.QUIC; q != nil {
		return hexText(q.JA3[:]), q.JA4.String()
	}
	return "", ""
}

// agentText is the whole line where names are full, else family and hash.
func agentText(a *record.Agent) string {
	switch {
	case a.IsZero():
		return ""
	case !a.Text.IsZero():
		return a.Text.String()
	}
	return a.Family.String() + "{" + a.Whole.String() + "}"
}

// hexText is bytes in hexadecimal, "" when all are zero.
func hexText(b []byte) string {
	for _, c := range b {
		if c != 0 {
			return hex.EncodeToString(b)
		}
	}
	return ""
}
