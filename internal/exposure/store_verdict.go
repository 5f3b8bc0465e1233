package exposure

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/base/db"
)

// States of a verdict.
const (
	proposedVerdict = "proposed"
	keptVerdict     = "kept"
	undoneVerdict   = "undone"
	expiredVerdict  = "expired"
)

// verdictRow is a person's verdict as it is stored.
type verdictRow struct {
	Judgement
	org, vulnerability, key string
	attacked                bool // already used in attacks when it was decided
	sealed                  []byte
}

const verdictColumns = "id, org_id, vulnerability, product_key, justification, state, attacked, until_at, at, person, by_org, entry, sealed"

func scanVerdict(scan func(...any) error) (v verdictRow, err error) {
	var attacked int
	var until, at int64
	err = scan(&v.ID, &v.org, &v.vulnerability, &v.key, &v.Justification, &v.State, &attacked, &until, &at, &v.person, &v.By, &v.Entry, &v.sealed)
	v.attacked, v.Until, v.At = attacked == 1, db.Time(until), db.Time(at)
	return v, err
}

func queryVerdicts(ctx context.Context, tx *db.Tx, where string, a *db.Query) (out []verdictRow, err error) {
	rows, err := tx.Query(ctx, "SELECT "+verdictColumns+" FROM exposure_verdict WHERE "+where, a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scanVerdict(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// keptVerdicts returns the verdicts that hold for a product, by operator and
// vulnerability.
func keptVerdicts(ctx context.Context, tx *db.Tx, key string, orgs []string) (map[[2]string]verdictRow, error) {
	out := map[[2]string]verdictRow{}
	for part := range slices.Chunk(orgs, 100) {
		var a db.Query
		list, err := queryVerdicts(ctx, tx, "org_id IN "+list(&a, part)+" AND product_key = "+a.Arg(key)+" AND state = 'kept'", &a)
		if err != nil {
			return nil, err
		}
		for _, v := range list {
			out[[2]string{v.org, v.vulnerability}] = v
		}
	}
	return out, nil
}

// verdictsOf returns the verdicts on one row, the newest first, at most 100.
func verdictsOf(ctx context.Context, tx *db.Tx, org, key, vulnerability string) ([]verdictRow, error) {
	var a db.Query
	return queryVerdicts(ctx, tx, "org_id = "+a.Arg(org)+" AND product_key = "+a.Arg(key)+" AND vulnerability = "+a.Arg(vulnerability)+" ORDER BY id DESC LIMIT 100", &a)
}

// expiring returns verdicts whose time is over, at most limit.
func expiring(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]verdictRow, error) {
	var a db.Query
	return queryVerdicts(ctx, tx, "state = 'kept' AND until_at > 0 AND until_at <= "+a.Arg(db.Micros(now))+" ORDER BY until_at LIMIT "+a.Arg(limit), &a)
}

func insertVerdict(ctx context.Context, tx *db.Tx, v *verdictRow) error {
	_, err := tx.Exec(ctx, "INSERT INTO exposure_verdict ("+verdictColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		v.ID, v.org, v.vulnerability, v.key, string(v.Justification), v.State, bit(v.attacked), db.Micros(v.Until), db.Micros(v.At), v.person, v.By, v.Entry, v.sealed)
	return err
}

// setVerdict moves a verdict on if it is in one of the states.
func setVerdict(ctx context.Context, tx *db.Tx, id, to string, from ...string) (bool, error) {
	var a db.Query
	n, err := tx.Exec(ctx, "UPDATE exposure_verdict SET state = "+a.Arg(to)+" WHERE id = "+a.Arg(id)+" AND state IN "+list(&a, from), a.Args...)
	return n > 0, err
}
