package hunt

import (
	"maps"
	"net/url"
	"slices"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// nearShown is how many neighbours of a finding its page names.
const nearShown = 12

type whyRow struct{ Field, Value, Test string }

type exampleView struct {
	At     time.Time
	Where  string
	Why    []whyRow
	Fields []whyRow
	Cut    bool
	Until  time.Time
	Count  string
}

type nearView struct {
	Title, Say, Other string
	ByHost            bool
	Rows              []row
	More              int
}

type findingView struct {
	Head       page.Head
	Row        row
	Say        string
	About      string
	Facts      page.Facts
	Techniques []page.Crumb
	Examples   []exampleView
	Near       []nearView
	Next       []string
	Harmless   []string
	Who        string
	Reason     string
	Decide     bool
	Fields     []page.Field
	Suppress   bool
	Release    bool
	Released   []Released
	Rule       string // address of the rule, when it is the program's own
}

func (c *console) showFinding(q *httpd.Request, bad error) error {
	p := q.Printer
	f, err := c.Finding(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), f.Hunt)
	if err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	v := findingView{Row: shelf.row(p, &f), Decide: may(q, "hunt.decide"), Suppress: may(q, "hunt.suppress"), Reason: printableLines(f.Reason)}
	r := shelf.ruleOf(&f)
	v.About, v.Next = printableLines(cut(ruleAbout(p, r), 1200)), nextText(p, r)
	if v.Harmless = r.FalsePositives; p.Lang == text.JA && len(r.FalsePositivesJA) > 0 {
		v.Harmless = r.FalsePositivesJA
	}
	if shelf.byRef[f.Rule] != nil {
		v.Rule = address("/hunt-rules/starter/rule", url.Values{"id": {f.Rule}})
	}
	v.Head = page.Head{H1: v.Row.Title, Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number, Href: "/hunts/" + h.ID}, {Text: v.Row.Title}}}
	v.Say = findingSay(p, v.Row)
	v.Techniques = techniqueLinks("/hunts/"+h.ID, url.Values{"run": {f.Run}}, f.Attack)
	run, err := c.Run(q.Context(), f.Run)
	if err != nil {
		return err
	}
	v.facts(p, h, run, &f)
	v.examples(p, &f)
	if err := c.near(q, &v, shelf, &f); err != nil {
		return err
	}
	names, err := c.Names(q.Context(), f.By)
	if err != nil {
		return err
	}
	v.Who = names[f.By]
	v.Released = f.Released
	v.Release = may(q, "hunt.release") && len(f.Releasable) > len(f.Released)
	if v.Decide {
		v.Fields = decisionFields(q, f.State)
	}
	return render(q, "finding", "hunts", v.Head.H1, v, bad)
}

// findingSay says a finding in one sentence.
func findingSay(p text.Printer, r row) string {
	where := r.Host
	if where == "" {
		where = p.T("hunt.web.no_host")
	}
	if r.User == "" {
		return p.T("hunt.web.say", "host", where, "n", r.Count)
	}
	return p.T("hunt.web.say_user", "host", where, "user", r.User, "n", r.Count)
}

func (v *findingView) facts(p text.Printer, h Hunt, run Received, f *Finding) {
	add := adder(&v.Facts)
	desk := func(name, value string) string {
		if value == "" {
			return ""
		}
		return address("/hunts/"+h.ID, url.Values{"run": {f.Run}, "state": {string(everyState)}, name: {value}})
	}
	v.Row.HostHref, v.Row.UserHref = desk("host", f.Host), desk("user", f.User)
	if !f.First.IsZero() {
		add(p.T("hunt.web.first"), p.Time(f.First))
		add(p.T("hunt.web.last"), p.Time(f.Last))
	}
	add(p.T("hunt.web.count"), p.Number(int64(f.Count)))
	if f.Quiet > 0 {
		add(p.T("hunt.web.quiet"), p.Number(int64(f.Quiet)))
	}
	add(p.T("hunt.web.rule"), text.Printable(f.Rule))
	if kept := keptText(p, run); f.ReleasedAt.IsZero() {
		add(p.T("hunt.web.keep"), kept)
	} else {
		add(p.T("hunt.web.released"), p.Time(f.ReleasedAt))
		add(p.T("hunt.web.keep"), p.T("hunt.web.kept_released"))
	}
}

// examples shows why events were hit, field by field, and the events.
func (v *findingView) examples(p text.Printer, f *Finding) {
	for i := range f.Examples {
		e := &f.Examples[i]
		x := exampleView{At: e.Time, Where: p.T("hunt.table.record", "source", text.Printable(e.Source), "n", e.Record), Cut: e.Cut, Until: e.Last}
		if e.Count > 0 {
			x.Count = p.Number(int64(e.Count))
		}
		for _, y := range e.Why {
			field := text.Printable(y.Field)
			if field == "" {
				field = p.T("hunt.why.any")
			}
			line := whyRow{field, text.Printable(y.Value), text.Printable(testText(p, y))}
			if !slices.Contains(x.Why, line) {
				x.Why = append(x.Why, line)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(e.Event)) {
			x.Fields = append(x.Fields, whyRow{Field: text.Printable(name), Value: text.Printable(e.Event[name])})
		}
		v.Examples = append(v.Examples, x)
	}
}

// near adds what happened around: on the same host, and of the same account.
func (c *console) near(q *httpd.Request, v *findingView, shelf *shelf, f *Finding) error {
	around, err := c.Near(q.Context(), f.ID)
	if err != nil {
		return err
	}
	p := q.Printer
	for _, x := range []struct {
		list              []Finding
		title, say, other string
	}{{around.Host, p.T("hunt.web.near_host"), text.Printable(f.Host), p.T("hunt.web.user")}, {around.User, p.T("hunt.web.near_user"), text.Printable(f.User), p.T("hunt.web.host")}} {
		if x.say == "" {
			continue
		}
		n := nearView{Title: x.title, Say: x.say, Other: x.other, ByHost: x.title == p.T("hunt.web.near_host"), More: max(len(x.list)-nearShown, 0)}
		slices.SortStableFunc(x.list, func(a, b Finding) int { return a.First.Compare(b.First) })
		for i := range x.list[:min(len(x.list), nearShown)] {
			n.Rows = append(n.Rows, shelf.row(p, &x.list[i]))
		}
		v.Near = append(v.Near, n)
	}
	return nil
}

func (c *console) decide(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.decide"); err != nil {
		return err
	}
	version, err := versionOf(q)
	if err == nil {
		_, err = c.Decide(q.Context(), q.Path("id"), version, Decision{State: State(q.Form("state")), Reason: q.Form("reason")})
	}
	if onForm(err) {
		return c.showFinding(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunt-findings/" + q.Path("id"))
}
