package selection

import (
	"slices"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

type consentLine struct {
	Consent
	Over bool
}

type agreementView struct {
	Head     page.Head
	ID       string
	Version  int
	State    string
	Tag      string
	Party    bool
	Talks    bool
	Free     string
	Gives    string
	Returns  string
	Facts    page.Facts
	Forms    []stepForm
	Offer    bool
	Talk     []talkLine
	Say      []page.Field
	Past     []page.Step
	Consents []consentLine
	Consent  []page.Field
	Returned []Returned
	Return   []page.Field
	Grants   []AgreementGrant
	Grant    *page.Field
	NoList   bool
	Volumes  []volumeLine
}

// showAgreement is an agreement as its side sees it: to the party in plain words
// what it gives, what comes back, and that it is free.
func showAgreement(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	x, err := s.Agreement(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	a := x.Agreement
	v := agreementView{ID: a.ID, Version: a.Version, Party: x.Side == PartySide, Gives: a.Terms.Gives, Returns: a.Terms.Returns, Returned: x.Returned, Grants: x.Grants, Talk: talkOf(x.Talk, x.Names)}
	v.State, v.Tag = p.agreement(a, q.Now())
	title := a.Terms.Title
	other := x.Names[a.Party]
	if v.Party {
		other = x.Names[a.Org]
	}
	v.Head = page.Head{H1: title, Lead: other + " ・ " + p.T("selection.agreement.article."+string(a.Article)), Crumbs: []page.Crumb{{Text: p.T("selection.agreement.web.title"), Href: "/agreements"}, {Text: title}}}
	if v.Party && a.WaitsFor() == PartySide {
		v.Free = p.T("selection.agreement.web.free")
	}
	v.Facts = p.terms(a.Terms)
	v.forms(p, x, q)
	for _, m := range x.Past {
		what := p.T("selection.agreement.moved."+string(m.To), "side", p.T("selection.agreement.side."+string(m.By)))
		v.Past = append(v.Past, page.Step{Kind: "done", At: m.At, What: what, Note: m.Note})
	}
	for _, r := range x.Volumes {
		v.Volumes = append(v.Volumes, volumeLine{r, p.quantity(r.Taken)})
	}
	for _, c := range x.Consents {
		v.Consents = append(v.Consents, consentLine{c, !c.Covers(q.Now())})
	}
	if open(q, "agreement.grant") && a.InForce(q.Now()) {
		if err := v.lists(q, s, p); err != nil {
			return err
		}
	}
	return render(q, "selection/agreement", "agreement", v.Head.H1, v, bad)
}

// terms are the words of an agreement as facts.
func (p voice) terms(t Terms) page.Facts {
	row := func(k, value string) page.Fact {
		if value == "" {
			value = "—"
		}
		return page.Fact{Name: p.T("selection.agreement.term." + k), Value: value}
	}
	var fields, to []string
	for _, f := range Fields { // in the order of a record
		if slices.Contains(t.Fields, f) {
			fields = append(fields, p.T("selection.hub.field."+f))
		}
	}
	for _, r := range t.Recipients {
		if key := "selection.agreement.recipient." + r; p.Has(key) {
			to = append(to, p.T(key))
		} else {
			to = append(to, r)
		}
	}
	if len(to) == 0 {
		to = []string{p.T("selection.agreement.web.nobody")}
	}
	sep := p.T("selection.hub.web.comma")
	return page.Facts{Rows: []page.Fact{row("period", p.Date(t.From)+" – "+p.Date(t.Until.AddDate(0, 0, -1))), row("link", t.Link), row("directions", p.ways(wayNames(t.Directions))), row("cap", p.quantity(t.Cap)),
		row("fields", strings.Join(fields, sep)), row("addresses", p.T("selection.agreement.addresses."+t.Addresses)), row("retain_days", p.T("selection.agreement.web.n_days", "n", t.RetainDays)),
		row("recipients", strings.Join(to, sep)), row("targets", strings.Join(t.Targets, sep)), row("grounds", t.Grounds), row("no_other_means", t.NoOther), row("necessity", t.Necessity)}}
}

// forms are the acts open to who looks.
func (v *agreementView) forms(p voice, x AgreementView, q *httpd.Request) {
	a := x.Agreement
	note := page.Field{Name: "note", Kind: "textarea", Label: p.T("selection.agreement.web.note"), Hint: p.T("selection.agreement.web.note_hint"), Need: page.Optional, Rows: 2}
	add := func(to, kind string, fields ...page.Field) {
		name := strings.ReplaceAll(to, "-", "_")
		v.Forms = append(v.Forms, stepForm{To: to, Kind: kind, Word: p.T("selection.agreement.act." + name), Title: p.T("selection.agreement.act_h." + name), Say: p.T("selection.agreement.act_say." + name), Fields: fields})
	}
	keeper := x.Side == PartySide || x.Side == OfficeSide && a.Keeper == q.Who.Person
	v.Talks = keeper
	if !keeper && !(x.Side == OfficeSide && open(q, "agreement.end")) {
		return
	}
	if keeper && may(a.State, Agreed, x.Side) {
		kind := "primary"
		if x.Side == PartySide {
			kind = "" // agreeing and declining look alike: nobody is led to either
		}
		add("accept", kind)
	}
	if x.Side == PartySide && may(a.State, Declined, x.Side) {
		add("refuse", "", note)
	}
	if keeper && x.Side == OfficeSide && may(a.State, TakenBack, x.Side) {
		add("take-back", "quiet", note)
	}
	if may(a.State, Terminated, x.Side) {
		add("end", "stop", note)
	}
	v.Offer = keeper && (x.Side == OfficeSide && may(a.State, Proposed, x.Side) || x.Side == PartySide && may(a.State, Countered, x.Side))
	if keeper && open(q, "agreement.say") {
		v.Say = []page.Field{{Name: "text", Kind: "textarea", Label: p.T("selection.agreement.web.message"), Need: page.Required, Rows: 3, Limit: thread.MaxText},
			{Name: "kind", Kind: "select", Label: p.T("selection.agreement.web.kind"), Value: "note", Options: p.options("selection.agreement.kind.", "question", "answer", "note")}}
	}
	if x.Side == PartySide && !a.AgreedAt.IsZero() {
		v.Consent = []page.Field{{Name: "purpose", Kind: "textarea", Label: p.T("selection.agreement.web.consent_for"), Hint: p.T("selection.agreement.web.consent_hint"), Need: page.Required, Rows: 2},
			{Name: "consent_until", Kind: "date", Label: p.T("selection.agreement.web.consent_until"), Need: page.Required}}
	}
	if open(q, "agreement.return") && x.Side == OfficeSide && !a.AgreedAt.IsZero() {
		v.Return = []page.Field{{Name: "title", Label: p.T("selection.agreement.web.result_title"), Need: page.Required, Width: "wide"}, {Name: "result", Kind: "textarea", Label: p.T("selection.agreement.web.result"), Need: page.Required, Rows: 5}}
	}
}

// lists offers the compiled lists that a Grant may be issued for.
func (v *agreementView) lists(q *httpd.Request, s *Service, p voice) error {
	list, _, err := s.Lists(q.Context(), false, "", 100)
	if err != nil {
		return err
	}
	f := page.Field{Name: "list", Kind: "select", Label: p.T("selection.agreement.web.list"), Need: page.Required}
	for _, l := range list {
		if l.State == ListReady {
			f.Options = append(f.Options, page.Option{Value: l.ID, Label: p.T("selection.hub.web.list_of", "name", l.Name, "version", l.Version, "n", l.Selectors)})
		}
	}
	v.Grant, v.NoList = &f, len(f.Options) == 0
	return nil
}
