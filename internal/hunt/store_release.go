package hunt

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
)

func insertRelease(ctx context.Context, tx *db.Tx, finding, tag, org, sighting string, sealed []byte, person string, at time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_release (finding_id, tag, org_id, sighting_id, sealed, person, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		finding, tag, org, sighting, sealed, person, db.Micros(at))
	return err
}

// listReleased lists what was released of a finding, the oldest first.
func listReleased(ctx context.Context, tx *db.Tx, c *key.Cipher, finding string) (out []Released, err error) {
	rows, err := tx.Query(ctx, "SELECT tag, sighting_id, sealed, at FROM hunt_release WHERE finding_id = $1 ORDER BY at, sighting_id LIMIT $2", finding, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Released
		var tag string
		var sealed []byte
		var at int64
		if err := rows.Scan(&tag, &r.Sighting, &sealed, &at); err != nil {
			return nil, err
		}
		if err := c.OpenJSON(sealed, findingName(finding)+"/"+tag, &r.Releasable); err != nil {
			return nil, err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	return out, rows.Err()
}
