package measure

import (
	"context"
	"slices"

	"noroshi/internal/base/db"
)

// Who is asked by a chain of command, the Foreign Minister's clerk, the safety
// commission and the Prime Minister's office, sees of it what they were asked
// about, and their own answer. What is drafted afterwards, and how the chain goes
// on, is not theirs to see until they are asked again.

// asks names the act that a side answers with, and the act by which it was asked.
var asks = map[Side]struct{ with, by []string }{
	ConsultantSide: {[]string{"answer", "object"}, []string{"consult"}},
	SafetySide:     {[]string{"agree"}, []string{"agree"}}, // it is asked by nobody, and sees what it may agree to
	MinisterSide:   {[]string{"order"}, []string{"order", "agree"}},
}

// asOf is a chain as a side that is asked may know it, and the last act of what it
// was asked about: the present one while the chain waits for the side, else the
// last one that it was asked about.
func (s *Service) asOf(ctx context.Context, tx *db.Tx, c *Chain, by Side) (Chain, ID, error) {
	x := Chain{ID: c.ID, Org: c.Org, State: c.State, Facts: Facts{Body: c.Facts.Body}, CreatedAt: c.CreatedAt, Revision: c.Revision, kase: c.kase}
	upto := ID("")
	if c.waits(by) != "" {
		upto = db.Above
		x.Plan, x.Worksheet, x.From, x.Until, x.Facts.Place = c.Plan, c.Worksheet, c.From, c.Until, c.Facts.Place
		return x, upto, nil
	}
	for _, act := range asks[by].by {
		p, err := lastAct(ctx, tx, c.ID, act, db.Above)
		if err == nil {
			upto = p.ID
			break
		}
		if err != db.ErrNoRows {
			return x, "", err
		}
	}
	mine, _, err := listActs(ctx, tx, c.ID, asks[by].with, db.Above, "", 1)
	if err != nil {
		return x, "", err
	}
	x.State, x.Revision = Planned, 0 // there is a plan, and more is not theirs to know
	if len(mine) > 0 {
		x.State = mine[0].To
	}
	var p Plan
	was, err := s.lastTo(ctx, tx, c, "plan", upto, &p)
	if err = ignore(err, ErrNone); err != nil || was.ID == "" {
		return x, upto, err
	}
	x.Plan, x.From, x.Until = p.digest(c.ID), p.From, p.Until
	var w Worksheet
	if was, err = s.lastTo(ctx, tx, c, "consult", upto, &w); was.ID != "" && err == nil {
		x.Worksheet = w.digest(c.ID, x.Plan)
	}
	var l Location
	if was, e := s.lastTo(ctx, tx, c, "locate", upto, &l); was.ID != "" && e == nil {
		x.Facts.Place = l.Place
	}
	return x, upto, ignore(err, ErrNone)
}

// asked opens a chain for a side that is asked: which kinds of steps are planned,
// in which hours, and the papers that are for it.
func (s *Service) asked(ctx context.Context, tx *db.Tx, c *Chain, by Side) (x ChainView, err error) {
	row, upto, err := s.asOf(ctx, tx, c, by)
	if err != nil {
		return x, err
	}
	x = ChainView{Chain: row, Done: []Done{}, Acts: []string{}, Waits: c.waits(by)}
	if x.Waits != "" {
		x.Acts = listed(open(c.State, c.Facts, by))
	}
	if by == MinisterSide && row.State == Ordered {
		x.OrderUntil = c.OrderUntil
	}
	if x.Past, x.PastNext, err = s.heard(ctx, tx, c, by, upto, "", shown); err != nil {
		return x, err
	}
	slices.Reverse(x.Past)
	if err := s.papers(ctx, tx, c, by, upto, &x); err != nil || row.Plan == "" {
		return x, err
	}
	var p Plan
	if _, err := s.lastTo(ctx, tx, c, "plan", upto, &p); err != nil {
		return x, ignore(err, ErrNone)
	}
	x.Planned = &Plan{From: p.From, Until: p.Until}
	for _, st := range p.Steps {
		x.Planned.Steps = append(x.Planned.Steps, PlanStep{Kind: st.Kind})
	}
	return x, nil
}

// heard opens a page of the acts that a side which is asked may read: those before
// it was asked, and its own.
func (s *Service) heard(ctx context.Context, tx *db.Tx, c *Chain, by Side, upto ID, cursor string, limit int) ([]Past, string, error) {
	var names []string
	for act, sides := range audience {
		if slices.Contains(sides, by) {
			names = append(names, act)
		}
	}
	slices.Sort(names)
	if mine, _, err := listActs(ctx, tx, c.ID, asks[by].with, db.Above, "", 1); err != nil {
		return nil, "", err
	} else if len(mine) > 0 && mine[0].ID > upto {
		upto = mine[0].ID
	}
	list, next, err := listActs(ctx, tx, c.ID, names, upto, cursor, limit)
	if err != nil {
		return nil, "", err
	}
	for i := range list {
		if err := s.say(ctx, tx, c, &list[i]); err != nil {
			return nil, "", err
		}
		list[i].sealed = nil
	}
	return listed(list), next, nil
}

// waits names the act that somebody's side owes a chain; empty for none.
func (c *Chain) waits(by Side) string {
	f := &c.Facts
	can := func(act string) bool {
		r := lead(c.State, act, by)
		return r != nil && held(r.guards, f)
	}
	switch {
	case by == ConsultantSide && c.State == Consulting:
		return "answer"
	case by == SafetySide && can("agree"):
		return "agree"
	case by == MinisterSide && c.State == Agreed:
		return "order"
	case by == MemberSide && f.Notice == Noticed && f.Weighed:
		return "confirm"
	case by == MemberSide && f.Notice == Noticed:
		return "weigh"
	case by == CommandSide && f.Notice == Due:
		return "notify"
	case by == CommandSide && f.Accounted && f.Left:
		return "vouch"
	case by == CommandSide && f.Step != "" && f.Left:
		return "account"
	case by == CommandSide && (c.State == Approved || c.State == Declared):
		return "authorise"
	case by == CommandSide && (c.State == Executed || c.State == Stopped):
		return "review"
	case by == CommandSide && c.State == Reviewed && can("close"):
		return "close"
	case by == SuperiorSide && c.unsigned():
		return "second"
	case by == ExecutorSide && c.State == Authorised && f.InWindow:
		return "begin"
	case by == ExecutorSide && c.State == Executing && f.Step == Intended:
		return "go"
	case by == ExecutorSide && f.Step == Gone:
		return "outcome"
	}
	return ""
}

// unsigned reports whether a superior's signature is all that an emergency lacks:
// one that was declared, or one that could be but for it. It is asked for nowhere
// else: where both sides shut emergencies off, it would not help, and where the plan
// is not ready, nobody knows yet what would be signed.
func (c *Chain) unsigned() bool {
	f := c.Facts
	if !f.Overdue || f.Seconded || f.Shut || speak(c.State, "second", SuperiorSide) == nil {
		return false
	}
	if c.declared() {
		return f.NoTime && !f.Approved
	}
	f.Seconded = true
	r := lead(c.State, "declare", CommandSide)
	return r != nil && held(r.guards, &f)
}

// declared reports whether a chain is past its declaration, and not begun.
func (c *Chain) declared() bool { return c.State == Declared || c.State == Authorised }
