package intel

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/incident"
	"noroshi/internal/intel/feed"
	"noroshi/internal/org"
)

// CSAFReader reads a CSAF document into records.
type CSAFReader = func(ctx context.Context, name string, r io.Reader, yield func(*feed.Record) error) error

// Config is what the service needs.
type Config struct {
	DB        *db.DB
	Ledger    *ledger.Ledger
	Keys      *key.Store        // seals items; nil: there are none on this hub
	Incidents *incident.Service // for items out of reports; may be nil
	Orgs      *org.Service      // whom items name; nil: ids are taken as they are
	// Registered tells which of some addresses, networks and domains are registered
	// by an organisation as its own, or with an empty org by any. Nil: not asked.
	Registered func(ctx context.Context, tx *db.Tx, hosts []string, org string) (map[string]bool, error)
	Sources    []FeedSource     // as configured; see Check
	Client     *fetch.Client    // the way out; nil: none
	CSAF       CSAFReader       // reads CSAF documents; nil: they are refused
	Dir        string           // folder for files on their way in; empty is the system's
	Parts      []BundlePart     // what else bundles carry
	Log        *slog.Logger     // nil: none
	Now        func() time.Time // nil: the clock
}

// Service is what people and the clock do with feeds: one method per
// intention.
type Service struct {
	Config
	bodies *bodies
	words  *text.Catalog // for what reporters are told
	one    chan struct{} // holds a token while an import runs: one at a time
	batch  int           // records staged in one transaction
}

// Open returns the service.
func Open(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	b, err := newBodies()
	if err != nil {
		return nil, err
	}
	words, err := text.Load(Words)
	if err != nil {
		return nil, err
	}
	return &Service{Config: c, bodies: b, words: words, one: make(chan struct{}, 1), batch: stageBatch}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity) error) (ledger.Receipt, error) {
	return s.Ledger.Allowed(ctx, Access, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity) error) error {
	return s.Ledger.Read(ctx, Access, verb, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
}
