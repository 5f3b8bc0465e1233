package evtx

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"noroshi/internal/engine/event"
)

// The tokens of binary XML, [MS-EVEN6] 2.2.12. A set moreFlag says that more of
// the kind follows.
const (
	tokenEnd        = 0x00
	tokenOpen       = 0x01
	tokenCloseStart = 0x02
	tokenCloseEmpty = 0x03
	tokenClose      = 0x04
	tokenText       = 0x05
	tokenAttribute  = 0x06
	tokenCDATA      = 0x07
	tokenChar       = 0x08
	tokenEntity     = 0x09
	tokenPITarget   = 0x0a
	tokenPIData     = 0x0b
	tokenTemplate   = 0x0c
	tokenHole       = 0x0d
	tokenOptional   = 0x0e
	tokenFragment   = 0x0f
	moreFlag        = 0x40
)

// compiler turns binary XML into steps.
type compiler struct {
	d          *Decoder
	t          *template
	end        int  // of the binary XML, in the chunk
	inTemplate bool // elements have a dependency identifier
	stack      []open
	attr       openAttr
	root       uint32 // the node around it
	isDone     bool   // the element outside of a template has ended
	hasElement bool
	seen       int // the place up to which the shape of the template is taken
}

// open is an element whose end was not seen yet.
type open struct {
	node     uint32
	name     event.Name // of its text
	parts    int        // the first step of its content
	text     int        // where the literal text of its content begins
	isInside bool       // the attributes have ended
	hasInner bool       // elements inside
	hasAttr  bool
	shadows  bool
	isNamed  bool // by the last opName
}

// openAttr is an attribute whose end was not seen yet.
type openAttr struct {
	is    bool
	elem  uint32
	parts int
	text  int
}

// compile reads from pos to the end of the first element, inside node, or of
// the template; it returns the place after it.
func (c *compiler) compile(pos int, node uint32) (int, Reason) {
	from := pos
	c.seen = pos
	c.stack, c.root = c.d.opens[:0], node
	pos, reason := c.tokens(pos)
	c.d.opens = c.stack[:0]
	if reason == None {
		c.settle()
	}
	c.t.cost = len(c.t.ops) + (pos-from)/16 + 1
	c.d.spend(c.t.cost)
	if reason == None && c.inTemplate {
		c.t.tail(c.d.chunk[c.seen:pos], pos == c.end)
	}
	return pos, reason
}

func (c *compiler) tokens(pos int) (int, Reason) {
	b, reason := c.d.chunk, None
	for pos < c.end {
		if len(c.t.ops) > maxOps {
			return pos, TooMuch
		}
		token := b[pos]
		switch token &^ moreFlag {
		case tokenEnd:
			if len(c.stack) > 0 {
				return pos, BadToken
			}
			return pos + 1, None
		case tokenFragment:
			pos += 4
		case tokenOpen:
			pos, reason = c.open(pos)
		case tokenAttribute:
			pos, reason = c.attribute(pos)
		case tokenCloseStart:
			pos, reason = pos+1, c.closeStart()
		case tokenCloseEmpty:
			if reason = c.closeStart(); reason == None {
				c.close()
			}
			pos++
		case tokenClose:
			if !c.isInside() {
				return pos, BadToken
			}
			c.close()
			pos++
		default:
			pos, reason = c.content(pos, token&^moreFlag)
		}
		if reason != None {
			return pos, reason
		}
		if c.isDone {
			return pos, None
		}
	}
	if len(c.stack) > 0 || pos > c.end {
		return pos, BadToken
	}
	return pos, None
}

// isInside reports whether content may stand here: behind the attributes of an
// element. It keeps the steps of an element's content together.
func (c *compiler) isInside() bool {
	return len(c.stack) > 0 && c.stack[len(c.stack)-1].isInside
}

// open begins an element: dependency identifier (in templates), size, name and,
// with moreFlag, the size of its attributes.
func (c *compiler) open(pos int) (int, Reason) {
	if len(c.stack) > 0 && !c.isInside() {
		return pos, BadToken
	}
	if len(c.stack) >= maxElements {
		return pos, TooDeep
	}
	at, other := pos+5, pos+7
	if c.inTemplate {
		at, other = other, at
	}
	name, next, ok := c.d.name(at, c.end)
	if !ok { // some writers leave the identifier out, or in
		if name, next, ok = c.d.name(other, c.end); !ok {
			return pos, BadName
		}
		at, c.t.isOdd = other, true
	}
	kind := refElement
	if c.d.chunk[pos]&moreFlag != 0 {
		next, kind = next+4, refAttributes
	}
	c.refer(at-4, next, name, kind)
	parent := c.root
	if n := len(c.stack); n > 0 {
		c.flush(&c.stack[n-1])
		parent = c.stack[n-1].node
	}
	o := open{node: c.d.naming.child(parent, name), parts: len(c.t.ops), text: len(c.t.text)}
	what := &c.d.naming.nodes[o.node]
	o.name, o.shadows = what.name, what.shadows
	c.stack = append(c.stack, o)
	c.hasElement = true
	return next, None
}

// attribute begins an attribute, which ends the one before.
func (c *compiler) attribute(pos int) (int, Reason) {
	if len(c.stack) == 0 || c.isInside() {
		return pos, BadToken
	}
	c.closeAttr()
	name, next, ok := c.d.name(pos+1, c.end)
	if !ok {
		return pos, BadName
	}
	c.refer(pos+1, next, name, refName)
	c.attr = openAttr{true, name, len(c.t.ops), len(c.t.text)}
	return next, None
}

func (c *compiler) closeStart() Reason {
	if len(c.stack) == 0 || c.isInside() {
		return BadToken
	}
	c.closeAttr()
	o := &c.stack[len(c.stack)-1]
	o.isInside, o.parts, o.text = true, len(c.t.ops), len(c.t.text)
	return None
}

// closeAttr makes a field of the attribute that is open, or names the <Data>
// that it stands in.
func (c *compiler) closeAttr() {
	if !c.attr.is {
		return
	}
	c.attr.is = false
	o, a := &c.stack[len(c.stack)-1], c.attr
	n := c.d.naming
	at := &n.nodes[o.node]
	parts := c.t.ops[a.parts:]
	if at.isData && a.elem == n.nameElem {
		if c.isLiteral(parts) {
			if f := n.named(o.node, c.t.text[a.text:]); f.name != 0 {
				o.name, o.shadows, o.isNamed = f.name, f.shadows, false
			}
			c.t.ops, c.t.text = c.t.ops[:a.parts], c.t.text[:a.text]
			return
		}
		if len(parts) == 1 && parts[0].kind == opPart {
			parts[0].kind, parts[0].node = opName, o.node
			o.isNamed = true
			return
		}
	}
	f := n.attribute(o.node, a.elem)
	if f.name == 0 {
		c.t.ops, c.t.text = c.t.ops[:a.parts], c.t.text[:a.text]
		return
	}
	o.hasAttr = true
	flags := noNull
	if f.shadows {
		flags |= shadows
	}
	if at.isTime {
		flags |= isTime
	}
	c.field(a.parts, a.text, op{name: f.name, node: o.node, flags: flags})
}

// flush makes fields of the content before an inner element: a value there may
// be binary XML, a text other than white space is kept.
func (c *compiler) flush(o *open) {
	o.hasInner = true
	parts := c.t.ops[o.parts:]
	if len(parts) == 0 {
		return
	}
	if c.isLiteral(parts) && len(bytes.TrimSpace(c.t.text[o.text:])) == 0 {
		c.t.ops, c.t.text = c.t.ops[:o.parts], c.t.text[:o.text]
		return
	}
	c.field(o.parts, o.text, op{name: o.name, node: o.node, flags: noNull})
	o.parts, o.text = len(c.t.ops), len(c.t.text)
}

// close ends the innermost element.
func (c *compiler) close() {
	o := c.stack[len(c.stack)-1]
	at := &c.d.naming.nodes[o.node]
	c.stack = c.stack[:len(c.stack)-1]
	c.element(&o, at)
	if n := len(c.stack); n > 0 {
		up := &c.stack[n-1]
		up.parts, up.text = len(c.t.ops), len(c.t.text)
	} else {
		c.isDone = !c.inTemplate
	}
}

// element makes a field of the content of an element that has ended.
func (c *compiler) element(o *open, at *node) {
	if o.hasInner {
		c.flush(o)
		return
	}
	f := op{name: o.name, node: o.node}
	if o.shadows {
		f.flags |= shadows
	}
	if o.isNamed {
		f.flags |= isNamed
	}
	if at.section == system {
		f.flags |= noNull
		if o.name == c.d.naming.system[recordField] {
			f.flags |= isRecord
		}
	}
	if at.isFrame {
		f.flags |= noNull
	}
	if len(c.t.ops) > o.parts {
		c.field(o.parts, o.text, f)
	} else if f.flags&noNull == 0 && !o.hasAttr {
		f.kind, f.value = opNull, event.Null
		c.t.ops = append(c.t.ops, f)
	}
}

// field makes a field of the parts from step first on.
func (c *compiler) field(first, text int, f op) {
	parts := c.t.ops[first:]
	switch {
	case len(parts) == 1 && parts[0].kind == opPart:
		f.kind, f.hole, f.flags = opHole, parts[0].hole, f.flags|parts[0].flags
		parts[0] = f
	case len(parts) == 1 && parts[0].kind == opInstance:
		parts[0].node = f.node
	case len(parts) > 1 && c.hasInstance(parts):
		c.t.ops = append(c.t.ops[:first], c.instances(parts, f.node)...)
	case c.isLiteral(parts):
		f.kind, f.off, f.len = opConst, uint32(text), uint32(len(c.t.text)-text)
		c.t.ops = append(c.t.ops[:first], f)
	default:
		f.kind = opClose
		c.t.ops = append(c.t.ops, f)
	}
}

func (c *compiler) hasInstance(parts []op) bool {
	return slices.ContainsFunc(parts, func(o op) bool { return o.kind == opInstance })
}

// instances keeps of mixed content only the templates: text beside them would
// be neither theirs nor a field of its own.
func (c *compiler) instances(parts []op, node uint32) []op {
	kept := parts[:0]
	for _, o := range parts {
		if o.kind == opInstance {
			o.node = node
			kept = append(kept, o)
		}
	}
	return kept
}

func (c *compiler) isLiteral(parts []op) bool {
	for i := range parts {
		if parts[i].kind != opText {
			return false
		}
	}
	return true
}

// content reads a part of an element's or attribute's content.
func (c *compiler) content(pos int, token byte) (int, Reason) {
	b := c.d.chunk[:c.end]
	if token != tokenPITarget && token != tokenPIData && !c.attr.is && !c.isInside() &&
		(token != tokenTemplate || len(c.stack) > 0) {
		return pos, BadToken
	}
	switch token {
	case tokenText, tokenCDATA, tokenPIData:
		head := 3
		if token == tokenText {
			head++ // the type, always a text
		}
		if pos+head > len(b) {
			return pos, BadToken
		}
		next := pos + head + 2*int(le.Uint16(b[pos+head-2:]))
		if next > len(b) {
			return pos, BadToken
		}
		if token != tokenPIData {
			from := len(c.t.text)
			c.t.text = appendUTF16(c.t.text, b[pos+head:next])
			c.part(op{kind: opText, off: uint32(from), len: uint32(len(c.t.text) - from)})
		}
		return next, None
	case tokenChar:
		if pos+3 > len(b) {
			return pos, BadToken
		}
		c.literal(rune(le.Uint16(b[pos+1:])))
		return pos + 3, None
	case tokenEntity:
		return c.entity(pos)
	case tokenPITarget:
		name, next, ok := c.d.name(pos+1, c.end)
		if !ok {
			return pos, BadName
		}
		c.refer(pos+1, next, name, refName)
		return next, None
	case tokenHole, tokenOptional:
		if pos+4 > len(b) || !c.inTemplate {
			return pos, BadToken
		}
		o := op{kind: opPart, hole: le.Uint16(b[pos+1:])}
		if token == tokenOptional {
			o.flags = noNull
		}
		c.part(o)
		return pos + 4, None
	case tokenTemplate:
		in, reason := c.d.instance(pos, c.end)
		if reason != None {
			return pos, reason
		}
		count := len(c.d.values)
		next, reason := c.d.load(in, c.end)
		c.d.values = c.d.values[:count]
		c.t.isOdd = true // it is good for its place only
		c.part(op{kind: opInstance, off: uint32(pos), node: c.root})
		return next, reason
	}
	return pos, BadToken
}

func (c *compiler) part(o op) { c.t.ops = append(c.t.ops, o) }

func (c *compiler) literal(r rune) {
	from := len(c.t.text)
	c.t.text = utf8.AppendRune(c.t.text, r)
	c.part(op{kind: opText, off: uint32(from), len: uint32(len(c.t.text) - from)})
}

// entity resolves the entities that XML knows without a definition; others
// stay as they are written.
func (c *compiler) entity(pos int) (int, Reason) {
	name, next, ok := c.d.name(pos+1, c.end)
	if !ok {
		return pos, BadName
	}
	c.refer(pos+1, next, name, refName)
	text := c.d.naming.elems[name]
	switch text {
	case "amp":
		c.literal('&')
		return next, None
	case "lt":
		c.literal('<')
		return next, None
	case "gt":
		c.literal('>')
		return next, None
	case "quot":
		c.literal('"')
		return next, None
	case "apos":
		c.literal('\'')
		return next, None
	}
	from := len(c.t.text)
	c.t.text = append(append(append(c.t.text, '&'), text...), ';')
	c.part(op{kind: opText, off: uint32(from), len: uint32(len(c.t.text) - from)})
	return next, None
}

// settle gives fields of the same name but of different elements their dotted
// paths, all but those of the first, and keeps lists together.
func (c *compiler) settle() {
	n := c.d.naming
	n.epoch++
	for i := range c.t.ops {
		o := &c.t.ops[i]
		if o.name == 0 || o.kind == opText || o.kind == opPart || o.kind == opInstance {
			continue
		}
		first := n.firstUse(o.name, o.node)
		if at := &n.nodes[o.node]; first != o.node && at.name == o.name && !at.isData {
			o.name = n.names.ID(n.path(at, ""))
		}
	}
}
