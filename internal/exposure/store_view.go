package exposure

import (
	"context"
	"errors"
	"strings"
	"time"

	"noroshi/internal/base/db"
)

// lastOf returns what a person did last since a time, with the exposures it
// was done to; the zero value when they did nothing.
func lastOf(ctx context.Context, tx *db.Tx, person string, since time.Time) (l LastAct, err error) {
	var at int64
	err = tx.QueryRow(ctx, "SELECT entry, what, at FROM exposure_past WHERE person = $1 AND at >= $2 AND entry <> '' ORDER BY at DESC, id DESC LIMIT 1", person, db.Micros(since)).Scan(&l.Entry, &l.What, &at)
	if errors.Is(err, db.ErrNoRows) {
		return LastAct{}, nil
	}
	if err != nil {
		return l, err
	}
	l.At = db.Time(at)
	rows, err := tx.Query(ctx, "SELECT row_id FROM exposure_past WHERE entry = $1 AND person = $2 ORDER BY row_id LIMIT $3", l.Entry, person, maxBulk)
	if err != nil {
		return l, err
	}
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return l, err
		}
		l.Exposures = append(l.Exposures, id)
	}
	return l, rows.Err()
}

// closedAt is when somebody did the last thing about a row that waits no more,
// or when it ended.
const closedAt = "CASE WHEN r.state = 'ended' THEN r.ended_at ELSE coalesce((SELECT max(x.at) FROM exposure_past x WHERE x.row_id = r.id AND x.what IN ('judged', 'handled', 'carried')), r.changed_at) END"

// span is rows that began in one week and stopped waiting in another; weeks are
// numbered from the first one drawn, 0 is before it.
type span struct {
	priority   Priority
	from, till int
	n          int
}

// spans counts rows within reach by the week in which they were found and the
// week in which nobody had to do anything about them any more; weeks+1 while
// they wait.
func spans(ctx context.Context, tx *db.Tx, w reachOf, start int64, weeks int) (out []span, err error) {
	var a db.Query
	where := w.where(&a)
	priority := "r.priority"
	if w.operated != "" {
		priority = "p.priority"
	}
	first, length, end := a.Arg(start), a.Arg(int64(weekMicros)), a.Arg(weeks+1)
	week := func(col string) string {
		return "CASE WHEN " + col + " <= CAST(" + first + " AS BIGINT) THEN 0 ELSE (" + col + " - CAST(" + first + " AS BIGINT) - 1) / CAST(" + length + " AS BIGINT) + 1 END"
	}
	rows, err := tx.Query(ctx, "SELECT "+priority+", "+week("r.found_at")+" AS a, CASE WHEN r.open = 1 THEN CAST("+end+" AS BIGINT) ELSE "+week(closedAt)+" END AS b, count(*) FROM "+w.from()+
		" WHERE "+where+" AND (r.open = 1 OR "+closedAt+" > CAST("+first+" AS BIGINT)) GROUP BY "+priority+", a, b", a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s span
		if err := rows.Scan(&s.priority, &s.from, &s.till, &s.n); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// spread counts open rows of one vulnerability by sector and priority; an
// operator of two sectors counts in both.
func spread(ctx context.Context, tx *db.Tx, w reachOf, vulnerability string) (out []Spread, err error) {
	var a db.Query
	where := w.where(&a)
	if !w.all && len(w.sectors) > 0 {
		where += " AND z.sector IN " + list(&a, w.sectors)
	}
	rows, err := tx.Query(ctx, "SELECT z.sector, r.priority, count(DISTINCT r.org_id), sum(r.devices) FROM "+w.from()+" JOIN exposure_sector z ON z.org_id = r.org_id WHERE "+where+
		" AND r.open + 0 = 1 AND r.vulnerability = "+a.Arg(vulnerability)+" GROUP BY z.sector, r.priority ORDER BY r.priority DESC, z.sector", a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Spread
		if err := rows.Scan(&s.Sector, &s.Priority, &s.Orgs, &s.Devices); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// concerned counts the operators and pieces of equipment that a vulnerability
// concerns and that wait.
func concerned(ctx context.Context, tx *db.Tx, w reachOf, vulnerability string) (orgs, devices int, err error) {
	var a db.Query
	where := w.where(&a)
	err = tx.QueryRow(ctx, "SELECT count(DISTINCT r.org_id), coalesce(sum(r.devices), 0) FROM "+w.from()+" WHERE "+where+" AND r.open + 0 = 1 AND r.vulnerability = "+a.Arg(vulnerability), a.Args...).Scan(&orgs, &devices)
	return orgs, devices, err
}

// groupRows lists what vulnerabilities concern within reach, one line each, by
// what to do next, after a cursor. It walks the rows by rank and stops at the
// first row of each vulnerability, so that a page costs what it shows.
func groupRows(ctx context.Context, tx *db.Tx, w reachOf, f *Filter) (out []Group, next string, err error) {
	var a db.Query
	where := append([]string{w.where(&a)}, f.conditions(w, &a)...)
	before := strings.Join(append([]string{w.where(&a)}, f.conditions(w, &a)...), " AND ")
	before = strings.ReplaceAll(byVulnerability(before), "r.", "b.")
	where = append(where, "NOT EXISTS (SELECT 1 FROM exposure_row b WHERE b.vulnerability = r.vulnerability AND (b.rank, b.id) > (r.rank, r.id) AND "+before+")")
	var at int64
	var id string
	if ok, err := db.ParseCursor(f.Cursor, &at, &id); err != nil {
		return nil, "", err
	} else if ok {
		where = append(where, "(r.rank, r.id) < ("+a.Arg(at)+", "+a.Arg(id)+")")
	}
	limit := db.Limit(f.Limit)
	first, err := scanRows(tx.Query(ctx, "SELECT "+w.columns()+" FROM "+w.from()+" WHERE "+strings.Join(where, " AND ")+" ORDER BY r.rank DESC, r.id DESC LIMIT "+a.Arg(limit+1), a.Args...))
	if err != nil || len(first) == 0 {
		return nil, "", err
	}
	first, next = db.Page(first, limit, func(last *rowRow) string { return db.Cursor(last.rank, string(last.ID)) })
	place := map[string]int{}
	ids := make([]string, len(first))
	for i := range first {
		r := &first[i]
		ids[i], place[r.Vulnerability] = r.Vulnerability, i
		out = append(out, Group{Vulnerability: r.Vulnerability, Priority: r.Priority})
	}
	a = db.Query{}
	conds := byVulnerability(strings.Join(append([]string{w.where(&a)}, f.conditions(w, &a)...), " AND "))
	rows, err := tx.Query(ctx, "SELECT r.vulnerability, max(r.exploited), count(DISTINCT r.org_id), sum(r.devices), sum(CASE WHEN r.state = 'new' THEN 1 ELSE 0 END) FROM "+w.from()+
		" WHERE r.vulnerability IN "+list(&a, ids)+" AND "+conds+" GROUP BY r.vulnerability", a.Args...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var g Group
		var exploited int
		if err := rows.Scan(&g.Vulnerability, &exploited, &g.Orgs, &g.Devices, &g.New); err != nil {
			return nil, "", err
		}
		x := &out[place[g.Vulnerability]]
		x.Exploited, x.Orgs, x.Devices, x.New = exploited == 1, g.Orgs, g.Devices, g.New
	}
	return out, next, rows.Err()
}

// byVulnerability keeps a planner without statistics from reading every open
// row where the few of one vulnerability are asked for.
func byVulnerability(conditions string) string {
	return strings.ReplaceAll(conditions, "r.open = 1", "r.open + 0 = 1")
}

// writtenNames returns how operators write products that have no other name, by
// operator and product key.
func writtenNames(ctx context.Context, tx *db.Tx, orgs []string) (map[[2]string]string, error) {
	var a db.Query
	rows, err := queryNames(ctx, tx, "org_id IN "+list(&a, orgs)+" AND (org_id, maker_key, ware_key) IN (SELECT r.org_id, n.maker_key, n.ware_key FROM exposure_row r JOIN exposure_name n ON n.org_id = r.org_id AND r.product_key = 'text:' || n.maker_key || '/' || n.ware_key WHERE r.org_id IN "+list(&a, orgs)+") LIMIT 2000", &a)
	out := map[[2]string]string{}
	for i := range rows {
		out[[2]string{rows[i].org, textKey(rows[i].maker, rows[i].ware)}] = rows[i].makerName + " " + rows[i].wareName
	}
	return out, err
}
