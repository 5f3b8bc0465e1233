package selection

import (
	"context"
	"fmt"
	"slices"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// NewDisclosure is a provision of records before it is made.
type NewDisclosure struct {
	Run       string
	Recipient string // organisation
	Selector  string // public id; empty: all of the run
	Basis     string // provision of law
	Caveat    string // how it may be handled
	Why       Reason
}

// Disclose lets a recipient on the order's list read records of a run, for a
// purpose, on a legal basis, with a caveat. They stay here: what is
// erased is gone for the recipient too. Faults: ErrReceiver, ErrPurpose,
// ErrNoConsent, ErrNoRecords, ErrTooMany.
func (s *Service) Disclose(ctx context.Context, n NewDisclosure) (d Disclosure, err error) {
	act := &ledger.Act{Verb: "selection.disclose", Object: runObject(n.Run), Purpose: n.Why.Purpose}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if n.Basis = clean(n.Basis); n.Basis == "" || len([]rune(n.Basis)) > maxTitle {
			return invalid("basis", "selection.record.bad.basis", "max", maxTitle)
		}
		if n.Caveat, err = words("caveat", n.Caveat, true); err != nil {
			return err
		}
		r, err := loadRun(ctx, tx, n.Run, who, reach)
		if err != nil {
			return err
		}
		act.Grant = r.Approval
		if err := s.purpose(ctx, tx, r, n.Why); err != nil {
			return err
		}
		if err := s.mayReceive(ctx, tx, r, n.Recipient); err != nil {
			return err
		}
		list, err := recordIDs(ctx, tx, r.ID, n.Selector, who, reach, s.now(), maxDisclosed+1)
		switch {
		case err != nil:
			return err
		case len(list) == 0:
			return ErrNoRecords
		case len(list) > maxDisclosed:
			return fault.New(fault.TooLarge, ErrTooMany.Code, "max", maxDisclosed)
		}
		k, err := s.Keys.Make(ctx, tx, r.Org)
		if err != nil {
			return err
		}
		d = Disclosure{ID: newID(), Run: r.ID, Approval: r.Approval, Org: r.Org, Recipient: n.Recipient, Basis: n.Basis, Caveat: n.Caveat, Purpose: n.Why.Purpose, Consent: n.Why.Consent,
			Records: int64(len(list)), Left: int64(len(list)), At: s.now(), Entry: act.Entry}
		if d.sealed, err = k.SealJSON(n.Caveat, "selection_disclosure/"+d.ID); err != nil {
			return err
		}
		act.Public = map[string]any{"recipient": ledger.Org(n.Recipient), "basis": n.Basis, "records": d.Records, "ids": digestOfIDs(list)}
		n.Why.say(act.Public)
		act.Secret = n.Caveat
		if err := insertDisclosure(ctx, tx, d, list); err != nil {
			return fmt.Errorf("disclose: %w", err)
		}
		return publish(ctx, tx, "disclosed", Happened{Run: r.ID, Approval: r.Approval, Org: r.Org, Other: n.Recipient, Records: uint64(d.Records), At: d.At})
	})
	return d, err
}

// receiving are the kinds of organisations whose people may read what is
// disclosed to them: see Access.
var receiving = []org.Kind{org.Police, org.Ministry}

// mayReceive refuses whoever the order does not name, by id or by kind, and whoever
// has nobody who may read.
func (s *Service) mayReceive(ctx context.Context, tx *db.Tx, r HubRun, recipient string) error {
	g, err := s.Approvals.Grant(ctx, tx, r.Approval)
	if err != nil {
		return err
	}
	o, err := s.Orgs.Load(ctx, tx, org.ID(recipient))
	if err != nil {
		if isKind(err, fault.NotFound) {
			return ErrReceiver
		}
		return err
	}
	on := g.Order().Recipients
	reads := slices.ContainsFunc(o.Kinds, func(k org.Kind) bool { return slices.Contains(receiving, k) })
	if reads && recipient != r.Org && (slices.Contains(on, recipient) || slices.ContainsFunc(o.Kinds, func(k org.Kind) bool { return slices.Contains(on, string(k)) })) {
		return nil
	}
	return ErrReceiver
}

// disclosuresOf opens the disclosures of a run, for the office and who supervises.
func (s *Service) disclosuresOf(ctx context.Context, tx *db.Tx, r HubRun, who gate.Identity, reach gate.Reach) ([]Disclosure, error) {
	list, _, err := listDisclosures(ctx, tx, r.ID, who, reach, "", db.MaxLimit)
	return list, s.openDisclosures(ctx, tx, list, err)
}

func (s *Service) openDisclosures(ctx context.Context, tx *db.Tx, list []Disclosure, err error) error {
	for i := range list {
		if err != nil {
			return err
		}
		d := &list[i]
		k, err := s.Keys.For(ctx, tx, d.Org)
		if err != nil {
			return fmt.Errorf("disclosure %s: %w", d.ID, err)
		}
		if err := k.OpenJSON(d.sealed, "selection_disclosure/"+d.ID, &d.Caveat); err != nil {
			return err
		}
	}
	return err
}

// Disclosures lists what was disclosed: to a recipient what it was given, to the
// office what it gave. Records are read by Read.
func (s *Service) Disclosures(ctx context.Context, cursor string, limit int) (out []Disclosure, names map[string]string, next string, err error) {
	err = s.read(ctx, "selection.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		out, next, err = listDisclosures(ctx, tx, "", who, reach, cursor, limit)
		if err := s.openDisclosures(ctx, tx, out, err); err != nil {
			return err
		}
		var orgs []string
		for i := range out {
			if reach == gate.Addressed {
				out[i].Entry = ""
			}
			orgs = append(orgs, out[i].Org, out[i].Recipient)
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// Disclosure returns one disclosure within reach. Faults: ErrNoRecords.
func (s *Service) Disclosure(ctx context.Context, id string) (d Disclosure, err error) {
	err = s.read(ctx, "selection.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if d, err = loadDisclosure(ctx, tx, id, who, reach); err != nil {
			return err
		}
		list := []Disclosure{d}
		err := s.openDisclosures(ctx, tx, list, nil)
		d = list[0]
		return err
	})
	return d, err
}

// Receiver is an organisation that an order allows records to be given to.
type Receiver struct{ ID, Name string }

// Receivers lists to whom records of a run may be given. Faults: ErrNoRun.
func (s *Service) Receivers(ctx context.Context, run string) (out []Receiver, err error) {
	err = s.read(ctx, "selection.disclose", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		r, err := loadRun(ctx, tx, run, who, reach)
		if err != nil {
			return err
		}
		g, err := s.Approvals.Grant(ctx, tx, r.Approval)
		if err != nil {
			return err
		}
		on := g.Order().Recipients
		var list []string
		for _, k := range receiving {
			bodies, err := s.Orgs.Bodies(ctx, tx, k)
			if err != nil {
				return err
			}
			for _, o := range bodies {
				id := string(o.ID)
				if (slices.Contains(on, string(k)) || slices.Contains(on, id)) && id != r.Org && !slices.Contains(list, id) {
					list = append(list, id)
				}
			}
		}
		names, err := s.Orgs.NamesFor(ctx, tx, who, list...)
		for _, id := range list {
			out = append(out, Receiver{id, names[id]})
		}
		return err
	})
	return out, err
}
