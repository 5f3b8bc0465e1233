package incident

import (
	"reflect"
	"slices"
	"strings"
)

// Change is one difference between two versions of a report. Field is a
// question's id, or "report.kind" and its like for what stands outside the
// questions. Old is the zero Value for an answer that came, New for one that went.
type Change struct {
	Field FieldID     `json:"field"`
	Old   Value       `json:"old"`
	New   Value       `json:"new"`
	Rows  []RowChange `json:"rows,omitempty"` // of a table with both sides known: what happened to each row
}

// RowChange is a row that came, went or changed. From and To are the row's
// places in the old and new table, -1 where it is not.
type RowChange struct {
	From    int      `json:"from"`
	To      int      `json:"to"`
	Columns []string `json:"columns,omitempty"` // the cells that differ, when the row stands in both
}

// The changes that are not of a question.
const (
	ChangedKind     FieldID = "report.kind"
	ChangedStage    FieldID = "report.stage"
	ChangedClass    FieldID = "report.class"
	ChangedSeverity FieldID = "report.severity"
	ChangedTLP      FieldID = "report.tlp"
	ChangedConsent  FieldID = "consent." // followed by the consent's id
)

// Diff tells, field by field and in the order of the form, how the new version
// differs from the old. Id and version number differ by nature and are not told.
func Diff(old, new *Report) []Change {
	var out []Change
	plain := func(id FieldID, a, b string) {
		if a != b {
			out = append(out, Change{Field: id, Old: told(a), New: told(b)})
		}
	}
	plain(ChangedKind, string(old.Kind), string(new.Kind))
	plain(ChangedStage, string(old.Stage), string(new.Stage))
	plain(ChangedClass, old.Class, new.Class)
	plain(ChangedSeverity, string(old.Severity), string(new.Severity))
	plain(ChangedTLP, string(old.TLP), string(new.TLP))
	for _, c := range Dictionary().Consents {
		if a, b := old.Consent(c.ID), new.Consent(c.ID); a != b {
			out = append(out, Change{Field: ChangedConsent + FieldID(c.ID), Old: KnownValue(a), New: KnownValue(b)})
		}
	}
	for i := range Dictionary().All {
		f := &Dictionary().All[i]
		a, b := old.Values[f.ID], new.Values[f.ID]
		if Same(a, b) {
			continue
		}
		c := Change{Field: f.ID, Old: a, New: b}
		if x, ok := a.V.([]Row); ok {
			if y, ok := b.V.([]Row); ok {
				c.Rows = diffRows(f, x, y)
			}
		}
		out = append(out, c)
	}
	return out
}

// told is a known text, or no answer when there is none.
func told(s string) Value {
	if s == "" {
		return Value{}
	}
	return KnownValue(s)
}

// Same reports whether two answers say the same. The order of ticked options
// and of a list says nothing.
func Same(a, b Value) bool {
	if x, ok := a.V.([]string); ok {
		if y, ok := b.V.([]string); ok {
			return a.State == b.State && slices.Equal(slices.Sorted(slices.Values(x)), slices.Sorted(slices.Values(y)))
		}
	}
	return reflect.DeepEqual(a, b)
}

// diffRows pairs rows: first those that are equal, then those with the same
// key (the first column that is filled in both), each row once.
func diffRows(f *Field, old, new []Row) (out []RowChange) {
	to, from := make([]int, len(old)), make([]int, len(new))
	for i := range to {
		to[i] = -1
	}
	for i := range from {
		from[i] = -1
	}
	pair := func(key func(Row) string) {
		free := map[string][]int{}
		for j, r := range new {
			if k := key(r); from[j] < 0 && k != "" {
				free[k] = append(free[k], j)
			}
		}
		for i, r := range old {
			if k := key(r); to[i] < 0 && k != "" && len(free[k]) > 0 {
				to[i], from[free[k][0]], free[k] = free[k][0], i, free[k][1:]
			}
		}
	}
	pair(func(r Row) string { return cells(f, r) })
	for _, c := range f.Columns {
		if c.Type != TypeChoice && c.Type != TypeInteger {
			pair(func(r Row) string { return r[c.ID] })
		}
	}
	for i := range old {
		if to[i] < 0 {
			out = append(out, RowChange{From: i, To: -1})
			continue
		}
		var cols []string
		for _, c := range f.Columns {
			if old[i][c.ID] != new[to[i]][c.ID] {
				cols = append(cols, c.ID)
			}
		}
		if cols != nil {
			out = append(out, RowChange{i, to[i], cols})
		}
	}
	for j := range new {
		if from[j] < 0 {
			out = append(out, RowChange{From: -1, To: j})
		}
	}
	return out
}

// cells is a row as one text, for comparing rows.
func cells(f *Field, r Row) string {
	var b strings.Builder
	for _, c := range f.Columns {
		b.WriteString(r[c.ID] + "\x1f")
	}
	return b.String()
}
