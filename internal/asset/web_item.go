package asset

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// pagesItem are one piece of equipment: to read, to add, to change, to take
// out.
func pagesItem(r *httpd.Router, s *Service) {
	r.Page("GET /assets/{id}", func(q *httpd.Request) error { return showItem(q, s) })
	r.Page("GET /assets/new", func(q *httpd.Request) error {
		if err := s.mayWrite(q.Context()); err != nil {
			return err
		}
		return showEdit(q, s, nil, nil)
	})
	r.Page("POST /assets/new", func(q *httpd.Request) error {
		d, used, affects, err := readItem(q, nil)
		var e Entry
		if err == nil {
			e, err = s.Add(q.Context(), d, used, affects)
		}
		if err != nil {
			if formFault(err) {
				return showEdit(q, s, nil, err)
			}
			return err
		}
		return q.Redirect("/assets/" + string(e.ID))
	})
	r.Page("GET /assets/{id}/edit", func(q *httpd.Request) error {
		e, err := s.Get(q.Context(), ID(q.Path("id")))
		if err != nil {
			return err
		}
		return showEdit(q, s, &e, nil)
	})
	r.Page("POST /assets/{id}/edit", func(q *httpd.Request) error {
		e, err := s.Get(q.Context(), ID(q.Path("id")))
		if err != nil {
			return err
		}
		d, used, affects, err := readItem(q, &e)
		if err == nil {
			_, err = s.Change(q.Context(), e.ID, int(number(q.Form("revision"))), d, used, affects)
		}
		if err != nil {
			if formFault(err) {
				return showEdit(q, s, &e, err)
			}
			return err
		}
		return q.Redirect("/assets/" + string(e.ID))
	})
	r.Page("POST /assets/{id}/confirm", func(q *httpd.Request) error {
		e, err := s.Get(q.Context(), ID(q.Path("id")))
		if err != nil {
			return err
		}
		if _, err := s.Confirm(q.Context(), e.Org, e.ID); err != nil {
			return err
		}
		return q.Redirect("/assets/" + string(e.ID))
	})
	r.Page("GET /assets/{id}/remove", func(q *httpd.Request) error {
		e, err := s.Get(q.Context(), ID(q.Path("id")))
		if err != nil {
			return err
		}
		p := q.Printer
		v := removeView{Item: view(p, s, &e, nil, q.Now()), Revision: e.Revision, Head: page.Head{H1: p.T("asset.web.remove_q"), Lead: p.T("asset.web.remove_say"), Crumbs: crumbs(p, &e, p.T("asset.web.remove"))}}
		shell := q.Shell(v.Head.H1)
		shell.Key = "assets"
		return q.Render("asset/remove", shell, v)
	})
	r.Page("POST /assets/{id}/remove", func(q *httpd.Request) error {
		if err := s.Remove(q.Context(), ID(q.Path("id")), int(number(q.Form("revision")))); err != nil {
			return err
		}
		return q.Redirect("/assets")
	})
}

func crumbs(p text.Printer, e *Entry, last string) []page.Crumb {
	out := []page.Crumb{{Text: p.T("asset.web.title"), Href: "/assets"}}
	if e != nil {
		name := e.Key
		if name == "" {
			name = e.ProductName
		}
		out = append(out, page.Crumb{Text: name, Href: "/assets/" + string(e.ID)})
	}
	if last == "" {
		out[len(out)-1].Href = ""
		return out
	}
	return append(out, page.Crumb{Text: last})
}

type removeView struct {
	Head     page.Head
	Item     itemView
	Revision int
}

// itemPage is one piece of equipment.
type itemPage struct {
	Head    page.Head
	Item    itemView
	Lacks   []string
	Facts   page.Facts
	Places  page.Facts
	Further page.Facts
	Scope   []scopeView
	Verdict string
	History []page.Step
	Next    string
	Mine    bool
}

type scopeView struct{ Ask, Answer, Reason, Source string }

func showItem(q *httpd.Request, s *Service) error {
	p := q.Printer
	e, err := s.Get(q.Context(), ID(q.Path("id")))
	if err != nil {
		return err
	}
	contractors, err := s.Contractors(q.Context())
	if err != nil {
		return err
	}
	v := itemPage{Item: view(p, s, &e, contractors, q.Now()), Mine: owns(q), Head: page.Head{H1: e.MakerName + " " + e.ProductName, Lead: p.T("asset.kind." + string(e.Kind)), Crumbs: crumbs(p, &e, "")}}
	if may(q, "asset.change") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("asset.web.confirm"), Href: "/assets/" + string(e.ID) + "/confirm", Post: true, Icon: "check"},
			page.Act{Text: p.T("asset.web.change"), Href: "/assets/" + string(e.ID) + "/edit", Kind: "primary"})
	}
	for _, g := range s.Rules.Lacks(&e.Item) {
		v.Lacks = append(v.Lacks, lackWord(p, g.ID))
	}
	for _, f := range Fields() {
		row := page.Fact{Name: p.T("asset.field." + f.String()), Value: SayValue(p, &e.Item, f)}
		switch f {
		case FieldOperatedBy:
			row.Value = operator(p, e.OperatedBy, contractors)
		case FieldMaker:
			row.Note = asTyped(p, e.MakerName, e.Maker)
			row.Value = e.MakerName
		case FieldProduct:
			row.Note = asTyped(p, e.ProductName, e.Product)
			row.Value = e.ProductName
		case FieldIntroduced, FieldChanged, FieldSupportEnds:
			row.Value = sayDate(p, map[Field]Date{FieldIntroduced: e.Introduced, FieldChanged: e.Item.Changed, FieldSupportEnds: e.SupportEnds}[f])
		}
		if row.Value == "" {
			row.Value = p.T("asset.web.unknown")
		}
		into := &v.Facts
		if slices.Contains([]Field{FieldModel, FieldVersion, FieldCPE, FieldPURL, FieldZone, FieldAddresses, FieldDomains, FieldConnects, FieldSite}, f) {
			into = &v.Places
		}
		into.Rows = append(into.Rows, row)
	}
	for _, k := range slices.Sorted(maps.Keys(e.Further)) {
		v.Further.Rows = append(v.Further.Rows, page.Fact{Name: k, Value: e.Further[k]})
	}
	v.Facts.Tight, v.Places.Tight, v.Further.Tight = true, true, true
	if v.Mine {
		o, err := s.Overview(q.Context(), "")
		if err != nil {
			return err
		}
		sc := s.Rules.Scope(o.Register.facts(e.Used, e.Affects), &e.Item, s.today())
		v.Verdict = p.T("asset.scope." + string(sc.Verdict))
		steps := map[string]Step{}
		for _, st := range s.Rules.Steps() {
			steps[st.ID] = st
		}
		for _, w := range sc.Walk {
			v.Scope = append(v.Scope, scopeView{steps[w.Step].Ask.In(q.Lang), p.T("asset.answer." + string(w.Answer)), w.Reason.In(q.Lang), w.Source.In(q.Lang)})
		}
	}
	past, next, err := s.History(q.Context(), e.ID, q.Query("after"), 20)
	if err != nil {
		return err
	}
	for _, x := range past {
		var words []string
		for _, c := range x.Changes {
			name, from, to := sayChange(p, c)
			words = append(words, p.T("asset.statement.change_line", "field", name, "from", from, "to", to))
		}
		v.History = append(v.History, page.Step{Kind: "done", At: x.At, What: p.T("asset.web.changed_by", "who", strings.TrimSpace(x.Org+" "+x.Person)), Note: strings.Join(words, "\n")})
	}
	if next != "" {
		v.Next = "/assets/" + string(e.ID) + "?" + url.Values{"after": {next}}.Encode()
	} else {
		v.History = append(v.History, page.Step{Kind: "done", At: e.CreatedAt, What: p.T("asset.web.added_from_" + e.Source)})
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Handling = "assets", page.Desk, &page.Handling{TLP: "AMBER", Clearance: 1, Purpose: p.T("asset.web.purpose")}
	return q.Render("asset/item", shell, v)
}

func asTyped(p text.Printer, name, typed string) string {
	if name == typed {
		return ""
	}
	return p.T("asset.web.as_typed", "typed", typed)
}

// editView is the form of one piece of equipment.
type editView struct {
	Head              page.Head
	Action, Back      string
	Revision          int
	Basics, Net, More []page.Field
	Scope             []page.Field
	Added             bool
}

// othersOperate is the choice of the form for somebody who is not in the list.
const othersOperate = "other"

func showEdit(q *httpd.Request, s *Service, e *Entry, fail error) error {
	p := q.Printer
	v := editView{Action: "/assets/new", Back: "/assets", Head: page.Head{H1: p.T("asset.web.add"), Lead: p.T("asset.web.add_lead"), Crumbs: crumbs(p, nil, p.T("asset.web.add"))}}
	var it Item
	var used, affects Answer
	if e != nil {
		it, used, affects = e.Item, e.Used, e.Affects
		v.Action, v.Back, v.Revision = "/assets/"+string(e.ID)+"/edit", "/assets/"+string(e.ID), e.Revision
		v.Head = page.Head{H1: p.T("asset.web.change_h"), Lead: e.MakerName + " " + e.ProductName, Crumbs: crumbs(p, e, p.T("asset.web.change"))}
	}
	contractors, err := s.Contractors(q.Context())
	if err != nil {
		return err
	}
	field := func(f Field, kind string) page.Field {
		x := page.Field{Name: f.String(), Kind: kind, Label: p.T("asset.field." + f.String()), Value: it.Value(f), Width: "w24"}
		if key := "asset.hint." + f.String(); p.Has(key) {
			x.Hint = p.T(key)
		}
		return x
	}
	list := func(f Field, values []string) page.Field {
		x := field(f, "textarea")
		x.Rows, x.Value = 3, strings.Join(values, "\n")
		return x
	}
	kind := field(FieldKind, "select")
	kind.Width, kind.Options = "", []page.Option{{Value: "", Label: p.T("asset.web.kind_auto")}}
	for _, k := range Kinds() {
		kind.Options = append(kind.Options, page.Option{Value: string(k), Label: p.T("asset.kind." + string(k))})
	}
	maker, prod := field(FieldMaker, ""), field(FieldProduct, "")
	maker.Need, prod.Need = page.Required, page.Required
	quantity := field(FieldQuantity, "number")
	quantity.Width, quantity.Unit = "w4", p.T("asset.web.unit")
	v.Basics = []page.Field{field(FieldKey, ""), maker, prod, kind, field(FieldModel, ""), field(FieldVersion, ""), quantity, field(FieldService, "")}
	zone := field(FieldZone, "choice")
	for _, z := range append(Zones(), "") {
		zone.Options = append(zone.Options, page.Option{Value: string(z), Label: p.T("asset.zone." + zoneKey(z))})
	}
	v.Net = []page.Field{zone, list(FieldAddresses, it.Sealed.Addresses), list(FieldDomains, it.Sealed.Domains), list(FieldConnects, it.Sealed.Connects), field(FieldSite, "")}
	if e == nil || owns(q) {
		v.Net = append(v.Net, operatorField(p, field(FieldOperatedBy, "choice"), it.OperatedBy, contractors))
	}
	v.More = []page.Field{field(FieldIntroduced, "date"), field(FieldChanged, "date"), field(FieldSupportEnds, "date"), field(FieldCPE, ""), field(FieldPURL, "")}
	if e == nil || owns(q) {
		for _, a := range []struct {
			name  string
			value Answer
		}{{"used", used}, {"affects", affects}} {
			f := page.Field{Name: a.name, Kind: "choice", Value: string(a.value), Options: []page.Option{{Value: "", Label: p.T("asset.web.as_register")}}}
			for _, st := range s.Rules.Steps() {
				if st.ID == a.name {
					f.Label, f.Hint = st.Ask.In(q.Lang), st.Hint.In(q.Lang)
				}
			}
			for _, x := range []Answer{Yes, No, Unknown} {
				f.Options = append(f.Options, page.Option{Value: string(x), Label: p.T("asset.answer." + string(x))})
			}
			v.Scope = append(v.Scope, f)
		}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Handling = "assets", &page.Handling{TLP: "AMBER", Clearance: 1, Purpose: p.T("asset.web.purpose")}
	if fail != nil {
		shell = shell.Fail(fail, q.Forms())
	}
	return q.Render("asset/edit", shell, v)
}

func operatorField(p text.Printer, f page.Field, by string, contractors map[string]string) page.Field {
	other := page.Field{Name: "operated_other", Label: p.T("asset.web.operated_other"), Hint: p.T("asset.web.operated_other_hint"), Width: "w24"}
	f.Options = []page.Option{{Value: Own, Label: p.T("asset.operated.own")}}
	for _, n := range slices.Sorted(maps.Keys(contractors)) {
		f.Options = append(f.Options, page.Option{Value: n, Label: contractors[n], Hint: p.T("asset.web.contractor_sees")})
	}
	if f.Value = by; by != "" && by != Own && contractors[by] == "" {
		f.Value, other.Value = othersOperate, by
	}
	f.Options = append(f.Options, page.Option{Value: othersOperate, Label: p.T("asset.web.operated_else"), Reveal: []page.Field{other}}, page.Option{Value: "", Label: p.T("asset.web.unknown")})
	return f
}

// readItem reads the form back. What it has no field for stays as it is.
func readItem(q *httpd.Request, e *Entry) (*Draft, Answer, Answer, error) {
	d := &Draft{}
	if e != nil {
		d.Further = e.Further
	}
	var bad []fault.Place
	for _, f := range Fields() {
		switch f {
		case FieldIntroduced, FieldChanged, FieldSupportEnds:
			t, place := page.ReadDate(q.Forms(), f.String())
			if place != nil {
				bad = append(bad, *place)
			} else if !t.IsZero() {
				d.Values[f] = t.Format(time.DateOnly)
			}
		case FieldOperatedBy:
			if d.Values[f] = q.Form(f.String()); d.Values[f] == othersOperate {
				d.Values[f] = q.Form("operated_other")
			}
		default:
			d.Values[f] = q.Form(f.String())
		}
	}
	if len(bad) > 0 {
		return d, "", "", fault.New(fault.Invalid, "asset.invalid", "n", len(bad)).At(bad...)
	}
	return d, Answer(q.Form("used")), Answer(q.Form("affects")), nil
}
