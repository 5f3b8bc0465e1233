package sieve

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"noroshi/internal/engine/flow/packet"
	"noroshi/internal/engine/geo"
	"noroshi/internal/engine/selector"
)

// oracle is the slow obvious twin: it knows what was put into each packet, keeps
// every byte of a stream in a map, reads all of it again with each packet, with
// the parsers of the standard library, and compares with every selector.
type oracle struct {
	granted []geo.Class
	sels    []selector.Selector // in force
	payload bool
	swaps   bool // lists change
	caps    Amount
	passed  Amount
	capped  bool
	now     int64
	started bool
	flows   map[string]*oflow
	frags   map[string]ofrag
	y       Tally
	records []string
}

type ofrag struct {
	p    pk
	at   int64
	held *Amount
}

type oflow struct {
	p          pk
	sels       []selector.Selector // in force when it began
	state      int                 // undecided, openTCP for any that is selected, rejected
	start, end int64
	since      int64
	amount     Amount
	flags      uint8
	begun      bool
	isn        uint32
	seen       int
	mute       bool // said nothing yet
	known      bool
	base       uint32
	bytes      map[uint32]byte
	told       int // names considered
	length     int // of the prefix that was scanned
	found      selector.Selector
	class      geo.Class
}

func addr16(s string) [16]byte { return netip.MustParseAddr(s).As16() }

func (o *oracle) class(src, dst string) geo.Class {
	a, b := addr16(src), addr16(dst)
	return geo.Combine(testSide(&a), testSide(&b))
}

func needsPayload(sels []selector.Selector) bool {
	return slices.ContainsFunc(sels, func(s selector.Selector) bool {
		return s.Kind != selector.Address && s.Kind != selector.Prefix && s.Kind != selector.Port
	})
}

func (o *oracle) use(sels []selector.Selector) { o.sels, o.payload = sels, needsPayload(sels) }

// add takes in one packet.
func (o *oracle) add(p pk, size uint32) {
	if o.started && p.at < o.now-MaxDisorder {
		o.finish()
		o.frags = map[string]ofrag{}
		o.now = p.at
	}
	o.started, o.now = true, max(o.now, p.at)
	o.y.Seen.count(size)
	held, later := o.held(p), p.off > 0
	if later || p.more {
		k := fmt.Sprint(p.src, p.dst, p.proto, p.id, p.vlan)
		f, known := o.frags[k]
		known = known && o.now-f.at < fragmentTime
		switch {
		case !later && !known:
			o.frags[k] = ofrag{p, o.now, held}
		case !later && f.held == nil:
			o.frags[k] = ofrag{p, f.at, held}
		case later && known && f.held != nil:
			held = f.held
		case later && known:
			p.sport, p.dport, p.around = f.p.sport, f.p.dport, f.p.around
		case later && held == nil:
			held = &o.y.Unknown
		}
		if later {
			p.flags, p.seq, p.body = 0, 0, nil
		}
	}
	if held == &o.y.TunnelPort {
		o.y.Unknown.count(size)
	}
	if held != nil {
		held.count(size)
		return
	}
	if o.capped || o.caps.Packets != 0 && o.passed.Packets == o.caps.Packets || o.caps.Bytes != 0 && o.passed.Bytes+uint64(size) > o.caps.Bytes {
		o.capped = true
		o.y.Cap.count(size)
		return
	}
	o.passed.count(size)
	o.flow(p, size, o.class(p.src, p.dst), later)
}

// held is where a packet is counted that does not pass the gate, nil for one that
// does.
func (o *oracle) held(p pk) *Amount {
	var classes []geo.Class
	for i := 0; i < len(p.around); i += 2 {
		classes = append(classes, o.class(p.around[i], p.around[i+1]))
	}
	classes = append(classes, o.class(p.src, p.dst))
	inner := classes[len(classes)-1]
	switch {
	case slices.Contains(classes, geo.Unknown) || len(p.around) >= 2*packet.MaxOuter:
		return &o.y.Unknown
	case slices.Contains(classes, geo.DD):
		return &o.y.Domestic
	case slices.ContainsFunc(classes, func(c geo.Class) bool { return c != inner }):
		return &o.y.Unknown
	case !slices.Contains(o.granted, inner):
		return &o.y.Direction
	case p.off == 0 && !slices.Contains([]uint8{1, 2, 6, 17, 33, 58, 132, 136}, p.proto):
		return &o.y.Unknown
	case p.off == 0 && (p.proto == 17 || p.proto == 136) && (tunnels[p.sport] || tunnels[p.dport]):
		return &o.y.TunnelPort
	case p.off == 0 && p.proto == 6 && (p.sport == 7471 || p.dport == 7471):
		return &o.y.TunnelPort
	case p.off == 0 && p.proto == 17 && (p.sport == 0 && p.dport == 0 || packetIn(p)):
		return &o.y.Unknown
	case detours[string(p.opts)] || detours[string(p.outerOpts)]:
		return &o.y.Unknown
	}
	return nil
}

// tunnels are the ports that no datagram may have, as RFCs and makers name them.
var tunnels = map[uint16]bool{655: true, 1194: true, 1701: true, 2152: true, 3386: true, 3544: true, 4242: true, 4341: true, 4342: true, 4500: true, 4754: true, 4755: true, 4789: true,
	4790: true, 5072: true, 5247: true, 5555: true, 6080: true, 6081: true, 6343: true, 6635: true, 6636: true, 8472: true, 9993: true, 12222: true, 37008: true, 41641: true, 48879: true, 51820: true}

// detours are options that put another address in the place of one, or cannot be
// read; true of those that do.
var detours = map[string]bool{
	"\x01\x01\x01\x01":                                 false,
	"\x94\x04\x00\x00":                                 false, // router alert
	"\x83\x07\x04\x14\x00\x00\x01\x00":                 true,
	"\x01\x89\x07\x04\x14\x00\x00\x01":                 true,
	"\x94\x04\x00\x00\x95\x06\x1e\x00\x00\x09\x00\x00": true,
	"\x00\x83\x07\x04":                                 false, // behind the last
	"\x44\x09\x05\x00":                                 true,  // longer than the header
	"\x01\x01\x07\x01":                                 true,
	"\x01\x01\x01\x44":                                 true,
	"\x01\x04\x00\x00\x00\x00":                         false, // of IPv6 from here on
	"\xc9\x10\x24\x00\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\x00\x00": true,
	"\x04\x01\x04\x01\x01\x00": false, // a limit of tunnels
	"\x00\x00\xc9\x00\x00\x00": true,
}

// packetIn reports whether a datagram begins with an IP packet.
func packetIn(p pk) bool {
	b, size := p.body, len(p.body)
	if p.more {
		size += 1000
	}
	if len(b) >= 20 && b[0] > 0x44 && b[0] < 0x50 && len(b) >= 4*int(b[0]-0x40) {
		head, total := 4*int(b[0]-0x40), int(b[2])*256+int(b[3])
		right := new(big.Int).Mod(new(big.Int).SetBytes(b[:head]), big.NewInt(65535)).Sign() == 0
		return total == size || right && total < size && (total >= head || total == 0)
	}
	if len(b) > 0 && size >= 40 && b[0] >= 0x60 && b[0] < 0x70 {
		if len(b) < 10 {
			return true // the rest is in another part
		}
		if len(b) < 26 {
			b = append(slices.Clone(b), make([]byte, 26-len(b))...)
			b[24] = 0xff
		}
		b = append(slices.Clone(b), make([]byte, 40)...)
		total := 40 + int(b[4])*256 + int(b[5])
		used := true
		for _, a := range [][]byte{b[8:24], b[24:40]} {
			ok := false
			for _, n := range []string{"2000::/3", "fc00::/7", "fe80::/9", "fe00::/8", "ff00::/8", "64::/16"} {
				ok = ok || netip.MustParsePrefix(n).Contains(netip.AddrFrom16([16]byte(a)))
			}
			used = used && ok
		}
		return total == size && (used || b[7] > 0) || total < size && used
	}
	return false
}

// live returns a flow unless time ended it.
func (o *oracle) live(k string) *oflow {
	f := o.flows[k]
	if f == nil {
		return nil
	}
	silence := waits[restOf(f.p.proto)]
	if f.state == openTCP && f.p.proto == 6 && f.flags&(flagFIN|flagRST) != 0 {
		silence = waits[closedTCP]
	}
	switch {
	case f.state == undecided && o.now-f.since >= MaxWait:
		f.state = rejected
		o.y.Unselected.add(f.amount)
		if o.now-f.since <= silence {
			return f
		}
		delete(o.flows, k)
		return nil
	case f.state == rejected && o.now-f.since > silence:
		delete(o.flows, k)
		return nil
	case f.state == openTCP && o.now-f.since >= silence:
		o.end(k)
		return nil
	}
	return f
}

func (o *oracle) flow(p pk, size uint32, class geo.Class, later bool) {
	head := o.header(p)
	if head == nil && !o.payload && !o.swaps {
		o.y.Unselected.count(size)
		return
	}
	k := fmt.Sprint(p.src, p.dst, p.proto, p.sport, p.dport, p.typ, p.vlan, p.around)
	f := o.live(k)
	if f != nil && p.proto == 6 && p.flags&(flagSYN|flagRST) == flagSYN && !(f.begun && f.isn == p.seq) {
		o.end(k)
		f = nil
	}
	expired := f != nil && f.state == openTCP && f.found.Expires != 0 && p.at >= f.found.Expires
	if expired {
		o.end(k)
		f = nil
	}
	if f == nil {
		if head == nil && (!o.payload || later || p.proto != 6 && p.proto != 17) {
			o.y.Unselected.count(size)
			return
		}
		f = &oflow{p: p, sels: o.sels, start: p.at, end: p.at, since: o.now, bytes: map[uint32]byte{}, class: class}
		f.mute = true
		if expired && head == nil {
			f.state, f.mute = rejected, false
		}
		o.flows[k] = f
	}
	if p.proto == 6 && p.flags&flagSYN != 0 && !f.begun {
		f.begun, f.isn = true, p.seq
	}
	if f.state != openTCP && head != nil {
		if f.state == rejected {
			f.amount, f.flags, f.start, f.end = Amount{}, 0, p.at, p.at
		}
		f.state, f.found = openTCP, *head
	}
	if f.state == rejected && f.mute && o.payload && len(p.body) > 0 {
		*f = oflow{p: p, sels: o.sels, start: p.at, end: p.at, since: o.now, bytes: map[uint32]byte{}, class: class, begun: f.begun, isn: f.isn, known: f.begun, base: f.isn + 1}
	}
	if f.state == rejected {
		f.since = o.now
		o.y.Unselected.count(size)
		return
	}
	f.amount.count(size)
	f.start, f.end, f.flags = min(f.start, p.at), max(f.end, p.at), f.flags|p.flags
	if f.state == openTCP {
		f.since = o.now
		return
	}
	f.seen++
	f.mute = f.mute && len(p.body) == 0
	if found := f.look(p); found != nil {
		f.state, f.found, f.since = openTCP, *found, o.now
	} else if f.seen == MaxPackets {
		f.state = rejected
		o.y.Unselected.add(f.amount)
	}
}

// end ends a flow.
func (o *oracle) end(k string) {
	f := o.flows[k]
	delete(o.flows, k)
	switch f.state {
	case undecided:
		o.y.Unselected.add(f.amount)
	case openTCP:
		o.y.Selected.add(f.amount)
		o.y.Records++
		sport, dport := f.p.sport, f.p.dport
		if f.p.proto == 1 || f.p.proto == 58 {
			sport, dport = uint16(f.p.typ), 0
		}
		o.records = append(o.records, fmt.Sprintln(f.start-t0, f.end-t0, f.p.src, f.p.dst, sport, dport, f.p.proto, f.flags, f.p.vlan, f.class, f.amount, f.found.Kind, f.found.Value))
	}
}

func (o *oracle) finish() {
	for k := range o.flows {
		o.end(k)
	}
}

// inForce returns s unless it is none or expired.
func inForce(s *selector.Selector, at int64) *selector.Selector {
	if s == nil || s.Expires != 0 && at >= s.Expires {
		return nil
	}
	return s
}

func (o *oracle) header(p pk) *selector.Selector {
	for _, a := range []string{p.src, p.dst} {
		if s := inForce(byAddress(o.sels, netip.MustParseAddr(a)), p.at); s != nil {
			return s
		}
	}
	name := map[uint8]string{6: "tcp", 17: "udp"}[p.proto]
	for _, port := range []uint16{p.dport, p.sport} {
		for i := range o.sels {
			if s := &o.sels[i]; s.Kind == selector.Port && name != "" && s.Value == fmt.Sprintf("%s/%d", name, port) {
				if s = inForce(s, p.at); s != nil {
					return s
				}
			}
		}
	}
	return nil
}

func byAddress(sels []selector.Selector, a netip.Addr) (best *selector.Selector) {
	bits := -1
	for i := range sels {
		switch s := &sels[i]; s.Kind {
		case selector.Address:
			if netip.MustParseAddr(s.Value) == a {
				return s
			}
		case selector.Prefix:
			if n := netip.MustParsePrefix(s.Value); n.Contains(a) && n.Bits() > bits {
				best, bits = s, n.Bits()
			}
		}
	}
	return best
}

func byName(sels []selector.Selector, name string) (best *selector.Selector) {
	name = strings.ToLower(name)
	for i := range sels {
		switch s := &sels[i]; s.Kind {
		case selector.Domain:
			if s.Value == name {
				return s
			}
		case selector.Suffix:
			if (s.Value == name || strings.HasSuffix(name, "."+s.Value)) && (best == nil || len(s.Value) > len(best.Value)) {
				best = s
			}
		}
	}
	return best
}

// look puts a packet's payload in its place and reads everything anew.
func (f *oflow) look(p pk) *selector.Selector {
	if p.proto == 17 {
		return f.compare(p.at, questionsOf(p.body), 0, p.body, 0)
	}
	seq := p.seq
	if p.flags&flagSYN != 0 {
		if seq++; !f.known {
			f.base, f.known = seq, true
		}
	}
	if p.flags&flagRST != 0 || len(p.body) == 0 {
		return nil
	}
	if !f.known {
		f.base, f.known = seq, true
	}
	for i, c := range p.body {
		at := seq + uint32(i) - f.base
		if _, there := f.bytes[at]; !there && int32(at) >= 0 {
			f.bytes[at] = c
		}
	}
	var b []byte
	for c, ok := f.bytes[0]; ok; c, ok = f.bytes[uint32(len(b))] {
		b = append(b, c)
	}
	names := namesOf(b, p.sport == 53 || p.dport == 53)
	told, length := f.told, f.length
	f.told, f.length = max(told, len(names)), len(b)
	return f.compare(p.at, names, told, b, length)
}

// said is a name, and the URI it is the host of.
type said struct{ name, uri string }

func (f *oflow) compare(at int64, names []said, told int, b []byte, length int) *selector.Selector {
	for _, n := range names[min(told, len(names)):] {
		if s := inForce(byName(f.sels, n.name), at); s != nil {
			return s
		}
		for i := range f.sels {
			if s := &f.sels[i]; s.Kind == selector.URI && n.uri != "" && s.Value == n.uri && inForce(s, at) != nil {
				return s
			}
		}
	}
	for end := length + 1; end <= len(b); end++ {
		var best *selector.Selector
		for i := range f.sels {
			if s := &f.sels[i]; s.Kind == selector.Pattern && bytes.HasSuffix(b[:end], patternBytes(s.Value)) && (best == nil || len(s.Value) > len(best.Value)) {
				best = s
			}
		}
		if best = inForce(best, at); best != nil {
			return best
		}
	}
	return nil
}

// patternBytes reads the patterns of these tests: text in quotation marks.
func patternBytes(v string) []byte { return []byte(strings.Trim(v, `"`)) }

func questionsOf(b []byte) (names []said) {
	var p dnsmessage.Parser
	if _, err := p.Start(b); err != nil {
		return nil
	}
	for {
		q, err := p.Question()
		if err != nil {
			return names
		}
		names = append(names, said{name: strings.TrimSuffix(q.Name.String(), ".")})
	}
}

// namesOf reads a stream from its beginning.
func namesOf(b []byte, dns bool) (names []said) {
	switch {
	case dns:
		for len(b) >= 2 && len(b) >= 2+int(binary.BigEndian.Uint16(b)) {
			n := 2 + int(binary.BigEndian.Uint16(b))
			if n < 2+12 {
				return names // not DNS
			}
			names = append(names, questionsOf(b[2:n])...)
			b = b[n:]
		}
	case len(b) > 0 && b[0] == 22:
		stop := errors.New("enough")
		c := tls.Server(oneSided{bytes.NewReader(b)}, &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			names = append(names, said{name: h.ServerName})
			return nil, stop
		}})
		_ = c.Handshake()
	default:
		for len(b) > 0 {
			end := bytes.Index(b, []byte("\r\n\r\n")) + 4
			head := append(bytes.Clone(b[:max(end, bytes.LastIndexByte(b, '\n')+1)]), "\r\n"...) // as if it ended there
			if end > 3 {
				head = b[:end]
			}
			q, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
			if err != nil || q.Host == "" {
				return names
			}
			host, _, err := net.SplitHostPort(q.Host)
			if err != nil {
				host = q.Host
			}
			names = append(names, said{host, host + q.URL.Path})
			if end < 4 || len(b) < end+int(q.ContentLength) {
				return names
			}
			b = b[end+int(q.ContentLength):]
		}
	}
	return names
}

// oneSided is a connection of which only one side speaks.
type oneSided struct{ io.Reader }

func (oneSided) Write(b []byte) (int, error)      { return len(b), nil }
func (oneSided) Close() error                     { return nil }
func (oneSided) LocalAddr() net.Addr              { return nil }
func (oneSided) RemoteAddr() net.Addr             { return nil }
func (oneSided) SetDeadline(time.Time) error      { return nil }
func (oneSided) SetReadDeadline(time.Time) error  { return nil }
func (oneSided) SetWriteDeadline(time.Time) error { return nil }
