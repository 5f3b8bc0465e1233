package approval

import (
	"context"
	"encoding/json"
	"fmt"

	"noroshi/internal/base/db"
)

// Said returns what was written in the act of an entry of the ledger, as JSON: an
// application as it was asked for, or the words by which a case went on. With the
// entry's salt it opens the entry's digest, unless what is kept was tidied since.
// Whether who asks may have it is for the caller to decide. Faults: ErrNone, where no
// step of a case is of that entry.
func (s *Service) Said(ctx context.Context, tx *db.Tx, entry string) ([]byte, error) {
	x, err := sealedOf(ctx, tx, entry)
	if err != nil {
		return nil, err
	}
	k, err := s.Keys.For(ctx, tx, x.org)
	if err != nil {
		return nil, fmt.Errorf("step of entry %s: %w", entry, err)
	}
	if x.was == "" {
		return k.Open(x.asked, objectOf(x.approval))
	}
	words, err := k.Open(x.words, "approval_step/"+x.step)
	if err != nil {
		return nil, fmt.Errorf("step of entry %s: %w", entry, err)
	}
	return json.Marshal(string(words))
}
