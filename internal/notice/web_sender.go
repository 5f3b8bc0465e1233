package notice

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/org"
)

func (w *web) sender() {
	w.page("GET /notices", (*screen).notices)
	w.page("GET /notices/new", func(v *screen) error { return v.begin(nil) })
	w.page("POST /notices", (*screen).begun)
	w.page("GET /notices/{id}", (*screen).notice)
	w.page("GET /notices/{id}/edit", func(v *screen) error { return v.edit(nil) })
	w.page("POST /notices/{id}/edit", (*screen).edited, httpd.MaxBody(2<<20))
	w.page("GET /notices/{id}/recipients", func(v *screen) error { return v.recipients(nil) })
	w.page("POST /notices/{id}/recipients", (*screen).enlisted)
	w.page("POST /notices/{id}/remove", (*screen).removed)
	w.page("GET /notices/{id}/preview/{recipient}", (*screen).preview)
	w.page("GET /notices/{id}/check", func(v *screen) error { return v.check(nil) })
	w.page("POST /notices/{id}/send", (*screen).send)
	w.page("POST /notices/{id}/discard", (*screen).discard)
	w.page("GET /notices/{id}/board.csv", (*screen).boardFile)
	w.page("GET /notices/{id}/withdraw", func(v *screen) error { return v.withdraw(nil) })
	w.page("POST /notices/{id}/withdraw", (*screen).withdrawn)
	w.page("POST /notices/{id}/correct", (*screen).correct)
	w.page("GET /notices/{id}/files/{recipient}/{file}", (*screen).senderFile)
}

type noticeLine struct {
	Overview
	Title string
	Tag   string
	Due   page.Due
}

type noticesView struct {
	Head  page.Head
	List  *page.List
	Rows  []noticeLine
	Empty page.Empty
}

// stageTag is how a stage looks, as a state of a procedure.
func stageTag(s Stage) string {
	switch s {
	case Sent:
		return "submitted"
	case Withdrawn, Corrected:
		return "withdrawn"
	}
	return "draft"
}

func (v *screen) noticesCrumb() page.Crumb {
	return page.Crumb{Text: v.T("notice.web.notices"), Href: "/notices"}
}

// notices is the sender's list.
func (v *screen) notices() error {
	q := v.Queries()
	q.Del("lang")
	list, next, err := v.s.List(v.Context(), Filter{Stage: Stage(q.Get("stage")), Severity: Severity(q.Get("severity")), Cursor: q.Get("after"), Limit: perPage})
	if err != nil {
		return err
	}
	start := page.Act{Text: v.T("notice.web.new"), Href: "/notices/new", Kind: "primary", Icon: "bell"}
	d := noticesView{Head: page.Head{H1: v.T("notice.web.notices"), Lead: v.T("notice.web.notices.lead"), Acts: []page.Act{start}},
		Empty: page.Empty{Title: v.T("notice.web.notices.none"), Say: v.T("notice.web.notices.none.say"), Act: &start}}
	d.List = &page.List{Path: "/notices", Query: q, Next: next, Size: perPage, From: 1, Shown: len(list), Total: -1, Columns: []page.Column{{Title: v.T("notice.web.col.severity")}, {Title: v.T("notice.web.col.title")},
		{Title: v.T("notice.web.col.stage")}, {Title: v.T("notice.web.col.recipients"), Num: true}, {Title: v.T("notice.web.col.answer_by")}, {Title: v.T("notice.web.col.updated")}}}
	for _, s := range Stages {
		d.List.Filters = append(d.List.Filters, page.Filter{Name: "stage", Value: string(s), Label: v.T("notice.web.stage." + string(s)), Count: -1})
	}
	for _, n := range list {
		d.Rows = append(d.Rows, noticeLine{n, v.say(n.Content.Title), stageTag(n.Stage), v.askedBy(n.Notice)})
	}
	shell := v.shell(d.Head.H1, "notices")
	shell.Density = page.Desk
	return v.Render("notice/notices", shell, d)
}

// askedBy is the deadline that a notice sets. After it the board says who
// answered; here it is no alarm.
func (v *screen) askedBy(n Notice) page.Due {
	d := due(n.Content.AnswerBy, time.Time{}, n.Stage != Sent && n.Stage != Draft)
	if n.Stage == Sent && n.Content.AnswerBy.Before(v.Now()) {
		d.Off, d.Word = true, v.T("notice.web.due.past")
	}
	return d
}

type formView struct {
	Head   page.Head
	Fields []page.Field
	Back   string
	Act    string
	Note   string
}

// begin asks what the notice is about.
func (v *screen) begin(bad error) error {
	if !Access.May(v.Context(), "notice.draft") { // the service refuses it, on the record
		_, err := v.s.Candidates(v.Context(), "")
		return err
	}
	d := formView{Head: page.Head{Crumbs: []page.Crumb{v.noticesCrumb(), {Text: v.T("notice.web.new")}}, H1: v.T("notice.web.new"), Lead: v.T("notice.web.new.lead")}, Back: "/notices", Act: v.T("notice.web.new.go")}
	d.Fields = []page.Field{
		{Name: "vulnerability", Label: v.T("notice.web.vulnerability"), Hint: v.T("notice.web.vulnerability.hint"), Example: "CVE-2024-21887", Need: page.Optional, Value: v.Query("vulnerability"), Width: "w24"},
		{Name: "title", Label: v.T("notice.web.title"), Hint: v.T("notice.web.title.hint"), Kind: "textarea", Rows: 1, Need: page.Optional, Limit: maxTitle},
	}
	shell := v.shell(d.Head.H1, "notices")
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/form", shell, d)
}

func (v *screen) begun() error {
	in := NewNotice{Vulnerability: v.Form("vulnerability")}
	in.Content.Title.JA = v.Form("title")
	if in.Vulnerability == "" && in.Content.Title.JA == "" {
		return v.begin(fault.New(fault.Invalid, "notice.invalid", "n", 1).At(fault.Place{At: "vulnerability", Code: "notice.field.empty"}))
	}
	n, err := v.s.Draft(v.Context(), in)
	if err != nil && comesBack(err) {
		return v.begin(placed(renamed(err, map[string]string{"/about": "vulnerability", "/title": "title"}), "vulnerability"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/notices/" + n.ID + "/edit")
}

// placed puts a fault without a place at a field.
func placed(err error, field string) error {
	f := fault.Of(err)
	if len(f.Places) > 0 {
		return err
	}
	return f.At(fault.Place{At: field, Code: f.Code, Args: f.Args})
}

// renamed moves places that begin with a pointer to the field that holds it.
func renamed(err error, fields map[string]string) error {
	f := *fault.Of(err)
	f.Places = slices.Clone(f.Places)
	for i, p := range f.Places {
		for from, to := range fields {
			if strings.HasPrefix(p.At, from) {
				f.Places[i].At = to
			}
		}
	}
	return &f
}

// notice is the editor of a draft, or the board of what was sent.
func (v *screen) notice() error {
	n, err := v.s.Get(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	if n.Stage == Draft {
		return v.Redirect("/notices/" + n.ID + "/edit")
	}
	return v.board()
}

type editView struct {
	Head       page.Head
	ID         ID
	Revision   string
	Seen       string // digest of the content that the form began with
	Nav        []tab
	Facts      editPart
	Management editPart
	Technical  editPart
	Small      editPart
	Corrects   bool
}

// editPart is a part of the editor: Pairs stand side by side, one wording in
// both languages.
type editPart struct {
	Pairs [][]page.Field
	Rows  [][]page.Field // short fields in one line
	One   []page.Field
}

// draftNav leads through the steps of a draft.
func (v *screen) draftNav(id ID, on string) (out []tab) {
	for _, x := range []string{"edit", "recipients", "check"} {
		out = append(out, tab{v.T("notice.web.nav." + x), "/notices/" + id + "/" + x, x == on})
	}
	return out
}

func (v *screen) edit(bad error) error {
	n, err := v.s.Get(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	if n.Stage != Draft {
		return v.Redirect("/notices/" + n.ID)
	}
	c := &n.Content
	d := editView{ID: n.ID, Revision: strconv.FormatInt(n.Revision, 10), Seen: digestOf(c), Nav: v.draftNav(n.ID, "edit"), Corrects: n.Corrects != ""}
	d.Head = page.Head{Crumbs: []page.Crumb{v.noticesCrumb(), {Text: n.Number}}, H1: v.T("notice.web.edit"), Lead: v.T("notice.web.edit.lead"),
		Acts: []page.Act{{Text: v.T("notice.web.discard"), Href: "/notices/" + n.ID + "/discard", Post: true, Kind: "quiet"}}}
	v.editFields(&d, c)
	shell := v.shell(d.Head.H1, "notices")
	shell.Density, shell.Handling = page.Desk, v.handling(v.s.Rules.Highest(c.TLP, v.highest(c)), c.Clearance)
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
		d.Revision, d.Seen = v.Form("revision"), v.Form("seen")
	}
	return v.Render("notice/edit", shell, d)
}

// both are the two fields of one wording; their names are JSON pointers, as
// faults name them.
func (v *screen) both(name, label, ja, en string, rows int) []page.Field {
	f := func(lang, value string) page.Field {
		// A text field is too narrow for a sentence; a line of a textarea is not.
		return page.Field{Name: name + "/" + lang, Kind: "textarea", Rows: max(rows, 1), Label: v.T("notice.web.in."+lang, "what", label), Value: value, Lang: lang}
	}
	return []page.Field{f("ja", ja), f("en", en)}
}

func (v *screen) mark(name string, value TLP, otherwise TLP) page.Field {
	if value == "" {
		value = otherwise
	}
	f := page.Field{Name: name, Kind: "select", Label: "TLP", Value: string(value)}
	for _, t := range v.s.Rules.TLP {
		f.Options = append(f.Options, page.Option{Value: string(t.ID), Label: "TLP:" + string(t.ID) + "　" + v.T("notice.web.tlp."+strings.ToLower(strings.ReplaceAll(string(t.ID), "+", "_")))})
	}
	return f
}

func (v *screen) editFields(d *editView, c *Content) {
	when := func(name, label string, t time.Time) page.Field {
		f := page.Field{Name: name, Kind: "datetime", Label: label}
		if !t.IsZero() {
			f.Value = v.Stamp(t)
		}
		return f
	}
	sev := page.Field{Name: "/severity", Kind: "select", Label: v.T("notice.web.col.severity"), Value: string(c.Severity)}
	for _, s := range Severities {
		sev.Options = append(sev.Options, page.Option{Value: string(s), Label: v.T("page.severity." + string(s))})
	}
	clear := page.Field{Name: "/clearance", Kind: "select", Label: v.T("notice.web.clearance"), Value: strconv.Itoa(c.Clearance)}
	for i := range 4 {
		clear.Options = append(clear.Options, page.Option{Value: strconv.Itoa(i), Label: v.T("page.clearance." + strconv.Itoa(i))})
	}
	pair := func(part *editPart, name, label, ja, en string, rows int) {
		part.Pairs = append(part.Pairs, v.both(name, label, ja, en, rows))
	}
	pair(&d.Facts, "/title", v.T("notice.web.title"), c.Title.JA, c.Title.EN, 1)
	// Each row of the editor is a pair; short fields share one.
	d.Facts.Rows = [][]page.Field{{sev, v.mark("/tlp", c.TLP, Amber), clear}}
	d.Facts.Pairs = append(d.Facts.Pairs,
		[]page.Field{when("/answer_by", v.T("notice.web.col.answer_by"), c.AnswerBy), when("/fix_by", v.T("notice.web.fix_by"), c.FixBy)},
		[]page.Field{when("/known_at", v.T("notice.web.known_at"), c.KnownAt), when("/attack_seen_at", v.T("notice.web.attack_at"), c.AttackSeenAt)})
	d.Facts.One = []page.Field{
		{Name: "/about", Label: v.T("notice.web.about"), Hint: v.T("notice.web.about.hint"), Value: strings.Join(c.About, " "), Width: "w24"}}
	m := c.Management
	if m == nil {
		m = &Brief{}
	}
	d.Management.One = []page.Field{v.mark("/management/tlp", m.TLP, Green)}
	pair(&d.Management, "/management/what", v.T("notice.web.what"), m.What.JA, m.What.EN, 3)
	pair(&d.Management, "/management/so_what", v.T("notice.web.so_what"), m.SoWhat.JA, m.SoWhat.EN, 3)
	pair(&d.Management, "/management/decide", v.T("notice.web.decide.label"), m.Decide.JA, m.Decide.EN, 3)
	t := c.Technical
	if t == nil {
		t = &Package{}
	}
	var marks, ja, en []string
	for _, i := range t.Indicators {
		marks = append(marks, strings.TrimSpace(i.Value+"  "+i.Note))
	}
	for _, x := range t.Checks {
		ja, en = append(ja, x.JA), append(en, x.EN)
	}
	d.Technical.One = []page.Field{v.mark("/technical/tlp", t.TLP, Amber),
		{Name: "/technical/indicators", Kind: "textarea", Rows: 4, Label: v.T("notice.web.indicators"), Hint: v.T("notice.web.indicators.hint"), Value: strings.Join(marks, "\n")}}
	pair(&d.Technical, "/technical/details", v.T("notice.web.details"), t.Details.JA, t.Details.EN, 5)
	pair(&d.Technical, "/technical/checks", v.T("notice.web.checks"), strings.Join(ja, "\n"), strings.Join(en, "\n"), 3)
	s := c.Small
	if s == nil {
		s = &Steps{}
	}
	d.Small.One = []page.Field{v.mark("/small/tlp", s.TLP, Clear), {Name: "/small/helper/phone", Kind: "tel", Label: v.T("notice.web.small.phone"), Value: s.Helper.Phone}}
	pair(&d.Small, "/small/title", v.T("notice.web.small.title"), s.Title.JA, s.Title.EN, 1)
	for i := range min(len(s.Steps)+1, maxSteps) { // what is written, and one more
		var x Step
		if i < len(s.Steps) {
			x = s.Steps[i]
		}
		at := "/small/steps/" + strconv.Itoa(i)
		pair(&d.Small, at+"/do", v.T("notice.web.small.do", "n", i+1), x.Do.JA, x.Do.EN, 1)
		pair(&d.Small, at+"/how", v.T("notice.web.small.how", "n", i+1), x.How.JA, x.How.EN, 1)
	}
	pair(&d.Small, "/small/note", v.T("notice.web.small.note"), s.Note.JA, s.Note.EN, 1)
	pair(&d.Small, "/small/helper/name", v.T("notice.web.small.helper"), s.Helper.Name.JA, s.Helper.Name.EN, 1)
	pair(&d.Small, "/small/helper/hours", v.T("notice.web.small.hours"), s.Helper.Hours.JA, s.Helper.Hours.EN, 1)
}

func (v *screen) edited() error {
	n, err := v.s.Get(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	c, places := readContent(v.Forms(), n.Content)
	if len(places) > 0 {
		return v.edit(fault.New(fault.Invalid, "notice.invalid", "n", len(places)).At(places...))
	}
	revision, _ := strconv.ParseInt(v.Form("revision"), 10, 64)
	if v.Form("seen") == digestOf(&n.Content) { // others were added meanwhile, and nobody wrote: nothing is lost
		revision = n.Revision
	}
	if _, err := v.s.Edit(v.Context(), n.ID, revision, c); err != nil {
		if comesBack(err) && !errors.Is(err, ErrSent) {
			return v.edit(renamed(err, map[string]string{"/technical/indicators": "/technical/indicators", "/technical/checks": "/technical/checks/ja", "/about": "/about"}))
		}
		return err
	}
	if next := v.Form("next"); next == "recipients" || next == "check" {
		return v.Redirect("/notices/" + n.ID + "/" + next)
	}
	return v.Redirect("/notices/" + n.ID + "/edit")
}

type recipientRow struct {
	Row
	Why  []string
	Kind []string
}

type recipientsView struct {
	Head     page.Head
	ID       ID
	Nav      []tab
	Rows     []recipientRow
	More     string
	Choose   page.Field
	Versions page.Field
	Why      page.Field
	Sector   []tab
}

func (v *screen) recipients(bad error) error {
	id := v.Path("id")
	b, err := v.s.Board(v.Context(), id, "", v.Query("after"), 100)
	if err != nil {
		return err
	}
	if b.Notice.Stage != Draft {
		return v.Redirect("/notices/" + id)
	}
	d := recipientsView{ID: id, Nav: v.draftNav(id, "recipients")}
	d.Head = page.Head{Crumbs: []page.Crumb{v.noticesCrumb(), {Text: b.Notice.Number, Href: "/notices/" + id + "/edit"}, {Text: v.T("notice.web.nav.recipients")}},
		H1: v.T("notice.web.recipients", "n", b.Total), Lead: v.T("notice.web.recipients.lead")}
	taken := map[string]bool{}
	for _, r := range b.Rows {
		taken[r.Org] = true
		d.Rows = append(d.Rows, v.recipientRow(r))
	}
	if b.Next != "" {
		d.More = "/notices/" + id + "/recipients?after=" + url.QueryEscape(b.Next)
	}
	list, err := v.s.Candidates(v.Context(), v.Query("sector"))
	if err != nil {
		return err
	}
	d.Choose = page.Field{Name: "org", Kind: "choices", Label: v.T("notice.web.choose"), Hint: v.T("notice.web.choose.hint"), Values: v.Forms()["org"]}
	for _, c := range list {
		if !taken[c.Org] {
			d.Choose.Options = append(d.Choose.Options, page.Option{Value: c.Org, Label: c.Name})
		}
	}
	if sectors, err := org.LoadSectors(nil); err == nil {
		for _, x := range sectors.List {
			if len(v.Who.Sectors) == 0 || slices.Contains(v.Who.Sectors, x.ID) {
				d.Sector = append(d.Sector, tab{x.Name.In(v.lang()), "/notices/" + id + "/recipients?sector=" + url.QueryEscape(x.ID), v.Query("sector") == x.ID})
			}
		}
	}
	d.Versions = page.Field{Name: "version", Kind: "choices", Label: v.T("notice.web.versions"), Values: []string{string(Management), string(Technical)}}
	for _, k := range Kinds {
		d.Versions.Options = append(d.Versions.Options, page.Option{Value: string(k), Label: v.kind(k)})
	}
	d.Why = page.Field{Name: "why", Kind: "textarea", Rows: 1, Label: v.T("notice.web.why.write"), Hint: v.T("notice.web.why.hint"), Limit: maxWhyText}
	shell := v.shell(d.Head.H1, "notices")
	shell.Density = page.Desk
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/recipients", shell, d)
}

func (v *screen) recipientRow(r Row) recipientRow {
	x := recipientRow{Row: r}
	for _, w := range r.Recipient.Why {
		x.Why = append(x.Why, v.say(w))
	}
	for _, k := range r.Kinds {
		x.Kind = append(x.Kind, v.kind(k))
	}
	return x
}
