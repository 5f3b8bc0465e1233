package exposure

import (
	"context"
	"slices"

	"noroshi/internal/base/db"
)

// sightings returns how often the use of vulnerabilities was seen.
func sightings(ctx context.Context, tx *db.Tx, ids []string) (map[string]int, error) {
	out := map[string]int{}
	for part := range slices.Chunk(ids, 400) {
		var a db.Query
		rows, err := tx.Query(ctx, "SELECT vulnerability, sightings FROM exposure_sighting WHERE vulnerability IN "+list(&a, part), a.Args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id string
			var n int
			if err := rows.Scan(&id, &n); err != nil {
				rows.Close()
				return nil, err
			}
			out[id] = n
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// putSighting writes how often the use of a vulnerability was seen, and reports
// whether that is another number.
func putSighting(ctx context.Context, tx *db.Tx, id string, n int) (bool, error) {
	if n == 0 {
		changed, err := tx.Exec(ctx, "DELETE FROM exposure_sighting WHERE vulnerability = $1", id)
		return changed > 0, err
	}
	changed, err := tx.Exec(ctx, `INSERT INTO exposure_sighting (vulnerability, sightings) VALUES ($1, $2)
		ON CONFLICT (vulnerability) DO UPDATE SET sightings = excluded.sightings WHERE exposure_sighting.sightings <> excluded.sightings`, id, n)
	return changed > 0, err
}

// putPlaces writes the tags of an entry's addresses and domains in place of
// those it had.
func putPlaces(ctx context.Context, tx *db.Tx, org, item string, tags []string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM exposure_place WHERE item_id = $1", item); err != nil {
		return err
	}
	for _, t := range tags {
		if _, err := tx.Exec(ctx, "INSERT INTO exposure_place (org_id, item_id, tag) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", org, item, t); err != nil {
			return err
		}
	}
	return nil
}

// places is an entry of a register that has one of the tags.
type placed struct{ org, item, tag string }

// findPlaces returns entries that have one of the tags, at most limit.
func findPlaces(ctx context.Context, tx *db.Tx, tags []string, limit int) (out []placed, err error) {
	for part := range slices.Chunk(tags, 400) {
		var a db.Query
		rows, err := tx.Query(ctx, "SELECT org_id, item_id, tag FROM exposure_place WHERE tag IN "+list(&a, part)+" ORDER BY org_id, item_id LIMIT "+a.Arg(limit-len(out)), a.Args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var p placed
			if err := rows.Scan(&p.org, &p.item, &p.tag); err != nil {
				rows.Close()
				return nil, err
			}
			out = append(out, p)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
		if len(out) >= limit {
			break
		}
	}
	return out, nil
}

// placedOrgs lists operators that have addresses or domains in their registers.
func placedOrgs(ctx context.Context, tx *db.Tx) ([]string, error) {
	return texts(tx.Query(ctx, "SELECT DISTINCT org_id FROM exposure_place ORDER BY org_id LIMIT 10000"))
}
