package httpd

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// States of a key.
const (
	keyOpen = "open" // the request is under way, or nobody knows how it ended
	keyDone = "done" // the answer is kept
	keyShut = "shut" // it was done, and its answer is not kept
)

// kept is the row of one Idempotency-Key.
type kept struct {
	who, key, digest string
	state            string
	status           int
	header           string // JSON of the headers worth replaying
	body             []byte // sealed
	started          time.Time
}

// name binds what is kept to its row.
func (k kept) name() string { return "httpd/" + k.who + "/" + k.key }

// claimKey inserts the row of a key. When there is one already it returns
// that, and false.
func claimKey(ctx context.Context, tx *db.Tx, k kept) (kept, bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO httpd_idempotency (who, key, digest, state, status, header, body, started_at)
		VALUES ($1, $2, $3, $4, 0, '', NULL, $5) ON CONFLICT (who, key) DO NOTHING`, k.who, k.key, k.digest, keyOpen, db.Micros(k.started))
	if err != nil || n == 1 {
		return k, err == nil, err
	}
	had := kept{who: k.who, key: k.key}
	var started int64
	err = tx.QueryRow(ctx, `SELECT digest, state, status, header, body, started_at FROM httpd_idempotency WHERE who = $1 AND key = $2`,
		k.who, k.key).Scan(&had.digest, &had.state, &had.status, &had.header, &had.body, &started)
	had.started = db.Time(started)
	return had, false, err
}

func settleKey(ctx context.Context, tx *db.Tx, k kept) error {
	_, err := tx.Exec(ctx, `UPDATE httpd_idempotency SET state = $1, status = $2, header = $3, body = $4 WHERE who = $5 AND key = $6`,
		k.state, k.status, k.header, k.body, k.who, k.key)
	return err
}

func freeKey(ctx context.Context, tx *db.Tx, k kept) error {
	_, err := tx.Exec(ctx, `DELETE FROM httpd_idempotency WHERE who = $1 AND key = $2`, k.who, k.key)
	return err
}

// dropKeys forgets at most n keys started before an instant.
func dropKeys(ctx context.Context, tx *db.Tx, before time.Time, n int) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM httpd_idempotency WHERE (who, key) IN
		(SELECT who, key FROM httpd_idempotency WHERE started_at < $1 ORDER BY started_at LIMIT $2)`, db.Micros(before), n)
}
