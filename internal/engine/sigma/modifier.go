package sigma

import "strings"

// action is what a modifier of the chain does to a string value, in the order
// written.
type action uint8

const (
	doContains action = 1 + iota
	doStartsWith
	doEndsWith
	doExpand
	doWindash
	doUTF16LE
	doUTF16BE
	doUTF16
	doBase64
	doBase64Offset
)

// chain is a field with its modifiers.
type chain struct {
	field   string
	line    int
	first   string // modifier that is about values, for reports
	all     bool
	neq     bool
	cased   bool
	kind    Kind // Equal for strings, else what a type modifier made of it
	how     How
	part    TimePart
	compare Kind   // of part
	flags   string // of re
	steps   []action
}

// class groups modifiers that are bound by the same rules.
type class uint8

const (
	general  class = iota // all, neq
	casing                // cased
	position              // contains, startswith, endswith
	encoding              // utf16 and base64
	dashes                // windash
	filling               // expand
	expr                  // re
	sub                   // i, m, s
	network               // cidr
	ordering              // lt, lte, gt, gte
	presence              // exists
	other                 // fieldref
	clock                 // minute to year
)

type modifier struct {
	name  string
	class class
	apply func(*chain)
}

func step(a action) func(*chain)  { return func(c *chain) { c.steps = append(c.steps, a) } }
func compare(k Kind) func(*chain) { return func(c *chain) { c.kind, c.compare = k, k } }
func datePart(p TimePart) func(*chain) {
	return func(c *chain) { c.part = p }
}
func place(h How, a action) func(*chain) {
	return func(c *chain) { c.how, c.steps = h, append(c.steps, a) }
}
func reference(h How) func(*chain) {
	return func(c *chain) { c.kind, c.how = FieldRef, h }
}
func isFlag(f string) func(*chain) { return func(c *chain) { c.flags += f } }
func isKind(k Kind) func(*chain)   { return func(c *chain) { c.kind = k } }

// modifiers are those of the specification's appendix, then those of Hayabusa.
var modifiers = []modifier{
	{"contains", position, place(Contains, doContains)},
	{"endswith", position, place(EndsWith, doEndsWith)},
	{"startswith", position, place(StartsWith, doStartsWith)},
	{"all", general, func(c *chain) { c.all = true }},
	{"neq", general, func(c *chain) { c.neq = true }},
	{"cased", casing, func(c *chain) { c.cased = true }},
	{"windash", dashes, step(doWindash)},
	{"re", expr, isKind(Regexp)},
	{"i", sub, isFlag("i")},
	{"m", sub, isFlag("m")},
	{"s", sub, isFlag("s")},
	{"base64", encoding, step(doBase64)},
	{"base64offset", encoding, step(doBase64Offset)},
	{"wide", encoding, step(doUTF16LE)},
	{"utf16le", encoding, step(doUTF16LE)},
	{"utf16be", encoding, step(doUTF16BE)},
	{"utf16", encoding, step(doUTF16)},
	{"cidr", network, isKind(CIDR)},
	{"lt", ordering, compare(Less)},
	{"lte", ordering, compare(LessEqual)},
	{"gt", ordering, compare(Greater)},
	{"gte", ordering, compare(GreaterEqual)},
	{"exists", presence, isKind(Exists)},
	{"expand", filling, step(doExpand)},
	{"fieldref", other, isKind(FieldRef)},
	{"minute", clock, datePart(Minute)},
	{"hour", clock, datePart(Hour)},
	{"day", clock, datePart(Day)},
	{"week", clock, datePart(Week)},
	{"month", clock, datePart(Month)},
	{"year", clock, datePart(Year)},
	{"equalsfield", other, reference(Whole)},
	{"containsfield", other, reference(Contains)},
	{"startswithfield", other, reference(StartsWith)},
	{"endswithfield", other, reference(EndsWith)},
}

// friends says which classes may stand in one chain, beside general, which goes
// with all but presence. What is not here does not go together.
var friends = map[[2]class]bool{
	{casing, position}: true, {casing, encoding}: true, {casing, dashes}: true, {casing, filling}: true, {casing, other}: true,
	{position, encoding}: true, {position, dashes}: true, {position, filling}: true, {position, other}: true,
	{encoding, encoding}: true, {encoding, dashes}: true, {encoding, filling}: true,
	{dashes, filling}: true, {filling, expr}: true, {filling, network}: true, {filling, ordering}: true,
	{expr, sub}: true, {sub, sub}: true, {filling, sub}: true, {ordering, clock}: true,
}

// together reports whether modifiers of both classes may stand in one chain.
func together(a, b class) bool {
	if a == general || b == general {
		return a != presence && b != presence
	}
	return friends[[2]class{a, b}] || friends[[2]class{b, a}]
}

// parseChain reads a key such as CommandLine|contains|all.
func parseChain(key string, line int) (*chain, *problem) {
	field, rest, has := strings.Cut(key, "|")
	c := &chain{field: strings.TrimSpace(field), line: line, kind: Equal}
	var seen []*modifier
	for has {
		var name string
		name, rest, has = strings.Cut(rest, "|")
		m := findModifier(strings.TrimSpace(name))
		if m == nil {
			return nil, fail(line, ModUnknown, name)
		}
		if p := fits(m, seen, line); p != nil {
			return nil, p
		}
		if seen = append(seen, m); c.first == "" && m.class != general {
			c.first = m.name
		}
		m.apply(c)
	}
	if c.part != 0 {
		if c.kind == Equal {
			c.compare = Equal
		}
		c.kind = Time
	}
	return c, nil
}

// maxChain bounds the modifiers of one field.
const maxChain = 16

// fits checks a modifier against those before it.
func fits(m *modifier, seen []*modifier, line int) *problem {
	if len(seen) >= maxChain {
		return fail(line, TooLarge, m.name, "16 modifiers")
	}
	for _, s := range seen {
		if s.name == m.name {
			return fail(line, ModTwice, m.name)
		}
		if s.class == position && m.class == encoding {
			return fail(line, ModOrder, s.name, m.name)
		}
		if !together(s.class, m.class) {
			return fail(line, ModConflict, s.name, m.name)
		}
	}
	if m.class == sub && (len(seen) == 0 || seen[len(seen)-1].class != expr && seen[len(seen)-1].class != sub) {
		return fail(line, ModOrder, m.name, "re")
	}
	return nil
}

func findModifier(name string) *modifier {
	for i := range modifiers {
		if modifiers[i].name == name {
			return &modifiers[i]
		}
	}
	return nil
}
