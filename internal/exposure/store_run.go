package exposure

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"noroshi/internal/base/db"
)

// Run is one full rematch.
type Run struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"ended_at,omitzero"` // zero: under way, or waiting to go on
	Counts  Counts    `json:"counts"`
	after   string    // product key up to which it came
}

const runColumns = "id, at, after_key, ended_at, counts"

func scanRun(scan func(...any) error) (r Run, err error) {
	var at, ended int64
	var counts string
	if err = scan(&r.ID, &at, &r.after, &ended, &counts); err != nil {
		return r, err
	}
	r.At, r.EndedAt = db.Time(at), db.Time(ended)
	return r, json.Unmarshal([]byte(counts), &r.Counts)
}

// openRun returns the run that has not ended; db.ErrNoRows when there is none.
func openRun(ctx context.Context, tx *db.Tx) (Run, error) {
	return scanRun(tx.QueryRow(ctx, "SELECT "+runColumns+" FROM exposure_run WHERE ended_at = 0 ORDER BY id LIMIT 1").Scan)
}

func putRun(ctx context.Context, tx *db.Tx, r *Run) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO exposure_run (id, at, after_key, ended_at, counts) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET after_key = excluded.after_key, ended_at = excluded.ended_at, counts = excluded.counts`,
		r.ID, db.Micros(r.At), r.after, db.Micros(r.EndedAt), string(counts))
	return err
}

// errRunMoved is returned where a run does not stand where its worker left it.
var errRunMoved = errors.New("exposure run: it was asked for again")

// goOnRun writes how far a run came, unless it was asked for again since it was
// read: then it returns errRunMoved.
func goOnRun(ctx context.Context, tx *db.Tx, r *Run, after string) error {
	counts, err := json.Marshal(r.Counts)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE exposure_run SET after_key = $1, ended_at = $2, counts = $3 WHERE id = $4 AND after_key = $5 AND ended_at = 0",
		after, db.Micros(r.EndedAt), string(counts), r.ID, r.after)
	if err == nil && n == 0 {
		err = errRunMoved
	}
	return err
}

// loadRuns lists the last runs, the newest first.
func loadRuns(ctx context.Context, tx *db.Tx, limit int) (out []Run, err error) {
	rows, err := tx.Query(ctx, "SELECT "+runColumns+" FROM exposure_run ORDER BY id DESC LIMIT $1", limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRun(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
