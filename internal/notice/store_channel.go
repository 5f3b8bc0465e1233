package notice

import (
	"context"
	"errors"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/notice/channel"
)

// byChannels is the row of the outbox that stands for a recipient's own
// channels: mail and webhooks. What they are is asked when it is taken up.
const byChannels = "channels"

// untaken lists rows of the outbox that channels have to take up, the longest
// due first.
func untaken(ctx context.Context, tx *db.Tx, now time.Time, most int) (out []queued, err error) {
	rows, err := tx.Query(ctx, "SELECT id, recipient_id, kind, contact FROM notice_outbox WHERE done_at = 0 AND due <= $2 ORDER BY due, id LIMIT $1"+tx.SkipLocked(), most, db.Micros(now))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var q queued
		if err := rows.Scan(&q.id, &q.recipient, &q.kind, &q.contact); err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, rows.Err()
}

// queued is one row of the outbox to take up.
type queued struct {
	id, recipient ID
	kind          string
	contact       int
}

func markTaken(ctx context.Context, tx *db.Tx, id ID, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE notice_outbox SET done_at = $2 WHERE id = $1", id, db.Micros(at))
	return err
}

// maxTakes is how often a row of the outbox is tried that cannot be taken up.
const maxTakes = 10

// markProblem lays a row aside that could not be taken up: for a while, and for
// good after the last try.
func markProblem(ctx context.Context, tx *db.Tx, id ID, now, again time.Time, problem string) error {
	_, err := tx.Exec(ctx, "UPDATE notice_outbox SET tries = tries + 1, problem = $2, due = $3, done_at = CASE WHEN tries + 1 >= $4 THEN CAST($5 AS BIGINT) ELSE 0 END WHERE id = $1",
		id, problem, db.Micros(again), maxTakes, db.Micros(now))
	return err
}

// hadFallback reports whether a recipient's second contact was written to
// because the first could not be reached.
func hadFallback(ctx context.Context, tx *db.Tx, recipient ID) (bool, error) {
	err := tx.QueryRow(ctx, "SELECT id FROM notice_outbox WHERE recipient_id = $1 AND kind = $2 LIMIT 1", recipient, fallback).Scan(new(string))
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// undelivered is the kind of a row of the outbox that says that a mail to a firm
// told by link came back.
const undelivered = "undelivered"

func markUndelivered(ctx context.Context, tx *db.Tx, r *Recipient, at time.Time) error {
	if err := clearUndelivered(ctx, tx, r.ID); err != nil {
		return err
	}
	return insertDeliveries(ctx, tx, []delivery{{notice: r.Notice, recipient: r.ID, channel: "link", kind: undelivered, contact: 1, due: at, done: at}})
}

// clearUndelivered forgets that a mail came back: another is on its way.
func clearUndelivered(ctx context.Context, tx *db.Tx, recipient ID) error {
	_, err := tx.Exec(ctx, "DELETE FROM notice_outbox WHERE recipient_id = $1 AND kind = $2", recipient, undelivered)
	return err
}

// undeliveredBelow lists, of the firms to which a recipient passed its letter
// on, those whose mail came back.
func undeliveredBelow(ctx context.Context, tx *db.Tx, parent ID) (map[ID]bool, error) {
	rows, err := tx.Query(ctx, "SELECT o.recipient_id FROM notice_outbox o JOIN notice_recipient r ON r.id = o.recipient_id WHERE r.parent_id = $1 AND o.kind = $2 LIMIT $3",
		parent, undelivered, maxRecipients)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[ID]bool{}
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, rows.Err()
}

// openDeadlines lists what an organisation has to answer, the nearest first.
func openDeadlines(ctx context.Context, tx *db.Tx, firm string, quiet []State) (out []channel.Deadline, err error) {
	w := &where{}
	w.b.WriteString("SELECT r.id, n.number, n.severity, n.answer_by FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE r.org_id = " + w.arg(firm))
	w.and("n.stage = 'sent' AND r.silent = 0 AND r.delivered_at > 0 AND n.answer_by > 0")
	for _, s := range quiet {
		w.and("r.state <> " + w.arg(string(s)))
	}
	rows, err := tx.Query(ctx, w.b.String()+" ORDER BY n.answer_by, r.id LIMIT "+w.arg(db.MaxLimit), w.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d channel.Deadline
		var by int64
		if err := rows.Scan(&d.Link, &d.Number, &d.Class, &by); err != nil {
			return nil, err
		}
		d.At = db.Time(by)
		out = append(out, d)
	}
	return out, rows.Err()
}
func countAnswers(ctx context.Context, tx *db.Tx, vulnerability string) (told, opened, answered, fixed int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COUNT(CASE WHEN r.opened_at > 0 THEN 1 END), COUNT(CASE WHEN r.answered_at > 0 THEN 1 END), COUNT(CASE WHEN r.fixed_at > 0 THEN 1 END)
		FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id
		WHERE n.about = $1 AND n.stage = 'sent' AND r.delivered_at > 0 AND r.silent = 0`, vulnerability).Scan(&told, &opened, &answered, &fixed)
	return told, opened, answered, fixed, err
}
