package export

import (
	"encoding/binary"
	"net/netip"
)

// The datagrams of the tests are built here, field by field.

var router = netip.MustParseAddr("192.0.2.1")

const second = int64(1e9)

// received is when test datagrams come: 2026-11-22 00:00:00 UTC.
const received = 1_795_305_600 * second

// ie is an element of IANA with a length.
func ie(id, length uint16) field { return field{0, id, length} }

// usual is the layout most routers export: 18 fields, 50 octets.
var usual = []field{ie(21, 4), ie(22, 4), ie(1, 4), ie(2, 4), ie(10, 4), ie(14, 4), ie(8, 4), ie(12, 4), ie(4, 1), ie(5, 1),
	ie(7, 2), ie(11, 2), ie(15, 4), ie(13, 1), ie(9, 1), ie(6, 1), ie(16, 4), ie(17, 4)}

// message is a datagram under construction.
type message struct {
	data  []byte
	ipfix bool
}

func newMessage(ipfix bool, number, secs, up, domain uint32) *message {
	m := &message{ipfix: ipfix}
	be := binary.BigEndian
	if ipfix {
		m.data = be.AppendUint32(m.data, 10<<16)
	} else {
		m.data = be.AppendUint32(be.AppendUint32(m.data, 9<<16), up)
	}
	m.data = be.AppendUint32(m.data, secs)
	m.data = be.AppendUint32(m.data, number)
	m.data = be.AppendUint32(m.data, domain)
	return m
}

func (m *message) set(id uint16, body []byte) *message {
	pad := -len(body) & 3
	m.data = binary.BigEndian.AppendUint16(m.data, id)
	m.data = binary.BigEndian.AppendUint16(m.data, uint16(4+len(body)+pad))
	m.data = append(append(m.data, body...), make([]byte, pad)...)
	return m
}

func (m *message) bytes() []byte {
	if m.ipfix {
		binary.BigEndian.PutUint16(m.data[2:], uint16(len(m.data)))
	}
	return m.data
}

// template returns a template record; scope fields first make it one of
// options.
func (m *message) template(id uint16, scope int, fields []field) *message {
	be := binary.BigEndian
	body := be.AppendUint16(nil, id)
	set := uint16(templateSet9)
	switch {
	case scope == 0:
		body = be.AppendUint16(body, uint16(len(fields)))
	case m.ipfix:
		body = be.AppendUint16(be.AppendUint16(body, uint16(len(fields))), uint16(scope))
	default:
		body = be.AppendUint16(be.AppendUint16(body, uint16(4*scope)), uint16(4*(len(fields)-scope)))
	}
	for _, f := range fields {
		if f.enterprise != 0 {
			body = be.AppendUint16(body, f.id|0x8000)
		} else {
			body = be.AppendUint16(body, f.id)
		}
		body = be.AppendUint16(body, f.length)
		if f.enterprise != 0 {
			body = be.AppendUint32(body, f.enterprise)
		}
	}
	if scope > 0 {
		set = optionsSet9
	}
	if m.ipfix {
		set += templateSet
	}
	return m.set(set, body)
}

func length(fields []field) (n int) {
	for _, f := range fields {
		n += int(f.length)
	}
	return n
}
