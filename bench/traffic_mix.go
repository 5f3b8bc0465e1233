//go:build linux

package main

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"noroshi/internal/engine/flow/capture"
)

// mix makes up packets as the edge of a network sees them: three in five are of
// TCP connections with TLS, HTTP, SSH and others inside, whole from their first
// SYN to their end; the others are small: questions to DNS and their answers,
// and 20,000 communications over UDP and TCP of which few have most of the
// packets. A sixth is IPv6, an eighth of all ends stands in a VLAN. The same
// seed gives the same packets. Memory is bounded; a packet is valid until the
// next is made.
type mix struct {
	r       *rand.Rand
	at      int64
	pool    []byte // random: what is encrypted looks like this
	servers []server
	clients []netip.Addr // half of each family
	talks   []talk
	burst   int // packets that the talk at hand still sends in a row
	talking int
	small   []small
	busy    *rand.Zipf
	answers []answer // to DNS questions, on their way
	buf     []byte
}

// server is a machine outside and what it is called.
type server struct {
	addr netip.Addr
	name string
	cert [][]byte // DER, leaf first
}

// home are the networks that the clients of a mix are in; both are Japanese.
const home = "133.0.0.0/8,2400:4000::/22"

const (
	mixStart   = 1_793_836_800_000_000_000 // ns since 1970
	mixClients = 8_000
	mixServers = 6_000
	mixTalks   = 4_000 // connections at once
	mixSmall   = 20_000
	mixGap     = 30_000 // ns between packets on average: 2 million in a minute
)

func newMix(seed uint64) *mix {
	m := &mix{r: rand.New(rand.NewPCG(seed, 7)), at: mixStart, pool: make([]byte, 1<<20), buf: make([]byte, 0, 2048)}
	for i := 0; i < len(m.pool); i += 8 {
		binary.LittleEndian.PutUint64(m.pool[i:], m.r.Uint64())
	}
	for i := range mixClients {
		if i%6 == 0 {
			m.clients = append(m.clients, netip.AddrFrom16([16]byte{0x24, 0, 0x40, byte(i >> 8), byte(i), 15: byte(1 + i%200)}))
			continue
		}
		m.clients = append(m.clients, netip.AddrFrom4([4]byte{133, byte(i % 60), byte(i / 60), byte(1 + m.r.IntN(250))}))
	}
	chains := newChains()
	for i := range mixServers {
		s := server{name: siteName(i), cert: chains[i%len(chains)]}
		a := [4]byte{byte(1 + m.r.IntN(222)), byte(m.r.Uint32()), byte(m.r.Uint32()), byte(m.r.Uint32())}
		s.addr = netip.AddrFrom4(a)
		if i%6 == 0 {
			s.addr = netip.AddrFrom16([16]byte{0x2a, byte(m.r.IntN(16)), a[0], a[1], a[2], a[3], 15: 1})
		}
		m.servers = append(m.servers, s)
	}
	m.talks = make([]talk, mixTalks)
	m.small = make([]small, mixSmall)
	for i := range m.small {
		m.small[i] = m.newSmall()
	}
	m.busy = rand.NewZipf(m.r, 1.1, 4, mixSmall-1)
	return m
}

// next makes the packet that follows.
func (m *mix) next() capture.Packet {
	m.at += int64(m.r.ExpFloat64() * mixGap)
	switch {
	case len(m.answers) > 0 && m.answers[0].at <= m.at:
		m.reply()
	case m.r.IntN(100) < 64: // of which some are answers: see reply
		m.speak()
	case m.r.IntN(100) < 18:
		m.ask()
	default:
		m.little()
	}
	for len(m.buf) < 60 { // Ethernet has no shorter frames
		m.buf = append(m.buf, 0)
	}
	return capture.Packet{Data: m.buf, At: m.at, Orig: uint32(len(m.buf)), Link: capture.LinkEthernet}
}

// speak goes on with one of the open connections, some packets in a row.
func (m *mix) speak() {
	if m.burst == 0 {
		m.burst, m.talking = 1+m.r.IntN(6), m.r.IntN(len(m.talks))
	}
	m.burst--
	t := &m.talks[m.talking]
	if t.over() {
		*t = m.newTalk()
	}
	t.packet(m)
}

// pair picks a client and a server of one family; few servers have most.
func (m *mix) pair() (netip.Addr, *server) {
	s := &m.servers[int(mixServers*m.r.Float64()*m.r.Float64()*m.r.Float64())]
	for {
		if c := m.clients[m.r.IntN(len(m.clients))]; c.Is4() == s.addr.Is4() {
			return c, s
		}
	}
}

// way is one direction between two ends.
type way struct {
	head  []byte // Ethernet and IP
	at    int    // where the transport begins
	v6    bool
	proto byte
	seq   uint32
	from  uint16
	to    uint16
}

// ways makes both directions.
func (m *mix) ways(src, dst netip.Addr, sport, dport uint16, proto byte) (w [2]way) {
	var macs [12]byte
	for i := range macs {
		macs[i] = byte(m.r.Uint32()) &^ 1
	}
	tag := uint16(0)
	if m.r.IntN(8) == 0 {
		tag = uint16(1 + m.r.IntN(4000))
	}
	w[0] = newWay(macs[:], src, dst, proto, tag)
	w[1] = newWay(append(append([]byte{}, macs[6:]...), macs[:6]...), dst, src, proto, tag)
	w[0].from, w[0].to, w[1].from, w[1].to = sport, dport, dport, sport
	w[0].seq, w[1].seq = m.r.Uint32(), m.r.Uint32()
	return w
}

func newWay(macs []byte, src, dst netip.Addr, proto byte, tag uint16) way {
	b := append([]byte{}, macs...)
	if tag != 0 {
		b = append(b, 0x81, 0, byte(tag>>8), byte(tag))
	}
	if src.Is4() {
		b = append(b, 8, 0, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 57, proto, 0, 0)
	} else {
		b = append(b, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, proto, 57)
	}
	b = append(append(b, src.AsSlice()...), dst.AsSlice()...)
	return way{head: b, at: len(b), v6: !src.Is4(), proto: proto}
}

// udp makes a datagram.
func (m *mix) udp(w *way, payload []byte) {
	b := append(m.buf[:0], w.head...)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, w.from), w.to)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(payload)))
	m.buf = append(append(b, 0, 0), payload...)
	m.finish(w, w.at+6)
}

// TCP flags.
const (
	fin = 1 << iota
	syn
	rst
	psh
	ack
)

// tcp makes a segment of one way: options as Linux has them, or none.
func (m *mix) tcp(w, back *way, flags byte, stamps bool, head, body []byte) {
	b := append(m.buf[:0], w.head...)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, w.from), w.to)
	b = binary.BigEndian.AppendUint32(b, w.seq)
	acked := back.seq
	if flags&ack == 0 {
		acked = 0
	}
	b = binary.BigEndian.AppendUint32(b, acked)
	b = append(b, 0x50, flags, 0xfa, 0xf0, 0, 0, 0, 0)
	ms := uint32(m.at / 1e6)
	switch {
	case flags&syn != 0 && stamps:
		b = append(b, 2, 4, 5, 0xb4, 4, 2, 8, 10)
		b = append(binary.BigEndian.AppendUint64(b, uint64(ms)<<32), 1, 3, 3, 7)
	case flags&syn != 0:
		b = append(b, 2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2)
	case stamps:
		b = append(b, 1, 1, 8, 10)
		b = binary.BigEndian.AppendUint64(b, uint64(ms)<<32|uint64(ms-20))
	}
	b[w.at+12] = byte(len(b)-w.at) / 4 << 4
	m.buf = append(append(b, head...), body...)
	w.seq += uint32(len(head) + len(body))
	if flags&(syn|fin) != 0 {
		w.seq++
	}
	m.finish(w, w.at+16)
}

// finish fills in lengths and checksums; check is where the transport's stands.
func (m *mix) finish(w *way, check int) {
	b, size := m.buf, len(m.buf)-w.at
	addresses := 32
	if w.v6 {
		binary.BigEndian.PutUint16(b[w.at-36:], uint16(size))
	} else {
		addresses = 8
		ip := b[w.at-20 : w.at]
		binary.BigEndian.PutUint16(ip[2:], uint16(size+20))
		binary.BigEndian.PutUint16(ip[4:], uint16(m.at>>10))
		binary.BigEndian.PutUint16(ip[10:], ^folded(summed(ip)))
	}
	c := ^folded(summed(b[w.at-addresses:]) + uint64(size) + uint64(w.proto))
	if c == 0 {
		c = 0xffff // zero says of UDP that there is none
	}
	binary.BigEndian.PutUint16(b[check:], c)
}

// summed is the sum of 16-bit words that the checksums of IP rest on (RFC 1071).
func summed(b []byte) (sum uint64) {
	for ; len(b) >= 4; b = b[4:] {
		sum += uint64(binary.BigEndian.Uint32(b))
	}
	for i, c := range b {
		sum += uint64(c) << (8 * (1 - i&1))
	}
	return sum
}

func folded(sum uint64) uint16 {
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return uint16(sum)
}
