package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/key"
)

const columns = "id, org_id, kind, contact, least, lang, quiet_from, quiet_to, state, why, code, tries, created_at, last_at, sealed"

// sealed is what of a channel lies under the organisation's key.
type sealed struct {
	Address string `json:"address"`
	Secret  string `json:"secret,omitempty"`
}

func insert(ctx context.Context, tx *db.Tx, c Channel, cipher *key.Cipher) error {
	plain, err := json.Marshal(sealed{c.Address, c.secret})
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "INSERT INTO notice_channel ("+columns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		c.ID, c.org, string(c.Kind), c.Contact, c.Least, string(c.Lang), c.Quiet.From, c.Quiet.To, string(c.State), c.Why, c.code, c.tries,
		db.Micros(c.CreatedAt), db.Micros(c.LastAt), cipher.Seal(plain, "channel/"+c.ID))
	if err != nil {
		return fmt.Errorf("store channel: %w", err)
	}
	return nil
}

// of returns the channels of an organisation, the oldest first; there are at
// most [Most].
func of(ctx context.Context, tx *db.Tx, keys *key.Store, org string) ([]Channel, error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM notice_channel WHERE org_id = $1 ORDER BY id LIMIT $2", org, Most)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Channel
	var bodies [][]byte
	for rows.Next() {
		var c Channel
		var created, last int64
		var body []byte
		if err := rows.Scan(&c.ID, &c.org, &c.Kind, &c.Contact, &c.Least, &c.Lang, &c.Quiet.From, &c.Quiet.To, &c.State, &c.Why, &c.code, &c.tries, &created, &last, &body); err != nil {
			return nil, err
		}
		c.CreatedAt, c.LastAt = db.Time(created), db.Time(last)
		out, bodies = append(out, c), append(bodies, body)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		return nil, err
	}
	rows.Close()
	cipher, err := keys.For(ctx, tx, org)
	if err != nil {
		return nil, err
	}
	for i := range out {
		plain, err := cipher.Open(bodies[i], "channel/"+out[i].ID)
		if err != nil {
			return nil, fmt.Errorf("channel %s: %w", out[i].ID, err)
		}
		var s sealed
		if err := json.Unmarshal(plain, &s); err != nil {
			return nil, fmt.Errorf("channel %s: %w", out[i].ID, err)
		}
		out[i].Address, out[i].secret = s.Address, s.Secret
	}
	return out, nil
}

// prove records that a channel is its organisation's.
func prove(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, "UPDATE notice_channel SET state = 'confirmed', why = '', code = '' WHERE id = $1", id)
	return err
}

// failed records why a letter did not reach the channel. One that is not
// proven yet is not by failing.
func failed(ctx context.Context, tx *db.Tx, id, why string) error {
	_, err := tx.Exec(ctx, "UPDATE notice_channel SET state = CASE WHEN state = 'waiting' THEN 'waiting' ELSE 'failing' END, why = $2 WHERE id = $1", id, why)
	return err
}

// arrived records that a letter reached the channel.
func arrived(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE notice_channel SET state = 'confirmed', why = '', last_at = $2 WHERE id = $1 AND (state <> 'waiting' OR kind = 'webhook')", id, db.Micros(at))
	return err
}

// guess counts a try of the code before it is compared, and reports false when
// there are none left: of many at once each is counted.
func guess(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE notice_channel SET tries = tries + 1 WHERE id = $1 AND tries < $2", id, maxTries)
	return n == 1, err
}

func remove(ctx context.Context, tx *db.Tx, org, id string) error {
	n, err := tx.Exec(ctx, "DELETE FROM notice_channel WHERE org_id = $1 AND id = $2", org, id)
	if err == nil && n == 0 {
		return ErrNone
	}
	return err
}

// setCalendar gives an organisation a new calendar address; the old one ends.
func setCalendar(ctx context.Context, tx *db.Tx, org, person, digest string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_calendar (digest, org_id, created_at, person) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id) DO UPDATE SET digest = excluded.digest, created_at = excluded.created_at, person = excluded.person`, digest, org, db.Micros(at), person)
	return err
}

// calendarOf returns whose calendar has an address; empty when nobody's.
func calendarOf(ctx context.Context, tx *db.Tx, digest string) (org string, err error) {
	err = tx.QueryRow(ctx, "SELECT org_id FROM notice_calendar WHERE digest = $1", digest).Scan(&org)
	if errors.Is(err, db.ErrNoRows) {
		return "", nil
	}
	return org, err
}
