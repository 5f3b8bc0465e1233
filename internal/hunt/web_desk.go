package hunt

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Sizes of the desk: rows of a page, names of a side list.
const (
	deskRows = 50
	sideRows = 8
	fewAlike = 3 // findings of a rule that is called rare
)

// everyRun is what the filter says in place of a run for all of them.
const everyRun = "all"

// side is one list by which a hunter goes on: hosts, accounts, techniques or
// rules, with how many findings each has.
type side struct {
	Title string
	Items []sideItem
	Off   string // address that takes the filter off; empty when it is not on
}

type sideItem struct {
	Text, Href string
	Count      int
	On         bool
}

type runItem struct {
	Received
	Href, Compare, Kept string
	On                  bool
}

type deskView struct {
	Head     page.Head
	Hunt     Hunt
	Tag      string
	Stage    string
	Facts    page.Facts
	Tabs     *page.List // only its filters are drawn
	List     *page.List
	Rows     []row
	Sides    []side
	Runs     []runItem
	Total    int
	Triage   string // address of the triage of all that the filter finds; empty for none
	Bulk     *page.Bulk
	Query    string
	Empty    *page.Empty
	Nothing  bool
	Removed  string // said of a run whose findings are gone
	Keep     keepView
	Path     string // address of the picture of the attack's path; empty without runs
	Begin    bool
	MayTouch bool
}

// filterOf reads the filter of a desk out of an address. Without a state it is
// about what waits, without a run about the newest.
func filterOf(query url.Values, hunt string, runs []Received) FindingFilter {
	f := FindingFilter{Hunt: hunt, Run: query.Get("run"), Rule: query.Get("rule"), Host: query.Get("host"), User: query.Get("user"), Technique: query.Get("technique"),
		Level: query.Get("level"), State: State(query.Get("state")), Limit: deskRows}
	switch {
	case f.Run == everyRun:
		f.Run = ""
	case f.Run == "" && len(runs) > 0:
		f.Run = latest(runs).ID
	}
	switch f.State {
	case "":
		f.Waiting = true
	case everyState:
		f.State = ""
	}
	return f
}

// everyState is what the filter says in place of a state for all of them.
const everyState State = "all"

// narrowing are the parameters of a desk's address that narrow it.
var narrowing = []string{"run", "state", "level", "host", "user", "technique", "rule"}

// kept keeps of an address what narrows a desk.
func kept(query url.Values) url.Values {
	out := url.Values{}
	for _, k := range narrowing {
		if v := query.Get(k); v != "" {
			out.Set(k, v)
		}
	}
	return out
}

func (c *console) showDesk(q *httpd.Request, bad error) error {
	p := q.Printer
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	runs, _, err := c.Runs(q.Context(), h.ID, "", runsShown)
	if err != nil {
		return err
	}
	v := deskView{Hunt: h, Tag: stageTag[h.Stage], Stage: p.T("hunt.web.stage." + string(h.Stage)), Query: kept(q.Queries()).Encode(), MayTouch: may(q, "hunt.triage"), Begin: h.Stage != Opened && may(q, "hunt.begin")}
	v.head(q, h, runs)
	v.Keep = c.keeping(q, h, bad)
	if len(runs) == 0 {
		v.Empty = &page.Empty{Title: p.T("hunt.web.no_runs"), Say: p.T("hunt.web.no_runs_say"), Act: &page.Act{Text: p.T("hunt.web.bring"), Href: "/hunts/" + h.ID + "/bring", Kind: "primary"}}
		return render(q, "desk", "hunts", v.Head.H1, v, bad)
	}
	f := filterOf(q.Queries(), h.ID, runs)
	f.Cursor = q.Query("after")
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	path := "/hunts/" + h.ID
	v.runs(q, path, runs, f.Run)
	if err := errors.Join(c.sides(q, &v, path, f, shelf), c.rows(q, &v, path, f, shelf), c.tabs(q, &v, path, f)); err != nil {
		return err
	}
	said, err := c.said(q)
	if err != nil {
		return err
	}
	return render(q, "desk", "hunts", v.Head.H1, v, bad, said...)
}

// head says what the hunt is about and what can be done with it.
func (v *deskView) head(q *httpd.Request, h Hunt, runs []Received) {
	p := q.Printer
	v.Head = page.Head{H1: p.T("hunt.web.numbered", "number", h.Number, "title", text.Printable(h.Title)), Lead: text.Printable(h.Question), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number}}}
	if len(runs) > 0 {
		report := "/hunts/" + h.ID + "/report"
		if run := q.Query("run"); run != "" && run != everyRun {
			report = address(report, url.Values{"run": {run}})
		}
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("hunt.web.report"), Href: report})
		v.Path = report + "#path"
	}
	if h.Stage == Opened && may(q, "hunt.receive") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("hunt.web.bring"), Href: "/hunts/" + h.ID + "/bring"})
	}
	if h.Stage != Closed && may(q, "hunt.change") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("hunt.web.edit"), Href: "/hunts/" + h.ID + "/edit", Kind: "quiet"})
	}
	v.Facts = huntFacts(q, h)
}

// huntFacts is the scope of a hunt.
func huntFacts(q *httpd.Request, h Hunt) (facts page.Facts) {
	p := q.Printer
	add := adder(&facts)
	add(p.T("hunt.web.hosts"), printableLines(h.Hosts))
	add(p.T("hunt.web.logs"), printableLines(h.Logs))
	if !h.From.IsZero() {
		add(p.T("hunt.web.from"), p.Time(h.From))
	}
	if !h.Until.IsZero() {
		add(p.T("hunt.web.until"), p.Time(h.Until))
	}
	var refs []string
	for _, r := range h.Rules {
		refs = append(refs, text.Printable(r))
	}
	add(p.T("hunt.web.rules"), strings.Join(refs, "\n"))
	add(p.T("hunt.web.notice"), text.Printable(h.Notice))
	if h.Conclusion != "" {
		add(p.T("hunt.web.conclusion"), p.T("hunt.web.conclusion."+string(h.Conclusion))+"\n"+printableLines(h.Words))
	}
	return facts
}

// printableLines keeps the lines of what a person wrote.
func printableLines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = text.Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

func (v *deskView) runs(q *httpd.Request, path string, runs []Received, on string) {
	query := kept(q.Queries())
	for i, r := range runs {
		query.Set("run", r.ID)
		x := runItem{Received: r, Href: address(path, query), Kept: keptText(q.Printer, r), On: r.ID == on}
		if x.On && !r.RemovedAt.IsZero() {
			v.Removed = q.Printer.T("hunt.web.removed_say", "at", q.Printer.Date(r.RemovedAt))
		}
		if i+1 < len(runs) {
			x.Compare = address(path+"/compare", url.Values{"before": {runs[i+1].ID}, "after_run": {r.ID}})
		}
		v.Runs = append(v.Runs, x)
	}
}

// sides counts by host, account, technique and rule, each without its own part
// of the filter, so that one goes from one host to the next.
func (c *console) sides(q *httpd.Request, v *deskView, path string, f FindingFilter, shelf *shelf) error {
	p := q.Printer
	for _, by := range []struct {
		name, key string
		part      func(*FindingFilter) *string
	}{{"host", "hunt.web.host", func(f *FindingFilter) *string { return &f.Host }}, {"user", "hunt.web.user", func(f *FindingFilter) *string { return &f.User }},
		{"technique", "hunt.web.technique", func(f *FindingFilter) *string { return &f.Technique }}, {"rule", "hunt.web.rule", func(f *FindingFilter) *string { return &f.Rule }}} {
		g := f
		on := *by.part(&g)
		*by.part(&g) = ""
		list, err := c.Counts(q.Context(), g, by.name, sideRows)
		if err != nil {
			return err
		}
		s := side{Title: p.T(by.key)}
		query := kept(q.Queries())
		if on != "" {
			query.Del(by.name)
			s.Off = address(path, query)
		}
		for _, x := range list {
			if x.Value == "" { // findings that have no host, or no account
				continue
			}
			query.Set(by.name, x.Value)
			shown := text.Printable(x.Value)
			if by.name == "rule" {
				shown = shelf.titleOf(p, x.Value, x.Title)
			}
			s.Items = append(s.Items, sideItem{Text: shown, Href: address(path, query), Count: x.Count, On: strings.EqualFold(x.Value, on)})
		}
		if len(s.Items) > 0 || s.Off != "" {
			v.Sides = append(v.Sides, s)
		}
	}
	return nil
}

// rows are the findings of a page, each with its reason and, when there are few
// of its kind, that.
func (c *console) rows(q *httpd.Request, v *deskView, path string, f FindingFilter, shelf *shelf) error {
	p := q.Printer
	list, next, err := c.Findings(q.Context(), f)
	if err != nil {
		return err
	}
	first, err := c.firsts(q, list)
	if err != nil {
		return err
	}
	rare, err := c.Rare(q.Context(), FindingFilter{Hunt: f.Hunt, Run: f.Run}, list, fewAlike)
	if err != nil {
		return err
	}
	query := kept(q.Queries())
	for i := range list {
		x := shelf.row(p, &list[i])
		x.Why = whyLine(p, first[list[i].ID].Why)
		if n := rare[list[i].ID]; n > 0 {
			x.Rare = p.T("hunt.web.rare", "n", n)
		}
		with := func(name, value string) string {
			if value == "" {
				return ""
			}
			q := url.Values{}
			for k, v := range query {
				q[k] = v
			}
			q.Set(name, value)
			return address(path, q)
		}
		x.HostHref, x.UserHref = with("host", list[i].Host), with("user", list[i].User)
		v.Rows = append(v.Rows, x)
	}
	if v.Total, err = c.Count(q.Context(), f); err != nil {
		return err
	}
	v.Nothing = len(list) == 0
	v.List = &page.List{Path: path, Query: q.Queries(), Next: next, Size: deskRows, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("hunt.web.what")}, {Title: p.T("hunt.web.level")}, {Title: p.T("hunt.web.where")}, {Title: p.T("hunt.web.count"), Num: true}, {Title: p.T("hunt.web.last")}, {Title: p.T("hunt.web.state")}}}
	if v.MayTouch {
		v.List.Columns = append([]page.Column{{Title: p.T("hunt.web.tick"), Tick: true}}, v.List.Columns...)
		v.Bulk = &page.Bulk{Form: "desk"}
		for _, st := range States {
			v.Bulk.Acts = append(v.Bulk.Acts, page.BulkAct{Text: p.T("hunt.web.do." + string(st)), Name: "state", Value: string(st)})
		}
		if v.Total > 0 {
			v.Triage = address(path+"/triage", query)
		}
	}
	return nil
}

// firsts are the first examples of the findings of a page.
func (c *console) firsts(q *httpd.Request, list []Finding) (map[string]Example, error) {
	ids := make([]string, len(list))
	for i, f := range list {
		ids[i] = f.ID
	}
	return c.Firsts(q.Context(), ids...)
}

// tabs are the states and levels with their counts, and what else narrows.
func (c *console) tabs(q *httpd.Request, v *deskView, path string, f FindingFilter) error {
	p := q.Printer
	v.Tabs = &page.List{Path: path, Query: q.Queries()}
	put := func(name, value, label string, n int) {
		v.Tabs.Filters = append(v.Tabs.Filters, page.Filter{Name: name, Value: value, Label: label, Count: n})
	}
	states, levels, err := c.CountParts(q.Context(), f)
	if err != nil {
		return err
	}
	put("state", "", p.T("hunt.web.waiting"), states[Fresh]+states[Taken])
	all := 0
	for _, st := range States {
		put("state", string(st), p.T("hunt.web.state."+string(st)), states[st])
		all += states[st]
	}
	put("state", string(everyState), p.T("hunt.web.all"), all)
	for _, level := range []string{"critical", "high", "medium", "low"} {
		put("level", level, levelWord(p, level), levels[level])
	}
	for name, value := range map[string]string{"host": f.Host, "user": f.User, "technique": f.Technique} {
		if value != "" {
			v.Tabs.Filters = append(v.Tabs.Filters, page.Filter{Name: name, Value: value, Label: p.T("hunt.web.only."+name, "value", text.Printable(value)), Count: -1})
		}
	}
	if f.Rule != "" {
		shelf, err := c.shelf()
		if err != nil {
			return err
		}
		v.Tabs.Filters = append(v.Tabs.Filters, page.Filter{Name: "rule", Value: f.Rule, Label: p.T("hunt.web.only.rule", "value", shelf.titleOf(p, f.Rule, "")), Count: -1})
	}
	if q.Query("run") == everyRun {
		v.Tabs.Filters = append(v.Tabs.Filters, page.Filter{Name: "run", Value: everyRun, Label: p.T("hunt.web.every_run"), Count: -1})
	}
	slices.SortStableFunc(v.Tabs.Filters, func(a, b page.Filter) int {
		return slices.Index(tabOrder, a.Name) - slices.Index(tabOrder, b.Name)
	})
	return nil
}

var tabOrder = []string{"state", "level", "host", "user", "technique", "rule", "run"}

// said tells what the last act did, with its undo.
func (c *console) said(q *httpd.Request) ([]page.Flash, error) {
	p := q.Printer
	id := q.Query("did")
	if id == "" {
		return nil, nil
	}
	list, err := c.Batches(q.Context())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(b Batch) bool { return b.ID == id })
	if i < 0 {
		return nil, nil
	}
	b := list[i]
	if !b.UndoneAt.IsZero() {
		f := page.Flash{Kind: "good", Text: p.T("hunt.web.undone", "n", b.Undone)}
		if kept := b.Count - b.Undone; kept > 0 {
			f = page.Flash{Kind: "warn", Text: p.T("hunt.web.undone_kept", "n", b.Undone, "kept", kept)}
		}
		return []page.Flash{f}, nil
	}
	f := page.Flash{Kind: "good", Text: p.T("hunt.web.done", "n", b.Count, "state", p.T("hunt.web.state."+string(b.State)))}
	if b.Undoable && may(q, "hunt.undo") {
		f.Undo = address("/hunt-batches/"+b.ID+"/undo", url.Values{"next": {q.R.URL.RequestURI()}})
	}
	return []page.Flash{f}, nil
}
