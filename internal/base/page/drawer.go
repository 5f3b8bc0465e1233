package page

import (
	"html/template"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// drawer draws one page at a time. Its template functions are bound to it, so
// that a page need not hand language, clock, token and faults down to every
// component.
type drawer struct {
	set   *Set
	tmpl  *template.Template
	shell Shell
	p     text.Printer
	title string
	says  text.Message
	wrong map[string]string // place of the input → sentence
	ids   map[string]string // field name → id of the control drawn for it
}

func (d *drawer) begin(s Shell) {
	if s.Lang == "" {
		s.Lang = text.JA
	}
	if s.Now.IsZero() {
		s.Now = d.set.clock()
	}
	if s.Layout == Link && s.Density == Roomy {
		s.Density = Plain
	}
	d.shell, d.title = s, s.Title
	d.p = d.set.words.Printer(s.Lang, s.Zone)
	d.wrong, d.ids, d.says = map[string]string{}, map[string]string{}, text.Message{}
	if s.Fault != nil {
		d.says = d.p.Fault(s.Fault)
		for _, pl := range d.says.Places {
			if d.wrong[pl.At] == "" {
				d.wrong[pl.At] = pl.Say
			}
		}
	}
}

// end forgets the page, so that no reader's data waits in the pool.
func (d *drawer) end() {
	d.shell, d.title, d.wrong, d.ids, d.says = Shell{}, "", nil, nil, text.Message{}
}

// html draws a named template. The result is safe as HTML text, because
// html/template escaped it for that place.
func (d *drawer) html(name string, data any) (template.HTML, error) {
	var b strings.Builder
	if err := d.tmpl.ExecuteTemplate(&b, name, data); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}

func (d *drawer) layout() string {
	switch d.shell.Layout {
	case Link, Public:
		return "page/shell_plain"
	case Print:
		return "page/shell_print"
	}
	return "page/shell"
}

func (d *drawer) now() time.Time { return d.shell.Now }

// Summary is the list of what to mend, drawn on top of the page.
type Summary struct {
	Title string // "Fix 2 places", or what went wrong when that counts itself or names no place
	Lead  string // what went wrong, when the title is our count
	Hint  string
	Items []SummaryItem
}

// SummaryItem is one sentence of a summary. ID is the control it is about,
// empty when the page has none for it.
type SummaryItem struct{ ID, Text string }

func (d *drawer) faultSummary() *Summary {
	if d.shell.Fault == nil {
		return nil
	}
	s := &Summary{Title: d.says.Title, Hint: d.says.Hint}
	f := fault.Of(d.shell.Fault)
	places := f.Places
	seen := map[SummaryItem]bool{}
	for i, pl := range d.says.Places {
		item := SummaryItem{d.ids[places[i].At], pl.Say}
		if !seen[item] {
			seen[item] = true
			s.Items = append(s.Items, item)
		}
	}
	// A fault that says how many places it has is not counted a second time.
	if _, counts := f.Args["n"]; len(s.Items) > 0 && !counts {
		s.Title, s.Lead = d.p.T("page.errors.count", "n", len(s.Items)), s.Title
	}
	return s
}
