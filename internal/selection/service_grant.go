package selection

import (
	"context"
	"errors"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Grant issues, under an agreement in force, the approval to select by a list.
// What was issued for an earlier list ends with it, and what that took counts
// against the cap of the agreement. Faults: ErrNoAgreement, ErrNotInForce,
// ErrNoList, approval.ErrSpent, approval.ErrBusy.
func (s *Service) Grant(ctx context.Context, id, list string) (g AgreementGrant, err error) {
	act := &ledger.Act{Verb: "agreement.grant", Object: agreementObject(id)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		a, err := loadAgreement(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		now := s.now()
		l, err := loadList(ctx, tx, list, who, gate.Own)
		if err != nil {
			return err
		}
		k, err := s.Keys.For(ctx, tx, a.Org)
		if err != nil {
			return err
		}
		if err := a.open(k); err != nil {
			return err
		}
		taken, going, err := takenUnder(ctx, tx, id)
		if err != nil {
			return err
		}
		left, err := a.issues(&l, taken, going, now)
		if err != nil {
			return err
		}
		if err := s.recall(ctx, tx, act, id, "next_list"); err != nil {
			return err
		}
		issued, err := s.Approvals.Issue(ctx, tx, act, a.Terms.order("", a.Org, a.Party, l.SHA256, left, now), "")
		if err != nil {
			return err
		}
		g = AgreementGrant{Approval: issued.ID(), List: list, Selectors: l.SHA256, At: now}
		o := issued.Order()
		act.Public = map[string]any{"approval": g.Approval, "selectors": g.Selectors, "kind": string(o.Kind), "party": ledger.Org(a.Party), "order": issued.Digest(),
			"from_at": o.From.Format(time.RFC3339), "until_at": o.Until.Format(time.RFC3339), "packets": o.Cap.Packets, "bytes": o.Cap.Bytes, "retain_days": o.RetainDays}
		if err := insertGrant(ctx, tx, id, g); err != nil {
			return err
		}
		return publish(ctx, tx, "agreement_moved", Happened{Agreement: id, Approval: g.Approval, Org: a.Org, Other: a.Party, At: now})
	})
	return g, err
}

// recall ends what an agreement issued and is not over yet.
func (s *Service) recall(ctx context.Context, tx *db.Tx, act *ledger.Act, agreement, reason string) error {
	list, err := loadGrants(ctx, tx, agreement)
	if err != nil {
		return err
	}
	for _, g := range list {
		if err := s.Approvals.Recall(ctx, tx, act, g.Approval, reason); err != nil && !errors.Is(err, approval.ErrStep) {
			return err
		}
	}
	return nil
}
