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
	if need := len(text)/2*3 + 8; cap(to)-at < need {
		to = slices.Grow(to, need)
	}
	to = to[:cap(to)]
	i := 0
	for {
		for ; i+16 <= len(text); i += 16 {
			x, y := le.Uint64(text[i:]), le.Uint64(text[i+8:])
			if (x|y)&notASCII != 0 {
				break
			}
			le.PutUint64(to[at:], uint64(pack(x))|uint64(pack(y))<<32)
			at += 8
		}
		n := 0
		switch left := len(text) - i; {
		case left == 0:
			return to[:at]
		case left < 16 && len(text) >= 8 && le.Uint64(text[len(text)-8:])&notASCII == 0:
			// The end is written again with what stands before it.
			if left >= 8 {
				x := le.Uint64(text[i:])
				if x&notASCII != 0 {
					break
				}
				le.PutUint32(to[at:], pack(x))
				at, left = at+4, left-8
			}
			le.PutUint32(to[at+left/2-4:], pack(le.Uint64(text[len(text)-8:])))
			return to[:at+left/2]
		}
		at, n = putUnits(to, at, text[i:])
		i += n
	}
}

// pack makes four bytes of four units that are ASCII.
func pack(x uint64) uint32 {
	x = (x | x>>8) & 0x0000FFFF0000FFFF
	return uint32(x | x>>16)
}

// putUnits writes the next few units, which are not all ASCII, and returns the
// place after them and how many bytes of text it took.
func putUnits(to []byte, at int, text []byte) (int, int) {
	took := 0
	for took < 16 && took < len(text) {
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
