package asset

import (
	"context"
	"strings"

	"noroshi/internal/base/db"
)

var changeColumns = []string{"id", "org_id", "item_id", "what", "at", "person", "by_org", "entry", "sealed"}

// insertChanges writes what happened to entries of one register.
func insertChanges(ctx context.Context, tx *db.Tx, org string, past []Past) error {
	return insertMany(ctx, tx, "asset_change", changeColumns, len(past), func(i int) []any {
		p := &past[i]
		return []any{p.ID, org, string(p.Item), string(p.What), db.Micros(p.At), p.person, p.org, p.Entry, p.sealed}
	})
}

// loadChanges lists what happened to one entry, or with a what instead of an
// item everything of that sort in the register; the newest first.
func loadChanges(ctx context.Context, tx *db.Tx, org string, item ID, what Outcome, cursor string, limit int) (out []Past, next string, err error) {
	by, args := "item_id", []any{org, string(item)}
	if item == "" {
		by, args = "what", []any{org, string(what)}
	}
	q := "SELECT " + strings.Join(changeColumns, ", ") + " FROM asset_change WHERE org_id = $1 AND " + by + " = $2"
	var before string
	if ok, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	} else if ok {
		q, args = q+" AND id < $3", append(args, before)
	}
	limit = db.Limit(limit)
	args = append(args, limit+1)
	rows, err := tx.Query(ctx, q+" ORDER BY id DESC LIMIT "+places(len(args)-1, 1), args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var p Past
		var at int64
		var owner string
		if err := rows.Scan(&p.ID, &owner, &p.Item, &p.What, &at, &p.person, &p.org, &p.Entry, &p.sealed); err != nil {
			return nil, "", err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	out, next = db.Page(out, limit, func(last *Past) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

// previewRow is an import preview as it is stored.
type previewRow struct {
	Preview
	org, person  string
	counts       string // JSON
	sealed, file []byte // compressed, then encrypted
}

// insertPreview stores a preview, and drops those that expired and the oldest
// of the organisation beyond keep.
func insertPreview(ctx context.Context, tx *db.Tx, p *previewRow, keep int) error {
	if err := dropPreviews(ctx, tx, db.Micros(p.CreatedAt)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM asset_preview WHERE org_id = $1 AND token NOT IN
		(SELECT token FROM asset_preview WHERE org_id = $1 ORDER BY created_at DESC LIMIT $2)`, p.org, keep-1); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "INSERT INTO asset_preview (token, org_id, person, revision, remove, counts, sealed, file, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
		p.Token, p.org, p.person, p.Revision, bit(p.Remove), p.counts, p.sealed, p.file, db.Micros(p.CreatedAt), db.Micros(p.ExpiresAt))
	return err
}

// dropPreviews drops those that expired.
func dropPreviews(ctx context.Context, tx *db.Tx, now int64) error {
	_, err := tx.Exec(ctx, "DELETE FROM asset_preview WHERE expires_at < $1", now)
	return err
}

// loadPreview returns an organisation's preview that has not expired, with its
// file only when asked.
func loadPreview(ctx context.Context, tx *db.Tx, org, token string, now int64, file bool) (p previewRow, err error) {
	var remove, created, expires int64
	column := "''"
	if file {
		column = "file"
	}
	err = tx.QueryRow(ctx, "SELECT token, org_id, person, revision, remove, counts, sealed, "+column+", created_at, expires_at FROM asset_preview WHERE token = $1 AND org_id = $2 AND expires_at > $3", token, org, now).
		Scan(&p.Token, &p.org, &p.person, &p.Revision, &remove, &p.counts, &p.sealed, &p.file, &created, &expires)
	if err == db.ErrNoRows {
		return p, ErrPreviewGone
	}
	p.Remove, p.CreatedAt, p.ExpiresAt = remove == 1, db.Time(created), db.Time(expires)
	return p, err
}

// deletePreview ends a preview; false when it had ended before.
func deletePreview(ctx context.Context, tx *db.Tx, org, token string) (bool, error) {
	n, err := tx.Exec(ctx, "DELETE FROM asset_preview WHERE org_id = $1 AND token = $2", org, token)
	return n > 0, err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
