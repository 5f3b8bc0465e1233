package desk

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

// reach is the rule of access to papers, inside every query: the commission has
// all, a body what was settled and addressed to it.
func (q *query) reach(who gate.Identity, reach gate.Reach) {
	switch {
	case reach == gate.All:
		q.And("1 = 1")
	case reach == gate.Addressed && who.Org != "":
		q.And("p.to_org = ?", who.Org)
		q.And("p.sent_at > 0")
	default:
		q.And("1 = 0")
	}
}

const paperColumns = "p.id, p.number, p.org_id, p.kind, p.state, p.to_org, p.rule, p.entries, p.days, p.drafter, p.proposer, p.sealed, p.due_at, p.created_at, p.sent_at, p.reminded_at, p.revision"

func scanPaper(scan func(...any) error) (p Paper, err error) {
	var entries string
	var due, created, sent, reminded int64
	err = scan(&p.ID, &p.Number, &p.org, &p.Kind, &p.State, &p.To, &p.Rule, &entries, &p.Days, &p.drafter, &p.proposer, &p.sealed, &due, &created, &sent, &reminded, &p.Revision)
	if err == db.ErrNoRows {
		return p, ErrNone
	}
	if err != nil {
		return p, err
	}
	p.DueAt, p.CreatedAt, p.SentAt, p.remindedAt = db.Time(due), db.Time(created), db.Time(sent), db.Time(reminded)
	return p, json.Unmarshal([]byte(entries), &p.Entries)
}

func insertPaper(ctx context.Context, tx *db.Tx, p *Paper) error {
	entries, err := json.Marshal(p.Entries)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO oversight_paper (id, number, org_id, kind, state, to_org, rule, entries, days, drafter, proposer, sealed, due_at, created_at, sent_at, reminded_at, revision)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', $11, 0, $12, 0, 0, 1)`,
		p.ID, p.Number, p.org, string(p.Kind), string(p.State), p.To, p.Rule, string(entries), p.Days, p.drafter, p.sealed, db.Micros(p.CreatedAt))
	return err
}

// updatePaper writes what an act changed of a paper that still is at the revision
// the caller saw.
func updatePaper(ctx context.Context, tx *db.Tx, p *Paper) error {
	entries, err := json.Marshal(p.Entries)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE oversight_paper SET kind = $3, state = $4, to_org = $5, rule = $6, entries = $7, days = $8, drafter = $9, proposer = $10, sealed = $11, due_at = $12, sent_at = $13,
		reminded_at = $14, revision = revision + 1 WHERE id = $1 AND revision = $2`,
		p.ID, p.Revision, string(p.Kind), string(p.State), p.To, p.Rule, string(entries), p.Days, p.drafter, p.proposer, p.sealed, db.Micros(p.DueAt), db.Micros(p.SentAt), db.Micros(p.remindedAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	p.Revision++
	return err
}

// paperWithin returns a paper within reach by its id or number.
func paperWithin(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, lock bool) (Paper, error) {
	var q query
	q.reach(who, reach)
	q.And("(p.id = ? OR p.number = ?)", id, strings.ToUpper(strings.TrimSpace(id)))
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	return scanPaper(tx.QueryRow(ctx, "SELECT "+paperColumns+" FROM oversight_paper p WHERE "+q.Where()+end, q.Args...).Scan)
}

// paperByID returns a paper for the hub itself, locked.
func paperByID(ctx context.Context, tx *db.Tx, id ID) (Paper, error) {
	return scanPaper(tx.QueryRow(ctx, "SELECT "+paperColumns+" FROM oversight_paper p WHERE p.id = $1"+tx.ForUpdate(), id).Scan)
}

func papers(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Paper, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanPaper(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// listPapers gives a page of papers within reach, the newest first.
func listPapers(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []Paper, next string, err error) {
	var q query
	q.reach(who, reach)
	if f.State != "" {
		q.And("p.state = ?", f.State)
	}
	if f.Open {
		q.And("p.state NOT IN ('closed', 'dropped')")
	}
	by, key := "p.created_at", func(p *Paper) time.Time { return p.CreatedAt }
	if reach != gate.All { // the order in which it was drafted is the commission's own
		by, key = "p.sent_at", func(p *Paper) time.Time { return p.SentAt }
	}
	at, before := int64(math.MaxInt64), db.Above
	if _, err := db.ParseCursor(f.Cursor, &at, &before); err != nil {
		return nil, "", err
	}
	q.And("("+by+" < ? OR "+by+" = ? AND p.id < ?)", at, at, before)
	limit := db.Limit(f.Limit)
	out, err = papers(ctx, tx, "SELECT "+paperColumns+" FROM oversight_paper p WHERE "+q.Where()+" ORDER BY "+by+" DESC, p.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	out, next = db.Page(out, limit, func(last *Paper) string { return db.Cursor(db.Micros(key(last)), last.ID) })
	return out, next, err
}

// when are the instants from which something may have to be brought to mind: its day
// is near, it is past, and it was brought to mind so long ago.
type when struct{ near, past, again time.Time }

// waiting is the condition under which something that waits for an answer may have
// to be brought to mind; [Numbers.reminder] says whether it has.
const waiting = "(p.due_at <= $1 AND p.reminded_at = 0 OR p.due_at < $2 AND (p.reminded_at < p.due_at OR p.reminded_at <= $3)) ORDER BY p.id LIMIT $4"

func (w when) args() []any {
	return []any{db.Micros(w.near), db.Micros(w.past), db.Micros(w.again), db.MaxLimit}
}

// duePapers lists papers without an answer that may have to be brought to mind.
func duePapers(ctx context.Context, tx *db.Tx, w when) ([]Paper, error) {
	return papers(ctx, tx, "SELECT "+paperColumns+" FROM oversight_paper p WHERE p.state = 'sent' AND "+waiting, w.args()...)
}

func insertPast(ctx context.Context, tx *db.Tx, paper ID, p *Past) error {
	_, err := tx.Exec(ctx, "INSERT INTO oversight_past (id, paper_id, act, was, became, org_id, person, sealed, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		p.ID, paper, p.Act, string(p.From), string(p.To), p.Org, p.person, p.sealed, db.Micros(p.At), p.Entry)
	return err
}

func pasts(ctx context.Context, tx *db.Tx, paper ID) (out []Past, err error) {
	rows, err := tx.Query(ctx, "SELECT id, act, was, became, org_id, person, sealed, at, entry FROM oversight_past WHERE paper_id = $1 ORDER BY id LIMIT $2", paper, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		var at int64
		if err := rows.Scan(&p.ID, &p.Act, &p.From, &p.To, &p.Org, &p.person, &p.sealed, &at, &p.Entry); err != nil {
			return nil, err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// mark returns up to where the log was read as a whole, in this or in an earlier
// life of the program; 0 for never.
func mark(ctx context.Context, tx *db.Tx) (size uint64, root string, err error) {
	var n int64
	err = tx.QueryRow(ctx, "SELECT size, root FROM oversight_mark WHERE id = 'ledger'").Scan(&n, &root)
	if err == db.ErrNoRows {
		return 0, "", nil
	}
	return uint64(n), root, err
}

func putMark(ctx context.Context, tx *db.Tx, size uint64, root string, now time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO oversight_mark (id, size, root, at) VALUES ('ledger', $1, $2, $3) ON CONFLICT (id) DO UPDATE SET size = excluded.size, root = excluded.root, at = excluded.at",
		int64(size), root, db.Micros(now))
	return err
}
