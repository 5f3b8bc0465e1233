package detect

import (
	"net/netip"
	"strings"
	"time"
)

// Allow is an entry of the list of what is expected: everything that is given
// must match. It says why, and until when.
type Allow struct {
	Kind   Kind         // "" any
	Src    netip.Prefix // zero: any
	Dst    netip.Prefix // zero: any
	Name   string       // the name of the other end, or ".example.com" for all below; "" any
	Port   uint16       // 0 any
	Reason string
	Until  time.Time // after which it no longer holds; the zero time is refused by who reads the list
	Used   int       // findings it held back in this run
}

// matches reports whether the entry speaks of a finding.
func (a *Allow) matches(f *Finding) bool {
	switch {
	case a.Kind != "" && a.Kind != f.Kind,
		a.Src.IsValid() && !a.Src.Contains(f.Src),
		a.Dst.IsValid() && !a.Dst.Contains(f.Dst),
		a.Port != 0 && a.Port != f.Port:
		return false
	}
	return a.Name == "" || below(f.Name, a.Name)
}

// below reports whether name is rule, or ends in it when rule begins with a dot.
func below(name, rule string) bool {
	if strings.HasPrefix(rule, ".") {
		return strings.HasSuffix(name, rule) || name == rule[1:]
	}
	return name == rule
}

// expected finds the entry that a finding is expected by. Entries that ran out
// before the finding ended do not hold.
func expected(list []Allow, f *Finding) *Allow {
	for i := range list {
		if a := &list[i]; a.matches(f) && a.Until.UnixNano() >= f.End {
			a.Used++
			return a
		}
	}
	return nil
}
