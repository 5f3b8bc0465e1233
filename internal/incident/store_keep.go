package incident

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// setHold puts a case under legal hold, or with a zero time takes it off.
func setHold(ctx context.Context, tx *db.Tx, id ID, at time.Time, why []byte) error {
	_, err := tx.Exec(ctx, "UPDATE incident_case SET hold_at = $2, hold_why = $3 WHERE id = $1", id, db.Micros(at), why)
	return err
}

func loadHoldWhy(ctx context.Context, tx *db.Tx, id ID) (why []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT hold_why FROM incident_case WHERE id = $1", id).Scan(&why)
	return why, err
}

func setRetain(ctx context.Context, tx *db.Tx, id ID, until time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE incident_case SET retain_until = $2 WHERE id = $1", id, db.Micros(until))
	return err
}

// lockCase returns a case that is about to change, by any means.
func lockCase(ctx context.Context, tx *db.Tx, id ID) (Case, error) {
	c, err := scanCase(tx.QueryRow(ctx, "SELECT "+caseColumns+" FROM incident_case c WHERE c.id = $1"+tx.ForUpdate(), id).Scan)
	if err == db.ErrNoRows {
		return Case{}, ErrNone
	}
	return c, err
}

// living locks a case that is about to get more content; ErrPurged when it was
// destroyed, for nothing would ever destroy what came later.
func living(ctx context.Context, tx *db.Tx, id ID) error {
	c, err := lockCase(ctx, tx, id)
	if err == nil && !c.PurgedAt.IsZero() {
		err = ErrPurged
	}
	return err
}

// dueCases lists cases whose content is to be destroyed by now, the longest
// due first.
func dueCases(ctx context.Context, tx *db.Tx, now time.Time, limit int) (ids []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT id FROM incident_case WHERE purged_at = 0 AND hold_at = 0 AND retain_until <= $1 ORDER BY retain_until, id LIMIT $2", db.Micros(now), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// destroyContent empties what was sealed of a case. What says that it was
// there, who had it and when, stays; so do the reasons for supervision and for
// delays, which are the record of a power and not of an incident.
func destroyContent(ctx context.Context, tx *db.Tx, id ID, now time.Time) error {
	empty := []byte{}
	for _, q := range []string{
		"UPDATE incident_version SET sealed = $2 WHERE case_id = $1",
		"UPDATE incident_feedback SET sealed = $2 WHERE case_id = $1",
	} {
		if _, err := tx.Exec(ctx, q, id, empty); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "DELETE FROM incident_draft WHERE case_id = $1", id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE incident_case SET purged_at = $2 WHERE id = $1", id, db.Micros(now))
	return err
}

// idleDrafts lists drafts of first reports that nobody saved since an instant,
// with their organisations.
func idleDrafts(ctx context.Context, tx *db.Tx, since time.Time, limit int) (out [][2]string, err error) {
	rows, err := tx.Query(ctx, "SELECT id, org_id FROM incident_draft WHERE case_id = '' AND updated_at <= $1 ORDER BY updated_at, id LIMIT $2", db.Micros(since), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d [2]string
		if err := rows.Scan(&d[0], &d[1]); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// writtenIn lists the drafts that versions of a case were written in.
func writtenIn(ctx context.Context, tx *db.Tx, id ID) (ids []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT draft FROM incident_version WHERE case_id = $1 AND draft <> ''", id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d ID
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		ids = append(ids, d)
	}
	return ids, rows.Err()
}

// draftsOf lists the drafts that continue a case.
func draftsOf(ctx context.Context, tx *db.Tx, id ID) (ids []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT id FROM incident_draft WHERE case_id = $1 LIMIT $2", id, maxDrafts)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d ID
		if err := rows.Scan(&d); err != nil {
			return nil, err
		}
		ids = append(ids, d)
	}
	return ids, rows.Err()
}
