package incident

import (
	"context"
	"errors"
	"fmt"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
)

// Cover is what a desk shows of a case without opening it: nothing of its
// content, so that no purpose is needed.
type Cover struct {
	Case         Case              `json:"case"`
	Deliveries   []Delivery        `json:"deliveries"` // to one's own organisation
	Supervisions []SupervisionCase `json:"supervisions"`
	DelayedUntil time.Time         `json:"delayed_until,omitzero"` // until when one's readings are shown to the reporter later
	Names        map[string]string `json:"names"`                  // of the organisations in it, by id
}

// Cover returns the cover of a case that was addressed to one's organisation.
func (s *Service) Cover(ctx context.Context, id ID) (out Cover, err error) {
	err = s.read(ctx, "incident.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) (err error) {
		if reach != gate.Addressed {
			return ErrNone
		}
		if out.Case, err = loadCase(ctx, tx, id, who, reach); err != nil {
			return err
		}
		if out.Deliveries, err = loadDeliveries(ctx, tx, id, who.Org); err != nil {
			return err
		}
		if out.DelayedUntil, err = hiddenUntil(ctx, tx, id, who.Org, s.now()); err != nil {
			return err
		}
		out.Names, err = s.Orgs.NamesFor(ctx, tx, who, out.Case.Org, who.Org)
		return err
	})
	if err == nil {
		out.Supervisions, err = s.Supervisions(ctx, id)
	}
	return out, err
}

// Desk is List with the names of the reporters, by organisation.
func (s *Service) Desk(ctx context.Context, f Filter) (out []Case, names map[string]string, next string, err error) {
	err = s.read(ctx, "incident.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listCases(ctx, tx, f, who, reach); err != nil {
			return err
		}
		orgs := make([]string, len(out))
		for i, c := range out {
			orgs[i] = c.Org
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// Numbers returns the numbers of cases within reach of whoever may see their
// readings, by id. A case that is not theirs to know is left out.
func (s *Service) Numbers(ctx context.Context, ids ...ID) (out map[ID]string, err error) {
	out = map[ID]string{}
	err = s.read(ctx, "incident.readings", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		for _, id := range ids {
			if out[id] != "" {
				continue
			}
			if c, err := loadCase(ctx, tx, id, who, reach); err == nil {
				out[id] = c.Number
			} else if !errors.Is(err, ErrNone) {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Brief is a report of one's own in a list: with its title, and its clocks
// while it is open.
type Brief struct {
	Case   Case   `json:"case"`
	Title  string `json:"title"` // empty when its content was destroyed, or nobody gave it one
	Result Result `json:"result"`
}

// Briefs lists one's own reports as List does, with what a reporter knows them
// by. It opens each, so it is for pages of some twenty.
func (s *Service) Briefs(ctx context.Context, f Filter) (out []Brief, next string, err error) {
	err = s.read(ctx, "incident.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return ErrNone
		}
		cases, more, err := listCases(ctx, tx, f, who, reach)
		if err != nil || len(cases) == 0 {
			return err
		}
		next = more
		cipher, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		now := s.now()
		for _, c := range cases {
			b := Brief{Case: c}
			if c.PurgedAt.IsZero() {
				if err := s.brief(ctx, tx, cipher, &b, now); err != nil {
					return err
				}
			}
			out = append(out, b)
		}
		return nil
	})
	return out, next, err
}

func (s *Service) brief(ctx context.Context, tx *db.Tx, cipher *key.Cipher, b *Brief, now time.Time) error {
	sealed, err := loadSealed(ctx, tx, b.Case.ID, b.Case.Version)
	if err != nil {
		return err
	}
	raw, err := cipher.Open(sealed, sealedName(b.Case.ID, b.Case.Version))
	if err != nil {
		return fmt.Errorf("open report %s: %w", b.Case.ID, err)
	}
	r, err := DecodeReport(raw)
	if err != nil {
		return fmt.Errorf("open report %s: %w", b.Case.ID, err)
	}
	b.Title, _ = r.Value("event.title").Text()
	if b.Case.State != Open {
		return nil
	}
	known, err := facts(ctx, tx, b.Case.ID)
	if err == nil {
		b.Result = Check(r, s.Profiles, known, now)
	}
	return err
}
