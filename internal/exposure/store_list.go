package exposure

import (
	"context"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
)

// reachOf are the rows that who acts may reach. It is written into every query.
type reachOf struct {
	all       bool
	org       string
	sectors   []string
	operated  string   // corporate number of a contractor
	customers []string // its customers
}

// where writes the condition on the rows, named r, and on the parts, named p,
// of a contractor.
func (w reachOf) where(a *db.Query) string {
	switch {
	case w.all:
		return "1 = 1"
	case w.org != "":
		return "r.org_id = " + a.Arg(w.org)
	case w.operated != "":
		return "p.operated_by = " + a.Arg(w.operated) + " AND p.org_id IN " + list(a, w.customers)
	}
	return "r.org_id IN (SELECT x.org_id FROM exposure_sector x WHERE x.sector IN " + list(a, w.sectors) + ")"
}

// from names the tables; a contractor's rows are its parts.
func (w reachOf) from() string {
	if w.operated != "" {
		return "exposure_row r JOIN exposure_part p ON p.row_id = r.id"
	}
	return "exposure_row r"
}

// columns are those of rowList; of a part where there is one.
func (w reachOf) columns() string {
	if w.operated == "" {
		return "r." + strings.ReplaceAll(rowList, ", ", ", r.")
	}
	cols := strings.Split(rowList, ", ")
	for i, c := range cols {
		switch c {
		case "verdict", "certainty", "entries", "devices", "priority", "rank", "sealed":
			cols[i] = "p." + c
		default:
			cols[i] = "r." + c
		}
	}
	return strings.Join(cols, ", ")
}

func (w reachOf) rank() string {
	if w.operated != "" {
		return "p.rank"
	}
	return "r.rank"
}

// loadRows returns rows by id as far as they are within reach.
func loadRows(ctx context.Context, tx *db.Tx, w reachOf, ids []ID, lock bool) (out []rowRow, err error) {
	var a db.Query
	q := "SELECT " + w.columns() + " FROM " + w.from() + " WHERE " + w.where(&a) + " AND r.id IN " + list(&a, ids) + " ORDER BY r.id"
	if lock {
		q += tx.ForUpdate()
	}
	return scanRows(tx.Query(ctx, q, a.Args...))
}

func scanRows(rows *db.Rows, err error) (out []rowRow, _ error) {
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

// conditions writes those of a filter.
func (f *Filter) conditions(w reachOf, a *db.Query) (where []string) {
	col := func(name string) string {
		if w.operated != "" {
			return "p." + name
		}
		return "r." + name
	}
	switch {
	case f.State != "":
		where = append(where, "r.state = "+a.Arg(string(f.State)))
	case f.All:
	default:
		where = append(where, "r.open = 1")
	}
	for _, c := range []struct{ col, value string }{{"r.org_id", f.Org}, {"r.vulnerability", f.Vulnerability}, {"r.product_key", f.ProductKey}} {
		if c.value != "" {
			where = append(where, c.col+" = "+a.Arg(c.value))
		}
	}
	if f.Sector != "" {
		where = append(where, "r.org_id IN (SELECT y.org_id FROM exposure_sector y WHERE y.sector = "+a.Arg(f.Sector)+")")
	}
	if f.Priority != "" {
		p, _ := ParsePriority(f.Priority)
		low, high := ranksOf(p)
		where = append(where, col("rank")+" >= "+a.Arg(low), col("rank")+" < "+a.Arg(high))
	}
	if f.Verdict == product.VerdictAffected.String() {
		where = append(where, col("verdict")+" = "+a.Arg(int(product.VerdictAffected)))
	}
	if f.Verdict == product.Unknown.String() {
		where = append(where, col("verdict")+" = "+a.Arg(int(product.Unknown)))
	}
	if f.Exploited {
		where = append(where, "r.exploited = 1")
	}
	switch f.Kind {
	case "support":
		where = append(where, "r.vulnerability = "+a.Arg(SupportEnd))
	case "vulnerability":
		where = append(where, "r.vulnerability <> "+a.Arg(SupportEnd))
	}
	return where
}

// findRows lists rows within reach in an order, after a cursor.
func findRows(ctx context.Context, tx *db.Tx, w reachOf, f *Filter) (out []rowRow, next string, err error) {
	var a db.Query
	where := append([]string{w.where(&a)}, f.conditions(w, &a)...)
	order := w.rank()
	if f.Sort == SortNewest {
		order = "r.found_at"
	}
	var at int64
	var id string
	if ok, err := db.ParseCursor(f.Cursor, &at, &id); err != nil {
		return nil, "", err
	} else if ok {
		where = append(where, "("+order+", r.id) < ("+a.Arg(at)+", "+a.Arg(id)+")")
	}
	limit := db.Limit(f.Limit)
	q := "SELECT " + w.columns() + " FROM " + w.from() + " WHERE " + strings.Join(where, " AND ") + " ORDER BY " + order + " DESC, r.id DESC LIMIT " + a.Arg(limit+1)
	out, err = scanRows(tx.Query(ctx, q, a.Args...))
	if len(out) > limit {
		out = out[:limit]
		last := &out[limit-1]
		at := last.rank
		if f.Sort == SortNewest {
			at = db.Micros(last.FoundAt)
		}
		next = db.Cursor(at, string(last.ID))
	}
	return out, next, err
}

// tally counts open rows within reach by priority.
func tally(ctx context.Context, tx *db.Tx, w reachOf, f *Filter) (out map[Priority]int, err error) {
	var a db.Query
	where := append([]string{w.where(&a)}, f.conditions(w, &a)...)
	col := w.rank() + " / 1048576" // the priority, out of the index: see rankOf
	rows, err := tx.Query(ctx, "SELECT "+col+", count(*) FROM "+w.from()+" WHERE "+strings.Join(where, " AND ")+" GROUP BY "+col, a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out = map[Priority]int{}
	for rows.Next() {
		var p Priority
		var n int
		if err := rows.Scan(&p, &n); err != nil {
			return nil, err
		}
		out[p] = n
	}
	return out, rows.Err()
}

// Cell is one cell of the map of exposure.
type Cell struct {
	Sector   string   `json:"sector"`
	Product  string   `json:"product"`
	Key      string   `json:"product_key"`
	Week     string   `json:"week,omitempty"` // Monday of the week in which they were found, 2026-11-16
	Priority Priority `json:"priority"`       // the most urgent
	Rows     int      `json:"rows"`
	Orgs     int      `json:"orgs"`
	Devices  int      `json:"devices"`
	week     int64
}

// weekMicros is the length of a week; 1970-01-05 was a Monday.
const (
	weekMicros  = 7 * 24 * 3600 * 1_000_000
	weekShift   = 4 * 24 * 3600 * 1_000_000 // from Thursday to Monday
	japanMicros = 9 * 3600 * 1_000_000
)

// cells counts open rows by sector, product and, if asked, week.
func cells(ctx context.Context, tx *db.Tx, w reachOf, f *Filter, weeks bool, limit int) (out []Cell, err error) {
	var a db.Query
	where := append([]string{w.where(&a)}, f.conditions(w, &a)...)
	if !w.all && len(w.sectors) > 0 { // an operator may be of a sector the ministry has nothing to do with
		where = append(where, "z.sector IN "+list(&a, w.sectors))
	}
	week := "0"
	if weeks {
		shift, length := a.Arg(int64(japanMicros-weekShift)), a.Arg(int64(weekMicros))
		week = "(r.found_at + CAST(" + shift + " AS BIGINT)) / CAST(" + length + " AS BIGINT)"
	}
	q := "SELECT z.sector, r.product_key, " + week + " AS week, max(r.priority), count(*), count(DISTINCT r.org_id), sum(r.devices) FROM " + w.from() +
		" JOIN exposure_sector z ON z.org_id = r.org_id WHERE " + strings.Join(where, " AND ") +
		" GROUP BY z.sector, r.product_key, week ORDER BY max(r.priority) DESC, count(DISTINCT r.org_id) DESC, z.sector, r.product_key, week LIMIT " + a.Arg(limit)
	rows, err := tx.Query(ctx, q, a.Args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c Cell
		if err := rows.Scan(&c.Sector, &c.Key, &c.week, &c.Priority, &c.Rows, &c.Orgs, &c.Devices); err != nil {
			return nil, err
		}
		c.Product = productName(c.Key)
		out = append(out, c)
	}
	return out, rows.Err()
}

// figures counts what an executive asks.
func figures(ctx context.Context, tx *db.Tx, w reachOf, week int64) (f Figures, err error) {
	act, _ := ranksOf(Act)
	var attacked []string
	var attackedArgs []any
	for p := Track; p <= Act; p++ {
		_, high := ranksOf(p)
		attacked = append(attacked, "r.rank >= ? AND r.rank < ?")
		attackedArgs = append(attackedArgs, high-rankExploited, high)
	}
	for _, q := range []struct {
		into *int
		cond string
		args []any
	}{
		{&f.Act, "r.open = 1 AND r.rank >= ?", []any{act}},
		{&f.Attacked, "r.open = 1 AND (" + strings.Join(attacked, " OR ") + ")", attackedArgs},
		{&f.Unsupported, "r.open = 1 AND r.vulnerability = ? AND r.certainty = 0", []any{SupportEnd}},
		{&f.New, "r.open = 1 AND r.found_at >= ?", []any{week}},
		{&f.Closed, "r.open = 0 AND " + closedAt + " >= ?", []any{week}},
	} {
		var a db.Query
		a.And(w.where(&a))
		a.And(q.cond, q.args...)
		if err := tx.QueryRow(ctx, "SELECT count(*) FROM "+w.from()+" WHERE "+a.Where(), a.Args...).Scan(q.into); err != nil {
			return f, err
		}
	}
	return f, nil
}
