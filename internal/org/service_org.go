package org

import (
	"context"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// Register adds an organisation. Faults: org.invalid with places,
// org.number.taken.
func (s *Service) Register(ctx context.Context, o Org) (Org, error) {
	act := &ledger.Act{Verb: "org.register"}
	err := s.do(ctx, act, func(tx *db.Tx, _ gate.Identity, _ gate.Reach) (err error) {
		if o, err = o.Normal(s.Sectors); err != nil {
			return err
		}
		o.ID, o.CreatedAt, o.Version = ID(newID()), s.now(), 1
		if err := insertOrg(ctx, tx, o); db.IsUnique(err) {
			return ErrNumberTaken
		} else if err != nil {
			return err
		}
		if err := insertContacts(ctx, tx, o.ID, o.Contacts); err != nil {
			return err
		}
		act.Public = map[string]any{"org": ledger.Org(o.ID), "kinds": o.Kinds, "sectors": o.Sectors}
		act.Secret = o
		return publishRegistered(ctx, tx, o)
	})
	return o, err
}

// Change replaces number, names, kinds and sectors of an organisation;
// o.Version is the version the change was made from. Faults: org.invalid,
// org.number.taken, org.not_found, org.stale.
func (s *Service) Change(ctx context.Context, o Org) (Org, error) {
	act := &ledger.Act{Verb: "org.change"}
	err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		was, err := loadOrg(ctx, tx, o.ID, who, reach)
		if err != nil {
			return gone(err, ErrOrgGone)
		}
		o.CreatedAt, o.Contacts = was.CreatedAt, nil
		if o, err = o.Normal(s.Sectors); err != nil {
			return err
		}
		if err := updateOrg(ctx, tx, o); db.IsUnique(err) {
			return ErrNumberTaken
		} else if err != nil {
			return err
		}
		o.Version++
		act.Public = map[string]any{"org": ledger.Org(o.ID), "kinds": o.Kinds, "sectors": o.Sectors}
		act.Secret = o
		return publishChanged(ctx, tx, o.ID)
	})
	return o, err
}

// SetContacts replaces the contacts of an organisation. Faults: org.invalid,
// org.not_found, org.stale.
func (s *Service) SetContacts(ctx context.Context, id ID, version int64, contacts []Contact) error {
	act := &ledger.Act{Verb: "org.contact"}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		// Everybody may see the bodies; changing is for one's own.
		if reach != gate.All && string(id) != who.Org {
			return ErrOrgGone
		}
		if _, err := loadOrg(ctx, tx, id, who, reach); err != nil {
			return gone(err, ErrOrgGone)
		}
		var p problems
		contacts = p.contacts(contacts)
		if err := p.fault("org.invalid"); err != nil {
			return err
		}
		if err := setContacts(ctx, tx, id, version, contacts); err != nil {
			return err
		}
		act.Public = map[string]any{"org": ledger.Org(id), "contacts": len(contacts)}
		act.Secret = contacts
		return publishChanged(ctx, tx, id)
	})
}

// Get returns an organisation that who acts may see, with the contacts unless
// they see only the record. One that is not there and one that is not theirs
// to see are the same: org.not_found.
func (s *Service) Get(ctx context.Context, id ID) (o Org, err error) {
	err = s.read(ctx, "org.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if o, err = loadOrg(ctx, tx, id, who, reach); err != nil {
			return gone(err, ErrOrgGone)
		}
		if reach == gate.Record && string(id) != who.Org {
			return nil
		}
		o.Contacts, err = loadContacts(ctx, tx, id)
		return err
	})
	return o, err
}

// List returns organisations that who acts may see, in order of reading, and
// the cursor of the next page; empty at the end.
func (s *Service) List(ctx context.Context, f Filter) (out []Org, next string, err error) {
	err = s.read(ctx, "org.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		out, next, err = listOrgs(ctx, tx, f, who, reach)
		return err
	})
	return out, next, err
}

// Competent returns the ministries that are competent for a sector. It is for
// nouns that route what somebody sends; it checks nobody's access.
func (s *Service) Competent(ctx context.Context, tx *db.Tx, sector string) ([]Org, error) {
	return competent(ctx, tx, Ministry, sector)
}

// Bodies returns the organisations of a kind, for routing, as Competent does.
func (s *Service) Bodies(ctx context.Context, tx *db.Tx, kind Kind) ([]Org, error) {
	return competent(ctx, tx, kind, "")
}

// Load returns an organisation with its contacts, for nouns that have already
// decided that who acts may see what it is part of; it checks nobody's access.
func (s *Service) Load(ctx context.Context, tx *db.Tx, id ID) (Org, error) {
	o, err := loadOrg(ctx, tx, id, gate.Identity{}, gate.All)
	if err != nil {
		return o, gone(err, ErrOrgGone)
	}
	o.Contacts, err = loadContacts(ctx, tx, id)
	return o, err
}

// Names returns the names of organisations in a language, for nouns that have
// already decided that who acts may see the rows; it checks nobody's access.
func (s *Service) Names(ctx context.Context, tx *db.Tx, lang text.Lang, ids ...ID) (map[ID]string, error) {
	out := map[ID]string{}
	err := orgNames(ctx, tx, slices.Compact(slices.Sorted(slices.Values(ids))), func(id, ja, en string) {
		out[ID(id)] = Org{Name: text.Both{JA: ja, EN: en}}.In(lang)
	})
	return out, err
}

// NamesFor is Names in the language of who reads, by plain ids.
func (s *Service) NamesFor(ctx context.Context, tx *db.Tx, who gate.Identity, ids ...string) (map[string]string, error) {
	lang, _ := text.ParseLang(who.Lang)
	return s.NamesIn(ctx, tx, lang, ids...)
}

// NamesIn is Names by plain ids; empty ones are passed over.
func (s *Service) NamesIn(ctx context.Context, tx *db.Tx, lang text.Lang, ids ...string) (map[string]string, error) {
	list := make([]ID, 0, len(ids))
	for _, id := range ids {
		if id != "" {
			list = append(list, ID(id))
		}
	}
	names, err := s.Names(ctx, tx, lang, list...)
	out := make(map[string]string, len(names))
	for id, n := range names {
		out[string(id)] = n
	}
	return out, err
}

// PersonNames returns the names of people, as Names does of organisations.
func (s *Service) PersonNames(ctx context.Context, tx *db.Tx, ids ...PersonID) (map[PersonID]string, error) {
	out := map[PersonID]string{}
	err := pairs(ctx, tx, "SELECT id, name FROM org_person WHERE id IN (%s)", ids, func(id, name string) { out[PersonID(id)] = name })
	return out, err
}

// mayRegister and mayTie refuse, on record, who may not; for forms that would
// only lead to a refusal.
func (s *Service) mayRegister(ctx context.Context) error {
	return s.read(ctx, "org.register", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}

func (s *Service) mayTie(ctx context.Context) error {
	return s.read(ctx, "org.tie", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}
