package vendor

import (
	"bytes"
	"io"
	"slices"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

func pagesRequest(r *httpd.Router, s *Service) {
	r.Page("GET /vendor/requests/{id}", func(q *httpd.Request) error { return showRequest(q, s, nil) })
	act := func(path string, do func(q *httpd.Request, id ID) error) {
		r.Page("POST /vendor/requests/{id}/"+path, func(q *httpd.Request) error {
			err := do(q, q.Path("id"))
			if formFault(err) {
				return showRequest(q, s, renamed(err, "note", noteOf(path)))
			}
			if err != nil {
				return err
			}
			return q.Redirect("/vendor/requests/" + q.Path("id"))
		})
	}
	act("triage", func(q *httpd.Request, id ID) error { return s.Triage(q.Context(), id) })
	act("send", func(q *httpd.Request, id ID) error {
		due, bad := page.ReadTime(q.Forms(), "due_at")
		if bad != nil {
			return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad)
		}
		return s.Send(q.Context(), id, due, q.Form(noteOf("send")))
	})
	act("told", func(q *httpd.Request, id ID) error { return s.Told(q.Context(), id, q.Form(noteOf("told"))) })
	act("tell", func(q *httpd.Request, id ID) error {
		_, err := s.Tell(q.Context(), id)
		return err
	})
	act("close", func(q *httpd.Request, id ID) error { return s.Close(q.Context(), id, q.Form(noteOf("close"))) })
	act("accept", func(q *httpd.Request, id ID) error { return s.Accept(q.Context(), id) })
	act("decline", func(q *httpd.Request, id ID) error { return s.Decline(q.Context(), id, q.Form(noteOf("decline"))) })
	act("messages", func(q *httpd.Request, id ID) error {
		_, err := s.Say(q.Context(), id, "", thread.Kind(q.Form("kind")), q.Form("text"))
		return err
	})
	act("bulk", func(q *httpd.Request, id ID) error { return answerMany(q, s, id) })
	r.Page("POST /vendor/requests/{id}/documents", func(q *httpd.Request) error {
		if err := s.admit(q.Context(), "vendor.upload"); err != nil {
			return err
		}
		f := q.File("file")
		if f == nil {
			return showRequest(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "file", Code: "vendor.bad.empty"}))
		}
		raw, err := io.ReadAll(io.LimitReader(f.Reader(), MaxDocument+1))
		if err == nil {
			_, err = s.Upload(q.Context(), q.Path("id"), raw)
		}
		if formFault(err) {
			return showRequest(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/vendor/requests/" + q.Path("id") + "#documents")
	}, httpd.MaxBody(MaxDocument+1<<20))
	r.Page("GET /vendor/requests/{id}/documents/{document}", func(q *httpd.Request) error {
		d, raw, err := s.Download(q.Context(), q.Path("id"), q.Path("document"))
		if err != nil {
			return err
		}
		return q.Download(d.Name, "application/octet-stream", bytes.NewReader(raw))
	})
	r.Page("GET /vendor/requests/{id}/csaf", func(q *httpd.Request) error {
		d, raw, err := s.CSAF(q.Context(), q.Path("id"), q.Query("tlp"))
		if formFault(err) {
			return showRequest(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Download(d.Name, "application/json", bytes.NewReader(raw))
	})
	r.Page("GET /vendor/folder", func(q *httpd.Request) error { return folder(q, s) })
	r.Page("GET /vendor/requests/{id}/products/{product}", func(q *httpd.Request) error { return showProduct(q, s, nil) })
	r.Page("POST /vendor/requests/{id}/products/{product}", func(q *httpd.Request) error { return answerOne(q, s) })
	r.Page("POST /vendor/requests/{id}/products/{product}/messages", func(q *httpd.Request) error {
		_, err := s.Say(q.Context(), q.Path("id"), q.Path("product"), thread.Kind(q.Form("kind")), q.Form("text"))
		if formFault(err) {
			return showProduct(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/vendor/requests/" + q.Path("id") + "/products/" + q.Path("product"))
	})
}

// noteOf is the field of a step's reason: several steps stand on one page.
func noteOf(step string) string { return step + "_note" }

// renamed says a fault at the field that it stands at on this page.
func renamed(err error, from, to string) error {
	out := *fault.Of(err)
	out.Places = slices.Clone(out.Places)
	for i := range out.Places {
		if out.Places[i].At == from {
			out.Places[i].At = to
		}
	}
	return &out
}

type productLine struct {
	ID, Name, Versions, Status, Tag, Fix, FixOn, Fixed, Support string
	Open                                                        int
}

type messageLine struct {
	Who      string
	At       time.Time
	Text     string
	Question bool
	Waiting  bool
}

type stepForm struct {
	To, Word, Kind, Title string
	Fields                []page.Field
}

type requestView struct {
	Head      page.Head
	ID        ID
	Mine      bool
	Inside    bool
	State     string
	Tag       string
	Due       page.Due
	Embargo   page.Due
	Silent    string
	Counts    []countView
	Facts     page.Facts
	Products  []productLine
	List      *page.List
	Bulk      page.Bulk
	Reasons   []page.Field
	Messages  []messageLine
	Say       []page.Field
	Steps     []page.Step
	Forms     []stepForm
	Documents []Document
	Upload    *page.Field
	Added     string
}

func (p say) messages(list []thread.Message, names map[string]string) (out []messageLine) {
	for _, m := range list {
		out = append(out, messageLine{names[m.From], m.At, m.Text, m.Kind == thread.Question, m.Kind == thread.Question && m.AnsweredAt.IsZero()})
	}
	return out
}

func (p say) sayFields() []page.Field {
	return []page.Field{{Name: "text", Kind: "textarea", Label: p.T("vendor.web.message"), Need: page.Required, Rows: 3, Limit: thread.MaxText},
		{Name: "kind", Kind: "select", Label: p.T("vendor.web.kind"), Value: "note", Options: p.options("vendor.kind.", "question", "answer", "note")}}
}

// forms are the steps open to who looks.
func (p say) forms(v RequestView, now time.Time) (out []stepForm) {
	note := func(step string, need page.Need) page.Field {
		return page.Field{Name: noteOf(step), Kind: "textarea", Label: p.T("vendor.web.reason"), Need: need, Rows: 2}
	}
	due := page.Field{Name: "due_at", Kind: "datetime", Label: p.T("vendor.web.due"), Need: page.Optional, Hint: p.T("vendor.web.due_hint", "days", answerDays)}
	can := func(to State, by Side) bool {
		return slices.ContainsFunc(Steps, func(s Step) bool { return s.From == v.Request.State && s.To == to && s.By == by })
	}
	if v.Mine {
		if can(Accepted, Maker) {
			out = append(out, stepForm{To: "accept", Word: p.T("vendor.web.accept"), Kind: "primary", Title: p.T("vendor.web.accept_h")})
		}
		if can(Declined, Maker) {
			out = append(out, stepForm{To: "decline", Word: p.T("vendor.web.decline"), Kind: "quiet", Title: p.T("vendor.web.decline_h"), Fields: []page.Field{note("decline", page.Required)}})
		}
		return out
	}
	if v.Request.State == Reported && v.Case.Starter == v.Request.Org {
		out = append(out, stepForm{To: "triage", Word: p.T("vendor.web.triage"), Kind: "primary", Title: p.T("vendor.web.triage_h")})
	} else if can(RequestSent, Coordinator) || v.Request.State == Reported || v.Request.State == Closed {
		out = append(out, stepForm{To: "send", Word: p.T("vendor.web.send"), Kind: "primary", Title: p.T("vendor.web.send_h"), Fields: []page.Field{due, note("send", page.Optional)}})
	}
	if v.Request.State == FixReleased && !v.Case.Embargo.Runs(now) {
		out = append(out, stepForm{To: "tell", Word: p.T("vendor.web.tell"), Kind: "primary", Title: p.T("vendor.web.tell_h")},
			stepForm{To: "told", Word: p.T("vendor.web.told"), Kind: "quiet", Title: p.T("vendor.web.told_h"), Fields: []page.Field{note("told", page.Required)}})
	}
	if can(Closed, Coordinator) {
		out = append(out, stepForm{To: "close", Word: p.T("vendor.web.close"), Kind: "quiet", Title: p.T("vendor.web.close_h"), Fields: []page.Field{note("close", page.Required)}})
	}
	return out
}

func showRequest(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Open(q.Context(), q.Path("id"), "")
	if err != nil {
		return err
	}
	r, c := x.Request, x.Case
	v := requestView{ID: r.ID, Mine: x.Mine, Inside: reach(q) != gate.Sector, State: p.state(r.State), Tag: stateTag[r.State], Due: p.due(r), Embargo: p.embargo(c.Embargo, q.Now()), Counts: p.counts(x.Counts)}
	v.Head = page.Head{H1: c.Number + "　" + x.Names[r.Org], Lead: c.Title, Crumbs: []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: c.Number, Href: "/vendor/cases/" + c.ID}, {Text: x.Names[r.Org]}}}
	if v.Mine {
		v.Head.H1 = c.Number + "　" + c.Title
		v.Head.Lead = p.T("vendor.web.asked_by", "org", x.Names[c.Org])
	}
	if d := r.Silent(q.Now()); d > 0 {
		v.Silent = p.T("vendor.web.silent", "time", p.Duration(d))
	}
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("vendor.web.vulnerability"), c.Vulnerability)
	add(p.T("vendor.web.basis"), p.T("vendor.basis."+string(c.Basis)))
	add(p.T("vendor.web.coordinator"), x.Names[c.Org])
	add(p.T("vendor.web.facts"), c.Facts)
	for _, y := range x.Products {
		l := productLine{ID: y.ID, Name: y.Name, Versions: y.Versions, Status: p.status(y.Status), Tag: statusTag[y.Status], FixOn: p.day(y.FixOn), Fixed: y.Fixed, Support: p.day(y.SupportEnds), Open: y.Open}
		if y.Status == Affected {
			l.Fix = p.T("vendor.fix." + string(y.Fix))
		}
		v.Products = append(v.Products, l)
	}
	v.List = &page.List{Columns: []page.Column{{Title: p.T("vendor.web.product")}, {Title: p.T("vendor.web.status")}, {Title: p.T("vendor.web.versions")}, {Title: p.T("vendor.web.fix")}, {Title: p.T("vendor.web.support")}}}
	if v.Mine && r.State != Closed {
		v.List.Columns = append([]page.Column{{Title: p.T("vendor.web.choose"), Tick: true}}, v.List.Columns...)
		v.Bulk = page.Bulk{Form: "rows", Acts: []page.BulkAct{{Text: p.T("vendor.web.mark_unknown"), Name: "status", Value: string(Unknown)}, {Text: p.T("vendor.web.mark_clear"), Name: "status", Value: string(NotAffected)}}}
		v.Reasons = []page.Field{p.whyField("component_not_present")}
		v.Added = "/vendor/requests/" + r.ID + "/products/new"
		v.Upload = &page.Field{Name: "file", Kind: "file", Label: p.T("vendor.web.csaf_file"), Accept: ".json,application/json", Need: page.Required}
	}
	if v.Inside {
		v.Messages, v.Say, v.Documents = p.messages(x.Messages, x.Names), p.sayFields(), x.Documents
		for _, h := range slices.Backward(x.Past) {
			v.Steps = append(v.Steps, page.Step{Kind: "done", At: h.At, What: p.state(h.To), Note: h.Note})
		}
		if len(v.Steps) > 0 {
			v.Steps[len(v.Steps)-1].Kind = "here"
		}
		v.Forms = p.forms(x, q.Now())
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live, shell.Handling = "vendor", page.Desk, "/live/vendor", &page.Handling{TLP: c.TLP, Clearance: c.Clearance}
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("vendor/request", shell, v)
}

func (p say) whyField(value string) page.Field {
	var ids []string
	for _, j := range Justifications {
		ids = append(ids, string(j))
	}
	return page.Field{Name: "why", Kind: "select", Label: p.T("vendor.web.why"), Options: p.options("vendor.why.", ids...), Value: value}
}

// answerMany says the same of several products.
func answerMany(q *httpd.Request, s *Service, id ID) error {
	if err := s.admit(q.Context(), "vendor.answer"); err != nil {
		return err
	}
	x, err := s.Open(q.Context(), id, "")
	if err != nil {
		return err
	}
	chosen := q.Forms()["id"]
	var list []ProductAnswer
	for _, y := range x.Products {
		if slices.Contains(chosen, y.ID) {
			a := ProductAnswer{ID: y.ID, Versions: y.Versions, Status: Status(q.Form("status")), SupportEnds: y.SupportEnds}
			if a.Status == NotAffected {
				a.Why = q.Form("why")
			}
			list = append(list, a)
		}
	}
	return s.Answer(q.Context(), id, list)
}

type productView struct {
	Head     page.Head
	ID       ID
	Product  ID
	Mine     bool
	New      bool
	Inside   bool
	Facts    page.Facts
	Fields   []page.Field
	Messages []messageLine
	Say      []page.Field
}

// showProduct is one product: what is said of it, the form to say it, and the
// conversation about it.
func showProduct(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	id := q.Path("product")
	v := productView{ID: q.Path("id"), Product: id, New: id == "new", Inside: reach(q) != gate.Sector}
	about := id
	if v.New || !v.Inside {
		about = ""
	}
	x, err := s.Open(q.Context(), v.ID, about)
	if err != nil {
		return err
	}
	y := Product{Status: Affected, Fix: NoFix}
	if !v.New {
		i := slices.IndexFunc(x.Products, func(z Product) bool { return z.ID == id })
		if i < 0 {
			return ErrNone
		}
		y = x.Products[i]
	}
	if v.Mine = x.Mine && x.Request.State != Closed; v.New && !v.Mine {
		return ErrNone
	}
	title := y.Name
	if v.New {
		title = p.T("vendor.web.add_product")
	}
	v.Head = page.Head{H1: title, Crumbs: []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: x.Case.Number, Href: "/vendor/requests/" + v.ID}, {Text: title}}}
	if v.Mine {
		v.Fields = p.answerFields(y, v.New)
	} else {
		add := func(name, value string) {
			if value != "" {
				v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
			}
		}
		add(p.T("vendor.web.status"), p.status(y.Status))
		if y.Why != "" {
			add(p.T("vendor.web.why"), p.T("vendor.why."+y.Why))
		}
		add("CPE", y.CPE)
		add("PURL", y.PURL)
		add(p.T("vendor.web.versions"), y.Versions)
		add(p.T("vendor.web.detail"), y.Detail)
		add(p.T("vendor.web.interim"), y.Interim)
		add(p.T("vendor.web.fix"), p.T("vendor.fix."+string(y.Fix)))
		add(p.T("vendor.web.fix_on"), p.day(y.FixOn))
		add(p.T("vendor.web.fixed"), y.Fixed)
		add(p.T("vendor.web.fix_url"), y.FixURL)
		add(p.T("vendor.web.support"), y.SupportEnds)
	}
	if v.Inside && !v.New {
		v.Messages, v.Say = p.messages(x.Messages, x.Names), p.sayFields()
	}
	shell := q.Shell(title)
	shell.Key, shell.Handling = "vendor", &page.Handling{TLP: x.Case.TLP, Clearance: x.Case.Clearance}
	if bad != nil {
		shell = shell.Fail(placed(bad), q.Forms())
	}
	return q.Render("vendor/product", shell, v)
}

// placed turns places of the first answer into the names of its fields.
func placed(err error) error {
	f := fault.Of(err)
	out := *f
	out.Places = slices.Clone(f.Places)
	for i := range out.Places {
		if rest, ok := cutAnswer(out.Places[i].At); ok {
			out.Places[i].At = rest
		}
	}
	return &out
}

func cutAnswer(at string) (string, bool) {
	const first = "answers/0/"
	if len(at) > len(first) && at[:len(first)] == first {
		return at[len(first):], true
	}
	return at, false
}

func (p say) answerFields(y Product, added bool) (out []page.Field) {
	if added {
		out = append(out, page.Field{Name: "name", Label: p.T("vendor.web.product"), Need: page.Required, Width: "wide"},
			page.Field{Name: "cpe", Label: "CPE", Need: page.Optional, Width: "wide"}, page.Field{Name: "purl", Label: "PURL", Need: page.Optional, Width: "wide"})
	}
	why := p.whyField(y.Why)
	fixed := page.Field{Name: "fixed", Label: p.T("vendor.web.fixed"), Need: page.Optional, Value: y.Fixed}
	on := page.Field{Name: "fix_on", Kind: "date", Label: p.T("vendor.web.fix_on"), Need: page.Optional, Value: y.FixOn}
	return append(out,
		page.Field{Name: "status", Kind: "choice", Label: p.T("vendor.web.status"), Need: page.Required, Value: string(y.Status), Options: p.options("vendor.status.", string(Affected), string(NotAffected), string(Unknown), string(NotChecked))},
		page.Field{Name: "versions", Label: p.T("vendor.web.versions"), Need: page.Optional, Value: y.Versions, Hint: p.T("vendor.web.versions_hint"), Example: "vers:generic/<9.1.5"},
		why,
		page.Field{Name: "detail", Kind: "textarea", Label: p.T("vendor.web.detail"), Need: page.Optional, Rows: 3, Value: y.Detail},
		page.Field{Name: "interim", Kind: "textarea", Label: p.T("vendor.web.interim"), Need: page.Optional, Rows: 3, Value: y.Interim},
		page.Field{Name: "fix", Kind: "choice", Label: p.T("vendor.web.fix"), Need: page.Required, Value: string(y.Fix), Options: p.options("vendor.fix.", string(NoFix), string(Planned), string(Released), string(WillNot))},
		on, fixed,
		page.Field{Name: "fix_url", Kind: "url", Label: p.T("vendor.web.fix_url"), Need: page.Optional, Value: y.FixURL, Width: "wide"},
		page.Field{Name: "support_ends", Kind: "date", Label: p.T("vendor.web.support"), Need: page.Optional, Value: y.SupportEnds})
}

func answerOne(q *httpd.Request, s *Service) error {
	form := q.Forms()
	a := ProductAnswer{ID: q.Path("product"), Name: q.Form("name"), CPE: q.Form("cpe"), PURL: q.Form("purl"), Versions: q.Form("versions"), Status: Status(q.Form("status")), Detail: q.Form("detail"),
		Interim: q.Form("interim"), Fix: Fix(q.Form("fix")), Fixed: q.Form("fixed"), FixURL: q.Form("fix_url")}
	if a.ID == "new" {
		a.ID = ""
	}
	if a.Status == NotAffected {
		a.Why = q.Form("why")
	}
	var places []fault.Place
	day := func(name string) string {
		t, bad := page.ReadDate(form, name)
		if bad != nil {
			places = append(places, *bad)
		}
		if bad != nil || t.IsZero() {
			return ""
		}
		return t.Format(dayLayout)
	}
	a.FixOn, a.SupportEnds = day("fix_on"), day("support_ends")
	if len(places) > 0 {
		return showProduct(q, s, fault.New(fault.Invalid, ErrInvalid.Code, "n", len(places)).At(places...))
	}
	err := s.Answer(q.Context(), q.Path("id"), []ProductAnswer{a})
	if formFault(err) {
		return showProduct(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/vendor/requests/" + q.Path("id"))
}

// folder asks where a maker's advisories will stand, and gives the folder.
func folder(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	site := q.Query("site")
	var b bytes.Buffer
	var err error
	if site != "" {
		if _, err = s.Folder(q.Context(), site, &b); err == nil {
			return q.Download("csaf.zip", "application/zip", &b)
		}
		if !formFault(err) {
			return err
		}
	} else if err := s.admit(q.Context(), "vendor.export"); err != nil {
		return err
	}
	v := formView{To: "/vendor/folder", Send: p.T("vendor.web.folder_get"), Back: "/vendor", Get: true, Head: page.Head{H1: p.T("vendor.web.folder"), Lead: p.T("vendor.web.folder_lead"),
		Crumbs: []page.Crumb{{Text: p.T("vendor.web.title"), Href: "/vendor"}, {Text: p.T("vendor.web.folder")}}},
		Fields: []page.Field{{Name: "site", Kind: "url", Label: p.T("vendor.web.folder_site"), Need: page.Required, Value: site, Width: "wide", Example: "https://maker.example/.well-known/csaf/"}}}
	shell := q.Shell(v.Head.H1)
	shell.Key = "vendor"
	if err != nil {
		shell = shell.Fail(err, q.Queries())
	}
	return q.Render("vendor/form", shell, v)
}
