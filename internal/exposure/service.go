package exposure

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/intel"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB     *db.DB
	Ledger *ledger.Ledger
	Keys   *key.Store
	Orgs   *org.Service
	Assets *asset.Service
	Intel  *intel.Service
	// Seen counts own sightings of a vulnerability's use, of those that everybody
	// may know of: what is classified must not show in anybody's priority. Nil:
	// there are none.
	Seen       func(ctx context.Context, tx *db.Tx, vulnerability string) (int, error)
	Thresholds *Thresholds      // nil: Ordinary
	Now        func() time.Time // nil: the clock
}

// Service is what people and the hub do with exposures: one method per
// intention.
type Service struct {
	Config
	names dictionary
	items itemsLooked   // what of published items can be in a register
	one   chan struct{} // holds a token while a rematch runs: one at a time
}

// Open returns the service.
func Open(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Thresholds == nil {
		t := Ordinary()
		c.Thresholds = &t
	}
	return &Service{Config: c, one: make(chan struct{}, 1)}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// rules are today's: days run in Japan.
func (s *Service) rules() *rules {
	return &rules{Thresholds: *s.Thresholds, today: asset.DateOf(s.Now().In(text.JST))}
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) (ledger.Receipt, error) {
	return s.Ledger.Allowed(ctx, Access, act, fn)
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// within says which rows who acts reaches, for the store to write into its
// queries.
func (s *Service) within(ctx context.Context, tx *db.Tx, who gate.Identity, reach gate.Reach) (reachOf, error) {
	switch reach {
	case gate.All:
		return reachOf{all: true}, nil
	case gate.Own:
		return reachOf{org: who.Org}, nil
	case gate.Sector:
		return reachOf{sectors: who.Sectors}, nil
	case gate.Operated:
		o, err := s.Orgs.Load(ctx, tx, org.ID(who.Org))
		if err != nil {
			return reachOf{}, err
		}
		customers, err := s.Orgs.Tied(ctx, tx, o.ID, org.ContractorTie, true)
		if err != nil || o.Number == "" {
			return reachOf{}, err
		}
		r := reachOf{operated: string(o.Number)}
		for _, c := range customers {
			r.customers = append(r.customers, string(c))
		}
		return r, nil
	}
	return reachOf{}, nil
}

func langOf(who gate.Identity) text.Lang {
	lang, _ := text.ParseLang(who.Lang)
	return lang
}

func subjectName(item string) string   { return "exposure/subject/" + item }
func rowName(id ID) string             { return "exposure/row/" + string(id) }
func partName(id ID, by string) string { return "exposure/part/" + string(id) + "/" + by }
func verdictName(id string) string     { return "exposure/verdict/" + id }
func pastName(id string) string        { return "exposure/past/" + id }
func objectOf(id ID) string            { return "exposure/" + string(id) }
func sealDetail(c *key.Cipher, d Detail, name string) ([]byte, error) {
	return c.SealJSON(d, name)
}

func openDetail(c *key.Cipher, sealed []byte, name string) (*Detail, error) {
	raw, err := c.Open(sealed, name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := &Detail{}
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}
