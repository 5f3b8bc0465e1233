package thread

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
)

// Clear destroys all conversations about an object, when what it is about is
// destroyed too.
func (s *Store) Clear(ctx context.Context, tx *db.Tx, object string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM thread_message WHERE object = $1", object); err != nil {
		return fmt.Errorf("clear thread: %w", err)
	}
	return nil
}
