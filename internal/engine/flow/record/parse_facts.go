package record

import (
	"bytes"
	"encoding/base64"
)

// record reads a member of a record.
func (p *Parser) record(key []byte) bool {
	p.member = ""
	r, m := p.rec, p.room
	switch string(key) {
	case "start":
		return p.time(&r.Start)
	case "end":
		return p.time(&r.End)
	case "src":
		return p.addr(&r.Src)
	case "dst":
		return p.addr(&r.Dst)
	case "sport":
		return number(p, &r.SrcPort)
	case "dport":
		return number(p, &r.DstPort)
	case "proto":
		return number(p, &r.Proto)
	case "pkts":
		return pairOf(p, &r.Packets)
	case "bytes":
		return pairOf(p, &r.Bytes)
	case "class":
		if r.Class.UnmarshalText(p.str()) != nil {
			p.fail()
		}
	case "app":
		return wordOf(p, appWords[:], &r.App)
	case "community_id":
		return p.community()
	case "state":
		return wordOf(p, stateWords[:], &r.State)
	case "vlan":
		return number(p, &r.VLAN)
	case "tunnel":
		return wordOf(p, tunnelWords[:], &r.Tunnel)
	case "payload":
		return pairOf(p, &r.Payload)
	case "lost":
		return pairOf(p, &r.Lost)
	case "flags":
		return pairOf(p, &r.Flags)
	case "cut":
		return number(p, &r.Cut)
	case "sampled":
		return number(p, &r.Sampled)
	case "names":
		if string(p.str()) != "full" || len(r.DNS)+len(r.HTTP) > 0 || r.TLS != nil || r.QUIC != nil {
			p.fail() // it stands before the names
		}
		p.full, r.Full = true, p.naming.full
	case "dns":
		p.member = "dns"
		p.array(MaxDNS, func(p *Parser, _ int) {
			p.dns = DNS{}
			p.object((*Parser).question)
			r.AddDNS(p.dns)
		})
	case "http":
		p.member = "http"
		p.array(MaxHTTP, func(p *Parser, _ int) {
			p.http = HTTP{}
			p.object((*Parser).request)
			r.AddHTTP(p.http)
		})
	case "tls":
		return fact(p, "tls", &r.TLS, &m.tls, (*Parser).tls)
	case "quic":
		return fact(p, "quic", &r.QUIC, &m.quic, (*Parser).quic)
	case "ssh":
		return fact(p, "ssh", &r.SSH, &m.ssh, (*Parser).ssh)
	case "mail":
		return fact(p, "mail", &r.Mail, &m.mail, (*Parser).mail)
	case "smb":
		return fact(p, "smb", &r.SMB, &m.smb, (*Parser).smb)
	case "rdp":
		return fact(p, "rdp", &r.RDP, &m.rdp, (*Parser).rdp)
	case "kerberos":
		return fact(p, "kerberos", &r.Kerberos, &m.kerberos, (*Parser).kerberos)
	case "ldap":
		return fact(p, "ldap", &r.LDAP, &m.ldap, (*Parser).ldap)
	case "control":
		return fact(p, "control", &r.Control, &m.control, (*Parser).control)
	default:
		return false
	}
	return true
}

// fact reads an object into its room.
func fact[T any](p *Parser, name string, to **T, room *T, each func(*Parser, []byte) bool) bool {
	p.member = name
	var none T
	*room = none
	*to = room
	p.object(each)
	return true
}

func (p *Parser) community() bool {
	b := p.str()
	var id [21]byte
	if len(b) != 30 || string(b[:2]) != "1:" {
		p.fail()
		return true
	}
	if n, err := base64.StdEncoding.Strict().Decode(id[:], b[2:]); err != nil || n != 20 {
		p.fail()
	}
	copy(p.rec.CommunityID[:], id[:])
	return true
}

func (p *Parser) question(key []byte) bool {
	d := &p.dns
	switch string(key) {
	case "at":
		return p.time(&d.At)
	case "name":
		return p.name(&d.Name)
	case "type":
		t, ok := parseType(p.str())
		if d.Type = t; !ok {
			p.fail()
		}
	case "rcode":
		c, ok := parseRcode(p.str())
		if d.Rcode, d.Answered = c, true; !ok {
			p.fail()
		}
	case "answers":
		return number(p, &d.Answers)
	case "ttl":
		return number(p, &d.TTL)
	case "whole":
		return p.hash(&d.Whole)
	case "own":
		return p.hash(&d.Own)
	case "made":
		v := p.parts(3, 1)
		if d.Made = uint8((min(v, 1000)*255 + 500) / 1000); v > 1000 {
			p.fail()
		}
	case "length":
		return number(p, &d.Length)
	case "labels":
		return number(p, &d.Labels)
	case "longest":
		return number(p, &d.Longest)
	case "entropy":
		v := p.parts(1, 25)
		if d.Entropy = uint8(min(v, 255)); v > 255 {
			p.fail()
		}
	case "size":
		return pairOf(p, &d.Size)
	case "addrs":
		p.array(MaxAddr, func(p *Parser, i int) { p.addr(&d.Addrs[i]) })
	default:
		return false
	}
	return true
}

// parseType is what TypeName turns round.
func parseType(b []byte) (uint16, bool) {
	if v, ok := typeNumbers[string(b)]; ok {
		return v, true
	}
	if !bytes.HasPrefix(b, []byte("TYPE")) || len(b) > 9 {
		return 0, false
	}
	v, ok := digitsOf(b[4:])
	return uint16(v), ok && v < 1<<16
}

var typeNumbers = func() map[string]uint16 {
	m := make(map[string]uint16, len(typeWords))
	for v, name := range typeWords {
		m[name] = v
	}
	return m
}()

// parseRcode is what RcodeName turns round.
func parseRcode(b []byte) (uint8, bool) {
	for i, name := range rcodeWords {
		if string(b) == name {
			return uint8(i), true
		}
	}
	if !bytes.HasPrefix(b, []byte("RCODE")) || len(b) > 8 {
		return 0, false
	}
	v, ok := digitsOf(b[5:])
	return uint8(v), ok && v < 1<<8
}

func (p *Parser) request(key []byte) bool {
	h := &p.http
	switch string(key) {
	case "at":
		return p.time(&h.At)
	case "method":
		return wordOf(p, methodWords[:], &h.Method)
	case "version":
		b := p.str()
		dot := bytes.IndexByte(b, '.')
		major, ok1 := digitsOf(b[:max(dot, 0)])
		minor, ok2 := digitsOf(b[dot+1:])
		if h.Major, h.Minor = uint8(major), uint8(minor); !ok1 || !ok2 || len(b) > 7 || major > 255 || minor > 255 || major == 0 {
			p.fail()
		}
	case "host":
		return p.host(&h.Host)
	case "port":
		return number(p, &h.Port)
	case "path":
		return p.path(&h.Path)
	case "status":
		return number(p, &h.Status)
	case "agent":
		return p.agent(&h.Agent)
	case "server":
		return p.agent(&h.Server)
	case "type":
		return wordOf(p, mediaWords[:], &h.Type)
	case "body":
		return pairOf(p, &h.Body)
	default:
		return false
	}
	return true
}

// host reads the host of a request, from which the port is taken that stands behind
// it where names are kept full: it follows by itself too.
func (p *Parser) host(to *Name) bool {
	b := p.str()
	if i := bytes.LastIndexByte(b, ':'); p.full && i >= 0 {
		if rest, ok := bytes.CutPrefix(p.line[p.at:], []byte(`,"port":`)); ok && digitsOnly(b[i+1:]) && bytes.HasPrefix(rest, b[i+1:]) {
			b = b[:i]
		}
	}
	p.nameOf(b, to)
	return true
}

func (p *Parser) tls(key []byte) bool {
	t := &p.room.tls
	switch string(key) {
	case "version":
		t.Version = uint16(p.code(4))
	case "cipher":
		t.Cipher = uint16(p.code(4))
	case "sni":
		return p.name(&t.SNI)
	case "alpn":
		return wordOf(p, alpnWords[:], &t.ALPN)
	case "chosen":
		return wordOf(p, alpnWords[:], &t.Chosen)
	case "ja3":
		return p.hexOf(t.JA3[:])
	case "ja3s":
		return p.hexOf(t.JA3S[:])
	case "ja4":
		return p.ja4(&t.JA4)
	case "resumed":
		return p.yes(&t.Resumed)
	case "established":
		return p.yes(&t.Established)
	case "ech":
		return p.yes(&t.ECH)
	case "alert":
		return number(p, &t.Alert)
	case "certificate":
		return fact(p, "certificate", &t.Certificate, &p.room.certificate, (*Parser).certificate)
	default:
		return false
	}
	return true
}

func (p *Parser) certificate(key []byte) bool {
	c := &p.room.certificate
	switch string(key) {
	case "sha256":
		return p.hexOf(c.SHA256[:])
	case "subject":
		return p.hash(&c.Subject)
	case "issuer":
		return p.hash(&c.Issuer)
	case "serial":
		return p.hash(&c.Serial)
	case "not_before":
		return p.time(&c.NotBefore)
	case "until":
		return p.time(&c.Until)
	case "key":
		return wordOf(p, keyWords[:], &c.Key)
	case "bits":
		return number(p, &c.Bits)
	case "signature":
		return wordOf(p, signWords[:], &c.Signature)
	case "names":
		return number(p, &c.Names)
	case "self_signed":
		return p.yes(&c.SelfSigned)
	case "wildcard":
		return p.yes(&c.Wildcard)
	case "matches_sni":
		return p.yes(&c.MatchesServerName)
	case "chain":
		return number(p, &c.Chain)
	}
	return false
}

func (p *Parser) quic(key []byte) bool {
	q := &p.room.quic
	switch string(key) {
	case "version":
		q.Version = p.code(8)
	case "sni":
		return p.name(&q.SNI)
	case "alpn":
		return wordOf(p, alpnWords[:], &q.ALPN)
	case "ja3":
		return p.hexOf(q.JA3[:])
	case "ja4":
		return p.ja4(&q.JA4)
	case "agent":
		return p.agent(&q.Agent)
	default:
		return false
	}
	return true
}

func (p *Parser) ssh(key []byte) bool {
	s := &p.room.ssh
	switch string(key) {
	case "client":
		return p.agent(&s.Client)
	case "server":
		return p.agent(&s.Server)
	case "hassh":
		return p.hexOf(s.HASSH[:])
	case "hassh_server":
		return p.hexOf(s.HASSHServer[:])
	case "encrypted":
		return p.yes(&s.Encrypted)
	}
	return false
}
