package intel

import (
	"context"
	"fmt"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const itemColumns = `i.id, i.org_id, i.person, i.state, i.tlp, i.clearance, i.reliability, i.credibility, i.origin, i.created_at, i.published_at, i.withdrawn_at, i.entry, i.sealed,
	i.version, i.revision, i.replaces, i.replaced_by, i.valid_until`

// itemVisible leaves the items that a reader may know of, as rungs say: $1
// clearance, $2 organisation, $3 labels that are open to its kinds, $4 person,
// $5 labels that only the writer knows.
const itemVisible = `i.clearance <= $1 AND (i.org_id = $2 AND (i.person = $4 OR $5 NOT LIKE '%|' || i.tlp || '|%')
	OR i.state <> 'draft' AND ($3 LIKE '%|' || i.tlp || '|%' OR EXISTS (SELECT 1 FROM intel_item_to t WHERE t.item_id = i.id AND t.org_id = $2)))`

func itemScope(who gate.Identity) []any {
	return []any{who.Clearance, who.Org, openTo(who.Kinds), who.Person, kept()}
}

func scanItem(scan func(...any) error) (it Item, err error) {
	var created, published, withdrawn, valid int64
	err = scan(&it.ID, &it.Org, &it.person, &it.State, &it.TLP, &it.Clearance, &it.Grade.Reliability, &it.Grade.Credibility, &it.Origin, &created, &published, &withdrawn, &it.Entry, &it.sealed,
		&it.Version, &it.Revision, &it.Replaces, &it.ReplacedBy, &valid)
	it.CreatedAt, it.PublishedAt, it.WithdrawnAt, it.ValidUntil = db.Time(created), db.Time(published), db.Time(withdrawn), db.Time(valid)
	if err == db.ErrNoRows {
		err = ErrNoItem
	}
	return it, err
}

func scanItems(rows *db.Rows, err error) (out []Item, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		it, err := scanItem(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, it)
	}
	return out, rows.Err()
}

func insertItem(ctx context.Context, tx *db.Tx, it *Item, tags []string) error {
	_, err := tx.Exec(ctx, `INSERT INTO intel_item (id, org_id, person, state, tlp, clearance, reliability, credibility, origin, created_at, published_at, withdrawn_at, entry, sealed,
		version, revision, replaces, replaced_by, valid_until, moved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, $12, $13, $14, $15, '', $16, 0)`,
		it.ID, it.Org, it.person, string(it.State), string(it.TLP), it.Clearance, it.Grade.Reliability, it.Grade.Credibility, string(it.Origin), db.Micros(it.CreatedAt), it.Entry, it.sealed,
		it.Version, it.Revision, it.Replaces, db.Micros(it.ValidUntil))
	if err != nil {
		return fmt.Errorf("item: %w", err)
	}
	return putItemMarks(ctx, tx, it, tags)
}

// putItemMarks writes whom an item names and by what it is found.
func putItemMarks(ctx context.Context, tx *db.Tx, it *Item, tags []string) error {
	for _, table := range []string{"intel_item_to", "intel_item_tag"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE item_id = $1", it.ID); err != nil {
			return err
		}
	}
	var to, marks [][]any
	for _, o := range it.To {
		to = append(to, []any{it.ID, o})
	}
	for _, t := range tags {
		marks = append(marks, []any{t, it.ID})
	}
	if err := insertMany(ctx, tx, "intel_item_to (item_id, org_id)", " ON CONFLICT DO NOTHING", to); err != nil {
		return err
	}
	return insertMany(ctx, tx, "intel_item_tag (tag, item_id)", " ON CONFLICT DO NOTHING", marks)
}

// changeItem writes a draft anew and keeps what it was.
func changeItem(ctx context.Context, tx *db.Tx, it *Item, tags []string, was past) error {
	_, err := tx.Exec(ctx, "INSERT INTO intel_item_past (item_id, revision, person, at, entry, sealed) VALUES ($1, $2, $3, $4, $5, $6)",
		it.ID, was.revision, was.person, db.Micros(was.at), was.entry, was.sealed)
	if err != nil {
		return fmt.Errorf("item: %w", err)
	}
	n, err := tx.Exec(ctx, `UPDATE intel_item SET tlp = $3, clearance = $4, reliability = $5, credibility = $6, sealed = $7, revision = $8, valid_until = $9
		WHERE id = $1 AND state = 'draft' AND revision = $2`, it.ID, was.revision, string(it.TLP), it.Clearance, it.Grade.Reliability, it.Grade.Credibility, it.sealed, it.Revision, db.Micros(it.ValidUntil))
	if err != nil {
		return fmt.Errorf("item: %w", err)
	}
	if n == 0 {
		return ErrItemMoved
	}
	return putItemMarks(ctx, tx, it, tags)
}

// past is a draft as it was before a change.
type past struct {
	revision      int
	person, entry string
	at            time.Time
	sealed        []byte
}

// maxPast bounds the changes of a draft that are shown.
const maxPast = 50

func loadPast(ctx context.Context, tx *db.Tx, id string) (out []past, err error) {
	rows, err := tx.Query(ctx, "SELECT revision, person, at, entry, sealed FROM intel_item_past WHERE item_id = $1 ORDER BY revision DESC LIMIT $2", id, maxPast)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p past
		var at int64
		if err := rows.Scan(&p.revision, &p.person, &at, &p.entry, &p.sealed); err != nil {
			return nil, err
		}
		p.at = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// loadItem returns an item that is visible to the reader; another is ErrNoItem,
// as is one that is not there.
func loadItem(ctx context.Context, tx *db.Tx, id string, who gate.Identity) (Item, error) {
	return scanItem(tx.QueryRow(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE "+itemVisible+" AND i.id = $6", append(itemScope(who), id)...).Scan)
}

// loadAnyItem returns an item whatever its marks.
func loadAnyItem(ctx context.Context, tx *db.Tx, id string) (Item, error) {
	return scanItem(tx.QueryRow(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE i.id = $1", id).Scan)
}

// loadOwnItem returns an item of one's organisation, to be changed.
func loadOwnItem(ctx context.Context, tx *db.Tx, id string, who gate.Identity) (Item, error) {
	return scanItem(tx.QueryRow(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE "+itemVisible+" AND i.org_id = $2 AND i.id = $6"+tx.ForUpdate(), append(itemScope(who), id)...).Scan)
}

// loadItems lists visible items, newest first, that have all the tags.
func loadItems(ctx context.Context, tx *db.Tx, f ItemFilter, before string, tags []string, who gate.Identity) ([]Item, error) {
	mine := 0
	if f.Mine {
		mine = 1
	}
	args := append(itemScope(who), before, string(f.State), mine, f.Limit)
	var has strings.Builder
	for _, t := range tags {
		args = append(args, t)
		fmt.Fprintf(&has, " AND EXISTS (SELECT 1 FROM intel_item_tag g WHERE g.item_id = i.id AND g.tag = $%d)", len(args))
	}
	return scanItems(tx.Query(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE "+itemVisible+" AND ($6 = '' OR i.id < $6) AND ($7 = '' AND i.state <> 'replaced' OR i.state = $7) AND ($8 = 0 OR i.org_id = $2)"+
		has.String()+" ORDER BY i.id DESC LIMIT $9", args...))
}

// loadPublished lists published items of the hub in the order of their ids.
func loadPublished(ctx context.Context, tx *db.Tx, after string, limit int) ([]Item, error) {
	return scanItems(tx.Query(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE i.state = 'published' AND i.id > $1 ORDER BY i.id LIMIT $2", after, limit))
}

// itemsMoved returns how many items are published and when one last was moved:
// what is kept of them has to be read again when this changes.
func itemsMoved(ctx context.Context, tx *db.Tx) (n, at int64, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*), coalesce(max(moved_at), 0) FROM intel_item WHERE state <> 'draft'").Scan(&n, &at)
	return n, at, err
}

func loadItemTo(ctx context.Context, tx *db.Tx, id string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT org_id FROM intel_item_to WHERE item_id = $1 ORDER BY org_id LIMIT $2", id, maxItemTo)
	if err != nil {
		return nil, err
	}
	return scanTexts(rows)
}

// successor returns the draft that is to take an item's place, "" when none is.
func successor(ctx context.Context, tx *db.Tx, id string) (next string, err error) {
	err = tx.QueryRow(ctx, "SELECT i.id FROM intel_item i WHERE i.replaces = $1 AND i.state = 'draft'", id).Scan(&next)
	if err == db.ErrNoRows {
		return "", nil
	}
	return next, err
}

// moveItem moves an item from one state to the next, if it still is in it.
func moveItem(ctx context.Context, tx *db.Tx, it *Item, from ItemState, at time.Time) error {
	n, err := tx.Exec(ctx, "UPDATE intel_item SET state = $3, published_at = $4, withdrawn_at = $5, replaced_by = $6, moved_at = $7, sealed = $8, revision = revision + 1 WHERE id = $1 AND state = $2",
		it.ID, string(from), string(it.State), db.Micros(it.PublishedAt), db.Micros(it.WithdrawnAt), it.ReplacedBy, db.Micros(at), it.sealed)
	if err == nil && n == 0 {
		return ErrPublished
	}
	it.Revision++
	return err
}

func putItemFile(ctx context.Context, tx *db.Tx, id, name string, sealed []byte) error {
	_, err := tx.Exec(ctx, "INSERT INTO intel_item_file (item_id, name, sealed) VALUES ($1, $2, $3)", id, name, sealed)
	return err
}

func loadItemFile(ctx context.Context, tx *db.Tx, id string) (name string, sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT name, sealed FROM intel_item_file WHERE item_id = $1", id).Scan(&name, &sealed)
	if err == db.ErrNoRows {
		err = ErrNoItem
	}
	return name, sealed, err
}

// dropItem takes away an item and all that is kept of it.
func dropItem(ctx context.Context, tx *db.Tx, id string) error {
	for _, table := range []string{"intel_item_to", "intel_item_tag", "intel_item_past", "intel_item_file"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE item_id = $1", id); err != nil {
			return err
		}
	}
	_, err := tx.Exec(ctx, "DELETE FROM intel_item WHERE id = $1", id)
	return err
}
