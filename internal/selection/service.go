package selection

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
	"noroshi/internal/intel"
	"noroshi/internal/org"
	"noroshi/internal/sighting"
)

// Config is what the service needs.
type Config struct {
	DB        *db.DB
	Ledger    *ledger.Ledger
	Keys      *key.Store
	Blobs     *blob.Store
	Threads   *thread.Store
	Orgs      *org.Service
	Approvals *approval.Service
	Sightings *sighting.Service // that records become; nil: they become none
	Intel     *intel.Service    // whose items lists are made of; nil: of files alone
	Limits    Limits            // zero: DefaultLimits
	Prefixes  *Prefixes         // on which side of the border an address lies; nil: the table that comes with the program
	Drills    []Drill           // made-up traffic that runs may be tried on; none: nothing is tried
	Signer    note.Signer       // of the hub: countersigns statements; nil: they stay without
	Authority string            // verifier of the key that signs orders, for who runs on another machine; empty where it is not told
	Program   string            // SHA-256 of the program, hex; empty where it cannot be read
	Log       *slog.Logger      // nil: the default one
	Now       func() time.Time  // nil: the clock
}

// Drill is a source of made-up traffic, with the networks that are made up too.
type Drill struct {
	ID       string // short, for links
	Name     text.Both
	Link     string // as orders name the line
	Prefixes *Prefixes
	Open     func() (io.ReadCloser, error)
}

// Service is what people do with agreements, lists of selectors, runs and
// selected records: one method per intention.
type Service struct {
	Config

	under sync.WaitGroup // runs of this process that go on by themselves
	halt  chan struct{}  // closed when they have to stop
	once  sync.Once

	shares waitingShares
	lists  openLists
}

// Open returns the service. From then on the system writes no dump of the process.
func Open(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Limits.AgreementDays == 0 {
		c.Limits = DefaultLimits()
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Prefixes == nil {
		p, err := ReadPrefixes("", nil)
		if err != nil {
			return nil, err
		}
		c.Prefixes = p
	}
	if err := leaveNoDump(); err != nil { // before a request brings packets
		return nil, err
	}
	return &Service{Config: c, halt: make(chan struct{})}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func agreementObject(id string) string { return "agreement/" + id }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, fn)
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// admit refuses, on record, who may not do something at all; for forms that
// would only lead to a refusal.
func (s *Service) admit(ctx context.Context, verb string) error {
	return s.read(ctx, verb, func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}

// isKind reports whether an error is a fault of a kind; nil is of none.
func isKind(err error, k fault.Kind) bool { return err != nil && fault.KindOf(err) == k }
