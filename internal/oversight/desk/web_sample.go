package desk

import (
	"fmt"
	"strconv"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

type planRow struct {
	ID, Number, What, State, Tag string
	At                           string
}

type sampleForm struct {
	listView
	Fields []page.Field
	May    bool
}

func pagesSamples(r *httpd.Router, s *Service) {
	r.Page("GET /oversight/samples", func(q *httpd.Request) error { return showSamples(q, s, nil) })
	r.Page("POST /oversight/samples", func(q *httpd.Request) error {
		in, err := planningOf(q)
		var out Plan
		if err == nil || !Access.May(q.Context(), "oversight.plan") {
			out, err = s.Plan(q.Context(), in)
		}
		if formFault(err) {
			return showSamples(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/oversight/samples/" + out.ID)
	})
	r.Page("GET /oversight/samples/{id}", func(q *httpd.Request) error { return showSample(q, s, nil) })
	r.Page("POST /oversight/samples/{id}/check", func(q *httpd.Request) error {
		place, err := strconv.ParseUint(q.Form("place"), 10, 63)
		if err != nil {
			place = 1<<63 - 1 // no sample has it
		}
		err = s.Check(q.Context(), q.Path("id"), Checking{Place: place, Result: q.Form("result"), Note: q.Form("note")})
		if formFault(err) {
			return showSample(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/oversight/samples/" + q.Path("id"))
	})
}

// planningOf reads the form of a plan.
func planningOf(q *httpd.Request) (in Planning, err error) {
	in.Why, in.Commitment = q.Form("why"), q.Form("commitment")
	for _, k := range Strata {
		v := q.Form("size_" + k)
		if v == "" || v == "0" {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return in, invalid("size_"+k, "desk.bad.size", "max", maxSample)
		}
		in.Strata = append(in.Strata, Stratum{k, n})
	}
	since, bad := page.ReadDate(q.Forms(), "since")
	if bad != nil {
		return in, invalid("since", bad.Code)
	}
	in.Since = since
	return in, nil
}

// showSamples lists the plans, with the form of a new one.
func showSamples(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	list, next, err := s.Plans(q.Context(), Filter{Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := sampleForm{listView: listView{Head: page.Head{H1: p.T("desk.sample.title"), Lead: p.T("desk.sample.lead")}, Tabs: tabs(q, p, "samples")}, May: Access.May(q.Context(), "oversight.plan")}
	var rows []planRow
	for i := range list {
		x := &list[i]
		row := planRow{ID: x.ID, Number: x.Number, At: p.Time(x.CreatedAt)}
		left, findings := x.tell()
		for _, st := range x.Strata {
			row.What += p.T("desk.stratum."+st.Kind) + " " + p.Number(int64(st.Size)) + "　"
		}
		row.State, row.Tag = p.sampleState(x, left, findings)
		rows = append(rows, row)
	}
	v.Rows = rows
	if len(rows) == 0 {
		v.Empty = &page.Empty{Title: p.T("desk.sample.empty"), Say: p.T("desk.sample.empty_say")}
	}
	v.List = &page.List{Path: "/oversight/samples", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(rows), Total: -1,
		Columns: []page.Column{{Title: p.T("desk.sample.plan")}, {Title: p.T("desk.sample.what")}, {Title: p.T("desk.sample.state")}}}
	if v.May {
		b, err := s.Inspection(q.Context(), q.Printer)
		if err != nil {
			return err
		}
		for _, x := range b.Samples {
			v.Fields = append(v.Fields, page.Field{Name: "size_" + x.Kind, Kind: "number", Label: p.T("desk.stratum." + x.Kind), Need: page.Optional, Unit: p.T("desk.sample.of", "n", x.Population), Width: "w4", Value: "0"})
		}
		v.Fields = append(v.Fields, page.Field{Name: "since", Kind: "date", Label: p.T("desk.sample.since"), Need: page.Optional, Hint: p.T("desk.sample.since_hint")},
			page.Field{Name: "commitment", Label: p.T("desk.sample.commitment"), Need: page.Required, Hint: p.T("desk.sample.commitment_hint"), Limit: 64},
			page.Field{Name: "why", Kind: "textarea", Rows: 3, Label: p.T("desk.sample.why"), Need: page.Required, Limit: maxWords})
	}
	return render(q, "desk/samples", v.Head.H1, v, bad)
}

func (p say) sampleState(x *Plan, left, findings int) (word, tag string) {
	switch {
	case x.Nonce == "":
		return p.T("desk.sample.hidden"), "attend"
	case x.DrawnAt.IsZero():
		return p.T("desk.sample.waits"), "ai"
	case left > 0:
		return p.T("desk.sample.left", "n", left), "attend"
	case findings > 0:
		return p.T("desk.sample.findings", "n", findings), "act"
	}
	for _, st := range x.Strata {
		if st.Population > 0 {
			return p.T("desk.sample.done"), "good"
		}
	}
	return p.T("desk.sample.none"), "plain"
}

type pickRow struct {
	Place, Href, Kind, Result, Tag, Note, At string
}

type stratumRow struct {
	Kind                                          string
	Population, Size, Checked, Findings, Excluded string
}

type sampleView struct {
	Head       page.Head
	Tabs       []tab
	ID         string
	State, Tag string
	Facts      page.Facts
	Strata     []stratumRow
	Picks      []pickRow
	Fields     []page.Field
	Command    string
	Drawn      bool
	Hidden     bool // its nonce was not revealed
}

// showSample is one plan with its sample, and what it tells of all acts. It takes no
// nonce: a page comes from the hub, and whoever types it here has not seen that an
// own copy has the plan. It says the command that does.
func showSample(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Sample(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	v := sampleView{ID: x.ID, Tabs: tabs(q, p, "samples"), Drawn: !x.DrawnAt.IsZero(), Hidden: x.Nonce == "", Command: "noroshi oversight sample DIR --key ledger.vkey --plan " + x.Number,
		Head: page.Head{H1: p.T("desk.sample.one", "number", x.Number), Lead: x.Why, Crumbs: []page.Crumb{{Text: p.T("desk.sample.title"), Href: "/oversight/samples"}, {Text: x.Number}}}}
	left, findings, first := 0, 0, q.Query("place")
	var open []page.Option
	for _, k := range x.Picks {
		if first == "" && k.Result == "" {
			first = strconv.FormatUint(k.Place, 10)
		}
		row := pickRow{Place: p.Number(int64(k.Place)), Href: entryHref(q, k.Place), Kind: p.T("desk.stratum." + k.Kind), Note: k.Note}
		switch k.Result {
		case "":
			left++
			row.Result, row.Tag = p.T("desk.sample.open"), "plain"
		case Fine:
			row.Result, row.Tag = p.T("desk.sample.fine"), "good"
		case Finding:
			findings++
			row.Result, row.Tag = p.T("desk.sample.finding"), "act"
		}
		if !k.At.IsZero() {
			row.At = p.Short(k.At, q.Now())
		}
		n := strconv.FormatUint(k.Place, 10)
		open = append(open, page.Option{Value: n, Label: n + "　" + row.Kind + "　" + row.Result})
		v.Picks = append(v.Picks, row)
	}
	v.State, v.Tag = p.sampleState(&x, left, findings)
	for _, st := range x.Strata {
		row := stratumRow{Kind: p.T("desk.stratum." + st.Kind), Population: "—", Size: p.Number(int64(st.Size)), Checked: p.Number(int64(st.Checked)), Findings: p.Number(int64(st.Findings)), Excluded: p.T("desk.sample.not_yet")}
		if v.Drawn {
			row.Population = p.Number(int64(st.Population))
			row.Size = p.Number(int64(min(uint64(st.Size), st.Population)))
		}
		if st.Complete {
			row.Excluded = p.excluded(&st, s.Numbers.Confidence.Value)
		}
		v.Strata = append(v.Strata, row)
	}
	v.Facts.Rows = []page.Fact{{Name: p.T("desk.sample.planned"), Value: p.Time(x.CreatedAt)}, {Name: p.T("desk.sample.commitment"), Value: x.Commitment}}
	if v.Hidden {
		v.Command += " --secret FILE"
	} else {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.sample.nonce"), Value: x.Nonce})
	}
	if v.Drawn {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.sample.drawn"), Value: p.Time(x.DrawnAt)}, page.Fact{Name: p.T("desk.sample.place"), Value: strconv.FormatUint(x.Place, 10), Note: p.T("desk.sample.place_note")},
			page.Fact{Name: p.T("desk.sample.root"), Value: x.Root}, page.Fact{Name: p.T("desk.sample.seed"), Value: x.Seed, Note: p.T("desk.sample.seed_note")})
	}
	if v.Drawn && len(open) > 0 && Access.May(q.Context(), "oversight.check") {
		v.Fields = []page.Field{{Name: "place", Kind: "select", Label: p.T("desk.sample.entry"), Need: page.Required, Options: open, Value: first},
			{Name: "result", Kind: "choice", Label: p.T("desk.sample.result"), Need: page.Required, Options: []page.Option{{Value: Fine, Label: p.T("desk.sample.fine")}, {Value: Finding, Label: p.T("desk.sample.finding")}}},
			{Name: "note", Kind: "textarea", Rows: 3, Label: p.T("desk.sample.note"), Need: page.Optional, Hint: p.T("desk.sample.note_hint"), Limit: maxWords}}
	}
	return render(q, "desk/sample", v.Head.H1, v, bad)
}

// excluded says what a whole sample tells of all acts of its kind.
func (p say) excluded(x *Drawn, confidence int) string {
	switch {
	case x.Population == 0:
		return p.T("desk.sample.nothing")
	case uint64(x.Checked) == x.Population:
		return p.T("desk.sample.all")
	case x.Excluded >= 1:
		return p.T("desk.sample.too_few")
	}
	return p.T("desk.sample.excluded", "percent", fmt.Sprintf("%.1f", 100*x.Excluded), "confidence", confidence)
}
