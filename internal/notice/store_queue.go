package notice

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

// delivery is one row of the outbox: that something goes to a recipient by a
// channel. The portal is done when it is written, for the letter lies in the
// recipient's list; other channels take rows whose done_at is 0.
type delivery struct {
	notice, recipient ID
	org               string
	channel           string // "portal", "mail", …
	kind              string // first, reminder, escalation
	contact           int    // 1 or 2
	due               time.Time
	done              time.Time
}

func insertDeliveries(ctx context.Context, tx *db.Tx, list []delivery) error {
	rows := make([][]any, len(list))
	for i, d := range list {
		rows[i] = []any{newID(), d.notice, d.recipient, d.org, d.channel, d.kind, d.contact, db.Micros(d.due), db.Micros(d.done), int64(0), ""}
	}
	return insertMany(ctx, tx, "INSERT INTO notice_outbox (id, notice_id, recipient_id, org_id, channel, kind, contact, due, done_at, tries, problem)", 11, rows, "")
}

// maxTick bounds how many reminders one act carries.
const maxTick = 500

// dueRecipients lists whose next reminder is due, the longest due first.
func dueRecipients(ctx context.Context, tx *db.Tx, now time.Time) ([]Recipient, error) {
	return recipients(ctx, tx, "r.next_at > 0 AND r.next_at <= $1 ORDER BY r.next_at, r.id LIMIT $2"+tx.ForUpdate(), db.Micros(now), maxTick)
}

func anyDue(ctx context.Context, tx *db.Tx, now time.Time) (bool, error) {
	var id string
	err := tx.QueryRow(ctx, "SELECT id FROM notice_recipient WHERE next_at > 0 AND next_at <= $1 LIMIT 1", db.Micros(now)).Scan(&id)
	if err == db.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

func saveChore(ctx context.Context, tx *db.Tx, r *Recipient) error {
	_, err := tx.Exec(ctx, "UPDATE notice_recipient SET step = $2, next_at = $3, reminded_at = $4, escalated = $5 WHERE id = $1",
		r.ID, r.step, db.Micros(r.nextAt), db.Micros(r.RemindedAt), bit(r.Escalated))
	return err
}

func insertLink(ctx context.Context, tx *db.Tx, digest string, recipient ID, now, ends time.Time) error {
	_, err := tx.Exec(ctx, "INSERT INTO notice_link (digest, recipient_id, created_at, expires_at, ended_at) VALUES ($1, $2, $3, $4, 0)", digest, recipient, db.Micros(now), db.Micros(ends))
	return err
}

// countLinks counts the links that were made for a recipient since an instant.
func countLinks(ctx context.Context, tx *db.Tx, recipient ID, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM notice_link WHERE recipient_id = $1 AND created_at > $2", recipient, db.Micros(since)).Scan(&n)
	return n, err
}

// liveLink reports whether a recipient holds a link that opens something.
func liveLink(ctx context.Context, tx *db.Tx, recipient ID, now time.Time) (bool, error) {
	err := tx.QueryRow(ctx, "SELECT digest FROM notice_link WHERE recipient_id = $1 AND ended_at = 0 AND expires_at > $2 LIMIT 1", recipient, db.Micros(now)).Scan(new(string))
	if err == db.ErrNoRows {
		return false, nil
	}
	return err == nil, err
}

// endLinks ends the links of a recipient: a new one takes their place.
func endLinks(ctx context.Context, tx *db.Tx, recipient ID, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE notice_link SET ended_at = $2 WHERE recipient_id = $1 AND ended_at = 0", recipient, db.Micros(now))
	return err
}

const ticketColumns = "t.id, t.recipient_id, t.desk, t.org_id, t.owner, t.state, t.severity, t.opened_at, t.due, t.taken_at, t.taken_by, t.answered_at, t.closed_at, n.number"

func scanTicket(scan func(...any) error) (t Ticket, err error) {
	var opened, due, taken, answered, closed int64
	err = scan(&t.ID, &t.Recipient, &t.Desk, &t.Org, &t.owner, &t.State, &t.Severity, &opened, &due, &taken, &t.TakenBy, &answered, &closed, &t.Number)
	t.OpenedAt, t.Due, t.TakenAt, t.AnsweredAt, t.ClosedAt = db.Time(opened), db.Time(due), db.Time(taken), db.Time(answered), db.Time(closed)
	return t, err
}

func insertTicket(ctx context.Context, tx *db.Tx, t *Ticket, notice ID) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_ticket (id, recipient_id, notice_id, desk, org_id, owner, state, severity, opened_at, due, taken_at, taken_by, answered_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, '', 0, 0)`,
		t.ID, t.Recipient, notice, t.Desk, t.Org, t.owner, string(t.State), string(t.Severity), db.Micros(t.OpenedAt), db.Micros(t.Due))
	return err
}

// openTicket returns a recipient's ticket that is not closed; ErrNone when
// there is none.
func openTicket(ctx context.Context, tx *db.Tx, recipient ID) (Ticket, error) {
	t, err := scanTicket(tx.QueryRow(ctx, "SELECT "+ticketColumns+` FROM notice_ticket t JOIN notice_notice n ON n.id = t.notice_id
		WHERE t.recipient_id = $1 ORDER BY CASE WHEN t.state = 'closed' THEN 1 ELSE 0 END, t.id DESC LIMIT 1`, recipient).Scan)
	if err == db.ErrNoRows {
		return t, ErrNone
	}
	return t, err
}

// loadTicket returns a ticket of one's own desk.
func loadTicket(ctx context.Context, tx *db.Tx, id ID, desk string, clearance int, lock bool) (Ticket, error) {
	query := "SELECT " + ticketColumns + " FROM notice_ticket t JOIN notice_notice n ON n.id = t.notice_id WHERE t.id = $1 AND t.desk = $2 AND n.clearance <= $3"
	if lock && tx.ForUpdate() != "" {
		query += tx.ForUpdate() + " OF t"
	}
	t, err := scanTicket(tx.QueryRow(ctx, query, id, desk, clearance).Scan)
	if err == db.ErrNoRows {
		return t, ErrNone
	}
	return t, err
}

func saveTicket(ctx context.Context, tx *db.Tx, t *Ticket) error {
	_, err := tx.Exec(ctx, "UPDATE notice_ticket SET state = $2, taken_at = $3, taken_by = $4, answered_at = $5, closed_at = $6 WHERE id = $1",
		t.ID, string(t.State), db.Micros(t.TakenAt), t.TakenBy, db.Micros(t.AnsweredAt), db.Micros(t.ClosedAt))
	return err
}

// listTickets lists the tickets of a desk: those that are not closed by their
// clock, or the closed ones.
func listTickets(ctx context.Context, tx *db.Tx, desk string, clearance int, closed bool, cursor string, limit int) (out []Ticket, next string, err error) {
	w := &where{}
	w.b.WriteString("SELECT " + ticketColumns + " FROM notice_ticket t JOIN notice_notice n ON n.id = t.notice_id WHERE t.desk = " + w.arg(desk) + " AND n.clearance <= " + w.arg(clearance))
	if closed {
		w.and("t.state = 'closed'")
	} else {
		w.and("t.state <> 'closed'")
	}
	var at int64
	var id string
	if ok, err := db.ParseCursor(cursor, &at, &id); err != nil {
		return nil, "", err
	} else if ok {
		w.and("(t.due, t.id) > (" + w.arg(at) + ", " + w.arg(id) + ")")
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, w.b.String()+" ORDER BY t.due, t.id LIMIT "+w.arg(limit+1), w.args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		t, err := scanTicket(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, t)
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	out, next = db.Page(out, limit, func(last *Ticket) string { return db.Cursor(db.Micros(last.Due), last.ID) })
	return out, next, nil
}
