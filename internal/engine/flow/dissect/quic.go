package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Bounds of what is read of a communication over QUIC.
const (
	maxCoalesced  = 8        // packets of one datagram that are looked at
	maxQUICFails  = 12       // packets that do not open before it is left alone
	maxQUICSeen   = 64       // datagrams after which the hello is no longer waited for
	maxQUICHello  = 16 << 10 // bytes of a client hello
	maxQUICPieces = 48       // pieces of it that are apart
	quicScratch   = 1500     // bytes; longer packets get their own
)

// Kinds of long packets (RFC 9000 §17.2).
const (
	quicInitial = 0
	quicRetry   = 3
)

// quicState follows the first packets of a communication until the client's
// hello was read, or will not be. Its zero value is ready. What it holds from
// one datagram to the next is the hello as far as it came, and where its keys
// come from: who opens many communications and leaves them makes it keep no
// more than was sent.
type quicState struct {
	hello   *pieces // nil while nothing came that is not whole
	version uint32  // with cid, what the keys are derived from
	cid     [20]byte
	size    uint8 // of cid
	opened  bool  // version and cid have opened a packet
	client  int8  // 1 + the side that opened it, 0 unknown
	seen    uint8
	fails   uint8
	over    bool
}

// quicWork is what one datagram needs.
type quicWork struct {
	keys    *quicKeys
	scratch []byte
}

// quicPacket is a long header and where its parts are.
type quicPacket struct {
	version uint32
	kind    uint8
	dcid    []byte
	number  int // where the protected part begins
	end     int // where the packet ends
}

// isQUIC reports whether a datagram begins with a long packet of a version that
// is known, a list of versions, or a hello of one of Google's first versions.
func isQUIC(b []byte) bool {
	if len(b) < 7 {
		return false
	}
	if b[0]&0x80 == 0 {
		return isOldQUIC(b)
	}
	version := binary.BigEndian.Uint32(b[1:])
	if isNewGoogle(version) {
		return true
	}
	m := scan{b: b[5:]}
	destination, source := m.vec8(), m.vec8()
	if m.short || len(destination) > 20 || len(source) > 20 {
		return false
	}
	switch {
	case version == 0:
		if len(m.b) == 0 || len(m.b)%4 != 0 {
			return false
		}
		for rest := m.b; len(rest) > 0; rest = rest[4:] {
			if v := binary.BigEndian.Uint32(rest); quicSalt(v) != nil || forcing(v) {
				return true
			}
		}
		return false
	case forcing(version):
		return len(b) >= 1200
	}
	return quicSalt(version) != nil || version>>8 == 0xff0000 && version&0xff <= 34
}

// forcing reports a version that asks to negotiate (RFC 9000 §15).
func forcing(v uint32) bool { return v&0x0f0f0f0f == 0x0a0a0a0a }

// datagram reads one payload of UDP.
func (q *quicState) datagram(side int, _ int64, b []byte, f record.Facts) {
	if q.over || len(b) < 7 {
		return
	}
	if q.seen++; q.seen >= maxQUICSeen {
		q.end()
		return
	}
	if b[0]&0x80 == 0 {
		if isOldQUIC(b) {
			q.old(b, b[9:13], f)
		}
		return
	}
	if version := binary.BigEndian.Uint32(b[1:]); isNewGoogle(version) {
		q.old(b, b[1:5], f)
		return
	}
	var w quicWork
	defer w.wipe()
	for range maxCoalesced {
		p, ok := readQUIC(b)
		if !ok {
			if f.QUIC == nil && quicSalt(p.version) != nil {
				q.facts(p.version, f) // cut short by the capture
			}
			return
		}
		q.packet(&w, side, b[:p.end], &p, f)
		if b = b[p.end:]; q.over || len(b) < 7 || b[0]&0x80 == 0 {
			return
		}
	}
}

// end overwrites what is left of the hello.
func (q *quicState) end() {
	if q.hello != nil {
		q.hello.forget()
		q.hello = nil
	}
	q.over = true
}

// wipe overwrites the packet that was opened last.
func (w *quicWork) wipe() { clear(w.scratch[:cap(w.scratch)]) }

// facts is where QUIC is written to, with the version of the newest packet.
func (q *quicState) facts(version uint32, f record.Facts) *record.QUIC {
	if f.QUIC == nil {
		f.QUIC = &record.QUIC{}
	}
	if version != 0 {
		f.QUIC.Version = version
	}
	return f.QUIC
}

// readQUIC reads a long header (RFC 9000 §17.2, RFC 9369 §3.2). The list of
// versions has none: ok is false.
func readQUIC(b []byte) (p quicPacket, ok bool) {
	m := scan{b: b}
	first := m.u8()
	p.version = m.u32()
	p.dcid = m.vec8()
	source := m.vec8()
	if m.short || p.version == 0 || len(p.dcid) > 20 || len(source) > 20 {
		return p, false
	}
	p.kind = first >> 4 & 3
	if p.version == quicV2 {
		p.kind = (p.kind + 3) & 3
	}
	p.end = len(b)
	if p.kind == quicRetry {
		return p, true // the rest is a token
	}
	if p.kind == quicInitial {
		m.take(m.varint())
	}
	size := m.varint()
	p.number = len(b) - len(m.b)
	if m.short || size > len(m.b) {
		return p, quicSalt(p.version) == nil // another version may look otherwise
	}
	p.end = p.number + size
	return p, true
}

// varint is a number of 1, 2, 4 or 8 bytes (RFC 9000 §16); one that no packet
// can reach is as good as the end of it.
func (s *scan) varint() int {
	first := s.u8()
	v := uint64(first & 0x3f)
	for range 1<<(first>>6) - 1 {
		v = v<<8 | uint64(s.u8())
	}
	if v > 1<<30 {
		s.short = true
		return 0
	}
	return int(v)
}

// packet opens an Initial packet of the client and reads its frames.
func (q *quicState) packet(w *quicWork, side int, b []byte, p *quicPacket, f record.Facts) {
	if quicSalt(p.version) == nil && !forcing(p.version) && p.version>>8 != 0xff0000 {
		return
	}
	q.facts(p.version, f)
	if p.kind != quicInitial || q.client != 0 && int(q.client) != 1+side || p.number == 0 {
		return
	}
	text := q.open(w, b, p)
	if text == nil {
		if q.fails++; q.fails >= maxQUICFails {
			q.end()
		}
		return
	}
	q.client = int8(1 + side)
	q.frames(text, p.version, f)
}

// open decrypts with the keys that opened a packet before, else with those that
// the packet's own connection id gives: the client's first packet may be
// missing, and after a Retry it begins anew.
func (q *quicState) open(w *quicWork, b []byte, p *quicPacket) []byte {
	if q.opened && q.version == p.version {
		known := q.cid[:q.size]
		if text := w.open(b, p, known); text != nil || string(known) == string(p.dcid) {
			return text
		}
	}
	text := w.open(b, p, p.dcid)
	if text != nil {
		q.version, q.opened = p.version, true
		q.size = uint8(copy(q.cid[:], p.dcid))
		if q.hello != nil {
			q.hello.forget()
		}
	}
	return text
}

// open decrypts a packet, in a copy, with the keys that an id gives.
func (w *quicWork) open(b []byte, p *quicPacket, cid []byte) []byte {
	if !w.keys.fits(p.version, cid) {
		if w.keys = newQUICKeys(p.version, cid); w.keys == nil {
			return nil
		}
	}
	if len(b) > cap(w.scratch) {
		w.wipe()
		w.scratch = make([]byte, 0, max(len(b), quicScratch))
	}
	return w.keys.open(append(w.scratch[:0], b...), p.number)
}

// Frames that an Initial packet may hold (RFC 9000 §12.4).
const (
	framePadding = 0x00
	framePing    = 0x01
	frameAck     = 0x02
	frameAckECN  = 0x03
	frameCrypto  = 0x06
)

// frames reads the pieces of the client hello out of one packet.
func (q *quicState) frames(b []byte, version uint32, f record.Facts) {
	if version == 0x51303530 { // Q050 has frames of its own
		q.old(b, []byte("Q050"), f)
		return
	}
	m := scan{b: b}
	for len(m.b) > 0 && !m.short {
		switch kind := m.varint(); kind {
		case framePadding, framePing:
		case frameAck, frameAckECN:
			m.varint()
			m.varint()
			more := m.varint()
			m.varint()
			for ; more > 0 && !m.short; more-- {
				m.varint()
				m.varint()
			}
			if kind == frameAckECN {
				m.varint()
				m.varint()
				m.varint()
			}
		case frameCrypto:
			offset := m.varint()
			piece := m.take(m.varint())
			if m.short {
				return
			}
			if q.piece(offset, piece, f) {
				return
			}
		default:
			return // the end of a connection, or nothing that belongs here
		}
	}
}

// piece adds a piece of the hello and reads it when it is whole: then it is
// over.
func (q *quicState) piece(offset int, b []byte, f record.Facts) bool {
	whole := b
	if q.hello != nil || offset != 0 || len(b) < 4 || len(b) < messageSize(b) {
		if q.hello == nil {
			q.hello = &pieces{}
		}
		var ok bool
		if whole, ok = q.hello.add(offset, b); !ok {
			q.end()
			return true
		}
	}
	if len(whole) < 4 {
		return false
	}
	size := messageSize(whole)
	if whole[0] != clientHello || size > maxQUICHello {
		q.end()
		return true
	}
	if len(whole) < size {
		return false
	}
	var h hello
	if h.readClient(whole[4:size], false) {
		h.writeQUIC(f.QUIC, f)
	}
	q.end()
	return true
}

// writeQUIC puts a client hello into the facts.
func (h *hello) writeQUIC(out *record.QUIC, f record.Facts) {
	out.SNI = f.Naming.Host(h.name)
	out.ALPN = record.ParseALPN(firstName(h.protocols))
	out.JA3 = h.ja3()
	out.JA4 = h.ja4('q')
	if agent := googleAgent(h.transport); len(agent) > 0 {
		out.Agent = f.Naming.Agent(agent)
	}
}

// googleAgent is the program's name in Google's transport parameter 0x3129.
func googleAgent(b []byte) []byte {
	m := scan{b: b}
	for len(m.b) > 0 {
		id := m.varint()
		value := m.take(m.varint())
		if m.short {
			return nil
		}
		if id == 0x3129 {
			return value
		}
	}
	return nil
}
