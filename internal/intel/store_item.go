package intel

import (
	"context"
	"fmt"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const itemColumns = "i.id, i.org_id, i.person, i.state, i.tlp, i.clearance, i.reliability, i.credibility, i.origin, i.created_at, i.published_at, i.withdrawn_at, i.entry, i.sealed"

// itemVisible leaves the items that a reader may know of: $1 clearance, $2
// organisation, $3 reach, $4 person. The label says how far (FIRST TLP 2.0):
// RED stays with its writer and the organisations it names; AMBER+STRICT with
// its own organisation and those; AMBER goes to the desks that deal with all;
// GREEN and CLEAR to everyone who is signed in. A draft is its organisation's.
const itemVisible = `i.clearance <= $1 AND (i.org_id = $2 AND (i.tlp <> 'RED' OR i.person = $4) OR i.state <> 'draft' AND (i.tlp = 'CLEAR' OR i.tlp = 'GREEN'
	OR i.tlp = 'AMBER' AND $3 = 'all' OR EXISTS (SELECT 1 FROM intel_item_to t WHERE t.item_id = i.id AND t.org_id = $2)))`

func itemScope(who gate.Identity, reach gate.Reach) []any {
	return []any{who.Clearance, who.Org, string(reach), who.Person}
}

func scanItem(scan func(...any) error) (it Item, err error) {
	var created, published, withdrawn int64
	err = scan(&it.ID, &it.Org, &it.person, &it.State, &it.TLP, &it.Clearance, &it.Grade.Reliability, &it.Grade.Credibility, &it.Origin, &created, &published, &withdrawn, &it.Entry, &it.sealed)
	it.CreatedAt, it.PublishedAt, it.WithdrawnAt = db.Time(created), db.Time(published), db.Time(withdrawn)
	return it, err
}

func insertItem(ctx context.Context, tx *db.Tx, it *Item, tags []string) error {
	_, err := tx.Exec(ctx, `INSERT INTO intel_item (id, org_id, person, state, tlp, clearance, reliability, credibility, origin, created_at, published_at, withdrawn_at, entry, sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, $11, $12)`, it.ID, it.Org, it.person, string(it.State), string(it.TLP), it.Clearance, it.Grade.Reliability, it.Grade.Credibility,
		string(it.Origin), db.Micros(it.CreatedAt), it.Entry, it.sealed)
	if err != nil {
		return fmt.Errorf("item: %w", err)
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

// loadItem returns an item that is visible to the reader; another is ErrNoItem,
// as is one that is not there.
func loadItem(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (Item, error) {
	it, err := scanItem(tx.QueryRow(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE "+itemVisible+" AND i.id = $5", append(itemScope(who, reach), id)...).Scan)
	if err == db.ErrNoRows {
		return it, ErrNoItem
	}
	return it, err
}

// loadAnyItem returns an item whatever its marks.
func loadAnyItem(ctx context.Context, tx *db.Tx, id string) (Item, error) {
	it, err := scanItem(tx.QueryRow(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE i.id = $1", id).Scan)
	if err == db.ErrNoRows {
		return it, ErrNoItem
	}
	return it, err
}

// loadOwnItem returns an item of one's organisation, to be changed.
func loadOwnItem(ctx context.Context, tx *db.Tx, id string, who gate.Identity) (Item, error) {
	it, err := scanItem(tx.QueryRow(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE i.clearance <= $1 AND i.org_id = $2 AND (i.tlp <> 'RED' OR i.person = $3) AND i.id = $4"+tx.ForUpdate(),
		who.Clearance, who.Org, who.Person, id).Scan)
	if err == db.ErrNoRows {
		return it, ErrNoItem
	}
	return it, err
}

// loadItems lists visible items, newest first, that have all the tags.
func loadItems(ctx context.Context, tx *db.Tx, f ItemFilter, before string, tags []string, who gate.Identity, reach gate.Reach) (out []Item, err error) {
	args := append(itemScope(who, reach), before, string(f.State), f.Limit)
	var has strings.Builder
	for _, t := range tags {
		args = append(args, t)
		fmt.Fprintf(&has, " AND EXISTS (SELECT 1 FROM intel_item_tag g WHERE g.item_id = i.id AND g.tag = $%d)", len(args))
	}
	rows, err := tx.Query(ctx, "SELECT "+itemColumns+" FROM intel_item i WHERE "+itemVisible+" AND ($5 = '' OR i.id < $5) AND ($6 = '' OR i.state = $6)"+has.String()+" ORDER BY i.id DESC LIMIT $7", args...)
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

func loadItemTo(ctx context.Context, tx *db.Tx, id string) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT org_id FROM intel_item_to WHERE item_id = $1 ORDER BY org_id LIMIT $2", id, maxItemTo)
	if err != nil {
		return nil, err
	}
	return scanTexts(rows)
}

// moveItem moves an item from one state to the next, if it still is in it.
func moveItem(ctx context.Context, tx *db.Tx, id string, from, to ItemState, at time.Time, sealed []byte) error {
	column := "published_at"
	if to == ItemWithdrawn {
		column = "withdrawn_at"
	}
	n, err := tx.Exec(ctx, "UPDATE intel_item SET state = $3, "+column+" = $4, sealed = $5 WHERE id = $1 AND state = $2", id, string(from), string(to), db.Micros(at), sealed)
	if err == nil && n == 0 {
		return ErrPublished
	}
	return err
}
