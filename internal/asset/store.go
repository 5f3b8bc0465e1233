package asset

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
)

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS

// row is an Entry as it is stored.
type row struct {
	Entry
	hint, sealed []byte
}

var itemColumns = []string{
	"id", "org_id", "key", "kind", "maker", "product", "maker_name", "product_name", "maker_key", "product_key", "quantity", "service", "operated_by",
	"introduced", "changed", "support_ends", "hint", "sealed", "source", "revision", "confirmed_at", "created_at", "created_by", "updated_at", "updated_by", "updated_org",
}

func (r *row) values() []any {
	return []any{
		string(r.ID), r.Org, r.Key, string(r.Kind), r.Maker, r.Product, r.MakerName, r.ProductName, r.MakerKey, r.ProductKey, r.Quantity, r.Service, r.OperatedBy,
		r.Introduced.String(), r.Item.Changed.String(), r.SupportEnds.String(), r.hint, r.sealed, r.Source, r.Revision, db.Micros(r.ConfirmedAt), db.Micros(r.CreatedAt), r.CreatedBy,
		db.Micros(r.UpdatedAt), r.UpdatedBy, r.UpdatedOrg,
	}
}

func scanItem(scan func(...any) error) (r row, err error) {
	var introduced, changed, ends string
	var confirmed, created, updated int64
	err = scan(&r.ID, &r.Org, &r.Key, &r.Kind, &r.Maker, &r.Product, &r.MakerName, &r.ProductName, &r.MakerKey, &r.ProductKey, &r.Quantity, &r.Service, &r.OperatedBy,
		&introduced, &changed, &ends, &r.hint, &r.sealed, &r.Source, &r.Revision, &confirmed, &created, &r.CreatedBy, &updated, &r.UpdatedBy, &r.UpdatedOrg)
	if err != nil {
		return r, err
	}
	r.ConfirmedAt, r.CreatedAt, r.UpdatedAt = db.Time(confirmed), db.Time(created), db.Time(updated)
	err = errors.Join(r.Introduced.UnmarshalText([]byte(introduced)), r.Item.Changed.UnmarshalText([]byte(changed)), r.SupportEnds.UnmarshalText([]byte(ends)))
	if err != nil {
		return r, fmt.Errorf("equipment %s: %w", r.ID, err)
	}
	return r, nil
}

// whose are the entries that who acts may reach: an operator's, or those of it
// that a contractor operates.
type whose struct {
	org      string
	operated string // corporate number of the contractor; empty = all
}

// among is where for queries by id. The empty text keeps the planner, which
// knows nothing of how large a register is, from walking all of it.
func (w whose) among() (string, []any) {
	where, args := w.where()
	return strings.NewReplacer("org_id", "org_id || ''", "operated_by", "operated_by || ''").Replace(where), args
}

func (w whose) where() (string, []any) {
	if w.operated == "" {
		return "org_id = $1", []any{w.org}
	}
	return "org_id = $1 AND operated_by = $2", []any{w.org, w.operated}
}

// loadItem returns a piece of equipment that is within reach. Another is
// ErrNone, as is one that is not there.
func loadItem(ctx context.Context, tx *db.Tx, id ID, w whose) (row, error) {
	where, args := w.where()
	r, err := scanItem(tx.QueryRow(ctx, fmt.Sprintf("SELECT %s FROM asset_item WHERE %s AND id = $%d", strings.Join(itemColumns, ", "), where, len(args)+1), append(args, string(id))...).Scan)
	if err == db.ErrNoRows {
		return r, ErrNone
	}
	return r, err
}

// loadItems returns entries of a register by id, in no order.
func loadItems(ctx context.Context, tx *db.Tx, w whose, ids []ID) (out []row, err error) {
	where, args := w.among()
	for _, id := range ids {
		args = append(args, string(id))
	}
	err = queryItems(ctx, tx, where+" AND id IN ("+places(len(args)-len(ids), len(ids))+")", args, func(r *row) error {
		out = append(out, *r)
		return nil
	})
	return out, err
}

// eachItem calls each for every entry that is within reach, in no order.
func eachItem(ctx context.Context, tx *db.Tx, w whose, each func(r *row) error) error {
	where, args := w.where()
	return queryItems(ctx, tx, where, args, each)
}

func queryItems(ctx context.Context, tx *db.Tx, where string, args []any, each func(r *row) error) error {
	rows, err := tx.Query(ctx, "SELECT "+strings.Join(itemColumns, ", ")+" FROM asset_item WHERE "+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanItem(rows.Scan)
		if err == nil {
			err = each(&r)
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// places writes n placeholders that follow the first after.
func places(after, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", after+i+1)
	}
	return b.String()
}

// batch is how many rows one statement writes. SQLite's driver looks the name
// of every parameter up by walking all of them, so that wide statements take
// quadratic time; narrow ones cost PostgreSQL a round trip each.
const batch = 1

func insertItems(ctx context.Context, tx *db.Tx, items []row) error {
	return insertMany(ctx, tx, "asset_item", itemColumns, len(items), func(i int) []any { return items[i].values() })
}

func insertMany(ctx context.Context, tx *db.Tx, table string, columns []string, n int, values func(i int) []any) error {
	for from := 0; from < n; from += batch {
		size := min(batch, n-from)
		var b strings.Builder
		b.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
		args := make([]any, 0, size*len(columns))
		for i := range size {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString("(" + places(len(args), len(columns)) + ")")
			args = append(args, values(from+i)...)
		}
		if _, err := tx.Exec(ctx, b.String(), args...); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
	}
	return nil
}

// updateItem writes an entry if it still is at the revision the caller saw.
func updateItem(ctx context.Context, tx *db.Tx, r *row, saw int) error {
	var b strings.Builder
	b.WriteString("UPDATE asset_item SET ")
	for i, c := range itemColumns[2:] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%s = $%d", c, i+3)
	}
	fmt.Fprintf(&b, " WHERE id = $1 AND org_id = $2 AND revision = $%d", len(itemColumns)+1)
	n, err := tx.Exec(ctx, b.String(), append(r.values(), saw)...)
	if err == nil && n == 0 {
		return ErrStale
	}
	return err
}

func deleteItems(ctx context.Context, tx *db.Tx, org string, ids []ID) error {
	for part := range slices.Chunk(ids, 100) {
		args := []any{org}
		for _, id := range part {
			args = append(args, string(id))
		}
		if _, err := tx.Exec(ctx, "DELETE FROM asset_item WHERE org_id || '' = $1 AND id IN ("+places(1, len(part))+")", args...); err != nil {
			return err
		}
	}
	return nil
}

// confirmItems notes that entries are as they stand, and returns how many.
func confirmItems(ctx context.Context, tx *db.Tx, w whose, ids []ID, at int64) (int64, error) {
	where, args := w.among()
	n := len(args)
	for _, id := range ids {
		args = append(args, string(id))
	}
	args = append(args, at)
	return tx.Exec(ctx, fmt.Sprintf("UPDATE asset_item SET confirmed_at = $%d WHERE %s AND id IN (%s)", len(args), where, places(n, len(ids))), args...)
}

// keyTaken reports whether another entry of the register has an own id.
func keyTaken(ctx context.Context, tx *db.Tx, org, key string, but ID) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM asset_item WHERE org_id = $1 AND key = $2 AND id <> $3", org, key, string(but)).Scan(&n)
	return n > 0, err
}

// bump counts a change of a register and of how many entries it has, if it
// still is at revision saw; a negative saw is any. It also keeps other changes
// of the same register waiting until this one is committed.
func bump(ctx context.Context, tx *db.Tx, org string, saw int64, delta int) error {
	if _, err := tx.Exec(ctx, `INSERT INTO asset_register (org_id, revision, items, statements, designated, used, affects) VALUES ($1, 0, 0, 0, '', '', '')
		ON CONFLICT (org_id) DO NOTHING`, org); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE asset_register SET revision = revision + 1, items = items + $2 WHERE org_id = $1 AND (revision = $3 OR $3 < 0)", org, delta, saw)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrStale
	}
	var items int
	if err := tx.QueryRow(ctx, "SELECT items FROM asset_register WHERE org_id = $1", org).Scan(&items); err != nil {
		return err
	}
	if items > MaxRegister {
		return fault.New(ErrFull.Kind, ErrFull.Code, "max", MaxRegister)
	}
	return nil
}

// loadHead returns what is known of a register as a whole; an operator without
// any has an empty one.
func loadHead(ctx context.Context, tx *db.Tx, org string) (Register, error) {
	r := Register{Org: org}
	err := tx.QueryRow(ctx, "SELECT revision, items, statements, designated, used, affects FROM asset_register WHERE org_id = $1", org).
		Scan(&r.Revision, &r.Items, &r.Statements, &r.Facts.Designated, &r.Facts.Used, &r.Facts.Affects)
	if err == db.ErrNoRows {
		err = nil
	}
	return r, err
}

func setFacts(ctx context.Context, tx *db.Tx, org string, f ScopeFacts) error {
	_, err := tx.Exec(ctx, "UPDATE asset_register SET designated = $2, used = $3, affects = $4 WHERE org_id = $1", org, string(f.Designated), string(f.Used), string(f.Affects))
	return err
}

// ware is one product of a register, with how many entries it has.
type ware struct {
	makerKey, productKey, makerName, productName string
	entries                                      int
}

// countProducts adds to the number of entries each product has.
func countProducts(ctx context.Context, tx *db.Tx, org string, delta map[[2]string]*ware) error {
	for _, p := range delta {
		if p.entries == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, `INSERT INTO asset_product (org_id, maker_key, product_key, maker_name, product_name, entries) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (org_id, maker_key, product_key) DO UPDATE SET entries = asset_product.entries + excluded.entries`,
			org, p.makerKey, p.productKey, p.makerName, p.productName, p.entries); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "DELETE FROM asset_product WHERE org_id = $1 AND entries <= 0", org)
	return err
}

// loadProducts lists the products of a register in the order of their keys.
func loadProducts(ctx context.Context, tx *db.Tx, org string, limit int) (out []ware, err error) {
	rows, err := tx.Query(ctx, "SELECT maker_key, product_key, maker_name, product_name, entries FROM asset_product WHERE org_id = $1 ORDER BY maker_key, product_key LIMIT $2", org, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p ware
		if err := rows.Scan(&p.makerKey, &p.productKey, &p.makerName, &p.productName, &p.entries); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
