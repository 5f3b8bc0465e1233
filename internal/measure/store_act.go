package measure

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

func insertAct(ctx context.Context, tx *db.Tx, chain ID, p Past) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_act (id, chain_id, act, was, became, org_id, person, side, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
		p.ID, chain, p.Act, string(p.From), string(p.To), p.Org, p.person, string(p.By), p.sealed, db.Micros(p.At), p.Entry)
	return err
}

const actColumns = "id, act, was, became, org_id, person, side, sealed, at, entry"

func scanAct(scan func(...any) error) (p Past, err error) {
	var at int64
	err = scan(&p.ID, &p.Act, &p.From, &p.To, &p.Org, &p.person, &p.By, &p.sealed, &at, &p.Entry)
	p.At = db.Time(at)
	return p, err
}

// listActs gives a page of the history of a chain, the last act first: only acts
// of some names, where names are given, and only those up to one.
func listActs(ctx context.Context, tx *db.Tx, chain ID, names []string, upto ID, cursor string, limit int) (out []Past, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	var q query
	q.And("chain_id = ?", chain)
	q.And("id < ?", before)
	q.And("id <= ?", upto)
	if len(names) > 0 {
		q.In("act", names)
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+actColumns+" FROM measure_act WHERE "+q.Where()+" ORDER BY id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanAct(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, p)
	}
	out, next = db.Page(out, limit, func(last *Past) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// lastAct returns the last act of a name up to one; db.ErrNoRows for none.
func lastAct(ctx context.Context, tx *db.Tx, chain ID, act string, upto ID) (Past, error) {
	return scanAct(tx.QueryRow(ctx, "SELECT "+actColumns+" FROM measure_act WHERE chain_id = $1 AND act = $2 AND id <= $3 ORDER BY id DESC LIMIT 1", chain, act, upto).Scan)
}

// putTried keeps that the plan of a chain came to nothing before the commission.
func putTried(ctx context.Context, tx *db.Tx, chain ID, act string, asked ID, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO measure_tried (chain_id, plan_act, act, approval_id, at) SELECT CAST($1 AS TEXT), max(id), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM measure_act
		WHERE chain_id = $1 AND act = 'plan' HAVING max(id) IS NOT NULL ON CONFLICT DO NOTHING`, chain, act, asked, db.Micros(now))
	return err
}

// triedUnder is whose plans against the machine of a case came to nothing.
const triedUnder = "FROM measure_tried t JOIN measure_chain h ON h.id = t.chain_id JOIN measure_case k ON k.id = h.case_id WHERE h.org_id = $2 AND k.server_tag = (SELECT server_tag FROM measure_case WHERE id = $1)"

// tried counts them.
func tried(ctx context.Context, tx *db.Tx, c *Chain) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) "+triedUnder, c.kase, c.Org).Scan(&n)
	return n, err
}

// listTried lists them, the first first.
func listTried(ctx context.Context, tx *db.Tx, c *Chain) (out []Tried, err error) {
	rows, err := tx.Query(ctx, "SELECT t.chain_id, k.number, t.plan_act, t.act, t.approval_id, t.at, h.org_id "+triedUnder+" ORDER BY t.at, t.plan_act LIMIT $3", c.kase, c.Org, maxTried)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x Tried
		var at int64
		if err := rows.Scan(&x.Chain, &x.Case, &x.planAct, &x.Act, &x.approval, &at, &x.org); err != nil {
			return nil, err
		}
		x.At = db.Time(at)
		out = append(out, x)
	}
	return out, rows.Err()
}

// maxTried is how many plans that came to nothing are shown.
const maxTried = 50

// actByID returns one act.
func actByID(ctx context.Context, tx *db.Tx, id ID) (Past, error) {
	return scanAct(tx.QueryRow(ctx, "SELECT "+actColumns+" FROM measure_act WHERE id = $1", id).Scan)
}

func lastPerson(ctx context.Context, tx *db.Tx, chain ID, act string) (string, error) {
	p, err := lastAct(ctx, tx, chain, act, db.Above)
	return p.person, ignore(err, db.ErrNoRows)
}

const stepColumns = "id, number, phase, first_person, second_person, accountant, sealed, intended_at, gone_at, ended_at, outcome"

func insertStep(ctx context.Context, tx *db.Tx, chain ID, d Done) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_step (id, chain_id, number, phase, first_person, second_person, sealed, intended_at, gone_at, ended_at, outcome) VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0, 0, '')",
		d.ID, chain, d.Number, string(d.Phase), d.first, d.sealed, db.Micros(d.IntendedAt))
	return err
}

func updateStep(ctx context.Context, tx *db.Tx, d Done) error {
	n, err := tx.Exec(ctx, "UPDATE measure_step SET phase = $2, second_person = $3, sealed = $4, gone_at = $5, ended_at = $6, outcome = $7, accountant = $8 WHERE id = $1 AND ended_at = 0",
		d.ID, string(d.Phase), d.second, d.sealed, db.Micros(d.GoneAt), db.Micros(d.EndedAt), string(d.Outcome), d.accountant)
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

func steps(ctx context.Context, tx *db.Tx, where string, args ...any) (out []Done, err error) {
	rows, err := tx.Query(ctx, "SELECT "+stepColumns+" FROM measure_step WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Done
		var intended, gone, ended int64
		if err := rows.Scan(&d.ID, &d.Number, &d.Phase, &d.first, &d.second, &d.accountant, &d.sealed, &intended, &gone, &ended, &d.Outcome); err != nil {
			return nil, err
		}
		d.IntendedAt, d.GoneAt, d.EndedAt = db.Time(intended), db.Time(gone), db.Time(ended)
		out = append(out, d)
	}
	return out, rows.Err()
}

// listSteps gives a page of what was carried out on a chain, the last first.
func listSteps(ctx context.Context, tx *db.Tx, chain ID, cursor string, limit int) (out []Done, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	out, err = steps(ctx, tx, "chain_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3", chain, before, limit+1)
	out, next = db.Page(out, limit, func(last *Done) string { return db.Cursor(last.ID) })
	return out, next, err
}

// openSteps lists the steps that are under way: one, or none.
func openSteps(ctx context.Context, tx *db.Tx, chain ID) ([]Done, error) {
	return steps(ctx, tx, "chain_id = $1 AND ended_at = 0 ORDER BY id LIMIT 2", chain)
}

// carriedOut reports whether a step of a plan was carried out since the plan was
// written: what failed, and what nobody said go to, may be tried again.
func carriedOut(ctx context.Context, tx *db.Tx, chain ID, number int) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM measure_step WHERE chain_id = $1 AND number = $2 AND outcome IN ('done', 'deviated', 'lost')", chain, number).Scan(&n)
	return n > 0, err
}

func putVoice(ctx context.Context, tx *db.Tx, chain ID, v Voice) error {
	_, err := tx.Exec(ctx, `INSERT INTO measure_voice (chain_id, person, org_id, choice, sealed, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (chain_id, person) DO UPDATE SET org_id = excluded.org_id, choice = excluded.choice, sealed = excluded.sealed, at = excluded.at`,
		chain, v.person, v.org, choice(v.Recommends), v.sealed, db.Micros(v.At))
	return err
}

// voices lists how members of the commission see the emergency of a chain.
func voices(ctx context.Context, tx *db.Tx, chain ID) (out []Voice, err error) {
	rows, err := tx.Query(ctx, "SELECT person, org_id, choice, sealed, at FROM measure_voice WHERE chain_id = $1 ORDER BY at, person LIMIT $2", chain, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v Voice
		var how string
		var at int64
		if err := rows.Scan(&v.person, &v.org, &how, &v.sealed, &at); err != nil {
			return nil, err
		}
		v.Recommends, v.At = how == choice(true), db.Time(at)
		out = append(out, v)
	}
	return out, rows.Err()
}

// choice is the act by which a review would be closed as a voice wants.
func choice(recommends bool) string {
	if recommends {
		return "advise"
	}
	return "confirm"
}

// sealedOf returns what was said in the act of an entry, with the chain's unit,
// under whose key it is.
func sealedOf(ctx context.Context, tx *db.Tx, entry string) (id ID, unit string, sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT a.id, h.org_id, a.sealed FROM measure_act a JOIN measure_chain h ON h.id = a.chain_id WHERE a.entry = $1 ORDER BY a.id LIMIT 1", entry).Scan(&id, &unit, &sealed)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return id, unit, sealed, err
}
