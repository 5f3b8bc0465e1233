package approval

import (
	"context"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
)

// Instructed is an instruction as the carrier of a line, or the party of an
// agreement, sees it: whether it holds, and that it was received. Nothing else
// of a case is theirs to know.
type Instructed struct {
	Instruction
	Number      string    `json:"number"`
	State       State     `json:"state"`
	EndedAt     time.Time `json:"ended_at,omitzero"`
	ConfirmedAt time.Time `json:"confirmed_at,omitzero"`
	StoppedAt   time.Time `json:"stopped_at,omitzero"` // confirmed, after its end
	Paper       string    `json:"paper"`               // signed, as it was issued
	Office      string    `json:"office"`              // name of who asked for it, whom to call
	Left        Quantity  `json:"left,omitzero"`       // of the cap; zero where it does not bound, or nothing is left
	Key         string    `json:"key"`                 // name and hash of the key that signed
}

// Instructions lists the instructions to one's own organisation, the newest
// first; with Waiting those in force that nobody confirmed, and those that ended and
// whose carrier has not confirmed that it stopped.
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
	id, err = s.named(ctx, "approval.instruct", id)
	if err != nil {
		return out, err
	}
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
	who, _ := gate.From(ctx)
	names, err := s.Orgs.NamesFor(ctx, tx, who, c.Org)
	if err != nil {
		return x, err
	}
	left, _ := c.Left()
	return Instructed{i, c.Number, c.State, c.EndedAt, c.ConfirmedAt, c.StoppedAt, string(paper), names[c.Org], left, fmt.Sprintf("%s+%08x", s.Verifier.Name(), s.Verifier.KeyHash())}, nil
}

// Confirm writes down that an instruction was received; twice is once. Faults:
// ErrNone.
func (s *Service) Confirm(ctx context.Context, id ID) (Instructed, error) {
	return s.confirm(ctx, id, map[string]any{}, func(c *Case) (*time.Time, error) { return &c.ConfirmedAt, nil })
}

// ConfirmStopped writes down that nothing more is sent under an instruction that
// came to its end; twice is once. Faults: ErrNone; ErrStep while it holds.
func (s *Service) ConfirmStopped(ctx context.Context, id ID) (Instructed, error) {
	return s.confirm(ctx, id, map[string]any{"stopped": true}, func(c *Case) (*time.Time, error) {
		if c.State == Approved {
			return nil, fault.New(fault.Conflict, ErrStep.Code, "state", string(c.State), "act", "confirm_stopped")
		}
		return &c.StoppedAt, nil
	})
}

// confirm writes the instant of a confirmation into a case, once.
func (s *Service) confirm(ctx context.Context, id ID, public map[string]any, which func(c *Case) (*time.Time, error)) (out Instructed, err error) {
	if id, err = s.named(ctx, "approval.confirm", id); err != nil {
		return out, err
	}
	act := &ledger.Act{Verb: "approval.confirm", Object: objectOf(id), Grant: id}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		c, err := loadCase(ctx, tx, id, who, reach, true, s.now())
		if err != nil {
			return err
		}
		at, err := which(&c)
		if err != nil {
			return err
		}
		if at.IsZero() {
			*at = s.now()
			if err := updateCase(ctx, tx, &c); err != nil {
				return err
			}
			public["carrier"] = ledger.Org(who.Org)
			act.Public = public
		}
		out, err = s.instruction(ctx, tx, &c)
		return err
	})
	return out, err
}
