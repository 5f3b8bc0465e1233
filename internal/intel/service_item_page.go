package intel

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// mayWrite refuses, on record, who may not write items; for a form that would
// only lead to a refusal.
func (s *Service) mayWrite(ctx context.Context) error {
	return s.read(ctx, "intel.add", func(*db.Tx, gate.Identity) error { return nil })
}

// editable returns an item of one's own organisation, to be changed. Fault:
// ErrNoItem.
func (s *Service) editable(ctx context.Context, id string) (it Item, err error) {
	err = s.read(ctx, "intel.edit", func(tx *db.Tx, who gate.Identity) error {
		if s.Keys == nil {
			return errClosed
		}
		if it, err = loadItem(ctx, tx, id, who); err != nil {
			return err
		}
		if it.Org != who.Org {
			return ErrNoItem
		}
		return s.unseal(ctx, tx, &it, who)
	})
	return it, err
}

// orgNames returns the names of the organisations that stand in an item which
// the reader may know.
func (s *Service) orgNames(ctx context.Context, ids ...string) (map[string]string, error) {
	out := map[string]string{}
	if s.Orgs == nil {
		for _, id := range ids {
			out[id] = id
		}
		return out, nil
	}
	err := s.readItems(ctx, func(tx *db.Tx, who gate.Identity) (err error) {
		out, err = s.Orgs.NamesFor(ctx, tx, who, ids...)
		return err
	})
	return out, err
}
