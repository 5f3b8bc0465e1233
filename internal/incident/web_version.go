package incident

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/page"
)

// ---- a version, with what changed in it ----

type versionView struct {
	Head    page.Head
	Changes []page.Fact
	First   bool
	Parts   []checkPart
	Proof   page.Proof
	ProofAt string
	Prev    string
	Next    string
}

func (v *screen) version() error {
	n, err := strconv.Atoi(v.Path("n"))
	if err != nil || n < 1 {
		return ErrNone
	}
	full, err := v.s.Open(v.Context(), v.Path("id"), n, "")
	if err != nil {
		return err
	}
	if !full.Mine {
		return ErrNone
	}
	changes, err := v.s.Compare(v.Context(), v.Path("id"), n, "")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(full.Versions, func(x Version) bool { return x.Version == n })
	x := full.Versions[i]
	d := versionView{First: n == 1, Changes: v.changes(changes), Parts: v.answers(full.Report, changes)}
	at := "/reports/" + full.Case.ID
	d.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: full.Case.Number, Href: at}, {Text: v.numbered(x.Stage, n)}}, H1: v.numbered(x.Stage, n) + " " + v.name(full.Report),
		Lead: v.T("incident.web.version.lead", "at", v.Time(x.At))}
	if n > 1 {
		d.Prev = at + "/versions/" + strconv.Itoa(n-1)
	}
	if n < full.Case.Version {
		d.Next = at + "/versions/" + strconv.Itoa(n+1)
	}
	if d.Proof, err = v.proofOf(full.Case, x); err != nil {
		return err
	}
	d.ProofAt = at + "/proof/" + x.Entry
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Handling = "reports", v.handling(full.Case.TLP, "")
	return v.Render("incident/version", shell, d)
}

// changes says field by field what a version changed.
func (v *screen) changes(all []Change) (out []page.Fact) {
	for _, c := range all {
		row := page.Fact{Name: string(c.Field)}
		var echo func(x Value) string
		if f, ok := Dictionary().Get(c.Field); ok {
			row.Name = v.both(f.Label)
			echo = func(x Value) string { return f.Echo(x, v.says.Printer) }
		} else if id, ok := strings.CutPrefix(string(c.Field), string(ChangedConsent)); ok {
			consent, _ := Dictionary().Consent(id)
			row.Name = v.both(consent.Label)
			echo = func(x Value) string { b, _ := x.Bool(); return v.yes(b) }
		} else {
			what := strings.TrimPrefix(string(c.Field), "report.")
			row.Name = v.T("incident.web.changed." + what)
			echo = func(x Value) string { s, _ := x.Text(); return v.mark1(what, s) }
		}
		row.Was = &page.Change{From: echo(c.Old), To: echo(c.New)}
		if len(c.Rows) > 0 {
			if f, ok := Dictionary().Get(c.Field); ok {
				row.Was, row.HTML = nil, v.rowChanges(f, c)
			}
		}
		out = append(out, row)
	}
	return out
}

// rowChanges draws what happened to each row of a table.
func (v *screen) rowChanges(f *Field, c Change) template.HTML {
	old, _ := c.Old.V.([]Row)
	now, _ := c.New.V.([]Row)
	var b strings.Builder
	b.WriteString("<ul class=\"plain\">")
	write := func(tag, word string, r Row) {
		b.WriteString("<" + tag + "><span class=\"vh\">" + template.HTMLEscapeString(word) + "</span>" + template.HTMLEscapeString(f.sayRow(r, v.says.Printer)) + "</" + tag + "> ")
	}
	for _, x := range c.Rows {
		b.WriteString("<li>")
		if x.From >= 0 && x.From < len(old) {
			write("del", v.T("page.diff.del"), old[x.From])
		}
		if x.To >= 0 && x.To < len(now) {
			write("ins", v.T("page.diff.ins"), now[x.To])
		}
		b.WriteString("</li>")
	}
	b.WriteString("</ul>")
	return template.HTML(b.String())
}

// answers lists every answer of a report in the order of the law.
func (v *screen) answers(r *Report, changes []Change) (out []checkPart) {
	for _, it := range append(slices.Clone(Dictionary().Items), Item{N: 0}) {
		part := checkPart{Title: v.T("incident.web.item", "n", it.N, "label", it.Label)}
		if it.N == 0 {
			part.Title = v.T("incident.web.more")
		}
		for i := range Dictionary().All {
			f := &Dictionary().All[i]
			val := r.Value(f.ID)
			if f.Item != it.N || !val.Answered() {
				continue
			}
			row := page.Fact{Name: v.both(f.Label), Value: f.Echo(val, v.says.Printer)}
			if slices.ContainsFunc(changes, func(c Change) bool { return c.Field == f.ID }) {
				row.Note = v.T("incident.web.changed")
			}
			part.Facts.Rows = append(part.Facts.Rows, row)
		}
		if len(part.Facts.Rows) > 0 {
			out = append(out, part)
		}
	}
	return out
}
