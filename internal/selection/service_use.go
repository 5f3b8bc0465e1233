package selection

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/selector"
	"noroshi/internal/intel"
	"noroshi/internal/sighting"
)

// Sight makes a sighting of what one selector found in a run: the selector's own
// value, how often and when, with the provenance of the records. It tells nothing
// of the other end. Faults: ErrNoRun, ErrNoRecords, ErrNoSighting.
func (s *Service) Sight(ctx context.Context, run, ref string, why Reason, note string) (x sighting.Sighting, err error) {
	if s.Sightings == nil {
		return x, ErrNoSighting
	}
	value, err := s.valueOf(ctx, run, ref)
	if err != nil {
		return x, err
	}
	act := &ledger.Act{Verb: "selection.sight", Object: runObject(run), Purpose: why.Purpose}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if note, err = words("note", note, false); err != nil {
			return err
		}
		r, err := loadRun(ctx, tx, run, who, reach)
		if err != nil {
			return err
		}
		act.Grant = r.Approval
		if err := s.purpose(ctx, tx, r, why); err != nil {
			return err
		}
		f, err := sumOf(ctx, tx, run, ref, who, reach, s.now())
		if err != nil {
			return err
		}
		for _, p := range f { // one for each provenance: the label is never mixed
			got, err := s.Sightings.Put(ctx, tx, who.Org, act.Entry, sighting.New{What: sighting.Indicator, Value: value, Count: p.count, FirstAt: p.first, LastAt: p.last,
				Origin: sighting.FromSelection, Provenance: p.provenance, Ref: run, Note: note, TLP: "AMBER+STRICT", Clearance: 1})
			if isKind(err, fault.Invalid) {
				return ErrNoSighting
			}
			if err != nil {
				return err
			}
			x = got
		}
		if len(f) == 0 {
			return ErrNoRecords
		}
		act.Public = map[string]any{"selector": ref, "sighting": x.ID}
		why.say(act.Public)
		return nil
	})
	return x, err
}

// valueOf returns the value of a selector of a run, as a sighting can hold it.
func (s *Service) valueOf(ctx context.Context, run, ref string) (string, error) {
	var l List
	if err := s.read(ctx, "selection.sight", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := loadRun(ctx, tx, run, who, reach)
		if err == nil {
			l, err = listByID(ctx, tx, r.List)
		}
		return err
	}); err != nil {
		return "", err
	}
	set, err := s.loadSet(ctx, l.blob)
	if err != nil {
		return "", err
	}
	for id := selector.ID(1); int(id) <= set.Len(); id++ {
		if set.Ref(id) != ref {
			continue
		}
		switch x := set.Info(id); x.Kind {
		case selector.Address, selector.Prefix, selector.Domain, selector.Certificate:
			return x.Value, nil
		}
		return "", ErrNoSighting
	}
	return "", ErrNoRecords
}

// found is what a run found by one selector under one provenance.
type found struct {
	provenance  string
	count       int
	first, last time.Time
}

// WriteItem drafts an item of intelligence of what one selector found in a run:
// its value and when, with the provenance of the records, which the item keeps
// whoever edits it. The use is recorded before the item is. Faults: those of
// Sight, intel.ErrItem.
func (s *Service) WriteItem(ctx context.Context, run, ref string, why Reason, title string) (it intel.Item, err error) {
	if s.Intel == nil {
		return it, ErrNoSighting
	}
	value, err := s.valueOf(ctx, run, ref)
	if err != nil {
		return it, err
	}
	kind, canonical, ok := sighting.Normal(value, false)
	if !ok {
		return it, ErrNoSighting
	}
	act := &ledger.Act{Verb: "selection.sight", Object: runObject(run), Purpose: why.Purpose}
	var sum []found
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if title, err = words("title", title, true); err != nil {
			return err
		}
		r, err := loadRun(ctx, tx, run, who, reach)
		if err != nil {
			return err
		}
		act.Grant = r.Approval
		if err := s.purpose(ctx, tx, r, why); err != nil {
			return err
		}
		if sum, err = sumOf(ctx, tx, run, ref, who, reach, s.now()); err == nil && len(sum) == 0 {
			err = ErrNoRecords
		}
		act.Public = map[string]any{"selector": ref, "item": true}
		why.say(act.Public)
		return err
	})
	if err != nil {
		return it, err
	}
	for _, f := range sum { // one for each provenance: the label is never mixed
		n := intel.NewItem{Title: title, Indicators: []intel.Indicator{{Type: intel.IndicatorType(kind), Value: canonical}}, Clearance: 1}
		if it, err = s.Intel.AddFromSelection(ctx, run, f.provenance, n); err != nil {
			return it, err
		}
	}
	return it, nil
}
