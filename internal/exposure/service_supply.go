package exposure

import (
	"context"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
)

// Bounds of the supply graph.
const (
	maxTiers = 3
	maxChain = 2000 // organisations in one chain
)

// Link is an organisation in a supply chain.
type Link struct {
	Org  string `json:"org"`
	Name string `json:"name,omitempty"`
	Tier int    `json:"tier"` // 1: directly
	Via  string `json:"via"`  // the organisation one tier nearer
	Kind string `json:"kind"` // supplier or contractor: what the nearer side of the link, or this one, delivers
}

// chain walks confirmed ties from an organisation: with customers to those who
// depend on it, else to those on whom it depends; at most three tiers, each
// organisation once, the nearest tier first. Ties may run in a circle.
func (s *Service) chain(ctx context.Context, tx *db.Tx, id string, customers bool) (out []Link, err error) {
	seen := map[string]bool{id: true}
	tier := []string{id}
	for n := 1; n <= maxTiers && len(tier) > 0; n++ {
		var next []string
		for _, from := range tier {
			for _, kind := range org.TieKinds {
				ids, err := s.Orgs.Tied(ctx, tx, org.ID(from), kind, customers)
				if err != nil {
					return nil, err
				}
				for _, o := range ids {
					if seen[string(o)] {
						continue
					}
					if seen[string(o)] = true; len(out) == maxChain {
						return out, nil
					}
					out = append(out, Link{Org: string(o), Tier: n, Via: from, Kind: string(kind)})
					next = append(next, string(o))
				}
			}
		}
		slices.Sort(next)
		tier = next
	}
	return out, nil
}

// Chain is who depends on an organisation, and on whom it depends. An operator
// sees its own direct ties, which it confirmed itself, and of those further
// away only how many there are in each tier: who supplies whom is theirs to
// tell.
type Chain struct {
	Dependents []Link         `json:"dependents"`
	Suppliers  []Link         `json:"suppliers"`
	Further    map[string]int `json:"further,omitempty"` // "dependents/2": 5
}

// Supply returns the supply chain of an organisation: one's own, or for the
// national office any. Fault: org.gone.
func (s *Service) Supply(ctx context.Context, id string) (c Chain, err error) {
	err = s.read(ctx, "exposure.supply", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if id == "" {
			id = who.Org
		}
		if reach == gate.Own && id != who.Org {
			return ErrNone
		}
		if _, err := s.Orgs.Load(ctx, tx, org.ID(id)); err != nil {
			return ErrNone
		}
		if c.Dependents, err = s.chain(ctx, tx, id, true); err != nil {
			return err
		}
		if c.Suppliers, err = s.chain(ctx, tx, id, false); err != nil {
			return err
		}
		if reach == gate.Own {
			c.near()
		}
		var ids []string
		for _, l := range slices.Concat(c.Dependents, c.Suppliers) {
			ids = append(ids, l.Org)
		}
		names, err := s.Orgs.NamesFor(ctx, tx, who, ids...)
		for _, list := range [][]Link{c.Dependents, c.Suppliers} {
			for i := range list {
				list[i].Name = names[list[i].Org]
			}
		}
		return err
	})
	return c, err
}

// near leaves the direct ties, and counts the others.
func (c *Chain) near() {
	c.Further = map[string]int{}
	for name, list := range map[string]*[]Link{"dependents": &c.Dependents, "suppliers": &c.Suppliers} {
		*list = slices.DeleteFunc(*list, func(l Link) bool {
			if l.Tier > 1 {
				c.Further[name+"/"+string(rune('0'+l.Tier))]++
			}
			return l.Tier > 1
		})
	}
}

// tied follows org.tied: whoever stands up the chain of either side has other
// dependents now.
func (s *Service) tied(ctx context.Context, tx *db.Tx, ids ...string) error {
	concerned := slices.Clone(ids)
	for _, id := range ids {
		up, err := s.chain(ctx, tx, id, false)
		if err != nil {
			return err
		}
		for _, l := range up {
			concerned = append(concerned, l.Org)
		}
	}
	slices.Sort(concerned)
	for _, id := range slices.Compact(concerned) {
		changed, err := s.learnOrg(ctx, tx, id)
		if err != nil {
			return err
		}
		if changed {
			if err := s.again(ctx, tx, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// again has all rows of an operator computed again, in steps.
func (s *Service) again(ctx context.Context, tx *db.Tx, operator string) error {
	if err := markAll(ctx, tx, operator); err != nil {
		return err
	}
	return publishDue(ctx, tx, due{Org: operator})
}

func gone(err error) bool { return fault.KindOf(err) == fault.NotFound }
