package situation

import (
	"context"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// Open opens an event that one's own organisation leads. Faults: ErrInvalid
// with places.
func (s *Service) Open(ctx context.Context, n NewEvent) (e Event, err error) {
	act := &ledger.Act{Verb: "situation.open", Secret: n}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if n, err = n.normal(who.Clearance); err != nil {
			return err
		}
		now := s.now()
		e = Event{ID: newID(), Number: newNumber(), Org: who.Org, Title: n.Title, Summary: n.Summary, About: n.About, State: Open, TLP: n.TLP, Clearance: n.Clearance,
			EveryHours: n.EveryHours, OpenedAt: now, UpdatedAt: now, Revision: 1}
		if n.EveryHours > 0 {
			e.NextAt = now.Add(time.Duration(n.EveryHours) * time.Hour)
		}
		k, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if err := e.seal(k); err != nil {
			return err
		}
		if err := insertEvent(ctx, tx, e); err != nil {
			return err
		}
		if err := putParticipant(ctx, tx, e.ID, Participant{Org: who.Org, Part: Lead, Sees: everything, AddedAt: now}, false); err != nil {
			return err
		}
		act.Object, act.Public = objectOf(e.ID), map[string]any{"every_hours": e.EveryHours, "tlp": e.TLP, "clearance": e.Clearance}
		r := &room{s, tx, act, who, e, Participant{}, k}
		return r.note(ctx, "opened", "opened", "", Happened{})
	})
	e.sealed = nil
	return e, err
}

// Invite lets an organisation into an event. What it is decides its part: public
// bodies are members and see what sees names, everybody else is tasked and sees
// its own tasks and what is addressed to it. Faults: ErrNotLead, ErrTwice.
func (s *Service) Invite(ctx context.Context, id ID, who string, sees Sees) (p Participant, err error) {
	act := &ledger.Act{Verb: "situation.lead", Public: map[string]any{"step": "invite", "org": ledger.Org(who)}}
	err = s.within(ctx, act, id, func(r *room) error {
		if p, err = r.participant(ctx, who, sees); err != nil {
			return err
		}
		if n, err := count(ctx, r.tx, "participant", id); err != nil || n >= maxPeople {
			return firstError(err, fault.New(fault.TooLarge, "situation.bad.many", "max", maxPeople))
		}
		if err := putParticipant(ctx, r.tx, id, p, false); err != nil {
			return err
		}
		act.Public["part"], act.Public["sees"] = string(p.Part), p.Sees.list()
		return r.note(ctx, "invited", "invited", who, Happened{Org: who}, who)
	}, Lead)
	return p, err
}

// Narrow changes what a member sees.
func (s *Service) Narrow(ctx context.Context, id ID, who string, sees Sees) error {
	act := &ledger.Act{Verb: "situation.lead", Public: map[string]any{"step": "narrow", "org": ledger.Org(who), "sees": sees.list()}}
	return s.within(ctx, act, id, func(r *room) error {
		list, err := loadPeople(ctx, r.tx, id, who)
		if err != nil {
			return err
		}
		if who == "" || len(list) == 0 || list[0].Part != Member {
			return ErrNone
		}
		list[0].Sees = sees
		return putParticipant(ctx, r.tx, id, list[0], true)
	}, Lead)
}

func (r *room) participant(ctx context.Context, who string, sees Sees) (p Participant, err error) {
	o, err := r.s.Orgs.Load(ctx, r.tx, org.ID(who))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return p, err
	}
	outside := r.who.Is(string(org.Ministry)) && o.Is(org.Operator) && !slices.ContainsFunc(o.Sectors, func(x string) bool { return slices.Contains(r.who.Sectors, x) })
	if err != nil || outside || o.Is(org.Commission) || o.Is(org.Hub) { // who oversees and who runs the hub take no part
		return p, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "org", Code: "situation.bad.org"})
	}
	part := partOf(o.Kinds)
	return Participant{Org: who, Part: part, Sees: sees.within(part), AddedAt: r.s.now()}, nil
}

// mayName reports whether who acts may give a task or address a decision to an
// organisation. Who does not see who takes part would learn it by the answer:
// for them there are the lead and themselves.
func (r *room) mayName(o string) bool {
	return r.me.Part == Lead || r.me.Sees.within(r.me.Part).People || o == r.e.Org || o == r.who.Org
}

func firstError(list ...error) error {
	for _, err := range list {
		if err != nil {
			return err
		}
	}
	return nil
}

// Join joins an incident, by its id or number, to an event. Only whoever has the report on its desk
// can; the room learns its number, kind, sector and severity, and not who
// reported it. Faults: incident.ErrNone, ErrTwice.
func (s *Service) Join(ctx context.Context, id ID, incidentID string) (i Incident, err error) {
	if _, _, err := Access.Allow(ctx, "situation.join"); err != nil {
		return i, s.do(ctx, &ledger.Act{Verb: "situation.join"}, nil)
	}
	if strings.HasPrefix(strings.ToUpper(incidentID), "N-") { // its number
		found, _, err := s.Incidents.List(ctx, incident.Filter{Number: strings.ToUpper(incidentID), Limit: 1})
		if err != nil {
			return i, err
		}
		if len(found) == 0 {
			return i, incident.ErrNone
		}
		incidentID = found[0].ID
	}
	cover, err := s.Incidents.Cover(ctx, incidentID) // its own gate: what is not theirs is not there
	if err != nil {
		return i, err
	}
	c := cover.Case
	act := &ledger.Act{Verb: "situation.join", Public: map[string]any{"incident": c.ID}}
	err = s.within(ctx, act, id, func(r *room) error {
		if n, err := count(ctx, r.tx, "incident", id); err != nil || n >= maxIncidents {
			return firstError(err, fault.New(fault.TooLarge, "situation.bad.many", "max", maxIncidents))
		}
		i = Incident{ID: c.ID, Number: c.Number, Kind: string(c.Kind), Sector: c.Sector, Severity: string(c.Severity), By: r.who.Org, At: s.now()}
		if err := insertIncident(ctx, r.tx, id, i); err != nil {
			return err
		}
		return r.note(ctx, "joined", "joined", c.Number, Happened{})
	}, Lead, Member)
	return i, err
}

// Decide writes into the log of decisions, addressed to participants or, with
// nobody named, to the members. Faults: ErrInvalid.
func (s *Service) Decide(ctx context.Context, id ID, what, why string, to ...string) (d Decision, err error) {
	act := &ledger.Act{Verb: "situation.decide", Secret: []string{what, why}}
	err = s.within(ctx, act, id, func(r *room) error {
		var bad mistakes
		d = Decision{ID: newID(), Org: r.who.Org, What: bad.text("what", what, maxWords, true), Why: bad.text("why", why, maxWords, false), At: s.now(), Entry: act.Entry}
		people, err := loadPeople(ctx, r.tx, id, "")
		if err != nil {
			return err
		}
		for _, o := range to {
			if !r.mayName(o) || !slices.ContainsFunc(people, func(p Participant) bool { return p.Org == o }) {
				bad.add("to", "situation.bad.org")
			} else if !slices.Contains(d.To, o) {
				d.To = append(d.To, o)
			}
		}
		if n, err := count(ctx, r.tx, "decision", id); err != nil || n >= maxDecisions {
			return firstError(err, fault.New(fault.TooLarge, "situation.bad.many", "max", maxDecisions))
		}
		if len(bad) > 0 {
			return bad.err()
		}
		if d.sealed, err = r.k.SealJSON(decisionSecret{d.What, d.Why}, "situation_decision/"+d.ID); err != nil {
			return err
		}
		if err := insertDecision(ctx, r.tx, id, r.who.Person, d); err != nil {
			return err
		}
		var orgs []ledger.Org
		for _, o := range d.To {
			orgs = append(orgs, ledger.Org(o))
		}
		act.Public = map[string]any{"to": orgs}
		d.sealed = nil
		return r.note(ctx, "decided", "decided", d.ID, Happened{}, d.To...)
	}, Lead, Member)
	return d, err
}

// Say writes to the lead, or as the lead to one participant. Every participant
// has a conversation of its own.
func (s *Service) Say(ctx context.Context, id ID, with string, kind thread.Kind, words string) (m thread.Message, err error) {
	act := &ledger.Act{Verb: "situation.say", Secret: words}
	err = s.within(ctx, act, id, func(r *room) error {
		if r.me.Part != Lead {
			with = r.who.Org
		}
		people, err := loadPeople(ctx, r.tx, id, with)
		if err != nil {
			return err
		}
		if with == "" || len(people) == 0 || with == r.e.Org {
			return ErrNone
		}
		if kind != thread.Question && kind != thread.Answer {
			kind = thread.Note
		}
		m, err = s.Threads.Post(ctx, r.tx, r.e.Org, thread.Message{Object: objectOf(id), With: with, From: r.who.Org, Person: r.who.Person, Kind: kind, Text: words}, s.now())
		if err != nil {
			return err
		}
		act.Public = map[string]any{"with": ledger.Org(with), "kind": string(kind)}
		return publish(ctx, r.tx, "said", Happened{Event: id, By: r.who.Org, Org: with}, r.e.Org, with)
	}, Lead, Member, Tasked)
	return m, err
}

// Close ends an event with what was learned, when every task is done or
// cancelled. Faults: ErrUndone, ErrInvalid.
func (s *Service) Close(ctx context.Context, id ID, lessons string) error {
	act := &ledger.Act{Verb: "situation.lead", Public: map[string]any{"step": "close"}, Secret: lessons}
	return s.within(ctx, act, id, func(r *room) error {
		var bad mistakes
		if lessons = bad.text("lessons", lessons, maxWords, true); len(bad) > 0 {
			return bad.err()
		}
		tasks, err := loadTasks(ctx, r.tx, id, "")
		if err != nil {
			return err
		}
		open := 0
		for i := range tasks {
			if !tasks[i].State.Over() {
				open++
			}
		}
		if open > 0 {
			return fault.New(fault.Unmet, ErrUndone.Code, "n", open)
		}
		if err := r.e.open(r.k, Lead); err != nil {
			return err
		}
		r.e.State, r.e.Lessons, r.e.ClosedAt, r.e.NextAt = Closed, lessons, s.now(), time.Time{}
		if err := r.e.seal(r.k); err != nil {
			return err
		}
		if err := r.touch(ctx); err != nil {
			return err
		}
		people, err := loadPeople(ctx, r.tx, id, "")
		if err != nil {
			return err
		}
		var orgs []string
		for _, p := range people {
			orgs = append(orgs, p.Org)
		}
		act.Public["tasks"] = len(tasks)
		return r.note(ctx, "closed", "closed", "", Happened{}, orgs...)
	}, Lead)
}
