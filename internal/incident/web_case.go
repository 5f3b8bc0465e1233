package incident

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
	"noroshi/internal/engine/tlog"
)

func (w *web) cases() {
	w.page("GET /reports/{id}", func(v *screen) error { return v.own(nil) })
	w.page("GET /reports/{id}/receipt", (*screen).receipt)
	w.page("GET /reports/{id}/proof/{entry}", (*screen).proof)
	w.page("GET /reports/{id}/versions/{n}", (*screen).version)
	w.page("POST /reports/{id}/answer", (*screen).reply)
	w.page("GET /reports/{id}/withdraw", func(v *screen) error { return v.withdraw(nil) })
	w.page("POST /reports/{id}/withdraw", (*screen).withdrawn)
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
	d.Field = page.Field{Name: "file", Kind: "file", Label: v.T("incident.web.files.choose"), Multiple: true}
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
	f := page.Facts{Tight: true, Rows: []page.Fact{
		{Name: v.T("incident.web.col.kind"), Value: v.kind(c.Kind)},
		{Name: v.T("incident.web.col.state"), Value: v.T("incident.web.state." + string(c.State))},
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

// ---- the receipt ----

type receiptView struct {
	Head     page.Head
	Number   string
	Stamps   []page.Stamp
	Lanes    *page.Lanes
	Steps    []receiptStep
	Proof    page.Proof
	ProofAt  string // address of the file with the proof
	Consents []page.Fact
	Forms    []formRow
	Ours     bool
	ID       ID
	Resting  []string
}

type receiptStep struct{ What, Say string }

func (v *screen) receipt() error {
	full, err := v.s.Open(v.Context(), v.Path("id"), 0, "")
	if err != nil {
		return err
	}
	if !full.Mine {
		return ErrNone
	}
	c, r := full.Case, full.Report
	last := full.Versions[len(full.Versions)-1]
	d := receiptView{ID: c.ID, Number: c.Number, Stamps: v.stamps(full), Lanes: v.lanes(full.Result, recognised(r)), Resting: v.resting(full.Result),
		Forms: v.formRows(full.Result, "/reports/"+c.ID+"/forms/", "")}
	d.Ours = slices.ContainsFunc(d.Forms, func(f formRow) bool { return f.Ours })
	d.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: c.Number, Href: "/reports/" + c.ID}, {Text: v.T("incident.web.receipt")}},
		H1: v.T("incident.web.receipt.h1", "stage", v.numbered(last.Stage, last.Version)), Lead: v.T("incident.web.receipt.lead", "at", v.Time(last.At))}
	d.Head.Acts = []page.Act{{Text: v.T("incident.web.calendar"), Href: "/reports/" + c.ID + "/clocks.ics", Icon: "calendar", Kind: "small"}}
	d.Steps = v.nextSteps(full)
	for _, x := range Dictionary().Consents {
		if v.wantsConsent(x.ID, full.Result, r) {
			say := v.T("incident.web.agreed.no")
			if r.Consent(x.ID) {
				say = v.T("incident.web.agreed.yes")
			}
			d.Consents = append(d.Consents, page.Fact{Name: v.both(x.Label), Value: say})
		}
	}
	if d.Proof, err = v.proofOf(c, last); err != nil {
		return err
	}
	d.ProofAt = "/reports/" + c.ID + "/proof/" + last.Entry
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Live, shell.Handling = "reports", "/live/incident", v.handling(c.TLP, "")
	return v.Render("incident/receipt", shell, d)
}

// proofOf shows the ledger entry of a version.
func (v *screen) proofOf(c Case, x Version) (page.Proof, error) {
	rcpt, err := v.s.Ledger.Receipt(v.Context(), x.Entry)
	if err != nil {
		return page.Proof{}, err
	}
	leaf := tlog.LeafHash([]byte(rcpt.Leaf))
	return page.Proof{Say: v.T("incident.web.proof.say", "at", v.Time(rcpt.At)), Leaf: hex.EncodeToString(leaf[:]), Signers: v.T("incident.web.proof.entry", "entry", x.Entry),
		Command: "noroshi ledger verify " + proofName(c.Number, x.Version) + " --key ledger.vkey"}, nil
}

func proofName(number string, version int) string {
	return number + "-" + strconv.Itoa(version) + ".proof.json"
}

// proof is the file that proves an act of a case: the receipt, and once the
// entry is in the log, its proof.
func (v *screen) proof() error {
	all, err := v.s.Receipts(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(p Proof) bool { return p.Receipt.Entry == v.Path("entry") })
	if i < 0 {
		return ErrNone
	}
	p := all[i]
	raw, err := json.MarshalIndent(struct {
		Entry   string    `json:"entry"`
		At      time.Time `json:"at"`
		Leaf    string    `json:"leaf"`
		Salt    string    `json:"salt,omitempty"`
		Promise string    `json:"promise"`
		Proof   string    `json:"proof,omitempty"`
	}{p.Receipt.Entry, p.Receipt.At, p.Receipt.Leaf, p.Receipt.Salt, p.Promise, p.Proof}, "", "  ")
	if err != nil {
		return err
	}
	name := "acknowledgement-" + p.Receipt.Entry + ".proof.json"
	if p.What == "submitted" {
		full, err := v.s.Open(v.Context(), v.Path("id"), p.Version, "")
		if err != nil {
			return err
		}
		name = proofName(full.Case.Number, p.Version)
	}
	return v.Download(name, "application/json", bytes.NewReader(append(raw, '\n')))
}

// nextSteps says what to do after a submission: the next deadline, the forms
// to be handed in by hand, the traces to keep, the follow-up.
func (v *screen) nextSteps(full View) (out []receiptStep) {
	for _, p := range v.ordered(full.Result) {
		c := p.next()
		if c.Due == nil || c.State != ClockRunning && c.State != ClockSoon && c.State != ClockLate {
			continue
		}
		out = append(out, receiptStep{v.T("incident.web.step.due", "at", v.endOf(*c.Due), "stage", c.StageName), v.T("incident.web.step.due.say", "to", v.to(p), "left", v.Left(*c.Due, v.now))})
		break
	}
	var outside []string
	for _, d := range full.Deliveries {
		if p := profileOf(full.Result, d.Profile); p != nil && d.Outside() && d.Role != RoleOwn && !slices.Contains(outside, v.both(p.Name)) {
			outside = append(outside, v.both(p.Name))
		}
	}
	if len(outside) > 0 {
		out = append(out, receiptStep{v.T("incident.web.step.outside"), strings.Join(outside, v.T("incident.web.comma"))})
	}
	out = append(out, receiptStep{v.T("incident.web.step.logs"), v.T("incident.web.step.logs.say")})
	if full.Case.State == Open {
		out = append(out, receiptStep{v.T("incident.web.step.next"), v.T("incident.web.step.next.say")})
	}
	return out
}

// ---- a version, with what changed in it ----

type versionView struct {
	Head    page.Head
	Changes []page.Fact
	First   bool
	Parts   []checkPart
	Proof   page.Proof
	ProofAt string
	Prev    string
	Next    string
}

func (v *screen) version() error {
	n, err := strconv.Atoi(v.Path("n"))
	if err != nil || n < 1 {
		return ErrNone
	}
	full, err := v.s.Open(v.Context(), v.Path("id"), n, "")
	if err != nil {
		return err
	}
	if !full.Mine {
		return ErrNone
	}
	changes, err := v.s.Compare(v.Context(), v.Path("id"), n, "")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(full.Versions, func(x Version) bool { return x.Version == n })
	x := full.Versions[i]
	d := versionView{First: n == 1, Changes: v.changes(changes), Parts: v.answers(full.Report, changes)}
	at := "/reports/" + full.Case.ID
	d.Head = page.Head{Crumbs: []page.Crumb{v.home(), {Text: full.Case.Number, Href: at}, {Text: v.numbered(x.Stage, n)}}, H1: v.numbered(x.Stage, n) + " " + v.name(full.Report),
		Lead: v.T("incident.web.version.lead", "at", v.Time(x.At))}
	if n > 1 {
		d.Prev = at + "/versions/" + strconv.Itoa(n-1)
	}
	if n < full.Case.Version {
		d.Next = at + "/versions/" + strconv.Itoa(n+1)
	}
	if d.Proof, err = v.proofOf(full.Case, x); err != nil {
		return err
	}
	d.ProofAt = at + "/proof/" + x.Entry
	shell := v.Shell(d.Head.H1)
	shell.Key, shell.Handling = "reports", v.handling(full.Case.TLP, "")
	return v.Render("incident/version", shell, d)
}

// changes says field by field what a version changed.
func (v *screen) changes(all []Change) (out []page.Fact) {
	for _, c := range all {
		row := page.Fact{Name: string(c.Field)}
		echo := func(x Value) string { s, _ := x.Text(); return s }
		if f, ok := Dictionary().Get(c.Field); ok {
			row.Name = v.both(f.Label)
			echo = func(x Value) string { return f.Echo(x, v.says.Printer) }
		} else if id, ok := strings.CutPrefix(string(c.Field), string(ChangedConsent)); ok {
			consent, _ := Dictionary().Consent(id)
			row.Name = v.both(consent.Label)
			echo = func(x Value) string { b, _ := x.Bool(); return v.yes(b) }
		} else {
			what := strings.TrimPrefix(string(c.Field), "report.")
			row.Name = v.T("incident.web.changed." + what)
			echo = func(x Value) string { s, _ := x.Text(); return v.mark1(what, s) }
		}
		row.Was = &page.Change{From: echo(c.Old), To: echo(c.New)}
		if len(c.Rows) > 0 {
			if f, ok := Dictionary().Get(c.Field); ok {
				row.Was, row.HTML = nil, v.rowChanges(f, c)
			}
		}
		out = append(out, row)
	}
	return out
}

// rowChanges draws what happened to each row of a table.
func (v *screen) rowChanges(f *Field, c Change) template.HTML {
	old, _ := c.Old.V.([]Row)
	now, _ := c.New.V.([]Row)
	var b strings.Builder
	b.WriteString("<ul class=\"plain\">")
	write := func(tag, word string, r Row) {
		b.WriteString("<" + tag + "><span class=\"vh\">" + template.HTMLEscapeString(word) + "</span>" + template.HTMLEscapeString(f.sayRow(r, v.says.Printer)) + "</" + tag + "> ")
	}
	for _, x := range c.Rows {
		b.WriteString("<li>")
		if x.From >= 0 && x.From < len(old) {
			write("del", v.T("page.diff.del"), old[x.From])
		}
		if x.To >= 0 && x.To < len(now) {
			write("ins", v.T("page.diff.ins"), now[x.To])
		}
		b.WriteString("</li>")
	}
	b.WriteString("</ul>")
	return template.HTML(b.String())
}

// answers lists every answer of a report in the order of the law.
func (v *screen) answers(r *Report, changes []Change) (out []checkPart) {
	for _, it := range append(slices.Clone(Dictionary().Items), Item{N: 0}) {
		part := checkPart{Title: v.T("incident.web.item", "n", it.N, "label", it.Label)}
		if it.N == 0 {
			part.Title = v.T("incident.web.more")
		}
		for i := range Dictionary().All {
			f := &Dictionary().All[i]
			val := r.Value(f.ID)
			if f.Item != it.N || !val.Answered() {
				continue
			}
			row := page.Fact{Name: v.both(f.Label), Value: f.Echo(val, v.says.Printer)}
			if slices.ContainsFunc(changes, func(c Change) bool { return c.Field == f.ID }) {
				row.Note = v.T("incident.web.changed")
			}
			part.Facts.Rows = append(part.Facts.Rows, row)
		}
		if len(part.Facts.Rows) > 0 {
			out = append(out, part)
		}
	}
	return out
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
