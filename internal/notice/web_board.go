package notice

import (
	"bytes"
	"fmt"
	"net/url"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

func (v *screen) enlisted() error {
	var list []NewRecipient
	var kinds []Kind
	for _, k := range v.Forms()["version"] {
		kinds = append(kinds, Kind(k))
	}
	for _, o := range v.Forms()["org"] {
		r := NewRecipient{Org: o, Versions: kinds}
		if w := v.Form("why"); w != "" {
			r.Why = []text.Both{{JA: w, EN: w}}
		}
		list = append(list, r)
	}
	if len(list) == 0 {
		return v.recipients(fault.New(fault.Invalid, "notice.invalid", "n", 1).At(fault.Place{At: "org", Code: "notice.check.nobody"}))
	}
	if err := v.s.AddRecipients(v.Context(), v.Path("id"), list); err != nil {
		if comesBack(err) {
			return v.recipients(renamed(err, map[string]string{"/recipients": "org"}))
		}
		return err
	}
	return v.Redirect("/notices/" + v.Path("id") + "/recipients")
}

func (v *screen) removed() error {
	if err := v.s.RemoveRecipient(v.Context(), v.Path("id"), v.Form("recipient")); err != nil {
		return err
	}
	return v.Redirect("/notices/" + v.Path("id") + "/recipients")
}

// preview shows exactly what one recipient sees.
func (v *screen) preview() error {
	id, recipient := v.Path("id"), v.Path("recipient")
	l, err := v.s.Preview(v.Context(), id, recipient)
	if err != nil {
		return err
	}
	d := v.letterView(l, "/notices/"+id+"/preview/"+recipient)
	d.Preview = true
	d.Head.Crumbs = []page.Crumb{v.noticesCrumb(), {Text: l.Number, Href: "/notices/" + id}, {Text: v.T("notice.web.preview")}}
	shell := v.shell(d.Head.H1, "notices")
	shell.Handling, shell.Live = v.handling(v.highest(&l.Content), l.Content.Clearance), ""
	return v.Render("notice/letter", shell, d)
}

type checkRow struct{ Where, Say string }

type checkView struct {
	Head     page.Head
	ID       ID
	Revision int64
	Nav      []tab
	Versions []versionView
	Readers  map[Kind]int
	Problems []checkRow
	Remarks  []checkRow
	Values   int
	Total    int
	Late     string
	Around   []string
	Facts    page.Facts
}

// check is the page before sending: the three versions side by side, what the
// machine found, and to how many it goes.
func (v *screen) check(bad error) error {
	r, err := v.s.Review(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	n, c := r.Notice, &r.Notice.Content
	d := checkView{ID: n.ID, Revision: n.Revision, Nav: v.draftNav(n.ID, "check"), Values: r.Checked.Values, Total: r.Recipients, Readers: r.Readers}
	d.Head = page.Head{Crumbs: []page.Crumb{v.noticesCrumb(), {Text: n.Number, Href: "/notices/" + n.ID + "/edit"}, {Text: v.T("notice.web.nav.check")}}, H1: v.say(c.Title), Lead: v.T("notice.web.check.lead")}
	for _, k := range versionsOf(c, nil) {
		x := v.version(c, k)
		x.Foot = v.T("notice.web.check.readers", "n", r.Readers[k])
		d.Versions = append(d.Versions, x)
	}
	rows := func(list []fault.Place) (out []checkRow) {
		for _, p := range list {
			out = append(out, checkRow{placeName(v.Printer, p.At), sayPlace(v.Printer, p)})
		}
		return out
	}
	d.Problems, d.Remarks = rows(r.Checked.Problems), rows(r.Checked.Remarks)
	if r.Checked.Late > 0 {
		d.Late = v.T("notice.check.late", "at", v.Time(c.AttackSeenAt), "d", v.Duration(r.Checked.Late))
	}
	d.Around = r.Around.say(v.Printer)
	d.Facts = page.Facts{Tight: true, Rows: []page.Fact{{Name: v.T("notice.web.col.severity"), Value: v.T("page.severity." + string(c.Severity))}, {Name: v.T("notice.web.col.answer_by"), Value: v.Time(c.AnswerBy)}}}
	if !c.FixBy.IsZero() {
		d.Facts.Rows = append(d.Facts.Rows, page.Fact{Name: v.T("notice.web.fix_by"), Value: v.Time(c.FixBy)})
	}
	if !c.KnownAt.IsZero() {
		d.Facts.Rows = append(d.Facts.Rows, page.Fact{Name: v.T("notice.web.known_at"), Value: v.Time(c.KnownAt)})
	}
	shell := v.shell(d.Head.H1, "notices")
	shell.Density, shell.Handling = page.Desk, v.handling(v.s.Rules.Highest(c.TLP, v.highest(c)), c.Clearance)
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/check", shell, d)
}

func (v *screen) send() error {
	var revision int64
	if _, err := fmt.Sscan(v.Form("revision"), &revision); err != nil {
		return v.check(ErrRevision)
	}
	_, err := v.s.Send(v.Context(), v.Path("id"), SendInput{Revision: revision, Despite: v.Form("despite") != ""})
	if err != nil && comesBack(err) && fault.Of(err).Code != ErrSent.Code {
		f := *fault.Of(err)
		f.Places = nil // the page lists them
		return v.check(&f)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/notices/" + v.Path("id") + "?sent=1")
}

func (v *screen) discard() error {
	if err := v.s.Discard(v.Context(), v.Path("id")); err != nil {
		return err
	}
	return v.Redirect("/notices")
}

// laneView is one step of the strip of times: a dot for each recipient, the
// line is the median.
type laneView struct {
	Name, Note, Word, Say string
	Dots                  []string
	Median                string
}

type countView struct {
	State stated
	N     int
	Href  string
	On    bool
	Bad   bool
}

type boardRow struct {
	recipientRow
	State stated
	Fix   string // the day a repair is planned for, in words
	At    time.Time
}

type boardView struct {
	Head    page.Head
	Notice  Notice
	Tag     string
	Late    string
	Ended   string
	Counts  []countView
	Lanes   []laneView
	Ticks   []tickView
	Rows    []boardRow
	Down    []rangeRow
	Total   int
	More    string
	CSV     string
	Open    bool
	Mark    TLP
	Preview string
}

type tickView struct{ X, Word string }

// maxDots bounds the dots of a lane; of more every n-th stands for several.
const maxDots = 200

// board is how a notice stands, live.
func (v *screen) board() error {
	id := v.Path("id")
	state := State(v.Query("state"))
	b, err := v.s.Board(v.Context(), id, state, v.Query("after"), perPage)
	if err != nil {
		return err
	}
	n, c := b.Notice, &b.Notice.Content
	at := "/notices/" + id
	d := boardView{Notice: n, Tag: stageTag(n.Stage), Total: b.Total, CSV: at + "/board.csv", Open: n.Stage == Sent}
	d.Head = page.Head{Crumbs: []page.Crumb{v.noticesCrumb(), {Text: n.Number}}, H1: v.say(c.Title), Lead: v.T("notice.web.board.lead", "number", n.Number, "n", b.Total)}
	if d.Open {
		d.Head.Acts = []page.Act{{Text: v.T("notice.web.correct"), Href: at + "/correct", Post: true}, {Text: v.T("notice.web.withdraw"), Href: at + "/withdraw", Kind: "quiet"}}
	}
	if b.Late > 0 {
		d.Late = v.T("notice.web.late", "d", v.Duration(b.Late))
	}
	switch n.Stage {
	case Withdrawn:
		d.Ended = v.T("notice.web.withdrawn", "why", n.EndedWhy)
	case Corrected:
		d.Ended = v.T("notice.web.corrected")
	}
	for _, s := range v.s.Rules.States {
		href := at + "?state=" + string(s.ID)
		if s.ID == state {
			href = at
		}
		d.Counts = append(d.Counts, countView{v.state(s.ID), b.Counts[s.ID], href, s.ID == state, s.ID == NeedsHelp && b.Counts[s.ID] > 0})
	}
	d.Lanes, d.Ticks = v.timeLanes(b)
	for _, r := range b.Rows {
		x := boardRow{recipientRow: v.recipientRow(r), State: v.state(r.Recipient.State), Fix: v.day(r.PlannedFor), At: r.DeliveredAt}
		for _, t := range []time.Time{r.OpenedAt, r.AnsweredAt, r.FixedAt} {
			if t.After(x.At) {
				x.At = t
			}
		}
		d.Rows = append(d.Rows, x)
	}
	for _, s := range v.s.Rules.States {
		if r, ok := b.Down[s.ID]; ok {
			d.Down = append(d.Down, rangeRow{v.state(s.ID), v.rangeWords(r)})
		}
	}
	if b.Next != "" {
		d.More = at + "?after=" + url.QueryEscape(b.Next) + "&state=" + url.QueryEscape(string(state))
	}
	shell := v.shell(d.Head.H1, "notices")
	shell.Density, shell.Handling = page.Desk, v.handling(v.s.Rules.Highest(c.TLP, v.highest(c)), c.Clearance)
	if v.Query("sent") != "" {
		shell.Flash = append(shell.Flash, page.Flash{Kind: "good", Text: v.T("notice.web.sent", "n", b.Total)})
	}
	return v.Render("notice/board", shell, d)
}

// timeLanes draws known → sent → opened → answered → fixed.
func (v *screen) timeLanes(b Board) (lanes []laneView, ticks []tickView) {
	place := func(t time.Duration) string { return fmt.Sprintf("%.1f%%", 2+0.94*LogPlace(t)) }
	for _, t := range []time.Duration{time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour, 7 * 24 * time.Hour} {
		ticks = append(ticks, tickView{place(t), v.Duration(t)})
	}
	for _, step := range timeSteps {
		s := b.Times[step]
		l := laneView{Name: v.T("notice.web.time." + step), Note: v.T("notice.web.time.n", "n", s.N), Word: v.T("notice.web.time.none")}
		if s.N > 0 {
			l.Median, l.Word = place(s.Median), v.Duration(s.Median)
			every := (s.N + maxDots - 1) / maxDots
			for i := 0; i < s.N; i += every {
				l.Dots = append(l.Dots, place(s.All[i]))
			}
		}
		l.Say = v.T("notice.web.time.say", "step", l.Name, "median", l.Word, "n", s.N)
		lanes = append(lanes, l)
	}
	return lanes, ticks
}

func (v *screen) boardFile() error {
	var out bytes.Buffer
	if err := v.s.Table(v.Context(), v.Path("id"), &out); err != nil {
		return err
	}
	return v.Download("board.csv", "text/csv; charset=utf-8", &out)
}

func (v *screen) withdraw(bad error) error {
	n, err := v.s.Get(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	at := "/notices/" + n.ID
	d := formView{Head: page.Head{Crumbs: []page.Crumb{v.noticesCrumb(), {Text: n.Number, Href: at}, {Text: v.T("notice.web.withdraw")}}, H1: v.T("notice.web.withdraw"), Lead: v.T("notice.web.withdraw.lead")},
		Back: at, Act: v.T("notice.web.withdraw.go"),
		Fields: []page.Field{{Name: "reason", Kind: "textarea", Rows: 3, Label: v.T("notice.web.withdraw.why"), Need: page.Required, Limit: maxWords}}}
	shell := v.shell(d.Head.H1, "notices")
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/form", shell, d)
}

func (v *screen) withdrawn() error {
	if err := v.s.Withdraw(v.Context(), v.Path("id"), v.Form("reason")); err != nil {
		if fault.KindOf(err) == fault.Invalid {
			return v.withdraw(err)
		}
		return err
	}
	return v.Redirect("/notices/" + v.Path("id"))
}

func (v *screen) correct() error {
	n, err := v.s.Correct(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	return v.Redirect("/notices/" + n.ID + "/edit")
}

func (v *screen) senderFile() error {
	m, content, err := v.s.evidence(v.Context(), v.Path("id"), v.Path("recipient"), v.Path("file"))
	if err != nil {
		return err
	}
	defer content.Close()
	return v.Download(m.Name, m.Media, content)
}
