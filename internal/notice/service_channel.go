package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/notice/channel"
)

// takenAtOnce bounds the recipients whose channels one transaction takes up.
const takenAtOnce = 100

// fallback is the kind of a row of the outbox that goes to the second contact
// because the first could not be reached.
const fallback = "fallback"

// takeUp hands what lies in the outbox to the channels of its recipients. It
// runs after the act that told them: in the portal a notice is at once, and a
// thousand mails hold nobody up. More reports whether some is left.
func (s *Service) takeUp(ctx context.Context, tx *db.Tx) (more bool, err error) {
	if s.Channels == nil {
		return false, nil
	}
	list, err := untaken(ctx, tx, s.now(), takenAtOnce)
	if err != nil {
		return false, err
	}
	notices := map[ID]*noticeRow{}
	for _, q := range list {
		if err := s.tell(ctx, tx, q, notices); err != nil {
			// One that cannot be opened holds up nobody else's; were it the
			// database that fails, the next line would too.
			if err := markProblem(ctx, tx, q.id, s.now(), s.now().Add(time.Hour), fault.Of(err).Code); err != nil {
				return false, err
			}
			continue
		}
		if err := markTaken(ctx, tx, q.id, s.now()); err != nil {
			return false, err
		}
	}
	return len(list) == takenAtOnce, nil
}

func (s *Service) tell(ctx context.Context, tx *db.Tx, q queued, notices map[ID]*noticeRow) error {
	r, err := anyRecipient(ctx, tx, q.recipient)
	if errors.Is(err, ErrNone) {
		return nil // taken out of the draft meanwhile
	}
	if err != nil {
		return err
	}
	n := notices[r.Notice]
	if n == nil {
		row, err := anyNotice(ctx, tx, r.Notice)
		if err != nil {
			return err
		}
		if err := s.open(ctx, tx, &row); err != nil {
			return err
		}
		n = &row
		notices[r.Notice] = n
	}
	if r.Org == "" {
		return s.tellFirm(ctx, tx, q, n, &r)
	}
	l := s.outside(n, &r)
	l.Contact = q.contact
	if l.Reason = channel.Reason(q.kind); q.kind == fallback {
		l.Reason = channel.First
	}
	_, err = s.Channels.Queue(ctx, tx, l)
	return err
}

// tellFirm writes to a firm that was told by link: it opens what it has. Its
// link is kept nowhere, so the mail holds none.
func (s *Service) tellFirm(ctx context.Context, tx *db.Tx, q queued, n *noticeRow, r *Recipient) error {
	one := []Recipient{*r}
	if err := s.openAll(ctx, tx, r.From, one); err != nil || one[0].Mail == "" {
		return err
	}
	l := s.outside(n, r)
	if l.Reason, l.Path = channel.Ended, ""; q.kind != "ended" {
		if live, err := liveLink(ctx, tx, r.ID, s.now()); err != nil || !live {
			return err // it could not answer any more
		}
		l.Reason = channel.Reminder // there is no second contact whom an escalation would ask
	}
	_, err := s.Channels.Mail(ctx, tx, l, one[0].Mail, one[0].Name, text.JA)
	return err
}

// outside is what of a recipient's part travels: the channel decides by the
// mark how much of it is written out.
func (s *Service) outside(n *noticeRow, r *Recipient) channel.Letter {
	kinds := versionsOf(&n.Content, r.Kinds)
	c := n.Content.Only(kinds)
	var marks []TLP
	for _, k := range kinds {
		marks = append(marks, s.Rules.markOf(&n.Content, k))
	}
	l := channel.Letter{Owner: r.From, Object: letterOf(r.ID), Recipient: r.Org, Number: n.Number, Class: string(c.Severity), TLP: string(s.Rules.Highest(marks...)),
		Title: c.Title, AnswerBy: c.AnswerBy, Path: letterPath(r.ID)}
	switch {
	case c.Clearance > 0: // a mail asks nobody for a clearance
		l.Title = text.Both{}
	case c.Small != nil:
		for _, step := range c.Small.Steps {
			l.Lines = append(l.Lines, step.Do)
		}
	case c.Management != nil:
		l.Lines = []text.Both{c.Management.What, c.Management.SoWhat, c.Management.Decide}
	}
	return l
}

// letterPath is the page on which a recipient reads its part.
func letterPath(id ID) string { return "/letters/" + id }

// maxMails is how many letters of one organisation a day go out before the hub
// writes to no more addresses that nobody proved. The links are there all the
// same: whoever passes a notice on to more hands them over.
const maxMails = 500

// mailLink writes to a firm that is not on the hub, and reports whether it
// could: else whoever passes the notice on hands the link over.
func (s *Service) mailLink(ctx context.Context, tx *db.Tx, n *noticeRow, k *Recipient, link string) (bool, error) {
	if s.Channels == nil || k.Mail == "" {
		return false, nil
	}
	sent, err := s.Channels.Office.Recent(ctx, tx, k.From, "notice_letter", s.now().Add(-24*time.Hour))
	if err != nil || sent >= maxMails {
		return false, err
	}
	l := s.outside(n, k)
	l.Reason, l.Path = channel.First, strings.TrimPrefix(link, strings.TrimSuffix(s.BaseURL, "/"))
	return s.Channels.Mail(ctx, tx, l, k.Mail, k.Name, text.JA)
}

// unreached writes to the second contact of a recipient whose first could not
// be reached: once, for whoever left does not come back.
func (s *Service) unreached(ctx context.Context, tx *db.Tx, object string) error {
	id, ours := strings.CutPrefix(object, "notice_letter/")
	if !ours {
		return nil
	}
	r, err := anyRecipient(ctx, tx, id)
	if errors.Is(err, ErrNone) {
		return nil
	}
	if err != nil {
		return err
	}
	if r.Org == "" { // whoever passed it on has to hand the link over
		if err := markUndelivered(ctx, tx, &r, s.now()); err != nil {
			return err
		}
		return publish(ctx, tx, "lettered", Happened{Notice: r.Notice, Recipient: id}, r.From)
	}
	n, err := anyNotice(ctx, tx, r.Notice)
	if err != nil || n.Stage != Sent { // what has ended is no news for anybody else
		return err
	}
	had, err := hadFallback(ctx, tx, id)
	if err != nil || had {
		return err
	}
	now := s.now()
	return insertDeliveries(ctx, tx, []delivery{{notice: r.Notice, recipient: id, org: r.Org, channel: byChannels, kind: fallback, contact: 2, due: now}})
}

// Deadlines lists what an organisation has to answer, for its calendar.
func (s *Service) Deadlines(ctx context.Context, tx *db.Tx, firm string) ([]channel.Deadline, error) {
	var quiet []State
	for _, r := range s.Rules.States {
		if r.Quiet {
			quiet = append(quiet, r.ID)
		}
	}
	all, err := openDeadlines(ctx, tx, firm, slices.Clip(quiet))
	if err != nil {
		return nil, fmt.Errorf("deadlines: %w", err)
	}
	for i := range all {
		all[i].Link = strings.TrimSuffix(s.BaseURL, "/") + letterPath(all[i].Link)
	}
	return all, nil
}

// Answers counts, over all notices about a vulnerability alone, how many
// recipients were told, opened it, answered, and have nothing left to repair.
// It is for the hub's own reports, which show ranges.
func (s *Service) Answers(ctx context.Context, tx *db.Tx, vulnerability string) (told, opened, answered, fixed int, err error) {
	return countAnswers(ctx, tx, vulnerability)
}
