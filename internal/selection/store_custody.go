package selection

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const custodyColumns = "k.approval_id, k.org_id, k.public, k.first, k.second, k.first_share, k.second_share, k.first_at, k.second_at, k.at, k.entry"

func scanCustody(scan func(...any) error) (c Custody, err error) {
	var first, second, at int64
	err = scan(&c.Approval, &c.org, &c.public, &c.First, &c.Second, &c.firstSealed, &c.secondSealed, &first, &second, &at, &c.Entry)
	c.FirstAt, c.SecondAt, c.At = db.Time(first), db.Time(second), db.Time(at)
	return c, err
}

func insertCustody(ctx context.Context, tx *db.Tx, c Custody) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_custody (approval_id, org_id, public, first, second, first_share, second_share, first_at, second_at, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9)",
		c.Approval, c.org, c.public, c.First, c.Second, c.firstSealed, c.secondSealed, db.Micros(c.At), c.Entry)
	if db.IsUnique(err) {
		err = ErrCustody
	}
	return err
}

func loadCustody(ctx context.Context, tx *db.Tx, approvalID string) (Custody, error) {
	c, err := scanCustody(tx.QueryRow(ctx, "SELECT "+custodyColumns+" FROM selection_custody k WHERE k.approval_id = $1", approvalID).Scan)
	if err == db.ErrNoRows {
		err = ErrNoCustody
	}
	return c, err
}

// listCustody lists the keys that a person holds a share of, or, for a clerk, those
// of the office, the newest first.
func listCustody(ctx context.Context, tx *db.Tx, who gate.Identity, clerk bool) (out []Custody, err error) {
	var q query
	if clerk {
		q.And("(k.org_id = ? OR k.first = ? OR k.second = ?)", who.Org, who.Person, who.Person)
	} else {
		q.And("(k.first = ? OR k.second = ?)", who.Person, who.Person)
	}
	rows, err := tx.Query(ctx, "SELECT "+custodyColumns+" FROM selection_custody k WHERE "+q.Where()+" ORDER BY k.at DESC, k.approval_id DESC LIMIT "+q.Arg(db.MaxLimit), q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanCustody(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// takeShare gives the first or second share away: what is sealed of it is gone.
func takeShare(ctx context.Context, tx *db.Tx, approvalID string, first bool, at time.Time) (bool, error) {
	column := "second"
	if first {
		column = "first"
	}
	n, err := tx.Exec(ctx, "UPDATE selection_custody SET "+column+"_share = $2, "+column+"_at = $3 WHERE approval_id = $1 AND "+column+"_at = 0", approvalID, []byte{}, db.Micros(at))
	return n > 0, err
}

const openingColumns = "o.id, o.approval_id, o.run_id, o.key_id, o.org_id, o.person, o.purpose, o.state, o.subjects, o.first_at, o.second_at, o.opened_at, o.at, o.entry"

func scanOpening(scan func(...any) error) (o Opening, err error) {
	var first, second, opened, at int64
	err = scan(&o.ID, &o.Approval, &o.Run, &o.key, &o.org, &o.person, &o.Purpose, &o.State, &o.Subjects, &first, &second, &opened, &at, &o.Entry)
	o.FirstAt, o.SecondAt, o.OpenedAt, o.At = db.Time(first), db.Time(second), db.Time(opened), db.Time(at)
	return o, err
}

func insertOpening(ctx context.Context, tx *db.Tx, o Opening) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_opening (id, approval_id, run_id, key_id, org_id, person, purpose, state, subjects, first_at, second_at, opened_at, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, $10, $11)",
		o.ID, o.Approval, o.Run, o.key, o.org, o.person, o.Purpose, string(o.State), o.Subjects, db.Micros(o.At), o.Entry)
	return err
}

func updateOpening(ctx context.Context, tx *db.Tx, o Opening) error {
	_, err := tx.Exec(ctx, "UPDATE selection_opening SET state = $2, first_at = $3, second_at = $4, opened_at = $5 WHERE id = $1", o.ID, string(o.State), db.Micros(o.FirstAt), db.Micros(o.SecondAt), db.Micros(o.OpenedAt))
	return err
}

func loadOpening(ctx context.Context, tx *db.Tx, id string) (Opening, error) {
	o, err := scanOpening(tx.QueryRow(ctx, "SELECT "+openingColumns+" FROM selection_opening o WHERE o.id = $1"+tx.ForUpdate(), id).Scan)
	if err == db.ErrNoRows {
		err = ErrNoOpening
	}
	return o, err
}

// listOpenings lists re-identifications, the newest first: to a handler their
// own, to a holder those that wait for or had their share, to who supervises all.
func listOpenings(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach) (out []Opening, err error) {
	var q query
	if reach == gate.Record {
		q.And("o.at > 0")
	} else {
		q.And("(o.person = ? OR EXISTS (SELECT 1 FROM selection_custody k WHERE k.approval_id = o.key_id AND (k.first = ? OR k.second = ?)))", who.Person, who.Person, who.Person)
	}
	rows, err := tx.Query(ctx, "SELECT "+openingColumns+" FROM selection_opening o WHERE "+q.Where()+" ORDER BY o.id DESC LIMIT "+q.Arg(db.MaxLimit), q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		o, err := scanOpening(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// setHolder writes whether a person is ready to hold shares.
func setHolder(ctx context.Context, tx *db.Tx, who gate.Identity, ready bool, at time.Time) error {
	if _, err := tx.Exec(ctx, "DELETE FROM selection_holder WHERE person = $1", who.Person); err != nil || !ready {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO selection_holder (person, org_id, at) VALUES ($1, $2, $3)", who.Person, who.Org, db.Micros(at))
	return err
}

// listHolders lists who is ready to hold shares, as person and organisation.
func listHolders(ctx context.Context, tx *db.Tx) (out [][2]string, err error) {
	rows, err := tx.Query(ctx, "SELECT person, org_id FROM selection_holder ORDER BY at, person LIMIT $1", db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x [2]string
		if err := rows.Scan(&x[0], &x[1]); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}
