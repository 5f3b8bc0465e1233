package measure

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
)

// Said returns what was said in the act of an entry of the ledger, as JSON: with
// the entry's salt it opens the entry's digest. Whether who asks may have it is for
// the caller to decide. Faults: ErrNone, where no act of a case is of that entry.
func (s *Service) Said(ctx context.Context, tx *db.Tx, entry string) ([]byte, error) {
	id, unit, sealed, err := sealedOf(ctx, tx, entry)
	if err != nil {
		return nil, err
	}
	k, err := s.Keys.For(ctx, tx, unit)
	if err != nil {
		return nil, fmt.Errorf("act of entry %s: %w", entry, err)
	}
	raw, err := k.Open(sealed, "measure_act/"+id)
	if err != nil {
		return nil, fmt.Errorf("act of entry %s: %w", entry, err)
	}
	return raw, nil
}
