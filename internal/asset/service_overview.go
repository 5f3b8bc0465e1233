package asset

import (
	"context"
	"maps"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/text"
)

// maxOverviews bounds how many overviews are kept in memory.
const maxOverviews = 256

// Overview counts a register: how complete it is, how old, whose support has
// ended. It is counted anew when the register or the day changed.
func (s *Service) Overview(ctx context.Context, operator string) (o Overview, err error) {
	err = s.read(ctx, "asset.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach, operator)
		if isGone(err) && operator == "" {
			o = Overview{Today: s.today()}
			return nil
		}
		if err != nil {
			return err
		}
		if o, err = s.overview(ctx, tx, w); w.operated != "" {
			// The rest of the register, and what its operator answers to the
			// law, is not a contractor's.
			o.Register = Register{Org: w.org, Items: o.Tally.Entries}
		}
		return err
	})
	return o, err
}

func (s *Service) overview(ctx context.Context, tx *db.Tx, w whose) (Overview, error) {
	head, err := loadHead(ctx, tx, w.org)
	if err != nil {
		return Overview{}, err
	}
	today := s.today()
	s.mu.Lock()
	kept := s.overviews[w]
	s.mu.Unlock()
	if kept != nil && kept.Register == head && kept.Today == today {
		return kept.copy(), nil
	}
	o := Overview{Register: head, Today: today, Kinds: map[Kind]int{}, Zones: map[Zone]int{}, Operated: map[string]int{}}
	c, err := s.Keys.For(ctx, tx, w.org)
	if isGone(err) {
		o.Tally.Gaps = map[string]int{}
		return o, nil
	}
	if err != nil {
		return o, err
	}
	var confirmed []Date
	err = walk(ctx, tx, &span{whose: w, order: order{columns: orders["key"]}}, MaxRegister, func(x *glimpse) (bool, error) {
		return false, o.add(s.Rules, x, c, &confirmed)
	})
	if err != nil {
		return o, err
	}
	o.Age = s.Rules.Age(confirmed, today)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.overviews) >= maxOverviews {
		clear(s.overviews)
	}
	keep := o.copy()
	s.overviews[w] = &keep
	return o, nil
}

func (o *Overview) add(r *Rules, x *glimpse, c *key.Cipher, confirmed *[]Date) error {
	h, err := x.open(c)
	if err != nil {
		return err
	}
	n := max(1, x.item.Quantity)
	o.Tally.Add(r, &x.item, o.Today)
	o.Kinds[x.item.Kind] += n
	o.Zones[h.zone] += n
	if len(o.Operated) < 1000 || o.Operated[x.item.OperatedBy] > 0 {
		o.Operated[x.item.OperatedBy] += n
	}
	switch r.Mark(&x.item, o.Today) {
	case MarkAct:
		o.Marks.Act += n
	case MarkAttend:
		o.Marks.Attend += n
	default:
		o.Marks.Fine += n
	}
	var day Date
	if at := db.Time(x.confirmed); !at.IsZero() {
		day = DateOf(at.In(text.JST))
	}
	*confirmed = append(*confirmed, day)
	return nil
}

func (o *Overview) copy() Overview {
	c := *o
	c.Kinds, c.Zones, c.Operated, c.Tally.Gaps = maps.Clone(o.Kinds), maps.Clone(o.Zones), maps.Clone(o.Operated), maps.Clone(o.Tally.Gaps)
	return c
}

// Picture draws up the picture of a register: its zones, groups and links; of
// a contractor, of what it operates.
func (s *Service) Picture(ctx context.Context, operator string) (p Picture, err error) {
	err = s.read(ctx, "asset.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		w, err := s.within(ctx, tx, who, reach, operator)
		if isGone(err) && operator == "" {
			p = NewPicture(nil, nil)
			return nil
		}
		if err != nil {
			return err
		}
		p, err = s.picture(ctx, tx, w)
		return err
	})
	return p, err
}

// drawn is a picture that was drawn up before.
type drawn struct {
	revision int64
	today    Date
	picture  Picture
}

func (s *Service) picture(ctx context.Context, tx *db.Tx, w whose) (Picture, error) {
	head, err := loadHead(ctx, tx, w.org)
	if err != nil {
		return Picture{}, err
	}
	today := s.today()
	s.mu.Lock()
	kept, ok := s.pictures[w]
	s.mu.Unlock()
	if ok && kept.revision == head.Revision && kept.today == today {
		return kept.picture, nil
	}
	items := make([]Item, 0, head.Items)
	_, _, err = s.register(ctx, tx, w, func(r *row) error {
		items = append(items, r.Item)
		return nil
	})
	if err != nil {
		return Picture{}, err
	}
	p := NewPicture(items, func(it *Item) Mark { return s.Rules.Mark(it, today) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pictures) >= maxOverviews {
		clear(s.pictures)
	}
	s.pictures[w] = drawn{head.Revision, today, p} // read-only from here on
	return p, nil
}

// Age returns how many days ago an entry was last confirmed.
func (e *Entry) Age(now time.Time) int { return max(0, int(now.Sub(e.ConfirmedAt).Hours()/24)) }
