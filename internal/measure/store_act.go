package measure

import (
	"context"

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

// loadActs lists the history of a chain, the first act first: the last 500.
func loadActs(ctx context.Context, tx *db.Tx, chain ID) (out []Past, err error) {
	rows, err := tx.Query(ctx, "SELECT "+actColumns+" FROM (SELECT "+actColumns+" FROM measure_act WHERE chain_id = $1 ORDER BY id DESC LIMIT $2) x ORDER BY id", chain, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanAct(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// lastAct returns the last act of a name; db.ErrNoRows for none.
func lastAct(ctx context.Context, tx *db.Tx, chain ID, act string) (Past, error) {
	return scanAct(tx.QueryRow(ctx, "SELECT "+actColumns+" FROM measure_act WHERE chain_id = $1 AND act = $2 ORDER BY id DESC LIMIT 1", chain, act).Scan)
}

func lastPerson(ctx context.Context, tx *db.Tx, chain ID, act string) (string, error) {
	p, err := lastAct(ctx, tx, chain, act)
	return p.person, ignore(err, db.ErrNoRows)
}

const stepColumns = "id, number, phase, first_person, second_person, sealed, intended_at, gone_at, ended_at, outcome"

func insertStep(ctx context.Context, tx *db.Tx, chain ID, d Done) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_step (id, chain_id, number, phase, first_person, second_person, sealed, intended_at, gone_at, ended_at, outcome) VALUES ($1, $2, $3, $4, $5, '', $6, $7, 0, 0, '')",
		d.ID, chain, d.Number, string(d.Phase), d.first, d.sealed, db.Micros(d.IntendedAt))
	return err
}

func updateStep(ctx context.Context, tx *db.Tx, d Done) error {
	n, err := tx.Exec(ctx, "UPDATE measure_step SET phase = $2, second_person = $3, sealed = $4, gone_at = $5, ended_at = $6, outcome = $7 WHERE id = $1 AND ended_at = 0",
		d.ID, string(d.Phase), d.second, d.sealed, db.Micros(d.GoneAt), db.Micros(d.EndedAt), string(d.Outcome))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

// loadSteps lists the steps of a chain in the order in which they were meant, or
// only the one that is under way.
func loadSteps(ctx context.Context, tx *db.Tx, chain ID, open bool) (out []Done, err error) {
	where := ""
	if open {
		where = " AND ended_at = 0"
	}
	rows, err := tx.Query(ctx, "SELECT "+stepColumns+" FROM measure_step WHERE chain_id = $1"+where+" ORDER BY id LIMIT $2", chain, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Done
		var intended, gone, ended int64
		if err := rows.Scan(&d.ID, &d.Number, &d.Phase, &d.first, &d.second, &d.sealed, &intended, &gone, &ended, &d.Outcome); err != nil {
			return nil, err
		}
		d.IntendedAt, d.GoneAt, d.EndedAt = db.Time(intended), db.Time(gone), db.Time(ended)
		out = append(out, d)
	}
	return out, rows.Err()
}
