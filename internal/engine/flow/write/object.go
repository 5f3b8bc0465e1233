package write

import (
	"encoding/hex"
	"net/netip"
	"strconv"

	"noroshi/internal/engine/flow/record"
)

// object appends the members of one JSON object to b.
type object struct {
	b    []byte
	more bool
}

// open begins an object, alone or as a member.
func (o *object) open(k string) {
	if k != "" {
		o.key(k)
	}
	o.b, o.more = append(o.b, '{'), false
}

func (o *object) close() { o.b, o.more = append(o.b, '}'), true }

// line ends the outermost object.
func (o *object) line() {
	o.close()
	o.b, o.more = append(o.b, '\n'), false
}

func (o *object) key(k string) {
	if o.more {
		o.b = append(o.b, ',')
	}
	o.more = true
	o.b = append(record.AppendText(o.b, k), ':')
}

// text appends a text that is not empty.
func (o *object) text(k, v string) {
	if v != "" {
		o.key(k)
		o.b = record.AppendText(o.b, v)
	}
}

func (o *object) num(k string, v uint64) {
	o.key(k)
	o.b = strconv.AppendUint(o.b, v, 10)
}

// nonzero appends a number that is not zero.
func (o *object) nonzero(k string, v uint64) {
	if v != 0 {
		o.num(k, v)
	}
}

func (o *object) truth(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) addr(k string, a netip.Addr) {
	o.key(k)
	o.b = append(a.AppendTo(append(o.b, '"')), '"')
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

// seconds appends nanoseconds as seconds with six decimals.
func (o *object) seconds(k string, ns int64) {
	o.key(k)
	o.b = appendSeconds(o.b, ns)
}

func appendSeconds(b []byte, ns int64) []byte {
	us := ns / 1000
	if us < 0 {
		b, us = append(b, '-'), -us
	}
	b = strconv.AppendInt(b, us/1e6, 10)
	b = append(b, '.')
	for unit, rest := int64(1e5), us%1e6; unit > 0; unit /= 10 {
		b = append(b, byte('0'+rest/unit%10))
	}
	return b
}

// stamp appends a time as Suricata writes it, in UTC.
func (o *object) stamp(k string, ns int64) {
	o.key(k)
	o.b = append(record.AppendStamp(append(o.b, '"'), ns), `+0000"`...)
}

// addrs appends a list of the addresses that are there.
func (o *object) addrs(k string, all []netip.Addr) {
	if len(all) == 0 || !all[0].IsValid() {
		return
	}
	o.key(k)
	o.b = append(o.b, '[')
	for i, a := range all {
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

// identity is a number for a communication: the same in every run for the same
// ends and beginning. Two mixes of FNV-1a (64 bits each).
func identity(r *record.Record) (hi, lo uint64) {
	const prime = 0x100000001b3
	hi, lo = 0xcbf29ce484222325, 0x84222325cbf29ce4
	mix := func(c byte) {
		hi = (hi ^ uint64(c)) * prime
		lo = (lo ^ uint64(c) ^ hi>>56) * prime
	}
	for _, a := range [...]netip.Addr{r.Src, r.Dst} {
		b := a.As16()
		for _, c := range b {
			mix(c)
		}
	}
	for _, v := range [...]uint64{uint64(r.SrcPort), uint64(r.DstPort), uint64(r.Proto), uint64(r.VLAN), uint64(r.Start)} {
		for range 8 {
			mix(byte(v))
			v >>= 8
		}
	}
	return hi, lo
}
