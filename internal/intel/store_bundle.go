package intel

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// Directions of bundles.
const (
	outward = "out" // made here
	inward  = "in"  // taken here
)

// lastBundle returns the number and the day of the last bundle of an origin;
// zero when there was none.
func lastBundle(ctx context.Context, tx *db.Tx, origin, direction string) (sequence int64, made time.Time, err error) {
	var at int64
	err = tx.QueryRow(ctx, "SELECT sequence, made_at FROM intel_bundle WHERE origin = $1 AND direction = $2", origin, direction).Scan(&sequence, &at)
	if err == db.ErrNoRows {
		return 0, time.Time{}, nil
	}
	return sequence, db.Time(at), err
}

// noteBundle notes the last bundle of an origin; one that is not later than
// what is noted changes nothing and reports false.
func noteBundle(ctx context.Context, tx *db.Tx, origin, direction string, sequence int64, made, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO intel_bundle (origin, direction, sequence, made_at, at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (origin, direction) DO UPDATE SET sequence = excluded.sequence, made_at = excluded.made_at, at = excluded.at WHERE intel_bundle.sequence < excluded.sequence`,
		origin, direction, sequence, db.Micros(made), db.Micros(now))
	return n > 0, err
}

// packed is a record as it is stored.
type packed struct{ facts, statements []byte }

// firstImport returns the number of the first import of a feed at or after an
// instant; after the last, the next.
func firstImport(ctx context.Context, tx *db.Tx, f *feedRow, since time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, "SELECT coalesce(min(number), $3) FROM intel_import WHERE feed = $1 AND at >= $2", f.id, db.Micros(since), f.head+1).Scan(&n)
	return n, err
}

// eachVisible calls each with the visible records of a feed that came with an
// import or a later one, in no order.
func eachVisible(ctx context.Context, tx *db.Tx, feed string, from int64, each func(p packed) error) error {
	rows, err := tx.Query(ctx, "SELECT r.facts, r.statements FROM intel_record r"+visible+"WHERE r.feed = $1 AND r.since >= $2", feed, from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var b packed
		if err := rows.Scan(&b.facts, &b.statements); err != nil {
			return err
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return rows.Err()
}
