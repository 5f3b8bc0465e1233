package measure

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

// reach is the rule of access, inside every query: a command has the chains of
// its own organisation, who carries out those that they are designated for; the
// Foreign Minister's clerk those that were put to them, the safety commission
// those of the forces that have a plan, the Prime Minister's office those that
// the safety commission agreed to; the commission all.
func (q *query) reach(who gate.Identity, reach gate.Reach) {
	asked := func(act string) {
		q.And("EXISTS (SELECT 1 FROM measure_act a WHERE a.chain_id = h.id AND a.act = ?)", act)
	}
	by := sideOf(who)
	switch {
	case reach == gate.All:
		q.And("1 = 1")
	case reach == gate.Own && who.Org != "" && (by == CommandSide || by == SuperiorSide):
		q.And("h.org_id = ?", who.Org)
	case reach == gate.Own && who.Org != "" && by == ExecutorSide:
		q.And("h.org_id = ?", who.Org)
		q.And("EXISTS (SELECT 1 FROM measure_officer o WHERE o.chain_id = h.id AND o.person = ?)", who.Person)
	case reach == gate.Addressed && by == ConsultantSide:
		asked("consult")
	case reach == gate.Addressed && by == SafetySide:
		q.And("h.body = ?", string(Defence))
		asked("plan")
	case reach == gate.Addressed && by == MinisterSide:
		q.And("h.body = ?", string(Defence))
		asked("agree")
	default:
		q.And("1 = 0")
	}
}

// named narrows to what somebody means by an id: a case, its number, or a chain.
func (q *query) named(id string) {
	n := strings.ToUpper(strings.TrimSpace(id))
	q.And("(h.case_id = ? OR h.id = ? OR k.number = ?)", id, id, n)
}

// within lists the chains within reach that an id means, at most ten.
func within(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach) ([]Chain, error) {
	var q query
	q.reach(who, reach)
	q.named(id)
	return chains(ctx, tx, "SELECT "+chainColumns+" FROM measure_chain h JOIN measure_case k ON k.id = h.case_id WHERE "+q.Where()+" ORDER BY h.id LIMIT 10", q.Args...)
}

// listChains gives a page of chains within reach, the newest first.
func listChains(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach, now time.Time) (out []Chain, next string, err error) {
	var q query
	q.reach(who, reach)
	by := sideOf(who)
	if f.State != "" && !by.asked() { // who is asked is not told where a chain stands otherwise
		q.And("h.state = ?", string(f.State))
	}
	if f.Waits {
		q.waits(by, now)
	}
	if f.Number != "" {
		q.And("k.number = ?", strings.ToUpper(strings.TrimSpace(f.Number)))
	}
	if f.Going {
		q.And("h.state NOT IN ('closed', 'dropped')")
	}
	if f.Late && !by.asked() {
		q.late(now)
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("h.id < ?", before)
	limit := db.Limit(f.Limit)
	out, err = chains(ctx, tx, "SELECT "+chainColumns+" FROM measure_chain h JOIN measure_case k ON k.id = h.case_id WHERE "+q.Where()+" ORDER BY h.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	out, next = db.Page(out, limit, func(last *Chain) string { return db.Cursor(last.ID) })
	return out, next, err
}

// late narrows to chains of which a notice or a review is past its time.
func (q *query) late(now time.Time) {
	at := db.Micros(now)
	q.And("h.declared_at > 0 AND h.settled_at = 0 AND (h.noticed_at = 0 AND h.notice_due_at <= ? OR h.noticed_at > 0 AND h.review_due_at <= ?)", at, at)
}

// waits narrows to chains that may wait for somebody of a side: whether they do,
// [Chain.waits] says.
func (q *query) waits(by Side, now time.Time) {
	at := db.Micros(now)
	switch by {
	case CommandSide:
		q.And("(h.state IN ('approved', 'declared', 'executed', 'stopped', 'reviewed', 'pending') OR h.declared_at > 0 AND h.noticed_at = 0)")
	case SuperiorSide:
		q.And("(h.state IN ('planned', 'consulted', 'ordered', 'declared', 'authorised') OR h.declared_at > 0 AND h.settled_at = 0)")
	case ExecutorSide:
		q.And("(h.state = 'executing' OR h.state = 'authorised' AND h.from_at <= ?)", at)
	case ConsultantSide:
		q.And("h.state = 'consulting'")
	case SafetySide:
		q.And("h.state IN ('planned', 'consulted')")
	case MinisterSide:
		q.And("h.state = 'agreed'")
	default:
		q.And("h.declared_at > 0 AND h.settled_at = 0 AND (h.noticed_at > 0 OR h.notice_due_at <= ?)", at)
	}
}

// pending lists the ids of chains that time may move on, and of those of which
// something is past its time and no alarm was raised.
func pending(ctx context.Context, tx *db.Tx, now time.Time, after ID) (out []ID, err error) {
	at := db.Micros(now)
	rows, err := tx.Query(ctx, `SELECT h.id FROM measure_chain h WHERE h.id > $1 AND (h.state IN ('pending', 'approved', 'declared', 'authorised', 'executing')
		OR h.alarmed_at = 0 AND h.settled_at = 0 AND (h.declared_at > 0 AND h.noticed_at = 0 AND h.notice_due_at <= $2 OR h.noticed_at > 0 AND h.review_due_at <= $3)) ORDER BY h.id LIMIT $4`,
		after, at, at, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// sameMachine counts other cases on the machine of one that are not over: of one
// unit, or where none is named of all.
func sameMachine(ctx context.Context, tx *db.Tx, kase ID, unit string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(DISTINCT k.id) FROM measure_case k JOIN measure_case own ON own.server_tag = k.server_tag JOIN measure_chain h ON h.case_id = k.id
		WHERE own.id = $1 AND k.id <> $1 AND h.state NOT IN ('closed', 'dropped') AND ($2 = '' OR h.org_id = $2)`, kase, unit).Scan(&n)
	return n, err
}

// ratio counts how chains were authorised.
func ratio(ctx context.Context, tx *db.Tx, now time.Time) (r Ratio, err error) {
	at := db.Micros(now)
	err = tx.QueryRow(ctx, `SELECT
		(SELECT count(DISTINCT chain_id) FROM measure_act WHERE act = 'authorise' AND was = 'approved'),
		(SELECT count(*) FROM measure_chain WHERE declared_at > 0),
		(SELECT count(*) FROM measure_chain WHERE settled_at = 0 AND (declared_at > 0 AND noticed_at = 0 AND notice_due_at <= $1 OR noticed_at > 0 AND review_due_at <= $2))`, at, at).
		Scan(&r.Ordinary, &r.Emergency, &r.Late)
	return r, err
}
