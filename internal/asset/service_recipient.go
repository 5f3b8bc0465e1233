package asset

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// maxStampNumber bounds a recipient's own number, in characters.
const maxStampNumber = 60

// Acknowledged is a recipient's receipt: what the 受付印 is drawn from.
type Acknowledged struct {
	Number    string         `json:"number"` // the recipient's own 受付番号
	At        time.Time      `json:"at"`
	Forwarded []string       `json:"forwarded,omitempty"` // organisations that it was passed on to
	Receipt   ledger.Receipt `json:"receipt"`
	Promise   string         `json:"promise"` // signed
}

// Acknowledge stamps a statement that one's organisation was sent. number is
// the recipient's own; empty takes the operator's. When a ministry stamps it,
// the statement goes on to the Prime Minister's desk: the minister informs the
// Prime Minister of what was notified (Act 42 art. 4). Faults: ErrStatement,
// ErrAcknowledged.
func (s *Service) Acknowledge(ctx context.Context, id, number string) (a Acknowledged, err error) {
	act := &ledger.Act{Verb: "asset.acknowledge", Object: noticeOf(id)}
	a.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		n, err := loadNotice(ctx, tx, id, who.Org, reach)
		if err != nil {
			return err
		}
		if number = strings.TrimSpace(strings.ToValidUTF8(number, "")); number == "" {
			number = "No. " + quantityText(n.Number)
		}
		if utf8.RuneCountInString(number) > maxStampNumber {
			return fault.New(fault.Invalid, "asset.invalid", "n", 1).At(fault.Place{At: "number", Code: "asset.too_long", Args: fault.Args{"max": maxStampNumber}})
		}
		a.Number, a.At = number, s.now()
		ok, err := ackDelivery(ctx, tx, id, Delivery{Org: who.Org, AckedAt: a.At, AckedNumber: number, AckedBy: who.Person, AckedEntry: act.Entry})
		if err != nil {
			return err
		}
		if !ok {
			return ErrAcknowledged
		}
		orgs := []string{n.Org, who.Org}
		if who.Is(string(org.Ministry)) {
			if a.Forwarded, err = s.forward(ctx, tx, n, who); err != nil {
				return err
			}
			orgs = append(orgs, a.Forwarded...)
		}
		var bodies []ledger.Org
		for _, o := range a.Forwarded {
			bodies = append(bodies, ledger.Org(o))
		}
		act.Public = map[string]any{"number": n.Number, "forwarded": bodies}
		if len(bodies) > 0 {
			if err := publish(ctx, tx, "forwarded", Happened{Org: n.Org, By: who.Org, Statement: id, Number: n.Number}, orgsOf(orgs...)...); err != nil {
				return err
			}
		}
		return publish(ctx, tx, "acknowledged", Happened{Org: n.Org, By: who.Org, Statement: id, Number: n.Number}, orgsOf(orgs...)...)
	})
	if err != nil {
		return a, err
	}
	a.Promise, err = s.Ledger.Promise(a.Receipt)
	return a, err
}

func (s *Service) forward(ctx context.Context, tx *db.Tx, n Notice, who gate.Identity) (to []string, err error) {
	offices, err := s.Orgs.Bodies(ctx, tx, org.Office)
	if err != nil {
		return nil, err
	}
	for _, o := range offices {
		sent, err := putDelivery(ctx, tx, n.ID, Delivery{Org: string(o.ID), Role: string(org.Office), Via: who.Org, SentAt: s.now()})
		if err != nil {
			return nil, err
		}
		if sent {
			to = append(to, string(o.ID))
		}
	}
	return to, nil
}

// Ask puts a question to the operator, in the recipient's own conversation.
func (s *Service) Ask(ctx context.Context, id, question string) (thread.Message, error) {
	return s.say(ctx, &ledger.Act{Verb: "asset.ask", Object: noticeOf(id), Secret: question}, id, "", thread.Question, question)
}

// Answer answers a recipient; with is that recipient's organisation.
func (s *Service) Answer(ctx context.Context, id, with, answer string) (thread.Message, error) {
	return s.say(ctx, &ledger.Act{Verb: "asset.answer", Object: noticeOf(id), Secret: answer}, id, with, thread.Answer, answer)
}

func (s *Service) say(ctx context.Context, act *ledger.Act, id, with string, kind thread.Kind, words string) (m thread.Message, err error) {
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		n, err := loadNotice(ctx, tx, id, who.Org, reach)
		if err != nil {
			return err
		}
		what := "asked"
		if kind == thread.Answer {
			ds, err := loadDeliveries(ctx, tx, id, with)
			if err != nil {
				return err
			}
			if with == "" || len(ds) == 0 { // nobody asked in this name
				return ErrStatement
			}
			what = "answered"
		} else {
			with = who.Org
		}
		m, err = s.Threads.Post(ctx, tx, n.Org, thread.Message{Object: noticeOf(id), With: with, From: who.Org, Person: who.Person, Kind: kind, Text: words}, s.now())
		if err != nil {
			return err
		}
		act.Public = map[string]any{"with": ledger.Org(with)}
		open, err := s.Threads.Open(ctx, tx, "", noticeOf(id))
		if err != nil {
			return err
		}
		if err := setWaiting(ctx, tx, id, n.Org, true, open[noticeOf(id)] > 0); err != nil {
			return err
		}
		if kind == thread.Answer {
			if err := setWaiting(ctx, tx, id, with, false, true); err != nil {
				return err
			}
		}
		return publish(ctx, tx, what, Happened{Org: n.Org, By: who.Org, Statement: id, Number: n.Number}, orgsOf(n.Org, with)...)
	})
	return m, err
}
