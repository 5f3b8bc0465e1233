package exposure

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"slices"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/engine/product"
)

// found is what the engine says of one ident and one vulnerability, as far as
// an exposure keeps it.
type found struct {
	vulnerability string
	verdict       product.Verdict
	certainty     product.Certainty
	because       []Ground
	hash          [8]byte
}

// matcher answers for idents of one product, each only once.
type matcher struct {
	index *product.Index
	lives []life
	memo  map[ident][]found
	only  map[string]bool // vulnerabilities asked for; nil: all
	count int             // verdicts given, those from memory included
}

func newMatcher(index *product.Index, only []string) *matcher {
	m := &matcher{index: index, memo: map[ident][]found{}}
	if only != nil {
		m.only = make(map[string]bool, len(only))
		for _, v := range only {
			m.only[v] = true
		}
	}
	return m
}

// of returns what is found of an ident: the affected and the unknown.
func (m *matcher) of(d ident) []found {
	got, ok := m.memo[d]
	if !ok {
		if d.name != "" || d.pkg != "" || d.text != "" {
			got = m.ask(d)
		}
		m.memo[d] = got
	}
	m.count += len(got)
	return got
}

func (m *matcher) ask(d ident) (out []found) {
	for f := range m.index.Concerned(d.subject()) {
		if f.Verdict == product.VerdictNotAffected || m.only != nil && !m.only[f.Vulnerability] {
			continue
		}
		one := found{vulnerability: f.Vulnerability, verdict: f.Verdict, certainty: f.Certainty, because: grounds(f.Because)}
		one.hash = one.sum()
		out = append(out, one)
	}
	return out
}

// grounds keeps the first steps of a proof.
func grounds(because []product.Reason) (out []Ground) {
	for i := range because {
		r := &because[i]
		g := Ground{Rule: string(r.Rule), Path: r.Path, Version: r.Version, Overruled: r.Overruled}
		if s := r.Statement; s != nil {
			g.Source, g.By, g.Ref = s.Source, s.By, s.Ref
		}
		if v := r.Range; v != nil {
			g.From, g.To, g.After, g.Through = v.From, v.To, v.FromExcluded, v.ToIncluded
		}
		if out = append(out, g); len(out) == maxGround {
			break
		}
	}
	return out
}

// sum tells two findings apart. Where a source says it (its reference, the path
// in it) is told on demand and may move without the exposure being another.
func (f *found) sum() (h [8]byte) {
	b := append([]byte(f.vulnerability), 0, byte(f.verdict), byte(f.certainty))
	for i := range f.because {
		g := &f.because[i]
		for _, s := range []string{g.Rule, g.Source, g.By, g.Version, g.From, g.To} {
			b = append(append(b, s...), 0)
		}
		flags := byte(0)
		for i, on := range [...]bool{g.After, g.Through, g.Overruled} {
			if on {
				flags |= 1 << i
			}
		}
		b = append(b, flags)
	}
	s := sha256.Sum256(b)
	copy(h[:], s[:])
	return h
}

// holding is equipment of one operator and one product that is alike.
type holding struct {
	*variant
	items   []string
	devices int
	end     asset.Date // of support: as the register says, else as feeds do; zero: nobody says
	ended   Ground     // who says so
	hash    [8]byte
}

// seal ends the collection of a holding's items.
func (h *holding) seal(raw []byte) {
	slices.Sort(h.items)
	s := sha256.New()
	s.Write(raw)
	s.Write(binary.AppendUvarint(nil, uint64(h.devices)))
	for _, id := range h.items {
		s.Write([]byte(id))
	}
	copy(h.hash[:], s.Sum(nil))
}

// Known is what matching needs to know of a vulnerability.
type Known struct {
	Exploited   bool // in a catalogue of exploited vulnerabilities
	Ransomware  bool
	Stated      Exploitation
	Automatable string
	Impact      string
	Likelihood  float64
	Vector      string
	Sighted     int  // own sightings of its use that everybody may know of
	Withdrawn   bool // by a source
	Described   bool // by a source that does not take it back
	Rejected    bool // by the CVE list, which counts alone
}

// over reports whether the vulnerability is none: everybody who describes it
// took it back, or the CVE list did.
func (k Known) over() bool { return k.Rejected || k.Withdrawn && !k.Described }

// attacked reports whether it is used in attacks.
func (k Known) attacked() bool { return k.Exploited || k.Sighted > 0 || k.Stated == Active }

// hit is a holding with what was found of it.
type hit struct {
	*holding
	*found
}

// computed is a row as it should stand.
type computed struct {
	vulnerability string
	verdict       product.Verdict
	certainty     product.Certainty
	entries       int
	devices       int
	exploited     bool
	decision      Decision
	digest        string
	hits          []hit
}

// group is all that one operator has of one product, and what rows depend on
// beside it.
type group struct {
	org        string
	key        string
	dependents int
	holdings   []holding
}

// compute returns the rows that a group should have. facts has to know every
// vulnerability the matcher finds for its holdings.
func (g *group) compute(m *matcher, facts func(id string) Known, r *rules) (rows []computed, nextAt time.Time) {
	by := map[string][]hit{}
	var order []string
	for i := range g.holdings {
		h := &g.holdings[i]
		list := m.of(h.ident)
		for j := range list {
			f := &list[j]
			if by[f.vulnerability] == nil {
				order = append(order, f.vulnerability)
			}
			by[f.vulnerability] = append(by[f.vulnerability], hit{h, f})
		}
	}
	rows = make([]computed, 0, len(order))
	for _, v := range order {
		k := facts(v)
		if k.over() {
			continue
		}
		rows = append(rows, r.row(v, k, by[v], g.dependents))
	}
	if m.only == nil || m.only[SupportEnd] {
		var row *computed
		if row, nextAt = r.support(g); row != nil {
			rows = append(rows, *row)
		}
	}
	return rows, nextAt
}

// rules are what decisions depend on besides facts.
type rules struct {
	Thresholds
	today asset.Date
}

// row puts the hits of one vulnerability together.
func (r *rules) row(v string, k Known, hits []hit, dependents int) computed {
	c := computed{vulnerability: v, exploited: k.attacked(), hits: hits}
	worst := hits[0]
	for _, h := range hits[1:] {
		if worse(h.found, worst.found) {
			worst = h
		}
	}
	c.verdict, c.certainty = worst.verdict, worst.certainty
	for _, h := range hits {
		if h.verdict == c.verdict {
			c.entries += len(h.items)
			c.devices += h.devices
		}
	}
	// What is certain and what is not are decided apart: an uncertain piece on
	// the internet must neither hide behind a certain one inside nor lend it its
	// place.
	first := true
	for _, class := range classes {
		f := Facts{Known: k.Exploited, Ransomware: k.Ransomware, Sighted: k.Sighted, Stated: k.Stated, Likelihood: k.Likelihood, Automatable: k.Automatable, Impact: k.Impact, Vector: k.Vector, Dependents: dependents}
		if !f.gather(hits, class, r.today) {
			continue
		}
		if d := Decide(f, r.Thresholds); first || d.Priority > c.decision.Priority {
			c.decision, first = d, false
		}
	}
	c.sum()
	return c
}

// class is equipment of which one finding has the same weight.
type class struct {
	verdict   product.Verdict
	certainty product.Certainty
	proposed  bool
}

var classes = []class{
	{product.VerdictAffected, product.Exact, false}, {product.VerdictAffected, product.VersionUnknown, false}, {product.VerdictAffected, product.PlatformOnly, false},
	{product.Unknown, product.Exact, false}, {product.Unknown, product.VersionUnknown, false}, {product.Unknown, product.PlatformOnly, false},
	{product.VerdictAffected, product.Exact, true}, {product.VerdictAffected, product.VersionUnknown, true}, {product.VerdictAffected, product.PlatformOnly, true},
	{product.Unknown, product.Exact, true}, {product.Unknown, product.VersionUnknown, true}, {product.Unknown, product.PlatformOnly, true},
}

// gather takes the facts of the equipment in a class; false when there is none.
func (f *Facts) gather(hits []hit, c class, today asset.Date) bool {
	f.Verdict, f.Certainty, f.Proposed = c.verdict, c.certainty, c.proposed
	some, unplaced := false, false
	for _, h := range hits {
		if h.verdict != c.verdict || h.certainty != c.certainty || (h.identity == product.Proposed) != c.proposed {
			continue
		}
		if h.zone == "" {
			unplaced = true
			f.Edge = f.Edge || h.edge
		}
		f.add(h.holding, !some)
		if !h.end.IsZero() && h.end.Before(today) {
			f.Ended = true
		}
		some = true
	}
	if f.Zone != "internet" && unplaced && f.Edge { // nobody said, and it may well be the worst
		f.Zone = ""
	}
	return some
}

// add takes what one holding adds to the facts.
func (f *Facts) add(h *holding, first bool) {
	if first || zoneRank(h.zone) > zoneRank(f.Zone) {
		f.Zone = h.zone
	}
	f.Control = f.Control || h.control
	f.Essential = f.Essential || h.essential
	f.Devices += h.devices
}

// zoneRank orders zones by how exposed they are; not said counts as inside.
func zoneRank(z string) int {
	switch z {
	case "internet":
		return 5
	case "dmz":
		return 4
	case "":
		return 3
	case "internal":
		return 2
	case "ot":
		return 1
	}
	return 0
}

// worse reports whether a weighs more than b.
func worse(a, b *found) bool {
	if a.verdict != b.verdict {
		return a.verdict == product.VerdictAffected
	}
	return a.certainty < b.certainty
}

// sum makes the digest of a row: two rows with the same are the same.
func (c *computed) sum() {
	b := append([]byte(c.vulnerability), 0, byte(c.verdict), byte(c.certainty), byte(c.decision.Priority))
	if c.exploited {
		b = append(b, 1)
	}
	for _, r := range c.decision.Reasons {
		b = binary.AppendVarint(append(append(b, r.Code...), 0), int64(r.N))
	}
	// Holdings come in the order of the register's ids, which a change of one
	// piece moves; the row is the same whatever the order.
	var all [2]uint64
	for _, h := range c.hits {
		s := sha256.Sum256(append(append(h.holding.hash[:], h.found.hash[:]...), h.end.String()...)) // its end may be a feed's word
		all = plus(all, [2]uint64{binary.BigEndian.Uint64(s[:]), binary.BigEndian.Uint64(s[8:])})
	}
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, all[0]), all[1])
	s := sha256.Sum256(b)
	c.digest = hex.EncodeToString(s[:16])
}

// What a rank is made of, from its highest bits.
const (
	rankPriority  = 1 << 20
	rankExploited = 1 << 19
	rankAffected  = 1 << 18
)

// rankOf orders rows by what to do next: the priority, then what is attacked,
// then what is certain, then how much of it there is.
func rankOf(p Priority, exploited bool, v product.Verdict, devices int) int64 {
	r := int64(p) * rankPriority
	if exploited {
		r |= rankExploited
	}
	if v == product.VerdictAffected {
		r |= rankAffected
	}
	return r | int64(min(devices, rankAffected-1))
}

// ranksOf returns from where to before where the ranks of a priority go.
func ranksOf(p Priority) (low, high int64) {
	return int64(p) * rankPriority, (int64(p) + 1) * rankPriority
}

// plus adds numbers of 128 bits. The digest of a group is the sum over its
// rows: rows can be changed one by one, and no order matters.
func plus(a, b [2]uint64) [2]uint64 {
	lo, carry := bits.Add64(a[1], b[1], 0)
	hi, _ := bits.Add64(a[0], b[0], carry)
	return [2]uint64{hi, lo}
}

func minus(a, b [2]uint64) [2]uint64 {
	lo, borrow := bits.Sub64(a[1], b[1], 0)
	hi, _ := bits.Sub64(a[0], b[0], borrow)
	return [2]uint64{hi, lo}
}

// sumOf reads a digest; an empty one is zero.
func sumOf(digest string) (s [2]uint64) {
	if b, err := hex.DecodeString(digest); err == nil && len(b) == 16 {
		s[0], s[1] = binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])
	}
	return s
}

func digestOf(s [2]uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, s[0]), s[1]))
}

// detail writes out what is sealed of a row; operated narrows it to what one
// contractor operates.
func (c *computed) detail(d Decision) Detail {
	out := Detail{Reasons: d.Reasons}
	hits := slices.Clone(c.hits)
	slices.SortStableFunc(hits, func(a, b hit) int {
		if worse(a.found, b.found) {
			return -1
		}
		if worse(b.found, a.found) {
			return 1
		}
		return cmp.Or(zoneRank(b.zone)-zoneRank(a.zone), cmp.Compare(a.version, b.version))
	})
	for _, h := range hits {
		if len(out.Lines) == MaxLines {
			out.More++
			continue
		}
		out.Lines = append(out.Lines, Line{
			Items: h.items[:min(len(h.items), MaxItems)], Entries: len(h.items), Devices: h.devices, Version: h.version, Zone: h.zone, Operated: h.operated,
			Essential: h.essential, Verdict: h.verdict.String(), Certainty: h.certainty.String(), Identity: identityNames[h.identity], Ends: h.end.String(), Because: h.because,
		})
	}
	return out
}

var identityNames = [...]string{product.Given: "given", product.Confirmed: "confirmed", product.Equal: "equal", product.Proposed: "proposed"}

// parts splits a row by the contractors that operate some of it: each is the
// row of that equipment alone, without what only its operator knows.
func (c *computed) parts(k Known, r *rules) map[string]computed {
	by := map[string][]hit{}
	for _, h := range c.hits {
		if h.operated != "" {
			by[h.operated] = append(by[h.operated], h)
		}
	}
	out := make(map[string]computed, len(by))
	for operated, hits := range by {
		if c.vulnerability == SupportEnd {
			out[operated] = r.supportRow(hits, 0)
			continue
		}
		out[operated] = r.row(c.vulnerability, k, hits, 0)
	}
	return out
}
