package nft

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/measure/act/driver"

	"github.com/google/nftables"
)

// key is what a rule holds back, whoever ordered it.
type key struct {
	to, from netip.Prefix // masked; at least one is valid, both of one family
	proto    uint8
	port     uint16
}

func keyOf(r driver.Rule) key { return key{r.To, r.From, r.Proto, r.Port} }

func (k key) shape() shape {
	s := shape{to: k.to.Bits(), from: k.from.Bits(), proto: k.proto != 0, port: k.port != 0}
	s.six = k.to.IsValid() && k.to.Addr().Is6() || k.from.IsValid() && k.from.Addr().Is6()
	return s
}

// part is which part of all addresses in use a key stands for: of IPv6 those that
// are routed (2000::/3). Of two prefixes the narrower counts.
func (k key) part() float64 {
	bits := max(k.to.Bits(), k.from.Bits())
	if k.shape().six {
		bits -= 3
	}
	return math.Ldexp(1, -bits)
}

// shape is what rules of one set have in common. A prefix that a rule does not
// name has -1 bits.
type shape struct {
	six         bool
	to, from    int
	proto, port bool
}

// String is the name of the shape's set: v4_to24, v6_from48_to128_proto_port.
func (s shape) String() string {
	var b strings.Builder
	b.WriteString("v4")
	if s.six {
		b.Reset()
		b.WriteString("v6")
	}
	if s.from >= 0 {
		b.WriteString("_from" + strconv.Itoa(s.from))
	}
	if s.to >= 0 {
		b.WriteString("_to" + strconv.Itoa(s.to))
	}
	if s.proto {
		b.WriteString("_proto")
	}
	if s.port {
		b.WriteString("_port")
	}
	return b.String()
}

// shapeOf reads the name of a set; ok is false for one that is not ours.
func shapeOf(name string) (s shape, ok bool) {
	s.to, s.from = -1, -1
	for _, part := range strings.Split(name, "_") {
		switch {
		case part == "v6":
			s.six = true
		case part == "proto":
			s.proto = true
		case part == "port":
			s.port = true
		case strings.HasPrefix(part, "from"):
			s.from, _ = strconv.Atoi(part[4:])
		case strings.HasPrefix(part, "to"):
			s.to, _ = strconv.Atoi(part[2:])
		}
	}
	width := s.width() * 8
	return s, s.String() == name && s.to <= width && s.from <= width && (s.to >= 0 || s.from >= 0) && (s.proto || !s.port)
}

func (s shape) width() int {
	if s.six {
		return 16
	}
	return 4
}

// datatype is how the kernel and nft read the set's keys.
func (s shape) datatype() nftables.SetDatatype {
	addr, parts := nftables.TypeIPAddr, []nftables.SetDatatype(nil)
	if s.six {
		addr = nftables.TypeIP6Addr
	}
	for _, bits := range []int{s.from, s.to} {
		if bits >= 0 {
			parts = append(parts, addr)
		}
	}
	if s.proto {
		parts = append(parts, nftables.TypeInetProto)
	}
	if s.port {
		parts = append(parts, nftables.TypeInetService)
	}
	return nftables.MustConcatSetType(parts...) // at most four of the five there may be
}

// bytes is the key as the set has it: source, destination, protocol and port,
// each filled up to four bytes.
func (k key) bytes() []byte {
	b := make([]byte, 0, 40)
	for _, p := range []netip.Prefix{k.from, k.to} {
		if p.IsValid() {
			b = append(b, p.Addr().AsSlice()...)
		}
	}
	if k.proto != 0 {
		b = append(b, k.proto, 0, 0, 0)
	}
	if k.port != 0 {
		b = append(binary.BigEndian.AppendUint16(b, k.port), 0, 0)
	}
	return b
}

// key reads what bytes wrote; ok is false where somebody else wrote it.
func (s shape) key(b []byte) (k key, ok bool) {
	addr := func(bits int) (p netip.Prefix) {
		if bits < 0 || len(b) < s.width() {
			return p
		}
		a, _ := netip.AddrFromSlice(b[:s.width()])
		b = b[s.width():]
		return netip.PrefixFrom(a, bits)
	}
	k.from, k.to = addr(s.from), addr(s.to)
	if s.proto && len(b) >= 4 {
		k.proto, b = b[0], b[4:]
	}
	if s.port && len(b) >= 4 {
		k.port, b = binary.BigEndian.Uint16(b), b[4:]
	}
	return k, len(b) == 0 && k.shape() == s && k.from == k.from.Masked() && k.to == k.to.Masked()
}

// hold is one order's claim to an element.
type hold struct {
	order string
	until time.Time // to the millisecond, as the kernel counts
}

// claim is one rule as the firewall knows it.
type claim struct {
	order string
	key   key
}

// element is what the kernel holds under a key.
type element struct {
	holds []hold    // at most mostHolds; none: nobody's
	ends  time.Time // when the kernel ends it; zero: never
}

// comment writes holds as nft lists them: order@milliseconds,order@milliseconds.
func comment(holds []hold) string {
	var b strings.Builder
	for i, h := range holds {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(h.order + "@" + strconv.FormatInt(h.until.UnixMilli(), 10))
	}
	return b.String()
}

func holdsOf(comment string) (holds []hold) {
	for _, part := range strings.SplitN(comment, ",", mostHolds+1) {
		order, at, ok := strings.Cut(part, "@")
		ms, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil || len(holds) == mostHolds {
			return nil
		}
		holds = append(holds, hold{order, time.UnixMilli(ms).UTC()})
	}
	return holds
}
