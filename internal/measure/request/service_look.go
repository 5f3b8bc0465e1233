package request

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/fetch"
	"noroshi/internal/base/ledger"
)

// Found is who could be asked, as registries say.
type Found struct {
	Query   Query       `json:"query"`
	At      time.Time   `json:"at"`
	Found   []Candidate `json:"found"`
	Remarks []Remark    `json:"remarks"`
	Kept    bool        `json:"kept,omitempty"` // from an earlier look; nobody was asked now
}

// Bounds of looking.
const (
	lookFor   = 20 * time.Second
	restFor   = time.Minute         // between looks at the same
	keptFor   = 24 * time.Hour      // an answer is used again
	dropAfter = 30 * 24 * time.Hour // and then forgotten
	perHour   = 60                  // looks of one organisation
	perLook   = 8                   // answers of registries
)

// Look asks registries who is responsible for an address, a name or an AS: those
// that the bootstrap files name, as far as they are configured, and never the
// machine itself. What an organisation asked within a day is answered from what it
// learned; another organisation is not told that anybody asked. Faults: ErrOff,
// ErrOften, ErrInvalid with places.
func (s *Service) Look(ctx context.Context, q Query, fresh bool) (f Found, err error) {
	who, _, refused := Access.Allow(ctx, "request.look")
	act := &ledger.Act{Verb: "request.look", Object: objectOf("look"), Secret: q}
	if refused != nil {
		return f, s.Ledger.Refuse(ctx, act.Verb, "", fault.Of(refused))
	}
	if q, err = q.normal(); err != nil {
		return f, err
	}
	if !s.Registries.Known() || s.Out == nil {
		return f, ErrOff
	}
	var tag string
	// The intent: that somebody outside is asked is on the record before they are.
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		now := s.now()
		k, err := s.Keys.Make(ctx, tx, who.Org)
		if err != nil {
			return err
		}
		tag = k.Tag("request/lookup", q.key())
		sealed, asked, err := lookup(ctx, tx, who.Org, tag)
		if err != nil {
			return err
		}
		if sealed != nil {
			if err := s.Keys.OpenJSON(ctx, tx, who.Org, sealed, "request_lookup/"+tag, &f); err != nil {
				return err
			}
			soon := now.Sub(asked) < restFor // asked just now, by somebody of the same organisation
			if f.Kept = !f.At.IsZero() && (soon || now.Sub(f.At) < keptFor && !fresh); f.Kept {
				act.Public = map[string]any{"kept": true}
				return nil
			}
			if soon {
				return ErrOften
			}
		}
		n, err := looked(ctx, tx, who.Org, now.Add(-time.Hour))
		if err != nil {
			return err
		}
		if n >= perHour {
			return ErrOften
		}
		act.Public = map[string]any{"kept": false, "address": q.Address != "", "name": q.Name != "", "as": q.ASN != 0}
		return s.learn(ctx, tx, who.Org, tag, Found{Query: q})
	})
	if err != nil || f.Kept {
		return f, err
	}
	f = s.ask(ctx, q)
	done := &ledger.Act{Verb: "request.look", Object: act.Object, Public: map[string]any{"phase": "outcome", "intent": act.Entry, "found": len(f.Found)}}
	_, err = s.Ledger.Do(ctx, done, func(tx *db.Tx) error { return s.learn(ctx, tx, who.Org, tag, f) })
	return f, err
}

// sourced says of a contact that it is from a registry only where an organisation
// learned it there; else it was found by hand.
func (s *Service) sourced(a *at) error {
	c, m := &a.d.To, &a.d.Subject
	if c.Source != ByRDAP {
		return nil
	}
	c.Source, c.FoundAt = ByHand, time.Time{}
	k, err := s.Keys.For(a.ctx, a.tx, a.r.Org)
	if errors.Is(err, db.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, q := range []Query{{m.Address, nameOf(*m), m.ASN}, {m.Address, nameOf(*m), 0}, {Address: m.Address}, {Name: nameOf(*m)}, {ASN: m.ASN}} {
		tag := k.Tag("request/lookup", q.key())
		sealed, _, err := lookup(a.ctx, a.tx, a.r.Org, tag)
		if err != nil {
			return err
		}
		var f Found
		if sealed == nil {
			continue
		}
		if err := s.Keys.OpenJSON(a.ctx, a.tx, a.r.Org, sealed, "request_lookup/"+tag, &f); err != nil {
			return err
		}
		if slices.ContainsFunc(f.Found, func(x Candidate) bool { return x.Mail == c.Mail }) {
			c.Source, c.FoundAt = ByRDAP, f.At
			return nil
		}
	}
	return nil
}

// nameOf is the name that a registry of names is asked about.
func nameOf(s Subject) string {
	if s.Name != "" {
		return s.Name
	}
	u, err := url.Parse(s.URL)
	if err != nil || isAddress(u.Hostname()) {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

func (s *Service) learn(ctx context.Context, tx *db.Tx, owner, tag string, f Found) error {
	sealed, err := s.Keys.SealJSON(ctx, tx, owner, f, "request_lookup/"+tag)
	if err != nil {
		return err
	}
	return putLookup(ctx, tx, owner, tag, sealed, s.now())
}

// ask asks the registries, one after another.
func (s *Service) ask(ctx context.Context, q Query) Found {
	ctx, stop := context.WithTimeout(ctx, 3*lookFor)
	defer stop()
	l := looking{s: s, q: q, left: perLook, out: Found{Query: q, At: s.now(), Found: []Candidate{}, Remarks: []Remark{}}}
	asn := q.ASN
	if q.Address != "" {
		if n := l.about(ctx, OfNetwork, s.Registries.network(q.Address)); asn == 0 {
			asn = n
		}
	}
	if q.Name != "" {
		l.about(ctx, OfName, s.Registries.name(q.Name))
	}
	// Nobody to be asked about the address: whoever announces it.
	holder := slices.ContainsFunc(l.out.Found, func(c Candidate) bool { return c.Of == OfNetwork && !c.Registry && c.Role == "abuse" })
	if asn != 0 && !holder {
		l.about(ctx, OfAS, s.Registries.as(asn))
	}
	return l.out
}

// looking is one look at registries.
type looking struct {
	s    *Service
	q    Query
	left int
	out  Found
}

func (l *looking) remark(code string, of Of, detail string) {
	l.out.Remarks = append(l.out.Remarks, Remark{code, of, clip(detail)})
}

// about asks the registries that answer for one thing until one does, and follows
// where they say that more is known. It returns the AS that they name.
func (l *looking) about(ctx context.Context, of Of, at []string) (asn uint32) {
	if len(at) == 0 {
		l.remark("no_registry", of, "")
		return 0
	}
	for _, address := range at {
		r, ok := l.one(ctx, of, address)
		if !ok {
			continue
		}
		l.out.Remarks = append(l.out.Remarks, r.remarks...)
		holder := slices.ContainsFunc(r.found, func(c Candidate) bool { return !c.Registry })
		for _, further := range r.related {
			if holder && of != OfName { // what a national registry would say is known
				break
			}
			if more, ok := l.one(ctx, of, further); ok {
				r.found = append(more.found, r.found...)
				l.out.Remarks = append(l.out.Remarks, more.remarks...)
			}
		}
		if len(r.found) == 0 {
			l.remark("nobody", of, "")
		}
		l.out.Found = append(l.out.Found, r.found...)
		return r.asn
	}
	return 0
}

// one asks one registry.
func (l *looking) one(ctx context.Context, of Of, address string) (reply, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return reply{}, false
	}
	if l.q.suspect(u.Hostname()) {
		l.remark("suspect", of, u.Hostname())
		return reply{}, false
	}
	if l.left--; l.left < 0 {
		return reply{}, false
	}
	raw, err := l.s.fetch(ctx, address)
	if err != nil {
		code := map[string]string{"fetch.host": "closed", "fetch.scheme": "closed", "fetch.address": "closed"}[fault.Of(err).Code]
		if status, ok := fault.Of(err).Args["status"].(int); ok && status == 404 {
			code = "not_found"
		}
		if code == "" {
			code = "unreachable"
		}
		l.remark(code, of, u.Hostname())
		return reply{}, false
	}
	r, err := readReply(raw, of)
	if err != nil {
		l.remark("unreachable", of, u.Hostname())
		return reply{}, false
	}
	for i := range r.found {
		r.found[i].Server = u.Hostname()
	}
	return r, true
}

// fetch gets an answer by the policy of the way out.
func (s *Service) fetch(ctx context.Context, address string) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, lookFor)
	defer stop()
	got, err := s.Out.Get(ctx, fetch.Want{URL: address, Dir: s.Dir, Max: maxReply})
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(got.Path)
	if e := os.Remove(got.Path); e != nil && err == nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("answer of a registry: %w", err)
	}
	return raw, nil
}

// forget drops answers of registries that are old.
func (s *Service) forget(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *db.Tx) error { return forgetLookups(ctx, tx, s.now().Add(-dropAfter)) })
}

var errNothing = errors.New("nothing to do")
