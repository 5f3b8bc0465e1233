package notice

import (
	"context"

	"noroshi/internal/base/db"
)

// ownByNumber returns the id of a sender's own notice that its clearance
// reaches; empty when there is none.
func ownByNumber(ctx context.Context, tx *db.Tx, number, from string, clearance int) (ID, error) {
	return idOf(tx.QueryRow(ctx, "SELECT n.id FROM notice_notice n WHERE n.number = $1 AND n.from_org = $2 AND n.clearance <= $3", number, from, clearance).Scan)
}

// letterByNumber returns an organisation's part of a notice: of several, the
// one its sender told it goes before those that were passed on to it.
func letterByNumber(ctx context.Context, tx *db.Tx, number, org string, clearance int) (ID, error) {
	return idOf(tx.QueryRow(ctx, "SELECT r.id FROM notice_recipient r JOIN notice_notice n ON n.id = r.notice_id WHERE "+mine+
		" AND n.number = $3 ORDER BY r.tier, r.delivered_at, r.id LIMIT 1", org, clearance, number).Scan)
}

func idOf(scan func(...any) error) (id ID, err error) {
	if err = scan(&id); err == db.ErrNoRows {
		err = nil
	}
	return id, err
}

// siblings lists what else a sender has drafted or sent about the same
// vulnerabilities, but for what n corrects.
func siblings(ctx context.Context, tx *db.Tx, n *Notice, clearance int) (out []Sibling, err error) {
	rows, err := tx.Query(ctx, `SELECT n.id, n.number, n.stage, n.sent_at FROM notice_notice n WHERE n.from_org = $1 AND n.clearance <= $2 AND n.about = $3
		AND n.id <> $4 AND n.id <> $5 AND n.stage IN ('draft', 'sent') ORDER BY n.updated_at DESC, n.id DESC LIMIT 5`, n.From, clearance, aboutKey(&n.Content), n.ID, n.Corrects)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Sibling
		var sent int64
		if err := rows.Scan(&s.ID, &s.Number, &s.Stage, &sent); err != nil {
			return nil, err
		}
		s.SentAt = db.Time(sent)
		out = append(out, s)
	}
	return out, rows.Err()
}
