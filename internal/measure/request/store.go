package request

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

// reach is the rule of access, inside every query: an organisation has what it
// asks; what is a step of a measure only its command, and those who are designated
// to carry that chain out; the commission what was asked under power; a carrier
// what it was ordered, once the order went out.
func (q *query) reach(who gate.Identity, reach gate.Reach) {
	switch {
	case reach == gate.All:
		q.And("r.chain_id <> ''")
	case reach == gate.Own && who.Org != "" && commands(who):
		q.And("r.org_id = ?", who.Org)
	case reach == gate.Own && who.Org != "" && carries(who):
		q.And("r.org_id = ?", who.Org)
		q.And("(r.chain_id = '' OR EXISTS (SELECT 1 FROM measure_officer o WHERE o.chain_id = r.chain_id AND o.person = ?))", who.Person)
	case reach == gate.Own && who.Org != "":
		q.And("r.org_id = ?", who.Org)
		q.And("r.chain_id = ''")
	case reach == gate.Addressed && who.Org != "":
		q.And("r.carrier_org = ?", who.Org)
		q.And("r.sent_at > 0")
	default:
		q.And("1 = 0")
	}
}

// named narrows to what somebody means by an id: a request, or its number.
func (q *query) named(id string) {
	q.And("(r.id = ? OR r.number = ?)", id, strings.ToUpper(strings.TrimSpace(id)))
}

const columns = `r.id, r.number, r.org_id, r.kind, r.harm, r.state, r.purpose, r.case_id, r.chain_id, r.step, r.way, r.gone, r.digest, r.xarf_id, r.provider_tag, r.carrier_org,
	r.mail_id, r.writer, r.sealed, r.ask_by, r.checked_at, r.sent_at, r.last_at, r.answered_at, r.gone_at, r.next_at, r.created_at, r.updated_at, r.revision`

func (r *Request) times() []*time.Time {
	return []*time.Time{&r.By, &r.CheckedAt, &r.SentAt, &r.LastAt, &r.AnswerAt, &r.GoneAt, &r.NextAt, &r.CreatedAt, &r.UpdatedAt}
}

func scan(row func(...any) error) (r Request, err error) {
	var gone int
	var t [9]int64
	to := []any{&r.ID, &r.Number, &r.Org, &r.Kind, &r.Harm, &r.State, &r.Purpose, &r.Case, &r.Chain, &r.Step, &r.Way, &gone, &r.Digest, &r.xarf, &r.provider, &r.carrier, &r.mail, &r.writer, &r.sealed}
	for i := range t {
		to = append(to, &t[i])
	}
	err = row(append(to, &r.Revision)...)
	if err == db.ErrNoRows {
		return r, ErrNone
	}
	r.Facts.Gone = gone == 1
	for i, at := range r.times() {
		*at = db.Time(t[i])
	}
	return r, err
}

// values are those that an act may change, in the order of update.
func (r *Request) values() []any {
	gone := 0
	if r.Facts.Gone {
		gone = 1
	}
	out := []any{string(r.Kind), string(r.Harm), string(r.State), string(r.Purpose), r.Case, r.Chain, r.Step, string(r.Way), gone, r.Digest, r.provider, r.carrier, r.mail, r.writer, r.sealed}
	for _, t := range r.times() {
		out = append(out, db.Micros(*t))
	}
	return out
}

func insert(ctx context.Context, tx *db.Tx, r *Request) error {
	_, err := tx.Exec(ctx, `INSERT INTO measure_request (id, number, org_id, xarf_id, revision, kind, harm, state, purpose, case_id, chain_id, step, way, gone, digest, provider_tag, carrier_org,
		mail_id, writer, sealed, ask_by, checked_at, sent_at, last_at, answered_at, gone_at, next_at, created_at, updated_at)
		VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28)`,
		append([]any{r.ID, r.Number, r.Org, r.xarf}, r.values()...)...)
	r.Revision = 1
	return err
}

// update writes a request that still is at the revision the caller saw.
func update(ctx context.Context, tx *db.Tx, r *Request) error {
	n, err := tx.Exec(ctx, `UPDATE measure_request SET kind = $3, harm = $4, state = $5, purpose = $6, case_id = $7, chain_id = $8, step = $9, way = $10, gone = $11, digest = $12, provider_tag = $13,
		carrier_org = $14, mail_id = $15, writer = $16, sealed = $17, ask_by = $18, checked_at = $19, sent_at = $20, last_at = $21, answered_at = $22, gone_at = $23, next_at = $24,
		created_at = $25, updated_at = $26, revision = revision + 1 WHERE id = $1 AND revision = $2`, append([]any{r.ID, r.Revision}, r.values()...)...)
	if err == nil && n == 0 {
		return ErrRevision
	}
	r.Revision++
	return err
}

// load returns a request within reach, locked for a change where it is meant to be.
func load(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, lock bool) (Request, error) {
	var q query
	q.reach(who, reach)
	q.named(id)
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	return scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM measure_request r WHERE "+q.Where()+end, q.Args...).Scan)
}

// byID returns a request for the hub itself, locked.
func byID(ctx context.Context, tx *db.Tx, id ID) (Request, error) {
	return scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM measure_request r WHERE r.id = $1"+tx.ForUpdate(), id).Scan)
}

func many(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Request, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Past is one act of a request's history.
type Past struct {
	ID    ID        `json:"id"`
	Act   string    `json:"act"`
	From  State     `json:"from,omitempty"`
	To    State     `json:"to"`
	By    Side      `json:"by"`
	Name  string    `json:"name,omitempty"` // of the person, for their own organisation
	Says  string    `json:"says,omitempty"`
	At    time.Time `json:"at"`
	Entry string    `json:"entry"`

	person string
	sealed []byte
}

func insertPast(ctx context.Context, tx *db.Tx, request ID, p Past) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_request_past (id, request_id, act, was, became, side, person, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		p.ID, request, p.Act, string(p.From), string(p.To), string(p.By), p.person, p.sealed, db.Micros(p.At), p.Entry)
	return err
}

// loadPast lists the history, the first act first: the last 500.
func loadPast(ctx context.Context, tx *db.Tx, request ID) (out []Past, err error) {
	const c = "id, act, was, became, side, person, sealed, at, entry"
	rows, err := tx.Query(ctx, "SELECT "+c+" FROM (SELECT "+c+" FROM measure_request_past WHERE request_id = $1 ORDER BY id DESC LIMIT $2) x ORDER BY id", request, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		var at int64
		if err := rows.Scan(&p.ID, &p.Act, &p.From, &p.To, &p.By, &p.person, &p.sealed, &at, &p.Entry); err != nil {
			return nil, err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// draftOfEntry finds the draft that was written last by the act of an entry of the
// ledger. Fault: ErrNone.
func draftOfEntry(ctx context.Context, tx *db.Tx, entry string) (id ID, owner string, sealed []byte, err error) {
	err = tx.QueryRow(ctx, `SELECT r.id, r.org_id, r.sealed FROM measure_request_past p JOIN measure_request r ON r.id = p.request_id WHERE p.entry = $1 AND p.act IN ('draft', 'change')
		AND NOT EXISTS (SELECT 1 FROM measure_request_past l WHERE l.request_id = p.request_id AND l.act IN ('change', 'follow') AND l.id > p.id) ORDER BY p.id LIMIT 1`, entry).Scan(&id, &owner, &sealed)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return id, owner, sealed, err
}
