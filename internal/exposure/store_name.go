package exposure

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// States of a name.
const (
	nameOpen      = "open"      // nothing like it is known
	nameProposed  = "proposed"  // the nearest known, for a person to look at
	nameEqual     = "equal"     // letter by letter the same as a known one
	nameConfirmed = "confirmed" // by a person
	nameRefused   = "refused"   // a person said: none of them
)

// nameRow is what a product of a register is called, as it is stored.
type nameRow struct {
	org                 string
	maker, ware         string // keys, as the register's
	makerName, wareName string
	state               string
	cpe, purl           string
	at                  time.Time
	person              string
	entry               string
}

const nameColumns = "org_id, maker_key, ware_key, maker_name, ware_name, state, cpe, purl, at, person, entry"

func queryNames(ctx context.Context, tx *db.Tx, where string, a *db.Query) (out []nameRow, err error) {
	rows, err := tx.Query(ctx, "SELECT "+nameColumns+" FROM exposure_name WHERE "+where, a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n nameRow
		var at int64
		if err := rows.Scan(&n.org, &n.maker, &n.ware, &n.makerName, &n.wareName, &n.state, &n.cpe, &n.purl, &at, &n.person, &n.entry); err != nil {
			return nil, err
		}
		n.at = db.Time(at)
		out = append(out, n)
	}
	return out, rows.Err()
}

// loadNames returns the names of an operator's products.
func loadNames(ctx context.Context, tx *db.Tx, org string) (map[[2]string]nameRow, error) {
	var a db.Query
	list, err := queryNames(ctx, tx, "org_id = "+a.Arg(org), &a)
	out := make(map[[2]string]nameRow, len(list))
	for _, n := range list {
		out[[2]string{n.maker, n.ware}] = n
	}
	return out, err
}

// pageNames lists the names of an operator's products, in the order of their
// keys, after a cursor; those nobody decided first when undecided is set.
func pageNames(ctx context.Context, tx *db.Tx, org string, undecided bool, cursor string, limit int) (out []nameRow, next string, err error) {
	var a db.Query
	where := "org_id = " + a.Arg(org)
	if undecided {
		where += " AND state IN ('open', 'proposed', 'equal')"
	}
	var maker, ware string
	if ok, err := db.ParseCursor(cursor, &maker, &ware); err != nil {
		return nil, "", err
	} else if ok {
		where += " AND (maker_key, ware_key) > (" + a.Arg(maker) + ", " + a.Arg(ware) + ")"
	}
	limit = db.Limit(limit)
	out, err = queryNames(ctx, tx, where+" ORDER BY maker_key, ware_key LIMIT "+a.Arg(limit+1), &a)
	out, next = db.Page(out, limit, func(last *nameRow) string { return db.Cursor(last.maker, last.ware) })
	return out, next, err
}

func putName(ctx context.Context, tx *db.Tx, n *nameRow) error {
	_, err := tx.Exec(ctx, `INSERT INTO exposure_name (org_id, maker_key, ware_key, maker_name, ware_name, state, cpe, purl, at, person, entry)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (org_id, maker_key, ware_key) DO UPDATE SET state = excluded.state, cpe = excluded.cpe, purl = excluded.purl, at = excluded.at, person = excluded.person, entry = excluded.entry`,
		n.org, n.maker, n.ware, n.makerName, n.wareName, n.state, n.cpe, n.purl, db.Micros(n.at), n.person, n.entry)
	return err
}

// undecidedNames reports whether an operator has products whose name nobody
// decided on.
func undecidedNames(ctx context.Context, tx *db.Tx, org string) (bool, error) {
	err := tx.QueryRow(ctx, "SELECT 1 FROM exposure_name WHERE org_id = $1 AND state IN ('open', 'proposed', 'equal') LIMIT 1", org).Scan(new(int))
	if err == db.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}
