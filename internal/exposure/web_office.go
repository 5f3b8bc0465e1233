package exposure

import (
	"net/url"
	"slices"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// pagesOffice are whom a vulnerability concerns, the supply links, and the full
// rematch.
func pagesOffice(r *httpd.Router, s *Service) {
	r.Page("GET /exposures/vulnerability/{id}", func(q *httpd.Request) error { return on(q, s).showWhere() })
	r.Page("GET /exposures/supply", func(q *httpd.Request) error { return on(q, s).showSupply() })
	r.Page("GET /exposures/runs", func(q *httpd.Request) error { return on(q, s).showRuns() })
	r.Page("POST /exposures/runs", func(q *httpd.Request) error {
		if _, err := s.AskRematch(q.Context()); err != nil {
			return err
		}
		return q.Redirect("/exposures/runs")
	})
}

type whereView struct {
	Head    page.Head
	Counts  []count
	Sectors page.Bars
	Squares page.Squares
	Rows    []rowView
	List    *page.List
	Empty   *page.Empty
	Facts   page.Facts
}

func (v *screen) showWhere() error {
	id := v.Path("id")
	f := filterOf(v.Request)
	f.Vulnerability = id
	found, err := v.s.Where(v.Context(), id, f)
	if err != nil {
		return err
	}
	c, err := v.s.Concerned(v.Context(), id)
	if err != nil {
		return err
	}
	f.Cursor, f.Priority = "", ""
	tally, err := v.s.Tally(v.Context(), f)
	if err != nil {
		return err
	}
	d := whereView{Head: page.Head{H1: id, Lead: v.p.T("exposure.web.where_lead"), Crumbs: []page.Crumb{{Text: v.p.T("exposure.web.title." + reachWord(v.reach())), Href: "/exposures"}, {Text: id}}}}
	at := url.PathEscape(id)
	if id != SupportEnd {
		d.Head.Acts = append(d.Head.Acts, page.Act{Text: v.p.T("exposure.web.the_vulnerability"), Href: "/vulnerabilities/" + at, Icon: "shield"})
		if v.may("exposure.propose") && c.Orgs > 0 {
			d.Head.Acts = append(d.Head.Acts, v.noticeAct(id, c.Orgs))
		}
	}
	if id == SupportEnd {
		d.Head.H1, d.Head.Crumbs[1].Text = v.p.T("exposure.support_end"), v.p.T("exposure.support_end")
	}
	if err := v.written(found.Rows); err != nil {
		return err
	}
	if len(found.Rows) > 0 {
		e := &found.Rows[0]
		d.Facts = v.facts(e)
		d.Facts.Rows = slices.DeleteFunc(d.Facts.Rows, func(x page.Fact) bool {
			return x.Name == v.p.T("exposure.web.fact.found") || x.Name == v.p.T("exposure.web.fact.changed")
		})
		if e.Title != "" {
			d.Head.H1 = cut(e.Title, 90)
		}
	} else {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.where_none"), Say: v.p.T("exposure.web.where_none_say")}
	}
	d.Counts = []count{{N: c.Orgs, Say: v.p.T("exposure.web.orgs")}, {N: c.Devices, Say: v.p.T("exposure.web.devices")}, {N: tally[Act], Say: v.p.T("page.severity.act"), Bad: tally[Act] > 0}}
	d.Sectors, d.Squares = v.bySector(c), v.byPriority(tally)
	for i := range found.Rows {
		d.Rows = append(d.Rows, v.row(&found.Rows[i]))
	}
	d.List = &page.List{Path: "/exposures/vulnerability/" + at, Query: v.Queries(), Next: found.Next, Size: queueSize, From: 1, Shown: len(found.Rows), Total: -1,
		Columns: []page.Column{{Title: v.p.T("exposure.web.col.org")}, {Title: v.p.T("exposure.web.col.product")}, {Title: v.p.T("exposure.web.col.devices"), Num: true}, {Title: v.p.T("exposure.web.col.sure")}, {Title: v.p.T("exposure.web.col.priority")}, {Title: v.p.T("exposure.web.col.state")}}}
	for p := Act; ; p-- {
		d.List.Filters = append(d.List.Filters, page.Filter{Name: "priority", Value: p.String(), Label: v.p.T("page.severity." + p.String()), Count: tally[p]})
		if p == Track {
			break
		}
	}
	d.List.Filters = append(d.List.Filters, page.Filter{Name: "state", Value: "all", Label: v.p.T("exposure.web.filter.all"), Count: -1})
	shell := v.shell(d.Head.H1, "exposures")
	shell.Live = "/live/exposure"
	return v.Render("exposure/where", shell, d)
}

// bySector draws how many operators of each sector a vulnerability concerns.
func (v *screen) bySector(c Concern) page.Bars {
	b := page.Bars{Title: v.p.T("exposure.web.by_sector", "n", c.Orgs), Note: v.p.T("exposure.web.by_sector_note"), Unit: v.p.T("exposure.web.org_unit")}
	n, worst := map[string]int{}, map[string]Priority{}
	var order []string
	for _, x := range c.By {
		if _, ok := n[x.Sector]; !ok {
			order = append(order, x.Sector)
		}
		n[x.Sector] += x.Orgs
		worst[x.Sector] = max(worst[x.Sector], x.Priority)
	}
	say := ""
	for _, s := range order {
		class := "f-line"
		switch worst[s] {
		case Act:
			class = "f-act"
		case Attend:
			class = "f-attend"
		}
		b.Parts = append(b.Parts, page.Mass{Label: v.sectorName(s), N: n[s], Class: class})
		say += v.p.T("exposure.web.sector_n", "sector", v.sectorName(s), "n", n[s])
	}
	b.Say = say
	return b
}

// byPriority draws one square for each exposure of a view.
func (v *screen) byPriority(tally map[Priority]int) page.Squares {
	s := page.Squares{Title: v.p.T("exposure.web.squares", "n", tally[Act]+tally[Attend]), Note: v.p.T("exposure.web.squares_note"), Unit: v.p.T("exposure.web.unit"),
		Say: v.p.T("exposure.web.squares_say", "act", tally[Act], "attend", tally[Attend], "watch", tally[Watch], "track", tally[Track])}
	for i := len(weekFills) - 1; i >= 0; i-- {
		x := weekFills[i]
		s.Parts = append(s.Parts, page.Mass{Label: v.p.T("page.severity." + x.priority.String()), N: tally[x.priority], Class: x.fill})
	}
	return s
}

type supplyView struct {
	Head  page.Head
	Empty *page.Empty
	Sides []supplySide
}

// supplySide is one direction of the chain: who depends on the organisation, or
// on whom it depends.
type supplySide struct {
	Title, Say string
	Tiers      []supplyTier
}

type supplyTier struct {
	N     int
	Say   string
	Links []linkView
	Far   int // organisations that are only counted
}

type linkView struct{ Name, Kind, Via, Href string }

func (v *screen) showSupply() error {
	id := v.Query("org")
	office := Access.Reach(v.Who, "exposure.supply") == gate.All
	d := supplyView{Head: page.Head{H1: v.p.T("exposure.web.supply"), Lead: v.p.T("exposure.web.supply_lead"), Crumbs: []page.Crumb{{Text: v.p.T("exposure.web.title." + reachWord(v.reach())), Href: "/exposures"}, {Text: v.p.T("exposure.web.supply")}}}}
	c, err := v.s.Supply(v.Context(), id)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, l := range slices.Concat(c.Dependents, c.Suppliers) {
		names[l.Org] = l.Name
	}
	for _, side := range []struct {
		key   string
		links []Link
	}{{"dependents", c.Dependents}, {"suppliers", c.Suppliers}} {
		x := supplySide{Title: v.p.T("exposure.web.supply." + side.key), Say: v.p.T("exposure.web.supply_say." + side.key)}
		for n := 1; n <= maxTiers; n++ {
			t := supplyTier{Say: v.p.T("exposure.web.tier", "n", n), Far: c.Further[side.key+"/"+string(rune('0'+n))]}
			for _, l := range side.links {
				if l.Tier != n {
					continue
				}
				k := linkView{Name: l.Name, Kind: v.p.T("exposure.web.tie." + l.Kind), Via: names[l.Via]}
				if office {
					k.Href = "/exposures?org=" + url.QueryEscape(l.Org)
				}
				t.Links = append(t.Links, k)
			}
			if t.N = len(t.Links) + t.Far; t.N > 0 {
				x.Tiers = append(x.Tiers, t)
			}
		}
		d.Sides = append(d.Sides, x)
	}
	if office && id == "" {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.supply_choose"), Say: v.p.T("exposure.web.supply_choose_say"), Act: &page.Act{Text: v.p.T("exposure.web.title.all"), Href: "/exposures"}}
	} else if len(d.Sides[0].Tiers)+len(d.Sides[1].Tiers) == 0 {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.supply_none"), Say: v.p.T("exposure.web.supply_none_say")}
	}
	return v.Render("exposure/supply", v.shell(d.Head.H1, "exposures"), d)
}

type runsView struct {
	Head  page.Head
	Rows  []runView
	Empty *page.Empty
	List  *page.List
}

type runView struct {
	Run
	Took    time.Duration
	Waiting bool
}

func (v *screen) showRuns() error {
	list, err := v.s.Runs(v.Context())
	if err != nil {
		return err
	}
	d := runsView{Head: page.Head{H1: v.p.T("exposure.web.runs"), Lead: v.p.T("exposure.web.runs_lead")}, List: &page.List{Columns: []page.Column{{Title: v.p.T("exposure.web.col.started")}, {Title: v.p.T("exposure.web.col.took")},
		{Title: v.p.T("exposure.web.col.subjects"), Num: true}, {Title: v.p.T("exposure.web.col.verdicts"), Num: true}, {Title: v.p.T("exposure.web.col.rows"), Num: true}, {Title: v.p.T("exposure.web.col.found"), Num: true}, {Title: v.p.T("exposure.web.col.changed"), Num: true}, {Title: v.p.T("exposure.web.col.ended"), Num: true}}}}
	waits := false
	for _, r := range list {
		x := runView{Run: r, Waiting: r.EndedAt.IsZero()}
		if !x.Waiting {
			x.Took = r.EndedAt.Sub(r.At).Round(time.Second)
		}
		waits = waits || x.Waiting
		d.Rows = append(d.Rows, x)
	}
	if v.may("exposure.rematch") {
		a := page.Act{Text: v.p.T("exposure.web.rematch"), Href: "/exposures/runs", Post: true, Kind: "primary", Icon: "pulse"}
		if waits {
			a.Off = v.p.T("exposure.web.rematch_waits")
		}
		d.Head.Acts = []page.Act{a}
	}
	if len(list) == 0 {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.runs_none"), Say: v.p.T("exposure.web.runs_none_say")}
	}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density = "rematch", page.Desk
	return v.Render("exposure/runs", shell, d)
}
