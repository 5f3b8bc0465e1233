package asset

import (
	"context"
	"slices"
	"strings"

	"noroshi/internal/base/db"
)

// loadRegisters lists the operators that have a register, in the order of their
// ids.
func loadRegisters(ctx context.Context, tx *db.Tx, after string, limit int) (orgs []string, err error) {
	rows, err := tx.Query(ctx, "SELECT org_id FROM asset_register WHERE org_id > $1 ORDER BY org_id LIMIT $2", after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o string
		if err := rows.Scan(&o); err != nil {
			return nil, err
		}
		orgs = append(orgs, o)
	}
	return orgs, rows.Err()
}

// eachRevision calls each with the id and revision of every entry of a
// register, in no order.
func eachRevision(ctx context.Context, tx *db.Tx, org string, each func(id ID, revision int) error) error {
	rows, err := tx.Query(ctx, "SELECT id, revision FROM asset_item WHERE org_id = $1", org)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		var revision int
		if err := rows.Scan(&id, &revision); err != nil {
			return err
		}
		if err := each(id, revision); err != nil {
			return err
		}
	}
	return rows.Err()
}

// loadMany calls each for the entries of a register that have one of the ids,
// a hundred at a time.
func loadMany(ctx context.Context, tx *db.Tx, org string, ids []ID, each func(r *row) error) error {
	for part := range slices.Chunk(ids, 100) {
		rows, err := loadItems(ctx, tx, whose{org: org}, part)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := each(&rows[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachOfProduct calls each for every entry of one product of a register.
func eachOfProduct(ctx context.Context, tx *db.Tx, org, makerKey, productKey string, each func(r *row) error) error {
	return queryItems(ctx, tx, "org_id = $1 AND maker_key = $2 AND product_key = $3", []any{org, makerKey, productKey}, each)
}

// loadWrittenName returns how an entry's maker and product are written; empty
// when the entry is gone.
func loadWrittenName(ctx context.Context, tx *db.Tx, id ID) (name string, err error) {
	var maker, product string
	err = tx.QueryRow(ctx, "SELECT maker_name, product_name FROM asset_item WHERE id = $1", id).Scan(&maker, &product)
	if err == db.ErrNoRows {
		return "", nil
	}
	return strings.TrimSpace(maker + " " + product), err
}
