package notice

import (
	"context"
	"math"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/text"
)

const closedColumns = "org_id, number, hub_key, seal_to, at"

func scanClosed(scan func(...any) error) (c ClosedNetwork, err error) {
	var at int64
	err = scan(&c.Org, &c.Number, &c.Key, &c.To, &at)
	c.At = db.Time(at)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return c, err
}

// saveClosed enters a closed network, or enters it anew.
func saveClosed(ctx context.Context, tx *db.Tx, c *ClosedNetwork, person string) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_closed (org_id, number, hub_key, seal_to, person, at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (org_id) DO UPDATE SET number = excluded.number, hub_key = excluded.hub_key, seal_to = excluded.seal_to, person = excluded.person, at = excluded.at`,
		c.Org, c.Number, c.Key, c.To, person, db.Micros(c.At))
	return err
}

func deleteClosed(ctx context.Context, tx *db.Tx, org string) (int64, error) {
	return tx.Exec(ctx, "DELETE FROM notice_closed WHERE org_id = $1", org)
}

// closedOf returns the closed network of an organisation, by its id or number.
func closedOf(ctx context.Context, tx *db.Tx, ref string) (ClosedNetwork, error) {
	return scanClosed(tx.QueryRow(ctx, "SELECT "+closedColumns+" FROM notice_closed WHERE org_id = $1 OR number = $1", ref).Scan)
}

// closedBy returns the closed network whose hub has a key.
func closedBy(ctx context.Context, tx *db.Tx, key string) (ClosedNetwork, error) {
	return scanClosed(tx.QueryRow(ctx, "SELECT "+closedColumns+" FROM notice_closed WHERE hub_key = $1", key).Scan)
}

// listClosed lists closed networks in the order of their ids.
func listClosed(ctx context.Context, tx *db.Tx, after string, limit int) (out []ClosedNetwork, next string, err error) {
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+closedColumns+" FROM notice_closed WHERE org_id > $1 ORDER BY org_id LIMIT $2", after, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		c, err := scanClosed(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, c)
	}
	if len(out) > limit {
		out, next = out[:limit], out[limit-1].Org
	}
	return out, next, rows.Err()
}

// lettersFor lists what a sender told one organisation itself, the last changed
// first.
func lettersFor(ctx context.Context, tx *db.Tx, from, org string, clearance int) (rs []Recipient, ns []noticeRow, err error) {
	rows, err := tx.Query(ctx, "SELECT "+noticeColumns+", "+recipientColumns+" FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE "+mine+
		" AND n.from_org = $3 AND r.tier = 0 ORDER BY n.updated_at DESC, n.id DESC LIMIT $4", org, clearance, from, maxCarried)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, n, err := letterRow(rows.Scan)
		if err != nil {
			return nil, nil, err
		}
		rs, ns = append(rs, r), append(ns, n)
	}
	return rs, ns, rows.Err()
}

// saveOrigin keeps the name of who sends letters by file.
func saveOrigin(ctx context.Context, tx *db.Tx, id string, name text.Both, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_origin (id, name_ja, name_en, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (id) DO UPDATE SET name_ja = excluded.name_ja, name_en = excluded.name_en`, id, name.JA, name.EN, db.Micros(at))
	return err
}

// originNames adds the names of those who send by file to names by id.
func originNames(ctx context.Context, tx *db.Tx, lang text.Lang, ids []string, names map[string]string) error {
	for _, id := range ids {
		if !strings.HasPrefix(id, filePrefix) || names[id] != "" {
			continue
		}
		var b text.Both
		err := tx.QueryRow(ctx, "SELECT name_ja, name_en FROM notice_origin WHERE id = $1", id).Scan(&b.JA, &b.EN)
		if err != nil && err != db.ErrNoRows {
			return err
		}
		names[id] = said(b, lang) + said(byFile, lang)
	}
	return nil
}

// originsOf lists the hubs whose letters an organisation has by file, up to ten.
func originsOf(ctx context.Context, tx *db.Tx, org string, clearance int) (out []string, err error) {
	rows, err := tx.Query(ctx, "SELECT DISTINCT n.from_org FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE "+mine+
		" AND n.from_org LIKE 'file:%' ORDER BY n.from_org LIMIT 10", org, clearance)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, strings.TrimPrefix(id, filePrefix))
	}
	return out, rows.Err()
}

// toCarry lists an organisation's letters from a sender with answers that no
// bundle carried yet, or that were given since an instant.
func toCarry(ctx context.Context, tx *db.Tx, from, org string, clearance int, since time.Time) ([]Recipient, error) {
	at := int64(math.MaxInt64)
	if !since.IsZero() {
		at = db.Micros(since)
	}
	rows, err := tx.Query(ctx, "SELECT "+recipientColumns+" FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE "+mine+
		` AND n.from_org = $3 AND r.tier = 0 AND EXISTS (SELECT 1 FROM notice_answer a WHERE a.recipient_id = r.id AND (a.at >= $4 OR NOT EXISTS
		(SELECT 1 FROM notice_carried c WHERE c.answer_id = a.id))) ORDER BY r.id LIMIT $5`, org, clearance, from, at, maxCarried)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Recipient
	for rows.Next() {
		r, err := scanRecipient(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// carriage is one answer that a bundle carried.
type carriage struct {
	answer string
	letter ID
	inward bool
	place  int
	state  State
}

// noteCarried notes that a bundle carried an answer; once is enough.
func noteCarried(ctx context.Context, tx *db.Tx, c carriage, sequence int64, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice_carried (answer_id, letter_id, inward, place, state, sequence, at) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (answer_id) DO NOTHING`, c.answer, c.letter, bit(c.inward), c.place, string(c.state), sequence, db.Micros(at))
	return err
}

// carriedOf lists the answers to a letter that bundles carried in a direction,
// in the order they were given.
func carriedOf(ctx context.Context, tx *db.Tx, letter ID, inward bool) (out []carriage, err error) {
	rows, err := tx.Query(ctx, "SELECT answer_id, place, state FROM notice_carried WHERE letter_id = $1 AND inward = $2 ORDER BY place LIMIT $3", letter, bit(inward), maxAnswers)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		c := carriage{letter: letter, inward: inward}
		if err := rows.Scan(&c.answer, &c.place, &c.state); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}
