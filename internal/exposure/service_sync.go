package exposure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/org"
)

// Bounds of one step, so that no transaction holds others up for long.
const (
	stepItems = 2000
	stepTime  = 250 * time.Millisecond
)

// refresh takes entries of a register over as they stand now, and marks the
// groups whose rows have to be computed again.
func (s *Service) refresh(ctx context.Context, tx *db.Tx, operator string, ids []string) error {
	old, err := loadSubjects(ctx, tx, operator, ids)
	if err != nil {
		return err
	}
	was := make(map[string]stored, len(old))
	for _, o := range old {
		was[o.item] = o
	}
	named, err := s.registerNames(ctx, tx, operator)
	if err != nil {
		return err
	}
	var entries []asset.Entry
	list := make([]asset.ID, len(ids))
	for i, id := range ids {
		list[i] = asset.ID(id)
	}
	err = s.Assets.Matchable(ctx, tx, operator, list, func(e *asset.Entry) error {
		entries = append(entries, *e)
		return nil
	})
	if err != nil {
		return err
	}
	if len(entries) == 0 && len(old) == 0 {
		return nil
	}
	c, err := s.Keys.Make(ctx, tx, operator)
	if err != nil {
		return err
	}
	touch, err := s.touching(ctx, tx, operator)
	if err != nil {
		return err
	}
	counts := map[[2]string]int{} // key, product key
	marks := map[string]bool{}
	drop := func(o stored) error {
		v, err := openVariant(c.Open(o.sealed, subjectName(o.item)))
		if err != nil {
			return fmt.Errorf("equipment %s: %w", o.item, err)
		}
		for _, k := range v.keys() {
			counts[[2]string{k, o.key}]--
		}
		marks[o.key] = true
		return nil
	}
	for i := range entries {
		e := &entries[i]
		n, err := named.of(ctx, tx, e)
		if err != nil {
			return err
		}
		sub := subjectOf(e, n)
		if o, ok := was[sub.item]; ok {
			if err := drop(o); err != nil {
				return err
			}
			delete(was, sub.item)
		}
		for _, k := range sub.keys() {
			counts[[2]string{k, sub.key}]++
		}
		marks[sub.key] = true
		if err := putSubject(ctx, tx, &sub, c.Seal(sub.bytes(), subjectName(sub.item))); err != nil {
			return err
		}
		if err := putPlaces(ctx, tx, operator, sub.item, tagsOf(c, e)); err != nil {
			return err
		}
		if err := touch.entry(ctx, tx, c, sub.item, e.Sealed.Addresses, e.Sealed.Domains); err != nil {
			return err
		}
	}
	for _, o := range was { // no longer in the register
		if err := drop(o); err != nil {
			return err
		}
		if err := dropSubject(ctx, tx, operator, o.item); err != nil {
			return err
		}
		if err := putPlaces(ctx, tx, operator, o.item, nil); err != nil {
			return err
		}
		if err := touch.entry(ctx, tx, c, o.item, nil, nil); err != nil {
			return err
		}
	}
	if err := touch.done(ctx, tx); err != nil {
		return err
	}
	for _, k := range slices.SortedFunc(maps.Keys(counts), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) }) {
		if err := countKey(ctx, tx, k[0], k[1], operator, counts[k]); err != nil {
			return err
		}
	}
	for _, k := range slices.Sorted(maps.Keys(marks)) {
		if err := markGroup(ctx, tx, k, operator); err != nil {
			return err
		}
	}
	return nil
}

func openVariant(plain []byte, err error) (variant, error) {
	if err != nil {
		return variant{}, err
	}
	_, rest, err := splitSubject(plain)
	if err != nil {
		return variant{}, err
	}
	return parseVariant(rest)
}

// behind lists the entries of a register that were not taken over as they
// stand, at most limit, and whether there are more.
func (s *Service) behind(ctx context.Context, tx *db.Tx, operator string, limit int) (ids []string, more bool, err error) {
	have, err := subjectRevisions(ctx, tx, operator)
	if err != nil {
		return nil, false, err
	}
	err = s.Assets.Revisions(ctx, tx, operator, func(id asset.ID, revision int) error {
		if n, ok := have[string(id)]; !ok || n != revision {
			ids = append(ids, string(id))
		}
		delete(have, string(id))
		return nil
	})
	if err != nil {
		return nil, false, err
	}
	ids = slices.AppendSeq(ids, maps.Keys(have))
	slices.Sort(ids)
	if len(ids) > limit {
		return ids[:limit], true, nil
	}
	return ids, false, nil
}

// step brings an operator's side on as far as one transaction should, and
// reports whether something is left.
func (s *Service) step(ctx context.Context, tx *db.Tx, operator string) (more bool, err error) {
	start := time.Now()
	ids, more, err := s.behind(ctx, tx, operator, stepItems)
	if err != nil {
		return false, err
	}
	if len(ids) > 0 {
		if err := s.refresh(ctx, tx, operator, ids); err != nil {
			return false, err
		}
	}
	if more {
		return true, nil
	}
	return s.settleStale(ctx, tx, operator, start)
}

// settleStale computes the groups that wait, at least one, until the time of a
// step is over, and reports whether some are left.
func (s *Service) settleStale(ctx context.Context, tx *db.Tx, operator string, start time.Time) (more bool, err error) {
	const some = 64
	for {
		list, err := staleGroups(ctx, tx, operator, some)
		if err != nil {
			return false, err
		}
		k := s.knowledge()
		for i, g := range list {
			if _, err := s.settle(ctx, tx, scope{key: g.key, orgs: []string{g.org}}, nil, k); err != nil {
				return false, err
			}
			if time.Since(start) > stepTime {
				return i+1 < len(list) || len(list) == some, nil
			}
		}
		if len(list) < some {
			return false, nil
		}
	}
}

// goOn does a step for an operator and says that there is more to do.
func (s *Service) goOn(ctx context.Context, tx *db.Tx, operator string) error {
	more, err := s.step(ctx, tx, operator)
	if err == nil && more {
		err = publishDue(ctx, tx, due{Org: operator})
	}
	return err
}

// meet learns what rows need of operators that are not known yet.
func (s *Service) meet(ctx context.Context, tx *db.Tx, orgs []string) error {
	known, err := loadDependents(ctx, tx, orgs)
	if err != nil {
		return err
	}
	for _, o := range orgs {
		if known[o] < 0 {
			if _, err := s.learnOrg(ctx, tx, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// learnOrg counts who depends on an operator and keeps its sectors; it reports
// whether the number changed. One that left the hub has neither.
func (s *Service) learnOrg(ctx context.Context, tx *db.Tx, operator string) (changed bool, err error) {
	was, err := loadDependents(ctx, tx, []string{operator})
	if err != nil {
		return false, err
	}
	o, err := s.Orgs.Load(ctx, tx, org.ID(operator))
	if err != nil && !errors.Is(err, db.ErrNoRows) && !gone(err) {
		return false, err
	}
	chain, err := s.chain(ctx, tx, operator, true)
	if err != nil {
		return false, err
	}
	return was[operator] >= 0 && was[operator] != len(chain), putOrg(ctx, tx, operator, len(chain), o.Sectors)
}

// takeStated follows intel.stated and intel.exploited: what is said of some
// vulnerabilities is put beside the equipment of the products, a few products
// a step.
func (s *Service) takeStated(ctx context.Context, tx *db.Tx, vulnerabilities, keys []string) error {
	start := time.Now()
	k := s.knowledge()
	index, names, err := s.indexOf(ctx, tx, k, vulnerabilities)
	if err != nil {
		return err
	}
	if keys == nil {
		if keys, err = s.concerned(ctx, tx, names, slices.Collect(index.Products())); err != nil {
			return err
		}
	}
	for i, key := range keys {
		if _, err := s.settle(ctx, tx, scope{key: key, vulnerabilities: names}, index, k); err != nil {
			return err
		}
		if rest := keys[i+1:]; len(rest) > 0 && time.Since(start) > stepTime {
			return publishDue(ctx, tx, due{Vulnerabilities: vulnerabilities, Keys: rest})
		}
	}
	return nil
}

// concerned returns the products of registers that statements name, and those
// that have rows of the vulnerabilities already.
func (s *Service) concerned(ctx context.Context, tx *db.Tx, vulnerabilities, keys []string) ([]string, error) {
	slices.Sort(keys)
	out, err := productsOf(ctx, tx, slices.Compact(keys))
	if err != nil {
		return nil, err
	}
	with, err := productsWith(ctx, tx, vulnerabilities)
	if err != nil {
		return nil, err
	}
	out = append(out, with...)
	slices.Sort(out)
	return slices.Compact(out), nil
}

func decode[T any](raw json.RawMessage) (v T, err error) {
	if err = json.Unmarshal(raw, &v); err != nil {
		err = fmt.Errorf("event: %w", err)
	}
	return v, err
}
