package selection

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const recordColumns = "c.id, c.run_id, c.org_id, c.approval_id, c.provenance, c.selector, c.personal, c.start_at, c.retain_until, c.sealed"

func scanRecord(scan func(...any) error) (c Stored, err error) {
	var personal, start, retain int64
	err = scan(&c.ID, &c.Run, &c.org, &c.Approval, &c.Provenance, &c.Selector, &personal, &start, &retain, &c.sealed)
	c.Personal, c.startAt, c.RetainUntil = personal == 1, db.Time(start), db.Time(retain)
	return c, err
}

func insertRecord(ctx context.Context, tx *db.Tx, c Stored) error {
	personal := 0
	if c.Personal {
		personal = 1
	}
	_, err := tx.Exec(ctx, "INSERT INTO selection_record (id, run_id, org_id, approval_id, provenance, selector, personal, start_at, retain_until, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		c.ID, c.Run, c.org, c.Approval, c.Provenance, c.Selector, personal, db.Micros(c.startAt), db.Micros(c.RetainUntil), c.sealed)
	return err
}

// reachRecord is the rule of access to records, inside every query: the office
// has those of its own runs, a recipient those that were disclosed to it. What
// may not be kept any longer cannot be read, erased or not.
func (q *query) reachRecord(who gate.Identity, reach gate.Reach, now time.Time) {
	q.And("c.retain_until > ?", db.Micros(now))
	switch reach {
	case gate.Own:
		q.And("c.org_id = ? AND EXISTS (SELECT 1 FROM selection_run r WHERE r.id = c.run_id AND r.state = 'done')", who.Org)
	case gate.Addressed:
		q.And("EXISTS (SELECT 1 FROM selection_disclosed x JOIN selection_disclosure d ON d.id = x.disclosure_id WHERE x.record_id = c.id AND d.recipient_id = ?)", who.Org)
	default:
		q.And("c.start_at < 0")
	}
}

// listRecords gives a page of the records of a run, in the order they came.
func listRecords(ctx context.Context, tx *db.Tx, f RecordFilter, who gate.Identity, reach gate.Reach, now time.Time) (out []Stored, next string, err error) {
	var q query
	q.reachRecord(who, reach, now)
	q.And("c.run_id = ?", f.Run)
	if f.Selector != "" {
		q.And("c.selector = ?", f.Selector)
	}
	if f.Disclosure != "" {
		q.And("EXISTS (SELECT 1 FROM selection_disclosed x WHERE x.record_id = c.id AND x.disclosure_id = ?)", f.Disclosure)
	}
	after := ""
	if _, err := db.ParseCursor(f.Cursor, &after); err != nil {
		return nil, "", err
	}
	q.And("c.id > ?", after)
	limit := db.Limit(f.Limit)
	if out, err = records(ctx, tx, "SELECT "+recordColumns+" FROM selection_record c WHERE "+q.Where()+" ORDER BY c.id LIMIT "+q.Arg(limit+1), q.Args...); err != nil {
		return nil, "", err
	}
	out, next = db.Page(out, limit, func(last *Stored) string { return db.Cursor(last.ID) })
	return out, next, err
}

func records(ctx context.Context, tx *db.Tx, sql string, args ...any) (out []Stored, err error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanRecord(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// dueRuns lists runs that have records which may not be kept any longer.
func dueRuns(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]string, error) {
	return ids(ctx, tx, "SELECT DISTINCT run_id FROM selection_record WHERE retain_until <= $1 ORDER BY run_id LIMIT $2", db.Micros(now), limit)
}

// dueRecords lists the next ids of a run to be erased: those due at an instant.
func dueRecords(ctx context.Context, tx *db.Tx, run string, now time.Time, limit int) ([]string, error) {
	return ids(ctx, tx, "SELECT id FROM selection_record WHERE run_id = $1 AND retain_until <= $2 ORDER BY id LIMIT $3", run, db.Micros(now), limit)
}

// eraseRecord destroys a record and what points to it.
func eraseRecord(ctx context.Context, tx *db.Tx, id string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM selection_disclosed WHERE record_id = $1", id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM selection_record WHERE id = $1", id)
	return err
}

// leftOf counts the records that are left of an approval, and its runs under way.
func leftOf(ctx context.Context, tx *db.Tx, approvalID string) (left, going int64, err error) {
	if err = tx.QueryRow(ctx, "SELECT count(*) FROM selection_record WHERE approval_id = $1", approvalID).Scan(&left); err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, "SELECT count(*) FROM selection_run WHERE approval_id = $1 AND state = 'going'", approvalID).Scan(&going)
	return left, going, err
}

// retainRecords moves the day until which the records of a run may be kept.
func retainRecords(ctx context.Context, tx *db.Tx, run string, until time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE selection_record SET retain_until = $2 WHERE run_id = $1", run, db.Micros(until))
	return err
}

func insertReading(ctx context.Context, tx *db.Tx, org string, r ReadingOf) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_reading (id, run_id, org_id, reader_org, person, purpose, consent_id, records, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		r.ID, r.Run, org, r.Org, r.person, r.Purpose, r.Consent, r.Records, db.Micros(r.At))
	return err
}

func loadReadings(ctx context.Context, tx *db.Tx, run string) (out []ReadingOf, err error) {
	rows, err := tx.Query(ctx, "SELECT id, run_id, reader_org, person, purpose, consent_id, records, at FROM selection_reading WHERE run_id = $1 ORDER BY id DESC LIMIT $2", run, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r ReadingOf
		var at int64
		if err := rows.Scan(&r.ID, &r.Run, &r.Org, &r.person, &r.Purpose, &r.Consent, &r.Records, &at); err != nil {
			return nil, err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	return out, rows.Err()
}

func insertReceipt(ctx context.Context, tx *db.Tx, r Receipt) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_receipt (id, org_id, approval_id, run_id, why, records, digest, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		r.ID, r.org, r.Approval, r.Run, r.Why, r.Records, r.Digest, db.Micros(r.At), r.Entry)
	return err
}

// loadReceipts lists receipts, the newest first: of a run, or with an empty run
// those within reach.
func loadReceipts(ctx context.Context, tx *db.Tx, run string, who gate.Identity, reach gate.Reach, cursor string, limit int) (out []Receipt, next string, err error) {
	var q query
	switch reach {
	case gate.Own:
		q.And("e.org_id = ?", who.Org)
	case gate.Record:
		q.And("e.at > 0")
	default:
		q.And("e.at < 0")
	}
	if run != "" {
		q.And("e.run_id = ?", run)
	}
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("e.id < ?", before)
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT e.id, e.org_id, e.approval_id, e.run_id, e.why, e.records, e.digest, e.at, e.entry FROM selection_receipt e WHERE "+q.Where()+" ORDER BY e.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var r Receipt
		var at int64
		if err := rows.Scan(&r.ID, &r.org, &r.Approval, &r.Run, &r.Why, &r.Records, &r.Digest, &at, &r.Entry); err != nil {
			return nil, "", err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	out, next = db.Page(out, limit, func(last *Receipt) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

func insertExtension(ctx context.Context, tx *db.Tx, run string, e Extension) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_extension (id, run_id, until_at, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6)", e.ID, run, db.Micros(e.Until), e.sealed, db.Micros(e.At), e.Entry)
	return err
}

func loadExtensions(ctx context.Context, tx *db.Tx, run string) (out []Extension, err error) {
	rows, err := tx.Query(ctx, "SELECT id, until_at, sealed, at, entry FROM selection_extension WHERE run_id = $1 ORDER BY id LIMIT $2", run, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e Extension
		var until, at int64
		if err := rows.Scan(&e.ID, &until, &e.sealed, &at, &e.Entry); err != nil {
			return nil, err
		}
		e.Until, e.At = db.Time(until), db.Time(at)
		out = append(out, e)
	}
	return out, rows.Err()
}

// recordIDs lists the ids of a run's records that may be read, in order.
func recordIDs(ctx context.Context, tx *db.Tx, run, selector string, who gate.Identity, reach gate.Reach, now time.Time, limit int) ([]string, error) {
	var q query
	q.reachRecord(who, reach, now)
	q.And("c.run_id = ?", run)
	if selector != "" {
		q.And("c.selector = ?", selector)
	}
	return ids(ctx, tx, "SELECT c.id FROM selection_record c WHERE "+q.Where()+" ORDER BY c.id LIMIT "+q.Arg(limit), q.Args...)
}

// sumOf sums up the records of one selector in a run by provenance.
func sumOf(ctx context.Context, tx *db.Tx, run, selector string, who gate.Identity, reach gate.Reach, now time.Time) (out []found, err error) {
	var q query
	q.reachRecord(who, reach, now)
	q.And("c.run_id = ? AND c.selector = ?", run, selector)
	rows, err := tx.Query(ctx, "SELECT c.provenance, count(*), min(c.start_at), max(c.start_at) FROM selection_record c WHERE "+q.Where()+" GROUP BY c.provenance ORDER BY c.provenance", q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f found
		var first, last int64
		if err := rows.Scan(&f.provenance, &f.count, &first, &last); err != nil {
			return nil, err
		}
		f.first, f.last = db.Time(first), db.Time(last)
		out = append(out, f)
	}
	return out, rows.Err()
}
