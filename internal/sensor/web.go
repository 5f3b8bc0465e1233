package sensor

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Pages registers the pages of sources and findings.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /sensors", func(q *httpd.Request) error { return showSources(q, s) })
	r.Page("GET /sensors/new", func(q *httpd.Request) error { return showForm(q, s, nil) })
	r.Page("POST /sensors", func(q *httpd.Request) error { return register(q, s) })
	r.Page("GET /sensors/{id}", func(q *httpd.Request) error { return showSource(q, s) })
	r.Page("POST /sensors/{id}/end", func(q *httpd.Request) error {
		if err := s.End(q.Context(), q.Path("id"), q.Form("why")); err != nil {
			return err
		}
		return q.Redirect("/sensors/" + q.Path("id"))
	})
	r.Page("GET /findings", func(q *httpd.Request) error { return showFindings(q, s) })
	r.Page("GET /findings/{id}", func(q *httpd.Request) error { return showFinding(q, s, nil) })
	r.Page("POST /findings/{id}/decide", func(q *httpd.Request) error { return decide(q, s) })
	r.Page("POST /findings/{id}/release", func(q *httpd.Request) error {
		if _, err := s.Release(q.Context(), q.Path("id"), q.Form("named") == "on"); err != nil {
			if fault.KindOf(err) == fault.Conflict {
				return showFinding(q, s, err)
			}
			return err
		}
		return q.Redirect("/findings/" + q.Path("id"))
	})
	r.Live("GET /live/sensor", func(q *httpd.Request) (string, error) { return "sensor/" + q.Who.Org, nil })
}

// sourceRow is a source in words.
type sourceRow struct {
	Source
	KindWord, BasisWord, Health, Tag string
}

func sourceRowOf(p text.Printer, x Source, now time.Time) sourceRow {
	v := sourceRow{Source: x, KindWord: p.T("sensor.kind." + string(x.Kind)), BasisWord: p.T("sensor.basis." + string(x.Basis))}
	switch {
	case !x.EndedAt.IsZero():
		v.Health, v.Tag = p.T("sensor.health.ended"), "calm"
	case x.SeenAt.IsZero():
		v.Health, v.Tag = p.T("sensor.health.never"), "attend"
	case now.Sub(x.SeenAt) > silent:
		v.Health, v.Tag = p.T("sensor.health.silent", "left", p.Duration(now.Sub(x.SeenAt).Truncate(time.Minute))), "act"
	case x.Last != nil && x.Last.Share() > tolerable:
		v.Health, v.Tag = p.T("sensor.health.loses", "share", percent(x.Last.Share())), "attend"
	default:
		v.Health, v.Tag = p.T("sensor.health.well"), "good"
	}
	return v
}

// A source that reported nothing for a day is silent; one that lost more than
// a hundredth sees too little to be trusted.
const (
	silent    = 26 * time.Hour
	tolerable = 0.01
)

// percent writes a share as per cent: two figures below ten.
func percent(share float64) string {
	if share < 0.1 {
		return strconv.FormatFloat(share*100, 'f', 1, 64) + " %"
	}
	return strconv.FormatFloat(share*100, 'f', 0, 64) + " %"
}

type sourcesView struct {
	Head  page.Head
	Rows  []sourceRow
	List  *page.List
	Empty *page.Empty
}

func showSources(q *httpd.Request, s *Service) error {
	p := q.Printer
	list, next, err := s.Sources(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := sourcesView{Head: page.Head{H1: p.T("sensor.web.sources"), Lead: p.T("sensor.web.sources_lead"), Crumbs: []page.Crumb{{Text: p.T("sensor.web.findings"), Href: "/findings"}, {Text: p.T("sensor.web.sources")}}}}
	if Access.May(q.Context(), "sensor.register") {
		v.Head.Acts = []page.Act{{Text: p.T("sensor.web.add"), Href: "/sensors/new", Kind: "primary"}}
	}
	if len(list) == 0 && q.Query("after") == "" {
		v.Empty = &page.Empty{Title: p.T("sensor.web.sources_empty"), Say: p.T("sensor.web.sources_empty_say")}
	}
	for _, x := range list {
		v.Rows = append(v.Rows, sourceRowOf(p, x, s.now()))
	}
	v.List = &page.List{Path: "/sensors", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{
		{Title: p.T("sensor.web.name")}, {Title: p.T("sensor.web.kind")}, {Title: p.T("sensor.web.basis")}, {Title: p.T("sensor.web.health")},
		{Title: p.T("sensor.web.seen")}, {Title: p.T("sensor.web.lost"), Num: true}}}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "findings", page.Desk, "/live/sensor"
	return q.Render("sensor/sources", shell, v)
}

type formView struct {
	Head   page.Head
	Fields []page.Field
}

// showForm is the form of a new source; with a fault it is the one that was
// sent, with all that was typed.
func showForm(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	if err := s.mayRegister(q.Context()); err != nil {
		return err
	}
	var kinds, bases []page.Option
	for _, k := range Kinds {
		kinds = append(kinds, page.Option{Value: string(k), Label: p.T("sensor.kind." + string(k)), Hint: p.T("sensor.kind_say." + string(k))})
	}
	more := map[Basis][]page.Field{
		OwnNetwork: {{Name: "networks", Kind: "textarea", Label: p.T("sensor.web.networks"), Hint: p.T("sensor.web.networks_hint"), Rows: 3, Limit: maxNetworks}},
		Consent:    {{Name: "reason", Kind: "textarea", Label: p.T("sensor.web.reason"), Hint: p.T("sensor.web.reason_hint"), Rows: 3, Limit: maxNote}},
	}
	for _, b := range Bases {
		bases = append(bases, page.Option{Value: string(b), Label: p.T("sensor.basis." + string(b)), Hint: p.T("sensor.basis_say." + string(b)), Reveal: more[b]})
	}
	v := formView{Head: page.Head{H1: p.T("sensor.web.add"), Lead: p.T("sensor.web.add_lead"), Crumbs: []page.Crumb{{Text: p.T("sensor.web.sources"), Href: "/sensors"}, {Text: p.T("sensor.web.add")}}},
		Fields: []page.Field{
			{Name: "name", Label: p.T("sensor.web.name"), Need: page.Required, Hint: p.T("sensor.web.name_hint"), Width: "wide"},
			{Name: "kind", Kind: "choice", Label: p.T("sensor.web.kind"), Need: page.Required, Options: kinds},
			{Name: "basis", Kind: "choice", Label: p.T("sensor.web.basis"), Need: page.Required, Hint: p.T("sensor.web.basis_hint"), Options: bases},
			{Name: "full_names", Kind: "check", Label: p.T("sensor.web.full"), Hint: p.T("sensor.web.full_hint")},
			{Name: "names_why", Kind: "textarea", Label: p.T("sensor.web.full_why"), Hint: p.T("sensor.web.full_why_hint"), Rows: 2, Limit: maxNote},
		}}
	shell := q.Shell(v.Head.H1)
	shell.Key = "findings"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("sensor/form", shell, v)
}

func register(q *httpd.Request, s *Service) error {
	x, err := s.Register(q.Context(), NewSource{Name: q.Form("name"), Kind: Kind(q.Form("kind")), Basis: Basis(q.Form("basis")), Reason: q.Form("reason"),
		Networks: q.Form("networks"), FullNames: q.Form("full_names") == "on", NamesWhy: q.Form("names_why")})
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return showForm(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/sensors/" + x.ID)
}

type sourceView struct {
	Head     page.Head
	Row      sourceRow
	Facts    page.Facts
	Readings []Reading
	Broken   bool // one of the readings had something broken or evicted
	MayEnd   bool
	Why      page.Field
	Command  string
}

func showSource(q *httpd.Request, s *Service) error {
	p := q.Printer
	x, readings, err := s.Source(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	if len(readings) > 0 {
		x.Last = &readings[0]
	}
	v := sourceView{Row: sourceRowOf(p, x, s.now()), Readings: readings, MayEnd: x.EndedAt.IsZero() && Access.May(q.Context(), "sensor.end"),
		Why: page.Field{Name: "why", Kind: "textarea", Label: p.T("sensor.web.end_why"), Need: page.Optional, Rows: 2}}
	v.Broken = slices.ContainsFunc(readings, func(r Reading) bool { return r.Broken+r.Evicted > 0 })
	v.Head = page.Head{H1: x.Name, Crumbs: []page.Crumb{{Text: p.T("sensor.web.sources"), Href: "/sensors"}, {Text: x.Name}}}
	if x.EndedAt.IsZero() {
		v.Command = command(x, s.BaseURL)
	}
	v.Facts.Tight = true
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("sensor.web.kind"), v.Row.KindWord)
	add(p.T("sensor.web.basis"), v.Row.BasisWord)
	add(p.T("sensor.web.reason"), x.Reason)
	add(p.T("sensor.web.networks"), x.Networks)
	if x.FullNames {
		add(p.T("sensor.web.full"), x.NamesWhy)
	}
	add(p.T("sensor.web.at"), p.Time(x.At))
	if !x.EndedAt.IsZero() {
		add(p.T("sensor.web.ended"), p.Time(x.EndedAt))
	}
	add(p.T("sensor.web.entry"), x.Entry)
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "findings", page.Desk
	return q.Render("sensor/source", shell, v)
}

// command is what sends findings of a kind of source here; in capitals stands
// what only its owner knows.
func command(x Source, hub string) string {
	in := "FILE"
	if x.Kind == Interface || x.Kind == Exports {
		in = "CAPTURE"
	}
	var home strings.Builder
	for _, p := range prefixes(x.Networks) {
		home.WriteString(" --home " + p.String())
	}
	if hub != "" {
		hub = " --hub " + hub
	}
	return "noroshi flow detect " + in + home.String() + " --basis " + string(x.Basis) + " --format jsonl --stats stats.json --out findings.jsonl\n" +
		"noroshi flow send findings.jsonl --stats stats.json --source " + x.ID + hub + " --token-file TOKEN"
}
