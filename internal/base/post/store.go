package post

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
)

const columns = "id, owner, object, recipient, channel, state, tries, due_at, queued_at, ended_at, why"

func insert(ctx context.Context, tx *db.Tx, l Letter, sealed []byte) error {
	_, err := tx.Exec(ctx, "INSERT INTO post_letter (id, owner, object, recipient, channel, state, due_at, queued_at, sealed) VALUES ($1, $2, $3, $4, $5, 'waiting', $6, $7, $8)",
		l.ID, l.Owner, l.Object, l.Recipient, string(l.Channel), db.Micros(l.Due), db.Micros(l.Queued), sealed)
	if err != nil {
		return fmt.Errorf("queue letter: %w", err)
	}
	return nil
}

func scan(row interface{ Scan(...any) error }, more ...any) (l Letter, err error) {
	var due, queued, ended int64
	err = row.Scan(append([]any{&l.ID, &l.Owner, &l.Object, &l.Recipient, &l.Channel, &l.State, &l.Tries, &due, &queued, &ended, &l.Why}, more...)...)
	l.Due, l.Queued, l.Ended = db.Time(due), db.Time(queued), db.Time(ended)
	return l, err
}

func load(ctx context.Context, tx *db.Tx, id string) (Letter, error) {
	return scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM post_letter WHERE id = $1"+tx.ForUpdate(), id))
}

// list pages through the letters with a value in a column, which is a constant
// of code.
func list(ctx context.Context, tx *db.Tx, column, value, cursor string, limit int) (out []Letter, next string, err error) {
	last := db.Above
	if _, err := db.ParseCursor(cursor, &last); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM post_letter WHERE "+column+" = $1 AND id < $2 ORDER BY id DESC LIMIT $3", value, last, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scan(rows)
		if err != nil {
			return nil, "", err
		}
		out = append(out, l)
	}
	out, next = db.Page(out, limit, func(last *Letter) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// claim takes up to n letters that are due by one way out, and marks that they
// are being sent.
func claim(ctx context.Context, tx *db.Tx, way Channel, now time.Time, n int) (out []Letter, sealed [][]byte, err error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+", sealed FROM post_letter WHERE state = 'waiting' AND due_at <= $1 AND channel = $2 ORDER BY due_at, id LIMIT $3"+tx.SkipLocked(), db.Micros(now), string(way), n)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s []byte
		l, err := scan(rows, &s)
		if err != nil {
			return nil, nil, err
		}
		out, sealed = append(out, l), append(sealed, s)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	rows.Close()
	for i := range out {
		out[i].State, out[i].claimed = Sending, now
		out[i].Tries++
		if _, err := tx.Exec(ctx, "UPDATE post_letter SET state = 'sending', tries = tries + 1, claimed_at = $2 WHERE id = $1", out[i].ID, db.Micros(now)); err != nil {
			return nil, nil, err
		}
	}
	return out, sealed, nil
}

// reclaim takes back letters whose sending was cut off.
func reclaim(ctx context.Context, tx *db.Tx, before time.Time) (int64, error) {
	return tx.Exec(ctx, "UPDATE post_letter SET state = 'waiting' WHERE state = 'sending' AND claimed_at < $1", db.Micros(before))
}

// holds reports whether a letter is still being sent by whoever claimed it:
// what took longer than the lease is another's by now.
func holds(ctx context.Context, tx *db.Tx, l Letter) (bool, error) {
	err := tx.QueryRow(ctx, "SELECT id FROM post_letter WHERE id = $1 AND state = 'sending' AND claimed_at = $2"+tx.ForUpdate(), l.ID, db.Micros(l.claimed)).Scan(new(string))
	if errors.Is(err, db.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// unsent lists letters about an object that did not go, and that nobody sends at
// this moment, locked.
func unsent(ctx context.Context, tx *db.Tx, object string) (out []Letter, err error) {
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM post_letter WHERE object = $1 AND state IN ('waiting', 'dead') ORDER BY id LIMIT $2"+tx.ForUpdate(), object, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// empty forgets what a letter says.
func empty(ctx context.Context, tx *db.Tx, id string) error {
	_, err := tx.Exec(ctx, "UPDATE post_letter SET sealed = $2 WHERE id = $1", id, []byte{})
	return err
}

// giveBack returns a letter that was claimed and not tried.
func giveBack(ctx context.Context, tx *db.Tx, l Letter) error {
	_, err := tx.Exec(ctx, "UPDATE post_letter SET state = 'waiting', tries = tries - 1 WHERE id = $1 AND state = 'sending' AND claimed_at = $2", l.ID, db.Micros(l.claimed))
	return err
}

func settle(ctx context.Context, tx *db.Tx, id string, s State, at time.Time, why string) error {
	_, err := tx.Exec(ctx, "UPDATE post_letter SET state = $2, ended_at = $3, why = $4 WHERE id = $1", id, string(s), db.Micros(at), clip(why))
	return err
}

func postpone(ctx context.Context, tx *db.Tx, id string, due time.Time, why string) error {
	_, err := tx.Exec(ctx, "UPDATE post_letter SET state = 'waiting', due_at = $2, why = $3 WHERE id = $1", id, db.Micros(due), clip(why))
	return err
}

// clip bounds another's words.
func clip(s string) string {
	const max = 300
	r := []rune(s)
	if len(r) > max {
		return string(r[:max]) + "…"
	}
	return s
}

// forget empties letters that arrived before an instant, and returns how many.
func forget(ctx context.Context, tx *db.Tx, before time.Time, most int) (int64, error) {
	return tx.Exec(ctx, `UPDATE post_letter SET sealed = $2 WHERE id IN
		(SELECT id FROM post_letter WHERE state = 'sent' AND length(sealed) > 0 AND ended_at < $1 ORDER BY ended_at LIMIT $3)`, db.Micros(before), []byte{}, most)
}
