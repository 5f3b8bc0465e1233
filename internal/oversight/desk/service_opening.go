package desk

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/tlog"
)

func openingObject(id ID) string { return "oversight/" + id }

// safe is the owner of the key under which what one opening gave is kept; with the
// key it is destroyed.
func safe(id ID) string { return "oversight/" + id }

// asked is what is sealed of a wish: why it is asked, and why it is withheld.
type asked struct {
	Text   string `json:"text"`
	Answer string `json:"answer,omitempty"`
}

// entryOf finds an entry by its place or its id, in the signed log. Faults: ErrNone,
// ErrBusy.
func (s *Service) entryOf(ctx context.Context, what string) (e ledger.Entry, err error) {
	what = strings.TrimSpace(what)
	if place, err := strconv.ParseUint(what, 10, 64); err == nil {
		leaf, err := s.look.entry(place)
		if err != nil {
			return e, err
		}
		return ledger.ParseEntry(leaf)
	}
	p, err := s.Ledger.Prove(ctx, what)
	if err != nil {
		return e, err
	}
	proof, err := tlog.ParseProof([]byte(p.Proof))
	if err != nil {
		return e, err
	}
	if _, err := proof.Verify(tlog.LeafHash([]byte(p.Leaf)), s.Trust...); err != nil {
		return e, fmt.Errorf("entry %s: %w", what, err)
	}
	return ledger.ParseEntry([]byte(p.Leaf))
}

// Unseal asks the organisation whose act an entry is of to open its sealed part.
// Faults: ErrNone, ErrPlain, ErrTwice, ErrInvalid.
func (s *Service) Unseal(ctx context.Context, in Asking) (out Opening, err error) {
	in.Text = tidy(in.Text)
	act := &ledger.Act{Verb: "oversight.unseal"}
	if err := s.may(ctx, act.Verb); err != nil { // before anything is looked up
		return out, err
	}
	e, err := s.entryOf(ctx, in.Entry)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return out, invalid("entry", "desk.bad.entry")
	}
	if err != nil {
		return out, err
	}
	to, _, err := s.Ledger.Actor(ctx, e.ID)
	if err != nil {
		return out, err
	}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, _, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		switch twice, err := askedFor(ctx, tx, e.ID); {
		case err != nil:
			return err
		case e.Digest == "":
			return ErrPlain
		case to == "":
			return ErrSystem
		case twice:
			return ErrTwice
		case !slices.Contains(Grounds, in.Ground):
			return invalid("ground", "desk.bad.choose")
		}
		if err := need("text", in.Text, maxWords); err != nil {
			return err
		}
		now := s.now()
		o := Opening{ID: newID(), Number: newNumber("K"), Entry: e.ID, Verb: e.Verb, Object: e.Object, ActedAt: e.At, Digest: e.Digest, State: Asked, To: to, Ground: in.Ground, Text: in.Text,
			CreatedAt: now, DueAt: now.Add(s.Numbers.OpeningDays.days()), Mine: true, org: who.Org, asker: who.Person}
		if o.sealed, err = s.Keys.SealJSON(ctx, tx, vault, asked{Text: in.Text}, openingObject(o.ID)); err != nil {
			return err
		}
		act.Object, act.Secret = openingObject(o.ID), in.Text
		act.Public = o.public()
		if err := insertOpening(ctx, tx, &o); err != nil {
			return err
		}
		out = o
		return s.tellOpening(ctx, tx, "unseal", &o)
	})
	return out, err
}

// public is what the ledger says in clear of an act on an opening.
func (o *Opening) public() map[string]any {
	return map[string]any{"opening": o.ID, "number": o.Number, "entry": o.Entry, "ground": string(o.Ground), "body": ledger.Org(o.To), "asker": ledger.Person(o.asker)}
}

// Openings lists the wishes within reach, the newest first.
func (s *Service) Openings(ctx context.Context, f Filter) (out []Opening, names map[string]string, next string, err error) {
	err = s.read(ctx, "oversight.openings", func(tx *db.Tx, who gate.Identity, reach gate.Reach) (err error) {
		if out, next, err = listOpenings(ctx, tx, f, who, reach); err != nil {
			return err
		}
		var orgs []string
		for i := range out {
			if err := s.openOpening(ctx, tx, &out[i], who); err != nil {
				return err
			}
			orgs = append(orgs, out[i].To)
		}
		names, err = s.Orgs.NamesFor(ctx, tx, who, orgs...)
		return err
	})
	return out, names, next, err
}

// Opening returns one wish, without what was opened. Faults: ErrNone.
func (s *Service) Opening(ctx context.Context, id ID) (o Opening, names map[string]string, err error) {
	mine := false
	err = s.read(ctx, "oversight.openings", func(tx *db.Tx, who gate.Identity, reach gate.Reach) (err error) {
		if o, err = openingWithin(ctx, tx, id, who, reach, false); err != nil {
			return err
		}
		if err := s.openOpening(ctx, tx, &o, who); err != nil {
			return err
		}
		mine = o.State == Asked && reach == gate.Addressed
		names, err = s.Orgs.NamesFor(ctx, tx, who, o.To)
		return err
	})
	if err == nil && mine { // by itself: what the hub cannot read here a body still has to answer
		raw := ""
		if s.DB.Read(ctx, func(tx *db.Tx) (err error) { raw, err = s.kept(ctx, tx, o.Entry); return err }) == nil {
			o.Kept = raw != ""
		}
	}
	return o, names, err
}

func (s *Service) openOpening(ctx context.Context, tx *db.Tx, o *Opening, who gate.Identity) error {
	var a asked
	if err := s.Keys.OpenJSON(ctx, tx, vault, o.sealed, openingObject(o.ID), &a); err != nil {
		return err
	}
	o.Text, o.Answer = a.Text, a.Answer
	o.Mine = who.Person != "" && who.Person == o.asker
	o.Late = o.State == Asked && s.now().After(o.DueAt)
	return nil
}

// Open gives the sealed part of the entry: it is held against the digest in the
// signed log and kept for its asker alone. Faults: ErrNone, ErrStep, ErrDigest.
func (s *Service) Open(ctx context.Context, id ID, in Giving) (Opening, error) {
	salt, bad := s.salt(ctx, id, in.Salt)
	return s.end(ctx, id, "oversight.open", func(a *at, act *ledger.Act, o *Opening) error {
		if len(in.Content) > maxSecret {
			return invalid("content", "desk.bad.large", "max", maxSecret)
		}
		var err error
		if in.Kept {
			if in.Content, err = s.kept(a.ctx, a.tx, o.Entry); err != nil {
				return err
			}
		}
		if strings.TrimSpace(in.Content) == "" {
			return invalid("content", "desk.bad.empty")
		}
		if bad != nil {
			return bad
		}
		found, ok := match(in.Content, salt, o.Digest)
		if !ok {
			return ErrDigest
		}
		raw := Content{Content: string(found), Salt: base64.StdEncoding.EncodeToString(salt), Digest: o.Digest, Verified: true}
		if o.content, err = s.Keys.SealJSON(a.ctx, a.tx, safe(o.ID), raw, openingObject(o.ID)); err != nil {
			return err
		}
		o.State, o.GoneAt = Opened, a.now.Add(s.Numbers.KeepDays.days())
		act.Public["verified"] = true
		return nil
	})
}

// kept is what the hub keeps of an entry; empty where it keeps nothing.
func (s *Service) kept(ctx context.Context, tx *db.Tx, entry string) (string, error) {
	if s.Kept == nil {
		return "", nil
	}
	raw, err := s.Kept(ctx, tx, entry)
	if err != nil && fault.KindOf(err) == fault.NotFound {
		return "", nil
	}
	return string(raw), err
}

// match finds the form of what was given that opens the digest: as it is, without
// white space round it, or as the text that a person wrote.
func match(given string, salt []byte, digest string) (json.RawMessage, bool) {
	forms := []string{given, strings.TrimSpace(given)}
	for _, plain := range []string{given, strings.TrimSpace(given), tidy(given)} {
		if raw, err := json.Marshal(plain); err == nil {
			forms = append(forms, string(raw))
		}
	}
	for _, f := range forms {
		got, err := ledger.Digest(salt, json.RawMessage(f))
		if err == nil && got == digest {
			return json.RawMessage(f), true
		}
	}
	return nil, false
}

// salt is what was given, or what the ledger keeps for the entry of a wish within
// reach. It is read before the act: an act holds one connection and takes no other.
func (s *Service) salt(ctx context.Context, id ID, given string) ([]byte, error) {
	if given == "" {
		who, reach, err := Access.Allow(ctx, "oversight.open")
		if err != nil {
			return nil, err
		}
		var o Opening
		if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) { o, err = openingWithin(ctx, tx, id, who, reach, false); return err }); err != nil {
			return nil, err
		}
		r, err := s.Ledger.Receipt(ctx, o.Entry)
		if err != nil {
			return nil, err
		}
		given = r.Salt
	}
	salt, err := base64.StdEncoding.DecodeString(strings.TrimSpace(given))
	if err != nil || len(salt) == 0 {
		return nil, invalid("salt", "desk.bad.salt")
	}
	return salt, nil
}

// Withhold says why an organisation does not open an entry. It is a matter for the
// commission then. Faults: ErrNone, ErrStep, ErrInvalid.
func (s *Service) Withhold(ctx context.Context, id ID, why string) (Opening, error) {
	why = tidy(why)
	return s.end(ctx, id, "oversight.withhold", func(a *at, act *ledger.Act, o *Opening) error {
		if err := need("withhold_text", why, maxWords); err != nil {
			return err
		}
		var said asked
		if err := s.Keys.OpenJSON(a.ctx, a.tx, vault, o.sealed, openingObject(o.ID), &said); err != nil {
			return err
		}
		said.Answer = why
		sealed, err := s.Keys.SealJSON(a.ctx, a.tx, vault, said, openingObject(o.ID))
		o.sealed, o.State, act.Secret = sealed, Withheld, why
		return err
	})
}

// end is what an organisation does with a wish that waits for it.
func (s *Service) end(ctx context.Context, id ID, verb string, do func(*at, *ledger.Act, *Opening) error) (out Opening, err error) {
	act := &ledger.Act{Verb: verb}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, verb)
		if err != nil {
			return err
		}
		o, err := openingWithin(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		act.Object, act.Public = openingObject(o.ID), o.public()
		if o.State != Asked {
			return fault.New(fault.Conflict, ErrStep.Code, "state", string(o.State), "act", verb)
		}
		o.EndedAt = s.now()
		if err := do(&at{ctx, tx, who, o.EndedAt}, act, &o); err != nil {
			return err
		}
		if err := endOpening(ctx, tx, &o, Asked); err != nil {
			return err
		}
		if err := s.openOpening(ctx, tx, &o, who); err != nil {
			return err
		}
		out = o
		return s.tellOpening(ctx, tx, verb[len("oversight."):], &o)
	})
	return out, err
}

// Look shows what was opened to who asked for it, and to nobody else; each look is
// on record. Faults: ErrNone, ErrAsker, ErrGone, ErrStep.
func (s *Service) Look(ctx context.Context, id ID) (c Content, err error) {
	act := &ledger.Act{Verb: "oversight.look"}
	_, err = s.Ledger.Do(ctx, act, func(tx *db.Tx) error {
		who, reach, err := Access.Allow(ctx, act.Verb)
		if err != nil {
			return err
		}
		o, err := openingWithin(ctx, tx, id, who, reach, true)
		if err != nil {
			return err
		}
		act.Object, act.Public = openingObject(o.ID), o.public()
		switch {
		case who.Person == "" || who.Person != o.asker:
			return ErrAsker
		case o.State == Gone || o.State == Opened && !s.now().Before(o.GoneAt):
			return ErrGone
		case o.State != Opened:
			return fault.New(fault.Conflict, ErrStep.Code, "state", string(o.State), "act", "look")
		}
		return s.Keys.OpenJSON(ctx, tx, safe(o.ID), o.content, openingObject(o.ID), &c)
	})
	return c, err
}
