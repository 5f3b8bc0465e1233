package selection

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
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// moveSecret is what only the two parties read of a step.
type moveSecret struct {
	Note  string `json:"note,omitempty"`
	Terms *Terms `json:"terms,omitempty"` // of a proposal
}

func (a *Agreement) open(k *key.Cipher) error {
	return k.OpenJSON(a.sealed, agreementObject(a.ID), &a.Terms)
}

// sideOf returns the side of who looks; empty for the inspector.
func sideOf(reach gate.Reach) Side {
	switch reach {
	case gate.Own:
		return OfficeSide
	case gate.Addressed:
		return PartySide
	}
	return ""
}

// Propose offers an agreement to a party. Faults: ErrTerms with places, ErrParty.
func (s *Service) Propose(ctx context.Context, party string, article Article, t Terms) (out Agreement, err error) {
	act := &ledger.Act{Verb: "agreement.propose"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if t, err = t.normal(s.now(), s.Limits); err != nil {
			return err
		}
		if err := s.partyFits(ctx, tx, who, party, article); err != nil {
			return err
		}
		now := s.now()
		out = Agreement{ID: newID(), Org: who.Org, Party: party, Article: article, State: Proposed, Version: 1, Terms: t, At: now, ChangedAt: now, Entry: act.Entry, Keeper: who.Person, from: t.From, until: t.Until}
		k, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("propose an agreement: %w", err)
		}
		if out.sealed, err = k.SealJSON(t, agreementObject(out.ID)); err != nil {
			return err
		}
		if err := insertAgreement(ctx, tx, out); err != nil {
			return fmt.Errorf("propose an agreement: %w", err)
		}
		act.Object, act.Secret = agreementObject(out.ID), t
		return s.history(ctx, tx, k, out, PastMove{To: Proposed, By: OfficeSide, Version: 1, At: now, Entry: act.Entry}, &t)
	})
	return out, err
}

// partyFits checks that an organisation may be asked under an article.
func (s *Service) partyFits(ctx context.Context, tx *db.Tx, who gate.Identity, party string, article Article) error {
	o, err := s.Orgs.Load(ctx, tx, org.ID(party))
	if isKind(err, fault.NotFound) || err == nil && (party == who.Org || article != Article11 && article != Article12 || article == Article11 && !slices.Contains(o.Kinds, org.Operator)) {
		return ErrParty.At(fault.Place{At: "party", Code: "selection.agreement.bad.party"})
	}
	return err
}

// history writes a step and tells the two parties that something moved.
func (s *Service) history(ctx context.Context, tx *db.Tx, k *key.Cipher, a Agreement, m PastMove, t *Terms) (err error) {
	m.id = newID()
	if who, ok := gate.From(ctx); ok && m.By != ClockSide {
		m.person = who.Person
	}
	if m.sealed, err = k.SealJSON(moveSecret{m.Note, t}, "agreement_move/"+m.id); err != nil {
		return err
	}
	if err := insertMove(ctx, tx, a.ID, m); err != nil {
		return fmt.Errorf("agreement %s: %w", a.ID, err)
	}
	return moving(ctx, tx, a, m.At)
}

// moving tells the pages of both parties that something moved in an agreement in
// force. Before, nobody is told: another person there would learn of a refusal.
func moving(ctx context.Context, tx *db.Tx, a Agreement, at time.Time) error {
	if a.AgreedAt.IsZero() {
		return publishQuietly(ctx, tx, "agreement_moved", Happened{Agreement: a.ID, Org: a.Org, Other: a.Party, At: at})
	}
	return publish(ctx, tx, "agreement_moved", Happened{Agreement: a.ID, Org: a.Org, Other: a.Party, At: at})
}

// step moves an agreement of which a version was seen. The entry of an answer
// says neither yes nor no in clear: all answers are one verb.
func (s *Service) step(ctx context.Context, verb, id string, version int, to AgreementState, note string, t *Terms) (out Agreement, err error) {
	act := &ledger.Act{Verb: verb, Object: agreementObject(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if note, err = words("note", note, false); err != nil {
			return err
		}
		a, err := loadAgreement(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		side := sideOf(reach)
		if err := a.moves(to, side, who.Person, version, s.now()); err != nil {
			return err
		}
		k, err := s.Keys.For(ctx, tx, a.Org)
		if err != nil {
			return fmt.Errorf("agreement %s: %w", id, err)
		}
		if err := a.open(k); err != nil {
			return err
		}
		if t != nil {
			n, err := t.normal(s.now(), s.Limits)
			if err != nil {
				return err
			}
			t, a.Terms, a.from, a.until = &n, n, n.From, n.Until
			a.Version++
			if a.sealed, err = k.SealJSON(n, agreementObject(id)); err != nil {
				return err
			}
		}
		act.Secret = map[string]any{"to": string(to), "version": a.Version, "terms": a.Terms, "note": note}
		if out, err = s.moved(ctx, tx, k, a, PastMove{From: a.State, To: to, By: side, Note: note, Entry: act.Entry}, t); err != nil {
			return err
		}
		if to == Terminated {
			return s.recall(ctx, tx, act, out.ID, string(to))
		}
		return nil
	})
	return out, err
}

// moved writes an agreement in its next state.
func (s *Service) moved(ctx context.Context, tx *db.Tx, k *key.Cipher, a Agreement, m PastMove, t *Terms) (Agreement, error) {
	now := s.now()
	m.At, m.Version = now, a.Version
	a.State, a.ChangedAt = m.To, now
	switch m.To {
	case Agreed:
		a.AgreedAt = now
	case Declined, TakenBack, Terminated, Expired:
		a.EndedAt = now
	}
	if m.By == PartySide && a.TalkedAt.IsZero() {
		a.TalkedAt = now
	}
	if err := updateAgreement(ctx, tx, a); err != nil {
		return a, fmt.Errorf("agreement %s: %w", a.ID, err)
	}
	return a, s.history(ctx, tx, k, a, m, t)
}

// Accept accepts the words that the other side proposed last. Faults:
// ErrNoAgreement, ErrMove, ErrVersion.
func (s *Service) Accept(ctx context.Context, id string, version int) (Agreement, error) {
	return s.step(ctx, s.answering(ctx), id, version, Agreed, "", nil)
}

// answering is the verb of an answer by the side of who acts.
func (s *Service) answering(ctx context.Context) string {
	if Access.May(ctx, "agreement.settle") {
		return "agreement.settle"
	}
	return "agreement.answer"
}

// Decline refuses a proposal. A reason may be given and is never asked for.
func (s *Service) Decline(ctx context.Context, id string, version int, note string) (Agreement, error) {
	return s.step(ctx, "agreement.answer", id, version, Declined, note, nil)
}

// Offer proposes other terms: of the party as a counter-proposal, of the office
// as a new one.
func (s *Service) Offer(ctx context.Context, id string, version int, t Terms, note string) (Agreement, error) {
	if verb := s.answering(ctx); verb == "agreement.settle" {
		return s.step(ctx, verb, id, version, Proposed, note, &t)
	}
	return s.step(ctx, "agreement.answer", id, version, Countered, note, &t)
}

// TakeBack withdraws the office's proposal before anything was agreed.
func (s *Service) TakeBack(ctx context.Context, id string, version int, note string) (Agreement, error) {
	return s.step(ctx, "agreement.settle", id, version, TakenBack, note, nil)
}

// Terminate ends an agreement in force, by either side, at once: what it issued
// ends with it. Of the office any clerk may.
func (s *Service) Terminate(ctx context.Context, id string, version int, note string) (Agreement, error) {
	return s.step(ctx, "agreement.end", id, version, Terminated, note, nil)
}

// HandOver gives the conduct of an agreement to another clerk of the office.
func (s *Service) HandOver(ctx context.Context, id, person string) error {
	if err := s.admit(ctx, "agreement.settle"); err != nil {
		return err
	}
	next, err := s.Orgs.Identity(ctx, org.PersonID(person))
	act := &ledger.Act{Verb: "agreement.settle", Object: agreementObject(id), Public: map[string]any{"to": ledger.Person(person)}}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		a, e := loadAgreement(ctx, tx, id, who, reach, true)
		switch {
		case e != nil:
			return e
		case a.Keeper != who.Person:
			return ErrMove
		case err != nil || next.Org != who.Org || !next.Has(gate.OfficeClerk):
			return fault.New(fault.Invalid, ErrTerms.Code, "n", 1).At(fault.Place{At: "person", Code: "selection.agreement.bad.person"})
		}
		a.Keeper, a.ChangedAt = person, s.now()
		return updateAgreement(ctx, tx, a)
	})
}

// Say writes into the talks. The party's first words show that it took part.
func (s *Service) Say(ctx context.Context, id string, kind thread.Kind, words string) (msg thread.Message, err error) {
	act := &ledger.Act{Verb: "agreement.say", Object: agreementObject(id), Secret: words}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		a, err := loadAgreement(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		if reach == gate.Own && a.Keeper != who.Person { // the talks are between the keeper and the party
			return ErrMove
		}
		if kind != thread.Question && kind != thread.Answer {
			kind = thread.Note
		}
		msg, err = s.Threads.Post(ctx, tx, a.Org, thread.Message{Object: act.Object, With: a.Party, From: who.Org, Person: who.Person, Kind: kind, Text: words}, s.now())
		if err != nil {
			return err
		}
		if reach == gate.Addressed && a.TalkedAt.IsZero() {
			a.TalkedAt = s.now()
			if err := updateAgreement(ctx, tx, a); err != nil {
				return err
			}
		}
		return moving(ctx, tx, a, s.now())
	})
	return msg, err
}

// Agreements lists agreements within reach, the newest first, with the names of
// who is in them.
func (s *Service) Agreements(ctx context.Context, f AgreementFilter) (out []Agreement, names map[string]string, next string, err error) {
	err = s.read(ctx, "agreement.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listAgreements(ctx, tx, f, who, reach); err != nil {
			return err
		}
		var orgs []string
		for i := range out {
			orgs = append(orgs, out[i].Org, out[i].Party)
			if err := s.show(ctx, tx, &out[i], who, reach); err != nil {
				return err
			}
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// show opens an agreement to who looks.
func (s *Service) show(ctx context.Context, tx *db.Tx, a *Agreement, who gate.Identity, reach gate.Reach) error {
	if reach == gate.Addressed || reach == gate.Record {
		a.Keeper = ""
	}
	if reach == gate.Record {
		a.Entry = ""
	}
	k, err := s.Keys.For(ctx, tx, a.Org)
	if err != nil {
		return fmt.Errorf("agreement %s: %w", a.ID, err)
	}
	return a.open(k)
}

// Agreement returns an agreement with its history, talks, consents and what was
// given back. Faults: ErrNoAgreement.
func (s *Service) Agreement(ctx context.Context, id string) (v AgreementView, err error) {
	err = s.read(ctx, "agreement.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		a, err := loadAgreement(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		v = AgreementView{Side: sideOf(reach)}
		if v.Names, err = s.Orgs.NamesFor(ctx, tx, who, a.Org, a.Party); err != nil {
			return err
		}
		if err := s.show(ctx, tx, &a, who, reach); err != nil {
			return err
		}
		v.Agreement = a
		if v.Grants, err = loadGrants(ctx, tx, id); err != nil {
			return err
		}
		for i := range v.Grants {
			if v.Grants[i].Number, err = s.Approvals.Number(ctx, tx, v.Grants[i].Approval); err != nil {
				return err
			}
		}
		runs, err := runsUnder(ctx, tx, id)
		if err != nil {
			return err
		}
		if v.Volumes, err = s.volumes(ctx, tx, runs); err != nil {
			return err
		}
		if v.Past, err = loadMoves(ctx, tx, id); err != nil {
			return err
		}
		if reach == gate.Record { // neither reasons nor talks, nor who wrote which words
			for i := range v.Past {
				v.Past[i].Entry = ""
			}
			return nil
		}
		// The talks are between the keeper and the party.
		if reach == gate.Addressed || a.Keeper == who.Person {
			if v.Talk, err = s.Threads.Of(ctx, tx, a.Org, agreementObject(id), a.Party); err != nil {
				return err
			}
		}
		return s.openRest(ctx, tx, &v)
	})
	return v, err
}

// openRest opens what is sealed in the view of a party or the office.
func (s *Service) openRest(ctx context.Context, tx *db.Tx, v *AgreementView) error {
	a := v.Agreement
	k, err := s.Keys.For(ctx, tx, a.Org)
	if err != nil {
		return fmt.Errorf("agreement %s: %w", a.ID, err)
	}
	for i := range v.Past {
		var sec moveSecret
		if err := k.OpenJSON(v.Past[i].sealed, "agreement_move/"+v.Past[i].id, &sec); err != nil {
			return err
		}
		v.Past[i].Note = sec.Note
	}
	if v.Consents, err = loadConsents(ctx, tx, a.ID); err != nil {
		return err
	}
	for i := range v.Consents {
		c := &v.Consents[i]
		if err := k.OpenJSON(c.sealed, "selection_consent/"+c.ID, &c.Purpose); err != nil {
			return err
		}
	}
	if v.Returned, err = loadReturned(ctx, tx, a.ID); err != nil {
		return err
	}
	for i := range v.Returned {
		r := &v.Returned[i]
		if err := k.OpenJSON(r.sealed, "selection_returned/"+r.ID, r); err != nil {
			return err
		}
	}
	return nil
}

// Consent gives a party's consent to another purpose, until an instant. Faults:
// ErrNoAgreement, ErrTerms.
func (s *Service) Consent(ctx context.Context, id, purpose string, until time.Time) (c Consent, err error) {
	act := &ledger.Act{Verb: "agreement.consent", Object: agreementObject(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if purpose, err = words("purpose", purpose, true); err != nil {
			return err
		}
		if !until.After(s.now()) {
			return fault.New(fault.Invalid, ErrTerms.Code, "n", 1).At(fault.Place{At: "until", Code: "selection.agreement.bad.past"})
		}
		a, err := loadAgreement(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		if a.AgreedAt.IsZero() {
			return ErrMove
		}
		k, err := s.Keys.For(ctx, tx, a.Org)
		if err != nil {
			return err
		}
		c = Consent{ID: newID(), Agreement: id, Purpose: purpose, Until: until.UTC().Truncate(time.Microsecond), At: s.now(), Entry: act.Entry}
		if c.sealed, err = k.SealJSON(purpose, "selection_consent/"+c.ID); err != nil {
			return err
		}
		act.Public, act.Secret = map[string]any{"consent": c.ID, "until": c.Until.Format(time.RFC3339Nano)}, c
		return insertConsent(ctx, tx, c)
	})
	return c, err
}

// WithdrawConsent takes a consent back; what was done under it stays on record.
// Faults: ErrNoAgreement, ErrNoSuchConsent.
func (s *Service) WithdrawConsent(ctx context.Context, id, consent string) error {
	act := &ledger.Act{Verb: "agreement.consent", Object: agreementObject(id), Public: map[string]any{"withdrawn": consent}}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		a, err := loadAgreement(ctx, tx, id, who, reach, false)
		if err == nil && a.AgreedAt.IsZero() {
			err = ErrNoAgreement // in force, which alone has consents
		}
		if err != nil {
			return err
		}
		ok, err := withdrawConsent(ctx, tx, id, consent, s.now())
		if err == nil && !ok {
			err = ErrNoSuchConsent
		}
		return err
	})
}

// Return gives an analysis result back to the party.
func (s *Service) Return(ctx context.Context, id, title, body string) (r Returned, err error) {
	act := &ledger.Act{Verb: "agreement.return", Object: agreementObject(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if title, err = words("title", title, true); err != nil {
			return err
		}
		if body, err = words("text", body, true); err != nil {
			return err
		}
		a, err := loadAgreement(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		if a.AgreedAt.IsZero() {
			return ErrMove
		}
		k, err := s.Keys.For(ctx, tx, a.Org)
		if err != nil {
			return err
		}
		r = Returned{ID: newID(), Title: title, Text: body, At: s.now(), Entry: act.Entry}
		if r.sealed, err = k.SealJSON(r, "selection_returned/"+r.ID); err != nil {
			return err
		}
		act.Secret = r
		if err := insertReturned(ctx, tx, id, r); err != nil {
			return err
		}
		return publish(ctx, tx, "agreement_moved", Happened{Agreement: id, Org: a.Org, Other: a.Party, At: r.At})
	})
	return r, err
}

// expireAgreements ends agreements whose period is over, and what they issued.
func (s *Service) expireAgreements(ctx context.Context) (n int, err error) {
	var due []string
	if err := s.DB.Read(ctx, func(tx *db.Tx) error {
		due, err = overdueAgreements(ctx, tx, s.now(), 100)
		return err
	}); err != nil {
		return 0, err
	}
	for _, id := range due {
		act := &ledger.Act{Verb: "agreement.end", Object: agreementObject(id)}
		_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
			a, err := agreementByID(ctx, tx, id)
			if err != nil || !a.lapses(s.now()) {
				return err
			}
			k, err := s.Keys.For(ctx, tx, a.Org)
			if err != nil {
				return err
			}
			was := a.AgreedAt
			if a, err = s.moved(ctx, tx, k, a, PastMove{From: a.State, To: Expired, By: ClockSide, Entry: act.Entry}, nil); err != nil || was.IsZero() {
				return err
			}
			return s.recall(ctx, tx, act, a.ID, string(Expired))
		})
		if err != nil && !errors.Is(err, ErrNoAgreement) {
			return n, err
		}
		n++
	}
	return n, nil
}

// PartyRow is an organisation that may be asked, with the article for it.
type PartyRow struct {
	ID, Name string
	Article  Article
}

// Parties lists whom an agreement may be offered to.
func (s *Service) Parties(ctx context.Context) (out []PartyRow, err error) {
	err = s.read(ctx, "agreement.propose", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		lang, _ := text.ParseLang(who.Lang)
		for _, k := range []org.Kind{org.Operator, org.Supplier, org.Maker, org.Contractor} {
			list, err := s.Orgs.Bodies(ctx, tx, k)
			if err != nil {
				return err
			}
			for _, o := range list {
				row := PartyRow{string(o.ID), o.In(lang), Article12}
				if k == org.Operator {
					row.Article = Article11
				}
				if !slices.ContainsFunc(out, func(x PartyRow) bool { return x.ID == row.ID }) {
					out = append(out, row)
				}
			}
		}
		return nil
	})
	return out, err
}
