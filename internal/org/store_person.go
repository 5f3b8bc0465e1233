package org

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

const personColumns = "p.id, p.org_id, p.name, p.mail, p.lang, p.clearance, p.state, p.created_at, p.last_at, p.version"

func scanPerson(scan func(...any) error, more ...any) (p Person, err error) {
	var created, last int64
	err = scan(append([]any{&p.ID, &p.Org, &p.Name, &p.Mail, &p.Lang, &p.Clearance, &p.State, &created, &last, &p.Version}, more...)...)
	p.CreatedAt, p.LastAt = db.Time(created), db.Time(last)
	return p, err
}

// withinOrg writes the condition under which who may see the people of the
// organisation whose id the column holds.
func withinOrg(q *db.Query, column string, who gate.Identity, reach gate.Reach) string {
	switch reach {
	case gate.All:
		return "1 = 1"
	case gate.Own:
		return column + " = " + q.Arg(who.Org)
	}
	return "1 = 0"
}

// loadPerson returns a person, to be changed; db.ErrNoRows both when there is none
// and when they are not who's to see.
func loadPerson(ctx context.Context, tx *db.Tx, id PersonID, who gate.Identity, reach gate.Reach) (Person, error) {
	return onePerson(ctx, tx, id, who, reach, tx.ForUpdate())
}

// readPerson is loadPerson for a read-only transaction, for which PostgreSQL
// refuses row locks.
func readPerson(ctx context.Context, tx *db.Tx, id PersonID, who gate.Identity, reach gate.Reach) (Person, error) {
	return onePerson(ctx, tx, id, who, reach, "")
}

func onePerson(ctx context.Context, tx *db.Tx, id PersonID, who gate.Identity, reach gate.Reach, lock string) (Person, error) {
	var q db.Query
	q.And("p.id = ?", string(id))
	q.And(withinOrg(&q, "p.org_id", who, reach))
	p, err := scanPerson(tx.QueryRow(ctx, "SELECT "+personColumns+" FROM org_person p WHERE "+q.Where()+lock, q.Args...).Scan)
	if err != nil {
		return p, err
	}
	one := []Person{p}
	err = fillRoles(ctx, tx, one)
	return one[0], err
}

func listPeople(ctx context.Context, tx *db.Tx, org ID, cursor string, limit int, who gate.Identity, reach gate.Reach) (out []Person, next string, err error) {
	var q db.Query
	q.And("p.org_id = ?", string(org))
	q.And(withinOrg(&q, "p.org_id", who, reach))
	var sort, id string
	if ok, err := db.ParseCursor(cursor, &sort, &id); err != nil {
		return nil, "", err
	} else if ok {
		q.And("(p.sort_key, p.id) > (?, ?)", sort, id)
	}
	limit = db.Limit(limit)
	rows, err := tx.Query(ctx, "SELECT "+personColumns+", p.sort_key FROM org_person p WHERE "+q.Where()+
		" ORDER BY p.sort_key, p.id LIMIT "+q.Arg(limit+1), q.Args...)
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
		p, err := scanPerson(rows.Scan, &last)
		if err != nil {
			return nil, "", err
		}
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, "", err
	}
	rows.Close()
	return out, next, fillRoles(ctx, tx, out)
}

// peopleByMail returns who may sign in with an address: at most max, since
// each costs a password check.
func peopleByMail(ctx context.Context, tx *db.Tx, mail string, max int) (out []Person, err error) {
	rows, err := tx.Query(ctx, "SELECT "+personColumns+` FROM org_person p JOIN org_credential c ON c.person_id = p.id
		WHERE p.mail = $1 AND p.state = 'active' ORDER BY p.id LIMIT $2`, mail, max)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		p, err := scanPerson(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	return out, fillRoles(ctx, tx, out)
}

func fillRoles(ctx context.Context, tx *db.Tx, people []Person) error {
	at := map[PersonID]*Person{}
	ids := make([]PersonID, len(people))
	for i := range people {
		at[people[i].ID], ids[i] = &people[i], people[i].ID
		people[i].Roles = []gate.Role{}
	}
	return pairs(ctx, tx, "SELECT person_id, role FROM org_role WHERE person_id IN (%s) ORDER BY person_id, place", ids, func(id, v string) {
		at[PersonID(id)].Roles = append(at[PersonID(id)].Roles, gate.Role(v))
	})
}

func insertPerson(ctx context.Context, tx *db.Tx, p Person) error {
	_, err := tx.Exec(ctx, `INSERT INTO org_person (id, org_id, name, sort_key, mail, lang, clearance, state, created_at, last_at, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10)`, string(p.ID), string(p.Org), p.Name, searchKey(p.Name), p.Mail, string(p.Lang),
		p.Clearance, string(p.State), db.Micros(p.CreatedAt), p.Version)
	if err != nil {
		return err
	}
	return setRoles(ctx, tx, p)
}

// updatePerson writes a person over the version they were changed from;
// ErrStale when somebody was faster.
func updatePerson(ctx context.Context, tx *db.Tx, p Person) error {
	n, err := tx.Exec(ctx, `UPDATE org_person SET name = $2, sort_key = $3, mail = $4, lang = $5, clearance = $6, state = $7, version = version + 1
		WHERE id = $1 AND version = $8`, string(p.ID), p.Name, searchKey(p.Name), p.Mail, string(p.Lang), p.Clearance, string(p.State), p.Version)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrStale
	}
	if _, err := tx.Exec(ctx, "DELETE FROM org_role WHERE person_id = $1", string(p.ID)); err != nil {
		return err
	}
	return setRoles(ctx, tx, p)
}

func setRoles(ctx context.Context, tx *db.Tx, p Person) error {
	for i, r := range p.Roles {
		if _, err := tx.Exec(ctx, "INSERT INTO org_role (person_id, role, place) VALUES ($1, $2, $3)", string(p.ID), string(r), i); err != nil {
			return err
		}
	}
	return nil
}

// others counts the active people besides one who have a role; in one
// organisation, or anywhere when org is empty. The rows are locked, so that
// two who take the role from each other at once do not both succeed.
func others(ctx context.Context, tx *db.Tx, org ID, role gate.Role, but PersonID) (n int, err error) {
	rows, err := tx.Query(ctx, `SELECT p.id FROM org_role r JOIN org_person p ON p.id = r.person_id
		WHERE r.role = $1 AND p.state = 'active' AND ($2 = '' OR p.org_id = $2) ORDER BY p.id LIMIT 1000`+tx.ForUpdate(), string(role), string(org))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var id PersonID
		if err := rows.Scan(&id); err != nil {
			return 0, err
		}
		if id != but {
			n++
		}
	}
	return n, rows.Err()
}

func touchPerson(ctx context.Context, tx *db.Tx, id PersonID, now time.Time) error {
	_, err := tx.Exec(ctx, "UPDATE org_person SET last_at = $2 WHERE id = $1", string(id), db.Micros(now))
	return err
}
