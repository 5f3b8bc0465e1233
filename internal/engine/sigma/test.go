package sigma

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// Kind is the way a [Test] compares.
type Kind uint8

// The kinds, with the fields of [Test] that they use. contains, startswith,
// endswith and keywords are Wild; base64, base64offset, utf16 and windash are
// an Or of tests; neq is And(Not(IsNull), Not(…)) and exists: false is
// Not(Exists). A test of a field that is absent or null is false, but for
// IsNull and Exists.
const (
	Equal        Kind = 1 + iota // the text is Value
	Wild                         // the text matches Parts from end to end
	Regexp                       // Regexp matches somewhere in the text as it stands (never folded)
	CIDR                         // the text is an address in Prefix
	Less                         // the text is a number < Number
	LessEqual                    // <=
	Greater                      // >
	GreaterEqual                 // >=
	Exists                       // the field is there, be it empty or null
	IsNull                       // the field is absent or null
	FieldRef                     // the text compares with a value of field Ref in the way of How
	Time                         // Part of the date in the text compares with Number in the way of Compare
)

// How says how [FieldRef] compares the text of the field with that of Ref.
type How uint8

// The ways. Each is about the field's text: it contains that of Ref and so on.
const (
	Whole How = iota // equal
	Contains
	StartsWith
	EndsWith
)

// TimePart is a part of a date.
type TimePart uint8

// The parts. Week is that of ISO 8601, 1 to 53.
const (
	Minute TimePart = 1 + iota // 0 to 59
	Hour                       // 0 to 23
	Day                        // of the month, 1 to 31
	Week
	Month // 1 to 12
	Year
)

// PartKind is what a [Part] of a pattern stands for.
type PartKind uint8

// The kinds of parts.
const (
	Literal PartKind = iota // Text
	One                     // ?: one character (a code point; a byte that is no UTF-8 counts as one)
	Many                    // *: any characters, also none
)

// Part is a piece of a pattern with wildcards.
type Part struct {
	Kind PartKind
	Text string // of Literal, never empty, folded unless the test is cased
}

// Test asks one thing of one field, or of any field when Field is empty
// (keyword). A field that is there several times passes if one of its values
// does. It is not changed after loading; equal tests have equal [Test.Key].
type Test struct {
	Field string
	Kind  Kind
	// Cased is set where upper and lower case differ (Equal, Wild, FieldRef).
	// Otherwise Value and Parts are folded with event.AppendFold, to be compared
	// with event.Row.Folded.
	Cased   bool
	Value   string // Equal
	Parts   []Part // Wild; no two literals and no two Many beside each other
	Regexp  *regexp.Regexp
	Prefix  netip.Prefix // CIDR, masked
	Number  float64      // Less and the like, Time
	Ref     string       // FieldRef
	How     How          // FieldRef
	Part    TimePart     // Time
	Compare Kind         // Time: Equal, Less, LessEqual, Greater or GreaterEqual
}

// Key returns a text that is the same for tests that ask the same and different
// for others.
func (t *Test) Key() string {
	b := make([]byte, 0, 32+len(t.Field)+len(t.Value))
	b = append(b, byte(t.Kind), flag(t.Cased))
	b = appendKey(b, t.Field)
	switch t.Kind {
	case Equal:
		b = append(b, t.Value...)
	case Wild:
		for _, p := range t.Parts {
			b = appendKey(append(b, byte(p.Kind)), p.Text)
		}
	case Regexp:
		b = append(b, t.Regexp.String()...)
	case CIDR:
		b = t.Prefix.AppendTo(b)
	case Less, LessEqual, Greater, GreaterEqual:
		b = strconv.AppendFloat(b, t.Number, 'g', -1, 64)
	case FieldRef:
		b = append(append(b, byte(t.How)), t.Ref...)
	case Time:
		b = strconv.AppendFloat(append(b, byte(t.Part), byte(t.Compare)), t.Number, 'g', -1, 64)
	}
	return string(b)
}

func flag(on bool) byte {
	if on {
		return 1
	}
	return 0
}

// appendKey appends text with its length before it, so that nothing in the text
// can look like what follows.
func appendKey(b []byte, text string) []byte {
	return append(append(strconv.AppendInt(b, int64(len(text)), 36), ':'), text...)
}

// Operator returns the word for what the test does, as the rule would have
// written it: "=", "contains", "startswith", "endswith", "re", "cidr", "lt" ….
func (t *Test) Operator() string {
	switch t.Kind {
	case Equal:
		return "="
	case Wild:
		return t.wildOperator()
	case FieldRef:
		return [...]string{"fieldref", "fieldref|contains", "fieldref|startswith", "fieldref|endswith"}[t.How]
	case Time:
		part := [...]string{Minute: "minute", Hour: "hour", Day: "day", Week: "week", Month: "month", Year: "year"}[t.Part]
		if t.Compare == Equal {
			return part
		}
		return part + "|" + operators[t.Compare]
	}
	return operators[t.Kind]
}

var operators = [...]string{Regexp: "re", CIDR: "cidr", Less: "lt", LessEqual: "lte", Greater: "gt", GreaterEqual: "gte", Exists: "exists", IsNull: "null"}

// wildOperator names the pattern that has one literal and stars at its ends only.
func (t *Test) wildOperator() string {
	p := t.Parts
	switch {
	case len(p) == 3 && p[0].Kind == Many && p[1].Kind == Literal && p[2].Kind == Many:
		return "contains"
	case len(p) == 2 && p[0].Kind == Literal && p[1].Kind == Many:
		return "startswith"
	case len(p) == 2 && p[0].Kind == Many && p[1].Kind == Literal:
		return "endswith"
	}
	return "like"
}

// Operand returns what the test compares with, as text. Patterns have their
// wildcards and escapes, but not the stars that [Test.Operator] says.
func (t *Test) Operand() string {
	switch t.Kind {
	case Equal:
		return t.Value
	case Wild:
		if t.wildOperator() == "like" {
			return patternText(t.Parts)
		}
		for _, p := range t.Parts {
			if p.Kind == Literal {
				return p.Text
			}
		}
	case Regexp:
		return t.Regexp.String()
	case CIDR:
		return t.Prefix.String()
	case Less, LessEqual, Greater, GreaterEqual, Time:
		return strconv.FormatFloat(t.Number, 'f', -1, 64)
	case FieldRef:
		return t.Ref
	}
	return ""
}

// patternText writes parts as a Sigma value.
func patternText(parts []Part) string {
	var b strings.Builder
	for _, p := range parts {
		switch p.Kind {
		case One:
			b.WriteByte('?')
		case Many:
			b.WriteByte('*')
		default:
			b.WriteString(literalEscaper.Replace(p.Text))
		}
	}
	return b.String()
}

var literalEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// String returns the test in one line, for people who test rules.
func (t *Test) String() string {
	field := t.Field
	if field == "" {
		field = "(any)"
	}
	if t.Kind == Exists || t.Kind == IsNull {
		return field + " " + t.Operator()
	}
	return field + " " + t.Operator() + " " + strconv.Quote(t.Operand())
}
