package incident

import (
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

// ParseForm reads a posted form into values. Control names are the field's id
// with a suffix:
//
//	event.title                        the answer, repeated for options and lists
//	event.occurred_at.state            known, range, unknown or investigating
//	event.occurred_at.min .max         the ends of a range
//	event.occurred_at.year .month .day .hour .minute .zone
//	contact.duty/name                  a column of a record
//	systems.affected/0/name            a column of a table's first row
//
// Only the fields given are read; a field the form does not mention is not in
// the result, one that was emptied is there with the zero Value. Places name
// the field's id, then as Parse does.
func ParseForm(form map[string][]string, fields []*Field, zone *time.Location) (map[FieldID]Value, []fault.Place) {
	values, bad := map[FieldID]Value{}, []fault.Place(nil)
	rows := rowsOf(form)
	for _, f := range fields {
		a, posted := answerOf(form, string(f.ID), zone)
		if r, ok := rows[f.ID]; ok {
			a.Rows, posted = r, true
		}
		if !posted {
			continue
		}
		v, wrong := f.Parse(a)
		for _, p := range wrong {
			p.At = string(f.ID) + p.At
			bad = append(bad, p)
		}
		if len(wrong) == 0 {
			values[f.ID] = v
		}
	}
	return values, bad
}

func answerOf(form map[string][]string, id string, zone *time.Location) (a Answer, posted bool) {
	one := func(suffix string) string {
		v, ok := form[id+suffix]
		posted = posted || ok
		if len(v) == 0 {
			return ""
		}
		return v[len(v)-1]
	}
	a = Answer{State: ValueState(one(".state")), Text: form[id], Min: one(".min"), Max: one(".max"), Zone: zone}
	_, plain := form[id]
	posted = posted || plain
	if y, m, d := one(".year"), one(".month"), one(".day"); y+m+d != "" {
		s := y + "-" + m + "-" + d
		if h, min := one(".hour"), one(".minute"); h+min != "" {
			s += " " + h + ":" + min + " " + one(".zone")
		}
		a.Text = []string{s}
	}
	return a, posted
}

// maxFormRows bounds the row number a form may name.
const maxFormRows = 1000

// rowsOf gathers the cells of records and tables. Row numbers only order the
// rows; gaps close.
func rowsOf(form map[string][]string) map[FieldID][]Row {
	cells := map[FieldID]map[int]Row{}
	last := map[FieldID]int{}
	for name, v := range form {
		id, rest, ok := strings.Cut(name, "/")
		if !ok || len(v) == 0 {
			continue
		}
		n := 0
		if index, column, nested := strings.Cut(rest, "/"); nested {
			i, err := strconv.Atoi(index)
			if err != nil || i < 0 || i >= maxFormRows {
				continue
			}
			n, rest = i, column
		}
		f := FieldID(id)
		if cells[f] == nil {
			cells[f] = map[int]Row{}
		}
		if cells[f][n] == nil {
			cells[f][n] = Row{}
		}
		cells[f][n][rest] = v[len(v)-1]
		last[f] = max(last[f], n)
	}
	out := make(map[FieldID][]Row, len(cells))
	for f, rows := range cells {
		for i := range last[f] + 1 {
			if rows[i] != nil {
				out[f] = append(out[f], rows[i])
			}
		}
	}
	return out
}
