package intel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

// recordRow is a record as it is stored.
type recordRow struct {
	id, feed, slot, kind, vulnerability, digest string
	at                                          time.Time
	facts, statements                           []byte
	keys, aliases                               []string // for intel_product and intel_alias
	fresh                                       bool     // nothing was known of its slot
}

// staging is what one transaction stages for an import of a feed. No slot is
// in it twice.
type staging struct {
	feed   string
	at     int64       // number of the import
	drop   []string    // slots in which an earlier attempt staged something
	end    []string    // slots whose visible record ends
	revive []string    // slots whose visible record does not end after all
	rows   []recordRow // new records
	wares  []string    // product keys that may be new
	bytes  int         // of the bodies in rows
}

func (b *staging) size() int { return len(b.drop) + len(b.end) + len(b.revive) + len(b.rows) }

// maxSlots bounds the slots that one statement names.
const maxSlots = 64

func (b *staging) write(ctx context.Context, tx *db.Tx) error {
	for part := range slices.Chunk(b.drop, maxSlots) {
		where := "feed = $1 AND since >= $2 AND slot IN (" + places(2, len(part)) + ")"
		if err := dropRecords(ctx, tx, where, append([]any{b.feed, b.at}, texts(part)...)...); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(b.end, maxSlots) {
		if _, err := tx.Exec(ctx, "UPDATE intel_record SET until = $2 WHERE feed = $1 AND until = 0 AND since < $2 AND slot IN ("+places(2, len(part))+")",
			append([]any{b.feed, b.at}, texts(part)...)...); err != nil {
			return err
		}
	}
	for part := range slices.Chunk(b.revive, maxSlots) {
		if _, err := tx.Exec(ctx, "UPDATE intel_record SET until = 0 WHERE feed = $1 AND until >= $2 AND slot IN ("+places(2, len(part))+")",
			append([]any{b.feed, b.at}, texts(part)...)...); err != nil {
			return err
		}
	}
	var records, named, products, wares, aliases [][]any
	for i := range b.rows {
		r := &b.rows[i]
		records = append(records, []any{r.id, b.feed, r.slot, r.kind, r.vulnerability, b.at, 0, r.digest, db.Micros(r.at), len(r.keys), r.facts, r.statements})
		if r.fresh {
			named = append(named, []any{r.vulnerability, sortKey(r.vulnerability)})
		}
		for _, k := range r.keys {
			products = append(products, []any{k, r.id})
		}
		for _, a := range r.aliases {
			aliases = append(aliases, []any{a, r.id, r.vulnerability})
		}
	}
	for _, k := range b.wares {
		wares = append(wares, []any{k})
	}
	const or = " ON CONFLICT DO NOTHING"
	return errors.Join(
		insertMany(ctx, tx, "intel_record (id, feed, slot, kind, vulnerability, since, until, digest, at, products, facts, statements)", "", records),
		insertMany(ctx, tx, "intel_vulnerability (id, sort)", or, named),
		insertMany(ctx, tx, "intel_product (key, record_id)", "", products),
		insertMany(ctx, tx, "intel_ware (key)", or, wares),
		insertMany(ctx, tx, "intel_alias (alias, record_id, vulnerability)", "", aliases))
}

// wide is how many rows one statement writes: one round trip for PostgreSQL,
// and not so many parameters that SQLite's driver, which finds each by walking
// all of them, gets slow.
const wide = 16

func insertMany(ctx context.Context, tx *db.Tx, table, or string, rows [][]any) error {
	for len(rows) > 0 {
		n := wide
		if len(rows) < wide {
			n = 1
		}
		var q strings.Builder
		q.WriteString("INSERT INTO " + table + " VALUES ")
		args := make([]any, 0, n*len(rows[0]))
		for i, row := range rows[:n] {
			if i > 0 {
				q.WriteString(", ")
			}
			q.WriteString("(" + places(len(args), len(row)) + ")")
			args = append(args, row...)
		}
		if _, err := tx.Exec(ctx, q.String()+or, args...); err != nil {
			return fmt.Errorf("insert into %s: %w", table, err)
		}
		rows = rows[n:]
	}
	return nil
}

func dropRecords(ctx context.Context, tx *db.Tx, where string, args ...any) error {
	for _, q := range []string{
		"DELETE FROM intel_product WHERE record_id IN (SELECT id FROM intel_record WHERE " + where + ")",
		"DELETE FROM intel_alias WHERE record_id IN (SELECT id FROM intel_record WHERE " + where + ")",
		"DELETE FROM intel_record WHERE " + where,
	} {
		if _, err := tx.Exec(ctx, q, args...); err != nil {
			return err
		}
	}
	return nil
}

// sweepRecords deletes up to limit records that no reader can see any more,
// and returns how many there were.
func sweepRecords(ctx context.Context, tx *db.Tx, feed string, head int64, limit int) (int, error) {
	rows, err := tx.Query(ctx, "SELECT id FROM intel_record WHERE feed = $1 AND until > 0 AND until <= $2 LIMIT $3", feed, head, limit)
	if err != nil {
		return 0, err
	}
	ids, err := scanTexts(rows)
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(ids, maxSlots) {
		if err := dropRecords(ctx, tx, "id IN ("+places(0, len(part))+")", texts(part)...); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

func scanTexts(rows *db.Rows) (out []string, err error) {
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

// stood is what an import has to know of a record that is there.
type stood struct {
	slot, digest string
	since, until int64
}

// eachStood calls each for every record of a feed, ended ones that nobody can
// see left out.
func eachStood(ctx context.Context, tx *db.Tx, feed string, head int64, each func(s *stood) error) error {
	rows, err := tx.Query(ctx, "SELECT slot, digest, since, until FROM intel_record WHERE feed = $1 AND (until = 0 OR until > $2)", feed, head)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var s stood
		if err := rows.Scan(&s.slot, &s.digest, &s.since, &s.until); err != nil {
			return err
		}
		if err := each(&s); err != nil {
			return err
		}
	}
	return rows.Err()
}

// touched returns the vulnerability and product keys of the records in a slot,
// whether they end or begin.
func touched(ctx context.Context, tx *db.Tx, feed, slot string) (vulnerability string, keys []string, err error) {
	err = tx.QueryRow(ctx, "SELECT vulnerability FROM intel_record WHERE feed = $1 AND slot = $2 LIMIT 1", feed, slot).Scan(&vulnerability)
	if err != nil {
		return "", nil, err
	}
	rows, err := tx.Query(ctx, "SELECT DISTINCT p.key FROM intel_product p JOIN intel_record r ON r.id = p.record_id WHERE r.feed = $1 AND r.slot = $2 LIMIT $3", feed, slot, maxNamed+1)
	if err != nil {
		return "", nil, err
	}
	keys, err = scanTexts(rows)
	return vulnerability, keys, err
}

// visible joins a record r with its feed f and leaves only what is visible.
const visible = " JOIN intel_feed f ON f.id = r.feed AND r.since <= f.head AND (r.until = 0 OR r.until > f.head) "

// eachFacts calls each with what every source says of vulnerabilities.
func eachFacts(ctx context.Context, tx *db.Tx, vulnerabilities []string, each func(r *recordRow) error) error {
	if len(vulnerabilities) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, "SELECT r.id, r.feed, r.kind, r.vulnerability, r.at, r.facts FROM intel_record r"+visible+
		"WHERE r.vulnerability IN ("+places(0, len(vulnerabilities))+")", texts(vulnerabilities)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r recordRow
		var at int64
		if err := rows.Scan(&r.id, &r.feed, &r.kind, &r.vulnerability, &at, &r.facts); err != nil {
			return err
		}
		r.at = db.Time(at)
		if err := each(&r); err != nil {
			return err
		}
	}
	return rows.Err()
}

// eachStatements calls each with the statements of vulnerabilities.
func eachStatements(ctx context.Context, tx *db.Tx, vulnerabilities []string, each func(body []byte) error) error {
	rows, err := tx.Query(ctx, "SELECT r.statements FROM intel_record r"+visible+"WHERE r.vulnerability IN ("+places(0, len(vulnerabilities))+") AND r.products > 0 ORDER BY r.vulnerability, r.id",
		texts(vulnerabilities)...)
	if err != nil {
		return err
	}
	return eachBody(rows, each)
}

// eachAbout calls each with the bodies of the records that name one of the
// product keys: statements, or with lives the facts of life-cycle records.
func eachAbout(ctx context.Context, tx *db.Tx, keys []string, lives bool, each func(body []byte) error) error {
	column, kind := "r.statements", "r.kind <> 'eol'"
	if lives {
		column, kind = "r.facts", "r.kind = 'eol'"
	}
	rows, err := tx.Query(ctx, "SELECT "+column+" FROM intel_record r"+visible+
		"WHERE r.id IN (SELECT record_id FROM intel_product WHERE key IN ("+places(0, len(keys))+")) AND "+kind, texts(keys)...)
	if err != nil {
		return err
	}
	return eachBody(rows, each)
}

func eachBody(rows *db.Rows, each func(body []byte) error) error {
	defer rows.Close()
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return err
		}
		if err := each(body); err != nil {
			return err
		}
	}
	return rows.Err()
}

// aliasesOf returns the vulnerabilities whose records give one of the ids as
// another name, and the other names of the ids themselves.
func aliasesOf(ctx context.Context, tx *db.Tx, ids []string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT a.vulnerability FROM intel_alias a JOIN intel_record r ON r.id = a.record_id"+visible+"WHERE a.alias IN ("+places(0, len(ids))+`)
		UNION SELECT a.alias FROM intel_record r JOIN intel_alias a ON a.record_id = r.id`+visible+"WHERE r.vulnerability IN ("+places(0, len(ids))+") LIMIT "+fmt.Sprintf("$%d", len(ids)+1),
		append(texts(ids), limit)...)
	if err != nil {
		return nil, err
	}
	return scanTexts(rows)
}

// loadWares lists product keys in order.
func loadWares(ctx context.Context, tx *db.Tx, after string, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, "SELECT key FROM intel_ware WHERE key > $1 ORDER BY key LIMIT $2", after, limit)
	if err != nil {
		return nil, err
	}
	return scanTexts(rows)
}

// findWares lists product keys that hold every word.
func findWares(ctx context.Context, tx *db.Tx, words []string, limit int) ([]string, error) {
	var b strings.Builder
	var args []any
	for i, w := range words {
		if i > 0 {
			b.WriteString(" AND ")
		}
		fmt.Fprintf(&b, "key LIKE $%d ESCAPE '!'", i+1)
		args = append(args, "%"+strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(w)+"%")
	}
	args = append(args, limit)
	rows, err := tx.Query(ctx, "SELECT key FROM intel_ware WHERE "+b.String()+fmt.Sprintf(" ORDER BY length(key), key LIMIT $%d", len(args)), args...)
	if err != nil {
		return nil, err
	}
	return scanTexts(rows)
}

// hunt is what a search of vulnerabilities asks for.
type hunt struct {
	prefix        string   // of the id
	keys          []string // product keys, one of which is named; nil for any
	kind          string   // that a source of this kind speaks of it; empty for any
	sort, id      string   // after this one, newest first
	limit         int
	keyed, cursor bool
}

// findVulnerabilities lists ids with their sort keys, newest first.
func findVulnerabilities(ctx context.Context, tx *db.Tx, h hunt) (ids, sorts []string, err error) {
	var q db.Query
	if h.cursor {
		q.And("(v.sort, v.id) < (?, ?)", h.sort, h.id)
	}
	if h.prefix != "" {
		q.And("v.id >= ? AND v.id < ?", h.prefix, h.prefix+"\U0010ffff")
	}
	exists := "EXISTS (SELECT 1 FROM intel_record r" + visible + "WHERE r.vulnerability = v.id"
	if h.kind != "" {
		exists += " AND r.kind = " + q.Arg(h.kind)
	} else {
		exists += " AND r.kind <> 'eol'"
	}
	q.And(exists + ")")
	if h.keyed {
		q.And("v.id IN (SELECT r.vulnerability FROM intel_product p JOIN intel_record r ON r.id = p.record_id" + visible + "WHERE p.key IN (" + db.List(&q, h.keys) + "))")
	}
	rows, err := tx.Query(ctx, "SELECT v.id, v.sort FROM intel_vulnerability v WHERE "+q.Where()+" ORDER BY v.sort DESC, v.id DESC LIMIT "+q.Arg(h.limit), q.Args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id, sort string
		if err := rows.Scan(&id, &sort); err != nil {
			return nil, nil, err
		}
		ids, sorts = append(ids, id), append(sorts, sort)
	}
	return ids, sorts, rows.Err()
}
