package cpe

import "strings"

// String returns the formatted string binding: cpe:2.3: and eleven values
// (NISTIR 7695 §6.2).
func (n Name) String() string {
	return string(n.append(make([]byte, 0, 80)))
}

func (n Name) append(b []byte) []byte {
	b = append(b, "cpe:2.3"...)
	for _, v := range n.Values() {
		b = append(b, ':')
		if v == Any {
			b = append(b, '*')
		}
		b = append(b, v...)
	}
	return b
}

// AppendText appends the formatted string.
func (n Name) AppendText(b []byte) ([]byte, error) { return n.append(b), nil }

// MarshalText returns the formatted string, so that JSON holds names as text.
func (n Name) MarshalText() ([]byte, error) { return n.append(nil), nil }

// UnmarshalText reads what [ParseLenient] reads.
func (n *Name) UnmarshalText(text []byte) error {
	got, err := ParseLenient(string(text))
	if err == nil {
		*n = got
	}
	return err
}

// URI returns the URI binding of CPE 2.2, with the attributes that it does not
// know packed into the edition (NISTIR 7695 §6.1). A value that is a literal
// hyphen is written %2d, so that it stays apart from NA.
func (n Name) URI() string {
	b := append(make([]byte, 0, 64), "cpe:/"...)
	b = appendURI(b, n.Part)
	size := len(b)
	for i, v := range [...]Value{n.Vendor, n.Product, n.Version, n.Update, n.Edition, n.Language} {
		b = append(b, ':')
		if i == 4 && (n.SWEdition != Any || n.TargetSW != Any || n.TargetHW != Any || n.Others != Any) {
			for _, p := range [...]Value{n.Edition, n.SWEdition, n.TargetSW, n.TargetHW, n.Others} {
				b = appendURI(append(b, '~'), p)
			}
		} else {
			b = appendURI(b, v)
		}
		if b[len(b)-1] != ':' {
			size = len(b)
		}
	}
	if n.Part == Any && size == len("cpe:/") {
		return "cpe:/"
	}
	return string(b[:size]) // colons at the end go
}

func appendURI(b []byte, v Value) []byte {
	const hex = "0123456789abcdef"
	if v == `\-` {
		return append(b, "%2d"...)
	}
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '?':
			b = append(b, "%01"...)
		case c == '*':
			b = append(b, "%02"...)
		case c == '\\' && i+1 < len(v):
			i++
			b = append(b, '%', hex[v[i]>>4], hex[v[i]&15])
		default:
			b = append(b, c)
		}
	}
	return b
}

func parseURI(text string) (Name, error) {
	var v [11]Value
	rest, at := text[len("cpe:/"):], len("cpe:/")
	for i := 0; ; i++ {
		if i == 7 {
			return Name{}, &Error{attributes[6], at - 1, TooMany}
		}
		raw, after, more := strings.Cut(rest, ":")
		if i == 5 && strings.HasPrefix(raw, "~") {
			if err := unpack(&v, raw, at); err != nil {
				return Name{}, err
			}
		} else if err := fromURI(&v, i, raw, at); err != nil {
			return Name{}, err
		}
		if !more {
			break
		}
		rest, at = after, at+len(raw)+1
	}
	return finish(&v, len("cpe:/"))
}

// unpack reads the packed edition: ~edition~sw_edition~target_sw~target_hw~other
// (NISTIR 7695 §6.1.3.3). A tilde of the last part is its own.
func unpack(v *[11]Value, raw string, at int) error {
	parts := strings.SplitN(raw[1:], "~", 5)
	if len(parts) < 5 {
		return &Error{attributes[5], at + len(raw), TooFew}
	}
	at++
	for i, attribute := range [...]int{5, 7, 8, 9, 10} {
		if err := fromURI(v, attribute, parts[i], at); err != nil {
			return err
		}
		at += len(parts[i]) + 1
	}
	return nil
}

// fromURI reads one component of the URI: %xx stands for a character, %01 and
// %02 for the wildcards.
func fromURI(v *[11]Value, i int, raw string, at int) error {
	clean := true
	for j := 0; j < len(raw) && clean; j++ {
		clean = kinds[raw[j]] == plain
	}
	if clean {
		v[i] = Value(raw)
		return nil
	}
	b := make([]byte, 0, len(raw)+8)
	for j := 0; j < len(raw); j++ {
		c := raw[j]
		switch kinds[c] {
		case never:
			return &Error{attributes[i], at + j, BadByte}
		case plain, upper, joker:
			b = append(b, c)
			continue
		case special:
		default:
			return &Error{attributes[i], at + j, Unescaped}
		}
		if c == '~' {
			b = append(b, '\\', c)
			continue
		}
		if c != '%' {
			return &Error{attributes[i], at + j, Unescaped}
		}
		if j+2 >= len(raw) {
			return &Error{attributes[i], at + j, Percent}
		}
		c = unhex(raw[j+1])<<4 | unhex(raw[j+2])
		bad := unhex(raw[j+1]) > 15 || unhex(raw[j+2]) > 15
		switch {
		case bad:
			return &Error{attributes[i], at + j, Percent}
		case c == 1:
			b = append(b, '?')
		case c == 2:
			b = append(b, '*')
		case kinds[c] == never:
			return &Error{attributes[i], at + j, Percent}
		default:
			b = append(b, '\\', c)
		}
		j += 2
	}
	val, _, why := canonical(string(b), true)
	if why != "" {
		return &Error{attributes[i], at, why}
	}
	v[i] = val
	return nil
}

// unhex returns the worth of a hexadecimal digit, 16 for what is none.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// WFN returns the well-formed name in its own notation: attributes that are
// Any are left out (NISTIR 7695 §5.4, 5.5).
func (n Name) WFN() string {
	b := append(make([]byte, 0, 128), "wfn:["...)
	for i, v := range n.Values() {
		if v == Any {
			continue
		}
		if b[len(b)-1] != '[' {
			b = append(b, ',')
		}
		b = append(append(b, attributes[i]...), '=')
		if v == NA {
			b = append(b, "NA"...)
			continue
		}
		b = append(b, '"')
		for j := 0; j < len(v); j++ {
			switch {
			case v[j] == '\\' && j+1 < len(v):
				b = append(b, v[j], v[j+1])
				j++
			case v[j] == '.' || v[j] == '-':
				b = append(b, '\\', v[j])
			default:
				b = append(b, v[j])
			}
		}
		b = append(b, '"')
	}
	return string(append(b, ']'))
}

func parseWFN(text string) (Name, error) {
	var v [11]Value
	var seen [11]bool
	at := len("wfn:[")
	fail := func(attribute string, why Reason) (Name, error) {
		return Name{}, &Error{attribute, min(at, len(text)), why}
	}
	for first := true; ; first = false {
		at += blanks(text[at:])
		if at < len(text) && text[at] == ']' && (first || text[at-1] != ',') {
			break
		}
		if !first {
			if at >= len(text) {
				return fail("", NotClosed)
			}
			if text[at] != ',' {
				return fail("", Unquoted)
			}
			at++
			at += blanks(text[at:])
		}
		eq := strings.IndexByte(text[at:], '=')
		if eq < 0 {
			return fail("", NotClosed)
		}
		i := indexOf(strings.TrimRight(text[at:at+eq], " "))
		if i < 0 {
			return fail("", NoSuch)
		}
		if seen[i] {
			return fail(attributes[i], Repeated)
		}
		seen[i] = true
		at += eq + 1
		at += blanks(text[at:])
		switch rest := text[at:]; {
		case strings.HasPrefix(rest, "ANY"):
			at += 3
		case strings.HasPrefix(rest, "NA"):
			v[i], at = NA, at+2
		case strings.HasPrefix(rest, `"`):
			end := at + 1
			for end < len(text) && text[end] != '"' {
				if text[end] == '\\' {
					end++
				}
				end++
			}
			if end >= len(text) {
				return fail(attributes[i], NotClosed)
			}
			val, off, why := fromWFN(text[at+1 : end])
			if why != "" {
				at += 1 + off
				return fail(attributes[i], why)
			}
			v[i], at = val, end+1
		default:
			return fail(attributes[i], Unquoted)
		}
	}
	if at+1 < len(text) {
		at++
		return fail("", TooMany)
	}
	return finish(&v, len("wfn:["))
}

// fromWFN reads a value between its quotes. There `.` and `-` have a backslash
// too; without one they are taken as they are.
func fromWFN(raw string) (Value, int, Reason) {
	if raw == "" {
		return "", 0, Empty
	}
	if i := strings.IndexByte(raw, ':'); i >= 0 && (i == 0 || raw[i-1] != '\\') {
		return "", i, Unescaped
	}
	if raw == string(NA) {
		return `\-`, 0, ""
	}
	val, off, why := canonical(raw, true)
	return val, off, why
}

func blanks(s string) int { return len(s) - len(strings.TrimLeft(s, " ")) }

func indexOf(attribute string) int {
	for i, a := range attributes {
		if a == attribute {
			return i
		}
	}
	return -1
}
