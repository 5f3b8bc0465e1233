package sensor

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

const findingColumns = `id, org_id, source_id, tag, kind, score, rank, state, times, first_at, last_at, sealed, note, taken_by, until_at, released_at,
	at, changed_at, version, entry`

func scanFinding(scan func(...any) error) (f Finding, err error) {
	var score, first, last, until, released, at, changed int64
	err = scan(&f.ID, &f.org, &f.Source, &f.tag, &f.Kind, &score, &f.Rank, &f.State, &f.Times, &first, &last, &f.sealed, &f.note, &f.TakenBy, &until, &released,
		&at, &changed, &f.Version, &f.Entry)
	f.Score, f.Start, f.End = float64(score)/1000, db.Time(first), db.Time(last)
	f.UntilAt, f.ReleasedAt, f.At, f.ChangedAt = db.Time(until), db.Time(released), db.Time(at), db.Time(changed)
	return f, err
}

func (f *Finding) values() []any {
	note := f.note
	if note == nil {
		note = []byte{}
	}
	return []any{f.ID, f.org, f.Source, f.tag, f.Kind, int64(f.Score*1000 + 0.5), int(f.Rank), string(f.State), f.Times, db.Micros(f.Start), db.Micros(f.End), f.sealed, note,
		f.TakenBy, db.Micros(f.UntilAt), db.Micros(f.ReleasedAt), db.Micros(f.At), db.Micros(f.ChangedAt), f.Version, f.Entry}
}

func insertFinding(ctx context.Context, tx *db.Tx, f Finding) error {
	_, err := tx.Exec(ctx, "INSERT INTO sensor_finding ("+findingColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)", f.values()...)
	return err
}

// updateFinding writes a finding over the version before it.
func updateFinding(ctx context.Context, tx *db.Tx, f Finding) error {
	n, err := tx.Exec(ctx, `UPDATE sensor_finding SET org_id = $2, source_id = $3, tag = $4, kind = $5, score = $6, rank = $7, state = $8, times = $9, first_at = $10,
		last_at = $11, sealed = $12, note = $13, taken_by = $14, until_at = $15, released_at = $16, at = $17, changed_at = $18, version = $19, entry = $20
		WHERE id = $1 AND version = $19 - 1`, f.values()...)
	if err == nil && n == 0 {
		err = ErrStale
	}
	return err
}

func loadFinding(ctx context.Context, tx *db.Tx, org, id string) (Finding, error) {
	return oneFinding(tx.QueryRow(ctx, "SELECT "+findingColumns+" FROM sensor_finding WHERE org_id = $1 AND id = $2", org, id).Scan)
}

func loadTag(ctx context.Context, tx *db.Tx, org, tag string) (Finding, error) {
	return oneFinding(tx.QueryRow(ctx, "SELECT "+findingColumns+" FROM sensor_finding WHERE org_id = $1 AND tag = $2", org, tag).Scan)
}

func oneFinding(scan func(...any) error) (Finding, error) {
	f, err := scanFinding(scan)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return f, err
}

// waits is the rule for what waits for somebody: new ones, those taken, and
// harmless ones whose time is over. $2 is now.
const waits = "(state IN ('new', 'taken') OR state = 'benign' AND until_at <= $2)"

// listFindings gives a page, the most urgent first, of one rank the newest.
func listFindings(ctx context.Context, tx *db.Tx, org string, f Filter, now time.Time) (out []Finding, next string, err error) {
	rank, last, id := -1, int64(0), ""
	if _, err := db.ParseCursor(f.Cursor, &rank, &last, &id); err != nil {
		return nil, "", err
	}
	open := 0
	if f.Open {
		open = 1
	}
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+findingColumns+` FROM sensor_finding WHERE org_id = $1 AND ($3 = 0 OR `+waits+`)
		AND ($4 = '' OR state = $4) AND ($5 = '' OR kind = $5) AND ($6 = '' OR source_id = $6)
		AND ($7 < 0 OR rank > $7 OR rank = $7 AND (last_at < $8 OR last_at = $8 AND id < $9))
		ORDER BY rank, last_at DESC, id DESC LIMIT $10`, org, db.Micros(now), open, string(f.State), f.Kind, f.Source, rank, last, id, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		x, err := scanFinding(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, x)
	}
	if len(out) > limit {
		out = out[:limit]
		x := out[limit-1]
		next = db.Cursor(int(x.Rank), db.Micros(x.End), x.ID)
	}
	return out, next, rows.Err()
}

func tally(ctx context.Context, tx *db.Tx, org string, now time.Time) (out [4]int, err error) {
	rows, err := tx.Query(ctx, "SELECT rank, count(*) FROM sensor_finding WHERE org_id = $1 AND "+waits+" GROUP BY rank", org, db.Micros(now))
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var rank Rank
		var n int
		if err := rows.Scan(&rank, &n); err != nil {
			return out, err
		}
		out[rank] = n
	}
	return out, rows.Err()
}
