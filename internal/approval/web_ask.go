package approval

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// gigabyte is the unit of the cap on the form.
const gigabyte = 1_000_000_000

func pagesAsk(r *httpd.Router, s *Service) {
	r.Page("GET /approvals/new", func(q *httpd.Request) error {
		a := Application{Kind: Kind(cmp.Or(q.Query("kind"), string(ForeignDomestic))), Addresses: "pseudonym"}
		return showAsk(q, s, a, nil)
	})
	r.Page("GET /approvals/{id}/extend", func(q *httpd.Request) error {
		a, err := s.Extension(q.Context(), q.Path("id"))
		if formFault(err) {
			return showCase(q, s, err)
		}
		if err != nil {
			return err
		}
		return showAsk(q, s, a, nil)
	})
	r.Page("POST /approvals", func(q *httpd.Request) error {
		choices, err := s.Choices(q.Context())
		if err != nil {
			return err
		}
		a, bad := readAsk(q, choices)
		if err = s.mistaken(a, bad); err == nil {
			var c Case
			if c, err = s.Ask(q.Context(), a); err == nil {
				return q.Redirect("/approvals/" + c.ID)
			}
		}
		if formFault(err) {
			return showAsk(q, s, a, err)
		}
		return err
	})
}

// readAsk reads the form of an application. What cannot be read is said at its
// field; what is missing the rules say.
func readAsk(q *httpd.Request, c Choices) (a Application, bad mistakes) {
	all := func(name string) string { return strings.Join(q.Forms()[name], "\n") } // boxes that were ticked, or a text
	a = Application{Kind: Kind(q.Form("kind")), Link: q.Form("link"), Selectors: Selectors{Hash: q.Form("selectors/hash"), Name: q.Form("selectors/name")}, Targets: lines(q.Form("targets")),
		Fields: strings.FieldsFunc(all("fields"), func(r rune) bool { return r == ',' || r == '、' || r == ' ' || r == '\n' || r == '\r' }), Addresses: q.Form("addresses"), Recipients: append(lines(all("recipients")), lines(q.Form("recipients_other"))...),
		Grounds: q.Form("grounds"), NoOther: q.Form("no_other_means"), Necessity: q.Form("necessity"), Run: q.Form("run"), Subjects: lines(q.Form("subjects")), Carrier: q.Form("carrier"), Extends: q.Form("extends")}
	number := func(name string) int64 { return bad.number(name, q.Form(name)) }
	a.Capacity, a.Selectors.Count, a.RetainDays = number("capacity_mbps"), int(min(number("selectors/count"), maxCount+1)), int(min(number("retain_days"), 1<<20))
	if gb := number("cap"); gb > maxQuantity/gigabyte {
		bad.add("cap", "approval.bad.cap_large")
	} else {
		a.Cap.Bytes = uint64(gb) * gigabyte
	}
	a.Cap.Packets = uint64(max(number("cap_packets"), 0))
	for _, f := range []struct {
		name string
		at   *time.Time
	}{{"from", &a.From}, {"until", &a.Until}} {
		t, place := page.ReadTime(q.Forms(), f.name)
		if place != nil {
			bad = append(bad, *place)
		}
		*f.at = t
	}
	if c.Lists != nil && a.Kind != Reidentify {
		bad.chosen(&a, c.Lists, q.Form(listField))
	}
	return a, bad
}

// number reads a whole number of a form as people write it; nothing is 0.
func (m *mistakes) number(at, s string) int64 {
	if s = strings.ReplaceAll(line(s), ",", ""); s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 62)
	if err != nil || n < 0 {
		m.add(at, "approval.bad.number")
		return 0
	}
	return n
}

type askView struct {
	Head   page.Head
	Groups []askGroup
	Kind   Kind
	Extend ID
}

type askGroup struct {
	Title, Say string
	Fields     []page.Field
}

// showAsk is the form of an application, in the order in which it is judged.
func showAsk(q *httpd.Request, s *Service, a Application, bad error) error {
	p := say{q.Printer}
	c, err := s.Choices(q.Context())
	if err != nil {
		return err
	}
	v := askView{Kind: a.Kind, Extend: a.Extends, Head: page.Head{H1: p.T("approval.web.ask"), Lead: p.T("approval.web.ask_lead"), Crumbs: []page.Crumb{{Text: p.T("approval.web.title"), Href: "/approvals"}, {Text: p.T("approval.web.ask")}}}}
	switch {
	case a.Extends != "":
		v.Head.H1, v.Head.Lead = p.T("approval.web.extend"), p.T("approval.web.extend_lead")
	case a.Kind == Reidentify:
		v.Head.H1 = p.T("approval.web.ask_reidentify")
	default:
		v.Head.Acts = []page.Act{{Text: p.T("approval.web.ask_reidentify"), Href: "/approvals/new?kind=reidentify", Icon: "key", Kind: "quiet"}}
	}
	v.Groups = append(v.Groups, p.askReasons(&a), s.askTerms(p, &a, c))
	if a.Kind == Reidentify {
		v.Groups = append(v.Groups, askGroup{Title: p.T("approval.web.group.subjects"), Say: p.T("approval.web.group.subjects_say"), Fields: []page.Field{
			{Name: "run", Label: p.T("approval.web.run"), Need: page.Required, Value: a.Run, Width: "wide"},
			{Name: "subjects", Kind: "textarea", Label: p.T("approval.web.subjects"), Need: page.Required, Rows: 3, Value: strings.Join(a.Subjects, "\n"), Hint: p.T("approval.web.lines_hint")}}})
	} else {
		v.Groups = append(v.Groups, s.askSelection(p, &a, c.Lists))
	}
	v.Groups = append(v.Groups, p.askRecipients(&a, c.Recipients))
	if bad != nil {
		bad = p.named(bad, v.Groups)
	}
	return render(q, "approval/ask", v.Head.H1, v, bad)
}

// linksHint names the lines of earlier cases: one that is written otherwise is
// another line.
func (p say) linksHint(links []string) string {
	if len(links) == 0 {
		return ""
	}
	return p.T("approval.web.links_known", "links", strings.Join(links, p.T("approval.web.comma")))
}

func (p say) askReasons(a *Application) askGroup {
	area := func(name, label, value, hint string) page.Field {
		return page.Field{Name: name, Kind: "textarea", Label: p.T(label), Need: page.Required, Rows: 4, Limit: maxWords, Value: value, Hint: p.T(hint)}
	}
	hints := []string{"approval.web.grounds_hint", "approval.web.no_other_hint", "approval.web.necessity_hint"}
	if a.Kind == Reidentify {
		hints = []string{"approval.web.grounds_hint_of", "approval.web.no_other_hint_of", "approval.web.necessity_hint_of"}
	}
	return askGroup{Title: p.T("approval.web.group.reasons"), Say: p.T("approval.web.group.reasons_say"), Fields: []page.Field{
		area("grounds", p.whyOf(a.Kind), a.Grounds, hints[0]), area("no_other_means", "approval.web.no_other", a.NoOther, hints[1]),
		area("necessity", "approval.web.necessity", a.Necessity, hints[2])}}
}

// instant is a time as a field of a form holds it.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(text.JST).Format(time.RFC3339)
}

// count is a number as a field holds it; nothing for none.
func count(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func (s *Service) askTerms(p say, a *Application, known Choices) askGroup {
	g := askGroup{Title: p.T("approval.web.group.terms"), Say: p.T("approval.web.group.terms_say")}
	if a.Kind == Reidentify {
		g.Title = p.T("approval.web.period")
	}
	if a.Kind != Reidentify {
		kind := page.Field{Name: "kind", Kind: "choice", Label: p.T("approval.web.kind"), Need: page.Required, Value: string(a.Kind)}
		for _, k := range []Kind{ForeignForeign, ForeignDomestic, DomesticForeign} {
			months := s.Rules.Row(k, "months")
			hint := p.T("approval.web.months_most", "n", months.Value)
			if !months.Verified {
				hint += " " + p.T("approval.web.unverified", "source", months.Source)
			}
			kind.Options = append(kind.Options, page.Option{Value: string(k), Label: p.kind(k), Hint: hint})
		}
		var list []page.Option
		for _, c := range known.Carriers {
			list = append(list, page.Option{Value: string(c.ID), Label: c.Name.In(p.Lang)})
		}
		if a.Extends == "" {
			g.Fields = append(g.Fields, kind)
		}
		g.Fields = append(g.Fields, page.Field{Name: "link", Label: p.T("approval.web.link"), Need: page.Required, Value: a.Link, Example: "K-2", Hint: p.linksHint(known.Links)},
			page.Field{Name: "carrier", Kind: "select", Label: p.T("approval.web.carrier"), Need: page.Required, Value: a.Carrier, Options: append([]page.Option{{Label: p.T("approval.web.choose")}}, list...), Hint: p.T("approval.web.carrier_hint")})
	}
	follow := ""
	if a.Extends != "" {
		follow = p.T("approval.web.follow_hint")
	}
	g.Fields = append(g.Fields, page.Field{Name: "from", Kind: "datetime", Label: p.T("approval.web.from"), Need: page.Required, Value: instant(a.From), Hint: follow},
		page.Field{Name: "until", Kind: "datetime", Label: p.T("approval.web.until"), Need: page.Required, Value: instant(a.Until), Hint: p.T("approval.web.until_hint")})
	if a.Kind != Reidentify {
		share := s.Rules.Row(a.Kind, "share_percent").Value
		g.Fields = append(g.Fields, page.Field{Name: "capacity_mbps", Kind: "number", Label: p.T("approval.web.capacity"), Need: page.Required, Value: count(a.Capacity), Unit: "Mbps", Hint: p.T("approval.web.capacity_hint")},
			page.Field{Name: "cap", Kind: "number", Label: p.T("approval.web.cap"), Value: count(int64(a.Cap.Bytes / gigabyte)), Unit: "GB", Hint: p.T("approval.web.cap_hint", "percent", share)},
			page.Field{Name: "cap_packets", Kind: "number", Label: p.T("approval.web.cap_packets"), Value: count(int64(a.Cap.Packets)), Unit: p.T("approval.web.unit_packets"), Hint: p.T("approval.web.cap_packets_hint")})
	}
	return g
}

func (s *Service) askSelection(p say, a *Application, lists []Selectors) askGroup {
	g := askGroup{Title: p.T("approval.web.group.selection"), Say: p.T("approval.web.group.selection_say"), Fields: p.askList(a, lists)}
	g.Fields = append(g.Fields,
		page.Field{Name: "targets", Kind: "textarea", Label: p.T("approval.web.targets"), Need: page.Required, Rows: 3, Value: strings.Join(a.Targets, "\n"), Hint: p.T("approval.web.targets_hint")},
		s.askFields(p, a),
		page.Field{Name: "addresses", Kind: "choice", Label: p.T("approval.web.addresses"), Need: page.Required, Value: a.Addresses, Options: p.options("approval.addresses.", "pseudonym", "plain")},
		page.Field{Name: "retain_days", Kind: "number", Label: p.T("approval.web.retain"), Need: page.Required, Value: count(int64(a.RetainDays)), Unit: p.T("approval.web.unit_days"), Hint: p.T("approval.web.retain_hint", "days", s.Rules.Row(a.Kind, "retain_days").Value)})
	return g
}
