package sighting

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
	"noroshi/internal/sensor"
)

// Config is what the service needs.
type Config struct {
	DB     *db.DB
	Ledger *ledger.Ledger
	Keys   *key.Store
	Blobs  *blob.Store
	Orgs   *org.Service
	Now    func() time.Time // nil: the clock

	Sensors *sensor.Service                                           // whose findings are followed
	Say     func(lang text.Lang, f sensor.Finding, named bool) string // a finding in one sentence, which tells whose it was only if named
}

// Service is what people do with sightings: one method per intention.
type Service struct{ Config }

// Open returns the service. (New is a sighting before it is recorded.)
func Open(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// tagOwner is whose key the tags of values are made with: one for the whole hub,
// because what two organisations saw has to be found as the same.
const tagOwner = "sighting"

func objectOf(id string) string   { return "sighting/" + id }
func sealedName(id string) string { return "sighting/" + id }

func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, fn)
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// Record records what one's own organisation saw. Faults: ErrInvalid with
// places.
func (s *Service) Record(ctx context.Context, n New) (out Sighting, err error) {
	act := &ledger.Act{Verb: "sighting.record"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if n.Origin == FromSelection { // only the act that uses selected communications says so
			n.Origin = "?"
		}
		x, err := n.normal(s.now(), who.Clearance)
		if err != nil {
			return err
		}
		x.Org, x.person, x.Entry = who.Org, who.Person, act.Entry
		if out, err = s.put(ctx, tx, x); err != nil {
			return err
		}
		act.Object, act.Secret = objectOf(out.ID), n
		act.Public = map[string]any{"what": string(out.What), "type": string(out.Type), "origin": string(out.Origin), "named": out.Named}
		out.Mine = true
		return nil
	})
	return out, err
}

// Put records what an organisation saw as part of another noun's act: a hunt
// that hit, an answer to a notice. That noun asked its own gate, and entry is
// its ledger entry.
func (s *Service) Put(ctx context.Context, tx *db.Tx, org, entry string, n New) (Sighting, error) {
	x, err := n.normal(s.now(), 3)
	if err != nil {
		return x, err
	}
	x.Org, x.Entry = org, entry
	return s.put(ctx, tx, x)
}

func (s *Service) put(ctx context.Context, tx *db.Tx, x Sighting) (Sighting, error) {
	x.ID = uuid.Must(uuid.NewV7()).String()
	tags, err := s.Keys.Make(ctx, tx, tagOwner)
	if err != nil {
		return x, fmt.Errorf("record a sighting: %w", err)
	}
	x.tag = tags.Tag("sighting/value", x.Value)
	c, err := s.Keys.Make(ctx, tx, x.Org)
	if err != nil {
		return x, fmt.Errorf("record a sighting: %w", err)
	}
	sealed, err := c.SealJSON(secret{x.Value, x.Note, x.Victim, x.Ref}, sealedName(x.ID))
	if err != nil {
		return x, err
	}
	x.sealed = sealed
	if err := insert(ctx, tx, x); err != nil {
		return x, fmt.Errorf("record a sighting: %w", err)
	}
	return x, publish(ctx, tx, "recorded", x)
}

// open decrypts a sighting and takes out what its reader may not know.
func (s *Service) open(ctx context.Context, tx *db.Tx, x *Sighting, who gate.Identity) error {
	c, err := s.Keys.For(ctx, tx, x.Org)
	if err != nil {
		return fmt.Errorf("sighting %s: %w", x.ID, err)
	}
	var sec secret
	if err := c.OpenJSON(x.sealed, sealedName(x.ID), &sec); err != nil {
		return err
	}
	x.Value, x.Note, x.Victim, x.Mine = sec.Value, sec.Note, sec.Victim, x.Org == who.Org
	if sec.Ref != "" { // in clear in rows of before
		x.Ref = sec.Ref
	}
	if !x.Mine {
		x.Entry = ""
		if !x.Named {
			x.Org, x.Ref, x.Victim = "", "", ""
		}
	}
	return nil
}

// List lists sightings within reach, the newest first.
func (s *Service) List(ctx context.Context, f Filter) (out []Sighting, next string, err error) {
	err = s.read(ctx, "sighting.list", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		tag := ""
		if f.Value != "" {
			_, value, ok := Normal(f.Value, false)
			if !ok {
				_, value, _ = Normal(f.Value, true)
			}
			c, err := s.Keys.For(ctx, tx, tagOwner)
			if errors.Is(err, db.ErrNoRows) { // nothing was ever seen
				return nil
			}
			if err != nil {
				return err
			}
			tag = c.Tag("sighting/value", value)
		}
		if out, next, err = list(ctx, tx, f, tag, who, reach); err != nil {
			return err
		}
		for i := range out {
			if err := s.open(ctx, tx, &out[i], who); err != nil {
				return err
			}
		}
		return nil
	})
	return out, next, err
}

// Get returns a sighting within reach, with its evidence. Faults: ErrNone.
func (s *Service) Get(ctx context.Context, id string) (out Sighting, err error) {
	err = s.read(ctx, "sighting.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		if out, err = load(ctx, tx, id, who, reach); err != nil {
			return err
		}
		if err := s.open(ctx, tx, &out, who); err != nil {
			return err
		}
		if out.Mine || out.Named { // evidence tells whose network it is from
			out.Files, err = s.Blobs.Of(ctx, tx, objectOf(id))
		}
		return err
	})
	return out, err
}

// Withdraw takes back a sighting of one's own organisation. It stays on the
// record. Faults: ErrNone, ErrWithdrawn.
func (s *Service) Withdraw(ctx context.Context, id, why string) error {
	act := &ledger.Act{Verb: "sighting.withdraw", Object: objectOf(id), Secret: clean(why)}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		x, err := load(ctx, tx, id, who, gate.Own)
		if err != nil {
			return err
		}
		ok, err := withdraw(ctx, tx, id, s.now())
		if err != nil {
			return err
		}
		if !ok {
			return ErrWithdrawn
		}
		return publish(ctx, tx, "withdrawn", x)
	})
}

// Seen sums up what was seen of a vulnerability, for whoever decides how urgent
// it is. It names nobody.
func (s *Service) Seen(ctx context.Context, tx *db.Tx, vulnerability string) (Seen, error) {
	return sum(ctx, tx, vulnerability, "")
}

// SeenOpen is Seen of what everybody may be moved by: a sighting that is
// TLP:RED or classified must not show in what others are told is urgent.
func (s *Service) SeenOpen(ctx context.Context, tx *db.Tx, vulnerability string) (int, error) {
	return countOpen(ctx, tx, vulnerability)
}

// SeenValue sums up what was seen of an address, domain, URL or hash.
func (s *Service) SeenValue(ctx context.Context, tx *db.Tx, value string) (Seen, error) {
	_, v, ok := Normal(value, false)
	if !ok {
		return Seen{}, nil
	}
	c, err := s.Keys.For(ctx, tx, tagOwner)
	if errors.Is(err, db.ErrNoRows) {
		return Seen{}, nil
	}
	if err != nil {
		return Seen{}, err
	}
	return sum(ctx, tx, "", c.Tag("sighting/value", v))
}

// Attach adds evidence to a sighting of one's own. Faults: ErrNone, ErrFiles,
// blob.ErrTooLarge.
func (s *Service) Attach(ctx context.Context, id string, r io.Reader, name string) (m blob.Meta, err error) {
	act := &ledger.Act{Verb: "sighting.attach", Object: objectOf(id)}
	mine := func(tx *db.Tx, who gate.Identity) error {
		x, err := load(ctx, tx, id, who, gate.Own)
		if err == nil && !x.WithdrawnAt.IsZero() {
			err = ErrWithdrawn
		}
		if err != nil {
			return err
		}
		files, err := s.Blobs.Of(ctx, tx, objectOf(id))
		if err == nil && len(files) >= maxFiles {
			err = fault.New(fault.Conflict, ErrFiles.Code, "max", maxFiles)
		}
		return err
	}
	if err := s.read(ctx, act.Verb, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return mine(tx, who) }); err != nil {
		return m, err // before anything is read of the file
	}
	staged, err := s.Blobs.Stage(r, name)
	if err != nil {
		return m, err
	}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if err := mine(tx, who); err != nil {
			return err
		}
		m, err = s.Blobs.Add(ctx, tx, staged, who.Org, objectOf(id))
		act.Public, act.Secret = map[string]any{"file": m.ID}, m
		return err
	})
	return m, err
}

// Download opens evidence of a sighting within reach. The caller closes it.
func (s *Service) Download(ctx context.Context, id, file string) (m blob.Meta, content io.ReadCloser, err error) {
	err = s.read(ctx, "sighting.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		x, err := load(ctx, tx, id, who, reach)
		if err != nil {
			return err
		}
		// A file that is not shown looks like a sighting that is not there.
		m, err = s.Blobs.Get(ctx, tx, file)
		if errors.Is(err, blob.ErrNone) || err == nil && (m.Object != objectOf(id) || x.Org != who.Org && !x.Named) {
			return ErrNone
		}
		return err
	})
	if err != nil {
		return m, nil, err
	}
	content, err = s.Blobs.Open(m)
	return m, content, err
}

// mayRecord refuses, on record, who may not record sightings; for a form that
// would only lead to a refusal.
func (s *Service) mayRecord(ctx context.Context) error {
	return s.read(ctx, "sighting.record", func(*db.Tx, gate.Identity, gate.Reach) error { return nil })
}

// Names returns the names of organisations in the reader's language, of
// sightings they were given.
func (s *Service) Names(ctx context.Context, list ...Sighting) (names map[org.ID]string, err error) {
	err = s.read(ctx, "sighting.list", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		var ids []org.ID
		for _, x := range list {
			if x.Org != "" {
				ids = append(ids, org.ID(x.Org))
			}
		}
		lang, _ := text.ParseLang(who.Lang)
		names, err = s.Orgs.Names(ctx, tx, lang, ids...)
		return err
	})
	return names, err
}
