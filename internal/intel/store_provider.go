package intel

import (
	"context"

	"noroshi/internal/base/db"
)

// loadProvider returns how far a provider was walked and what was wrong with
// what it publishes; nothing when it never was.
func loadProvider(ctx context.Context, tx *db.Tx, feed string) (state []byte, issues string, failed int64, err error) {
	err = tx.QueryRow(ctx, "SELECT state, issues, failed FROM intel_provider WHERE feed = $1", feed).Scan(&state, &issues, &failed)
	if err == db.ErrNoRows {
		err = nil
	}
	return state, issues, failed, err
}

func saveProvider(ctx context.Context, tx *db.Tx, feed string, state []byte, issues string, failed int) error {
	_, err := tx.Exec(ctx, `INSERT INTO intel_provider (feed, state, issues, failed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (feed) DO UPDATE SET state = excluded.state, issues = excluded.issues, failed = excluded.failed`, feed, state, issues, failed)
	return err
}
