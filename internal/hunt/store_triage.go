package hunt

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

const batchColumns = "id, org_id, person, state, sealed, count, at, undone_at, undone, many, kept"

func scanBatch(scan func(...any) error) (b Batch, err error) {
	var at, undone, many, kept int64
	err = scan(&b.ID, &b.org, &b.By, &b.State, &b.sealed, &b.Count, &at, &undone, &b.Undone, &many, &kept)
	b.At, b.UndoneAt, b.many, b.kept = db.Time(at), db.Time(undone), many == 1, kept == 1
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return b, err
}

func insertBatch(ctx context.Context, tx *db.Tx, b Batch) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_decision ("+batchColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, 1)",
		b.ID, b.org, b.By, string(b.State), b.sealed, b.Count, db.Micros(b.At), bit(b.many))
	return err
}

// lockBatch reads a batch of an organisation that is about to be undone.
func lockBatch(ctx context.Context, tx *db.Tx, org, id string) (Batch, error) {
	return scanBatch(tx.QueryRow(ctx, "SELECT "+batchColumns+" FROM hunt_decision WHERE org_id = $1 AND id = $2"+tx.ForUpdate(), org, id).Scan)
}

// bit is a truth as it is stored.
func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// listBatches lists the last acts over many findings.
func listBatches(ctx context.Context, tx *db.Tx, org string, limit int) (out []Batch, err error) {
	rows, err := tx.Query(ctx, "SELECT "+batchColumns+" FROM hunt_decision WHERE org_id = $1 AND many = 1 ORDER BY id DESC LIMIT $2", org, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		b, err := scanBatch(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// maxIn is how many ids one statement names.
const maxIn = 500

// decideIDs decides on findings of an organisation by their ids, and keeps what
// they were. It returns how many there are.
func decideIDs(ctx context.Context, tx *db.Tx, b Batch, ids []string, now time.Time) (count int, err error) {
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxIn)]
		ids = ids[len(some):]
		q := db.Query{Args: []any{b.ID, b.org}}
		_, err := tx.Exec(ctx, `INSERT INTO hunt_decided (decision_id, finding_id, was_state, was_decision, version)
			SELECT $1, f.id, f.state, f.decision, f.version + 1 FROM hunt_finding f WHERE f.org_id = $2 AND f.id IN (`+db.List(&q, some)+")", q.Args...)
		if err != nil {
			return 0, err
		}
	}
	return decide(ctx, tx, b, now)
}

// decideFilter decides on all findings that a filter finds.
func decideFilter(ctx context.Context, tx *db.Tx, b Batch, f tagged, now time.Time) (int, error) {
	q := narrow(b.org, f)
	_, err := tx.Exec(ctx, "INSERT INTO hunt_decided (decision_id, finding_id, was_state, was_decision, version) SELECT "+q.Arg(b.ID)+
		", f.id, f.state, f.decision, f.version + 1"+q.String(), q.Args...)
	if err != nil {
		return 0, err
	}
	return decide(ctx, tx, b, now)
}

// decide changes the findings that a decision names.
func decide(ctx context.Context, tx *db.Tx, b Batch, now time.Time) (int, error) {
	n, err := tx.Exec(ctx, `UPDATE hunt_finding SET state = $1, decision = $2, changed_at = $3, version = version + 1
		WHERE org_id = $4 AND id IN (SELECT finding_id FROM hunt_decided WHERE decision_id = $2)`, string(b.State), b.ID, db.Micros(now), b.org)
	return int(n), err
}

// same is the rule for what did not change since a batch: it has the version
// that the batch gave it.
const same = "EXISTS (SELECT 1 FROM hunt_decided i WHERE i.decision_id = $1 AND i.finding_id = hunt_finding.id AND i.version = hunt_finding.version)"

// undo gives findings back what they were before a batch, where nothing changed
// since.
func undo(ctx context.Context, tx *db.Tx, b Batch, now time.Time) (int, error) {
	n, err := tx.Exec(ctx, `UPDATE hunt_finding SET changed_at = $3, version = version + 1,
		state = (SELECT i.was_state FROM hunt_decided i WHERE i.decision_id = $1 AND i.finding_id = hunt_finding.id),
		decision = (SELECT i.was_decision FROM hunt_decided i WHERE i.decision_id = $1 AND i.finding_id = hunt_finding.id)
		WHERE org_id = $2 AND id IN (SELECT finding_id FROM hunt_decided WHERE decision_id = $1) AND `+same, b.ID, b.org, db.Micros(now))
	return int(n), err
}

// listChanged lists the findings of a batch that changed since it.
func listChanged(ctx context.Context, tx *db.Tx, b Batch, limit int) (ids []string, err error) {
	rows, err := tx.Query(ctx, `SELECT i.finding_id FROM hunt_decided i JOIN hunt_finding f ON f.id = i.finding_id
		WHERE i.decision_id = $1 AND f.org_id = $2 AND f.version <> i.version ORDER BY i.finding_id LIMIT $3`, b.ID, b.org, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

func endBatch(ctx context.Context, tx *db.Tx, b Batch, undone int, now time.Time) error {
	if _, err := tx.Exec(ctx, "UPDATE hunt_decision SET undone_at = $2, undone = $3, kept = 0 WHERE id = $1", b.ID, db.Micros(now), undone); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "DELETE FROM hunt_decided WHERE decision_id = $1", b.ID)
	return err
}

// forgetUndo forgets what findings were before batches that cannot be undone any
// more: of one kind all but the last keep, and those before a time. What was
// decided stays.
func forgetUndo(ctx context.Context, tx *db.Tx, org string, many bool, keep int, before time.Time) error {
	const old = `org_id = $1 AND kept = 1 AND many = $2 AND (at < $3 OR id NOT IN
		(SELECT k.id FROM hunt_decision k WHERE k.org_id = $1 AND k.kept = 1 AND k.many = $2 ORDER BY k.id DESC LIMIT $4))`
	args := []any{org, bit(many), db.Micros(before), keep}
	if _, err := tx.Exec(ctx, "DELETE FROM hunt_decided WHERE decision_id IN (SELECT id FROM hunt_decision WHERE "+old+")", args...); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE hunt_decision SET kept = 0 WHERE id IN (SELECT id FROM hunt_decision WHERE "+old+")", args...)
	return err
}
