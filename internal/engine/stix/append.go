package stix

import (
	"crypto/sha1" //nolint:gosec // RFC 9562 builds version 5 ids with it
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// AppendJSON appends to b what encoding/json makes of Object, at a tenth of the
// time, and returns the object's id, too.
func (t *Traffic) AppendJSON(b []byte) (out []byte, id string) {
	var start, end [40]byte
	from, to := appendTime(start[:0], t.Start), appendTime(end[:0], t.End)
	if t.Active {
		to = nil
	}
	// The id is over the RFC 8785 form of what makes it.
	var name [512]byte
	n := members{b: append(append(name[:0], namespace[:]...), '{'), canonical: true}
	n.number("dst_port", int64(t.DstPort))
	n.text("dst_ref", t.Dst)
	n.text("end", string(to))
	n.list("protocols", t.Protocols)
	n.number("src_port", int64(t.SrcPort))
	n.text("src_ref", t.Src)
	n.text("start", string(from))
	id = "network-traffic--" + string(appendUUID(nil, append(n.b, '}')))

	o := members{b: append(b, '{')}
	o.number("dst_byte_count", t.DstBytes)
	o.number("dst_packets", t.DstPkts)
	o.number("dst_port", int64(t.DstPort))
	o.text("dst_ref", t.Dst)
	o.text("end", string(to))
	o.text("id", id)
	o.key("is_active")
	o.b = strconv.AppendBool(o.b, t.Active)
	o.list("protocols", t.Protocols)
	o.text("spec_version", "2.1")
	o.number("src_byte_count", t.SrcBytes)
	o.number("src_packets", t.SrcPackets)
	o.number("src_port", int64(t.SrcPort))
	o.text("src_ref", t.Src)
	o.text("start", string(from))
	o.text("type", "network-traffic")
	o.text("x_community_id", t.Community)
	o.text("x_ja3", t.JA3)
	o.text("x_ja4", t.JA4)
	return append(o.b, '}'), id
}

// AppendObserved appends to b what encoding/json makes of ObservedData over the
// objects with these ids.
func (m Maker) AppendObserved(b []byte, first, last time.Time, count int64, refs ...string) []byte {
	var start, end [40]byte
	from, to := appendTime(start[:0], first), appendTime(end[:0], last)
	var name [512]byte
	n := append(append(name[:0], ownSpace[:]...), "observed-data\x00"...)
	n = append(append(append(append(n, m.By...), 0), from...), to...)
	for i, r := range refs {
		if i > 0 {
			n = append(n, ' ')
		}
		n = append(n, r...)
	}
	made := Time(m.At)
	o := members{b: append(b, '{')}
	o.key("created")
	o.b = appendString(o.b, made)
	o.text("created_by_ref", m.By)
	o.key("first_observed")
	o.b = appendString(o.b, string(from))
	o.key("id")
	o.b = append(appendUUID(append(o.b, `"observed-data--`...), n), '"')
	o.key("last_observed")
	o.b = appendString(o.b, string(to))
	o.key("modified")
	o.b = appendString(o.b, made)
	o.key("number_observed")
	o.b = strconv.AppendInt(o.b, count, 10)
	if len(m.Markings) > 0 {
		o.list("object_marking_refs", m.Markings)
	}
	o.list("object_refs", refs)
	o.text("spec_version", "2.1")
	o.text("type", "observed-data")
	return append(o.b, '}')
}

// members appends the members of one JSON object.
type members struct {
	b         []byte
	more      bool
	canonical bool // as RFC 8785 has it
}

func (o *members) string(v string) {
	if o.canonical {
		o.b = canonicalText(o.b, v)
	} else {
		o.b = appendString(o.b, v)
	}
}

func (o *members) key(k string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	o.b = append(append(append(o.b, '"'), k...), '"', ':')
}

// text appends a text that is not empty.
func (o *members) text(k, v string) {
	if v != "" {
		o.key(k)
		o.string(v)
	}
}

// number appends a number that is not negative.
func (o *members) number(k string, v int64) {
	if v >= 0 {
		o.key(k)
		o.b = strconv.AppendInt(o.b, v, 10)
	}
}

func (o *members) list(k string, all []string) {
	o.key(k)
	o.b = append(o.b, '[')
	for i, v := range all {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.string(v)
	}
	o.b = append(o.b, ']')
}

// appendString appends a JSON string as encoding/json writes it. What is no
// plain text is left to it.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			t, err := json.Marshal(s)
			if err != nil {
				panic("BUG: stix: a text that is no JSON: " + err.Error())
			}
			return append(b, t...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}

// appendTime is Time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = t.UTC().AppendFormat(b, "2006-01-02T15:04:05.000000000")
	for range 6 { // milliseconds stay
		if b[len(b)-1] != '0' {
			break
		}
		b = b[:len(b)-1]
	}
	return append(b, 'Z')
}

// appendUUID is UUID for a name that stands behind its name space.
func appendUUID(b, spaceAndName []byte) []byte {
	u := sha1.Sum(spaceAndName)
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	for i, part := range [...][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:16]} {
		if i > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, part)
	}
	return b
}
