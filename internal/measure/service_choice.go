package measure

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
)

// may refuses, on the record, whose duty an act is not.
func (s *Service) may(ctx context.Context, verb string) error {
	return s.read(ctx, verb, func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}

// Forces lists the organisations that a case of the police can be put before.
func (s *Service) Forces(ctx context.Context) (out []org.Org, err error) {
	err = s.read(ctx, "measure.invite", func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		out, err = s.Orgs.Bodies(ctx, tx, org.Defence)
		return err
	})
	return out, err
}
