package dissect

import (
	"bytes"

	"noroshi/internal/engine/flow/record"
)

const dtlsHeader = 13

// dtlsState follows the hellos of a communication over DTLS. A client's hello
// often comes in pieces, over several datagrams; its zero value is ready.
type dtlsState struct {
	hello  *pieces // nil while none is begun
	number uint16  // of the message that hello is of
	tried  uint8   // datagrams in which TLS was looked for
}

// Bounds of the search for TLS inside another protocol's datagrams.
const (
	maxInside = 16 // datagrams
	maxBefore = 96 // bytes before the hello
)

// isDTLS reports whether a datagram begins with a record of DTLS 1.0 to 1.3 in
// clear (RFC 6347 §4.1, RFC 9147 §4).
func isDTLS(b []byte) bool {
	return len(b) >= dtlsHeader && b[0] >= tlsChange && b[0] <= tlsHeartbeat+2 && b[1] == 0xfe && (b[2] == 0xff || b[2] == 0xfd) &&
		dtlsHeader+int(be16(b[11:])) <= len(b)
}

// datagram reads the records of one datagram that are not encrypted.
func (d *dtlsState) datagram(_ int, _ int64, b []byte, f record.Facts) {
	for range maxCoalesced {
		if !isDTLS(b) {
			return
		}
		end := dtlsHeader + int(be16(b[11:]))
		if epoch := be16(b[3:]); epoch == 0 {
			d.record(b[0], b[dtlsHeader:end], f)
		}
		b = b[end:]
	}
}

// end overwrites what is left of a hello.
func (d *dtlsState) end() {
	if d.hello != nil {
		d.hello.forget()
		d.hello = nil
	}
}

func (d *dtlsState) record(kind byte, b []byte, f record.Facts) {
	switch {
	case kind == tlsAlert && len(b) == 2:
		if facts := dtlsFacts(f); b[0] == 2 || facts.Alert == 0 {
			facts.Alert = b[1]
		}
	case kind == tlsHandshake:
		for range maxCoalesced {
			if len(b) < 12 {
				return
			}
			m := scan{b: b[1:]}
			size, number := m.u24(), m.u16()
			from := m.u24()
			part := m.take(m.u24())
			if m.short || from+len(part) > size {
				return
			}
			switch {
			case len(part) == size:
				d.message(b[0], part, f)
			case b[0] == clientHello:
				d.piece(b[:4], number, from, part, f)
			}
			b = m.b
		}
	}
}

// piece adds a part of a client hello, of which head is what stands in front of
// a whole one.
func (d *dtlsState) piece(head []byte, number uint16, from int, part []byte, f record.Facts) {
	if f.TLS != nil && f.TLS.JA4[0] != 0 {
		return
	}
	if d.hello != nil && d.number != number {
		d.end() // the cookie was asked for, and the hello comes once more
	}
	if d.hello == nil {
		d.hello, d.number = &pieces{}, number
	}
	_, ok := d.hello.add(0, head)
	whole, fits := d.hello.add(len(head)+from, part)
	switch {
	case !ok || !fits:
		d.end()
	case len(whole) >= messageSize(head):
		d.message(clientHello, whole[4:messageSize(head)], f)
		d.end()
	}
}

// message reads one whole hello.
func (d *dtlsState) message(kind byte, body []byte, f record.Facts) {
	var h hello
	switch kind {
	case clientHello:
		if f.TLS != nil && f.TLS.JA4[0] != 0 || !h.readClient(body, true) {
			return
		}
		facts := dtlsFacts(f)
		h.write(facts, &f)
		if facts.Cipher == 0 {
			facts.Version = h.highest(true)
		}
		facts.JA3, facts.JA4 = h.ja3(), h.ja4('d')
	case serverHello:
		if !h.readServer(body) {
			return
		}
		facts := dtlsFacts(f)
		h.writeServer(facts)
		facts.Resumed = h.psk && facts.Version == 0xfefc
	}
}

// inside looks for a hello of TLS, not DTLS, in the datagrams of a protocol that
// makes them reliable by itself: RDP over UDP ([MS-RDPEUDP2]), OpenVPN. It is
// read only where it comes whole.
func (d *dtlsState) inside(b []byte, f record.Facts) {
	if d.tried++; d.tried > maxInside {
		d.tried = maxInside
		return
	}
	for at := 0; at < min(len(b), maxBefore); at++ {
		i := bytes.IndexByte(b[at:], tlsHandshake)
		if i < 0 {
			return
		}
		if at += i; seenHello(b[at:]) != yes {
			continue
		}
		message := b[at+tlsHeader:]
		size := messageSize(message)
		if len(message) < size {
			return
		}
		var h hello
		switch {
		case message[0] == clientHello && h.readClient(message[4:size], false):
			if facts := dtlsFacts(f); facts.JA4[0] == 0 {
				h.write(facts, &f)
				facts.JA3, facts.JA4 = h.ja3(), h.ja4('t')
				if facts.Cipher == 0 {
					facts.Version = h.highest(false)
				}
			}
		case message[0] == serverHello && h.readServer(message[4:size]):
			h.writeServer(dtlsFacts(f))
		}
		return
	}
}

func dtlsFacts(f record.Facts) *record.TLS {
	if f.TLS == nil {
		f.TLS = &record.TLS{}
	}
	return f.TLS
}
