package dissect

import "noroshi/internal/engine/flow/record"

const dtlsHeader = 13

// isDTLS reports whether a datagram begins with a record of DTLS 1.0 to 1.3 in
// clear (RFC 6347 §4.1, RFC 9147 §4).
func isDTLS(b []byte) bool {
	return len(b) >= dtlsHeader && b[0] >= tlsChange && b[0] <= tlsHeartbeat+2 && b[1] == 0xfe && (b[2] == 0xff || b[2] == 0xfd) &&
		dtlsHeader+int(be16(b[11:])) <= len(b)
}

// dtlsDatagram reads the hellos of DTLS that come whole. Those in pieces are
// left out: nothing is kept between datagrams.
func dtlsDatagram(_ int, _ int64, b []byte, f record.Facts) {
	for range maxCoalesced {
		if !isDTLS(b) {
			return
		}
		end := dtlsHeader + int(be16(b[11:]))
		if epoch := be16(b[3:]); epoch == 0 {
			readDTLS(b[0], b[dtlsHeader:end], f)
		}
		b = b[end:]
	}
}

func readDTLS(kind byte, b []byte, f record.Facts) {
	facts := f.TLS
	if facts == nil {
		facts = &record.TLS{}
	}
	switch {
	case kind == tlsAlert && len(b) == 2:
		if b[0] == 2 || facts.Alert == 0 {
			facts.Alert = b[1]
		}
	case kind == tlsHandshake && len(b) >= 12:
		m := scan{b: b[1:]}
		size := m.u24()
		m.take(2)
		from, part := m.u24(), m.u24()
		body := m.take(size)
		if m.short || from != 0 || part != size {
			return
		}
		var h hello
		switch b[0] {
		case clientHello:
			if facts.JA4[0] != 0 || !h.readClient(body, true) {
				return
			}
			h.write(facts, &f)
			if facts.Cipher == 0 {
				facts.Version = h.highest(true)
			}
			facts.JA3, facts.JA4 = h.ja3(), h.ja4('d')
		case serverHello:
			if !h.readServer(body) {
				return
			}
			h.writeServer(facts)
			facts.Resumed = h.psk && facts.Version == 0xfefc
		default:
			return
		}
	default:
		return
	}
	f.TLS = facts
}
