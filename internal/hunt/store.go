package hunt

import (
	"context"

	"noroshi/internal/base/db"
)

// nextSerial numbers the hunts of an organisation in a year, from 1.
func nextSerial(ctx context.Context, tx *db.Tx, org string, year int) (n int, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO hunt_serial (org_id, year, last) VALUES ($1, $2, 1)
		ON CONFLICT (org_id, year) DO UPDATE SET last = hunt_serial.last + 1 RETURNING last`, org, year).Scan(&n)
	return n, err
}

const huntColumns = "id, org_id, number, state, conclusion, sealed, person, entry, at, changed_at, opened_at, closed_at, version, hold_at"

func scanHunt(scan func(...any) error) (h Hunt, err error) {
	var at, changed, opened, closed, hold int64
	err = scan(&h.ID, &h.org, &h.Number, &h.Stage, &h.Conclusion, &h.sealed, &h.By, &h.Entry, &at, &changed, &opened, &closed, &h.Version, &hold)
	h.At, h.ChangedAt, h.OpenedAt, h.ClosedAt, h.HoldAt = db.Time(at), db.Time(changed), db.Time(opened), db.Time(closed), db.Time(hold)
	return h, err
}

func (h *Hunt) values() []any {
	return []any{h.ID, h.org, h.Number, string(h.Stage), string(h.Conclusion), h.sealed, h.By, h.Entry, db.Micros(h.At), db.Micros(h.ChangedAt), db.Micros(h.OpenedAt), db.Micros(h.ClosedAt), h.Version, db.Micros(h.HoldAt)}
}

func insertHunt(ctx context.Context, tx *db.Tx, h Hunt) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_hunt ("+huntColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)", h.values()...)
	return err
}

// updateHunt writes a hunt over the version before it.
func updateHunt(ctx context.Context, tx *db.Tx, h Hunt) error {
	n, err := tx.Exec(ctx, `UPDATE hunt_hunt SET org_id = $2, number = $3, state = $4, conclusion = $5, sealed = $6, person = $7, entry = $8, at = $9, changed_at = $10,
		opened_at = $11, closed_at = $12, version = $13, hold_at = $14 WHERE id = $1 AND version = $13 - 1`, h.values()...)
	if err == nil && n == 0 {
		err = ErrStale
	}
	return err
}

// loadHunt reads a hunt of an organisation by its id or number.
func loadHunt(ctx context.Context, tx *db.Tx, org, id string) (Hunt, error) {
	h, err := scanHunt(tx.QueryRow(ctx, "SELECT "+huntColumns+" FROM hunt_hunt WHERE org_id = $1 AND (id = $2 OR number = $3)", org, id, normalHunt(id)).Scan)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return h, err
}

func listHunts(ctx context.Context, tx *db.Tx, org string, f HuntFilter) (out []Hunt, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+huntColumns+" FROM hunt_hunt WHERE org_id = $1 AND ($2 = '' OR state = $2) AND id < $3 ORDER BY id DESC LIMIT $4",
		org, string(f.Stage), before, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		h, err := scanHunt(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, h)
	}
	out, next = db.Page(out, limit, func(last *Hunt) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

const runColumns = "id, org_id, hunt_id, key, parts, detections, groups, beyond, quiet, sealed, person, entry, at, done_at"

// wholeRun are the columns of a run with its removal and the hold of its hunt.
const wholeRun = runColumns + ", removed_at, (SELECT h.hold_at FROM hunt_hunt h WHERE h.id = hunt_run.hunt_id)"

func scanRun(scan func(...any) error) (r Received, err error) {
	var at, done, removed int64
	err = scan(&r.ID, &r.org, &r.Hunt, &r.key, &r.Parts, &r.Taken, &r.Groups, &r.Beyond, &r.Quiet, &r.sealed, &r.By, &r.Entry, &at, &done, &removed, &r.heldAt)
	r.At, r.DoneAt, r.RemovedAt = db.Time(at), db.Time(done), db.Time(removed)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return r, err
}

func insertRun(ctx context.Context, tx *db.Tx, r Received) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_run ("+runColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		r.ID, r.org, r.Hunt, r.key, r.Parts, r.Taken, r.Groups, r.Beyond, r.Quiet, r.sealed, r.By, r.Entry, db.Micros(r.At), db.Micros(r.DoneAt))
	return err
}

func updateRun(ctx context.Context, tx *db.Tx, r Received) error {
	_, err := tx.Exec(ctx, "UPDATE hunt_run SET parts = $2, detections = $3, groups = $4, beyond = $5, quiet = $6, done_at = $7 WHERE id = $1",
		r.ID, r.Parts, r.Taken, r.Groups, r.Beyond, r.Quiet, db.Micros(r.DoneAt))
	return err
}

func loadRun(ctx context.Context, tx *db.Tx, org, id string) (Received, error) {
	return scanRun(tx.QueryRow(ctx, "SELECT "+wholeRun+" FROM hunt_run WHERE org_id = $1 AND id = $2", org, id).Scan)
}

// lockRun is loadRun of a run that is about to change: parts come one after
// another on however many nodes.
func lockRun(ctx context.Context, tx *db.Tx, org, id string) (Received, error) {
	return scanRun(tx.QueryRow(ctx, "SELECT "+wholeRun+" FROM hunt_run WHERE org_id = $1 AND id = $2"+tx.ForUpdate(), org, id).Scan)
}

// lockAnyRun is lockRun of whatever organisation, for the hub itself.
func lockAnyRun(ctx context.Context, tx *db.Tx, id string) (Received, error) {
	return scanRun(tx.QueryRow(ctx, "SELECT "+wholeRun+" FROM hunt_run WHERE id = $1"+tx.ForUpdate(), id).Scan)
}

func loadRunKey(ctx context.Context, tx *db.Tx, org, hunt, key string) (Received, error) {
	return scanRun(tx.QueryRow(ctx, "SELECT "+wholeRun+" FROM hunt_run WHERE org_id = $1 AND hunt_id = $2 AND key = $3", org, hunt, key).Scan)
}

// listRuns lists the runs of a hunt, or of all, the newest first.
func listRuns(ctx context.Context, tx *db.Tx, org, hunt, cursor string, limit int) (out []Received, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+wholeRun+" FROM hunt_run WHERE org_id = $1 AND ($2 = '' OR hunt_id = $2) AND id < $3 ORDER BY id DESC LIMIT $4", org, hunt, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, r)
	}
	out, next = db.Page(out, limit, func(last *Received) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}
