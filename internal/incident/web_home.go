package incident

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// Today is this noun's part of somebody's first page. The page draws Todos
// among those of the other nouns, and the rest with
// {{include "incident/home" .}}.
type Today struct {
	Todos    []page.Todo
	Case     string // number of the case whose clocks Lanes are
	Title    string
	CaseHref string
	Lanes    *page.Lanes
	Back     []page.Evidence // what came back, the newest first
	Readings []readingRow
	Writes   bool // may report: draw the button that starts
	Record   bool // readings are theirs to see
}

// homeCases is how many cases the first page looks into; homeBack how many
// days back it tells of.
const (
	homeCases = 12
	homeBack  = 14
	homeSoon  = 7 * 24 * time.Hour
)

// Home gathers the first page of whoever asks: an operator's drafts, clocks,
// open questions, feedback and readings; of a recipient what waits for it.
func Home(q *httpd.Request, s *Service) (Today, error) {
	v := &screen{Request: q, s: s, says: says{q.Printer, q.Now()}}
	switch Access.Reach(q.Who, "incident.list") {
	case gate.Own:
		return v.operatorHome()
	case gate.Addressed:
		return v.deskHome()
	}
	return Today{}, nil
}

// Waiting counts what waits for one's organisation, up to a hundred: for the
// main menu.
func Waiting(ctx context.Context, s *Service) (int, error) {
	if !Access.May(ctx, "incident.list") {
		return 0, nil
	}
	list, _, err := s.List(ctx, Filter{Waiting: true, Limit: 100})
	return len(list), err
}

func (v *screen) deskHome() (d Today, err error) {
	list, names, _, err := v.s.Desk(v.Context(), Filter{Waiting: true, Limit: homeCases})
	if err != nil {
		return d, err
	}
	for _, c := range list {
		t := page.Todo{Severity: string(Watch), Title: v.T("incident.web.todo.stamp", "number", c.Number), Href: "/inbox/" + c.ID, Act: v.T("incident.web.todo.open"),
			Why: names[c.Org] + " · " + v.kind(c.Kind) + " · " + v.numbered(c.Stage, c.Version)}
		if c.Severity != "" {
			t.Severity = string(c.Severity)
		}
		d.Todos = append(d.Todos, t)
	}
	return d, nil
}

func (v *screen) operatorHome() (d Today, err error) {
	d.Writes = v.mayWrite()
	if d.Writes {
		drafts, err := v.draftRows()
		if err != nil {
			return d, err
		}
		for _, x := range drafts {
			t := page.Todo{Severity: string(Attend), Title: v.T("incident.web.todo.draft", "name", x.Name), Href: "/drafts/" + x.ID, Act: v.T("incident.web.todo.go_on"),
				Why: v.T("incident.web.todo.draft.why", "stage", x.Stage, "at", v.Short(x.UpdatedAt, v.now))}
			if x.Clashes > 0 {
				t.Title, t.Href, t.Act = v.T("incident.web.todo.clash", "name", x.Name), "/drafts/"+x.ID+"/clash", v.T("incident.web.clash.choose")
			}
			d.Todos = append(d.Todos, t)
		}
	}
	list, _, err := v.s.List(v.Context(), Filter{State: Open, Limit: homeCases})
	if err != nil {
		return d, err
	}
	var soonest time.Time
	for _, c := range list {
		if !c.PurgedAt.IsZero() {
			continue
		}
		full, err := v.s.Open(v.Context(), c.ID, 0, "")
		if err != nil {
			return d, err
		}
		v.caseTodos(&d, full)
		v.cameBack(&d, full)
		if at := soonestDue(v.ordered(full.Result)); !at.IsZero() && (soonest.IsZero() || at.Before(soonest)) {
			soonest = at
			d.Case, d.CaseHref, d.Title, d.Lanes = c.Number, "/reports/"+c.ID, v.name(full.Report), v.lanes(full.Result, recognised(full.Report))
		}
	}
	rank := []string{string(Act), string(Attend), string(Watch), string(Track)}
	slices.SortStableFunc(d.Todos, func(a, b page.Todo) int {
		return cmp.Compare(slices.Index(rank, a.Severity), slices.Index(rank, b.Severity))
	})
	slices.SortStableFunc(d.Back, func(a, b page.Evidence) int { return b.At.Compare(a.At) })
	d.Back = d.Back[:min(len(d.Back), 6)]
	if d.Record = Access.May(v.Context(), "incident.readings"); d.Record {
		d.Readings, _, err = v.readingRows("", "", 5)
	}
	return d, err
}

// soonestDue is the next statutory instant among regimes in their order.
func soonestDue(ps []*ProfileResult) time.Time {
	for _, p := range ps {
		if c := p.next(); c.Due != nil && (c.State == ClockRunning || c.State == ClockSoon || c.State == ClockLate) {
			return *c.Due
		}
	}
	return time.Time{}
}

func (v *screen) caseTodos(d *Today, full View) {
	c := full.Case
	name := c.Number + " " + v.name(full.Report)
	for _, p := range v.ordered(full.Result) {
		k := p.next()
		if k.Due == nil || k.State != ClockSoon && k.State != ClockLate && (k.State != ClockRunning || k.Due.Sub(v.now) > homeSoon) {
			continue
		}
		t := page.Todo{Severity: string(Attend), Title: v.T("incident.web.todo.due", "to", v.to(p), "stage", k.StageName), Href: "/reports/" + c.ID, Why: name, Due: v.clock(k), Act: v.T("incident.web.todo.open")}
		if k.State != ClockRunning {
			t.Severity = string(Act)
		}
		d.Todos = append(d.Todos, t)
	}
	if away := v.stillAway(full); len(away) > 0 {
		d.Todos = append(d.Todos, page.Todo{Severity: string(Attend), Title: v.T("incident.web.todo.away", "number", c.Number, "n", len(away)), Href: "/reports/" + c.ID + "#away",
			Why: strings.Join(away, v.T("incident.web.comma")), Act: v.T("incident.web.todo.open")})
	}
	for _, t := range v.talks(full) {
		if t.Open {
			d.Todos = append(d.Todos, page.Todo{Severity: string(Attend), Title: v.T("incident.web.todo.question", "name", t.Name), Href: "/reports/" + c.ID + "#talks", Why: name, Act: v.T("incident.web.todo.answer")})
		}
	}
}

// stillAway names the bodies off this hub whose form may not be in yet: those
// it was made for in the last days, and those of a regime with a clock that
// runs. The hub cannot know when it was handed in.
func (v *screen) stillAway(full View) (names []string) {
	due := func(d Delivery) bool {
		p := profileOf(full.Result, d.Profile)
		return d.SentAt.After(v.now.AddDate(0, 0, -homeBack)) || p != nil && slices.ContainsFunc(p.Clocks, func(c Clock) bool {
			return c.State == ClockRunning || c.State == ClockSoon || c.State == ClockLate
		})
	}
	ds := slices.DeleteFunc(slices.Clone(full.Deliveries), func(d Delivery) bool { return !due(d) })
	for _, a := range v.away(ds, full.Result, "") {
		if !slices.Contains(names, a.Name) {
			names = append(names, a.Name)
		}
	}
	return names
}

func (v *screen) cameBack(d *Today, full View) {
	since := v.now.AddDate(0, 0, -homeBack)
	href := "/reports/" + full.Case.ID
	for _, s := range v.stamps(full) {
		if s.At.After(since) {
			d.Back = append(d.Back, page.Evidence{Icon: "check", Fact: v.T("incident.web.back.stamp", "name", s.Body), Note: v.T("incident.web.back.number", "number", s.Number), At: s.At, Href: href})
		}
	}
	for _, f := range full.Feedback {
		if f.At.After(since) {
			d.Back = append(d.Back, page.Evidence{Icon: "mail", Fact: v.T("incident.web.back.feedback", "name", full.Names[f.Org]), Note: f.Done, At: f.At, Href: href + "#feedback"})
		}
	}
	for _, t := range v.talks(full) {
		for _, l := range t.Lines {
			if l.Waiting && l.At.After(since) {
				d.Back = append(d.Back, page.Evidence{Icon: "question", Fact: v.T("incident.web.back.question", "name", t.Name), Note: l.Text, At: l.At, Href: href + "#talks"})
			}
		}
	}
}
