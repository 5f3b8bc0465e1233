package org

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// transaction is what events are published in; only files that store or serve
// name the database itself.
type transaction = db.Tx

// seen writes the condition under which who may see the organisation whose id
// the column holds. It is the only place that says so.
func seen(q *db.Query, column string, who gate.Identity, reach gate.Reach) string {
	if reach == gate.All || reach == gate.Record {
		return "1 = 1"
	}
	if reach == gate.None {
		return "1 = 0"
	}
	me := q.Arg(who.Org)
	or := []string{
		column + " = " + me,
		column + " IN (SELECT k.org_id FROM org_kind k WHERE k.kind IN (" + db.List(q, bodies) + "))",
		column + " IN (SELECT t.other_id FROM org_tie t WHERE t.customer_id = " + me + " AND t.state = 'confirmed')",
		column + " IN (SELECT t.customer_id FROM org_tie t WHERE t.other_id = " + me + " AND t.state = 'confirmed')",
	}
	if reach == gate.Sector {
		or = append(or, "("+column+" IN (SELECT k.org_id FROM org_kind k WHERE k.kind = 'operator') AND "+
			column+" IN (SELECT s.org_id FROM org_sector s WHERE s.sector IN ("+db.List(q, who.Sectors)+")))")
	}
	return "(" + strings.Join(or, " OR ") + ")"
}

const orgColumns = "o.id, COALESCE(o.number, ''), o.name_ja, o.name_en, o.kana, o.created_at, o.version"

func scanOrg(scan func(...any) error, more ...any) (o Org, err error) {
	var at int64
	err = scan(append([]any{&o.ID, &o.Number, &o.Name.JA, &o.Name.EN, &o.Kana, &at, &o.Version}, more...)...)
	o.CreatedAt = db.Time(at)
	return o, err
}

// loadOrg returns an organisation that who may see, without its contacts;
// db.ErrNoRows both when it is not there and when it is not theirs to see.
func loadOrg(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach) (Org, error) {
	var q db.Query
	q.And("o.id = ?", string(id))
	q.And(seen(&q, "o.id", who, reach))
	o, err := scanOrg(tx.QueryRow(ctx, "SELECT "+orgColumns+" FROM org_organisation o WHERE "+q.Where(), q.Args...).Scan)
	if err != nil {
		return o, err
	}
	one := []Org{o}
	err = fillOrgs(ctx, tx, one)
	return one[0], err
}

// Filter narrows a list of organisations.
type Filter struct {
	Text   string // part of a name, reading or number
	Kind   Kind
	Sector string
	Cursor string
	Limit  int
}

func listOrgs(ctx context.Context, tx *db.Tx, f Filter, who gate.Identity, reach gate.Reach) (out []Org, next string, err error) {
	var q db.Query
	q.And(seen(&q, "o.id", who, reach))
	if f.Kind != "" {
		q.And("o.id IN (SELECT k.org_id FROM org_kind k WHERE k.kind = ?)", string(f.Kind))
	}
	if f.Sector != "" {
		q.And("o.id IN (SELECT s.org_id FROM org_sector s WHERE s.sector = ?)", f.Sector)
	}
	if f.Text != "" {
		q.And(`o.search LIKE ? ESCAPE '\'`, "%"+like(searchKey(f.Text))+"%")
	}
	var sort, id string
	if ok, err := db.ParseCursor(f.Cursor, &sort, &id); err != nil {
		return nil, "", err
	} else if ok {
		q.And("(o.sort_key, o.id) > (?, ?)", sort, id)
	}
	limit := db.Limit(f.Limit)
	rows, err := tx.Query(ctx, "SELECT "+orgColumns+", o.sort_key FROM org_organisation o WHERE "+q.Where()+
		" ORDER BY o.sort_key, o.id LIMIT "+q.Arg(limit+1), q.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	last := ""
	for rows.Next() {
		if len(out) == limit {
			next = db.Cursor(last, string(out[limit-1].ID))
			break
		}
		o, err := scanOrg(rows.Scan, &last)
		if err != nil {
			return nil, "", err
		}
		out = append(out, o)
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	rows.Close()
	return out, next, fillOrgs(ctx, tx, out)
}

// fillOrgs reads the kinds and sectors of organisations.
func fillOrgs(ctx context.Context, tx *db.Tx, orgs []Org) error {
	at := map[ID]*Org{}
	ids := make([]ID, len(orgs))
	for i := range orgs {
		at[orgs[i].ID], ids[i] = &orgs[i], orgs[i].ID
		orgs[i].Kinds, orgs[i].Sectors = []Kind{}, []string{}
	}
	err := pairs(ctx, tx, "SELECT org_id, kind FROM org_kind WHERE org_id IN (%s) ORDER BY org_id, place", ids, func(id, v string) {
		at[ID(id)].Kinds = append(at[ID(id)].Kinds, Kind(v))
	})
	if err != nil {
		return err
	}
	return pairs(ctx, tx, "SELECT org_id, sector FROM org_sector WHERE org_id IN (%s) ORDER BY org_id, place", ids, func(id, v string) {
		at[ID(id)].Sectors = append(at[ID(id)].Sectors, v)
	})
}

// pairs runs a query for two texts over a list of ids.
func pairs[T ~string](ctx context.Context, tx *db.Tx, sql string, ids []T, each func(a, b string)) error {
	for part := range slices.Chunk(ids, 500) {
		var q db.Query
		rows, err := tx.Query(ctx, fmt.Sprintf(sql, db.List(&q, part)), q.Args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a, b string
			if err := rows.Scan(&a, &b); err != nil {
				return err
			}
			each(a, b)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		rows.Close()
	}
	return nil
}

func insertOrg(ctx context.Context, tx *db.Tx, o Org) error {
	_, err := tx.Exec(ctx, `INSERT INTO org_organisation (id, number, name_ja, name_en, kana, sort_key, search, created_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, string(o.ID), null(string(o.Number)), o.Name.JA, o.Name.EN, o.Kana,
		sortKey(o), searchKey(o.Name.JA+" "+o.Name.EN+" "+o.Kana+" "+string(o.Number)), db.Micros(o.CreatedAt), o.Version)
	if err != nil {
		return err
	}
	return setMarks(ctx, tx, o)
}

// updateOrg writes an organisation over the version it was changed from;
// ErrStale when somebody was faster.
func updateOrg(ctx context.Context, tx *db.Tx, o Org) error {
	n, err := tx.Exec(ctx, `UPDATE org_organisation SET number = $2, name_ja = $3, name_en = $4, kana = $5, sort_key = $6, search = $7, version = version + 1
		WHERE id = $1 AND version = $8`, string(o.ID), null(string(o.Number)), o.Name.JA, o.Name.EN, o.Kana,
		sortKey(o), searchKey(o.Name.JA+" "+o.Name.EN+" "+o.Kana+" "+string(o.Number)), o.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrStale
	}
	for _, table := range []string{"org_kind", "org_sector"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE org_id = $1", string(o.ID)); err != nil {
			return err
		}
	}
	return setMarks(ctx, tx, o)
}

func setMarks(ctx context.Context, tx *db.Tx, o Org) error {
	for i, k := range o.Kinds {
		if _, err := tx.Exec(ctx, "INSERT INTO org_kind (org_id, kind, place) VALUES ($1, $2, $3)", string(o.ID), string(k), i); err != nil {
			return err
		}
	}
	for i, s := range o.Sectors {
		if _, err := tx.Exec(ctx, "INSERT INTO org_sector (org_id, sector, place) VALUES ($1, $2, $3)", string(o.ID), s, i); err != nil {
			return err
		}
	}
	return nil
}

// setContacts replaces the contacts and counts a change.
func setContacts(ctx context.Context, tx *db.Tx, id ID, version int64, contacts []Contact) error {
	n, err := tx.Exec(ctx, "UPDATE org_organisation SET version = version + 1 WHERE id = $1 AND version = $2", string(id), version)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrStale
	}
	return insertContacts(ctx, tx, id, contacts)
}

func insertContacts(ctx context.Context, tx *db.Tx, id ID, contacts []Contact) error {
	if _, err := tx.Exec(ctx, "DELETE FROM org_contact WHERE org_id = $1", string(id)); err != nil {
		return err
	}
	for i, c := range contacts {
		if _, err := tx.Exec(ctx, "INSERT INTO org_contact (org_id, place, duty, name, department, mail, phone) VALUES ($1, $2, $3, $4, $5, $6, $7)",
			string(id), i, string(c.Duty), c.Name, c.Department, c.Mail, c.Phone); err != nil {
			return err
		}
	}
	return nil
}

func loadContacts(ctx context.Context, tx *db.Tx, id ID) (out []Contact, err error) {
	rows, err := tx.Query(ctx, "SELECT duty, name, department, mail, phone FROM org_contact WHERE org_id = $1 ORDER BY place", string(id))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Contact
		if err := rows.Scan(&c.Duty, &c.Name, &c.Department, &c.Mail, &c.Phone); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// competent returns the organisations of a kind that have the sector.
func competent(ctx context.Context, tx *db.Tx, kind Kind, sector string) ([]Org, error) {
	var q db.Query
	sql := "SELECT " + orgColumns + " FROM org_organisation o JOIN org_kind k ON k.org_id = o.id AND k.kind = " + q.Arg(string(kind))
	if sector != "" {
		sql += " JOIN org_sector s ON s.org_id = o.id AND s.sector = " + q.Arg(sector)
	}
	rows, err := tx.Query(ctx, sql+" ORDER BY o.sort_key, o.id LIMIT 100", q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Org
	for rows.Next() {
		o, err := scanOrg(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	return out, fillOrgs(ctx, tx, out)
}

func sortKey(o Org) string {
	if o.Kana != "" {
		return o.Kana
	}
	return strings.ToLower(o.Name.JA)
}

// searchKey folds what a person types and what is stored to the same form:
// NFKC, lower case, katakana for hiragana.
func searchKey(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'ぁ' && r <= 'ゖ' {
			return r + 'ァ' - 'ぁ'
		}
		return r
	}, strings.ToLower(norm.NFKC.String(clip(s))))
}

// like takes the meaning from LIKE's wildcards.
func like(s string) string { return strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(s) }

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// orgNames reads the names of organisations.
func orgNames(ctx context.Context, tx *db.Tx, ids []ID, each func(id, ja, en string)) error {
	ja := map[string]string{}
	if err := pairs(ctx, tx, "SELECT id, name_ja FROM org_organisation WHERE id IN (%s)", ids, func(id, v string) { ja[id] = v }); err != nil {
		return err
	}
	return pairs(ctx, tx, "SELECT id, name_en FROM org_organisation WHERE id IN (%s)", ids, func(id, v string) { each(id, ja[id], v) })
}
