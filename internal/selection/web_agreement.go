package selection

import (
	"net/url"
	"strconv"
	"strings"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

func pagesAgreement(r *httpd.Router, s *Service) {
	r.Page("GET /agreements", func(q *httpd.Request) error { return showAgreements(q, s) })
	r.Page("GET /agreements/new", func(q *httpd.Request) error { return showProposal(q, s, nil) })
	r.Page("POST /agreements", func(q *httpd.Request) error {
		t, bad := readTerms(q.Forms())
		party, article, _ := strings.Cut(q.Form("party"), "/")
		var a Agreement
		err := bad
		if err == nil {
			a, err = s.Propose(q.Context(), party, Article(article), t)
		}
		if formFault(err) {
			return showProposal(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/agreements/" + a.ID)
	})
	r.Page("GET /agreements/{id}", func(q *httpd.Request) error { return showAgreement(q, s, nil) })
	r.Page("GET /agreements/{id}/offer", func(q *httpd.Request) error { return showOffer(q, s, nil) })
	r.Page("POST /agreements/{id}/offer", func(q *httpd.Request) error {
		t, err := readTerms(q.Forms())
		if err == nil {
			_, err = s.Offer(q.Context(), q.Path("id"), version(q), t, q.Form("note"))
		}
		if formFault(err) {
			return showOffer(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/agreements/" + q.Path("id"))
	})
	act := func(path string, do func(q *httpd.Request, id string) error) {
		r.Page("POST /agreements/{id}/"+path, func(q *httpd.Request) error {
			err := do(q, q.Path("id"))
			if formFault(err) {
				return showAgreement(q, s, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/agreements/" + q.Path("id"))
		})
	}
	act("accept", func(q *httpd.Request, id string) error { _, err := s.Accept(q.Context(), id, version(q)); return err })
	act("refuse", func(q *httpd.Request, id string) error {
		_, err := s.Decline(q.Context(), id, version(q), q.Form("note"))
		return err
	})
	act("take-back", func(q *httpd.Request, id string) error {
		_, err := s.TakeBack(q.Context(), id, version(q), q.Form("note"))
		return err
	})
	act("end", func(q *httpd.Request, id string) error {
		_, err := s.Terminate(q.Context(), id, version(q), q.Form("note"))
		return err
	})
	act("messages", func(q *httpd.Request, id string) error {
		_, err := s.Say(q.Context(), id, thread.Kind(q.Form("kind")), q.Form("text"))
		return err
	})
	act("grants", func(q *httpd.Request, id string) error {
		_, err := s.Grant(q.Context(), id, q.Form("list"))
		return err
	})
	act("consents", func(q *httpd.Request, id string) error {
		until, bad := page.ReadDate(q.Forms(), "consent_until")
		if bad != nil {
			return fault.New(fault.Invalid, ErrTerms.Code, "n", 1).At(*bad)
		}
		_, err := s.Consent(q.Context(), id, q.Form("purpose"), until)
		return moved(err, "until", "consent_until")
	})
	act("consents/{consent}/withdraw", func(q *httpd.Request, id string) error {
		return s.WithdrawConsent(q.Context(), id, q.Path("consent"))
	})
	act("returned", func(q *httpd.Request, id string) error {
		_, err := s.Return(q.Context(), id, q.Form("title"), q.Form("result"))
		return moved(err, "text", "result")
	})
}

// moved says a fault at the field that it stands at on this page.
func moved(err error, from, to string) error {
	if err == nil {
		return nil
	}
	out := *fault.Of(err)
	out.Places = append([]fault.Place(nil), out.Places...)
	for i := range out.Places {
		if out.Places[i].At == from {
			out.Places[i].At = to
		}
	}
	return &out
}

func version(q *httpd.Request) int {
	n, err := strconv.Atoi(q.Form("version"))
	if err != nil {
		return 0 // no version: the service says so
	}
	return n
}

// number reads a whole number; what is none is 0, which the rules refuse.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil {
		return 0
	}
	return n
}

// readTerms reads the terms of a form.
func readTerms(f url.Values) (Terms, error) {
	t := Terms{Title: f.Get("title"), Link: f.Get("link"), Fields: f["fields"], Addresses: f.Get("addresses"), RetainDays: number(f.Get("retain_days")), Recipients: f["recipients"], Targets: linesOf(f.Get("targets")),
		Grounds: f.Get("grounds"), NoOther: f.Get("no_other_means"), Necessity: f.Get("necessity"), Gives: f.Get("gives"), Returns: f.Get("returns")}
	var places []fault.Place
	var bad *fault.Place
	if t.From, bad = page.ReadDate(f, "from"); bad != nil {
		places = append(places, *bad)
	}
	if t.Until, bad = page.ReadDate(f, "until"); bad != nil {
		places = append(places, *bad)
	}
	if !t.Until.IsZero() {
		t.Until = t.Until.AddDate(0, 0, 1) // to the end of the day that was named
	}
	if mb := number(f.Get("cap")); mb > 0 {
		t.Cap = approval.Quantity{Bytes: uint64(mb) * 1_000_000}
	}
	if len(places) > 0 {
		return t, fault.New(fault.Invalid, ErrTerms.Code, "n", len(places)).At(places...)
	}
	return t, nil
}

// recipientKinds are kinds of organisations that terms may name as recipients:
// those whose people may read what is disclosed to them.
var recipientKinds = []string{"police", "ministry"}

// termFields ask for the terms of an agreement; a party is asked for less.
func (p voice) termFields(t Terms, party bool) []page.Field {
	day := "2006-01-02"
	from, until, limit := "", "", ""
	if !t.From.IsZero() {
		from, until = t.From.In(p.Zone).Format(day), t.Until.In(p.Zone).AddDate(0, 0, -1).Format(day)
		limit = strconv.FormatUint(t.Cap.Bytes/1_000_000, 10)
	}
	label := func(k string) string { return p.T("selection.agreement.term." + k) }
	hint := func(k string) string { return p.T("selection.agreement.term_hint." + k) }
	area := func(k, v string, rows int) page.Field {
		return page.Field{Name: k, Kind: "textarea", Label: label(k), Hint: hint(k), Need: page.Required, Rows: rows, Value: v}
	}
	var fields []page.Option
	for _, f := range Fields {
		fields = append(fields, page.Option{Value: f, Label: p.T("selection.hub.field." + f)})
	}
	kept := t.Fields
	if kept == nil {
		kept = DefaultFields
	}
	if t.Addresses == "" {
		t.Addresses = "pseudonym"
	}
	return []page.Field{
		{Name: "title", Label: label("title"), Need: page.Required, Width: "wide", Value: t.Title},
		area("gives", t.Gives, 3), area("returns", t.Returns, 3),
		{Name: "link", Label: label("link"), Hint: hint("link"), Need: page.Required, Value: t.Link},
		{Name: "from", Kind: "date", Label: label("from"), Need: page.Required, Value: from},
		{Name: "until", Kind: "date", Label: label("until"), Need: page.Required, Value: until},
		{Name: "cap", Kind: "number", Label: label("cap"), Hint: hint("cap"), Unit: "MB", Need: page.Required, Value: limit},
		{Name: "fields", Kind: "choices", Label: label("fields"), Hint: hint("fields"), Need: page.Required, Options: fields, Values: kept},
		{Name: "addresses", Kind: "choice", Label: label("addresses"), Need: page.Required, Value: t.Addresses, Options: p.options("selection.agreement.addresses.", "pseudonym", "plain")},
		{Name: "retain_days", Kind: "number", Label: label("retain_days"), Unit: p.T("selection.agreement.web.days"), Need: page.Required, Value: strconv.Itoa(t.RetainDays)},
		{Name: "recipients", Kind: "choices", Label: label("recipients"), Hint: hint("recipients"), Need: page.Optional, Options: p.options("selection.agreement.recipient.", recipientKinds...), Values: t.Recipients},
		{Name: "targets", Kind: "textarea", Label: label("targets"), Hint: hint("targets"), Need: page.Optional, Rows: 2, Value: strings.Join(t.Targets, "\n")},
		area("grounds", t.Grounds, 3), area("no_other_means", t.NoOther, 3), area("necessity", t.Necessity, 3),
	}
}

type proposalView struct {
	Head    page.Head
	Party   *page.Field
	To      string
	Version int
	Fields  []page.Field
	Note    *page.Field
	Say     string
	Word    string
}

func showProposal(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	list, err := s.Parties(q.Context())
	if err != nil {
		return err
	}
	party := page.Field{Name: "party", Kind: "select", Label: p.T("selection.agreement.term.party"), Hint: p.T("selection.agreement.term_hint.party"), Need: page.Required}
	for _, x := range list {
		party.Options = append(party.Options, page.Option{Value: x.ID + "/" + string(x.Article), Label: x.Name + "（" + p.T("selection.agreement.article."+string(x.Article)) + "）"})
	}
	v := proposalView{Head: page.Head{H1: p.T("selection.agreement.web.propose"), Lead: p.T("selection.agreement.web.propose_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.agreement.web.title"), Href: "/agreements"}, {Text: p.T("selection.agreement.web.propose")}}},
		Party: &party, To: "/agreements", Fields: p.termFields(Terms{}, false), Word: p.T("selection.agreement.web.propose_do"), Say: p.T("selection.agreement.web.free_office")}
	return render(q, "selection/proposal", "agreement", v.Head.H1, v, bad)
}

func showOffer(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	x, err := s.Agreement(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	a := x.Agreement
	if x.Side == "" || !may(a.State, Proposed, x.Side) && !may(a.State, Countered, x.Side) {
		return ErrMove
	}
	v := proposalView{Head: page.Head{H1: p.T("selection.agreement.web.offer"), Lead: p.T("selection.agreement.web.offer_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.agreement.web.title"), Href: "/agreements"}, {Text: a.Terms.Title, Href: "/agreements/" + a.ID}, {Text: p.T("selection.agreement.web.offer")}}},
		To: "/agreements/" + a.ID + "/offer", Version: a.Version, Fields: p.termFields(a.Terms, true), Word: p.T("selection.agreement.web.offer_do"), Say: p.T("selection.agreement.web.free"),
		Note: &page.Field{Name: "note", Kind: "textarea", Label: p.T("selection.agreement.web.note"), Need: page.Optional, Rows: 2}}
	return render(q, "selection/proposal", "agreement", v.Head.H1, v, bad)
}

type agreementRow struct {
	ID, Title, Party, State, Tag, Period, Article string
	Waits                                         bool
}

type agreementsView struct {
	Head  page.Head
	List  *page.List
	Rows  []agreementRow
	Empty *page.Empty
	Party bool
	Say   string
}

func showAgreements(q *httpd.Request, s *Service) error {
	p := voice{q.Printer}
	list, names, next, err := s.Agreements(q.Context(), AgreementFilter{Waiting: q.Query("waiting") == "1", Ended: q.Query("ended") == "1", Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	side := sideOf(sees(q, "agreement.list"))
	v := agreementsView{Head: page.Head{H1: p.T("selection.agreement.web.title")}, Party: side == PartySide}
	switch side {
	case PartySide:
		v.Head.Lead, v.Say = p.T("selection.agreement.web.lead_party"), p.T("selection.agreement.web.free")
	case OfficeSide:
		v.Head.Lead = p.T("selection.agreement.web.lead")
	default:
		v.Head.Lead = p.T("selection.agreement.web.lead_watch")
	}
	if open(q, "agreement.propose") {
		v.Head.Acts = []page.Act{{Text: p.T("selection.agreement.web.propose"), Href: "/agreements/new", Icon: "document", Kind: "primary"}}
	}
	for _, a := range list {
		word, tag := p.agreement(a, q.Now())
		row := agreementRow{ID: a.ID, Title: a.Terms.Title, Party: names[a.Party], State: word, Tag: tag, Article: p.T("selection.agreement.article." + string(a.Article)), Waits: side != "" && a.WaitsFor() == side}
		if v.Party {
			row.Party = names[a.Org]
		}
		row.Period = p.Date(a.Terms.From) + " – " + p.Date(a.Terms.Until.AddDate(0, 0, -1))
		v.Rows = append(v.Rows, row)
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("selection.agreement.web.empty"), Say: p.T("selection.agreement.web.empty_say")}
	}
	v.List = &page.List{Path: "/agreements", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: p.T("selection.agreement.web.what")}, {Title: p.T("selection.agreement.web.other")}, {Title: p.T("selection.agreement.web.state")}, {Title: p.T("selection.agreement.web.period")}}}
	v.List.Filters = []page.Filter{{Name: "ended", Value: "1", Label: p.T("selection.agreement.web.ended_too"), Count: -1}}
	if side != "" {
		v.List.Filters = append(v.List.Filters, page.Filter{Name: "waiting", Value: "1", Label: p.T("selection.agreement.web.waiting"), Count: -1})
	}
	return render(q, "selection/agreements", "agreement", v.Head.H1, v, nil)
}
