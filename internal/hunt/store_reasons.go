package hunt

import (
	"context"

	"noroshi/internal/base/db"
)

// listExamples reads the sealed examples of findings of an organisation by their
// ids; others are passed over.
func listExamples(ctx context.Context, tx *db.Tx, org string, ids []string) (map[string][]byte, error) {
	q := db.Query{Args: []any{org}}
	rows, err := tx.Query(ctx, `SELECT e.finding_id, e.sealed FROM hunt_example e JOIN hunt_finding f ON f.id = e.finding_id
		WHERE f.org_id = $1 AND f.id IN (`+db.List(&q, ids)+")", q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]byte{}
	for rows.Next() {
		var id string
		var sealed []byte
		if err := rows.Scan(&id, &sealed); err != nil {
			return nil, err
		}
		out[id] = sealed
	}
	return out, rows.Err()
}
