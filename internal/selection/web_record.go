package selection

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

func pagesRecord(r *httpd.Router, s *Service) {
	r.Page("GET /selection/{id}/records", func(q *httpd.Request) error { return showRecords(q, s, nil) })
	r.Page("POST /selection/{id}/sightings", func(q *httpd.Request) error {
		x, err := s.Sight(q.Context(), q.Path("id"), q.Form("selector"), Reason{q.Form("purpose"), q.Form("consent")}, q.Form("note"))
		if err != nil {
			return err
		}
		return q.Redirect("/sightings/" + x.ID)
	})
	r.Page("POST /selection/{id}/items", func(q *httpd.Request) error {
		p := voice{q.Printer}
		x, err := s.WriteItem(q.Context(), q.Path("id"), q.Form("selector"), Reason{q.Form("purpose"), q.Form("consent")}, p.T("selection.record.web.item_title", "selector", q.Form("selector")))
		if err != nil {
			return err
		}
		return q.Redirect("/intelligence/" + x.ID)
	})
	r.Page("GET /selection/{id}/disclose", func(q *httpd.Request) error { return showDisclose(q, s, nil) })
	r.Page("POST /selection/{id}/disclose", func(q *httpd.Request) error {
		_, err := s.Disclose(q.Context(), NewDisclosure{Run: q.Path("id"), Recipient: q.Form("recipient"), Selector: q.Form("selector"), Basis: q.Form("basis"), Caveat: q.Form("caveat"), Why: Reason{q.Form("purpose"), q.Form("consent")}})
		if formFault(err) {
			return showDisclose(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/selection/" + q.Path("id") + "#disclosures")
	})
	r.Page("GET /disclosures", func(q *httpd.Request) error { return showReceived(q, s) })
	r.Page("GET /disclosures/{disclosure}", func(q *httpd.Request) error { return showGiven(q, s) })
}

// recordLine is a record as a row: what the order let be kept of it.
type recordLine struct {
	Selector, Provenance, From, To, What, When, Stamp string
	Packets                                           uint64
	Personal                                          bool
}

func (p voice) record(x Stored) recordLine {
	l := recordLine{Selector: x.Selector, Provenance: p.T("selection.record.from." + x.Provenance), Personal: x.Personal}
	f, ok := readKept(x.Line)
	if !ok {
		return l // it was checked before it was stored
	}
	end := func(addr string, port *uint16) string {
		if addr == "" || port == nil || *port == 0 {
			return addr
		}
		return addr + " " + strconv.Itoa(int(*port))
	}
	start, err := time.Parse(timeForm, f.Start)
	if err != nil {
		return l
	}
	l.Stamp, l.When, l.From, l.To, l.Packets = start.Format(time.RFC3339), p.ShortDate(start, start)+start.In(p.Zone).Format(" 15:04:05"), end(f.Src, f.SrcPort), end(f.Dst, f.DstPort), f.Packets
	var what []string
	for _, s := range []string{f.App, f.Name, f.JA3, f.JA4} {
		if s != "" {
			what = append(what, s)
		}
	}
	l.What = strings.Join(what, " ")
	return l
}

type recordsView struct {
	Head      page.Head
	Run       string
	Purpose   string
	Consent   string
	List      *page.List
	Rows      []recordLine
	Empty     *page.Empty
	Selectors []page.Option
	Sight     bool
	Item      bool
	Caveat    string
}

// showRecords shows a page of records, once a purpose was chosen. Opening it is
// an act on the record.
func showRecords(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	id := q.Path("id")
	why := Reason{q.Query("purpose"), ""}
	if why.Purpose == "other" {
		why.Consent = q.Query("consent")
	}
	list, next, err := s.Read(q.Context(), RecordFilter{Run: id, Selector: q.Query("selector"), Cursor: q.Query("after"), Limit: 50}, why)
	if err != nil {
		return err
	}
	v := recordsView{Run: id, Purpose: why.Purpose, Consent: why.Consent, Sight: open(q, "selection.sight") && s.Sightings != nil, Item: open(q, "selection.sight") && s.Intel != nil}
	v.fill(q, p, list, next, "/selection/"+id+"/records")
	v.Head = page.Head{H1: p.T("selection.record.web.title"), Lead: p.T("selection.record.web.lead"), Crumbs: []page.Crumb{{Text: p.T("selection.hub.web.title"), Href: "/selection"}, {Text: p.T("selection.hub.web.run"), Href: "/selection/" + id}, {Text: p.T("selection.record.web.title")}}}
	return v.render(q, p, bad)
}

func (v *recordsView) fill(q *httpd.Request, p voice, list []Stored, next, path string) {
	for _, x := range list {
		v.Rows = append(v.Rows, p.record(x))
		if !slices.ContainsFunc(v.Selectors, func(o page.Option) bool { return o.Value == x.Selector }) {
			v.Selectors = append(v.Selectors, page.Option{Value: x.Selector, Label: x.Selector})
		}
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.record.web.none"), Say: p.T("selection.record.web.none_say")}
	}
	v.List = &page.List{Path: path, Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: p.T("selection.record.web.at") + " " + q.Now().In(p.Zone).Format("MST")}, {Title: p.T("selection.record.web.origin")}, {Title: p.T("selection.record.web.src")}, {Title: p.T("selection.record.web.dst")}, {Title: p.T("selection.record.web.what")}, {Title: p.T("selection.record.web.pkts"), Num: true}, {Title: p.T("selection.record.web.selector")}}}
}

func (v *recordsView) render(q *httpd.Request, p voice, bad error) error {
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Handling = "selection", page.Desk, p.handling(v.Purpose)
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("selection/records", shell, v)
}

type discloseView struct {
	Head   page.Head
	Run    string
	Ready  bool
	Fields []page.Field
}

func showDisclose(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	id := q.Path("id")
	list, err := s.Receivers(q.Context(), id)
	if err != nil {
		return err
	}
	consents, err := s.ConsentsOf(q.Context(), id)
	if err != nil {
		return err
	}
	v := discloseView{Run: id, Ready: len(list) > 0, Head: page.Head{H1: p.T("selection.record.web.disclose"), Lead: p.T("selection.record.web.disclose_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.hub.web.title"), Href: "/selection"}, {Text: p.T("selection.hub.web.run"), Href: "/selection/" + id}, {Text: p.T("selection.record.web.disclose")}}}}
	to := page.Field{Name: "recipient", Kind: "select", Label: p.T("selection.record.web.recipient"), Hint: p.T("selection.record.web.recipient_hint"), Need: page.Required}
	for _, x := range list {
		to.Options = append(to.Options, page.Option{Value: x.ID, Label: x.Name})
	}
	v.Fields = append([]page.Field{to, {Name: "basis", Label: p.T("selection.record.web.basis"), Hint: p.T("selection.record.web.basis_hint"), Need: page.Required},
		{Name: "caveat", Kind: "textarea", Label: p.T("selection.record.web.caveat"), Hint: p.T("selection.record.web.caveat_hint"), Need: page.Required, Rows: 3},
		{Name: "selector", Label: p.T("selection.record.web.only"), Hint: p.T("selection.record.web.only_hint"), Need: page.Optional, Value: q.Query("selector")}}, p.reasonFields(consents, len(consents) > 0)...)
	return render(q, "selection/disclose", "selection", v.Head.H1, v, bad)
}

type receivedView struct {
	Head  page.Head
	List  *page.List
	Rows  []disclosureLine
	Empty *page.Empty
}

// showReceived is what a recipient was given.
func showReceived(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	list, names, next, err := s.Disclosures(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := receivedView{Head: page.Head{H1: p.T("selection.record.web.received"), Lead: p.T("selection.record.web.received_lead")}}
	for _, d := range list {
		other := d.Org
		if sees(q, "selection.read") == gate.Own {
			other = d.Recipient
		}
		v.Rows = append(v.Rows, disclosureLine{d, names[other]})
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.record.web.received_none"), Say: p.T("selection.record.web.received_say")}
	}
	v.List = &page.List{Path: "/disclosures", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1}
	return render(q, "selection/received", "selection", v.Head.H1, v, nil)
}

// showGiven shows a recipient the records of one disclosure, for its purpose,
// with the caveat on top. Opening it is on the record.
func showGiven(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	d, err := s.Disclosure(q.Context(), q.Path("disclosure"))
	if err != nil {
		return err
	}
	list, next, err := s.Read(q.Context(), RecordFilter{Run: d.Run, Disclosure: d.ID, Cursor: q.Query("after"), Limit: 50}, Reason{q.Query("purpose"), d.Consent})
	if err != nil {
		return err
	}
	v := recordsView{Run: d.Run, Purpose: d.Purpose, Caveat: d.Caveat}
	v.fill(q, p, list, next, "/disclosures/"+d.ID)
	v.Head = page.Head{H1: p.T("selection.record.web.title"), Lead: d.Basis, Crumbs: []page.Crumb{{Text: p.T("selection.record.web.received"), Href: "/disclosures"}, {Text: p.T("selection.record.web.title")}}}
	return v.render(q, p, nil)
}
