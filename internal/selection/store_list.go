package selection

import (
	"context"
	"encoding/json"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const listColumns = "l.id, l.org_id, l.state, l.person, l.second, l.before_id, l.version, l.sha256, l.blob_id, l.draft_id, l.selectors, l.kinds, l.warned, l.sealed, l.at, l.ready_at, l.entry"

func scanList(scan func(...any) error) (l List, err error) {
	var at, ready int64
	var kinds string
	if err = scan(&l.ID, &l.Org, &l.State, &l.person, &l.second, &l.Before, &l.Version, &l.SHA256, &l.blob, &l.draft, &l.Selectors, &kinds, &l.Warned, &l.sealed, &at, &ready, &l.Entry); err != nil {
		return l, err
	}
	l.At, l.ReadyAt = db.Time(at), db.Time(ready)
	return l, json.Unmarshal([]byte(kinds), &l.Kinds)
}

// reachList is the rule of access to lists, inside every query: the office has
// its own, the commission the record of those that were compiled.
func (q *query) reachList(who gate.Identity, reach gate.Reach) {
	switch reach {
	case gate.Own:
		q.And("l.org_id = ?", who.Org)
	case gate.Record:
		q.And("l.ready_at > 0")
	default:
		q.And("l.at < 0")
	}
}

func insertList(ctx context.Context, tx *db.Tx, l List) error {
	kinds, err := json.Marshal(l.Kinds)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO selection_list (id, org_id, state, person, second, before_id, version, sha256, blob_id, draft_id, selectors, kinds, warned, sealed, at, ready_at, entry)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
		l.ID, l.Org, string(l.State), l.person, l.second, l.Before, l.Version, l.SHA256, l.blob, l.draft, l.Selectors, string(kinds), l.Warned, l.sealed, db.Micros(l.At), db.Micros(l.ReadyAt), l.Entry)
	return err
}

// decideList writes what the second person made of a waiting list; false when it
// does not wait any more.
func decideList(ctx context.Context, tx *db.Tx, l List) (bool, error) {
	kinds, err := json.Marshal(l.Kinds)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE selection_list SET state = $2, second = $3, sha256 = $4, blob_id = $5, draft_id = $6, selectors = $7, kinds = $8, sealed = $9, ready_at = $10 WHERE id = $1 AND state = 'waiting'`,
		l.ID, string(l.State), l.second, l.SHA256, l.blob, l.draft, l.Selectors, string(kinds), l.sealed, db.Micros(l.ReadyAt))
	return n > 0, err
}

func loadList(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (List, error) {
	var q query
	q.reachList(who, reach)
	q.And("l.id = ?", id)
	l, err := scanList(tx.QueryRow(ctx, "SELECT "+listColumns+" FROM selection_list l WHERE "+q.Where(), q.Args...).Scan)
	if err == db.ErrNoRows {
		err = ErrNoList
	}
	return l, err
}

// listBySHA returns the compiled list of an organisation with a hash, for an
// order that names it.
func listBySHA(ctx context.Context, tx *db.Tx, org, sha string) (List, error) {
	l, err := scanList(tx.QueryRow(ctx, "SELECT "+listColumns+" FROM selection_list l WHERE l.org_id = $1 AND l.sha256 = $2 AND l.state = 'ready' ORDER BY l.id LIMIT 1", org, sha).Scan)
	if err == db.ErrNoRows {
		err = ErrNoList
	}
	return l, err
}

// listLists gives a page of lists, the newest first.
func listLists(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, waiting bool, cursor string, limit int) (out []List, next string, err error) {
	var q query
	q.reachList(who, reach)
	if waiting {
		q.And("l.state = 'waiting' AND l.person <> ?", who.Person)
	}
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("l.id < ?", before)
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+listColumns+" FROM selection_list l WHERE "+q.Where()+" ORDER BY l.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scanList(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, l)
	}
	out, next = db.Page(out, limit, func(last *List) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// listByID returns a list for the hub itself.
func listByID(ctx context.Context, tx *db.Tx, id string) (List, error) {
	l, err := scanList(tx.QueryRow(ctx, "SELECT "+listColumns+" FROM selection_list l WHERE l.id = $1", id).Scan)
	if err == db.ErrNoRows {
		err = ErrNoList
	}
	return l, err
}
