package selector

import (
	"encoding/binary"
	"net/netip"
)

// canonical reports whether a value of a file is written as parse writes it, and
// is one that a Builder takes: no network that is next to everything.
func canonical(f form, v []byte) bool {
	switch f {
	case formPort:
		return protoName(v[0]) != ""
	case addr6:
		return !netip.AddrFrom16([16]byte(v)).Is4In6()
	case netFour:
		return v[4] < 32 && v[4] >= boundless4 && binary.BigEndian.Uint32(v)<<v[4] == 0
	case netSix:
		if v[16] > 127 || v[16] < boundless6 {
			return false
		}
		p := netip.PrefixFrom(netip.AddrFrom16([16]byte(v)), int(v[16]))
		return p.Masked() == p && !(p.Addr().Is4In6() && v[16] >= 96)
	case formDomain, formSuffix:
		return isName(v)
	case formJA4:
		return isJA4(v)
	case formURI:
		p, err := parseURI(string(v))
		return err == nil && string(p.bytes) == string(v)
	case formPattern:
		return len(v) >= minPattern && len(v) <= maxPattern
	}
	return true
}
