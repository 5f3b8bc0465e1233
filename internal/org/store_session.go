package org

import (
	"context"
	"encoding/json"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

func insertSession(ctx context.Context, tx *db.Tx, s Session, digest []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO org_session (id, digest, person_id, device, how, opened_at, seen_at, expires_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $6, $7, 0)`, s.ID, digest, string(s.Person), s.Device, s.How, db.Micros(s.OpenedAt), db.Micros(s.ExpiresAt))
	return err
}

// holder is who a session or token stands for, read in one query.
type holder struct {
	id     string // of the session or token
	person PersonID
	seen   time.Time
	scopes []string
}

func sessionHolder(ctx context.Context, tx *db.Tx, digest []byte, now time.Time) (h holder, err error) {
	var seen int64
	err = tx.QueryRow(ctx, `SELECT s.id, s.person_id, s.seen_at FROM org_session s JOIN org_person p ON p.id = s.person_id
		WHERE s.digest = $1 AND s.ended_at = 0 AND s.expires_at > $2 AND s.seen_at > $3 AND p.state = 'active'`,
		digest, db.Micros(now), db.Micros(now.Add(-sessionIdle))).Scan(&h.id, &h.person, &seen)
	h.seen = db.Time(seen)
	return h, err
}

func tokenHolder(ctx context.Context, tx *db.Tx, digest []byte, now time.Time) (h holder, err error) {
	var seen int64
	var scopes string
	err = tx.QueryRow(ctx, `SELECT t.id, t.person_id, t.used_at, t.scopes FROM org_token t JOIN org_person p ON p.id = t.person_id
		WHERE t.digest = $1 AND t.revoked_at = 0 AND t.expires_at > $2 AND p.state = 'active'`, digest, db.Micros(now)).Scan(&h.id, &h.person, &seen, &scopes)
	if err != nil {
		return h, err
	}
	h.seen = db.Time(seen)
	return h, json.Unmarshal([]byte(scopes), &h.scopes)
}

func touchSession(ctx context.Context, tx *db.Tx, id string, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE org_session SET seen_at = $2 WHERE id = $1 AND seen_at < $2 AND ended_at = 0", id, db.Micros(now))
	return err
}

func touchToken(ctx context.Context, tx *db.Tx, id string, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE org_token SET used_at = $2 WHERE id = $1 AND used_at < $2", id, db.Micros(now))
	return err
}

// rotateSession gives a session a new secret; the old one stops working.
func rotateSession(ctx context.Context, tx *db.Tx, id string, digest []byte) (expires time.Time, err error) {
	var us int64
	err = tx.QueryRow(ctx, "UPDATE org_session SET digest = $2 WHERE id = $1 AND ended_at = 0 RETURNING expires_at", id, digest).Scan(&us)
	return db.Time(us), err
}

// endSessions ends all sessions of a person but one, which may be empty.
func endSessions(ctx context.Context, tx *db.Tx, person PersonID, but string, now time.Time) (int64, error) {
	return tx.Exec(ctx, "UPDATE org_session SET ended_at = $3 WHERE person_id = $1 AND id <> $2 AND ended_at = 0", string(person), but, db.Micros(now))
}

// endSession ends one session of a person.
func endSession(ctx context.Context, tx *db.Tx, id string, person PersonID, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE org_session SET ended_at = $3 WHERE id = $1 AND person_id = $2 AND ended_at = 0", id, string(person), db.Micros(now))
	return n == 1, err
}

// crowdOut ends the oldest sessions of a person so that one more fits, and
// deletes what ended long ago.
func crowdOut(ctx context.Context, tx *db.Tx, person PersonID, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE org_session SET ended_at = $3 WHERE person_id = $1 AND ended_at = 0 AND id NOT IN
		(SELECT s.id FROM org_session s WHERE s.person_id = $1 AND s.ended_at = 0 ORDER BY s.seen_at DESC, s.id DESC LIMIT $2)`,
		string(person), maxSessions-1, db.Micros(now))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM org_session WHERE person_id = $1 AND expires_at < $2", string(person), db.Micros(now.AddDate(0, -3, 0)))
	return err
}

func listSessions(ctx context.Context, tx *db.Tx, person PersonID, now time.Time) (out []Session, err error) {
	rows, err := tx.Query(ctx, `SELECT id, person_id, device, how, opened_at, seen_at, expires_at FROM org_session
		WHERE person_id = $1 AND ended_at = 0 AND expires_at > $2 AND seen_at > $3 ORDER BY seen_at DESC, id DESC LIMIT $4`,
		string(person), db.Micros(now), db.Micros(now.Add(-sessionIdle)), maxSessions)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Session
		var opened, seen, expires int64
		if err := rows.Scan(&s.ID, &s.Person, &s.Device, &s.How, &opened, &seen, &expires); err != nil {
			return nil, err
		}
		s.OpenedAt, s.SeenAt, s.ExpiresAt = db.Time(opened), db.Time(seen), db.Time(expires)
		out = append(out, s)
	}
	return out, rows.Err()
}

func insertToken(ctx context.Context, tx *db.Tx, t Token, digest []byte) error {
	scopes, err := json.Marshal(t.Scopes)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO org_token (id, digest, person_id, name, scopes, issued_at, expires_at, used_at, revoked_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0)`, t.ID, digest, string(t.Person), t.Name, string(scopes), db.Micros(t.IssuedAt), db.Micros(t.ExpiresAt))
	return err
}

const tokenColumns = "t.id, t.person_id, t.name, t.scopes, t.issued_at, t.expires_at, t.used_at, t.revoked_at"

func scanToken(scan func(...any) error) (t Token, err error) {
	var issued, expires, used, revoked int64
	var scopes string
	if err := scan(&t.ID, &t.Person, &t.Name, &scopes, &issued, &expires, &used, &revoked); err != nil {
		return t, err
	}
	t.IssuedAt, t.ExpiresAt, t.UsedAt, t.RevokedAt = db.Time(issued), db.Time(expires), db.Time(used), db.Time(revoked)
	return t, json.Unmarshal([]byte(scopes), &t.Scopes)
}

func listTokens(ctx context.Context, tx *db.Tx, person PersonID) (out []Token, err error) {
	rows, err := tx.Query(ctx, "SELECT "+tokenColumns+" FROM org_token t WHERE t.person_id = $1 AND t.revoked_at = 0 ORDER BY t.id DESC LIMIT $2",
		string(person), maxTokens)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanToken(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

// loadToken returns a token of a person whom who may see.
func loadToken(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (Token, error) {
	var q db.Query
	q.And("t.id = ? AND t.revoked_at = 0", id)
	q.And(withinOrg(&q, "p.org_id", who, reach))
	return scanToken(tx.QueryRow(ctx, "SELECT "+tokenColumns+" FROM org_token t JOIN org_person p ON p.id = t.person_id WHERE "+q.Where(), q.Args...).Scan)
}

func countTokens(ctx context.Context, tx *db.Tx, person PersonID, now time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM org_token WHERE person_id = $1 AND revoked_at = 0 AND expires_at > $2", string(person), db.Micros(now)).Scan(&n)
	return n, err
}

func revokeToken(ctx context.Context, tx *db.Tx, id string, now time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE org_token SET revoked_at = $2 WHERE id = $1 AND revoked_at = 0", id, db.Micros(now))
	return n == 1, err
}

// revokeTokens revokes all tokens of a person.
func revokeTokens(ctx context.Context, tx *db.Tx, person PersonID, now time.Time) (int64, error) {
	return tx.Exec(ctx, "UPDATE org_token SET revoked_at = $2 WHERE person_id = $1 AND revoked_at = 0", string(person), db.Micros(now))
}
