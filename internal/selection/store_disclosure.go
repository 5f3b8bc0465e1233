package selection

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const disclosureColumns = `d.id, d.run_id, d.approval_id, d.org_id, d.recipient_id, d.purpose, d.consent_id, d.basis, d.records, d.sealed, d.at, d.entry,
	(SELECT count(*) FROM selection_disclosed x WHERE x.disclosure_id = d.id)`

func scanDisclosure(scan func(...any) error) (d Disclosure, err error) {
	var at int64
	err = scan(&d.ID, &d.Run, &d.Approval, &d.Org, &d.Recipient, &d.Purpose, &d.Consent, &d.Basis, &d.Records, &d.sealed, &at, &d.Entry, &d.Left)
	d.At = db.Time(at)
	return d, err
}

// reachDisclosure is the rule of access to disclosures, inside every query.
func (q *query) reachDisclosure(who gate.Identity, reach gate.Reach) {
	switch reach {
	case gate.Own:
		q.And("d.org_id = ?", who.Org)
	case gate.Addressed:
		q.And("d.recipient_id = ?", who.Org)
	case gate.Record:
		q.And("d.at > 0")
	default:
		q.And("d.at < 0")
	}
}

func insertDisclosure(ctx context.Context, tx *db.Tx, d Disclosure, records []string) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_disclosure (id, run_id, approval_id, org_id, recipient_id, purpose, consent_id, basis, records, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		d.ID, d.Run, d.Approval, d.Org, d.Recipient, d.Purpose, d.Consent, d.Basis, d.Records, d.sealed, db.Micros(d.At), d.Entry)
	if err != nil {
		return err
	}
	for _, id := range records {
		if _, err := tx.Exec(ctx, "INSERT INTO selection_disclosed (disclosure_id, record_id) VALUES ($1, $2)", d.ID, id); err != nil {
			return err
		}
	}
	return nil
}

func loadDisclosure(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (Disclosure, error) {
	var q query
	q.reachDisclosure(who, reach)
	q.And("d.id = ?", id)
	d, err := scanDisclosure(tx.QueryRow(ctx, "SELECT "+disclosureColumns+" FROM selection_disclosure d WHERE "+q.Where(), q.Args...).Scan)
	if err == db.ErrNoRows {
		err = ErrNoRecords
	}
	return d, err
}

// listDisclosures gives a page of disclosures, the newest first: of a run, or with
// an empty run all within reach.
func listDisclosures(ctx context.Context, tx *db.Tx, run string, who gate.Identity, reach gate.Reach, cursor string, limit int) (out []Disclosure, next string, err error) {
	var q query
	q.reachDisclosure(who, reach)
	if run != "" {
		q.And("d.run_id = ?", run)
	}
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("d.id < ?", before)
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+disclosureColumns+" FROM selection_disclosure d WHERE "+q.Where()+" ORDER BY d.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scanDisclosure(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, d)
	}
	out, next = db.Page(out, limit, func(last *Disclosure) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}
