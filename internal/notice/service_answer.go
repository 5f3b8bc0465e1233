package notice

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// AnswerInput is what a recipient answers.
type AnswerInput struct {
	State   State  `json:"state" enum:"checking,affected,not_affected,mitigated,planned,needs_help"`
	Note    string `json:"note,omitempty" maxLength:"20000" doc:"In your own words; with needs_help, what you need"`
	Date    string `json:"date,omitempty" maxLength:"10" doc:"Of planned: the day, as 2026-11-20"`
	Interim string `json:"interim,omitempty" maxLength:"20000" doc:"Of planned: what is done until then"`
	Shown   *bool  `json:"shown,omitempty" doc:"Let whoever passed the notice on see this answer in detail"`
}

// normal checks an answer at a state.
func (r *RuleSet) normalAnswer(in AnswerInput, from State, now time.Time) (AnswerInput, error) {
	if err := r.Move(from, in.State); err != nil {
		return in, err
	}
	var p problems
	in.Note, in.Interim = p.tidy("note", in.Note, maxWords), p.tidy("interim", in.Interim, maxWords)
	needs := r.State(in.State).Needs
	if in.Date = strings.TrimSpace(fold(in.Date)); slices.Contains(needs, "date") {
		day, err := time.Parse(time.DateOnly, in.Date)
		switch {
		case err != nil:
			p.add("date", "notice.answer.date")
		case day.Before(now.AddDate(0, 0, -1)) || day.After(now.AddDate(maxYears, 0, 0)):
			p.add("date", "notice.answer.ahead", "years", maxYears)
		}
	} else {
		in.Date = ""
	}
	if slices.Contains(needs, "interim") {
		if in.Interim == "" {
			p.add("interim", "notice.answer.interim")
		}
	} else {
		in.Interim = ""
	}
	if len(p) > 0 {
		return in, fault.New(fault.Invalid, "notice.answer.invalid").At(p...)
	}
	return in, nil
}

// Answered is what came of an answer.
type Answered struct {
	Answer  Answer         `json:"answer"`
	Ticket  *Ticket        `json:"ticket,omitempty"`
	Receipt ledger.Receipt `json:"receipt"`
}

// Answer answers a letter of one's own organisation. An answer is added to the
// ones before and changes none; the last one holds.
func (s *Service) Answer(ctx context.Context, id ID, in AnswerInput) (out Answered, err error) {
	id = s.letterID(ctx, id)
	act := &ledger.Act{Verb: "notice.answer", Object: letterOf(id)}
	out.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		return s.answer(ctx, tx, act, who, r.ID, &n, in, &out)
	})
	return out, err
}

// answer records an answer of who acts, whom the caller has let in.
func (s *Service) answer(ctx context.Context, tx *db.Tx, act *ledger.Act, who gate.Identity, id ID, n *noticeRow, in AnswerInput, out *Answered) error {
	if n.Stage != Sent {
		return ErrEnded
	}
	r, err := lockRecipient(ctx, tx, id)
	if err != nil {
		return err
	}
	now := s.now()
	if in, err = s.Rules.normalAnswer(in, r.State, now); err != nil {
		return err
	}
	if err := s.roomForAnswer(ctx, tx, id); err != nil {
		return err
	}
	a := Answer{ID: newID(), State: in.State, At: now, By: who.Org, Note: in.Note, Date: in.Date, Interim: in.Interim,
		Corrects: s.Rules.State(r.State).Quiet, recipient: id, owner: r.Org, person: who.Person, entry: act.Entry}
	if a.owner == "" { // a firm that is not here: under the key of whoever told it
		a.owner = r.From
	}
	raw, err := json.Marshal(words{Note: in.Note, Interim: in.Interim, Date: in.Date})
	if err != nil {
		return fmt.Errorf("answer %s: %w", a.ID, err)
	}
	c, err := s.Keys.Make(ctx, tx, a.owner)
	if err != nil {
		return err
	}
	a.sealed = c.Seal(raw, "notice_answer/"+a.ID)
	if err := insertAnswer(ctx, tx, &a); err != nil {
		return err
	}
	s.move(&r, n, in, now)
	if err := setState(ctx, tx, &r); err != nil {
		return err
	}
	a.sealed = nil
	out.Answer = a
	act.Public, act.Secret = map[string]any{"state": string(in.State)}, in
	if in.State == NeedsHelp {
		if out.Ticket, err = s.openTicket(ctx, tx, &r, n, who, in.Note, now); err != nil {
			return err
		}
	}
	h := Happened{Notice: n.ID, From: n.From, By: who.Org, Recipient: id, State: in.State}
	return publish(ctx, tx, "answered", h, r.Org, r.From, n.From)
}

func (s *Service) roomForAnswer(ctx context.Context, tx *db.Tx, id ID) error {
	list, err := loadAnswers(ctx, tx, id)
	if err == nil && len(list) >= maxAnswers {
		err = fault.New(fault.TooLarge, "notice.answer.many", "max", maxAnswers)
	}
	return err
}

// move puts a recipient where an answer leads.
func (s *Service) move(r *Recipient, n *noticeRow, in AnswerInput, now time.Time) {
	rule := s.Rules.State(in.State)
	r.State, r.PlannedFor = in.State, in.Date
	if in.Shown != nil {
		r.Shown = *in.Shown
	}
	if r.OpenedAt.IsZero() {
		r.OpenedAt = now
	}
	if rule.Quiet && r.AnsweredAt.IsZero() {
		r.AnsweredAt = now
	}
	switch {
	case rule.Fixed && r.FixedAt.IsZero():
		r.FixedAt = now
	case !rule.Fixed: // corrected: it was not repaired after all
		r.FixedAt = time.Time{}
	}
	r.step, r.nextAt, _ = s.Rules.Next(s.Rules.Schedule(n.SentAt, n.Content.AnswerBy, n.Content.FixBy), r.stepAfter(s.Rules, n, now), in.State)
}

// stepAfter is the first chore that lies after now: what is overdue already is
// not done because somebody answered.
func (r *Recipient) stepAfter(rules *RuleSet, n *noticeRow, now time.Time) int {
	all := rules.Schedule(n.SentAt, n.Content.AnswerBy, n.Content.FixBy)
	i := slices.IndexFunc(all, func(c Chore) bool { return c.Due.After(now) })
	if i < 0 {
		return len(all)
	}
	return i
}

// maxEvidence bounds the files of one recipient.
const maxEvidence = 20

// AddEvidence adds a file to one's answer: a record, a photograph, a list.
func (s *Service) AddEvidence(ctx context.Context, id ID, name string, content io.Reader) (m blob.Meta, err error) {
	id = s.letterID(ctx, id)
	// What is staged and not added is swept later; nothing is staged for
	// somebody who may not add it.
	if err := s.read(ctx, "notice.answer", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		_, _, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		return err
	}); err != nil {
		return m, err
	}
	staged, err := s.Blobs.Stage(content, name)
	if err != nil {
		return m, err
	}
	act := &ledger.Act{Verb: "notice.answer", Object: letterOf(id), Public: map[string]any{"step": "evidence", "sha256": staged.SHA256, "size": staged.Size}}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		if n.Stage != Sent {
			return ErrEnded
		}
		have, err := s.Blobs.Of(ctx, tx, letterOf(id))
		if err != nil {
			return err
		}
		if len(have) >= maxEvidence {
			return fault.New(fault.TooLarge, ErrFile.Code, "max", maxEvidence)
		}
		if m, err = s.Blobs.Add(ctx, tx, staged, who.Org, letterOf(id)); err != nil {
			return err
		}
		return publish(ctx, tx, "answered", Happened{Notice: n.ID, From: n.From, By: who.Org, Recipient: id, State: r.State}, who.Org, r.From, n.From)
	})
	return m, err
}

// Evidence opens a file of a letter: for the recipient itself, and for the
// sender who told it.
func (s *Service) Evidence(ctx context.Context, letter ID, file string) (m blob.Meta, content io.ReadCloser, err error) {
	return s.evidence(ctx, "", letter, file)
}

// evidence is Evidence; with a notice, of a letter of that notice alone.
func (s *Service) evidence(ctx context.Context, notice, letter ID, file string) (m blob.Meta, content io.ReadCloser, err error) {
	notice, letter = s.ownID(ctx, notice), s.letterID(ctx, letter)
	find := func(tx *db.Tx) error {
		if m, err = s.Blobs.Get(ctx, tx, file); err != nil || m.Object != letterOf(letter) {
			return ErrNone
		}
		content, err = s.Blobs.Open(m)
		return err
	}
	if Access.May(ctx, "notice.board") { // a sender reads what it was answered, on the record
		act := &ledger.Act{Verb: "notice.board", Object: letterOf(letter), Public: map[string]any{"step": "evidence"}}
		_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
			r, err := anyRecipient(ctx, tx, letter)
			if err != nil || r.Tier > 0 || notice != "" && r.Notice != notice {
				return ErrNone
			}
			if _, err := loadNotice(ctx, tx, r.Notice, who.Org, who.Clearance, false); err != nil {
				return err
			}
			return find(tx)
		})
		if err == nil || !Access.May(ctx, "notice.open") {
			return m, content, err
		}
	}
	err = s.read(ctx, "notice.open", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, _, err := loadLetter(ctx, tx, letter, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		if notice != "" && r.Notice != notice {
			return ErrNone
		}
		return find(tx)
	})
	return m, content, err
}

// AskHelp asks the desk, or says more to it, in the conversation of a letter.
// The first time opens a ticket.
func (s *Service) AskHelp(ctx context.Context, id ID, question string) (t Ticket, err error) {
	id = s.letterID(ctx, id)
	act := &ledger.Act{Verb: "notice.help", Object: letterOf(id), Secret: question}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r, n, err := loadLetter(ctx, tx, id, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		if question, err = reasonOf("question", question); err != nil {
			return err
		}
		got, err := s.openTicket(ctx, tx, &r, &n, who, question, s.now())
		if err != nil {
			return err
		}
		t = *got
		return publish(ctx, tx, "helped", Happened{Notice: n.ID, From: n.From, By: who.Org, Recipient: id, Ticket: t.ID}, who.Org, t.Desk)
	})
	return t, err
}

// desk finds who helps: the first kind of body that the rules name and that is
// here, else the sender.
func (s *Service) desk(ctx context.Context, tx *db.Tx, n *noticeRow) (string, error) {
	for _, k := range s.Rules.Desk.Kinds {
		bodies, err := s.Orgs.Bodies(ctx, tx, org.Kind(k))
		if err != nil {
			return "", err
		}
		if len(bodies) > 0 {
			return string(bodies[0].ID), nil
		}
	}
	return n.From, nil
}

// openTicket opens a ticket, or goes on with the one that is open; a question
// goes into its conversation.
func (s *Service) openTicket(ctx context.Context, tx *db.Tx, r *Recipient, n *noticeRow, who gate.Identity, question string, now time.Time) (*Ticket, error) {
	t, err := openTicket(ctx, tx, r.ID)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return nil, err
	}
	if err != nil || t.State == TicketClosed {
		desk, err := s.desk(ctx, tx, n)
		if err != nil {
			return nil, err
		}
		t = Ticket{ID: newID(), Recipient: r.ID, Desk: desk, Org: r.Org, State: TicketOpen, Severity: n.Content.Severity, Number: n.Number, OpenedAt: now,
			Due: now.Add(time.Duration(s.Rules.Class(n.Content.Severity).HelpHours) * time.Hour), owner: r.Org}
		if t.owner == "" {
			t.owner = r.From
		}
		if err := insertTicket(ctx, tx, &t, n.ID); err != nil {
			return nil, err
		}
	} else if t.State == TicketAnswered { // not enough yet
		t.State = TicketTaken
		if err := saveTicket(ctx, tx, &t); err != nil {
			return nil, err
		}
	}
	if question == "" {
		return &t, nil
	}
	from := r.Org
	if from == "" {
		from = "link"
	}
	_, err = s.Threads.Post(ctx, tx, t.owner, thread.Message{Object: ticketOf(t.ID), With: t.Desk, From: from, Person: who.Person, Kind: thread.Question, Text: question}, now)
	return &t, err
}
