package exposure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel"
)

// scope is what a computation settles: the groups of one product, or of some
// operators, or only the rows of some vulnerabilities in them.
type scope struct {
	key             string
	orgs            []string // nil: all that have it
	vulnerabilities []string // nil: all
}

// Counts is what a computation did.
type Counts struct {
	Subjects int `json:"subjects"` // entries of registers that were put beside statements
	Verdicts int `json:"verdicts"` // verdicts given on them, not affected left out
	Rows     int `json:"rows"`     // exposures there are
	Found    int `json:"found"`
	Changed  int `json:"changed"`
	Ended    int `json:"ended"`
}

func (c *Counts) add(d Counts) {
	c.Subjects += d.Subjects
	c.Verdicts += d.Verdicts
	c.Rows += d.Rows
	c.Found += d.Found
	c.Changed += d.Changed
	c.Ended += d.Ended
}

// knowledge remembers what is known of vulnerabilities, by which name they go,
// and of operators, for the length of one computation.
type knowledge struct {
	s          *Service
	facts      map[string]Known
	named      map[string][]string
	ciphers    map[string]*key.Cipher
	dependents map[string]int
}

func (s *Service) knowledge() *knowledge {
	return &knowledge{s, map[string]Known{}, map[string][]string{}, map[string]*key.Cipher{}, map[string]int{}}
}

// operators learns of operators what is not known yet: their keys, and how many
// depend on them. One without a key is left without.
func (k *knowledge) operators(ctx context.Context, tx *db.Tx, orgs []string) error {
	var missing []string
	for _, o := range orgs {
		if _, ok := k.dependents[o]; !ok {
			missing = append(missing, o)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	some, err := loadDependents(ctx, tx, missing)
	if err != nil {
		return err
	}
	for _, o := range missing {
		c, err := k.s.Keys.For(ctx, tx, o)
		if err != nil && !errors.Is(err, db.ErrNoRows) {
			return err
		}
		k.ciphers[o], k.dependents[o] = c, max(0, some[o])
	}
	return nil
}

// names returns the ids by which a vulnerability goes on this hub: its CVE ids,
// of which an advisory may have several, else the source's own.
func (k *knowledge) names(ctx context.Context, tx *db.Tx, id string) ([]string, error) {
	if isCVE(id) {
		return []string{id}, nil
	}
	if n, ok := k.named[id]; ok {
		return n, nil
	}
	n := []string{id}
	v, err := k.s.Intel.Vulnerability(ctx, tx, id)
	switch {
	case errors.Is(err, intel.ErrNone):
	case err != nil:
		return nil, err
	case isCVE(v.ID):
		n = []string{v.ID}
	default:
		if known := slices.DeleteFunc(slices.Clone(v.Aliases), func(a string) bool { return !isCVE(a) }); len(known) > 0 {
			n = known
		}
	}
	k.named[id] = n
	return n, nil
}

func isCVE(id string) bool { return strings.HasPrefix(id, "CVE-") }

// learn loads the facts of vulnerabilities that are not known yet.
func (k *knowledge) learn(ctx context.Context, tx *db.Tx, ids []string) error {
	var missing, odd []string
	for _, id := range ids {
		if _, ok := k.facts[id]; !ok {
			k.facts[id] = Known{}
			if missing = append(missing, id); !isCVE(id) {
				odd = append(odd, id)
			}
		}
	}
	for part := range slices.Chunk(missing, 400) {
		found, err := k.s.Intel.Vulnerabilities(ctx, tx, part)
		if err != nil {
			return err
		}
		for id, v := range found {
			k.facts[id] = knownOf(&v)
		}
	}
	for _, id := range odd { // what other ids of the same say counts too
		v, err := k.s.Intel.Vulnerability(ctx, tx, id)
		if err == nil {
			k.facts[id] = knownOf(&v)
		} else if !errors.Is(err, intel.ErrNone) {
			return err
		}
	}
	seen, err := sightings(ctx, tx, missing)
	if err != nil {
		return err
	}
	for id, n := range seen {
		f := k.facts[id]
		f.Sighted = n
		k.facts[id] = f
	}
	return nil
}

func knownOf(v *intel.Vulnerability) Known {
	k := Known{Withdrawn: v.Withdrawn}
	if e := v.Exploited; e != nil {
		k.Exploited, k.Ransomware = true, e.Ransomware
	}
	if l := v.Likelihood; l != nil {
		k.Likelihood = l.Score
	}
	if d := v.Decision; d != nil {
		k.Automatable, k.Impact = d.Automatable, d.Impact
		switch d.Exploitation {
		case "active":
			k.Stated = Active
		case "poc":
			k.Stated = Conceivable
		}
	}
	if v.Severity != nil {
		k.Vector = v.Severity.Vector
	}
	return k
}

// indexAbout makes an index of all that is said of the equipment of a product.
func (s *Service) indexAbout(ctx context.Context, tx *db.Tx, k *knowledge, productKey string) (*product.Index, error) {
	keys, err := keysOf(ctx, tx, productKey)
	if err != nil {
		return nil, err
	}
	var b product.Builder
	var list []product.Statement
	if len(keys) > 0 {
		err = s.Intel.StatementsAbout(ctx, tx, keys, func(st product.Statement) error {
			list = append(list, st)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for i := range list { // after the query: a name may need another
		names, err := k.names(ctx, tx, list[i].Vulnerability)
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			one := list[i]
			one.Vulnerability = n
			b.Add(one)
		}
	}
	return b.Index(), nil
}

// lives returns what feeds say of the support of a product's release cycles.
func (s *Service) lives(ctx context.Context, tx *db.Tx, productKey string) (out []life, err error) {
	keys, err := keysOf(ctx, tx, productKey)
	if err != nil || len(keys) == 0 {
		return nil, err
	}
	list, err := s.Intel.LivesAbout(ctx, tx, keys)
	for _, l := range list {
		if l.Ends.IsZero() {
			continue
		}
		day := asset.DateOf(l.Ends)
		out = append(out, life{l.Cycle, day, Ground{Rule: "support_end", Source: string(l.Said.Kind), By: l.Said.By, Ref: l.Said.Ref, To: day.String()}})
	}
	return out, err
}

// indexOf makes an index of all that is said of some vulnerabilities, and
// returns every id they go by, or went by before.
func (s *Service) indexOf(ctx context.Context, tx *db.Tx, k *knowledge, ids []string) (*product.Index, []string, error) {
	var b product.Builder
	var now []string
	for _, id := range ids {
		names, err := k.names(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		now = append(now, names...)
	}
	slices.Sort(now)
	all := slices.Clone(ids)
	for _, id := range slices.Compact(now) {
		list, err := s.Intel.StatementsOf(ctx, tx, id)
		if err != nil {
			return nil, nil, err
		}
		for i := range list {
			list[i].Vulnerability = id
			b.Add(list[i])
		}
		all = append(all, id)
		v, err := s.Intel.Vulnerability(ctx, tx, id)
		if err != nil && !errors.Is(err, intel.ErrNone) {
			return nil, nil, err
		}
		for _, a := range v.Aliases { // before its CVE id was known it went by these
			if !isCVE(a) && isCVE(id) {
				all = append(all, a)
			}
		}
	}
	slices.Sort(all)
	return b.Index(), slices.Compact(all), nil
}

// collect reads the equipment of a scope into groups, and counts the subjects.
func (s *Service) collect(ctx context.Context, tx *db.Tx, key string, orgs []string, k *knowledge) (map[string]*group, int, error) {
	if err := k.operators(ctx, tx, orgs); err != nil {
		return nil, 0, err
	}
	out := make(map[string]*group, len(orgs))
	for _, o := range orgs {
		out[o] = &group{org: o, key: key}
	}
	n := 0
	variants := map[string]*variant{}
	var g *group
	var at map[string]int // holding of g by the bytes of its variant
	seal := func() {
		if g == nil {
			return
		}
		for rest, i := range at {
			g.holdings[i].seal([]byte(rest))
		}
		slices.SortFunc(g.holdings, func(a, b holding) int { return strings.Compare(a.items[0], b.items[0]) })
	}
	err := eachSubject(ctx, tx, key, orgs, func(st *stored) error {
		if g == nil || g.org != st.org {
			seal()
			g, at = out[st.org], map[string]int{}
			if g == nil { // nobody asked, or its group came meanwhile
				return nil
			}
		}
		c := k.ciphers[st.org]
		if c == nil {
			return fmt.Errorf("equipment %s: its operator has no key", st.item)
		}
		plain, err := c.Open(st.sealed, subjectName(st.item))
		if err != nil {
			return fmt.Errorf("equipment %s: %w", st.item, err)
		}
		q, rest, err := splitSubject(plain)
		if err != nil {
			return fmt.Errorf("equipment %s: %w", st.item, err)
		}
		n++
		i, ok := at[string(rest)]
		if !ok {
			v := variants[string(rest)]
			if v == nil {
				parsed, err := parseVariant(rest)
				if err != nil {
					return fmt.Errorf("equipment %s: %w", st.item, err)
				}
				v = &parsed
				variants[string(rest)] = v
			}
			i = len(g.holdings)
			at[string(rest)] = i
			g.holdings = append(g.holdings, holding{variant: v})
		}
		g.holdings[i].items = append(g.holdings[i].items, st.item)
		g.holdings[i].devices += q
		return nil
	})
	seal()
	return out, n, err
}

// result is what a computation says should stand, for one group.
type result struct {
	*group
	rows   []computed
	digest [2]uint64
	nextAt time.Time
}

// computeScope computes the rows of a scope and writes nothing.
func (s *Service) computeScope(ctx context.Context, tx *db.Tx, sc scope, index *product.Index, k *knowledge, orgs []string) (out []result, c Counts, err error) {
	groups, n, err := s.collect(ctx, tx, sc.key, orgs, k)
	if err != nil {
		return nil, c, err
	}
	c.Subjects = n
	m := newMatcher(index, sc.vulnerabilities)
	if m.lives, err = s.lives(ctx, tx, sc.key); err != nil {
		return nil, c, err
	}
	var ids []string
	for _, g := range groups {
		for i := range g.holdings {
			g.holdings[i].until(m.lives)
			for _, f := range m.of(g.holdings[i].ident) {
				ids = append(ids, f.vulnerability)
			}
		}
	}
	slices.Sort(ids)
	if err := k.learn(ctx, tx, slices.Compact(ids)); err != nil {
		return nil, c, err
	}
	m.count = 0
	r := s.rules()
	for _, o := range orgs {
		g := groups[o]
		g.dependents = k.dependents[o]
		res := result{group: g}
		res.rows, res.nextAt = g.compute(m, func(id string) Known { return k.facts[id] }, r)
		for i := range res.rows {
			res.digest = plus(res.digest, sumOf(res.rows[i].digest))
		}
		c.Rows += len(res.rows)
		out = append(out, res)
	}
	c.Verdicts = m.count
	return out, c, nil
}

// settle computes a scope and writes what differs. index holds what is said of
// the vulnerabilities of the scope; nil: all that is said of the product.
func (s *Service) settle(ctx context.Context, tx *db.Tx, sc scope, index *product.Index, k *knowledge) (c Counts, err error) {
	standing, err := loadGroups(ctx, tx, sc.key, sc.orgs, true)
	if err != nil || len(standing) == 0 {
		return c, err
	}
	orgs := make([]string, 0, len(standing))
	for o := range standing {
		orgs = append(orgs, o)
	}
	slices.Sort(orgs)
	if err := s.meet(ctx, tx, orgs); err != nil {
		return c, err
	}
	if index == nil {
		if index, err = s.indexAbout(ctx, tx, k, sc.key); err != nil {
			return c, err
		}
	}
	results, c, err := s.computeScope(ctx, tx, sc, index, k, orgs)
	if err != nil {
		return c, err
	}
	err = s.write(ctx, tx, sc, standing, results, k, &c)
	return c, err
}
