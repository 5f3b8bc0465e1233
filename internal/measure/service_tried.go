package measure

import (
	"context"
	"errors"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
)

// tried opens the plans of a unit against the machine of a case that came to nothing
// before the commission, in the order in which they did: whoever asks again, judges
// or signs has them side by side.
func (s *Service) tried(ctx context.Context, tx *db.Tx, c *Chain) ([]Tried, error) {
	list, err := listTried(ctx, tx, c)
	if err != nil {
		return nil, err
	}
	var now Plan
	if c.Plan != "" {
		if err := ignore(s.last(ctx, tx, c, "plan", &now), ErrNone); err != nil {
			return nil, err
		}
	}
	for i := range list {
		x := &list[i]
		p, err := actByID(ctx, tx, x.planAct)
		if err != nil {
			return nil, err
		}
		x.Plan = new(Plan)
		if err := s.Keys.OpenJSON(ctx, tx, x.org, p.sealed, "measure_act/"+p.ID, x.Plan); err != nil {
			return nil, err
		}
		x.Same = c.Plan != "" && x.Plan.core() == now.core()
		if x.approval == "" {
			continue
		}
		st, err := s.Approvals.Standing(ctx, tx, x.approval)
		if err != nil && !errors.Is(err, approval.ErrNone) {
			return nil, err
		}
		x.Asked, x.Reason = st.Number, st.Reason
	}
	return list, nil
}
