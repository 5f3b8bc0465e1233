package product

import (
	"sort"
	"strings"

	"noroshi/internal/engine/product/cpe"
	"noroshi/internal/engine/product/version"
)

// The slow twin of Match: it looks at every line of every statement, keeps
// nothing, and says each rule once, in the words of the documentation.

type slowVerdict struct {
	Verdict   Verdict
	Certainty Certainty
}

// A slowClaim is a line about the subject with the conditions it stands under.
type slowClaim struct {
	line       *Line
	own        level
	conditions level
}

func (c slowClaim) level() level {
	if c.own == no {
		return no
	}
	return min(c.own, c.conditions)
}

// matchSlow returns the verdicts on a subject, by vulnerability.
func matchSlow(statements []Statement, s Subject) map[string]slowVerdict {
	by := map[string][]slowOpinion{}
	for i := range statements {
		if o, ok := slowStatement(&statements[i], s); ok {
			by[statements[i].Vulnerability] = append(by[statements[i].Vulnerability], o)
		}
	}
	out := map[string]slowVerdict{}
	for id, os := range by {
		v := slowFold(os)
		if v.Verdict == VerdictAffected && (s.Identity == Proposed || s.Name.Vendor == cpe.Any && names(s.Name.Product)) {
			v.Verdict = Unknown
		}
		out[id] = v
	}
	return out
}

type slowOpinion struct {
	slowVerdict
	rank int
	at   int64
	kind string // firm, soft, looking
}

func slowFold(os []slowOpinion) slowVerdict {
	gravity := map[Verdict]int{VerdictAffected: 0, Unknown: 1, VerdictNotAffected: 2}
	sort.SliceStable(os, func(i, j int) bool {
		a, b := os[i], os[j]
		if a.rank != b.rank {
			return a.rank < b.rank
		}
		if a.at != b.at {
			return a.at > b.at
		}
		return gravity[a.Verdict] < gravity[b.Verdict]
	})
	for i, o := range os {
		if o.kind != "firm" {
			continue
		}
		for _, before := range os[:i] {
			if before.kind == "looking" && o.Verdict != VerdictAffected {
				return before.slowVerdict
			}
		}
		// A maker who is looking still gives way to a later "affected".
		return o.slowVerdict
	}
	for _, o := range os {
		if o.kind == "looking" {
			return o.slowVerdict
		}
	}
	return os[0].slowVerdict
}

func slowStatement(st *Statement, s Subject) (slowOpinion, bool) {
	var claims []slowClaim
	platform := false
	var visit func(n *Node, conditions level, hidden bool)
	visit = func(n *Node, conditions level, hidden bool) {
		hidden = hidden || n.Negate
		for i := range n.Lines {
			l := &n.Lines[i]
			under := min(conditions, slowOthers(n, i, -1, s))
			own, named := slowSelf(l, s)
			switch {
			case !named || hidden:
			case l.Platform:
				platform = platform || own > no
			default:
				claims = append(claims, slowClaim{l, own, under})
			}
		}
		for i := range n.Children {
			visit(&n.Children[i], min(conditions, slowOthers(n, -1, i, s)), hidden)
		}
	}
	visit(&st.Root, yes, false)
	o := slowOpinion{rank: slowRank(st, s), at: st.At.UnixMicro(), kind: "firm"}
	if len(claims) == 0 {
		o.kind = "soft"
		o.slowVerdict = slowVerdict{VerdictNotAffected, PlatformOnly}
		if s.Name.Part == "h" && slowFirmware(&st.Root, s.Name.Vendor) {
			o.Verdict = Unknown
		}
		return o, platform
	}
	o.slowVerdict, o.kind = slowWeigh(claims, s)
	return o, true
}

// slowFirmware looks for an operating system of a vendor.
func slowFirmware(n *Node, vendor cpe.Value) bool {
	for _, l := range n.Lines {
		if !l.Platform && l.Name.Part == "o" && l.Name.Vendor == vendor {
			return true
		}
	}
	for i := range n.Children {
		if slowFirmware(&n.Children[i], vendor) {
			return true
		}
	}
	return false
}

func slowWeigh(claims []slowClaim, s Subject) (slowVerdict, string) {
	closeness := func(l *Line) int {
		switch {
		case len(l.Versions) > 0 || l.Unread == "" && len(l.Ranges) == 0 && l.Name.Version != cpe.Any && l.Name.Version != cpe.NA:
			return 3
		case l.Unread != "":
			return 2
		case len(l.Ranges) == 0:
			return 1
		}
		for _, r := range l.Ranges {
			if (r.From == "" || r.From == "0" || r.From == "*" || r.From == "-") && (r.To == "" || r.To == "*" || r.To == "-") {
				return 1
			}
		}
		return 2
	}
	sort.SliceStable(claims, func(i, j int) bool { return closeness(claims[i].line) > closeness(claims[j].line) })
	// Up to the first that holds: what holds, what holds if a platform is
	// there, what may hold.
	var holds, ifThere, may *slowClaim
	for i := range claims {
		c := &claims[i]
		switch c.level() {
		case yes:
			holds = c
		case likely:
			if ifThere == nil || ifThere.line.Status != Affected && c.line.Status == Affected {
				ifThere = c
			}
		case unsure:
			if may == nil {
				may = c
			}
		}
		if holds != nil {
			break
		}
	}
	affected := slowVerdict{VerdictAffected, Exact}
	if holds != nil {
		switch {
		case ifThere != nil && ifThere.line.Status == Affected && holds.line.Status != Affected:
			return affected, "firm"
		case may != nil && may.line.Status.verdict() != holds.line.Status.verdict():
			return slowVerdict{Unknown, VersionUnknown}, "firm"
		case holds.line.Status == Investigating:
			return slowVerdict{Unknown, Exact}, "looking"
		case holds.line.Status == StatusUnknown:
			return slowVerdict{Unknown, Exact}, "soft"
		}
		return slowVerdict{holds.line.Status.verdict(), Exact}, "firm"
	}
	if ifThere != nil && ifThere.line.Status == Affected &&
		(may == nil || may.line.Status == Affected || closeness(may.line) <= closeness(ifThere.line)) {
		return affected, "firm"
	}
	if may != nil {
		kind := "firm"
		if may.own == unsure && slowUnordered(may.line, s) {
			kind = "soft"
		}
		return slowVerdict{Unknown, VersionUnknown}, kind
	}
	if ifThere != nil {
		return slowVerdict{Unknown, Exact}, "soft"
	}
	for _, c := range claims {
		if c.line.Status == Affected {
			return slowVerdict{VerdictNotAffected, Exact}, "firm"
		}
	}
	return slowVerdict{Unknown, Exact}, "soft"
}

// slowUnordered: the version is there, and it is its order that is not known.
func slowUnordered(l *Line, s Subject) bool {
	base := slowBase(l.Name.Product == s.Name.Product && l.Name.Product != cpe.Any, s)
	if base == "" || l.Name.Version == cpe.NA && len(l.Ranges)+len(l.Versions)+len(l.Unread) == 0 {
		return false
	}
	if len(l.Ranges)+len(l.Versions)+len(l.Unread) > 0 {
		return true
	}
	return l.Name.Version.Set() && !l.Name.Version.Wild() && !version.Same(schemeOf(l), base, l.Name.Version.Text())
}

// slowOthers is how far the other parts of an And node hold.
func slowOthers(n *Node, line, child int, s Subject) level {
	all := yes
	if n.Op != And {
		return all
	}
	for i := range n.Lines {
		if i != line {
			all = min(all, slowHoldsLine(&n.Lines[i], s))
		}
	}
	for i := range n.Children {
		if i != child {
			all = min(all, slowHolds(&n.Children[i], s))
		}
	}
	return all
}

func slowHolds(n *Node, s Subject) level {
	var parts []level
	for i := range n.Lines {
		parts = append(parts, slowHoldsLine(&n.Lines[i], s))
	}
	for i := range n.Children {
		parts = append(parts, slowHolds(&n.Children[i], s))
	}
	all := no
	if n.Op == And {
		all = yes
	}
	for _, p := range parts {
		if n.Op == And {
			all = min(all, p)
		} else {
			all = max(all, p)
		}
	}
	if n.Negate && all == yes {
		return no
	}
	if n.Negate && all == no {
		return yes
	}
	return all
}

// slowHoldsLine: is what the line names on the machine?
func slowHoldsLine(l *Line, s Subject) level {
	own, named := slowSelf(l, s)
	if named {
		for _, p := range s.Platforms {
			if got, same := slowSelf(l, Subject{Name: p}); same && names(p.Vendor) && got == yes {
				return yes
			}
		}
		return own
	}
	out := likely
	for _, p := range s.Platforms {
		if got, same := slowSelf(l, Subject{Name: p}); same && names(p.Vendor) { // without a vendor it is nothing
			if got == yes {
				return yes
			}
			if got == no {
				out = no
			}
			continue
		}
		if family(&l.Name, &p) {
			return yes
		}
		if rules(&l.Name, &p) {
			out = no
		}
	}
	return out
}

// slowSelf compares a line with the subject; named is false when they are of
// different products.
func slowSelf(l *Line, s Subject) (own level, named bool) {
	byName := false
	plain := func(v cpe.Value) bool { return v != cpe.Any && v != cpe.NA && strings.Trim(string(v), "*?") != "" }
	if plain(l.Name.Vendor) && plain(l.Name.Product) && l.Name.Product == s.Name.Product {
		byName = (l.Name.Vendor == s.Name.Vendor || s.Name.Vendor == cpe.Any) && (slowPart(l.Name.Part, s.Name.Part) || s.Name.Part == cpe.Any)
	}
	byPackage := !byName && l.Package != "" && packageKey(l.Package) == packageKey(s.Package)
	if !byName && !byPackage {
		return unnamed, false
	}
	if byName && !slowEdition(l, s) {
		return no, true
	}
	base, update := slowBase(byName, s), ""
	if byName && s.Name.Update.Set() {
		update = s.Name.Update.Text()
	}
	noVersion := byName && base == "" && s.Name.Version == cpe.NA
	return slowVersion(l, base, update, byName && s.Name.Update == cpe.NA, noVersion), true
}

// slowBase: the version as lines compare it that share the name, or the package.
func slowBase(byName bool, s Subject) string {
	name := ""
	if s.Name.Version.Set() {
		name = s.Name.Version.Text()
	}
	order := []string{packageVersion(s.Package), s.Version, name}
	if byName {
		order = []string{name, s.Version, packageVersion(s.Package)}
	}
	for _, v := range order {
		if v != "" {
			return v
		}
	}
	return ""
}

func slowEdition(l *Line, s Subject) bool {
	said := []cpe.Value{l.Name.Edition, l.Name.Language, l.Name.SWEdition, l.Name.TargetSW, l.Name.TargetHW, l.Name.Others}
	is := []cpe.Value{s.Name.Edition, s.Name.Language, s.Name.SWEdition, s.Name.TargetSW, s.Name.TargetHW, s.Name.Others}
	for i := range said {
		if said[i] == cpe.Any || is[i] == cpe.Any || said[i] == is[i] {
			continue
		}
		if r := cpe.CompareValue(said[i], is[i]); r != cpe.Equal && r != cpe.Superset {
			return false
		}
	}
	return true
}

func slowVersion(l *Line, base, update string, bare, noVersion bool) level {
	full := base
	if update != "" {
		full = version.Join(base, update)
	}
	scheme := schemeOf(l)
	if len(l.Ranges)+len(l.Versions)+len(l.Unread) > 0 {
		for _, r := range l.Ranges {
			if in, known := r.Contains(scheme, "1"); strings.Trim(r.From, "0*-") == "" && strings.Trim(r.To, "*-") == "" && in && known {
				return yes
			}
		}
		if base == "" {
			return unsure
		}
		known := l.Unread == ""
		for _, v := range l.Versions {
			if version.Same(scheme, full, v) {
				return yes
			}
			_, ok := version.Compare(scheme, full, v)
			known = known && ok
		}
		for _, r := range l.Ranges {
			in, ok := r.Contains(scheme, full)
			if in && ok {
				return yes
			}
			known = known && ok
		}
		if known {
			return no
		}
		return unsure
	}
	said, upd := l.Name.Version, l.Name.Update
	if said == cpe.Any && !upd.Set() {
		return yes
	}
	if said == cpe.NA {
		switch {
		case l.Platform || l.Name.Part == "h" || noVersion:
			return yes
		case base == "":
			return unsure
		}
		return no
	}
	if base == "" {
		return unsure
	}
	updates := func() level {
		switch {
		case upd == cpe.Any:
			return yes
		case upd == cpe.NA && update == "":
			return yes
		case upd == cpe.NA || bare:
			return no
		case update == "":
			return unsure
		}
		if r := cpe.CompareValue(upd, cpe.Make(update)); r == cpe.Equal || r == cpe.Superset {
			return yes
		}
		return no
	}
	switch {
	case said == cpe.Any:
		return updates()
	case said.Wild():
		if r := cpe.CompareValue(said, cpe.Make(base)); r == cpe.Superset || r == cpe.Equal {
			return updates()
		}
		return no
	}
	whole := said.Text()
	if upd.Set() {
		whole = version.Join(whole, upd.Text())
	}
	if version.Same(scheme, full, whole) && !(upd == cpe.NA && update != "") {
		return yes
	}
	if version.Same(scheme, base, said.Text()) {
		return updates()
	}
	_, ok1 := version.Compare(scheme, full, whole)
	_, ok2 := version.Compare(scheme, base, said.Text())
	if ok1 && ok2 {
		return no
	}
	return unsure
}

// slowRank: the maker, the assigner, the coordinator, NVD, the others; as near
// as the nearest of the lines that say something. A package has no maker.
func slowRank(st *Statement, s Subject) int {
	best := [2]int{9, 9} // of lines that are vulnerable, of platforms
	var visit func(n *Node)
	visit = func(n *Node) {
		if n.Negate {
			return
		}
		for i := range n.Lines {
			l := &n.Lines[i]
			if _, named := slowSelf(l, s); !named {
				continue
			}
			vendor, of := l.Name.Vendor, 0
			if l.Name.Product != s.Name.Product || !slowPart(l.Name.Part, s.Name.Part) || s.Name.Vendor != cpe.Any && l.Name.Vendor != s.Name.Vendor {
				vendor = cpe.Any
			}
			if l.Platform {
				of = 1
			}
			best[of] = min(best[of], int(rankOf(st, vendor)))
		}
		for i := range n.Children {
			visit(&n.Children[i])
		}
	}
	visit(&st.Root)
	if best[0] < 9 {
		return best[0]
	}
	return best[1]
}

// slowPart reports whether two parts can mean one product: programs and
// operating systems are not told apart.
func slowPart(a, b cpe.Value) bool {
	soft := func(p cpe.Value) bool { return p == "a" || p == "o" }
	return a == b || soft(a) && soft(b)
}
