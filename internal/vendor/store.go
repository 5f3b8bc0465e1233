package vendor

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const caseColumns = `c.id, c.number, c.org_id, c.starter, c.basis, c.vulnerability, c.sealed, c.tlp, c.clearance, c.embargo_until, c.embargo_zone,
	c.created_at, c.updated_at, c.closed_at, c.revision`

const requestColumns = `r.id, r.case_id, r.org_id, r.state, r.waits, r.sent_at, r.due_at, r.answered_at, r.released_at, r.told_at, r.notice, r.reminded, r.next_at, r.updated_at, r.revision`

func caseFields(c *Case) (fields []any, done func()) {
	var embargo, created, updated, closed int64
	return []any{&c.ID, &c.Number, &c.Org, &c.Starter, &c.Basis, &c.Vulnerability, &c.sealed, &c.TLP, &c.Clearance, &embargo, &c.Embargo.Zone, &created, &updated, &closed, &c.Revision},
		func() {
			c.Embargo.Until, c.CreatedAt, c.UpdatedAt, c.ClosedAt = db.Time(embargo), db.Time(created), db.Time(updated), db.Time(closed)
		}
}

func requestFields(r *Request) (fields []any, done func()) {
	var sent, due, answered, released, told, next, updated int64
	return []any{&r.ID, &r.Case, &r.Org, &r.State, &r.WaitsFor, &sent, &due, &answered, &released, &told, &r.Notice, &r.Reminded, &next, &updated, &r.Revision},
		func() {
			r.SentAt, r.DueAt, r.AnsweredAt, r.ReleasedAt = db.Time(sent), db.Time(due), db.Time(answered), db.Time(released)
			r.ToldAt, r.nextAt, r.UpdatedAt = db.Time(told), db.Time(next), db.Time(updated)
		}
}

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

// reachCase is the rule of access to cases, inside every query: who coordinates
// has its own; a maker those it was asked in, or brought; a ministry those of
// its sectors. Nothing above one's clearance.
func (q *query) reachCase(who gate.Identity, reach gate.Reach) {
	q.And("c.clearance <= ?", who.Clearance)
	switch reach {
	case gate.Own:
		q.And("c.org_id = ?", who.Org)
	case gate.Addressed:
		q.And("EXISTS (SELECT 1 FROM vendor_request m WHERE m.case_id = c.id AND m.org_id = ? AND (m.sent_at > 0 OR c.starter = m.org_id))", who.Org)
	case gate.Sector:
		if !who.Is("ministry") { // an operator has sectors too
			q.And("1 = 0")
			return
		}
		marks := []string{"''"}
		for _, s := range who.Sectors {
			marks = append(marks, q.Arg(s))
		}
		q.And("EXISTS (SELECT 1 FROM vendor_sector s WHERE s.case_id = c.id AND s.sector IN (" + strings.Join(marks, ", ") + "))")
	default:
		q.And("1 = 0")
	}
}

// reachRequest narrows further to the requests of cases: a maker sees its own
// alone.
func (q *query) reachRequest(who gate.Identity, reach gate.Reach) {
	q.reachCase(who, reach)
	if reach == gate.Addressed {
		q.And("r.org_id = ?", who.Org)
	}
}

func loadCase(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, lock bool) (c Case, err error) {
	var q query
	q.reachCase(who, reach)
	q.And("c.id = ?", id)
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	fields, done := caseFields(&c)
	err = tx.QueryRow(ctx, "SELECT "+caseColumns+" FROM vendor_case c WHERE "+q.Where()+end, q.Args...).Scan(fields...)
	if err == db.ErrNoRows {
		return c, ErrNone
	}
	done()
	return c, err
}

// loadRequest returns a request within reach, locked for a change.
func loadRequest(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach) (r Request, c Case, err error) {
	var q query
	q.reachRequest(who, reach)
	q.And("r.id = ?", id)
	rf, rdone := requestFields(&r)
	cf, cdone := caseFields(&c)
	err = tx.QueryRow(ctx, "SELECT "+requestColumns+", "+caseColumns+" FROM vendor_request r JOIN vendor_case c ON c.id = r.case_id WHERE "+q.Where(), q.Args...).Scan(append(rf, cf...)...)
	if err == db.ErrNoRows {
		return r, c, ErrNone
	}
	rdone()
	cdone()
	return r, c, err
}

// requestByID returns a request for the hub itself.
func requestByID(ctx context.Context, tx *db.Tx, id ID) (r Request, c Case, err error) {
	rf, rdone := requestFields(&r)
	cf, cdone := caseFields(&c)
	err = tx.QueryRow(ctx, "SELECT "+requestColumns+", "+caseColumns+" FROM vendor_request r JOIN vendor_case c ON c.id = r.case_id WHERE r.id = $1", id).Scan(append(rf, cf...)...)
	if err == db.ErrNoRows {
		return r, c, ErrNone
	}
	rdone()
	cdone()
	return r, c, err
}

func insertCase(ctx context.Context, tx *db.Tx, c Case) error {
	_, err := tx.Exec(ctx, `INSERT INTO vendor_case (id, number, org_id, starter, basis, vulnerability, sealed, tlp, clearance, embargo_until, embargo_zone, created_at, updated_at, closed_at, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, 0, 1)`, c.ID, c.Number, c.Org, c.Starter, string(c.Basis), c.Vulnerability, c.sealed, c.TLP, c.Clearance,
		db.Micros(c.Embargo.Until), c.Embargo.Zone, db.Micros(c.CreatedAt))
	return err
}

// updateCase writes a case that still is at the revision the caller saw.
func updateCase(ctx context.Context, tx *db.Tx, c Case) error {
	n, err := tx.Exec(ctx, `UPDATE vendor_case SET vulnerability = $3, sealed = $4, tlp = $5, clearance = $6, embargo_until = $7, embargo_zone = $8, updated_at = $9, closed_at = $10, revision = revision + 1
		WHERE id = $1 AND revision = $2`, c.ID, c.Revision, c.Vulnerability, c.sealed, c.TLP, c.Clearance, db.Micros(c.Embargo.Until), c.Embargo.Zone, db.Micros(c.UpdatedAt), db.Micros(c.ClosedAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

func putSectors(ctx context.Context, tx *db.Tx, id ID, sectors []string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM vendor_sector WHERE case_id = $1", id); err != nil {
		return err
	}
	for _, s := range sectors {
		if _, err := tx.Exec(ctx, "INSERT INTO vendor_sector (case_id, sector) VALUES ($1, $2) ON CONFLICT DO NOTHING", id, s); err != nil {
			return err
		}
	}
	return nil
}

func loadSectors(ctx context.Context, tx *db.Tx, id ID) (out []string, err error) {
	rows, err := tx.Query(ctx, "SELECT sector FROM vendor_sector WHERE case_id = $1 ORDER BY sector LIMIT $2", id, maxSectors)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func insertRequest(ctx context.Context, tx *db.Tx, r Request) error {
	_, err := tx.Exec(ctx, `INSERT INTO vendor_request (id, case_id, org_id, state, waits, sent_at, due_at, answered_at, released_at, told_at, notice, reminded, next_at, updated_at, revision)
		VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, '', 0, 0, $6, 1)`, r.ID, r.Case, r.Org, string(r.State), string(r.WaitsFor), db.Micros(r.UpdatedAt))
	if db.IsUnique(err) {
		return ErrTwice
	}
	return err
}

func updateRequest(ctx context.Context, tx *db.Tx, r Request) error {
	n, err := tx.Exec(ctx, `UPDATE vendor_request SET state = $3, waits = $4, sent_at = $5, due_at = $6, answered_at = $7, released_at = $8, told_at = $9, notice = $10, reminded = $11,
		next_at = $12, updated_at = $13, revision = revision + 1 WHERE id = $1 AND revision = $2`, r.ID, r.Revision, string(r.State), string(r.WaitsFor), db.Micros(r.SentAt), db.Micros(r.DueAt),
		db.Micros(r.AnsweredAt), db.Micros(r.ReleasedAt), db.Micros(r.ToldAt), r.Notice, r.Reminded, db.Micros(r.nextAt), db.Micros(r.UpdatedAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

func insertProduct(ctx context.Context, tx *db.Tx, r Request, p Product) error {
	_, err := tx.Exec(ctx, "INSERT INTO vendor_product (id, request_id, case_id, status, fix, fix_on, sealed, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		p.ID, r.ID, r.Case, string(p.Status), string(p.Fix), p.FixOn, p.sealed, db.Micros(p.UpdatedAt))
	return err
}

func updateProduct(ctx context.Context, tx *db.Tx, request ID, p Product) error {
	n, err := tx.Exec(ctx, "UPDATE vendor_product SET status = $3, fix = $4, fix_on = $5, sealed = $6, updated_at = $7 WHERE id = $1 AND request_id = $2",
		p.ID, request, string(p.Status), string(p.Fix), p.FixOn, p.sealed, db.Micros(p.UpdatedAt))
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

func loadProducts(ctx context.Context, tx *db.Tx, request ID) (out []Product, err error) {
	rows, err := tx.Query(ctx, "SELECT id, status, fix, fix_on, sealed, updated_at FROM vendor_product WHERE request_id = $1 ORDER BY id LIMIT $2", request, maxProducts)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Product
		var at int64
		if err := rows.Scan(&p.ID, &p.Status, &p.Fix, &p.FixOn, &p.sealed, &at); err != nil {
			return nil, err
		}
		p.UpdatedAt = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

func insertStep(ctx context.Context, tx *db.Tx, request ID, p Past) error {
	_, err := tx.Exec(ctx, "INSERT INTO vendor_step (id, request_id, was, became, org_id, side, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		p.id, request, string(p.From), string(p.To), p.Org, string(p.By), p.sealed, db.Micros(p.At), p.Entry)
	return err
}

func loadSteps(ctx context.Context, tx *db.Tx, request ID) (out []Past, err error) {
	rows, err := tx.Query(ctx, "SELECT id, was, became, org_id, side, sealed, at, entry FROM vendor_step WHERE request_id = $1 ORDER BY id DESC LIMIT $2", request, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		var at int64
		if err := rows.Scan(&p.id, &p.From, &p.To, &p.Org, &p.By, &p.sealed, &at, &p.Entry); err != nil {
			return nil, err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// due lists requests whose next look is due, the earliest first.
func due(ctx context.Context, tx *db.Tx, now time.Time, limit int) (ids []ID, err error) {
	rows, err := tx.Query(ctx, "SELECT id FROM vendor_request WHERE next_at > 0 AND next_at <= $1 ORDER BY next_at, id LIMIT $2", db.Micros(now), limit)
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

func insertDocument(ctx context.Context, tx *db.Tx, request ID, d Document, sealed []byte) error {
	came := 0
	if d.In {
		came = 1
	}
	_, err := tx.Exec(ctx, "INSERT INTO vendor_document (id, request_id, came, name, version, status, step, stated_at, sha256, size, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $12, 0, $7, $8, $9, $10, $11)",
		d.ID, request, came, d.Name, d.Version, d.Status, d.SHA256, d.Size, sealed, db.Micros(d.At), d.Entry, d.Step)
	return err
}

// loadDocuments lists the documents of a request, the newest first; their
// content stays where it is.
func loadDocuments(ctx context.Context, tx *db.Tx, request ID) (out []Document, err error) {
	rows, err := tx.Query(ctx, "SELECT id, came = 1, name, version, status, step, sha256, size, at, entry FROM vendor_document WHERE request_id = $1 ORDER BY id DESC LIMIT $2", request, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Document
		var at int64
		if err := rows.Scan(&d.ID, &d.In, &d.Name, &d.Version, &d.Status, &d.Step, &d.SHA256, &d.Size, &at, &d.Entry); err != nil {
			return nil, err
		}
		d.At = db.Time(at)
		out = append(out, d)
	}
	return out, rows.Err()
}

func loadDocument(ctx context.Context, tx *db.Tx, request, id ID) (d Document, sealed []byte, err error) {
	var at int64
	err = tx.QueryRow(ctx, "SELECT id, came = 1, name, version, status, step, sha256, size, at, entry, sealed FROM vendor_document WHERE request_id = $1 AND id = $2", request, id).
		Scan(&d.ID, &d.In, &d.Name, &d.Version, &d.Status, &d.Step, &d.SHA256, &d.Size, &at, &d.Entry, &sealed)
	if err == db.ErrNoRows {
		err = ErrNoDocument
	}
	d.At = db.Time(at)
	return d, sealed, err
}

// lockCaseByID returns a case for the hub itself, locked for a change.
func lockCaseByID(ctx context.Context, tx *db.Tx, id ID) (c Case, err error) {
	fields, done := caseFields(&c)
	err = tx.QueryRow(ctx, "SELECT "+caseColumns+" FROM vendor_case c WHERE c.id = $1"+tx.ForUpdate(), id).Scan(fields...)
	if err == db.ErrNoRows {
		return c, ErrNone
	}
	if err != nil {
		return c, err
	}
	done()
	return c, nil
}

// unstated lists the last document that was made for each request whose embargo
// is over, while nobody who matches it with equipment has it. What a case marks
// for those in it alone ([Case.narrow]) is never handed on: every reader of
// feeds would have it.
func unstated(ctx context.Context, tx *db.Tx, now time.Time, limit int) (out [][2]ID, err error) {
	rows, err := tx.Query(ctx, `SELECT d.request_id, d.id FROM vendor_document d JOIN vendor_request r ON r.id = d.request_id JOIN vendor_case c ON c.id = r.case_id
		WHERE d.came = 0 AND d.stated_at = 0 AND c.embargo_until <= $1 AND c.vulnerability <> '' AND c.clearance = 0 AND c.tlp NOT IN ('RED', 'AMBER+STRICT') AND NOT EXISTS (SELECT 1 FROM vendor_document n WHERE n.request_id = d.request_id AND n.came = 0 AND n.id > d.id)
		ORDER BY d.id LIMIT $2`, db.Micros(now), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x [2]ID
		if err := rows.Scan(&x[0], &x[1]); err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

func setStated(ctx context.Context, tx *db.Tx, request, document ID, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE vendor_document SET stated_at = $3 WHERE request_id = $1 AND came = 0 AND stated_at = 0 AND id <= $2", request, document, db.Micros(at))
	return err
}
