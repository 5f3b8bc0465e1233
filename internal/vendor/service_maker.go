package vendor

import (
	"context"
	"slices"
	"strconv"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
)

// Accept says that the maker takes the request up; what it says of its products
// may follow.
func (s *Service) Accept(ctx context.Context, request ID) error {
	return s.reply(ctx, request, func(_ *db.Tx, m *mover) error { return m.to(ctx, Accepted, "") })
}

// Decline says that the maker will not, and why.
func (s *Service) Decline(ctx context.Context, request ID, why string) error {
	return s.reply(ctx, request, func(_ *db.Tx, m *mover) error {
		var bad mistakes
		if why = bad.text("note", why, maxWords, true); len(bad) > 0 {
			return bad.err()
		}
		return m.to(ctx, Declined, why)
	})
}

// Answer says of products what the maker knows: of those it was asked about,
// and of others that it adds. The request goes as far as the answers take it:
// accepted, fix planned, fix released. Faults: ErrInvalid with places
// (answers/2/status), ErrStep.
func (s *Service) Answer(ctx context.Context, request ID, answers []ProductAnswer) (err error) {
	return s.reply(ctx, request, func(tx *db.Tx, m *mover) error { return s.answer(ctx, tx, m, answers) })
}

func (s *Service) answer(ctx context.Context, tx *db.Tx, m *mover, answers []ProductAnswer) error {
	if m.r.State == Closed || !m.f.began && (m.r.State == Reported || m.r.State == Triaged) {
		return fault.New(fault.Conflict, ErrStep.Code, "from", string(m.r.State), "to", string(Accepted))
	}
	now := s.now()
	var bad mistakes
	if len(answers) == 0 || len(answers) > maxProducts {
		bad.add("answers", "vendor.bad.answers", "max", maxProducts)
		return bad.err()
	}
	k, err := s.Keys.Make(ctx, tx, m.c.Org)
	if err != nil {
		return err
	}
	list := slices.Clone(m.f.products)
	touched := map[int]bool{}
	for i, a := range answers {
		at := "answers/" + strconv.Itoa(i)
		a = a.normal(&bad, at, now)
		j := slices.IndexFunc(list, func(p Product) bool { return a.ID != "" && p.ID == a.ID })
		switch {
		case a.ID != "" && j < 0 || touched[j] && j >= 0:
			bad.add(at+"/id", "vendor.bad.product")
			continue
		case j < 0 && len(list) == maxProducts:
			bad.add(at, "vendor.bad.many", "max", maxProducts)
			continue
		case j < 0:
			list = append(list, Product{ID: newID(), Name: a.Name, CPE: a.CPE, PURL: a.PURL})
			j = len(list) - 1
		}
		touched[j] = true
		p := &list[j]
		p.Versions, p.Status, p.Why, p.Detail, p.Interim, p.Fix = a.Versions, a.Status, a.Why, a.Detail, a.Interim, a.Fix
		p.FixOn, p.Fixed, p.FixURL, p.SupportEnds, p.UpdatedAt = a.FixOn, a.Fixed, a.FixURL, a.SupportEnds, now
	}
	if len(bad) > 0 {
		return bad.err()
	}
	said := Counts{}
	for j := range list {
		p := &list[j]
		said[p.Status]++
		if !touched[j] {
			continue
		}
		if err := p.seal(k); err != nil {
			return err
		}
		if j < len(m.f.products) {
			err = updateProduct(ctx, tx, m.r.ID, *p)
		} else {
			err = insertProduct(ctx, tx, *m.r, *p)
		}
		if err != nil {
			return err
		}
		p.sealed = nil
	}
	m.f.products, m.answered = list, true
	m.act.Public, m.act.Secret = map[string]any{"answered": len(answers)}, answers
	for s, n := range said {
		m.act.Public[string(s)] = n
	}
	m.r.UpdatedAt = now
	for _, st := range after(m.r.State, m.f) {
		if err := m.to(ctx, st, ""); err != nil {
			return err
		}
	}
	if at := lastPlanned(list); m.r.State == FixPlanned && !at.IsZero() && !at.Equal(m.r.DueAt) { // the day moved
		m.r.DueAt, m.r.Reminded = at, 0
		m.r.nextAt = nextReminder(m.r.SentAt, at, 0, now)
	}
	return publish(ctx, tx, "answered", m.event())
}

// reply is an act of the maker that a request was sent to.
func (s *Service) reply(ctx context.Context, request ID, fn func(tx *db.Tx, m *mover) error) error {
	act := &ledger.Act{Verb: "vendor.answer", Object: requestObject(request)}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		m, err := s.mover(ctx, tx, act, &r, c, who.Org, Maker)
		if err != nil {
			return err
		}
		if err := fn(tx, m); err != nil {
			return err
		}
		return m.save(ctx)
	})
}

// Say writes into the conversation with one maker: about its request, or with a
// product's id about that product. Kind is question, answer or note.
func (s *Service) Say(ctx context.Context, request, product ID, kind thread.Kind, words string) (msg thread.Message, err error) {
	act := &ledger.Act{Verb: "vendor.say", Object: requestObject(request), Secret: words}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := loadRequest(ctx, tx, request, who, reach)
		if err != nil {
			return err
		}
		object, err := s.conversation(ctx, tx, r, product)
		if err != nil {
			return err
		}
		if kind != thread.Question && kind != thread.Answer {
			kind = thread.Note
		}
		msg, err = s.Threads.Post(ctx, tx, c.Org, thread.Message{Object: object, With: r.Org, From: who.Org, Person: who.Person, Kind: kind, Text: words}, s.now())
		if err != nil {
			return err
		}
		act.Public = map[string]any{"with": ledger.Org(r.Org), "kind": string(kind)}
		return publish(ctx, tx, "said", Happened{Case: c.ID, Request: r.ID, Coordinator: c.Org, Org: r.Org, State: r.State})
	})
	return msg, err
}

// conversation returns the object of a conversation: the request, or one of its
// products.
func (s *Service) conversation(ctx context.Context, tx *db.Tx, r Request, product ID) (string, error) {
	if product == "" {
		return requestObject(r.ID), nil
	}
	list, err := loadProducts(ctx, tx, r.ID)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(list, func(p Product) bool { return p.ID == product }) {
		return "", ErrNone
	}
	return productObject(product), nil
}
