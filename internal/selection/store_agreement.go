package selection

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// query is a WHERE clause that the rules of access of this package write into.
type query struct{ db.Query }

const agreementColumns = `a.id, a.org_id, a.party_id, a.keeper, a.article, a.state, a.version, a.from_at, a.until_at, a.talked_at, a.agreed_at, a.ended_at, a.sealed, a.entry, a.at, a.changed_at`

func scanAgreement(scan func(...any) error) (a Agreement, err error) {
	var from, until, talked, agreed, ended, at, changed int64
	err = scan(&a.ID, &a.Org, &a.Party, &a.Keeper, &a.Article, &a.State, &a.Version, &from, &until, &talked, &agreed, &ended, &a.sealed, &a.Entry, &at, &changed)
	a.from, a.until, a.TalkedAt, a.AgreedAt, a.EndedAt, a.At, a.ChangedAt = db.Time(from), db.Time(until), db.Time(talked), db.Time(agreed), db.Time(ended), db.Time(at), db.Time(changed)
	return a, err
}

// reachAgreement is the rule of access to agreements, inside every query. What
// never came to an agreement is known to its keeper and the party alone, so that
// no colleague learns that somebody refused by seeing a proposal go.
func (q *query) reachAgreement(who gate.Identity, reach gate.Reach) {
	switch reach {
	case gate.Own:
		q.And("a.org_id = ? AND (a.keeper = ? OR a.agreed_at > 0)", who.Org, who.Person)
	case gate.Addressed:
		q.And("a.party_id = ?", who.Org)
	case gate.Record: // what came into force; of a proposal that goes a refusal would follow
		q.And("a.agreed_at > 0")
	default:
		q.And("a.at < 0")
	}
}

func insertAgreement(ctx context.Context, tx *db.Tx, a Agreement) error {
	_, err := tx.Exec(ctx, `INSERT INTO selection_agreement (id, org_id, party_id, keeper, article, state, version, from_at, until_at, talked_at, agreed_at, ended_at, sealed, entry, at, changed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0, $10, $11, $12, $12)`,
		a.ID, a.Org, a.Party, a.Keeper, string(a.Article), string(a.State), a.Version, db.Micros(a.from), db.Micros(a.until), a.sealed, a.Entry, db.Micros(a.At))
	return err
}

func updateAgreement(ctx context.Context, tx *db.Tx, a Agreement) error {
	_, err := tx.Exec(ctx, `UPDATE selection_agreement SET keeper = $2, state = $3, version = $4, from_at = $5, until_at = $6, talked_at = $7, agreed_at = $8, ended_at = $9, sealed = $10, changed_at = $11 WHERE id = $1`,
		a.ID, a.Keeper, string(a.State), a.Version, db.Micros(a.from), db.Micros(a.until), db.Micros(a.TalkedAt), db.Micros(a.AgreedAt), db.Micros(a.EndedAt), a.sealed, db.Micros(a.ChangedAt))
	return err
}

// loadAgreement returns an agreement within reach, locked for a change when asked.
func loadAgreement(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach, lock bool) (Agreement, error) {
	var q query
	q.reachAgreement(who, reach)
	q.And("a.id = ?", id)
	sql := "SELECT " + agreementColumns + " FROM selection_agreement a WHERE " + q.Where()
	if lock {
		sql += tx.ForUpdate()
	}
	a, err := scanAgreement(tx.QueryRow(ctx, sql, q.Args...).Scan)
	if err == db.ErrNoRows {
		err = ErrNoAgreement
	}
	return a, err
}

// agreementByID returns an agreement for the hub itself.
func agreementByID(ctx context.Context, tx *db.Tx, id string) (Agreement, error) {
	a, err := scanAgreement(tx.QueryRow(ctx, "SELECT "+agreementColumns+" FROM selection_agreement a WHERE a.id = $1"+tx.ForUpdate(), id).Scan)
	if err == db.ErrNoRows {
		err = ErrNoAgreement
	}
	return a, err
}

// agreementOf returns the agreement that issued an approval; ErrNoAgreement when
// none did.
func agreementOf(ctx context.Context, tx *db.Tx, approvalID string) (Agreement, error) {
	a, err := scanAgreement(tx.QueryRow(ctx, "SELECT "+agreementColumns+" FROM selection_agreement a JOIN selection_grant g ON g.agreement_id = a.id WHERE g.approval_id = $1", approvalID).Scan)
	if err == db.ErrNoRows {
		err = ErrNoAgreement
	}
	return a, err
}

// listAgreements gives a page of agreements, the newest first.
func listAgreements(ctx context.Context, tx *db.Tx, f AgreementFilter, who gate.Identity, reach gate.Reach) (out []Agreement, next string, err error) {
	var q query
	q.reachAgreement(who, reach)
	if f.Waiting {
		state := Countered
		if reach == gate.Addressed {
			state = Proposed
		}
		q.And("a.state = ?", string(state))
	}
	if !f.Ended {
		q.And("a.ended_at = 0")
	}
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	q.And("a.id < ?", before)
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+agreementColumns+" FROM selection_agreement a WHERE "+q.Where()+" ORDER BY a.id DESC LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scanAgreement(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, a)
	}
	out, next = db.Page(out, limit, func(last *Agreement) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// overdueAgreements lists agreements whose period is over.
func overdueAgreements(ctx context.Context, tx *db.Tx, now time.Time, limit int) ([]string, error) {
	return ids(ctx, tx, "SELECT id FROM selection_agreement WHERE ended_at = 0 AND until_at <= $1 ORDER BY until_at, id LIMIT $2", db.Micros(now), limit)
}

// ids runs a query for one column of ids.
func ids(ctx context.Context, tx *db.Tx, sql string, args ...any) (out []string, err error) {
	rows, err := tx.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

func insertMove(ctx context.Context, tx *db.Tx, agreement string, m PastMove) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_move (id, agreement_id, was, became, side, version, sealed, at, entry, person) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		m.id, agreement, string(m.From), string(m.To), string(m.By), m.Version, m.sealed, db.Micros(m.At), m.Entry, m.person)
	return err
}

// negotiated reports whether a person conducts an agreement or took a step in it
// for the office.
func negotiated(ctx context.Context, tx *db.Tx, agreement, person string) (bool, error) {
	n := 0
	err := tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM selection_agreement a WHERE a.id = $1 AND a.keeper = $2) + (SELECT count(*) FROM selection_move m WHERE m.agreement_id = $1 AND m.person = $2 AND m.side = 'office')`, agreement, person).Scan(&n)
	return n > 0, err
}

func loadMoves(ctx context.Context, tx *db.Tx, agreement string) (out []PastMove, err error) {
	rows, err := tx.Query(ctx, "SELECT id, was, became, side, version, sealed, at, entry FROM selection_move WHERE agreement_id = $1 ORDER BY id LIMIT $2", agreement, maxMoves)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m PastMove
		var at int64
		if err := rows.Scan(&m.id, &m.From, &m.To, &m.By, &m.Version, &m.sealed, &at, &m.Entry); err != nil {
			return nil, err
		}
		m.At = db.Time(at)
		out = append(out, m)
	}
	return out, rows.Err()
}

func insertConsent(ctx context.Context, tx *db.Tx, c Consent) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_consent (id, agreement_id, until_at, withdrawn_at, sealed, at, entry) VALUES ($1, $2, $3, 0, $4, $5, $6)",
		c.ID, c.Agreement, db.Micros(c.Until), c.sealed, db.Micros(c.At), c.Entry)
	return err
}

func withdrawConsent(ctx context.Context, tx *db.Tx, agreement, id string, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE selection_consent SET withdrawn_at = $3 WHERE agreement_id = $1 AND id = $2 AND withdrawn_at = 0", agreement, id, db.Micros(at))
	return n > 0, err
}

func loadConsents(ctx context.Context, tx *db.Tx, agreement string) (out []Consent, err error) {
	rows, err := tx.Query(ctx, "SELECT id, agreement_id, until_at, withdrawn_at, sealed, at, entry FROM selection_consent WHERE agreement_id = $1 ORDER BY id DESC LIMIT $2", agreement, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Consent
		var until, withdrawn, at int64
		if err := rows.Scan(&c.ID, &c.Agreement, &until, &withdrawn, &c.sealed, &at, &c.Entry); err != nil {
			return nil, err
		}
		c.Until, c.WithdrawnAt, c.At = db.Time(until), db.Time(withdrawn), db.Time(at)
		out = append(out, c)
	}
	return out, rows.Err()
}

func insertReturned(ctx context.Context, tx *db.Tx, agreement string, r Returned) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_returned (id, agreement_id, sealed, at, entry) VALUES ($1, $2, $3, $4, $5)", r.ID, agreement, r.sealed, db.Micros(r.At), r.Entry)
	return err
}

func loadReturned(ctx context.Context, tx *db.Tx, agreement string) (out []Returned, err error) {
	rows, err := tx.Query(ctx, "SELECT id, sealed, at, entry FROM selection_returned WHERE agreement_id = $1 ORDER BY id DESC LIMIT $2", agreement, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r Returned
		var at int64
		if err := rows.Scan(&r.ID, &r.sealed, &at, &r.Entry); err != nil {
			return nil, err
		}
		r.At = db.Time(at)
		out = append(out, r)
	}
	return out, rows.Err()
}

func insertGrant(ctx context.Context, tx *db.Tx, agreement string, g AgreementGrant) error {
	_, err := tx.Exec(ctx, "INSERT INTO selection_grant (approval_id, agreement_id, list_id, selectors, at) VALUES ($1, $2, $3, $4, $5)", g.Approval, agreement, g.List, g.Selectors, db.Micros(g.At))
	return err
}

func loadGrants(ctx context.Context, tx *db.Tx, agreement string) (out []AgreementGrant, err error) {
	rows, err := tx.Query(ctx, "SELECT approval_id, list_id, selectors, at FROM selection_grant WHERE agreement_id = $1 ORDER BY at DESC, approval_id DESC LIMIT $2", agreement, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var g AgreementGrant
		var at int64
		if err := rows.Scan(&g.Approval, &g.List, &g.Selectors, &at); err != nil {
			return nil, err
		}
		g.At = db.Time(at)
		out = append(out, g)
	}
	return out, rows.Err()
}
