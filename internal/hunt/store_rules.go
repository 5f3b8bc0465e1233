package hunt

import (
	"context"
	"strconv"
	"time"

	"noroshi/internal/base/db"
)

const bookColumns = "id, org_id, sealed, person, editions, at, retired_at"

func scanBook(scan func(...any) error) (b Rulebook, err error) {
	var at, retired int64
	err = scan(&b.ID, &b.org, &b.sealed, &b.By, &b.Editions, &at, &retired)
	b.At, b.RetiredAt = db.Time(at), db.Time(retired)
	return b, err
}

func insertBook(ctx context.Context, tx *db.Tx, b Rulebook) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_rulebook ("+bookColumns+") VALUES ($1, $2, $3, $4, 0, $5, 0)", b.ID, b.org, b.sealed, b.By, db.Micros(b.At))
	return err
}

func countBooks(ctx context.Context, tx *db.Tx, org string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM hunt_rulebook WHERE org_id = $1", org).Scan(&n)
	return n, err
}

// loadBook reads a rulebook of an organisation; another's is not there.
func loadBook(ctx context.Context, tx *db.Tx, org, id string) (Rulebook, error) {
	b, err := scanBook(tx.QueryRow(ctx, "SELECT "+bookColumns+" FROM hunt_rulebook WHERE org_id = $1 AND id = $2", org, id).Scan)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return b, err
}

func listBooks(ctx context.Context, tx *db.Tx, org, cursor string, limit int) (out []Rulebook, next string, err error) {
	before := db.Above
	if _, err := db.ParseCursor(cursor, &before); err != nil {
		return nil, "", err
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+bookColumns+" FROM hunt_rulebook WHERE org_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3", org, before, limit+1)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		b, err := scanBook(rows.Scan)
		if err != nil {
			return nil, "", err
		}
		out = append(out, b)
	}
	out, next = db.Page(out, limit, func(last *Rulebook) string { return db.Cursor(last.ID) })
	return out, next, rows.Err()
}

func retireBook(ctx context.Context, tx *db.Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE hunt_rulebook SET retired_at = $2 WHERE id = $1", id, db.Micros(at))
	return err
}

// nextEdition numbers the editions of a rulebook, from 1.
func nextEdition(ctx context.Context, tx *db.Tx, id string) (n int, err error) {
	err = tx.QueryRow(ctx, "UPDATE hunt_rulebook SET editions = editions + 1 WHERE id = $1 RETURNING editions", id).Scan(&n)
	return n, err
}

const editionColumns = "rulebook_id, number, org_id, sum, files, rules, correlations, rejected, blob, sealed, person, at"

func scanEdition(scan func(...any) error) (e Edition, err error) {
	var at int64
	err = scan(&e.book, &e.Number, &e.org, &e.SHA256, &e.Files, &e.Rules, &e.Correlations, &e.Rejected, &e.blob, &e.sealed, &e.By, &at)
	e.Ref, e.At = e.book+"/"+strconv.Itoa(e.Number), db.Time(at)
	return e, err
}

func insertEdition(ctx context.Context, tx *db.Tx, e Edition) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_edition ("+editionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
		e.book, e.Number, e.org, e.SHA256, e.Files, e.Rules, e.Correlations, e.Rejected, e.blob, e.sealed, e.By, db.Micros(e.At))
	return err
}

func loadEdition(ctx context.Context, tx *db.Tx, org, book string, number int) (Edition, error) {
	e, err := scanEdition(tx.QueryRow(ctx, "SELECT "+editionColumns+" FROM hunt_edition WHERE org_id = $1 AND rulebook_id = $2 AND number = $3", org, book, number).Scan)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return e, err
}

// listEditions lists the last editions of a rulebook, the newest first.
func listEditions(ctx context.Context, tx *db.Tx, org, book string) (out []Edition, err error) {
	rows, err := tx.Query(ctx, "SELECT "+editionColumns+" FROM hunt_edition WHERE org_id = $1 AND rulebook_id = $2 ORDER BY number DESC LIMIT $3", org, book, db.MaxLimit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		e, err := scanEdition(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
