package org

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Invite adds a person to an organisation and returns them with the secret of
// a link, shown once, that lets them choose a password and enrol a device.
// Faults: org.person.invalid with places, org.person.mail_taken,
// org.person.not_yours.
func (s *Service) Invite(ctx context.Context, p Person) (Person, string, error) {
	var link string
	act := &ledger.Act{Verb: "person.invite"}
	err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if p.Org == "" {
			p.Org = ID(who.Org)
		}
		o, err := s.ownOrg(ctx, tx, p.Org, who, reach)
		if err != nil {
			return err
		}
		if p, err = checkPerson(p, o); err != nil {
			return err
		}
		if err := grantable(reach, Person{}, p); err != nil {
			return err
		}
		p.ID, p.State, p.CreatedAt, p.Version = PersonID(newID()), Invited, s.now(), 1
		if err := insertPerson(ctx, tx, p); db.IsUnique(err) {
			return ErrMailTaken
		} else if err != nil {
			return err
		}
		if link, err = s.issueLink(ctx, tx, p.ID, Invitation); err != nil {
			return err
		}
		act.Public = personFacts(p)
		act.Secret = p
		return publishPerson(ctx, tx, "invited", p)
	})
	return p, link, err
}

// ownOrg returns the organisation whose people who acts may manage.
func (s *Service) ownOrg(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, reach gate.Reach) (Org, error) {
	if reach != gate.All && string(id) != who.Org {
		return Org{}, ErrOrgGone
	}
	o, err := loadOrg(ctx, tx, id, who, reach)
	return o, gone(err, ErrOrgGone)
}

// checkPerson is Normal with the rule on roles that exclude each other.
func checkPerson(p Person, o Org) (Person, error) {
	p, err := p.Normal(o.Kinds)
	if err != nil {
		return p, err
	}
	if pair, conflict := together(p.Roles); conflict {
		return p, fault.New(fault.Invalid, "org.person.role_conflict", "a", string(pair[0]), "b", string(pair[1]))
	}
	return p, nil
}

func personFacts(p Person) map[string]any {
	return map[string]any{"person": ledger.Person(p.ID), "org": ledger.Org(p.Org), "roles": p.Roles, "clearance": p.Clearance, "state": p.State}
}

// issueLink makes a link for a person and voids their earlier ones.
func (s *Service) issueLink(ctx context.Context, tx *db.Tx, id PersonID, purpose Purpose) (string, error) {
	now := s.now()
	if err := voidTickets(ctx, tx, id, now); err != nil {
		return "", err
	}
	if err := dropTickets(ctx, tx, now); err != nil {
		return "", err
	}
	t := ticket{id: newID(), purpose: purpose, people: []PersonID{id}, expires: now.Add(lifetimes[purpose])}
	if purpose == Invitation || purpose == ReEnrol {
		c, err := s.Keys.Make(ctx, tx, cipherOwner(id))
		if err != nil {
			return "", err
		}
		t.totp = c.Seal([]byte(newTOTPSecret()), totpSeal)
	}
	secret, digest := newSecret(ticketPrefix)
	return secret, insertTicket(ctx, tx, t, digest, now)
}

// Link returns the secret of a new link for a person who lost theirs or
// cannot sign in: an invitation again for somebody who has not joined; for
// others a recovery of the password or, with reEnrol, of password and device,
// which is for when somebody made sure who asks. Nobody does it for
// themselves, and nobody takes over more clearance than they could grant.
// Faults: org.person.not_found, org.person.self, org.person.not_yours,
// org.person.state.
func (s *Service) Link(ctx context.Context, id PersonID, reEnrol bool) (link string, purpose Purpose, err error) {
	act := &ledger.Act{Verb: "person.recover"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		p, err := loadPerson(ctx, tx, id, who, reach)
		if err != nil {
			return gone(err, ErrPersonGone)
		}
		switch {
		case string(id) == who.Person:
			return ErrSelf
		case p.State == Suspended:
			return ErrState
		case reach != gate.All && p.Clearance > ownClearance:
			return ErrNotYours
		case p.State == Invited:
			purpose = Invitation
		case reEnrol:
			purpose = ReEnrol
		default:
			purpose = Recovery
		}
		if link, err = s.issueLink(ctx, tx, id, purpose); err != nil {
			return err
		}
		act.Public = map[string]any{"person": ledger.Person(id), "purpose": purpose}
		return publishPerson(ctx, tx, "changed", p)
	})
	return link, purpose, err
}

// ChangePerson replaces name, address, language, roles and clearance;
// p.Version is the version the change was made from. When roles or clearance
// change, all sessions of the person end, so that none outlives the rights it
// was opened with. Faults: org.person.invalid with places,
// org.person.not_found, org.person.self, org.person.not_yours,
// org.person.last_admin, org.person.mail_taken, org.stale.
func (s *Service) ChangePerson(ctx context.Context, p Person) (Person, error) {
	act := &ledger.Act{Verb: "person.change"}
	err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		was, err := loadPerson(ctx, tx, p.ID, who, reach)
		if err != nil {
			return gone(err, ErrPersonGone)
		}
		o, err := s.ownOrg(ctx, tx, was.Org, who, reach)
		if err != nil {
			return err
		}
		p.Org, p.State, p.CreatedAt, p.LastAt = was.Org, was.State, was.CreatedAt, was.LastAt
		if p, err = checkPerson(p, o); err != nil {
			return err
		}
		rights := p.Clearance != was.Clearance || !sameRoles(p.Roles, was.Roles)
		if rights && string(p.ID) == who.Person {
			return ErrSelf
		}
		if err := grantable(reach, was, p); err != nil {
			return err
		}
		if err := keepAdmin(ctx, tx, was, p); err != nil {
			return err
		}
		if err := updatePerson(ctx, tx, p); db.IsUnique(err) {
			return ErrMailTaken
		} else if err != nil {
			return err
		}
		p.Version++
		if rights {
			if _, err := endSessions(ctx, tx, p.ID, "", s.now()); err != nil {
				return err
			}
		}
		act.Public = personFacts(p)
		act.Secret = p
		return publishPerson(ctx, tx, "changed", p)
	})
	return p, err
}

// sameRoles compares two lists of roles as sets; neither has a role twice.
func sameRoles(a, b []gate.Role) bool {
	for _, r := range a {
		if !(Person{Roles: b}).Has(r) {
			return false
		}
	}
	return len(a) == len(b)
}

// keepAdmin refuses to take away the last administrator: of the hub, or of an
// operator, which then could no longer invite anybody by itself.
func keepAdmin(ctx context.Context, tx *db.Tx, was, now Person) error {
	for _, a := range []struct {
		role gate.Role
		org  ID
	}{{gate.HubAdmin, ""}, {gate.OperatorAdmin, was.Org}} {
		if was.State != Active || !was.Has(a.role) || now.State == Active && now.Has(a.role) {
			continue
		}
		n, err := others(ctx, tx, a.org, a.role, was.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrLastAdmin
		}
	}
	return nil
}

// Suspend ends a person's access: their sessions and links end, their API
// tokens are revoked. Faults as ChangePerson.
func (s *Service) Suspend(ctx context.Context, id PersonID) error {
	return s.setState(ctx, "person.suspend", id, Suspended)
}

// Resume gives a suspended person their sign-in back; API tokens stay revoked.
func (s *Service) Resume(ctx context.Context, id PersonID) error {
	return s.setState(ctx, "person.resume", id, Active)
}

func (s *Service) setState(ctx context.Context, verb string, id PersonID, to PersonState) error {
	act := &ledger.Act{Verb: verb}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		was, err := loadPerson(ctx, tx, id, who, reach)
		if err != nil {
			return gone(err, ErrPersonGone)
		}
		if string(id) == who.Person {
			return ErrSelf
		}
		if was.State == to || to == Active && was.State != Suspended {
			return ErrState
		}
		p := was
		p.State = to
		if to == Active { // who never joined is invited again, not active
			if _, err := loadCredential(ctx, tx, id, false); err == db.ErrNoRows {
				p.State = Invited
			} else if err != nil {
				return err
			}
		}
		if err := keepAdmin(ctx, tx, was, p); err != nil {
			return err
		}
		if err := updatePerson(ctx, tx, p); err != nil {
			return err
		}
		if to == Suspended {
			if err := s.shutOut(ctx, tx, id); err != nil {
				return err
			}
		}
		act.Public = personFacts(p)
		return publishPerson(ctx, tx, "changed", p)
	})
}

func (s *Service) shutOut(ctx context.Context, tx *db.Tx, id PersonID) error {
	now := s.now()
	if _, err := endSessions(ctx, tx, id, "", now); err != nil {
		return err
	}
	if _, err := revokeTokens(ctx, tx, id, now); err != nil {
		return err
	}
	return voidTickets(ctx, tx, id, now)
}

// People returns the people of an organisation, one's own when id is empty,
// in order of name, and the cursor of the next page.
func (s *Service) People(ctx context.Context, id ID, cursor string, limit int) (out []Person, next string, err error) {
	err = s.read(ctx, "person.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if id == "" {
			id = ID(who.Org)
		}
		if reach != gate.All && string(id) != who.Org {
			return ErrOrgGone
		}
		out, next, err = listPeople(ctx, tx, id, cursor, limit, who, reach)
		return err
	})
	return out, next, err
}

// Person returns a person of one's own organisation, or anybody for the hub's
// administrators. Fault: org.person.not_found.
func (s *Service) Person(ctx context.Context, id PersonID) (p Person, err error) {
	err = s.read(ctx, "person.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		p, err = readPerson(ctx, tx, id, who, reach)
		return gone(err, ErrPersonGone)
	})
	return p, err
}

// mayManage refuses, on record, who may not invite people at all; for a form
// that would only lead to a refusal.
func (s *Service) mayManage(ctx context.Context) error {
	return s.read(ctx, "person.invite", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}
