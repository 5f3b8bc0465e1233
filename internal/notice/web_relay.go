package notice

import (
	"strings"

	"noroshi/internal/base/page"
)

func (w *web) relay() {
	w.page("GET /letters/{id}/relay", func(v *screen) error { return v.relay(nil) })
	w.page("POST /letters/{id}/relay", (*screen).relayed)
	w.page("POST /letters/{id}/relay/link", (*screen).relink)
}

type cautionRow struct{ Text, Source string }

type passedRow struct {
	PassedTo
	Relink bool
}

type rangeRow struct {
	State stated
	Say   string
}

type relayView struct {
	Head     page.Head
	Letter   Letter
	Title    string
	Tied     page.Field
	Firms    page.Field
	Versions page.Field
	Why      page.Field
	Note     page.Field
	Agree    page.Field
	Cautions []cautionRow
	Passing  Passing
	Counts   []rangeRow
	To       []passedRow
	Shown    []shownRow
	Fresh    []PassedTo // links made just now, shown once
	May      bool
}

type shownRow struct {
	ShownPart
	State stated
}

// relay is where a recipient passes a notice on, and sees what became of it.
func (v *screen) relay(bad error) error { return v.relayWith(nil, bad) }

func (v *screen) relayWith(fresh []PassedTo, bad error) error {
	id := v.Path("id")
	r, err := v.s.Reachable(v.Context(), id)
	if err != nil {
		return err
	}
	p, err := v.s.Passing(v.Context(), id)
	if err != nil {
		return err
	}
	l := r.Letter
	d := relayView{Letter: l, Title: v.say(l.Content.Title), Passing: p, Fresh: fresh, May: len(r.Versions) > 0}
	d.Head = page.Head{Crumbs: []page.Crumb{{Text: v.T("notice.web.inbox"), Href: "/letters"}, {Text: l.Number, Href: "/letters/" + id}, {Text: v.T("notice.web.relay")}},
		H1: v.T("notice.web.relay"), Lead: v.T("notice.web.relay.lead")}
	d.Tied = page.Field{Name: "org", Kind: "choices", Label: v.T("notice.web.relay.tied"), Values: v.Forms()["org"]}
	for _, c := range r.Tied {
		d.Tied.Options = append(d.Tied.Options, page.Option{Value: c.Org, Label: c.Name})
	}
	d.Firms = page.Field{Name: "children", Kind: "textarea", Rows: 4, Label: v.T("notice.web.relay.firms"), Hint: v.T("notice.web.relay.firms.hint"), Example: v.T("notice.web.relay.firms.example")}
	d.Versions = page.Field{Name: "version", Kind: "choices", Label: v.T("notice.web.relay.versions"), Hint: v.T("notice.web.relay.versions.hint"), Values: v.Forms()["version"]}
	for _, k := range r.Versions {
		d.Versions.Options = append(d.Versions.Options, page.Option{Value: string(k), Label: v.kind(k), Hint: "TLP:" + string(l.Content.TLPOf(k))})
	}
	if len(d.Versions.Values) == 0 && len(r.Versions) > 0 {
		d.Versions.Values = []string{string(r.Versions[len(r.Versions)-1])} // the plainest
	}
	d.Why = page.Field{Name: "why", Kind: "textarea", Rows: 1, Label: v.T("notice.web.relay.why"), Hint: v.T("notice.web.relay.why.hint"), Example: v.T("notice.web.relay.why.example"), Need: page.Required}
	d.Note = page.Field{Name: "note", Kind: "textarea", Rows: 3, Label: v.T("notice.web.relay.note"), Need: page.Optional, Limit: maxWords}
	d.Agree = page.Field{Name: "cautions", Kind: "check", Label: v.T("notice.web.relay.agree")}
	for _, c := range r.Cautions {
		d.Cautions = append(d.Cautions, cautionRow{v.say(c.Text), v.say(c.Source)})
	}
	for _, st := range v.s.Rules.States {
		d.Counts = append(d.Counts, rangeRow{v.state(st.ID), v.rangeWords(p.Counts[st.ID])})
	}
	for _, t := range p.To {
		d.To = append(d.To, passedRow{t, t.Org == ""})
	}
	for _, x := range p.Shown {
		d.Shown = append(d.Shown, shownRow{x, v.state(x.State)})
	}
	shell := v.shell(d.Head.H1, "letters")
	shell.Handling = v.handling(v.highest(&l.Content), l.Content.Clearance)
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/relay", shell, d)
}

// rangeWords says a count, or the bounds of one.
func (v *screen) rangeWords(r Range) string {
	if r.Exact() {
		return v.Number(int64(r.From))
	}
	return v.T("notice.web.range", "from", r.From, "to", r.To)
}

// firms reads lines "name, mail": Japanese commas and tabs too.
func firms(text string) (out []Child) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		i := strings.LastIndexAny(line, ",，、\t ")
		name, mail := line, ""
		if i > 0 {
			name, mail = line[:i], strings.TrimLeft(line[i:], ",，、\t ")
		}
		out = append(out, Child{Name: strings.Trim(name, ",，、\t "), Mail: mail})
	}
	return out
}

func (v *screen) relayed() error {
	in := RelayInput{Why: v.Form("why"), Note: v.Form("note"), Cautions: v.Form("cautions") != ""}
	for _, o := range v.Forms()["org"] {
		in.Children = append(in.Children, Child{Org: o})
	}
	in.Children = append(in.Children, firms(v.Raw("children"))...)
	for _, k := range v.Forms()["version"] {
		in.Versions = append(in.Versions, Kind(k))
	}
	out, err := v.s.Relay(v.Context(), v.Path("id"), in)
	if err != nil && comesBack(err) {
		return v.relay(placed(err, "children"))
	}
	if err != nil {
		return err
	}
	var fresh []PassedTo
	for _, c := range out.Children {
		if c.Link != "" {
			fresh = append(fresh, c)
		}
	}
	if len(fresh) == 0 {
		return v.Redirect("/letters/" + v.Path("id") + "/relay")
	}
	return v.relayWith(fresh, nil) // the links are shown this once and kept nowhere
}

func (v *screen) relink() error {
	p, err := v.s.NewLink(v.Context(), v.Path("id"), v.Form("child"))
	if err != nil {
		return err
	}
	return v.relayWith([]PassedTo{p}, nil)
}
