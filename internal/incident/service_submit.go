package incident

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// plan is a submission that was examined, with everything that needs no
// write: the transaction only writes it down.
type plan struct {
	report     *Report
	sectors    []string // of the reporter
	case0      Case     // as it was; zero for a first report
	case1      Case
	result     Result
	deliveries []Delivery
	done       map[StageRef]time.Time // stages handed in before
	cipher     *key.Cipher            // nil: the organisation has no key yet
}

// Submit hands a report in: a first report, or the next version of one's own.
// It goes to every recipient whose form it makes and whose consent is given.
// Draft is the draft it was written in, or empty; the same draft twice is one
// submission, and the second answer is the first.
//
// It fails with ErrInvalid, ErrFuture or ErrIncomplete, naming each field, and
// then nothing was changed.
func (s *Service) Submit(ctx context.Context, r *Report, draft ID) (Submitted, error) {
	return s.submit(ctx, r, draft, 0)
}

// submit is Submit of a draft as it stands at a revision; ErrRevision when it
// was saved since, so that no save is lost with the draft.
func (s *Service) submit(ctx context.Context, r *Report, draft ID, revision int64) (Submitted, error) {
	now := s.now()
	act := &ledger.Act{Verb: "incident.submit"}
	who, _, err := Access.Allow(ctx, act.Verb)
	if err != nil {
		_, err := s.do(ctx, act, nil)
		return Submitted{}, err
	}
	var p plan
	err = s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		p, err = s.plan(ctx, tx, who, r.Clone(), draft, now)
		return err
	})
	var again *repeated
	if errors.As(err, &again) {
		return s.submitted(ctx, again.id, again.version)
	}
	if err != nil {
		return Submitted{}, err
	}
	raw, err := p.report.stored()
	if err != nil {
		return Submitted{}, fmt.Errorf("submit: %w", err)
	}
	var sealed []byte
	if p.cipher != nil { // outside of the transaction, which others wait for
		sealed = p.cipher.Seal(raw, sealedName(p.case1.ID, p.case1.Version))
	}
	act.Object = objectOf(p.case1.ID)
	act.Public = map[string]any{"number": p.case1.Number, "stage": string(p.case1.Stage), "version": p.case1.Version, "to": recipientsOf(p.deliveries)}
	act.Secret = json.RawMessage(raw)
	rcpt, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if sealed == nil {
			cipher, err := s.Keys.Make(ctx, tx, who.Org)
			if err != nil {
				return err
			}
			sealed = cipher.Seal(raw, sealedName(p.case1.ID, p.case1.Version))
		}
		return s.write(ctx, tx, who, p, sealed, draft, revision, act.Entry, now)
	})
	if db.IsUnique(err) { // the same draft from two windows at once
		return s.submitted(ctx, p.case1.ID, p.case1.Version)
	}
	if err != nil {
		return Submitted{}, err
	}
	out := Submitted{Case: p.case1, Receipt: rcpt, Deliveries: p.deliveries}
	for _, pr := range Check(p.report, s.Profiles, Facts{Submitted: p.done}, now).Profiles { // with what was just handed in
		if pr.Ready == ReadyYes {
			out.Clocks = append(out.Clocks, pr.Clocks...)
		}
	}
	out.Promise, err = s.Ledger.Promise(rcpt)
	return out, err
}

// repeated says that this very submission is in already.
type repeated struct {
	id      ID
	version int
}

func (r *repeated) Error() string { return "submitted before" }

// plan examines a submission.
func (s *Service) plan(ctx context.Context, tx *db.Tx, who gate.Identity, r *Report, draft ID, now time.Time) (p plan, err error) {
	if err := r.Validate(); err != nil {
		return p, err
	}
	if ahead := r.Ahead(now); len(ahead) > 0 {
		return p, ErrFuture.At(ahead...)
	}
	p.report = r
	if p.sectors, err = s.sectorsOf(ctx, tx, who.Org); err != nil {
		return p, err
	}
	if p.case0, err = s.before(ctx, tx, who, r, draft); err != nil {
		return p, err
	}
	c := p.case0
	if c.ID == "" {
		c = Case{ID: r.ID, Number: newNumber(), Org: who.Org, SubmittedAt: now}
	}
	r.ID = c.ID
	c.Kind, c.Stage, c.Version, c.Class, c.Severity, c.TLP = r.Kind, r.Stage, r.Version, r.Class, r.Severity, r.TLP
	c.UpdatedAt, c.State = now, Open
	if due := Rules().RetainUntil(now); due.After(c.RetainUntil) { // it may have been extended
		c.RetainUntil = due
	}
	if r.Stage == Final {
		c.State = Closed
	}
	if c.Sector, _ = r.Value("operator.sector").Text(); !slices.Contains(p.sectors, c.Sector) && len(p.sectors) > 0 {
		c.Sector = p.sectors[0]
	}
	p.case1 = c
	known := Facts{Submitted: map[StageRef]time.Time{}}
	if p.case0.ID != "" {
		if known, err = facts(ctx, tx, c.ID); err != nil {
			return p, err
		}
	}
	p.done, p.result = known.Submitted, Check(r, s.Profiles, known, now)
	if !p.result.Clean {
		return p, incomplete(p.result)
	}
	if p.deliveries, err = s.addressees(ctx, tx, p.sectors, r, p.result, now); err != nil {
		return p, err
	}
	if !slices.ContainsFunc(p.deliveries, func(d Delivery) bool { return !d.Outside() }) {
		return p, ErrNobody
	}
	if p.cipher, err = s.Keys.For(ctx, tx, c.Org); errors.Is(err, db.ErrNoRows) {
		err = nil
	}
	return p, err
}

// before finds the case that a report continues, and refuses one out of turn.
func (s *Service) before(ctx context.Context, tx *db.Tx, who gate.Identity, r *Report, draft ID) (Case, error) {
	if r.ID == "" && draft == "" { // new by its own word: nothing to look for
		if r.ID = NewID(); r.Stage != First || r.Version != 1 {
			return Case{}, ErrStage
		}
		return Case{}, nil
	}
	if r.ID == "" {
		r.ID = draft
	}
	c, err := loadCase(ctx, tx, r.ID, who, gate.Own)
	if errors.Is(err, ErrNone) {
		// An id that belongs to another organisation gets the same answer as
		// one that belongs to nobody: the report is a first one.
		_, taken := caseByID(ctx, tx, r.ID)
		other, err := elsewhere(ctx, tx, r.ID, who.Org)
		if err != nil {
			return Case{}, err
		}
		if other || taken == nil { // the files of that draft go by its id
			r.ID = NewID()
		}
		if r.Stage != First || r.Version != 1 {
			return Case{}, ErrStage
		}
		return Case{}, nil
	}
	if err != nil {
		return c, err
	}
	switch {
	case draft != "" && r.Version <= c.Version:
		if draft == c.ID && r.Version == 1 {
			return c, &repeated{c.ID, 1}
		}
		id, version, err := versionOf(ctx, tx, draft)
		if errors.Is(err, ErrNone) { // another version came in past this draft
			return c, ErrRevision
		}
		if err != nil {
			return c, err
		}
		return c, &repeated{id, version}
	case c.State != Open:
		return c, ErrClosed
	case r.Stage == First:
		return c, ErrStage
	case r.Version != c.Version+1:
		return c, ErrRevision
	}
	return c, nil
}

// incomplete names every field that is missing.
func incomplete(res Result) error {
	e := fault.New(fault.Unmet, ErrIncomplete.Code, "n", len(res.Missing))
	for _, m := range res.Missing {
		at := "/values/" + string(m.Field)
		if m.Reason == ReasonConsent {
			at = "/consents/" + string(m.Field)
		}
		e = e.At(fault.Place{At: at, Code: "incident.missing." + string(m.Reason), Args: fault.Args{"field": m.Label}})
	}
	return e
}

// write puts an examined submission into the transaction.
func (s *Service) write(ctx context.Context, tx *db.Tx, who gate.Identity, p plan, sealed []byte, draft ID, revision int64, entry string, now time.Time) error {
	c := p.case1
	what, done := "followed_up", p.done
	for _, pr := range p.result.Profiles {
		ref := StageRef{pr.ID, pr.Stage}
		if _, before := done[ref]; !before && pr.Ready == ReadyYes && slices.ContainsFunc(p.deliveries, func(d Delivery) bool { return d.Profile == pr.ID && !d.Outside() }) {
			done[ref] = now
		}
	}
	if p.case0.ID == "" {
		what = "reported"
		if err := insertCase(ctx, tx, c, done); err != nil {
			return err
		}
	} else if err := errors.Join(updateCase(ctx, tx, c, p.case0), setStages(ctx, tx, c.ID, done)); err != nil {
		return err
	}
	if err := insertVersion(ctx, tx, c.ID, Version{Version: c.Version, Stage: c.Stage, Person: who.Person, At: now, Entry: entry}, sealed); err != nil {
		return err
	}
	if err := putDeliveries(ctx, tx, c.ID, p.deliveries); err != nil {
		return err
	}
	orgs, desks := []string{c.Org}, []desk{{c.Org, true, false}}
	for _, d := range p.deliveries {
		if !d.Outside() && !slices.Contains(orgs, d.Org) {
			orgs, desks = append(orgs, d.Org), append(desks, desk{d.Org, false, true})
		}
	}
	if err := putDesks(ctx, tx, c, desks...); err != nil {
		return err
	}
	if draft != "" {
		if err := s.endDraft(ctx, tx, draft, revision, c); err != nil {
			return err
		}
	}
	return publish(ctx, tx, what, c, who.Org, orgs...)
}

// recipientsOf lists the organisations of deliveries, for the record.
func recipientsOf(ds []Delivery) []ledger.Org {
	var out []ledger.Org
	for _, d := range ds {
		if !d.Outside() && !slices.Contains(out, ledger.Org(d.Org)) {
			out = append(out, ledger.Org(d.Org))
		}
	}
	return out
}

// submitted answers a repeated submission with what the first one gave.
func (s *Service) submitted(ctx context.Context, id ID, version int) (out Submitted, err error) {
	var entry string
	err = s.read(ctx, "incident.open", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out.Case, err = loadCase(ctx, tx, id, who, reach); err != nil {
			return err
		}
		vs, err := loadVersions(ctx, tx, id)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(vs, func(v Version) bool { return v.Version == version })
		if i < 0 {
			return ErrNone
		}
		entry = vs[i].Entry
		if out.Deliveries, err = loadDeliveries(ctx, tx, id, ""); err != nil {
			return err
		}
		r, err := s.report(ctx, tx, out.Case, version)
		if err != nil {
			return err
		}
		known, err := facts(ctx, tx, id)
		if err != nil {
			return err
		}
		for _, pr := range Check(r, s.Profiles, known, s.now()).Profiles {
			if pr.Ready == ReadyYes {
				out.Clocks = append(out.Clocks, pr.Clocks...)
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if out.Receipt, err = s.Ledger.Receipt(ctx, entry); err != nil {
		return out, fmt.Errorf("receipt of %s: %w", id, err)
	}
	out.Promise, err = s.Ledger.Promise(out.Receipt)
	return out, err
}

// Withdraw takes a report back. It stays where it was sent, marked; the law
// knows no report unsaid. Its recipients are told, and nothing waits for them
// any more.
func (s *Service) Withdraw(ctx context.Context, id ID, reason string) error {
	act := &ledger.Act{Verb: "incident.withdraw", Object: objectOf(id), Secret: reason}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if !c.PurgedAt.IsZero() {
			return ErrPurged
		}
		if c.State == Withdrawn {
			return ErrClosed
		}
		saw := c
		c.State, c.UpdatedAt = Withdrawn, s.now()
		if err := updateCase(ctx, tx, c, saw); err != nil {
			return err
		}
		orgs, err := onDesks(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := withdrawDesks(ctx, tx, c); err != nil {
			return err
		}
		return publish(ctx, tx, "withdrawn", c, who.Org, orgs...)
	})
	return err
}
