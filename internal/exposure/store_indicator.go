package exposure

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
)

// lockTouches makes work on an operator's touches wait for each other until the
// end of the transaction: an item must not miss an entry that is being taken
// over, nor an entry an item that is being published.
func lockTouches(ctx context.Context, tx *db.Tx, org string) error {
	_, err := tx.Exec(ctx, "INSERT INTO exposure_turn (org_id, turn) VALUES ($1, 1) ON CONFLICT (org_id) DO UPDATE SET turn = exposure_turn.turn + 1", org)
	return err
}

// loadTouches returns, for an operator's register, the items that each entry is
// touched by.
func loadTouches(ctx context.Context, tx *db.Tx, org string) (map[string][]string, error) {
	rows, err := tx.Query(ctx, "SELECT entry_id, item_id FROM exposure_touch WHERE org_id = $1", org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][]string{}
	for rows.Next() {
		var entry, item string
		if err := rows.Scan(&entry, &item); err != nil {
			return nil, err
		}
		out[entry] = append(out[entry], item)
	}
	return out, rows.Err()
}

func putTouch(ctx context.Context, tx *db.Tx, item, org, entry string, sealed []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO exposure_touch (item_id, org_id, entry_id, sealed) VALUES ($1, $2, $3, $4)
		ON CONFLICT (item_id, org_id, entry_id) DO UPDATE SET sealed = excluded.sealed`, item, org, entry, sealed)
	return err
}

func dropTouch(ctx context.Context, tx *db.Tx, item, org, entry string) error {
	_, err := tx.Exec(ctx, "DELETE FROM exposure_touch WHERE item_id = $1 AND org_id = $2 AND entry_id = $3", item, org, entry)
	return err
}

// dropItem forgets an item that is no longer published.
func dropItem(ctx context.Context, tx *db.Tx, item string) error {
	for _, table := range []string{"exposure_touch", "exposure_touched"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE item_id = $1", item); err != nil {
			return err
		}
	}
	return nil
}

// marks are an item's marks as they concern one operator.
type itemMarks struct {
	known     bool
	clearance int
	until     time.Time
}

// sumTouches counts the entries of an operator that an item touches and writes
// it beside the item's marks. It returns the number and what it was before.
func sumTouches(ctx context.Context, tx *db.Tx, item, org string, m itemMarks, now time.Time) (n, was int, err error) {
	if err = tx.QueryRow(ctx, "SELECT count(*) FROM exposure_touch WHERE item_id = $1 AND org_id = $2", item, org).Scan(&n); err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, "SELECT entries FROM exposure_touched WHERE item_id = $1 AND org_id = $2", item, org).Scan(&was)
	if err != nil && err != db.ErrNoRows {
		return 0, 0, err
	}
	if n == 0 {
		_, err = tx.Exec(ctx, "DELETE FROM exposure_touched WHERE item_id = $1 AND org_id = $2", item, org)
		return n, was, err
	}
	known := 0
	if m.known {
		known = 1
	}
	_, err = tx.Exec(ctx, `INSERT INTO exposure_touched (item_id, org_id, entries, known, clearance, valid_until, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (item_id, org_id) DO UPDATE SET entries = excluded.entries, known = excluded.known, clearance = excluded.clearance, valid_until = excluded.valid_until`,
		item, org, n, known, m.clearance, db.Micros(m.until), db.Micros(now))
	return n, was, err
}

// placedAfter lists operators that have addresses or domains in their registers,
// in the order of their ids.
func placedAfter(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return texts(tx.Query(ctx, "SELECT DISTINCT org_id FROM exposure_place WHERE org_id > $1 ORDER BY org_id LIMIT $2", after, limit))
}

// touched is one item that touches one operator's register.
type touched struct {
	item    string
	entries int
	found   time.Time
}

// listTouched lists the items that touch an operator's register and that the
// reader may know: the newest item first.
func listTouched(ctx context.Context, tx *db.Tx, org string, clearance int, now time.Time, before string, limit int) (out []touched, err error) {
	rows, err := tx.Query(ctx, `SELECT item_id, entries, found_at FROM exposure_touched WHERE org_id = $1 AND known = 1 AND clearance <= $2 AND (valid_until = 0 OR valid_until > $3)
		AND ($4 = '' OR item_id < $4) ORDER BY item_id DESC LIMIT $5`, org, clearance, db.Micros(now), before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t touched
		var at int64
		if err := rows.Scan(&t.item, &t.entries, &at); err != nil {
			return nil, err
		}
		t.found = db.Time(at)
		out = append(out, t)
	}
	return out, rows.Err()
}

// hits calls each for the entries of an operator that an item touches, at most
// limit.
func hits(ctx context.Context, tx *db.Tx, item, org string, limit int, each func(entry string, sealed []byte) error) error {
	rows, err := tx.Query(ctx, "SELECT entry_id, sealed FROM exposure_touch WHERE item_id = $1 AND org_id = $2 ORDER BY entry_id LIMIT $3", item, org, limit)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var entry string
		var sealed []byte
		if err := rows.Scan(&entry, &sealed); err != nil {
			return err
		}
		if err := each(entry, sealed); err != nil {
			return err
		}
	}
	return rows.Err()
}

// countTouched returns how many operators, and entries, each of some items
// touches.
func countTouched(ctx context.Context, tx *db.Tx, items []string) (map[string][2]int, error) {
	out := map[string][2]int{}
	for part := range slices.Chunk(items, 400) {
		var a db.Query
		rows, err := tx.Query(ctx, "SELECT item_id, count(*), sum(entries) FROM exposure_touched WHERE item_id IN "+list(&a, part)+" GROUP BY item_id", a.Args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id string
			var n [2]int
			if err := rows.Scan(&id, &n[0], &n[1]); err != nil {
				rows.Close()
				return nil, err
			}
			out[id] = n
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// placedEntries lists entries of an operator's register that have addresses or
// domains, at most limit.
func placedEntries(ctx context.Context, tx *db.Tx, org string, limit int) (ids []asset.ID, err error) {
	list, err := texts(tx.Query(ctx, "SELECT DISTINCT item_id FROM exposure_place WHERE org_id = $1 LIMIT $2", org, limit))
	for _, id := range list {
		ids = append(ids, asset.ID(id))
	}
	return ids, err
}
