package notice

import (
	"context"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// Slip is what a link opens: the letter of a firm without an account.
type Slip struct {
	Letter Letter
	Name   string    // of the firm
	Phone  string    // of the window of whoever told it, to ask whether it is real
	Ends   time.Time // of the link
	Advice []string  // what the desk for help answered, the last first
}

// linked finds what a token opens. Without such a link it is ErrNone; one that
// ended says so to whoever held it.
func (s *Service) linked(ctx context.Context, tx *db.Tx, token string) (r Recipient, n noticeRow, ends time.Time, err error) {
	if len(token) != 22 {
		return r, n, ends, ErrNone
	}
	r, n, ends, ended, err := loadByLink(ctx, tx, tokenDigest(token))
	if err == nil && (!ended.IsZero() || !s.now().Before(ends)) {
		err = ErrLinkEnded
	}
	return r, n, ends, err
}

// ByLink reads what a link opens. It changes nothing: the scanner of a mail
// server that opens it first is no reader.
func (s *Service) ByLink(ctx context.Context, token string, lang text.Lang) (out Slip, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		r, n, ends, err := s.linked(ctx, tx, token)
		if err != nil {
			return err
		}
		if out.Letter, err = s.letter(ctx, tx, r, n, lang); err != nil {
			return err
		}
		one := []Recipient{r}
		if err := s.openAll(ctx, tx, r.From, one); err != nil {
			return err
		}
		out.Name, out.Ends = one[0].Name, ends
		if out.Advice, err = s.advice(ctx, tx, out.Letter.Ticket); err != nil {
			return err
		}
		from, err := s.Orgs.Load(ctx, tx, org.ID(r.From))
		if err != nil {
			return err
		}
		for _, c := range from.Contacts {
			if c.Phone != "" && (out.Phone == "" || c.Duty == org.Window) {
				out.Phone = c.Phone
			}
		}
		return nil
	})
	return out, err
}

// advice returns what a desk answered to a call for help, the last first.
func (s *Service) advice(ctx context.Context, tx *db.Tx, t *Ticket) (out []string, err error) {
	if t == nil {
		return nil, nil
	}
	talk, err := s.Threads.Of(ctx, tx, t.owner, ticketOf(t.ID), t.Desk)
	for _, m := range talk {
		if m.Kind == thread.Answer {
			out = append([]string{m.Text}, out...)
		}
	}
	return out, err
}

// byLink runs an act of whoever holds a link. Nobody is signed in: the link is
// the permission, and it is checked inside.
func (s *Service) byLink(ctx context.Context, token string, act *ledger.Act, fn func(tx *db.Tx, r *Recipient, n *noticeRow) error) (ledger.Receipt, error) {
	return s.Ledger.Do(org.Local(ctx), act, func(tx *db.Tx) error {
		r, n, _, err := s.linked(ctx, tx, token)
		if err != nil {
			return err
		}
		act.Object = letterOf(r.ID)
		return fn(tx, &r, &n)
	})
}

// OpenByLink notes that somebody holds the page in their hands: the first tap,
// which no scanner makes.
func (s *Service) OpenByLink(ctx context.Context, token string) error {
	var seen bool
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		r, _, _, err := s.linked(ctx, tx, token)
		seen = !r.OpenedAt.IsZero()
		return err
	})
	if err != nil || seen {
		return err
	}
	_, err = s.byLink(ctx, token, &ledger.Act{Verb: "notice.open", Public: map[string]any{"by": "link"}}, func(tx *db.Tx, r *Recipient, n *noticeRow) error {
		first, err := markOpened(ctx, tx, r.ID, s.now())
		if err != nil || !first {
			return err
		}
		return publish(ctx, tx, "opened", Happened{Notice: n.ID, From: n.From, Recipient: r.ID, State: Opened}, r.From, n.From)
	})
	return err
}

// AnswerByLink answers for a firm without an account. It may be changed until
// the link ends.
func (s *Service) AnswerByLink(ctx context.Context, token string, in AnswerInput) (out Answered, err error) {
	switch in.State {
	case Mitigated, NeedsHelp, NotAffected:
	default: // the page offers three
		return out, fault.New(fault.Invalid, "notice.answer.invalid").At(fault.Place{At: "state", Code: "notice.answer.state"})
	}
	act := &ledger.Act{Verb: "notice.answer"}
	out.Receipt, err = s.byLink(ctx, token, act, func(tx *db.Tx, r *Recipient, n *noticeRow) error {
		if err := s.answer(ctx, tx, act, gate.Identity{Org: r.Org}, r.ID, n, in, &out); err != nil {
			return err
		}
		act.Public["by"] = "link"
		return nil
	})
	return out, err
}
