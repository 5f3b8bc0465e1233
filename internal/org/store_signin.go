package org

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

// credential is how a person proves who they are.
type credential struct {
	password string // argon2id digest
	totp     []byte // secret, sealed under the person's key
	step     int64  // last time step whose code was used
}

func loadCredential(ctx context.Context, tx *db.Tx, id PersonID, lock bool) (c credential, err error) {
	sql := "SELECT password, totp, step FROM org_credential WHERE person_id = $1"
	if lock {
		sql += tx.ForUpdate()
	}
	err = tx.QueryRow(ctx, sql, string(id)).Scan(&c.password, &c.totp, &c.step)
	return c, err
}

func saveCredential(ctx context.Context, tx *db.Tx, id PersonID, c credential, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO org_credential (person_id, password, totp, step, changed_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person_id) DO UPDATE SET password = excluded.password, totp = excluded.totp, step = excluded.step, changed_at = excluded.changed_at`,
		string(id), c.password, c.totp, c.step, db.Micros(now))
	return err
}

// useStep marks a time step as used, and reports false when it or a later one
// already was.
func useStep(ctx context.Context, tx *db.Tx, id PersonID, step int64) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE org_credential SET step = $2 WHERE person_id = $1 AND step < $2", string(id), step)
	return n == 1, err
}

// rehash replaces a password digest by one of another cost, unless the
// password was changed meanwhile.
func rehash(ctx context.Context, tx *db.Tx, id PersonID, from, to string) error {
	_, err := tx.Exec(ctx, "UPDATE org_credential SET password = $3 WHERE person_id = $1 AND password = $2", string(id), from, to)
	return err
}

// setCodes replaces a person's recovery codes.
func setCodes(ctx context.Context, tx *db.Tx, id PersonID, codes []string) error {
	if _, err := tx.Exec(ctx, "DELETE FROM org_code WHERE person_id = $1", string(id)); err != nil {
		return err
	}
	for _, c := range codes {
		if _, err := tx.Exec(ctx, "INSERT INTO org_code (person_id, digest, used_at) VALUES ($1, $2, 0)", string(id), storedForm(c)); err != nil {
			return err
		}
	}
	return nil
}

// useCode marks a recovery code as used, and reports whether it was one.
func useCode(ctx context.Context, tx *db.Tx, id PersonID, code string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE org_code SET used_at = $3 WHERE person_id = $1 AND digest = $2 AND used_at = 0", string(id), storedForm(code), db.Micros(now))
	return n == 1, err
}

// hasCode reports whether a code is an unused recovery code of the person.
func hasCode(ctx context.Context, tx *db.Tx, id PersonID, code string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM org_code WHERE person_id = $1 AND digest = $2 AND used_at = 0", string(id), storedForm(code)).Scan(&n)
	return n == 1, err
}

func codesLeft(ctx context.Context, tx *db.Tx, id PersonID) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM org_code WHERE person_id = $1 AND used_at = 0", string(id)).Scan(&n)
	return n, err
}

// ticket is a link, or the step between password and code.
type ticket struct {
	id      string
	purpose Purpose
	people  []PersonID // several only between password and code
	totp    []byte     // secret to enrol, sealed; empty when nothing is enrolled
	tries   int
	expires time.Time
}

func insertTicket(ctx context.Context, tx *db.Tx, t ticket, digest []byte, now time.Time) error {
	ids := make([]string, len(t.people))
	for i, p := range t.people {
		ids[i] = string(p)
	}
	_, err := tx.Exec(ctx, `INSERT INTO org_ticket (id, digest, purpose, people, totp, tries, created_at, expires_at, used_at)
		VALUES ($1, $2, $3, $4, $5, 0, $6, $7, 0)`, t.id, digest, string(t.purpose), strings.Join(ids, " "), t.totp, db.Micros(now), db.Micros(t.expires))
	return err
}

// loadTicket returns a link that is neither used nor expired; db.ErrNoRows
// when there is none.
func loadTicket(ctx context.Context, tx *db.Tx, digest []byte, now time.Time, lock bool) (t ticket, err error) {
	sql := "SELECT id, purpose, people, totp, tries, expires_at FROM org_ticket WHERE digest = $1 AND used_at = 0 AND expires_at > $2"
	if lock {
		sql += tx.ForUpdate()
	}
	var people string
	var expires int64
	err = tx.QueryRow(ctx, sql, digest, db.Micros(now)).Scan(&t.id, &t.purpose, &people, &t.totp, &t.tries, &expires)
	for _, p := range strings.Fields(people) {
		t.people = append(t.people, PersonID(p))
	}
	t.expires = db.Time(expires)
	return t, err
}

// useTicket marks a link as used, and reports false when it already was.
func useTicket(ctx context.Context, tx *db.Tx, id string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE org_ticket SET used_at = $2 WHERE id = $1 AND used_at = 0", id, db.Micros(now))
	return n == 1, err
}

// tryTicket counts a try of a link.
func tryTicket(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, "UPDATE org_ticket SET tries = tries + 1 WHERE id = $1", id)
	return err
}

// voidTickets makes all open links of a person useless.
func voidTickets(ctx context.Context, tx *db.Tx, id PersonID, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE org_ticket SET used_at = $2 WHERE people = $1 AND used_at = 0", string(id), db.Micros(now))
	return err
}

// dropTickets deletes links a month after they expired.
func dropTickets(ctx context.Context, tx *db.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, "DELETE FROM org_ticket WHERE expires_at < $1", db.Micros(now.AddDate(0, -1, 0)))
	return err
}

// attempt is how often somebody was wrong with an address.
type attempt struct {
	failures int
	next     time.Time
}

func loadAttempt(ctx context.Context, tx *db.Tx, key string, now time.Time) (a attempt, err error) {
	var next int64
	err = tx.QueryRow(ctx, "SELECT failures, next_at FROM org_attempt WHERE key = $1 AND forget_at > $2", key, db.Micros(now)).Scan(&a.failures, &next)
	if err == db.ErrNoRows {
		return attempt{}, nil
	}
	a.next = db.Time(next)
	return a, err
}

func saveAttempt(ctx context.Context, tx *db.Tx, key string, a attempt, now time.Time) error {
	forget := now.Add(forgetTries)
	if a.next.After(now) {
		forget = a.next.Add(forgetTries)
	}
	// What nobody asks about any more goes with the next failure, so that a
	// flood of invented addresses leaves a bounded number of rows.
	if _, err := tx.Exec(ctx, "DELETE FROM org_attempt WHERE forget_at <= $1", db.Micros(now)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO org_attempt (key, failures, next_at, forget_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, next_at = excluded.next_at, forget_at = excluded.forget_at`,
		key, a.failures, db.Micros(a.next), db.Micros(forget))
	return err
}

func clearAttempt(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, "DELETE FROM org_attempt WHERE key = $1", key)
	return err
}

// refundAttempt takes back one try that turned out right.
func refundAttempt(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, "UPDATE org_attempt SET failures = failures - 1, next_at = 0 WHERE key = $1 AND failures > 0", key)
	return err
}
