package request

import (
	"context"
	"time"

	"noroshi/internal/base/ledger"
)

// Verdict is what somebody says.
type Verdict string

// The verdicts.
const (
	SaysReceived Verdict = "acknowledged"
	SaysGone     Verdict = "acted" // what the machine did has ended
	SaysNo       Verdict = "refused"
)

// verdicts are the acts of each.
var verdicts = map[Verdict]string{SaysReceived: "acknowledge", SaysGone: "act", SaysNo: "refuse"}

// Teller is who says so.
type Teller string

// Who may say that a machine's doing ended. The hub itself never looks.
const (
	Recipient Teller = "recipient"
	OwnLogs   Teller = "own"   // of one's own network
	Third     Teller = "third" // somebody else's report
)

// AnswerInput is an answer, as somebody pastes it, or what they know by another
// way.
type AnswerInput struct {
	Says   Verdict   `json:"says" enum:"acknowledged,acted,refused"`
	By     Teller    `json:"by,omitempty" enum:"recipient,own,third" doc:"Who says so; empty: the recipient"`
	Text   string    `json:"text,omitempty" maxLength:"200000" doc:"The answer as it came; only its digest is on the record"`
	CameAt time.Time `json:"came_at,omitzero" doc:"Empty: now"`
	GoneAt time.Time `json:"gone_at,omitzero" doc:"Of acted: since when; empty: when the answer came"`
}

// Answer writes down what came back. That the machine's doing ended is what
// somebody says: nothing here looks. Faults: ErrInvalid with places, ErrMove.
func (s *Service) Answer(ctx context.Context, id ID, in AnswerInput) (Request, error) {
	return s.do(ctx, id, "request.answer", in, func(a *at) error {
		var bad mistakes
		act, ok := verdicts[in.Says]
		if !ok {
			bad.add("says", "request.bad.choice")
		}
		if in.By == "" {
			in.By = Recipient
		}
		if in.By != Recipient && in.By != OwnLogs && in.By != Third || in.By != Recipient && in.Says != SaysGone {
			bad.add("by", "request.bad.choice")
		}
		digest := digestOf([]byte(in.Text)) // of what was pasted, before it is tidied
		bad.words("text", &in.Text, MaxAnswer, true)
		in.CameAt = bad.past("came_at", in.CameAt, a.now)
		if in.Says == SaysGone {
			if in.GoneAt.IsZero() {
				in.GoneAt = in.CameAt
			}
			in.GoneAt = bad.past("gone_at", in.GoneAt, a.now)
		}
		if err := bad.err(); err != nil {
			return err
		}
		x := Answer{ID: newID(), Says: in.Says, Digest: digest, CameAt: in.CameAt, At: a.now, Entry: a.act.Entry}
		var err error
		if x.sealed, err = s.Keys.SealJSON(a.ctx, a.tx, a.r.Org, in, "request_answer/"+x.ID); err != nil {
			return err
		}
		if err := insertAnswer(a.ctx, a.tx, a.r.ID, x); err != nil {
			return err
		}
		if in.By == Recipient && a.r.AnswerAt.IsZero() {
			a.r.AnswerAt = in.CameAt
		}
		a.r.NextAt = time.Time{}
		switch in.Says {
		case SaysReceived:
			if err := s.next(a); err != nil {
				return err
			}
		case SaysGone:
			a.r.GoneAt = in.GoneAt
		}
		a.more["answer"], a.more["says"], a.more["told_by"] = digest, string(in.Says), string(in.By)
		return s.step(a, act, Person)
	})
}

// past checks an instant that lies behind; empty is now.
func (m *mistakes) past(at string, t, now time.Time) time.Time {
	if t.IsZero() {
		return now
	}
	if t = t.UTC().Truncate(time.Second); t.After(now) {
		m.add(at, "request.bad.future")
	}
	return t
}

// FollowInput is how a request goes on.
type FollowInput struct {
	Purpose Purpose   `json:"purpose" enum:"follow_up,escalation"`
	To      Contact   `json:"to,omitzero" doc:"Of an escalation: who is asked now, such as the registrar, another provider or a CERT"`
	By      time.Time `json:"by,omitzero"`
}

// Follow begins another mail of a request that went out: to the same desk, or to
// somebody else when that desk does not act. It is written, checked and sent like
// the first. Faults: ErrInvalid with places, ErrMove.
func (s *Service) Follow(ctx context.Context, id ID, in FollowInput) (Request, error) {
	return s.do(ctx, id, "request.follow", in, func(a *at) error {
		d := *a.d
		d.By = in.By
		switch in.Purpose {
		case FollowUp:
		case Escalation:
			if in.To.Mail == d.To.Mail && in.To.Org == d.To.Org {
				return invalid("to.mail", "request.bad.same")
			}
			d.To = in.To
		default:
			return invalid("purpose", "request.bad.choice")
		}
		a.d = &d
		if err := s.put(a); err != nil {
			return err
		}
		a.r.Purpose, a.r.NextAt = in.Purpose, time.Time{}
		if a.r.State == Acted { // it is back
			a.r.GoneAt = time.Time{}
		}
		if a.r.Kind == Carrier { // another order is confirmed by itself
			a.r.AnswerAt, a.r.GoneAt = time.Time{}, time.Time{}
		}
		if err := s.supersede(a); err != nil {
			return err
		}
		a.more["writer"] = ledger.Person(a.who.Person)
		return s.step(a, "follow", Person)
	})
}

// Close ends a request, whatever came of it. Faults: ErrMove, ErrInvalid.
func (s *Service) Close(ctx context.Context, id ID, why string) (Request, error) {
	return s.do(ctx, id, "request.close", why, func(a *at) error {
		var bad mistakes
		bad.words("text", &why, maxWords, a.r.State != Acted)
		if err := bad.err(); err != nil {
			return err
		}
		a.says, a.r.NextAt = why, time.Time{}
		if _, err := s.Office.Withdraw(a.ctx, a.tx, objectOf(a.r.ID)); err != nil {
			return err
		}
		return s.step(a, "close", Person)
	})
}
