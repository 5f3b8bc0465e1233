package org

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
)

// Config is what the service needs.
type Config struct {
	DB      *db.DB
	Ledger  *ledger.Ledger
	Keys    *key.Store
	Sectors *Sectors         // nil: the built-in list
	Now     func() time.Time // nil: the clock
	Cost    Cost             // zero: DefaultCost
	Hashers int              // passwords checked at once; 0: one per two processors, at most 4
	Issuer  string           // what authenticator apps show; empty: "Noroshi"
	BaseURL string           // of the hub, to write links in full: "https://hub.example"; empty: paths only
	Verbs   []string         // all verbs of the program, to check scopes against; nil: any
	// DemoLinks allows links that sign a person in without anything else. Only
	// the demo sets it; serve never does.
	DemoLinks bool
}

// Service is what people do with organisations and their sign-in.
type Service struct {
	Config
	hasher *hasher
}

// maxWaiting bounds the sign-ins that wait for a free hasher.
const maxWaiting = 64

// New returns the service.
func New(c Config) (*Service, error) {
	if c.Sectors == nil {
		s, err := LoadSectors(nil)
		if err != nil {
			return nil, err
		}
		c.Sectors = s
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Cost == (Cost{}) {
		c.Cost = DefaultCost
	}
	if c.Hashers <= 0 {
		c.Hashers = min(max(1, runtime.GOMAXPROCS(0)/2), 4)
	}
	if c.Issuer == "" {
		c.Issuer = "Noroshi"
	}
	return &Service{Config: c, hasher: newHasher(c.Cost, c.Hashers, maxWaiting)}, nil
}

// Local returns a context in which whoever has the database and the keys acts
// on the machine itself: all of hub.admin, and nobody in the record, as for
// every act of the system itself. It is for the admin commands only.
func Local(ctx context.Context) context.Context {
	return gate.With(ctx, gate.Identity{Roles: []gate.Role{gate.HubAdmin}})
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// allow asks the table, and keeps API tokens from what only a person who
// signed in may do.
func (s *Service) allow(ctx context.Context, verb string) (gate.Identity, gate.Reach, error) {
	who, reach, err := Access.Allow(ctx, verb)
	if err == nil && who.Token != "" && slices.Contains(sessionOnly, verb) {
		return who, gate.None, fault.New(fault.Refused, gate.ErrScope.Code, "verb", gate.Verb(verb))
	}
	return who, reach, err
}

// admit is allow outside of an act: a refusal is recorded, as every one is.
func (s *Service) admit(ctx context.Context, verb string) (gate.Identity, gate.Reach, error) {
	who, reach, err := s.allow(ctx, verb)
	if err != nil && fault.KindOf(err) == fault.Refused {
		err = s.Ledger.Refuse(ctx, verb, "", fault.Of(err))
	}
	return who, reach, err
}

// read runs fn in a read-only transaction when the verb is allowed.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	who, reach, err := s.admit(ctx, verb)
	if err != nil {
		return err
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error { return fn(tx, who, reach) })
}

// do runs fn as one recorded act when the verb is allowed.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := s.allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		return fn(tx, who, reach)
	})
	return err
}

// gone turns a missing row into the fault given.
func gone(err error, f *fault.Error) error {
	if errors.Is(err, db.ErrNoRows) {
		return f
	}
	return err
}

// cipherOwner names the key under which a person's secrets are sealed. It is
// the person's own, so that erasing somebody erases what only they could use.
func cipherOwner(id PersonID) string { return "person/" + string(id) }

const totpSeal = "totp"

func (s *Service) openTOTP(ctx context.Context, tx *db.Tx, id PersonID, sealed []byte) (string, error) {
	c, err := s.Keys.For(ctx, tx, cipherOwner(id))
	if err != nil {
		return "", fmt.Errorf("sign-in key: %w", err)
	}
	raw, err := c.Open(sealed, totpSeal)
	if err != nil {
		return "", fmt.Errorf("sign-in secret: %w", err)
	}
	return string(raw), nil
}

// Session returns who a session secret stands for; gate.ErrSignIn when it
// stands for nobody (any more).
func (s *Service) Session(ctx context.Context, secret string) (gate.Identity, error) {
	if !wellFormed(secret, sessionPrefix) {
		return gate.Identity{}, gate.ErrSignIn
	}
	now := s.now()
	id, seen, err := s.identity(ctx, func(tx *db.Tx) (holder, error) { return sessionHolder(ctx, tx, storedForm(secret), now) })
	if err != nil {
		return gate.Identity{}, err
	}
	id.Session = seen.id
	// Bookkeeping, not an act: it is written at most once a minute and not
	// recorded.
	if now.Sub(seen.seen) >= seenEvery {
		err = s.DB.Write(ctx, func(tx *db.Tx) error { return touchSession(ctx, tx, seen.id, now) })
	}
	return id, err
}

// Bearer returns who an API token stands for, with its scopes; gate.ErrSignIn
// when it stands for nobody (any more).
func (s *Service) Bearer(ctx context.Context, token string) (gate.Identity, error) {
	if !wellFormed(token, tokenPrefix) {
		return gate.Identity{}, gate.ErrSignIn
	}
	now := s.now()
	id, seen, err := s.identity(ctx, func(tx *db.Tx) (holder, error) { return tokenHolder(ctx, tx, storedForm(token), now) })
	if err != nil {
		return gate.Identity{}, err
	}
	id.Token, id.Scopes = seen.id, seen.scopes
	if now.Sub(seen.seen) >= seenEvery {
		err = s.DB.Write(ctx, func(tx *db.Tx) error { return touchToken(ctx, tx, seen.id, now) })
	}
	return id, err
}

func (s *Service) identity(ctx context.Context, find func(tx *db.Tx) (holder, error)) (id gate.Identity, h holder, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		if h, err = find(tx); err != nil {
			return gone(err, gate.ErrSignIn)
		}
		id, err = s.identify(ctx, tx, h.person)
		return err
	})
	return id, h, err
}

// identify returns what the gate knows of a person.
func (s *Service) identify(ctx context.Context, tx *db.Tx, person PersonID) (gate.Identity, error) {
	p, err := readPerson(ctx, tx, person, gate.Identity{}, gate.All)
	if err != nil {
		return gate.Identity{}, gone(err, gate.ErrSignIn)
	}
	o, err := loadOrg(ctx, tx, p.Org, gate.Identity{}, gate.All)
	if err != nil {
		return gate.Identity{}, gone(err, gate.ErrSignIn)
	}
	id := gate.Identity{
		Person: string(p.ID), Name: p.Name, Org: string(o.ID), OrgName: o.In(p.Lang),
		Roles: p.Roles, Clearance: p.Clearance, Sectors: o.Sectors, Lang: string(p.Lang),
	}
	for _, k := range o.Kinds {
		id.Kinds = append(id.Kinds, string(k))
	}
	return id, nil
}

// Acting returns what the gate knows of a person who can sign in, within an act of
// somebody else who names them. Fault: ErrPersonGone.
func (s *Service) Acting(ctx context.Context, tx *db.Tx, person PersonID) (gate.Identity, error) {
	p, err := readPerson(ctx, tx, person, gate.Identity{}, gate.All)
	if err != nil {
		return gate.Identity{}, gone(err, ErrPersonGone)
	}
	if p.State != Active {
		return gate.Identity{}, ErrPersonGone
	}
	return s.identify(ctx, tx, person)
}

// Identity returns who a person acts as, for the program's own use: the demo
// and background work that acts for somebody. It opens no session.
func (s *Service) Identity(ctx context.Context, person PersonID) (id gate.Identity, err error) {
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		id, err = s.identify(ctx, tx, person)
		return err
	})
	return id, err
}
