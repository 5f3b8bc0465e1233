package exposure

import (
	"context"
	"slices"
	"strings"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
)

// rowRow is an exposure as it is stored.
type rowRow struct {
	Exposure
	digest string
	sealed []byte
}

var rowColumns = []string{
	"id", "org_id", "vulnerability", "product_key", "verdict", "certainty", "entries", "devices", "priority", "exploited", "rank", "state", "open", "review",
	"verdict_id", "found_at", "changed_at", "ended_at", "digest", "sealed",
}

const rowList = "id, org_id, vulnerability, product_key, verdict, certainty, entries, devices, priority, exploited, rank, state, review, verdict_id, found_at, changed_at, ended_at, digest, sealed"

func (r *rowRow) values() []any {
	return []any{
		string(r.ID), r.Org, r.Vulnerability, r.ProductKey, int(r.verdict), certaintyOf(r.Certainty), r.Entries, r.Devices, int(r.Priority), bit(r.Exploited), r.rank, string(r.State), r.open(),
		r.Review, r.verdictID, db.Micros(r.FoundAt), db.Micros(r.ChangedAt), db.Micros(r.EndedAt), r.digest, r.sealed,
	}
}

// open is whether somebody has to do something: it is in the queue.
func (r *rowRow) open() int {
	return bit(r.State == New || r.State == Seen || r.State == Judged && r.Review != "")
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func certaintyOf(s string) int {
	for c := product.Exact; c <= product.PlatformOnly; c++ {
		if c.String() == s || c == product.VersionUnknown && s == endsSoon {
			return int(c)
		}
	}
	return 0
}

// endsSoon is the certainty of a support that has not ended yet.
const endsSoon = "ends_soon"

func certaintyText(vulnerability string, c product.Certainty) string {
	if vulnerability == SupportEnd && c == product.VersionUnknown {
		return endsSoon
	}
	return c.String()
}

func scanRow(scan func(...any) error) (r rowRow, err error) {
	var certainty product.Certainty
	var exploited int
	var found, changed, ended int64
	err = scan(&r.ID, &r.Org, &r.Vulnerability, &r.ProductKey, &r.verdict, &certainty, &r.Entries, &r.Devices, &r.Priority, &exploited, &r.rank, &r.State, &r.Review,
		&r.verdictID, &found, &changed, &ended, &r.digest, &r.sealed)
	if err != nil {
		return r, err
	}
	r.Verdict, r.Certainty, r.Exploited = r.verdict.String(), certaintyText(r.Vulnerability, certainty), exploited == 1
	r.Product = productName(r.ProductKey)
	r.FoundAt, r.ChangedAt, r.EndedAt = db.Time(found), db.Time(changed), db.Time(ended)
	return r, nil
}

// productName makes a product key readable: the maker and the product, without
// what its notation needs.
func productName(key string) string {
	kind, rest, _ := strings.Cut(key, ":")
	switch kind {
	case "cpe":
		_, rest, _ = strings.Cut(rest, ":")
		maker, name, _ := strings.Cut(rest, ":")
		plain := strings.NewReplacer("\\", "", "_", " ")
		return asset.Names().Label(plain.Replace(maker), plain.Replace(name))
	case "purl":
		return strings.Replace(strings.TrimPrefix(rest, "/"), "//", "/", 1)
	}
	return strings.Replace(rest, "/", " ", 1)
}

// queryRows reads rows; where is of this package's making.
func queryRows(ctx context.Context, tx *db.Tx, where string, a *db.Query) (out []rowRow, err error) {
	rows, err := tx.Query(ctx, "SELECT "+rowList+" FROM exposure_row WHERE "+where, a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanRow(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// rowsOfGroup returns the rows of a group, those that ended included; with
// vulnerabilities only theirs.
func rowsOfGroup(ctx context.Context, tx *db.Tx, key string, orgs, vulnerabilities []string) (out []rowRow, err error) {
	if vulnerabilities == nil {
		var a db.Query
		return queryRows(ctx, tx, "product_key = "+a.Arg(key)+" AND org_id IN "+list(&a, orgs), &a)
	}
	for part := range slices.Chunk(vulnerabilities, 100) {
		var a db.Query
		some, err := queryRows(ctx, tx, "product_key = "+a.Arg(key)+" AND org_id IN "+list(&a, orgs)+" AND vulnerability IN "+list(&a, part), &a)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// productsWith returns the products that have rows of one of the
// vulnerabilities.
func productsWith(ctx context.Context, tx *db.Tx, vulnerabilities []string) (out []string, err error) {
	for part := range slices.Chunk(vulnerabilities, 100) {
		var a db.Query
		some, err := texts(tx.Query(ctx, "SELECT DISTINCT product_key FROM exposure_row WHERE vulnerability IN "+list(&a, part), a.Args...))
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

var rowInsert = func() string {
	var a db.Query
	var marks []string
	for _, c := range rowColumns {
		marks = append(marks, a.Arg(c))
	}
	return "INSERT INTO exposure_row (" + strings.Join(rowColumns, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
}()

var rowUpdate = func() string {
	var a db.Query
	a.Arg("id")
	a.Arg("org_id")
	var sets []string
	for _, c := range rowColumns[2:] {
		sets = append(sets, c+" = "+a.Arg(c))
	}
	return "UPDATE exposure_row SET " + strings.Join(sets, ", ") + " WHERE id = $1 AND org_id = $2"
}()

func insertRow(ctx context.Context, tx *db.Tx, r *rowRow) error {
	_, err := tx.Exec(ctx, rowInsert, r.values()...)
	return err
}

func updateRow(ctx context.Context, tx *db.Tx, r *rowRow) error {
	_, err := tx.Exec(ctx, rowUpdate, r.values()...)
	return err
}

// partRow is the part of a row that a contractor operates.
type partRow struct {
	row       ID
	operated  string
	org       string
	verdict   product.Verdict
	certainty product.Certainty
	entries   int
	devices   int
	priority  Priority
	rank      int64
	sealed    []byte
}

// putParts writes the parts of a row in place of those it had.
func putParts(ctx context.Context, tx *db.Tx, row ID, fresh bool, parts []partRow) error {
	if !fresh {
		if _, err := tx.Exec(ctx, "DELETE FROM exposure_part WHERE row_id = $1", string(row)); err != nil {
			return err
		}
	}
	for i := range parts {
		p := &parts[i]
		if _, err := tx.Exec(ctx, `INSERT INTO exposure_part (row_id, operated_by, org_id, verdict, certainty, entries, devices, priority, rank, sealed)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`, string(p.row), p.operated, p.org, int(p.verdict), int(p.certainty), p.entries, p.devices, int(p.priority), p.rank, p.sealed); err != nil {
			return err
		}
	}
	return nil
}

// pastRow is a line of history as it is stored.
type pastRow struct {
	Past
	row         ID
	person, org string
	sealed      []byte
}

func insertPast(ctx context.Context, tx *db.Tx, p *pastRow) error {
	if p.sealed == nil { // what the hub itself did has no words
		p.sealed = []byte{}
	}
	_, err := tx.Exec(ctx, "INSERT INTO exposure_past (id, row_id, what, at, person, by_org, entry, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		p.ID, string(p.row), p.What, db.Micros(p.At), p.person, p.org, p.Entry, p.sealed)
	return err
}

// maxPast bounds the history that is shown of one exposure, the newest first.
const maxPast = 200

func loadPast(ctx context.Context, tx *db.Tx, row ID) (out []pastRow, err error) {
	rows, err := tx.Query(ctx, "SELECT id, row_id, what, at, person, by_org, entry, sealed FROM exposure_past WHERE row_id = $1 ORDER BY id DESC LIMIT $2", string(row), maxPast)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p pastRow
		var at int64
		if err := rows.Scan(&p.ID, &p.row, &p.What, &at, &p.person, &p.org, &p.Entry, &p.sealed); err != nil {
			return nil, err
		}
		p.At = db.Time(at)
		out = append(out, p)
	}
	return out, rows.Err()
}

// anyItem returns an entry of an operator's register that is of a product;
// empty when there is none any more.
func anyItem(ctx context.Context, tx *db.Tx, org, key string) (id string, err error) {
	err = tx.QueryRow(ctx, "SELECT item_id FROM exposure_subject WHERE product_key = $1 AND org_id = $2 ORDER BY item_id LIMIT 1", key, org).Scan(&id)
	if err == db.ErrNoRows {
		return "", nil
	}
	return id, err
}
