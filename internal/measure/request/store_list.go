package request

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// Filter narrows a list.
type Filter struct {
	State  State
	Kind   Kind
	Case   string // of a measure, or its chain
	Late   bool   // only what nobody answered in time, or what did not arrive
	Open   bool   // not what is closed
	Cursor string
	Limit  int
}

// listed gives a page of requests within reach, the newest first.
func listed(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []Request, next string, err error) {
	var q query
	q.reach(who, reach)
	if f.State != "" {
		q.And("r.state = ?", string(f.State))
	}
	if f.Kind != "" {
		q.And("r.kind = ?", string(f.Kind))
	}
	if f.Case != "" {
		q.And("(r.case_id = ? OR r.chain_id = ?)", f.Case, f.Case)
	}
	if f.Late {
		q.And("r.state IN ('no_answer', 'undelivered')")
	}
	if f.Open {
		q.And("r.state <> 'closed'")
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("r.id < ?", before)
	limit := db.Limit(f.Limit)
	out, err = many(ctx, tx, "SELECT "+columns+" FROM measure_request r WHERE "+q.Where()+" ORDER BY r.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	out, next = db.Page(out, limit, func(last *Request) string { return db.Cursor(last.ID) })
	return out, next, err
}

// sentSince lists requests within reach whose first mail went out since an instant,
// for figures.
func sentSince(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, since time.Time, limit int) (out []tried, err error) {
	var q query
	q.reach(who, reach)
	q.And("r.sent_at >= ?", db.Micros(since))
	q.And("r.sent_at > 0")
	rows, err := tx.Query(ctx, "SELECT r.id, r.kind, r.provider_tag, r.state, r.sent_at, r.answered_at, r.gone_at FROM measure_request r WHERE "+q.Where()+" ORDER BY r.id DESC LIMIT "+q.Arg(limit), q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x tried
		var sent, answered, gone int64
		if err := rows.Scan(&x.id, &x.kind, &x.provider, &x.state, &sent, &answered, &gone); err != nil {
			return nil, err
		}
		x.sent, x.answered, x.gone = db.Time(sent), db.Time(answered), db.Time(gone)
		out = append(out, x)
	}
	return out, rows.Err()
}

// due lists requests that time moves on, the earliest first.
func due(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]Request, error) {
	return many(ctx, tx, "SELECT "+columns+" FROM measure_request r WHERE r.next_at > 0 AND r.next_at <= $1 AND r.state IN ('sent', 'acknowledged') ORDER BY r.next_at, r.id LIMIT $2", db.Micros(now), limit)
}

// waitingOn lists requests of a chain of command whose mail is handed over.
func waitingOn(ctx context.Context, tx *db.Tx, chain ID) ([]Request, error) {
	return many(ctx, tx, "SELECT "+columns+" FROM measure_request r WHERE r.chain_id = $1 AND r.state = 'sending' ORDER BY r.id LIMIT $2", chain, db.MaxLimit)
}

// loadDesk returns where answers to an organisation go; ErrNone before it is set.
func loadDesk(ctx context.Context, tx *db.Tx, org string) (sealed []byte, d Desk, err error) {
	var one int
	var at int64
	err = tx.QueryRow(ctx, "SELECT sealed, one_enough, follow_days, updated_at FROM measure_request_desk WHERE org_id = $1", org).Scan(&sealed, &one, &d.FollowDays, &at)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	d.OneEnough, d.UpdatedAt = one == 1, db.Time(at)
	return sealed, d, err
}

func putDesk(ctx context.Context, tx *db.Tx, org string, d Desk, sealed []byte) error {
	one := 0
	if d.OneEnough {
		one = 1
	}
	_, err := tx.Exec(ctx, `INSERT INTO measure_request_desk (org_id, sealed, one_enough, follow_days, updated_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (org_id) DO UPDATE SET sealed = excluded.sealed, one_enough = excluded.one_enough, follow_days = excluded.follow_days, updated_at = excluded.updated_at`,
		org, sealed, one, d.FollowDays, db.Micros(d.UpdatedAt))
	return err
}

// lookup returns what an organisation learned of registries; nil before it asked.
func lookup(ctx context.Context, tx *db.Tx, org, tag string) (sealed []byte, at time.Time, err error) {
	var us int64
	err = tx.QueryRow(ctx, "SELECT sealed, at FROM measure_request_lookup WHERE org_id = $1 AND tag = $2", org, tag).Scan(&sealed, &us)
	if err == db.ErrNoRows {
		return nil, at, nil
	}
	return sealed, db.Time(us), err
}

func putLookup(ctx context.Context, tx *db.Tx, org, tag string, sealed []byte, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO measure_request_lookup (org_id, tag, sealed, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id, tag) DO UPDATE SET sealed = excluded.sealed, at = excluded.at`, org, tag, sealed, db.Micros(at))
	return err
}

// looked counts what an organisation asked of registries since an instant.
func looked(ctx context.Context, tx *db.Tx, org string, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM measure_request_lookup WHERE org_id = $1 AND at > $2", org, db.Micros(since)).Scan(&n)
	return n, err
}

// forgetLookups drops what is too old to be used.
func forgetLookups(ctx context.Context, tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(ctx, "DELETE FROM measure_request_lookup WHERE at < $1", db.Micros(before))
	return err
}
