package sighting

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const columns = `f.id, f.org_id, f.what, f.type, f.vulnerability, f.count, f.first_at, f.last_at, f.origin, f.provenance, f.ref, f.tlp, f.clearance, f.named,
	f.sealed, f.person, f.entry, f.at, f.withdrawn_at`

// visible is the rule of access, inside every query: one's own organisation's,
// or with reach over all what is not for its reporter alone; never above one's
// clearance. $1 organisation, $2 reach is all, $3 clearance.
const visible = `(f.org_id = $1 OR $2 = 1 AND f.tlp <> 'RED') AND f.clearance <= $3`

func scope(who gate.Identity, reach gate.Reach) []any {
	all := 0
	if reach == gate.All {
		all = 1
	}
	return []any{who.Org, all, who.Clearance}
}

func scan(scan func(...any) error) (s Sighting, err error) {
	var first, last, at, withdrawn, named int64
	err = scan(&s.ID, &s.Org, &s.What, &s.Type, &s.Vulnerability, &s.Count, &first, &last, &s.Origin, &s.Provenance, &s.Ref, &s.TLP, &s.Clearance, &named,
		&s.sealed, &s.person, &s.Entry, &at, &withdrawn)
	s.FirstAt, s.LastAt, s.At, s.WithdrawnAt, s.Named = db.Time(first), db.Time(last), db.Time(at), db.Time(withdrawn), named == 1
	return s, err
}

// insert writes a sighting. What it came from is words that somebody typed, and
// stands in what is sealed.
func insert(ctx context.Context, tx *db.Tx, s Sighting) error {
	named := 0
	if s.Named {
		named = 1
	}
	_, err := tx.Exec(ctx, `INSERT INTO sighting_fact (id, org_id, what, type, tag, vulnerability, count, first_at, last_at, origin, provenance, ref, tlp, clearance, named, sealed, person, entry, at, withdrawn_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, 0)`,
		s.ID, s.Org, string(s.What), string(s.Type), s.tag, s.Vulnerability, s.Count, db.Micros(s.FirstAt), db.Micros(s.LastAt), string(s.Origin), s.Provenance, "", s.TLP, s.Clearance, named,
		s.sealed, s.person, s.Entry, db.Micros(s.At))
	return err
}

func load(ctx context.Context, tx *db.Tx, id string, who gate.Identity, reach gate.Reach) (Sighting, error) {
	s, err := scan(tx.QueryRow(ctx, "SELECT "+columns+" FROM sighting_fact f WHERE "+visible+" AND f.id = $4", append(scope(who, reach), id)...).Scan)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return s, err
}

func withdraw(ctx context.Context, tx *db.Tx, id string, at time.Time) (bool, error) {
	n, err := tx.Exec(ctx, "UPDATE sighting_fact SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at = 0", id, db.Micros(at))
	return n > 0, err
}

// list gives a page, the newest first. tag narrows to one value.
func list(ctx context.Context, tx *db.Tx, f Filter, tag string, who gate.Identity, reach gate.Reach) (out []Sighting, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(f.Cursor, &before); err != nil {
		return nil, "", err
	}
	limit := db.Limit(f.Limit)
	gone := 0
	if f.Withdrawn {
		gone = 1
	}
	rows, err := tx.Query(ctx, "SELECT "+columns+" FROM sighting_fact f WHERE "+visible+` AND f.id < $4 AND ($5 = '' OR f.what = $5) AND ($6 = '' OR f.type = $6)
		AND ($7 = '' OR f.origin = $7) AND ($8 = '' OR f.vulnerability = $8) AND ($9 = '' OR f.tag = $9) AND (f.withdrawn_at = 0 OR $10 = 1)
		ORDER BY f.id DESC LIMIT $11`, append(scope(who, reach), before, string(f.What), string(f.Type), string(f.Origin), f.Vulnerability, tag, gone, limit+1)...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		s, err := scan(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, s)
	}
	out, next = db.Page(out, limit, func(last *Sighting) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// sum counts what was seen of a vulnerability, or of a value by its tag; what
// was withdrawn counts for nothing.
func sum(ctx context.Context, tx *db.Tx, vulnerability, tag string) (s Seen, err error) {
	var first, last int64
	column, value := "vulnerability", vulnerability
	if tag != "" {
		column, value = "tag", tag
	}
	err = tx.QueryRow(ctx, "SELECT count(*), count(DISTINCT org_id), coalesce(sum(count), 0), coalesce(min(first_at), 0), coalesce(max(last_at), 0) FROM sighting_fact WHERE "+column+" = $1 AND withdrawn_at = 0", value).
		Scan(&s.Sightings, &s.Orgs, &s.Times, &first, &last)
	s.FirstAt, s.LastAt = db.Time(first), db.Time(last)
	return s, err
}

// countOpen counts sightings of a vulnerability that are neither TLP:RED nor
// classified.
func countOpen(ctx context.Context, tx *db.Tx, vulnerability string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM sighting_fact WHERE vulnerability = $1 AND withdrawn_at = 0 AND tlp <> 'RED' AND clearance = 0 AND what = 'exploited'", vulnerability).Scan(&n)
	return n, err
}
