package request

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	"noroshi/internal/measure"
	"noroshi/internal/org"
)

// Draft writes a request, and sends nothing. One that is a step of a measure has to
// be a step of the plan that stands. Faults: ErrInvalid with places, ErrStep.
func (s *Service) Draft(ctx context.Context, d Draft) (r Request, err error) {
	act := &ledger.Act{Verb: "request.draft", Secret: d}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		now := s.now()
		r = Request{ID: newID(), Number: newNumber(), Org: who.Org, State: Drafted, Purpose: First, CreatedAt: now, UpdatedAt: now, xarf: uuid.NewString(), writer: who.Person}
		act.Object = objectOf(r.ID)
		a := &at{ctx: ctx, tx: tx, act: act, who: who, r: &r, d: &d, now: now, more: map[string]any{"writer": ledger.Person(who.Person)}}
		if err := s.put(a); err != nil {
			return err
		}
		act.Secret = d // as it is kept
		if err := insert(ctx, tx, &r); err != nil {
			return err
		}
		if err := s.record(a, "draft", "", Person); err != nil {
			return err
		}
		return s.tell(ctx, tx, &r)
	})
	return r, err
}

// put checks a draft and keeps it in its request.
func (s *Service) put(a *at) error {
	if err := s.check(a); err != nil {
		return err
	}
	return s.keep(a.ctx, a.tx, a.r, a.d)
}

// check holds a draft against the rules, the plan that it is a step of, and the
// register of organisations.
func (s *Service) check(a *at) (err error) {
	if *a.d, err = a.d.Normal(a.now); err != nil {
		return err
	}
	if a.r.Case, a.r.Chain, a.r.Step = "", "", 0; a.d.Case != "" {
		u, err := s.Measures.InPlan(a.ctx, a.tx, a.d.Case, a.d.Step, a.who)
		if err := fits(u, a.d.Kind, err); err != nil {
			return err
		}
		a.r.Case, a.r.Chain, a.r.Step = u.Case, u.Chain, u.Number
	}
	if err := s.sourced(a); err != nil {
		return err
	}
	if a.d.To.Org != "" {
		o, err := s.Orgs.Load(a.ctx, a.tx, org.ID(a.d.To.Org))
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if err != nil || !o.Is(org.Carrier) {
			return invalid("to.org", "request.bad.carrier")
		}
		a.d.To.Provider = o.Name.In(a.d.To.Lang)
	}
	return nil
}

// Try shows the mail that a draft would make, and keeps nothing: a dry run. Faults:
// those of Draft and of Check.
func (s *Service) Try(ctx context.Context, d Draft) (v Shown, err error) {
	err = s.read(ctx, "request.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r := Request{Number: "R-0000-0000", Org: who.Org, Kind: d.Kind, State: Drafted, Purpose: First, xarf: uuid.Nil.String()}
		a := &at{ctx: ctx, tx: tx, who: who, r: &r, d: &d, now: s.now()}
		if err := s.check(a); err != nil {
			return err
		}
		raw, way, err := s.compose(a, dryID)
		if err != nil {
			return err
		}
		v, err = show(raw)
		v.Way, v.Purpose = way, First
		return err
	})
	return v, err
}

// dryID stands in a mail that will not go out as it is.
const dryID = "00000000-draft"

// fits says whether a step of a plan is one by which such a request is made.
func fits(u measure.Under, k Kind, err error) error {
	switch {
	case err != nil && fault.KindOf(err) == fault.NotFound, err != nil && fault.Of(err).Code == "measure.outside", err == nil && !slices.Contains(stepKinds[k], u.Step.Kind):
		return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "step", Code: ErrStep.Code})
	}
	return err
}

func invalid(place, code string, pairs ...any) error {
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: place, Code: code, Args: fault.New(fault.Invalid, code, pairs...).Args})
}

// Change writes a draft anew. What was checked has to be checked again. Faults:
// ErrInvalid with places, ErrMove, ErrStep.
func (s *Service) Change(ctx context.Context, id ID, d Draft) (Request, error) {
	return s.do(ctx, id, "request.change", d, func(a *at) error {
		if a.r.Facts.Gone && d.Kind != a.r.Kind { // what went out was of a kind
			return invalid("kind", "request.bad.kind")
		}
		chain := a.r.Chain
		a.d = &d
		if err := s.put(a); err != nil {
			return err
		}
		a.act.Secret = d                          // as it is kept
		if a.r.Facts.Gone && a.r.Chain != chain { // nor does it become another's step
			return invalid("case", "request.bad.kind")
		}
		if err := s.supersede(a); err != nil {
			return err
		}
		a.more["writer"] = ledger.Person(a.who.Person)
		return s.step(a, "change", Person)
	})
}

// supersede lets go of the mail that stood ready or did not arrive: nobody sends it
// any more, whoever tries again.
func (s *Service) supersede(a *at) error {
	a.r.writer, a.r.Digest, a.r.mail, a.r.CheckedAt = a.who.Person, "", "", time.Time{}
	_, err := s.Office.Withdraw(a.ctx, a.tx, objectOf(a.r.ID))
	return err
}

// Check writes the mail of a draft, byte for byte as it will go; from here on it
// stands still for another person to read and to send. Faults: ErrInvalid with
// places, ErrMove, ErrDesk.
func (s *Service) Check(ctx context.Context, id ID) (Request, error) {
	return s.do(ctx, id, "request.check", nil, func(a *at) error {
		if err := a.d.tear(); err != nil {
			return err
		}
		m := Mail{ID: newID(), request: a.r.ID, Purpose: a.r.Purpose, MadeAt: a.now, writer: a.r.writer}
		raw, way, err := s.compose(a, m.ID)
		if err != nil {
			return err
		}
		m.Way, m.Digest = way, digestOf(raw)
		if m.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, a.r.Org, envelope{a.d.To.Mail, raw}, "request_mail/"+m.ID); err != nil {
			return err
		}
		if err := insertMail(a.ctx, a.tx, &m); err != nil {
			return err
		}
		a.r.mail, a.r.Digest, a.r.Way, a.r.CheckedAt = m.ID, m.Digest, m.Way, a.now
		a.more["mail"], a.more["digest"], a.more["way"], a.more["writer"] = m.ID, m.Digest, string(m.Way), ledger.Person(a.r.writer)
		return s.step(a, "check", Person)
	})
}

// compose writes the mail of a request as it would go out at this instant.
func (s *Service) compose(a *at, id ID) (raw []byte, way Way, err error) {
	desk, err := s.deskOf(a.ctx, a.tx, a.r.Org)
	if errors.Is(err, ErrNone) {
		return nil, "", ErrDesk
	}
	if err != nil {
		return nil, "", err
	}
	l := &letter{p: s.printer(a.d.To.Lang), r: a.r, d: a.d, desk: desk, from: desk.Reply, id: id, now: a.now, version: s.Version}
	way = InHand
	switch {
	case a.d.To.Org != "":
		way = OnHub
	case s.From != "":
		way, l.from = ByMail, s.From
	}
	if l.org, err = s.nameOf(a.ctx, a.tx, a.d.To.Lang, a.r.Org); err != nil {
		return nil, "", err
	}
	l.org = strings.Join(strings.Fields(l.org), " ")
	if a.d.Kind == Takedown || a.d.Kind == Provider {
		from := party{Org: cut(l.org, 200), Contact: desk.Reply, Domain: domainOf(desk.Reply)}
		if l.xarf, err = xarf(a.d, a.r.xarf, from, a.now); err != nil {
			return nil, "", err
		}
	}
	if a.d.Kind == Carrier {
		if l.paper, err = s.paper(a); err != nil {
			return nil, "", err
		}
	}
	return l.raw(), way, nil
}

// paper signs the order to a carrier: on which approval or emergency it rests is
// found where the plan is.
func (s *Service) paper(a *at) ([]byte, error) {
	u, err := s.Measures.InPlan(a.ctx, a.tx, a.r.Chain, a.r.Step, a.who)
	if err != nil {
		return nil, err
	}
	if u.Approval == "" && !u.Emergency {
		return nil, fault.New(fault.Unmet, "request.need.approval")
	}
	o := a.d.Order
	if o.Until.After(u.Until) {
		return nil, invalid("order.until", "request.bad.beyond", "at", u.Until)
	}
	i := Instruction{Number: a.r.Number, Emergency: u.Emergency, Basis: bases[u.Kind], What: o.What, Cap: o.Cap, From: o.From, Until: o.Until, IssuedAt: a.now.Truncate(time.Second)}
	if !u.Emergency {
		i.Approval = u.Approval
	}
	return i.Sign(s.Signer)
}

// Preview shows the mail of a request: of a draft as it would go now, else the one
// that stands ready or went out last. Faults: ErrNone, ErrDesk.
func (s *Service) Preview(ctx context.Context, id ID) (v Shown, err error) {
	err = s.read(ctx, "request.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := load(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		raw, way, err := s.bytesOf(ctx, tx, who, &r)
		if err != nil {
			return err
		}
		v, err = show(raw)
		v.Way, v.Purpose = way, r.Purpose
		return err
	})
	return v, err
}

func (s *Service) bytesOf(ctx context.Context, tx *db.Tx, who gate.Identity, r *Request) ([]byte, Way, error) {
	if r.State == Drafted || r.mail == "" {
		a := &at{ctx: ctx, tx: tx, who: who, r: r, d: new(Draft), now: s.now()}
		if err := s.Keys.OpenJSON(ctx, tx, r.Org, r.sealed, objectOf(r.ID), a.d); err != nil {
			return nil, "", err
		}
		return s.compose(a, dryID)
	}
	m, err := loadMail(ctx, tx, r.mail)
	if err != nil {
		return nil, "", err
	}
	var e envelope
	err = s.Keys.OpenJSON(ctx, tx, r.Org, m.sealed, "request_mail/"+m.ID, &e)
	return e.Raw, m.Way, err
}

// Desk is where answers to an organisation's requests go, and how it works.
type Desk struct {
	Name       string    `json:"name,omitempty" maxLength:"800"`
	NameEN     string    `json:"name_en,omitempty" maxLength:"800" doc:"In mails in English; empty: name"`
	Reply      string    `json:"reply" maxLength:"300" doc:"Mail address that answers go to"`
	Phone      string    `json:"phone,omitempty" maxLength:"100"`
	OneEnough  bool      `json:"one_enough,omitempty" doc:"Who writes a request may send it: for small operators alone, and never for a step of a measure"`
	FollowDays int       `json:"follow_days,omitempty" minimum:"0" maximum:"60" doc:"Days without an answer after which it is followed up; 0 is 3"`
	UpdatedAt  time.Time `json:"updated_at,omitzero"`
}

// followDays is after how many days without an answer a request is followed up,
// where an organisation says nothing else. No law gives a number.
const followDays = 3

// Desk returns one's own desk; empty before it is set.
func (s *Service) Desk(ctx context.Context) (d Desk, err error) {
	err = s.read(ctx, "request.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrNone
		}
		d, err = s.deskOf(ctx, tx, who.Org)
		if errors.Is(err, ErrNone) {
			d, err = Desk{FollowDays: followDays}, nil
		}
		return err
	})
	return d, err
}

func (s *Service) deskOf(ctx context.Context, tx *db.Tx, owner string) (Desk, error) {
	sealed, got, err := loadDesk(ctx, tx, owner)
	if err != nil {
		return Desk{}, err
	}
	var d Desk
	err = s.Keys.OpenJSON(ctx, tx, owner, sealed, "request_desk/"+owner, &d)
	d.OneEnough, d.FollowDays, d.UpdatedAt = got.OneEnough, got.FollowDays, got.UpdatedAt
	return d, err
}

// SetDesk says where answers go. That one person is enough may be said by an
// operator alone. Faults: ErrInvalid with places.
func (s *Service) SetDesk(ctx context.Context, d Desk) error {
	act := &ledger.Act{Verb: "request.desk", Secret: d}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		var bad mistakes
		bad.line("name", &d.Name, maxName, false)
		bad.line("name_en", &d.NameEN, maxName, false)
		bad.line("phone", &d.Phone, 100, false)
		bad.address("reply", &d.Reply, true)
		if _, err := mail.Address(d.Reply); err == nil && dotted(domainOf(d.Reply)) == "" {
			bad.add("reply", "request.bad.mail")
		}
		if d.FollowDays == 0 {
			d.FollowDays = followDays
		}
		if d.FollowDays < 1 || d.FollowDays > 60 {
			bad.add("follow_days", "request.bad.days")
		}
		if d.OneEnough && armed(who) {
			bad.add("one_enough", "request.bad.one")
		}
		if err := bad.err(); err != nil {
			return err
		}
		d.UpdatedAt = s.now()
		act.Object, act.Public = objectOf("desk"), map[string]any{"one_enough": d.OneEnough, "follow_days": d.FollowDays}
		sealed, err := s.Keys.SealJSON(ctx, tx, who.Org, d, "request_desk/"+who.Org)
		if err != nil {
			return err
		}
		return putDesk(ctx, tx, who.Org, d, sealed)
	})
	return err
}
