package sensor

import (
	"html/template"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// findingRow is a finding in words.
type findingRow struct {
	Finding
	Title, StateWord, Severity, Hundred string
}

func findingRowOf(p text.Printer, x Finding) findingRow {
	return findingRow{Finding: x, Title: kindWord(p, x.Kind), StateWord: p.T("sensor.state." + string(x.State)), Severity: x.Rank.String(), Hundred: strconv.FormatFloat(x.Score, 'f', 2, 64)}
}

// kindWord is a kind of finding in words; one that this hub does not know yet
// keeps its id.
func kindWord(p text.Printer, kind string) string {
	if key := "sensor.finding.kind." + kind; p.Has(key) {
		return p.T(key)
	}
	return kind
}

// titleOf is a finding's kind and those of its ends that are known.
func titleOf(p text.Printer, x *Finding) string {
	what := kindWord(p, x.Kind)
	switch {
	case x.Src == "":
		return p.T("sensor.web.title_to", "what", what, "dst", x.Dst)
	case x.Dst == "":
		return p.T("sensor.web.title_from", "what", what, "src", x.Src)
	}
	return p.T("sensor.web.title", "what", what, "src", x.Src, "dst", x.Dst)
}

type findingsView struct {
	Head  page.Head
	Rows  []findingRow
	List  *page.List
	Empty *page.Empty
	Sick  []sourceRow // sources that a reader of this list should not trust
}

func showFindings(q *httpd.Request, s *Service) error {
	p := q.Printer
	f := Filter{State: State(q.Query("state")), Kind: q.Query("kind"), Source: q.Query("source"), Cursor: q.Query("after"), Limit: 50}
	f.Open = f.State == ""
	list, next, err := s.Findings(q.Context(), f)
	if err != nil {
		return err
	}
	v := findingsView{Head: page.Head{H1: p.T("sensor.web.findings"), Lead: p.T("sensor.web.findings_lead"),
		Acts: []page.Act{{Text: p.T("sensor.web.sources"), Href: "/sensors"}}}}
	sources, _, err := s.Sources(q.Context(), "", 50)
	if err != nil {
		return err
	}
	for _, x := range sources {
		if row := sourceRowOf(p, x, s.now()); row.Tag == "act" || row.Tag == "attend" {
			v.Sick = append(v.Sick, row)
		}
	}
	if len(list) == 0 && len(q.Queries()) == 0 {
		v.Empty = &page.Empty{Title: p.T("sensor.web.findings_empty"), Say: p.T("sensor.web.findings_empty_say")}
		if len(sources) == 0 {
			v.Empty.Say = p.T("sensor.web.findings_none_say")
		}
	}
	for _, x := range list {
		v.Rows = append(v.Rows, findingRowOf(p, x))
	}
	v.List = &page.List{Path: "/findings", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("sensor.web.what")}, {Title: p.T("sensor.web.ends")}, {Title: p.T("sensor.web.score"), Num: true}, {Title: p.T("sensor.web.when")}, {Title: p.T("sensor.web.state")}}}
	v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Label: p.T("sensor.web.open"), Count: -1})
	for _, st := range States[1:] {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "state", Value: string(st), Label: p.T("sensor.state." + string(st)), Count: -1})
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "findings", page.Desk, "/live/sensor"
	return q.Render("sensor/findings", shell, v)
}

type findingView struct {
	Head    page.Head
	Row     findingRow
	Say     string
	Who     string // decided last
	Unnamed string // what others are told when it is released without a name
	Means   string
	Do      string
	Facts   page.Facts
	Decide  bool
	Release bool
	Fields  []page.Field
	Named   page.Field
	Source  string
	Picture template.HTML
	Parts   []partView
}

func showFinding(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	x, err := s.Finding(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	source, _, err := s.Source(q.Context(), x.Source)
	if err != nil {
		return err
	}
	v := findingView{Row: findingRowOf(p, x), Decide: Access.May(q.Context(), "finding.decide"), Source: source.Name}
	v.Release = x.ReleasedAt.IsZero() && x.Releasable != "" && Access.May(q.Context(), "finding.release")
	if v.Who, err = s.who(q.Context(), x.TakenBy); err != nil {
		return err
	}
	v.Unnamed = Say(p, &x, false)
	v.Head = page.Head{H1: titleOf(p, &x),
		Crumbs: []page.Crumb{{Text: p.T("sensor.web.findings"), Href: "/findings"}, {Text: v.Row.Title}}}
	v.Facts = findingFacts(p, &x)
	v.explain(p, &x)
	if v.Decide {
		v.Fields = decisionFields(p, s.now())
		v.Named = page.Field{Name: "named", Kind: "check", Label: p.T("sensor.web.named"), Hint: p.T("sensor.web.named_hint")}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "findings", page.Desk
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("sensor/finding", shell, v)
}

func findingFacts(p text.Printer, x *Finding) (out page.Facts) {
	out.Tight = true
	add := func(name, value string) {
		if value != "" {
			out.Rows = append(out.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("sensor.web.src"), x.Src)
	add(p.T("sensor.web.dst"), x.Dst)
	add(p.T("sensor.web.first"), p.Time(x.Start))
	add(p.T("sensor.web.last"), p.Time(x.End))
	add(p.T("sensor.web.times"), p.Number(int64(x.Times)))
	add(p.T("sensor.web.note"), x.Note)
	if !x.UntilAt.IsZero() {
		add(p.T("sensor.web.until"), p.Time(x.UntilAt))
	}
	if !x.ReleasedAt.IsZero() {
		add(p.T("sensor.web.released"), p.Time(x.ReleasedAt))
	}
	return out
}

// usual is how long a finding is called harmless for, unless somebody says
// otherwise.
const usual = 90 * 24 * time.Hour

func decisionFields(p text.Printer, now time.Time) []page.Field {
	return []page.Field{
		{Name: "note", Kind: "textarea", Label: p.T("sensor.web.note"), Need: page.Required, Hint: p.T("sensor.web.note_hint"), Rows: 2, Limit: maxNote},
		{Name: "until_at", Kind: "datetime", Label: p.T("sensor.web.until"), Need: page.Required, Value: now.Add(usual).UTC().Format(time.RFC3339)},
	}
}

func decide(q *httpd.Request, s *Service) error {
	version, err := strconv.ParseInt(q.Form("version"), 10, 64)
	if err != nil {
		return ErrStale
	}
	d := Decision{State: State(q.Form("state")), Note: q.Form("note")}
	if d.State == Benign {
		var bad *fault.Place
		if d.UntilAt, bad = page.ReadTime(q.Forms(), "until_at"); bad != nil {
			return showFinding(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad))
		}
	}
	if _, err := s.Decide(q.Context(), q.Path("id"), version, d); err != nil {
		if k := fault.KindOf(err); k == fault.Invalid || k == fault.Conflict {
			return showFinding(q, s, err)
		}
		return err
	}
	return q.Redirect("/findings/" + q.Path("id"))
}
