package zeek

import (
	"bytes"
	"unicode/utf8"
)

// json splits a line that is one flat JSON object into columns: strings
// without their quotes, numbers and words as they stand, lists as their inside.
// It returns false for a line that is no whole object. Zeek writes flat
// objects; what is nested deeper than a list, or {"id":{…}}, is gone over.
func (w *row) json(b []byte) bool {
	w.forgetSet()
	w.set = ','
	w.escaped, w.quoted = bytes.IndexByte(b, '\\') >= 0, true
	i, ok := w.members(b, 0, false)
	return ok && len(bytes.TrimSpace(b[i:])) == 0
}

// members reads the object that begins at b[i] and returns the index after it.
func (w *row) members(b []byte, i int, id bool) (int, bool) {
	i++ // {
	i = blank(b, i)
	place := 0
	if i < len(b) && b[i] == '}' {
		return i + 1, true
	}
	for i < len(b) && b[i] == '"' {
		end := quoteEnd(b, i+1)
		if end < 0 {
			return 0, false
		}
		key := b[i+1 : end]
		if i = blank(b, end+1); i >= len(b) || b[i] != ':' {
			return 0, false
		}
		i = blank(b, i+1)
		var c column
		switch {
		case id:
			c = idColumn(key)
		case string(key) == "id" && i < len(b) && b[i] == '{':
			next, ok := w.members(b, i, true)
			if !ok {
				return 0, false
			}
			if i = next; next < 0 {
				return 0, false
			}
			if i = blank(b, i); i < len(b) && b[i] == ',' {
				i = blank(b, i+1)
				continue
			}
			return i + 1, i < len(b) && b[i] == '}'
		default:
			c = w.find(key, place)
		}
		place++
		from, to, next := value(b, i)
		if next < 0 {
			return 0, false
		}
		if c != cNone && string(b[from:to]) != "null" && w.v[c] == nil {
			w.v[c] = b[from:to:to]
			w.filled = append(w.filled, c)
		}
		if i = blank(b, next); i >= len(b) {
			return 0, false
		}
		if b[i] == '}' {
			return i + 1, true
		}
		if b[i] != ',' {
			return 0, false
		}
		i = blank(b, i+1)
	}
	return 0, false
}

// find is the column of the key at a place of the line.
func (w *row) find(key []byte, place int) column {
	if place < maxKeys && string(key) == w.keys[place].name {
		return w.keys[place].column
	}
	c := columnOf[string(key)]
	if place < maxKeys && (c != cNone || len(key) <= 32) {
		w.keys[place] = lastKey{string(key), c}
	}
	return c
}

func idColumn(key []byte) column {
	switch string(key) {
	case "orig_h":
		return cOrigH
	case "orig_p":
		return cOrigP
	case "resp_h":
		return cRespH
	case "resp_p":
		return cRespP
	}
	return cNone
}

// value finds the value at b[i]: where its inside begins and ends, and the
// index after it, or -1.
func value(b []byte, i int) (from, to, next int) {
	if i >= len(b) {
		return 0, 0, -1
	}
	switch b[i] {
	case '"':
		end := quoteEnd(b, i+1)
		if end < 0 {
			return 0, 0, -1
		}
		return i + 1, end, end + 1
	case '[', '{':
		depth := 0
		for k := i; k < len(b); k++ {
			switch b[k] {
			case '"':
				if k = quoteEnd(b, k+1); k < 0 {
					return 0, 0, -1
				}
			case '[', '{':
				depth++
			case ']', '}':
				if depth--; depth == 0 {
					return i + 1, k, k + 1
				}
			}
		}
		return 0, 0, -1
	}
	k := i
	for k < len(b) && b[k] != ',' && b[k] != '}' && b[k] > ' ' {
		k++
	}
	if k == i {
		return 0, 0, -1
	}
	return i, k, k
}

// quoteEnd is the index of the quote that ends the string whose inside begins
// at b[i], or -1.
func quoteEnd(b []byte, i int) int {
	for i < len(b) {
		k := bytes.IndexByte(b[i:], '"')
		if k < 0 {
			return -1
		}
		i += k
		slashes := 0
		for j := i - 1; j >= 0 && b[j] == '\\'; j-- {
			slashes++
		}
		if slashes%2 == 0 {
			return i
		}
		i++
	}
	return -1
}

// blank is the index of the first byte from i on that is no space.
func blank(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

// unquote takes the escapes of JSON out of a string in place (RFC 8259 §7).
// Half a surrogate pair becomes U+FFFD.
func unquote(b []byte) []byte {
	if bytes.IndexByte(b, '\\') < 0 {
		return b
	}
	out := b[:0]
	for i := 0; i < len(b); i++ {
		c := b[i]
		if c != '\\' || i+1 >= len(b) {
			out = append(out, c)
			continue
		}
		i++
		switch b[i] {
		case 'n', 'r', 't', 'b', 'f':
			out = append(out, ' ')
		case 'u':
			r := rune(0)
			for k := 1; k <= 4; k++ {
				r = r<<4 | rune(max(hexAt(b, i+k), 0))
			}
			i += 4
			if r >= 0xd800 && r < 0xe000 {
				r = utf8.RuneError
			}
			out = utf8.AppendRune(out, r) // at most three bytes for six
		default:
			out = append(out, b[i])
		}
	}
	return out
}
