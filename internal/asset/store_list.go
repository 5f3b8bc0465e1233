package asset

import (
	"context"
	"fmt"
	"strings"

	"noroshi/internal/base/db"
)

// glimpse is what filters and counts need of an entry: its open columns, and the
// hint that only the owner's key opens.
type glimpse struct {
	id        ID
	item      Item
	confirmed int64
	hint      []byte
}

const cutColumns = "id, key, kind, maker_key, product_key, product, product_name, quantity, service, operated_by, support_ends, confirmed_at, hint"

func scanCut(scan func(...any) error, c *glimpse) error {
	var ends string
	it := &c.item
	*it = Item{}
	if err := scan(&c.id, &it.Key, &it.Kind, &it.MakerKey, &it.ProductKey, &it.Product, &it.ProductName, &it.Quantity, &it.Service, &it.OperatedBy, &ends, &c.confirmed, &c.hint); err != nil {
		return err
	}
	it.ID = c.id
	return it.SupportEnds.UnmarshalText([]byte(ends))
}

// order is a way to sort a register, with an index behind it.
type order struct {
	columns []string // without id, which always ends it
	down    bool
}

var orders = map[string][]string{"key": {"key"}, "product": {"maker_key", "product_key"}, "confirmed": {"confirmed_at"}, "support": {"support_ends"}}

// parseOrder reads a sort parameter; what it does not know is the first order.
func parseOrder(s string) order {
	name, down := strings.CutPrefix(s, "-")
	if cols, ok := orders[name]; ok {
		return order{cols, down}
	}
	return order{columns: orders["key"]}
}

// at returns where an entry stands in the order: the keys of a cursor.
func (o order) at(c *glimpse) []any {
	var out []any
	for _, col := range o.columns {
		switch col {
		case "key":
			out = append(out, c.item.Key)
		case "maker_key":
			out = append(out, c.item.MakerKey)
		case "product_key":
			out = append(out, c.item.ProductKey)
		case "confirmed_at":
			out = append(out, c.confirmed)
		case "support_ends":
			out = append(out, c.item.SupportEnds.String())
		}
	}
	return append(out, string(c.id))
}

// parse reads the cursor of the order; false when there is none.
func (o order) parse(cursor string) (keys []any, ok bool, err error) {
	into := make([]any, 0, 3)
	for _, col := range o.columns {
		if col == "confirmed_at" {
			into = append(into, new(int64))
		} else {
			into = append(into, new(string))
		}
	}
	into = append(into, new(string))
	if ok, err = db.ParseCursor(cursor, into...); !ok || err != nil {
		return nil, false, err
	}
	for _, p := range into {
		switch v := p.(type) {
		case *int64:
			keys = append(keys, *v)
		case *string:
			keys = append(keys, *v)
		}
	}
	return keys, true, nil
}

// span is a part of a register to walk along an index.
type span struct {
	whose
	order
	where []string // conditions with ? in place of the value
	args  []any
	after []any // keys of the entry before the first; none = from the start
}

// and adds a condition on one column.
func (s *span) and(cond string, arg any) {
	s.where, s.args = append(s.where, cond), append(s.args, arg)
}

// walk calls each for the entries of a span in their order, at most limit of
// them, until each says stop.
func walk(ctx context.Context, tx *db.Tx, s *span, limit int, each func(c *glimpse) (stop bool, err error)) error {
	where, args := s.whose.where()
	var b strings.Builder
	fmt.Fprintf(&b, "SELECT %s FROM asset_item WHERE %s", cutColumns, where)
	for i, cond := range s.where {
		args = append(args, s.args[i])
		b.WriteString(" AND " + strings.Replace(cond, "?", fmt.Sprintf("$%d", len(args)), 1))
	}
	cols := append(append([]string{}, s.columns...), "id")
	if len(s.after) > 0 {
		cmp := ">"
		if s.down {
			cmp = "<"
		}
		fmt.Fprintf(&b, " AND (%s) %s (%s)", strings.Join(cols, ", "), cmp, places(len(args), len(s.after)))
		args = append(args, s.after...)
	}
	b.WriteString(" ORDER BY ")
	for i, c := range cols {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c)
		if s.down {
			b.WriteString(" DESC")
		}
	}
	args = append(args, limit)
	fmt.Fprintf(&b, " LIMIT $%d", len(args))
	rows, err := tx.Query(ctx, b.String(), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var c glimpse
	for rows.Next() {
		if err := scanCut(rows.Scan, &c); err != nil {
			return err
		}
		if stop, err := each(&c); stop || err != nil {
			return err
		}
	}
	return rows.Err()
}
