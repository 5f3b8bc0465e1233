package hunt

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
	"noroshi/internal/sighting"
)

// Config is what the service needs.
type Config struct {
	DB     *db.DB
	Ledger *ledger.Ledger
	Keys   *key.Store
	Blobs  *blob.Store
	Orgs   *org.Service
	Now    func() time.Time // nil: the clock

	Sightings *sighting.Service // where released values go
	// Own are the networks of an organisation, whose addresses are never
	// released; nil: none are known.
	Own func(ctx context.Context, tx *db.Tx, org string) ([]netip.Prefix, error)

	Starter        fs.FS  // our own rules
	StarterVersion string // their version
	BaseURL        string // of the hub, for the commands that its pages show; may be empty
	Keep           int    // days that results are kept; 0: [KeepDays]
}

// Service is what people and their programs do with hunts in the hub: one
// method per intention.
type Service struct {
	Config
	// shelf is the program's own rules, by which also pages tell in the reader's
	// language what they found.
	shelf func() (*shelf, error)
}

// Open returns the service.
func Open(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c, sync.OnceValues(func() (*shelf, error) { return readShelf(c.Starter, c.StarterVersion) })}
}

func (s *Service) now() time.Time { return moment(s.Now()) }

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func huntName(id string) string        { return "hunt/" + id }
func runName(id string) string         { return "hunt_run/" + id }
func findingName(id string) string     { return "hunt_finding/" + id }
func decisionName(id string) string    { return "hunt_decision/" + id }
func bookName(id string) string        { return "hunt_rulebook/" + id }
func suppressionName(id string) string { return "hunt_suppression/" + id }
func offerName(id string) string       { return "hunt_offer/" + id }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity) error) error {
	return s.Ledger.Read(ctx, Access, verb, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
}

// May refuses, on record, who may not do something; for a form that would only
// lead to a refusal.
func (s *Service) May(ctx context.Context, verb string) error {
	return s.read(ctx, verb, func(*db.Tx, gate.Identity) error { return nil })
}

// cipher is an organisation's; nil when it has none, because it wrote nothing.
func (s *Service) cipher(ctx context.Context, tx *db.Tx, org string) (*key.Cipher, error) {
	c, err := s.Keys.For(ctx, tx, org)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil
	}
	return c, err
}

// sealedHunt is what of a hunt is stored encrypted.
type sealedHunt struct {
	NewHunt
	Words string `json:"words,omitempty"`
	Hold  string `json:"hold,omitempty"`
}

func (h *Hunt) seal(c *key.Cipher) (err error) {
	h.sealed, err = c.SealJSON(sealedHunt{h.NewHunt, h.Words, h.HoldWhy}, huntName(h.ID))
	return err
}

func (h *Hunt) open(c *key.Cipher) error {
	var x sealedHunt
	err := c.OpenJSON(h.sealed, huntName(h.ID), &x)
	h.NewHunt, h.Words, h.HoldWhy = x.NewHunt, x.Words, x.Hold
	return err
}

// Draft writes down a hunt. Faults: ErrInvalid with places.
func (s *Service) Draft(ctx context.Context, n NewHunt) (out Hunt, err error) {
	act := &ledger.Act{Verb: "hunt.draft"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		if n, err = s.normal(ctx, tx, who.Org, n); err != nil {
			return err
		}
		now := s.now()
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("write a hunt: %w", err)
		}
		serial, err := nextSerial(ctx, tx, who.Org, now.Year())
		if err != nil {
			return fmt.Errorf("number a hunt: %w", err)
		}
		out = Hunt{ID: newID(), Number: fmt.Sprintf("H-%d-%03d", now.Year(), serial), NewHunt: n, Stage: Drafted, By: who.Person, At: now, ChangedAt: now, Version: 1, Entry: act.Entry, org: who.Org}
		if err := out.seal(c); err != nil {
			return err
		}
		act.Object, act.Secret = huntName(out.ID), n
		return insertHunt(ctx, tx, out)
	})
	return out, err
}

// normal checks a hunt, and that the editions it names are there.
func (s *Service) normal(ctx context.Context, tx *db.Tx, org string, n NewHunt) (NewHunt, error) {
	n, err := n.normal()
	if err != nil {
		return n, err
	}
	var bad problems
	for _, ref := range n.Rules {
		if ref == s.starterRef() {
			continue
		}
		book, number, ok := splitRef(ref)
		if ok {
			_, err := loadEdition(ctx, tx, org, book, number)
			if ok = err == nil; err != nil && !errors.Is(err, ErrNone) {
				return n, err
			}
		}
		if !ok {
			bad.add("rules", "hunt.bad.edition", "ref", ref)
		}
	}
	return n, bad.fault()
}

// hunt loads a hunt of an organisation; another's is not there.
func (s *Service) hunt(ctx context.Context, tx *db.Tx, org, id string) (Hunt, *key.Cipher, error) {
	x, err := loadHunt(ctx, tx, org, id)
	if err != nil {
		return x, nil, err
	}
	c, err := s.Keys.For(ctx, tx, org)
	if err != nil {
		return x, nil, fmt.Errorf("hunt %s: %w", id, err)
	}
	return x, c, x.open(c)
}

// change changes a hunt of the version a person saw.
func (s *Service) change(ctx context.Context, act *ledger.Act, id string, version int64, fn func(tx *db.Tx, who gate.Identity, h *Hunt) error) (out Hunt, err error) {
	act.Object = huntName(id)
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		x, c, err := s.hunt(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		act.Object = huntName(x.ID)
		if x.Version != version {
			return ErrStale
		}
		if err := fn(tx, who, &x); err != nil {
			return err
		}
		x.ChangedAt = s.now()
		x.Version++
		if err := x.seal(c); err != nil {
			return err
		}
		out = x
		return updateHunt(ctx, tx, x)
	})
	return out, err
}

// Change rewrites a hunt that is not closed. Faults: ErrNone, ErrStale, ErrStage,
// ErrInvalid.
func (s *Service) Change(ctx context.Context, id string, version int64, n NewHunt) (Hunt, error) {
	act := &ledger.Act{Verb: "hunt.change", Secret: n}
	return s.change(ctx, act, id, version, func(tx *db.Tx, who gate.Identity, h *Hunt) (err error) {
		if h.Stage == Closed {
			return ErrStage
		}
		h.NewHunt, err = s.normal(ctx, tx, who.Org, n)
		return err
	})
}

// Begin opens a hunt, or opens a closed one again: results may come in. Faults:
// ErrNone, ErrStale, ErrStage.
func (s *Service) Begin(ctx context.Context, id string, version int64) (Hunt, error) {
	act := &ledger.Act{Verb: "hunt.begin"}
	return s.change(ctx, act, id, version, func(_ *db.Tx, _ gate.Identity, h *Hunt) error {
		if !Opened.mayFollow(h.Stage) {
			return ErrStage
		}
		h.Stage, h.Conclusion, h.Words, h.ClosedAt = Opened, "", "", time.Time{}
		if h.OpenedAt.IsZero() {
			h.OpenedAt = s.now()
		}
		return nil
	})
}

// Close ends an open hunt with a conclusion in words. Faults: ErrNone, ErrStale,
// ErrStage, ErrInvalid.
func (s *Service) Close(ctx context.Context, id string, version int64, as Conclusion, words string) (Hunt, error) {
	act := &ledger.Act{Verb: "hunt.close", Public: map[string]any{"conclusion": string(as)}, Secret: words}
	return s.change(ctx, act, id, version, func(tx *db.Tx, who gate.Identity, h *Hunt) error {
		if !Closed.mayFollow(h.Stage) {
			return ErrStage
		}
		var bad problems
		if !slices.Contains(Conclusions, as) {
			bad.add("conclusion", "hunt.bad.conclusion")
		}
		h.Stage, h.Conclusion, h.Words, h.ClosedAt = Closed, as, bad.words("words", words, maxWords, true), s.now()
		if err := bad.fault(); err != nil {
			return err
		}
		return publish(ctx, tx, "closed", Happened{Hunt: h.ID, Number: h.Number, Org: who.Org, Conclusion: as, Entry: act.Entry})
	})
}

// Hunts lists the hunts of one's own organisation, the newest first.
func (s *Service) Hunts(ctx context.Context, f HuntFilter) (out []Hunt, next string, err error) {
	err = s.read(ctx, "hunt.list", func(tx *db.Tx, who gate.Identity) error {
		if out, next, err = listHunts(ctx, tx, who.Org, f); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("list hunts: %w", err)
		}
		for i := range out {
			if err := out[i].open(c); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Hunt returns a hunt by its id or its number. Faults: ErrNone.
func (s *Service) Hunt(ctx context.Context, id string) (out Hunt, err error) {
	err = s.read(ctx, "hunt.read", func(tx *db.Tx, who gate.Identity) error {
		out, _, err = s.hunt(ctx, tx, who.Org, id)
		return err
	})
	return out, err
}

// Waiting counts the findings of one's own organisation that wait for somebody,
// up to a bound beyond which more is true.
func (s *Service) Waiting(ctx context.Context) (n int, more bool, err error) {
	err = s.read(ctx, "hunt.findings", func(tx *db.Tx, who gate.Identity) error {
		n, err = countWaiting(ctx, tx, who.Org, maxShownWaiting+1)
		return err
	})
	return min(n, maxShownWaiting), n > maxShownWaiting, err
}

// maxShownWaiting is how many waiting findings are counted one by one.
const maxShownWaiting = 999

// Names returns the names of people of one's own organisation.
func (s *Service) Names(ctx context.Context, people ...string) (names map[string]string, err error) {
	names = map[string]string{}
	err = s.read(ctx, "hunt.list", func(tx *db.Tx, _ gate.Identity) error {
		var ids []org.PersonID
		for _, p := range people {
			if p != "" {
				ids = append(ids, org.PersonID(p))
			}
		}
		found, err := s.Orgs.PersonNames(ctx, tx, ids...)
		for id, name := range found {
			names[string(id)] = name
		}
		return err
	})
	return names, err
}

// normalHunt reads a number of a hunt in small letters too.
func normalHunt(id string) string {
	if up := strings.ToUpper(strings.TrimSpace(id)); strings.HasPrefix(up, "H-") {
		return up
	}
	return id
}
