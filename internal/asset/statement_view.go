package asset

import (
	"strings"

	"noroshi/internal/base/text"
)

// StatementView is a statement in words: what the page, the workbook and the
// print show, so that all three say the same.
type StatementView struct {
	Lang   text.Lang
	Title  string
	Number string
	Note   string      // that the layout is ours
	Cover  [][2]string // label, value
	Tables []ViewTable // this statement; all equipment afterwards; what was left out
	Warn   string      // undecided scope, or empty
}

// ViewTable is one table of a StatementView. Every row has as many cells as
// Heads.
type ViewTable struct {
	Name  string
	Note  string
	Heads []string
	Rows  [][]string
}

// View puts a statement into words. The rules say which fields are shown.
func (s *Statement) View(r *Rules, say text.Printer) StatementView {
	v := StatementView{Lang: say.Lang, Title: say.T("asset.statement.title"), Number: say.T("asset.statement.number", "n", s.Number), Note: say.T("asset.statement.layout_note")}
	since := say.T("asset.statement.first")
	if s.Since != nil {
		since = say.T("asset.statement.previous", "n", s.Since.Number, "date", sayDate(say, s.Since.On))
	}
	c := s.Counts
	v.Cover = [][2]string{
		{say.T("asset.statement.to"), s.Filer.To},
		{say.T("asset.statement.from"), s.Filer.Name},
		{say.T("asset.statement.corporate_number"), s.Filer.Corporate},
		{say.T("asset.statement.sector"), s.Filer.Sector},
		{say.T("asset.statement.made"), sayDate(say, s.On)},
		{say.T("asset.statement.since"), since},
		{say.T("asset.statement.law"), say.T("asset.statement.law_text")},
		{say.T("asset.statement.counts"), say.T("asset.statement.counts_text", "introduced", c.Introduced, "changed", c.Changed, "withdrawn", c.Withdrawn)},
		{say.T("asset.statement.total"), say.T("asset.statement.total_text", "n", c.Entries, "devices", c.Devices)},
	}
	if n := len(s.Undecided); n > 0 {
		v.Warn = say.T("asset.statement.unsure_note", "n", n)
	}
	fields := r.NotifiedFields()
	v.Tables = append(v.Tables, s.difference(fields, say), s.state(fields, say))
	if len(s.Excluded) > 0 {
		v.Tables = append(v.Tables, s.leftOut(say))
	}
	return v
}

func (s *Statement) difference(fields []Field, say text.Printer) ViewTable {
	t := ViewTable{Name: say.T("asset.statement.sheet_difference"), Heads: []string{say.T("asset.statement.no"), say.T("asset.statement.event")}}
	for _, f := range fields {
		t.Heads = append(t.Heads, say.T("asset.field."+f.String()))
	}
	t.Heads = append(t.Heads, say.T("asset.statement.changed_fields"), say.T("asset.statement.due"), say.T("asset.statement.basis"))
	for i := range s.Entries {
		e := &s.Entries[i]
		row := []string{say.Number(int64(e.No)), say.T("asset.event." + string(e.Event))}
		for _, f := range fields {
			row = append(row, SayValue(say, &e.Item, f))
		}
		var changes []string
		for _, c := range e.Changes {
			name, from, to := sayChange(say, c)
			changes = append(changes, say.T("asset.statement.change_line", "field", name, "from", from, "to", to))
		}
		t.Rows = append(t.Rows, append(row, strings.Join(changes, "\n"), e.Due.Say(say), e.Due.Source.In(say.Lang)))
	}
	return t
}

func (s *Statement) state(fields []Field, say text.Printer) ViewTable {
	t := ViewTable{Name: say.T("asset.statement.sheet_state")}
	for _, f := range fields {
		t.Heads = append(t.Heads, say.T("asset.field."+f.String()))
	}
	for i := range s.Equipment {
		row := make([]string, 0, len(fields))
		for _, f := range fields {
			row = append(row, SayValue(say, &s.Equipment[i], f))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

func (s *Statement) leftOut(say text.Printer) ViewTable {
	t := ViewTable{
		Name: say.T("asset.statement.sheet_excluded"), Note: say.T("asset.statement.excluded_note"),
		Heads: []string{say.T("asset.field.id"), say.T("asset.field.maker"), say.T("asset.field.product"), say.T("asset.field.quantity"), say.T("asset.statement.reason"), say.T("asset.statement.law")},
	}
	for i := range s.Excluded {
		x := &s.Excluded[i]
		t.Rows = append(t.Rows, []string{x.Item.Key, x.Item.Maker, x.Item.Product, x.Item.Value(FieldQuantity), x.Reason.In(say.Lang), x.Source.In(say.Lang)})
	}
	return t
}

// Say says when a notification is due: a day only when the law names one.
// "Promptly" keeps its word, with our own target named as ours.
func (d Due) Say(say text.Printer) string {
	var s string
	switch {
	case !d.Statutory.IsZero():
		s = say.T("asset.statement.due_day", "date", sayDate(say, d.Statutory))
	case !d.House.IsZero():
		s = say.T("asset.statement.due_house", "date", sayDate(say, d.House))
	default:
		s = say.T("asset.statement.due_promptly")
	}
	if !d.Verified {
		s += say.T("asset.statement.unverified")
	}
	return s
}

// SayValue says a field of a piece of equipment in words: kinds and zones by
// name, own staff as such, everything else as written.
func SayValue(say text.Printer, it *Item, f Field) string {
	return sayText(say, f, it.Value(f))
}

func sayText(say text.Printer, f Field, v string) string {
	switch {
	case v == "":
		return ""
	case f == FieldKind:
		return say.T("asset.kind." + v)
	case f == FieldZone:
		return say.T("asset.zone." + v)
	case f == FieldOperatedBy && v == Own:
		return say.T("asset.operated.own")
	}
	return v
}

// sayChange says one change in words: the field, and its value before and
// after.
func sayChange(say text.Printer, c Change) (name, from, to string) {
	name, from, to = strings.TrimPrefix(c.Field, "further/"), c.From, c.To
	if f, ok := FieldNamed(c.Field); ok {
		name, from, to = say.T("asset.field."+c.Field), sayText(say, f, from), sayText(say, f, to)
	} else if c.Field == "used" || c.Field == "affects" { // answers of the scope check
		name = say.T("asset.field." + c.Field)
		for _, v := range []*string{&from, &to} {
			if *v != "" {
				*v = say.T("asset.answer." + *v)
			}
		}
	}
	for _, v := range []*string{&from, &to} {
		if *v == "" {
			*v = say.T("asset.statement.empty_value")
		}
	}
	return name, from, to
}

func sayDate(say text.Printer, d Date) string {
	if d.IsZero() {
		return ""
	}
	return say.Date(d.In(say.Zone))
}
