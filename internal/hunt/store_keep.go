package hunt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
)

// dueRuns lists the runs that came in before a time and whose hunt is not held,
// the oldest first.
func dueRuns(ctx context.Context, tx *db.Tx, before time.Time, limit int) ([]string, error) {
	return idsOf(ctx, tx, `SELECT r.id FROM hunt_run r JOIN hunt_hunt h ON h.id = r.hunt_id
		WHERE r.removed_at = 0 AND r.at < $1 AND h.hold_at = 0 ORDER BY r.at LIMIT $2`, db.Micros(before), limit)
}

// removable lists findings of a run that nothing keeps.
func removable(ctx context.Context, tx *db.Tx, run string, limit int) ([]string, error) {
	return idsOf(ctx, tx, "SELECT id FROM hunt_finding WHERE run_id = $1 AND released_at = 0 LIMIT $2", run, limit)
}

// idleDecisions lists old decisions of an organisation that no finding has any
// more, nor could get back.
func idleDecisions(ctx context.Context, tx *db.Tx, org string, before time.Time) ([]string, error) {
	return idsOf(ctx, tx, `SELECT id FROM hunt_decision WHERE org_id = $1 AND at < $2 AND kept = 0
		AND NOT EXISTS (SELECT 1 FROM hunt_finding f WHERE f.decision = hunt_decision.id AND f.decision <> '')
		AND id NOT IN (SELECT was_decision FROM hunt_decided)`, org, db.Micros(before))
}

func idsOf(ctx context.Context, tx *db.Tx, query string, args ...any) (ids []string, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// removeFindings removes findings with everything that is kept of them.
func removeFindings(ctx context.Context, tx *db.Tx, ids []string) error {
	for _, q := range []string{"DELETE FROM hunt_example WHERE finding_id IN (%s)", "DELETE FROM hunt_attack WHERE finding_id IN (%s)", "DELETE FROM hunt_finding WHERE id IN (%s)"} {
		if err := removeAll(ctx, tx, q, ids); err != nil {
			return err
		}
	}
	return nil
}

// removeAll runs a statement over ids, so many at a time as one may name.
func removeAll(ctx context.Context, tx *db.Tx, query string, ids []string) error {
	for some := range slices.Chunk(ids, maxIn) {
		var q db.Query
		if _, err := tx.Exec(ctx, fmt.Sprintf(query, db.List(&q, some)), q.Args...); err != nil {
			return err
		}
	}
	return nil
}

// removeRun writes down that the findings of a run are removed.
func removeRun(ctx context.Context, tx *db.Tx, r Received, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE hunt_run SET removed_at = $2, sealed = $3 WHERE id = $1", r.ID, db.Micros(at), r.sealed)
	return err
}
