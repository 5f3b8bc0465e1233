//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math"
	"net/netip"
)

// talk is a TCP connection from its SYN to its end.
type talk struct {
	ways   [2]way // client to server, and back
	stamps bool
	mss    int
	step   uint8
	open   int // segments that the other side has not acknowledged
	side   int // that sent them
	queue  []message
	off    int // of queue[0]
	left   int // exchanges still to come
	more   func(*mix, *talk)
	late   []byte // a segment that comes after the next one
}

// message is what one side says: head as it is, then body random bytes.
type message struct {
	side int
	head []byte
	body int
}

// steps of a talk; between opened and closing it talks.
const (
	begun = iota
	knocked
	answered
	opened
	closing
	closed
	last
	gone
	dropped // nobody answers
)

func (t *talk) over() bool { return t.step == gone || t.ways[0].head == nil }

func (t *talk) say(side int, head []byte, body int) {
	t.queue = append(t.queue, message{side, head, body})
}

// newTalk begins a connection: seven in ten speak TLS.
func (m *mix) newTalk() talk {
	src, s := m.pair()
	t := talk{stamps: m.r.IntN(4) > 0, mss: 1460, left: 1 + int(m.r.ExpFloat64()*2.5)}
	port := uint16(443)
	switch k := m.r.IntN(100); {
	case k < 50:
		m.tls13(&t, s)
	case k < 70:
		m.tls12(&t, s)
	case k < 85:
		port, t.more = 80, func(m *mix, t *talk) { m.http(t, s) }
	case k < 90:
		port = 22
		m.ssh(&t)
	case k < 97:
		port = uint16(10_000 + m.r.IntN(40_000))
		t.more = func(m *mix, t *talk) {
			t.say(0, nil, 40+m.r.IntN(300))
			t.say(1, nil, m.size(2200))
		}
	default:
		port, t.step = []uint16{23, 445, 3389, 8080}[m.r.IntN(4)], dropped
		t.left = m.r.IntN(3)
	}
	t.ways = m.ways(src, s.addr, uint16(32768+m.r.IntN(28000)), port, 6)
	if t.ways[0].v6 {
		t.mss -= 20
	}
	if t.stamps {
		t.mss -= 12
	}
	return t
}

// size is of answers: half of them are below a few times the least, one in a
// thousand has megabytes.
func (m *mix) size(least float64) int {
	return int(min(least*math.Pow(1-m.r.Float64(), -1/1.15), 3e6))
}

// packet makes the connection's next packet.
func (t *talk) packet(m *mix) {
	c, s := &t.ways[0], &t.ways[1]
	flag := func(w, back *way, flags byte) { m.tcp(w, back, flags, t.stamps, nil, nil) }
	switch t.step {
	case dropped:
		flag(c, s, syn)
		c.seq--
		if t.left--; t.left < 0 {
			t.step = gone
		}
	case begun:
		flag(c, s, syn)
		t.step = knocked
	case knocked:
		flag(s, c, syn|ack)
		t.step = answered
	case answered:
		flag(c, s, ack)
		t.step = opened
	case opened:
		t.talk(m)
	case closing:
		if m.r.IntN(8) == 0 {
			flag(c, s, rst|ack)
			t.step = gone
			return
		}
		flag(c, s, fin|ack)
		t.step = closed
	case closed:
		flag(s, c, fin|ack)
		t.step = last
	case last:
		flag(c, s, ack)
		t.step = gone
	}
}

// talk makes a segment of what is to be said, or acknowledges some. Of three
// hundred segments one comes late and one comes again.
func (t *talk) talk(m *mix) {
	if t.late != nil {
		m.buf = append(m.buf[:0], t.late...)
		t.late = nil
		return
	}
	if len(t.queue) == 0 && t.left > 0 {
		t.left--
		t.more(m, t)
	}
	if t.open >= 2 || t.open > 0 && (len(t.queue) == 0 || t.queue[0].side != t.side) {
		w, back := &t.ways[1-t.side], &t.ways[t.side]
		m.tcp(w, back, ack, t.stamps, nil, nil)
		t.open = 0
		return
	}
	if len(t.queue) == 0 {
		t.step = closing
		t.packet(m)
		return
	}
	side := t.queue[0].side
	t.segment(m)
	switch m.r.IntN(300) {
	case 0:
		if len(t.queue) > 0 && t.queue[0].side == side {
			t.late = append([]byte{}, m.buf...)
			t.segment(m)
		}
	case 1:
		t.late = append([]byte{}, m.buf...)
	}
}

// segment makes the next segment.
func (t *talk) segment(m *mix) {
	g := &t.queue[0]
	total := len(g.head) + g.body
	n := min(t.mss, total-t.off)
	head, body := []byte(nil), n
	if t.off < len(g.head) {
		head = g.head[t.off:min(t.off+n, len(g.head))]
		body = n - len(head)
	}
	from := m.r.IntN(len(m.pool) - 2048)
	flags := byte(ack)
	if t.off += n; t.off == total {
		flags |= psh
	}
	t.side = g.side
	t.open++
	m.tcp(&t.ways[g.side], &t.ways[1-g.side], flags, t.stamps, head, m.pool[from:from+body])
	if t.off == total {
		t.queue, t.off = t.queue[1:], 0
	}
}

// small is a communication of which single packets are seen, in both
// directions.
type small struct {
	ways [2]way
	size int // of its payload, about
	tcp  bool
}

func (m *mix) newSmall() small {
	src, s := m.pair()
	port := []uint16{123, 16384, 16390, 27015, 4500, 51820, 33000, 40100}[m.r.IntN(8)]
	f := small{size: 20 + m.r.IntN(160)}
	proto := byte(17)
	if f.tcp = m.r.IntN(3) == 0; f.tcp {
		proto, port = 6, []uint16{443, 5223, 8883, 22, 3389, 993}[m.r.IntN(6)]
		f.size /= 2
	}
	f.ways = m.ways(src, s.addr, uint16(1024+m.r.IntN(60_000)), port, proto)
	return f
}

// little makes a packet of one of the small communications.
func (m *mix) little() {
	f := &m.small[m.busy.Uint64()]
	side := m.r.IntN(2)
	n := 0
	if !f.tcp || m.r.IntN(3) > 0 {
		n = f.size + m.r.IntN(1+f.size/4)
	}
	from := m.r.IntN(len(m.pool) - 2048)
	payload := m.pool[from : from+n]
	if f.ways[0].to == 123 { // NTP
		payload = append([]byte{0x23 + byte(side)}, m.pool[from:from+47]...)
	}
	if f.tcp {
		m.tcp(&f.ways[side], &f.ways[1-side], ack, true, nil, payload)
		return
	}
	m.udp(&f.ways[side], payload)
}

// answer is what a resolver will say.
type answer struct {
	at      int64
	way     way
	message []byte
}

// ask makes a question to one of four resolvers.
func (m *mix) ask() {
	c := m.clients[m.r.IntN(len(m.clients))]
	resolver := netip.AddrFrom4([4]byte{133, 250, 0, byte(1 + m.r.IntN(4))})
	if !c.Is4() {
		resolver = netip.AddrFrom16([16]byte{0x24, 0, 0x40, 0xff, 15: byte(1 + m.r.IntN(4))})
	}
	w := m.ways(c, resolver, uint16(1024+m.r.IntN(64_000)), 53, 17)
	s := &m.servers[int(mixServers*m.r.Float64()*m.r.Float64())]
	question, reply := m.dns(s)
	m.udp(&w[0], question)
	m.answers = append(m.answers, answer{m.at + int64(2e6+m.r.ExpFloat64()*20e6), w[1], reply})
}

// reply makes the answer that waits longest.
func (m *mix) reply() {
	a := m.answers[0]
	m.answers = m.answers[1:]
	m.udp(&a.way, a.message)
}

// siteName is what the i-th server is called.
func siteName(i int) string {
	words := [...]string{"aoba", "minato", "sakura", "hikari", "midori", "kaze", "umi", "yama", "hoshi", "tsuki", "nami", "sora", "mori", "kawa", "yuki", "asahi"}
	hosts := [...]string{"www", "api", "cdn", "static", "img", "login", "mail", "edge-7"}
	return fmt.Sprintf("%s.%s-%s-%d.example", hosts[i%8], words[i/8%16], words[i/128%16], i/2048)
}

// dns makes a question and its answer: addresses, with an alias in front of
// them for one in three, or no such name for one in twenty.
func (m *mix) dns(s *server) (question, reply []byte) {
	id := uint16(m.r.Uint32())
	kind, rcode := uint16(1), uint16(0)
	if m.r.IntN(3) == 0 {
		kind = 28
	}
	name := s.name
	if m.r.IntN(20) == 0 {
		name, rcode = fmt.Sprintf("h%d.%s", m.r.IntN(1000), s.name), 3
	}
	be := binary.BigEndian
	head := func(flags, answers uint16) []byte {
		b := be.AppendUint16(be.AppendUint16(nil, id), flags)
		b = be.AppendUint16(be.AppendUint16(b, 1), answers)
		b = be.AppendUint16(be.AppendUint16(b, 0), 1)
		b = appendName(b, name)
		return be.AppendUint16(be.AppendUint16(b, kind), 1)
	}
	edns := []byte{0, 0, 41, 4, 0xd0, 0, 0, 0, 0, 0, 0}
	question = append(head(0x0100, 0), edns...)
	count := 1 + m.r.IntN(3)
	alias := m.r.IntN(3) == 0
	total := count
	if rcode != 0 {
		count, total, alias = 0, 0, false
	} else if alias {
		total++
	}
	reply = head(0x8180|rcode, uint16(total))
	owner := []byte{0xc0, 12}
	if alias {
		target := appendName(nil, "lb-"+s.name)
		reply = append(append(reply, owner...), 0, 5, 0, 1, 0, 0, 1, 44)
		reply = be.AppendUint16(reply, uint16(len(target)))
		owner = be.AppendUint16(nil, 0xc000|uint16(len(reply)))
		reply = append(reply, target...)
	}
	for range count {
		reply = append(append(reply, owner...), byte(kind>>8), byte(kind), 0, 1, 0, 0, 1, 44)
		size := 4
		if kind == 28 {
			size = 16
		}
		from := m.r.IntN(1000)
		reply = append(be.AppendUint16(reply, uint16(size)), m.pool[from:from+size]...)
	}
	return question, append(reply, edns...)
}

// appendName appends a name as DNS writes it.
func appendName(b []byte, name string) []byte {
	for len(name) > 0 {
		label := name
		rest := ""
		for i := range len(name) {
			if name[i] == '.' {
				label, rest = name[:i], name[i+1:]
				break
			}
		}
		b = append(append(b, byte(len(label))), label...)
		name = rest
	}
	return append(b, 0)
}
