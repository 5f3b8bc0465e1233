package exposure

import (
	"net/url"
	"strings"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// queueSize is how many exposures a page of the queue shows.
const queueSize = 40

// pagesQueue are the queue and what is done to several at once.
func pagesQueue(r *httpd.Router, s *Service) {
	r.Page("GET /exposures", func(q *httpd.Request) error { return on(q, s).showQueue() })
	r.Page("POST /exposures/bulk", func(q *httpd.Request) error { return on(q, s).bulk() })
	r.Page("POST /exposures/undo", func(q *httpd.Request) error {
		if _, err := s.TakeBack(q.Context(), q.Query("act")); err != nil {
			return err
		}
		if one := q.Query("one"); one != "" {
			return q.Redirect("/exposures/" + url.PathEscape(one))
		}
		return q.Redirect(back(q))
	})
	r.Page("GET /exposures/verdict", func(q *httpd.Request) error { return on(q, s).showVerdict(ids(q.Queries()["id"]), nil) })
	r.Page("POST /exposures/verdict", func(q *httpd.Request) error { return on(q, s).judge() })
}

// back is the view of the queue from which a form was sent.
func back(q *httpd.Request) string { return httpd.LocalPath("/exposures" + q.Form("back")) }

type queueView struct {
	Head   page.Head
	Empty  *page.Empty
	List   *page.List
	Rows   []rowView
	Search string
	Keep   []kept
	One    *oneView // the chosen exposure, else the first: what to do next
	Bulk   *page.Bulk
	Back   string
	Plain  bool // who runs the equipment: plain words, the next act first
	Counts []count
	Group  *groupView // instead of One where the queue is by vulnerability
}

// groupView is the first vulnerability of the office's queue.
type groupView struct {
	Row     rowView
	Acts    []page.Act
	Sectors page.Bars
	Facts   page.Facts
}

// kept is a parameter of the address that the search keeps.
type kept struct{ Name, Value string }

// count is one number over the queue.
type count struct {
	N    int
	Say  string
	Href string
	Bad  bool
}

func filterOf(q *httpd.Request) Filter {
	f := Filter{State: State(q.Query("state")), Priority: q.Query("priority"), Verdict: q.Query("verdict"), Kind: q.Query("kind"), Exploited: q.Query("exploited") == "1",
		Org: q.Query("org"), Sector: q.Query("sector"), Vulnerability: strings.ToUpper(strings.TrimSpace(q.Query("vulnerability"))), ProductKey: q.Query("product"), Sort: q.Query("sort"), Cursor: q.Query("after"), Limit: queueSize}
	if q.Query("state") == "all" {
		f.State, f.All = "", true
	}
	return f
}

func (v *screen) showQueue() error {
	f := filterOf(v.Request)
	found, groups, err := v.queued(f)
	if err != nil {
		return err
	}
	tally, err := v.s.Tally(v.Context(), tallyFilter(f))
	if err != nil {
		return err
	}
	reach, query := v.reach(), v.Queries()
	d := queueView{Plain: reach == gate.Own || reach == gate.Operated, Search: v.Query("vulnerability")}
	d.Head = page.Head{H1: v.p.T("exposure.web.title." + reachWord(reach)), Lead: v.p.T("exposure.web.lead." + reachWord(reach)), Acts: v.queueActs()}
	shell := v.shell(d.Head.H1, "exposures")
	shell.Live = "/live/exposure"
	if len(found.Rows)+len(groups) == 0 && len(query) == 0 {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.empty." + reachWord(reach)), Say: v.p.T("exposure.web.empty_say." + reachWord(reach))}
		if reach == gate.Own {
			d.Empty.Act = &page.Act{Text: v.p.T("exposure.web.to_register"), Href: "/assets", Icon: "server"}
		}
	}
	for p := Act; ; p-- {
		d.Counts = append(d.Counts, count{tally[p], v.p.T("page.severity." + p.String()), "/exposures?priority=" + p.String(), p == Act && tally[p] > 0})
		if p == Track {
			break
		}
	}
	d.List = v.queueList(f, found)
	if groups != nil {
		if err := v.grouped(&d, groups); err != nil {
			return err
		}
	}
	open := v.Query("open")
	for i := range found.Rows {
		r := v.row(&found.Rows[i])
		r.On = open == string(r.ID) || open == "" && i == 0
		d.Rows = append(d.Rows, r)
	}
	if len(found.Rows) > 0 {
		id := found.Rows[0].ID
		if open != "" {
			id = ID(open)
		}
		if d.One, err = v.one(id); err != nil {
			return err
		}
	}
	for name := range query {
		if name != "vulnerability" && name != "after" && name != "open" {
			d.Keep = append(d.Keep, kept{name, query.Get(name)})
		}
	}
	if groups == nil {
		if d.Bulk, err = v.bulkBar(); err != nil {
			return err
		}
	}
	query.Del("open")
	if len(query) > 0 {
		d.Back = "?" + query.Encode()
	}
	return v.Render("exposure/queue", shell, d)
}

// queued is a page of the queue: by vulnerability for those who watch many
// operators, unless they ask for each exposure; else by exposure.
func (v *screen) queued(f Filter) (found Found, groups []Group, err error) {
	watches := v.reach() == gate.All || v.reach() == gate.Sector
	if watches && v.Query("by") == "" && f.Org == "" && f.Vulnerability == "" && f.Sort == "" {
		groups, found.Next, err = v.s.Groups(v.Context(), f)
		if groups == nil {
			groups = []Group{}
		}
		return found, groups, err
	}
	if found, err = v.s.List(v.Context(), f); err != nil {
		return found, nil, err
	}
	return found, nil, v.written(found.Rows)
}

// written puts a register's own words into the exposures of a list.
func (v *screen) written(rows []Exposure) error {
	shown := make([]*Exposure, len(rows))
	for i := range rows {
		shown[i] = &rows[i]
	}
	return v.s.Written(v.Context(), shown...)
}

// grouped fills the queue by vulnerability, and the first one beside it.
func (v *screen) grouped(d *queueView, groups []Group) error {
	d.List.Shown = len(groups)
	for i := range groups {
		g := &groups[i]
		e := Exposure{Vulnerability: g.Vulnerability, Title: g.Title, Priority: g.Priority, Exploited: g.Exploited, State: New, Facts: g.Facts, Devices: g.Devices}
		r := rowView{Href: "/exposures/vulnerability/" + url.PathEscape(g.Vulnerability), CVE: g.Vulnerability, Priority: g.Priority.String(), Devices: g.Devices, Exploited: g.Exploited,
			Title: cut(g.Title, 90), Org: v.p.T("exposure.web.org_n", "n", g.Orgs), Due: v.due(&e), On: i == 0}
		if g.Vulnerability == SupportEnd {
			r.CVE, r.Title = "", v.p.T("exposure.support_end")
		} else if r.Title == "" {
			r.Title = g.Vulnerability
		}
		if g.New > 0 {
			r.State = v.p.T("exposure.web.unread", "n", g.New)
		}
		d.Rows = append(d.Rows, r)
		if i > 0 {
			continue
		}
		c, err := v.s.Concerned(v.Context(), g.Vulnerability)
		if err != nil {
			return err
		}
		x := groupView{Row: r, Sectors: v.bySector(c), Facts: v.facts(&e)}
		if g.Vulnerability != SupportEnd && v.may("exposure.propose") {
			x.Acts = append(x.Acts, v.noticeAct(g.Vulnerability, c.Orgs))
		}
		x.Acts = append(x.Acts, page.Act{Text: v.p.T("exposure.web.who_is_exposed"), Href: r.Href})
		d.Group = &x
	}
	return nil
}

// noticeAct leads to a notice to those whom a vulnerability concerns.
func (v *screen) noticeAct(vulnerability string, orgs int) page.Act {
	return page.Act{Text: v.p.T("exposure.web.notice_to", "n", orgs), Href: "/notices/new?" + url.Values{"vulnerability": {vulnerability}}.Encode(), Kind: "primary", Icon: "bell"}
}

// tallyFilter counts every priority of a view: the filter without the one
// chosen.
func tallyFilter(f Filter) Filter {
	f.Priority, f.Cursor = "", ""
	return f
}

func reachWord(r gate.Reach) string {
	switch r {
	case gate.Own:
		return "own"
	case gate.Operated:
		return "operated"
	case gate.Sector:
		return "sector"
	}
	return "all"
}

func (v *screen) queueActs() (acts []page.Act) {
	for _, a := range []struct{ verb, word, href, icon string }{
		{"exposure.figures", "exposure.web.executive", "/executive", "print"},
		{"exposure.names", "exposure.web.names", "/exposures/names", "question"},
		{"exposure.supply", "exposure.web.supply", "/exposures/supply", "graph"},
		{"exposure.picture", "exposure.web.sectors", "/exposures/sectors", "graph"},
		{"exposure.runs", "exposure.web.runs", "/exposures/runs", "pulse"},
	} {
		if v.may(a.verb) {
			acts = append(acts, page.Act{Text: v.p.T(a.word), Href: a.href, Icon: a.icon, Kind: "small"})
		}
	}
	return acts
}

// queueList is the state of the queue: its filters, all of them in the address.
func (v *screen) queueList(f Filter, found Found) *page.List {
	q := v.Queries()
	q.Del("open")
	l := &page.List{Path: "/exposures", Query: q, Next: found.Next, Size: queueSize, From: 1, Shown: len(found.Rows), Total: -1}
	add := func(name, value, label string) {
		l.Filters = append(l.Filters, page.Filter{Name: name, Value: value, Label: label, Count: -1})
	}
	for p := Act; ; p-- {
		add("priority", p.String(), v.p.T("page.severity."+p.String()))
		if p == Track {
			break
		}
	}
	add("exploited", "1", v.p.T("exposure.web.exploited"))
	add("verdict", "unknown", v.p.T("exposure.web.filter.unknown"))
	add("kind", "support", v.p.T("exposure.web.filter.support"))
	for _, s := range []State{New, Seen, Judged, Handled, Ended} {
		add("state", string(s), v.p.T("exposure.state."+string(s)))
	}
	if r := v.reach(); r == gate.All || r == gate.Sector {
		add("by", "org", v.p.T("exposure.web.filter.by_org"))
	}
	add("sort", SortNewest, v.p.T("exposure.web.filter.newest"))
	if f.Sector != "" {
		add("sector", f.Sector, v.sectorName(f.Sector))
	}
	if f.ProductKey != "" {
		add("product", f.ProductKey, productName(f.ProductKey))
	}
	if f.Org != "" {
		name := v.p.T("exposure.web.filter.org")
		if len(found.Rows) > 0 {
			name = found.Rows[0].OrgName
		}
		add("org", f.Org, name)
	}
	return l
}

// bulkBar is the bar of acts on chosen exposures, with the undo of the last.
func (v *screen) bulkBar() (*page.Bulk, error) {
	b := &page.Bulk{Form: "rows"}
	act := func(word, value string) {
		b.Acts = append(b.Acts, page.BulkAct{Text: v.p.T(word), Name: "act", Value: value})
	}
	if v.may("exposure.mark") {
		act("exposure.web.do.seen", "seen")
		act("exposure.web.do.handled", "handled")
		act("exposure.web.do.judge", "judge")
	} else if v.may("exposure.propose") {
		act("exposure.web.do.propose", "judge")
	} else {
		return nil, nil
	}
	if !v.may("exposure.undo") {
		return b, nil
	}
	last, err := v.s.Last(v.Context())
	if err == nil && last.Entry != "" {
		b.Said = v.p.T("exposure.web.did."+last.What, "n", len(last.Exposures))
		b.Undo = "/exposures/undo?" + url.Values{"act": {last.Entry}}.Encode()
	}
	return b, err
}

// bulk does one thing to every chosen exposure.
func (v *screen) bulk() error {
	chosen := ids(v.Forms()["id"])
	if len(chosen) == 0 {
		return v.Redirect(back(v.Request))
	}
	if v.Form("act") == "judge" {
		form := url.Values{}
		for _, id := range chosen {
			form.Add("id", string(id))
		}
		return v.Redirect("/exposures/verdict?" + form.Encode())
	}
	if _, err := v.s.Mark(v.Context(), chosen, State(v.Form("act")), ""); err != nil {
		return err
	}
	return v.Redirect(back(v.Request))
}

type verdictView struct {
	Head    page.Head
	Rows    []rowView
	Fields  []page.Field
	Propose bool
	Back    string
	Act     string
}

// showVerdict is the page on which a person says that exposures are none, and
// why; with a fault it is the one that was sent.
func (v *screen) showVerdict(chosen []ID, bad error) error {
	if err := v.s.Decides(v.Context()); err != nil {
		return err
	}
	if len(chosen) == 0 {
		return v.Redirect("/exposures")
	}
	d := verdictView{Propose: !v.may("exposure.judge"), Back: "/exposures"}
	if len(chosen) == 1 {
		d.Back += "/" + string(chosen[0])
	}
	for _, id := range chosen[:min(len(chosen), queueSize)] {
		e, err := v.s.Get(v.Context(), id)
		if err != nil {
			return err
		}
		d.Rows = append(d.Rows, v.row(&e))
	}
	title, lead := "exposure.web.verdict", "exposure.web.verdict_lead"
	d.Act = v.p.T("exposure.web.verdict_do")
	if d.Propose {
		title, lead, d.Act = "exposure.web.propose", "exposure.web.propose_lead", v.p.T("exposure.web.propose_do")
	}
	d.Head = page.Head{H1: v.p.T(title), Lead: v.p.T(lead), Crumbs: []page.Crumb{{Text: v.p.T("exposure.web.title." + reachWord(v.reach())), Href: "/exposures"}, {Text: v.p.T(title)}}}
	why := page.Field{Name: "justification", Kind: "choice", Label: v.p.T("exposure.web.why"), Need: page.Required}
	for _, j := range Justifications() {
		why.Options = append(why.Options, page.Option{Value: string(j), Label: v.p.T("exposure.why." + string(j)), Hint: v.p.T("exposure.web.why_hint." + string(j))})
	}
	d.Fields = []page.Field{why,
		{Name: "words", Kind: "textarea", Label: v.p.T("exposure.web.words"), Need: page.Required, Hint: v.p.T("exposure.web.words_hint"), Rows: 4, Limit: maxWords},
		{Name: "until", Kind: "date", Label: v.p.T("exposure.web.until"), Need: page.Optional, Hint: v.p.T("exposure.web.until_hint")}}
	shell := v.shell(d.Head.H1, "exposures")
	shell.Density = page.Roomy
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("exposure/verdict", shell, d)
}
