package notice

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Get returns a notice of one's own organisation.
func (s *Service) Get(ctx context.Context, id ID) (n Notice, err error) {
	id = s.ownID(ctx, id)
	err = s.read(ctx, "notice.board", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, false)
		if err != nil {
			return err
		}
		err = s.open(ctx, tx, &row)
		n = row.Notice
		return err
	})
	return n, err
}

// Overview is a notice in its sender's list.
type Overview struct {
	Notice
	Recipients int `json:"recipients"`
}

// List lists the notices of one's own organisation, the last changed first.
func (s *Service) List(ctx context.Context, f Filter) (out []Overview, next string, err error) {
	err = s.read(ctx, "notice.board", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		rows, counts, more, err := listNotices(ctx, tx, f, who.Org, who.Clearance)
		if err != nil || len(rows) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		for i := range rows {
			if err := rows[i].open(c); err != nil {
				return err
			}
			out = append(out, Overview{rows[i].Notice, counts[i]})
		}
		next = more
		return nil
	})
	return out, next, err
}

// Review is a draft as it stands before sending: what is wrong, and to how
// many it goes.
type Review struct {
	Notice     Notice       `json:"notice"`
	Checked    Checked      `json:"checked"`
	Recipients int          `json:"recipients"`
	Readers    map[Kind]int `json:"readers"` // recipients by version
	Around
}

// Review checks a draft of one's own, as Send will.
func (s *Service) Review(ctx context.Context, id ID) (v Review, err error) {
	id = s.ownID(ctx, id)
	on, err := s.basisOf(ctx, id)
	if err != nil {
		return v, err
	}
	err = s.read(ctx, "notice.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, false)
		if err != nil {
			return err
		}
		if row.Stage != Draft {
			return ErrSent
		}
		if v, _, err = s.review(ctx, tx, &row, on); err != nil {
			return err
		}
		v.Around, err = s.around(ctx, tx, &v.Notice, who.Clearance)
		return err
	})
	return v, err
}

func (s *Service) review(ctx context.Context, tx *db.Tx, row *noticeRow, on basis) (v Review, list []Recipient, err error) {
	if err := s.open(ctx, tx, row); err != nil {
		return v, nil, err
	}
	if list, err = directs(ctx, tx, row.ID); err != nil {
		return v, nil, err
	}
	v = Review{Notice: row.Notice, Recipients: len(list), Readers: map[Kind]int{}}
	ids := make([]string, len(list))
	var used []Kind // without which somebody has nothing to read
	for i, r := range list {
		ids[i] = r.Org
		nothing := !slices.ContainsFunc(r.Kinds, row.Content.Has)
		for _, k := range r.Kinds {
			v.Readers[k]++
			if nothing && !slices.Contains(used, k) {
				used = append(used, k)
			}
		}
	}
	// One recipient may be named in what only it reads; of several none.
	var names []string
	if len(list) > 1 {
		for _, l := range []string{"ja", "en"} {
			byID, err := s.names(ctx, tx, langOf(gate.Identity{Lang: l}), ids...)
			if err != nil {
				return v, nil, err
			}
			for _, n := range byID {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		names = slices.Compact(names)
	}
	slices.Sort(used)
	v.Checked = s.Rules.Check(&row.Content, names, used, len(list), s.now())
	v.Checked.Remarks = append(v.Checked.Remarks, s.Rules.against(&row.Content, on)...)
	return v, list, nil
}

// SendInput says which draft was looked at, and that its remarks are accepted.
type SendInput struct {
	Revision int64 `json:"revision" doc:"Of the draft that was checked"`
	Despite  bool  `json:"despite,omitempty" doc:"Send although there are remarks; problems cannot be passed over"`
}

// Dispatched is what came of sending.
type Dispatched struct {
	Notice     ID             `json:"notice"`
	Number     string         `json:"number"`
	Recipients int            `json:"recipients"`
	SentAt     time.Time      `json:"sent_at"`
	Late       time.Duration  `json:"late_ns,omitempty"` // by how much the warning comes after the attack
	Receipt    ledger.Receipt `json:"receipt"`
}

// Send sends a draft: it lies in the queue of every recipient when this
// returns. The record holds how many were told and what, as digests, and never
// who: the sender's own list says that, under its key.
func (s *Service) Send(ctx context.Context, id ID, in SendInput) (d Dispatched, err error) {
	id = s.ownID(ctx, id)
	on, err := s.basisOf(ctx, id)
	if err != nil {
		return d, err
	}
	act := &ledger.Act{Verb: "notice.send", Object: objectOf(id)}
	d.Receipt, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, true)
		if err != nil {
			return err
		}
		if row.Stage != Draft {
			return ErrSent
		}
		v, list, err := s.review(ctx, tx, &row, on)
		if err != nil {
			return err
		}
		if n := len(v.Checked.Problems); n > 0 {
			return fault.New(fault.Unmet, ErrChecks.Code, "n", n).At(v.Checked.Problems...)
		}
		if n := len(v.Checked.Remarks); n > 0 && !in.Despite {
			return fault.New(fault.Unmet, ErrDespite.Code, "n", n).At(v.Checked.Remarks...)
		}
		now := s.now()
		ok, err := markSent(ctx, tx, id, in.Revision, now)
		if err != nil {
			return err
		}
		if !ok {
			return ErrRevision
		}
		c := &row.Content
		step, first, _ := s.Rules.Next(s.Rules.Schedule(now, c.AnswerBy, c.FixBy), 0, Delivered)
		if _, err := deliverAll(ctx, tx, id, now, first, step); err != nil {
			return err
		}
		if err := s.queueDelivery(ctx, tx, &row.Notice, list, "first", 1, now); err != nil {
			return err
		}
		if row.Corrects != "" {
			if err := s.replace(ctx, tx, who, row.Corrects, id, list, now); err != nil {
				return err
			}
		}
		act.Public = map[string]any{"recipients": len(list), "severity": string(c.Severity), "tlp": string(c.TLP), "clearance": c.Clearance,
			"answer_by": c.AnswerBy.Format(time.RFC3339), "late_s": int64(v.Checked.Late / time.Second)}
		orgs := make([]string, 0, len(list)+1)
		for _, r := range list {
			orgs = append(orgs, r.Org)
		}
		slices.Sort(orgs)
		act.Secret = map[string]any{"content": digestOf(c), "recipients": orgs}
		d.Notice, d.Number, d.Recipients, d.SentAt, d.Late = id, row.Number, len(list), now, v.Checked.Late
		return publish(ctx, tx, "sent", Happened{Notice: id, From: who.Org, By: who.Org, Severity: c.Severity, About: c.About, Count: len(list)}, append(orgs, who.Org)...)
	})
	return d, err
}

func digestOf(c *Content) string {
	raw, err := json.Marshal(c)
	if err != nil {
		panic("BUG: notice: " + err.Error()) // plain values only
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// queueDelivery puts what is to reach recipients into the outbox, by each
// channel they have. A letter is in the portal with the transaction that
// delivers it, so that row is done at once.
func (s *Service) queueDelivery(ctx context.Context, tx *db.Tx, n *Notice, to []Recipient, kind string, contact int, due time.Time) error {
	out := make([]delivery, 0, len(to))
	for i := range to {
		r := &to[i]
		if r.silent {
			continue
		}
		if r.Org == "" { // told by link: it has a mail address at most, and was written to when the link was made
			if s.Channels != nil && kind != "first" {
				out = append(out, delivery{notice: n.ID, recipient: r.ID, channel: byChannels, kind: kind, contact: 1, due: due})
			}
			continue
		}
		d := delivery{notice: n.ID, recipient: r.ID, org: r.Org, channel: "portal", kind: kind, contact: contact, due: due, done: due}
		out = append(out, d)
		if s.Channels != nil {
			d.channel, d.done = byChannels, time.Time{}
			out = append(out, d)
		}
	}
	return insertDeliveries(ctx, tx, out)
}

// reasonOf trims what a person wrote and refuses nothing at all, or too much.
func reasonOf(at, text string) (string, error) {
	text = strings.TrimSpace(strings.ToValidUTF8(text, ""))
	n := utf8.RuneCountInString(text)
	switch {
	case n == 0:
		return "", fault.New(fault.Invalid, "notice.invalid", "n", 1).At(fault.Place{At: at, Code: "notice.field.empty"})
	case n > maxWords:
		return "", fault.New(fault.Invalid, "notice.invalid", "n", 1).At(fault.Place{At: at, Code: "notice.field.long", Args: fault.Args{"n": n, "max": maxWords}})
	}
	return text, nil
}

// Withdraw takes a notice back. Recipients keep it, marked, with the reason.
func (s *Service) Withdraw(ctx context.Context, id ID, reason string) error {
	id = s.ownID(ctx, id)
	act := &ledger.Act{Verb: "notice.withdraw", Object: objectOf(id), Public: map[string]any{"step": "withdraw"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, true)
		if err != nil {
			return err
		}
		why, err := reasonOf("reason", reason)
		if err != nil {
			return err
		}
		act.Secret = why
		c, err := s.Keys.For(ctx, tx, row.From)
		if err != nil {
			return err
		}
		if err := endNotice(ctx, tx, id, Withdrawn, "", c.Seal([]byte(why), objectOf(id)+"/end"), s.now()); err != nil {
			return err
		}
		return s.tellEnded(ctx, tx, who, &row.Notice, nil, s.now())
	})
	return err
}

// tellEnded tells everybody whom a notice reached, down the whole chain, that
// it does not hold any more: all but those who have the correction itself.
func (s *Service) tellEnded(ctx context.Context, tx *db.Tx, who gate.Identity, n *Notice, have []Recipient, now time.Time) error {
	direct := map[string]bool{}
	for _, r := range have {
		direct[r.Org] = true
	}
	return eachReached(ctx, tx, n.ID, func(list []Recipient) error {
		orgs := []string{who.Org}
		for _, r := range list {
			orgs = append(orgs, r.Org)
		}
		list = slices.DeleteFunc(list, func(r Recipient) bool { return r.Tier == 0 && direct[r.Org] })
		if err := s.queueDelivery(ctx, tx, n, list, "ended", 1, now); err != nil {
			return err
		}
		return publish(ctx, tx, "withdrawn", Happened{Notice: n.ID, From: n.From, By: who.Org}, orgs...)
	})
}

// Correct makes a draft that will take the place of a notice, with its content
// and its recipients. The notice holds until the draft is sent.
func (s *Service) Correct(ctx context.Context, id ID) (n Notice, err error) {
	id = s.ownID(ctx, id)
	act := &ledger.Act{Verb: "notice.withdraw", Object: objectOf(id), Public: map[string]any{"step": "correct"}}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, true)
		if err != nil {
			return err
		}
		if row.Stage != Sent {
			return ErrNotSent
		}
		if open, err := correcting(ctx, tx, id); err != nil || open {
			return cmp.Or(err, error(ErrCorrecting))
		}
		if err := s.open(ctx, tx, &row); err != nil {
			return err
		}
		now := s.now()
		n = Notice{ID: newID(), Number: newNumber(), From: who.Org, Stage: Draft, Corrects: id, Content: row.Content, CreatedAt: now, UpdatedAt: now, Revision: 1, person: who.Person}
		if err := s.seal(ctx, tx, &n); err != nil {
			return err
		}
		if err := insertNotice(ctx, tx, &n); err != nil {
			return err
		}
		list, err := directs(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := s.copyRecipients(ctx, tx, &n, list); err != nil {
			return err
		}
		return publish(ctx, tx, "drafted", Happened{Notice: n.ID, From: who.Org, By: who.Org}, who.Org)
	})
	return n, err
}

func (s *Service) copyRecipients(ctx context.Context, tx *db.Tx, n *Notice, list []Recipient) error {
	c, err := s.Keys.For(ctx, tx, n.From)
	if err != nil {
		return err
	}
	out := make([]Recipient, len(list))
	for i, r := range list {
		if err := r.open(c); err != nil {
			return err
		}
		out[i] = Recipient{ID: newBlind(), Notice: n.ID, Org: r.Org, From: n.From, Kinds: r.Kinds, Why: r.Why, Devices: r.Devices, State: Listed}
		if err := out[i].seal(c); err != nil {
			return err
		}
	}
	if err := insertRecipients(ctx, tx, out); err != nil {
		return err
	}
	return setCount(ctx, tx, n.ID)
}

// replace ends the notice whose place a correction takes. Who has it from
// somebody else than its sender is not among those who get the correction, and
// is told that it does not hold.
func (s *Service) replace(ctx context.Context, tx *db.Tx, who gate.Identity, old, by ID, have []Recipient, now time.Time) error {
	row, err := anyNotice(ctx, tx, old)
	if err != nil {
		return err
	}
	switch row.Stage {
	case Withdrawn: // meanwhile: it has ended, and everybody was told
		return nil
	case Corrected: // two that hold at once say two things
		return ErrCorrected
	}
	if err := endNotice(ctx, tx, old, Corrected, by, nil, now); err != nil {
		return err
	}
	return s.tellEnded(ctx, tx, who, &row.Notice, have, now)
}
