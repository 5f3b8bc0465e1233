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
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		return fn(tx, who)
	})
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity) error) error {
	who, _, err := Access.Allow(ctx, verb)
	if err != nil {
		return s.do(ctx, &ledger.Act{Verb: verb}, nil)
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error { return fn(tx, who) })
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
		raw, err := json.Marshal(n)
		if err != nil {
			return fmt.Errorf("register a source: %w", err)
		}
		out.sealed = c.Seal(raw, objectOf(out.ID))
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
		return k == org.Carrier || k == org.Office || k == org.Police || k == org.Ministry || k == org.Commission
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
	raw, err := c.Open(x.sealed, objectOf(x.ID))
	if err != nil {
		return fmt.Errorf("source %s: %w", x.ID, err)
	}
	return json.Unmarshal(raw, &x.NewSource)
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

// Take takes in what a source read and found. Findings that were there before
// are brought up to date; who was told that one is harmless is not told again
// until its time is over. All or nothing. Faults: ErrNone, ErrEnded, ErrInvalid.
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
		if err := insertReading(ctx, tx, uuid.Must(uuid.NewV7()).String(), who.Org, source, r); err != nil {
			return fmt.Errorf("take in a reading: %w", err)
		}
		c, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return fmt.Errorf("take in findings: %w", err)
		}
		for i := range found {
			f, err := found[i].normal(now)
			if err != nil {
				return at(err, i)
			}
			if err := s.takeOne(ctx, tx, c, Finding{Source: source, Found: f, Entry: act.Entry, org: who.Org}, &out); err != nil {
				return fmt.Errorf("take in findings: %w", err)
			}
		}
		act.Public = map[string]any{"findings": len(found), "lost": r.Lost > 0}
		act.Secret = map[string]any{"reading": r, "findings": found}
		if out.New == 0 {
			return nil
		}
		return publish(ctx, tx, "found", Happened{Source: source, Org: who.Org, New: out.New})
	})
	return out, err
}

func (s *Service) takeOne(ctx context.Context, tx *db.Tx, c *key.Cipher, f Finding, out *TakenIn) error {
	f.tag = c.Tag("sensor/finding", f.Kind+"\x00"+f.Src+"\x00"+f.Dst)
	old, err := loadTag(ctx, tx, f.org, f.tag)
	now := s.now()
	f.Rank, f.ChangedAt = rankOf(f.Kind, f.Score), now
	switch {
	case err == ErrNone:
		f.ID, f.At, f.State, f.Times, f.Version = uuid.Must(uuid.NewV7()).String(), now, Fresh, 1, 1
		out.New++
	case err != nil:
		return err
	default:
		f.ID, f.At, f.State, f.Times, f.Version = old.ID, old.At, old.State, old.Times+1, old.Version+1
		f.TakenBy, f.UntilAt, f.ReleasedAt, f.note = old.TakenBy, old.UntilAt, old.ReleasedAt, old.note
		if old.Start.Before(f.Start) {
			f.Start = old.Start
		}
		switch {
		case f.State == Benign && now.Before(f.UntilAt):
			out.Unheard++
		case f.State == Benign || f.State == Over:
			f.State, f.UntilAt, f.TakenBy = Fresh, time.Time{}, ""
			out.New++
		default:
			out.Again++
		}
	}
	raw, err := json.Marshal(f.Found)
	if err != nil {
		return err
	}
	f.sealed = c.Seal(raw, findingName(f.ID))
	if f.Times == 1 {
		return insertFinding(ctx, tx, f)
	}
	return updateFinding(ctx, tx, f)
}
