package exposure

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
)

// Bounds of a question for indicators.
const (
	maxIndicators = 500
	maxTouched    = 10_000 // entries that are looked at
)

// takeSighting follows sightings of a vulnerability's use.
func (s *Service) takeSighting(ctx context.Context, tx *db.Tx, id string) error {
	n, err := s.Seen(ctx, tx, id)
	if err != nil {
		return err
	}
	changed, err := putSighting(ctx, tx, id, n)
	if err != nil || !changed {
		return err
	}
	keys, err := productsWith(ctx, tx, []string{id})
	if err != nil || len(keys) == 0 {
		return err
	}
	return s.takeStated(ctx, tx, []string{id}, keys)
}

// tagsOf returns the tags of an entry's addresses and domains.
func tagsOf(c *key.Cipher, e *asset.Entry) []string {
	list := spots(e.Sealed.Addresses, e.Sealed.Domains)
	for i, s := range list {
		list[i] = c.Tag("exposure/place", s)
	}
	return list
}

// Touched is one operator whose registered addresses or domains an indicator
// touches.
type Touched struct {
	Indicator string   `json:"indicator"`
	Org       string   `json:"org"`
	OrgName   string   `json:"org_name,omitempty"`
	Entries   int      `json:"entries"`
	Items     []string `json:"items,omitempty"` // only for the operator itself, at most MaxItems
}

// Touch finds whose registered networks, addresses and domains the indicators
// touch: for the national office whose, for an operator which of its own. A
// contractor or ministry has no such question. Fault: exposure.indicator, with
// the places of what cannot be read.
func (s *Service) Touch(ctx context.Context, values []string) (out []Touched, err error) {
	err = s.read(ctx, "exposure.touch", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		list, err := indicators(values)
		if err != nil {
			return err
		}
		var orgs []string
		if reach == gate.Own {
			orgs = []string{who.Org}
		}
		if out, err = s.TouchedBy(ctx, tx, list, orgs); err != nil {
			return err
		}
		ids := make([]string, len(out))
		for i := range out {
			ids[i] = out[i].Org
			if reach != gate.Own {
				out[i].Items = nil
			}
		}
		names, err := s.Orgs.NamesFor(ctx, tx, who, ids...)
		for i := range out {
			out[i].OrgName = names[out[i].Org]
		}
		return err
	})
	return out, err
}

func indicators(values []string) ([]Indicator, error) {
	if len(values) == 0 || len(values) > maxIndicators {
		return nil, fault.New(fault.Invalid, "exposure.indicators", "max", maxIndicators)
	}
	var list []Indicator
	var places []fault.Place
	for i, v := range values {
		ind, ok := ParseIndicator(v)
		if !ok {
			places = append(places, fault.Place{At: "values[" + strconv.Itoa(i) + "]", Code: "exposure.indicator.value"})
			continue
		}
		list = append(list, ind)
	}
	if len(places) > 0 {
		return nil, errIndicator.At(places...)
	}
	return list, nil
}

// TouchedBy is Touch for the hub itself, which asks the gate nothing: of some
// operators, or (nil) of all.
func (s *Service) TouchedBy(ctx context.Context, tx *db.Tx, list []Indicator, orgs []string) (out []Touched, err error) {
	if orgs == nil {
		if orgs, err = placedOrgs(ctx, tx); err != nil {
			return nil, err
		}
	}
	for _, o := range orgs {
		c, err := s.Keys.For(ctx, tx, o)
		if errors.Is(err, db.ErrNoRows) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var tags []string
		for i := range list {
			for _, a := range list[i].asks() {
				tags = append(tags, c.Tag("exposure/place", a))
			}
		}
		slices.Sort(tags)
		found, err := findPlaces(ctx, tx, slices.Compact(tags), maxTouched)
		if err != nil {
			return nil, err
		}
		var ids []asset.ID
		for _, f := range found {
			if f.org == o {
				ids = append(ids, asset.ID(f.item))
			}
		}
		slices.Sort(ids)
		by := make([]Touched, len(list))
		err = s.Assets.Matchable(ctx, tx, o, slices.Compact(ids), func(e *asset.Entry) error {
			for i := range list {
				if list[i].touches(e.Sealed.Addresses, e.Sealed.Domains) {
					if by[i].Entries++; by[i].Entries <= MaxItems {
						by[i].Items = append(by[i].Items, string(e.ID))
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		for i, t := range by {
			if t.Entries > 0 {
				slices.Sort(t.Items)
				t.Indicator, t.Org = list[i].Value, o
				out = append(out, t)
			}
		}
	}
	return out, nil
}
