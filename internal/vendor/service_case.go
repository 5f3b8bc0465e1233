package vendor

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// Start opens a case. Who coordinates names the makers; with Send they are
// asked at once. A maker opens one about products of its own, to the national
// office, or with a coordinating body when there is no office on this hub.
// Faults: ErrInvalid with places, ErrBasis, ErrNotMaker.
func (s *Service) Start(ctx context.Context, n NewCase) (c Case, requests []Request, err error) {
	act := &ledger.Act{Verb: "vendor.start"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		now := s.now()
		maker := !who.Is(string(org.Office)) && !who.Is(string(org.JPCERT))
		if maker {
			if len(n.Makers) == 0 {
				n.Makers = []NewMaker{{}}
			}
			n.Makers = n.Makers[:1]
			n.Makers[0].Org, n.Send, n.Sectors = who.Org, false, nil
		}
		if n, err = n.normal(now, who.Clearance); err != nil {
			return err
		}
		c = Case{ID: newID(), Number: newNumber(), Org: who.Org, Basis: n.Basis, Vulnerability: n.Vulnerability, Title: n.Title, Facts: n.Facts, TLP: n.TLP,
			Clearance: n.Clearance, Embargo: n.Embargo, Sectors: n.Sectors, CreatedAt: now, UpdatedAt: now, Revision: 1, Starter: who.Org}
		if c.Org, c.Basis, err = s.coordinator(ctx, tx, who, maker, n.Basis); err != nil {
			return err
		}
		k, err := s.Keys.Make(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		if err := c.seal(k); err != nil {
			return err
		}
		if err := insertCase(ctx, tx, c); err != nil {
			return err
		}
		if err := putSectors(ctx, tx, c.ID, c.Sectors); err != nil {
			return err
		}
		c.sealed = nil
		for _, m := range n.Makers {
			r, err := s.addMaker(ctx, tx, act, c, who.Org, m)
			if err != nil {
				return err
			}
			if n.Send {
				if err := s.send(ctx, tx, act, c, &r, who.Org, n.DueAt, ""); err != nil {
					return err
				}
			}
			requests = append(requests, r)
		}
		act.Object, act.Secret = caseObject(c.ID), n
		act.Public = map[string]any{"basis": string(c.Basis), "makers": len(requests), "sent": n.Send, "coordinator": ledger.Org(c.Org)}
		if c.Embargo.Runs(now) {
			act.Public["embargo"] = c.Embargo.Until.Format(time.RFC3339)
		}
		return publish(ctx, tx, "started", Happened{Case: c.ID, Coordinator: c.Org})
	})
	return c, requests, err
}

// coordinator finds who coordinates a case, and on what ground makers are asked.
// Only the office asks under the Act.
func (s *Service) coordinator(ctx context.Context, tx *db.Tx, who gate.Identity, maker bool, basis Basis) (string, Basis, error) {
	switch {
	case maker:
		for _, kind := range []org.Kind{org.Office, org.JPCERT} {
			list, err := s.Orgs.Bodies(ctx, tx, kind)
			if err != nil {
				return "", "", err
			}
			if len(list) > 0 {
				return string(list[0].ID), MakerBegan, nil
			}
		}
		return "", "", fault.New(fault.Unmet, "vendor.nobody")
	case who.Is(string(org.Office)):
		if basis == Coordination {
			return who.Org, Coordination, nil
		}
		return who.Org, Article42, nil
	case basis == Article42:
		return "", "", ErrBasis
	}
	return who.Org, Coordination, nil
}

// addMaker puts a maker with its products into a case.
func (s *Service) addMaker(ctx context.Context, tx *db.Tx, act *ledger.Act, c Case, by string, m NewMaker) (Request, error) {
	now := s.now()
	r := Request{ID: newID(), Case: c.ID, Org: m.Org, State: Reported, WaitsFor: waits(Reported), UpdatedAt: now, Revision: 1}
	o, err := s.Orgs.Load(ctx, tx, org.ID(m.Org))
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return r, err
	}
	if err != nil || !o.Is(org.Maker) {
		return r, fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "maker", Code: ErrNotMaker.Code})
	}
	if err := insertRequest(ctx, tx, r); err != nil {
		return r, err
	}
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return r, err
	}
	for _, p := range m.Products {
		x := Product{ID: newID(), Name: p.Name, CPE: p.CPE, PURL: p.PURL, Status: NotChecked, Fix: NoFix, UpdatedAt: now}
		if err := x.seal(k); err != nil {
			return r, err
		}
		if err := insertProduct(ctx, tx, r, x); err != nil {
			return r, err
		}
	}
	p := Past{To: Reported, At: now, Org: by, By: Coordinator, Entry: act.Entry, id: newID()}
	if by == m.Org {
		p.By = Maker
	}
	p.sealed = k.Seal(nil, "vendor_step/"+p.id)
	return r, insertStep(ctx, tx, r.ID, p)
}

// send triages a request and asks the maker.
func (s *Service) send(ctx context.Context, tx *db.Tx, act *ledger.Act, c Case, r *Request, by string, dueAt time.Time, note string) error {
	m, err := s.mover(ctx, tx, act, r, c, by, Coordinator)
	if err != nil {
		return err
	}
	if r.State == Reported || r.State == Closed {
		if err := m.to(ctx, Triaged, ""); err != nil {
			return err
		}
	}
	r.DueAt = dueAt
	if err := m.to(ctx, RequestSent, note); err != nil {
		return err
	}
	return m.save(ctx)
}

// AddMaker puts one more maker into a case of one's own. Faults: ErrNone,
// ErrTwice, ErrInvalid.
func (s *Service) AddMaker(ctx context.Context, id ID, m NewMaker) (r Request, err error) {
	act := &ledger.Act{Verb: "vendor.change", Object: caseObject(id), Secret: m}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		var bad mistakes
		if m.Products = bad.products("products", m.Products); len(bad) > 0 {
			return bad.err()
		}
		if r, err = s.addMaker(ctx, tx, act, c, who.Org, m); err != nil {
			return err
		}
		act.Public = map[string]any{"maker": ledger.Org(m.Org)}
		c.ClosedAt, c.UpdatedAt = time.Time{}, s.now()
		return updateCase(ctx, tx, c)
	})
	return r, err
}

// Triage takes a reported request up. A maker's own case is accepted with that:
// who brought it needs not be asked.
func (s *Service) Triage(ctx context.Context, request ID) error {
	return s.coordinate(ctx, request, func(tx *db.Tx, m *mover) error {
		if err := m.to(ctx, Triaged, ""); err != nil {
			return err
		}
		if !m.f.began {
			return nil
		}
		if err := m.to(ctx, Accepted, ""); err != nil {
			return err
		}
		m.by = Maker // what it said when it brought the case holds
		for _, st := range after(m.r.State, m.f) {
			if err := m.to(ctx, st, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// Send asks the maker, or asks again, with a deadline; the zero time is the
// house target. Faults: ErrStep, ErrInvalid.
func (s *Service) Send(ctx context.Context, request ID, dueAt time.Time, note string) error {
	return s.coordinate(ctx, request, func(tx *db.Tx, m *mover) error {
		var bad mistakes
		note := bad.text("note", note, maxWords, false)
		at := bad.due(dueAt, s.now())
		if len(bad) > 0 {
			return bad.err()
		}
		if m.r.State == Reported || m.r.State == Closed {
			if err := m.to(ctx, Triaged, ""); err != nil {
				return err
			}
		}
		m.r.DueAt = at
		return m.to(ctx, RequestSent, note)
	})
}

// Told notes that users were told by another way than a notice of this hub.
func (s *Service) Told(ctx context.Context, request ID, how string) error {
	return s.coordinate(ctx, request, func(tx *db.Tx, m *mover) error {
		if m.c.Embargo.Runs(s.now()) {
			return ErrEmbargo
		}
		var bad mistakes
		if how = bad.text("note", how, maxWords, true); len(bad) > 0 {
			return bad.err()
		}
		return m.to(ctx, UsersNotified, how)
	})
}

// Close ends a request, with a reason.
func (s *Service) Close(ctx context.Context, request ID, reason string) error {
	return s.coordinate(ctx, request, func(tx *db.Tx, m *mover) error {
		var bad mistakes
		if reason = bad.text("note", reason, maxWords, true); len(bad) > 0 {
			return bad.err()
		}
		return m.to(ctx, Closed, reason)
	})
}

func (s *Service) coordinate(ctx context.Context, request ID, fn func(tx *db.Tx, m *mover) error) error {
	act := &ledger.Act{Verb: "vendor.step", Object: requestObject(request)}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		m, err := s.mover(ctx, tx, act, &r, c, who.Org, Coordinator)
		if err != nil {
			return err
		}
		if err := fn(tx, m); err != nil {
			return err
		}
		return m.save(ctx)
	})
}

// CaseChange is what a coordinator may change of a case; nil leaves it.
type CaseChange struct {
	Vulnerability *string   `json:"vulnerability,omitempty"`
	Title         *string   `json:"title,omitempty"`
	Facts         *string   `json:"facts,omitempty"`
	Sectors       *[]string `json:"sectors,omitempty"`
}

// Change changes what a case says. saw is the revision the caller read.
func (s *Service) Change(ctx context.Context, id ID, saw int64, ch CaseChange) (out Case, err error) {
	act := &ledger.Act{Verb: "vendor.change", Object: caseObject(id), Secret: ch}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		if c.Revision != saw {
			return ErrRevision
		}
		k, err := s.Keys.For(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		if err := c.open(k); err != nil {
			return err
		}
		if c.Sectors, err = loadSectors(ctx, tx, id); err != nil {
			return err
		}
		n := NewCase{Vulnerability: c.Vulnerability, Title: c.Title, Facts: c.Facts, TLP: c.TLP, Clearance: c.Clearance, Sectors: c.Sectors}
		for to, from := range map[*string]*string{&n.Vulnerability: ch.Vulnerability, &n.Title: ch.Title, &n.Facts: ch.Facts} {
			if from != nil {
				*to = *from
			}
		}
		if ch.Sectors != nil {
			n.Sectors = *ch.Sectors
		}
		if n, err = n.normal(s.now(), who.Clearance); err != nil {
			return err
		}
		c.Vulnerability, c.Title, c.Facts, c.Sectors, c.UpdatedAt = n.Vulnerability, n.Title, n.Facts, n.Sectors, s.now()
		if err := c.seal(k); err != nil {
			return err
		}
		if err := updateCase(ctx, tx, c); err != nil {
			return err
		}
		c.Revision++
		out = c
		return putSectors(ctx, tx, id, c.Sectors)
	})
	return out, err
}

// SetEmbargo moves the end of an embargo, or lifts it with the zero time; a
// reason is asked. One that has ended cannot be put back: what was public stays
// public. Faults: ErrOver, ErrInvalid.
func (s *Service) SetEmbargo(ctx context.Context, id ID, e Embargo, reason string) error {
	return s.embargo(ctx, id, e, false, reason)
}

// LiftEmbargo ends an embargo now: an act of its own, so that a date that was
// left out ends none. Faults: as of SetEmbargo.
func (s *Service) LiftEmbargo(ctx context.Context, id ID, reason string) error {
	return s.embargo(ctx, id, Embargo{}, true, reason)
}

func (s *Service) embargo(ctx context.Context, id ID, e Embargo, lift bool, reason string) error {
	act := &ledger.Act{Verb: "vendor.change", Object: caseObject(id), Secret: reason}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		now := s.now()
		if !c.Embargo.Runs(now) {
			return ErrOver
		}
		var bad mistakes
		bad.text("reason", reason, maxWords, true)
		if !lift && e.Until.IsZero() {
			bad.add("embargo", "vendor.bad.lift")
		}
		if e = bad.embargo(e, now); len(bad) > 0 {
			return bad.err()
		}
		if lift {
			e = Embargo{Until: now, Zone: c.Embargo.Zone}
		}
		act.Public = map[string]any{"from": c.Embargo.Until.Format(time.RFC3339), "until": e.Until.Format(time.RFC3339), "zone": e.Zone}
		c.Embargo, c.UpdatedAt = e, now
		if err := updateCase(ctx, tx, c); err != nil {
			return err
		}
		ids, err := releasedOf(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, rid := range ids { // they waited for it
			r, _, err := requestByID(ctx, tx, rid)
			if err != nil {
				return err
			}
			m, err := s.mover(ctx, tx, act, &r, c, who.Org, Coordinator)
			if err != nil {
				return err
			}
			if r.nextAt = (time.Time{}); !e.Runs(now) {
				if err := updateRequest(ctx, tx, r); err != nil {
					return err
				}
				r.Revision++
			}
			if err := m.release(ctx); err != nil {
				return err
			}
		}
		return publish(ctx, tx, "embargo_changed", Happened{Case: c.ID, Coordinator: c.Org})
	})
}
