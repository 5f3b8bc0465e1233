package approval

import (
	"context"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Instructed is an instruction as the carrier of a line, or the party of an
// agreement, sees it: whether it holds, and that it was received. Nothing else
// of a case is theirs to know.
type Instructed struct {
	Instruction
	State       State     `json:"state"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	Paper       string    `json:"paper"` // signed, as it was issued
}

// Instructions lists the instructions to one's own organisation, the newest
// first; with Waiting those in force that nobody confirmed.
func (s *Service) Instructions(ctx context.Context, f Filter) (out []Instructed, next string, err error) {
	err = s.read(ctx, "approval.instruct", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		list, more, err := listCases(ctx, tx, Filter{Waiting: f.Waiting, Cursor: f.Cursor, Limit: f.Limit}, who, reach, CarrierSide, 0, s.now())
		if err != nil {
			return err
		}
		next = more
		for i := range list {
			x, err := s.instruction(ctx, tx, &list[i])
			if err != nil {
				return err
			}
			out = append(out, x)
		}
		return nil
	})
	return out, next, err
}

// Instruction returns one instruction to one's own organisation. Faults: ErrNone.
func (s *Service) Instruction(ctx context.Context, id ID) (out Instructed, err error) {
	err = s.read(ctx, "approval.instruct", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, false, s.now())
		if err != nil {
			return err
		}
		out, err = s.instruction(ctx, tx, &c)
		return err
	})
	return out, err
}

func (s *Service) instruction(ctx context.Context, tx *db.Tx, c *Case) (x Instructed, err error) {
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return x, fmt.Errorf("instruction of %s: %w", c.ID, err)
	}
	paper, err := k.Open(c.instruction, objectOf(c.ID)+"/instruction")
	if err != nil {
		return x, fmt.Errorf("instruction of %s: %w", c.ID, err)
	}
	i, err := OpenInstruction(paper, s.Verifier)
	if err != nil {
		return x, fmt.Errorf("instruction of %s: %w", c.ID, err)
	}
	return Instructed{i, c.State, c.EndedAt, c.ConfirmedAt, string(paper)}, nil
}

// Confirm writes down that an instruction was received; twice is once. Faults:
// ErrNone.
func (s *Service) Confirm(ctx context.Context, id ID) (out Instructed, err error) {
	act := &ledger.Act{Verb: "approval.confirm", Object: objectOf(id), Grant: id}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true, s.now())
		if err != nil {
			return err
		}
		if c.ConfirmedAt.IsZero() {
			c.ConfirmedAt = s.now()
			if err := updateCase(ctx, tx, &c); err != nil {
				return err
			}
			act.Public = map[string]any{"carrier": ledger.Org(who.Org)}
		}
		out, err = s.instruction(ctx, tx, &c)
		return err
	})
	return out, err
}
