package act

import (
	"bytes"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/selector"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/measure/act/names"
)

// mostTargets bounds a list, whatever the numbers say.
const mostTargets = 1_000_000

// maxWarned bounds the warned targets that are named.
const maxWarned = 100

// byName reports whether targets of a kind are names.
func byName(k driver.Kind) bool { return k == driver.Sinkhole || k == driver.Proxy }

// toOwn reports whether what a kind holds back goes to one's own networks: routers
// discard only for those who own the destination.
func toOwn(k driver.Kind) bool { return k == driver.FlowSpec || k == driver.Blackhole }

// list puts targets into the one form that is signed: one a line, sorted, each
// once. Faults stand at the target's place.
func list(k driver.Kind, targets []string, n *Numbers) (out []string, bad mistakes) {
	if len(targets) == 0 {
		bad.add("targets", "act.bad.empty")
	}
	if len(targets) > n.MostTargets.Value {
		bad.add("targets", "act.bad.many", "max", n.MostTargets.Value)
		return nil, bad
	}
	out = make([]string, 0, len(targets))
	for i, raw := range targets {
		t, err := target(k, raw, n)
		if err != nil {
			if bad.at("targets", i, err); len(bad) >= maxPlaces {
				break
			}
			continue
		}
		out = append(out, t)
	}
	slices.Sort(out)
	return slices.Compact(out), bad
}

// target is one name or prefix in its one form.
func target(k driver.Kind, raw string, n *Numbers) (string, error) {
	if byName(k) {
		return names.Parse(raw)
	}
	p, err := prefix(raw, n)
	return p.String(), err
}

// prefix reads an address or a prefix. What is shorter than the floor, and the
// whole network above all, is refused.
func prefix(raw string, n *Numbers) (netip.Prefix, error) {
	raw = strings.TrimSpace(raw)
	p, err := netip.ParsePrefix(raw)
	if a, e := netip.ParseAddr(raw); err != nil && e == nil && a.Zone() == "" {
		p, err = netip.PrefixFrom(a.Unmap(), a.Unmap().BitLen()), nil
	}
	if err != nil || p.Addr().Is4In6() {
		return p, fault.New(fault.Invalid, "act.bad.prefix", "value", short(raw))
	}
	floor := n.Shortest4.Value
	if p.Addr().Is6() {
		floor = n.Shortest6.Value
	}
	if p.Bits() < floor {
		return p, fault.New(fault.Invalid, "act.bad.wide", "value", p.String(), "bits", floor)
	}
	if four, ok := driver.Embedded(p); ok && four.Bits() < n.Shortest4.Value {
		return p, fault.New(fault.Invalid, "act.bad.wide", "value", p.String(), "bits", 96+n.Shortest4.Value)
	}
	if p != p.Masked() {
		return p, fault.New(fault.Invalid, "act.bad.host_bits", "value", p.String(), "prefix", p.Masked().String())
	}
	return p, nil
}

// plain is what equipment said, of so many characters at most, without what would
// steer a terminal or turn the direction of reading.
func plain(s string, most int) string {
	r := []rune(strings.TrimSpace(strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))))
	if len(r) > most {
		return string(r[:most]) + "…"
	}
	return string(r)
}

// reasonCode is a code that equipment gave as a reason. The ledger says it in
// clear, so that words do not pass.
func reasonCode(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_.") == "" {
		return s
	}
	return "other"
}

// short cuts what somebody wrote to what an error can show.
func short(s string) string {
	if r := []rune(strings.ToValidUTF8(s, "�")); len(r) > 80 {
		return string(r[:80]) + "…"
	} else {
		return string(r)
	}
}

// encodeList is the list as its digest covers it.
func encodeList(list []string) []byte {
	var b bytes.Buffer
	for _, t := range list {
		b.WriteString(t)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Rules are the rules of a task, from the list that its digest names, until an
// instant. ErrChanged when the list is another.
func (t Task) Rules(raw []byte, until time.Time) ([]driver.Rule, error) {
	if digestOf(raw) != t.Targets {
		return nil, ErrChanged
	}
	until = until.UTC().Truncate(time.Second)
	rules := make([]driver.Rule, 0, t.Count)
	for line := range bytes.Lines(raw) {
		value := string(bytes.TrimSuffix(line, []byte{'\n'}))
		r := driver.Rule{Order: t.Order, Kind: t.Kind, Proto: t.Protocol, Port: t.Port, Until: until}
		if byName(t.Kind) {
			r.Name, r.Below, r.Answer = value, t.Below, t.Answer
		} else {
			p, err := netip.ParsePrefix(value)
			if err != nil {
				return nil, ErrChanged.Because(err)
			}
			if r.To, r.From = p, t.Other; t.Sources {
				r.To, r.From = t.Other, p
			}
		}
		rules = append(rules, r)
	}
	if len(rules) != t.Count {
		return nil, ErrChanged
	}
	return rules, nil
}

// warned finds the targets that a warning list names, the first hundred, and how
// many there are. The lists are those of selection.
func warned(k driver.Kind, below bool, targets []string) (some []Warned, n int) {
	facts := selector.BuiltIn()
	for _, t := range targets {
		kind := selector.Prefix
		if byName(k) {
			if kind = selector.Domain; below {
				kind = selector.Suffix
			}
		} else if p, err := netip.ParsePrefix(t); err == nil && p.IsSingleIP() {
			kind, t = selector.Address, p.Addr().String()
		}
		found, err := facts.Check(kind, t)
		if four, ok := embedded(k, t); ok && (err != nil || found == "") {
			found, err = facts.Check(selector.Prefix, four)
		}
		if err != nil || found == "" {
			continue // what no selector can be meets no list of selectors
		}
		if n++; len(some) < maxWarned {
			some = append(some, Warned{t, found})
		}
	}
	return some, n
}

// embedded is the IPv4 prefix that a target reaches through a translator.
func embedded(k driver.Kind, target string) (string, bool) {
	if byName(k) {
		return "", false
	}
	p, err := netip.ParsePrefix(target)
	if a, e := netip.ParseAddr(target); err != nil && e == nil {
		p = netip.PrefixFrom(a, a.BitLen())
	}
	four, ok := driver.Embedded(p)
	return four.String(), ok
}

// ownTargets refuses targets in one's own networks, or, of what only an owner may
// discard, destinations outside them.
func ownTargets(t *Task, targets []string, nets []netip.Prefix, bad *mistakes) {
	if byName(t.Kind) || len(nets) == 0 && !toOwn(t.Kind) {
		return
	}
	if t.Sources {
		bad.destination("other", t.Other, nets, toOwn(t.Kind))
	}
	for i, raw := range targets {
		p := netip.MustParsePrefix(raw) // list made it
		four, _ := driver.Embedded(p)
		switch hits := slices.ContainsFunc(nets, p.Overlaps) || slices.ContainsFunc(nets, four.Overlaps); {
		case len(*bad) >= maxPlaces:
			return
		case toOwn(t.Kind) && !t.Sources:
			bad.destination("targets", p, nets, true)
		case hits:
			bad.at("targets", i, fault.New(fault.Invalid, "act.bad.own", "value", raw))
		}
	}
}

// destination refuses a destination that has to be one's own and is not.
func (m *mistakes) destination(at string, p netip.Prefix, nets []netip.Prefix, must bool) {
	inside := func(n netip.Prefix) bool { return n.Bits() <= p.Bits() && n.Contains(p.Addr()) }
	if must && (!p.IsValid() || !slices.ContainsFunc(nets, inside)) {
		m.add(at, "act.bad.not_own", "value", p.String())
	}
}

// lines are the targets of a list.
func lines(raw []byte) []string {
	return strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
}
