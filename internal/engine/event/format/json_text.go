package format

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	each  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the bytes of a word that text cannot hold as they are: quotes,
// backslashes and what is not ASCII. The lowest mark is right; those above it
// may not be.
func special(x uint64) uint64 {
	q, e := x^(each*'"'), x^(each*'\\')
	return ((q-each)&^q | (e-each)&^e | x) & highs
}

// plain are the escapes of one letter.
var plain = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// string decodes a string into text, after its first quote. It copies eight
// bytes at a time while it looks for its end: there is always room for what is
// left of the block.
func (s *scan) string() bool {
	b, p, t, w := s.b, s.p, s.text, s.w
	for p+8 <= len(b) && w+8 <= len(t) {
		x := binary.LittleEndian.Uint64(b[p:])
		binary.LittleEndian.PutUint64(t[w:], x)
		m := special(x)
		if m == 0 {
			p, w = p+8, w+8
			continue
		}
		k := bits.TrailingZeros64(m) >> 3
		p, w = p+k, w+k
		switch c := b[p]; {
		case c == '"':
			s.p, s.w = p+1, w
			return true
		case c == '\\' && p+1 < len(b) && plain[b[p+1]] != 0:
			t[w] = plain[b[p+1]]
			p, w = p+2, w+1
		default:
			s.p, s.w = p, w
			if !s.letter() {
				return false
			}
			p, t, w = s.p, s.text, s.w
		}
	}
	s.p, s.w = p, w
	return s.slowly()
}

// slowly decodes the last bytes of a block one by one.
func (s *scan) slowly() bool {
	for s.p < len(s.b) {
		switch c := s.b[s.p]; {
		case c == '"':
			s.p++
			return true
		case c == '\\' || c >= utf8.RuneSelf:
			if !s.letter() {
				return false
			}
		default:
			s.text[s.w] = c
			s.p, s.w = s.p+1, s.w+1
		}
	}
	s.flaw[Cut] = true
	return false
}

// letter decodes an escape, or letters beyond ASCII up to the next that is not.
func (s *scan) letter() bool {
	if s.b[s.p] == '\\' {
		return s.escape()
	}
	for s.p < len(s.b) && s.b[s.p] >= utf8.RuneSelf {
		r, n := utf8.DecodeRune(s.b[s.p:])
		if r == utf8.RuneError && n == 1 {
			s.replaced(1)
			continue
		}
		s.w += copy(s.text[s.w:], s.b[s.p:s.p+n])
		s.p += n
	}
	return true
}

// replaced stands U+FFFD for n bytes that are no letter. It may need more room
// than they did.
func (s *scan) replaced(n int) {
	s.flaw[Letters] = true
	s.p += n
	s.room(s.text, s.w+utf8.UTFMax)
	s.w -= utf8.UTFMax
	s.w += copy(s.text[s.w:], "\uFFFD")
}

// escape decodes what a backslash begins. An escape that JSON does not know is
// kept as it stands.
func (s *scan) escape() bool {
	if s.p+1 >= len(s.b) {
		s.flaw[Cut] = true
		return false
	}
	c := s.b[s.p+1]
	if c == 'u' {
		return s.unicode()
	}
	if plain[c] != 0 {
		s.text[s.w] = plain[c]
		s.p, s.w = s.p+2, s.w+1
		return true
	}
	s.flaw[Letters] = true
	s.text[s.w] = '\\'
	s.p, s.w = s.p+1, s.w+1
	return true
}

// unicode decodes \uXXXX and pairs of them.
func (s *scan) unicode() bool {
	r, ok := hex4(s.b[s.p:])
	if !ok {
		if s.p+6 > len(s.b) {
			s.flaw[Cut] = true
			return false
		}
		s.flaw[Letters] = true
		s.text[s.w] = '\\'
		s.p, s.w = s.p+1, s.w+1
		return true
	}
	n := 6
	if utf16.IsSurrogate(r) {
		low, ok := hex4(s.b[min(s.p+6, len(s.b)):])
		pair := utf16.DecodeRune(r, low)
		if !ok || pair == utf8.RuneError {
			s.replaced(6)
			return true
		}
		r, n = pair, 12
	}
	s.w += utf8.EncodeRune(s.text[s.w:s.w+utf8.UTFMax], r)
	s.p += n
	return true
}

// hex4 reads \uXXXX.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	for _, c := range b[2:6] {
		switch {
		case c-'0' < 10:
			c -= '0'
		case c|0x20-'a' < 6:
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
