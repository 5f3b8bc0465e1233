package asset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB      *db.DB
	Ledger  *ledger.Ledger
	Keys    *key.Store
	Threads *thread.Store
	Orgs    *org.Service
	Rules   *Rules           // nil: those of the program
	Now     func() time.Time // nil: the clock
}

// Service is what people do with registers and statements: one method per
// intention.
type Service struct {
	Config
	mu        sync.Mutex
	overviews map[whose]*Overview // by register, of its revision and day
	pictures  map[whose]drawn     // likewise
}

// Open returns the service. (New makes an Item.)
func Open(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rules == nil {
		r, err := LoadRules(nil)
		if err != nil {
			return nil, err
		}
		c.Rules = r
	}
	return &Service{Config: c, overviews: map[whose]*Overview{}, pictures: map[whose]drawn{}}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// today is the day in Japan, by which support ends and deadlines run.
func (s *Service) today() Date { return DateOf(s.Now().In(text.JST)) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) (ledger.Receipt, error) {
	return s.Ledger.Allowed(ctx, Access, act, fn)
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// within returns which entries who acts reaches. For a contractor the operator
// is one of its customers, the first when none is named. Another's register is
// ErrNone.
func (s *Service) within(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, operator string) (whose, error) {
	switch reach {
	case gate.Own:
		if operator != "" && operator != who.Org {
			return whose{}, ErrNone
		}
		return whose{org: who.Org}, nil
	case gate.Operated:
		o, err := s.Orgs.Load(ctx, tx, org.ID(who.Org))
		if err != nil {
			return whose{}, err
		}
		customers, err := s.Orgs.Tied(ctx, tx, o.ID, org.ContractorTie, true)
		if err != nil {
			return whose{}, err
		}
		if operator == "" && len(customers) > 0 {
			operator = string(slices.Min(customers))
		}
		if o.Number == "" || !slices.Contains(customers, org.ID(operator)) {
			return whose{}, ErrNone
		}
		return whose{operator, string(o.Number)}, nil
	}
	return whose{}, ErrNone
}

// find returns a piece of equipment within reach, wherever it is.
func (s *Service) find(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach, id ID) (row, *key.Cipher, error) {
	operators := []string{who.Org}
	if reach == gate.Operated {
		customers, err := s.Orgs.Tied(ctx, tx, org.ID(who.Org), org.ContractorTie, true)
		if err != nil {
			return row{}, nil, err
		}
		operators = nil
		for _, c := range customers {
			operators = append(operators, string(c))
		}
	}
	for _, operator := range operators {
		w, err := s.within(ctx, tx, who, reach, operator)
		if err != nil {
			return row{}, nil, err
		}
		r, err := loadItem(ctx, tx, id, w)
		if errors.Is(err, ErrNone) {
			continue
		}
		if err != nil {
			return r, nil, err
		}
		c, err := s.Keys.For(ctx, tx, w.org)
		if err != nil {
			return r, nil, fmt.Errorf("equipment %s: %w", id, err)
		}
		return r, c, r.open(c)
	}
	return row{}, nil, ErrNone
}

// Customers lists the operators whose equipment who acts operates, by id and
// name; none for an operator.
func (s *Service) Customers(ctx context.Context) (names map[string]string, err error) {
	err = s.read(ctx, "asset.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if reach != gate.Operated {
			return nil
		}
		ids, err := s.Orgs.Tied(ctx, tx, org.ID(who.Org), org.ContractorTie, true)
		if err != nil {
			return err
		}
		names, err = s.names(ctx, tx, who, ids...)
		return err
	})
	return names, err
}

// Contractors lists those who operate equipment for one's own organisation:
// corporate number and name, for forms. A contractor gets itself.
func (s *Service) Contractors(ctx context.Context) (names map[string]string, err error) {
	names = map[string]string{}
	err = s.read(ctx, "asset.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		ids := []org.ID{org.ID(who.Org)}
		if reach == gate.Own {
			var err error
			if ids, err = s.Orgs.Tied(ctx, tx, org.ID(who.Org), org.ContractorTie, false); err != nil {
				return err
			}
		}
		for _, id := range ids {
			o, err := s.Orgs.Load(ctx, tx, id)
			if err != nil {
				return err
			}
			if o.Number != "" {
				names[string(o.Number)] = o.In(langOf(who))
			}
		}
		return nil
	})
	return names, err
}

func (s *Service) names(ctx context.Context, tx *db.Tx, who gate.Identity, ids ...org.ID) (map[string]string, error) {
	names, err := s.Orgs.Names(ctx, tx, langOf(who), ids...)
	out := make(map[string]string, len(names))
	for id, n := range names {
		out[string(id)] = n
	}
	return out, err
}

func langOf(who gate.Identity) text.Lang {
	lang, _ := text.ParseLang(who.Lang)
	return lang
}

func itemName(id ID) string      { return "asset/item/" + string(id) }
func hintName(id ID) string      { return "asset/hint/" + string(id) }
func pastName(id string) string  { return "asset/change/" + id }
func objectOf(id ID) string      { return "asset/" + string(id) }
func noticeOf(id string) string  { return "asset_statement/" + id }
func previewOf(id string) string { return "asset_import/" + id }

// seal encrypts what an entry keeps to its operator.
func (r *row) seal(c *key.Cipher) error {
	sealed, err := c.SealJSON(secret{r.Sealed, r.Further, r.Used, r.Affects}, itemName(r.ID))
	if err != nil {
		return err
	}
	r.sealed = sealed
	r.hint = c.Seal(hintOf(&r.Item, r.Used, r.Affects).bytes(), hintName(r.ID))
	return nil
}

// open decrypts what seal encrypted.
func (r *row) open(c *key.Cipher) error {
	var sec secret
	if err := c.OpenJSON(r.sealed, itemName(r.ID), &sec); err != nil {
		return err
	}
	r.Sealed, r.Further, r.Used, r.Affects = sec.Sealed, sec.Further, sec.Used, sec.Affects
	r.sealed, r.hint = nil, nil
	return nil
}

// open decrypts the hint of a glimpse and makes its Item good for every question
// of what is missing.
func (c *glimpse) open(k *key.Cipher) (hint, error) {
	raw, err := k.Open(c.hint, hintName(c.id))
	if err != nil {
		return hint{}, fmt.Errorf("equipment %s: %w", c.id, err)
	}
	h, ok := parseHint(raw)
	if !ok {
		return h, fmt.Errorf("equipment %s: %w", c.id, key.ErrSealed)
	}
	h.fill(&c.item)
	return h, nil
}

// register opens a whole register, entry by entry. An operator that has
// nothing yet has no key either; then it is empty.
func (s *Service) register(ctx context.Context, tx *db.Tx, w whose, each func(r *row) error) (Register, *key.Cipher, error) {
	head, err := loadHead(ctx, tx, w.org)
	if err != nil {
		return head, nil, err
	}
	c, err := s.Keys.For(ctx, tx, w.org)
	if errors.Is(err, db.ErrNoRows) {
		return head, nil, nil
	}
	if err != nil {
		return head, nil, err
	}
	return head, c, eachItem(ctx, tx, w, func(r *row) error {
		if err := r.open(c); err != nil {
			return err
		}
		return each(r)
	})
}

// past makes an entry of an item's history.
func past(c *key.Cipher, id ID, what Outcome, who gate.Identity, entry string, at time.Time, changes []Change, was *Item) (Past, error) {
	p := Past{ID: newID(), Item: id, What: what, At: at, Entry: entry, person: who.Person, org: who.Org}
	sealed, err := c.SealJSON(pastSecret{changes, was}, pastName(p.ID))
	if err != nil {
		return p, err
	}
	p.sealed = sealed
	return p, nil
}

type pastSecret struct {
	Changes []Change `json:"changes,omitempty"`
	Was     *Item    `json:"was,omitempty"`
}

func (p *Past) open(c *key.Cipher) error {
	var sec pastSecret
	if err := c.OpenJSON(p.sealed, pastName(p.ID), &sec); err != nil {
		return err
	}
	p.Changes, p.Was, p.sealed = sec.Changes, sec.Was, nil
	return nil
}
