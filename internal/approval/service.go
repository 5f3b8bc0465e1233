package approval

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

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
	Threads  *thread.Store
	Orgs     *org.Service
	Signer   note.Signer   // the authority of this hub: signs orders and instructions
	Verifier note.Verifier // of the signer
	Rules    Rules         // zero: data/kinds.toml
	Fields   []string      // names that a selected record has; nil: not checked here
	Now      func() time.Time

	// Lists returns the ready lists of selectors of the organisation that asks,
	// the newest first, for a form to choose from: at most 100. Nil: a list is
	// typed in.
	Lists func(ctx context.Context) ([]Selectors, error)

	// Counts returns how many selectors a list of an organisation has, by the list's
	// SHA-256 in hex; 0 where there is no such list here. Nil: what is typed counts.
	Counts func(ctx context.Context, tx *db.Tx, org, hash string) (int, error)
}

// Service is what people do with approvals: one method per intention. Who takes
// power uses [Service.Redeem], and [Service.Alive] while it goes on.
type Service struct {
	Config

	// Refusals of Redeem undo their transaction: they wait here until the act
	// that they belong to is on the ledger.
	late struct {
		sync.Mutex
		list []Refusal
	}
}

// New returns the service. It fails when the rules do not hold together.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rules.Rows == nil {
		r, err := LoadRules("")
		if err != nil {
			return nil, err
		}
		c.Rules = r
	}
	return &Service{Config: c}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func objectOf(id ID) string { return "approval/" + id }

// tags is the owner of the key by which like cases are found, whoever asked.
const tags = "approval"

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, fn)
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// outcome is what a case says of its decision and its end.
type outcome struct {
	Conditions []string `json:"conditions,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Less       Less     `json:"less,omitzero"`
}

// unlock opens what is sealed of a case.
func (s *Service) unlock(ctx context.Context, tx *db.Tx, c *Case) error {
	k, err := s.Keys.For(ctx, tx, c.Org)
	if err != nil {
		return fmt.Errorf("approval %s: %w", c.ID, err)
	}
	if err := k.OpenJSON(c.sealed, objectOf(c.ID), &c.Asked); err != nil {
		return err
	}
	c.sealed = nil
	if len(c.outcome) == 0 {
		return nil
	}
	var o outcome
	err = k.OpenJSON(c.outcome, objectOf(c.ID)+"/outcome", &o)
	c.Conditions, c.Less, c.Reason = o.Conditions, o.Less, o.Reason
	return err
}

// conclude seals what a case says of its decision or its end.
func (s *Service) conclude(ctx context.Context, tx *db.Tx, c *Case) error {
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return err
	}
	c.outcome, err = k.SealJSON(outcome{c.Conditions, c.Reason, c.Less}, objectOf(c.ID)+"/outcome")
	return err
}

// move makes a step of a case and writes it into the history: what it rests on
// was checked.
func (s *Service) move(ctx context.Context, tx *db.Tx, act *ledger.Act, c *Case, to State, by Side, who gate.Identity, reason string) error {
	k, err := s.Keys.Make(ctx, tx, c.Org)
	if err != nil {
		return err
	}
	p := Past{From: c.State, To: to, At: s.now(), Org: who.Org, By: by, Entry: act.Entry, id: newID(), person: who.Person}
	p.sealed = k.Seal([]byte(reason), "approval_step/"+p.id)
	if err := insertStep(ctx, tx, c.ID, p); err != nil {
		return err
	}
	c.State = to
	act.Object = objectOf(c.ID)
	if act.Public == nil {
		act.Public = map[string]any{}
	}
	act.Public["kind"], act.Public["to"] = string(c.kind), string(to)
	if p.From != "" {
		act.Public["from"] = string(p.From)
	}
	return nil
}

// side writes down on which side of a case somebody acts, and refuses who acted
// on another (art 2-2; separation of persons).
func (s *Service) side(ctx context.Context, tx *db.Tx, id ID, who gate.Identity, by Side) error {
	if who.Person == "" {
		return ErrApart
	}
	other, err := otherSide(ctx, tx, id, who.Person, by)
	if err != nil {
		return err
	}
	if err := Apart(other, by); err != nil {
		return err
	}
	return putPerson(ctx, tx, id, who.Person, by)
}
