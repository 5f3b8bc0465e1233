package hunt

import (
	"context"
	"strconv"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/engine/sigma"
)

const findingColumns = `f.id, f.org_id, f.hunt_id, f.run_id, f.tag, f.rule_tag, f.host_tag, f.user_tag, f.place, f.count, f.quiet, f.first_at, f.last_at, f.state, f.decision,
	f.suppression, f.released_at, f.at, f.changed_at, f.version, f.sealed`

// decided joins who decided and why.
const decided = " LEFT JOIN hunt_decision d ON d.id = f.decision"

func scanFinding(scan func(...any) error) (f Finding, err error) {
	var first, last, released, at, changed int64
	err = scan(&f.ID, &f.org, &f.Hunt, &f.Run, &f.tag, &f.ruleTag, &f.hostTag, &f.userTag, &f.place, &f.Count, &f.Quiet, &first, &last, &f.State, &f.Decision,
		&f.Suppression, &released, &at, &changed, &f.Version, &f.sealed, &f.By, &f.reason)
	f.First, f.Last, f.ReleasedAt, f.At, f.ChangedAt = db.Time(first), db.Time(last), db.Time(released), db.Time(at), db.Time(changed)
	if err == db.ErrNoRows {
		err = ErrNone
	}
	return f, err
}

// whole are the columns of a finding with who decided and why.
const whole = findingColumns + ", coalesce(d.person, ''), d.sealed"

func (f *Finding) values() []any {
	return []any{f.ID, f.org, f.Hunt, f.Run, f.tag, f.ruleTag, f.hostTag, f.userTag, f.place, f.Count, f.Quiet, db.Micros(f.First), db.Micros(f.Last), string(f.State), f.Decision,
		f.Suppression, db.Micros(f.ReleasedAt), db.Micros(f.At), db.Micros(f.ChangedAt), f.Version, f.sealed}
}

func insertFinding(ctx context.Context, tx *db.Tx, f Finding) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_finding ("+strings.ReplaceAll(findingColumns, "f.", "")+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`, f.values()...)
	return err
}

// updateFinding writes what changes of a finding over the version before it.
func updateFinding(ctx context.Context, tx *db.Tx, f Finding) error {
	n, err := tx.Exec(ctx, `UPDATE hunt_finding SET place = $2, count = $3, quiet = $4, first_at = $5, last_at = $6, state = $7, decision = $8, suppression = $9, released_at = $10,
		changed_at = $11, version = $12 WHERE id = $1 AND version = $12 - 1`, f.ID, f.place, f.Count, f.Quiet, db.Micros(f.First), db.Micros(f.Last), string(f.State), f.Decision,
		f.Suppression, db.Micros(f.ReleasedAt), db.Micros(f.ChangedAt), f.Version)
	if err == nil && n == 0 {
		err = ErrStale
	}
	return err
}

// loadFinding reads a finding of an organisation; another's is not there.
func loadFinding(ctx context.Context, tx *db.Tx, org, id string) (Finding, error) {
	return scanFinding(tx.QueryRow(ctx, "SELECT "+whole+" FROM hunt_finding f"+decided+" WHERE f.org_id = $1 AND f.id = $2", org, id).Scan)
}

func loadTag(ctx context.Context, tx *db.Tx, run, tag string) (Finding, error) {
	return scanFinding(tx.QueryRow(ctx, "SELECT "+whole+" FROM hunt_finding f"+decided+" WHERE f.run_id = $1 AND f.tag = $2", run, tag).Scan)
}

func insertAttack(ctx context.Context, tx *db.Tx, f Finding) error {
	for _, t := range f.Attack {
		if _, err := tx.Exec(ctx, "INSERT INTO hunt_attack (finding_id, technique, org_id, place) VALUES ($1, $2, $3, $4)", f.ID, t, f.org, f.place); err != nil {
			return err
		}
	}
	return nil
}

func moveAttack(ctx context.Context, tx *db.Tx, id string, place int64) error {
	_, err := tx.Exec(ctx, "UPDATE hunt_attack SET place = $2 WHERE finding_id = $1", id, place)
	return err
}

func loadExamples(ctx context.Context, tx *db.Tx, id string) (sealed []byte, err error) {
	err = tx.QueryRow(ctx, "SELECT sealed FROM hunt_example WHERE finding_id = $1", id).Scan(&sealed)
	return sealed, err
}

func putExamples(ctx context.Context, tx *db.Tx, id string, sealed []byte) error {
	_, err := tx.Exec(ctx, "INSERT INTO hunt_example (finding_id, sealed) VALUES ($1, $2) ON CONFLICT (finding_id) DO UPDATE SET sealed = excluded.sealed", id, sealed)
	return err
}

// narrowed is a query over the findings of an organisation that grows by what a
// filter says, so that the database can use the index that fits. Every part is
// a constant of this file; values are arguments.
type narrowed struct {
	db.Query
	from  string // a technique is looked for in its own table
	place string // the columns of the order there
	id    string
}

// tagged is a filter whose names are tags.
type tagged struct {
	FindingFilter
	rule, host, user string
}

func narrow(org string, f tagged) *narrowed {
	q := &narrowed{from: "hunt_finding f", place: "f.place", id: "f.id"}
	if f.Technique != "" {
		q.from, q.place, q.id = "hunt_attack a JOIN hunt_finding f ON f.id = a.finding_id", "a.place", "a.finding_id"
		q.And("a.org_id = ? AND a.technique = ?", org, f.Technique)
	}
	q.And("f.org_id = ?", org)
	for _, x := range []struct{ column, value string }{{"f.hunt_id", f.Hunt}, {"f.run_id", f.Run}, {"f.rule_tag", f.rule}, {"f.host_tag", f.host}, {"f.user_tag", f.user}, {"f.state", string(f.State)}} {
		if x.value != "" {
			q.And(x.column+" = ?", x.value)
		}
	}
	if f.Waiting {
		q.And("f.state IN ('new', 'taken')")
	}
	if f.Level != "" {
		level, _ := sigma.ParseLevel(f.Level) // checked before
		from, to := placesOf(level)
		q.And(q.place+" BETWEEN ? AND ?", from, to)
	}
	return q
}

func (q *narrowed) String() string {
	return " FROM " + q.from + " WHERE " + q.Where()
}

// listFindings gives a page, the gravest first, of one level the newest.
func listFindings(ctx context.Context, tx *db.Tx, org string, f tagged) (out []Finding, next string, err error) {
	var place int64
	var id string
	q := narrow(org, f)
	more, err := db.ParseCursor(f.Cursor, &place, &id)
	if err != nil {
		return nil, "", err
	}
	if more {
		q.And("("+q.place+", "+q.id+") > (?, ?)", place, id)
	}
	limit := db.Limit(f.Limit)
	q.from += decided
	if out, err = q.findings(ctx, tx, limit+1); err != nil {
		return nil, "", err
	}
	out, next = db.Page(out, limit, func(last *Finding) string { return db.Cursor(last.place, last.ID) })
	return out, next, nil
}

func (q *narrowed) findings(ctx context.Context, tx *db.Tx, limit int) (out []Finding, err error) {
	rows, err := tx.Query(ctx, "SELECT "+whole+q.String()+" ORDER BY "+q.place+", "+q.id+" LIMIT "+strconv.Itoa(limit), q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		x, err := scanFinding(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

// countFindings counts what a filter finds.
func countFindings(ctx context.Context, tx *db.Tx, org string, f tagged) (n int, err error) {
	q := narrow(org, f)
	err = tx.QueryRow(ctx, "SELECT count(*)"+q.String(), q.Args...).Scan(&n)
	return n, err
}

// countSome counts what a filter finds, at most so many.
func countSome(ctx context.Context, tx *db.Tx, org string, f tagged, most int) (n int, err error) {
	q := narrow(org, f)
	err = tx.QueryRow(ctx, "SELECT count(*) FROM (SELECT f.id"+q.String()+" LIMIT "+strconv.Itoa(most)+") w", q.Args...).Scan(&n)
	return n, err
}

// countStates counts what a filter finds by state.
func countStates(ctx context.Context, tx *db.Tx, org string, f tagged) (map[State]int, error) {
	q := narrow(org, f)
	out := map[State]int{}
	return out, tallied(ctx, tx, "SELECT f.state, count(*)"+q.String()+" GROUP BY f.state", q.Args, out)
}

// countLevels counts what a filter finds by level, which the place begins with.
func countLevels(ctx context.Context, tx *db.Tx, org string, f tagged) (map[sigma.Level]int, error) {
	q := narrow(org, f)
	places, out := map[int64]int{}, map[sigma.Level]int{}
	err := tallied(ctx, tx, "SELECT "+q.place+" >> 56, count(*)"+q.String()+" GROUP BY "+q.place+" >> 56", q.Args, places)
	for p, n := range places {
		out[sigma.Critical-sigma.Level(p)] += n
	}
	return out, err
}

// tallied reads pairs of what was counted and how often.
func tallied[K comparable](ctx context.Context, tx *db.Tx, query string, args []any, out map[K]int) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k K
		var n int
		if err := rows.Scan(&k, &n); err != nil {
			return err
		}
		out[k] = n
	}
	return rows.Err()
}

// countWaiting counts what waits for somebody, at most so many.
func countWaiting(ctx context.Context, tx *db.Tx, org string, most int) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT count(*) FROM (SELECT f.id FROM hunt_finding f JOIN hunt_hunt h ON h.id = f.hunt_id
		WHERE f.org_id = $1 AND h.org_id = $1 AND f.state IN ('new', 'taken') AND h.state = 'open' LIMIT $2) w`, org, most).Scan(&n)
	return n, err
}

// sampled is one value of a side list with one finding that has it.
type sampled struct {
	key, sample string
	n           int
}

// countBy counts findings by one of their columns, the most first: of more than
// one run can have, the gravest ones. They are taken in the order of lists, whose
// index has the columns, before they are put into groups.
func countBy(ctx context.Context, tx *db.Tx, org string, f tagged, column string, limit int) (out []sampled, err error) {
	q := narrow(org, f)
	if column == "t.technique" {
		q.from += " JOIN hunt_attack t ON t.finding_id = f.id"
	}
	rows, err := tx.Query(ctx, "SELECT x.name, count(*), min(x.id) FROM (SELECT "+column+" AS name, f.id AS id"+q.String()+" ORDER BY "+q.place+", "+q.id+" LIMIT "+strconv.Itoa(maxFindings)+
		") x GROUP BY x.name ORDER BY count(*) DESC, x.name LIMIT "+strconv.Itoa(limit), q.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c sampled
		if err := rows.Scan(&c.key, &c.n, &c.sample); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// rareRules counts the findings of rules that found little: the tags of those
// with so many findings at the most.
func rareRules(ctx context.Context, tx *db.Tx, org string, f tagged, most int) (map[string]int, error) {
	q := narrow(org, f)
	out := map[string]int{}
	return out, tallied(ctx, tx, "SELECT x.name, count(*) FROM (SELECT f.rule_tag AS name"+q.String()+" ORDER BY "+q.place+", "+q.id+" LIMIT "+strconv.Itoa(maxFindings)+
		") x GROUP BY x.name HAVING count(*) <= "+q.Arg(most), q.Args, out)
}

// nearFindings lists what has a tag in a column and some time in common with a
// span, without the finding itself.
func nearFindings(ctx context.Context, tx *db.Tx, org, column, tag, not string, from, until int64, limit int) ([]Finding, error) {
	q := &narrowed{from: "hunt_finding f" + decided, place: "f.place", id: "f.id"}
	q.And("f.org_id = ?", org)
	q.And(column+" = ?", tag)
	q.And("f.last_at >= ? AND f.first_at <= ? AND f.first_at > 0 AND f.id <> ?", from, until, not)
	return q.findings(ctx, tx, limit)
}

// The rules of which of two runs findings are in; a is the older, b the newer.
var changeRules = map[Change]string{
	Came: "f.run_id = $2 AND NOT EXISTS (SELECT 1 FROM hunt_finding o WHERE o.run_id = $1 AND o.tag = f.tag)",
	Gone: "f.run_id = $1 AND NOT EXISTS (SELECT 1 FROM hunt_finding o WHERE o.run_id = $2 AND o.tag = f.tag)",
	Both: "f.run_id = $2 AND EXISTS (SELECT 1 FROM hunt_finding o WHERE o.run_id = $1 AND o.tag = f.tag)",
}

// countRun counts the findings of a run, and countBoth those of a run that
// another has too.
func countRun(ctx context.Context, tx *db.Tx, run string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM hunt_finding f WHERE f.run_id = $1", run).Scan(&n)
	return n, err
}

func countBoth(ctx context.Context, tx *db.Tx, before, after string) (n int, err error) {
	err = tx.QueryRow(ctx, "SELECT count(*) FROM hunt_finding f WHERE "+changeRules[Both], before, after).Scan(&n)
	return n, err
}

func listChange(ctx context.Context, tx *db.Tx, org, before, after string, change Change, cursor string, limit int) (out []Finding, next string, err error) {
	var place int64
	var id string
	q := &narrowed{from: "hunt_finding f" + decided, place: "f.place", id: "f.id"}
	q.Args = []any{before, after} // $1 and $2 of changeRules
	q.And(changeRules[change])
	q.And("f.org_id = ?", org)
	more, err := db.ParseCursor(cursor, &place, &id)
	if err != nil {
		return nil, "", err
	}
	if more {
		q.And("(f.place, f.id) > (?, ?)", place, id)
	}
	limit = db.Limit(limit)
	if out, err = q.findings(ctx, tx, limit+1); err != nil {
		return nil, "", err
	}
	out, next = db.Page(out, limit, func(last *Finding) string { return db.Cursor(last.place, last.ID) })
	return out, next, nil
}
