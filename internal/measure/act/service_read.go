package act

import (
	"context"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
)

// List lists orders within reach, the newest first. The commission reads of them
// what they carry out, not what was said.
func (s *Service) List(ctx context.Context, f Filter) (out []Order, names map[string]string, next string, err error) {
	err = s.read(ctx, "act.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, next, err = listOrders(ctx, tx, f, who, reach); err != nil {
			return err
		}
		var units []string
		for i := range out {
			units = append(units, out[i].Org)
			if reach != gate.Own {
				continue
			}
			if err := s.open(ctx, tx, &out[i]); err != nil {
				return err
			}
			out[i].Shown = nil
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, units...)
		return err
	})
	return out, names, next, err
}

// Show returns an order with its history, as far as who looks may see it. Faults:
// ErrNone.
func (s *Service) Show(ctx context.Context, id string) (v View, err error) {
	err = s.read(ctx, "act.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		o, err := loadOrder(ctx, tx, id, who, reach, false)
		if err != nil {
			return err
		}
		v.Order = o
		names, err := s.Orgs.NamesFor(ctx, tx, who, o.Org)
		if err != nil {
			return err
		}
		v.Unit = names[o.Org]
		if v.Past, err = loadPast(ctx, tx, o.ID); err != nil {
			return err
		}
		if a, err := loadActuator(ctx, tx, o.Actuator); err == nil {
			v.Connected = s.now().Sub(a.SeenAt) < s.fresh()
		}
		if reach != gate.Own {
			return nil
		}
		v.Acts = s.acts(ctx, &o, who)
		if err := s.open(ctx, tx, &v.Order); err != nil {
			return err
		}
		return s.openPast(ctx, tx, &v)
	})
	return v, err
}

// fresh is how long ago an actuator that is connected was heard of at most.
func (s *Service) fresh() time.Duration { return min(2*time.Minute, s.Numbers.LostMinutes.minutes()) }

// openPast opens the words of a history, and names who acted.
func (s *Service) openPast(ctx context.Context, tx *db.Tx, v *View) error {
	k, err := s.Keys.For(ctx, tx, v.Order.Org)
	if err != nil {
		return err
	}
	var people []org.PersonID
	for _, p := range v.Past {
		people = append(people, org.PersonID(p.person))
	}
	names, err := s.Orgs.PersonNames(ctx, tx, people...)
	if err != nil {
		return err
	}
	for i := range v.Past {
		p := &v.Past[i]
		raw, err := k.Open(p.sealed, "measure_order_act/"+p.ID)
		if err != nil {
			return err
		}
		p.Said, p.Name = string(raw), names[org.PersonID(p.person)]
	}
	return nil
}

// acts lists the acts that are open to who looks.
func (s *Service) acts(ctx context.Context, o *Order, who gate.Identity) (out []string) {
	for _, x := range []struct {
		act string
		by  Side
		ok  bool
	}{
		{"approve", ApproverSide, who.Person != o.asker && !o.DriedAt.IsZero() && o.fits},
		{"refuse", ApproverSide, who.Person != o.asker},
		{"withdraw", AskerSide, true}, {"undo", AskerSide, true}, {"settle", ApproverSide, true},
	} {
		open := slices.ContainsFunc(Steps, func(st Step) bool { return st.Act == x.act && st.From == o.State && st.By == x.by })
		if (open || x.act == "settle" && o.overAndHeld()) && x.ok && Access.May(ctx, "act."+x.act) {
			out = append(out, x.act)
		}
	}
	return out
}

// Machines are the actuators of an organisation, and what a new one is configured
// with.
type Machines struct {
	Authority string     `json:"authority"` // verifier of the key that signs Grants and instructions
	Actuators []Actuator `json:"actuators"` // those last heard of first
}

// Actuators lists the processes of one's own organisation.
func (s *Service) Actuators(ctx context.Context) (m Machines, err error) {
	m = Machines{s.Authority, []Actuator{}}
	err = s.read(ctx, "act.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Own {
			return nil
		}
		list, err := actuatorsOf(ctx, tx, who.Org)
		m.Actuators = append(m.Actuators, list...)
		return err
	})
	return m, err
}

// Book are the numbers and grounds that bind orders.
func (s *Service) Book(ctx context.Context) (n Numbers, err error) {
	err = s.read(ctx, "act.list", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
	return s.Numbers, err
}
