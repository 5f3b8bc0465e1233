package incident

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

func insertReading(ctx context.Context, tx *db.Tx, r Reading) error {
	_, err := tx.Exec(ctx, "INSERT INTO incident_reading (id, case_id, org_id, person, what, purpose, at, hidden_until, entry) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		NewID(), r.Case, r.Org, r.Person, r.What, r.Purpose, db.Micros(r.At), db.Micros(r.HiddenUntil), r.Entry)
	return err
}

// listReadings lists readings of a case, or with an empty id of all cases
// within reach. Those that are hidden from the reporter until later are in
// the commission's list only.
func listReadings(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach, now time.Time, cursor string, limit int) (out []Reading, next string, err error) {
	const columns = "SELECT r.id, r.case_id, r.org_id, r.person, r.what, r.purpose, r.at, r.hidden_until, r.entry FROM incident_reading r "
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	query, args := "", []any{before, limit + 1, id}
	switch reach {
	case gate.Own:
		query = columns + `JOIN incident_case c ON c.id = r.case_id
			WHERE r.id < $1 AND (r.case_id = $3 OR $3 = '') AND c.org_id = $4 AND r.hidden_until <= $5 ORDER BY r.id DESC LIMIT $2`
		args = append(args, who.Org, db.Micros(now))
	case gate.Record:
		query = columns + "WHERE r.id < $1 AND (r.case_id = $3 OR $3 = '') ORDER BY r.id DESC LIMIT $2"
	default:
		return nil, "", nil
	}
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var r Reading
		var at, hidden int64
		if err := rows.Scan(&r.ID, &r.Case, &r.Org, &r.Person, &r.What, &r.Purpose, &at, &hidden, &r.Entry); err != nil {
			return nil, "", err
		}
		r.At, r.HiddenUntil = db.Time(at), db.Time(hidden)
		out = append(out, r)
	}
	out, next = db.Page(out, limit, func(last *Reading) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// Delay is a recorded ground on which an organisation's readings of a case
// are shown to the reporter later.
type Delay struct {
	Case   ID        `json:"case"`
	Org    string    `json:"org"`
	Ground string    `json:"ground"`
	Until  time.Time `json:"until"`
	Person string    `json:"-"`
	At     time.Time `json:"at"`
}

// insertDelay delays readings from now on; those the reporter could see
// already stay visible.
func insertDelay(ctx context.Context, tx *db.Tx, d Delay, note []byte) error {
	_, err := tx.Exec(ctx, "INSERT INTO incident_delay (case_id, org_id, ground, note, until, person, at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		d.Case, d.Org, d.Ground, note, db.Micros(d.Until), d.Person, db.Micros(d.At))
	return err
}

// hiddenUntil returns until when an organisation's readings of a case are
// delayed; the zero time when they are not.
func hiddenUntil(ctx context.Context, tx *db.Tx, id ID, org string, now time.Time) (time.Time, error) {
	var until int64
	err := tx.QueryRow(ctx, "SELECT coalesce(max(until), 0) FROM incident_delay WHERE case_id = $1 AND org_id = $2 AND until > $3", id, org, db.Micros(now)).Scan(&until)
	return db.Time(until), err
}

// SupervisionState is where a request for supervision stands.
type SupervisionState string

// The states.
const (
	SupervisionAsked   SupervisionState = "asked"
	SupervisionAgreed  SupervisionState = "agreed"
	SupervisionRefused SupervisionState = "refused"
)

// SupervisionCase is a request to open a report for supervision (arts 6, 10).
type SupervisionCase struct {
	ID        string           `json:"id"`
	Case      ID               `json:"case"`
	Org       string           `json:"org"`
	Reason    string           `json:"reason"`
	AskedBy   string           `json:"-"`
	AskedAt   time.Time        `json:"asked_at"`
	State     SupervisionState `json:"state"`
	DecidedBy string           `json:"-"`
	DecidedAt time.Time        `json:"decided_at,omitzero"`
	EndsAt    time.Time        `json:"ends_at,omitzero"`

	sealed []byte
}

func insertSupervision(ctx context.Context, tx *db.Tx, x SupervisionCase) error {
	_, err := tx.Exec(ctx, "INSERT INTO incident_supervision (id, case_id, org_id, reason, asked_by, asked_at, state) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		x.ID, x.Case, x.Org, x.sealed, x.AskedBy, db.Micros(x.AskedAt), string(x.State))
	return err
}

func decideSupervision(ctx context.Context, tx *db.Tx, x SupervisionCase) error {
	n, err := tx.Exec(ctx, "UPDATE incident_supervision SET state = $2, decided_by = $3, decided_at = $4, ends_at = $5 WHERE id = $1 AND state = 'asked'",
		x.ID, string(x.State), x.DecidedBy, db.Micros(x.DecidedAt), db.Micros(x.EndsAt))
	if err == nil && n == 0 {
		return ErrRevision
	}
	return err
}

// loadSupervisions lists a case's requests by an organisation, or by all with
// an empty org, the newest first.
func loadSupervisions(ctx context.Context, tx *db.Tx, id ID, org string) (out []SupervisionCase, err error) {
	rows, err := tx.Query(ctx, `SELECT id, case_id, org_id, reason, asked_by, asked_at, state, decided_by, decided_at, ends_at
		FROM incident_supervision WHERE case_id = $1 AND (org_id = $2 OR $2 = '') ORDER BY id DESC LIMIT $3`, id, org, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var x SupervisionCase
		var asked, decided, ends int64
		if err := rows.Scan(&x.ID, &x.Case, &x.Org, &x.sealed, &x.AskedBy, &asked, &x.State, &x.DecidedBy, &decided, &ends); err != nil {
			return nil, err
		}
		x.AskedAt, x.DecidedAt, x.EndsAt = db.Time(asked), db.Time(decided), db.Time(ends)
		out = append(out, x)
	}
	return out, rows.Err()
}

func agreedSupervision(ctx context.Context, tx *db.Tx, id ID, org string, now time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM incident_supervision WHERE case_id = $1 AND org_id = $2 AND state = 'agreed' AND ends_at > $3",
		id, org, db.Micros(now)).Scan(&n)
	return n > 0, err
}

// Feedback is what a recipient tells the reporter: what was done with the
// report, and what is advised.
type Feedback struct {
	ID     string    `json:"id"`
	Case   ID        `json:"case"`
	Org    string    `json:"org"`
	Done   string    `json:"done"`
	Advice string    `json:"advice,omitempty"`
	At     time.Time `json:"at"`
	SeenAt time.Time `json:"seen_at,omitzero"` // by the reporter

	sealed []byte
}

func insertFeedback(ctx context.Context, tx *db.Tx, f Feedback, person string) error {
	_, err := tx.Exec(ctx, "INSERT INTO incident_feedback (id, case_id, org_id, person, sealed, at) VALUES ($1, $2, $3, $4, $5, $6)",
		f.ID, f.Case, f.Org, person, f.sealed, db.Micros(f.At))
	return err
}

func loadFeedback(ctx context.Context, tx *db.Tx, id ID, org string) (out []Feedback, err error) {
	rows, err := tx.Query(ctx, "SELECT id, case_id, org_id, sealed, at, seen_at FROM incident_feedback WHERE case_id = $1 AND (org_id = $2 OR $2 = '') ORDER BY id LIMIT $3",
		id, org, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f Feedback
		var at, seen int64
		if err := rows.Scan(&f.ID, &f.Case, &f.Org, &f.sealed, &at, &seen); err != nil {
			return nil, err
		}
		f.At, f.SeenAt = db.Time(at), db.Time(seen)
		out = append(out, f)
	}
	return out, rows.Err()
}
