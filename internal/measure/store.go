package measure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
)

// errNothing is an act that turned out to have nothing to do: nothing of it is
// kept.
var errNothing = errors.New("nothing to do")

func ignore(err, one error) error {
	if errors.Is(err, one) {
		return nil
	}
	return err
}

const caseColumns = "k.id, k.number, k.org_id, k.partner, k.server_tag, k.sealed, k.created_at"

func scanCase(scan func(...any) error, more ...any) (k Case, err error) {
	var created int64
	err = scan(append([]any{&k.ID, &k.Number, &k.Org, &k.Partner, &k.tag, &k.sealed, &created}, more...)...)
	if err == db.ErrNoRows {
		return k, ErrNone
	}
	k.CreatedAt = db.Time(created)
	return k, err
}

func insertCase(ctx context.Context, tx *db.Tx, k Case) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_case (id, number, org_id, partner, server_tag, sealed, created_at) VALUES ($1, $2, $3, '', $4, $5, $6)",
		k.ID, k.Number, k.Org, k.tag, k.sealed, db.Micros(k.CreatedAt))
	return err
}

// setPartner puts the forces on a case, unless other forces are there meanwhile.
func setPartner(ctx context.Context, tx *db.Tx, id ID, was, unit string) error {
	n, err := tx.Exec(ctx, "UPDATE measure_case SET partner = $3 WHERE id = $1 AND partner = $2", id, was, unit)
	if err == nil && n == 0 {
		return ErrTwice
	}
	return err
}

func caseOf(ctx context.Context, tx *db.Tx, id ID) (Case, error) {
	return scanCase(tx.QueryRow(ctx, "SELECT "+caseColumns+" FROM measure_case k WHERE k.id = $1", id).Scan)
}

const chainColumns = `h.id, h.case_id, h.org_id, h.state, h.facts, h.plan, h.worksheet, h.steps_tag, h.approval_id, h.use_id, h.order_until, h.from_at, h.until_at, h.declared_at, h.notice_due_at,
	h.expires_at, h.noticed_at, h.review_due_at, h.settled_at, h.alarmed_at, h.created_at, h.revision`

func scanChain(scan func(...any) error, more ...any) (c Chain, err error) {
	var facts string
	var t [11]int64
	to := []any{&c.ID, &c.kase, &c.Org, &c.State, &facts, &c.Plan, &c.Worksheet, &c.steps, &c.Approval, &c.use}
	for i := range t {
		to = append(to, &t[i])
	}
	err = scan(append(append(to, &c.Revision), more...)...)
	if err == db.ErrNoRows {
		return c, ErrNone
	}
	if err != nil {
		return c, err
	}
	for i, at := range c.times() {
		*at = db.Time(t[i])
	}
	c.stored = c.State
	if err := json.Unmarshal([]byte(facts), &c.Facts); err != nil {
		return c, fmt.Errorf("measure %s: facts: %w", c.ID, err)
	}
	return c, nil
}

// times are the instants of a chain in the order of their columns.
func (c *Chain) times() []*time.Time {
	return []*time.Time{&c.OrderUntil, &c.From, &c.Until, &c.DeclaredAt, &c.NoticeDueAt, &c.ExpiresAt, &c.NoticedAt, &c.ReviewDueAt, &c.SettledAt, &c.AlarmedAt, &c.CreatedAt}
}

// stays returns the facts as they are kept: where the chain itself found the
// machine, not what another chain's finding makes of it.
func (c *Chain) stays(act string) (string, error) {
	f := c.Facts
	if act != "locate" && act != "assess" && act != "open" {
		f.Place = c.own
	}
	raw, err := json.Marshal(f)
	return string(raw), err
}

func (c *Chain) values() (out []any) {
	for _, t := range c.times() {
		out = append(out, db.Micros(*t))
	}
	return out
}

func insertChain(ctx context.Context, tx *db.Tx, c Chain) error {
	facts, err := c.stays("open")
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO measure_chain (id, case_id, org_id, body, state, facts, plan, approval_id, use_id, order_until, from_at, until_at, declared_at, notice_due_at,
		expires_at, noticed_at, review_due_at, settled_at, alarmed_at, created_at, revision)
		VALUES ($1, $2, $3, $4, $5, $6, '', '', '', $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, 1)`,
		append([]any{c.ID, c.kase, c.Org, string(c.Facts.Body), string(c.State), facts}, c.values()...)...)
	return err
}

// updateChain writes what an act changed of a chain that still is at the revision
// the caller saw.
func updateChain(ctx context.Context, tx *db.Tx, c *Chain, act string) error {
	facts, err := c.stays(act)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE measure_chain SET state = $3, facts = $4, plan = $5, approval_id = $6, use_id = $7, order_until = $8, from_at = $9, until_at = $10, declared_at = $11,
		notice_due_at = $12, expires_at = $13, noticed_at = $14, review_due_at = $15, settled_at = $16, alarmed_at = $17, created_at = $18, worksheet = $19, steps_tag = $20, revision = revision + 1
		WHERE id = $1 AND revision = $2`, append(append([]any{c.ID, c.Revision, string(c.State), facts, c.Plan, c.Approval, c.use}, c.values()...), c.Worksheet, c.steps)...)
	if err == nil && n == 0 {
		return ErrRevision
	}
	c.Revision++
	c.stored = c.State
	return err
}

// chainByID returns a chain for the hub itself.
func chainByID(ctx context.Context, tx *db.Tx, id ID, lock bool) (Chain, error) {
	end := ""
	if lock {
		end = tx.ForUpdate()
	}
	return scanChain(tx.QueryRow(ctx, "SELECT "+chainColumns+" FROM measure_chain h WHERE h.id = $1"+end, id).Scan)
}

// siblings lists the other chains of the case of a chain.
func siblings(ctx context.Context, tx *db.Tx, c *Chain) ([]Chain, error) {
	return chains(ctx, tx, "SELECT "+chainColumns+" FROM measure_chain h WHERE h.case_id = $1 AND h.id <> $2 ORDER BY h.id LIMIT 10", c.kase, c.ID)
}

func chains(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Chain, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanChain(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// overdue reports whether something of earlier emergencies stands against another
// of a chain's unit: the unit owes the commission a notice past its time; or an
// emergency on the same machine, whoever declared it, is not reviewed yet.
func overdue(ctx context.Context, tx *db.Tx, c *Chain, now time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT count(*) FROM measure_chain h JOIN measure_case k ON k.id = h.case_id WHERE h.settled_at = 0 AND h.declared_at > 0 AND h.id <> $1
		AND (h.org_id = $2 AND h.noticed_at = 0 AND h.notice_due_at <= $3 OR k.server_tag = (SELECT server_tag FROM measure_case WHERE id = $4))`, c.ID, c.Org, db.Micros(now), c.kase).Scan(&n)
	return n > 0, err
}

// refusals tells how many plans of a unit on the machine of a case came to nothing
// before the commission, and whether a plan that does the same is among them.
func refusals(ctx context.Context, tx *db.Tx, c *Chain) (n int, same bool, err error) {
	var like int
	err = tx.QueryRow(ctx, `SELECT count(*), coalesce(sum(CASE WHEN r.steps_tag = $3 THEN 1 ELSE 0 END), 0) FROM measure_refused r JOIN measure_case k ON k.server_tag = r.server_tag
		WHERE k.id = $1 AND r.org_id = $2`, c.kase, c.Org, c.steps).Scan(&n, &like)
	return n, like > 0, err
}

// putRefused keeps that what a plan does came to nothing before the commission.
func putRefused(ctx context.Context, tx *db.Tx, c *Chain, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO measure_refused (server_tag, org_id, steps_tag, at) SELECT server_tag, CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS BIGINT) FROM measure_case WHERE id = $1 ON CONFLICT DO NOTHING`,
		c.kase, c.Org, c.steps, db.Micros(now))
	return err
}

// unitKnown reports whether a unit has a chain of command on any case.
func unitKnown(ctx context.Context, tx *db.Tx, unit string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM measure_chain WHERE org_id = $1", unit).Scan(&n)
	return n > 0, err
}

// otherSide returns another side of a case that a person acted on; empty for none.
func otherSide(ctx context.Context, tx *db.Tx, kase ID, person string, by Side) (other Side, err error) {
	err = tx.QueryRow(ctx, "SELECT side FROM measure_person WHERE case_id = $1 AND person = $2 AND side <> $3 ORDER BY side LIMIT 1", kase, person, string(by)).Scan(&other)
	return other, ignore(err, db.ErrNoRows)
}

func putPerson(ctx context.Context, tx *db.Tx, kase ID, person string, by Side) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_person (case_id, person, side) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", kase, person, string(by))
	return err
}

// putOfficer designates somebody, and returns how many there are.
func putOfficer(ctx context.Context, tx *db.Tx, chain ID, person string, name []byte, now time.Time) (n int, err error) {
	if _, err := tx.Exec(ctx, "INSERT INTO measure_officer (chain_id, person, name, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING", chain, person, name, db.Micros(now)); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT count(*) FROM measure_officer WHERE chain_id = $1", chain).Scan(&n)
	return n, err
}

// dropOfficer dismisses somebody, and returns how many are left; db.ErrNoRows for
// who was not designated.
func dropOfficer(ctx context.Context, tx *db.Tx, chain ID, person string) (n int, err error) {
	gone, err := tx.Exec(ctx, "DELETE FROM measure_officer WHERE chain_id = $1 AND person = $2", chain, person)
	if err == nil && gone == 0 {
		err = db.ErrNoRows
	}
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "SELECT count(*) FROM measure_officer WHERE chain_id = $1", chain).Scan(&n)
	return n, err
}

// officer is one row of those who were designated.
type officer struct {
	Officer
	sealed []byte
}

func officers(ctx context.Context, tx *db.Tx, chain ID) (out []officer, err error) {
	rows, err := tx.Query(ctx, "SELECT person, name, at FROM measure_officer WHERE chain_id = $1 ORDER BY at, person LIMIT $2", chain, maxOfficers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var o officer
		var at int64
		if err := rows.Scan(&o.Person, &o.sealed, &at); err != nil {
			return nil, err
		}
		o.At = db.Time(at)
		out = append(out, o)
	}
	return out, rows.Err()
}

// putSwitch writes what a side says. What holds changes once both say the same:
// a side that has said nothing lets them be open.
func putSwitch(ctx context.Context, tx *db.Tx, unit string, by Side, shut bool, now time.Time) error {
	v := 0
	if shut {
		v = 1
	}
	for _, side := range []Side{MemberSide, SuperiorSide} { // both have a row, so that both are locked
		if _, err := tx.Exec(ctx, "INSERT INTO measure_switch (org_id, side, shut, at, agreed) VALUES ($1, $2, 0, 0, 0) ON CONFLICT DO NOTHING", unit, string(side)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, "UPDATE measure_switch SET shut = CASE WHEN side = $2 THEN $3 ELSE shut END, at = CASE WHEN side = $2 THEN $4 ELSE at END WHERE org_id = $1", unit, string(by), v, db.Micros(now)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE measure_switch SET agreed = $2 WHERE org_id = $1 AND (SELECT count(*) FROM measure_switch o WHERE o.org_id = $1 AND o.shut = $2) = 2", unit, v)
	return err
}

// switches lists what the commission and a unit say of its further emergencies.
func switches(ctx context.Context, tx *db.Tx, unit string) (out []Switch, err error) {
	rows, err := tx.Query(ctx, "SELECT side, shut, agreed, at FROM measure_switch WHERE org_id = $1 ORDER BY side LIMIT 2", unit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var w Switch
		var shut, agreed, at int64
		if err := rows.Scan(&w.Side, &shut, &agreed, &at); err != nil {
			return nil, err
		}
		w.Shut, w.Agreed, w.At = shut == 1, agreed == 1, db.Time(at)
		out = append(out, w)
	}
	return out, rows.Err()
}
