package desk

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const openingColumns = "p.id, p.number, p.org_id, p.asker, p.to_org, p.entry, p.verb, p.object, p.acted_at, p.digest, p.state, p.ground, p.sealed, p.content, p.created_at, p.due_at, p.ended_at, p.gone_at, p.reminded_at"

func scanOpening(scan func(...any) error) (o Opening, err error) {
	var t [6]int64
	err = scan(&o.ID, &o.Number, &o.org, &o.asker, &o.To, &o.Entry, &o.Verb, &o.Object, &t[0], &o.Digest, &o.State, &o.Ground, &o.sealed, &o.content, &t[1], &t[2], &t[3], &t[4], &t[5])
	if err == db.ErrNoRows {
		return o, ErrNone
	}
	for i, at := range []*time.Time{&o.ActedAt, &o.CreatedAt, &o.DueAt, &o.EndedAt, &o.GoneAt, &o.remindedAt} {
		*at = db.Time(t[i])
	}
	return o, err
}

func insertOpening(ctx context.Context, tx *db.Tx, o *Opening) error {
	_, err := tx.Exec(ctx, `INSERT INTO oversight_opening (id, number, org_id, asker, to_org, entry, verb, object, acted_at, digest, state, ground, sealed, content, created_at, due_at, ended_at, gone_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0, 0)`,
		o.ID, o.Number, o.org, o.asker, o.To, o.Entry, o.Verb, o.Object, db.Micros(o.ActedAt), o.Digest, string(o.State), string(o.Ground), o.sealed, []byte{}, db.Micros(o.CreatedAt), db.Micros(o.DueAt))
	return err
}

// endOpening writes what became of a wish that was still in a state.
func endOpening(ctx context.Context, tx *db.Tx, o *Opening, was OpeningState) error {
	if o.content == nil { // nothing comes back from a database as no bytes
		o.content = []byte{}
	}
	n, err := tx.Exec(ctx, "UPDATE oversight_opening SET state = $3, sealed = $4, content = $5, ended_at = $6, gone_at = $7 WHERE id = $1 AND state = $2",
		o.ID, string(was), string(o.State), o.sealed, o.content, db.Micros(o.EndedAt), db.Micros(o.GoneAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

// openingReach is the rule of access to openings: the commission all, an
// organisation those of its own acts.
func (q *query) openingReach(who gate.Identity, reach gate.Reach) {
	switch {
	case reach == gate.All:
		q.And("1 = 1")
	case reach == gate.Addressed && who.Org != "":
		q.And("p.to_org = ?", who.Org)
	default:
		q.And("1 = 0")
	}
}

func openingWithin(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, lock bool) (Opening, error) {
	var q query
	q.openingReach(who, reach)
	q.And("(p.id = ? OR p.number = ?)", id, strings.ToUpper(strings.TrimSpace(id)))
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	return scanOpening(tx.QueryRow(ctx, "SELECT "+openingColumns+" FROM oversight_opening p WHERE "+q.Where()+end, q.Args...).Scan)
}

// askedFor reports whether an entry was asked for and not answered yet.
func askedFor(ctx context.Context, tx *db.Tx, entry string) (yes bool, err error) {
	var n int
	err = tx.QueryRow(ctx, "SELECT count(*) FROM oversight_opening WHERE entry = $1 AND state = 'asked'", entry).Scan(&n)
	return n > 0, err
}

func openings(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Opening, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		o, err := scanOpening(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// listOpenings gives a page of openings within reach, the newest first.
func listOpenings(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []Opening, next string, err error) {
	var q query
	q.openingReach(who, reach)
	if f.Open {
		q.And("p.state = 'asked'")
	}
	if f.State != "" {
		q.And("p.state = ?", f.State)
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("p.id < ?", before)
	limit := db.Limit(f.Limit)
	out, err = openings(ctx, tx, "SELECT "+openingColumns+" FROM oversight_opening p WHERE "+q.Where()+" ORDER BY p.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	out, next = db.Page(out, limit, func(last *Opening) string { return db.Cursor(last.ID) })
	return out, next, err
}

// expired lists what was opened and has to be destroyed.
func expired(ctx context.Context, tx *db.Tx, now time.Time) ([]Opening, error) {
	return openings(ctx, tx, "SELECT "+openingColumns+" FROM oversight_opening p WHERE p.state = 'opened' AND p.gone_at <= $1 ORDER BY p.id LIMIT $2", db.Micros(now), db.MaxLimit)
}

// dueOpenings lists wishes without an answer that may have to be brought to mind.
func dueOpenings(ctx context.Context, tx *db.Tx, w when) ([]Opening, error) {
	return openings(ctx, tx, "SELECT "+openingColumns+" FROM oversight_opening p WHERE p.state = 'asked' AND "+waiting, w.args()...)
}

// openingByID returns a wish for the hub itself, locked.
func openingByID(ctx context.Context, tx *db.Tx, id ID) (Opening, error) {
	return scanOpening(tx.QueryRow(ctx, "SELECT "+openingColumns+" FROM oversight_opening p WHERE p.id = $1"+tx.ForUpdate(), id).Scan)
}

// putReminded writes down that a wish was brought to mind.
func putReminded(ctx context.Context, tx *db.Tx, id ID, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE oversight_opening SET reminded_at = $2 WHERE id = $1", id, db.Micros(now))
	return err
}
