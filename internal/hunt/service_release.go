package hunt

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/sighting"
)

// Release gives values of a finding's examples to the analysts, each as a
// sighting in the same transaction: the value, how often and when, and not whose
// network it was unless named. Nothing else of the finding leaves. Values that
// were released before are passed over. Faults: ErrNone, ErrValue, ErrReleased,
// ErrInvalid.
func (s *Service) Release(ctx context.Context, id string, values []string, named bool) (out Finding, err error) {
	act := &ledger.Act{Verb: "hunt.release", Object: findingName(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		f, c, err := s.finding(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		chosen, err := f.chosen(values)
		if err != nil {
			return err
		}
		if len(chosen) == 0 {
			return ErrReleased
		}
		now := s.now()
		var ids []string
		for _, v := range chosen {
			x, err := s.Sightings.Put(ctx, tx, who.Org, act.Entry, sighting.New{What: sighting.Indicator, Value: v.Value, Count: f.Count, FirstAt: f.First, LastAt: f.Last,
				Origin: sighting.FromHunt, Ref: f.ID, Named: named})
			if err != nil {
				return err
			}
			tag := c.Tag("hunt/release", v.Value)
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("release %s: %w", id, err)
			}
			if err := insertRelease(ctx, tx, id, tag, who.Org, x.ID, c.Seal(raw, findingName(id)+"/"+tag), who.Person, now); err != nil {
				return err
			}
			ids = append(ids, x.ID)
		}
		f.ReleasedAt, f.ChangedAt = now, now
		f.Version++
		if err := updateFinding(ctx, tx, f); err != nil {
			return err
		}
		act.Public, act.Secret = map[string]any{"named": named, "values": len(chosen)}, chosen
		if err := publish(ctx, tx, "released", Happened{Hunt: f.Hunt, Finding: id, Org: who.Org, Sightings: ids, Entry: act.Entry}); err != nil {
			return err
		}
		out, _, err = s.finding(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

// chosen are the values somebody picked that may be released and were not yet.
func (f *Finding) chosen(values []string) (out []Releasable, err error) {
	var bad problems
	if len(values) == 0 {
		bad.add("values", "hunt.bad.empty")
	}
	if len(values) > maxReleasable {
		bad.add("values", "hunt.bad.many", "max", maxReleasable)
	}
	if err := bad.fault(); err != nil {
		return nil, err
	}
	for _, v := range values {
		_, normal, _ := sighting.Normal(v, false)
		i := slices.IndexFunc(f.Releasable, func(r Releasable) bool { return r.Value == normal })
		if i < 0 {
			return nil, fault.New(fault.Invalid, ErrValue.Code, "value", short(v, 100, new(bool)))
		}
		done := slices.ContainsFunc(f.Released, func(r Released) bool { return r.Value == normal })
		if !done && !slices.Contains(out, f.Releasable[i]) {
			out = append(out, f.Releasable[i])
		}
	}
	return out, nil
}
