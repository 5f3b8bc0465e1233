package approval

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

const useColumns = "u.id, u.approval_id, u.org_id, u.person, u.verb, u.sealed, u.at, u.ended_at, u.packets, u.bytes, u.outcome, u.entry"

func scanUse(scan func(...any) error) (u Use, err error) {
	var at, ended, packets, bytes int64
	err = scan(&u.ID, &u.Approval, &u.Org, &u.person, &u.Verb, &u.sealed, &at, &ended, &packets, &bytes, &u.Outcome, &u.Entry)
	if err == db.ErrNoRows {
		return u, ErrUse
	}
	u.At, u.EndedAt, u.Taken = db.Time(at), db.Time(ended), Quantity{uint64(packets), uint64(bytes)}
	return u, err
}

func insertUse(ctx context.Context, tx *db.Tx, u Use) error {
	_, err := tx.Exec(ctx, "INSERT INTO approval_use (id, approval_id, org_id, person, verb, sealed, at, ended_at, packets, bytes, outcome, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 0, '', $8)",
		u.ID, u.Approval, u.Org, u.person, u.Verb, u.sealed, db.Micros(u.At), u.Entry)
	return err
}

// takeUse writes how much a use took so far, in all; ErrUse when it has ended,
// ErrTaken when more was written before.
func takeUse(ctx context.Context, tx *db.Tx, id ID, q Quantity, ended time.Time, outcome string) error {
	n, err := tx.Exec(ctx, "UPDATE approval_use SET packets = $2, bytes = $3, ended_at = $4, outcome = $5 WHERE id = $1 AND ended_at = 0 AND packets <= $2 AND bytes <= $3",
		id, int64(q.Packets), int64(q.Bytes), db.Micros(ended), outcome)
	if err != nil || n > 0 {
		return err
	}
	u, err := loadUse(ctx, tx, id)
	if err != nil {
		return err
	}
	if u.EndedAt.IsZero() {
		return ErrTaken
	}
	return ErrUse
}

func loadUse(ctx context.Context, tx *db.Tx, id ID) (Use, error) {
	return scanUse(tx.QueryRow(ctx, "SELECT "+useColumns+" FROM approval_use u WHERE u.id = $1", id).Scan)
}

// openUses counts the uses of an approval that are under way.
func openUses(ctx context.Context, tx *db.Tx, id ID) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM approval_use WHERE approval_id = $1 AND ended_at = 0", id).Scan(&n)
	return n, err
}

// unfinished lists uses that are under way, the first first.
func unfinished(ctx context.Context, tx *db.Tx) (out []Use, err error) {
	return uses(ctx, tx, "SELECT "+useColumns+" FROM approval_use u WHERE u.ended_at = 0 ORDER BY u.id LIMIT $1", db.MaxLimit)
}

func uses(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Use, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		u, err := scanUse(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

// listUses gives a page of the uses of an approval, the newest first.
func listUses(ctx context.Context, tx *db.Tx, id ID, cursor string, limit int) (out []Use, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	out, err = uses(ctx, tx, "SELECT "+useColumns+" FROM approval_use u WHERE u.approval_id = $1 AND u.id < $2 ORDER BY u.id DESC LIMIT $3", id, before, limit+1)
	out, next = db.Page(out, limit, func(last *Use) string { return db.Cursor(last.ID) })
	return out, next, err
}

func insertRefusal(ctx context.Context, tx *db.Tx, r Refusal) error {
	_, err := tx.Exec(ctx, "INSERT INTO approval_refusal (id, approval_id, org_id, person, verb, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
		r.Entry, r.Approval, r.Org, r.person, r.Verb, r.Reason, db.Micros(r.At))
	return err
}

// listRefusals lists the last refusals of an approval, the newest first.
func listRefusals(ctx context.Context, tx *db.Tx, id ID) (out []Refusal, err error) {
	rows, err := tx.Query(ctx, "SELECT id, approval_id, org_id, person, verb, reason, at FROM approval_refusal WHERE approval_id = $1 ORDER BY id DESC LIMIT $2", id, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Refusal
		var at int64
		if err := rows.Scan(&r.Entry, &r.Approval, &r.Org, &r.person, &r.Verb, &r.Reason, &at); err != nil {
			return nil, err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	return out, rows.Err()
}

// loadVital reads it in one query; ErrUse when there is no such use.
func loadVital(ctx context.Context, tx *db.Tx, use ID) (v Vital, err error) {
	var until, ended, capPackets, capBytes, packets, bytes int64
	err = tx.QueryRow(ctx, `SELECT c.state, c.until_at, u.ended_at, c.cap_packets, c.cap_bytes,
		(SELECT CAST(coalesce(sum(x.packets), 0) AS BIGINT) FROM approval_use x WHERE x.approval_id = c.id), (SELECT CAST(coalesce(sum(x.bytes), 0) AS BIGINT) FROM approval_use x WHERE x.approval_id = c.id)
		FROM approval_use u JOIN approval_case c ON c.id = u.approval_id WHERE u.id = $1`, use).Scan(&v.State, &until, &ended, &capPackets, &capBytes, &packets, &bytes)
	if err == db.ErrNoRows {
		return v, ErrUse
	}
	v.Until, v.Ended, v.Cap, v.Spent = db.Time(until), db.Time(ended), Quantity{uint64(capPackets), uint64(capBytes)}, Quantity{uint64(packets), uint64(bytes)}
	return v, err
}

// spent sums what the uses of an approval took. It is a statement of its own, so
// that on PostgreSQL it sees what was committed while the row was waited for.
func spent(ctx context.Context, tx *db.Tx, id ID) (Quantity, error) {
	var packets, bytes int64
	err := tx.QueryRow(ctx, "SELECT CAST(coalesce(sum(packets), 0) AS BIGINT), CAST(coalesce(sum(bytes), 0) AS BIGINT) FROM approval_use WHERE approval_id = $1", id).Scan(&packets, &bytes)
	return Quantity{uint64(packets), uint64(bytes)}, err
}
