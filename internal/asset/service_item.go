package asset

import (
	"context"
	"errors"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// Get returns one piece of equipment. Fault: ErrNone.
func (s *Service) Get(ctx context.Context, id ID) (e Entry, err error) {
	err = s.read(ctx, "asset.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, _, err := s.find(ctx, tx, who, reach, id)
		if err != nil {
			return err
		}
		e = r.Entry.to(reach)
		e.judge(s.Rules, s.today())
		return nil
	})
	return e, err
}

// to leaves out what a contractor is not told: how its customer answers the
// scope check.
func (e Entry) to(reach gate.Reach) Entry {
	if reach == gate.Operated {
		e.Used, e.Affects = "", ""
	}
	return e
}

// History returns what happened to one piece of equipment, the newest first:
// who changed what. It says nothing of how it was added; the Entry does.
func (s *Service) History(ctx context.Context, id ID, cursor string, limit int) (out []Past, next string, err error) {
	err = s.read(ctx, "asset.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := s.find(ctx, tx, who, reach, id)
		if err != nil {
			return err
		}
		if out, next, err = loadChanges(ctx, tx, r.Org, id, "", cursor, limit); err != nil {
			return err
		}
		if err := s.openPast(ctx, tx, who, c, out); err != nil || reach != gate.Operated {
			return err
		}
		for i := range out {
			out[i].Changes = slices.DeleteFunc(out[i].Changes, func(c Change) bool { return c.Field == "used" || c.Field == "affects" })
		}
		return nil
	})
	return out, next, err
}

// Removed lists what was taken out of one's own register, the newest first.
func (s *Service) Removed(ctx context.Context, cursor string, limit int) (out []Past, next string, err error) {
	err = s.read(ctx, "asset.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrNone
		}
		if out, next, err = loadChanges(ctx, tx, who.Org, "", Removed, cursor, limit); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		return s.openPast(ctx, tx, who, c, out)
	})
	return out, next, err
}

func (s *Service) openPast(ctx context.Context, tx *db.Tx, who gate.Identity, c *key.Cipher, list []Past) error {
	var people []org.PersonID
	var orgs []org.ID
	for i := range list {
		if err := list[i].open(c); err != nil {
			return err
		}
		people, orgs = append(people, org.PersonID(list[i].person)), append(orgs, org.ID(list[i].org))
	}
	names, err := s.names(ctx, tx, who, orgs...)
	if err != nil {
		return err
	}
	persons, err := s.Orgs.PersonNames(ctx, tx, people...)
	for i := range list {
		p := &list[i]
		p.Org = names[p.org]
		if p.org == who.Org { // people of others are known to each side by their organisation
			p.Person = persons[org.PersonID(p.person)]
		}
	}
	return err
}

// Add enters one piece of equipment. Faults: Invalid "asset.invalid" with the
// field of each problem, ErrFull.
func (s *Service) Add(ctx context.Context, d *Draft, used, affects Answer) (e Entry, err error) {
	act := &ledger.Act{Verb: "asset.add"}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		r := row{Entry: Entry{Org: who.Org, Revision: 1, Source: ByHand, CreatedBy: who.Person}}
		if err := bump(ctx, tx, who.Org, -1, 1); err != nil {
			return err
		}
		if err := s.accept(ctx, tx, &r, d, used, affects); err != nil {
			return err
		}
		now := s.now()
		r.ID, r.CreatedAt, r.UpdatedAt, r.ConfirmedAt, r.UpdatedBy, r.UpdatedOrg = ID(newID()), now, now, now, who.Person, who.Org
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if err := r.seal(c); err != nil {
			return err
		}
		if err := insertItems(ctx, tx, []row{r}); err != nil {
			return err
		}
		if err := countProducts(ctx, tx, who.Org, products(nil, &r.Item, nil)); err != nil {
			return err
		}
		e, act.Object, act.Secret = r.Entry, objectOf(r.ID), r.Item
		return publish(ctx, tx, "added", Happened{Org: who.Org, By: who.Org, Item: r.ID}, who.Org)
	})
	e.judge(s.Rules, s.today())
	return e, err
}

// accept makes the Item of an entry from what somebody wrote, or says what is
// wrong with it, field by field.
func (s *Service) accept(ctx context.Context, tx *db.Tx, r *row, d *Draft, used, affects Answer) error {
	it, problems := New(d, nil)
	if len(problems) == 0 && it.Key != "" {
		taken, err := keyTaken(ctx, tx, r.Org, it.Key, r.ID)
		if err != nil {
			return err
		}
		if taken {
			problems = append(problems, fault.Place{At: FieldKey.String(), Code: "asset.key_taken", Args: fault.Args{"id": clip(it.Key)}})
		}
	}
	for name, a := range map[string]Answer{"used": used, "affects": affects} {
		if !slices.Contains(answers, a) {
			problems = append(problems, fault.Place{At: name, Code: "asset.answer_unknown"})
		}
	}
	if len(problems) > 0 {
		return fault.New(fault.Invalid, "asset.invalid", "n", len(problems)).At(problems...)
	}
	it.ID = r.ID
	r.Item, r.Used, r.Affects = it, used, affects
	return nil
}

// Change replaces what the register says of one piece of equipment; revision
// is the one the change is based on. A contractor may neither hand the
// equipment to somebody else nor answer the scope check for its customer.
// Faults: ErrNone, ErrStale, Invalid "asset.invalid".
func (s *Service) Change(ctx context.Context, id ID, revision int, d *Draft, used, affects Answer) (e Entry, err error) {
	act := &ledger.Act{Verb: "asset.change", Object: objectOf(id)}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := s.find(ctx, tx, who, reach, id)
		if err != nil {
			return err
		}
		if r.Revision != revision {
			return ErrStale
		}
		was := r.Entry
		draft := *d
		if reach == gate.Operated {
			draft.Values[FieldOperatedBy], used, affects = was.OperatedBy, was.Used, was.Affects
		}
		if err := bump(ctx, tx, r.Org, -1, 0); err != nil {
			return err
		}
		if err := s.accept(ctx, tx, &r, &draft, used, affects); err != nil {
			return err
		}
		changes := Changes(&was.Item, &r.Item)
		for _, a := range []struct {
			name     string
			from, to Answer
		}{{"used", was.Used, r.Used}, {"affects", was.Affects, r.Affects}} {
			if a.from != a.to {
				changes = append(changes, Change{a.name, string(a.from), string(a.to)})
			}
		}
		now := s.now()
		r.Revision, r.UpdatedAt, r.ConfirmedAt, r.UpdatedBy, r.UpdatedOrg = revision+1, now, now, who.Person, who.Org
		if err := r.seal(c); err != nil {
			return err
		}
		if err := updateItem(ctx, tx, &r, revision); err != nil {
			return err
		}
		if err := countProducts(ctx, tx, r.Org, products(&was.Item, &r.Item, nil)); err != nil {
			return err
		}
		p, err := past(c, id, Changed, who, act.Entry, now, changes, nil)
		if err != nil {
			return err
		}
		if err := insertChanges(ctx, tx, r.Org, []Past{p}); err != nil {
			return err
		}
		e, act.Secret = r.Entry.to(reach), changes
		return publish(ctx, tx, "changed", Happened{Org: r.Org, By: who.Org, Item: id}, orgsOf(r.Org, who.Org)...)
	})
	e.judge(s.Rules, s.today())
	return e, err
}

// orgsOf lists whose pages change, each once.
func orgsOf(ids ...string) []string {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Remove takes a piece of equipment out of the register. What it was stays in
// the history. Faults: ErrNone, ErrStale.
func (s *Service) Remove(ctx context.Context, id ID, revision int) error {
	act := &ledger.Act{Verb: "asset.remove", Object: objectOf(id)}
	_, err := s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, c, err := s.find(ctx, tx, who, reach, id)
		if err != nil {
			return err
		}
		if r.Revision != revision {
			return ErrStale
		}
		if err := bump(ctx, tx, r.Org, -1, -1); err != nil {
			return err
		}
		// Others of this register wait from here on; who came before is done.
		if now, err := loadItem(ctx, tx, id, whose{org: r.Org}); err != nil {
			return err
		} else if now.Revision != revision {
			return ErrStale
		}
		if err := deleteItems(ctx, tx, r.Org, []ID{id}); err != nil {
			return err
		}
		if err := countProducts(ctx, tx, r.Org, products(&r.Item, nil, nil)); err != nil {
			return err
		}
		p, err := past(c, id, Removed, who, act.Entry, s.now(), nil, &r.Item)
		if err != nil {
			return err
		}
		act.Secret = r.Item
		if err := insertChanges(ctx, tx, r.Org, []Past{p}); err != nil {
			return err
		}
		return publish(ctx, tx, "removed", Happened{Org: r.Org, By: who.Org, Item: id}, who.Org)
	})
	return err
}

// maxConfirm bounds how many pieces one act confirms.
const maxConfirm = db.MaxLimit

// Confirm notes that what the register says of some equipment is so today, and
// returns of how many pieces; what is out of reach is left alone.
func (s *Service) Confirm(ctx context.Context, operator string, ids ...ID) (n int, err error) {
	if len(ids) == 0 || len(ids) > maxConfirm {
		return 0, fault.New(fault.Invalid, "asset.confirm_number", "max", maxConfirm)
	}
	act := &ledger.Act{Verb: "asset.confirm", Secret: ids}
	_, err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach, operator)
		if err != nil {
			return err
		}
		if err := bump(ctx, tx, w.org, -1, 0); err != nil {
			return err
		}
		got, err := confirmItems(ctx, tx, w, ids, db.Micros(s.now()))
		if err != nil {
			return err
		}
		if got == 0 {
			return ErrNone
		}
		n, act.Public = int(got), map[string]any{"entries": got}
		return publish(ctx, tx, "changed", Happened{Org: w.org, By: who.Org}, orgsOf(w.org, who.Org)...)
	})
	return n, err
}

// products counts what a change does to the products of a register; into is
// made when nil. Either side may be nil.
func products(from, to *Item, into map[[2]string]*ware) map[[2]string]*ware {
	if into == nil {
		into = map[[2]string]*ware{}
	}
	add := func(it *Item, n int) {
		if it == nil {
			return
		}
		k := [2]string{it.MakerKey, it.ProductKey}
		p := into[k]
		if p == nil {
			p = &ware{makerKey: k[0], productKey: k[1], makerName: it.MakerName, productName: it.ProductName}
			into[k] = p
		}
		p.entries += n
	}
	add(from, -1)
	add(to, 1)
	return into
}

// isGone reports whether an error says that something is not there.
func isGone(err error) bool {
	if err == nil {
		return false
	}
	return errors.Is(err, db.ErrNoRows) || fault.KindOf(err) == fault.NotFound
}

// mayWrite refuses, on record, who may not add equipment; for a form that
// would only lead to a refusal.
func (s *Service) mayWrite(ctx context.Context) error {
	return s.read(ctx, "asset.add", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}
