package cpe

import (
	"fmt"
	"strings"
)

// MaxLen is the longest name that is read, in bytes. The longest name of the
// official dictionary has less than 400.
const MaxLen = 4096

// Error says where a text is no name, and why.
type Error struct {
	Attribute string // vendor, product …; empty when the text as a whole is meant
	Offset    int    // of the byte in the text, from 0
	Reason    Reason
}

// Reason is what is wrong with a text. It is stable: callers choose their
// words by it.
type Reason string

// The reasons.
const (
	NoPrefix  Reason = "no_prefix"  // it starts with none of cpe:2.3: cpe:/ wfn:[
	TooLong   Reason = "too_long"   // more than MaxLen bytes
	TooFew    Reason = "too_few"    // attributes are missing at the end
	TooMany   Reason = "too_many"   // there is more after the last attribute
	Empty     Reason = "empty"      // an attribute of a formatted string is empty; write * or -
	BadPart   Reason = "bad_part"   // the part is not one of a o h * -
	BadByte   Reason = "bad_byte"   // a blank, a control character or one beyond ASCII
	Unescaped Reason = "unescaped"  // a special character without a backslash before it
	Dangling  Reason = "dangling"   // a backslash at the end
	Wildcard  Reason = "wildcard"   // * or ? inside the value, doubled, mixed or alone
	Percent   Reason = "percent"    // %xx that the URI binding does not know
	Unquoted  Reason = "unquoted"   // WFN: not attribute="value", ANY or NA
	Repeated  Reason = "repeated"   // WFN: the attribute was there before
	NoSuch    Reason = "no_such"    // WFN: no attribute has this name
	NotClosed Reason = "not_closed" // WFN: the closing bracket or quote is missing
)

// Error returns the attribute, the place and what is wrong, in one line.
func (e *Error) Error() string {
	why := map[Reason]string{
		NoPrefix: "a name starts with cpe:2.3: or cpe:/ or wfn:[", TooLong: fmt.Sprintf("more than %d bytes", MaxLen),
		TooFew: "attributes are missing at the end", TooMany: "there is more after the last attribute",
		Empty: "it is empty; write * for any, - for none", BadPart: "the part is a, o, h, * or -",
		BadByte: "only printable ASCII without blanks may stand in a name", Unescaped: "a special character needs a backslash before it",
		Dangling: "a backslash needs a character after it", Wildcard: "* and ? stand only at the ends, * once, not both together",
		Percent: "this %xx is not known to the URI binding", Unquoted: `write attribute="value", ANY or NA`,
		Repeated: "the attribute was there before", NoSuch: "no attribute has this name", NotClosed: "the closing bracket or quote is missing",
	}[e.Reason]
	if e.Attribute == "" {
		return fmt.Sprintf("cpe: byte %d: %s", e.Offset, why)
	}
	return fmt.Sprintf("cpe: %s: byte %d: %s", e.Attribute, e.Offset, why)
}

// Parse reads a formatted string (`cpe:2.3:…`), a URI (`cpe:/…`, with the
// packed edition of CPE 2.3) or a well-formed name (`wfn:[…]`), as the grammars
// of NISTIR 7695 §6 demand it. Upper case becomes lower case and needless
// backslashes go. Values may share memory with the text. The error is an
// [*Error].
func Parse(text string) (Name, error) { return parse(text, false) }

// ParseLenient reads what Parse reads, and also formatted strings in which
// special characters lack their backslash or a value is empty (which becomes
// Any), as they are met in the wild; the unbinding of NISTIR 7695 §6.2.3
// quotes such characters too. What [Name.String] writes it always reads.
func ParseLenient(text string) (Name, error) { return parse(text, true) }

func parse(text string, lenient bool) (Name, error) {
	if len(text) > MaxLen {
		return Name{}, &Error{Offset: MaxLen, Reason: TooLong}
	}
	if len(text) >= 5 && text[3] == ':' && strings.EqualFold(text[:3], "cpe") {
		if text[4] == '/' {
			return parseURI(text)
		}
		if len(text) >= 8 && text[4:8] == "2.3:" {
			return parseFormatted(text, lenient)
		}
	}
	if strings.HasPrefix(text, "wfn:[") {
		return parseWFN(text)
	}
	return Name{}, &Error{Reason: NoPrefix}
}

func parseFormatted(text string, lenient bool) (Name, error) {
	var v [11]Value
	at := len("cpe:2.3:")
	for i := range v {
		start, clean := at, true
		for at < len(text) {
			k := kinds[text[at]]
			if k == plain {
				at++
				continue
			}
			if k == ending {
				break
			}
			clean = false
			if k == escape {
				at++
			}
			at++
		}
		end := min(at, len(text))
		raw := text[start:end]
		switch {
		case raw == "*" || raw == "" && lenient:
		case raw == "":
			return Name{}, &Error{attributes[i], start, Empty}
		case clean:
			v[i] = Value(raw)
		default:
			val, off, why := canonical(raw, lenient)
			if why != "" {
				return Name{}, &Error{attributes[i], start + off, why}
			}
			v[i] = val
		}
		if i < len(v)-1 {
			if at >= len(text) {
				return Name{}, &Error{attributes[i+1], len(text), TooFew}
			}
			at++
		}
	}
	if at < len(text) {
		return Name{}, &Error{attributes[10], at, TooMany}
	}
	return finish(&v, len("cpe:2.3:"))
}

// finish checks the part and makes the name.
func finish(v *[11]Value, at int) (Name, error) {
	switch v[0] {
	case "a", "o", "h", Any, NA:
		return fromValues(v), nil
	}
	return Name{}, &Error{attributes[0], at, BadPart}
}

// canonical reads one value of a formatted string that is not plain
// throughout: it checks wildcards and backslashes, and drops those backslashes
// that say nothing. It gives the offset of what is wrong.
func canonical(raw string, lenient bool) (Value, int, Reason) {
	head := 0
	for head < len(raw) && wild(raw[head]) {
		head++
	}
	body, tail := head, len(raw)
	same := true
	for i := head; i < len(raw); i++ {
		c := raw[i]
		switch kinds[c] {
		case plain:
		case upper:
			same = false
		case escape:
			if i+1 == len(raw) {
				return "", i, Dangling
			}
			i++
			switch kinds[raw[i]] {
			case never:
				return "", i, BadByte
			case plain, upper:
				same = false
			}
		case joker:
			tail = i
			for ; i < len(raw) && wild(raw[i]); i++ {
			}
			if i < len(raw) {
				return "", tail, Wildcard
			}
		case special, ending:
			if !lenient {
				return "", i, Unescaped
			}
			same = false
		default:
			return "", i, BadByte
		}
	}
	if !jokers(raw[:head]) {
		return "", 0, Wildcard
	}
	if !jokers(raw[tail:]) {
		return "", tail, Wildcard
	}
	if body == tail {
		// A value of wildcards alone has no body for them to stand at.
		if !lenient || raw[0] == '*' {
			return "", 0, Wildcard
		}
		return Value(raw), 0, ""
	}
	if same {
		return Value(raw), 0, ""
	}
	b := make([]byte, 0, len(raw)+8)
	b = append(b, raw[:head]...)
	for i := head; i < tail; i++ {
		if raw[i] == '\\' {
			i++
		}
		b = appendLiteral(b, raw[i])
	}
	b = append(b, raw[tail:]...)
	if string(b) == string(NA) {
		return `\-`, 0, ""
	}
	return Value(b), 0, ""
}

// jokers reports whether wildcards may stand together at one end: one
// asterisk, or any number of question marks.
func jokers(s string) bool {
	return s == "" || s == "*" || strings.Trim(s, "?") == ""
}
