package incident

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

func (w *web) cases() {
	w.page("GET /reports/{id}", func(v *screen) error { return v.own(nil) })
	w.page("GET /reports/{id}/receipt", (*screen).receipt)
	w.page("GET /reports/{id}/proof/{entry}", (*screen).proof)
	w.page("GET /reports/{id}/versions/{n}", (*screen).version)
	w.page("POST /reports/{id}/answer", (*screen).reply)
	w.page("GET /reports/{id}/withdraw", func(v *screen) error { return v.withdraw(nil) })
	w.page("POST /reports/{id}/withdraw", (*screen).withdrawn)
	w.page("GET /reports/{id}/extend", func(v *screen) error { return v.extend(nil) })
	w.page("POST /reports/{id}/extend", (*screen).extended)
	w.page("GET /reports/{id}/hold", func(v *screen) error { return v.hold(nil) })
	w.page("POST /reports/{id}/hold", (*screen).held)
	w.page("GET /reports/{id}/forms/{profile}/{format}", (*screen).form)
	w.page("GET /reports/{id}/clocks.ics", (*screen).calendar)
	w.page("GET /reports/{id}/files/{file}", (*screen).download)
	w.page("POST /reports/{id}/files", (*screen).attachSent, httpd.MaxBody(formUpload))
}

type caseView struct {
	Head      page.Head
	Case      Case
	Notes     []page.Flash
	Stamps    []page.Stamp
	Away      []awayRow
	Lanes     *page.Lanes
	Resting   []string
	Talks     []talk
	Feedback  []feedbackRow
	Versions  []versionRow
	Forms     []formRow
	Ours      bool
	Files     []blob.Meta
	Field     page.Field
	Readings  []readingRow
	About     page.Facts
	Writes    bool
	Holds     bool
	Held      bool
	Open      bool
	AnswerTo  string // conversation whose form came back
	Supervise []SupervisionCase
}

// talk is the conversation with one recipient.
type talk struct {
	With, Name string
	Lines      []talkLine
	Open       bool // a question waits
	Field      page.Field
}

type talkLine struct {
	Who, Text string
	At        time.Time
	Mine      bool
	Question  bool
	Waiting   bool
}

type feedbackRow struct {
	Who          string
	Done, Advice string
	At           time.Time
}

type versionRow struct {
	Name string
	N    int
	At   time.Time
	Last bool
}

// own is the reporter's page of a case.
func (v *screen) own(bad error) error {
	full, err := v.s.Open(v.Context(), v.Path("id"), 0, "")
	if err != nil {
		return err
	}
	if !full.Mine {
		return ErrNone
	}
	c, r := full.Case, full.Report
	d := caseView{Case: c, Stamps: v.stamps(full), Lanes: v.lanes(full.Result, recognised(r)), Resting: v.resting(full.Result), Talks: v.talks(full),
		Forms: v.formRows(full.Result, "/reports/"+c.ID+"/forms/", ""), Files: full.Files, Open: c.State == Open && c.PurgedAt.IsZero(), Writes: v.mayWrite(),
		Holds: Access.May(v.Context(), "incident.hold"), Held: !c.HoldAt.IsZero(), AnswerTo: v.Form("with")}
	d.Away = v.away(full.Deliveries, full.Result, "/reports/"+c.ID+"/forms/")
	d.Field = page.Field{Name: "file", Kind: "file", Label: v.T("incident.web.files.choose"), Multiple: true}
	for i := range d.Forms {
		d.Forms[i].Redacts = true
	}
	d.Ours = slices.ContainsFunc(d.Forms, func(f formRow) bool { return f.Ours })
	d.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: c.Number}}, H1: v.name(r), Lead: v.T("incident.web.case.lead", "number", c.Number, "stage", v.numbered(c.Stage, c.Version))}
	if d.Open && d.Writes {
		d.Head.Acts = []page.Act{
			{Text: v.T("incident.web.next_report"), Href: "/reports/" + c.ID + "/next", Kind: "primary", Icon: "document", Post: true, Name: "stage", Value: string(Followup)},
			{Text: v.T("incident.web.final_report"), Href: "/reports/" + c.ID + "/next", Post: true, Name: "stage", Value: string(Final)},
		}
	}
	if c.State == Withdrawn {
		d.Notes = append(d.Notes, page.Flash{Kind: "warn", Text: v.T("incident.web.withdrawn.note")})
	}
	if d.Held {
		d.Notes = append(d.Notes, page.Flash{Text: v.T("incident.web.held.note", "at", v.Date(c.HoldAt))})
	}
	for _, f := range full.Feedback {
		d.Feedback = append(d.Feedback, feedbackRow{full.Names[f.Org], f.Done, f.Advice, f.At})
	}
	for i := len(full.Versions) - 1; i >= 0; i-- {
		x := full.Versions[i]
		d.Versions = append(d.Versions, versionRow{v.numbered(x.Stage, x.Version), x.Version, x.At, x.Version == c.Version})
	}
	if d.Supervise, err = v.s.Supervisions(v.Context(), c.ID); err != nil {
		return err
	}
	if d.Readings, _, err = v.readingRows(c.ID, "", 6); err != nil {
		return err
	}
	d.About = v.about(c, r)
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Live, shell.Handling = "reports", "/live/incident", v.handling(c.TLP, "")
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("incident/case", shell, d)
}

func (v *screen) about(c Case, r *Report) page.Facts {
	state := v.T("incident.web.state." + string(c.State))
	if c.Org != v.Who.Org {
		state = v.deskState(c)
	}
	f := page.Facts{Tight: true, Rows: []page.Fact{
		{Name: v.T("incident.web.col.kind"), Value: v.kind(c.Kind)},
		{Name: v.T("incident.web.col.state"), Value: state},
		{Name: v.T("incident.web.tlp"), Value: c.TLP.Label()},
	}}
	if c.Severity != "" {
		f.Rows = append(f.Rows, page.Fact{Name: v.T("incident.web.col.severity"), Value: v.mark1("severity", string(c.Severity))})
	}
	if c.Class != "" {
		f.Rows = append(f.Rows, page.Fact{Name: v.T("incident.web.class"), Value: v.mark1("class", c.Class)})
	}
	if at := recognised(r); !at.IsZero() {
		f.Rows = append(f.Rows, page.Fact{Name: v.T("incident.web.recognised"), Value: v.Time(at)})
	}
	return page.Facts{Tight: true, Rows: append(f.Rows, page.Fact{Name: v.T("incident.web.sent_at"), Value: v.Time(c.SubmittedAt)},
		page.Fact{Name: v.T("incident.web.retain"), Value: v.Date(c.RetainUntil), Note: v.T("incident.web.retain.note")})}
}

// stamps draws a seal for each body: from its signed acknowledgement, or the
// dashed circle of one that has not come.
func (v *screen) stamps(full View) (out []page.Stamp) {
	var seen []string
	for _, d := range full.Deliveries {
		if d.Outside() || slices.Contains(seen, d.Org) {
			continue
		}
		seen = append(seen, d.Org)
		name := full.Names[d.Org]
		st := page.Stamp{Body: name, Short: sealName(name)}
		var forms []string
		sent, version, acked := d.SentAt, 0, 0
		for _, x := range full.Deliveries {
			if x.Org != d.Org {
				continue
			}
			if p := profileOf(full.Result, x.Profile); p != nil {
				forms = append(forms, v.both(p.Name))
			}
			if x.SentAt.After(sent) {
				sent = x.SentAt
			}
			version = max(version, x.Version)
			if x.Acked > acked {
				acked, st.At, st.Number = x.Acked, x.AckedAt, x.AckedNumber
			}
		}
		st.Note = strings.Join(forms, v.T("incident.web.comma"))
		switch {
		case acked == 0:
			st.Note += v.T("incident.web.arrived", "at", v.Short(sent, v.now))
		case acked < version:
			st.Note += v.T("incident.web.ack_behind", "n", version)
		}
		out = append(out, st)
	}
	return out
}

// talks gathers the conversations, those with an open question first.
func (v *screen) talks(full View) (out []talk) {
	for _, m := range full.Messages {
		i := slices.IndexFunc(out, func(t talk) bool { return t.With == m.With })
		if i < 0 {
			i = len(out)
			out = append(out, talk{With: m.With, Name: full.Names[m.With]})
		}
		t := &out[i]
		line := talkLine{Who: full.Names[m.From], Text: m.Text, At: m.At, Mine: m.From == v.Who.Org, Question: m.Kind == thread.Question}
		line.Waiting = line.Question && m.AnsweredAt.IsZero()
		t.Open = t.Open || line.Waiting
		t.Lines = append(t.Lines, line)
	}
	for i := range out {
		out[i].Field = page.Field{Name: "answer", Kind: "textarea", Rows: 4, Limit: thread.MaxText, Label: v.T("incident.web.answer_to", "name", out[i].Name)}
	}
	slices.SortStableFunc(out, func(a, b talk) int {
		switch {
		case a.Open == b.Open:
			return 0
		case a.Open:
			return -1
		}
		return 1
	})
	return out
}

func (v *screen) reply() error {
	_, err := v.s.Answer(v.Context(), v.Path("id"), v.Form("with"), v.Form("answer"))
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return v.own(placed(err, "answer"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/reports/" + v.Path("id") + "#talks")
}

// ---- files made of a report ----

// form gives one form as a file; HTML is shown, to be printed from there.
func (v *screen) form() error {
	q := FormRequest{Case: v.Path("id"), Profile: v.Path("profile"), Format: FileFormat(v.Path("format")), Redacted: v.Query("redacted") == "1", Version: v.Int("version", 0)}
	return v.give(q)
}

func (v *screen) give(q FormRequest) error {
	f, err := v.s.Form(v.Context(), q, v.says.Printer)
	if err != nil {
		return err
	}
	return v.Download(f.Name, f.Media, bytes.NewReader(f.Data))
}

func (v *screen) calendar() error {
	f, err := v.s.Calendar(v.Context(), v.Path("id"), v.says.Printer)
	if err != nil {
		return err
	}
	return v.Download(f.Name, f.Media, bytes.NewReader(f.Data))
}

func (v *screen) download() error {
	m, r, err := v.s.Download(v.Context(), v.Path("id"), v.Path("file"), "")
	if err != nil {
		return err
	}
	defer r.Close()
	return v.Download(m.Name, m.Media, r)
}

func (v *screen) attachSent() error {
	for _, f := range v.Files() {
		if f.Size == 0 {
			continue
		}
		if _, err := v.s.Attach(v.Context(), v.Path("id"), f.Reader(), f.Name); err != nil {
			if comesBack(err) {
				return v.own(placed(err, "file"))
			}
			return err
		}
	}
	return v.Redirect("/reports/" + v.Path("id") + "#files")
}

// ---- acts that are asked about first ----

func (v *screen) withdraw(bad error) error {
	if !Access.May(v.Context(), "incident.withdraw") {
		return ErrNone
	}
	full, err := v.s.Open(v.Context(), v.Path("id"), 0, "")
	if err != nil {
		return err
	}
	at := "/reports/" + full.Case.ID
	return v.confirm(confirmView{Head: page.Head{Crumbs: []page.Crumb{v.home(), {Text: full.Case.Number, Href: at}, {Text: v.T("incident.web.withdraw")}}, H1: v.T("incident.web.withdraw.ask")},
		Say: []string{v.T("incident.web.withdraw.say"), v.T("incident.web.withdraw.say2")}, Action: at + "/withdraw", Button: v.T("incident.web.withdraw"), Stop: true,
		Fields: []page.Field{{Name: "reason", Kind: "textarea", Rows: 3, Label: v.T("incident.web.reason"), Need: page.Required, Hint: v.T("incident.web.withdraw.reason")}},
		Back:   at, BackSay: v.T("incident.web.withdraw.not")}, bad)
}

func (v *screen) withdrawn() error {
	if v.Form("reason") == "" {
		return v.withdraw(placed(nothingSaid("incident.words.empty"), "reason"))
	}
	if err := v.s.Withdraw(v.Context(), v.Path("id"), v.Form("reason")); err != nil {
		return err
	}
	return v.Redirect("/reports/" + v.Path("id"))
}

func (v *screen) hold(bad error) error {
	if !Access.May(v.Context(), "incident.hold") {
		return ErrNone
	}
	full, err := v.s.Open(v.Context(), v.Path("id"), 0, "")
	if err != nil {
		return err
	}
	at := "/reports/" + full.Case.ID
	what := "incident.web.hold"
	if !full.Case.HoldAt.IsZero() {
		what = "incident.web.release"
	}
	return v.confirm(confirmView{Head: page.Head{Crumbs: []page.Crumb{v.home(), {Text: full.Case.Number, Href: at}, {Text: v.T(what)}}, H1: v.T(what)},
		Say: []string{v.T(what + ".say")}, Action: at + "/hold", Button: v.T(what),
		Fields: []page.Field{{Name: "held", Kind: "hidden", Value: strconv.FormatBool(!full.Case.HoldAt.IsZero())},
			{Name: "reason", Kind: "textarea", Rows: 3, Label: v.T("incident.web.reason"), Need: page.Required}},
		Back: at, BackSay: v.T("incident.web.back")}, bad)
}

func (v *screen) held() error {
	act := v.s.Hold
	if v.Form("held") == "true" {
		act = v.s.Release
	}
	err := act(v.Context(), v.Path("id"), v.Form("reason"))
	if err != nil && comesBack(err) {
		return v.hold(placed(err, "reason"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/reports/" + v.Path("id"))
}

func (v *screen) extend(bad error) error {
	if !Access.May(v.Context(), "incident.hold") {
		return ErrNone
	}
	full, err := v.s.Open(v.Context(), v.Path("id"), 0, "")
	if err != nil {
		return err
	}
	at := "/reports/" + full.Case.ID
	return v.confirm(confirmView{Head: page.Head{Crumbs: []page.Crumb{v.home(), {Text: full.Case.Number, Href: at}, {Text: v.T("incident.web.extend")}}, H1: v.T("incident.web.extend")},
		Say: []string{v.T("incident.web.extend.say", "at", v.Date(full.Case.RetainUntil))}, Action: at + "/extend", Button: v.T("incident.web.extend"),
		Fields: []page.Field{{Name: "until", Kind: "date", Label: v.T("incident.web.extend.until"), Need: page.Required}, {Name: "reason", Kind: "textarea", Rows: 3, Label: v.T("incident.web.reason"), Need: page.Required}},
		Back:   at, BackSay: v.T("incident.web.back")}, bad)
}

func (v *screen) extended() error {
	until, bad := page.ReadDate(v.Forms(), "until")
	if bad != nil {
		return v.extend(fault.New(fault.Invalid, "incident.web.invalid").At(*bad))
	}
	err := v.s.Extend(v.Context(), v.Path("id"), until, v.Form("reason"))
	if err != nil && comesBack(err) {
		return v.extend(placed(err, "reason"))
	}
	if err != nil {
		return err
	}
	return v.Redirect("/reports/" + v.Path("id"))
}
