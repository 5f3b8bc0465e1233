package sigma

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"net/netip"

	"noroshi/internal/engine/event"
)

// Value is one value of a field of an event.
type Value struct {
	Text string
	Null bool // then Text is empty
}

// Fields gives the values of an event to [Eval]: those of a field, none when it
// is absent, and for the empty name those of all fields.
type Fields func(field string) []Value

// Eval says whether an event passes e. It defines what rules mean, one value
// after the other without any index; the fast way must answer the same.
func Eval(e *Expr, get Fields) bool {
	switch e.Op {
	case And:
		for _, k := range e.Kids {
			if !Eval(k, get) {
				return false
			}
		}
		return true
	case Or:
		for _, k := range e.Kids {
			if Eval(k, get) {
				return true
			}
		}
		return false
	case Not:
		return !Eval(e.Kids[0], get)
	case Leaf:
		return evalTest(e.Test, get)
	}
	return e.Op == True
}

func evalTest(t *Test, get Fields) bool {
	values := get(t.Field)
	switch t.Kind {
	case Exists:
		return len(values) > 0
	case IsNull:
		// A field that is there several times is null only if all of it is.
		for _, v := range values {
			if !v.Null {
				return false
			}
		}
		return true
	}
	for _, v := range values {
		if !v.Null && t.Passes(v.Text, get) {
			return true
		}
	}
	return false
}

// Passes says whether one value, not null, passes the test. get is asked for
// the other field of a FieldRef and may be nil otherwise.
func (t *Test) Passes(text string, get Fields) bool {
	switch t.Kind {
	case Equal:
		return t.letters(text) == t.Value
	case Wild:
		return wild(t.Parts, t.letters(text))
	case Regexp:
		return t.Regexp.MatchString(text)
	case CIDR:
		a, err := netip.ParseAddr(strings.TrimSpace(text))
		return err == nil && t.Prefix.Contains(a.Unmap().WithZone(""))
	case Less, LessEqual, Greater, GreaterEqual:
		n, ok := parseNumber(text)
		return ok && compares(t.Kind, n, t.Number)
	case FieldRef:
		for _, v := range get(t.Ref) {
			if !v.Null && t.refers(t.letters(text), t.letters(v.Text)) {
				return true
			}
		}
		return false
	case Time:
		n, ok := t.Part.of(text)
		return ok && compares(t.Compare, float64(n), t.Number)
	}
	panic("BUG: a test of kind " + strconv.Itoa(int(t.Kind)))
}

// letters returns text as the test compares it.
func (t *Test) letters(text string) string {
	if t.Cased {
		return text
	}
	return fold(text)
}

func (t *Test) refers(text, other string) bool {
	switch t.How {
	case Contains:
		return strings.Contains(text, other)
	case StartsWith:
		return strings.HasPrefix(text, other)
	case EndsWith:
		return strings.HasSuffix(text, other)
	}
	return text == other
}

func compares(k Kind, n, with float64) bool {
	switch k {
	case Less:
		return n < with
	case LessEqual:
		return n <= with
	case Greater:
		return n > with
	case GreaterEqual:
		return n >= with
	}
	return n == with
}

// wild matches text from end to end against parts. It goes back to the last
// Many only, so its time is at most the product of both lengths.
func wild(parts []Part, text string) bool {
	p, at := 0, 0
	star, from := -1, 0 // the last Many and where the text after it was tried
	for {
		if p == len(parts) && at == len(text) {
			return true
		}
		if p < len(parts) {
			switch part := parts[p]; part.Kind {
			case Many:
				star, from = p, at
				p++
				continue
			case One:
				if at < len(text) {
					_, n := utf8.DecodeRuneInString(text[at:])
					p, at = p+1, at+n
					continue
				}
			case Literal:
				if strings.HasPrefix(text[at:], part.Text) {
					p, at = p+1, at+len(part.Text)
					continue
				}
			}
		}
		if star < 0 || from >= len(text) {
			return false
		}
		_, n := utf8.DecodeRuneInString(text[from:])
		from += n
		p, at = star+1, from
	}
}

// dateLayouts are how logs write dates. The first that reads a text is taken;
// its time zone is not converted (specification, Time Modifiers).
var dateLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999",
	"2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999 Z07:00", "2006-01-02T15:04:05.999999999Z0700", "2006-01-02",
}

// of returns the part of the date in text. A number is a time in seconds,
// milliseconds, microseconds or nanoseconds since 1970, by its size.
func (p TimePart) of(text string) (int, bool) {
	text = strings.TrimSpace(text)
	t, ok := unixTime(text)
	for i := 0; !ok && i < len(dateLayouts) && len(text) <= 64; i++ {
		var err error
		t, err = time.Parse(dateLayouts[i], text)
		ok = err == nil
	}
	if !ok {
		return 0, false
	}
	switch p {
	case Minute:
		return t.Minute(), true
	case Hour:
		return t.Hour(), true
	case Day:
		return t.Day(), true
	case Week:
		_, week := t.ISOWeek()
		return week, true
	case Month:
		return int(t.Month()), true
	}
	return t.Year(), true
}

func unixTime(text string) (time.Time, bool) {
	whole, _, _ := strings.Cut(text, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || len(whole) < 9 {
		return time.Time{}, false
	}
	switch {
	case n < 1e11:
		return time.Unix(n, 0).UTC(), true
	case n < 1e14:
		return time.UnixMilli(n).UTC(), true
	case n < 1e17:
		return time.UnixMicro(n).UTC(), true
	}
	return time.Unix(0, n).UTC(), true
}

// Values returns the Fields of a row; names are those of its [event.Names].
func Values(row *event.Row, names *event.Names) Fields {
	return func(field string) []Value {
		id, ok := names.Known(field)
		var values []Value
		for i, f := range row.Fields {
			if field == "" || ok && f.Name == id {
				values = append(values, Value{string(row.Value(i)), f.Kind == event.Null})
			}
		}
		return values
	}
}
