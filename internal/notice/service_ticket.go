package notice

import (
	"context"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
)

// Tickets lists the calls for help at one's own desk, the most urgent first.
func (s *Service) Tickets(ctx context.Context, closed bool, cursor string, limit int) (out []Ticket, next string, err error) {
	err = s.read(ctx, "notice.desk", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		list, more, err := listTickets(ctx, tx, who.Org, who.Clearance, closed, cursor, limit)
		if err != nil {
			return err
		}
		for i := range list {
			if err := s.nameTicket(ctx, tx, who, &list[i]); err != nil {
				return err
			}
		}
		out, next = list, more
		return nil
	})
	return out, next, err
}

// nameTicket says who calls: an organisation, or the firm behind a link.
func (s *Service) nameTicket(ctx context.Context, tx *db.Tx, who gate.Identity, t *Ticket) error {
	if t.Org != "" {
		names, err := s.names(ctx, tx, langOf(who), t.Org)
		t.Name = names[t.Org]
		return err
	}
	r, err := anyRecipient(ctx, tx, t.Recipient)
	if err != nil {
		return err
	}
	one := []Recipient{r}
	err = s.openAll(ctx, tx, r.From, one)
	t.Name = one[0].Name
	return err
}

// Case is a call for help with all a desk needs to help.
type Case struct {
	Ticket   Ticket           `json:"ticket"`
	Letter   Letter           `json:"letter"` // what the caller was told and answered
	Messages []thread.Message `json:"messages"`
}

// Ticket opens a call for help at one's own desk. The desk sees the caller's
// letter: it has to know what the caller speaks of.
func (s *Service) Ticket(ctx context.Context, id ID) (out Case, err error) {
	err = s.read(ctx, "notice.desk", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		t, err := loadTicket(ctx, tx, id, who.Org, who.Clearance, false)
		if err != nil {
			return err
		}
		r, n, err := letterFor(ctx, tx, t.Recipient, who.Clearance)
		if err != nil {
			return err
		}
		if out.Letter, err = s.letter(ctx, tx, r, n, langOf(who)); err != nil {
			return err
		}
		out.Letter.Passed = 0 // the caller's suppliers are no matter of the desk
		if t.Desk != n.From {
			s.Rules.forDesk(&out.Letter)
		}
		if err := s.nameTicket(ctx, tx, who, &t); err != nil {
			return err
		}
		out.Ticket = t
		out.Messages, err = s.Threads.Of(ctx, tx, t.owner, ticketOf(t.ID), t.Desk)
		return err
	})
	return out, err
}

// forDesk cuts out of a letter what is TLP:RED: for its recipients alone, of
// whom a desk that did not send it is none. What the caller asks it reads.
func (r *RuleSet) forDesk(l *Letter) {
	if l.Content.TLP == Red { // the title and the reasons carry the mark of the whole
		l.Why = nil
	}
	open := slices.DeleteFunc(slices.Clone(l.Kinds), func(k Kind) bool { return r.markOf(&l.Content, k) == Red })
	if len(open) == len(l.Kinds) {
		return
	}
	l.Kinds, l.Content = open, l.Content.Only(open)
	if len(open) == 0 {
		l.Content.Title = text.Both{}
	}
}

// Take takes a ticket: somebody at the desk is on it.
func (s *Service) Take(ctx context.Context, id ID) error {
	return s.assist(ctx, id, "take", "", func(tx *db.Tx, who gate.Identity, t *Ticket) error {
		if t.State != TicketOpen {
			return ErrTicket
		}
		t.State, t.TakenAt, t.TakenBy = TicketTaken, s.now(), who.Person
		return nil
	})
}

// Assist answers a call for help.
func (s *Service) Assist(ctx context.Context, id ID, answer string) error {
	return s.assist(ctx, id, "answer", answer, func(tx *db.Tx, who gate.Identity, t *Ticket) error {
		if t.State == TicketClosed {
			return ErrTicket
		}
		said, err := reasonOf("answer", answer)
		if err != nil {
			return err
		}
		now := s.now()
		if t.TakenAt.IsZero() {
			t.TakenAt, t.TakenBy = now, who.Person
		}
		if t.AnsweredAt.IsZero() {
			t.AnsweredAt = now
		}
		t.State = TicketAnswered
		_, err = s.Threads.Post(ctx, tx, t.owner, thread.Message{Object: ticketOf(t.ID), With: t.Desk, From: who.Org, Person: who.Person, Kind: thread.Answer, Text: said}, now)
		return err
	})
}

// Close closes a ticket that was answered.
func (s *Service) Close(ctx context.Context, id ID) error {
	return s.assist(ctx, id, "close", "", func(tx *db.Tx, who gate.Identity, t *Ticket) error {
		if t.State != TicketAnswered {
			return ErrTicket
		}
		t.State, t.ClosedAt = TicketClosed, s.now()
		return nil
	})
}

func (s *Service) assist(ctx context.Context, id ID, step, secret string, fn func(tx *db.Tx, who gate.Identity, t *Ticket) error) error {
	act := &ledger.Act{Verb: "notice.assist", Object: ticketOf(id), Public: map[string]any{"step": step}}
	if secret != "" {
		act.Secret = secret
	}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		t, err := loadTicket(ctx, tx, id, who.Org, who.Clearance, true)
		if err != nil {
			return err
		}
		r, n, err := letterFor(ctx, tx, t.Recipient, who.Clearance)
		if err != nil {
			return err
		}
		if err := fn(tx, who, &t); err != nil {
			if fault.KindOf(err) == fault.Conflict {
				return fault.New(fault.Conflict, ErrTicket.Code)
			}
			return err
		}
		if err := saveTicket(ctx, tx, &t); err != nil {
			return err
		}
		return publish(ctx, tx, "helped", Happened{Notice: n.ID, From: n.From, By: who.Org, Recipient: r.ID, Ticket: id}, who.Org, r.Org)
	})
	return err
}
