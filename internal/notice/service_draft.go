package notice

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

// NewNotice is what a draft is made from: a vulnerability, whose exposures give
// the recipients; an item of intelligence; or by hand. What Content says goes
// before what is filled in.
type NewNotice struct {
	Vulnerability string         `json:"vulnerability,omitempty" maxLength:"80" doc:"Fills in the facts, and proposes whom it concerns"`
	Item          string         `json:"item,omitempty" maxLength:"60" doc:"Id of an item of intelligence"`
	Content       Content        `json:"content,omitzero"`
	Recipients    []NewRecipient `json:"recipients,omitempty" maxItems:"10000"`
	Nobody        bool           `json:"nobody,omitempty" doc:"Propose no recipients"`
}

// NewRecipient is somebody to tell, with why.
type NewRecipient struct {
	Org      string      `json:"org" maxLength:"60" doc:"Id of the organisation"`
	Versions []Kind      `json:"versions,omitempty" doc:"management, technical, small; all that were written when left out"`
	Why      []text.Both `json:"why,omitempty" maxItems:"10"`
	Devices  int         `json:"devices,omitempty" minimum:"0"`
}

// Draft makes a draft.
func (s *Service) Draft(ctx context.Context, in NewNotice) (n Notice, err error) {
	var item Facts
	if in.Item != "" && Access.May(ctx, "notice.draft") {
		if s.Item == nil {
			return n, ErrNone
		}
		if item, err = s.Item(ctx, in.Item); err != nil {
			return n, err
		}
	}
	act := &ledger.Act{Verb: "notice.draft"}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		n, err = s.draft(ctx, tx, who, reach, in, item)
		if err != nil {
			return err
		}
		act.Object, act.Public = objectOf(n.ID), map[string]any{"severity": string(n.Content.Severity), "step": "new"}
		return publish(ctx, tx, "drafted", Happened{Notice: n.ID, From: who.Org, By: who.Org}, who.Org)
	})
	return n, err
}

func (s *Service) draft(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, in NewNotice, item Facts) (Notice, error) {
	now := s.now()
	content, proposed, err := s.propose(ctx, tx, who, reach, in, item)
	if err != nil {
		return Notice{}, err
	}
	if content, err = s.normal(content, who, now); err != nil {
		return Notice{}, err
	}
	n := Notice{ID: newID(), Number: newNumber(), From: who.Org, Stage: Draft, Content: s.deadlines(content, now), CreatedAt: now, UpdatedAt: now, Revision: 1, person: who.Person}
	if err := s.seal(ctx, tx, &n); err != nil {
		return n, err
	}
	if err := insertNotice(ctx, tx, &n); err != nil {
		return n, err
	}
	for _, r := range in.Recipients {
		if i := slices.IndexFunc(proposed, func(p NewRecipient) bool { return p.Org == r.Org }); i >= 0 {
			proposed[i].Why = append(slices.Clone(r.Why), proposed[i].Why...)
			proposed[i].Versions = r.Versions
			continue
		}
		proposed = append(proposed, r)
	}
	if _, err := s.enlist(ctx, tx, who, reach, &n, proposed); err != nil {
		return n, err
	}
	return n, setCount(ctx, tx, n.ID)
}

// normal tidies a content. Nobody writes above their own clearance: they could
// not read it any more.
func (s *Service) normal(c Content, who gate.Identity, now time.Time) (Content, error) {
	c, err := s.Rules.Normal(c, now)
	if err == nil && c.Clearance > who.Clearance {
		err = fault.New(fault.Invalid, "notice.invalid", "n", 1).At(fault.Place{At: "/clearance", Code: "notice.field.above"})
	}
	return c, err
}

// deadlines fills in the times that the class proposes.
func (s *Service) deadlines(c Content, now time.Time) Content {
	class := s.Rules.Class(c.Severity)
	hours := func(h int) time.Time { return now.Add(time.Duration(h) * time.Hour).Truncate(time.Minute) }
	if c.AnswerBy.IsZero() {
		c.AnswerBy = hours(class.AnswerHours)
		if !c.FixBy.IsZero() && c.FixBy.Before(c.AnswerBy) {
			c.AnswerBy = c.FixBy
		}
	}
	if c.FixBy.IsZero() {
		c.FixBy = hours(class.FixHours)
		if c.FixBy.Before(c.AnswerBy) {
			c.FixBy = c.AnswerBy
		}
	}
	return c
}

// propose fills in facts and finds whom it concerns.
func (s *Service) propose(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, in NewNotice, item Facts) (Content, []NewRecipient, error) {
	c := in.Content
	var f Facts
	var err error
	switch {
	case in.Vulnerability != "":
		id := vulnerability(in.Vulnerability)
		if s.Vulnerability != nil {
			if f, err = s.Vulnerability(ctx, tx, id); err != nil {
				return c, nil, fmt.Errorf("facts of %s: %w", id, err)
			}
		}
		if len(f.About) == 0 {
			f.About = []string{id}
		}
	case in.Item != "":
		f, c.Item = item, in.Item
	}
	var found []Exposed
	if s.Exposed != nil && !in.Nobody {
		for _, v := range f.About {
			more, err := s.Exposed(ctx, tx, v, nil)
			if err != nil {
				return c, nil, fmt.Errorf("exposures of %s: %w", v, err)
			}
			found = append(found, more...)
		}
		if found, err = s.concerned(ctx, tx, who, reach, found); err != nil {
			return c, nil, err
		}
	}
	if in.Vulnerability != "" || in.Item != "" {
		c = fillIn(c, f, found)
		if err := s.nameHelper(ctx, tx, &c); err != nil {
			return c, nil, err
		}
	}
	return c, whyYou(f, found), nil
}

// nameHelper puts into a version for small firms that was filled in whom they
// can call: the desk for calls of help. Without a telephone there is no such
// version: a person has to say who helps.
func (s *Service) nameHelper(ctx context.Context, tx *db.Tx, c *Content) error {
	if c.Small == nil || c.Small.Helper.Phone != "" {
		return nil
	}
	for _, kind := range s.Rules.Desk.Kinds {
		bodies, err := s.Orgs.Bodies(ctx, tx, kind)
		if err != nil {
			return err
		}
		for _, body := range bodies {
			o, err := s.Orgs.Load(ctx, tx, body.ID)
			if err != nil {
				return err
			}
			for _, contact := range o.Contacts {
				if contact.Phone != "" {
					c.Small.Helper = Helper{Name: text.Both{JA: o.In(text.JA), EN: o.In(text.EN)}, Phone: contact.Phone}
					return nil
				}
			}
		}
	}
	c.Small = nil
	return nil
}

// concerned keeps of what is exposed what this sender may tell: of a ministry's
// sectors alone, for what a draft says must not tell of others either; not
// one's own; nobody who left the hub meanwhile. What a person names outside of
// that is refused.
func (s *Service) concerned(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, list []Exposed) (out []Exposed, err error) {
	known := map[string]bool{who.Org: false}
	for _, e := range list {
		ok, seen := known[e.Org]
		if !seen {
			o, err := s.Orgs.Load(ctx, tx, org.ID(e.Org))
			if err != nil && !absent(err) {
				return nil, err
			}
			ok = err == nil && (reach != gate.Sector || inSectors(o, who.Sectors))
			known[e.Org] = ok
		}
		if ok {
			out = append(out, e)
		}
	}
	return out, nil
}

func inSectors(o org.Org, sectors []string) bool {
	return o.Is(org.Operator) && slices.ContainsFunc(o.Sectors, func(x string) bool { return slices.Contains(sectors, x) })
}

// enlist adds recipients to a draft, and reports whether anything changed by it.
// Whoever is not there, or not for this sender, is refused in the same words.
func (s *Service) enlist(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, n *Notice, list []NewRecipient) (changed bool, err error) {
	var p problems
	have, err := directs(ctx, tx, n.ID)
	if err != nil {
		return false, err
	}
	if len(have)+len(list) > maxRecipients {
		return false, fault.New(fault.TooLarge, "notice.recipients.many", "max", maxRecipients)
	}
	known := map[string]int{}
	for i, r := range have {
		known[r.Org] = i
	}
	c, err := s.Keys.Make(ctx, tx, n.From)
	if err != nil {
		return false, err
	}
	var add []Recipient
	for i, in := range list {
		at := "/recipients/" + strconv.Itoa(i)
		o, err := s.Orgs.Load(ctx, tx, org.ID(in.Org))
		if err != nil && !absent(err) {
			return false, err
		}
		if err != nil || in.Org == n.From || reach == gate.Sector && !inSectors(o, who.Sectors) {
			p.add(at, "notice.field.recipient")
			continue
		}
		why := p.why(at+"/why", in.Why)
		if j, ok := known[in.Org]; ok { // already told by this draft: what is new is added
			if j < 0 {
				continue // twice in this list
			}
			r := have[j]
			if err := r.open(c); err != nil {
				return false, err
			}
			was := r
			for _, w := range why {
				if !slices.Contains(r.Why, w) && len(r.Why) < maxWhy {
					r.Why = append(r.Why, w)
				}
			}
			r.Kinds, r.Devices = kindsOf(in.Versions, r.Kinds), max(in.Devices, r.Devices)
			if len(r.Why) == len(was.Why) && slices.Equal(r.Kinds, was.Kinds) && r.Devices == was.Devices {
				continue
			}
			changed = true
			if err := r.seal(c); err != nil {
				return false, err
			}
			if err := updateListed(ctx, tx, &r); err != nil {
				return false, err
			}
			continue
		}
		known[in.Org] = -1
		r := Recipient{ID: newBlind(), Notice: n.ID, Org: in.Org, From: n.From, Kinds: kindsOf(in.Versions, suited(o)), Why: why, Devices: max(0, in.Devices), State: Listed}
		if err := r.seal(c); err != nil {
			return false, err
		}
		add = append(add, r)
	}
	if err := p.fault(); err != nil {
		return false, err
	}
	return changed || len(add) > 0, insertRecipients(ctx, tx, add)
}

// suited are the versions that an organisation gets unless somebody chose. An
// operator gets the steps for small firms too: it passes them on.
func suited(o org.Org) []Kind {
	if o.Is(org.Supplier) && !o.Is(org.Operator) {
		return []Kind{Small}
	}
	return Kinds
}

func kindsOf(chosen, otherwise []Kind) []Kind {
	var out []Kind
	for _, k := range Kinds {
		if slices.Contains(chosen, k) {
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		return otherwise
	}
	return out
}

// Edit writes a draft's content. Revision is the one that was seen.
func (s *Service) Edit(ctx context.Context, id ID, revision int64, c Content) (n Notice, err error) {
	id = s.ownID(ctx, id)
	act := &ledger.Act{Verb: "notice.draft", Object: objectOf(id), Public: map[string]any{"step": "edit"}}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, true)
		if err != nil {
			return err
		}
		if row.Stage != Draft {
			return ErrSent
		}
		if err := s.open(ctx, tx, &row); err != nil {
			return err
		}
		if row.Content.Item != "" { // what it rests on stays what it rests on
			c.Item = row.Content.Item
		}
		n = row.Notice
		n.UpdatedAt = s.now()
		if n.Content, err = s.normal(c, who, n.UpdatedAt); err != nil {
			return err
		}
		if err := s.seal(ctx, tx, &n); err != nil {
			return err
		}
		ok, err := updateDraft(ctx, tx, &n, revision)
		if err != nil {
			return err
		}
		if !ok {
			return ErrRevision
		}
		n.Revision, n.sealed = revision+1, nil
		return publish(ctx, tx, "drafted", Happened{Notice: id, From: who.Org, By: who.Org}, who.Org)
	})
	return n, err
}

// Discard throws a draft away.
func (s *Service) Discard(ctx context.Context, id ID) error {
	id = s.ownID(ctx, id)
	act := &ledger.Act{Verb: "notice.draft", Object: objectOf(id), Public: map[string]any{"step": "discard"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if err := s.editable(ctx, tx, id, who); err != nil {
			return err
		}
		return deleteDraft(ctx, tx, id)
	})
	return err
}

func (s *Service) editable(ctx context.Context, tx *db.Tx, id ID, who gate.Identity) error {
	row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, true)
	if err == nil && row.Stage != Draft {
		err = ErrSent
	}
	return err
}

// AddRecipients adds recipients to a draft, or reasons to those it has. When
// that changes anything the draft has another revision: Send takes the one that
// was checked with these recipients.
func (s *Service) AddRecipients(ctx context.Context, id ID, list []NewRecipient) error {
	id = s.ownID(ctx, id)
	act := &ledger.Act{Verb: "notice.draft", Object: objectOf(id), Public: map[string]any{"step": "recipients", "n": len(list)}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		row, err := loadNotice(ctx, tx, id, who.Org, who.Clearance, true)
		if err != nil {
			return err
		}
		if row.Stage != Draft {
			return ErrSent
		}
		changed, err := s.enlist(ctx, tx, who, reach, &row.Notice, list)
		if err != nil || !changed {
			return err
		}
		return relisted(ctx, tx, id, s.now())
	})
	return err
}

// RemoveRecipient takes one off a draft, which has another revision then.
func (s *Service) RemoveRecipient(ctx context.Context, id, recipient ID) error {
	id = s.ownID(ctx, id)
	act := &ledger.Act{Verb: "notice.draft", Object: objectOf(id), Public: map[string]any{"step": "remove"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if err := s.editable(ctx, tx, id, who); err != nil {
			return err
		}
		n, err := deleteListed(ctx, tx, id, recipient)
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNone
		}
		return relisted(ctx, tx, id, s.now())
	})
	return err
}

// Candidate is somebody who may be told.
type Candidate struct {
	Org     string   `json:"org"`
	Name    string   `json:"name"`
	Sectors []string `json:"sectors"`
}

// Candidates lists operators within the sender's reach, to choose from by
// hand, at most a hundred; a sector narrows them.
func (s *Service) Candidates(ctx context.Context, sector string) (out []Candidate, err error) {
	err = s.read(ctx, "notice.draft", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		all, err := s.Orgs.Bodies(ctx, tx, org.Operator)
		if err != nil {
			return err
		}
		for _, o := range all {
			if reach == gate.Sector && !inSectors(o, who.Sectors) || sector != "" && !slices.Contains(o.Sectors, sector) {
				continue
			}
			out = append(out, Candidate{string(o.ID), o.In(langOf(who)), o.Sectors})
		}
		return nil
	})
	return out, err
}
