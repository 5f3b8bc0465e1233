package cpe

// Relation is how what a source means stands to what a target means
// (NISTIR 7696 §6.1.2).
type Relation uint8

// The relations.
const (
	Undefined Relation = iota // the standard does not say: the target has a wildcard
	Disjoint                  // nothing in common
	Equal
	Subset   // all that the source means, the target means too
	Superset // all that the target means, the source means too
)

// String returns the relation in lower case.
func (r Relation) String() string {
	return [...]string{"undefined", "disjoint", "equal", "subset", "superset"}[r]
}

// CompareValue relates one attribute of a source to that of a target
// (NISTIR 7696 table 6-2). A target with wildcards is Undefined unless the
// source is the same or the target is held against Any by a row of its own.
func CompareValue(source, target Value) Relation {
	if source == target {
		if source.Wild() {
			return Undefined
		}
		return Equal
	}
	if target.Wild() {
		return Undefined
	}
	switch {
	case source == Any:
		return Superset
	case target == Any:
		return Subset
	case source == NA || target == NA:
		return Disjoint
	case source.Wild() && covers(string(source), string(target)):
		return Superset
	}
	return Disjoint
}

// covers reports whether a value with wildcards at its ends means the target:
// `*` stands for any number of characters, each `?` for one or none. An
// escaped character counts as one.
func covers(source, target string) bool {
	const any = MaxLen
	if target == `\-` {
		target = "-" // apart from NA only when it stands alone
	}
	head, tail, end := 0, 0, 0
	if source[0] == '*' {
		head, source = any, source[1:]
	}
	for len(source) > 0 && source[0] == '?' {
		head, source = head+1, source[1:]
	}
	for end = len(source); end > 0 && Value(source[:end]).Wild() && wild(source[end-1]); end-- {
		if tail++; source[end-1] == '*' {
			tail = any
		}
	}
	body := source[:end]
	left := units(target) - units(body)
	for skipped := 0; skipped <= head && left >= 0; skipped, left = skipped+1, left-1 {
		if left <= tail && len(target) >= len(body) && target[:len(body)] == body {
			return true
		}
		if target == "" {
			return false
		}
		if target[0] == '\\' {
			target = target[1:]
		}
		target = target[1:]
	}
	return false
}

// units counts the characters of a value.
func units(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' {
			i++
		}
		n++
	}
	return n
}

// Compare relates two names: Disjoint when any attribute is, Equal when all
// are, Superset or Subset when all attributes are that or equal, else
// Undefined (NISTIR 7696 §6.2).
func Compare(source, target Name) Relation {
	if source == target && !wilds(&source) {
		return Equal
	}
	a, b := source.Values(), target.Values()
	sub, super, defined := true, true, true
	for i := range a {
		if a[i] == b[i] && (a[i] == Any || a[i] == NA) {
			continue
		}
		switch CompareValue(a[i], b[i]) {
		case Disjoint:
			return Disjoint
		case Undefined:
			defined = false
		case Subset:
			super = false
		case Superset:
			sub = false
		}
	}
	switch {
	case !defined || !sub && !super:
		return Undefined
	case sub && super:
		return Equal
	case super:
		return Superset
	}
	return Subset
}

func wilds(n *Name) bool {
	for _, v := range n.Values() {
		if v.Wild() {
			return true
		}
	}
	return false
}

// Matches reports whether a source, which may be a pattern, means all that the
// target means: Superset or Equal (CPE_SUPERSET, NISTIR 7696 §6.2).
func Matches(source, target Name) bool {
	r := Compare(source, target)
	return r == Superset || r == Equal
}
