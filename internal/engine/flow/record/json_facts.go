package record

import (
	"encoding/base64"
	"math/bits"
	"strconv"
)

var base64Std = base64.StdEncoding

func (o *object) dns(d *DNS) {
	o.time("at", d.At)
	o.word("name", d.Name.text)
	o.word("type", TypeName(d.Type))
	if d.Answered {
		o.word("rcode", RcodeName(d.Rcode))
		o.int("answers", uint64(d.Answers))
		o.int("ttl", uint64(d.TTL))
	}
	o.hex("whole", d.Whole[:])
	o.hex("own", d.Own[:])
	if d.Made != 0 {
		o.key("made")
		o.b = AppendShare(o.b, d.Made)
	}
	o.int("length", uint64(d.Length))
	o.int("labels", uint64(d.Labels))
	o.int("longest", uint64(d.Longest))
	o.key("entropy")
	o.b = append(strconv.AppendUint(o.b, uint64(d.Entropy)/10, 10), '.', '0'+d.Entropy%10)
	o.pair("size", uint64(d.Size[Out]), uint64(d.Size[In]))
	if d.Addrs[0].IsValid() {
		o.key("addrs")
		o.b = append(o.b, '[')
		for i, a := range d.Addrs {
			if !a.IsValid() {
				break
			}
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = append(a.AppendTo(append(o.b, '"')), '"')
		}
		o.b = append(o.b, ']')
	}
}

// AppendShare appends a number of 255ths as a share of one with three decimals.
func AppendShare(b []byte, v uint8) []byte {
	n := (uint32(v)*2000/255 + 1) / 2 // there are no ties: 255 has no factor of two
	return append(b, byte('0'+n/1000), '.', byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}

func (o *object) http(h *HTTP) {
	o.time("at", h.At)
	o.word("method", h.Method.String())
	if h.Major != 0 {
		o.word("version", strconv.Itoa(int(h.Major))+"."+strconv.Itoa(int(h.Minor)))
	}
	o.word("host", h.Host.text)
	o.more("port", uint64(h.Port))
	o.word("path", h.Path.text)
	o.more("status", uint64(h.Status))
	o.agent("agent", &h.Agent)
	o.agent("server", &h.Server)
	o.word("type", h.Type.String())
	o.pair("body", h.Body[Out], h.Body[In])
}

// agent appends a family, its line's hash and, where names are full, the line.
func (o *object) agent(k string, a *Agent) {
	if a.IsZero() {
		return
	}
	o.key(k)
	o.nest(func() {
		o.word("family", a.Family.String())
		o.word("hash", a.Whole.String())
		o.word("text", a.Text.text)
	})
}

func (o *object) tls(t *TLS) {
	o.code("version", t.Version)
	o.code("cipher", t.Cipher)
	o.word("sni", t.SNI.text)
	o.word("alpn", t.ALPN.String())
	o.word("chosen", t.Chosen.String())
	o.hex("ja3", t.JA3[:])
	o.hex("ja3s", t.JA3S[:])
	o.ja4(&t.JA4)
	o.yes("resumed", t.Resumed)
	o.yes("established", t.Established)
	o.yes("ech", t.ECH)
	o.more("alert", uint64(t.Alert))
	one(o, "certificate", t.Certificate, (*object).certificate)
}

// code appends a number of a registry as 0x and four digits.
func (o *object) code(k string, v uint16) {
	if v != 0 {
		o.key(k)
		o.b = append(o.b, `"0x`...)
		for shift := 12; shift >= 0; shift -= 4 {
			o.b = append(o.b, hexDigits[v>>shift&15])
		}
		o.b = append(o.b, '"')
	}
}

func (o *object) ja4(j *JA4) {
	if j[0] != 0 {
		o.word("ja4", j.String())
	}
}

// String is the fingerprint as text, "" for none.
func (j *JA4) String() string {
	if j[0] == 0 {
		return ""
	}
	return string(j[:])
}

func (o *object) certificate(c *Certificate) {
	o.hex("sha256", c.SHA256[:])
	o.word("subject", c.Subject.String())
	o.word("issuer", c.Issuer.String())
	o.word("serial", c.Serial.String())
	o.time("not_before", c.NotBefore)
	o.time("until", c.Until)
	o.word("key", c.Key.String())
	o.more("bits", uint64(c.Bits))
	o.word("signature", c.Signature.String())
	o.more("names", uint64(c.Names))
	o.yes("self_signed", c.SelfSigned)
	o.yes("wildcard", c.Wildcard)
	o.yes("matches_sni", c.MatchesServerName)
	o.more("chain", uint64(c.Chain))
}

func (o *object) quic(q *QUIC) {
	o.key("version")
	o.b = strconv.AppendUint(append(o.b, `"0x`...), uint64(q.Version), 16)
	o.b = append(o.b, '"')
	o.word("sni", q.SNI.text)
	o.word("alpn", q.ALPN.String())
	o.hex("ja3", q.JA3[:])
	o.ja4(&q.JA4)
	o.agent("agent", &q.Agent)
}

func (o *object) ssh(s *SSH) {
	o.agent("client", &s.Client)
	o.agent("server", &s.Server)
	o.hex("hassh", s.HASSH[:])
	o.hex("hassh_server", s.HASSHServer[:])
	o.yes("encrypted", s.Encrypted)
}

func (o *object) mail(m *Mail) {
	o.int("commands", uint64(m.Commands))
	o.more("errors", uint64(m.Errors))
	o.more("messages", uint64(m.Messages))
	o.more("recipients", uint64(m.Recipients))
	o.more("message_bytes", m.MessageBytes)
	o.more("auth_tries", uint64(m.AuthTries))
	o.more("auth_failures", uint64(m.AuthFailures))
	o.yes("starttls", m.StartTLS)
	o.yes("authenticated", m.Authenticated)
	o.agent("greeting", &m.Greeting)
}

func (o *object) smb(s *SMB) {
	o.int("version", uint64(s.Version))
	o.code("dialect", s.Dialect)
	o.yes("encrypted", s.Encrypted)
	o.yes("signed", s.Signed)
	o.counts("commands", s.Commands[:])
	o.more("failures", uint64(s.Failures))
	o.more("logons", uint64(s.Logons))
	o.more("logon_failures", uint64(s.LogonFails))
	o.yes("ntlm", s.NTLM)
	o.yes("admin_share", s.AdminShare)
	if s.Pipes != 0 {
		o.key("pipes")
		o.b = append(o.b, '[')
		for i, name := range pipeWords {
			if s.Pipes&(1<<i) != 0 {
				if s.Pipes&(1<<i-1) != 0 {
					o.b = append(o.b, ',')
				}
				o.b = AppendText(o.b, name)
			}
		}
		o.b = append(o.b, ']')
	}
	o.hashes("shares", s.Shares[:])
	o.more("files", uint64(s.Files))
	if s.FileBytes != [2]uint64{} {
		o.pair("file_bytes", s.FileBytes[Out], s.FileBytes[In])
	}
	o.word("user", s.User.String())
	o.word("host", s.Host.String())
}

var pipeWords = [...]string{"svcctl", "atsvc", "samr", "lsarpc", "netlogon", "srvsvc", "wkssvc", "winreg", "drsuapi", "eventlog",
	"spoolss", "epmapper", "efsrpc", "browser", "other"}

func (o *object) counts(k string, all []Count) {
	if all[0].Times == 0 {
		return
	}
	o.key(k)
	o.nest(func() {
		for _, c := range all {
			if c.Times != 0 {
				o.int(strconv.Itoa(int(c.Operation)), uint64(c.Times))
			}
		}
	})
}

func (o *object) hashes(k string, all []Hash) {
	if all[0] == (Hash{}) {
		return
	}
	o.key(k)
	o.b = append(o.b, '[')
	for i, h := range all {
		if h == (Hash{}) {
			break
		}
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = AppendText(o.b, h.String())
	}
	o.b = append(o.b, ']')
}

func (o *object) rdp(r *RDP) {
	o.int("requested", uint64(r.Requested))
	o.int("selected", uint64(r.Selected))
	o.more("failure", uint64(r.Failure))
	o.word("cookie", r.Cookie.String())
	o.more("build", uint64(r.Build))
	o.more("width", uint64(r.Width))
	o.more("height", uint64(r.Height))
	o.word("client", r.Client.String())
}

func (o *object) kerberos(k *Kerberos) {
	o.counts("messages", k.Messages[:])
	o.more("error", uint64(k.Error))
	o.more("failures", uint64(k.Failures))
	o.signed("etype", k.EType)
	o.signed("weakest", k.Weakest)
	o.word("realm", k.Realm.String())
	o.word("client", k.Client.String())
	o.word("service", k.Service.String())
	o.hashes("services", k.Services[:])
}

func (o *object) signed(k string, v int32) {
	if v != 0 {
		o.key(k)
		o.b = strconv.AppendInt(o.b, int64(v), 10)
	}
}

func (o *object) ldap(l *LDAP) {
	o.counts("operations", l.Operations[:])
	o.more("result", uint64(l.Result))
	o.more("failures", uint64(l.Failures))
	o.more("bind", uint64(l.BindKind))
	o.more("entries", uint64(l.Entries))
	o.hashes("bases", l.Bases[:])
	o.yes("starttls", l.StartTLS)
	o.yes("wide", l.Wide)
}

func (o *object) control(c *Control) {
	o.set("functions", &c.Functions)
	o.set("units", &c.Units)
	o.int("requests", uint64(c.Requests))
	o.more("writes", uint64(c.Writes))
	o.more("stops", uint64(c.Stops))
	o.more("exceptions", uint64(c.Exceptions))
	o.more("source", uint64(c.Source))
	o.more("target", uint64(c.Target))
}

// set appends the numbers of a set of bits.
func (o *object) set(k string, v *[4]uint64) {
	if *v == [4]uint64{} {
		return
	}
	o.key(k)
	o.b = append(o.b, '[')
	first := true
	for i, w := range v {
		for ; w != 0; w &= w - 1 {
			if !first {
				o.b = append(o.b, ',')
			}
			first = false
			o.b = strconv.AppendInt(o.b, int64(64*i+bits.TrailingZeros64(w)), 10)
		}
	}
	o.b = append(o.b, ']')
}

// TypeName is the mnemonic of a DNS record type (IANA DNS parameters), TYPEn
// for the others (RFC 3597 §5).
func TypeName(t uint16) string {
	if name := typeWords[t]; name != "" {
		return name
	}
	return "TYPE" + strconv.Itoa(int(t))
}

// RcodeName is the mnemonic of a DNS response code (RFC 6895 §2.3), RCODEn for
// the others.
func RcodeName(c uint8) string {
	if int(c) < len(rcodeWords) {
		return rcodeWords[c]
	}
	return "RCODE" + strconv.Itoa(int(c))
}

var typeWords = map[uint16]string{1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP",
	18: "AFSDB", 24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 32: "NB", 33: "SRV", 35: "NAPTR", 36: "KX", 37: "CERT", 39: "DNAME", 41: "OPT",
	43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 59: "CDS", 60: "CDNSKEY",
	64: "SVCB", 65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 255: "ANY", 256: "URI", 257: "CAA"}

var rcodeWords = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE"}
