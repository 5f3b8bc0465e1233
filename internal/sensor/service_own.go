package sensor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"noroshi/internal/base/db"
)

// Own are the networks with which an organisation registered its sources, for
// nouns that must not let an address of it out. Whoever asks has asked their own
// gate.
func (s *Service) Own(ctx context.Context, tx *db.Tx, org string) ([]netip.Prefix, error) {
	c, err := s.Keys.For(ctx, tx, org)
	if errors.Is(err, db.ErrNoRows) { // it wrote nothing
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("networks of an organisation: %w", err)
	}
	return s.networks(ctx, tx, c, org)
}
