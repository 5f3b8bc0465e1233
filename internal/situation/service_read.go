package situation

import (
	"context"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
)

// List lists the events that one's organisation takes part in, the newest first.
func (s *Service) List(ctx context.Context, closed bool, cursor string, limit int) (out []Event, next string, err error) {
	err = s.read(ctx, "situation.list", func(tx *db.Tx, who gate.Identity) error {
		if out, next, err = listEvents(ctx, tx, closed, cursor, limit, who); err != nil {
			return err
		}
		for i := range out {
			k, err := s.Keys.For(ctx, tx, out[i].Org)
			if err != nil {
				return err
			}
			if err := out[i].open(k, Tasked); err != nil { // a list shows titles only
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Get returns an event as one's organisation sees it. with is, for the lead,
// whose conversation to show; empty shows all.
func (s *Service) Get(ctx context.Context, id ID, with string) (v View, err error) {
	err = s.read(ctx, "situation.read", func(tx *db.Tx, who gate.Identity) error {
		if v.Event, v.Me, err = loadEvent(ctx, tx, id, who); err != nil {
			return err
		}
		k, err := s.Keys.For(ctx, tx, v.Event.Org)
		if err != nil {
			return err
		}
		if err := v.Event.open(k, v.Me.Part); err != nil {
			return err
		}
		orgs := map[string]bool{v.Event.Org: true, who.Org: true}
		sees := v.Me.Sees.within(v.Me.Part)
		if sees.People {
			if v.People, err = loadPeople(ctx, tx, id, ""); err != nil {
				return err
			}
		}
		if sees.Incidents {
			if v.Incidents, err = loadIncidents(ctx, tx, id); err != nil {
				return err
			}
		}
		if v.Tasks, err = s.seen(ctx, tx, v, sees, who); err != nil {
			return err
		}
		reader := who.Org
		if v.Me.Part == Lead {
			reader = ""
		}
		if v.Decisions, err = loadDecisions(ctx, tx, id, reader, sees.Decisions); err != nil {
			return err
		}
		if err := openDecisions(k, v.Decisions); err != nil {
			return err
		}
		if reader != "" { // to whom else it went is not theirs to know
			for i := range v.Decisions {
				if d := &v.Decisions[i]; d.Org != who.Org && !sees.People {
					d.To = slices.DeleteFunc(d.To, func(o string) bool { return o != who.Org })
				}
			}
		}
		if sees.Reports {
			if v.Reports, err = loadHeads(ctx, tx, id); err != nil {
				return err
			}
		}
		if sees == everything {
			if v.Log, err = loadLog(ctx, tx, id); err != nil {
				return err
			}
		}
		if v.Me.Part != Lead {
			with = who.Org
		}
		if v.Messages, err = s.Threads.Of(ctx, tx, v.Event.Org, objectOf(id), with); err != nil {
			return err
		}
		v.gather(orgs)
		v.Names, err = s.names(ctx, tx, who, orgs)
		return err
	})
	return v, err
}

// seen are the tasks of an event that a participant sees: its own and those it
// gave, and with the right all.
func (s *Service) seen(ctx context.Context, tx *db.Tx, v View, sees Sees, who gate.Identity) ([]Task, error) {
	k, err := s.Keys.For(ctx, tx, v.Event.Org)
	if err != nil {
		return nil, err
	}
	if v.Me.Part == Tasked {
		list, err := s.tasks(ctx, tx, k, v.Event.ID, who.Org)
		for i := range list { // who else gives tasks is not theirs to know
			if list[i].By != who.Org {
				list[i].By = ""
			}
		}
		return list, err
	}
	list, err := s.tasks(ctx, tx, k, v.Event.ID, "")
	if err != nil || sees.Tasks {
		return list, err
	}
	list = slices.DeleteFunc(list, func(t Task) bool { return t.Owner != who.Org && t.By != who.Org })
	for i := range list {
		list[i].Needs = slices.DeleteFunc(list[i].Needs, func(n ID) bool { return !slices.ContainsFunc(list, func(t Task) bool { return t.ID == n }) })
	}
	return list, nil
}

// gather adds the organisations that a view names.
func (v *View) gather(orgs map[string]bool) {
	for _, p := range v.People {
		orgs[p.Org] = true
	}
	for _, i := range v.Incidents {
		orgs[i.By] = true
	}
	for _, t := range v.Tasks {
		orgs[t.Owner], orgs[t.By] = true, true
	}
	for _, d := range v.Decisions {
		orgs[d.Org] = true
		for _, o := range d.To {
			orgs[o] = true
		}
	}
	for _, m := range v.Messages {
		orgs[m.From], orgs[m.With] = true, true
	}
	for _, m := range v.Log {
		orgs[m.Org] = true
		if m.What == "invited" {
			orgs[m.Ref] = true
		}
	}
}

// Own is a task of one's own organisation with the event it belongs to.
type Own struct {
	Event ID   `json:"event"`
	Task  Task `json:"task"`
}

// Mine lists the open tasks of one's own organisation, the first due first.
func (s *Service) Mine(ctx context.Context, limit int) (out []Own, err error) {
	err = s.read(ctx, "situation.list", func(tx *db.Tx, who gate.Identity) error {
		tasks, events, err := ownTasks(ctx, tx, who, db.Limit(limit))
		if err != nil {
			return err
		}
		for i, t := range tasks {
			e, err := eventByID(ctx, tx, events[i])
			if err != nil {
				return err
			}
			k, err := s.Keys.For(ctx, tx, e.Org)
			if err != nil {
				return err
			}
			if err := t.open(k); err != nil {
				return err
			}
			if t.By != who.Org {
				t.By = ""
			}
			out = append(out, Own{events[i], t})
		}
		return nil
	})
	return out, err
}

// Candidates lists the organisations that an event's lead may invite, by kind:
// the public bodies, and with a sector its operators.
func (s *Service) Candidates(ctx context.Context) (names map[string]string, err error) {
	err = s.read(ctx, "situation.lead", func(tx *db.Tx, who gate.Identity) error {
		orgs := map[string]bool{}
		kinds := append(slices.Clone(bodies), org.Maker)
		if who.Is(string(org.Office)) {
			kinds = append(kinds, org.Operator)
		}
		for _, kind := range kinds {
			list, err := s.Orgs.Bodies(ctx, tx, kind)
			if err != nil {
				return err
			}
			for _, o := range list {
				orgs[string(o.ID)] = true
			}
		}
		if who.Is(string(org.Ministry)) {
			list, err := s.Orgs.Bodies(ctx, tx, org.Operator)
			if err != nil {
				return err
			}
			for _, o := range list {
				if slices.ContainsFunc(o.Sectors, func(x string) bool { return slices.Contains(who.Sectors, x) }) {
					orgs[string(o.ID)] = true
				}
			}
		}
		delete(orgs, who.Org)
		names, err = s.names(ctx, tx, who, orgs)
		return err
	})
	return names, err
}
