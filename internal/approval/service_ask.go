package approval

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// conversation is the one that a case has: its asker with the commission.
const conversation = "commission"

// Ask asks the commission for an approval; with Extends for one that goes on
// from another that is in force (art 19). What is missing or contradicts itself
// is not taken. Faults: ErrInvalid with places, ErrBase, ErrTwice.
func (s *Service) Ask(ctx context.Context, a Application) (c Case, err error) {
	act := &ledger.Act{Verb: "approval.ask"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		now := s.now()
		base, err := s.base(ctx, tx, &a, who, reach, true, now)
		if err != nil {
			return err
		}
		carriers, err := s.Orgs.Bodies(ctx, tx, org.Carrier)
		if err != nil {
			return err
		}
		a.Carrier = carrierOf(carriers, a.Carrier)
		if err := s.counted(ctx, tx, who.Org, &a); err != nil {
			return err
		}
		if a, err = s.Rules.normal(a, base, s.Fields, now); err != nil {
			return err
		}
		if err := isCarrier(carriers, a.Carrier); err != nil {
			return err
		}
		c = Case{ID: newID(), Number: newNumber(), Org: who.Org, Asked: a, CreatedAt: now, kind: a.Kind, carrier: a.Carrier, extends: a.Extends, from: a.From, Until: a.Until, Cap: a.Cap}
		if _, err := a.order(c.ID, c.Org, nil, now).Normal(); err != nil { // what could not be signed is not taken
			return err
		}
		act.Secret = a
		act.Public = map[string]any{"from_at": a.From.Format(time.RFC3339), "until_at": a.Until.Format(time.RFC3339), "extends": a.Extends, "selectors": a.Selectors.Hash,
			"packets": a.Cap.Packets, "bytes": a.Cap.Bytes, "retain_days": a.RetainDays, "run": a.Run}
		if err := s.file(ctx, tx, act, &c, Asked, AskerSide, who); err != nil {
			return err
		}
		return s.tell(ctx, tx, "asked", &c)
	})
	return c, err
}

// base loads what an application extends; nil where it extends nothing. It has
// to be in force now, and nobody may have asked to extend it already.
func (s *Service) base(ctx context.Context, tx *db.Tx, a *Application, who gate.Identity, reach gate.Reach, lock bool, now time.Time) (*Case, error) {
	if a.Extends = line(a.Extends); a.Extends == "" {
		return nil, nil
	}
	var err error
	if a.Extends, err = named(ctx, tx, a.Extends, who, reach); err != nil {
		return nil, err
	}
	b, err := loadCase(ctx, tx, a.Extends, who, reach, lock, now)
	if err != nil {
		return nil, err
	}
	if err := Opens(b.kind, b.State, "extend", AskerSide); err != nil || !b.Runs(now) {
		return nil, ErrBase
	}
	by, err := extended(ctx, tx, b.ID)
	if err != nil {
		return nil, err
	}
	if by != "" {
		return nil, ErrTwice
	}
	return &b, s.unlock(ctx, tx, &b)
}

// counted holds the number of selectors in an application against the list itself,
// where the hub has it: the commission decides by that number.
func (s *Service) counted(ctx context.Context, tx *db.Tx, asker string, a *Application) error {
	if s.Counts == nil || a.Selectors.Hash == "" {
		return nil
	}
	n, err := s.Counts(ctx, tx, asker, strings.ToLower(strings.TrimSpace(a.Selectors.Hash)))
	switch {
	case err != nil || n == 0:
		return err
	case a.Selectors.Count == 0:
		a.Selectors.Count = n
	case a.Selectors.Count != n:
		return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "selectors/count", Code: "approval.bad.listed", Args: fault.Args{"n": n}})
	}
	return nil
}

// carrierOf is the id of the one carrier that has a name, in either language; what
// is no name comes back as it is.
func carrierOf(carriers []org.Org, name string) string {
	id, n := "", line(name)
	for _, o := range carriers {
		if n != "" && (n == line(o.Name.JA) || n == line(o.Name.EN)) {
			if id != "" {
				return name // of two; only an id tells them apart
			}
			id = string(o.ID)
		}
	}
	return cmp.Or(id, name)
}

// isCarrier checks that an organisation carries lines, and says which do.
func isCarrier(carriers []org.Org, id string) error {
	if id == "" || slices.ContainsFunc(carriers, func(o org.Org) bool { return string(o.ID) == id }) {
		return nil
	}
	var ja, en []string
	for _, o := range carriers {
		ja, en = append(ja, o.In(text.JA)), append(en, o.In(text.EN))
	}
	names := text.Both{JA: strings.Join(ja, "、"), EN: strings.Join(en, ", ")}
	return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "carrier", Code: "approval.bad.carrier", Args: fault.Args{"names": names}})
}

// recipients are the kinds of organisations that a form offers as recipients:
// those whose existence is public. An application may name others.
var recipients = []org.Kind{org.Office, org.Police, org.Ministry, org.Privacy, org.JPCERT}

// Choices is what a form to ask offers to choose from.
type Choices struct {
	Carriers   []org.Org
	Recipients []org.Org
	Lists      []Selectors // nil where lists are typed in
	Links      []string    // of one's own earlier cases, the newest first
}

// Choices returns what there is to choose from, for who asks.
func (s *Service) Choices(ctx context.Context) (out Choices, err error) {
	err = s.read(ctx, "approval.ask", func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		if out.Carriers, err = s.Orgs.Bodies(ctx, tx, org.Carrier); err != nil {
			return err
		}
		for _, k := range recipients {
			list, err := s.Orgs.Bodies(ctx, tx, k)
			if err != nil {
				return err
			}
			for _, o := range list {
				if !slices.ContainsFunc(out.Recipients, func(r org.Org) bool { return r.ID == o.ID }) {
					out.Recipients = append(out.Recipients, o)
				}
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	cases, _, _, err := s.List(ctx, Filter{Limit: maxChoices})
	if err != nil {
		return out, err
	}
	for _, c := range cases {
		if l := c.Asked.Link; l != "" && len(out.Links) < maxLinks && !slices.Contains(out.Links, l) {
			out.Links = append(out.Links, l)
		}
	}
	if s.Lists == nil {
		return out, nil
	}
	list, err := s.Lists(ctx)
	out.Lists = []Selectors{}
	for _, l := range list[:min(len(list), maxChoices)] { // made again, a list is the same one
		if !slices.ContainsFunc(out.Lists, func(o Selectors) bool { return o.Hash == l.Hash }) {
			out.Lists = append(out.Lists, l)
		}
	}
	return out, err
}

// Bounds of the lists that a form offers, and of the lines that it names.
const (
	maxChoices = 100
	maxLinks   = 5
)

// Extension returns an application that goes on from an approval of one's own,
// for who asks to fill in. Faults: ErrNone, ErrBase, ErrTwice.
func (s *Service) Extension(ctx context.Context, id ID) (a Application, err error) {
	id, err = s.named(ctx, "approval.ask", id)
	if err != nil {
		return a, err
	}
	err = s.read(ctx, "approval.ask", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		a.Extends = id
		b, err := s.base(ctx, tx, &a, who, reach, false, s.now())
		if err != nil {
			return err
		}
		a = b.Less.of(b.Asked)
		a.Extends, a.From = id, b.Until
		a.Until = s.Rules.last(b.kind, b.Until, true)
		return nil
	})
	return a, err
}

// Answer answers all open questions of a case. Faults: ErrNone, ErrStep,
// ErrApart, thread.ErrEmpty, thread.ErrLong.
func (s *Service) Answer(ctx context.Context, id ID, text string) error {
	return s.talk(ctx, "approval.answer", id, "answer", AskerSide, thread.Answer, text)
}

// Question asks who asked. Until there is an answer nothing is approved. Faults:
// as of Answer.
func (s *Service) Question(ctx context.Context, id ID, text string) error {
	by := ExaminerSide
	if who, ok := gate.From(ctx); ok && who.Has(gate.CommissionMember) {
		by = MemberSide
	}
	return s.talk(ctx, "approval.question", id, "question", by, thread.Question, text)
}

func (s *Service) talk(ctx context.Context, verb string, id ID, what string, by Side, kind thread.Kind, text string) error {
	id, err := s.named(ctx, verb, id)
	if err != nil {
		return err
	}
	act := &ledger.Act{Verb: verb, Object: objectOf(id), Secret: text}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true, s.now())
		if err != nil {
			return err
		}
		if err := Opens(c.kind, c.State, what, by); err != nil {
			return err
		}
		if err := s.side(ctx, tx, id, who, by); err != nil {
			return err
		}
		_, err = s.Threads.Post(ctx, tx, c.Org, thread.Message{Object: objectOf(id), With: conversation, From: who.Org, Person: who.Person, Kind: kind, Text: text}, s.now())
		if err != nil {
			return err
		}
		if c.Open++; kind == thread.Answer {
			c.Open = 0
		}
		if err := updateCase(ctx, tx, &c); err != nil {
			return err
		}
		return s.tell(ctx, tx, "questioned", &c)
	})
}

// Withdraw takes back an application that is not decided. Faults: ErrNone,
// ErrStep, ErrInvalid.
func (s *Service) Withdraw(ctx context.Context, id ID, reason string) error {
	return s.stop(ctx, "approval.withdraw", id, "withdraw", AskerSide, Withdrawn, reason)
}

// GiveUp ends an approval before its time, by who asked: what runs on it stops
// within a second. Faults: as of Withdraw.
func (s *Service) GiveUp(ctx context.Context, id ID, reason string) error {
	return s.stop(ctx, "approval.withdraw", id, "give_up", AskerSide, GivenUp, reason)
}

// Revoke ends an approval by the commission: any member may stop, none alone may
// begin. What runs on it stops within a second. Faults: as of Withdraw.
func (s *Service) Revoke(ctx context.Context, id ID, reason string) error {
	return s.stop(ctx, "approval.revoke", id, "revoke", MemberSide, Revoked, reason)
}

func (s *Service) stop(ctx context.Context, verb string, id ID, what string, by Side, to State, reason string) error {
	id, err := s.named(ctx, verb, id)
	if err != nil {
		return err
	}
	act := &ledger.Act{Verb: verb, Object: objectOf(id), Secret: reason}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true, s.now())
		if err != nil {
			return err
		}
		if err := step(c.kind, c.State, what, by, to); err != nil {
			return err
		}
		var bad mistakes
		if reason = bad.text("reason", reason, maxWords, true); len(bad) > 0 {
			return bad.err()
		}
		if err := s.side(ctx, tx, id, who, by); err != nil {
			return err
		}
		if err := s.unlock(ctx, tx, &c); err != nil {
			return err
		}
		if err := s.end(ctx, tx, act, &c, to, by, who, reason); err != nil {
			return err
		}
		event := "withdrawn"
		if to == Revoked {
			event = "revoked"
		}
		return s.tell(ctx, tx, event, &c)
	})
}
