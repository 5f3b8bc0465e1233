package dissect

import "bytes"

// lines cuts one direction into lines of at most maxLine bytes. Of a longer one
// the beginning is given and the rest is passed over.
type lines struct{ long bool }

// next is the first line of b without its end, and how many bytes it takes; ok
// is false for the rest of a long line, n is 0 when its end has not come yet.
func (l *lines) next(b []byte) (line []byte, n int, ok bool) {
	view := b[:min(len(b), maxLine)]
	end := bytes.IndexByte(view, '\n')
	long := l.long
	switch {
	case end >= 0:
		l.long = false
		if long {
			return nil, end + 1, false
		}
		line = view[:end]
		if end > 0 && line[end-1] == '\r' {
			line = line[:end-1]
		}
		return line, end + 1, true
	case long:
		return nil, len(view), false
	case len(view) == maxLine:
		l.long = true
		return view, maxLine, true
	}
	return nil, 0, false
}

// trim is b without the blanks and tabs around it.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// fold reports whether b is word, which is in lower case, whatever b's case.
func fold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// foldPrefix reports whether b begins with word, which is in lower case.
func foldPrefix(b []byte, word string) bool {
	return len(b) >= len(word) && fold(b[:len(word)], word)
}

// foldContains reports whether word, in lower case, is somewhere in b.
func foldContains(b []byte, word string) bool {
	for i := 0; i+len(word) <= len(b); i++ {
		if (b[i]|0x20) == word[0]|0x20 && fold(b[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// number reads decimal digits; ok is false for anything else and from 2^63.
func number(b []byte) (v uint64, ok bool) {
	if len(b) == 0 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' || v > (1<<63-10)/10 {
			return 0, false
		}
		v = 10*v + uint64(c-'0')
	}
	return v, true
}

// hexNumber reads the hexadecimal digits that b begins with; ok is false
// without one and from 2^60.
func hexNumber(b []byte) (v uint64, ok bool) {
	for i, c := range b {
		d := uint64(0)
		switch {
		case '0' <= c && c <= '9':
			d = uint64(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			d = uint64(c|0x20-'a') + 10
		default:
			return v, i > 0
		}
		if v >= 1<<56 {
			return 0, false
		}
		v = v<<4 | d
	}
	return v, len(b) > 0
}
