package selection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/deid"
	"noroshi/internal/org"
)

// Faults of keys and re-identification.
var (
	ErrNoCustody = fault.New(fault.NotFound, "selection.custody.none")
	ErrCustody   = fault.New(fault.Conflict, "selection.custody.there") // the approval has a key
	ErrHolders   = fault.New(fault.Invalid, "selection.custody.holders")
	ErrShareGone = fault.New(fault.Conflict, "selection.custody.gone") // it was taken
	ErrShare     = fault.New(fault.Invalid, "selection.custody.share") // not the share of this holder
	ErrNoOpening = fault.New(fault.NotFound, "selection.opening.none")
	ErrOpening   = fault.New(fault.Conflict, "selection.opening.state")
	ErrShares    = fault.New(fault.Unmet, "selection.opening.shares") // one is missing, or too old
	ErrAsker     = fault.New(fault.Refused, "selection.opening.asker")
)

const (
	shareAge   = 15 * time.Minute // how long a share that was given waits for the other
	maxOpening = 100              // re-identifications that wait at once
)

// waitingShares holds the shares that were given, in memory and nowhere else.
type waitingShares struct {
	sync.Mutex
	of map[string]*pairOfShares // by opening
}

type pairOfShares struct {
	share [2]*deid.Share
	at    time.Time
}

func (w *waitingShares) wipe(id string) {
	if p := w.of[id]; p != nil {
		for _, s := range p.share {
			if s != nil {
				s.Wipe()
			}
		}
		delete(w.of, id)
	}
}

// forgetShares overwrites shares that waited too long.
func (s *Service) forgetShares() {
	s.shares.Lock()
	defer s.shares.Unlock()
	for id, p := range s.shares.of {
		if s.now().Sub(p.at) > shareAge {
			s.shares.wipe(id)
		}
	}
}

func custodyObject(id string) string { return "selection_custody/" + id }

// Custody has a key made for an approval and cut into two shares for two named
// people; it is overwritten at once. Runs seal what pseudonyms stand for only
// once both took their share; before, and without a key, nobody can ever open
// them. Faults: ErrHolders, ErrCustody, approval.ErrNone.
func (s *Service) Custody(ctx context.Context, approvalID, first, second string) (c Custody, err error) {
	if err := s.admit(ctx, "selection.custody"); err != nil {
		return c, err
	}
	if approvalID, err = s.Approvals.Named(ctx, approvalID); err != nil {
		return c, err
	}
	who, _ := gate.From(ctx)
	if first == second || first == who.Person || second == who.Person {
		return c, ErrHolders
	}
	for _, p := range []string{first, second} {
		id, err := s.Orgs.Identity(ctx, org.PersonID(p))
		if err != nil || Access.Reach(gate.Identity{Roles: id.Roles}, "selection.hold") == gate.None {
			return c, ErrHolders
		}
	}
	ready, err := s.Holders(ctx)
	if err != nil {
		return c, err
	}
	for _, p := range []string{first, second} {
		if !slices.ContainsFunc(ready, func(h Holder) bool { return h.Person == p }) {
			return c, ErrHolders // nobody holds a share without having said so
		}
	}
	return s.makeCustody(ctx, approvalID, first, second)
}

func (s *Service) makeCustody(ctx context.Context, approvalID, first, second string) (c Custody, err error) {
	act := &ledger.Act{Verb: "selection.custody", Object: custodyObject(approvalID), Grant: approvalID}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if _, err := s.Approvals.Grant(ctx, tx, approvalID); err != nil {
			return err
		}
		k, err := deid.New(approvalID)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		defer k.Wipe()
		public, err := k.Public()
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		shares, err := k.Split(2, 2)
		if err != nil {
			return fmt.Errorf("make a key: %w", err)
		}
		c = Custody{Approval: approvalID, First: first, Second: second, At: s.now(), Entry: act.Entry, org: who.Org, public: string(public.Text())}
		for i, person := range []string{first, second} {
			// Each under a key of its own, which is destroyed when it is taken.
			box, err := s.Keys.Make(ctx, tx, shareOwner(approvalID, person))
			if err != nil {
				return err
			}
			text := shares[i].Text()
			sealed := box.Seal(text, custodyObject(approvalID))
			clear(text)
			shares[i].Wipe()
			if i == 0 {
				c.firstSealed = sealed
			} else {
				c.secondSealed = sealed
			}
		}
		act.Public = map[string]any{"key": k.ID(), "first": ledger.Person(first), "second": ledger.Person(second)}
		return insertCustody(ctx, tx, c)
	})
	return c, err
}

func shareOwner(approvalID, person string) string {
	return "selection_share/" + approvalID + "/" + person
}

// TakeShare gives a holder their share, once: afterwards the hub has it no more.
// Faults: ErrNoCustody, ErrShareGone.
func (s *Service) TakeShare(ctx context.Context, approvalID string) (share []byte, err error) {
	act := &ledger.Act{Verb: "selection.hold", Object: custodyObject(approvalID), Grant: approvalID, Public: map[string]any{"what": "take"}}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		c, err := loadCustody(ctx, tx, approvalID)
		if err != nil {
			return err
		}
		if c.First != who.Person && c.Second != who.Person {
			return ErrNoCustody
		}
		first := c.First == who.Person
		sealed := c.secondSealed
		if first {
			sealed = c.firstSealed
		}
		ok, err := takeShare(ctx, tx, approvalID, first, s.now())
		if err != nil {
			return err
		}
		if !ok {
			return ErrShareGone
		}
		box, err := s.Keys.For(ctx, tx, shareOwner(approvalID, who.Person))
		if err != nil {
			return err
		}
		if share, err = box.Open(sealed, custodyObject(approvalID)); err != nil {
			return err
		}
		return s.Keys.Destroy(ctx, tx, shareOwner(approvalID, who.Person))
	})
	if err != nil {
		clear(share)
		return nil, err
	}
	return share, nil
}

// Custodies lists the keys that who asks holds a share of, and to a clerk all of
// the office.
func (s *Service) Custodies(ctx context.Context) (out []Custody, err error) {
	err = s.read(ctx, "selection.hold", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		out, err = listCustody(ctx, tx, who, who.Has(gate.OfficeClerk))
		for i := range out {
			c := &out[i]
			c.Mine = c.First == who.Person || c.Second == who.Person
			c.Taken = c.First == who.Person && !c.FirstAt.IsZero() || c.Second == who.Person && !c.SecondAt.IsZero()
			if c.Number, err = s.Approvals.Number(ctx, tx, c.Approval); err != nil {
				return err
			}
		}
		return err
	})
	return out, err
}

// vaultKey returns the half of an approval's key that seals; nil while nobody
// could open what is sealed.
func (s *Service) vaultKey(ctx context.Context, approvalID string) (*deid.Public, error) {
	var c Custody
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		c, err = loadCustody(ctx, tx, approvalID)
		return err
	})
	if errors.Is(err, ErrNoCustody) || err == nil && !c.Ready() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	p, err := deid.ParsePublic([]byte(c.public))
	return &p, err
}

func openingObject(id string) string { return "selection_opening/" + id }

// AskOpening begins a re-identification that the commission approved: which
// pseudonyms of which run stands in the order. It then waits for two shares.
// Faults: those of a Grant, ErrNoRun, ErrNoCustody.
func (s *Service) AskOpening(ctx context.Context, approvalID string, why Reason) (o Opening, err error) {
	if err := s.admit(ctx, "selection.reidentify"); err != nil {
		return o, err
	}
	if approvalID, err = s.Approvals.Named(ctx, approvalID); err != nil {
		return o, err
	}
	act := &ledger.Act{Verb: "selection.reidentify", Purpose: why.Purpose, Grant: approvalID}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		g, err := s.Approvals.Grant(ctx, tx, approvalID)
		if isKind(err, fault.NotFound) {
			return approval.ErrNoGrant
		}
		if err != nil {
			return err
		}
		order := g.Order()
		if err := g.Covers(approval.Scope{Kind: approval.Reidentify, Run: order.Run, Subjects: order.Subjects}); err != nil {
			return err
		}
		r, err := loadRun(ctx, tx, order.Run, who, reach)
		if err != nil {
			return err
		}
		if err := s.purpose(ctx, tx, r, why); err != nil {
			return err
		}
		c, err := loadCustody(ctx, tx, r.Approval)
		if err != nil {
			return err
		}
		if !r.Vault || r.Left() == 0 {
			return ErrNoCustody
		}
		if c.First == who.Person || c.Second == who.Person {
			return ErrAsker
		}
		o = Opening{ID: newID(), Approval: approvalID, Run: r.ID, Purpose: why.Purpose, State: OpeningWaits, Subjects: len(order.Subjects), At: s.now(), Entry: act.Entry, Mine: true, org: who.Org, person: who.Person, key: r.Approval}
		act.Object, act.Public = openingObject(o.ID), map[string]any{"run": r.ID, "subjects": digestOfIDs(order.Subjects), "n": o.Subjects}
		why.say(act.Public)
		return insertOpening(ctx, tx, o)
	})
	return o, err
}

// GiveShare takes a holder's share for one re-identification, into memory alone.
// Faults: ErrNoOpening, ErrOpening, ErrShare.
func (s *Service) GiveShare(ctx context.Context, id string, raw []byte) error {
	defer clear(raw)
	act := &ledger.Act{Verb: "selection.hold", Object: openingObject(id), Public: map[string]any{"what": "give"}}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		o, c, err := s.openingOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if c.First != who.Person && c.Second != who.Person {
			return ErrNoOpening
		}
		if o.State != OpeningWaits {
			return ErrOpening
		}
		act.Grant = o.Approval
		share, err := deid.ParseShare(raw)
		if err != nil {
			return ErrShare
		}
		at := 1
		if c.First == who.Person {
			at = 0
			o.FirstAt = s.now()
		} else {
			o.SecondAt = s.now()
		}
		if share.Approval != o.key || share.Index != at+1 {
			share.Wipe()
			return ErrShare
		}
		if err := updateOpening(ctx, tx, o); err != nil {
			share.Wipe()
			return err
		}
		return s.putShare(id, at, share)
	})
}

// putShare keeps a share until the other one is there.
func (s *Service) putShare(id string, at int, share *deid.Share) error {
	s.shares.Lock()
	defer s.shares.Unlock()
	if s.shares.of == nil {
		s.shares.of = map[string]*pairOfShares{}
	}
	p := s.shares.of[id]
	if p == nil {
		if len(s.shares.of) >= maxOpening {
			share.Wipe()
			return fault.New(fault.Busy, "selection.opening.busy")
		}
		p = &pairOfShares{at: s.now()}
		s.shares.of[id] = p
	}
	if old := p.share[at]; old != nil {
		old.Wipe()
	}
	p.share[at] = share
	return nil
}

func (s *Service) openingOf(ctx context.Context, tx *db.Tx, id string) (o Opening, c Custody, err error) {
	if o, err = loadOpening(ctx, tx, id); err != nil {
		return o, c, err
	}
	c, err = loadCustody(ctx, tx, o.key)
	return o, c, err
}

// joined takes the two shares of a re-identification out of memory as a key.
func (s *Service) joined(id string) (*deid.Key, error) {
	s.shares.Lock()
	defer s.shares.Unlock()
	p := s.shares.of[id]
	if p == nil || p.share[0] == nil || p.share[1] == nil || s.now().Sub(p.at) > shareAge {
		return nil, ErrShares
	}
	defer s.shares.wipe(id)
	k, err := deid.Join(p.share[0], p.share[1])
	if err != nil {
		return nil, ErrShare
	}
	return k, nil
}

// OpenPseudonyms shows who asked, once, what the pseudonyms of the order stand
// for. It redeems the Grant; key and values are overwritten as far as this
// program holds them, and no entry has them. Faults: ErrNoOpening, ErrOpening,
// ErrShares, those of approval.Redeem.
func (s *Service) OpenPseudonyms(ctx context.Context, id string) (out []OpenedName, err error) {
	act := &ledger.Act{Verb: "selection.reidentify", Object: openingObject(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		o, err := loadOpening(ctx, tx, id)
		if err != nil {
			return err
		}
		if o.person != who.Person {
			return ErrNoOpening
		}
		if o.State != OpeningWaits {
			return ErrOpening
		}
		act.Purpose = o.Purpose
		g, err := s.Approvals.Grant(ctx, tx, o.Approval)
		if err != nil {
			return err
		}
		order := g.Order()
		use, err := s.Approvals.Redeem(ctx, tx, act, g, who, approval.Scope{Kind: approval.Reidentify, Run: o.Run, Subjects: order.Subjects})
		if err != nil {
			return err
		}
		r, err := loadRun(ctx, tx, o.Run, who, reach)
		if err != nil {
			return err
		}
		if !r.Vault || r.Left() == 0 || !s.now().Before(r.RetainUntil) {
			return ErrNoCustody // erased meanwhile
		}
		k, err := s.joined(id)
		if err != nil {
			return err
		}
		defer k.Wipe()
		if out, err = s.reveal(ctx, tx, k, r, order.Subjects); err != nil {
			return err
		}
		o.State, o.OpenedAt = OpeningDone, s.now()
		known := 0
		for _, x := range out {
			if len(x.Values) > 0 {
				known++
			}
		}
		act.Public = map[string]any{"run": r.ID, "subjects": digestOfIDs(order.Subjects), "n": len(out), "known": known}
		if err := s.Approvals.Finish(ctx, tx, use.ID, approval.Quantity{}, "opened"); err != nil {
			return err
		}
		return updateOpening(ctx, tx, o)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// reveal opens the vault of a run for named pseudonyms.
func (s *Service) reveal(ctx context.Context, tx *db.Tx, k *deid.Key, r HubRun, subjects []string) (out []OpenedName, err error) {
	m, err := s.Blobs.Get(ctx, tx, r.vault)
	if err != nil {
		return nil, fmt.Errorf("vault of %s: %w", r.ID, err)
	}
	f, err := s.Blobs.Open(m)
	if err != nil {
		return nil, fmt.Errorf("vault of %s: %w", r.ID, err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, deid.MaxVault))
	if err != nil {
		return nil, fmt.Errorf("vault of %s: %w", r.ID, err)
	}
	v, err := deid.OpenVault(k, raw)
	if err != nil {
		return nil, ErrShare
	}
	defer v.Wipe()
	for _, p := range slices.Sorted(slices.Values(subjects)) {
		values, err := v.RevealText(p)
		if err != nil && !errors.Is(err, deid.ErrAbsent) && !errors.Is(err, deid.ErrPseudonym) && !errors.Is(err, deid.ErrNetwork) {
			return nil, fmt.Errorf("vault of %s: %w", r.ID, err)
		}
		out = append(out, OpenedName{p, values})
	}
	return out, nil
}

// Openings lists re-identifications: one's own, those one holds a share for, and
// to who supervises all. None of them tells a value.
func (s *Service) Openings(ctx context.Context) (out []Opening, err error) {
	verb := "selection.reidentify"
	for _, v := range []string{"selection.inspect", "selection.hold"} { // the farthest that is open
		if Access.May(ctx, v) {
			verb = v
			break
		}
	}
	err = s.read(ctx, verb, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, err = listOpenings(ctx, tx, who, reach); err != nil {
			return err
		}
		for i := range out {
			o := &out[i]
			o.Mine = o.person == who.Person
			c, err := loadCustody(ctx, tx, o.key)
			if err != nil {
				return err
			}
			o.Given = c.First == who.Person && !o.FirstAt.IsZero() || c.Second == who.Person && !o.SecondAt.IsZero()
		}
		return nil
	})
	return out, err
}
