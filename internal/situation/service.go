package situation

import (
	"context"
	"maps"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/thread"
	"noroshi/internal/incident"
	"noroshi/internal/org"
)

// Config is what the service needs. Exposed and Answered may be nil: then a
// report says nothing of them.
type Config struct {
	DB        *db.DB
	Ledger    *ledger.Ledger
	Keys      *key.Store
	Threads   *thread.Store
	Orgs      *org.Service
	Incidents *incident.Service
	Now       func() time.Time // nil: the clock

	// Exposed counts the firms and devices that a vulnerability concerns.
	Exposed func(ctx context.Context, tx *db.Tx, vulnerability string) (firms, devices int, err error)
	// Answered counts how far the notices about a vulnerability were answered.
	Answered func(ctx context.Context, tx *db.Tx, vulnerability string) (told, opened, answered, fixed int, err error)
}

// Service is what people do in a situation room: one method per intention.
type Service struct{ Config }

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{c}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func objectOf(id ID) string   { return "situation/" + id }
func taskObject(id ID) string { return "situation_task/" + id }

// do runs an act whose verb the gate has to allow; a refusal is recorded.
func (s *Service) do(ctx context.Context, act *ledger.Act, fn func(tx *db.Tx, who gate.Identity) error) error {
	_, err := s.Ledger.Allowed(ctx, Access, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
	return err
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity) error) error {
	return s.Ledger.Read(ctx, Access, verb, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error { return fn(tx, who) })
}

// room is an event with who acts in it.
type room struct {
	s   *Service
	tx  *db.Tx
	act *ledger.Act
	who gate.Identity
	e   Event
	me  Participant
	k   *key.Cipher
}

// within runs an act of a participant in an open event. parts are those that
// may; a refusal is recorded.
func (s *Service) within(ctx context.Context, act *ledger.Act, id ID, fn func(r *room) error, parts ...Part) error {
	act.Object = objectOf(id)
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity) error {
		// Acts in one room come one after the other: what a closing or a limit
		// rests on does not change under it.
		if err := lockEvent(ctx, tx, id, who); err != nil {
			return err
		}
		e, me, err := loadEvent(ctx, tx, id, who)
		if err != nil {
			return err
		}
		if !slices.Contains(parts, me.Part) {
			return ErrNotLead
		}
		if e.State != Open {
			return ErrClosed
		}
		k, err := s.Keys.Make(ctx, tx, e.Org)
		if err != nil {
			return err
		}
		return fn(&room{s, tx, act, who, e, me, k})
	})
}

// note writes into the time line and tells whose pages change: who acts, the
// lead, and others.
func (r *room) note(ctx context.Context, what, event, ref string, h Happened, others ...string) error {
	if err := note(ctx, r.tx, r.e.ID, Moment{What: what, Org: r.who.Org, Ref: ref, At: r.s.now()}); err != nil {
		return err
	}
	h.Event, h.By = r.e.ID, r.who.Org
	return publish(ctx, r.tx, event, h, append(others, r.e.Org, r.who.Org)...)
}

// touch notes that an event changed.
func (r *room) touch(ctx context.Context) error {
	r.e.UpdatedAt = r.s.now()
	return updateEvent(ctx, r.tx, r.e)
}

// What is stored encrypted under the lead's key.
type (
	eventSecret struct {
		Title, Summary, Lessons string
		About                   []string
	}
	taskSecret     struct{ Title, Detail, Answer string }
	decisionSecret struct{ What, Why string }
)

func (e *Event) seal(k *key.Cipher) (err error) {
	e.sealed, err = k.SealJSON(eventSecret{e.Title, e.Summary, e.Lessons, e.About}, objectOf(e.ID))
	return err
}

// open decrypts an event as a part sees it: who is tasked learns its title.
func (e *Event) open(k *key.Cipher, p Part) error {
	var x eventSecret
	err := k.OpenJSON(e.sealed, objectOf(e.ID), &x)
	if e.Title, e.sealed = x.Title, nil; p != Tasked {
		e.Summary, e.Lessons, e.About = x.Summary, x.Lessons, x.About
	}
	return err
}

func (t *Task) seal(k *key.Cipher) (err error) {
	t.sealed, err = k.SealJSON(taskSecret{t.Title, t.Detail, t.Answer}, taskObject(t.ID))
	return err
}

func (t *Task) open(k *key.Cipher) error {
	var x taskSecret
	err := k.OpenJSON(t.sealed, taskObject(t.ID), &x)
	t.Title, t.Detail, t.Answer, t.sealed = x.Title, x.Detail, x.Answer, nil
	return err
}

func openDecisions(k *key.Cipher, list []Decision) error {
	for i := range list {
		var x decisionSecret
		if err := k.OpenJSON(list[i].sealed, "situation_decision/"+list[i].ID, &x); err != nil {
			return err
		}
		list[i].What, list[i].Why, list[i].sealed = x.What, x.Why, nil
	}
	return nil
}

// tasks loads tasks with what they wait for. With an owner the ids of what they
// need are left out: they are others' tasks.
func (s *Service) tasks(ctx context.Context, tx *db.Tx, k *key.Cipher, event ID, owner string) ([]Task, error) {
	list, err := loadTasks(ctx, tx, event, owner)
	if err != nil {
		return nil, err
	}
	needs, done, err := loadNeeds(ctx, tx, event)
	if err != nil {
		return nil, err
	}
	for i := range list {
		t := &list[i]
		if err := t.open(k); err != nil {
			return nil, err
		}
		for _, n := range needs[t.ID] {
			t.Waits = t.Waits || !done[n]
			if owner == "" || slices.ContainsFunc(list, func(x Task) bool { return x.ID == n }) {
				t.Needs = append(t.Needs, n)
			}
		}
	}
	return list, nil
}

// names returns the names of organisations in the reader's language.
func (s *Service) names(ctx context.Context, tx *db.Tx, who gate.Identity, orgs map[string]bool) (map[string]string, error) {
	return s.Orgs.NamesFor(ctx, tx, who, slices.Collect(maps.Keys(orgs))...)
}

// admit refuses, on record, who may not open events; for the form that would
// only lead to a refusal.
func (s *Service) admit(ctx context.Context) error {
	return s.read(ctx, "situation.open", func(*db.Tx, gate.Identity) error { return nil })
}
