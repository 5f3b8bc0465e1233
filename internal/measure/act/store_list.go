package act

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/measure/act/driver"
)

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

// reach is the rule of access, inside every query: who works at an organisation
// has its orders, the commission those that carry out a step of a case.
func (q *query) reach(who gate.Identity, reach gate.Reach) {
	switch {
	case reach == gate.Own && who.Org != "":
		q.And("o.org_id = ?", who.Org)
	case reach == gate.Record:
		q.And("o.chain_id <> ''")
	default:
		q.And("1 = 0")
	}
}

// loadOrder returns an order within reach by its id or number, locked where it
// will be changed.
func loadOrder(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach, lock bool) (Order, error) {
	var q query
	q.reach(who, reach)
	q.And("(o.id = ? OR o.number = ?)", id, strings.ToUpper(strings.TrimSpace(id)))
	return orderBy(ctx, tx, &q, lock)
}

// orderByID returns an order for the hub itself.
func orderByID(ctx context.Context, tx *db.Tx, id ID, lock bool) (Order, error) {
	var q query
	q.And("o.id = ?", id)
	return orderBy(ctx, tx, &q, lock)
}

func orderBy(ctx context.Context, tx *db.Tx, q *query, lock bool) (Order, error) {
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	return scanOrder(tx.QueryRow(ctx, "SELECT "+orderColumns+" FROM measure_order o WHERE "+q.Where()+end, q.Args...).Scan)
}

func orders(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Order, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		o, err := scanOrder(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

// Filter narrows a list.
type Filter struct {
	State  State
	Held   bool // that the equipment may hold now
	Wrong  bool // of what is held: an alarm stands, or part of it only, or it does not go; or it is over here alone
	Case   ID   // chain of command
	Cursor string
	Limit  int
}

const heldStates = "('sent', 'live', 'half', 'ending', 'stuck')"

// listOrders gives a page of orders within reach, the newest first.
func listOrders(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []Order, next string, err error) {
	var q query
	q.reach(who, reach)
	if f.State != "" {
		q.And("o.state = ?", string(f.State))
	}
	if f.Held {
		q.And("(o.state IN " + heldStates + " OR o.alarm = '" + stillHeld + "')")
	}
	if f.Wrong {
		q.And("(o.alarm <> '' AND o.state IN " + heldStates + " OR o.state IN ('half', 'stuck') OR o.alarm = '" + stillHeld + "')")
	}
	if f.Case != "" {
		q.And("o.chain_id = ?", f.Case)
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("o.id < ?", before)
	limit := db.Limit(f.Limit)
	out, err = orders(ctx, tx, "SELECT "+orderColumns+" FROM measure_order o WHERE "+q.Where()+" ORDER BY o.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	out, next = db.Page(out, limit, func(last *Order) string { return db.Cursor(last.ID) })
	return out, next, err
}

// maxJobs bounds the orders that one contact is given of a sort.
const maxJobs = 20

// jobsOf lists the orders that wait for an actuator: those to be undone by it first,
// then what was approved for it, then what has no dry run, of which one that none
// comes back for holds up no newer one.
func jobsOf(ctx context.Context, tx *db.Tx, unit string, actuator ID, kinds []driver.Kind) ([]Order, error) {
	var q query
	q.And("o.org_id = ?", unit)
	in := []string{"''"}
	for _, k := range kinds {
		in = append(in, q.Arg(string(k)))
	}
	q.And("(o.state = 'asked' AND o.dried_at = 0 AND o.kind IN ("+strings.Join(in, ", ")+") OR o.state IN ('approved', 'ending') AND o.actuator_id = ?)", actuator)
	return orders(ctx, tx, "SELECT "+orderColumns+" FROM measure_order o WHERE "+q.Where()+" ORDER BY CASE o.state WHEN 'ending' THEN 0 WHEN 'approved' THEN 1 ELSE 2 END, o.id DESC LIMIT "+q.Arg(maxJobs), q.Args...)
}

// begun is when what carries out a step of a plan was sent first; zero for never.
func begun(ctx context.Context, tx *db.Tx, t *Task) (first time.Time, err error) {
	list, err := orders(ctx, tx, "SELECT "+orderColumns+" FROM measure_order o WHERE o.chain_id = $1 AND o.sent_at > 0 AND o.state <> 'failed' ORDER BY o.from_at LIMIT $2", t.Chain, maxHolds)
	for i := range list {
		if x := &list[i]; x.Task.Step == t.Step && x.Task.Plan == t.Plan {
			return x.From, err
		}
	}
	return first, err
}

// due lists orders that time has something to do with, from one id on.
func due(ctx context.Context, tx *db.Tx, after ID, asked, sent, over, now time.Time) ([]Order, error) {
	return orders(ctx, tx, "SELECT "+orderColumns+` FROM measure_order o WHERE o.id > $1 AND (o.state = 'asked' AND o.asked_at <= $2 OR o.state = 'approved' AND o.until_at <= $3
		OR o.state = 'sent' AND o.told_at = 0 AND o.sent_at <= $4 AND o.alarm <> 'no_outcome' OR o.state IN `+heldStates+` AND o.until_at <= $5 AND o.alarm <> 'overdue'
		OR o.chain_id <> '' AND o.state IN ('sent', 'live', 'half', 'stuck')) ORDER BY o.id LIMIT $6`, after, db.Micros(asked), db.Micros(now), db.Micros(sent), db.Micros(over), db.MaxLimit)
}

// heldBy lists what an actuator was sent and has not said the end of, what is over
// here alone included.
func heldBy(ctx context.Context, tx *db.Tx, unit string, actuator ID) ([]Order, error) {
	return orders(ctx, tx, "SELECT "+orderColumns+" FROM measure_order o WHERE o.org_id = $1 AND o.actuator_id = $2 AND (o.state IN ('sent', 'live', 'half', 'stuck') OR o.alarm = '"+stillHeld+"') ORDER BY o.id LIMIT $3", unit, actuator, maxHolds)
}

// casesOf lists those of them that carry out a step of a case.
func casesOf(ctx context.Context, tx *db.Tx, unit string, actuator ID) ([]Order, error) {
	return orders(ctx, tx, "SELECT "+orderColumns+" FROM measure_order o WHERE o.org_id = $1 AND o.actuator_id = $2 AND o.chain_id <> '' AND o.state IN ('sent', 'live', 'half', 'stuck') ORDER BY o.id LIMIT $3", unit, actuator, maxHolds)
}

// toldToEnd reports whether somebody, or the clock, had an order undone already.
func toldToEnd(ctx context.Context, tx *db.Tx, id ID) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, "SELECT count(*) FROM measure_order_act WHERE order_id = $1 AND became = 'ending'", id).Scan(&n)
	return n > 0, err
}

// actuatorsOf lists the actuators of an organisation, those last heard of first.
func actuatorsOf(ctx context.Context, tx *db.Tx, unit string) ([]Actuator, error) {
	return actuators(ctx, tx, "SELECT "+actuatorColumns+" FROM measure_actuator a WHERE a.org_id = $1 ORDER BY a.seen_at DESC, a.id LIMIT 20", unit)
}

// lost lists actuators that hold something and were not heard of since an instant.
func lost(ctx context.Context, tx *db.Tx, since time.Time) ([]Actuator, error) {
	return actuators(ctx, tx, "SELECT "+actuatorColumns+` FROM measure_actuator a WHERE a.seen_at <= $1 AND a.alarm <> 'lost'
		AND EXISTS (SELECT 1 FROM measure_order o WHERE o.actuator_id = a.id AND (o.state IN `+heldStates+` OR o.alarm = '`+stillHeld+`')) ORDER BY a.id LIMIT 100`, db.Micros(since))
}

func actuators(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Actuator, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanActuator(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
