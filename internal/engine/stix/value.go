package stix

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

// bytesValue is what a property whose name ends in _hex or _bin holds.
type bytesValue string

// referred is an object's id under a property whose name ends in _ref or
// _refs: a text for a comparison, the object for a further step.
type referred string

// follow walks a path from an object and returns the values at its end. Where
// a step does not apply, that branch ends without a value.
func (s *search) follow(steps []Step, o *Observed, object map[string]any) []any {
	values := []any{object}
	for _, step := range steps {
		var next []any
		for _, v := range values {
			if !s.step() {
				return nil
			}
			if id, ok := v.(referred); ok {
				v = o.Objects[string(id)]
			}
			switch step.Kind {
			case Key:
				if m, ok := v.(map[string]any); ok {
					if in, ok := m[step.Key]; ok {
						next = append(next, named(step.Key, in))
					}
				}
			case Index:
				if list, ok := v.([]any); ok && step.Index >= 0 && step.Index < int64(len(list)) {
					next = append(next, list[step.Index])
				}
			case Each:
				if list, ok := v.([]any); ok {
					s.steps -= len(list)
					next = append(next, list...)
				}
			}
		}
		values = next
	}
	return values
}

// named turns the value of a property into what the ending of its name says
// (STIX 2.1 sections 2.1, 2.6 and 3.1).
func named(name string, v any) any {
	switch {
	case strings.HasSuffix(name, "_hex"):
		if t, ok := v.(string); ok {
			if raw, err := hex.DecodeString(t); err == nil {
				return bytesValue(raw)
			}
		}
	case strings.HasSuffix(name, "_bin"):
		if t, ok := v.(string); ok {
			if raw, err := base64.StdEncoding.DecodeString(t); err == nil {
				return bytesValue(raw)
			}
		}
	case strings.HasSuffix(name, "_ref"):
		if t, ok := v.(string); ok {
			return referred(t)
		}
	case strings.HasSuffix(name, "_refs"):
		if list, ok := v.([]any); ok {
			out := make([]any, len(list))
			for i, e := range list {
				if out[i] = e; e != nil {
					if t, ok := e.(string); ok {
						out[i] = referred(t)
					}
				}
			}
			return out
		}
	}
	return v
}

// test compares one value, before NOT is applied.
func (c *Comparison) test(v any) (bool, error) {
	if id, ok := v.(referred); ok {
		v = string(id)
	}
	switch c.Op {
	case Like, Matches:
		t, ok := latin(v)
		return ok && c.pattern.MatchString(norm.NFC.String(t)), nil
	case IsSubset, IsSuperset:
		t, _ := v.(string)
		p, ok := parsePrefix(t)
		if c.Op == IsSubset {
			return ok && covers(c.prefix, p), nil
		}
		return ok && covers(p, c.prefix), nil
	case In:
		for i := range c.Values {
			if n, ok, err := order(v, &c.Values[i]); err != nil || ok && n == 0 {
				return err == nil, err
			}
		}
		return false, nil
	}
	n, ok, err := order(v, &c.Values[0])
	if !ok || err != nil {
		// Values of kinds that cannot be compared are unequal, and in no order.
		return c.Op == NotEqual && err == nil, err
	}
	if _, isBool := v.(bool); isBool && c.Op > NotEqual {
		return false, nil
	}
	switch c.Op {
	case Equal:
		return n == 0, nil
	case NotEqual:
		return n != 0, nil
	case Less:
		return n < 0, nil
	case LessEqual:
		return n <= 0, nil
	case Greater:
		return n > 0, nil
	}
	return n >= 0, nil
}

// order compares a value with a constant; ok tells whether they can be
// compared. Texts are ordered by code point, as STIX 2.1 section 9.4.1 says.
func order(v any, c *Literal) (n int, ok bool, err error) {
	switch v := v.(type) {
	case bool:
		if c.Kind == Bool {
			return map[bool]int{true: 0, false: 1}[v == c.Bool], true, nil
		}
	case string:
		return orderText(v, c)
	case bytesValue:
		want, ok := c.Text, c.Kind == Binary
		if c.Kind == String {
			want, ok = bytesOf(c.Text)
		}
		return strings.Compare(string(v), want), ok, nil
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return orderNumber(float64(i), i, true, c)
		}
		f, err := v.Float64()
		if err != nil {
			return 0, false, nil
		}
		return orderNumber(f, 0, false, c)
	case float64:
		return orderNumber(v, int64(v), v == float64(int64(v)) && v > -1<<53 && v < 1<<53, c)
	}
	return 0, false, nil
}

func orderNumber(f float64, i int64, whole bool, c *Literal) (int, bool, error) {
	switch {
	case c.Kind == Int && whole:
		return cmp.Compare(i, c.Int), true, nil
	case c.Kind == Int:
		return cmp.Compare(f, float64(c.Int)), true, nil
	case c.Kind == Float:
		return cmp.Compare(f, c.Float), true, nil
	}
	return 0, false, nil
}

func orderText(v string, c *Literal) (int, bool, error) {
	switch c.Kind {
	case String:
		return strings.Compare(v, c.Text), true, nil
	case Binary:
		raw, ok := bytesOf(v)
		return strings.Compare(raw, c.Text), ok, nil
	case Timestamp:
		t, ok := parseTime(v)
		if !ok {
			return 0, false, ErrKinds
		}
		return t.Compare(c.Time), true, nil
	}
	return 0, false, nil
}

// bytesOf returns a text as bytes, one for each code point; false when one of
// them is above 255.
func bytesOf(s string) (string, bool) {
	var b strings.Builder
	for _, r := range s {
		if r > 0xff {
			return "", false
		}
		b.WriteByte(byte(r))
	}
	return b.String(), true
}

// latin returns the text that LIKE and MATCHES look at: bytes become the code
// points of the same number.
func latin(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bytesValue:
		var b strings.Builder
		for i := 0; i < len(v); i++ {
			b.WriteRune(rune(v[i]))
		}
		return b.String(), true
	}
	return "", false
}

// likeExpression writes a LIKE pattern as a regular expression over the whole
// text: % is any run, _ any one character.
func likeExpression(like string) string {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for _, r := range like {
		switch r {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	b.WriteString(`\z`)
	return b.String()
}

// parsePrefix reads an address or a network; bits below the mask are dropped.
func parsePrefix(s string) (netip.Prefix, bool) {
	if len(s) > 64 {
		return netip.Prefix{}, false
	}
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), true
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err == nil
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Addr().Is4() == inner.Addr().Is4() && outer.Contains(inner.Addr())
}

// ParseTime reads a STIX timestamp (STIX 2.1 section 3.2): RFC 3339 in UTC with
// capital T and Z.
func ParseTime(s string) (time.Time, bool) { return parseTime(s) }
