package bgp

import (
	"net/netip"
	"strconv"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"

	"github.com/google/uuid"
)

const mostPlaces = 100 // faults that one refusal lists

// Check refuses what these routers must not be told. The fault has a place for
// each rule refused, at most 100: /3 is the fourth.
func (s *speaker) Check(rules []driver.Rule) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.check(rules)
}

func (s *speaker) check(rules []driver.Rule) error {
	bad, n := fault.New(fault.Invalid, "measure.bgp.refused"), 0
	for i, r := range rules {
		if code, args := s.refuses(r); code != "" {
			if n++; n <= mostPlaces {
				bad.Places = append(bad.Places, fault.Place{At: "/" + strconv.Itoa(i), Code: code, Args: args})
			}
		}
	}
	if n > 0 {
		bad.Args = fault.Args{"n": n}
		return bad
	}
	count := 0
	for _, h := range s.held {
		count += len(h.until)
	}
	type claim struct {
		order string
		key   key
	}
	fresh := map[claim]bool{}
	for _, r := range rules {
		if h := s.held[keyOf(r)]; h == nil || h.until[r.Order].IsZero() {
			fresh[claim{r.Order, keyOf(r)}] = true
		}
	}
	if count += len(fresh); count > s.Most {
		return fault.New(fault.TooLarge, "measure.bgp.many", "n", count, "max", s.Most)
	}
	return nil
}

// refuses returns the code of what is wrong with a rule, and nothing when it may be told.
func (s *settings) refuses(r driver.Rule) (code string, args fault.Args) {
	args = fault.Args{"rule": r.Packets()}
	if _, err := uuid.Parse(r.Order); err != nil || len(r.Order) != 36 {
		return "measure.bgp.bad.order", args
	}
	flow := r.Kind == driver.FlowSpec
	switch {
	case !flow && r.Kind != driver.Blackhole || r.Name != "" || r.Below || r.Answer != "":
		return "measure.bgp.bad.kind", args
	case r.Until.IsZero():
		return "measure.bgp.bad.until", args
	case !r.To.IsValid():
		return "measure.bgp.bad.nothing", args
	case !flow && (r.From.IsValid() || r.Proto != 0 || r.Port != 0):
		return "measure.bgp.bad.only", args
	case r.From.IsValid() && r.To.Addr().Is4() != r.From.Addr().Is4():
		return "measure.bgp.bad.families", args
	case r.Port != 0 && driver.Ported[r.Proto] == "":
		return "measure.bgp.bad.port", args
	case !flow && !(r.To.Addr().Is4() && s.hop4.IsValid() || r.To.Addr().Is6() && s.hop6.IsValid()):
		return "measure.bgp.bad.hop", args
	case !s.told(r.Kind):
		return "measure.bgp.bad.nobody", args
	}
	for _, p := range []netip.Prefix{r.To, r.From} {
		if !p.IsValid() {
			continue
		}
		if p.Addr().Is4In6() || p != p.Masked() {
			return "measure.bgp.bad.prefix", args
		}
		four, _ := driver.Embedded(p) // what it reaches through a translator
		for _, q := range s.never {
			if q.Overlaps(p) || q.Overlaps(four) {
				args["net"] = q.String()
				return "measure.bgp.bad.never", args
			}
		}
	}
	if floor := s.floor(r); r.To.Bits() < floor {
		args["floor"] = floor
		return "measure.bgp.bad.broad", args
	}
	four, reaches := driver.Embedded(r.From)
	if floor := sourceFloor(r.From); r.From.IsValid() && r.From.Bits() < floor || reaches && four.Bits() < source4 {
		args["floor"] = floor
		return "measure.bgp.bad.source", args
	}
	for _, q := range s.own {
		if q.Bits() <= r.To.Bits() && q.Contains(r.To.Addr()) {
			return "", nil
		}
	}
	return "measure.bgp.bad.own", args
}

func (s *settings) floor(r driver.Rule) int {
	switch four := r.To.Addr().Is4(); {
	case r.Kind == driver.FlowSpec && four:
		return s.FlowFloor4
	case r.Kind == driver.FlowSpec:
		return s.FlowFloor6
	case four:
		return s.BlackholeFloor4
	}
	return s.BlackholeFloor6
}

func sourceFloor(p netip.Prefix) int {
	if p.Addr().Is4() {
		return source4
	}
	return source6
}

// told reports whether any router is told rules of the kind.
func (s *settings) told(kind driver.Kind) bool {
	for _, p := range s.routers {
		if p.takes(kind) {
			return true
		}
	}
	return false
}

func (p router) takes(kind driver.Kind) bool {
	return kind == driver.FlowSpec && p.flowspec || kind == driver.Blackhole && p.blackhole
}
