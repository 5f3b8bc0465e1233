package sensor

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB     *db.DB
	Ledger *ledger.Ledger
	Keys   *key.Store
	Orgs   *org.Service
	Now    func() time.Time // nil: the clock

	BaseURL string                  // of the hub, for the commands that its pages show; may be empty
	Accepts func(value string) bool // whether a sighting can be made of a value; nil: of any
}

// Service is what people and sensors do with sources and findings: one method
// per intention.
type Service struct{ Config }

// Open returns the service.
func Open(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func objectOf(id string) string    { return "sensor/" + id }
func findingName(id string) string { return "finding/" + id }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity) error) error {
	return s.Ledger.Read(ctx, Access, verb, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
}

// Register registers a source. Faults: ErrInvalid with places, ErrAcquisition.
func (s *Service) Register(ctx context.Context, n NewSource) (out Source, err error) {
	act := &ledger.Act{Verb: "sensor.register"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		state, err := s.ofState(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		if n, err = n.normal(state); err != nil {
			return err
		}
		out = Source{ID: uuid.Must(uuid.NewV7()).String(), NewSource: n, At: s.now(), Entry: act.Entry, org: who.Org, person: who.Person}
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("register a source: %w", err)
		}
		sealed, err := c.SealJSON(n, objectOf(out.ID))
		if err != nil {
			return err
		}
		out.sealed = sealed
		act.Object, act.Secret = objectOf(out.ID), n
		act.Public = map[string]any{"kind": string(n.Kind), "basis": string(n.Basis), "full_names": n.FullNames}
		return insertSource(ctx, tx, out)
	})
	return out, err
}

// ofState reports whether an organisation is a carrier or of the State.
func (s *Service) ofState(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	o, err := s.Orgs.Load(ctx, tx, org.ID(id))
	if err != nil {
		return false, fmt.Errorf("kind of an organisation: %w", err)
	}
	return slices.ContainsFunc(o.Kinds, func(k org.Kind) bool {
		return k == org.Carrier || k == org.Office || k == org.Police || k == org.Ministry || k == org.Commission || k == org.Privacy
	}), nil
}

// End closes a source: nothing comes in from it any more, what came in stays.
// Faults: ErrNone, ErrEnded.
func (s *Service) End(ctx context.Context, id, why string) error {
	act := &ledger.Act{Verb: "sensor.end", Object: objectOf(id), Secret: why}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		x, err := loadSource(ctx, tx, who.Org, id)
		if err != nil {
			return err
		}
		if !x.EndedAt.IsZero() {
			return ErrEnded
		}
		return endSource(ctx, tx, id, s.now())
	})
}

func (s *Service) open(c *key.Cipher, x *Source) error {
	return c.OpenJSON(x.sealed, objectOf(x.ID), &x.NewSource)
}

// mayRegister refuses, on record, who may not register a source; for a form
// that would only lead to a refusal.
func (s *Service) mayRegister(ctx context.Context) error {
	return s.read(ctx, "sensor.register", func(*db.Tx, gate.Identity) error { return nil })
}

// Sources lists the sources of one's own organisation, the newest first, each
// with what it last read.
func (s *Service) Sources(ctx context.Context, cursor string, limit int) (out []Source, next string, err error) {
	err = s.read(ctx, "sensor.list", func(tx *db.Tx, who gate.Identity) error {
		if out, next, err = listSources(ctx, tx, who.Org, cursor, limit); err != nil || len(out) == 0 {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("list sources: %w", err)
		}
		for i := range out {
			if err := s.open(c, &out[i]); err != nil {
				return err
			}
			if out[i].Last, err = lastReading(ctx, tx, out[i].ID); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Source returns a source with its last readings, the newest first. Faults:
// ErrNone.
func (s *Service) Source(ctx context.Context, id string) (out Source, readings []Reading, err error) {
	err = s.read(ctx, "sensor.read", func(tx *db.Tx, who gate.Identity) error {
		if out, err = loadSource(ctx, tx, who.Org, id); err != nil {
			return err
		}
		c, err := s.Keys.For(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("source %s: %w", id, err)
		}
		if err := s.open(c, &out); err != nil {
			return err
		}
		readings, err = listReadings(ctx, tx, id)
		return err
	})
	return out, readings, err
}

// Take takes in what a source read and found; the zero Reading says that these
// are further findings of a reading that is known. Findings that were there
// before are brought up to date: what was seen last counts, and what comes in a
// second time changes nothing. Who was told that one is harmless is not told
// again until its time is over, or it is more urgent than it was then. Of one
// feed's findings that are the same one, the highest score stays. All or
// nothing. Faults: ErrNone, ErrEnded, ErrInvalid with the finding's number.
func (s *Service) Take(ctx context.Context, source string, r Reading, found []Found) (out TakenIn, err error) {
	act := &ledger.Act{Verb: "sensor.feed", Object: objectOf(source)}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		out = TakenIn{}
		now := s.now()
		x, err := loadSource(ctx, tx, who.Org, source)
		if err != nil {
			return err
		}
		if !x.EndedAt.IsZero() {
			return ErrEnded
		}
		if r, err = r.normal(now, len(found)); err != nil {
			return err
		}
		if err := takeReading(ctx, tx, who.Org, source, r, now); err != nil {
			return fmt.Errorf("take in a reading: %w", err)
		}
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("take in findings: %w", err)
		}
		several, err := sorted(found, now, x.FullNames)
		if err != nil {
			return err
		}
		for i := range several {
			if err := s.takeOne(ctx, tx, c, Finding{Source: source, Found: several[i], Entry: act.Entry, org: who.Org}, &out); err != nil {
				return fmt.Errorf("take in findings: %w", err)
			}
		}
		act.Secret = map[string]any{"reading": r, "findings": several}
		if out.New == 0 {
			return nil
		}
		return publish(ctx, tx, "found", Happened{Source: source, Org: who.Org, New: out.New})
	})
	return out, err
}

// takeReading writes a reading, once: a source that had no answer sends it again.
func takeReading(ctx context.Context, tx *db.Tx, org, source string, r Reading, now time.Time) error {
	if r != (Reading{}) {
		last, err := lastReading(ctx, tx, source)
		if err != nil {
			return err
		}
		if last == nil || !last.same(r) {
			if err := insertReading(ctx, tx, uuid.Must(uuid.NewV7()).String(), org, source, r); err != nil {
				return err
			}
		}
	}
	return seenSource(ctx, tx, source, now)
}

// takeOne takes in one finding.
func (s *Service) takeOne(ctx context.Context, tx *db.Tx, c *key.Cipher, f Finding, out *TakenIn) error {
	f.tag = c.Tag("sensor/finding", f.sameness())
	raw, err := json.Marshal(f.Found)
	if err != nil {
		return err
	}
	old, err := loadTag(ctx, tx, f.org, f.tag)
	now := s.now()
	if err == ErrNone {
		f.ID, f.At, f.ChangedAt, f.State, f.Times, f.Version = uuid.Must(uuid.NewV7()).String(), now, now, Fresh, 1, 1
		f.Rank = rankOf(&f.Found)
		f.sealed = c.Seal(raw, findingName(f.ID))
		out.New++
		return insertFinding(ctx, tx, f)
	}
	if err != nil {
		return err
	}
	next, changed := old.with(f, now, out)
	if !changed {
		return nil
	}
	if next.sealed == nil {
		next.sealed = c.Seal(raw, findingName(old.ID))
	}
	next.ChangedAt, next.Version = now, old.Version+1
	return updateFinding(ctx, tx, next)
}
