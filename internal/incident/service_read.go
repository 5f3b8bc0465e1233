package incident

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
)

// List lists the cases on one's organisation's desk, the last changed first.
// Opening the list says nothing of what happened, so it needs no purpose.
func (s *Service) List(ctx context.Context, f Filter) (out []Case, next string, err error) {
	err = s.read(ctx, "incident.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		out, next, err = listCases(ctx, tx, f, who, reach)
		return err
	})
	return out, next, err
}

// View is a case with everything that who opened it may see.
type View struct {
	Case       Case              `json:"case"`
	Mine       bool              `json:"mine"` // opened by its reporter
	Report     *Report           `json:"report"`
	Versions   []Version         `json:"versions"`
	Result     Result            `json:"result"`
	Deliveries []Delivery        `json:"deliveries"` // to a recipient: those to itself
	Messages   []thread.Message  `json:"messages"`
	Feedback   []Feedback        `json:"feedback"`
	Files      []blob.Meta       `json:"files"`
	Purpose    *Purpose          `json:"purpose,omitempty"`
	Entry      string            `json:"entry,omitempty"` // ledger entry of the reading
	Names      map[string]string `json:"names"`           // of the organisations in it, by id
}

// Open opens a report at a version, 0 for the last. Its reporter needs no
// purpose. A recipient names one; the reading is recorded, and shown to the
// reporter. Supervision opens only with the agreement of a second person.
func (s *Service) Open(ctx context.Context, id ID, version int, purpose string) (v View, err error) {
	who, reach, err := Access.Allow(ctx, "incident.open")
	if err == nil && reach == gate.Own {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			c, err := loadCase(ctx, tx, id, who, reach)
			if err != nil {
				return err
			}
			v, err = s.view(ctx, tx, c, version, who, reach)
			return err
		})
		return v, err
	}
	act := &ledger.Act{Verb: "incident.open", Object: objectOf(id), Purpose: purpose}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, p, err := s.admit(ctx, tx, id, purpose, "report", act.Entry, who, reach)
		if err != nil {
			return err
		}
		if v, err = s.view(ctx, tx, c, version, who, reach); err != nil {
			return err
		}
		v.Purpose, v.Entry = &p, act.Entry
		return nil
	})
	return v, err
}

// admit lets a recipient at the content of a report for a purpose, and writes
// down that it was read. Every way to content goes through here.
func (s *Service) admit(ctx context.Context, tx *db.Tx, id ID, purpose, what, entry string, who gate.Identity, reach gate.Reach) (Case, Purpose, error) {
	c, err := loadCase(ctx, tx, id, who, reach)
	if err != nil {
		return c, Purpose{}, err
	}
	p, err := Rules().Purpose(purpose, who.Kinds)
	if err != nil {
		return c, p, err
	}
	now := s.now()
	if p.Kind == Supervision {
		ok, err := agreedSupervision(ctx, tx, id, who.Org, now)
		if err != nil {
			return c, p, err
		}
		if !ok {
			return c, p, ErrSupervision
		}
	}
	until, err := hiddenUntil(ctx, tx, id, who.Org, now)
	if err != nil {
		return c, p, err
	}
	if p.Kind == Supervision {
		until = time.Time{} // the reporter is told, always
	}
	r := Reading{Case: id, Org: who.Org, Person: who.Person, What: what, Purpose: p.ID, At: now, HiddenUntil: until, Entry: entry}
	if err := insertReading(ctx, tx, r); err != nil {
		return c, p, err
	}
	var pages []string
	if until.IsZero() {
		pages = []string{c.Org}
	}
	return c, p, publish(ctx, tx, "read", c, who.Org, pages...)
}

// view gathers what the one who opened a case may see of it.
func (s *Service) view(ctx context.Context, tx *db.Tx, c Case, version int, who gate.Identity, reach gate.Reach) (v View, err error) {
	v = View{Case: c, Mine: reach == gate.Own}
	var known Facts
	if v.Report, known, err = s.versionFor(ctx, tx, c.ID, c, version, "", who, reach); err != nil {
		return v, err
	}
	if v.Versions, err = loadVersions(ctx, tx, c.ID); err != nil {
		return v, err
	}
	with := "" // all conversations are the reporter's
	if !v.Mine {
		with = who.Org
	}
	if v.Deliveries, err = loadDeliveries(ctx, tx, c.ID, with); err != nil {
		return v, err
	}
	v.Result = Check(v.Report, s.Profiles, known, s.now())
	if !v.Mine { // later versions may have gone to others only
		last := sentTo(v.Deliveries)
		v.Versions = slices.DeleteFunc(v.Versions, func(x Version) bool { return x.Version > last })
	}
	if !v.Mine { // which other forms it makes is not theirs to know
		v.Result.Missing = nil
		v.Result.Profiles = slices.DeleteFunc(v.Result.Profiles, func(p ProfileResult) bool {
			return !slices.ContainsFunc(v.Deliveries, func(d Delivery) bool { return d.Profile == p.ID })
		})
		for i := range v.Result.Profiles {
			p := &v.Result.Profiles[i]
			p.Recipients = slices.DeleteFunc(p.Recipients, func(rc RecipientState) bool {
				return !slices.ContainsFunc(v.Deliveries, func(d Delivery) bool { return d.Profile == p.ID && d.Role == rc.Role })
			})
		}
	}
	if v.Messages, err = s.Threads.Of(ctx, tx, c.Org, objectOf(c.ID), with); err != nil {
		return v, err
	}
	if v.Feedback, err = s.feedback(ctx, tx, c, with); err != nil {
		return v, err
	}
	if v.Files, err = s.filesFor(ctx, tx, c, who, reach); err != nil {
		return v, err
	}
	return v, s.name(ctx, tx, &v, who)
}

// name looks up the organisations that the view shows.
func (s *Service) name(ctx context.Context, tx *db.Tx, v *View, who gate.Identity) (err error) {
	ids := []string{v.Case.Org}
	for _, d := range v.Deliveries {
		ids = append(ids, d.Org)
	}
	for _, m := range v.Messages {
		ids = append(ids, m.From, m.With)
	}
	for _, f := range v.Feedback {
		ids = append(ids, f.Org)
	}
	v.Names, err = s.Orgs.NamesFor(ctx, tx, who, ids...)
	return err
}

// Compare returns how a version of one's own case, or of one that was
// addressed to one, differs from the version before it.
func (s *Service) Compare(ctx context.Context, id ID, version int, purpose string) (out []Change, err error) {
	compare := func(tx *db.Tx, c Case, who gate.Identity, reach gate.Reach) error {
		if version < 2 {
			return nil
		}
		now, _, err := s.versionFor(ctx, tx, c.ID, c, version, "", who, reach)
		if err != nil {
			return err
		}
		then, _, err := s.versionFor(ctx, tx, c.ID, c, version-1, "", who, reach)
		if err != nil {
			return err
		}
		out = Diff(then, now)
		return nil
	}
	who, reach, err := Access.Allow(ctx, "incident.open")
	if err == nil && reach == gate.Own {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			c, err := loadCase(ctx, tx, id, who, reach)
			if err != nil {
				return err
			}
			return compare(tx, c, who, reach)
		})
		return out, err
	}
	act := &ledger.Act{Verb: "incident.open", Object: objectOf(id), Purpose: purpose}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, _, err := s.admit(ctx, tx, id, purpose, "versions", act.Entry, who, reach)
		if err != nil {
			return err
		}
		return compare(tx, c, who, reach)
	})
	return out, err
}

// Reading is one time a recipient opened a report, or an attachment of it.
type Reading struct {
	ID          string    `json:"id"`
	Case        ID        `json:"case"`
	Org         string    `json:"org"`
	OrgName     string    `json:"org_name"`
	Person      string    `json:"-"`
	What        string    `json:"what"` // report | versions | file | form
	Purpose     string    `json:"purpose"`
	At          time.Time `json:"at"`
	HiddenUntil time.Time `json:"hidden_until,omitzero"` // shown to the commission only, until then
	Entry       string    `json:"entry"`
}

// Readings lists who opened a report, for which purpose, the newest first. Its
// reporter sees those that are not delayed; the commission sees all, and by
// that the delay. With an empty id it lists those of all of one's own cases.
func (s *Service) Readings(ctx context.Context, id ID, cursor string, limit int) (out []Reading, next string, err error) {
	list := func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if id != "" {
			if _, err := loadCase(ctx, tx, id, who, reach); err != nil {
				return err
			}
		}
		if out, next, err = listReadings(ctx, tx, id, who, reach, s.now(), cursor, limit); err != nil {
			return err
		}
		ids := make([]string, len(out))
		for i, r := range out {
			ids[i] = r.Org
		}
		names, err := s.Orgs.NamesFor(ctx, tx, who, ids...)
		for i := range out {
			out[i].OrgName = names[out[i].Org]
		}
		return err
	}
	who, reach, err := Access.Allow(ctx, "incident.readings")
	if err == nil && reach == gate.Own {
		err = s.DB.Read(ctx, func(tx *db.Tx) error { return list(tx, who, reach) })
		return out, next, err
	}
	// What the commission looks at is on the record like everything else.
	_, err = s.do(ctx, &ledger.Act{Verb: "incident.readings", Object: objectOf(id)}, list)
	return out, next, err
}
