package org

import (
	"context"

	"noroshi/internal/base/db"
)

// loadViews lists a person's saved views of a page, or of all pages with an
// empty path, by name.
func loadViews(ctx context.Context, tx *db.Tx, person PersonID, path string) (out []View, err error) {
	rows, err := tx.Query(ctx, "SELECT id, path, name, query FROM org_view WHERE person_id = $1 AND (path = $2 OR $2 = '') ORDER BY path, name LIMIT $3",
		string(person), path, maxViews)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var v View
		if err := rows.Scan(&v.ID, &v.Path, &v.Name, &v.Query); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// putView saves a view; the same name on the same page is replaced.
func putView(ctx context.Context, tx *db.Tx, person PersonID, v View) error {
	_, err := tx.Exec(ctx, `INSERT INTO org_view (id, person_id, path, name, query) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (person_id, path, name) DO UPDATE SET query = excluded.query`, v.ID, string(person), v.Path, v.Name, v.Query)
	return err
}

func deleteView(ctx context.Context, tx *db.Tx, person PersonID, id string) (int64, error) {
	return tx.Exec(ctx, "DELETE FROM org_view WHERE person_id = $1 AND id = $2", string(person), id)
}
