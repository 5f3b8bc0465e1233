package dissect

import "bytes"

// Extensions of a hello that are read (IANA TLS ExtensionType Values).
const (
	extServerName = 0
	extGroups     = 10
	extFormats    = 11
	extSignatures = 13
	extALPN       = 16
	extPSK        = 41
	extEarlyData  = 42
	extVersions   = 43
	extTransport  = 57 // RFC 9001 §8.2
	extOldParams  = 0xffa5
	extECH        = 0xfe0d
	extESNI       = 0xffce // its forebear
)

// hello is where the parts of a client's or a server's hello stand in the
// message it was read from. It is never kept.
type hello struct {
	version    uint16 // of the old field
	chosen     uint16 // by the server in supported_versions
	cipher     uint16
	session    []byte
	ciphers    []byte // two bytes each
	extensions []byte // kind, length, body
	name       []byte // the first host name of server_name
	groups     []byte // two bytes each
	formats    []byte
	signatures []byte // two bytes each
	protocols  []byte // of ALPN, each behind its length
	versions   []byte // two bytes each
	transport  []byte // parameters of QUIC
	named      bool   // server_name is there
	ech        bool
	early      bool
	psk        bool
	retry      bool
}

// retryRandom is what stands where a server's random should when it asks the
// client to try again (RFC 8446 §4.1.3).
var retryRandom = [32]byte{
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
}

// readClient reads a client hello (RFC 8446 §4.1.2), with the cookie of DTLS
// where datagram says so (RFC 6347 §4.2.1). It is false when the message ends
// before the extensions; extensions may be cut short.
func (h *hello) readClient(b []byte, datagram bool) bool {
	m := scan{b: b}
	h.version = m.u16()
	m.take(32)
	h.session = m.vec8()
	if datagram {
		m.vec8()
	}
	h.ciphers = m.vec16()
	m.vec8() // compression
	if m.short || len(h.ciphers)%2 != 0 || len(h.session) > 32 {
		return false
	}
	if len(m.b) >= 2 {
		h.extensions = m.part()
	}
	h.readExtensions(true)
	return true
}

// readServer reads a server hello (RFC 8446 §4.1.3, RFC 5246 §7.4.1.3). The
// first drafts of TLS 1.3 left out session and compression.
func (h *hello) readServer(b []byte) bool {
	m := scan{b: b}
	h.version = m.u16()
	h.retry = bytes.Equal(m.take(32), retryRandom[:])
	old := h.version>>8 == 0x7f
	if !old {
		h.session = m.vec8()
	}
	h.cipher = m.u16()
	if !old {
		m.u8()
	}
	if m.short || len(h.session) > 32 {
		return false
	}
	if len(m.b) >= 2 {
		h.extensions = m.part()
	}
	h.readExtensions(false)
	return true
}

func (h *hello) readExtensions(client bool) {
	for all := (extensions{h.extensions}); ; {
		kind, body, ok := all.next()
		if !ok {
			return
		}
		m := scan{b: body}
		switch kind {
		case extServerName:
			h.named = true
			h.name = serverName(&m)
		case extGroups:
			h.groups = even(m.part())
		case extFormats:
			h.formats = m.vec8()
		case extSignatures:
			h.signatures = even(m.part())
		case extALPN:
			h.protocols = m.part()
		case extVersions:
			if client {
				h.versions = even(m.vec8())
			} else {
				h.chosen = m.u16()
			}
		case extTransport, extOldParams:
			h.transport = body
		case extPSK:
			h.psk = true
		case extEarlyData:
			h.early = true
		case extECH, extESNI:
			h.ech = true
		}
	}
}

// extensions walks over a list of extensions. One that is cut short ends it.
type extensions struct{ b []byte }

func (e *extensions) next() (kind uint16, body []byte, ok bool) {
	if len(e.b) < 4 {
		return 0, nil, false
	}
	kind = be16(e.b)
	size := int(be16(e.b[2:]))
	if len(e.b) < 4+size {
		return 0, nil, false
	}
	body, e.b = e.b[4:4+size], e.b[4+size:]
	return kind, body, true
}

// serverName is the first host name of the list (RFC 6066 §3).
func serverName(m *scan) []byte {
	list := scan{b: m.part()}
	for len(list.b) > 0 {
		kind, name := list.u8(), list.vec16()
		if list.short {
			return nil
		}
		if kind == 0 {
			return name
		}
	}
	return nil
}

// firstName is the first protocol of a list of ALPN.
func firstName(list []byte) []byte {
	m := scan{b: list}
	return m.vec8()
}

// even is b without an odd byte at its end.
func even(b []byte) []byte { return b[:len(b)&^1] }

// grease reports the values that mean nothing (RFC 8701 §2).
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// highest is the latest version that a client offers, GREASE left out. The
// versions of DTLS count downwards.
func (h *hello) highest(datagram bool) uint16 {
	best := uint16(0)
	for b := h.versions; len(b) >= 2; b = b[2:] {
		v := be16(b)
		if grease(v) {
			continue
		}
		if best == 0 || !datagram && v > best || datagram && v>>8 == 0xfe && v < best {
			best = v
		}
	}
	if best == 0 {
		return h.version
	}
	return best
}
