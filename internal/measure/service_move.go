package measure

import (
	"context"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// move is one act on a chain, in the form that all of them have.
type move struct {
	verb   string
	act    string
	by     Side            // empty: by the roles of who acts
	said   any             // goes into the history, sealed
	check  func() error    // of what was said, before anything is looked up
	facts  func(f *Facts)  // what it says to the rules
	public map[string]any  // beside what every act says in clear
	before func(*at) error // further refusals, and what else is written
	after  func(*at) error // what follows from it, before the chain is written
}

// at is where an act happens.
type at struct {
	ctx  context.Context
	tx   *db.Tx
	act  *ledger.Act
	who  gate.Identity
	kase *Case
	c    *Chain
	now  time.Time
	move *move
}

// do makes an act: gate, chain, sides, rule, history, ledger, in this order and in
// one transaction. What time has changed since is written down first, as an act
// of its own. Faults: ErrNone, ErrStep, ErrApart, ErrRevision, and the sentence of
// the guard that does not hold.
func (s *Service) do(ctx context.Context, id ID, m move) (c Chain, err error) {
	if Access.May(ctx, m.verb) {
		if err := s.catchUp(ctx, id, m); err != nil {
			return c, err
		}
	}
	act := &ledger.Act{Verb: m.verb, Secret: m.said}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, m.verb)
		if err != nil {
			return err
		}
		if m.by == "" {
			m.by = sideOf(who)
		}
		now := s.now()
		kase, chain, err := s.load(ctx, tx, id, who, reach, m, now, true)
		if err != nil {
			return err
		}
		act.Object = objectOf(kase.ID)
		if chain.State != chain.stored {
			return ErrRevision
		}
		if m.check != nil {
			if err := m.check(); err != nil {
				return err
			}
		}
		if err := s.side(ctx, tx, kase.ID, who.Person, m.by); err != nil {
			return err
		}
		if err := s.step(&at{ctx, tx, act, who, kase, chain, now, &m}); err != nil {
			return err
		}
		c = *chain
		return s.tell(ctx, tx, m.act, kase, chain)
	})
	return c, err
}

// step is the act itself, on a chain that was loaded for it.
func (s *Service) step(a *at) (err error) {
	m, c := a.move, a.c
	if m.before != nil {
		if err := m.before(a); err != nil {
			return err
		}
	}
	was := c.State
	if find(talksAt[was], m.act, m.by) != nil {
		c.Facts, err = talk(was, c.Facts, m.act, m.by, m.facts)
	} else {
		c.State, c.Facts, err = apply(was, c.Facts, m.act, m.by, m.facts)
	}
	if err != nil {
		return err
	}
	if c.steps != "" && (bars(was, m.act, m.by) || m.act == "lapse" && c.stands.State == approval.Revoked) {
		c.Facts.Barred = true
		if err := putRefused(a.ctx, a.tx, c, a.now); err != nil {
			return err
		}
		if err := putTried(a.ctx, a.tx, c.ID, m.act, c.Approval, a.now); err != nil {
			return err
		}
	}
	if m.after != nil {
		if err := m.after(a); err != nil {
			return err
		}
	}
	if err := s.record(a, was); err != nil {
		return err
	}
	return updateChain(a.ctx, a.tx, c, m.act)
}

// record writes an act into the history of a chain, and in clear what an outside
// replay of the rules needs: no names, no content.
func (s *Service) record(a *at, was State) error {
	c, m := a.c, a.move
	p := Past{ID: newID(), Act: m.act, From: was, To: c.State, Org: a.who.Org, By: m.by, At: a.now, Entry: a.act.Entry, person: a.who.Person}
	sealed, err := s.Keys.SealJSON(a.ctx, a.tx, c.Org, m.said, "measure_act/"+p.ID)
	if err != nil {
		return err
	}
	p.sealed = sealed
	if err := insertAct(a.ctx, a.tx, c.ID, p); err != nil {
		return err
	}
	f := &c.Facts
	pub := map[string]any{"chain": c.ID, "act": m.act, "by": string(m.by), "kind": string(c.Kind()), "body": string(f.Body), "from": string(was), "to": string(c.State), "unit": ledger.Org(c.Org)}
	put := func(name string, v string) {
		if v != "" {
			pub[name] = v
		}
	}
	when := func(name string, t time.Time) {
		if !t.IsZero() {
			pub[name] = t.UTC().Format(time.RFC3339Nano)
		}
	}
	put("place", string(f.Place))
	put("plan", c.Plan)
	put("worksheet", c.Worksheet)
	put("approval", c.Approval)
	put("notice", string(f.Notice))
	put("step_phase", string(f.Step))
	when("window_from", c.From)
	when("window_until", c.Until)
	when("order_until", c.OrderUntil)
	when("declared_at", c.DeclaredAt)
	when("expires_at", c.ExpiresAt)
	when("notice_due_at", c.NoticeDueAt)
	when("noticed_at", c.NoticedAt)
	when("review_due_at", c.ReviewDueAt)
	when("settled_at", c.SettledAt)
	when("power_until", c.ends())
	if f.Approved {
		pub["order"], pub["conditions"] = c.stands.Digest, len(c.stands.Bound)
	}
	if f.Body == Defence {
		pub["joint"] = f.Joint
	}
	pub["shut"], pub["barred"] = f.Shut, f.Barred
	if f.Tried > 0 {
		pub["tried"] = f.Tried
	}
	pub["emergency"] = f.Notice != ""
	pub["consulted"], pub["requested"], pub["ordered"], pub["overdue"], pub["seconded"] = f.Consulted, f.Safety, f.PrimeMinister, f.Overdue, f.Seconded
	for k, v := range m.public {
		pub[k] = v
	}
	a.act.Public = pub
	if c.Approval != "" && a.act.Grant == "" && f.Approved {
		a.act.Grant = c.Approval
	}
	return nil
}

// catchUp writes down what time did to the chain that somebody is about to act
// on.
func (s *Service) catchUp(ctx context.Context, id ID, m move) error {
	var stale ID
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, m.verb)
		if err != nil {
			return err
		}
		if m.by == "" {
			m.by = sideOf(who)
		}
		_, c, err := s.load(ctx, tx, id, who, reach, m, s.now(), false)
		if err == nil && c.State != c.stored {
			stale = c.ID
		}
		return nil // what is wrong the act itself says, on the record
	})
	if err != nil || stale == "" {
		return err
	}
	return s.lapsed(gateless(ctx), stale)
}

// gateless is a context in which nobody acts but the hub itself.
func gateless(ctx context.Context) context.Context { return gate.With(ctx, gate.Identity{}) }

// lapsed writes down what time, or the commission, did to a chain.
func (s *Service) lapsed(ctx context.Context, id ID) error {
	act := &ledger.Act{Verb: "measure.lapse"}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		now := s.now()
		c, err := chainByID(ctx, tx, id, true)
		if err != nil {
			return err
		}
		if err := s.see(ctx, tx, &c, now); err != nil {
			return err
		}
		if c.State == c.stored {
			return errNothing
		}
		kase, err := caseOf(ctx, tx, c.kase)
		if err != nil {
			return err
		}
		act.Object = objectOf(kase.ID)
		c.State = c.stored
		m := move{act: c.lapse(), by: ClockSide, said: struct{}{}}
		if m.act == "" {
			return errNothing
		}
		if m.act == "lapse" {
			m.after = func(a *at) error { return s.endUse(a, "withdrawn") }
		}
		if err := s.step(&at{ctx, tx, act, gate.Identity{}, &kase, &c, now, &m}); err != nil {
			return err
		}
		return s.tell(ctx, tx, m.act, &kase, &c)
	})
	return ignore(err, errNothing)
}

// endUse ends the use of an approval when nothing is done under it any more.
func (s *Service) endUse(a *at, outcome string) error {
	if a.c.use == "" {
		return nil
	}
	use := a.c.use
	a.c.use = ""
	return s.finishUse(a, use, outcome)
}
