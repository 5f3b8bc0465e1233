package incident

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// stateMark stands before a state where it is one option among the answers:
// はい, いいえ, 不明.
const stateMark = "?"

// longChoice is the number of options above which they fold into a list.
const longChoice = 8

// flat reports whether states stand among the options of the question itself.
func (f *Field) flat() bool { return f.Type == TypeBool || f.Type == TypeChoice }

// stated reports whether the question offers states beside its answer.
func (f *Field) stated() bool { return f.Range || f.Unknown || f.Investigating }

// light reports whether a question is quick to answer, so that it may share a
// page with others.
func (f *Field) light() bool {
	switch f.Type {
	case TypeText, TypeInteger, TypeNumber, TypeDate, TypeMoney:
		return !f.stated()
	case TypeBool:
		return !f.Unknown && !f.Investigating
	case TypeChoice:
		return len(f.Options) > longChoice
	}
	return false
}

// attachments is answered by attaching files, not by typing their digests.
const attachments FieldID = "files.attachments"

// steps cuts the questions of a group into pages: what somebody needs comes
// first and alone, what is quick stands together, the rest in threes.
func steps(group string, k Kind, needed map[FieldID]bool) (out [][]*Field) {
	for _, want := range []bool{true, false} {
		var room int
		for _, f := range Dictionary().In(group, k) {
			if needed[f.ID] != want || f.ID == attachments {
				continue
			}
			fits := room > 0 && (f.light() || !want)
			if fits && f.Type != TypeTable && f.Type != TypeRecord {
				out[len(out)-1] = append(out[len(out)-1], f)
				room--
				continue
			}
			out = append(out, []*Field{f})
			switch {
			case f.Type == TypeTable || f.Type == TypeRecord:
				room = 0
			case !want:
				room = 2
			case f.light():
				room = 3
			default:
				room = 0
			}
		}
	}
	return out
}

// control draws a question as controls. A record has one for each column; a
// table is drawn by its page, and has none here.
func (v says) control(f *Field, val Value, need page.Need) []page.Field {
	c := page.Field{Name: string(f.ID), Label: v.both(f.Label), Need: need, Hint: v.both(f.Hint), Example: v.both(f.Example), Unit: v.both(f.Unit),
		Range: f.Range, Unknown: f.Unknown, Investigating: f.Investigating}
	if val.State != Known {
		c.State = string(val.State)
	}
	c.Value, c.Min, c.Max = plainText(val.V), plainText(val.Min), plainText(val.Max)
	switch f.Type {
	case TypeText:
		switch f.Check {
		case "phone":
			c.Kind = "tel"
		case "mail":
			c.Kind = "email"
		case "corporate_number":
			c.Kind, c.Width = "number", "w12"
		}
	case TypeLongText:
		c.Kind, c.Rows, c.Limit = "textarea", 5, f.Max
	case TypeInstant:
		c.Kind, c.Example = "datetime", ""
	case TypeDate:
		c.Kind, c.Example = "date", ""
	case TypeInteger, TypeNumber:
		c.Kind = "number"
	case TypeMoney:
		c.Hint = strings.TrimSpace(c.Hint + " " + v.T("incident.web.form.money"))
	case TypeBool:
		c.Kind = "choice"
		c.Options = []page.Option{{Value: "true", Label: v.T("incident.echo.yes")}, {Value: "false", Label: v.T("incident.echo.no")}}
		if b, ok := val.Bool(); ok {
			c.Value = strconv.FormatBool(b)
		}
	case TypeChoice:
		c.Kind = "choice"
		if len(f.Options) > longChoice {
			c.Kind, c.Options = "select", []page.Option{{Label: v.T("incident.web.form.choose")}}
		}
		c.Options = append(c.Options, v.options(f.Options)...)
	case TypeChoices:
		c.Kind, c.Options = "choices", v.options(f.Options)
		c.Values, _ = val.V.([]string)
	case TypeList:
		c.Kind, c.Rows = "textarea", 4
		c.Hint = strings.TrimSpace(c.Hint + " " + v.T("incident.web.form.lines"))
	case TypeRecord:
		row, _ := val.V.(Row)
		return v.columns(f, string(f.ID), row)
	case TypeTable:
		return nil
	}
	if f.flat() {
		c.Range, c.Unknown, c.Investigating = false, false, false
		for _, st := range f.states() {
			c.Options = append(c.Options, page.Option{Value: stateMark + string(st), Label: v.T("incident.web.state_of." + string(st))})
		}
		if val.State == Unknown || val.State == Investigating {
			c.Value = stateMark + string(val.State)
		}
		c.State = ""
	}
	return []page.Field{c}
}

func (f *Field) states() (out []ValueState) {
	if f.Unknown {
		out = append(out, Unknown)
	}
	if f.Investigating {
		out = append(out, Investigating)
	}
	return out
}

func (v says) options(opts []Option) (out []page.Option) {
	for _, o := range opts {
		out = append(out, page.Option{Value: o.ID, Label: v.both(o.Label)})
	}
	return out
}

// columns draws one row; prefix is "contact.duty" or "systems.affected/0".
func (v says) columns(f *Field, prefix string, row Row) (out []page.Field) {
	for _, col := range f.Columns {
		c := page.Field{Name: prefix + "/" + col.ID, Label: v.both(col.Label), Value: row[col.ID]}
		if col.Required {
			c.Need = page.Required
		}
		switch {
		case col.Type == TypeChoice:
			c.Kind, c.Options = "select", append([]page.Option{{Label: v.T("incident.web.form.choose")}}, v.options(col.Options)...)
		case col.Type == TypeLongText:
			c.Kind, c.Rows = "textarea", 3
		case col.Type == TypeInteger:
			c.Kind = "number"
		case col.Type == TypeInstant:
			c.Hint = v.T("incident.web.form.instant")
		case col.Check == "phone":
			c.Kind, c.Autocomplete = "tel", "off"
		case col.Check == "mail":
			c.Kind, c.Autocomplete = "email", "off"
		}
		out = append(out, c)
	}
	return out
}

// grid is a table question: its state, its rows, and room for more.
type grid struct {
	Name  string
	Label string
	Hint  string
	State *page.Field // nil when it has no states
	Rows  []gridRow
	Error string
}

type gridRow struct {
	Label string
	First page.Field
	Rest  []page.Field
	Used  bool // folds open
}

// maxGrid is how many rows a page shows for typing; more come by import.
const maxGrid = 100

// grid draws a table. Form, when not nil, holds what was typed last.
func (v says) grid(f *Field, val Value, form url.Values, more bool) grid {
	rows, _ := val.V.([]Row)
	rows = slices.Clone(rows)
	if form != nil {
		rows = rowsOf(form)[f.ID]
	}
	for len(rows) > 0 && allEmpty(rows[len(rows)-1]) {
		rows = rows[:len(rows)-1]
	}
	spare := 1
	if more || len(rows) == 0 {
		spare = 3
	}
	g := grid{Name: string(f.ID), Label: v.both(f.Label), Hint: v.both(f.Hint)}
	if f.ID == "systems.affected" {
		g.Hint = v.T("incident.web.form.register")
	}
	if f.Unknown || f.Investigating {
		st := page.Field{Name: string(f.ID) + ".state", Kind: "choice", Label: v.T("incident.web.form.known"), Value: string(val.State)}
		if st.Value == "" {
			st.Value = string(Known)
		}
		st.Options = []page.Option{{Value: string(Known), Label: v.T("incident.web.form.write_rows")}}
		for _, s := range f.states() {
			st.Options = append(st.Options, page.Option{Value: string(s), Label: v.T("incident.web.state_of." + string(s))})
		}
		g.State = &st
	}
	for i := range min(len(rows)+spare, maxGrid) {
		r := gridRow{Label: v.T("incident.web.form.row", "n", i+1)}
		var row Row
		if i < len(rows) {
			row, r.Used = rows[i], true
		}
		all := v.columns(f, string(f.ID)+"/"+strconv.Itoa(i), row)
		first := 0
		for j, c := range f.Columns {
			if c.Required {
				first = j
				break
			}
		}
		r.First = all[first]
		r.First.Need = page.NoNeed // an empty row is no row
		r.Rest = slices.Delete(all, first, first+1)
		g.Rows = append(g.Rows, r)
	}
	return g
}

func allEmpty(r Row) bool {
	for _, s := range r {
		if strings.TrimSpace(s) != "" {
			return false
		}
	}
	return true
}

// plainText is a value as somebody would type it.
func plainText(x any) string {
	switch x := x.(type) {
	case string:
		return x
	case int64:
		return strconv.FormatInt(x, 10)
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case []string:
		return strings.Join(x, "\n")
	}
	return ""
}

// readForm reads what was posted for the questions of one page. Every question
// of the page is answered by it: boxes all empty take an answer back. Places
// name controls.
func readForm(form url.Values, fields []*Field) (map[FieldID]Value, []fault.Place) {
	in := map[string][]string{}
	for _, f := range fields {
		id := string(f.ID)
		if st := form.Get(id + ".state"); st != "" && st != string(Known) {
			in[id+".state"] = []string{st}
		}
		switch f.Type {
		case TypeInstant, TypeDate:
			in[id] = []string{instantText(form, id)}
			in[id+".min"], in[id+".max"] = []string{instantText(form, id+".min")}, []string{instantText(form, id+".max")}
		case TypeBool, TypeChoice:
			if st, ok := strings.CutPrefix(form.Get(id), stateMark); ok {
				in[id+".state"] = []string{st}
			} else if form.Has(id) {
				in[id] = form[id]
			}
		case TypeChoices:
			in[id] = form[id]
		case TypeRecord, TypeTable:
			for name, v := range form {
				if strings.HasPrefix(name, id+"/") {
					in[name] = v
				}
			}
		case TypeList:
			in[id] = strings.FieldsFunc(form.Get(id), func(r rune) bool { return r == '\n' || r == '\r' })
		default:
			in[id] = []string{form.Get(id)}
			in[id+".min"], in[id+".max"] = []string{form.Get(id + ".min")}, []string{form.Get(id + ".max")}
		}
	}
	values, bad := ParseForm(in, fields, text.JST)
	for i := range bad {
		bad[i].At = controlOf(bad[i].At)
	}
	return values, bad
}

// controlOf names the control that a place below a field belongs to.
func controlOf(at string) string {
	at = strings.ReplaceAll(strings.TrimPrefix(at, "/values/"), "~1", "/")
	id, rest, _ := strings.Cut(at, "/")
	if f, ok := Dictionary().Get(FieldID(id)); ok && rest != "" && (f.Type == TypeRecord || f.Type == TypeTable) {
		if f.Type == TypeRecord {
			return id + "/" + strings.TrimPrefix(rest, "0/")
		}
		return at
	}
	return id
}

// instantText joins the parts of a day or an instant as one text for Parse, which
// says what is wrong with those that make no day.
func instantText(form url.Values, name string) string {
	part := func(s string) string {
		return strings.TrimRight(strings.TrimSpace(norm.NFKC.String(form.Get(name+s))), "年月日時分")
	}
	y, m, d, h, minute := part(".y"), part(".m"), part(".d"), part(".h"), part(".min")
	out := y + d // one of them, or all of it
	if day, bad := page.ReadDate(form, name); bad == nil && !day.IsZero() {
		out = day.Format(time.DateOnly)
	} else if m != "" || y != "" && d != "" {
		out = y + "年" + m + "月" + d + "日"
	}
	if h == "" && minute == "" {
		return out
	}
	if !strings.Contains(h, ":") {
		if minute == "" {
			minute = "00"
		}
		if len(minute) == 1 {
			minute = "0" + minute
		}
		h += ":" + minute
	}
	return strings.TrimSpace(out + " " + h + " " + form.Get(name+".zone"))
}
