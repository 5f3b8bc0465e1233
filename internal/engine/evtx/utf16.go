package evtx

import (
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

const notASCII = 0xFF80FF80FF80FF80 // in four units of UTF-16

// appendUTF16 appends little-endian UTF-16 as UTF-8. Halves of pairs that stand
// alone become U+FFFD; an odd last byte is left out.
func appendUTF16(to, text []byte) []byte {
	text = text[:len(text)&^1]
	at := len(to)
	to = slices.Grow(to, len(text)/2*3)
	to = to[:cap(to)]
	for len(text) >= 8 {
		x := le.Uint64(text)
		if x&notASCII != 0 {
			n := 0
			at, n = putUnits(to, at, text)
			text = text[n:]
			continue
		}
		x = (x | x>>8) & 0x0000FFFF0000FFFF
		le.PutUint32(to[at:], uint32(x|x>>16))
		at += 4
		text = text[8:]
	}
	for len(text) > 0 {
		n := 0
		at, n = putUnit(to, at, text)
		text = text[n:]
	}
	return to[:at]
}

// putUnits writes the next four units, which are not all ASCII, and returns
// the place after them and how many bytes of text it took.
func putUnits(to []byte, at int, text []byte) (int, int) {
	took := 0
	for took < 8 && took < len(text) {
		n := 0
		at, n = putUnit(to, at, text[took:])
		took += n
	}
	return at, took
}

func putUnit(to []byte, at int, text []byte) (int, int) {
	u := rune(le.Uint16(text))
	if u < utf8.RuneSelf {
		to[at] = byte(u)
		return at + 1, 2
	}
	if !utf16.IsSurrogate(u) {
		return at + utf8.EncodeRune(to[at:], u), 2
	}
	if len(text) >= 4 {
		if r := utf16.DecodeRune(u, rune(le.Uint16(text[2:]))); r != utf8.RuneError {
			return at + utf8.EncodeRune(to[at:], r), 4
		}
	}
	return at + utf8.EncodeRune(to[at:], utf8.RuneError), 2
}

// trimNUL cuts the zero units that many writers leave at the end of a text.
func trimNUL(text []byte) []byte {
	for n := len(text); n >= 2 && text[n-1] == 0 && text[n-2] == 0; n -= 2 {
		text = text[:n-2]
	}
	return text
}
