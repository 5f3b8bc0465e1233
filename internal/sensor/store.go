package sensor

import (
	"context"
	"time"

	"noroshi/internal/base/db"
)

const sourceColumns = "id, org_id, kind, basis, full_names, sealed, person, entry, at, ended_at, seen_at"

func scanSource(scan func(...any) error) (s Source, err error) {
	var full, at, ended, seen int64
	err = scan(&s.ID, &s.org, &s.Kind, &s.Basis, &full, &s.sealed, &s.person, &s.Entry, &at, &ended, &seen)
	s.FullNames, s.At, s.EndedAt, s.SeenAt = full == 1, db.Time(at), db.Time(ended), db.Time(seen)
	return s, err
}

func insertSource(ctx context.Context, tx *db.Tx, s Source) error {
	full := 0
	if s.FullNames {
		full = 1
	}
	_, err := tx.Exec(ctx, "INSERT INTO sensor_source ("+sourceColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)",
		s.ID, s.org, string(s.Kind), string(s.Basis), full, s.sealed, s.person, s.Entry, db.Micros(s.At))
	return err
}

// loadSource reads a source of an organisation; another's is not there.
func loadSource(ctx context.Context, tx *db.Tx, org, id string) (Source, error) {
	s, err := scanSource(tx.QueryRow(ctx, "SELECT "+sourceColumns+" FROM sensor_source WHERE org_id = $1 AND id = $2", org, id).Scan)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return s, err
}

func endSource(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE sensor_source SET ended_at = $2 WHERE id = $1", id, db.Micros(at))
	return err
}

func listSources(ctx context.Context, tx *db.Tx, org, cursor string, limit int) (out []Source, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+sourceColumns+" FROM sensor_source WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3", org, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		s, err := scanSource(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, s)
	}
	out, next = db.Page(out, limit, func(last *Source) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

const readingColumns = "from_at, until_at, packets, bytes, records, lost, broken, evicted, findings, at"

func scanReading(scan func(...any) error) (r Reading, err error) {
	var from, until, at int64
	err = scan(&from, &until, &r.Packets, &r.Bytes, &r.Records, &r.Lost, &r.Broken, &r.Evicted, &r.Findings, &at)
	r.From, r.Until, r.At = db.Time(from), db.Time(until), db.Time(at)
	return r, err
}

// insertReading writes a reading and forgets those that are too old.
func insertReading(ctx context.Context, tx *db.Tx, id, org, source string, r Reading) error {
	_, err := tx.Exec(ctx, "INSERT INTO sensor_reading (id, org_id, source_id, "+readingColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
		id, org, source, db.Micros(r.From), db.Micros(r.Until), int64(r.Packets), int64(r.Bytes), int64(r.Records), int64(r.Lost), int64(r.Broken), int64(r.Evicted), int64(r.Findings), db.Micros(r.At))
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, "DELETE FROM sensor_reading WHERE source_id = $1 AND at < $2", source, db.Micros(r.At.Add(-keepReadings)))
	return err
}

func seenSource(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE sensor_source SET seen_at = $2 WHERE id = $1", id, db.Micros(at))
	return err
}

func lastReading(ctx context.Context, tx *db.Tx, source string) (*Reading, error) {
	r, err := scanReading(tx.QueryRow(ctx, "SELECT "+readingColumns+" FROM sensor_reading WHERE source_id = $1 ORDER BY id DESC LIMIT 1", source).Scan)
	if err == db.ErrNoRows {
		return nil, nil
	}
	return &r, err
}

// shownReadings is how many readings a page shows.
const shownReadings = 48

func listReadings(ctx context.Context, tx *db.Tx, source string) (out []Reading, err error) {
	rows, err := tx.Query(ctx, "SELECT "+readingColumns+" FROM sensor_reading WHERE source_id = $1 ORDER BY id DESC LIMIT $2", source, shownReadings)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanReading(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
