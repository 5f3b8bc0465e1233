package match

import "bytes"

// seek is a text to look for inside values. It is looked for by the byte that
// logs hold the most seldom: values of many kilobytes, commands in base64 above
// all, are gone through several times faster than by the first byte.
type seek struct {
	text []byte
	rare int // place of that byte
}

// seldom ranks the bytes of folded logs, the most frequent first; those that are
// not named are the rarest.
const seldom = "aebcgstqnwrdoiumlf0phkvy 241z3895jx67\".:\\-,=+|/"

func newSeek(text []byte) seek {
	s := seek{text: text}
	best := -1
	for i, c := range text {
		rank := bytes.IndexByte([]byte(seldom), c)
		if rank < 0 {
			rank = len(seldom)
		}
		if rank > best {
			best, s.rare = rank, i
		}
	}
	return s
}

// in returns where in value the text begins, -1 without it.
func (s *seek) in(value []byte) int {
	if len(s.text) < 2 {
		return bytes.Index(value, s.text)
	}
	last := len(value) - len(s.text)
	for from, misses := 0, 0; from <= last; misses++ {
		if misses > 8+from/32 { // the byte is not rare here
			if i := bytes.Index(value[from:], s.text); i >= 0 {
				return from + i
			}
			return -1
		}
		i := bytes.IndexByte(value[from+s.rare:last+s.rare+1], s.text[s.rare])
		if i < 0 {
			return -1
		}
		from += i
		if string(value[from:from+len(s.text)]) == string(s.text) {
			return from
		}
		from++
	}
	return -1
}
