package act

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/blob"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/measure"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB        *db.DB
	Ledger    *ledger.Ledger
	Keys      *key.Store
	Blobs     *blob.Store
	Orgs      *org.Service
	Approvals *approval.Service
	Measures  *measure.Service
	Signer    note.Signer // signs instructions: the key that signs Grants
	Authority string      // verifier of that key, for who runs an actuator
	Numbers   Numbers     // zero: data/rules.toml
	Now       func() time.Time

	// Own returns the networks that an organisation registered as its own.
	Own func(ctx context.Context, tx *db.Tx, unit string) ([]netip.Prefix, error)
}

// Service is what people and actuators do with own-network orders: one method per
// intention.
type Service struct {
	Config
	bells   bells
	repeats repeats
}

// New returns the service. It fails when the numbers do not hold together.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Numbers.MostHours.Value == 0 {
		n, err := BuiltIn()
		if err != nil {
			return nil, err
		}
		c.Numbers = n
	}
	return &Service{Config: c, bells: bells{by: map[string]chan struct{}{}}, repeats: repeats{at: map[ID]time.Time{}}}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func objectOf(id ID) string { return "act/" + id }

// bells wake the contacts of an organisation's actuators that wait in this
// process; those of another process look by themselves every second.
type bells struct {
	sync.Mutex
	by map[string]chan struct{}
}

// of is the channel that is closed at the next ring.
func (b *bells) of(unit string) <-chan struct{} {
	b.Lock()
	defer b.Unlock()
	c := b.by[unit]
	if c == nil {
		c = make(chan struct{})
		b.by[unit] = c
	}
	return c
}

func (b *bells) ring(unit string) {
	b.Lock()
	defer b.Unlock()
	if c := b.by[unit]; c != nil {
		close(c)
		delete(b.by, unit)
	}
}

// between is the least time between two instructions of this process to undo the
// same order, which is over here and stays with its actuator.
const between = time.Minute

// repeats are the instants of those instructions.
type repeats struct {
	sync.Mutex
	at map[ID]time.Time
}

// due reports whether an order is to be undone again now, and counts it as done.
func (r *repeats) due(id ID, now time.Time) bool {
	r.Lock()
	defer r.Unlock()
	maps.DeleteFunc(r.at, func(_ ID, at time.Time) bool { return now.Sub(at) >= between })
	if _, waits := r.at[id]; waits {
		return false
	}
	r.at[id] = now
	return true
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// at is where an act on an order happens.
type at struct {
	ctx context.Context
	tx  *db.Tx
	act *ledger.Act
	who gate.Identity
	o   *Order
	now time.Time
}

// move is one act on an order, in the form that all of them have.
type move struct {
	verb string
	id   string
	by   Side
	what string                     // name in Steps and in the history; empty: the verb without its noun
	say  string                     // why, in words; sealed
	fn   func(a *at) (State, error) // rules and what follows; returns where it leads
}

// do makes an act: gate, order, rule, history, ledger, in this order and in one
// transaction. Faults: ErrNone, ErrStep, ErrRevision, and those of the act.
func (s *Service) do(ctx context.Context, m move) (o Order, err error) {
	act := &ledger.Act{Verb: m.verb, Object: objectOf(m.id)}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, m.verb)
		if err != nil {
			return err
		}
		if m.by == MachineSide {
			if err := machine(who); err != nil {
				return err
			}
		}
		if o, err = loadOrder(ctx, tx, m.id, who, reach, true); err != nil {
			return err
		}
		return s.moved(&at{ctx, tx, act, who, &o, s.now()}, m)
	})
	if err == nil {
		s.bells.ring(o.Org)
	}
	return o, err
}

// moved is the act itself, on an order that was loaded for it.
func (s *Service) moved(a *at, m move) error {
	was := a.o.State
	a.act.Object, a.act.Grant = objectOf(a.o.ID), a.o.Approval
	if a.act.Public == nil {
		a.act.Public = map[string]any{}
	}
	if m.what == "" {
		m.what = m.verb[len("act."):]
	}
	to, err := m.fn(a)
	if err != nil {
		return err
	}
	if to == "" {
		to = was
	} else if err := step(was, m.what, to, m.by); err != nil {
		return err
	}
	a.o.State = to
	if a.o.Approval != "" {
		a.act.Grant = a.o.Approval
	}
	if to != was {
		a.act.Public["to"] = string(to)
		if was != "" {
			a.act.Public["from"] = string(was)
		}
		if to.over() {
			a.o.EndedAt = a.now
		}
	}
	if m.say != "" {
		a.act.Secret = m.say
	}
	if err := s.remember(a, m, was); err != nil {
		return err
	}
	if err := updateOrder(a.ctx, a.tx, a.o); err != nil {
		return err
	}
	return publish(a.ctx, a.tx, "moved", Happened{Order: a.o.ID, Org: a.o.Org, Act: m.what, State: to, Chain: a.o.Task.Chain})
}

// remember writes an act into the history.
func (s *Service) remember(a *at, m move, was State) error {
	p := Past{ID: newID(), Act: m.what, From: was, To: a.o.State, By: m.by, At: a.now, Entry: a.act.Entry, person: a.who.Person}
	k, err := s.Keys.Make(a.ctx, a.tx, a.o.Org)
	if err != nil {
		return err
	}
	p.sealed = k.Seal([]byte(m.say), "measure_order_act/"+p.ID)
	return insertPast(a.ctx, a.tx, a.o.ID, p)
}

// seal keeps what was said of an order.
func (s *Service) seal(ctx context.Context, tx *db.Tx, o *Order, said *Said) error {
	k, err := s.Keys.Make(ctx, tx, o.Org)
	if err != nil {
		return err
	}
	o.sealed, err = k.SealJSON(said, objectOf(o.ID))
	return err
}

// open opens what was said of an order, and its dry run.
func (s *Service) open(ctx context.Context, tx *db.Tx, o *Order) error {
	k, err := s.Keys.For(ctx, tx, o.Org)
	if err != nil {
		return fmt.Errorf("order %s: %w", o.ID, err)
	}
	o.Words = new(Said)
	if err := k.OpenJSON(o.sealed, objectOf(o.ID), o.Words); err != nil || len(o.shown) == 0 {
		return err
	}
	o.Shown = new(Shown)
	return k.OpenJSON(o.shown, objectOf(o.ID)+"/shown", o.Shown)
}

// stage keeps a list of targets, encrypted, outside the transaction.
func (s *Service) stage(raw []byte) (blob.Meta, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		return blob.Meta{}, err
	}
	if _, err := w.Write(raw); err != nil {
		return blob.Meta{}, err
	}
	if err := w.Close(); err != nil {
		return blob.Meta{}, err
	}
	return s.Blobs.Stage(&b, "targets.gz")
}

// maxListBytes bounds a list when it is read again.
const maxListBytes = mostTargets * 256

// targets reads the list of an order.
func (s *Service) targets(ctx context.Context, tx *db.Tx, o *Order) ([]byte, error) {
	m, err := s.Blobs.Get(ctx, tx, o.blob)
	if err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.ID, err)
	}
	f, err := s.Blobs.Open(m)
	if err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.ID, err)
	}
	defer f.Close()
	r, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.ID, err)
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxListBytes))
	if err != nil {
		return nil, fmt.Errorf("targets of %s: %w", o.ID, err)
	}
	if digestOf(raw) != o.Task.Targets {
		return nil, ErrChanged
	}
	return raw, nil
}
