package incident

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB       *db.DB
	Ledger   *ledger.Ledger
	Keys     *key.Store
	Blobs    *blob.Store
	Threads  *thread.Store
	Orgs     *org.Service
	Profiles *Profiles
	Now      func() time.Time
}

// Service is what people do with reports: one method per intention.
type Service struct {
	Config
	bodies bodies
}

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{Config: c, bodies: bodies{found: map[string]seats{}}}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) (ledger.Receipt, error) {
	return s.Ledger.Allowed(ctx, Access, act, fn)
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

func objectOf(id ID) string { return "incident/" + id }

func sealedName(id ID, version int) string { return "incident/" + id + "/" + strconv.Itoa(version) }

// report opens a version of a case.
func (s *Service) report(ctx context.Context, tx *db.Tx, c Case, version int) (*Report, error) {
	if !c.PurgedAt.IsZero() {
		return nil, ErrPurged
	}
	sealed, err := loadSealed(ctx, tx, c.ID, version)
	if err != nil {
		return nil, err
	}
	cipher, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return nil, fmt.Errorf("open report %s: %w", c.ID, err)
	}
	raw, err := cipher.Open(sealed, sealedName(c.ID, version))
	if err != nil {
		return nil, fmt.Errorf("open report %s: %w", c.ID, err)
	}
	r, err := DecodeReport(raw)
	if err != nil {
		return nil, fmt.Errorf("open report %s: %w", c.ID, err)
	}
	return r, nil
}

// bodies remembers for a moment which organisations play a role: they hardly
// ever change, and every submission asks for several.
type bodies struct {
	mu    sync.Mutex
	found map[string]seats
}

type seats struct {
	orgs []string
	at   time.Time
}

// remembered is how long; as late may a report learn of a new body.
const (
	remembered    = 2 * time.Second
	maxRemembered = 4096
)

func (b *bodies) find(role string, load func() ([]string, error)) ([]string, error) {
	b.mu.Lock()
	f, ok := b.found[role]
	b.mu.Unlock()
	if ok && time.Since(f.at) < remembered {
		return f.orgs, nil
	}
	orgs, err := load()
	if err != nil {
		return nil, err
	}
	if len(orgs) > 0 { // the first body of a role is known at once
		b.mu.Lock()
		if len(b.found) >= maxRemembered {
			clear(b.found)
		}
		b.found[role] = seats{orgs, time.Now()}
		b.mu.Unlock()
	}
	return orgs, nil
}

// idsOf are the ids of organisations, of a query that may have failed.
func idsOf(orgs []org.Org, err error) ([]string, error) {
	ids := make([]string, len(orgs))
	for i, o := range orgs {
		ids[i] = string(o.ID)
	}
	return ids, err
}

// sectorsOf returns the sectors of a reporter.
func (s *Service) sectorsOf(ctx context.Context, tx *db.Tx, reporter string) ([]string, error) {
	return s.bodies.find("reporter/"+reporter, func() ([]string, error) {
		o, err := s.Orgs.Load(ctx, tx, org.ID(reporter))
		return o.Sectors, err
	})
}

// facts are what the hub knows of a case besides its report.
func facts(ctx context.Context, tx *db.Tx, id ID) (Facts, error) {
	done, err := loadStages(ctx, tx, id)
	return Facts{Submitted: done}, err
}

// addressees finds the organisation on this hub for each recipient of each
// form that goes out. A body that is not here gets an empty organisation.
func (s *Service) addressees(ctx context.Context, tx *db.Tx, sectors []string, r *Report, res Result, now time.Time) ([]Delivery, error) {
	var out []Delivery
	if x, ok := r.Value("operator.sector").Text(); ok && slices.Contains(sectors, x) {
		sectors = []string{x}
	}
	for _, p := range res.Profiles {
		if p.Ready != ReadyYes || !p.InForce || !p.Agreed {
			continue
		}
		for _, rc := range p.Recipients {
			if rc.Withheld {
				continue
			}
			var orgs []string
			var err error
			competent := func(sectors ...string) {
				for _, x := range sectors {
					more, e := s.bodies.find("sector/"+x, func() ([]string, error) { return idsOf(s.Orgs.Competent(ctx, tx, x)) })
					err = errors.Join(err, e)
					orgs = append(orgs, more...)
				}
			}
			switch rc.Role {
			case RoleMinistry:
				competent(sectors...)
			case RoleFinance:
				competent("finance")
			case RoleTelecom:
				competent("telecom")
			case RoleOffice, RolePolice, RolePrivacy, RoleJPCERT:
				orgs, err = s.bodies.find(string(rc.Role), func() ([]string, error) { return idsOf(s.Orgs.Bodies(ctx, tx, org.Kind(rc.Role))) })
			}
			if err != nil {
				return nil, err
			}
			d := Delivery{Profile: p.ID, Role: rc.Role, Stage: p.Stage, Version: r.Version, SentAt: now}
			for _, o := range orgs {
				d.Org = o
				if !slices.Contains(out, d) {
					out = append(out, d)
				}
			}
			if len(orgs) == 0 && rc.Role != RoleOwn {
				d.Org = ""
				out = append(out, d)
			}
		}
	}
	return out, nil
}
