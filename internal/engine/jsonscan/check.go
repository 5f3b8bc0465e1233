package jsonscan

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strconv"
	"unicode/utf8"
)

// errShort says that the value is not complete in the bytes at hand.
var errShort = errors.New("short")

// checker validates values and finds their ends. Its slices are kept from one
// value to the next.
type checker struct {
	levels []checked
	names  [][]byte
}

// checked is one open array or object.
type checked struct {
	object bool
	first  int                 // index in names of the object's first name
	bloom  uint64              // of the names: a clear bit means a new name
	many   map[string]struct{} // the names of an object with very many
}

// few is how many names are compared one by one before a map takes over.
const few = 48

// value checks the value that begins at b[0] and returns its length. On an
// error, at is the place. At the end of the input (eof) a number may end b.
func (k *checker) value(b []byte, depth int, eof bool) (end, at int, err error) {
	k.levels, k.names = k.levels[:0], k.names[:0]
	i := 0
value:
	if i = space(b, i); i >= len(b) {
		return 0, i, errShort
	}
	switch c := b[i]; kindOf[c] {
	case String:
		if i, err = checkString(b, i+1); err != nil {
			return 0, i, err
		}
	case Number:
		if i, err = checkNumber(b, i, eof); err != nil {
			return 0, i, err
		}
	case Null, Bool:
		word := "null"
		if c == 't' {
			word = "true"
		} else if c == 'f' {
			word = "false"
		}
		have := b[i:min(i+len(word), len(b))]
		if string(have) != word[:len(have)] {
			return 0, i, ErrSyntax
		}
		if len(have) < len(word) {
			return 0, len(b), errShort
		}
		i += len(word)
	case Array, Object:
		if len(k.levels) >= depth {
			return 0, i, ErrDeep
		}
		k.levels = append(k.levels, checked{object: c == '{', first: len(k.names)})
		if i = space(b, i+1); i >= len(b) {
			return 0, i, errShort
		}
		if b[i] == c+2 { // ] and } stand two after [ and {
			goto closed
		}
		if c == '{' {
			goto name
		}
		goto value
	default:
		return 0, i, ErrSyntax
	}
after:
	if len(k.levels) == 0 {
		return i, 0, nil
	}
	if i = space(b, i); i >= len(b) {
		return 0, i, errShort
	}
	if b[i] == ',' {
		if i = space(b, i+1); i >= len(b) {
			return 0, i, errShort
		}
		if k.levels[len(k.levels)-1].object {
			goto name
		}
		goto value
	}
	if k.levels[len(k.levels)-1].object != (b[i] == '}') || b[i] != '}' && b[i] != ']' {
		return 0, i, ErrSyntax
	}
closed:
	k.names = k.names[:k.levels[len(k.levels)-1].first]
	k.levels = k.levels[:len(k.levels)-1]
	i++
	goto after
name:
	if b[i] != '"' {
		return 0, i, ErrSyntax
	}
	start := i + 1
	if i, err = checkString(b, start); err != nil {
		return 0, i, err
	}
	if k.twice(b[start : i-1]) {
		return 0, start - 1, ErrTwice
	}
	if i = space(b, i); i >= len(b) {
		return 0, i, errShort
	}
	if b[i] != ':' {
		return 0, i, ErrSyntax
	}
	i++
	goto value
}

// twice notes a name of the innermost object and reports whether it was there.
func (k *checker) twice(name []byte) bool {
	if bytes.IndexByte(name, '\\') >= 0 {
		name = unescape(nil, name)
	}
	l := &k.levels[len(k.levels)-1]
	h := uint(len(name))
	if len(name) > 0 {
		h += uint(name[0])*31 + uint(name[len(name)-1])*17 + uint(name[len(name)/2])*7
	}
	bit := uint64(1) << (h & 63)
	if l.many != nil {
		if _, ok := l.many[string(name)]; ok {
			return true
		}
		l.many[string(name)] = struct{}{}
		return false
	}
	if l.bloom&bit != 0 {
		for _, n := range k.names[l.first:] {
			if string(n) == string(name) {
				return true
			}
		}
	}
	l.bloom |= bit
	k.names = append(k.names, name)
	if len(k.names)-l.first >= few {
		l.many = make(map[string]struct{}, 2*few)
		for _, n := range k.names[l.first:] {
			l.many[string(n)] = struct{}{}
		}
		k.names = k.names[:l.first]
	}
	return false
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// plain returns the index of the first byte at or after i that a string may
// not simply hold: a quote, a backslash, a control or one beyond ASCII. It
// looks at eight bytes at once.
func plain(b []byte, i int) int {
	for i+8 <= len(b) {
		w := binary.LittleEndian.Uint64(b[i:])
		q := w ^ ('"' * ones)
		s := w ^ ('\\' * ones)
		hit := (w | (w - 0x20*ones) | (q - ones) | (s - ones)) & highs
		if hit != 0 {
			// A borrow can only mark bytes after the first true hit.
			return i + firstHigh(hit)
		}
		i += 8
	}
	for i < len(b) && special[b[i]] == 0 {
		i++
	}
	return i
}

// checkString checks what follows an opening quote at b[i-1] and returns the
// index after the closing one.
func checkString(b []byte, i int) (int, error) {
	for {
		if i = plain(b, i); i >= len(b) {
			return i, errShort
		}
		switch c := b[i]; {
		case c == '"':
			return i + 1, nil
		case c == '\\':
			n, err := checkEscape(b[i:])
			if err != nil {
				return i, err
			}
			i += n
		case c < 0x20:
			return i, ErrText
		default:
			r, n := utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && n <= 1 {
				if !utf8.FullRune(b[i:]) {
					return i, errShort
				}
				return i, ErrText
			}
			i += n
		}
	}
}

// checkEscape checks the escape at the start of b and returns its length.
func checkEscape(b []byte) (int, error) {
	if len(b) < 2 {
		return 0, errShort
	}
	if b[1] != 'u' {
		if escaped[b[1]] == 0 {
			return 0, ErrText
		}
		return 2, nil
	}
	r, err := hex4(b)
	switch {
	case err != nil:
		return 0, err
	case r == 0, r >= 0xdc00 && r < 0xe000:
		return 0, ErrText
	case r < 0xd800 || r >= 0xe000:
		return 6, nil
	}
	if len(b) > 6 && b[6] != '\\' || len(b) > 7 && b[7] != 'u' {
		return 0, ErrText
	}
	low, err := hex4(b[6:])
	if err != nil {
		return 0, err
	}
	if low < 0xdc00 || low >= 0xe000 {
		return 0, ErrText
	}
	return 12, nil
}

// hex4 reads the four digits of \uXXXX at the start of b.
func hex4(b []byte) (rune, error) {
	var r rune
	for i := 2; i < 6; i++ {
		if i >= len(b) {
			return 0, errShort
		}
		switch c := b[i]; {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, ErrText
		}
	}
	return r, nil
}

// checkNumber checks the number at b[i] (RFC 8259 §6) and returns its end.
func checkNumber(b []byte, i int, eof bool) (int, error) {
	if b[i] == '-' {
		i++
	}
	start := i
	i = digits(b, i)
	switch {
	case i == start:
		return short(b, i, eof)
	case b[start] == '0' && i > start+1:
		return start, ErrSyntax
	}
	if i < len(b) && b[i] == '.' {
		start = i + 1
		if i = digits(b, start); i == start {
			return short(b, i, eof)
		}
	}
	if i < len(b) && b[i]|0x20 == 'e' {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		start = i
		if i = digits(b, start); i == start {
			return short(b, i, eof)
		}
	}
	if i == len(b) && !eof {
		return i, errShort
	}
	return i, nil
}

// short is the error of a number without a digit at b[i].
func short(b []byte, i int, eof bool) (int, error) {
	if i == len(b) && !eof {
		return i, errShort
	}
	return i, ErrSyntax
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i]-'0' <= 9 {
		i++
	}
	return i
}

// pathTo returns the JSON pointer of the place at in b, which is valid up to there.
func pathTo(b []byte, at int) string {
	type step struct {
		object bool
		key    []byte
		n      int
	}
	var open []step
	name := false
	for i := 0; i < at && i < len(b); {
		switch c := b[i]; c {
		case '{', '[':
			open = append(open, step{object: c == '{'})
			name = c == '{'
			i++
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
			name = false
			i++
		case ',':
			if len(open) > 0 {
				open[len(open)-1].n++
				name = open[len(open)-1].object
			}
			i++
		case '"':
			end, err := checkString(b, i+1)
			if name && len(open) > 0 {
				open[len(open)-1].key = b[i+1 : max(i+1, min(end-1, len(b)))]
				if err == nil {
					name = false
				}
			}
			i = max(end, i+1)
			if err != nil {
				i = len(b)
			}
		default:
			i++
		}
	}
	var p []byte
	for _, s := range open {
		p = append(p, '/')
		switch {
		case !s.object:
			p = strconv.AppendInt(p, int64(s.n), 10)
		case len(s.key) > 200:
			p = append(p, "…"...)
		default:
			p = appendPointer(p, string(unescape(nil, s.key)))
		}
	}
	return string(p)
}

// appendPointer appends one step of a JSON pointer.
func appendPointer(p []byte, key string) []byte {
	if len(key) > 200 {
		return append(p, "…"...)
	}
	for i := 0; i < len(key); i++ {
		switch key[i] {
		case '~':
			p = append(p, "~0"...)
		case '/':
			p = append(p, "~1"...)
		default:
			p = append(p, key[i])
		}
	}
	return p
}
