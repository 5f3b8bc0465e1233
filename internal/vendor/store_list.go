package vendor

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// listRequests gives a page of requests by deadline, the earliest first; what
// has none comes before all. Who may see no content of a case cannot find it by
// its vulnerability either.
func listRequests(ctx context.Context, tx *db.Tx, f Filter, caseID ID, who gate.Identity, reach gate.Reach, now time.Time) (out []Row, next string, err error) {
	var q query
	q.reachRequest(who, reach)
	if caseID != "" {
		q.And("r.case_id = ?", caseID)
	}
	if f.State != "" {
		q.And("r.state = ?", string(f.State))
	} else if !f.Done {
		q.And("r.state <> ?", string(Closed))
	}
	if f.Vulnerability != "" {
		q.And("c.vulnerability = ?", f.Vulnerability)
		if reach == gate.Sector {
			q.And("c.embargo_until <= ?", db.Micros(now))
		}
	}
	if f.Maker != "" {
		q.And("r.org_id = ?", f.Maker)
	}
	if f.Waiting {
		q.And("r.waits = ?", string(sideOf(reach)))
	}
	dueAt, id := int64(-1), ""
	if _, err := db.ParseCursor(f.Cursor, &dueAt, &id); err != nil {
		return nil, "", err
	}
	q.And("(r.due_at > ? OR r.due_at = ? AND r.id > ?)", dueAt, dueAt, id)
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+requestColumns+", "+caseColumns+" FROM vendor_request r JOIN vendor_case c ON c.id = r.case_id WHERE "+q.Where()+
		" ORDER BY r.due_at, r.id LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var x Row
		rf, rdone := requestFields(&x.Request)
		cf, cdone := caseFields(&x.Case)
		if err := rows.Scan(append(rf, cf...)...); err != nil {
			return nil, "", err
		}
		rdone()
		cdone()
		out = append(out, x)
	}
	if len(out) > limit {
		out = out[:limit]
		last := out[limit-1].Request
		next = db.Cursor(db.Micros(last.DueAt), last.ID)
	}
	return out, next, rows.Err()
}

// sideOf is which side of a request looks with a reach.
func sideOf(reach gate.Reach) Side {
	if reach == gate.Addressed {
		return Maker
	}
	return Coordinator
}

// listCases gives a page of cases, the newest first.
func listCases(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach, now time.Time) (out []Case, next string, err error) {
	var q query
	q.reachCase(who, reach)
	if !f.Done {
		q.And("c.closed_at = ?", 0)
	}
	if f.Vulnerability != "" {
		q.And("c.vulnerability = ?", f.Vulnerability)
		if reach == gate.Sector {
			q.And("c.embargo_until <= ?", db.Micros(now))
		}
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("c.id < ?", before)
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+caseColumns+" FROM vendor_case c WHERE "+q.Where()+" ORDER BY c.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var c Case
		fields, done := caseFields(&c)
		if err := rows.Scan(fields...); err != nil {
			return nil, "", err
		}
		done()
		out = append(out, c)
	}
	out, next = db.Page(out, limit, func(last *Case) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// countProducts counts, for each request, of how many products what is said.
func countProducts(ctx context.Context, tx *db.Tx, requests ...ID) (map[ID]Counts, error) {
	out := map[ID]Counts{}
	if len(requests) == 0 {
		return out, nil
	}
	var q query
	rows, err := tx.Query(ctx, "SELECT request_id, status, count(*) FROM vendor_product WHERE request_id IN ("+db.List(&q.Query, requests)+") GROUP BY request_id, status", q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		var s Status
		var n int
		if err := rows.Scan(&id, &s, &n); err != nil {
			return nil, err
		}
		if out[id] == nil {
			out[id] = Counts{}
		}
		out[id][s] = n
	}
	return out, rows.Err()
}

// countStates counts, for each case, how many requests stand where: for a
// maker its own alone.
func countStates(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, cases ...ID) (map[ID]map[State]int, error) {
	out := map[ID]map[State]int{}
	if len(cases) == 0 {
		return out, nil
	}
	var q query
	q.reachRequest(who, reach)
	q.In("r.case_id", cases)
	rows, err := tx.Query(ctx, "SELECT r.case_id, r.state, count(*) FROM vendor_request r JOIN vendor_case c ON c.id = r.case_id WHERE "+q.Where()+" GROUP BY r.case_id, r.state", q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		var s State
		var n int
		if err := rows.Scan(&id, &s, &n); err != nil {
			return nil, err
		}
		if out[id] == nil {
			out[id] = map[State]int{}
		}
		out[id][s] = n
	}
	return out, rows.Err()
}

// openRequests counts the requests of a case that are not closed.
func openRequests(ctx context.Context, tx *db.Tx, caseID ID) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM vendor_request WHERE case_id = $1 AND state <> 'closed'", caseID).Scan(&n)
	return n, err
}

// releasedOf lists the requests of a case that wait for its embargo to end
// before users are told.
func releasedOf(ctx context.Context, tx *db.Tx, caseID ID) (ids []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT id FROM vendor_request WHERE case_id = $1 AND state = 'fix_released' ORDER BY id LIMIT $2", caseID, maxMakers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// listProducts gives a page of products over all requests within reach, those
// whose fix is due first in front; what has no day comes last.
func listProducts(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []ProductRow, next string, err error) {
	var q query
	q.reachRequest(who, reach)
	if !f.Done {
		q.And("r.state <> ?", string(Closed))
	}
	if f.Fix != "" {
		q.And("p.fix = ?", string(f.Fix))
	}
	const day = "CASE WHEN p.fix = 'planned' THEN p.fix_on ELSE '9999-99-99' END"
	on, id := "", ""
	if _, err := db.ParseCursor(f.Cursor, &on, &id); err != nil {
		return nil, "", err
	}
	q.And("("+day+" > ? OR "+day+" = ? AND p.id > ?)", on, on, id)
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT p.id, p.status, p.fix, p.fix_on, p.sealed, p.updated_at, "+requestColumns+", "+caseColumns+
		" FROM vendor_request r JOIN vendor_case c ON c.id = r.case_id JOIN vendor_product p ON p.request_id = r.id WHERE "+q.Where()+
		" ORDER BY "+day+", p.id LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var x ProductRow
		var at int64
		rf, rdone := requestFields(&x.Request)
		cf, cdone := caseFields(&x.Case)
		if err := rows.Scan(append(append([]any{&x.Product.ID, &x.Product.Status, &x.Product.Fix, &x.Product.FixOn, &x.Product.sealed, &at}, rf...), cf...)...); err != nil {
			return nil, "", err
		}
		rdone()
		cdone()
		x.Product.UpdatedAt = db.Time(at)
		out = append(out, x)
	}
	if len(out) > limit {
		out = out[:limit]
		last := out[limit-1].Product
		if on = "9999-99-99"; last.Fix == Planned {
			on = last.FixOn
		}
		next = db.Cursor(on, last.ID)
	}
	return out, next, rows.Err()
}
