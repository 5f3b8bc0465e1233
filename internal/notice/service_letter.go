package notice

import (
	"context"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
)

// Letter is a notice as one recipient has it: its own part and nothing of any
// other's.
type Letter struct {
	ID          ID          `json:"id"` // of the recipient's part
	Number      string      `json:"number"`
	From        string      `json:"from"`             // organisation that told it
	FromName    string      `json:"from_name"`        // its name
	Origin      string      `json:"origin,omitempty"` // name of who wrote it, where somebody passed it on
	Stage       Stage       `json:"stage"`            // sent, withdrawn, corrected
	EndedAt     time.Time   `json:"ended_at,omitzero"`
	EndedWhy    string      `json:"ended_why,omitempty"`
	Replaced    ID          `json:"replaced_by,omitempty"` // one's part of the correction
	Content     Content     `json:"content"`
	Kinds       []Kind      `json:"versions"`
	Why         []text.Both `json:"why"`
	Note        string      `json:"note,omitempty"` // of whoever passed it on
	State       State       `json:"state"`
	PlannedFor  string      `json:"planned_for,omitempty"`
	Shown       bool        `json:"shown,omitempty"`
	DeliveredAt time.Time   `json:"delivered_at"`
	OpenedAt    time.Time   `json:"opened_at,omitzero"`
	AnsweredAt  time.Time   `json:"answered_at,omitzero"`
	FixedAt     time.Time   `json:"fixed_at,omitzero"`
	RemindedAt  time.Time   `json:"reminded_at,omitzero"`
	Escalated   bool        `json:"escalated,omitempty"`
	Answers     []Answer    `json:"answers"` // the oldest first
	Evidence    []blob.Meta `json:"evidence"`
	Ticket      *Ticket     `json:"ticket,omitempty"`
	Passed      int         `json:"passed,omitempty"`    // to how many one has passed it on
	MayPass     []Kind      `json:"may_pass,omitempty"`  // versions that may go further down the chain
	Relayed     bool        `json:"relayed,omitempty"`   // somebody passed it on to us
	DeskName    string      `json:"desk_name,omitempty"` // who helps

	tier int
}

// letter makes a recipient's view. It is the same code for the recipient and
// for the sender's preview.
func (s *Service) letter(ctx context.Context, tx *db.Tx, r Recipient, n noticeRow, lang text.Lang) (l Letter, err error) {
	if err := s.open(ctx, tx, &n); err != nil {
		return l, err
	}
	one := []Recipient{r}
	if err := s.openAll(ctx, tx, r.From, one); err != nil {
		return l, err
	}
	r = one[0]
	kinds := versionsOf(&n.Content, r.Kinds)
	l = Letter{ID: r.ID, Number: n.Number, From: r.From, Stage: n.Stage, EndedAt: n.EndedAt, EndedWhy: n.EndedWhy, Content: n.Content.Only(kinds), Kinds: kinds,
		Why: r.Why, Note: r.Note, State: r.State, PlannedFor: r.PlannedFor, Shown: r.Shown, DeliveredAt: r.DeliveredAt, OpenedAt: r.OpenedAt, AnsweredAt: r.AnsweredAt,
		FixedAt: r.FixedAt, RemindedAt: r.RemindedAt, Escalated: r.Escalated, Relayed: r.Tier > 0, tier: r.Tier}
	names, err := s.names(ctx, tx, lang, r.From, n.From)
	if err != nil {
		return l, err
	}
	if l.FromName = names[r.From]; r.From != n.From {
		l.Origin = names[n.From]
	}
	if n.CorrectedBy != "" && r.Org != "" {
		if l.Replaced, err = partOf(ctx, tx, n.CorrectedBy, r.Org); err != nil {
			return l, err
		}
	}
	if l.Answers, err = s.answers(ctx, tx, r.ID); err != nil {
		return l, err
	}
	if l.Evidence, err = s.Blobs.Of(ctx, tx, letterOf(r.ID)); err != nil {
		return l, err
	}
	if t, err := openTicket(ctx, tx, r.ID); err == nil {
		l.Ticket = &t
		desk, err := s.names(ctx, tx, lang, t.Desk)
		if err != nil {
			return l, err
		}
		l.DeskName = desk[t.Desk]
	} else if fault.KindOf(err) != fault.NotFound {
		return l, err
	}
	if r.Org == "" || n.Stage != Sent || r.Tier >= s.Rules.Relay.Tiers {
		return l, nil
	}
	for _, k := range kinds {
		if s.Rules.MayPass(s.Rules.markOf(&n.Content, k), true) {
			l.MayPass = append(l.MayPass, k)
		}
	}
	kids, err := children(ctx, tx, r.ID)
	l.Passed = len(kids)
	return l, err
}

// Inbox lists what one's organisation was told, the last first.
func (s *Service) Inbox(ctx context.Context, f Filter) (out []Letter, next string, err error) {
	err = s.read(ctx, "notice.inbox", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		rs, ns, more, err := listLetters(ctx, tx, f, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		from := make([]string, len(rs))
		for i, r := range rs {
			from[i] = r.From
		}
		names, err := s.names(ctx, tx, langOf(who), from...)
		if err != nil {
			return err
		}
		keys := map[string]*key.Cipher{} // most letters of a page have one sender
		for i, r := range rs {
			n := ns[i]
			if keys[n.From] == nil {
				if keys[n.From], err = s.Keys.For(ctx, tx, n.From); err != nil {
					return err
				}
			}
			if err := n.open(keys[n.From]); err != nil {
				return err
			}
			kinds := versionsOf(&n.Content, r.Kinds)
			out = append(out, Letter{ID: r.ID, Number: n.Number, From: r.From, FromName: names[r.From], Stage: n.Stage, EndedAt: n.EndedAt, Content: n.Content.Only(kinds).heading(), Kinds: kinds,
				State: r.State, PlannedFor: r.PlannedFor, DeliveredAt: r.DeliveredAt, OpenedAt: r.OpenedAt, AnsweredAt: r.AnsweredAt, FixedAt: r.FixedAt, RemindedAt: r.RemindedAt, Escalated: r.Escalated, Relayed: r.Tier > 0})
		}
		next = more
		return nil
	})
	return out, next, err
}

// heading is what a list shows of a content.
func (c Content) heading() Content {
	c.Management, c.Technical, c.Small = nil, nil, nil
	return c
}

// Open opens a letter of one's own organisation. The first look is an act: the
// sender sees that it was opened, and when.
func (s *Service) Open(ctx context.Context, id ID) (l Letter, err error) {
	id = s.letterID(ctx, id)
	err = s.read(ctx, "notice.open", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		l, err = s.letter(ctx, tx, r, n, langOf(who))
		return err
	})
	if err != nil || !l.OpenedAt.IsZero() {
		return l, err
	}
	now := s.now()
	act := &ledger.Act{Verb: "notice.open", Object: letterOf(id)}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		first, err := markOpened(ctx, tx, id, now)
		if err != nil || !first {
			return err
		}
		return publish(ctx, tx, "opened", Happened{Notice: n.ID, From: n.From, By: who.Org, Recipient: id, State: Opened}, who.Org, r.From, n.From)
	})
	if err == nil && l.State == Delivered {
		l.State, l.OpenedAt = Opened, now
	}
	return l, err
}

// Preview returns what one recipient of a draft, or of a notice, sees.
func (s *Service) Preview(ctx context.Context, id, recipient ID) (l Letter, err error) {
	id = s.ownID(ctx, id)
	err = s.read(ctx, "notice.board", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		n, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, false)
		if err != nil {
			return err
		}
		r, err := loadRecipient(ctx, tx, id, recipient)
		if err != nil {
			return err
		}
		l, err = s.letter(ctx, tx, r, n, langOf(who))
		l.Passed = 0 // to how many it went on from there the sender sees as a range
		return err
	})
	return l, err
}

// Help returns the conversation of a letter's call for help.
func (s *Service) Help(ctx context.Context, id ID) (out []thread.Message, err error) {
	id = s.letterID(ctx, id)
	err = s.read(ctx, "notice.open", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if _, _, err := loadLetter(ctx, tx, id, who.Org, who.Clearance); err != nil {
			return err
		}
		t, err := openTicket(ctx, tx, id)
		if err != nil {
			return err
		}
		out, err = s.Threads.Of(ctx, tx, t.owner, ticketOf(t.ID), t.Desk)
		return err
	})
	return out, err
}

// Waiting counts letters that wait for an answer, up to a hundred: for the
// main menu.
func (s *Service) Waiting(ctx context.Context) (int, error) {
	if !Access.May(ctx, "notice.inbox") {
		return 0, nil
	}
	n := 0
	err := s.read(ctx, "notice.inbox", func(tx *db.Tx, who gate.Identity, _ gate.Reach) (err error) {
		n, err = countOpen(ctx, tx, who.Org, who.Clearance)
		return err
	})
	return n, err
}
