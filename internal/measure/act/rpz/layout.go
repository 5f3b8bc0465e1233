package rpz

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"

	"noroshi/internal/measure/act/names"
)

// Numbers of the protocol (RFC 1035, RFC 1995, RFC 1996, RFC 3596, RFC 8945).
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typeSOA   = 6
	typeTXT   = 16
	typeAAAA  = 28
	typeOPT   = 41
	typeTSIG  = 250
	typeIXFR  = 251
	typeAXFR  = 252
	classIN   = 1
	classAny  = 255
)

// Times of the zone's SOA, in seconds, at most: a resolver that missed a message
// asks after refresh, and again after retry.
const (
	mostRefresh = 60
	mostRetry   = 30
)

// atZone is the pointer to the zone's name, which is at byte 12 of every message.
var atZone = [2]byte{0xc0, 12}

// layout is how the zone's records are written.
type layout struct {
	zone    string
	wire    []byte // the zone's name
	ttl     uint32
	refresh uint32
	retry   uint32
	expire  uint32
	probe   string // name below which each serial has one that is answered; empty: none
	ranks   [names.NoDomain + 1]answer
	ns      []byte
}

// answer is what a policy record says behind its owner: on the wire and in a
// zone file. Walled names may have several.
type answer struct {
	wire [][]byte
	text []string
}

func newLayout(zone string, ttl, expire uint32, page string, addrs []netip.Addr) *layout {
	l := &layout{zone: zone, wire: wireName(zone), ttl: ttl, refresh: min(mostRefresh, expire/3), retry: min(mostRetry, expire/6), expire: expire}
	// draft-vixie-dnsop-dns-rpz-00 §3: CNAME to the root, to a wildcard below it,
	// and local data.
	l.ranks[names.NoDomain] = l.answer(typeCNAME, []byte{0}, "CNAME .")
	l.ranks[names.NoData] = l.answer(typeCNAME, []byte{1, '*', 0}, "CNAME *.")
	if page != "" {
		l.ranks[names.Walled] = l.answer(typeCNAME, wireName(page), "CNAME "+page+".")
	}
	for _, a := range addrs {
		kind, name := uint16(typeA), "A "
		if a.Is6() {
			kind, name = typeAAAA, "AAAA "
		}
		one := l.answer(kind, a.AsSlice(), name+a.String())
		w := &l.ranks[names.Walled]
		w.wire, w.text = append(w.wire, one.wire...), append(w.text, one.text...)
	}
	l.ns = append(atZone[:2:2], l.tail(typeNS, wireName("localhost"))...)
	return l
}

func (l *layout) answer(kind uint16, data []byte, text string) answer {
	return answer{[][]byte{l.tail(kind, data)}, []string{text}}
}

// tail is a record behind its owner.
func (l *layout) tail(kind uint16, data []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, kind)
	b = binary.BigEndian.AppendUint16(b, classIN)
	b = binary.BigEndian.AppendUint32(b, l.ttl)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// soa is the zone's SOA record under a serial.
func (l *layout) soa(serial uint32) []byte {
	data := append(wireName("localhost"), wireName("nobody.invalid")...)
	for _, n := range [...]uint32{serial, l.refresh, l.retry, l.expire, l.ttl} {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	return append(atZone[:2:2], l.tail(typeSOA, data)...)
}

// probed appends the record by which a resolver says that it holds names back by
// the rules of a serial: local data, a text (draft-vixie-dnsop-dns-rpz-00 §3). Its
// name is another with every serial: BIND answers a name that it knows already with
// data that it has only just fetched, and takes in new names later.
func (l *layout) probed(b []byte, serial uint32) []byte {
	if l.probe == "" {
		return b
	}
	return append(owner(b, l.probeOf(serial), false), l.tail(typeTXT, append([]byte{byte(len(probeText))}, probeText...))...)
}

// probeText is what the probe says.
const probeText = "held"

// probeOf is the name that a resolver answers for when it holds names back by the
// rules of a serial.
func (l *layout) probeOf(serial uint32) string {
	return "s" + strconv.FormatUint(uint64(serial), 10) + "." + l.probe
}

// fits reports whether the owner of a name, and of what is below it, is within
// the 255 bytes of RFC 1035 §2.3.4.
func (l *layout) fits(name string) bool { return len("*.")+len(name)+1+len(l.wire) <= 255 }

// owner appends the owner of a name's trigger: its labels, or "*" and its labels,
// and the pointer to the zone.
func owner[S ~string | ~[]byte](b []byte, name S, below bool) []byte {
	if below {
		b = append(b, 1, '*')
	}
	at := len(b)
	b = append(append(b, 0), name...)
	for i := at + 1; i < len(b); i++ {
		if b[i] == '.' {
			b[at], at = byte(i-at-1), i
		}
	}
	b[at] = byte(len(b) - at - 1)
	return append(b, atZone[:]...)
}

// wireName is a name as it stands in a message, without pointers.
func wireName(name string) []byte {
	b := owner(nil, name, false)
	return append(b[:len(b)-2], 0)
}

// records appends the records of a name, or of what is below it.
func records(l *layout, b []byte, name string, below bool, rank names.Rank) []byte {
	for _, tail := range l.ranks[rank].wire {
		b = append(owner(b, name, below), tail...)
	}
	return b
}

// recordLen is how long the first record of b is, which owner or a SOA began.
func recordLen(b []byte) int {
	at := 0
	for b[at] < 0xc0 {
		at += int(b[at]) + 1
	}
	at += 2 + 8 // the pointer; type, class and TTL
	return at + 2 + int(binary.BigEndian.Uint16(b[at:]))
}

// lines tells the records of a name, or of what is below it, as text.
func (l *layout) lines(name string, below bool, rank names.Rank, yield func(owner, data string)) {
	if below {
		name = "*." + name
	}
	for _, text := range l.ranks[rank].text {
		yield(name, text)
	}
}

// write writes the zone as a file (RFC 1035 §5).
func (l *layout) write(w io.Writer, serial uint32, h *names.Held) error {
	_, err := fmt.Fprintf(w, "$ORIGIN %s.\n$TTL %d\n@ SOA localhost. nobody.invalid. %d %d %d %d %d\n@ NS localhost.\n", l.zone, l.ttl, serial, l.refresh, l.retry, l.expire, l.ttl)
	if err == nil && l.probe != "" {
		_, err = fmt.Fprintf(w, "%s TXT \"%s\"\n", l.probeOf(serial), probeText)
	}
	var b []byte
	h.Each(func(name []byte, e names.Effect) bool {
		b = b[:0]
		for _, text := range l.ranks[e.Here].text {
			b = append(append(append(append(b, name...), ' '), text...), '\n')
		}
		for _, text := range l.ranks[e.Below].text {
			b = append(append(append(append(append(b, "*."...), name...), ' '), text...), '\n')
		}
		if err == nil {
			_, err = w.Write(b)
		}
		return err == nil
	})
	return err
}

// parseLine reads a line that write wrote, back into a name and its answer.
func (l *layout) parseLine(line string) (name string, below bool, rank names.Rank, ok bool) {
	name, data, _ := strings.Cut(line, " ")
	name, below = strings.CutPrefix(name, "*.")
	for rank, a := range l.ranks {
		for _, text := range a.text {
			if text == data && names.Valid(name) {
				return name, below, names.Rank(rank), true
			}
		}
	}
	return "", false, names.Nothing, false
}
