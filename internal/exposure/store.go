package exposure

import (
	"context"
	"embed"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
)

// Migrations are the tables of this noun.
//
//go:embed migrations
var Migrations embed.FS

// list writes (…, …); an empty list matches nothing.
func list[T ~string](q *db.Query, values []T) string { return "(" + db.List(q, values) + ")" }

// texts reads one column.
func texts(rows *db.Rows, err error) (out []string, _ error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// stored is a subject as it stands, without what is sealed being opened.
type stored struct {
	item, org, key string
	revision       int
	sealed         []byte
}

// eachSubject calls each for the subjects of a product, by operator; orgs
// narrows it to some.
func eachSubject(ctx context.Context, tx *db.Tx, key string, orgs []string, each func(s *stored) error) error {
	var a db.Query
	q := "SELECT item_id, org_id, sealed FROM exposure_subject WHERE product_key = " + a.Arg(key)
	if orgs != nil {
		q += " AND org_id IN " + list(&a, orgs)
	}
	rows, err := tx.Query(ctx, q+" ORDER BY org_id", a.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	s := stored{key: key}
	for rows.Next() {
		if err := rows.Scan(&s.item, &s.org, &s.sealed); err != nil {
			return err
		}
		if err := each(&s); err != nil {
			return err
		}
	}
	return rows.Err()
}

// loadSubjects returns the subjects of some items.
func loadSubjects(ctx context.Context, tx *db.Tx, org string, items []string) (out []stored, err error) {
	for part := range slices.Chunk(items, 100) {
		var a db.Query
		rows, err := tx.Query(ctx, "SELECT item_id, org_id, product_key, revision, sealed FROM exposure_subject WHERE org_id || '' = "+a.Arg(org)+" AND item_id IN "+list(&a, part), a.Args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var s stored
			if err := rows.Scan(&s.item, &s.org, &s.key, &s.revision, &s.sealed); err != nil {
				rows.Close()
				return nil, err
			}
			out = append(out, s)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// subjectRevisions returns the revision at which each item of an operator was
// taken.
func subjectRevisions(ctx context.Context, tx *db.Tx, org string) (map[string]int, error) {
	rows, err := tx.Query(ctx, "SELECT item_id, revision FROM exposure_subject WHERE org_id = $1", org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int{}
	for rows.Next() {
		var id string
		var n int
		if err := rows.Scan(&id, &n); err != nil {
			return nil, err
		}
		out[id] = n
	}
	return out, rows.Err()
}

func putSubject(ctx context.Context, tx *db.Tx, s *subject, sealed []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO exposure_subject (item_id, org_id, product_key, identity, revision, sealed) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (item_id) DO UPDATE SET product_key = excluded.product_key, identity = excluded.identity, revision = excluded.revision, sealed = excluded.sealed`,
		s.item, s.org, s.key, int(s.identity), s.revision, sealed)
	return err
}

func dropSubject(ctx context.Context, tx *db.Tx, org, item string) error {
	_, err := tx.Exec(ctx, "DELETE FROM exposure_subject WHERE item_id = $1 AND org_id = $2", item, org)
	return err
}

// countKey adds to how many entries of an operator's product answer to a key.
func countKey(ctx context.Context, tx *db.Tx, key, productKey, org string, delta int) error {
	if delta == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `INSERT INTO exposure_key (key, product_key, org_id, entries) VALUES ($1, $2, $3, $4)
		ON CONFLICT (key, product_key, org_id) DO UPDATE SET entries = exposure_key.entries + excluded.entries`, key, productKey, org, delta); err != nil {
		return err
	}
	if delta > 0 {
		return nil
	}
	_, err := tx.Exec(ctx, "DELETE FROM exposure_key WHERE key = $1 AND product_key = $2 AND org_id = $3 AND entries <= 0", key, productKey, org)
	return err
}

// productsOf returns the products whose equipment answers to one of the keys.
func productsOf(ctx context.Context, tx *db.Tx, keys []string) (out []string, err error) {
	for part := range slices.Chunk(keys, 100) {
		var a db.Query
		some, err := texts(tx.Query(ctx, "SELECT DISTINCT product_key FROM exposure_key WHERE key IN "+list(&a, part), a.Args...))
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// keysOf returns every key to which equipment of a product answers.
func keysOf(ctx context.Context, tx *db.Tx, productKey string) ([]string, error) {
	return texts(tx.Query(ctx, "SELECT DISTINCT key FROM exposure_key WHERE product_key = $1 ORDER BY key", productKey))
}

// standing is a group as it is stored.
type standing struct {
	key, org, digest string
	entries          int
}

// markGroup says that the rows of a group have to be computed again, and makes
// the group when it is new.
func markGroup(ctx context.Context, tx *db.Tx, key, org string) error {
	_, err := tx.Exec(ctx, `INSERT INTO exposure_group (product_key, org_id, digest, entries, stale, next_at) VALUES ($1, $2, '', 0, 1, 0)
		ON CONFLICT (product_key, org_id) DO UPDATE SET stale = 1`, key, org)
	return err
}

// markAll says so of every group of an operator.
func markAll(ctx context.Context, tx *db.Tx, org string) error {
	_, err := tx.Exec(ctx, "UPDATE exposure_group SET stale = 1 WHERE org_id = $1", org)
	return err
}

// loadGroups returns the groups of a product, by operator, and keeps other
// computations of them waiting until this one is committed.
func loadGroups(ctx context.Context, tx *db.Tx, key string, orgs []string, lock bool) (map[string]standing, error) {
	var a db.Query
	q := "SELECT org_id, digest, entries FROM exposure_group WHERE product_key = " + a.Arg(key)
	if orgs != nil {
		q += " AND org_id IN " + list(&a, orgs)
	}
	q += " ORDER BY org_id"
	if lock {
		q += tx.ForUpdate()
	}
	rows, err := tx.Query(ctx, q, a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]standing{}
	for rows.Next() {
		s := standing{key: key}
		if err := rows.Scan(&s.org, &s.digest, &s.entries); err != nil {
			return nil, err
		}
		out[s.org] = s
	}
	return out, rows.Err()
}

// settleGroup writes what a computation came to; a group of nothing is gone.
func settleGroup(ctx context.Context, tx *db.Tx, key, org, digest string, entries int, nextAt time.Time, whole bool) error {
	if !whole {
		_, err := tx.Exec(ctx, "UPDATE exposure_group SET digest = $3 WHERE product_key = $1 AND org_id = $2", key, org, digest)
		return err
	}
	if entries == 0 {
		_, err := tx.Exec(ctx, "DELETE FROM exposure_group WHERE product_key = $1 AND org_id = $2", key, org)
		return err
	}
	_, err := tx.Exec(ctx, "UPDATE exposure_group SET digest = $3, entries = $4, stale = 0, next_at = $5 WHERE product_key = $1 AND org_id = $2", key, org, digest, entries, db.Micros(nextAt))
	return err
}

// staleGroups returns groups of an operator, or of any, that wait for their
// computation: at most limit.
func staleGroups(ctx context.Context, tx *db.Tx, org string, limit int) (out []standing, err error) {
	var a db.Query
	q := "SELECT product_key, org_id FROM exposure_group WHERE stale > 0"
	if org != "" {
		q += " AND org_id = " + a.Arg(org)
	}
	rows, err := tx.Query(ctx, q+" ORDER BY org_id, product_key LIMIT "+a.Arg(limit), a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s standing
		if err := rows.Scan(&s.key, &s.org); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// wakeGroups marks the groups that time alone changes, and returns how many.
func wakeGroups(ctx context.Context, tx *db.Tx, now time.Time) (int64, error) {
	return tx.Exec(ctx, "UPDATE exposure_group SET stale = 1, next_at = 0 WHERE next_at > 0 AND next_at <= $1", db.Micros(now))
}

// groupKeys lists the products of all groups, in order, after a key.
func groupKeys(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	return texts(tx.Query(ctx, "SELECT DISTINCT product_key FROM exposure_group WHERE product_key > $1 ORDER BY product_key LIMIT $2", after, limit))
}

// putOrg writes what rows need of an operator.
func putOrg(ctx context.Context, tx *db.Tx, org string, dependents int, sectors []string) error {
	if _, err := tx.Exec(ctx, "INSERT INTO exposure_org (org_id, dependents) VALUES ($1, $2) ON CONFLICT (org_id) DO UPDATE SET dependents = excluded.dependents", org, dependents); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM exposure_sector WHERE org_id = $1", org); err != nil {
		return err
	}
	for _, s := range sectors {
		if _, err := tx.Exec(ctx, "INSERT INTO exposure_sector (sector, org_id) VALUES ($1, $2) ON CONFLICT (sector, org_id) DO NOTHING", s, org); err != nil {
			return err
		}
	}
	return nil
}

// loadDependents returns how many organisations depend on each operator; -1
// for those that are not known yet.
func loadDependents(ctx context.Context, tx *db.Tx, orgs []string) (map[string]int, error) {
	out := make(map[string]int, len(orgs))
	for _, o := range orgs {
		out[o] = -1
	}
	for part := range slices.Chunk(orgs, 100) {
		var a db.Query
		rows, err := tx.Query(ctx, "SELECT org_id, dependents FROM exposure_org WHERE org_id IN "+list(&a, part), a.Args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var o string
			var n int
			if err := rows.Scan(&o, &n); err != nil {
				rows.Close()
				return nil, err
			}
			out[o] = n
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Named is what a product of a register is called where statements name it.
type Named struct {
	CPE, PURL string
	Identity  product.Identity
}

// markProduct says of every group of a product that it has to be computed.
func markProduct(ctx context.Context, tx *db.Tx, key string) error {
	_, err := tx.Exec(ctx, "UPDATE exposure_group SET stale = 1 WHERE product_key = $1", key)
	return err
}

// anythingDue reports whether time alone has changed something.
func anythingDue(ctx context.Context, tx *db.Tx, now time.Time) (bool, error) {
	for _, q := range []string{
		"SELECT 1 FROM exposure_group WHERE next_at > 0 AND next_at <= $1 LIMIT 1",
		"SELECT 1 FROM exposure_verdict WHERE state = 'kept' AND until_at > 0 AND until_at <= $1 LIMIT 1",
	} {
		err := tx.QueryRow(ctx, q, db.Micros(now)).Scan(new(int))
		if err == nil {
			return true, nil
		}
		if err != db.ErrNoRows {
			return false, err
		}
	}
	return false, nil
}
