package incident

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

func (w *web) desk() {
	w.page("GET /inbox", (*screen).inbox)
	w.page("POST /inbox/bulk", (*screen).stampMany)
	w.page("GET /inbox/{id}", func(v *screen) error { return v.cover(nil) })
	w.page("POST /inbox/{id}/acknowledge", (*screen).stamp)
	w.page("POST /inbox/{id}/purpose", (*screen).purpose)
	w.page("GET /inbox/{id}/report", func(v *screen) error { return v.read(nil) })
	w.page("GET /inbox/{id}/changes", (*screen).readChanges)
	w.page("POST /inbox/{id}/ask", (*screen).askReporter)
	w.page("POST /inbox/{id}/feedback", (*screen).feedback)
	w.page("GET /inbox/{id}/delay", func(v *screen) error { return v.delay(nil) })
	w.page("POST /inbox/{id}/delay", (*screen).delayed)
	w.page("GET /inbox/{id}/supervise", func(v *screen) error { return v.supervise(nil) })
	w.page("POST /inbox/{id}/supervise", (*screen).supervised)
	w.page("GET /inbox/{id}/supervise/{request}", (*screen).decision)
	w.page("POST /inbox/{id}/supervise/{request}", (*screen).decided)
	w.page("GET /inbox/{id}/forms/{profile}/{format}", (*screen).readForm)
	w.page("GET /inbox/{id}/files/{file}", (*screen).readFile)
}

// deskRows is how many cases a page of an inbox shows.
const deskRows = 50

type inboxRow struct {
	Case                      Case
	From, Sector, Kind, Stage string
	State                     string
}

type inboxView struct {
	Head  page.Head
	List  *page.List
	Rows  []inboxRow
	Bulk  page.Bulk
	Empty page.Empty
	Views []page.Act // the two ways to look: what waits, everything
}

func (v *screen) inboxHome() page.Crumb {
	return page.Crumb{Text: v.T("incident.web.inbox"), Href: "/inbox"}
}

// inbox is what was sent to the reader's organisation. What waits for a stamp
// or an answer stands first, until another filter is chosen.
func (v *screen) inbox() error {
	q := v.Queries()
	if q.Del("lang"); len(q) == 0 {
		q.Set("waiting", "1")
	}
	f := Filter{State: State(q.Get("state")), Kind: Kind(q.Get("kind")), Severity: Severity(q.Get("severity")), Sector: q.Get("sector"), Waiting: q.Get("waiting") == "1",
		Number: q.Get("number"), Cursor: q.Get("after"), Limit: deskRows}
	cases, names, next, err := v.s.Desk(v.Context(), f)
	if err != nil {
		return err
	}
	d := inboxView{Head: page.Head{H1: v.T("incident.web.inbox"), Lead: v.T("incident.web.inbox.lead")},
		Empty: page.Empty{Title: v.T("incident.web.inbox.none"), Say: v.T("incident.web.inbox.none.say"), Act: &page.Act{Text: v.T("incident.web.inbox.all"), Href: "/inbox?waiting=0"}}}
	d.List = &page.List{Path: "/inbox", Query: q, Next: next, Size: deskRows, From: 1, Shown: len(cases), Total: -1,
		Columns: []page.Column{{Title: v.T("incident.web.col.tick"), Tick: true}, {Title: v.T("incident.web.col.number")}, {Title: v.T("incident.web.col.from")}, {Title: v.T("incident.web.col.kind")},
			{Title: v.T("incident.web.col.stage")}, {Title: v.T("incident.web.col.severity")}, {Title: v.T("incident.web.col.state")}, {Title: v.T("incident.web.col.updated")}},
		Filters: append(v.caseFilters("incident.web.waiting.stamp"), v.sectorFilters()...)}
	for _, c := range cases {
		d.Rows = append(d.Rows, inboxRow{Case: c, From: names[c.Org], Sector: v.sector(c.Sector), Kind: v.kind(c.Kind), Stage: v.numbered(c.Stage, c.Version), State: v.deskState(c)})
	}
	d.Bulk = page.Bulk{Form: "rows", Acts: []page.BulkAct{{Text: v.T("incident.web.stamp.many"), Name: "go", Value: "acknowledge"}}}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density, shell.Live = "inbox", page.Desk, "/live/incident"
	if n := v.Int("stamped", 0); n > 0 {
		shell.Flash = append(shell.Flash, page.Flash{Kind: "good", Text: v.T("incident.web.stamp.done", "n", n)})
	}
	return v.Render("incident/inbox", shell, d)
}

// deskState says how a case stands for its recipient, in the list and on its
// pages alike.
func (v says) deskState(c Case) string {
	if c.Waiting {
		return v.T("incident.web.waiting.stamp")
	}
	return v.T("incident.web.state." + string(c.State))
}

func (v says) sector(id string) string {
	sectors, err := org.LoadSectors(nil)
	if err != nil {
		return id
	}
	for _, s := range sectors.List {
		if s.ID == id {
			return v.both(s.Name)
		}
	}
	return id
}

// sectorFilters offers the sectors of a ministry that has several.
func (v *screen) sectorFilters() (out []page.Filter) {
	if len(v.Who.Sectors) < 2 {
		return nil
	}
	for _, s := range v.Who.Sectors {
		out = append(out, page.Filter{Name: "sector", Value: s, Label: v.sector(s), Count: -1})
	}
	return out
}

func (v *screen) stampMany() error {
	n := 0
	for _, id := range v.Forms()["id"] {
		_, err := v.s.Acknowledge(v.Context(), id, "")
		if err != nil && fault.KindOf(err) != fault.Conflict {
			return err
		}
		if err == nil {
			n++
		}
	}
	return v.Redirect(fmt.Sprintf("/inbox?waiting=1&stamped=%d", n))
}

// ---- the cover: what is known without opening ----

type coverView struct {
	Head     page.Head
	Case     Case
	About    page.Facts
	Stamps   []page.Stamp
	Waiting  bool // for a stamp
	Number   page.Field
	Purposes page.Field
	Barred   []page.Evidence
	Requests []requestRow
	MayAsk   bool // for supervision
	MayDelay bool
	Delayed  time.Time
}

type requestRow struct {
	SupervisionCase
	Say    string
	Tag    string
	Mine   bool
	Decide bool // the reader may decide on it
	Href   string
}

// opened is the case with the purpose the reader chose last, from the cookie
// that holds the last few; it ends with the browser's session or after 30
// minutes.
const (
	purposeCookie = "noroshi-purpose"
	purposeAge    = 30 * time.Minute
	purposeKept   = 4
)

func (v *screen) chosen(id ID) string {
	for _, part := range strings.Split(v.Cookie(purposeCookie), "~") {
		if at, purpose, ok := strings.Cut(part, "."); ok && at == id {
			return purpose
		}
	}
	return ""
}

func (v *screen) choose(id ID, purpose string) {
	kept := []string{id + "." + purpose}
	for _, part := range strings.Split(v.Cookie(purposeCookie), "~") {
		if at, _, ok := strings.Cut(part, "."); ok && at != id && len(kept) < purposeKept {
			kept = append(kept, part)
		}
	}
	v.SetCookie(purposeCookie, strings.Join(kept, "~"), purposeAge)
}

func (v *screen) cover(bad error) error {
	c, err := v.s.Cover(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	d := coverView{Case: c.Case, MayAsk: Access.May(v.Context(), "incident.supervise"), MayDelay: Access.May(v.Context(), "incident.delay"), Delayed: c.DelayedUntil}
	d.Head = page.Head{Crumbs: []page.Crumb{v.inboxHome(), {Text: c.Case.Number}}, H1: v.T("incident.web.cover", "number", c.Case.Number), Lead: v.T("incident.web.cover.lead")}
	d.About = page.Facts{Tight: true, Rows: v.coverFacts(c)}
	if st := v.ownStamp(c); !st.At.IsZero() {
		d.Stamps = []page.Stamp{st}
	}
	d.Waiting = c.Case.PurgedAt.IsZero() && c.Case.State != Withdrawn && v.unstamped(c.Deliveries)
	d.Number = page.Field{Name: "number", Label: v.T("incident.web.stamp.number"), Hint: v.T("incident.web.stamp.number.hint", "number", c.Case.Number), Width: "w24"}
	d.Purposes = page.Field{Name: "purpose", Kind: "choice", Label: v.T("incident.web.purpose"), Hint: v.T("incident.web.purpose.hint")}
	for _, p := range Rules().For(v.Who.Kinds) {
		o := page.Option{Value: p.ID, Label: v.both(p.Name), Hint: v.both(p.Basis)}
		switch {
		case p.Kind == Barred:
			o.Off = v.T("incident.web.purpose.barred")
		case p.Kind == Supervision && !v.agreed(c.Supervisions):
			o.Off = v.T("incident.web.purpose.two")
		}
		d.Purposes.Options = append(d.Purposes.Options, o)
	}
	for _, x := range c.Supervisions {
		d.Requests = append(d.Requests, v.request(c.Case, x))
	}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density, shell.Handling, shell.Live = "inbox", page.Desk, v.handling(c.Case.TLP, v.T("incident.web.unopened")), "/live/incident"
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/cover", shell, d)
}

func (v *screen) coverFacts(c Cover) []page.Fact {
	rows := []page.Fact{
		{Name: v.T("incident.web.col.from"), Value: c.Names[c.Case.Org]},
		{Name: v.T("incident.web.sector"), Value: v.sector(c.Case.Sector)},
		{Name: v.T("incident.web.col.kind"), Value: v.kind(c.Case.Kind)},
		{Name: v.T("incident.web.col.stage"), Value: v.numbered(c.Case.Stage, c.Case.Version)},
		{Name: v.T("incident.web.col.state"), Value: v.deskState(c.Case)},
	}
	if c.Case.Severity != "" {
		rows = append(rows, page.Fact{Name: v.T("incident.web.col.severity"), Value: v.mark1("severity", string(c.Case.Severity))})
	}
	var forms []string
	for _, d := range c.Deliveries {
		if p, ok := v.s.Profiles.Get(d.Profile); ok {
			forms = append(forms, v.both(p.Name))
		}
	}
	return append(rows, page.Fact{Name: v.T("incident.web.forms"), Value: strings.Join(slices.Compact(forms), "\n")},
		page.Fact{Name: v.T("incident.web.col.updated"), Value: v.Time(c.Case.UpdatedAt)})
}

func (v *screen) ownStamp(c Cover) page.Stamp {
	name := c.Names[v.Who.Org]
	st := page.Stamp{Body: name, Short: sealName(name)}
	for _, d := range c.Deliveries {
		if d.AckedAt.After(st.At) {
			st.At, st.Number = d.AckedAt, d.AckedNumber
		}
	}
	return st
}

func (v *screen) unstamped(ds []Delivery) bool {
	return slices.ContainsFunc(ds, func(d Delivery) bool { return d.Acked < d.Version })
}

func (v *screen) agreed(list []SupervisionCase) bool {
	return slices.ContainsFunc(list, func(x SupervisionCase) bool { return x.State == SupervisionAgreed && x.EndsAt.After(v.now) })
}

func (v *screen) request(c Case, x SupervisionCase) requestRow {
	r := requestRow{SupervisionCase: x, Mine: x.AskedBy == v.Who.Person, Href: "/inbox/" + c.ID + "/supervise/" + x.ID,
		Tag: map[SupervisionState]string{SupervisionAsked: "asked", SupervisionAgreed: "approved", SupervisionRefused: "refused"}[x.State]}
	if x.State == SupervisionAgreed && !x.EndsAt.After(v.now) {
		r.Tag = "expired"
	}
	r.Say = v.T("incident.web.supervise.state." + string(x.State))
	r.Decide = x.State == SupervisionAsked && !r.Mine && Access.May(v.Context(), "incident.agree")
	return r
}

func (v *screen) stamp() error {
	_, err := v.s.Acknowledge(v.Context(), v.Path("id"), v.Form("number"))
	if err != nil && comesBack(err) {
		return v.cover(placed(err, "number"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/inbox/" + v.Path("id"))
}

// purpose takes the purpose and opens the report. One that does not open it
// is refused by the service, which records that.
func (v *screen) purpose() error {
	id, purpose := v.Path("id"), v.Form("purpose")
	_, err := Rules().Purpose(purpose, v.Who.Kinds)
	switch {
	case errors.Is(err, ErrPurpose):
		return v.cover(placed(ErrPurpose, "purpose"))
	case err != nil: // let the service refuse it, on the record
		_, err = v.s.Open(v.Context(), id, 0, purpose)
		return err
	}
	v.choose(id, purpose)
	return v.Redirect("/inbox/" + id + "/report")
}

// ---- the report, opened for a purpose ----

type deskView struct {
	Head     page.Head
	Case     Case
	From     string
	Purpose  string
	Basis    string
	Tabs     []tab
	Sheet    *Sheet
	Parts    []checkPart
	Versions []versionRow
	Changed  string // address of what changed
	About    page.Facts
	Lanes    *page.Lanes
	Talk     []talkLine
	Ask      page.Field
	Done     page.Field
	Advice   page.Field
	Feedback []feedbackRow
	Files    []blob.Meta
	FilesAt  string
	Form     *formRow
	Waiting  bool
	MayDelay bool
	Entry    string
}

// tab is one of the forms that a recipient was sent.
type tab struct {
	Text, Href string
	On         bool
}

// read shows the report in the order of the form the reader's organisation
// was sent. Every look is a reading, recorded and shown to the reporter.
func (v *screen) read(bad error) error {
	id := v.Path("id")
	purpose := v.chosen(id)
	if purpose == "" {
		return v.Redirect("/inbox/" + id)
	}
	full, err := v.s.Open(v.Context(), id, v.Int("version", 0), purpose)
	if err != nil {
		return err
	}
	if full.Mine { // one's own report was sent to no desk of one's own
		return ErrNone
	}
	c, r := full.Case, full.Report
	at := "/inbox/" + id
	d := deskView{Case: c, From: full.Names[c.Org], Purpose: v.both(full.Purpose.Name), Basis: v.both(full.Purpose.Basis), Entry: full.Entry, Files: full.Files, FilesAt: at + "/files/",
		Waiting: c.State != Withdrawn && v.unstamped(full.Deliveries), MayDelay: Access.May(v.Context(), "incident.delay"), Lanes: v.lanes(full.Result, recognised(r))}
	d.Head = page.Head{Crumbs: []page.Crumb{v.inboxHome(), {Text: c.Number, Href: at}, {Text: v.T("incident.web.opened")}}, H1: v.name(r),
		Lead: v.T("incident.web.desk.lead", "from", d.From, "stage", v.numbered(r.Stage, r.Version))}
	d.Sheet, d.Tabs, d.Form = v.sheet(full, at)
	d.Parts = v.sheetParts(d.Sheet)
	for i := len(full.Versions) - 1; i >= 0; i-- {
		x := full.Versions[i]
		d.Versions = append(d.Versions, versionRow{v.numbered(x.Stage, x.Version), x.Version, x.At, x.Version == r.Version})
	}
	if r.Version > 1 {
		d.Changed = fmt.Sprintf("%s/changes?version=%d", at, r.Version)
	}
	d.About = v.about(c, r)
	for _, m := range full.Messages {
		d.Talk = append(d.Talk, talkLine{Who: full.Names[m.From], Text: m.Text, At: m.At, Mine: m.From == v.Who.Org, Question: m.Kind == thread.Question, Waiting: m.Kind == thread.Question && m.AnsweredAt.IsZero()})
	}
	for _, f := range full.Feedback {
		d.Feedback = append(d.Feedback, feedbackRow{full.Names[f.Org], f.Done, f.Advice, f.At})
	}
	d.Ask = page.Field{Name: "question", Kind: "textarea", Rows: 3, Limit: thread.MaxText, Label: v.T("incident.web.ask"), Hint: v.T("incident.web.ask.hint")}
	d.Done = page.Field{Name: "done", Kind: "textarea", Rows: 3, Limit: maxWords, Label: v.T("incident.web.feedback.done"), Need: page.Required}
	d.Advice = page.Field{Name: "advice", Kind: "textarea", Rows: 3, Limit: maxWords, Label: v.T("incident.web.feedback.advice"), Need: page.Optional}
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Density, shell.Handling = "inbox", page.Desk, v.handling(c.TLP, v.T("incident.web.desk.purpose", "purpose", d.Purpose))
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/desk", shell, d)
}

// sheet lays the report out as one of the forms that were sent to the reader.
func (v *screen) sheet(full View, at string) (*Sheet, []tab, *formRow) {
	var sent []*Profile
	for _, d := range full.Deliveries {
		if p, ok := v.s.Profiles.Get(d.Profile); ok && !slices.Contains(sent, p) {
			sent = append(sent, p)
		}
	}
	if len(sent) == 0 {
		return nil, nil, nil
	}
	show := sent[0]
	var tabs []tab
	for _, p := range sent {
		if p.ID == v.Query("profile") {
			show = p
		}
	}
	for _, p := range sent {
		tabs = append(tabs, tab{v.both(p.Name), fmt.Sprintf("%s/report?profile=%s&version=%d", at, p.ID, full.Report.Version), p == show})
	}
	if len(tabs) == 1 {
		tabs = nil
	}
	row := &formRow{Profile: show.ID, Name: v.both(show.Name), Ours: show.OurLayout(), At: at + "/forms/" + show.ID + "/", Query: fmt.Sprintf("?version=%d", full.Report.Version)}
	return Fill(full.Report, show, Facts{}, v.now, v.says.Printer), tabs, row
}

func (v *screen) sheetParts(s *Sheet) (out []checkPart) {
	if s == nil {
		return nil
	}
	for _, p := range s.Parts {
		part := checkPart{Title: p.Title, Facts: page.Facts{Tight: true}}
		for _, l := range p.Lines {
			if l.Field != "" && l.State == "" {
				continue // nothing was answered
			}
			row := page.Fact{Name: l.Label, Value: l.Text}
			if len(l.Cells) > 0 {
				row.HTML = cellTable(l.Label, l.Head, l.Cells)
			}
			part.Facts.Rows = append(part.Facts.Rows, row)
		}
		if len(part.Facts.Rows) > 0 {
			out = append(out, part)
		}
	}
	return out
}

// cellTable draws the rows of a table question. Devices have many columns: it
// scrolls sideways by itself.
func cellTable(label string, head []string, cells [][]string) template.HTML {
	var b strings.Builder
	b.WriteString(`<div class="scroll" tabindex="0" role="region" aria-label="` + template.HTMLEscapeString(label) + `"><table><thead><tr>`)
	for _, h := range head {
		b.WriteString(`<th scope="col">` + template.HTMLEscapeString(h) + `</th>`)
	}
	b.WriteString(`</tr></thead><tbody>`)
	for _, row := range cells {
		b.WriteString(`<tr>`)
		for _, c := range row {
			b.WriteString(`<td>` + template.HTMLEscapeString(c) + `</td>`)
		}
		b.WriteString(`</tr>`)
	}
	b.WriteString(`</tbody></table></div>`)
	return template.HTML(b.String())
}

func (v *screen) readChanges() error {
	id := v.Path("id")
	purpose := v.chosen(id)
	if purpose == "" {
		return v.Redirect("/inbox/" + id)
	}
	n := v.Int("version", 0)
	changes, err := v.s.Compare(v.Context(), id, n, purpose)
	if err != nil {
		return err
	}
	c, err := v.s.Cover(v.Context(), id)
	if err != nil {
		return err
	}
	d := versionView{Changes: v.changes(changes)}
	d.Head = page.Head{Crumbs: []page.Crumb{v.inboxHome(), {Text: c.Case.Number, Href: "/inbox/" + id}, {Text: v.T("incident.web.opened"), Href: "/inbox/" + id + "/report"}, {Text: v.T("incident.web.changes")}},
		H1: v.T("incident.web.changes.h1", "n", n)}
	shell := v.Shell(d.Head.H1)
	p, _ := Rules().Purpose(purpose, v.Who.Kinds)
	shell.Key, shell.Density, shell.Handling = "inbox", page.Desk, v.handling(c.Case.TLP, v.T("incident.web.desk.purpose", "purpose", p.Name))
	return v.Render("incident/version", shell, d)
}

func (v *screen) askReporter() error {
	_, err := v.s.Ask(v.Context(), v.Path("id"), v.Form("question"))
	return v.backToReport(err, "question", "#talk")
}

func (v *screen) feedback() error {
	_, err := v.s.Give(v.Context(), v.Path("id"), v.Form("done"), v.Form("advice"))
	return v.backToReport(err, "done", "#feedback")
}

func (v *screen) backToReport(err error, field, at string) error {
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return v.read(placed(err, field))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/inbox/" + v.Path("id") + "/report" + at)
}

func (v *screen) readForm() error {
	q := FormRequest{Case: v.Path("id"), Profile: v.Path("profile"), Format: FileFormat(v.Path("format")), Version: v.Int("version", 0), Purpose: v.chosen(v.Path("id"))}
	if q.Purpose == "" {
		return v.Redirect("/inbox/" + q.Case)
	}
	return v.give(q)
}

func (v *screen) readFile() error {
	id := v.Path("id")
	purpose := v.chosen(id)
	if purpose == "" {
		return v.Redirect("/inbox/" + id)
	}
	m, r, err := v.s.Download(v.Context(), id, v.Path("file"), purpose)
	if err != nil {
		return err
	}
	defer r.Close()
	var all bytes.Buffer // so that a fault on the way is an error and not half a file
	if _, err := all.ReadFrom(r); err != nil {
		return err
	}
	return v.Download(m.Name, m.Media, &all)
}
