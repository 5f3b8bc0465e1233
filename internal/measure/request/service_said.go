package request

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
)

// Said returns the draft that was written in the act of an entry of the ledger, as
// JSON, while it stands: with the entry's salt it opens the entry's digest. One that
// was written anew since opens only that of the last. Whether who asks may have it is
// for the caller to decide. Faults: ErrNone, where no draft is of that entry.
func (s *Service) Said(ctx context.Context, tx *db.Tx, entry string) ([]byte, error) {
	id, owner, sealed, err := draftOfEntry(ctx, tx, entry)
	if err != nil {
		return nil, err
	}
	k, err := s.Keys.For(ctx, tx, owner)
	if err != nil {
		return nil, fmt.Errorf("draft of entry %s: %w", entry, err)
	}
	raw, err := k.Open(sealed, objectOf(id))
	if err != nil {
		return nil, fmt.Errorf("draft of entry %s: %w", entry, err)
	}
	return raw, nil
}
