package notice

import (
	"errors"
	"strings"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

func (w *web) letters() {
	w.page("GET /letters", (*screen).inbox)
	w.page("GET /letters/{id}", func(v *screen) error { return v.letter(nil) })
	w.page("POST /letters/{id}/answer", (*screen).answer)
	w.page("POST /letters/{id}/evidence", (*screen).addEvidence, httpd.MaxBody(20<<20))
	w.page("GET /letters/{id}/files/{file}", (*screen).evidence)
	w.page("POST /letters/{id}/help", (*screen).askHelp)
}

// perPage is how many rows a list shows.
const perPage = 50

type letterLine struct {
	Letter
	Title string
	State stated
	Due   page.Due
	New   bool
}

type inboxView struct {
	Head  page.Head
	List  *page.List
	Rows  []letterLine
	Empty page.Empty
}

// inbox is what the reader's organisation was sent.
func (v *screen) inbox() error {
	q := v.Queries()
	q.Del("lang")
	f := Filter{Open: q.Get("open") == "1", Severity: Severity(q.Get("severity")), State: State(q.Get("state")), Cursor: q.Get("after"), Limit: perPage}
	list, next, err := v.s.Inbox(v.Context(), f)
	if err != nil {
		return err
	}
	d := inboxView{Head: page.Head{H1: v.T("notice.web.inbox"), Lead: v.T("notice.web.inbox.lead"), Acts: []page.Act{{Text: v.T("notice.web.ways"), Href: "/channels", Kind: "small", Icon: "mail"}}},
		Empty: page.Empty{Title: v.T("notice.web.inbox.none"), Say: v.T("notice.web.inbox.none.say")}}
	d.List = &page.List{Path: "/letters", Query: q, Next: next, Size: perPage, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: v.T("notice.web.col.severity")}, {Title: v.T("notice.web.col.title")}, {Title: v.T("notice.web.col.from")}, {Title: v.T("notice.web.col.state")}, {Title: v.T("notice.web.col.answer_by")}, {Title: v.T("notice.web.col.delivered")}},
		Filters: []page.Filter{{Name: "open", Value: "1", Label: v.T("notice.web.filter.open"), Count: -1}}}
	for _, s := range Severities {
		d.List.Filters = append(d.List.Filters, page.Filter{Name: "severity", Value: string(s), Label: v.T("page.severity." + string(s)), Count: -1})
	}
	var top TLP
	clearance := 0
	for _, l := range list {
		d.Rows = append(d.Rows, letterLine{l, v.say(l.Content.Title), v.state(l.State), v.answerDue(&l), l.OpenedAt.IsZero() && l.Stage == Sent})
		if top, clearance = v.s.Rules.Highest(top, l.Content.TLP), max(clearance, l.Content.Clearance); l.Stage != Sent {
			d.Rows[len(d.Rows)-1].State = stated{"plain", v.T("notice.web.stage." + string(l.Stage))}
		}
	}
	shell := v.shell(d.Head.H1, "letters")
	if top != "" {
		shell.Handling = v.handling(top, clearance)
	}
	return v.Render("notice/inbox", shell, d)
}

// versionView is one version as a reader sees it.
type versionView struct {
	Kind       Kind
	Name       string
	TLP        TLP
	Paragraphs []labelled
	Indicators []Indicator
	Checks     []string
	Steps      []stepView
	Helper     string
	Hours      string
	Phone      string
	Note       string
	Foot       string
}

type labelled struct{ Label, Text string }

type stepView struct{ Do, How string }

// version makes a version ready to be read. Addresses are shown as they are:
// this is inside (UI.md 5).
func (v *screen) version(c *Content, k Kind) versionView {
	d := versionView{Kind: k, Name: v.kind(k), TLP: c.TLPOf(k), Foot: v.T("notice.web.version." + string(k) + ".foot")}
	switch k {
	case Management:
		m := c.Management
		d.Paragraphs = []labelled{{v.T("notice.web.what"), v.say(m.What)}, {v.T("notice.web.so_what"), v.say(m.SoWhat)}, {v.T("notice.web.decide", "at", v.Time(c.AnswerBy)), v.say(m.Decide)}}
	case Technical:
		d.Paragraphs = []labelled{{strings.Join(c.About, ", "), v.say(c.Technical.Details)}}
		d.Indicators = c.Technical.Indicators
		for _, x := range c.Technical.Checks {
			d.Checks = append(d.Checks, v.say(x))
		}
	case Small:
		s := c.Small
		d.Paragraphs = []labelled{{"", v.say(s.Title)}}
		for _, x := range s.Steps {
			d.Steps = append(d.Steps, stepView{v.say(x.Do), v.say(x.How)})
		}
		d.Helper, d.Hours, d.Phone, d.Note = v.say(s.Helper.Name), v.say(s.Helper.Hours), s.Helper.Phone, v.say(s.Note)
	}
	return d
}

type historyRow struct {
	State   stated
	At      time.Time
	Note    string
	Date    string
	Interim string
	Changed bool
}

type letterView struct {
	Head     page.Head
	Letter   Letter
	Why      []string
	Tabs     []tab
	Version  *versionView
	State    stated
	Due      page.Due
	FixDue   page.Due
	Open     bool // takes answers, and the reader may give one
	Preview  bool
	Answer   []page.Field
	History  []historyRow
	Files    []blob.Meta
	File     page.Field
	Ask      page.Field
	Talk     []talkLine
	Ticket   page.Due
	TicketIs string
	Ended    string
	MayPass  bool
}

type tab struct {
	Text, Href string
	On         bool
}

type talkLine struct {
	Who, Text string
	At        time.Time
	Mine      bool
}

// day is a day that was written as YYYY-MM-DD, in words.
func (v *screen) day(iso string) string {
	t, err := time.ParseInLocation(time.DateOnly, iso, v.Zone)
	if err != nil {
		return iso
	}
	return v.Date(t)
}

// letter is the page of one notice: why you, what it says, what you answer.
func (v *screen) letter(bad error) error {
	l, err := v.s.Open(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	d := v.letterView(l, "/letters/"+l.ID)
	d.Head.Crumbs = []page.Crumb{{Text: v.T("notice.web.inbox"), Href: "/letters"}, {Text: l.Number}}
	d.Open = l.Stage == Sent && Access.May(v.Context(), "notice.answer")
	d.MayPass = d.Open && len(l.MayPass) > 0
	if d.Open && l.AnsweredAt.IsZero() { // the answer is below what is told: a way to it on the first screen
		d.Head.Acts = []page.Act{{Text: v.T("notice.web.answer.h"), Href: "#answer", Kind: "primary", Icon: "check"}}
	}
	d.Answer = v.answerFields(l)
	d.File = page.Field{Name: "file", Kind: "file", Label: v.T("notice.web.file"), Hint: v.T("notice.web.file.hint")}
	d.Ask = page.Field{Name: "question", Kind: "textarea", Rows: 3, Label: v.T("notice.web.ask"), Hint: v.T("notice.web.ask.hint"), Limit: thread.MaxText}
	if l.Ticket != nil {
		if err := v.talk(&d, l); err != nil {
			return err
		}
	}
	shell := v.shell(d.Head.H1, "letters")
	shell.Handling = v.handling(v.highest(&l.Content), l.Content.Clearance)
	if v.Query("done") != "" {
		shell.Flash = append(shell.Flash, page.Flash{Kind: "good", Text: v.T("notice.web.answered")})
	}
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/letter", shell, d)
}

// letterView is what the recipient's page and the sender's preview share.
func (v *screen) letterView(l Letter, at string) letterView {
	c := &l.Content
	d := letterView{Letter: l, State: v.state(l.State), Due: v.answerDue(&l), Files: l.Evidence}
	d.Head = page.Head{H1: v.say(c.Title), Lead: v.T("notice.web.letter.lead", "from", l.FromName, "number", l.Number)}
	if l.Origin != "" {
		d.Head.Lead = v.T("notice.web.letter.origin", "from", l.FromName, "origin", l.Origin, "number", l.Number)
	}
	if l.Stage == Withdrawn || l.Stage == Corrected {
		d.State = stated{"plain", v.T("notice.web.stage." + string(l.Stage))}
		d.FixDue = d.Due
	} else if !c.FixBy.IsZero() {
		d.FixDue = due(c.FixBy, l.FixedAt, l.Stage != Sent || l.State == NotAffected)
		if !l.FixedAt.IsZero() {
			d.FixDue.Word = v.T("notice.web.due.fixed")
		}
	}
	for _, w := range l.Why {
		d.Why = append(d.Why, v.say(w))
	}
	shown := Kind(v.Query("version"))
	if !c.Has(shown) && len(l.Kinds) > 0 {
		shown = l.Kinds[0]
	}
	for _, k := range l.Kinds {
		d.Tabs = append(d.Tabs, tab{v.kind(k), at + "?version=" + string(k), k == shown})
	}
	if c.Has(shown) {
		x := v.version(c, shown)
		d.Version = &x
	}
	for _, a := range l.Answers {
		d.History = append(d.History, historyRow{v.state(a.State), a.At, a.Note, v.day(a.Date), a.Interim, a.Corrects})
	}
	switch l.Stage {
	case Withdrawn:
		d.Ended = v.T("notice.web.withdrawn", "why", l.EndedWhy)
	case Corrected:
		d.Ended = v.T("notice.web.corrected")
	}
	return d
}

// answerDue is the clock of an answer. What was taken back or replaced has
// none: nothing is asked any more.
func (v *screen) answerDue(l *Letter) page.Due {
	if l.Stage == Withdrawn || l.Stage == Corrected {
		return page.Due{Off: true, Word: v.T("notice.web.due.none")}
	}
	return v.due(l.Content.AnswerBy, l.AnsweredAt, l.Stage != Sent)
}

func (v *screen) answerFields(l Letter) []page.Field {
	f := page.Field{Name: "state", Kind: "choice", Label: v.T("notice.web.answer"), Need: page.Required}
	if v.s.Rules.State(l.State).Answer {
		f.Value = string(l.State)
	}
	for _, s := range v.s.Rules.Answers() {
		o := page.Option{Value: string(s), Label: v.T("notice.web.state." + string(s)), Hint: v.T("notice.web.state." + string(s) + ".hint")}
		if s == Planned {
			o.Reveal = []page.Field{
				{Name: "date", Kind: "date", Label: v.T("notice.web.date"), Hint: v.T("notice.web.date.hint"), Value: l.PlannedFor},
				{Name: "interim", Kind: "textarea", Rows: 2, Label: v.T("notice.web.interim"), Hint: v.T("notice.web.interim.hint"), Limit: maxWords},
			}
		}
		f.Options = append(f.Options, o)
	}
	out := []page.Field{f, {Name: "note", Kind: "textarea", Rows: 3, Label: v.T("notice.web.note"), Need: page.Optional, Limit: maxWords}}
	if l.Relayed {
		out = append(out, page.Field{Name: "shown", Kind: "check", Label: v.T("notice.web.shown", "from", l.FromName), Hint: v.T("notice.web.shown.hint"), Value: onIf(l.Shown)})
	}
	return out
}

func onIf(b bool) string {
	if b {
		return "on"
	}
	return ""
}

func (v *screen) talk(d *letterView, l Letter) error {
	list, err := v.s.Help(v.Context(), l.ID)
	if err != nil {
		return err
	}
	for _, m := range list {
		who := l.DeskName
		if m.From == v.Who.Org {
			who = v.Who.OrgName
		}
		d.Talk = append(d.Talk, talkLine{who, m.Text, m.At, m.From == v.Who.Org})
	}
	d.Ticket = v.due(l.Ticket.Due, l.Ticket.AnsweredAt, l.Ticket.State == TicketClosed)
	d.TicketIs = v.T("notice.web.ticket." + string(l.Ticket.State))
	return nil
}

func (v *screen) answer() error {
	in := AnswerInput{State: State(v.Form("state")), Note: v.Form("note"), Interim: v.Form("interim")}
	if in.State == Planned {
		day, bad := page.ReadDate(v.Forms(), "date")
		if bad != nil {
			return v.letter(fault.New(fault.Invalid, "notice.answer.invalid").At(*bad))
		}
		if !day.IsZero() {
			in.Date = day.Format(time.DateOnly)
		}
	}
	shown := v.Form("shown") != ""
	in.Shown = &shown
	_, err := v.s.Answer(v.Context(), v.Path("id"), in)
	if err != nil && comesBack(err) && !errors.Is(err, ErrEnded) {
		return v.letter(err)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/letters/" + v.Path("id") + "?done=1")
}

func (v *screen) addEvidence() error {
	f := v.File("file")
	if f == nil {
		return v.letter(fault.New(fault.Invalid, "notice.invalid", "n", 1).At(fault.Place{At: "file", Code: "notice.field.empty"}))
	}
	if _, err := v.s.AddEvidence(v.Context(), v.Path("id"), f.Name, f.Reader()); err != nil {
		if comesBack(err) {
			return v.letter(fault.Of(err).At(fault.Place{At: "file", Code: fault.Of(err).Code, Args: fault.Of(err).Args}))
		}
		return err
	}
	return v.Redirect("/letters/" + v.Path("id") + "#files")
}

func (v *screen) evidence() error {
	m, content, err := v.s.Evidence(v.Context(), v.Path("id"), v.Path("file"))
	if err != nil {
		return err
	}
	defer content.Close()
	return v.Download(m.Name, m.Media, content)
}

func (v *screen) askHelp() error {
	if _, err := v.s.AskHelp(v.Context(), v.Path("id"), v.Form("question")); err != nil {
		if comesBack(err) {
			return v.letter(err)
		}
		return err
	}
	return v.Redirect("/letters/" + v.Path("id") + "#help")
}
