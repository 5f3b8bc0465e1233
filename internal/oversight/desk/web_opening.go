package desk

import (
	"slices"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

var openingTag = map[OpeningState]string{Asked: "attend", Opened: "good", Withheld: "act", Gone: "plain"}

type openingRow struct {
	ID, Number, Verb, To, State, Tag string
	Due                              page.Due
	Late                             bool
}

func pagesOpenings(r *httpd.Router, s *Service) {
	r.Page("GET /oversight/openings", func(q *httpd.Request) error { return showOpenings(q, s) })
	r.Page("GET /oversight/openings/new", func(q *httpd.Request) error { return showAsking(q, s, nil) })
	r.Page("POST /oversight/openings", func(q *httpd.Request) error {
		o, err := s.Unseal(q.Context(), Asking{Entry: q.Form("entry"), Ground: Ground(q.Form("ground")), Text: q.Form("text")})
		if formFault(err) {
			return showAsking(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/oversight/openings/" + o.ID)
	})
	r.Page("GET /oversight/openings/{id}", func(q *httpd.Request) error { return showOpening(q, s, nil, nil) })
	post := func(act string, do func(q *httpd.Request, id ID) error) {
		r.Page("POST /oversight/openings/{id}/"+act, func(q *httpd.Request) error {
			err := do(q, q.Path("id"))
			if formFault(err) {
				return showOpening(q, s, nil, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/oversight/openings/" + q.Path("id"))
		})
	}
	post("open", func(q *httpd.Request, id ID) error {
		_, err := s.Open(q.Context(), id, Giving{Content: q.Raw("content"), Salt: q.Form("salt"), Kept: q.Form("kept") == "yes"})
		return err
	})
	post("withhold", func(q *httpd.Request, id ID) error {
		_, err := s.Withhold(q.Context(), id, q.Form("withhold_text"))
		return err
	})
	r.Page("POST /oversight/openings/{id}/look", func(q *httpd.Request) error {
		c, err := s.Look(q.Context(), q.Path("id"))
		if formFault(err) {
			return showOpening(q, s, nil, err)
		}
		if err != nil {
			return err
		}
		return showOpening(q, s, &c, nil)
	})
}

// showOpenings lists the wishes within reach.
func showOpenings(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, names, next, err := s.Openings(q.Context(), Filter{Open: q.Query("open") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("desk.opening.title"), Lead: p.T("desk.opening.lead")}, Tabs: tabs(q, p, "openings")}
	if Access.May(q.Context(), "oversight.unseal") {
		v.Head.Acts = []page.Act{{Text: p.T("desk.opening.new"), Href: "/oversight/openings/new", Kind: "primary", Icon: "lock"}}
	} else if !Access.May(q.Context(), "oversight.inspect") {
		v.Head.Lead = p.T("desk.opening.lead_body")
	}
	var rows []openingRow
	for _, x := range list {
		row := openingRow{ID: x.ID, Number: x.Number, Verb: p.verb(x.Verb), To: names[x.To], State: p.T("desk.opened." + string(x.State)), Tag: openingTag[x.State], Late: x.Late}
		if x.State == Asked {
			row.Due = page.Due{At: x.DueAt}
		}
		rows = append(rows, row)
	}
	v.Rows = rows
	if len(rows) == 0 {
		v.Empty = &page.Empty{Title: p.T("desk.opening.empty"), Say: p.T("desk.opening.empty_say")}
	}
	v.List = &page.List{Path: "/oversight/openings", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(rows), Total: -1,
		Columns: []page.Column{{Title: p.T("desk.opening.col")}, {Title: p.T("desk.opening.to")}, {Title: p.T("desk.opening.state")}, {Title: p.T("desk.opening.due")}},
		Filters: []page.Filter{{Name: "open", Value: "1", Label: p.T("desk.opening.only_open"), Count: -1}}}
	return render(q, "desk/openings", v.Head.H1, v, nil)
}

type askView struct {
	Head   page.Head
	Tabs   []tab
	Fields []page.Field
}

// showAsking is the form of a wish.
func showAsking(q *httpd.Request, s *Service, bad error) error {
	if err := s.may(q.Context(), "oversight.unseal"); err != nil {
		return err
	}
	p := say{q.Printer}
	v := askView{Head: page.Head{H1: p.T("desk.opening.new"), Lead: p.T("desk.opening.new_lead"), Crumbs: []page.Crumb{{Text: p.T("desk.opening.title"), Href: "/oversight/openings"}, {Text: p.T("desk.opening.new")}}}, Tabs: tabs(q, p, "openings")}
	var grounds []page.Option
	for _, g := range Grounds {
		grounds = append(grounds, page.Option{Value: string(g), Label: p.T("desk.ground." + string(g))})
	}
	v.Fields = []page.Field{
		{Name: "entry", Label: p.T("desk.opening.entry"), Need: page.Required, Hint: p.T("desk.opening.entry_hint"), Value: q.Query("entry"), Width: "w24"},
		{Name: "ground", Kind: "choice", Label: p.T("desk.opening.ground"), Need: page.Required, Options: grounds, Hint: p.T("desk.opening.ground_hint")},
		{Name: "text", Kind: "textarea", Rows: 4, Label: p.T("desk.opening.why"), Need: page.Required, Hint: p.T("desk.opening.why_hint"), Limit: maxWords},
	}
	return render(q, "desk/ask", v.Head.H1, v, bad)
}

type openingView struct {
	Head       page.Head
	Tabs       []tab
	ID         string
	State, Tag string
	Due        page.Due
	Facts      page.Facts
	Content    *Content
	Look       bool
	Kept       string
	Forms      []actForm
	Object     string // page of what the act was about; empty where there is none
}

// showOpening is one wish: to the organisation with the forms to open it or to say
// why not, to its asker with what was opened.
func showOpening(q *httpd.Request, s *Service, c *Content, bad error) error {
	p := say{q.Printer}
	o, names, err := s.Opening(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	v := openingView{ID: o.ID, Tabs: tabs(q, p, "openings"), State: p.T("desk.opened." + string(o.State)), Tag: openingTag[o.State], Content: c,
		Head: page.Head{H1: p.T("desk.opening.one", "number", o.Number), Lead: p.T("desk.opening.asks", "org", names[o.To], "verb", p.verb(o.Verb)), Crumbs: []page.Crumb{{Text: p.T("desk.opening.title"), Href: "/oversight/openings"}, {Text: o.Number}}}}
	if o.State == Asked {
		v.Due = page.Due{At: o.DueAt}
	}
	v.Facts.Rows = []page.Fact{{Name: p.T("desk.opening.act"), Value: p.verb(o.Verb)}, {Name: p.T("desk.opening.acted"), Value: p.Time(o.ActedAt)}, {Name: p.T("desk.opening.object"), Value: o.Object},
		{Name: p.T("desk.opening.ground"), Value: p.T("desk.ground." + string(o.Ground))}, {Name: p.T("desk.opening.why"), Value: o.Text}, {Name: p.T("desk.opening.id"), Value: o.Entry}, {Name: p.T("desk.opening.digest"), Value: o.Digest}}
	v.Object = objectHref(o.Object)
	if o.Answer != "" {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.opening.withheld"), Value: o.Answer})
	}
	if v.Look = o.State == Opened && o.Mine && c == nil; v.Look || c != nil {
		v.Kept = p.T("desk.opening.kept", "at", o.GoneAt)
	}
	if o.State == Asked && Access.May(q.Context(), "oversight.open") && !slices.Contains([]Side{MemberSide, InspectorSide, WatchSide}, sideOf(q.Who)) {
		if o.Kept {
			v.Forms = []actForm{{To: "open", Title: p.T("desk.opening.open_kept"), Kind: "primary", Fields: []page.Field{{Name: "kept", Kind: "hidden", Value: "yes"}}, Say: p.T("desk.opening.open_kept_say")}}
		}
		v.Forms = append(v.Forms, []actForm{
			{To: "open", Title: p.T("desk.opening.open"), Kind: "primary", Say: p.T("desk.say.open"), Fields: []page.Field{
				{Name: "content", Kind: "textarea", Rows: 6, Label: p.T("desk.opening.content"), Need: page.Required, Hint: p.T("desk.opening.content_hint")},
				{Name: "salt", Label: p.T("desk.opening.salt"), Need: page.Optional, Hint: p.T("desk.opening.salt_hint"), Width: "w24"}}},
			{To: "withhold", Title: p.T("desk.opening.withhold"), Kind: "stop", Say: p.T("desk.say.withhold"), Fields: []page.Field{{Name: "withhold_text", Kind: "textarea", Rows: 3, Label: p.T("desk.paper.reason"), Need: page.Required, Limit: maxWords}}},
		}...)
		if o.Kept {
			v.Forms[1].Title, v.Forms[1].Kind = p.T("desk.opening.open_other"), ""
		}
	}
	return render(q, "desk/opening", v.Head.H1, v, bad)
}
