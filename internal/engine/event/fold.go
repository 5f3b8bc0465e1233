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
	text := r.FoldedText()
	off, n := r.FoldedAt(i)
	return text[off : off+n : off+n]
}

// FoldedText returns the texts of all fields in lower case one after the
// other. It is valid until [Row.Reset].
func (r *Row) FoldedText() []byte {
	if !r.isFold {
		r.fold()
	}
	return r.folded
}

// FoldedAt returns where field i stands in [Row.FoldedText], in bytes.
func (r *Row) FoldedAt(i int) (off, n uint32) {
	if len(r.spans) > 0 {
		return r.spans[i].off, r.spans[i].len
	}
	return r.Fields[i].Off, r.Fields[i].Len
}

// fold fills folded. Almost all text keeps its places; a few letters have a
// lower case of another length, and only rows with those need spans.
func (r *Row) fold() {
	r.isFold, r.spans = true, r.spans[:0]
	if cap(r.folded) < len(r.text) {
		r.folded = make([]byte, 0, cap(r.text))
	}
	r.folded = r.folded[:len(r.text)]
	if foldASCII(r.folded, r.text) == len(r.text) || r.foldInPlace() {
		return
	}
	r.folded = r.folded[:0]
	for _, f := range r.Fields {
		from := len(r.folded)
		r.folded = AppendFold(r.folded, r.text[f.Off:f.Off+f.Len])
		r.spans = append(r.spans, span{uint32(from), uint32(len(r.folded) - from)})
	}
}

// foldInPlace folds field by field, because half a letter at the end of one is
// not completed by the next, and reports whether every letter kept its length.
func (r *Row) foldInPlace() bool {
	for _, f := range r.Fields {
		dst, src := r.folded[f.Off:f.Off+f.Len], r.text[f.Off:f.Off+f.Len]
		for len(src) > 0 {
			n := foldASCII(dst, src)
			n, ok := foldRunes(dst, src, n)
			if !ok {
				return false
			}
			dst, src = dst[n:], src[n:]
		}
	}
	return true
}

// foldRunes folds src from i up to a place after which there may be much
// ASCII, and returns where that is; false when a letter changes its length.
func foldRunes(dst, src []byte, i int) (int, bool) {
	for plain := 0; i < len(src) && plain < 8; {
		c := src[i]
		if c < utf8.RuneSelf {
			dst[i] = lowerASCII[c]
			i++
			plain++
			continue
		}
		plain = 0
		if c >= 0xE3 && c <= 0xE9 && i+2 < len(src) && src[i+1]&0xC0 == 0x80 && src[i+2]&0xC0 == 0x80 {
			dst[i], dst[i+1], dst[i+2] = c, src[i+1], src[i+2] // U+3000 to U+9FFF have no cases
			i += 3
			continue
		}
		r, n := utf8.DecodeRune(src[i:])
		l := lowerRune(r)
		switch {
		case l == r:
			copy(dst[i:i+n], src[i:])
		case utf8.RuneLen(l) != n:
			return 0, false
		default:
			utf8.EncodeRune(dst[i:], l)
		}
		i += n
	}
	return i, true
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
			r, n := utf8.DecodeRune(text)
			if r == utf8.RuneError && n == 1 {
				to = append(to, c)
			} else {
				to = utf8.AppendRune(to, lowerRune(r))
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
