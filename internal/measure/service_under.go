package measure

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Under is a step of a plan, and on what it rests: for what carries steps out,
// such as a mail to an abuse desk.
type Under struct {
	Case      ID            `json:"case"`
	Chain     ID            `json:"chain"`
	Unit      string        `json:"unit"`
	Kind      approval.Kind `json:"kind"`
	Number    int           `json:"number"` // of the step in the plan, from 1
	Step      PlanStep      `json:"step"`
	Plan      string        `json:"plan"` // its digest
	Approval  ID            `json:"approval,omitempty"`
	Emergency bool          `json:"emergency,omitempty"`
	Done      ID            `json:"done,omitempty"` // the step as it is being carried out
	Until     time.Time     `json:"until,omitzero"` // nothing of it is done later
}

// InPlan returns a step of the plan that stands now, for whoever may read the
// case and is of its chain of command; nothing may be done by it yet. Faults:
// ErrNone, ErrOutside.
func (s *Service) InPlan(ctx context.Context, tx *db.Tx, id ID, number int, who gate.Identity) (Under, error) {
	u, _, err := s.under(ctx, tx, id, number, who, false)
	return u, err
}

// UnderWay returns a step that may be carried out at this instant by somebody:
// one of the two persons who wrote its intent and said go, within the approval or
// the emergency, in its hours. The chain stays locked until tx ends, so that
// nobody stops it in between. Faults: ErrNone, ErrOutside, ErrTwo, the guards that
// do not hold, and the refusals of the approval.
func (s *Service) UnderWay(ctx context.Context, tx *db.Tx, id ID, number int, who gate.Identity) (Under, error) {
	u, c, err := s.under(ctx, tx, id, number, who, true)
	if err != nil {
		return u, err
	}
	if c.State != Executing {
		return u, fault.New(fault.Refused, "measure.not_under_way", "state", string(c.State))
	}
	if guards := guardsOf(append([]string{"power", "window"}, ready...)); !held(guards, &c.Facts) {
		return u, missing(guards, &c.Facts)
	}
	list, err := openSteps(ctx, tx, c.ID)
	if err != nil {
		return u, err
	}
	i := slices.IndexFunc(list, func(d Done) bool { return d.Number == number && d.Phase == Gone })
	if i < 0 {
		return u, fault.New(fault.Refused, "measure.no_go", "step", number)
	}
	if who.Person != list[i].first && who.Person != list[i].second {
		return u, ErrTwo
	}
	u.Done = list[i].ID
	return u, s.alive(&at{ctx: ctx, tx: tx, act: new(ledger.Act), who: who, c: c})
}

// under finds a step of the plan of the one chain that is somebody's own.
func (s *Service) under(ctx context.Context, tx *db.Tx, id ID, number int, who gate.Identity, lock bool) (u Under, c *Chain, err error) {
	by := sideOf(who)
	if by != CommandSide && by != ExecutorSide {
		return u, nil, ErrNone
	}
	_, c, err = s.load(ctx, tx, id, who, Access.Reach(who, "measure.read"), move{by: by, act: "outcome"}, s.now(), lock)
	if err != nil {
		return u, nil, err
	}
	var p Plan
	if c.Plan != "" {
		if err := s.last(ctx, tx, c, "plan", &p); err != nil {
			return u, nil, err
		}
	}
	if number < 1 || number > len(p.Steps) || p.digest(c.ID) != c.Plan {
		return u, nil, fault.New(fault.Refused, ErrOutside.Code, "n", len(p.Steps))
	}
	u = Under{Case: c.kase, Chain: c.ID, Unit: c.Org, Kind: c.Kind(), Number: number, Step: p.Steps[number-1], Plan: c.Plan, Approval: c.Approval, Emergency: !c.Facts.Approved && c.Facts.NoTime, Until: c.Until}
	if end := c.ends(); !end.IsZero() {
		u.Until = end
	}
	return u, c, nil
}
