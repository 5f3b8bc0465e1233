package exposure

import (
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// namesSize is how many products a page of proposals shows: each is looked up
// in the dictionary.
const namesSize = 20

// pagesNames are the proposals of names for what a register writes freely.
func pagesNames(r *httpd.Router, s *Service) {
	r.Page("GET /exposures/names", func(q *httpd.Request) error { return on(q, s).showNames(nil) })
	r.Page("POST /exposures/names", func(q *httpd.Request) error { return on(q, s).setNames() })
}

type namesView struct {
	Head  page.Head
	Rows  []nameView
	List  *page.List
	Empty *page.Empty
	May   bool
	Bulk  page.Bulk
	Back  string
}

// nameView is one product of a register, with what it may be called.
type nameView struct {
	N               int
	Name            Name
	State, Tag      string
	Decided         string // the name that holds
	Picks           []choice
	Why             string
	Choose, Confirm string
	Refused         bool
}

// choice is one proposal to choose.
type choice struct {
	Value, Text, Why string
	On               bool
}

func (v *screen) showNames(bad error) error {
	every := v.Query("all") == "1"
	list, next, err := v.s.Names(v.Context(), !every, v.Query("after"), namesSize)
	if err != nil {
		return err
	}
	d := namesView{May: v.may("exposure.name"), Head: page.Head{H1: v.p.T("exposure.web.names"), Lead: v.p.T("exposure.web.names_lead"),
		Crumbs: []page.Crumb{{Text: v.p.T("exposure.web.title." + reachWord(v.reach())), Href: "/exposures"}, {Text: v.p.T("exposure.web.names")}}}}
	for i := range list {
		d.Rows = append(d.Rows, v.name(i, &list[i]))
	}
	if len(list) == 0 && v.Query("after") == "" {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.names_none"), Say: v.p.T("exposure.web.names_none_say")}
	}
	d.List = &page.List{Path: "/exposures/names", Query: v.Queries(), Next: next, Size: namesSize, From: 1, Shown: len(list), Total: -1,
		Filters: []page.Filter{{Name: "all", Value: "1", Label: v.p.T("exposure.web.names_all"), Count: -1}},
		Columns: []page.Column{{Title: v.p.T("exposure.web.choose_all"), Tick: true}, {Title: v.p.T("exposure.web.in_register")}, {Title: v.p.T("exposure.web.in_statements")}, {Title: v.p.T("exposure.web.why_proposed")}, {Title: v.p.T("exposure.web.col.state")}}}
	d.Bulk = page.Bulk{Form: "rows", Acts: []page.BulkAct{{Text: v.p.T("exposure.web.names_confirm_chosen"), Name: "act", Value: "confirm"}, {Text: v.p.T("exposure.web.names_refuse_chosen"), Name: "act", Value: "refuse"}}}
	if q := v.Queries(); len(q) > 0 {
		d.Back = "?" + q.Encode()
	}
	shell := v.shell(d.Head.H1, "exposures")
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("exposure/names", shell, d)
}

func (v *screen) name(i int, n *Name) nameView {
	x := nameView{N: i, Name: *n, State: v.p.T("exposure.web.name." + n.State), Tag: map[string]string{nameOpen: "plain", nameProposed: "attend", nameEqual: "watch", nameConfirmed: "good", nameRefused: "plain"}[n.State],
		Choose: v.p.T("exposure.web.choose", "name", n.Maker+" "+n.Product), Refused: n.State == nameRefused}
	if n.State == nameConfirmed {
		x.Decided = strings.TrimSpace(n.CPE + " " + n.PURL)
	}
	for j, o := range n.Proposals {
		c := choice{Value: "cpe " + o.CPE, Text: strings.TrimRight(o.CPE, ":*"), Why: v.p.T("exposure.web.near"), On: j == 0}
		if o.CPE == "" {
			c.Value, c.Text = "purl "+o.PURL, o.PURL
		}
		if o.Equal {
			c.Why = v.p.T("exposure.web.equal")
		}
		x.Picks = append(x.Picks, c)
	}
	x.Why = v.p.T("exposure.web.nothing_like_it")
	if len(x.Picks) > 0 {
		x.Why = x.Picks[0].Why
	}
	return x
}

// setNames confirms or refuses names: of one row by its own button, or of every
// chosen row.
func (v *screen) setNames() error {
	rows, act := v.Forms()["id"], v.Form("act")
	if one := v.Form("one"); one != "" {
		verb, row, _ := strings.Cut(one, " ")
		act, rows = verb, []string{row}
	}
	if act != "confirm" && act != "refuse" {
		return v.Redirect("/exposures/names")
	}
	for _, row := range rows[:min(len(rows), namesSize)] {
		n := NewName{MakerKey: v.Raw("maker." + row), ProductKey: v.Raw("product." + row)}
		if act == "confirm" {
			n.take(v.Form("pick." + row))
			if own := v.Form("other." + row); own != "" {
				n.CPE, n.PURL = own, ""
				if strings.HasPrefix(own, "pkg:") {
					n.CPE, n.PURL = "", own
				}
			}
			if n.CPE == "" && n.PURL == "" {
				return v.showNames(errName.At(fault.Place{At: "other." + row, Code: "exposure.name.cpe"}))
			}
		}
		if _, err := v.s.SetName(v.Context(), n); err != nil {
			if fault.KindOf(err) == fault.Invalid {
				return v.showNames(errName.At(fault.Place{At: "other." + row, Code: "exposure.name.cpe"}))
			}
			return err
		}
	}
	return v.Redirect(httpd.LocalPath("/exposures/names" + v.Form("back")))
}

// take reads what a choice of the form stands for.
func (n *NewName) take(chosen string) {
	kind, name, _ := strings.Cut(chosen, " ")
	switch kind {
	case "cpe":
		n.CPE = name
	case "purl":
		n.PURL = name
	}
}

// score writes a number with one decimal.
func score(f float64) string { return strconv.FormatFloat(f, 'f', 1, 64) }
