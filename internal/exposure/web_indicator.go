package exposure

import (
	"strings"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/sighting"
)

// pagesIndicator registers the page of items that name something registered.
func pagesIndicator(r *httpd.Router, s *Service) {
	r.Page("GET /indicators", func(q *httpd.Request) error { return on(q, s).indicators() })
}

type indicatorView struct {
	Head   page.Head
	List   *page.List
	Rows   []appearRow
	Empty  *page.Empty
	Office bool
}

// appearRow is an appearance in words.
type appearRow struct {
	Appearance
	Href string
	Hits []hitRow
	More int
}

type hitRow struct{ Name, Href, Values string }

func (v *screen) indicators() error {
	list, next, err := v.s.Appears(v.Context(), v.Query("after"), 50)
	if err != nil {
		return err
	}
	p := v.p
	w := indicatorView{Office: Access.Reach(v.Who, "exposure.appear") == gate.All, Head: page.Head{H1: p.T("exposure.indicator.h"), Lead: p.T("exposure.indicator.lead")}}
	if w.Office {
		w.Head.Lead = p.T("exposure.indicator.lead_office")
	}
	if len(list) == 0 && len(v.Queries()) == 0 {
		w.Empty = &page.Empty{Title: p.T("exposure.indicator.empty"), Say: p.T("exposure.indicator.empty_say")}
	}
	w.List = &page.List{Path: "/indicators", Query: v.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("exposure.indicator.item")}, {Title: p.T("exposure.indicator.label")}}}
	if w.Office {
		w.List.Columns = append(w.List.Columns, page.Column{Title: p.T("exposure.indicator.operators"), Num: true}, page.Column{Title: p.T("exposure.indicator.entries"), Num: true})
	} else {
		w.List.Columns = append(w.List.Columns, page.Column{Title: p.T("exposure.indicator.yours")}, page.Column{Title: p.T("exposure.indicator.since")})
	}
	for _, a := range list {
		r := appearRow{Appearance: a, Href: "/intelligence/" + a.Item, More: a.Entries - len(a.Hits)}
		for _, h := range a.Hits {
			r.Hits = append(r.Hits, hitRow{h.Name, "/assets/" + h.Entry, defanged(h.Values)})
		}
		w.Rows = append(w.Rows, r)
	}
	shell := v.shell(w.Head.H1, "indicators")
	return v.Render("exposure/indicator", shell, w)
}

// defanged says values broken, so that nobody follows them by accident.
func defanged(values []string) string {
	out := make([]string, len(values))
	for i, v := range values {
		kind, _, _ := sighting.Normal(v, false)
		out[i] = sighting.Defang(kind, v)
	}
	return strings.Join(out, "、")
}
