package selection

import (
	"context"
	"sync"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/engine/selector"
)

// maxOpenLists bounds the lists that are held open for runs on other machines.
const maxOpenLists = 4

// openLists are lists of runs under way, opened once and not for every page.
type openLists struct {
	sync.Mutex
	by map[string]*openList // by file
}

// openList is a list with those of its selectors that records named.
type openList struct {
	sync.Mutex
	set   *selector.Set
	known map[string]selector.Selector
	none  map[string]bool // asked for and not in it; forgotten when there are many
}

// opened returns the list of a run.
func (s *Service) opened(ctx context.Context, r HubRun) (*openList, error) {
	var l List
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		l, err = listByID(ctx, tx, r.List)
		return err
	}); err != nil {
		return nil, err
	}
	s.lists.Lock()
	defer s.lists.Unlock()
	if o := s.lists.by[l.blob]; o != nil {
		return o, nil
	}
	set, err := s.loadSet(ctx, l.blob)
	if err != nil {
		return nil, err
	}
	if s.lists.by == nil || len(s.lists.by) >= maxOpenLists {
		s.lists.by = map[string]*openList{}
	}
	o := &openList{set: set, known: map[string]selector.Selector{}, none: map[string]bool{}}
	s.lists.by[l.blob] = o
	return o, nil
}

// named returns the selectors that lines name and the list has. Public ids are
// computed in one walk for all that were never asked for.
func (o *openList) named(lines [][]byte) map[string]selector.Selector {
	o.Lock()
	defer o.Unlock()
	out, open := map[string]selector.Selector{}, map[string]bool{}
	for _, l := range lines {
		ref := refOf(l)
		if x, ok := o.known[ref]; ok {
			out[ref] = x
		} else if ref != "" && !o.none[ref] {
			open[ref] = true
		}
	}
	for id := selector.ID(1); len(open) > 0 && int(id) <= o.set.Len(); id++ {
		if ref := o.set.Ref(id); open[ref] {
			o.known[ref] = o.set.Info(id)
			out[ref] = o.known[ref]
			delete(open, ref)
		}
	}
	if len(o.none)+len(open) > maxRefs {
		clear(o.none)
	}
	for ref := range open {
		o.none[ref] = true
	}
	return out
}

// ruleOf is what lines of a run are held against.
func (s *Service) ruleOf(ctx context.Context, r HubRun, o approval.Order, lines [][]byte) (lineRule, error) {
	l, err := s.opened(ctx, r)
	if err != nil {
		return lineRule{}, err
	}
	u := lineRule{order: o, ways: r.ways, known: l.named(lines), guard: s.Prefixes}
	if o.Kind == approval.Trial {
		u.guard = nil
	}
	return u, nil
}

// plus adds two quantities.
func plus(q approval.Quantity, c Chosen) approval.Quantity {
	return approval.Quantity{Packets: q.Packets + c.Packets, Bytes: q.Bytes + c.Bytes}
}

// greatest is the greater of two quantities, number by number.
func greatest(a, b approval.Quantity) approval.Quantity {
	return approval.Quantity{Packets: max(a.Packets, b.Packets), Bytes: max(a.Bytes, b.Bytes)}
}

// beyond reports whether a quantity is more than what earlier runs left of a cap.
func beyond(q, limit, used approval.Quantity) bool {
	return limit.Packets != 0 && used.Packets+q.Packets > limit.Packets || limit.Bytes != 0 && used.Bytes+q.Bytes > limit.Bytes
}
