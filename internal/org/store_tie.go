package org

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

const tieColumns = "t.id, t.kind, t.customer_id, t.number, t.name, COALESCE(t.other_id, ''), t.services, t.state, t.declared_at, t.settled_at, c.name_ja"

func scanTie(scan func(...any) error) (t Tie, err error) {
	var declared, settled int64
	err = scan(&t.ID, &t.Kind, &t.Customer, &t.Number, &t.Name, &t.Other, &t.Services, &t.State, &declared, &settled, &t.CustomerName)
	t.DeclaredAt, t.SettledAt = db.Time(declared), db.Time(settled)
	return t, err
}

// insertTie declares a tie, and declares it again when it had ended; it
// reports false when it stands already, declined or not: the customer must
// not be able to tell.
func insertTie(ctx context.Context, tx *db.Tx, t Tie) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO org_tie (id, kind, customer_id, number, name, services, state, other_id, declared_at, settled_at)
		VALUES ($1, $2, $3, $4, $5, $6, 'declared', NULL, $7, 0)
		ON CONFLICT (customer_id, kind, number) DO UPDATE SET id = excluded.id, name = excluded.name, services = excluded.services,
			state = 'declared', other_id = NULL, declared_at = excluded.declared_at, settled_at = 0 WHERE org_tie.state = 'ended'`,
		t.ID, string(t.Kind), string(t.Customer), string(t.Number), t.Name, t.Services, db.Micros(t.DeclaredAt))
	return n == 1, err
}

// tiesOf returns the ties an organisation declared.
func tiesOf(ctx context.Context, tx *db.Tx, customer ID) ([]Tie, error) {
	return ties(ctx, tx, "t.customer_id = $1 AND t.state <> 'ended'", string(customer))
}

// tiesTo returns the ties that others declared to an organisation.
func tiesTo(ctx context.Context, tx *db.Tx, other ID) ([]Tie, error) {
	return ties(ctx, tx, `(t.other_id = $1 AND t.state = 'confirmed' OR t.state = 'declared'
		AND t.number = (SELECT o.number FROM org_organisation o WHERE o.id = $1))`, string(other))
}

func ties(ctx context.Context, tx *db.Tx, where string, args ...any) (out []Tie, err error) {
	rows, err := tx.Query(ctx, "SELECT "+tieColumns+" FROM org_tie t JOIN org_organisation c ON c.id = t.customer_id WHERE "+where+
		" ORDER BY t.declared_at DESC, t.id DESC LIMIT 1000", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanTie(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// settleTie answers a declaration addressed to an organisation; it returns
// the customer, or db.ErrNoRows when there is no such open declaration.
func settleTie(ctx context.Context, tx *db.Tx, id string, other ID, state TieState, now time.Time) (customer ID, err error) {
	var otherID any
	if state == Confirmed {
		otherID = string(other)
	}
	err = tx.QueryRow(ctx, `UPDATE org_tie SET state = $3, other_id = $4, settled_at = $5
		WHERE id = $1 AND state = 'declared' AND number = (SELECT o.number FROM org_organisation o WHERE o.id = $2) RETURNING customer_id`,
		id, string(other), string(state), otherID, db.Micros(now)).Scan(&customer)
	return customer, err
}

// endTie ends a tie that the organisation declared or confirmed, and returns
// both sides.
func endTie(ctx context.Context, tx *db.Tx, id string, by ID, now time.Time) (customer, other ID, err error) {
	err = tx.QueryRow(ctx, `UPDATE org_tie SET state = 'ended', settled_at = $3 WHERE id = $1 AND state <> 'ended'
		AND (customer_id = $2 OR other_id = $2) RETURNING customer_id, COALESCE(other_id, '')`,
		id, string(by), db.Micros(now)).Scan(&customer, &other)
	return customer, other, err
}

func loadTie(ctx context.Context, tx *db.Tx, id string) (Tie, error) {
	return scanTie(tx.QueryRow(ctx, "SELECT "+tieColumns+" FROM org_tie t JOIN org_organisation c ON c.id = t.customer_id WHERE t.id = $1", id).Scan)
}

// tiedIDs returns the confirmed other sides of an organisation's ties, or its
// customers.
func tiedIDs(ctx context.Context, tx *db.Tx, id ID, kind TieKind, customers bool) (out []ID, err error) {
	want, have := "other_id", "customer_id"
	if customers {
		want, have = have, want
	}
	rows, err := tx.Query(ctx, "SELECT "+want+" FROM org_tie WHERE "+have+" = $1 AND kind = $2 AND state = 'confirmed' ORDER BY "+want+" LIMIT 10000", string(id), string(kind))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o ID
		if err := rows.Scan(&o); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}
