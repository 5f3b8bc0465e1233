package record

import (
	"encoding/hex"
	"net/netip"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the record as one JSON object without a line end:
// {"start","end","src","dst","sport","dport","proto","pkts":[out,in],
// "bytes":[out,in],"class","app","community_id", …}, times in RFC 3339 with
// microseconds, what is not there left out. "sampled":n stands in a record whose
// counters are estimates from one of n packets, "names":"full" stands in a record
// whose names were kept unshortened.
func AppendJSON(b []byte, r *Record) []byte {
	o := object{append(b, '{'), true}
	o.time("start", r.Start)
	o.time("end", r.End)
	o.addr("src", r.Src)
	o.addr("dst", r.Dst)
	o.int("sport", uint64(r.SrcPort))
	o.int("dport", uint64(r.DstPort))
	o.int("proto", uint64(r.Proto))
	o.pair("pkts", r.Packets[Out], r.Packets[In])
	o.pair("bytes", r.Bytes[Out], r.Bytes[In])
	o.word("class", r.Class.String())
	o.word("app", r.App.String())
	if r.CommunityID != ([20]byte{}) {
		o.key("community_id")
		o.b = append(base64Std.AppendEncode(append(o.b, `"1:`...), r.CommunityID[:]), '"')
	}
	o.word("state", r.State.String())
	o.more("vlan", uint64(r.VLAN))
	o.word("tunnel", r.Tunnel.String())
	if r.Payload != [2]uint64{} {
		o.pair("payload", r.Payload[Out], r.Payload[In])
	}
	if r.Lost != [2]uint64{} {
		o.pair("lost", r.Lost[Out], r.Lost[In])
	}
	if r.Flags != [2]uint8{} {
		o.pair("flags", uint64(r.Flags[Out]), uint64(r.Flags[In]))
	}
	o.more("cut", uint64(r.Cut))
	if r.Sampled > 1 {
		o.int("sampled", uint64(r.Sampled))
	}
	if r.Full {
		o.word("names", "full")
	}
	o.facts(r)
	return append(o.b, '}')
}

// Community is the Community ID, version 1, as text; "" without.
func (r *Record) Community() string {
	if r.CommunityID == [20]byte{} {
		return ""
	}
	return "1:" + base64Std.EncodeToString(r.CommunityID[:])
}

func (o *object) facts(r *Record) {
	list(o, "dns", r.DNS, (*object).dns)
	if r.Full {
		list(o, "http", r.HTTP, (*object).httpAsSent)
	} else {
		list(o, "http", r.HTTP, (*object).http)
	}
	one(o, "tls", r.TLS, (*object).tls)
	one(o, "quic", r.QUIC, (*object).quic)
	one(o, "ssh", r.SSH, (*object).ssh)
	one(o, "mail", r.Mail, (*object).mail)
	one(o, "smb", r.SMB, (*object).smb)
	one(o, "rdp", r.RDP, (*object).rdp)
	one(o, "kerberos", r.Kerberos, (*object).kerberos)
	one(o, "ldap", r.LDAP, (*object).ldap)
	one(o, "control", r.Control, (*object).control)
}

// httpAsSent is a request whose names are kept: the host stands with its port.
func (o *object) httpAsSent(h *HTTP) {
	whole := *h
	if h.Port != 0 {
		whole.Host.text += ":" + strconv.Itoa(int(h.Port))
	}
	o.http(&whole)
}

// object appends the members of one JSON object.
type object struct {
	b     []byte
	first bool
}

func (o *object) key(k string) {
	if !o.first {
		o.b = append(o.b, ',')
	}
	o.first = false
	o.b = append(append(append(o.b, '"'), k...), '"', ':')
}

func (o *object) int(k string, v uint64) {
	o.key(k)
	o.b = strconv.AppendUint(o.b, v, 10)
}

// more appends a number that is not zero.
func (o *object) more(k string, v uint64) {
	if v != 0 {
		o.int(k, v)
	}
}

func (o *object) pair(k string, a, b uint64) {
	o.key(k)
	o.b = strconv.AppendUint(append(o.b, '['), a, 10)
	o.b = append(strconv.AppendUint(append(o.b, ','), b, 10), ']')
}

// yes appends a truth that holds.
func (o *object) yes(k string, v bool) {
	if v {
		o.key(k)
		o.b = append(o.b, "true"...)
	}
}

// word appends a text that is not empty.
func (o *object) word(k, v string) {
	if v == "" {
		return
	}
	o.key(k)
	o.b = AppendText(o.b, v)
}

func (o *object) time(k string, ns int64) {
	o.key(k)
	o.b = AppendTime(append(o.b, '"'), ns)
	o.b = append(o.b, '"')
}

func (o *object) addr(k string, a netip.Addr) {
	if a.IsValid() {
		o.key(k)
		o.b = append(a.AppendTo(append(o.b, '"')), '"')
	}
}

// hex appends bytes that are not all zero.
func (o *object) hex(k string, v []byte) {
	for _, c := range v {
		if c != 0 {
			o.key(k)
			o.b = append(hex.AppendEncode(append(o.b, '"'), v), '"')
			return
		}
	}
}

func list[T any](o *object, k string, all []T, each func(*object, *T)) {
	if len(all) == 0 {
		return
	}
	o.key(k)
	o.b = append(o.b, '[')
	for i := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.nest(func() { each(o, &all[i]) })
	}
	o.b = append(o.b, ']')
}

func one[T any](o *object, k string, v *T, each func(*object, *T)) {
	if v != nil {
		o.key(k)
		o.nest(func() { each(o, v) })
	}
}

func (o *object) nest(members func()) {
	o.b, o.first = append(o.b, '{'), true
	members()
	o.b, o.first = append(o.b, '}'), false
}

// AppendText appends s as a JSON string (RFC 8259 §7).
func AppendText(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0 // what stands for itself, as nearly everything does
	for plain < len(s) && s[plain]-' ' < utf8.RuneSelf-' ' && s[plain] != '"' && s[plain] != '\\' {
		plain++
	}
	b = append(b, s[:plain]...)
	for i := plain; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			switch {
			case c == '"' || c == '\\':
				b = append(b, '\\', c)
			case c < ' ':
				b = append(b, `\u00`...)
				b = append(b, hexDigits[c>>4], hexDigits[c&15])
			default:
				b = append(b, c)
			}
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		b = utf8.AppendRune(b, r)
		i += n
	}
	return append(b, '"')
}

const hexDigits = "0123456789abcdef"
