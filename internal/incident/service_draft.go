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
	"noroshi/internal/org"
)

func draftName(id ID) string { return "incident/draft/" + id }

// write seals the body into the row.
func (d *draftRow) write(c *key.Cipher, b *draftBody) error {
	raw, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("seal draft: %w", err)
	}
	if len(raw) > MaxJSON {
		return fault.New(fault.TooLarge, ErrTooLarge.Code, "mb", MaxJSON>>20)
	}
	d.Kind, d.Stage = b.Report.Kind, b.Report.Stage
	d.sealed = c.Seal(raw, draftName(d.ID))
	return nil
}

// open unseals the body and fills what readers see of it.
func (d *draftRow) open(c *key.Cipher) (*draftBody, error) {
	var b draftBody
	if err := c.OpenJSON(d.sealed, draftName(d.ID), &b); err != nil {
		return nil, err
	}
	d.show(&b)
	return &b, nil
}

func (d *draftRow) show(b *draftBody) {
	d.Kind, d.Stage = b.Report.Kind, b.Report.Stage
	d.Report, d.Scope, d.Clashes = b.asked(), b.Scope, b.clashes()
}

// StartDraft begins a first report. What the hub knows of the organisation,
// and what it told of itself in its last report, is filled in.
func (s *Service) StartDraft(ctx context.Context, kind Kind) (Draft, error) {
	if !slices.Contains(Kinds, kind) {
		return Draft{}, ErrInvalid.At(fault.Place{At: "/kind", Code: "incident.report.one_of", Args: fault.Args{"all": joined(Kinds)}})
	}
	d := draftRow{Draft: Draft{ID: NewID(), Revision: 1}}
	act := &ledger.Act{Verb: "incident.draft", Object: objectOf(d.ID), Public: map[string]any{"step": "start"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		b := &draftBody{Report: NewReport(kind), Scope: map[string]string{}, Trail: map[string][]step{}}
		b.Report.ID = d.ID
		if err := s.prefill(ctx, tx, who, b.Report); err != nil {
			return err
		}
		return s.begin(ctx, tx, who, &d, b)
	})
	return d.Draft, err
}

func (s *Service) begin(ctx context.Context, tx *db.Tx, who gate.Identity, d *draftRow, b *draftBody) error {
	n, err := countDrafts(ctx, tx, who.Org)
	if err != nil {
		return err
	}
	if n >= maxDrafts {
		return fault.New(fault.Conflict, ErrManyDrafts.Code, "max", maxDrafts)
	}
	c, err := s.Keys.Make(ctx, tx, who.Org)
	if err != nil {
		return err
	}
	d.Person, d.StartedAt, d.UpdatedAt = who.Person, s.now(), s.now()
	if err := d.write(c, b); err != nil {
		return err
	}
	d.show(b)
	return insertDraft(ctx, tx, *d, who.Org)
}

// prefill answers the questions about the operator: nobody types their own
// address at two in the morning.
func (s *Service) prefill(ctx context.Context, tx *db.Tx, who gate.Identity, r *Report) error {
	o, err := s.Orgs.Load(ctx, tx, org.ID(who.Org))
	if err != nil {
		return err
	}
	put := func(id FieldID, v any) {
		f, ok := Dictionary().Get(id)
		if ok && !blank(v) && f.For(r.Kind) && len(f.Judge(KnownValue(v))) == 0 {
			r.Values[id] = KnownValue(v)
		}
	}
	last, _, err := listCases(ctx, tx, Filter{Limit: 1}, who, gate.Own)
	if err != nil {
		return err
	}
	if len(last) == 1 && last[0].PurgedAt.IsZero() {
		before, err := s.report(ctx, tx, last[0], last[0].Version)
		if err != nil {
			return err
		}
		for id, v := range before.Values {
			if f, ok := Dictionary().Get(id); ok && f.Group == "operator" && f.For(r.Kind) {
				r.Values[id] = v.clone()
			}
		}
	}
	// What the hub has on record is newer than any report.
	put("operator.name", o.Name.JA)
	put("operator.name_en", o.Name.EN)
	put("operator.corporate_number", string(o.Number))
	if len(o.Sectors) == 1 {
		put("operator.sector", o.Sectors[0])
	}
	for id, duty := range map[FieldID]org.Duty{"contact.responsible": org.Responsible, "contact.public": org.Window, "contact.duty": org.AllHours} {
		i := slices.IndexFunc(o.Contacts, func(c org.Contact) bool { return c.Duty == duty })
		if i < 0 {
			continue
		}
		row := Row{}
		for column, text := range map[string]string{"name": o.Contacts[i].Name, "department": o.Contacts[i].Department, "phone": o.Contacts[i].Phone, "mail": o.Contacts[i].Mail} {
			if text != "" {
				row[column] = text
			}
		}
		put(id, row)
	}
	return nil
}

// StartNext begins the follow-up or final report of one's own case, with all
// answers carried over. A case has one such draft: when it is there it is
// returned, at the stage asked for, and brought up to date if another version
// was handed in past it.
func (s *Service) StartNext(ctx context.Context, id ID, stage Stage) (Draft, error) {
	if stage != Followup && stage != Final {
		return Draft{}, ErrInvalid.At(fault.Place{At: "/stage", Code: "incident.report.one_of", Args: fault.Args{"all": joined([]Stage{Followup, Final})}})
	}
	d := draftRow{Draft: Draft{ID: NewID(), Case: id, Revision: 1}}
	act := &ledger.Act{Verb: "incident.draft", Object: objectOf(id), Public: map[string]any{"step": "start"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		if c, err = lockCase(ctx, tx, id); err != nil { // two who start at once get the same draft
			return err
		}
		if c.State != Open {
			return ErrClosed
		}
		last, err := s.report(ctx, tx, c, c.Version)
		if err != nil {
			return err
		}
		switch there, err := draftOf(ctx, tx, id, who.Org); {
		case err == nil:
			d = there
			return s.catchUp(ctx, tx, who, c, last, stage, &d)
		case !errors.Is(err, ErrNoDraft):
			return err
		}
		next := last.Next(stage)
		return s.begin(ctx, tx, who, &d, &draftBody{Report: next, Scope: map[string]string{}, Trail: map[string][]step{}})
	})
	return d.Draft, err
}

// catchUp moves a draft of the next version to a stage, and past versions that
// were handed in since it was begun.
func (s *Service) catchUp(ctx context.Context, tx *db.Tx, who gate.Identity, c Case, last *Report, stage Stage, d *draftRow) error {
	cipher, err := s.Keys.For(ctx, tx, who.Org)
	if err != nil {
		return err
	}
	b, err := d.open(cipher)
	if err != nil {
		return err
	}
	if b.Report.Version == c.Version+1 && b.Report.Stage == stage {
		return nil
	}
	d.Revision++
	if saw := b.Report.Version - 1; saw < c.Version {
		from, err := s.report(ctx, tx, c, saw)
		if err != nil {
			return err
		}
		vs, err := loadVersions(ctx, tx, c.ID)
		if err != nil {
			return err
		}
		by := author{version: c.Version}
		for _, v := range vs {
			if v.Version == c.Version {
				by.person = v.Person
			}
		}
		b.merge(differences(from, last), 0, d.Revision, by, s.now())
		b.Report.Version = c.Version + 1
	}
	b.Report.Stage, d.Person, d.UpdatedAt = stage, who.Person, s.now()
	if err := d.write(cipher, b); err != nil {
		return err
	}
	d.show(b)
	return updateDraft(ctx, tx, *d)
}

// Draft returns one of the organisation's drafts.
func (s *Service) Draft(ctx context.Context, id ID) (Draft, error) {
	var d draftRow
	err := s.read(ctx, "incident.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) (err error) {
		d, _, err = s.opened(ctx, tx, who, id, false)
		return err
	})
	return d.Draft, err
}

// opened loads a draft and unseals it.
func (s *Service) opened(ctx context.Context, tx *db.Tx, who gate.Identity, id ID, change bool) (draftRow, *draftBody, error) {
	d, err := loadDraft(ctx, tx, id, who.Org, change)
	if err != nil {
		return d, nil, err
	}
	c, err := s.Keys.For(ctx, tx, who.Org)
	if err != nil {
		return d, nil, err
	}
	b, err := d.open(c)
	if err != nil || d.Case == "" {
		return d, b, err
	}
	now, err := caseByID(ctx, tx, d.Case)
	d.Behind = err == nil && now.Version >= b.Report.Version
	return d, b, err
}

// DraftLine is a draft in a list.
type DraftLine struct {
	ID        ID        `json:"id"`
	Case      ID        `json:"case,omitempty"`
	Kind      Kind      `json:"kind"`
	Stage     Stage     `json:"stage"`
	Title     string    `json:"title,omitempty"` // answer to event.title
	Revision  int64     `json:"revision"`
	Clashes   int       `json:"clashes"`
	Person    string    `json:"-"` // who saved last
	StartedAt time.Time `json:"started_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Drafts lists the organisation's drafts, the last changed first.
func (s *Service) Drafts(ctx context.Context) (out []DraftLine, err error) {
	err = s.read(ctx, "incident.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		rows, err := listDrafts(ctx, tx, who.Org)
		if err != nil || len(rows) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		for _, d := range rows {
			if _, err := d.open(c); err != nil {
				return err
			}
			l := DraftLine{d.ID, d.Case, d.Kind, d.Stage, "", d.Revision, len(d.Clashes), d.Person, d.StartedAt, d.UpdatedAt}
			l.Title, _ = d.Report.Value("event.title").Text()
			out = append(out, l)
		}
		return nil
	})
	return out, err
}

// SaveDraft brings changes into a draft that were made from its revision base.
// Fields that nobody else changed since are taken; one that somebody else
// changed to another value keeps that value, and both are in Clashes. It is
// all or nothing: an answer that cannot be accepted is named by ErrInvalid,
// and nothing is saved.
//
// A draft is the operator's own working memory, saved every few seconds while
// somebody types: who may is checked as everywhere, a refusal is recorded, but
// the save itself is no act and has no ledger entry. Starting, discarding and
// submitting a draft are.
func (s *Service) SaveDraft(ctx context.Context, id ID, base int64, changes Changes) (Draft, error) {
	cells, err := changes.cells()
	if err != nil {
		return Draft{}, err
	}
	return s.edit(ctx, id, func(d *draftRow, b *draftBody, who gate.Identity, now time.Time) (bool, error) {
		if base < 1 || base > d.Revision {
			return false, ErrRevision
		}
		changed := b.merge(cells, base, d.Revision+1, author{person: who.Person}, now)
		if len(b.Scope) > maxScope {
			return false, refuse(ErrInvalid, []fault.Place{{At: "/scope", Code: "incident.value.many", Args: fault.Args{"n": len(b.Scope), "max": maxScope}}})
		}
		return changed, nil
	})
}

// ResolveClash settles what two people wrote differently: with other their
// value is taken, otherwise what stands in the draft stays. Choice is
// Clash.Choice; it names both values, so that nobody chooses what they did not
// see.
func (s *Service) ResolveClash(ctx context.Context, id ID, choice string, other bool) (Draft, error) {
	return s.edit(ctx, id, func(d *draftRow, b *draftBody, who gate.Identity, now time.Time) (bool, error) {
		if !b.resolve(choice, other, d.Revision+1, who.Person, now) {
			return false, ErrNoClash
		}
		return true, nil
	})
}

func (s *Service) edit(ctx context.Context, id ID, fn func(d *draftRow, b *draftBody, who gate.Identity, now time.Time) (bool, error)) (Draft, error) {
	const verb = "incident.draft"
	who, _, err := Access.Allow(ctx, verb)
	if err != nil {
		_, err := s.do(ctx, &ledger.Act{Verb: verb, Object: objectOf(id)}, nil)
		return Draft{}, err
	}
	var d draftRow
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		var b *draftBody
		var err error
		if d, b, err = s.opened(ctx, tx, who, id, true); err != nil {
			return err
		}
		changed, err := fn(&d, b, who, s.now())
		if err != nil || !changed {
			return err
		}
		d.Revision, d.Person, d.UpdatedAt = d.Revision+1, who.Person, s.now()
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if err := d.write(c, b); err != nil {
			return err
		}
		d.show(b)
		return updateDraft(ctx, tx, d)
	})
	return d.Draft, err
}

// DiscardDraft throws a draft away, with the files that were attached to it.
func (s *Service) DiscardDraft(ctx context.Context, id ID) error {
	act := &ledger.Act{Verb: "incident.draft", Object: objectOf(id), Public: map[string]any{"step": "discard"}}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if _, err := loadDraft(ctx, tx, id, who.Org, true); err != nil {
			return err
		}
		if _, err := s.removeFiles(ctx, tx, id); err != nil {
			return err
		}
		return deleteDraft(ctx, tx, id, who.Org, 0)
	})
	return err
}

// endDraft ends a draft that is being submitted as a version of a case, as it
// stands at a revision, and hands its files to the case.
func (s *Service) endDraft(ctx context.Context, tx *db.Tx, draft ID, revision int64, c Case) error {
	if draft != c.ID { // a first report takes its draft's id, and with it the files
		if _, err := loadDraft(ctx, tx, draft, c.Org, true); errors.Is(err, ErrNoDraft) {
			return nil
		} else if err != nil {
			return err
		}
		if err := setVersionDraft(ctx, tx, c.ID, c.Version, draft); err != nil {
			return err
		}
		files, err := s.Blobs.Of(ctx, tx, objectOf(draft))
		if err != nil {
			return err
		}
		for _, f := range files {
			if err := s.Blobs.Remove(ctx, tx, f.ID); err != nil {
				return err
			}
			if _, err := s.Blobs.Add(ctx, tx, f, c.Org, objectOf(c.ID)); err != nil {
				return err
			}
		}
	}
	return deleteDraft(ctx, tx, draft, c.Org, revision)
}

// Preview is what would happen if a draft were submitted now.
type Preview struct {
	Draft      Draft         `json:"draft"`
	Check      Result        `json:"check"`      // what is missing, for whom, and every clock
	Problems   []fault.Place `json:"problems"`   // answers that cannot be accepted together
	Deliveries []Delivery    `json:"deliveries"` // who would get which form
	Files      int           `json:"files"`      // attachments that go with it
	Away       []Delivery    `json:"-"`          // forms it makes, or may make, for bodies that are not on this hub
}

// Ready reports whether a submission would be accepted.
func (p Preview) Ready() bool {
	return p.Check.Clean && len(p.Problems) == 0 && len(p.Draft.Clashes) == 0 && !p.Draft.Behind &&
		slices.ContainsFunc(p.Deliveries, func(d Delivery) bool { return !d.Outside() })
}

// asIfReady is a check as it would be when nothing was missing any more.
func asIfReady(res Result) Result {
	res.Profiles = slices.Clone(res.Profiles)
	for i := range res.Profiles {
		if p := &res.Profiles[i]; p.running() && p.Applies != VerdictNo {
			p.Ready = ReadyYes
		}
	}
	return res
}

// PreviewDraft tells what would happen if a draft were submitted now.
func (s *Service) PreviewDraft(ctx context.Context, id ID) (p Preview, err error) {
	err = s.read(ctx, "incident.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		d, _, err := s.opened(ctx, tx, who, id, false)
		if err != nil {
			return err
		}
		now := s.now()
		p.Draft = d.Draft
		p.Problems = append(d.Report.problems(), d.Report.Ahead(now)...)
		known, err := facts(ctx, tx, d.Report.ID)
		if err != nil {
			return err
		}
		p.Check = Check(d.Report, s.Profiles, known, now)
		sectors, err := s.sectorsOf(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if p.Deliveries, err = s.addressees(ctx, tx, sectors, d.Report, p.Check, now); err != nil {
			return err
		}
		if p.Away, err = s.addressees(ctx, tx, sectors, d.Report, asIfReady(p.Check), now); err != nil {
			return err
		}
		p.Away = slices.DeleteFunc(p.Away, func(d Delivery) bool { return !d.Outside() })
		files, err := s.Blobs.Of(ctx, tx, objectOf(id))
		p.Files = len(files)
		return err
	})
	return p, err
}

// SubmitDraft hands a draft in as it stands at a revision, so that nobody
// sends what they have not seen. It fails with ErrRevision when somebody
// changed it since, or handed another version in; ErrClashes while there is
// something to choose; and as Submit does. A draft that was submitted before
// gives the first answer again.
func (s *Service) SubmitDraft(ctx context.Context, id ID, revision int64) (Submitted, error) {
	d, err := s.Draft(ctx, id)
	switch {
	case err != nil:
	case d.Revision != revision || d.Behind:
		return Submitted{}, ErrRevision
	case len(d.Clashes) > 0:
		return Submitted{}, fault.New(fault.Unmet, ErrClashes.Code, "n", len(d.Clashes)).At(clashPlaces(d.Clashes)...)
	default:
		var out Submitted
		if out, err = s.submit(ctx, d.Report, id, revision); err == nil {
			return out, nil
		}
	}
	if !errors.Is(err, ErrNoDraft) && !errors.Is(err, ErrRevision) {
		return Submitted{}, err
	}
	// It may be in already: this is the same click once more, or both windows
	// at once.
	at, version := id, 1
	sent := s.DB.Read(ctx, func(tx *db.Tx) error {
		c, v, err := versionOf(ctx, tx, id)
		if err == nil {
			at, version = c, v
		}
		return err
	})
	if sent != nil && !errors.Is(sent, ErrNone) {
		return Submitted{}, sent
	}
	if out, again := s.submitted(ctx, at, version); again == nil {
		return out, nil
	}
	return Submitted{}, err
}

func clashPlaces(cs []Clash) (out []fault.Place) {
	for _, c := range cs {
		out = append(out, fault.Place{At: c.At, Code: "incident.draft.clash"})
	}
	return out
}
