package notice

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"filippo.io/age"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/intel"
	"noroshi/internal/org"
)

// EnterClosed enters that an organisation is behind a closed network: only for such
// a one letters leave in a file, and only its hub's key brings answers back.
func (s *Service) EnterClosed(ctx context.Context, id string, in ClosedInput) (c ClosedNetwork, err error) {
	act := &ledger.Act{Verb: "notice.closed", Object: "notice_closed/" + id}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		o, err := s.Orgs.Load(ctx, tx, org.ID(id))
		if err != nil {
			return err
		}
		c = ClosedNetwork{Org: string(o.ID), Name: o.In(langOf(who)), Number: string(o.Number), Key: strings.TrimSpace(in.Key), To: strings.TrimSpace(in.To), At: s.now()}
		var p problems
		if c.Number == "" {
			p.add("number", "notice.bundle.no_number")
		}
		if _, err := note.NewVerifier(c.Key); err != nil {
			p.add("key", "notice.bundle.key")
		}
		if _, err := age.ParseX25519Recipient(c.To); c.To != "" && err != nil {
			p.add("to", "notice.bundle.recipient")
		}
		if err := p.fault(); err != nil {
			return err
		}
		act.Public = map[string]any{"org": ledger.Org(c.Org), "key": c.Key, "to": c.To}
		if err := saveClosed(ctx, tx, &c, who.Person); db.IsUnique(err) {
			return fault.New(fault.Conflict, "notice.bundle.taken")
		} else if err != nil {
			return err
		}
		return nil
	})
	return c, err
}

// StrikeClosed strikes a closed network off: nothing leaves for it in a file, and no
// file of its hub is taken, until it is entered again.
func (s *Service) StrikeClosed(ctx context.Context, id string) error {
	act := &ledger.Act{Verb: "notice.closed", Object: "notice_closed/" + id, Public: map[string]any{"step": "end"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) error {
		n, err := deleteClosed(ctx, tx, id)
		if err == nil && n == 0 {
			err = ErrNone
		}
		return err
	})
	return err
}

// Closed lists the closed networks.
func (s *Service) Closed(ctx context.Context, after string, limit int) (out []ClosedNetwork, next string, err error) {
	err = s.read(ctx, "notice.closed", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if out, next, err = listClosed(ctx, tx, after, limit); err != nil {
			return err
		}
		ids := make([]string, len(out))
		for i := range out {
			ids[i] = out[i].Org
		}
		names, err := s.names(ctx, tx, langOf(who), ids...)
		for i := range out {
			out[i].Name = names[out[i].Org]
		}
		return err
	})
	return out, next, err
}

// BundleParts are what notices put into bundles: letters out, answers back.
func BundleParts(s *Service) []intel.BundlePart {
	return []intel.BundlePart{letterPart{s}, answerPart{s}}
}

// letterPart carries letters into a closed network.
type letterPart struct{ *Service }

// Folder is that of letters.
func (letterPart) Folder() string { return intel.LettersFolder }

// May reports whether who acts may make a file of letters, or take one.
func (letterPart) May(ctx context.Context, taking bool) bool {
	if taking {
		return Access.May(ctx, "notice.take")
	}
	return Access.May(ctx, "notice.carry")
}

type numbering = func(context.Context, *db.Tx) (int64, error)

// jsonLines writes values, one a line.
func jsonLines(head any, rest int, each func(i int) any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(head); err != nil {
		return nil, err
	}
	for i := range rest {
		if err := enc.Encode(each(i)); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// Pack writes the letters that one's own organisation sent to another that is
// behind a closed network, each as that one sees it. What is not for everybody
// leaves sealed only.
func (p letterPart) Pack(ctx context.Context, in intel.PackInput, number numbering) (out intel.Packed, err error) {
	act := &ledger.Act{Verb: "notice.carry", Public: map[string]any{"step": "letters"}}
	_, err = p.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		c, err := closedOf(ctx, tx, strings.TrimSpace(in.For))
		if errors.Is(err, ErrNone) {
			return fault.New(fault.Refused, "notice.bundle.not_closed")
		} else if err != nil {
			return err
		}
		if out.To = in.To; out.To == "" {
			out.To = c.To
		}
		if c.To != "" && out.To != c.To {
			return fault.New(fault.Refused, "notice.bundle.other_recipient")
		}
		self, err := p.Orgs.Load(ctx, tx, org.ID(who.Org))
		if err != nil {
			return err
		}
		list, narrow, err := p.letters(ctx, tx, who, c.Org)
		if err != nil {
			return err
		}
		if narrow && out.To == "" {
			return fault.New(fault.Refused, "notice.bundle.open")
		}
		n, err := number(ctx, tx)
		if err != nil {
			return err
		}
		act.Object, act.Public = "notice_bundle/"+p.Ledger.Signer.Name(), map[string]any{"step": "letters", "sequence": n, "letters": len(list), "sealed": out.To != ""}
		act.Secret = map[string]any{"for": c.Org, "to": out.To}
		out.Records = len(list)
		out.Lines, err = jsonLines(letterHead{lettersFormat, c.Number, self.Name}, len(list), func(i int) any { return list[i] })
		return err
	})
	return out, err
}

// letters reads what goes to one organisation, the oldest first, and whether
// any of it is for fewer than the community (TLP:GREEN).
func (s *Service) letters(ctx context.Context, tx *db.Tx, who gate.Identity, to string) (out []carriedLetter, narrow bool, err error) {
	rs, ns, err := lettersFor(ctx, tx, who.Org, to, who.Clearance)
	if err != nil || len(rs) == 0 {
		return nil, false, err
	}
	if err := s.openAll(ctx, tx, who.Org, rs); err != nil {
		return nil, false, err
	}
	c, err := s.Keys.For(ctx, tx, who.Org)
	if err != nil {
		return nil, false, err
	}
	has := map[ID]bool{}
	for i := range ns {
		has[ns[i].ID] = true
	}
	for i := range rs {
		r, n := &rs[i], &ns[i]
		if err := n.open(c); err != nil {
			return nil, false, err
		}
		kinds := versionsOf(&n.Content, r.Kinds)
		for _, k := range kinds {
			narrow = narrow || s.Rules.rank(s.Rules.Highest(n.Content.TLP, n.Content.TLPOf(k))) > s.Rules.rank(Green)
		}
		narrow = narrow || n.Content.Clearance > 0
		l := carriedLetter{ID: r.ID, Notice: n.ID, Number: n.Number, Stage: n.Stage, SentAt: n.SentAt, EndedAt: n.EndedAt, EndedWhy: n.EndedWhy, Content: n.Content.Only(kinds), Kinds: kinds, Why: r.Why, Devices: r.Devices}
		if has[n.CorrectedBy] { // of a correction that is another's nothing is said
			l.ReplacedBy = n.CorrectedBy
		}
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b carriedLetter) int { return a.SentAt.Compare(b.SentAt) })
	return out, narrow, nil
}

// Take puts letters into the inbox of the one organisation they are for. A
// letter that is here already is left as it is, but for its end.
func (p letterPart) Take(ctx context.Context, in intel.Unpacked, done func(context.Context, *db.Tx) error) (out intel.PartTaken, err error) {
	out.Folder = p.Folder()
	act := &ledger.Act{Verb: "notice.take", Object: "notice_bundle/" + in.Origin}
	var head letterHead
	var list []carriedLetter
	var to string
	if p.May(ctx, true) { // who may not is refused below, on record, and reads nothing
		if head, list, err = p.Rules.letterLines(in.Lines, p.now()); err != nil {
			return out, err
		}
		if to, err = p.numbered(ctx, head.Number); err != nil {
			return out, err
		}
	}
	_, err = p.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		from := filePrefix + in.Origin
		if err := saveOrigin(ctx, tx, from, head.Sender, p.now()); err != nil {
			return err
		}
		for i := range list {
			fresh, ended, err := p.receive(ctx, tx, who, from, to, &list[i])
			if err != nil {
				return err
			}
			switch {
			case fresh:
				out.New++
			case ended:
				out.Changed++
			default:
				out.Same++
			}
		}
		act.Public = map[string]any{"step": "letters", "sequence": in.Sequence, "new": out.New, "changed": out.Changed}
		act.Secret = map[string]any{"for": to, "origin": in.Origin}
		return done(ctx, tx)
	})
	return out, err
}

// numbered finds the organisation of this hub that has a corporate number.
func (s *Service) numbered(ctx context.Context, number string) (string, error) {
	n, err := org.ParseNumber(number)
	if err == nil {
		list, _, err := s.Orgs.List(org.Local(ctx), org.Filter{Text: string(n), Limit: 2})
		if err != nil {
			return "", err
		}
		for _, o := range list {
			if o.Number == n {
				return string(o.ID), nil
			}
		}
	}
	return "", fault.New(fault.Invalid, "notice.bundle.absent", "number", number)
}

// foreign is the fault of a letter whose id another's has.
func foreign(l *carriedLetter) error {
	return fault.New(fault.Conflict, "notice.bundle.foreign", "number", l.Number)
}

// receive takes one letter: new, ended by this file, or neither.
func (s *Service) receive(ctx context.Context, tx *db.Tx, who gate.Identity, from, to string, l *carriedLetter) (fresh, ended bool, err error) {
	n, err := anyNotice(ctx, tx, l.Notice)
	r, other := anyRecipient(ctx, tx, l.ID)
	switch {
	case err == nil && (other != nil || n.From != from || r.Notice != l.Notice || r.Org != to || n.Number != l.Number):
		return false, false, foreign(l)
	case errors.Is(err, ErrNone) && other == nil:
		return false, false, foreign(l)
	case errors.Is(err, ErrNone):
		fresh = true
		if err := s.deliverFile(ctx, tx, who, from, to, l); err != nil {
			return false, false, err
		}
		if n, err = anyNotice(ctx, tx, l.Notice); err != nil {
			return false, false, err
		}
	case err != nil:
		return false, false, err
	}
	if l.Stage == Sent || n.Stage != Sent {
		return fresh, false, nil
	}
	c, err := s.Keys.Make(ctx, tx, from)
	if err != nil {
		return false, false, err
	}
	var why []byte
	if l.EndedWhy != "" {
		why = c.Seal([]byte(l.EndedWhy), objectOf(l.Notice)+"/end")
	}
	if err := endNotice(ctx, tx, l.Notice, l.Stage, l.ReplacedBy, why, l.EndedAt); err != nil {
		return false, false, err
	}
	if l.Stage == Withdrawn && !fresh {
		if r, err = anyRecipient(ctx, tx, l.ID); err != nil {
			return false, false, err
		}
		if err := s.queueDelivery(ctx, tx, &n.Notice, []Recipient{r}, "ended", 1, s.now()); err != nil {
			return false, false, err
		}
	}
	return fresh, true, publish(ctx, tx, "withdrawn", Happened{Notice: l.Notice, From: from, By: from}, to)
}

// deliverFile puts a letter that is new here into its recipient's inbox. Its
// deadlines are those of the sender; only reminders still to come are sent.
func (s *Service) deliverFile(ctx context.Context, tx *db.Tx, who gate.Identity, from, to string, l *carriedLetter) error {
	now := s.now()
	n := Notice{ID: l.Notice, Number: l.Number, From: from, Stage: Draft, Content: l.Content, CreatedAt: l.SentAt, UpdatedAt: l.SentAt, Revision: 1, person: who.Person}
	if err := s.seal(ctx, tx, &n); err != nil {
		return err
	}
	if err := insertNotice(ctx, tx, &n); db.IsUnique(err) {
		return foreign(l)
	} else if err != nil {
		return err
	}
	r := Recipient{ID: l.ID, Notice: l.Notice, Org: to, From: from, Kinds: l.Kinds, Why: l.Why, Devices: l.Devices, State: Listed}
	c, err := s.Keys.For(ctx, tx, from)
	if err != nil {
		return err
	}
	if err := r.seal(c); err != nil {
		return err
	}
	if err := insertRecipients(ctx, tx, []Recipient{r}); err != nil {
		return err
	}
	if ok, err := markSent(ctx, tx, n.ID, n.Revision, l.SentAt); err != nil || !ok {
		return errors.Join(err, ErrRevision)
	}
	all := s.Rules.Schedule(l.SentAt, l.Content.AnswerBy, l.Content.FixBy)
	after := slices.IndexFunc(all, func(c Chore) bool { return c.Due.After(now) })
	if after < 0 {
		after = len(all)
	}
	step, next, _ := s.Rules.Next(all, after, Delivered)
	if _, err := deliverAll(ctx, tx, n.ID, now, next, step); err != nil {
		return err
	}
	if err := setCount(ctx, tx, n.ID); err != nil {
		return err
	}
	if l.Stage == Sent {
		if err := s.queueDelivery(ctx, tx, &n, []Recipient{r}, "first", 1, now); err != nil {
			return err
		}
	}
	return publish(ctx, tx, "sent", Happened{Notice: n.ID, From: from, By: from, Severity: l.Content.Severity, About: l.Content.About, Count: 1}, to)
}
