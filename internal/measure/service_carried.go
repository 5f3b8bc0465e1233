package measure

import (
	"context"

	"noroshi/internal/base/db"
)

// Carried reports whether what a step of a plan put in place on one's own network
// may stay there: the chain of command has that plan, and was neither stopped nor
// given up nor closed.
func (s *Service) Carried(ctx context.Context, tx *db.Tx, chain ID, plan string) (bool, error) {
	c, err := chainByID(ctx, tx, chain, false)
	if err != nil {
		return false, err
	}
	return c.Plan == plan && c.State != Stopped && c.State != Dropped && c.State != Closed, nil
}
