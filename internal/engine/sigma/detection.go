package sigma

import (
	"strconv"
	"strings"
)

// builder makes expressions of the search identifiers of one rule and bounds how
// many tests they become.
type builder struct {
	values      map[string][]string // of placeholders
	missing     []string            // placeholders without values
	missingLine int                 // of the first
	tests       int
	bytes       int // of texts
	steps       int // of regular expressions
	warn        func(line int, code Code, args ...string)
}

// The bounds of one rule after its values are expanded.
const (
	maxTests     = 100_000
	maxWildcards = 1000 // of one value
	maxBytes     = 32 << 20
	maxLength    = 10_000 // of min_length
)

// identifier reads one search identifier: a map, or a list of maps or keywords.
func (b *builder) identifier(name string, n *node) (*Expr, *problem) {
	switch {
	case n.style == mapping:
		return b.fields(name, n)
	case n.style == sequence:
		if len(n.items) == 0 {
			return nil, fail(n.line, EmptyList, name)
		}
		kids := make([]*Expr, 0, len(n.items))
		for _, item := range n.items {
			e, p := b.identifier(name, item)
			if p != nil {
				return nil, p
			}
			kids = append(kids, e)
		}
		return anyOf(kids...), nil
	case n.style == null:
		return nil, fail(n.line, EmptyMap, name)
	}
	return b.field(name, "", n, n.line)
}

// fields reads a map: every key must hold.
func (b *builder) fields(name string, n *node) (*Expr, *problem) {
	if len(n.keys) == 0 {
		return nil, fail(n.line, EmptyMap, name)
	}
	kids := make([]*Expr, 0, len(n.keys))
	for _, k := range n.keys {
		e, p := b.field(name, k.key, k.value, k.line)
		if p != nil {
			return nil, p
		}
		kids = append(kids, e)
	}
	return allOf(kids...), nil
}

// field reads a field with its modifiers and values. An empty field is a keyword.
func (b *builder) field(name, key string, n *node, line int) (*Expr, *problem) {
	c, p := parseChain(key, line)
	if p != nil {
		return nil, p
	}
	if n.style == mapping {
		return b.fieldMap(c, key, n)
	}
	values, p := flatten(nil, n)
	if p != nil {
		return nil, fail(p.line, p.code, orText(c.field, name))
	}
	if n.style == sequence && len(values) == 0 {
		return nil, fail(n.line, EmptyList, orText(c.field, name))
	}
	if c.all && len(values) == 1 {
		b.warn(line, AllSingle, orText(c.field, name))
	}
	kids := make([]*Expr, 0, len(values))
	for _, v := range values {
		if v.style == null && len(values) > 1 {
			b.warn(v.line, NullInList, c.field)
		}
		if c.field == "" && v.text == "" {
			return nil, fail(v.line, EmptyKeyword, name)
		}
		e, p := b.value(c, v)
		if p != nil {
			return nil, p
		}
		kids = append(kids, e)
	}
	e := anyOf(kids...)
	if c.all {
		e = allOf(kids...)
	}
	if c.neq {
		if c.field == "" {
			return nil, fail(line, ModKeyword, "neq")
		}
		// A field that is not there is not different from a value either.
		e = allOf(not(leaf(&Test{Field: c.field, Kind: IsNull})), not(e))
	}
	return e, nil
}

func orText(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// flatten returns the scalars of a value, a list or lists in a list.
func flatten(to []*node, n *node) ([]*node, *problem) {
	switch n.style {
	case mapping:
		return nil, fail(n.line, ValueShape, "a field")
	case sequence:
		for _, item := range n.items {
			var p *problem
			if to, p = flatten(to, item); p != nil {
				return nil, p
			}
		}
		return to, nil
	}
	return append(to, n), nil
}

// fieldMap reads what Hayabusa writes under a field: value and min_length.
func (b *builder) fieldMap(c *chain, key string, n *node) (*Expr, *problem) {
	var kids []*Expr
	for _, k := range n.keys {
		switch k.key {
		case "value":
			v, p := b.field(c.field, key, k.value, k.line)
			if p != nil {
				return nil, p
			}
			kids = append(kids, v)
		case "min_length":
			length, err := strconv.Atoi(k.value.text)
			if err != nil || length < 1 || length > maxLength {
				return nil, fail(k.line, ModValue, k.key, k.value.text, "1 to "+strconv.Itoa(maxLength))
			}
			parts := make([]Part, length, length+1)
			for i := range parts {
				parts[i].Kind = One
			}
			kids = append(kids, leaf(&Test{Field: c.field, Kind: Wild, Parts: append(parts, Part{Kind: Many})}))
		case "regexes", "allowlist":
			return nil, fail(k.line, NeedsFile, k.key)
		default:
			return nil, fail(k.line, ValueShape, orText(c.field, k.key))
		}
	}
	if len(kids) == 0 || c.field == "" {
		return nil, fail(n.line, ValueShape, orText(c.field, "a keyword"))
	}
	return allOf(kids...), nil
}

// value returns what one value of a chain asks: more than one test if its
// modifiers make several of it.
func (b *builder) value(c *chain, v *node) (*Expr, *problem) {
	if b.tests++; b.tests > maxTests {
		return nil, fail(v.line, TooLarge, "the rule", strconv.Itoa(maxTests)+" tests")
	}
	if c.field == "" && c.kind != Equal && c.kind != Regexp && c.kind != CIDR {
		return nil, fail(c.line, ModKeyword, c.first)
	}
	if c.kind == Equal {
		return b.text(c, v)
	}
	return b.typed(c, v)
}

// text returns the tests of a value without a type modifier.
func (b *builder) text(c *chain, v *node) (*Expr, *problem) {
	switch {
	case v.style == null:
		if len(c.steps) > 0 || c.cased {
			return nil, fail(v.line, ModValue, c.first, "null", "a text")
		}
		if c.field == "" {
			return nil, fail(v.line, ModKeyword, "null")
		}
		return leaf(&Test{Field: c.field, Kind: IsNull}), nil
	case v.style == number && len(c.steps) == 0 && c.field != "":
		var kids []*Expr
		for _, t := range numberTexts(v.text) {
			kids = append(kids, leaf(patternTest(c.field, literal(t), c.cased)))
		}
		return anyOf(kids...), nil
	}
	if strings.Count(v.text, "*")+strings.Count(v.text, "?") > maxWildcards {
		return nil, fail(v.line, TooLarge, v.text, strconv.Itoa(maxWildcards)+" wildcards")
	}
	variants := [][]Part{parsePattern(v.text)}
	for _, a := range c.steps {
		var next [][]Part
		for _, parts := range variants {
			made, p := b.apply(a, parts, v)
			if p != nil {
				return nil, p
			}
			next = append(next, made...)
		}
		if variants = next; len(variants) > maxTests {
			return nil, fail(v.line, TooLarge, v.text, strconv.Itoa(maxTests)+" tests")
		}
	}
	b.tests, b.bytes = b.tests+len(variants), b.bytes+len(variants)*len(v.text)
	if b.tests > maxTests || b.bytes > maxBytes {
		return nil, fail(v.line, TooLarge, "the rule", strconv.Itoa(maxTests)+" tests or "+strconv.Itoa(maxBytes)+" bytes")
	}
	kids := make([]*Expr, 0, len(variants))
	for _, parts := range variants {
		if c.field == "" && c.how == Whole {
			parts = wrap(parts)
		}
		kids = append(kids, leaf(patternTest(c.field, parts, c.cased)))
		if bare, ok := bareGUID(parts); ok && c.field != "" {
			kids = append(kids, leaf(patternTest(c.field, literal(bare), c.cased)))
		}
	}
	return anyOf(kids...), nil
}

// bareGUID returns a GUID in braces without them: Windows shows it with them,
// tools that read its logs without, and a rule means both.
func bareGUID(parts []Part) (string, bool) {
	text, ok := plainText(parts)
	if !ok || len(text) != 38 || text[0] != '{' || text[37] != '}' {
		return "", false
	}
	for i, c := range []byte(text[1:37]) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (c == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", rune(c)) {
			return "", false
		}
	}
	return text[1:37], true
}

// wrap puts Many around parts.
func wrap(parts []Part) []Part {
	out := make([]Part, 0, len(parts)+2)
	return append(append(append(out, Part{Kind: Many}), parts...), Part{Kind: Many})
}
