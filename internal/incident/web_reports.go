package incident

import (
	"maps"
	"net/url"
	"slices"

	"noroshi/internal/base/page"
)

func (w *web) reports() {
	w.page("GET /reports", (*screen).list)
	w.page("GET /reports/new", (*screen).begin)
	w.page("POST /reports/new", (*screen).start)
	w.page("POST /reports/{id}/next", (*screen).startNext)
}

// pageRows is how many reports a page of the reporter's list shows: each is
// opened for its title and its clocks.
const pageRows = 20

type reportRow struct {
	Case  Case
	Title string
	Kind  string
	Stage string
	State string
	Due   *page.Due
}

type draftRowView struct {
	DraftLine
	Name, Kind, Stage string
}

type reportsView struct {
	Head   page.Head
	Drafts []draftRowView
	List   *page.List
	Rows   []reportRow
	Empty  page.Empty
}

// list is the reporter's own reports.
func (v *screen) list() error {
	q := v.Queries()
	q.Del("lang")
	f := Filter{State: State(q.Get("state")), Kind: Kind(q.Get("kind")), Severity: Severity(q.Get("severity")), Waiting: q.Get("waiting") == "1",
		Number: q.Get("number"), Cursor: q.Get("after"), Limit: pageRows}
	cases, next, err := v.s.Briefs(v.Context(), f)
	if err != nil {
		return err
	}
	d := reportsView{Head: page.Head{H1: v.T("incident.web.reports"), Lead: v.T("incident.web.reports.lead")}, Empty: page.Empty{
		Title: v.T("incident.web.reports.none"), Say: v.T("incident.web.reports.none.say")}}
	if v.mayWrite() {
		d.Head.Acts = []page.Act{{Text: v.T("incident.web.report"), Href: "/reports/new", Kind: "primary", Icon: "document"}}
		d.Empty.Act = &page.Act{Text: v.T("incident.web.report"), Href: "/reports/new"}
		if d.Drafts, err = v.draftRows(); err != nil {
			return err
		}
	}
	d.List = &page.List{Path: "/reports", Query: q, Next: next, Size: pageRows, From: 1, Shown: len(cases), Total: -1,
		Columns: []page.Column{{Title: v.T("incident.web.col.number")}, {Title: v.T("incident.web.col.title")}, {Title: v.T("incident.web.col.stage")},
			{Title: v.T("incident.web.col.severity")}, {Title: v.T("incident.web.col.state")}, {Title: v.T("incident.web.col.due")}, {Title: v.T("incident.web.col.updated")}},
		Filters: v.caseFilters("incident.web.waiting.answer")}
	for _, b := range cases {
		d.Rows = append(d.Rows, v.reportRow(b))
	}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density, shell.Live = "reports", page.Desk, "/live/incident"
	return v.Render("incident/reports", shell, d)
}

func (v *screen) caseFilters(waiting string) []page.Filter {
	out := []page.Filter{{Name: "waiting", Value: "1", Label: v.T(waiting), Count: -1}}
	for _, s := range []State{Open, Closed, Withdrawn} {
		out = append(out, page.Filter{Name: "state", Value: string(s), Label: v.T("incident.web.state." + string(s)), Count: -1})
	}
	for _, k := range Kinds {
		out = append(out, page.Filter{Name: "kind", Value: string(k), Label: v.kind(k), Count: -1})
	}
	return out
}

func (v *screen) reportRow(b Brief) reportRow {
	c := b.Case
	row := reportRow{Case: c, Title: b.Title, Kind: v.kind(c.Kind), Stage: v.numbered(c.Stage, c.Version), State: v.T("incident.web.state." + string(c.State))}
	switch {
	case !c.PurgedAt.IsZero():
		row.Title = v.T("incident.web.purged")
	case row.Title == "":
		row.Title = v.T("incident.web.untitled")
	}
	if all := v.ordered(b.Result); c.State == Open && len(all) > 0 {
		due := v.clock(all[0].next())
		row.Due = &due
	}
	return row
}

func (v *screen) draftRows() (out []draftRowView, err error) {
	drafts, err := v.s.Drafts(v.Context())
	if err != nil {
		return nil, err
	}
	for _, d := range drafts {
		r := draftRowView{DraftLine: d, Name: d.Title, Kind: v.kind(d.Kind), Stage: v.stage(d.Stage)}
		if r.Name == "" {
			r.Name = v.T("incident.web.untitled")
		}
		out = append(out, r)
	}
	return out, nil
}

// ---- the scope check ----

type scopeView struct {
	Head   page.Head
	Ask    *page.Field
	Hidden []page.Field // answers so far
	Given  page.Facts
	Result *ScopeResult
	Tag    [2]string // kind of tag and word
	Why    []page.Evidence
	Paths  []page.Evidence
	Source string
	Skip   string // address that skips the check
	Write  string // address of the choice of a kind
	Again  string
}

const scopePrefix = "s."

// scopeAnswers are the answers in an address or a form.
func scopeAnswers(q url.Values) map[string]string {
	out := map[string]string{}
	for _, ask := range ScopeRules().Questions {
		if a := q.Get(scopePrefix + ask.ID); a != "" {
			out[ask.ID] = a
		}
	}
	return out
}

func scopeQuery(answers map[string]string, more ...string) string {
	q := url.Values{}
	for id, a := range answers {
		q.Set(scopePrefix+id, a)
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return "/reports/new"
	}
	return "/reports/new?" + q.Encode()
}

// begin asks whether something is reportable, one question a page, and then
// which kind it is. Nothing is stored until the kind is chosen: the answers
// are in the address, so that going back just works.
func (v *screen) begin() error {
	if err := v.writes(); err != nil {
		return err
	}
	answers := scopeAnswers(v.Queries())
	if v.Query("step") == "kind" {
		return v.kinds(answers, nil)
	}
	res, err := Scope(answers)
	if err != nil {
		return err
	}
	d := scopeView{Skip: scopeQuery(answers, "step", "kind")}
	d.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: v.T("incident.web.scope")}}}
	for _, q := range ScopeRules().Questions {
		a, ok := answers[q.ID]
		if !ok {
			continue
		}
		o, _ := optionOf(q.Options, a)
		back := maps.Clone(answers)
		maps.DeleteFunc(back, func(id, _ string) bool { return !before(id, q.ID) })
		d.Given.Rows = append(d.Given.Rows, page.Fact{Name: v.both(q.Label), Value: v.both(o.Label), Change: scopeQuery(back)})
		d.Hidden = append(d.Hidden, page.Field{Kind: "hidden", Name: scopePrefix + q.ID, Value: a})
	}
	d.Given.Tight = true
	if res.Verdict == ScopeOpen {
		q, _ := ScopeRules().question(res.Ask)
		d.Ask = &page.Field{Name: scopePrefix + q.ID, Kind: "choice", Label: v.both(q.Label), Hint: v.both(q.Hint), Question: true, Options: v.options(q.Options)}
		d.Source = v.both(q.Source)
		shell := v.Shell(v.both(q.Label))
		shell.Key = "reports"
		return v.Render("incident/scope", shell, d)
	}
	d.Result = &res
	d.Head.H1, d.Head.Lead = v.both(res.Label), v.both(res.Next)
	d.Tag = map[ScopeVerdict][2]string{ScopeReport: {"act", "diamond"}, ScopeLikely: {"attend", "triangle"}, ScopePrecursor: {"watch", "disc"},
		ScopeVoluntary: {"watch", "disc"}, ScopeNone: {"calm", "ring"}}[res.Verdict]
	for _, r := range res.Reasons {
		d.Why = append(d.Why, page.Evidence{Fact: v.both(r.Text), Note: v.both(r.Source)})
	}
	for _, p := range res.Paths {
		d.Paths = append(d.Paths, page.Evidence{Icon: "info", Fact: v.both(p.Label), Note: v.both(p.Source)})
	}
	d.Write, d.Again = scopeQuery(answers, "step", "kind"), scopeQuery(nil)
	shell := v.Shell(d.Head.H1)
	shell.Key = "reports"
	return v.Render("incident/scope", shell, d)
}

// before reports whether a question of the scope check comes before another.
func before(id, other string) bool {
	at := func(id string) int {
		return slices.IndexFunc(ScopeRules().Questions, func(q ScopeQuestion) bool { return q.ID == id })
	}
	return at(id) < at(other)
}

// writes refuses who may not write reports before they answer questions for
// nothing. The refusal is the service's, and recorded.
func (v *screen) writes() error {
	if v.mayWrite() {
		return nil
	}
	_, err := v.s.Drafts(v.Context())
	return err
}

type kindView struct {
	Head   page.Head
	Field  page.Field
	Hidden []page.Field
	Back   string
}

func (v *screen) kinds(answers map[string]string, bad error) error {
	d := kindView{Head: page.Head{Crumbs: []page.Crumb{v.home(), {Text: v.T("incident.web.kind_choice")}}}, Back: scopeQuery(answers)}
	d.Field = page.Field{Name: "kind", Kind: "choice", Label: v.T("incident.web.kind_choice"), Hint: v.T("incident.web.kind_choice.hint"), Question: true}
	if answers["event"] == "cause" {
		d.Field.Value = string(Cause)
	}
	for _, h := range Dictionary().Kinds {
		d.Field.Options = append(d.Field.Options, page.Option{Value: h.ID, Label: v.both(h.Label), Hint: v.both(h.Hint)})
	}
	for _, id := range slices.Sorted(maps.Keys(answers)) {
		d.Hidden = append(d.Hidden, page.Field{Kind: "hidden", Name: scopePrefix + id, Value: answers[id]})
	}
	shell := v.Shell(v.T("incident.web.kind_choice"))
	shell.Key = "reports"
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/kind", shell, d)
}

// start begins a draft with what the scope check learned.
func (v *screen) start() error {
	answers := scopeAnswers(v.Forms())
	if v.Form("kind") == "" {
		return v.kinds(answers, placed(nothingSaid("incident.web.kind_choice.empty"), "kind"))
	}
	d, err := v.s.StartDraft(v.Context(), Kind(v.Form("kind")))
	if err != nil {
		return err
	}
	c := Changes{Scope: answers, Values: map[FieldID]Value{}}
	for id, field := range map[string]FieldID{"designated": "operator.designated", "personal": "personal.involved"} {
		f, ok := Dictionary().Get(field)
		if !ok || !f.For(d.Kind) {
			continue
		}
		switch a := answers[id]; {
		case a == "yes" || a == "no":
			c.Values[field] = KnownValue(a == "yes")
		case a == "unknown" && f.Investigating:
			c.Values[field] = Value{State: Investigating}
		}
	}
	if _, err := v.s.SaveDraft(v.Context(), d.ID, d.Revision, c); err != nil {
		return err
	}
	return v.Redirect("/drafts/" + d.ID)
}

func (v *screen) startNext() error {
	d, err := v.s.StartNext(v.Context(), v.Path("id"), Stage(v.Form("stage")))
	if err != nil {
		return err
	}
	return v.Redirect("/drafts/" + d.ID)
}
