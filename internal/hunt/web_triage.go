package hunt

import (
	"net/url"
	"slices"
	"strconv"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// named is how many of the findings of an act its confirmation names.
const named = 10

type triageView struct {
	Head   page.Head
	Hunt   string
	Back   string
	Query  string   // the filter, when the act is about all it finds
	IDs    []string // else those ticked
	Expect int
	All    bool
	Say    string
	Rows   []row
	More   int
	Fields []page.Field
}

// showTriage asks for a decision on many findings: those that were ticked, or
// all that the filter finds. Nothing is changed before it is confirmed.
func (c *console) showTriage(q *httpd.Request, bad error) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.triage"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	query := q.Queries()
	if q.R.Method == "POST" {
		if query, err = url.ParseQuery(q.Form("query")); err != nil {
			return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1)
		}
	}
	v := triageView{Hunt: h.ID, Query: kept(query).Encode(), IDs: q.Forms()["id"]}
	v.All = len(v.IDs) == 0
	v.Back = address("/hunts/"+h.ID, kept(query))
	var list []Finding
	if v.All {
		f, err := c.filterIn(q, h.ID, query)
		if err != nil {
			return err
		}
		if v.Expect, err = c.Count(q.Context(), f); err != nil {
			return err
		}
		f.Limit = named
		if list, _, err = c.Findings(q.Context(), f); err != nil {
			return err
		}
		v.Say = p.T("hunt.web.triage_all", "n", v.Expect)
	} else {
		for _, id := range v.IDs[:min(len(v.IDs), named)] {
			f, err := c.Finding(q.Context(), id)
			if err != nil {
				return err
			}
			list = append(list, f)
		}
		v.Expect = len(v.IDs)
		v.Say = p.T("hunt.web.triage_ticked", "n", v.Expect)
	}
	for i := range list {
		v.Rows = append(v.Rows, shelf.row(p, &list[i]))
	}
	v.More = max(v.Expect-len(v.Rows), 0)
	v.Head = page.Head{H1: p.T("hunt.web.triage"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number, Href: v.Back}, {Text: p.T("hunt.web.triage")}}}
	v.Fields = decisionFields(q, State(q.Form("state")))
	return render(q, "triage", "hunts", v.Head.H1, v, bad)
}

// decisionFields ask what is decided, and why.
func decisionFields(q *httpd.Request, chosen State) []page.Field {
	p := q.Printer
	var states []page.Option
	for _, st := range States {
		states = append(states, page.Option{Value: string(st), Label: p.T("hunt.web.state." + string(st)), Hint: p.T("hunt.web.state_say." + string(st))})
	}
	return []page.Field{
		{Name: "state", Kind: "choice", Label: p.T("hunt.web.decision"), Need: page.Required, Options: states, Value: string(chosen)},
		{Name: "reason", Kind: "textarea", Label: p.T("hunt.web.reason"), Hint: p.T("hunt.web.reason_hint"), Rows: 2, Limit: maxWords},
	}
}

// filterIn is the filter of a desk as it is in an address, over the run that the
// desk shows.
func (c *console) filterIn(q *httpd.Request, hunt string, query url.Values) (FindingFilter, error) {
	runs, _, err := c.Runs(q.Context(), hunt, "", runsShown)
	return filterOf(query, hunt, runs), err
}

func (c *console) triage(q *httpd.Request) error {
	if err := c.May(q.Context(), "hunt.triage"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	if q.Form("sure") != "1" {
		if len(q.Forms()["id"]) == 0 {
			query, err := url.ParseQuery(q.Form("query"))
			if err != nil {
				query = nil
			}
			return q.Redirect(address("/hunts/"+h.ID, kept(query)))
		}
		return c.showTriage(q, nil)
	}
	query, err := url.ParseQuery(q.Form("query"))
	if err != nil {
		return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1)
	}
	on := Choice{IDs: slices.Clone(q.Forms()["id"])}
	if len(on.IDs) == 0 {
		f, err := c.filterIn(q, h.ID, query)
		if err != nil {
			return err
		}
		f.Limit = 0
		on.Filter = &f
		if on.Expect, err = strconv.Atoi(q.Form("expect")); err != nil {
			return ErrCount
		}
	}
	b, err := c.Triage(q.Context(), on, Decision{State: State(q.Form("state")), Reason: q.Form("reason")})
	if onForm(err) {
		return c.showTriage(q, err)
	}
	if err != nil {
		return err
	}
	back := kept(query)
	back.Set("did", b.ID)
	return q.Redirect(address("/hunts/"+h.ID, back))
}

type batchRow struct {
	Batch
	Who, Word, Tag string
	Mine           bool
}

type batchesView struct {
	Head  page.Head
	Rows  []batchRow
	Empty *page.Empty
	Undo  bool
}

func (c *console) showBatches(q *httpd.Request) error {
	p := q.Printer
	list, err := c.Batches(q.Context())
	if err != nil {
		return err
	}
	v := batchesView{Head: page.Head{H1: p.T("hunt.web.batches"), Lead: p.T("hunt.web.batches_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: p.T("hunt.web.batches")}}}, Undo: may(q, "hunt.undo")}
	var people []string
	for _, b := range list {
		people = append(people, b.By)
	}
	names, err := c.Names(q.Context(), people...)
	if err != nil {
		return err
	}
	for _, b := range list {
		b.Reason = printableLines(b.Reason)
		v.Rows = append(v.Rows, batchRow{Batch: b, Who: names[b.By], Word: p.T("hunt.web.state." + string(b.State)), Tag: stateTag[b.State], Mine: b.By == q.Who.Person})
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("hunt.web.batches_empty"), Say: p.T("hunt.web.batches_empty_say")}
	}
	said, err := c.said(q)
	if err != nil {
		return err
	}
	return render(q, "batches", "hunts", v.Head.H1, v, nil, said...)
}

func (c *console) undo(q *httpd.Request) error {
	id := q.Path("id")
	if _, err := c.Undo(q.Context(), id); err != nil {
		return err
	}
	next := q.Next("/hunt-batches")
	u, err := url.Parse(next)
	if err != nil {
		return q.Redirect("/hunt-batches")
	}
	query := u.Query()
	query.Set("did", id)
	return q.Redirect(address(u.Path, query))
}
