package sigma

import (
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
)

// apply does one step of a chain to one pattern.
func (b *builder) apply(a action, parts []Part, v *node) ([][]Part, *problem) {
	switch a {
	case doContains:
		return [][]Part{wrap(parts)}, nil
	case doStartsWith:
		return [][]Part{append(parts[:len(parts):len(parts)], Part{Kind: Many})}, nil
	case doEndsWith:
		return [][]Part{append([]Part{{Kind: Many}}, parts...)}, nil
	case doExpand:
		return b.expandPattern(parts, v)
	case doWindash:
		made, ok := windash(tidy(parts, true))
		if !ok {
			return nil, fail(v.line, TooLarge, v.text, strconv.Itoa(maxVariants)+" variants")
		}
		return made, nil
	}
	return encodePattern(a, parts, v)
}

// encodePattern does the steps that work on bytes and so take no wildcards.
func encodePattern(a action, parts []Part, v *node) ([][]Part, *problem) {
	names := [...]string{doUTF16LE: "wide", doUTF16BE: "utf16be", doUTF16: "utf16", doBase64: "base64", doBase64Offset: "base64offset"}
	text, ok := plainText(tidy(parts, true))
	if !ok {
		return nil, fail(v.line, ModWildcard, names[a], v.text)
	}
	switch a {
	case doUTF16LE:
		text = encodeUTF16(text, binary.LittleEndian, false)
	case doUTF16BE:
		text = encodeUTF16(text, binary.BigEndian, false)
	case doUTF16:
		text = encodeUTF16(text, binary.LittleEndian, true)
	case doBase64:
		text = base64.StdEncoding.EncodeToString([]byte(text))
	case doBase64Offset:
		var made [][]Part
		for _, t := range base64Offsets(text) {
			made = append(made, literal(t))
		}
		if len(made) < 3 {
			return nil, fail(v.line, ModValue, names[a], v.text, "a longer text")
		}
		return made, nil
	}
	return [][]Part{literal(text)}, nil
}

// typed returns the test of a value whose chain has a type modifier.
func (b *builder) typed(c *chain, v *node) (*Expr, *problem) {
	texts := []string{v.text}
	if v.style == null {
		return nil, fail(v.line, ModValue, c.first, "null", "a value")
	}
	if len(c.steps) > 0 && c.kind != FieldRef {
		var p *problem
		if texts, p = b.expandText(v); p != nil {
			return nil, p
		}
	}
	kids := make([]*Expr, 0, len(texts))
	for _, text := range texts {
		t, p := b.test(c, text, v)
		if p != nil {
			return nil, p
		}
		kids = append(kids, t)
	}
	return anyOf(kids...), nil
}

// test returns the test of one text for a type modifier.
func (b *builder) test(c *chain, text string, v *node) (*Expr, *problem) {
	t := &Test{Field: c.field, Kind: c.kind}
	bad := func(want string) (*Expr, *problem) {
		return nil, fail(v.line, ModValue, c.first, text, want)
	}
	switch c.kind {
	case Regexp:
		re, n, p := compileRegexp(text, c.flags, v.line)
		if p != nil {
			return nil, p
		}
		if b.steps += n; b.steps > maxAllSteps {
			return nil, fail(v.line, RegexpSize, strconv.Itoa(maxAllSteps)+" steps together")
		}
		t.Regexp = re
	case CIDR:
		prefix, ok := parsePrefix(text)
		if !ok {
			return bad("a network such as 10.0.0.0/8")
		}
		t.Prefix = prefix
	case Less, LessEqual, Greater, GreaterEqual:
		n, ok := parseNumber(text)
		if !ok {
			return bad("a number")
		}
		t.Number = n
	case Exists:
		switch strings.ToLower(text) {
		case "true", "yes":
			return leaf(t), nil
		case "false", "no":
			return not(leaf(t)), nil
		}
		return bad("true or false")
	case FieldRef:
		if text == "" || v.style != plain && v.style != quoted {
			return bad("the name of a field")
		}
		t.Ref, t.How, t.Cased = text, c.how, c.cased
	case Time:
		n, ok := parseNumber(text)
		if !ok || n != float64(int(n)) || n < 0 || n > partMax[c.part] {
			return bad("a whole number up to " + strconv.Itoa(int(partMax[c.part])))
		}
		t.Number, t.Part, t.Compare = n, c.part, c.compare
	}
	return leaf(t), nil
}

var partMax = [...]float64{Minute: 59, Hour: 23, Day: 31, Week: 53, Month: 12, Year: 9999}

// parseNumber reads a number as rules and logs write it: decimal, or hexadecimal
// behind 0x. There is no infinity.
func parseNumber(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if len(text) == 0 || len(text) > 64 {
		return 0, false
	}
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X") {
		n, err := strconv.ParseUint(text[2:], 16, 64)
		return float64(n), err == nil
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && strings.IndexByte("+-.eE", c) < 0 {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// parsePrefix reads a network or a single address.
func parsePrefix(text string) (netip.Prefix, bool) {
	text = strings.TrimSpace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), true
	}
	a, err := netip.ParseAddr(text)
	if err != nil || a.Zone() != "" {
		return netip.Prefix{}, false
	}
	a = a.Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}
