package proxylist

import (
	"strconv"
	"strings"

	"noroshi/internal/measure/act/names"
)

// form is how a list is written for one kind of proxy.
type form struct {
	head   string
	exact  bool // it cannot say "and what is below"
	widest bool // what is below a name that stands with all below must not stand too
	name   func(line string) (string, bool)
	lines  func(name string, e names.Effect, until ends) []string
}

const head = "# Names that are held back. Written by Noroshi; changes are overwritten.\n"

// forms are the forms by the name that a configuration gives them. Squid keeps
// names in a tree in which a name and its parent are in each other's way.
var forms = map[string]form{
	"squid": {head: head, widest: true, name: strip("."), lines: func(name string, e names.Effect, _ ends) []string {
		switch {
		case e.Below != names.Nothing:
			return []string{"." + name}
		case e.Here != names.Nothing:
			return []string{name}
		}
		return nil
	}},
	"haproxy": {head: head, name: strip("=."), lines: both("=", ".", true)},
	"domains": {name: strip("*."), lines: both("", "*.", false)},
	"hosts": {head: head, exact: true, name: func(line string) (string, bool) {
		_, name, _ := strings.Cut(line, " ")
		return name, names.Valid(name)
	}, lines: func(name string, e names.Effect, _ ends) []string {
		if e.Here == names.Nothing {
			return nil
		}
		return []string{"0.0.0.0 " + name, ":: " + name}
	}},
}

// both writes a line for the name and one for what is below it, each with its end
// where the form has one.
func both(here, below string, ended bool) func(string, names.Effect, ends) []string {
	end := func(at int64) string {
		if !ended || at == unsaid {
			return ""
		}
		return " " + strconv.FormatInt(at, 10)
	}
	return func(name string, e names.Effect, until ends) (out []string) {
		if e.Here != names.Nothing {
			out = append(out, here+name+end(until.here))
		}
		if e.Below != names.Nothing {
			out = append(out, below+name+end(until.below))
		}
		return out
	}
}

// strip reads the name of a line behind any of some characters, up to its end.
func strip(front string) func(string) (string, bool) {
	return func(line string) (string, bool) {
		name, _, _ := strings.Cut(strings.TrimLeft(line, front), " ")
		return name, names.Valid(name)
	}
}
