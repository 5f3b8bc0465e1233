package asset

import (
	"context"
	"fmt"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const noticeColumns = "s.id, s.org_id, s.number, s.sector, s.introduced, s.changed, s.withdrawn, s.entries, s.devices, s.person, s.entry, s.at"

func scanNotice(scan func(...any) error, more ...any) (n Notice, err error) {
	var at int64
	err = scan(append([]any{&n.ID, &n.Org, &n.Number, &n.Sector, &n.Counts.Introduced, &n.Counts.Changed, &n.Counts.Withdrawn, &n.Counts.Entries, &n.Counts.Devices, &n.person, &n.Entry, &at}, more...)...)
	n.At = db.Time(at)
	return n, err
}

// insertStatement writes a statement and takes its number.
func insertStatement(ctx context.Context, tx *db.Tx, n Notice, sealed []byte) error {
	taken, err := tx.Exec(ctx, "UPDATE asset_register SET statements = $2 WHERE org_id = $1 AND statements = $3", n.Org, n.Number, n.Number-1)
	if err != nil {
		return err
	}
	if taken == 0 {
		return ErrStale
	}
	_, err = tx.Exec(ctx, `INSERT INTO asset_statement (id, org_id, number, sector, introduced, changed, withdrawn, entries, devices, sealed, person, entry, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		n.ID, n.Org, n.Number, n.Sector, n.Counts.Introduced, n.Counts.Changed, n.Counts.Withdrawn, n.Counts.Entries, n.Counts.Devices, sealed, n.person, n.Entry, db.Micros(n.At))
	return err
}

// loadNotice returns a statement that an organisation submitted or was sent.
func loadNotice(ctx context.Context, tx *db.Tx, id, org string, reach gate.Reach) (Notice, error) {
	q := "SELECT " + noticeColumns + ", s.waiting, 0 FROM asset_statement s WHERE s.id = $1 AND s.org_id = $2"
	if reach == gate.Addressed {
		q = "SELECT " + noticeColumns + ", d.waiting, d.acked_at FROM asset_delivery d JOIN asset_statement s ON s.id = d.statement_id WHERE d.statement_id = $1 AND d.org_id = $2"
	} else if reach != gate.Own {
		return Notice{}, ErrStatement
	}
	var waiting, acked int64
	n, err := scanNotice(tx.QueryRow(ctx, q, id, org).Scan, &waiting, &acked)
	if err == db.ErrNoRows {
		return n, ErrStatement
	}
	n.Waiting, n.Stamped = waiting == 1, db.Time(acked)
	return n, err
}

// loadStatement returns the sealed content of a statement.
func loadStatement(ctx context.Context, tx *db.Tx, id string) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT sealed FROM asset_statement WHERE id = $1", id).Scan(&sealed)
	return sealed, err
}

// lastStatement returns the id of an operator's last statement; empty when it
// has none.
func lastStatement(ctx context.Context, tx *db.Tx, org string) (id string, err error) {
	err = tx.QueryRow(ctx, "SELECT id FROM asset_statement WHERE org_id = $1 ORDER BY number DESC LIMIT 1", org).Scan(&id)
	if err == db.ErrNoRows {
		err = nil
	}
	return id, err
}

// listNotices lists what an organisation submitted or was sent, the newest
// first.
func listNotices(ctx context.Context, tx *db.Tx, org string, reach gate.Reach, waiting bool, cursor string, limit int) (out []Notice, next string, err error) {
	var b strings.Builder
	args := []any{org}
	at, id := "s.number", "s.id"
	switch reach {
	case gate.Own:
		b.WriteString("SELECT " + noticeColumns + ", s.waiting, 0, s.number FROM asset_statement s WHERE s.org_id = $1")
		if waiting {
			b.WriteString(" AND s.waiting = 1")
		}
	case gate.Addressed:
		at, id = "d.sent_at", "d.statement_id"
		b.WriteString("SELECT " + noticeColumns + ", d.waiting, d.acked_at, d.sent_at FROM asset_delivery d JOIN asset_statement s ON s.id = d.statement_id WHERE d.org_id = $1")
		if waiting {
			b.WriteString(" AND d.waiting = 1")
		}
	default:
		return nil, "", nil
	}
	var pos int64
	var last string
	if ok, err := db.ParseCursor(cursor, &pos, &last); err != nil {
		return nil, "", err
	} else if ok {
		fmt.Fprintf(&b, " AND (%s, %s) < ($2, $3)", at, id)
		args = append(args, pos, last)
	}
	limit = db.Limit(limit)
	args = append(args, limit+1)
	fmt.Fprintf(&b, " ORDER BY %s DESC, %s DESC LIMIT $%d", at, id, len(args))
	rows, err := tx.Query(ctx, b.String(), args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	var keys []int64
	for rows.Next() {
		var waits, acked, pos int64
		n, err := scanNotice(rows.Scan, &waits, &acked, &pos)
		if err != nil {
			return nil, "", err
		}
		n.Waiting, n.Stamped = waits == 1, db.Time(acked)
		out, keys = append(out, n), append(keys, pos)
	}
	if len(out) > limit {
		out = out[:limit]
		next = db.Cursor(keys[limit-1], out[limit-1].ID)
	}
	return out, next, rows.Err()
}

// putDelivery sends a statement to an organisation, once; false when it was
// sent before.
func putDelivery(ctx context.Context, tx *db.Tx, id string, d Delivery) (bool, error) {
	n, err := tx.Exec(ctx, "INSERT INTO asset_delivery (statement_id, org_id, role, via, sent_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (statement_id, org_id) DO NOTHING",
		id, d.Org, d.Role, d.Via, db.Micros(d.SentAt))
	return n > 0, err
}

// loadDeliveries lists the deliveries of a statement: all, or those to one
// organisation.
func loadDeliveries(ctx context.Context, tx *db.Tx, id, org string) (out []Delivery, err error) {
	rows, err := tx.Query(ctx, `SELECT org_id, role, via, sent_at, opened_at, acked_at, acked_number, acked_by, acked_entry FROM asset_delivery
		WHERE statement_id = $1 AND (org_id = $2 OR $2 = '') ORDER BY sent_at, org_id LIMIT $3`, id, org, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var d Delivery
		var sent, opened, acked int64
		if err := rows.Scan(&d.Org, &d.Role, &d.Via, &sent, &opened, &acked, &d.AckedNumber, &d.AckedBy, &d.AckedEntry); err != nil {
			return nil, err
		}
		d.SentAt, d.OpenedAt, d.AckedAt = db.Time(sent), db.Time(opened), db.Time(acked)
		out = append(out, d)
	}
	return out, rows.Err()
}

// ackDelivery stamps a delivery; false when it was stamped before.
func ackDelivery(ctx context.Context, tx *db.Tx, id string, d Delivery) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE asset_delivery SET acked_at = $3, acked_number = $4, acked_by = $5, acked_entry = $6, waiting = 0 WHERE statement_id = $1 AND org_id = $2 AND acked_at = 0",
		id, d.Org, db.Micros(d.AckedAt), d.AckedNumber, d.AckedBy, d.AckedEntry)
	return n > 0, err
}

// openDelivery notes when a recipient first opened a statement; one it stamped
// before waits for nothing more.
func openDelivery(ctx context.Context, tx *db.Tx, id, org string, at int64) error {
	_, err := tx.Exec(ctx, `UPDATE asset_delivery SET opened_at = CASE WHEN opened_at = 0 THEN $3 ELSE opened_at END,
		waiting = CASE WHEN acked_at > 0 THEN 0 ELSE waiting END WHERE statement_id = $1 AND org_id = $2`, id, org, at)
	return err
}

// setWaiting says whether a statement waits for something of an organisation:
// its operator, or one it was sent to.
func setWaiting(ctx context.Context, tx *db.Tx, id, org string, operator, waiting bool) error {
	q := "UPDATE asset_delivery SET waiting = $3 WHERE statement_id = $1 AND org_id = $2"
	if operator {
		q = "UPDATE asset_statement SET waiting = $3 WHERE id = $1 AND org_id = $2"
	}
	_, err := tx.Exec(ctx, q, id, org, bit(waiting))
	return err
}
