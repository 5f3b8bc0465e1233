package exposure

import (
	"context"

	"noroshi/internal/base/db"
)

// dictionary holds the names that feeds know.
type dictionary struct{}

// propose returns what a product may be called.
func (s *Service) propose(ctx context.Context, tx *db.Tx, maker, ware string) ([]Proposal, error) {
	return nil, nil
}
