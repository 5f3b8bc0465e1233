package situation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// maxTick bounds the reports that one Tick makes.
const maxTick = 100

// Make makes a report of the facts now, with the lead's judgement in words. It
// stands in for the one that is due when that is overdue or due within the
// hour. Faults: ErrNotLead.
func (s *Service) Make(ctx context.Context, id ID, judgement string) (r Report, err error) {
	act := &ledger.Act{Verb: "situation.lead", Public: map[string]any{"step": "report"}, Secret: judgement}
	err = s.within(ctx, act, id, func(room *room) error {
		var bad mistakes
		if judgement = bad.text("judgement", judgement, maxWords, false); len(bad) > 0 {
			return bad.err()
		}
		r, err = s.make(ctx, room.tx, act, room.k, room.e, room.who.Org, judgement)
		return err
	}, Lead)
	return r, err
}

// Tick makes the reports that are due, of the facts at the hour, as the hub
// itself. It is called every minute or so; twice does nothing more. It returns
// how many it made.
func (s *Service) Tick(ctx context.Context) (n int, err error) {
	var ids []ID
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		ids, err = due(ctx, tx, s.now(), maxTick)
		return err
	}); err != nil {
		return 0, err
	}
	var failed []error // one that cannot be made holds up no other
	for _, id := range ids {
		act := &ledger.Act{Verb: "situation.tick", Object: objectOf(id), Public: map[string]any{"step": "report"}}
		_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
			e, err := eventByID(ctx, tx, id)
			if err != nil {
				return err
			}
			if e.State != Open || e.NextAt.IsZero() || e.NextAt.After(s.now()) {
				return errNotDue
			}
			k, err := s.Keys.For(ctx, tx, e.Org)
			if err != nil {
				return err
			}
			_, err = s.make(ctx, tx, act, k, e, "", "")
			return err
		})
		if errors.Is(err, errNotDue) || errors.Is(err, ErrRevision) { // somebody made it meanwhile
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("report of %s: %w", id, err))
			continue
		}
		n++
	}
	return n, errors.Join(failed...)
}

var errNotDue = errors.New("not due")

// make draws the report, keeps it, and sets the clock for the next.
func (s *Service) make(ctx context.Context, tx *db.Tx, act *ledger.Act, k *key.Cipher, e Event, by, judgement string) (r Report, err error) {
	if e.reports >= maxReports {
		return r, fault.New(fault.TooLarge, "situation.bad.many", "max", maxReports)
	}
	now := s.now()
	from := e.OpenedAt
	heads, err := loadHeads(ctx, tx, e.ID)
	if err != nil {
		return r, err
	}
	if len(heads) > 0 {
		from = heads[0].At
	}
	if err := e.open(k, Lead); err != nil {
		return r, err
	}
	incidents, err := loadIncidents(ctx, tx, e.ID)
	if err != nil {
		return r, err
	}
	tasks, err := s.tasks(ctx, tx, k, e.ID, "")
	if err != nil {
		return r, err
	}
	decisions, err := loadDecisions(ctx, tx, e.ID, "", true)
	if err != nil {
		return r, err
	}
	if err := openDecisions(k, decisions); err != nil {
		return r, err
	}
	line, err := loadLog(ctx, tx, e.ID)
	if err != nil {
		return r, err
	}
	people, err := count(ctx, tx, "participant", e.ID)
	if err != nil {
		return r, err
	}
	r = draw(e, from, now, incidents, tasks, decisions, line, people)
	if r.Exposure, r.Answers, err = s.counts(ctx, tx, e.About); err != nil {
		return r, err
	}
	r.Head = Head{Version: e.reports + 1, At: now, By: by, Entry: act.Entry}
	if !e.NextAt.IsZero() && !e.NextAt.After(now.Add(time.Hour)) { // the one that is due
		r.DueAt = e.NextAt
		e.NextAt = next(e.NextAt, e.EveryHours, maxTime(now, e.NextAt))
	}
	r.NextAt, r.Judgement = e.NextAt, judgement
	sealed, err := k.SealJSON(r, sealedReport(e.ID, r.Version))
	if err != nil {
		return r, err
	}
	if err := insertReport(ctx, tx, e.ID, r.Head, sealed); err != nil {
		return r, err
	}
	e.reports, e.UpdatedAt = r.Version, now
	if err := e.seal(k); err != nil {
		return r, err
	}
	if err := updateEvent(ctx, tx, e); err != nil {
		return r, err
	}
	if err := note(ctx, tx, e.ID, Moment{What: "reported", Org: by, At: now}); err != nil {
		return r, err
	}
	act.Public["version"] = r.Version
	all, err := loadPeople(ctx, tx, e.ID, "")
	if err != nil {
		return r, err
	}
	var orgs []string
	for _, p := range all {
		if p.Sees.Reports {
			orgs = append(orgs, p.Org)
		}
	}
	return r, publish(ctx, tx, "reported", Happened{Event: e.ID, By: by}, orgs...)
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// counts asks how many are exposed and how far they answered; a report says
// ranges only.
func (s *Service) counts(ctx context.Context, tx *db.Tx, about []string) (exposed []Exposure, answers []Answers, err error) {
	for _, v := range about {
		if s.Exposed != nil {
			firms, devices, err := s.Exposed(ctx, tx, v)
			if err != nil {
				return nil, nil, fmt.Errorf("exposure to %s: %w", v, err)
			}
			exposed = append(exposed, Exposure{v, RangeOf(firms), RangeOf(devices)})
		}
		if s.Answered != nil {
			told, opened, answered, fixed, err := s.Answered(ctx, tx, v)
			if err != nil {
				return nil, nil, fmt.Errorf("answers about %s: %w", v, err)
			}
			answers = append(answers, Answers{v, RangeOf(told), RangeOf(opened), RangeOf(answered), RangeOf(fixed)})
		}
	}
	return exposed, answers, nil
}

// Report returns a version of the situation report to a participant that sees
// reports. What that participant does not see of the event is left out of it.
func (s *Service) Report(ctx context.Context, id ID, version int) (e Event, r Report, names map[string]string, err error) {
	err = s.read(ctx, "situation.read", func(tx *db.Tx, who gate.Identity) error {
		var me Participant
		if e, me, err = loadEvent(ctx, tx, id, who); err != nil {
			return err
		}
		if me.Part == Tasked || !me.Sees.Reports {
			return ErrNone
		}
		k, err := s.Keys.For(ctx, tx, e.Org)
		if err != nil {
			return err
		}
		if err := e.open(k, me.Part); err != nil {
			return err
		}
		sealed, err := loadReport(ctx, tx, id, version)
		if err != nil {
			return err
		}
		if err := k.OpenJSON(sealed, sealedReport(id, version), &r); err != nil {
			return err
		}
		r.narrow(me)
		names, err = s.names(ctx, tx, who, r.orgs())
		return err
	})
	return e, r, names, err
}

// narrow cuts a report to what a participant sees of the event.
func (r *Report) narrow(me Participant) {
	mine := func(l []TaskLine) (out []TaskLine) {
		for _, t := range l {
			if me.Sees.Tasks || t.Owner == me.Org {
				out = append(out, t)
			}
		}
		return out
	}
	r.Open, r.Finished = mine(r.Open), mine(r.Finished)
	if !me.Sees.Tasks { // a count of others' tasks says that there are others
		r.Tasks = TaskCounts{Done: len(r.Finished), Open: len(r.Open)}
		for _, t := range r.Open {
			if t.Late {
				r.Tasks.Late++
			}
			if t.State == Cannot {
				r.Tasks.Cannot++
			}
		}
	}
	if !me.Sees.Incidents {
		r.Incidents, r.Sectors = nil, nil
	}
	var kept []Decision
	for _, d := range r.Decisions {
		if d.Org == me.Org || me.Part == Lead || len(d.To) == 0 && me.Sees.Decisions || contains(d.To, me.Org) {
			if me.Part != Lead && d.Org != me.Org && !me.Sees.People { // to whom else it went is not theirs to know
				d.To = slices.DeleteFunc(slices.Clone(d.To), func(o string) bool { return o != me.Org })
			}
			kept = append(kept, d)
		}
	}
	r.Decisions = kept
	if me.Sees != everything {
		var line []Moment
		for _, m := range r.Line {
			if m.Org == me.Org || m.What == "opened" || m.What == "reported" || m.What == "closed" {
				line = append(line, m)
			}
		}
		r.Line, r.People = line, 0
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// orgs are the organisations a report names.
func (r *Report) orgs() map[string]bool {
	out := map[string]bool{r.By: true}
	for _, l := range append(r.Open[:len(r.Open):len(r.Open)], r.Finished...) {
		out[l.Owner] = true
	}
	for _, d := range r.Decisions {
		out[d.Org] = true
		for _, o := range d.To {
			out[o] = true
		}
	}
	for _, m := range r.Line {
		out[m.Org] = true
		if m.What == "invited" {
			out[m.Ref] = true
		}
	}
	return out
}
