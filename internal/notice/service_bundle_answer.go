package notice

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/intel"
)

// answerPart carries answers out of a closed network.
type answerPart struct{ *Service }

// Folder is that of answers.
func (answerPart) Folder() string { return intel.AnswersFolder }

// May reports whether who acts may hand answers back, or take them.
func (answerPart) May(ctx context.Context, taking bool) bool {
	if taking {
		return Access.May(ctx, "notice.carry")
	}
	return Access.May(ctx, "notice.back")
}

// Pack writes the answers of one's own organisation to letters that came by
// file, those that no file carried yet, or all given since an instant. They
// tell where it is weak, so they leave sealed only.
func (p answerPart) Pack(ctx context.Context, in intel.PackInput, number numbering) (out intel.Packed, err error) {
	act := &ledger.Act{Verb: "notice.back"}
	_, err = p.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if in.To == "" {
			return fault.New(fault.Refused, "notice.bundle.open_answers")
		}
		origins, err := originsOf(ctx, tx, who.Org, who.Clearance)
		if err != nil {
			return err
		}
		origin := strings.TrimSpace(in.For)
		switch {
		case origin == "" && len(origins) > 1:
			return fault.New(fault.Usage, "notice.bundle.which", "names", strings.Join(origins, ", "))
		case origin == "" && len(origins) == 1:
			origin = origins[0]
		case !slices.Contains(origins, origin):
			return fault.New(fault.Unmet, "notice.bundle.no_letters")
		}
		list, err := toCarry(ctx, tx, filePrefix+origin, who.Org, who.Clearance, in.Since)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fault.New(fault.Unmet, "notice.bundle.nothing")
		}
		n, err := number(ctx, tx)
		if err != nil {
			return err
		}
		values, count := make([]carriedAnswers, len(list)), 0
		for i := range list {
			if values[i], err = p.carry(ctx, tx, &list[i], in.Since, n); err != nil {
				return err
			}
			count += len(values[i].Answers)
		}
		act.Object, act.Public = "notice_bundle/"+p.Ledger.Signer.Name(), map[string]any{"step": "answers", "sequence": n, "letters": len(list), "answers": count}
		act.Secret = map[string]any{"by": who.Org, "origin": origin, "to": in.To}
		out.To, out.Records = in.To, len(list)
		out.Lines, err = jsonLines(answerHead{answersFormat, origin}, len(values), func(i int) any { return values[i] })
		return err
	})
	return out, err
}

// carry reads what goes of the answers to one letter and notes that it went.
// From the first that goes all later ones do, so that none is missing between.
func (s *Service) carry(ctx context.Context, tx *db.Tx, r *Recipient, since time.Time, sequence int64) (v carriedAnswers, err error) {
	v = carriedAnswers{Letter: r.ID, OpenedAt: r.OpenedAt}
	answers, err := s.answers(ctx, tx, r.ID)
	if err != nil {
		return v, err
	}
	gone, err := carriedOf(ctx, tx, r.ID, false)
	if err != nil {
		return v, err
	}
	// What went keeps its place, whatever the clock did since.
	placed := map[string]int{}
	for _, g := range gone {
		placed[g.answer] = g.place
	}
	slices.SortStableFunc(answers, func(a, b Answer) int {
		return cmp.Compare(cmp.Or(placed[a.ID], maxAnswers+1), cmp.Or(placed[b.ID], maxAnswers+1))
	})
	for i, a := range answers {
		if len(v.Answers) == 0 && i < len(gone) && (since.IsZero() || a.At.Before(since)) {
			continue
		}
		v.Answers = append(v.Answers, carriedAnswer{i + 1, a.ID, a.State, a.At, a.Note, a.Date, a.Interim})
		if err := noteCarried(ctx, tx, carriage{a.ID, r.ID, false, i + 1, a.State}, sequence, s.now()); err != nil {
			return v, err
		}
	}
	files, err := s.Blobs.Of(ctx, tx, letterOf(r.ID))
	for _, f := range files {
		v.Files = append(v.Files, Digest{f.Name, f.SHA256, f.Size})
	}
	return v, err
}

// Take records the answers of the organisation whose hub signed the file, each
// once, with the time it was given. A file that says anything of a letter of
// another's, or that leaves one out, is refused whole.
func (p answerPart) Take(ctx context.Context, in intel.Unpacked, done func(context.Context, *db.Tx) error) (out intel.PartTaken, err error) {
	out.Folder = p.Folder()
	act := &ledger.Act{Verb: "notice.carry", Object: "notice_bundle/" + in.Origin}
	_, err = p.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		c, err := closedBy(ctx, tx, in.Key)
		if errors.Is(err, ErrNone) {
			return fault.New(fault.Refused, "notice.bundle.unknown_key")
		} else if err != nil {
			return err
		}
		head, list, err := answerLines(in.Lines)
		if err != nil {
			return err
		}
		if head.To != p.Ledger.Signer.Name() {
			return fault.New(fault.Invalid, "notice.bundle.other_hub", "name", fmt.Sprintf("%.100s", head.To))
		}
		for i := range list {
			fresh, same, err := p.hear(ctx, tx, act, &c, &list[i], i+2, in)
			if err != nil {
				return err
			}
			out.New, out.Same = out.New+fresh, out.Same+same
		}
		act.Public = map[string]any{"step": "answers_in", "sequence": in.Sequence, "letters": len(list), "answers": out.New}
		act.Secret = map[string]any{"by": c.Org}
		return done(ctx, tx)
	})
	return out, err
}

// hear records the answers to one letter that are new.
func (s *Service) hear(ctx context.Context, tx *db.Tx, act *ledger.Act, c *ClosedNetwork, v *carriedAnswers, line int, in intel.Unpacked) (fresh, same int, err error) {
	r, err := lockRecipient(ctx, tx, v.Letter)
	if err != nil && err != db.ErrNoRows {
		return 0, 0, err
	}
	// Another's letter and none at all are one: a file asks nothing out of us.
	if err != nil || r.Org != c.Org || r.Tier > 0 || r.silent || r.DeliveredAt.IsZero() || strings.HasPrefix(r.From, filePrefix) {
		return 0, 0, fault.New(fault.Refused, "notice.bundle.not_theirs", "n", line)
	}
	n, err := anyNotice(ctx, tx, r.Notice)
	if err != nil {
		return 0, 0, err
	}
	had, err := carriedOf(ctx, tx, r.ID, true)
	if err != nil {
		return 0, 0, err
	}
	before, err := loadAnswers(ctx, tx, r.ID)
	if err != nil {
		return 0, 0, err
	}
	var newest time.Time // of what was answered here
	for _, a := range before {
		byFile := slices.ContainsFunc(had, func(c carriage) bool { return c.answer == a.ID })
		if !byFile && a.At.After(newest) {
			newest = a.At
		}
	}
	last := State("")
	for i := range v.Answers {
		a := &v.Answers[i]
		a.At = a.At.UTC().Truncate(time.Microsecond)
		id := answerID(r.ID, a)
		switch {
		case a.Place <= len(had):
			if had[a.Place-1].answer != id || had[a.Place-1].state != a.State {
				return 0, 0, fault.New(fault.Conflict, "notice.bundle.changed", "n", line)
			}
			same++
			continue
		case a.Place > len(had)+1:
			return 0, 0, fault.New(fault.Invalid, "notice.bundle.gap", "n", line)
		case a.At.After(in.MadeAt.Add(time.Minute)) || a.At.After(s.now().Add(maxAhead)) || a.At.Before(r.DeliveredAt.Add(-maxAhead)):
			return 0, 0, brokenLine(line, errors.New("time of an answer"))
		case len(before)+fresh >= maxAnswers:
			return 0, 0, fault.New(fault.TooLarge, "notice.answer.many", "max", maxAnswers)
		}
		from := Opened
		if len(had) > 0 {
			from = had[len(had)-1].state
		}
		said, err := s.Rules.normalAnswer(AnswerInput{State: a.State, Note: a.Note, Date: a.Date, Interim: a.Interim}, from, a.At)
		if err != nil {
			return 0, 0, brokenLine(line, err)
		}
		if err := s.record(ctx, tx, act, &r, id, from, said, a, v.Files); err != nil {
			return 0, 0, err
		}
		one := carriage{id, r.ID, true, a.Place, a.State}
		if err := noteCarried(ctx, tx, one, in.Sequence, s.now()); err != nil {
			return 0, 0, err
		}
		had, fresh = append(had, one), fresh+1
		if a.At.Before(newest) { // what was answered here later holds
			continue
		}
		if r.OpenedAt.IsZero() && !v.OpenedAt.IsZero() && !v.OpenedAt.After(a.At) {
			r.OpenedAt = v.OpenedAt.UTC().Truncate(time.Microsecond)
		}
		s.move(&r, &n, said, a.At)
		last = a.State
	}
	if fresh == 0 {
		return 0, same, nil
	}
	now := s.now()
	r.step, r.nextAt, _ = s.Rules.Next(s.Rules.Schedule(n.SentAt, n.Content.AnswerBy, n.Content.FixBy), r.stepAfter(s.Rules, &n, now), r.State)
	if n.Stage != Sent {
		r.nextAt = time.Time{}
	}
	if err := setState(ctx, tx, &r); err != nil {
		return 0, 0, err
	}
	if last == NeedsHelp && n.Stage == Sent {
		if _, err := s.openTicket(ctx, tx, &r, &n, gate.Identity{Org: r.Org}, v.Answers[len(v.Answers)-1].Note, now); err != nil {
			return 0, 0, err
		}
	}
	return fresh, same, publish(ctx, tx, "answered", Happened{Notice: n.ID, From: n.From, By: r.Org, Recipient: r.ID, State: r.State}, r.Org, r.From)
}

// record appends an answer that came by file.
func (s *Service) record(ctx context.Context, tx *db.Tx, act *ledger.Act, r *Recipient, id string, from State, said AnswerInput, a *carriedAnswer, files []Digest) error {
	raw, err := json.Marshal(words{Note: said.Note, Interim: said.Interim, Date: said.Date, ByFile: true, Files: files})
	if err != nil {
		return fmt.Errorf("answer %s: %w", id, err)
	}
	c, err := s.Keys.Make(ctx, tx, r.Org)
	if err != nil {
		return err
	}
	return insertAnswer(ctx, tx, &Answer{ID: id, State: said.State, At: a.At, By: r.Org, Corrects: s.Rules.State(from).Quiet, recipient: r.ID, owner: r.Org, entry: act.Entry,
		sealed: c.Seal(raw, "notice_answer/"+id)})
}
