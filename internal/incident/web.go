package incident

import (
	"context"
	"embed"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Web are the console pages of this noun. The forms' own page
// (web/form.html) is not among them: it stands alone.
//
//go:embed web/reports.html web/scope.html web/kind.html web/tasks.html web/question.html web/clash.html
//go:embed web/files.html web/check.html web/receipt.html web/case.html web/version.html web/confirm.html
//go:embed web/inbox.html web/cover.html web/desk.html web/write.html web/readings.html web/home.html
var Web embed.FS

// Pages registers the console pages: the reporter's, the recipients' and the
// commission's. Live pings arrive on the topic "incident/<organisation>".
func Pages(r *httpd.Router, s *Service) {
	w := &web{r, s}
	w.reports()
	w.drafts()
	w.cases()
	w.desk()
	w.record()
	live := func(q *httpd.Request) (string, error) { return "incident/" + q.Who.Org, nil }
	r.Live("GET /live/incident", live)
}

// web registers routes whose handlers get a screen.
type web struct {
	*httpd.Router
	s *Service
}

func (w *web) page(pattern string, fn func(v *screen) error, opts ...httpd.Option) {
	w.Page(pattern, func(q *httpd.Request) error {
		return fn(&screen{Request: q, s: w.s, says: says{q.Printer, q.Now()}})
	}, opts...)
}

// screen is one request for a page of this noun.
type screen struct {
	*httpd.Request
	says
	s *Service
}

// Context is that of the request, with names in the language of the page.
func (v *screen) Context() context.Context {
	ctx := v.Request.Context()
	if who := v.Who; v.Signed {
		who.Lang = string(v.Lang)
		ctx = gate.With(ctx, who)
	}
	return ctx
}

// says tells what this noun's values mean, to one reader at one time.
type says struct {
	text.Printer
	now time.Time
}

func (v says) both(b text.Both) string { return b.In(v.Lang) }

func wording(list []Heading, id string) text.Both {
	i := slices.IndexFunc(list, func(h Heading) bool { return h.ID == id })
	if i < 0 {
		return text.Both{JA: id, EN: id}
	}
	return list[i].Label
}

func (v says) kind(k Kind) string   { return v.T("incident.web.kind." + string(k)) }
func (v says) stage(s Stage) string { return v.both(wording(Dictionary().Stages, string(s))) }

// numbered says which report a version is: 速報, 続報（第2版）.
func (v says) numbered(s Stage, version int) string {
	if s == First {
		return v.stage(s)
	}
	return v.T("incident.web.numbered", "stage", v.stage(s), "n", version)
}

// clock draws a clock as a chip. What is no statutory deadline is said in
// words and never as an instant of the law.
func (v says) clock(c *Clock) page.Due {
	if c == nil {
		return page.Due{Word: v.T("incident.web.clock.none"), Off: true}
	}
	var u page.Due
	if zone, err := time.LoadLocation(c.Zone); err == nil && c.Zone != "Asia/Tokyo" {
		u.Also = zone
	}
	switch c.State {
	case ClockOff:
		return page.Due{Word: v.T("incident.web.clock.off"), Off: true}
	case ClockMet:
		u.MetAt = *c.Submitted
	case ClockMetLate:
		u.MetAt, u.Word = *c.Submitted, v.T("incident.web.clock.met_late")
	case ClockWaiting:
		return page.Due{Word: v.T("incident.web.clock.waiting"), Off: true}
	case ClockOpen:
		u.Word, u.Also = v.T("incident.web.clock.none"), nil
		if c.Kind == Promptly {
			u.Word = v.T("incident.web.clock.promptly")
			if c.HouseDue != nil {
				u.Word = v.T("incident.web.clock.house", "at", v.endOf(*c.HouseDue))
			}
		}
	default:
		u.At = *c.Due
	}
	return u
}

// endOf writes an instant short; midnight belongs to the day before.
func (v says) endOf(at time.Time) string {
	local := at.In(v.Zone)
	if local.Hour() == 0 && local.Minute() == 0 {
		return v.ShortDate(at.Add(-time.Minute), v.now) + " 24:00"
	}
	return v.Short(at, v.now)
}

// next returns the clock of a profile that needs attention first: the one
// that runs out next, else one without a number, else the last that was met,
// else one that has no deadline at all.
func (p *ProfileResult) next() *Clock {
	var best *Clock
	for i := range p.Clocks {
		c := &p.Clocks[i]
		done := c.State == ClockMet || c.State == ClockMetLate
		switch {
		case best == nil:
			best = c
		case done:
			if best.State == ClockMet || best.State == ClockMetLate || best.free() {
				best = c
			}
		case c.free(): // one that counts nothing never hides another
		case best.State == ClockMet || best.State == ClockMetLate || best.State == ClockWaiting || c.earlier(best):
			best = c
		}
	}
	return best
}

// free reports whether a clock has no deadline and was not met either.
func (c *Clock) free() bool { return c.State == ClockOpen && c.Kind == NoLimit }

// running reports whether a regime is one the reporter has to look at now.
func (p *ProfileResult) running() bool {
	return p.InForce && p.Applies != VerdictNo && p.Ready != ReadyNotInUse && p.Ready != ReadyConsent && p.Ready != ReadyNo
}

// to names the recipients of a profile that get its form.
func (v says) to(p *ProfileResult) string {
	var names []string
	for _, rc := range p.Recipients {
		if !rc.Withheld {
			names = append(names, v.both(rc.Name))
		}
	}
	return strings.Join(names, v.T("incident.web.comma"))
}

// duty is a regime with its clocks, for asides and lists.
type duty struct {
	Name  string // who gets the report
	Note  string // regime
	Basis string
	Dues  []stageDue
}

type stageDue struct {
	Stage string
	Due   page.Due
}

// dues are the clocks of a regime, stage by stage; what has no deadline at all
// is said once.
func (v says) dues(p *ProfileResult, show func(*Clock) bool) (out []stageDue) {
	for i := range p.Clocks {
		if c := &p.Clocks[i]; c.Kind != NoLimit && show(c) {
			out = append(out, stageDue{v.both(c.StageName), v.clock(c)})
		}
	}
	return out
}

// duties lists the regimes that want this report, soonest first.
func (v says) duties(res Result) (out []duty) {
	for _, p := range v.ordered(res) {
		d := duty{Name: v.to(p), Note: v.both(p.Name), Basis: v.both(p.Basis), Dues: v.dues(p, func(*Clock) bool { return true })}
		if len(d.Dues) == 0 {
			d.Dues = []stageDue{{"", v.clock(p.next())}}
		}
		if d.Name == "" {
			d.Name, d.Note = d.Note, ""
		}
		out = append(out, d)
	}
	return out
}

func (v says) ordered(res Result) (out []*ProfileResult) {
	for i := range res.Profiles {
		if p := &res.Profiles[i]; p.running() && len(p.Clocks) > 0 {
			out = append(out, p)
		}
	}
	rank := func(p *ProfileResult) time.Time {
		c := p.next()
		switch {
		case c.Due != nil && (c.State == ClockRunning || c.State == ClockSoon || c.State == ClockLate):
			return *c.Due
		case c.HouseDue != nil && c.State == ClockOpen:
			return *c.HouseDue
		}
		return v.now.AddDate(100, 0, 0)
	}
	slices.SortStableFunc(out, func(a, b *ProfileResult) int { return rank(a).Compare(rank(b)) })
	return out
}

// resting lists the regimes that would apply if they were law: grey words,
// never an offer.
func (v says) resting(res Result) (out []string) {
	for _, p := range res.Profiles {
		if !p.InForce && p.Applies == VerdictYes {
			out = append(out, v.both(p.Name))
		}
	}
	return out
}

// lanes draws all clocks of a report side by side.
func (v says) lanes(res Result, start time.Time) *page.Lanes {
	if start.IsZero() {
		return nil
	}
	l := &page.Lanes{Start: start, Word: v.T("incident.web.recognised")}
	for _, p := range v.ordered(res) {
		lane := page.Lane{Name: v.to(p), Note: v.both(p.Name), Due: v.clock(p.next())}
		if lane.Name == "" {
			lane.Name, lane.Note = lane.Note, ""
		}
		var say []string
		for i := range p.Clocks {
			c := &p.Clocks[i]
			m := page.LaneMark{}
			if c.Due != nil {
				m.Due = *c.Due
			}
			if c.Submitted != nil {
				m.Met = *c.Submitted
			}
			if i > 0 && c.Stage == p.Clocks[i-1].Stage && !m.Met.IsZero() {
				continue // one stage is handed in once, however many clocks it has
			}
			lane.Marks = append(lane.Marks, m)
			say = append(say, v.both(c.StageName)+" "+c.Say(v.Printer))
		}
		lane.Say = strings.Join(say, v.T("incident.web.comma"))
		l.Lanes = append(l.Lanes, lane)
	}
	if len(l.Lanes) == 0 {
		return nil
	}
	return l
}

// recognised returns when the clocks of a report start.
func recognised(r *Report) time.Time {
	at, _, _ := instantOf(r.Value("event.recognised_at"))
	return at
}

// name is the report's title, or a word for that it has none.
func (v says) name(r *Report) string {
	if s, ok := r.Value("event.title").Text(); ok && s != "" {
		return s
	}
	return v.T("incident.web.untitled")
}

// handling is what the black strip says of a report.
func (v says) handling(t TLP, purpose string) *page.Handling {
	return &page.Handling{TLP: string(t), Clearance: 1, Purpose: purpose}
}

// comesBack reports whether an error belongs on the form it came from.
func comesBack(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unmet, fault.Conflict, fault.TooLarge, fault.Usage:
		return true
	}
	return false
}

// placed puts a fault at a field of the form, so that the page marks it.
func placed(err error, field string) error {
	f := fault.Of(err)
	if len(f.Places) > 0 || f.Kind == fault.Conflict {
		return err
	}
	return fault.New(f.Kind, "incident.web.invalid").At(fault.Place{At: field, Code: f.Code, Args: f.Args})
}

// mayWrite reports whether the reader may change reports of their own; for
// showing a button, never instead of the service's answer.
func (v *screen) mayWrite() bool { return Access.Reach(v.Who, "incident.draft") == gate.Own }

func (v *screen) home() page.Crumb {
	return page.Crumb{Text: v.T("incident.web.reports"), Href: "/reports"}
}

// nothingSaid is the fault of a form in which nothing was chosen or written.
func nothingSaid(code string) error { return fault.New(fault.Invalid, code) }
