package jsonscan

import (
	"iter"
	"math/bits"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// Cursor reads one valid value in a single pass: Object and Array go through
// its members, and whatever a loop's body does not read is skipped. A value of
// another kind than asked for reads as zero and is noted: see [Cursor.Wrong].
// A null is absent and is never wrong.
type Cursor struct {
	b     []byte
	i     int
	wrong int // 1 + offset of the first value of another kind than asked for
}

// Cursor returns a Cursor at the start of v.
func (v Value) Cursor() *Cursor { return &Cursor{b: v} }

// Wrong returns the JSON pointer of the first value that was of another kind
// than asked for, and whether there was one.
func (c *Cursor) Wrong() (string, bool) {
	if c.wrong == 0 {
		return "", false
	}
	return pathTo(c.b, c.wrong-1), true
}

// Mark notes that the value last read, or at hand, is not what it has to be.
func (c *Cursor) Mark() {
	if c.wrong == 0 {
		c.wrong = c.i + 1
	}
}

// Kind returns the kind of the value at hand.
func (c *Cursor) Kind() Kind {
	c.i = space(c.b, c.i)
	if c.i >= len(c.b) {
		return Invalid
	}
	return kindOf[c.b[c.i]]
}

// is reports whether the value at hand is of kind k; else it is skipped.
func (c *Cursor) is(k Kind) bool {
	have := c.Kind()
	if have == k {
		return true
	}
	if have != Null && have != Invalid {
		c.Mark()
	}
	c.Skip()
	return false
}

// Object goes through the members of the object at hand. The name is without
// escapes and valid for one turn.
func (c *Cursor) Object() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !c.is(Object) {
			return
		}
		c.i = space(c.b, c.i+1)
		for going := true; c.b[c.i] != '}'; {
			start := c.i + 1
			c.i = stringEnd(c.b, start)
			name := c.b[start : c.i-1]
			c.i = space(c.b, space(c.b, c.i)+1) // over the colon
			at := c.i
			if going {
				going = yield(unescaped(name))
			}
			if c.i == at {
				c.Skip()
			}
			if c.i = space(c.b, c.i); c.b[c.i] == ',' {
				c.i = space(c.b, c.i+1)
			}
		}
		c.i++
	}
}

// Array goes through the elements of the array at hand, counting from 0.
func (c *Cursor) Array() iter.Seq[int] {
	return func(yield func(int) bool) {
		if !c.is(Array) {
			return
		}
		c.i = space(c.b, c.i+1)
		for n, going := 0, true; c.b[c.i] != ']'; n++ {
			at := c.i
			if going {
				going = yield(n)
			}
			if c.i == at {
				c.Skip()
			}
			if c.i = space(c.b, c.i); c.b[c.i] == ',' {
				c.i = space(c.b, c.i+1)
			}
		}
		c.i++
	}
}

// Skip goes over the value at hand.
func (c *Cursor) Skip() {
	b, i := c.b, space(c.b, c.i)
	if i >= len(b) {
		c.i = i
		return
	}
	switch kindOf[b[i]] {
	case String:
		i = stringEnd(b, i+1)
	case Array, Object:
		for depth := 0; ; {
			switch b[i] {
			case '"':
				i = stringEnd(b, i+1)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			i++
			if depth == 0 {
				break
			}
		}
	default:
		for i < len(b) && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] > ' ' {
			i++
		}
	}
	c.i = i
}

// Raw returns the value at hand as it stands in the document. It shares the
// document's bytes.
func (c *Cursor) Raw() Value {
	start := space(c.b, c.i)
	c.Skip()
	return Value(c.b[start:c.i:c.i])
}

// Bytes returns the string at hand without its escapes. It may share the
// document's bytes.
func (c *Cursor) Bytes() []byte {
	if !c.is(String) {
		return nil
	}
	start := c.i + 1
	c.i = stringEnd(c.b, start)
	return unescaped(c.b[start : c.i-1])
}

// String returns the string at hand.
func (c *Cursor) String() string { return string(c.Bytes()) }

// Int returns the whole number at hand.
func (c *Cursor) Int() int64 {
	if !c.is(Number) {
		return 0
	}
	at := c.i
	n, err := strconv.ParseInt(string(c.Raw()), 10, 64)
	if err != nil {
		c.i, at = at, c.i
		c.Mark()
		c.i = at
	}
	return n
}

// Float returns the number at hand.
func (c *Cursor) Float() float64 {
	if !c.is(Number) {
		return 0
	}
	at := c.i
	f, err := strconv.ParseFloat(string(c.Raw()), 64)
	if err != nil {
		c.i, at = at, c.i
		c.Mark()
		c.i = at
		return 0
	}
	return f
}

// Bool returns the truth value at hand.
func (c *Cursor) Bool() bool {
	if !c.is(Bool) {
		return false
	}
	return c.Raw()[0] == 't'
}

// layouts are the ways sources of vulnerabilities write times. One without a
// zone is UTC, as NVD documents it.
var layouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", time.DateOnly, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04Z07:00", "2006-01-02T15:04Z", "2006-01-02T15:04", time.DateTime}

// Time returns the time at hand (RFC 3339, also without zone, which is UTC, or
// a date alone), in UTC. An empty string is no time.
func (c *Cursor) Time() time.Time {
	at := c.Kind()
	start := c.i
	s := c.Bytes()
	if at != String || len(s) == 0 {
		return time.Time{}
	}
	if t, ok := ParseTime(string(s)); ok {
		return t
	}
	end := c.i
	c.i = start
	c.Mark()
	c.i = end
	return time.Time{}
}

// ParseTime reads a time as [Cursor.Time] does.
func ParseTime(s string) (time.Time, bool) {
	if t, ok := utc(s); ok {
		return t, true
	}
	for _, l := range layouts {
		if t, err := time.Parse(l, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// utc reads the forms almost all times have, without trying one layout after
// the other: a date, a time without zone, or one of UTC.
func utc(s string) (time.Time, bool) {
	s, zone := strings.CutSuffix(s, "Z")
	if (len(s) != 10 || zone) && (len(s) < 19 || len(s) > 29 || len(s) == 20) {
		return time.Time{}, false
	}
	var f [7]int // year, month, day, hour, minute, second, nanosecond
	const form = "0000-00-00T00:00:00."
	n := 0
	for i := 0; i < len(s); i++ {
		digit := i >= len(form) || form[i] == '0'
		switch {
		case !digit && s[i] != form[i]:
			return time.Time{}, false
		case !digit:
			n++
		case s[i] < '0' || s[i] > '9':
			return time.Time{}, false
		default:
			f[n] = f[n]*10 + int(s[i]-'0')
		}
	}
	for i := len(s); i > 20 && i < 29; i++ {
		f[6] *= 10
	}
	t := time.Date(f[0], time.Month(f[1]), f[2], f[3], f[4], f[5], f[6], time.UTC)
	// Date carries over what is too large; such a time is none.
	return t, t.Day() == f[2] && int(t.Month()) == f[1] && f[3] < 24 && f[4] < 60 && f[5] < 60
}

// stringEnd returns the index after the quote that closes the string begun at i.
func stringEnd(b []byte, i int) int {
	for {
		i = plain(b, i)
		switch {
		case i >= len(b):
			return i
		case b[i] == '"':
			return i + 1
		case b[i] == '\\':
			i += 2
		default:
			i++
		}
	}
}

// firstHigh returns the number of the lowest byte of w whose high bit is set.
func firstHigh(w uint64) int { return bits.TrailingZeros64(w) >> 3 }

// unescaped returns s without its escapes: s itself when it has none.
func unescaped(s []byte) []byte {
	for _, c := range s {
		if c == '\\' {
			return unescape(make([]byte, 0, len(s)), s)
		}
	}
	return s
}

// unescape appends s without its escapes to dst. What is no escape stays.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		if s[i] != '\\' || i+1 >= len(s) {
			dst = append(dst, s[i])
			i++
			continue
		}
		if s[i+1] != 'u' {
			if e := escaped[s[i+1]]; e != 0 {
				dst = append(dst, e)
			}
			i += 2
			continue
		}
		r, err := hex4(s[i:])
		if err != nil {
			return append(dst, s[i:]...)
		}
		i += 6
		if utf16.IsSurrogate(r) {
			low, err := hex4(s[min(i, len(s)):])
			if err != nil {
				return dst
			}
			r = utf16.DecodeRune(r, low)
			i += 6
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// escaped maps the letter of a two-letter escape to what it stands for.
var escaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// special marks the bytes that end the plain part of a string.
var special = func() (t [256]uint8) {
	for c := range t {
		if c < 0x20 || c >= 0x80 || c == '"' || c == '\\' {
			t[c] = 1
		}
	}
	return
}()
