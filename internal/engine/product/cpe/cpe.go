// Package cpe reads, writes and compares Common Platform Enumeration names:
// the well-formed names, bindings and name matching of CPE 2.3 (NISTIR 7695
// and 7696).
package cpe

import "strings"

// Value is one attribute of a name: Any, NA, or a lower-case string in the
// form the formatted string binding writes it (special characters behind a
// backslash, `*` and `?` as wildcards at either end; NISTIR 7695 §6.2). The
// zero value is Any.
type Value string

// The logical values (NISTIR 7695 §5.3.1).
const (
	Any Value = ""  // any value
	NA  Value = "-" // not applicable: the attribute has no meaning for the product
)

// Name is a well-formed CPE name. Names are comparable with ==.
type Name struct {
	Part                                            Value // a application, o operating system, h hardware
	Vendor, Product, Version, Update, Edition       Value
	Language, SWEdition, TargetSW, TargetHW, Others Value
}

// Text is the value as people write it: without backslashes, wildcards as they
// stand. It is empty for Any and "-" for NA; [Value.Set] tells these apart.
func (v Value) Text() string {
	s := string(v)
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for ; i >= 0 && i+1 < len(s); i = strings.IndexByte(s, '\\') {
		b = append(b, s[:i]...)
		b = append(b, s[i+1])
		s = s[i+2:]
	}
	return string(append(b, s...))
}

// Set reports whether the value is a string: neither Any nor NA.
func (v Value) Set() bool { return v != Any && v != NA }

// Wild reports whether the value has a wildcard at either end.
func (v Value) Wild() bool {
	if v == Any {
		return false
	}
	if wild(v[0]) {
		return true
	}
	last := len(v) - 1
	if !wild(v[last]) {
		return false
	}
	slashes := 0
	for i := last - 1; i >= 0 && v[i] == '\\'; i-- {
		slashes++
	}
	return slashes%2 == 0
}

func wild(c byte) bool { return c == '*' || c == '?' }

// Make makes a value of free text: lower case, runs of blanks as one
// underscore, special characters behind a backslash. Full-width letters become
// the plain ones. What a name cannot hold (NISTIR 7695 §5.3.2: printable ASCII
// only) is left out; text of which nothing remains gives Any, which must not
// be taken for a match. A lone hyphen gives the literal `\-`, not NA.
func Make(text string) Value {
	for i := 0; ; i++ {
		if i == len(text) && i > 0 && text != string(NA) {
			return Value(text)
		}
		if i == len(text) || kinds[text[i]] != plain {
			break
		}
	}
	b := make([]byte, 0, len(text)+4)
	gap := false
	for _, r := range text {
		if r >= 0xff01 && r <= 0xff5e { // full-width forms of ! to ~
			r -= 0xfee0
		}
		switch {
		case r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == '\u3000' || r == '\u00a0':
			gap = len(b) > 0
			continue
		case r <= ' ' || r >= 0x7f:
			continue
		}
		if gap {
			b, gap = append(b, '_'), false
		}
		b = appendLiteral(b, byte(r))
	}
	if string(b) == string(NA) {
		return `\-`
	}
	return Value(b)
}

// appendLiteral appends one printable ASCII character that stands for itself.
func appendLiteral(b []byte, c byte) []byte {
	switch kinds[c] {
	case plain:
		return append(b, c)
	case upper:
		return append(b, c|0x20)
	}
	return append(b, '\\', c)
}

// Attributes are the names of the attributes (NISTIR 7695 §5.2), in the order
// of [Name.Values].
func Attributes() [11]string { return attributes }

var attributes = [11]string{"part", "vendor", "product", "version", "update", "edition", "language", "sw_edition", "target_sw", "target_hw", "other"}

// Values are the attributes of the name in the order of the formatted string.
func (n Name) Values() [11]Value {
	return [11]Value{n.Part, n.Vendor, n.Product, n.Version, n.Update, n.Edition, n.Language, n.SWEdition, n.TargetSW, n.TargetHW, n.Others}
}

func fromValues(v *[11]Value) Name {
	return Name{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10]}
}

// IsZero reports whether every attribute is Any: the name says nothing.
func (n Name) IsZero() bool { return n == Name{} }

// kind is what a byte is in a name.
type kind uint8

const (
	never   kind = iota // not in a name: blanks, control characters, beyond ASCII
	plain               // stands for itself
	upper               // stands for its lower case
	special             // only behind a backslash
	ending              // the colon
	escape              // the backslash
	joker               // * and ?
)

var kinds = func() (k [256]kind) {
	for c := '!'; c <= '~'; c++ {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_':
			k[c] = plain
		case c >= 'A' && c <= 'Z':
			k[c] = upper
		case c == ':':
			k[c] = ending
		case c == '\\':
			k[c] = escape
		case wild(byte(c)):
			k[c] = joker
		default:
			k[c] = special
		}
	}
	return k
}()
