package incident

import (
	"context"

	"noroshi/internal/base/db"
)

// draftRow is a draft as it is stored.
type draftRow struct {
	Draft
	sealed []byte
}

const draftColumns = "id, case_id, kind, stage, sealed, revision, person, started_at, updated_at"

func scanDraft(scan func(...any) error) (d draftRow, err error) {
	var started, updated int64
	err = scan(&d.ID, &d.Case, &d.Kind, &d.Stage, &d.sealed, &d.Revision, &d.Person, &started, &updated)
	d.StartedAt, d.UpdatedAt = db.Time(started), db.Time(updated)
	return d, err
}

// loadDraft returns an organisation's draft, and with change locks it.
func loadDraft(ctx context.Context, tx *db.Tx, id ID, org string, change bool) (draftRow, error) {
	lock := ""
	if change {
		lock = tx.ForUpdate()
	}
	d, err := scanDraft(tx.QueryRow(ctx, "SELECT "+draftColumns+" FROM incident_draft WHERE id = $1 AND org_id = $2"+lock, id, org).Scan)
	if err == db.ErrNoRows {
		return d, ErrNoDraft
	}
	return d, err
}

// draftOf returns the draft that continues a case; ErrNoDraft when none does.
func draftOf(ctx context.Context, tx *db.Tx, id ID, org string) (draftRow, error) {
	d, err := scanDraft(tx.QueryRow(ctx, "SELECT "+draftColumns+" FROM incident_draft WHERE org_id = $2 AND case_id = $1"+tx.ForUpdate(), id, org).Scan)
	if err == db.ErrNoRows {
		return d, ErrNoDraft
	}
	return d, err
}

// listDrafts lists an organisation's drafts, the last changed first.
func listDrafts(ctx context.Context, tx *db.Tx, org string) (out []draftRow, err error) {
	rows, err := tx.Query(ctx, "SELECT "+draftColumns+" FROM incident_draft WHERE org_id = $1 ORDER BY updated_at DESC, id DESC LIMIT $2", org, maxDrafts)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		d, err := scanDraft(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// elsewhere reports whether an id is that of another organisation's draft.
func elsewhere(ctx context.Context, tx *db.Tx, id ID, org string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, "SELECT count(*) FROM incident_draft WHERE id = $1 AND org_id <> $2", id, org).Scan(&n)
	return n > 0, err
}

func countDrafts(ctx context.Context, tx *db.Tx, org string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM incident_draft WHERE org_id = $1", org).Scan(&n)
	return n, err
}

func insertDraft(ctx context.Context, tx *db.Tx, d draftRow, org string) error {
	_, err := tx.Exec(ctx, `INSERT INTO incident_draft (id, org_id, case_id, kind, stage, sealed, revision, person, started_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.ID, org, d.Case, string(d.Kind), string(d.Stage), d.sealed, d.Revision, d.Person, db.Micros(d.StartedAt), db.Micros(d.UpdatedAt))
	return err
}

// updateDraft writes a draft that loadDraft locked.
func updateDraft(ctx context.Context, tx *db.Tx, d draftRow) error {
	_, err := tx.Exec(ctx, "UPDATE incident_draft SET kind = $2, stage = $3, sealed = $4, revision = $5, person = $6, updated_at = $7 WHERE id = $1",
		d.ID, string(d.Kind), string(d.Stage), d.sealed, d.Revision, d.Person, db.Micros(d.UpdatedAt))
	return err
}

// setVersionDraft notes which draft a version was written in, so that the
// same draft sent again finds it.
func setVersionDraft(ctx context.Context, tx *db.Tx, id ID, version int, draft ID) error {
	_, err := tx.Exec(ctx, "UPDATE incident_version SET draft = $3 WHERE case_id = $1 AND version = $2", id, version, draft)
	return err
}

// versionOf finds the version that was written in a draft; ErrNone when the
// draft was not submitted.
func versionOf(ctx context.Context, tx *db.Tx, draft ID) (id ID, version int, err error) {
	err = tx.QueryRow(ctx, "SELECT case_id, version FROM incident_version WHERE draft = $1", draft).Scan(&id, &version)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return id, version, err
}
