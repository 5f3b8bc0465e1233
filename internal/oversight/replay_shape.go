package oversight

import "bytes"

// shapeOf returns the form of the entry's public part; nil where it is none of
// the verb's.
func (r *Replay) shapeOf(n *need) *shape {
	for i := range n.shapes {
		if s := &n.shapes[i]; s.mark == "" || r.e.has(s.mark) {
			return s
		}
	}
	return nil
}

// fits holds the public part of an entry against its form, in one pass: both are
// in the order of names. What is missing or of another kind makes it false; what
// nobody knows is written down.
func (r *Replay) fits(s *shape) bool {
	ok, i := true, 0
	lacks := func(name string) {
		r.violate(ruleFacts, "fact", string(r.e.object), nil, "fact", name)
		ok = false
	}
	for _, f := range r.e.facts {
		name, value := f.name, f.value
		for i < len(s.facts) && s.facts[i].name < string(name) {
			if !s.facts[i].may {
				lacks(s.facts[i].name)
			}
			i++
		}
		switch {
		case i < len(s.facts) && s.facts[i].name == string(name):
			if !s.facts[i].kind.takes(value) {
				r.violate(ruleFacts, "fact_kind", string(r.e.object), nil, "fact", s.facts[i].name)
				ok = false
			}
			i++
		case !s.more:
			r.violate(ruleFacts, "fact_unknown", string(r.e.object), nil, "fact", string(name))
		}
	}
	for ; i < len(s.facts); i++ {
		if !s.facts[i].may {
			lacks(s.facts[i].name)
		}
	}
	r.checked[ruleFacts]++
	return ok
}

// takes reports whether a value in canonical JSON is of a kind.
func (k kind) takes(raw []byte) bool {
	if k&orEmpty != 0 && string(raw) == `""` {
		return true
	}
	switch k &^ orEmpty {
	case aNumber:
		return isWhole(raw)
	case aBool:
		return string(raw) == "true" || string(raw) == "false"
	case aList:
		return everyText(raw)
	case anAmount:
		return amounts(raw, "bytes", "packets")
	case aChoice:
		return amounts(raw, "bytes", "packets", "records")
	case theDrops:
		return everyDrop(raw)
	case hashes:
		return everyHash(raw)
	case thePlaces:
		return each(raw, true, func(_, v []byte) bool { return isWhole(v) })
	}
	if len(raw) < 3 || raw[0] != '"' {
		return false
	}
	in := raw[1 : len(raw)-1]
	switch k &^ orEmpty {
	case aWord:
		return len(in) <= 2000
	case anID:
		return isUUID(in)
	case aSHA:
		return isHex(in, 64)
	case aTime:
		_, ok := instant(in)
		return ok
	case aName:
		return isName(in)
	}
	return false
}

func isWhole(raw []byte) bool {
	for _, c := range raw {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(raw) > 0 && len(raw) < 20 // what 64 bits hold, whatever the digits
}

func isHex(b []byte, n int) bool {
	if len(b) != n {
		return false
	}
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func isUUID(b []byte) bool {
	return len(b) == len(id{}) && b[8] == '-' && b[13] == '-' && b[18] == '-' && b[23] == '-' && isHex(b[:8], 8) && isHex(b[9:13], 4) && isHex(b[14:18], 4) && isHex(b[19:23], 4) && isHex(b[24:], 12)
}

// isName reports whether a text has the form of a pseudonym.
func isName(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 64
}

// each calls fn with the names and values of an object, or with the values of a
// list, until it says no; false where it did, or where it is neither.
func each(raw []byte, list bool, fn func(name, value []byte) bool) bool {
	p := cursor{b: raw}
	open, shut := "{", "}"
	if list {
		open, shut = "[", "]"
	}
	if !p.eat(open) {
		return false
	}
	for !p.eat(shut) {
		var name []byte
		from := p.at + 1
		if !list {
			if !p.eat(`"`) || !p.skipText() || !p.eat(":") {
				return false
			}
			name = p.b[from : p.at-2]
		}
		from = p.at
		if !p.skip() || p.at == from || !fn(name, p.b[from:p.at]) {
			return false
		}
		p.eat(",")
	}
	return true
}

func everyText(raw []byte) bool {
	return each(raw, true, func(_, v []byte) bool { return aWord.takes(v) })
}

// amounts reports whether an object has these whole numbers and nothing else.
func amounts(raw []byte, names ...string) bool {
	i := 0
	return each(raw, false, func(name, v []byte) bool {
		i++
		return i <= len(names) && string(name) == names[i-1] && isWhole(v)
	}) && i == len(names)
}

// dropped is why packets are dropped, in order.
var dropped = [...]string{"cap", "direction", "domestic", "malformed", "unknown", "unselected"}

func everyDrop(raw []byte) bool {
	i := 0
	return each(raw, false, func(name, v []byte) bool {
		i++
		return i <= len(dropped) && string(name) == dropped[i-1] && amounts(v, "bytes", "packets")
	}) && i == len(dropped)
}

func everyHash(raw []byte) bool {
	return each(raw, false, func(_, v []byte) bool { return (aSHA | orEmpty).takes(v) || bytes.Equal(v, []byte(`""`)) })
}
