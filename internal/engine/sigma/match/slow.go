package match

import (
	"bytes"

	"noroshi/internal/engine/sigma"
)

// slow runs the atoms that are not plain texts, on the value as it stands.
func (a *atom) slow(value []byte) bool {
	if a.test.Kind == sigma.CIDR && !likeAddress(value) {
		return false // as most values are, without an error made for each
	}
	return a.test.Passes(lent(value), nil)
}

// likeAddress reports whether a value may be an IP address.
func likeAddress(value []byte) bool {
	if len(value) < 2 {
		return false
	}
	for i, c := range value {
		if c == '%' {
			return i > 1
		}
		hex := c-'0' < 10 || c|0x20-'a' < 6
		if !hex && c != ':' && c != '.' && c != ' ' && c != '\t' && c != '\r' && c != '\n' && c < 0x80 {
			return false
		}
	}
	return bytes.IndexByte(value, ':') >= 0 || bytes.Count(value, []byte{'.'}) == 3
}
