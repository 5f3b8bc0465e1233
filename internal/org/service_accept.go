package org

import (
	"context"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Enrolment returns what a link is for, without using it up: a mail scanner
// that opens the page takes nothing away. Fault: ErrLink.
func (s *Service) Enrolment(ctx context.Context, link string) (e Enrolment, err error) {
	if !wellFormed(link, ticketPrefix) {
		return e, ErrLink
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		e, _, _, err = s.enrolment(ctx, tx, link)
		return err
	})
	return e, err
}

func (s *Service) enrolment(ctx context.Context, tx *db.Tx, link string) (e Enrolment, p Person, o Org, err error) {
	t, err := loadTicket(ctx, tx, storedForm(link), s.now(), false)
	if err != nil {
		return e, p, o, gone(err, ErrLink)
	}
	if t.purpose != Invitation && t.purpose != ReEnrol && t.purpose != Recovery || t.tries >= maxTries(t.purpose) {
		return e, p, o, ErrLink
	}
	if p, err = readPerson(ctx, tx, t.people[0], gate.Identity{}, gate.All); err != nil {
		return e, p, o, gone(err, ErrLink)
	}
	if p.State == Suspended {
		return e, p, o, ErrLink
	}
	if o, err = loadOrg(ctx, tx, p.Org, gate.Identity{}, gate.All); err != nil {
		return e, p, o, gone(err, ErrLink)
	}
	e = Enrolment{Purpose: t.purpose, Name: p.Name, Mail: p.Mail, OrgName: o.In(p.Lang), Lang: p.Lang, Expires: t.expires}
	if len(t.totp) == 0 {
		return e, p, o, nil
	}
	if e.Secret, err = s.openTOTP(ctx, tx, p.ID, t.totp); err != nil {
		return e, p, o, err
	}
	e.URL, err = otpauth(e.Secret, s.Issuer, p.Mail)
	return e, p, o, err
}

// Accept uses a link: it sets the password, enrols the device whose code is
// given (or, for a recovery, checks the one that is enrolled), ends all
// sessions the person had, and opens one. Faults: ErrLink, ErrCode,
// org.password.*, ErrCrowded.
func (s *Service) Accept(ctx context.Context, link, password, code string, from Device) (j Joined, err error) {
	if !wellFormed(link, ticketPrefix) {
		return j, ErrLink
	}
	var e Enrolment
	var p Person
	var o Org
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		e, p, o, err = s.enrolment(ctx, tx, link)
		return err
	})
	if err != nil {
		return j, err
	}
	if err := CheckPassword(password, p.Name, p.Mail, o.Name.JA, o.Name.EN, o.Kana); err != nil {
		return j, err
	}
	t, err := s.claim(ctx, link, Invitation, ReEnrol, Recovery)
	if err != nil {
		return j, gone(err, ErrLink)
	}
	now := s.now()
	var how string
	var step int64
	if t.purpose == Recovery {
		how, step, err = s.proof(ctx, p.ID, code, now)
	} else if step, err = matchStep(e.Secret, code, now, 0); step != 0 {
		how = byCode
	}
	if err != nil {
		return j, gone(err, ErrLink)
	}
	if how == "" {
		return j, ErrCode
	}
	digest, err := s.hasher.hash(ctx, password)
	if err != nil {
		return j, err
	}
	act := &ledger.Act{Verb: "person.join"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		j, err = s.join(ctx, tx, act, t, credential{password: digest, totp: t.totp, step: step}, how, code, from)
		return err
	})
	return j, err
}

// join is the transaction of Accept.
func (s *Service) join(ctx context.Context, tx *db.Tx, act *ledger.Act, t ticket, c credential, how, code string, from Device) (j Joined, err error) {
	now := s.now()
	p, err := loadPerson(ctx, tx, t.people[0], gate.Identity{}, gate.All)
	if err != nil {
		return j, gone(err, ErrLink)
	}
	if ok, err := useTicket(ctx, tx, t.id, now); err != nil || !ok || p.State == Suspended {
		return j, orFault(err, ErrLink)
	}
	opened := byInvitation
	switch t.purpose {
	case Recovery:
		opened = byRecovery
		old, err := loadCredential(ctx, tx, p.ID, true)
		if err != nil {
			return j, gone(err, ErrLink)
		}
		if how == byRecoveryCode {
			if ok, err := useCode(ctx, tx, p.ID, normalCode(code), now); err != nil || !ok {
				return j, orFault(err, ErrCode)
			}
			c.step = old.step
		} else if c.step <= old.step {
			return j, ErrCode
		}
		c.totp = old.totp
	case ReEnrol:
		opened = byReEnrol
		fallthrough
	default:
		j.Codes = newCodes(recoveryCodes)
		if err := setCodes(ctx, tx, p.ID, j.Codes); err != nil {
			return j, err
		}
	}
	if err := saveCredential(ctx, tx, p.ID, c, now); err != nil {
		return j, err
	}
	if p.State == Invited {
		p.State = Active
		if err := updatePerson(ctx, tx, p); err != nil {
			return j, err
		}
	}
	if _, err := endSessions(ctx, tx, p.ID, "", now); err != nil {
		return j, err
	}
	if err := voidTickets(ctx, tx, p.ID, now); err != nil {
		return j, err
	}
	if j.Signed, err = s.open(ctx, tx, act, p, opened, from, now); err != nil {
		return j, err
	}
	return j, publishPerson(ctx, tx, "joined", p)
}
