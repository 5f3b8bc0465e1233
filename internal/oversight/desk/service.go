package desk

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"
	sumdb "golang.org/x/mod/sumdb/tlog"

	"noroshi/internal/approval"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/oversight"
)

// Config is what the service needs.
type Config struct {
	DB     *db.DB
	Ledger *ledger.Ledger
	Log    fs.FS           // the ledger's folder
	Keys   *key.Store      // of what is kept sealed
	Trust  []note.Verifier // of the log
	Kinds  approval.Rules  // numbers that approvals are judged by
	Orgs   *org.Service
	Now    func() time.Time

	Channels *channel.Service // by which letters are sent; nil: pages alone

	// Kept returns what the hub itself keeps of the sealed part of an entry, so that
	// its organisation need not look for it; a fault of kind NotFound where it keeps
	// none. Nil: the hub keeps nothing.
	Kept func(ctx context.Context, tx *db.Tx, entry string) ([]byte, error)
}

// Service is what people do at the desk: one method per intention.
type Service struct {
	Config
	Numbers Numbers
	Rules   oversight.Table // of the replay

	look   *inspection
	public struct { // counts of the public page
		sync.Mutex
		at, until time.Time
		counts    map[string]int
	}
}

// New returns the service. It fails when the numbers do not hold together.
func New(c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	n, err := LoadNumbers()
	if err != nil {
		return nil, err
	}
	rules, err := oversight.LoadTable()
	if err != nil {
		return nil, err
	}
	return &Service{Config: c, Numbers: n, Rules: rules, look: newInspection(c.Log, c.Trust, c.Kinds)}, nil
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

// vault is the owner of the key under which what the commission writes is kept.
const vault = "oversight"

// errNothing is an act that turned out to have nothing to do: nothing of it is
// kept.
var errNothing = errors.New("nothing to do")

func ignore(err, one error) error {
	if errors.Is(err, one) {
		return nil
	}
	return err
}

// gateless is the context of what the clock does: nobody acts.
func gateless(ctx context.Context) context.Context { return gate.With(ctx, gate.Identity{}) }

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// written are the kinds of organisation that the commission writes to.
var written = []org.Kind{org.Office, org.Police, org.Defence, org.Ministry, org.Foreign, org.Safety}

// Bodies lists whom a paper can be addressed to, with their names.
func (s *Service) Bodies(ctx context.Context) (out []Body, err error) {
	err = s.read(ctx, "oversight.draft", func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		lang, _ := text.ParseLang(who.Lang)
		for _, k := range written {
			bodies, err := s.Orgs.Bodies(ctx, tx, k)
			if err != nil {
				return err
			}
			for _, b := range bodies {
				out = append(out, Body{ID: string(b.ID), Name: b.Name.In(lang), Kind: string(k)})
			}
		}
		return nil
	})
	return out, err
}

// Body is an organisation that a paper can be addressed to.
type Body struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// addressable reports whether the commission writes to an organisation.
func (s *Service) addressable(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	o, err := s.Orgs.Load(ctx, tx, org.ID(id))
	if err != nil {
		return false, ignore(err, org.ErrOrgGone)
	}
	for _, k := range written {
		if o.Is(k) {
			return true, nil
		}
	}
	return false, nil
}

// Replay reads the whole ledger again, now, and writes down what it came to.
func (s *Service) Replay(ctx context.Context) error {
	if err := s.may(ctx, "oversight.replay"); err != nil {
		return err
	}
	return s.replay(ctx)
}

// replay inspects the whole log, up to which it was never taken back, in no life
// of the program.
func (s *Service) replay(ctx context.Context) error {
	if err := s.remember(ctx); err != nil {
		return err
	}
	if err := s.look.whole(ctx, s.now()); err != nil {
		return err
	}
	f, _ := s.look.now()
	act := &ledger.Act{Verb: "oversight.replay", Public: map[string]any{"size": int64(f.size), "root": f.result.Root, "violations": int64(len(f.result.Violations)) + int64(f.result.More),
		"gaps": len(f.result.Gaps), "alarms": len(f.result.Alarms)}}
	_, err := s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		if len(f.result.Gaps)+len(f.result.Alarms) > 0 {
			return nil // what is wrong is no place to go on from
		}
		return putMark(ctx, tx, f.size, f.result.Root, s.now())
	})
	return err
}

// remember gives an inspection that has read nothing yet what an earlier one saw,
// so that a log which was taken back meanwhile is noticed.
func (s *Service) remember(ctx context.Context) error {
	if _, ok := s.look.now(); ok {
		return nil
	}
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		size, root, err := mark(ctx, tx)
		if err != nil || size == 0 {
			return err
		}
		h, err := sumdb.ParseHash(root)
		if err != nil {
			return fmt.Errorf("mark of the inspection: %w", err)
		}
		s.look.mu.Lock()
		defer s.look.mu.Unlock()
		if s.look.have.Size == 0 && len(s.Trust) > 0 {
			s.look.have = tlog.Checkpoint{Origin: s.Trust[0].Name(), Size: size, Root: h}
		}
		return nil
	})
}

// may asks the gate, and records a refusal.
func (s *Service) may(ctx context.Context, verb string) error {
	if _, _, err := Access.Allow(ctx, verb); err != nil {
		return s.Ledger.Refuse(ctx, verb, "", fault.Of(err))
	}
	return nil
}
