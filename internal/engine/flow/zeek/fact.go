package zeek

import (
	"bytes"
	"net/netip"

	"noroshi/internal/engine/flow/record"
)

// text is the value of a column without the escapes of its log.
func (w *row) text(c column) []byte {
	switch {
	case !w.escaped:
		return w.v[c]
	case w.quoted:
		return unquote(w.v[c])
	}
	return unescape(w.v[c])
}

// qtypes are the names of common types where qtype itself is missing.
var qtypes = map[string]uint16{"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "NULL": 10, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33, "NAPTR": 35, "HTTPS": 65, "*": 255}

var rcodes = map[string]uint8{"NOERROR": 0, "FORMERR": 1, "SERVFAIL": 2, "NXDOMAIN": 3, "NOTIMP": 4, "REFUSED": 5}

// Ports that are a protocol of their own though Zeek calls them dns.
const (
	portMDNS  = 5353
	portLLMNR = 5355
	portNBNS  = 137
)

func (r *Reader) dns(out *record.Record) {
	w := &r.row
	out.App = record.DNSApp
	switch out.DstPort {
	case portMDNS:
		out.App = record.MDNS
	case portLLMNR:
		out.App = record.LLMNR
	case portNBNS:
		out.App = record.NBNS
	}
	if !w.has(cProto) {
		out.Proto = 17
	}
	d := record.DNS{At: out.Start}
	r.name.question(&d, w.text(cQuery), out.App == record.DNSApp)
	d.Type = uint16(number(w.v[cQType]))
	if !w.has(cQType) {
		d.Type = qtypes[string(w.v[cQTypeName])]
	}
	if w.has(cRcode) || w.has(cRcodeName) {
		d.Answered, d.Rcode = true, uint8(number(w.v[cRcode]))
		if !w.has(cRcode) {
			d.Rcode = rcodes[string(w.v[cRcodeName])]
		}
	}
	if rtt, ok := instant(w.v[cRTT]); ok && rtt >= 0 && out.Start+rtt > out.Start {
		out.End = out.Start + rtt
		d.Answered = true
	}
	addrs, said := 0, [record.MaxAddr]netip.Addr{}
	w.each(w.v[cAnswers], func(b []byte) bool {
		d.Answers++
		if len(b) > 6 && len(b) < 46 && addrs < len(said) {
			if a, ok := r.name.addr(b); ok {
				said[addrs] = a
				addrs++
			}
		}
		return d.Answers < 1<<10
	})
	least := uint64(1<<32 - 1)
	w.each(w.v[cTTLs], func(b []byte) bool {
		least = min(least, number(b))
		return true
	})
	if d.Answers > 0 && w.has(cTTLs) {
		d.TTL = uint32(least)
	}
	record.Facts{Record: out, Naming: r.name.naming}.Answer(&d, said)
	out.AddDNS(d)
}

// versions are the words of the field version of ssl (RFC 8446 §4.2.1).
var versions = map[string]uint16{"SSLv3": 0x300, "TLSv10": 0x301, "TLSv11": 0x302, "TLSv12": 0x303, "TLSv13": 0x304, "DTLSv10": 0xfeff, "DTLSv12": 0xfefd}

func (r *Reader) ssl(out *record.Record, t *record.TLS, cert *record.Certificate) {
	w := &r.row
	out.App = record.TLSApp
	*t = record.TLS{Version: versions[string(w.v[cVersion])], SNI: r.name.host(w.text(cServerName)), Chosen: record.ParseALPN(w.v[cNextProtocol]),
		Resumed: truth(w.v[cResumed]), Established: truth(w.v[cEstablished])}
	unhex(t.JA3[:], w.v[cJA3])
	unhex(t.JA3S[:], w.v[cJA3S])
	if v := w.v[cJA4]; len(v) == len(t.JA4) && fingerprint(v) {
		copy(t.JA4[:], v)
	}
	if w.has(cSubject) || w.has(cIssuer) {
		*cert = record.Certificate{Subject: r.name.hash(w.v[cSubject]), Issuer: r.name.hash(w.v[cIssuer])}
		cert.SelfSigned = bytes.Equal(w.v[cSubject], w.v[cIssuer]) || bytes.Contains(w.v[cValidation], []byte("self signed")) || bytes.Contains(w.v[cValidation], []byte("self-signed"))
		t.Certificate = cert
	}
	out.TLS = t
}

// fingerprint reports whether b has the letters and the form of a JA4: nothing
// else of its length may pass for one.
func fingerprint(b []byte) bool {
	for i, c := range b {
		if i == 10 || i == 23 {
			if c != '_' {
				return false
			}
		} else if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (i > 9 || c < 'A' || c > 'Z') || i > 10 && c > 'f' {
			return false
		}
	}
	return b[0] == 't' || b[0] == 'q' || b[0] == 'd'
}

// media are the types of MIME that have a word of their own.
var media = map[string]record.Media{
	"text/html": record.HTML, "text/plain": record.Text, "application/json": record.JSON, "text/json": record.JSON, "text/xml": record.XML,
	"application/xml": record.XML, "application/javascript": record.Script, "text/javascript": record.Script, "text/css": record.Style,
	"application/x-dosexec": record.Executable, "application/x-executable": record.Executable, "application/x-msdownload": record.Executable,
	"application/zip": record.Archive, "application/gzip": record.Archive, "application/x-gzip": record.Archive, "application/x-7z-compressed": record.Archive,
	"application/x-rar": record.Archive, "application/pdf": record.PDF, "application/octet-stream": record.Binary,
}

// mediaOf is the kind of a type of MIME.
func mediaOf(b []byte) record.Media {
	if len(b) == 0 {
		return record.NoMedia
	}
	if m, ok := media[string(b)]; ok {
		return m
	}
	for _, k := range [...]struct {
		head string
		kind record.Media
	}{{"image/", record.Image}, {"audio/", record.Audio}, {"video/", record.Video}, {"font/", record.Font}, {"multipart/", record.Multipart}, {"text/", record.Text}} {
		if bytes.HasPrefix(b, []byte(k.head)) {
			return k.kind
		}
	}
	return record.OtherMedia
}

func (r *Reader) http(out *record.Record) {
	w := &r.row
	out.App = record.HTTPApp
	h := record.HTTP{At: out.Start, Host: r.name.hostOf(cutPort(w.text(cHost)), out.Dst), Path: r.name.path(w.text(cURI)), Agent: r.name.agent(w.text(cAgent)),
		Status: uint16(number(w.v[cStatus])), Type: mediaOf(w.first(w.v[cMIME])),
		Body: [2]uint64{number(w.v[cRequestLen]), number(w.v[cResponseLen])}}
	if m := w.v[cMethod]; m != nil {
		h.Method = record.ParseMethod(string(m))
	}
	if v := w.v[cVersion]; len(v) > 0 && v[0] >= '0' && v[0] <= '3' {
		h.Major = v[0] - '0'
		if len(v) == 3 && v[1] == '.' && v[2] <= '9' {
			h.Minor = v[2] - '0'
		}
	}
	out.AddHTTP(h)
}

// cutPort takes the port off the field Host.
func cutPort(b []byte) []byte {
	if i := bytes.LastIndexByte(b, ':'); i > 0 && (bytes.IndexByte(b, ':') == i || b[i-1] == ']') {
		return b[:i]
	}
	return b
}

func (r *Reader) sshd(out *record.Record, s *record.SSH) {
	w := &r.row
	out.App = record.SSHApp
	*s = record.SSH{Client: r.name.agent(w.text(cClient)), Server: r.name.agent(w.text(cServer)), Encrypted: w.has(cAuthTries) || w.has(cAuthSuccess)}
	unhex(s.HASSH[:], w.v[cHASSH])
	unhex(s.HASSHServer[:], w.v[cHASSHServer])
	out.SSH = s
}

// Message types of Kerberos that Zeek names (RFC 4120 §7.5.7).
const (
	asReq  = 10
	tgsReq = 12
)

// krbErrors are the codes of the errors that matter to guessing (RFC 4120 §7.5.9).
var krbErrors = map[string]uint16{"KDC_ERR_PREAUTH_FAILED": 24, "KDC_ERR_C_PRINCIPAL_UNKNOWN": 6, "KDC_ERR_CLIENT_REVOKED": 18, "KDC_ERR_PREAUTH_REQUIRED": 25}

func (r *Reader) kerberos(out *record.Record, k *record.Kerberos) {
	w := &r.row
	out.App = record.KerberosApp
	*k = record.Kerberos{Client: r.name.hash(w.text(cClient)), Error: krbErrors[string(w.v[cErrorMsg])]}
	switch string(w.v[cRequestType]) {
	case "AS":
		k.Messages[0] = record.Count{Operation: asReq, Times: 1}
	case "TGS":
		k.Messages[0] = record.Count{Operation: tgsReq, Times: 1}
	}
	if w.has(cSuccess) && !truth(w.v[cSuccess]) && k.Error != 25 {
		k.Failures = 1 // asking for pre-authentication is how it begins, no failure
	}
	if s := w.v[cKrbService]; s != nil {
		k.Services[0] = r.name.hash(s)
	}
	out.Kerberos = k
}

// quic reads a line of base/protocols/quic; its version is a word or a number.
func (r *Reader) quic(out *record.Record, q *record.QUIC) {
	w := &r.row
	out.App = record.QUICApp
	if !w.has(cProto) {
		out.Proto = 17
	}
	*q = record.QUIC{SNI: r.name.host(w.text(cServerName)), ALPN: record.ParseALPN(w.v[cProtocol])}
	switch v := w.v[cVersion]; string(v) {
	case "1":
		q.Version = 1
	case "quicv2":
		q.Version = 0x6b3343cf // RFC 9369
	default:
		q.Version = uint32(number(v))
	}
	unhex(q.JA3[:], w.v[cJA3])
	if v := w.v[cJA4]; len(v) == len(q.JA4) && fingerprint(v) {
		copy(q.JA4[:], v)
	}
	out.QUIC = q
}
