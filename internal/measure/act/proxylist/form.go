package proxylist

import (
	"strings"

	"noroshi/internal/measure/act/names"
)

// form is how a list is written for one kind of proxy.
type form struct {
	head   string
	exact  bool // it cannot say "and what is below"
	widest bool // what is below a name that stands with all below must not stand too
	name   func(line string) (string, bool)
	lines  func(name string, e names.Effect) []string
}

const head = "# Names that are held back. Written by Noroshi; changes are overwritten.\n"

// forms are the forms by the name that a configuration gives them. Squid keeps
// names in a tree in which a name and its parent are in each other's way.
var forms = map[string]form{
	"squid": {head: head, widest: true, name: strip(".", ""), lines: func(name string, e names.Effect) []string {
		switch {
		case e.Below != names.Nothing:
			return []string{"." + name}
		case e.Here != names.Nothing:
			return []string{name}
		}
		return nil
	}},
	"haproxy": {head: head, name: strip("=.", " held"), lines: both("=", ".", " held")},
	"domains": {name: strip("*.", ""), lines: both("", "*.", "")},
	"hosts": {head: head, exact: true, name: func(line string) (string, bool) {
		_, name, _ := strings.Cut(line, " ")
		return name, names.Valid(name)
	}, lines: func(name string, e names.Effect) []string {
		if e.Here == names.Nothing {
			return nil
		}
		return []string{"0.0.0.0 " + name, ":: " + name}
	}},
}

// both writes a line for the name and one for what is below it.
func both(here, below, end string) func(string, names.Effect) []string {
	return func(name string, e names.Effect) (out []string) {
		if e.Here != names.Nothing {
			out = append(out, here+name+end)
		}
		if e.Below != names.Nothing {
			out = append(out, below+name+end)
		}
		return out
	}
}

// strip reads the name of a line between any of some characters and an end.
func strip(front, end string) func(string) (string, bool) {
	return func(line string) (string, bool) {
		name, ok := strings.CutSuffix(strings.TrimLeft(line, front), end)
		return name, ok && names.Valid(name)
	}
}
