package event

import (
	"encoding/binary"
	"slices"
	"unicode"
	"unicode/utf8"
)

// Folded returns the text of field i in lower case. The first call folds the
// whole row.
func (r *Row) Folded(i int) []byte {
	if !r.isFold {
		r.isFold, r.folded, r.ends = true, r.folded[:0], r.ends[:0]
		for k := range r.Fields {
			r.folded = AppendFold(r.folded, r.Value(k))
			r.ends = append(r.ends, uint32(len(r.folded)))
		}
	}
	from, to := uint32(0), r.ends[i]
	if i > 0 {
		from = r.ends[i-1]
	}
	return r.folded[from:to:to]
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// foldASCII writes src in lower case to dst, of the same length, up to the
// first byte that is not ASCII or a few before it, and returns how far. Eight
// bytes at a time: the high bit of each byte of upper says that it is a capital.
func foldASCII(dst, src []byte) int {
	n := len(src)
	dst = dst[:n]
	for len(src) >= 8 {
		w := binary.LittleEndian.Uint64(src)
		if w&highs != 0 {
			return n - len(src)
		}
		upper := (w + (0x80-'A')*ones) &^ (w + (0x80-'Z'-1)*ones) & highs
		binary.LittleEndian.PutUint64(dst, w|upper>>2)
		src, dst = src[8:], dst[8:]
	}
	for i, c := range src {
		if c >= utf8.RuneSelf {
			return n - len(src) + i
		}
		dst[i] = lowerASCII[c]
	}
	return n
}

// AppendFold appends text in lower case, letter by letter (Unicode's simple
// mapping); bytes that are no UTF-8 stay as they are. Rules fold their values
// with it too, so that both sides agree.
func AppendFold(to, text []byte) []byte {
	to = slices.Grow(to, len(text))
	for len(text) > 0 {
		// All of the text, or the part that is all ASCII, goes fast.
		from := len(to)
		n := foldASCII(to[from:from+len(text)], text)
		to, text = to[:from+n], text[n:]
		for plain := 0; len(text) > 0 && plain < 8; {
			c := text[0]
			if c < utf8.RuneSelf {
				to, text = append(to, lowerASCII[c]), text[1:]
				plain++
				continue
			}
			plain = 0
			if c >= 0xE3 && c <= 0xE9 && len(text) > 2 && text[1]&0xC0 == 0x80 && text[2]&0xC0 == 0x80 {
				to, text = append(to, c, text[1], text[2]), text[3:] // U+3000 to U+9FFF have no cases
				continue
			}
			r, n := utf8.DecodeRune(text)
			if low := lowerRune(r); low != r {
				to = utf8.AppendRune(to, low)
			} else {
				to = append(to, text[:n]...) // also a byte that is no UTF-8
			}
			text = text[n:]
		}
		to = slices.Grow(to, len(text))
	}
	return to
}

// lowerRune is unicode.ToLower without its search for the scripts that have no
// cases and for the signs of Latin-1.
func lowerRune(r rune) rune {
	switch {
	case r >= 0x2E80 && r < 0xA000, r >= 0xAC00 && r < 0xD7A4, r >= 0xA0 && r < 0xC0:
		return r
	}
	return unicode.ToLower(r)
}

// lowerASCII is a table because a branch for each letter cannot be foreseen.
var lowerASCII = func() (t [utf8.RuneSelf]byte) {
	for c := range t {
		t[c] = byte(unicode.ToLower(rune(c)))
	}
	return t
}()
