package notice

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// Tick does what is due at now: drafts for exposures that ask for one, then
// reminders and escalations. It runs as the hub (org.Local), every few seconds,
// and returns how many recipients it reminded.
func (s *Service) Tick(ctx context.Context, now time.Time) (reminded int, err error) {
	if _, _, err := Access.Allow(ctx, "notice.tick"); err != nil {
		_, err := s.do(ctx, &ledger.Act{Verb: "notice.tick"}, nil)
		return 0, err
	}
	drafted := s.draftFound(ctx) // whatever comes of it, nobody's reminder waits
	for ctx.Err() == nil {
		some := false
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			some, err = anyDue(ctx, tx, now)
			return err
		}); err != nil || !some {
			return reminded, errors.Join(drafted, err)
		}
		n, more, err := s.remind(ctx, now)
		reminded += n
		if err != nil || !more {
			return reminded, errors.Join(drafted, err)
		}
	}
	return reminded, ctx.Err()
}

// remind does one batch; more reports whether it was full.
func (s *Service) remind(ctx context.Context, now time.Time) (reminded int, more bool, err error) {
	act := &ledger.Act{Verb: "notice.tick"}
	_, err = s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		due, err := dueRecipients(ctx, tx, now)
		if err != nil {
			return err
		}
		more = len(due) == maxTick
		notices := map[ID]*Notice{}
		var orgs []string
		escalated := 0
		for i := range due {
			r := &due[i]
			n := notices[r.Notice]
			if n == nil {
				if n, err = s.scheduled(ctx, tx, r.Notice); err != nil {
					return err
				}
				notices[r.Notice] = n
			}
			all := s.Rules.Schedule(n.SentAt, n.Content.AnswerBy, n.Content.FixBy)
			if n.Stage != Sent { // it ended while somebody answered
				all = nil
			}
			chore, step, ok := s.Rules.Overdue(all, r.step, r.State, now)
			if ok {
				r.RemindedAt, r.Escalated = now, r.Escalated || chore.Kind == "escalation"
				if err := s.queueDelivery(ctx, tx, n, due[i:i+1], chore.Kind, chore.Contact, now); err != nil {
					return err
				}
				reminded++
				escalated += int(bit(chore.Kind == "escalation"))
				orgs = append(orgs, r.Org, n.From)
			} else {
				step = r.step + 1
			}
			r.step, r.nextAt, _ = s.Rules.Next(all, step, r.State)
			if err := saveChore(ctx, tx, r); err != nil {
				return err
			}
		}
		act.Public = map[string]any{"step": "remind", "reminded": reminded - escalated, "escalated": escalated}
		return publish(ctx, tx, "reminded", Happened{Count: reminded}, orgs...)
	})
	return reminded, more, err
}

// scheduled returns of a notice what a schedule needs.
func (s *Service) scheduled(ctx context.Context, tx *db.Tx, id ID) (*Notice, error) {
	row, err := anyNotice(ctx, tx, id)
	return &row.Notice, err
}

// Reach returns how to reach a recipient now: its first contact (1), or its
// second (2). Contacts are read when something is sent and not when a notice
// was, so that whoever left is not written to; fallback reports that there was
// no such contact any more and another one stands in.
func (s *Service) Reach(ctx context.Context, tx *db.Tx, firm string, rank int) (c org.Contact, fallback bool, err error) {
	o, err := s.Orgs.Load(ctx, tx, org.ID(firm))
	if err != nil {
		return c, false, err
	}
	order := []org.Duty{org.Window, org.Responsible, org.AllHours}
	if rank > 1 {
		order = []org.Duty{org.Responsible, org.AllHours, org.Window}
	}
	ordered := slices.Clone(o.Contacts)
	slices.SortStableFunc(ordered, func(a, b org.Contact) int { return slices.Index(order, a.Duty) - slices.Index(order, b.Duty) })
	reachable := slices.DeleteFunc(ordered, func(c org.Contact) bool { return c.Mail == "" && c.Phone == "" })
	if len(reachable) == 0 {
		return c, true, nil
	}
	return reachable[0], reachable[0].Duty != order[0], nil
}

// draftFound turns exposures that ask for a notice into drafts of the national
// office, one per vulnerability: an open draft of the program's own gets more
// recipients, and whoever was told already is not told again.
func (s *Service) draftFound(ctx context.Context) error {
	var waiting map[string][]string
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		waiting, err = pending(ctx, tx)
		return err
	}); err != nil || len(waiting) == 0 {
		return err
	}
	var names []string
	for v := range waiting {
		names = append(names, v)
	}
	slices.Sort(names)
	var failed []error
	for _, v := range names {
		act := &ledger.Act{Verb: "notice.tick"}
		_, err := s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
			return s.draftFor(ctx, tx, act, v, waiting[v])
		})
		if err == nil {
			continue
		}
		failed = append(failed, fmt.Errorf("draft for %s: %w", v, err))
		if k := fault.KindOf(err); k == fault.Internal || k == fault.Busy {
			continue // the next round tries again
		}
		// What is said of it makes no draft, and will not by waiting: a person
		// sees it in the queue of exposures. Recorded, and not tried for ever.
		act = &ledger.Act{Verb: "notice.tick", Public: map[string]any{"step": "no_draft", "why": fault.Of(err).Code, "recipients": len(waiting[v])}}
		_, err = s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error { return unfound(ctx, tx, v, waiting[v]) })
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

func (s *Service) draftFor(ctx context.Context, tx *db.Tx, act *ledger.Act, vulnerability string, orgs []string) error {
	act.Public = map[string]any{"step": "draft", "recipients": 0}
	if err := unfound(ctx, tx, vulnerability, orgs); err != nil {
		return err
	}
	office, err := s.Orgs.Bodies(ctx, tx, org.Office)
	if err != nil || len(office) == 0 || s.Exposed == nil {
		return err
	}
	from := string(office[0].ID)
	exposed, err := s.Exposed(ctx, tx, vulnerability, orgs)
	if err != nil {
		return err
	}
	if exposed, err = s.concerned(ctx, tx, gate.Identity{Org: from}, gate.All, exposed); err != nil {
		return err
	}
	known, err := toldAbout(ctx, tx, from, vulnerability)
	if err != nil {
		return err
	}
	exposed = slices.DeleteFunc(exposed, func(e Exposed) bool { return e.Priority != Act || known[e.Org] })
	if len(exposed) == 0 {
		return nil
	}
	f := Facts{About: []string{vulnerability}}
	if s.Vulnerability != nil {
		if f, err = s.Vulnerability(ctx, tx, vulnerability); err != nil {
			return err
		}
		f.About = []string{vulnerability}
	}
	n, err := s.groupDraft(ctx, tx, from, vulnerability, f, exposed)
	if err != nil {
		return err
	}
	act.Object, act.Public["recipients"] = objectOf(n.ID), len(exposed)
	changed, err := s.enlist(ctx, tx, gate.Identity{Org: from}, gate.All, &n, whyYou(f, exposed))
	if err != nil {
		return err
	}
	if changed { // somebody may be checking it: what they saw is not what would go out
		if err := relisted(ctx, tx, n.ID, s.now()); err != nil {
			return err
		}
	}
	return publish(ctx, tx, "drafted", Happened{Notice: n.ID, From: from, Count: len(exposed)}, from)
}

// groupDraft returns the draft that newly exposed organisations join: the open
// one of the program, else a new one. What was sent about the same before is
// its text, for people have worked on it.
func (s *Service) groupDraft(ctx context.Context, tx *db.Tx, from, vulnerability string, f Facts, exposed []Exposed) (Notice, error) {
	id, err := autoDraft(ctx, tx, from, vulnerability)
	if err != nil {
		return Notice{}, err
	}
	if id != "" {
		row, err := loadNotice(ctx, tx, id, from, 3, true)
		return row.Notice, err
	}
	now := s.now()
	c := Content{}
	if last, err := lastAbout(ctx, tx, from, vulnerability); err == nil {
		if err := s.open(ctx, tx, &last); err != nil {
			return Notice{}, err
		}
		c = last.Content
		c.AnswerBy, c.FixBy = time.Time{}, time.Time{}
		if !f.AttackAt.IsZero() && !f.AttackAt.After(now) {
			c.AttackSeenAt = f.AttackAt
		}
		c.KnownAt = time.Time{} // of these the hub came to know now, and not when it warned the first
		for _, e := range exposed {
			if !e.FoundAt.IsZero() && (c.KnownAt.IsZero() || e.FoundAt.Before(c.KnownAt)) {
				c.KnownAt = e.FoundAt
			}
		}
		if c.KnownAt.IsZero() {
			c.KnownAt = now
		}
	} else if err != db.ErrNoRows {
		return Notice{}, err
	} else {
		c = fillIn(Content{}, clip(f), exposed)
		if err := s.nameHelper(ctx, tx, &c); err != nil {
			return Notice{}, err
		}
		if c, err = s.Rules.Normal(c, now); err != nil {
			return Notice{}, err
		}
	}
	n := Notice{ID: newID(), Number: newNumber(), From: from, Stage: Draft, Auto: true, Content: s.deadlines(c, now), CreatedAt: now, UpdatedAt: now, Revision: 1}
	if err := s.seal(ctx, tx, &n); err != nil {
		return n, err
	}
	return n, insertNotice(ctx, tx, &n)
}

// clip cuts facts from a feed to what a draft takes: nobody stands by to
// shorten them.
func clip(f Facts) Facts {
	cut := func(s string, most int) string {
		if r := []rune(s); len(r) > most {
			return string(r[:most-1]) + "…"
		}
		return s
	}
	f.Title = text.Both{JA: cut(f.Title.JA, maxTitle), EN: cut(f.Title.EN, maxTitle)}
	f.Details = text.Both{JA: cut(f.Details.JA, maxText), EN: cut(f.Details.EN, maxText)}
	f.Indicators = f.Indicators[:min(len(f.Indicators), maxIndicators)]
	return f
}
