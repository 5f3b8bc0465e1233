package deid

import (
	"bytes"
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// canonical appends the form of a value in which the same identifier, written
// in several ways, is the same bytes.
func (n *Names) canonical(dst []byte, k Kind, v []byte) []byte {
	switch k {
	case Mail:
		at := bytes.LastIndexByte(v, '@') // a quoted local part may hold one too (RFC 5321 §4.1.2)
		if at < 0 {
			return append(dst, v...)
		}
		if local := v[:at]; n.FoldLocal {
			dst = appendLower(dst, local)
		} else {
			dst = append(dst, local...)
		}
		return appendHost(append(dst, '@'), v[at+1:])
	case Host:
		return appendHost(dst, v)
	case Name:
		return appendName(dst, v)
	case Address:
		return appendAddress(dst, v)
	case Device, Phone:
		return appendDigits(dst, v)
	}
	return append(dst, v...) // Account: its case and spaces may matter
}

// maxIDN is the greatest length in bytes of a name that is brought to its ASCII
// form. No name of the DNS is longer (RFC 1035 §2.3.4: 255), and the time of
// Punycode grows with the square of the length.
const maxIDN = 512

// appendHost appends a host name in lower case, in its ASCII form (IDNA,
// UTS #46) and without the root's dot.
func appendHost(dst, v []byte) []byte {
	if len(v) > 0 && v[len(v)-1] == '.' {
		v = v[:len(v)-1]
	}
	if len(v) > 0 && v[0] == '.' { // ".example.jp" of a list of suffixes
		v = v[1:]
	}
	if ascii(v) {
		return appendLower(dst, v)
	}
	if len(v) > maxIDN {
		return append(dst, v...)
	}
	s, err := idna.Lookup.ToASCII(string(v))
	if err != nil { // no name of the DNS: the same bytes are still the same name
		return append(dst, v...)
	}
	return append(dst, strings.TrimSuffix(s, ".")...)
}

// appendName appends a person's name with compatible characters made one
// (UAX #15, NFKC), in lower case, with single spaces.
func appendName(dst, v []byte) []byte {
	if !ascii(v) {
		v = []byte(strings.ToLower(norm.NFKC.String(string(v))))
	}
	space := false
	for _, c := range v {
		if c == ' ' || c == '\t' {
			space = true
			continue
		}
		if space && len(dst) > 0 && dst[len(dst)-1] != 0 {
			dst = append(dst, ' ')
		}
		space = false
		dst = append(dst, lower(c))
	}
	return dst
}

// appendAddress appends the 16 bytes of an IP address; an IPv4 address written
// as IPv6 is the IPv4 address.
func appendAddress(dst, v []byte) []byte {
	if len(v) > 64 {
		return append(dst, v...)
	}
	a, err := netip.ParseAddr(string(v))
	if err != nil {
		return append(dst, v...)
	}
	b := a.WithZone("").As16()
	return append(dst, b[:]...)
}

// appendDigits leaves out what is written between digits for the eye.
func appendDigits(dst, v []byte) []byte {
	for _, c := range v {
		switch c {
		case ' ', '-', ':', '.', '(', ')':
		default:
			dst = append(dst, lower(c))
		}
	}
	return dst
}

func appendLower(dst, v []byte) []byte {
	n := len(dst)
	dst = append(dst, v...)
	for i, c := range dst[n:] {
		dst[n+i] = lower(c)
	}
	return dst
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

func ascii(v []byte) bool {
	for _, c := range v {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
