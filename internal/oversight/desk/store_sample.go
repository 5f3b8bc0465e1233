package desk

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

const planColumns = "id, number, org_id, strata, since, sealed, created_at, entry, commitment, nonce, place, root, seed, drawn_at"

func scanPlan(scan func(...any) error) (p Plan, err error) {
	var strata string
	var since, created, place, drawn int64
	err = scan(&p.ID, &p.Number, &p.org, &strata, &since, &p.sealed, &created, &p.Entry, &p.Commitment, &p.Nonce, &place, &p.Root, &p.Seed, &drawn)
	if err == db.ErrNoRows {
		return p, ErrNone
	}
	if err != nil {
		return p, err
	}
	p.Since, p.CreatedAt, p.DrawnAt, p.Place, p.Picks = db.Time(since), db.Time(created), db.Time(drawn), uint64(place), []Pick{}
	return p, json.Unmarshal([]byte(strata), &p.Strata)
}

func insertPlan(ctx context.Context, tx *db.Tx, p *Plan, person string) error {
	strata, err := json.Marshal(p.Strata)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO oversight_plan (id, number, org_id, person, strata, since, sealed, created_at, entry, commitment, nonce, place, root, seed, drawn_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, '', '', 0)`, p.ID, p.Number, p.org, person, string(strata), db.Micros(p.Since), p.sealed, db.Micros(p.CreatedAt), p.Entry, p.Commitment)
	return err
}

// revealPlan writes the nonce of a plan that has none yet.
func revealPlan(ctx context.Context, tx *db.Tx, id ID, nonce string) error {
	n, err := tx.Exec(ctx, "UPDATE oversight_plan SET nonce = $2 WHERE id = $1 AND nonce = ''", id, nonce)
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

// drawPlan writes the sample of a plan that has none yet.
func drawPlan(ctx context.Context, tx *db.Tx, p *Plan) error {
	strata, err := json.Marshal(p.Strata)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE oversight_plan SET strata = $2, place = $3, root = $4, seed = $5, drawn_at = $6 WHERE id = $1 AND drawn_at = 0",
		p.ID, string(strata), int64(p.Place), p.Root, p.Seed, db.Micros(p.DrawnAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	if err != nil {
		return err
	}
	for _, k := range p.Picks {
		if _, err := tx.Exec(ctx, "INSERT INTO oversight_pick (plan_id, place, kind, result, person, sealed, at) VALUES ($1, $2, $3, '', '', $4, 0)", p.ID, int64(k.Place), k.Kind, []byte{}); err != nil {
			return err
		}
	}
	return nil
}

func planByID(ctx context.Context, tx *db.Tx, id ID) (Plan, error) {
	return scanPlan(tx.QueryRow(ctx, "SELECT "+planColumns+" FROM oversight_plan WHERE id = $1 OR number = $2", id, strings.ToUpper(strings.TrimSpace(id))).Scan)
}

func plans(ctx context.Context, tx *db.Tx, where string, args ...any) (out []Plan, err error) {
	rows, err := tx.Query(ctx, "SELECT "+planColumns+" FROM oversight_plan WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanPlan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// listPlans gives a page of plans, the newest first.
func listPlans(ctx context.Context, tx *db.Tx, f Filter) (out []Plan, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	limit := db.Limit(f.Limit)
	out, err = plans(ctx, tx, "id < $1 ORDER BY id DESC LIMIT $2", before, limit+1)
	out, next = db.Page(out, limit, func(last *Plan) string { return db.Cursor(last.ID) })
	return out, next, err
}

func undrawn(ctx context.Context, tx *db.Tx) ([]Plan, error) {
	return plans(ctx, tx, "drawn_at = 0 AND nonce <> '' ORDER BY id LIMIT 100")
}

func picks(ctx context.Context, tx *db.Tx, plan ID) (out []Pick, err error) {
	rows, err := tx.Query(ctx, "SELECT place, kind, result, sealed, at FROM oversight_pick WHERE plan_id = $1 ORDER BY place LIMIT $2", plan, maxSample)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Pick
		var place, at int64
		if err := rows.Scan(&place, &p.Kind, &p.Result, &p.sealed, &at); err != nil {
			return nil, err
		}
		p.Place, p.At = uint64(place), db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// checkPick writes what was found of one act of a sample; ErrNone where the
// sample has no such act.
func checkPick(ctx context.Context, tx *db.Tx, plan ID, place uint64, result, person string, sealed []byte, now time.Time) error {
	n, err := tx.Exec(ctx, "UPDATE oversight_pick SET result = $3, person = $4, sealed = $5, at = $6 WHERE plan_id = $1 AND place = $2", plan, int64(place), result, person, sealed, db.Micros(now))
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}
