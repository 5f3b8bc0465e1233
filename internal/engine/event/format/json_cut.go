package format

import "bytes"

// jsonCutter divides JSON that is not simply a line for each record: arrays are
// entered and divided element by element, and so are the arrays in a wrapper
// such as {"Records":[…]}; other objects are records, wherever their lines end.
type jsonCutter struct {
	open []byte // '[' and '{' that were entered
	// of a record that is too large
	depth  int
	quoted bool
}

// maxEntered is how many arrays and wrappers inside each other are entered.
const maxEntered = 6

func (c *jsonCutter) cut(have []byte, last bool) (out cut) {
	for p := 0; ; {
		p = skipBetween(have, p)
		out.Skip = p
		if p == len(have) {
			return out
		}
		inside := byte(0)
		if len(c.open) > 0 {
			inside = c.open[len(c.open)-1]
		}
		n, take := 0, false
		switch {
		case last && have[p] == '{' && inside != '{' && valueEnd(have[p:]) == 0 && nextLine(have[p:]) > 0:
			// A brace is missing somewhere, but another record begins a line.
			n = nextLine(have[p:])
			out.broken(p, n)
		case inside == '{':
			n = c.member(have[p:])
		case have[p] == '{':
			n, take = c.object(have[p:], last)
		case have[p] == '[' && len(c.open) < maxEntered:
			c.open = append(c.open, '[')
			n = 1
		case have[p] == ']' && inside == '[':
			c.open = c.open[:len(c.open)-1]
			n = 1
		default:
			if n = garbage(have[p:], last); n > 0 {
				out.broken(p, n)
			}
		}
		switch {
		case take:
			out.Take, out.Records = c.run(have[p:], n)
			return out
		case n == 0:
			return out
		}
		p += n
	}
}

// broken notes n bytes from p on that are no record. What follows damage is one
// with it.
func (c *cut) broken(p, n int) {
	if k := len(c.Damage); k > 0 {
		c.Damage[k-1].Length = int64(p+n) - c.Damage[k-1].Offset
		return
	}
	c.Damage = append(c.Damage, Damage{Offset: int64(p), Length: int64(n), Reason: Broken})
}

// nextLine returns the place of the first line after the first that begins with
// a brace, 0 if there is none: where objects are indented, that is a new one.
func nextLine(b []byte) int {
	return max(0, bytes.Index(b, []byte("\n{"))+1)
}

// run takes as many objects as stand one after the other, from the first, of
// n bytes, on.
func (c *jsonCutter) run(have []byte, n int) (take int, records uint64) {
	records = nodes(have[:n])
	for take = n; ; take = n {
		p := skipBetween(have, n)
		if p == len(have) || have[p] != '{' {
			return take, records
		}
		if len(c.open) == 0 && mayWrap(have[p:]) && wraps(have[p:], false) != no {
			return take, records
		}
		m := valueEnd(have[p:])
		if m == 0 {
			return take, records
		}
		records += nodes(have[p : p+m])
		n = p + m
	}
}

// nodes returns how many events an object is: one, or all of a tree.
func nodes(object []byte) uint64 {
	if treeIn(object) {
		return max(1, uint64(bytes.Count(object, treeKey)))
	}
	return 1
}

// treeKey is the name under which Volatility 3 keeps the children of a process.
var treeKey = []byte(`"__children"`)

// treeIn reports whether an object is a node of a tree. Volatility writes the
// key first.
func treeIn(object []byte) bool {
	return bytes.Contains(object[:min(len(object), 64)], treeKey)
}

// object looks at an object that begins have. It is entered if it is a wrapper,
// else a record of n bytes; n is 0 if more bytes are needed.
func (c *jsonCutter) object(have []byte, last bool) (n int, record bool) {
	if len(c.open) == 0 && mayWrap(have) {
		switch wraps(have, last) {
		case yes:
			c.open = append(c.open, '{')
			return 1, false
		case unknown:
			return 0, false
		}
	}
	n = valueEnd(have)
	if n == 0 && last {
		// The rest of the file is a record without its end, as the decoder says.
		return len(have), true
	}
	return n, n > 0
}

// member passes over what stands next in a wrapper: its end, or a member, into
// whose value it goes if the records are there.
func (c *jsonCutter) member(have []byte) int {
	if have[0] == '}' {
		c.open = c.open[:len(c.open)-1]
		return 1
	}
	if have[0] != '"' {
		return garbage(have, false)
	}
	key, p := memberKey(have)
	switch {
	case p == 0 || p == len(have):
		return 0
	case have[p] == '[' && wrapperKeys[string(key)], have[p] == '{' && string(key) == "hits":
		if len(c.open) < maxEntered {
			c.open = append(c.open, have[p])
			return p + 1
		}
	}
	n := valueEnd(have[p:])
	if n == 0 {
		return 0
	}
	return p + n
}

// skip passes over a record that is larger than the limit, by counting braces;
// or to the next line that begins with one, because one that never ends seems
// large too.
func (c *jsonCutter) skip(have []byte) (int, bool) {
	n, done := c.close(have)
	if next := nextLine(have); next > 0 && next < n {
		c.depth, c.quoted = 0, false
		return next, true
	}
	return n, done
}

func (c *jsonCutter) close(have []byte) (int, bool) {
	for p := 0; p < len(have); {
		if c.quoted {
			n := stringEnd(have[p:])
			if n < 0 {
				// Keep an odd backslash at the end for the next round.
				return len(have) - trailing(have[p:])%2, false
			}
			p, c.quoted = p+n+1, false
			continue
		}
		switch have[p] {
		case '"':
			c.quoted = true
		case '{', '[':
			c.depth++
		case '}', ']':
			if c.depth--; c.depth <= 0 {
				c.depth = 0
				return p + 1, true
			}
		}
		p++
	}
	return len(have), false
}

func trailing(b []byte) int { return len(b) - len(bytes.TrimRight(b, `\`)) }

// skipBetween passes over what may stand between values: white space, commas,
// NUL padding and the record separator of RFC 7464.
func skipBetween(b []byte, p int) int {
	for p < len(b) {
		switch b[p] {
		case ' ', '\t', '\r', '\n', ',', 0, 0x1e:
			p++
		default:
			return p
		}
	}
	return p
}

// garbage returns the length of what is no record: up to the next line, brace or
// bracket, or a whole string.
func garbage(b []byte, last bool) int {
	if b[0] == '"' {
		if n := stringEnd(b[1:]); n >= 0 {
			return n + 2
		}
		if !last {
			return 0
		}
	}
	for p := 1; p < len(b); p++ {
		switch b[p] {
		case '\n', '{', '[', ']', '}', ',':
			return p
		}
	}
	return len(b)
}

// valueEnd returns the length of the value that begins b, 0 if its end is not
// in b. It looks at quotes and brackets only.
func valueEnd(b []byte) int {
	depth := 0
	for p := 0; p < len(b); p++ {
		switch b[p] {
		case '"':
			n := stringEnd(b[p+1:])
			if n < 0 {
				return 0
			}
			p += n + 1
			if depth == 0 {
				return p + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return p + 1
			}
			if depth < 0 {
				return p
			}
		case ',', '\n':
			if depth == 0 {
				return p
			}
		}
	}
	return 0
}

// stringEnd returns the place of the quote that ends a string whose text begins
// b, -1 if it is not in b.
func stringEnd(b []byte) int {
	for p := 0; ; {
		n := bytes.IndexByte(b[p:], '"')
		if n < 0 {
			return -1
		}
		p += n
		back := p
		for back > 0 && b[back-1] == '\\' {
			back--
		}
		if (p-back)%2 == 0 {
			return p
		}
		p++
	}
}

// memberKey returns the key that begins b and the place of its value; 0 if b
// ends before, or begins with something else.
func memberKey(b []byte) (key []byte, p int) {
	if len(b) == 0 || b[0] != '"' {
		return nil, 0
	}
	n := stringEnd(b[1:])
	if n < 0 {
		return nil, 0
	}
	key = b[1 : n+1]
	p = skipSpace(b, n+2)
	if p < len(b) && b[p] == ':' {
		p = skipSpace(b, p+1)
	}
	if p >= len(b) {
		return nil, 0
	}
	return key, p
}

func skipSpace(b []byte, p int) int {
	for p < len(b) && (b[p] == ' ' || b[p] == '\n' || b[p] == '\t' || b[p] == '\r' || b[p] == 0) {
		p++
	}
	return p
}
