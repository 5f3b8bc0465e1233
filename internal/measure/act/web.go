package act

import (
	"cmp"
	"io"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/measure/act/driver"
)

// Pages registers the pages of own-network orders: what is live now and until
// when, an order with its dry run, and a form to ask.
func Pages(r *httpd.Router, s *Service) {
	r.Page("GET /acts", func(q *httpd.Request) error { return showList(q, s) })
	r.Page("GET /acts/new", func(q *httpd.Request) error { return showNew(q, s, nil) })
	r.Page("POST /acts", func(q *httpd.Request) error { return postNew(q, s) }, httpd.MaxBody(maxForm))
	r.Page("GET /acts/{id}", func(q *httpd.Request) error { return showOne(q, s, nil) })
	pagesActs(r, s)
	r.Live("GET /live/acts", func(q *httpd.Request) (string, error) { return "act/" + q.Who.Org, nil })
}

// maxForm bounds the form, its file of targets included, in bytes.
const maxForm = 32 << 20

// stateTag is how a state looks.
var stateTag = map[State]string{Asked: "ai", Approved: "watch", Sent: "attend", Live: "good", Half: "act", Stuck: "act", Failed: "act", Ending: "attend"}

func tagOf(st State) string { return cmp.Or(stateTag[st], "plain") }

func render(q *httpd.Request, name, title string, v any, bad error) error {
	shell := q.Shell(title)
	shell.Key, shell.Density, shell.Live = "acts", page.Desk, "/live/acts"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render(name, shell, v)
}

// formFault reports whether an error belongs back on the form.
func formFault(err error) bool {
	if err == nil {
		return false
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Conflict, fault.TooLarge, fault.Unmet:
		return true
	}
	return false
}

type listRow struct {
	ID, Number, Kind, Sample, State, Tag, Alarm, Count string
	Until                                              time.Time
	Due                                                page.Due
}

type machineRow struct {
	Name, Kinds string
	Alarms      []string
	SeenAt      time.Time
}

type listView struct {
	Head     page.Head
	List     *page.List
	Rows     []listRow
	Empty    *page.Empty
	Machines []machineRow
	None     bool   // no actuator was ever connected
	Key      string // line of a configuration, for who sets one up
}

// showList is what was ordered, what is live among it, and which actuators there
// are.
func showList(q *httpd.Request, s *Service) error {
	p := q.Printer
	list, _, next, err := s.List(q.Context(), Filter{Held: q.Query("held") == "1", Wrong: q.Query("wrong") == "1", State: State(q.Query("state")), Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	machines, err := s.Actuators(q.Context())
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("act.web.title"), Lead: p.T("act.web.lead")}, None: len(machines.Actuators) == 0 && q.Who.Org != "" && Access.May(q.Context(), "act.ask")}
	if Access.May(q.Context(), "act.ask") {
		v.Head.Acts = []page.Act{{Text: p.T("act.web.new"), Href: "/acts/new", Kind: "primary"}}
		v.Key = authorityLine(machines.Authority)
	}
	for i := range list {
		o := &list[i]
		row := listRow{ID: o.ID, Number: o.Number, Kind: p.T("act.kind." + string(o.Task.Kind)), State: p.T("act.state." + string(o.State)), Tag: tagOf(o.State), Count: p.T("act.cli.targets", "n", o.Task.Count)}
		if o.Words != nil {
			row.Sample = strings.Join(o.Words.Sample[:min(len(o.Words.Sample), 3)], " ")
		}
		if o.alarmed() {
			row.Alarm = p.T("act.alarm." + o.Alarm)
		}
		if o.State.timed() {
			row.Due = page.Due{At: o.Until}
		}
		v.Rows = append(v.Rows, row)
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("act.web.empty"), Say: p.T("act.web.empty_say")}
	}
	for _, a := range machines.Actuators {
		m := machineRow{Name: cmp.Or(a.Name, a.ID), SeenAt: a.SeenAt}
		var kinds []string
		for _, k := range a.Kinds {
			kinds = append(kinds, p.T("act.kind."+string(k)))
		}
		m.Kinds = strings.Join(kinds, p.T("act.web.and"))
		for _, what := range a.alarms() {
			m.Alarms = append(m.Alarms, p.T("act.alarm."+what))
		}
		v.Machines = append(v.Machines, m)
	}
	v.List = &page.List{Path: "/acts", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: p.T("act.web.order")}, {Title: p.T("act.web.what")}, {Title: p.T("act.web.state")}, {Title: p.T("act.web.until")}},
		Filters: []page.Filter{{Name: "wrong", Value: "1", Label: p.T("act.web.wrong"), Count: -1}, {Name: "held", Value: "1", Label: p.T("act.cli.held"), Count: -1}}}
	return render(q, "act/list", v.Head.H1, v, nil)
}

type newView struct {
	Head   page.Head
	Fields []page.Field
}

// showNew is the form to ask.
func showNew(q *httpd.Request, s *Service, bad error) error {
	if _, err := s.Book(q.Context()); err != nil {
		return err
	}
	p := q.Printer
	if _, _, err := Access.Allow(q.Context(), "act.ask"); err != nil {
		_, err := s.Ask(q.Context(), Ask{}) // which refuses, on the record
		return err
	}
	option := func(key string, ids ...string) (out []page.Option) {
		for _, id := range ids {
			out = append(out, page.Option{Value: id, Label: p.T(key + id)})
		}
		return out
	}
	var kinds []string
	for _, k := range driver.Kinds {
		kinds = append(kinds, string(k))
	}
	grounds := []page.Option{{Value: "", Label: p.T("act.web.no_ground")}}
	for _, g := range s.Numbers.Grounds {
		grounds = append(grounds, page.Option{Value: g.ID, Label: g.Name.In(p.Lang)})
	}
	v := newView{Head: page.Head{H1: p.T("act.web.new"), Lead: p.T("act.web.new_lead"), Crumbs: []page.Crumb{{Text: p.T("act.web.title"), Href: "/acts"}, {Text: p.T("act.web.new")}}}}
	v.Fields = []page.Field{
		{Name: "kind", Kind: "choice", Label: p.T("act.web.what"), Need: page.Required, Options: option("act.kind.", kinds...)},
		{Name: "targets", Kind: "textarea", Label: p.T("act.web.targets"), Hint: p.T("act.web.targets_hint"), Need: page.Optional, Rows: 6},
		{Name: "file", Kind: "file", Label: p.T("act.web.file"), Hint: p.T("act.cli.file"), Need: page.Optional},
		{Name: "below", Kind: "check", Label: p.T("act.cli.below")},
		{Name: "hours", Kind: "number", Label: p.T("act.web.hours"), Hint: p.T("act.bad.hours", "max", s.Numbers.MostHours.Value), Need: page.Required, Width: "w4"},
		{Name: "grounds", Kind: "textarea", Label: p.T("act.web.grounds"), Need: page.Required, Rows: 3, Limit: maxWords},
		{Name: "intelligence", Label: p.T("act.web.intel"), Need: page.Optional, Width: "wide"},
		{Name: "basis", Kind: "choice", Label: p.T("act.web.basis"), Need: page.Required, Value: string(OwnBasis), Options: option("act.basis.", string(OwnBasis), string(Subscribers))},
		{Name: "ground", Kind: "select", Label: p.T("act.web.ground"), Need: page.Optional, Options: grounds},
		{Name: "ground_text", Kind: "textarea", Label: p.T("act.web.ground_text"), Need: page.Optional, Rows: 2, Limit: maxWords},
	}
	return render(q, "act/new", v.Head.H1, v, bad)
}

func postNew(q *httpd.Request, s *Service) error {
	hours, _ := strconv.Atoi(q.Form("hours")) // none is no number of hours
	in := Ask{Kind: driver.Kind(q.Form("kind")), Below: q.Form("below") != "", Hours: hours, Grounds: q.Form("grounds"), Basis: Basis(q.Form("basis")), Ground: q.Form("ground"), GroundText: q.Form("ground_text"),
		Intel: strings.FieldsFunc(q.Form("intelligence"), func(r rune) bool { return r == ',' || r == '、' || r == ' ' || r == '　' })}
	in.Below = in.Below && byName(in.Kind)
	var err error
	if in.Targets, err = readTargets([]byte(q.Raw("targets"))); err != nil {
		return err
	}
	if f := q.File("file"); f != nil {
		raw, err := io.ReadAll(io.LimitReader(f.Reader(), maxForm))
		if err != nil {
			return err
		}
		more, err := readTargets(raw)
		if err != nil {
			return err
		}
		in.Targets = append(in.Targets, more...)
	}
	o, err := s.Ask(q.Context(), in)
	if formFault(err) {
		return showNew(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/acts/" + o.ID)
}
