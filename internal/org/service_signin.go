package org

import (
	"context"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// maxSameMail bounds the people of different organisations with one address
// whom one sign-in may mean.
const maxSameMail = 3

// SignIn checks address and password and returns the secret of the next step,
// SignInCode. For an address nobody has it does the same work, and says the
// same. Faults: ErrSignIn, ErrWait with how long, ErrCrowded.
func (s *Service) SignIn(ctx context.Context, mail, password string, from Device) (next string, err error) {
	mail = strings.ToLower(line(mail))
	if len(password) > 4*maxPassword { // nobody's: Accept takes none that long
		password = ""
	}
	if err := s.charge(ctx, mail, from); err != nil {
		return "", err
	}
	var people []Person
	var digests []string
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if people, err = peopleByMail(ctx, tx, mail, maxSameMail); err != nil {
			return err
		}
		for _, p := range people {
			c, err := loadCredential(ctx, tx, p.ID, false)
			if err != nil {
				return err
			}
			digests = append(digests, c.password)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	right, old, err := s.hasher.verify(ctx, password, digests...)
	if err != nil {
		return "", err
	}
	now := s.now()
	t := ticket{id: newID(), purpose: CodeStep, expires: now.Add(lifetimes[CodeStep])}
	again := map[PersonID][2]string{}
	for i := range people {
		if !right[i] {
			continue
		}
		t.people = append(t.people, people[i].ID)
		if old[i] {
			fresh, err := s.hasher.hash(ctx, password)
			if err != nil {
				return "", err
			}
			again[people[i].ID] = [2]string{digests[i], fresh}
		}
	}
	if len(t.people) == 0 {
		return "", ErrSignIn
	}
	secret, digest := newSecret(ticketPrefix)
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		for id, d := range again {
			if err := rehash(ctx, tx, id, d[0], d[1]); err != nil {
				return err
			}
		}
		return insertTicket(ctx, tx, t, digest, now)
	})
	return secret, err
}

// charge counts a try before it is made, so that many at once do not all pass,
// and refuses it while a wait runs. Success takes it back.
func (s *Service) charge(ctx context.Context, mail string, from Device) error {
	now := s.now()
	keys := []struct {
		key  string
		free int
	}{{keyOf("mail", mail), freeTries}, {addressKey(from.Addr), freeFromAddress}}
	var refused error
	var slowed int
	try := func(tx *db.Tx) error {
		refused, slowed = nil, 0
		var next []attempt
		for _, k := range keys {
			a, err := loadAttempt(ctx, tx, k.key, now)
			if err != nil {
				return err
			}
			if a.next.After(now) {
				refused = fault.New(fault.Busy, ErrWait.Code, "wait", a.next.Sub(now).Round(time.Second))
				return nil
			}
			next = append(next, a.fail(now, k.free))
		}
		for i, k := range keys {
			if k.key == "" {
				continue
			}
			if next[i].next.After(now) {
				slowed = next[i].failures
			}
			if err := saveAttempt(ctx, tx, k.key, next[i], now); err != nil {
				return err
			}
		}
		return nil
	}
	if err := s.DB.Write(ctx, try); err != nil {
		return err
	}
	if refused != nil || slowed == 0 {
		return refused
	}
	// Guessing that had to be slowed down is on record, once for each wait.
	_, err := s.Ledger.Do(ctx, &ledger.Act{Verb: "session.slow", Public: map[string]any{"tries": slowed}}, func(*db.Tx) error { return nil })
	return err
}

// SignInCode finishes what SignIn began, with the code of the enrolled device
// or a recovery code, and opens a session. A code works once. Faults: ErrCode,
// ErrStep.
func (s *Service) SignInCode(ctx context.Context, next, code string, from Device) (Signed, error) {
	t, err := s.claim(ctx, next, CodeStep)
	if err != nil {
		return Signed{}, gone(err, ErrStep)
	}
	var out Signed
	var found bool
	for _, id := range t.people {
		out, found, err = s.finish(ctx, t, id, code, from)
		if err != nil || found {
			return out, err
		}
	}
	return Signed{}, ErrCode
}

// claim counts a try of a link and returns it; db.ErrNoRows when it is none of
// the purposes, used, used up or expired.
func (s *Service) claim(ctx context.Context, secret string, purposes ...Purpose) (t ticket, err error) {
	if !wellFormed(secret, ticketPrefix) {
		return t, db.ErrNoRows
	}
	now := s.now()
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		if t, err = loadTicket(ctx, tx, storedForm(secret), now, true); err != nil {
			return err
		}
		for _, p := range purposes {
			if t.purpose == p && t.tries < maxTries(p) {
				return tryTicket(ctx, tx, t.id)
			}
		}
		return db.ErrNoRows
	})
	return t, err
}

// finish opens the session of one person when the code is theirs.
func (s *Service) finish(ctx context.Context, t ticket, id PersonID, code string, from Device) (out Signed, found bool, err error) {
	now := s.now()
	how, step, err := s.proof(ctx, id, code, now)
	if err != nil || how == "" {
		return out, false, gone(err, ErrStep)
	}
	act := &ledger.Act{Verb: "session.open"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		p, err := s.spend(ctx, tx, t, id, how, code, step, now)
		if err != nil {
			return err
		}
		out, err = s.open(ctx, tx, act, p, how, from, now)
		return err
	})
	return out, err == nil, err
}

// How a session was opened.
const (
	byCode         = "code"
	byRecoveryCode = "recovery_code"
	byInvitation   = "invite"
	byReEnrol      = "re_enrol"
	byRecovery     = "recover"
	byDemo         = "demo"
)

// proof says whether a code is the person's: how, and for a device the time
// step; how is empty when it is not. Nothing is used up yet.
func (s *Service) proof(ctx context.Context, id PersonID, code string, now time.Time) (how string, step int64, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if normalCode(code) != "" {
			ok, err := hasCode(ctx, tx, id, normalCode(code))
			if ok {
				how = byRecoveryCode
			}
			return err
		}
		c, err := loadCredential(ctx, tx, id, false)
		if err != nil {
			return err
		}
		secret, err := s.openTOTP(ctx, tx, id, c.totp)
		if err != nil {
			return err
		}
		if step, err = matchStep(secret, code, now, c.step); step != 0 {
			how = byCode
		}
		return err
	})
	return how, step, err
}

// spend uses up the ticket and the code, and returns the person, if they may
// still sign in. Two requests with the same code race here, and one wins.
func (s *Service) spend(ctx context.Context, tx *db.Tx, t ticket, id PersonID, how, code string, step int64, now time.Time) (p Person, err error) {
	if p, err = loadPerson(ctx, tx, id, gate.Identity{}, gate.All); err != nil {
		return p, gone(err, ErrStep)
	}
	if ok, err := useTicket(ctx, tx, t.id, now); err != nil || !ok {
		return p, orFault(err, ErrStep)
	}
	if how == byRecoveryCode {
		if ok, err := useCode(ctx, tx, id, normalCode(code), now); err != nil || !ok {
			return p, orFault(err, ErrCode)
		}
	} else if ok, err := useStep(ctx, tx, id, step); err != nil || !ok {
		return p, orFault(err, ErrCode)
	}
	if p.State != Active {
		return p, ErrStep
	}
	return p, nil
}

func orFault(err error, f *fault.Error) error {
	if err != nil {
		return err
	}
	return f
}

// open opens a session and takes back the tries that were counted.
func (s *Service) open(ctx context.Context, tx *db.Tx, act *ledger.Act, p Person, how string, from Device, now time.Time) (Signed, error) {
	if err := crowdOut(ctx, tx, p.ID, now); err != nil {
		return Signed{}, err
	}
	secret, digest := newSecret(sessionPrefix)
	ss := Session{ID: newID(), Person: p.ID, Device: from.label(), How: how, OpenedAt: now, ExpiresAt: now.Add(sessionLife)}
	if err := insertSession(ctx, tx, ss, digest); err != nil {
		return Signed{}, err
	}
	if err := touchPerson(ctx, tx, p.ID, now); err != nil {
		return Signed{}, err
	}
	if err := clearAttempt(ctx, tx, keyOf("mail", p.Mail)); err != nil {
		return Signed{}, err
	}
	if err := refundAttempt(ctx, tx, addressKey(from.Addr)); err != nil {
		return Signed{}, err
	}
	if act.Object == "" {
		act.Object = "session/" + ss.ID
	}
	act.Public = map[string]any{"person": ledger.Person(p.ID), "org": ledger.Org(p.Org), "how": how}
	return Signed{Secret: secret, ExpiresAt: ss.ExpiresAt, Person: p.ID}, nil
}

// SignOut ends the session of who acts.
func (s *Service) SignOut(ctx context.Context) error {
	who, ok := gate.From(ctx)
	if !ok || who.Session == "" {
		return nil
	}
	act := &ledger.Act{Verb: "session.end", Object: "session/" + who.Session}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		_, err := endSession(ctx, tx, who.Session, PersonID(who.Person), s.now())
		return err
	})
	return err
}

// SignInLink returns the secret of a link that signs a person in, once and
// without anything else. It exists for the demo; without Config.DemoLinks it
// is refused.
func (s *Service) SignInLink(ctx context.Context, id PersonID) (link string, err error) {
	if !s.DemoLinks {
		return "", ErrDemoOnly
	}
	now := s.now()
	secret, digest := newSecret(ticketPrefix)
	t := ticket{id: newID(), purpose: Demo, people: []PersonID{id}, expires: now.Add(lifetimes[Demo])}
	act := &ledger.Act{Verb: "session.link", Public: map[string]any{"person": ledger.Person(id)}}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		if _, err := loadPerson(ctx, tx, id, gate.Identity{}, gate.All); err != nil {
			return gone(err, ErrPersonGone)
		}
		return insertTicket(ctx, tx, t, digest, now)
	})
	return secret, err
}

// SignInByLink opens a session with such a link. Fault: ErrLink.
func (s *Service) SignInByLink(ctx context.Context, link string, from Device) (out Signed, err error) {
	if !s.DemoLinks {
		return out, ErrLink
	}
	t, err := s.claim(ctx, link, Demo)
	if err != nil {
		return out, gone(err, ErrLink)
	}
	now := s.now()
	act := &ledger.Act{Verb: "session.open"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		if ok, err := useTicket(ctx, tx, t.id, now); err != nil || !ok {
			return orFault(err, ErrLink)
		}
		p, err := loadPerson(ctx, tx, t.people[0], gate.Identity{}, gate.All)
		if err != nil {
			return gone(err, ErrLink)
		}
		if p.State == Suspended {
			return ErrLink
		}
		out, err = s.open(ctx, tx, act, p, byDemo, from, now)
		return err
	})
	return out, err
}
