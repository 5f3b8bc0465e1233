package request

import (
	"context"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/measure"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
)

// Config is what the service needs.
type Config struct {
	DB         *db.DB
	Ledger     *ledger.Ledger
	Keys       *key.Store
	Orgs       *org.Service
	Measures   *measure.Service
	Office     *post.Office
	Channels   *channel.Service // by which a carrier hears of an order; nil: pages alone
	Words      *text.Catalog
	From       string        // address that mail of this hub comes from; empty: none is sent, people take the file
	Out        *fetch.Client // to registries, and to nothing else
	Registries *Registries   // which of them answers for what
	Dir        string        // folder in which answers of registries are put together
	Signer     note.Signer   // the authority of this hub: signs orders to carriers
	Verifier   note.Verifier // of the signer
	Version    string        // of the program, as a report names it
	Now        func() time.Time
}

// Service is what people do with requests: one method per intention.
type Service struct{ Config }

// New returns the service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Registries == nil {
		c.Registries = &Registries{}
	}
	return &Service{c}
}

func (s *Service) now() time.Time { return s.Now().UTC().Truncate(time.Microsecond) }

func objectOf(id ID) string { return "request/" + id }

// at is where an act happens.
type at struct {
	ctx  context.Context
	tx   *db.Tx
	act  *ledger.Act
	who  gate.Identity
	r    *Request
	d    *Draft // as it is sealed in r
	now  time.Time
	says string         // for the history
	more map[string]any // beside what every act says in clear
}

// do makes an act on a request: gate, request, rule, history, ledger, in this order
// and in one transaction. Faults: ErrNone, ErrMove, ErrRevision.
func (s *Service) do(ctx context.Context, id ID, verb string, secret any, fn func(a *at) error) (out Request, err error) {
	act := &ledger.Act{Verb: verb, Secret: secret}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, verb)
		if err != nil {
			return err
		}
		r, err := load(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		act.Object = objectOf(r.ID)
		a := &at{ctx: ctx, tx: tx, act: act, who: who, r: &r, d: new(Draft), now: s.now(), more: map[string]any{}}
		if err := s.Keys.OpenJSON(ctx, tx, r.Org, r.sealed, objectOf(r.ID), a.d); err != nil {
			return err
		}
		if err := fn(a); err != nil {
			return err
		}
		out = r
		return s.tell(ctx, tx, &r)
	})
	return out, err
}

// step makes a move, writes it into the history and the request, and says in clear
// what a replay of the rules needs: no names, no content.
func (s *Service) step(a *at, name string, by Side) error {
	was := a.r.State
	to, err := move(was, name, by, &a.r.Facts)
	if err != nil {
		return err
	}
	a.r.State, a.r.UpdatedAt = to, a.now
	if err := s.record(a, name, was, by); err != nil {
		return err
	}
	return update(a.ctx, a.tx, a.r)
}

// remembered is what is sealed of an act.
type remembered struct {
	Name string `json:"name,omitempty"`
	Says string `json:"says,omitempty"`
}

func (s *Service) record(a *at, name string, was State, by Side) error {
	p := Past{ID: newID(), Act: name, From: was, To: a.r.State, By: by, At: a.now, Entry: a.act.Entry, person: a.who.Person}
	sealed, err := s.Keys.SealJSON(a.ctx, a.tx, a.r.Org, remembered{a.who.Name, a.says}, "request_past/"+p.ID)
	if err != nil {
		return err
	}
	p.sealed = sealed
	if err := insertPast(a.ctx, a.tx, a.r.ID, p); err != nil {
		return err
	}
	a.act.Public = s.facts(a.r, name, was, by)
	for k, v := range a.more {
		a.act.Public[k] = v
	}
	return nil
}

// facts are what every act says in clear.
func (s *Service) facts(r *Request, name string, was State, by Side) map[string]any {
	pub := map[string]any{"act": name, "by": string(by), "kind": string(r.Kind), "from": string(was), "to": string(r.State), "purpose": string(r.Purpose)}
	if r.Chain != "" {
		pub["measure"], pub["chain"], pub["step"] = r.Case, r.Chain, r.Step
	}
	for name, t := range map[string]time.Time{"sent_at": r.SentAt, "gone_at": r.GoneAt, "ask_by": r.By} {
		if !t.IsZero() {
			pub[name] = t.UTC().Format(time.RFC3339Nano)
		}
	}
	return pub
}

// read runs queries that the gate has to allow; a refusal is recorded.
func (s *Service) read(ctx context.Context, verb string, fn func(tx *db.Tx, who gate.Identity, reach gate.Reach) error) error {
	return s.Ledger.Read(ctx, Access, verb, fn)
}

// keep seals a draft into its request, with what stands beside it in clear.
func (s *Service) keep(ctx context.Context, tx *db.Tx, r *Request, d *Draft) error {
	k, err := s.Keys.Make(ctx, tx, r.Org)
	if err != nil {
		return err
	}
	name := d.To.Provider
	if name == "" {
		name = domainOf(d.To.Mail)
	}
	r.provider = ""
	if name != "" {
		r.provider = k.Tag("request/provider", strings.ToLower(norm.NFKC.String(name)))
	}
	r.Kind, r.Harm, r.By, r.carrier = d.Kind, d.Subject.Harm, d.By, d.To.Org
	r.sealed, err = s.Keys.SealJSON(ctx, tx, r.Org, d, objectOf(r.ID))
	return err
}

// printer speaks a recipient's language; times in mails are UTC.
func (s *Service) printer(l text.Lang) text.Printer { return s.Words.Printer(l, time.UTC) }

// nameOf is an organisation's name in a language.
func (s *Service) nameOf(ctx context.Context, tx *db.Tx, l text.Lang, id string) (string, error) {
	names, err := s.Orgs.Names(ctx, tx, l, org.ID(id))
	return names[org.ID(id)], err
}
