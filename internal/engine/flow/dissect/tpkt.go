package dissect

import (
	"encoding/binary"

	"noroshi/internal/engine/flow/record"
)

// Kinds of X.224 units (ITU-T X.224 §13, RFC 1006).
const (
	cotpRequest = 0xe0
	cotpConfirm = 0xd0
	cotpData    = 0xf0

	tpktHead   = 4
	tpktWindow = 4 << 10 // bytes of a unit that are looked at
)

// tpkt cuts a unit of RFC 1006 from the beginning of b. size is that of the
// whole unit, 0 when there is none at all; kind and body are of X.224, body at
// most tpktWindow bytes of it; ok is false when more is needed.
func tpkt(b []byte) (kind byte, head, body []byte, size int, ok bool) {
	if len(b) < tpktHead {
		return 0, nil, nil, 1, false
	}
	size = int(binary.BigEndian.Uint16(b[2:]))
	if b[0] != 3 || size < tpktHead+2 {
		return 0, nil, nil, 0, false
	}
	want := min(size, tpktWindow)
	if len(b) < want {
		return 0, nil, nil, size, false
	}
	unit := b[tpktHead:want]
	length := int(unit[0]) + 1
	if length < 2 || length > len(unit) {
		return 0, nil, nil, size, true
	}
	return unit[1] & 0xf0, unit[:length], unit[length:], size, true
}

// matchTPKT tells what is spoken over RFC 1006 from its first unit: remote
// desktops or controllers.
func matchTPKT(b []byte, r *record.Record) (record.App, verdict) {
	switch {
	case len(b) > 0 && b[0] != 3, len(b) > 1 && b[1] != 0, len(b) > 5 && b[5]&0xf0 < cotpConfirm:
		return record.NoApp, no
	case len(b) < 11:
		if len(b) >= 7 && b[5] == cotpData {
			break
		}
		return record.NoApp, unsure
	}
	size := int(binary.BigEndian.Uint16(b[2:]))
	if int(b[4]) > size || size < 7 {
		return record.NoApp, no
	}
	port := func(p uint16) bool { return r.DstPort == p || r.SrcPort == p }
	at := 7 // of data: what is inside
	if b[5]&0xf0 != cotpData {
		if at = 11; size <= at {
			if port(102) {
				return record.S7, yes
			}
			return record.RDPApp, yes
		}
	}
	if len(b) <= at {
		return record.NoApp, unsure
	}
	switch c := b[at]; {
	case at == 7 && (c == 0x32 || c == 0x72), at == 11 && c >= 0xc0 && c <= 0xc2 && !port(3389):
		if at == 11 && !port(102) {
			return record.NoApp, no
		}
		return record.S7, yes
	case at == 7 && (c == 0x7f || port(3389)), at == 11 && (c == 'C' || c <= 3):
		return record.RDPApp, yes
	}
	return record.NoApp, no
}

func matchRDP(_ int, b []byte, r *record.Record) verdict { return matchOf(record.RDPApp, b, r) }
func matchS7(_ int, b []byte, r *record.Record) verdict  { return matchOf(record.S7, b, r) }

func matchOf(app record.App, b []byte, r *record.Record) verdict {
	is, v := matchTPKT(b, r)
	if v == yes && is != app {
		return no
	}
	return v
}
