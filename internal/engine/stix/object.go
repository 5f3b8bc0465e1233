package stix

import (
	"encoding/json"
	"net/netip"
	"strings"
	"time"
)

// Object is one STIX object as a dictionary of its properties; it is written
// with encoding/json. Build it with the functions of this file, which set type,
// spec_version and id.
type Object map[string]any

// ID returns the object's id.
func (o Object) ID() string { id, _ := o["id"].(string); return id }

// sco completes an observable object: its id follows from its properties.
// Every type made here has at least one property that makes the id.
func sco(kind string, o Object) Object {
	o["type"], o["spec_version"] = kind, "2.1"
	id, ok := ID(kind, o)
	if !ok {
		panic("BUG: stix object of type " + kind + " without a property that makes its id")
	}
	o["id"] = id
	return o
}

// Address returns an ipv4-addr or ipv6-addr (sections 6.8, 6.9). An
// IPv4-mapped IPv6 address is written as IPv4.
func Address(a netip.Addr) Object {
	a = a.Unmap()
	return sco(addressType(a), Object{"value": a.WithZone("").String()})
}

// Network returns an ipv4-addr or ipv6-addr whose value is a network in CIDR
// form.
func Network(p netip.Prefix) Object {
	return sco(addressType(p.Addr()), Object{"value": p.Masked().String()})
}

func addressType(a netip.Addr) string {
	if a.Is4() {
		return "ipv4-addr"
	}
	return "ipv6-addr"
}

// Domain returns a domain-name (section 6.4).
func Domain(name string) Object { return sco("domain-name", Object{"value": name}) }

// URL returns a url (section 6.15).
func URL(u string) Object { return sco("url", Object{"value": u}) }

// Mail returns an email-addr (section 6.5).
func Mail(address string) Object { return sco("email-addr", Object{"value": address}) }

// MAC returns a mac-addr (section 6.10): six pairs of lower case hexadecimal
// digits with colons.
func MAC(a [6]byte) Object {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for i, c := range a {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteByte(digits[c>>4])
		b.WriteByte(digits[c&15])
	}
	return sco("mac-addr", Object{"value": b.String()})
}

// AS returns an autonomous-system (section 6.2); the name may be empty.
func AS(number uint32, name string) Object {
	o := Object{"number": int64(number)}
	if name != "" {
		o["name"] = name
	}
	return sco("autonomous-system", o)
}

// Hashes are digests in lower case hexadecimal by the names of section 10.6:
// "MD5", "SHA-1", "SHA-256", "SHA-512".
type Hashes map[string]string

func (h Hashes) object() map[string]any {
	m := make(map[string]any, len(h))
	for k, v := range h {
		m[k] = v
	}
	return m
}

// File returns a file known by its hashes or its name; one of them must be
// given (section 6.7).
func File(name string, h Hashes) Object {
	o := Object{}
	if len(h) > 0 {
		o["hashes"] = h.object()
	}
	if name != "" {
		o["name"] = name
	}
	return sco("file", o)
}

// Certificate is what an x509-certificate says (section 6.18). At least
// Hashes or Serial must be given; zero fields are left out.
type Certificate struct {
	Hashes          Hashes
	Serial          string // hexadecimal
	Issuer, Subject string
	Before, After   time.Time // validity_not_before, validity_not_after
	SelfSigned      bool
}

// Object returns the x509-certificate.
func (c Certificate) Object() Object {
	o := Object{"is_self_signed": c.SelfSigned}
	if len(c.Hashes) > 0 {
		o["hashes"] = c.Hashes.object()
	}
	text := func(name, v string) {
		if v != "" {
			o[name] = v
		}
	}
	text("serial_number", c.Serial)
	text("issuer", c.Issuer)
	text("subject", c.Subject)
	text("validity_not_before", Time(c.Before))
	text("validity_not_after", Time(c.After))
	return sco("x509-certificate", o)
}

// Traffic is one communication as network-traffic (section 6.12). Src and Dst
// are ids of addresses or names; one of them and one protocol must be given.
// Negative counts and ports are left out.
type Traffic struct {
	Start, End          time.Time
	Src, Dst            string
	SrcPort, DstPort    int
	Protocols           []string // outermost first: "ipv4", "tcp", "tls"
	SrcBytes, DstBytes  int64
	SrcPackets, DstPkts int64
	Active              bool // still going on at End, which is then left out
	JA3, JA4, Community string
}

// Object returns the network-traffic. Fingerprints, which the standard has no
// property for, are custom properties with the prefix x_.
func (t Traffic) Object() Object {
	o := Object{"protocols": anyList(t.Protocols), "is_active": t.Active}
	text := func(name, v string) {
		if v != "" {
			o[name] = v
		}
	}
	text("start", Time(t.Start))
	if !t.Active {
		text("end", Time(t.End))
	}
	text("src_ref", t.Src)
	text("dst_ref", t.Dst)
	text("x_ja3", t.JA3)
	text("x_ja4", t.JA4)
	text("x_community_id", t.Community)
	number := func(name string, n int64) {
		if n >= 0 {
			o[name] = n
		}
	}
	number("src_port", int64(t.SrcPort))
	number("dst_port", int64(t.DstPort))
	number("src_byte_count", t.SrcBytes)
	number("dst_byte_count", t.DstBytes)
	number("src_packets", t.SrcPackets)
	number("dst_packets", t.DstPkts)
	return sco("network-traffic", o)
}

func anyList(s []string) []any {
	list := make([]any, len(s))
	for i, v := range s {
		list[i] = v
	}
	return list
}

// Time writes a time as STIX does (section 3.2): UTC with at least
// milliseconds. The zero time is written as nothing.
func Time(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	s := t.Format("2006-01-02T15:04:05.000000000")
	for len(s) > len("2006-01-02T15:04:05.000") && s[len(s)-1] == '0' {
		s = s[:len(s)-1]
	}
	return s + "Z"
}

// Maker says who makes objects that are not observable: created_by_ref (an
// identity's id, may be empty), the time of making, and markings (ids of
// marking definitions).
type Maker struct {
	By       string
	At       time.Time
	Markings []string
}

// sdo completes a domain object. key is what makes it the same object when it
// is made again: its id is a version 5 UUID of it in the space of this program.
func (m Maker) sdo(kind, key string, o Object) Object {
	o["type"], o["spec_version"] = kind, "2.1"
	o["id"] = kind + "--" + UUID(ownSpace, []byte(kind+"\x00"+m.By+"\x00"+key))
	o["created"], o["modified"] = Time(m.At), Time(m.At)
	if m.By != "" {
		o["created_by_ref"] = m.By
	}
	if len(m.Markings) > 0 {
		o["object_marking_refs"] = anyList(m.Markings)
	}
	return o
}

// ownSpace is the name space of the ids of domain objects made here. It is not
// that of section 2.9, which is for observable objects only.
var ownSpace = [16]byte{0x6e, 0x6f, 0x72, 0x6f, 0x73, 0x68, 0x49, 0x01, 0xa9, 0x4e, 0x53, 0x54, 0x49, 0x58, 0x32, 0x31}

// ObservedData returns an observed-data over the objects (section 4.14), seen
// count times between first and last.
func (m Maker) ObservedData(first, last time.Time, count int64, objects ...Object) Object {
	refs := make([]string, len(objects))
	for i, o := range objects {
		refs[i] = o.ID()
	}
	o := Object{"first_observed": Time(first), "last_observed": Time(last), "number_observed": count, "object_refs": anyList(refs)}
	return m.sdo("observed-data", Time(first)+Time(last)+strings.Join(refs, " "), o)
}

// Indicator returns an indicator with a STIX pattern valid from a time on
// (section 4.7). Until may be zero; name and types may be empty.
func (m Maker) Indicator(pattern, name string, from, until time.Time, types ...string) Object {
	o := Object{"pattern": pattern, "pattern_type": "stix", "pattern_version": "2.1", "valid_from": Time(from)}
	if name != "" {
		o["name"] = name
	}
	if !until.IsZero() {
		o["valid_until"] = Time(until)
	}
	if len(types) > 0 {
		o["indicator_types"] = anyList(types)
	}
	return m.sdo("indicator", pattern, o)
}

// Bundle writes objects as a bundle (section 8), each id once, the first of
// its kind; the bundle's own id follows from theirs.
func Bundle(objects ...Object) ([]byte, error) {
	seen, ids := map[string]bool{}, strings.Builder{}
	list := make([]Object, 0, len(objects))
	for _, o := range objects {
		if id := o.ID(); !seen[id] {
			seen[id] = true
			ids.WriteString(id)
			list = append(list, o)
		}
	}
	return json.Marshal(Object{"type": "bundle", "id": "bundle--" + UUID(ownSpace, []byte(ids.String())), "objects": list})
}
