package incident

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
)

// maxWords bounds what a person writes into one act, in characters.
const maxWords = 4000

// words trims what a person wrote and refuses nothing at all, or too much.
func words(at, s string) (string, error) {
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	switch n := utf8.RuneCountInString(s); {
	case n == 0:
		return "", fault.New(fault.Invalid, "incident.words").At(fault.Place{At: at, Code: "incident.words.empty"})
	case n > maxWords:
		return "", fault.New(fault.Invalid, "incident.words").At(fault.Place{At: at, Code: "incident.words.long", Args: fault.Args{"n": n, "max": maxWords}})
	}
	return s, nil
}

// Acknowledged is a recipient's receipt: what the 受付印 is drawn from.
type Acknowledged struct {
	Number  string         `json:"number"` // the recipient's own 受付番号
	At      time.Time      `json:"at"`
	Version int            `json:"version"`
	Receipt ledger.Receipt `json:"receipt"`
	Promise string         `json:"promise"` // signed
}

// Acknowledge stamps the version of a report that one's organisation was
// sent. Number is the recipient's own; empty takes the case's. It needs no
// purpose: it says that the report arrived, not what is in it.
func (s *Service) Acknowledge(ctx context.Context, id ID, number string) (a Acknowledged, err error) {
	act := &ledger.Act{Verb: "incident.acknowledge", Object: objectOf(id)}
	a.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if number = strings.TrimSpace(number); number == "" {
			number = c.Number
		}
		if utf8.RuneCountInString(number) > 60 {
			return fault.New(fault.Invalid, "incident.words").At(fault.Place{At: "number", Code: "incident.words.long", Args: fault.Args{"n": utf8.RuneCountInString(number), "max": 60}})
		}
		a.Number, a.At, a.Version = number, s.now(), c.Version
		n, err := ackDeliveries(ctx, tx, id, who.Org, c.Version, number, who.Person, act.Entry, a.At)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "incident.acknowledged")
		}
		if err := setWaiting(ctx, tx, who.Org, id, false); err != nil {
			return err
		}
		act.Public = map[string]any{"number": number, "version": c.Version}
		return publish(ctx, tx, "acknowledged", c, who.Org, c.Org, who.Org)
	})
	if err != nil {
		return a, err
	}
	a.Promise, err = s.Ledger.Promise(a.Receipt)
	return a, err
}

// Ask puts a question to the reporter, in the recipient's own conversation.
func (s *Service) Ask(ctx context.Context, id ID, question string) (thread.Message, error) {
	return s.say(ctx, &ledger.Act{Verb: "incident.ask", Object: objectOf(id), Secret: question}, id, "", thread.Question, question)
}

// Answer answers a recipient; with is that recipient's organisation.
func (s *Service) Answer(ctx context.Context, id ID, with, answer string) (thread.Message, error) {
	return s.say(ctx, &ledger.Act{Verb: "incident.answer", Object: objectOf(id), Secret: answer}, id, with, thread.Answer, answer)
}

func (s *Service) say(ctx context.Context, act *ledger.Act, id ID, with string, kind thread.Kind, words string) (m thread.Message, err error) {
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if err := living(ctx, tx, id); err != nil {
			return err
		}
		what, waits := "asked", c.Org
		if kind == thread.Answer {
			ds, err := loadDeliveries(ctx, tx, id, with)
			if err != nil {
				return err
			}
			if with == "" || len(ds) == 0 { // nobody asked in this name
				return ErrNone
			}
			what, waits = "answered", with
		} else {
			with = who.Org
		}
		m, err = s.Threads.Post(ctx, tx, c.Org, thread.Message{Object: objectOf(id), With: with, From: who.Org, Person: who.Person, Kind: kind, Text: words}, s.now())
		if err != nil {
			return err
		}
		act.Public = map[string]any{"with": ledger.Org(with)}
		if err := setWaiting(ctx, tx, waits, id, true); err != nil {
			return err
		}
		if kind == thread.Answer {
			open, err := s.Threads.Open(ctx, tx, "", objectOf(id))
			if err != nil {
				return err
			}
			if err := setWaiting(ctx, tx, c.Org, id, open[objectOf(id)] > 0); err != nil {
				return err
			}
		}
		return publish(ctx, tx, what, c, who.Org, c.Org, with)
	})
	return m, err
}

// Give tells the reporter what was done with the report and what is advised.
func (s *Service) Give(ctx context.Context, id ID, done, advice string) (f Feedback, err error) {
	act := &ledger.Act{Verb: "incident.feedback", Object: objectOf(id)}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if err := living(ctx, tx, id); err != nil {
			return err
		}
		f = Feedback{ID: NewID(), Case: id, Org: who.Org, At: s.now()}
		if f.Done, err = words("done", done); err != nil {
			return err
		}
		if strings.TrimSpace(advice) != "" {
			if f.Advice, err = words("advice", advice); err != nil {
				return err
			}
		}
		cipher, err := s.Keys.Make(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		sealed, err := cipher.SealJSON([]string{f.Done, f.Advice}, "incident/feedback/"+f.ID)
		if err != nil {
			return err
		}
		f.sealed = sealed
		if err := insertFeedback(ctx, tx, f, who.Person); err != nil {
			return err
		}
		act.Secret = f
		return publish(ctx, tx, "feedback_given", c, who.Org, c.Org, who.Org)
	})
	return f, err
}

// feedback opens what recipients told; with is one of them, or empty for all.
func (s *Service) feedback(ctx context.Context, tx *db.Tx, c Case, with string) ([]Feedback, error) {
	list, err := loadFeedback(ctx, tx, c.ID, with)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	cipher, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return nil, err
	}
	for i := range list {
		raw, err := cipher.Open(list[i].sealed, "incident/feedback/"+list[i].ID)
		if err != nil {
			return nil, fmt.Errorf("feedback %s: %w", list[i].ID, err)
		}
		var both []string
		if err := json.Unmarshal(raw, &both); err != nil || len(both) != 2 {
			return nil, fmt.Errorf("feedback %s: %w", list[i].ID, err)
		}
		list[i].Done, list[i].Advice = both[0], both[1]
	}
	return list, nil
}

// DelayReadings keeps one's organisation's readings of a case from the
// reporter until a day, on a recorded ground. They are shown then, and the
// commission sees them now.
func (s *Service) DelayReadings(ctx context.Context, id ID, ground, note string, until time.Time) error {
	act := &ledger.Act{Verb: "incident.delay", Object: objectOf(id), Secret: note}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		note, err := words("note", note)
		if err != nil {
			return err
		}
		g, ok := Rules().Ground(ground)
		now := s.now()
		if latest := now.AddDate(0, 0, g.MaxDays); !ok || !until.After(now) || until.After(latest) {
			return fault.New(fault.Invalid, ErrGround.Code, "days", g.MaxDays)
		}
		cipher, err := s.Keys.Make(ctx, tx, who.Org) // under the recipient's own key: not for the reporter
		if err != nil {
			return err
		}
		act.Public = map[string]any{"ground": g.ID, "until": until.UTC().Format(time.RFC3339)}
		return insertDelay(ctx, tx, Delay{Case: c.ID, Org: who.Org, Ground: g.ID, Until: until, Person: who.Person, At: now},
			cipher.Seal([]byte(note), "incident/delay/"+c.ID))
	})
	return err
}

// AskSupervision asks to open a report for supervision (Act 42 arts 6, 10). A
// second person of the same organisation has to agree.
func (s *Service) AskSupervision(ctx context.Context, id ID, reason string) (x SupervisionCase, err error) {
	act := &ledger.Act{Verb: "incident.supervise", Object: objectOf(id), Purpose: string(Supervision), Secret: reason}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if err := living(ctx, tx, id); err != nil {
			return err
		}
		x = SupervisionCase{ID: NewID(), Case: id, Org: who.Org, AskedBy: who.Person, AskedAt: s.now(), State: SupervisionAsked}
		if x.Reason, err = words("reason", reason); err != nil {
			return err
		}
		cipher, err := s.Keys.Make(ctx, tx, c.Org) // the reporter is told the reason
		if err != nil {
			return err
		}
		x.sealed = cipher.Seal([]byte(x.Reason), "incident/supervision/"+x.ID)
		if err := insertSupervision(ctx, tx, x); err != nil {
			return err
		}
		return publish(ctx, tx, "supervised", c, who.Org, who.Org)
	})
	return x, err
}

// DecideSupervision agrees to a request or refuses it. The one who asked may
// not; agreement opens the report for a bounded time and tells the reporter.
func (s *Service) DecideSupervision(ctx context.Context, id ID, request string, agree bool) error {
	act := &ledger.Act{Verb: "incident.agree", Object: objectOf(id), Purpose: string(Supervision), Public: map[string]any{"agree": agree}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		list, err := loadSupervisions(ctx, tx, id, who.Org)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(list, func(x SupervisionCase) bool { return x.ID == request })
		if i < 0 {
			return ErrNone
		}
		x := list[i]
		if x.AskedBy == who.Person {
			return ErrSamePerson
		}
		x.State, x.DecidedBy, x.DecidedAt = SupervisionRefused, who.Person, s.now()
		pages := []string{who.Org}
		if agree {
			x.State, x.EndsAt = SupervisionAgreed, x.DecidedAt.AddDate(0, 0, Rules().Supervision.Days)
			pages = append(pages, c.Org)
		}
		if err := decideSupervision(ctx, tx, x); err != nil {
			return err
		}
		return publish(ctx, tx, "supervised", c, who.Org, pages...)
	})
	return err
}

// Supervisions lists the requests for supervision of a case: a ministry's
// own, and to the reporter those that were agreed to, with their reasons.
func (s *Service) Supervisions(ctx context.Context, id ID) (out []SupervisionCase, err error) {
	err = s.read(ctx, "incident.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		from := who.Org
		if reach == gate.Own {
			from = ""
		}
		list, err := loadSupervisions(ctx, tx, id, from)
		if err != nil || len(list) == 0 {
			return err
		}
		cipher, err := s.Keys.For(ctx, tx, c.Org)
		if err != nil {
			return err
		}
		for _, x := range list {
			if reach == gate.Own && x.State != SupervisionAgreed {
				continue
			}
			reason, err := cipher.Open(x.sealed, "incident/supervision/"+x.ID)
			if err != nil {
				return fmt.Errorf("supervision %s: %w", x.ID, err)
			}
			x.Reason = string(reason)
			out = append(out, x)
		}
		return nil
	})
	return out, err
}
