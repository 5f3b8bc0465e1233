package measure

import (
	"context"
	"errors"
	"slices"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB        *db.DB
	Ledger    *ledger.Ledger
	Keys      *key.Store
	Orgs      *org.Service
	Approvals *approval.Service
	Channels  *channel.Service // by which alarms are sent; nil: pages alone
	Numbers   Numbers          // zero: data/rules.toml
	Now       func() time.Time

	// Person returns who somebody is who can sign in; fault NotFound for nobody.
	Person func(ctx context.Context, tx *db.Tx, id string) (gate.Identity, error)
}

// Service is what people do with measures: one method per intention.
type Service struct {
	Config
}

// New returns the service. It fails when the numbers do not hold together.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Person == nil {
		c.Person = func(ctx context.Context, tx *db.Tx, id string) (gate.Identity, error) {
			return c.Orgs.Acting(ctx, tx, org.PersonID(id))
		}
	}
	if c.Numbers.NoticeMinutes.Value == 0 {
		n, err := BuiltIn()
		if err != nil {
			return nil, err
		}
		c.Numbers = n
	}
	return &Service{c}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func objectOf(id ID) string { return "measure/" + id }

// tags is the owner of the key by which cases on one machine are found.
const tags = "measure"

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// side writes down on which side of a case somebody acts, and refuses who acted
// on another.
func (s *Service) side(ctx context.Context, tx *db.Tx, kase ID, person string, by Side) error {
	if person == "" {
		return ErrApart
	}
	was, err := otherSide(ctx, tx, kase, person, by)
	if err != nil {
		return err
	}
	if err := apart(was, by); err != nil {
		return err
	}
	return putPerson(ctx, tx, kase, person, by)
}

// see finds anew what of the facts depends on the hour or stands elsewhere, and
// where the chain then stands.
func (s *Service) see(ctx context.Context, tx *db.Tx, c *Chain, now time.Time) error {
	f := &c.Facts
	c.stored, c.own = c.State, f.Place
	f.Approved = false
	if c.Approval != "" {
		st, err := s.Approvals.Standing(ctx, tx, c.Approval)
		if err != nil && !errors.Is(err, approval.ErrNone) {
			return err
		}
		c.stands = st
		f.Approved = st.State == approval.Approved && st.Measure == c.ID && st.Plan == c.Plan && !now.Before(st.From) && now.Before(st.Until)
	}
	f.NoTime = f.Notice != "" && now.Before(c.ExpiresAt)
	f.OrderRuns = now.Before(c.OrderUntil)
	f.InWindow = !now.Before(c.From) && now.Before(c.Until)
	if end := c.ends(); !end.IsZero() {
		f.InWindow = f.InWindow && now.Before(end)
	}
	f.Late, f.Alarmed = c.late(now), !c.AlarmedAt.IsZero()
	others, err := siblings(ctx, tx, c)
	if err != nil {
		return err
	}
	f.Joint = false
	for _, o := range others {
		if slices.Index(Places, o.Facts.Place) > slices.Index(Places, f.Place) && f.Place != "" {
			f.Place = o.Facts.Place
		}
		f.Joint = f.Joint || o.Facts.Body != Defence && slices.Contains(alongside, o.State)
	}
	if err := s.brake(ctx, tx, c, now); err != nil {
		return err
	}
	if f.Weighed, err = s.weighed(ctx, tx, c); err != nil {
		return err
	}
	if f.Left, err = s.left(ctx, tx, c); err != nil {
		return err
	}
	for act := c.lapse(); act != ""; act = c.lapse() {
		to, after, err := apply(c.State, *f, act, ClockSide, nil)
		if err != nil {
			return nil // what time asks for is not open: the state stays
		}
		c.State, c.Facts = to, after
	}
	return nil
}

// brake finds what stands against an emergency of a chain: a notice of its unit
// that is past its time, its own among them; an emergency on the same machine that
// is not reviewed yet; a plan against that machine that came to nothing before the
// commission. And whether both sides shut emergencies off for then.
func (s *Service) brake(ctx context.Context, tx *db.Tx, c *Chain, now time.Time) error {
	f := &c.Facts
	earlier, err := overdue(ctx, tx, c, now)
	if err != nil {
		return err
	}
	n, same, err := refusals(ctx, tx, c)
	if err != nil {
		return err
	}
	if f.Tried, err = tried(ctx, tx, c); err != nil {
		return err
	}
	f.Overdue, f.Barred = against(earlier, max(n, f.Tried), f), same
	list, err := switches(ctx, tx, c.Org)
	f.Shut = len(list) > 0 && list[0].Agreed
	return err
}

// weighed reports whether a quorum of the commission said how it sees the
// emergency of a chain: that of approvals, and two at least.
func (s *Service) weighed(ctx context.Context, tx *db.Tx, c *Chain) (bool, error) {
	if c.Facts.Notice != Noticed {
		return false, nil
	}
	list, err := voices(ctx, tx, c.ID)
	return len(list) >= s.quorum(), err
}

func (s *Service) quorum() int { return max(s.Approvals.Rules.Commission.Quorum, 2) }

// left reports whether those who could say of the step under way what became of
// it are gone: no people of the unit any more, or designated no more.
func (s *Service) left(ctx context.Context, tx *db.Tx, c *Chain) (bool, error) {
	if c.Facts.Step == "" {
		return false, nil
	}
	open, err := openSteps(ctx, tx, c.ID)
	if err != nil || len(open) != 1 {
		return false, err
	}
	list, err := officers(ctx, tx, c.ID)
	if err != nil {
		return false, err
	}
	for _, person := range []string{open[0].first, open[0].second} {
		if person == "" || !slices.ContainsFunc(list, func(o officer) bool { return o.Person == person }) {
			continue
		}
		p, err := s.Person(ctx, tx, person)
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return false, err
		}
		if err == nil && p.Org == c.Org && p.Has(c.hand()) {
			return false, nil
		}
	}
	return true, nil
}

// hand is the role that carries out on a chain.
func (c *Chain) hand() gate.Role {
	if c.Facts.Body == Defence {
		return gate.DefenceUnit
	}
	return gate.PoliceExecutive
}

// lapse names the act by which time, or the commission's decision, moves a chain
// on by itself; empty for none.
func (c *Chain) lapse() string {
	f := &c.Facts
	switch c.State {
	case Pending:
		switch {
		case f.Approved:
			return "grant"
		case c.stands.State == approval.Declined:
			return "refuse"
		case c.stands.State != approval.Asked && c.stands.State != approval.Examined && c.stands.State != approval.Approved:
			return "lapse"
		}
	case Approved:
		if !f.Approved {
			return "lapse"
		}
	case Declared, Authorised, Executing:
		if !f.Approved && !f.NoTime {
			return "lapse"
		}
	}
	return ""
}

// bodyOf is whose officers those of an organisation are, as it is registered:
// nobody says it of themselves. A prefecture's force is one, whatever else it is.
func (s *Service) bodyOf(ctx context.Context, tx *db.Tx, id string) (Body, error) {
	o, err := s.Orgs.Load(ctx, tx, org.ID(id))
	switch {
	case err != nil:
		return "", err
	case o.Is(org.Prefecture):
		return Prefecture, nil
	case o.Is(org.Police):
		return National, nil
	}
	return "", invalid("org", "measure.bad.body")
}

// isA reports whether an organisation is of a kind.
func (s *Service) isA(ctx context.Context, tx *db.Tx, id string, k org.Kind) (bool, error) {
	o, err := s.Orgs.Load(ctx, tx, org.ID(id))
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return false, nil
	}
	return err == nil && o.Is(k), err
}
