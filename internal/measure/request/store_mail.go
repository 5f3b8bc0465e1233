package request

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// Mail is one mail of a request: what was checked, and what became of it.
type Mail struct {
	ID      ID        `json:"id"`
	Purpose Purpose   `json:"purpose"`
	Way     Way       `json:"way"`
	Digest  string    `json:"digest"`
	To      string    `json:"to,omitempty"` // for who may read the request
	MadeAt  time.Time `json:"made_at"`
	MeantAt time.Time `json:"meant_at,omitzero"` // the intent to send it is on the record
	EndedAt time.Time `json:"ended_at,omitzero"` // so is what became of it
	Outcome State     `json:"outcome,omitempty"` // sent, undelivered
	Why     string    `json:"why,omitempty"`     // it did not arrive, in the other side's words
	Intent  string    `json:"intent,omitempty"`  // entry of the intent

	request        ID
	writer, sender string
	heard, said    string // what the post told, and has not been written down yet
	sealed         []byte
}

// envelope is what is sealed of a mail.
type envelope struct {
	To  string `json:"to"`
	Raw []byte `json:"raw"`
}

const mailColumns = "id, request_id, purpose, way, digest, sealed, writer, sender, intent, made_at, meant_at, ended_at, outcome, why, heard, heard_why"

func scanMail(row func(...any) error) (m Mail, err error) {
	var made, meant, ended int64
	err = row(&m.ID, &m.request, &m.Purpose, &m.Way, &m.Digest, &m.sealed, &m.writer, &m.sender, &m.Intent, &made, &meant, &ended, &m.Outcome, &m.Why, &m.heard, &m.said)
	m.MadeAt, m.MeantAt, m.EndedAt = db.Time(made), db.Time(meant), db.Time(ended)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return m, err
}

func insertMail(ctx context.Context, tx *db.Tx, m *Mail) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_request_mail ("+mailColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', $8, 0, 0, '', '', '', '')",
		m.ID, m.request, string(m.Purpose), string(m.Way), m.Digest, m.sealed, m.writer, db.Micros(m.MadeAt))
	return err
}

func loadMail(ctx context.Context, tx *db.Tx, id ID) (Mail, error) {
	return scanMail(tx.QueryRow(ctx, "SELECT "+mailColumns+" FROM measure_request_mail WHERE id = $1", id).Scan)
}

func mails(ctx context.Context, tx *db.Tx, query string, args ...any) (out []Mail, err error) {
	rows, err := tx.Query(ctx, "SELECT "+mailColumns+" FROM measure_request_mail "+query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		m, err := scanMail(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// mailsOf lists the mails of a request that were meant to go, the first first, and
// the one that stands ready.
func mailsOf(ctx context.Context, tx *db.Tx, request, ready ID) ([]Mail, error) {
	return mails(ctx, tx, "WHERE request_id = $1 AND (meant_at > 0 OR id = $2) ORDER BY id LIMIT $3", request, ready, db.MaxLimit)
}

// meant writes down that a mail is about to go out: once.
func meant(ctx context.Context, tx *db.Tx, id ID, sender, entry string, at time.Time) error {
	n, err := tx.Exec(ctx, "UPDATE measure_request_mail SET sender = $2, intent = $3, meant_at = $4 WHERE id = $1 AND meant_at = 0", id, sender, entry, db.Micros(at))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

// ended writes down what became of a mail.
func ended(ctx context.Context, tx *db.Tx, id ID, outcome State, why string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE measure_request_mail SET outcome = $2, why = $3, ended_at = $4, heard = '', heard_why = '' WHERE id = $1", id, string(outcome), why, db.Micros(at))
	return err
}

// heardOf keeps what the post told of a mail until it is written down.
func heardOf(ctx context.Context, tx *db.Tx, id ID, what State, why string) error {
	_, err := tx.Exec(ctx, "UPDATE measure_request_mail SET heard = $2, heard_why = $3 WHERE id = $1 AND meant_at > 0", id, string(what), why)
	return err
}

// heard lists mails of which the post told something that is not written down.
func heard(ctx context.Context, tx *db.Tx, limit int) ([]Mail, error) {
	return mails(ctx, tx, "WHERE heard <> '' ORDER BY id LIMIT $1", limit)
}

// Answer is what somebody answered, as it was pasted.
type Answer struct {
	ID     ID        `json:"id"`
	Says   Verdict   `json:"says"`
	Text   string    `json:"text"`
	Digest string    `json:"digest"` // SHA-256 of what was pasted, hex
	CameAt time.Time `json:"came_at"`
	At     time.Time `json:"at"` // when it was written down
	Entry  string    `json:"entry"`

	sealed []byte
}

func insertAnswer(ctx context.Context, tx *db.Tx, request ID, a Answer) error {
	_, err := tx.Exec(ctx, "INSERT INTO measure_request_answer (id, request_id, says, digest, sealed, came_at, at, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		a.ID, request, string(a.Says), a.Digest, a.sealed, db.Micros(a.CameAt), db.Micros(a.At), a.Entry)
	return err
}

func loadAnswers(ctx context.Context, tx *db.Tx, request ID) (out []Answer, err error) {
	rows, err := tx.Query(ctx, "SELECT id, says, digest, sealed, came_at, at, entry FROM measure_request_answer WHERE request_id = $1 ORDER BY id LIMIT $2", request, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Answer
		var came, at int64
		if err := rows.Scan(&a.ID, &a.Says, &a.Digest, &a.sealed, &came, &at, &a.Entry); err != nil {
			return nil, err
		}
		a.CameAt, a.At = db.Time(came), db.Time(at)
		out = append(out, a)
	}
	return out, rows.Err()
}
