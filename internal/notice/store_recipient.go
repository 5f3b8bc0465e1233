package notice

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

const recipientColumns = `r.id, r.notice_id, r.org_id, r.from_org, r.parent_id, r.tier, r.silent, r.versions, r.devices, r.state, r.planned_for, r.shown,
	r.delivered_at, r.opened_at, r.answered_at, r.fixed_at, r.reminded_at, r.escalated, r.step, r.next_at, r.sealed`

func scanRecipient(scan func(...any) error, more ...any) (r Recipient, err error) {
	var silent, shown, escalated, delivered, opened, answered, fixed, reminded, next int64
	var versions string
	err = scan(append([]any{&r.ID, &r.Notice, &r.Org, &r.From, &r.Parent, &r.Tier, &silent, &versions, &r.Devices, &r.State, &r.PlannedFor, &shown,
		&delivered, &opened, &answered, &fixed, &reminded, &escalated, &r.step, &next, &r.sealed}, more...)...)
	r.silent, r.Shown, r.Escalated = silent != 0, shown != 0, escalated != 0
	for _, k := range strings.Fields(versions) {
		r.Kinds = append(r.Kinds, Kind(k))
	}
	r.DeliveredAt, r.OpenedAt, r.AnsweredAt, r.FixedAt, r.RemindedAt, r.nextAt = db.Time(delivered), db.Time(opened), db.Time(answered), db.Time(fixed), db.Time(reminded), db.Time(next)
	return r, err
}

func kindText(kinds []Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = string(k)
	}
	return strings.Join(words, " ")
}

// batch is how many rows one INSERT carries. SQLite's driver looks up the name
// of each parameter among all of them, so that many cost more than they save.
const batch = 20

// insertMany inserts rows in batches: one statement text for each size.
func insertMany(ctx context.Context, tx *db.Tx, head string, width int, rows [][]any, tail string) error {
	for len(rows) > 0 {
		part := rows[:min(batch, len(rows))]
		rows = rows[len(part):]
		w := &where{}
		w.b.WriteString(head + " VALUES ")
		for i, row := range part {
			if i > 0 {
				w.b.WriteString(", ")
			}
			places := make([]string, width)
			for j, v := range row {
				places[j] = w.arg(v)
			}
			w.b.WriteString("(" + strings.Join(places, ", ") + ")")
		}
		if _, err := tx.Exec(ctx, w.b.String()+tail, w.args...); err != nil {
			return err
		}
	}
	return nil
}

func insertRecipients(ctx context.Context, tx *db.Tx, list []Recipient) error {
	rows := make([][]any, len(list))
	for i, r := range list {
		rows[i] = []any{r.ID, r.Notice, r.Org, r.From, r.Parent, r.Tier, bit(r.silent), kindText(r.Kinds), r.Devices, string(r.State), "", int64(0),
			db.Micros(r.DeliveredAt), int64(0), int64(0), int64(0), int64(0), int64(0), r.step, db.Micros(r.nextAt), r.sealed}
	}
	return insertMany(ctx, tx, `INSERT INTO notice_recipient (id, notice_id, org_id, from_org, parent_id, tier, silent, versions, devices, state, planned_for, shown,
		delivered_at, opened_at, answered_at, fixed_at, reminded_at, escalated, step, next_at, sealed)`, 21, rows, "")
}

// updateListed rewrites what a draft says to one recipient.
func updateListed(ctx context.Context, tx *db.Tx, r *Recipient) error {
	_, err := tx.Exec(ctx, "UPDATE notice_recipient SET versions = $2, devices = $3, sealed = $4 WHERE id = $1 AND state = 'listed'", r.ID, kindText(r.Kinds), r.Devices, r.sealed)
	return err
}

func deleteListed(ctx context.Context, tx *db.Tx, notice, id ID) (int64, error) {
	return tx.Exec(ctx, "DELETE FROM notice_recipient WHERE id = $1 AND notice_id = $2 AND state = 'listed'", id, notice)
}

// directs lists the recipients of a notice that its sender named, all of them:
// for checks and boards, which are bounded by maxRecipients.
func directs(ctx context.Context, tx *db.Tx, notice ID) ([]Recipient, error) {
	return recipients(ctx, tx, "r.notice_id = $1 AND r.tier = 0 ORDER BY r.id LIMIT $2", notice, maxRecipients)
}

// pageOf lists a page of the recipients that the sender named.
func pageOf(ctx context.Context, tx *db.Tx, notice ID, state State, after string, limit int) (out []Recipient, next string, err error) {
	limit = db.Limit(limit)
	cond := "r.notice_id = $1 AND r.tier = 0 AND r.id > $2 AND (r.state = $3 OR $3 = '') ORDER BY r.id LIMIT $4"
	if out, err = recipients(ctx, tx, cond, notice, after, string(state), limit+1); err != nil {
		return nil, "", err
	}
	if len(out) > limit {
		out = out[:limit]
		next = out[limit-1].ID
	}
	return out, next, nil
}

func recipients(ctx context.Context, tx *db.Tx, cond string, args ...any) (out []Recipient, err error) {
	rows, err := tx.Query(ctx, "SELECT "+recipientColumns+" FROM notice_recipient r WHERE "+cond, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRecipient(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// loadRecipient returns a recipient that the sender named.
func loadRecipient(ctx context.Context, tx *db.Tx, notice, id ID) (Recipient, error) {
	r, err := scanRecipient(tx.QueryRow(ctx, "SELECT "+recipientColumns+" FROM notice_recipient r WHERE r.id = $1 AND r.notice_id = $2 AND r.tier = 0", id, notice).Scan)
	if err == db.ErrNoRows {
		return r, ErrNone
	}
	return r, err
}

// reachedAtOnce is how many of those whom a notice reached are told at a time.
const reachedAtOnce = 1000

// eachReached goes through all whom a notice reached, down the whole chain, a
// part at a time: at least once, with an empty one when there is nobody.
func eachReached(ctx context.Context, tx *db.Tx, notice ID, do func([]Recipient) error) error {
	for after := ""; ; {
		list, err := recipients(ctx, tx, "r.notice_id = $1 AND r.silent = 0 AND r.id > $2 ORDER BY r.id LIMIT $3", notice, after, reachedAtOnce)
		if err != nil {
			return err
		}
		full := len(list) == reachedAtOnce
		if full {
			after = list[len(list)-1].ID
		}
		if err := do(list); err != nil || !full {
			return err
		}
	}
}

// children lists to whom a recipient passed it on.
func children(ctx context.Context, tx *db.Tx, parent ID) ([]Recipient, error) {
	return recipients(ctx, tx, "r.parent_id = $1 ORDER BY r.id LIMIT $2", parent, maxRecipients)
}

func anyRecipient(ctx context.Context, tx *db.Tx, id ID) (Recipient, error) {
	r, err := scanRecipient(tx.QueryRow(ctx, "SELECT "+recipientColumns+" FROM notice_recipient r WHERE r.id = $1", id).Scan)
	if err == db.ErrNoRows {
		return r, ErrNone
	}
	return r, err
}

// mine is what makes a letter visible: it was delivered to one's organisation,
// and one's clearance reaches it. $1 is the organisation, $2 the clearance.
const mine = "r.org_id = $1 AND r.delivered_at > 0 AND r.silent = 0 AND n.clearance <= $2"

// loadLetter returns a recipient's own part of a notice.
func loadLetter(ctx context.Context, tx *db.Tx, id ID, org string, clearance int) (Recipient, noticeRow, error) {
	return letterRow(tx.QueryRow(ctx, "SELECT "+noticeColumns+", "+recipientColumns+
		" FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE "+mine+" AND r.id = $3", org, clearance, id).Scan)
}

// loadByLink returns the part of a notice that a link opens, when the link
// ends, and whether it has.
func loadByLink(ctx context.Context, tx *db.Tx, digest string) (r Recipient, n noticeRow, ends, ended time.Time, err error) {
	var id string
	var e, x int64
	err = tx.QueryRow(ctx, "SELECT recipient_id, expires_at, ended_at FROM notice_link WHERE digest = $1", digest).Scan(&id, &e, &x)
	if err == db.ErrNoRows {
		return r, n, ends, ended, ErrNone
	}
	if err != nil {
		return r, n, ends, ended, err
	}
	r, n, err = letterRow(tx.QueryRow(ctx, "SELECT "+noticeColumns+", "+recipientColumns+
		" FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE r.id = $1 AND r.delivered_at > 0 AND n.clearance = 0", id).Scan)
	return r, n, db.Time(e), db.Time(x), err
}

func letterRow(scan func(...any) error) (r Recipient, n noticeRow, err error) {
	// Both scanners read one row: the first takes the columns of the second
	// along.
	r, err = scanRecipient(func(dst ...any) error {
		n, err = scanNotice(scan, dst...)
		return err
	})
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return r, n, err
}

func listLetters(ctx context.Context, tx *db.Tx, f Filter, org string, clearance int) (rs []Recipient, ns []noticeRow, next string, err error) {
	w := &where{}
	w.args = []any{org, clearance}
	w.b.WriteString("SELECT " + noticeColumns + ", " + recipientColumns + " FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE " + mine)
	if f.Severity != "" {
		w.and("n.severity = " + w.arg(string(f.Severity)))
	}
	if f.State != "" {
		w.and("r.state = " + w.arg(string(f.State)))
	}
	if f.Open {
		w.and("r.answered_at = 0 AND n.stage = 'sent'")
	}
	if f.Number != "" {
		w.and("n.number = " + w.arg(noticeNumber(f.Number)))
	}
	var at int64
	var id string
	if ok, err := db.ParseCursor(f.Cursor, &at, &id); err != nil {
		return nil, nil, "", err
	} else if ok {
		w.and("(r.delivered_at, r.id) < (" + w.arg(at) + ", " + w.arg(id) + ")")
	}
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, w.b.String()+" ORDER BY r.delivered_at DESC, r.id DESC LIMIT "+w.arg(limit+1), w.args...)
	if err != nil {
		return nil, nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		r, n, err := letterRow(rows.Scan)
		if err != nil {
			return nil, nil, "", err
		}
		rs, ns = append(rs, r), append(ns, n)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, "", err
	}
	if len(rs) > limit {
		rs, ns = rs[:limit], ns[:limit]
		next = db.Cursor(db.Micros(rs[limit-1].DeliveredAt), rs[limit-1].ID)
	}
	return rs, ns, next, nil
}

// countOpen counts letters that wait for an answer, up to a hundred.
func countOpen(ctx context.Context, tx *db.Tx, org string, clearance int) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM (SELECT r.id FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE "+mine+
		" AND r.answered_at = 0 AND n.stage = 'sent' LIMIT 100) waiting", org, clearance).Scan(&n)
	return n, err
}

// markOpened notes the first look; false when it was open already.
func markOpened(ctx context.Context, tx *db.Tx, id ID, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE notice_recipient SET opened_at = $2, state = CASE WHEN state = 'delivered' THEN 'opened' ELSE state END
		WHERE id = $1 AND opened_at = 0`, id, db.Micros(at))
	return n == 1, err
}

// setState writes where a recipient stands after an answer.
func setState(ctx context.Context, tx *db.Tx, r *Recipient) error {
	_, err := tx.Exec(ctx, `UPDATE notice_recipient SET state = $2, planned_for = $3, shown = $4, opened_at = $5, answered_at = $6, fixed_at = $7, step = $8, next_at = $9 WHERE id = $1`,
		r.ID, string(r.State), r.PlannedFor, bit(r.Shown), db.Micros(r.OpenedAt), db.Micros(r.AnsweredAt), db.Micros(r.FixedAt), r.step, db.Micros(r.nextAt))
	return err
}

// lockRecipient returns a recipient that is about to change.
func lockRecipient(ctx context.Context, tx *db.Tx, id ID) (Recipient, error) {
	return scanRecipient(tx.QueryRow(ctx, "SELECT "+recipientColumns+" FROM notice_recipient r WHERE r.id = $1"+tx.ForUpdate(), id).Scan)
}

func insertAnswer(ctx context.Context, tx *db.Tx, a *Answer) error {
	_, err := tx.Exec(ctx, "INSERT INTO notice_answer (id, recipient_id, state, at, org_id, person, corrects, owner, entry, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		a.ID, a.recipient, string(a.State), db.Micros(a.At), a.By, a.person, bit(a.Corrects), a.owner, a.entry, a.sealed)
	return err
}

// maxAnswers bounds the history of one recipient.
const maxAnswers = 500

func loadAnswers(ctx context.Context, tx *db.Tx, recipient ID) (out []Answer, err error) {
	rows, err := tx.Query(ctx, "SELECT id, recipient_id, state, at, org_id, person, corrects, owner, entry, sealed FROM notice_answer WHERE recipient_id = $1 ORDER BY id LIMIT $2", recipient, maxAnswers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a Answer
		var at, corrects int64
		if err := rows.Scan(&a.ID, &a.recipient, &a.State, &at, &a.By, &a.person, &corrects, &a.owner, &a.entry, &a.sealed); err != nil {
			return nil, err
		}
		a.At, a.Corrects = db.Time(at), corrects != 0
		out = append(out, a)
	}
	return out, rows.Err()
}

// countStates counts the recipients of a notice that its sender named.
func countStates(ctx context.Context, tx *db.Tx, notice ID) (map[State]int, error) {
	return states(ctx, tx, "SELECT state, count(*) FROM notice_recipient WHERE notice_id = $1 AND tier = 0 GROUP BY state", notice)
}

// countDown counts those further down the chain of a notice.
func countDown(ctx context.Context, tx *db.Tx, notice ID) (map[State]int, error) {
	return states(ctx, tx, "SELECT state, count(*) FROM notice_recipient WHERE notice_id = $1 AND tier > 0 GROUP BY state", notice)
}

func states(ctx context.Context, tx *db.Tx, query string, arg any) (map[State]int, error) {
	rows, err := tx.Query(ctx, query, arg)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[State]int{}
	for rows.Next() {
		var s State
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		out[s] = n
	}
	return out, rows.Err()
}

// partOf returns an organisation's own part of a notice; empty when it has
// none.
func partOf(ctx context.Context, tx *db.Tx, notice ID, org string) (id ID, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM notice_recipient WHERE notice_id = $1 AND org_id = $2 AND delivered_at > 0 AND silent = 0 AND tier = 0", notice, org).Scan(&id)
	if err == db.ErrNoRows {
		return "", nil
	}
	return id, err
}

// letterFor returns any recipient's part, for a desk that it asked for help.
func letterFor(ctx context.Context, tx *db.Tx, id ID, clearance int) (Recipient, noticeRow, error) {
	return letterRow(tx.QueryRow(ctx, "SELECT "+noticeColumns+", "+recipientColumns+
		" FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE r.id = $1 AND n.clearance <= $2", id, clearance).Scan)
}
