package org

import (
	"context"
	"regexp"
	"slices"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// Errors of one's own account.
var (
	ErrPassword    = fault.New(fault.Invalid, "org.me.password") // the present one is wrong
	ErrSessionGone = fault.New(fault.NotFound, "org.session.gone")
	ErrTokenGone   = fault.New(fault.NotFound, "org.token.gone")
	ErrManyTokens  = fault.New(fault.Conflict, "org.token.many")
)

// Me is who acts: the person, their organisation, and how many recovery codes
// they have left.
type Me struct {
	Person    Person        `json:"person"`
	Org       Org           `json:"org"`
	CodesLeft int           `json:"codes_left"`
	Session   string        `json:"session,omitempty"`
	Scopes    []string      `json:"scopes,omitempty"`
	Identity  gate.Identity `json:"-"`
}

// Me returns who acts. Every token may ask, whatever its scopes: otherwise its
// holder could not find out what it is.
func (s *Service) Me(ctx context.Context) (me Me, err error) {
	who, ok := gate.From(ctx)
	if !ok {
		return me, gate.ErrSignIn
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		me.Identity, me.Session, me.Scopes = who, who.Session, who.Scopes
		if me.Person, err = readPerson(ctx, tx, PersonID(who.Person), who, gate.Own); err != nil {
			return gone(err, gate.ErrSignIn)
		}
		if me.Org, err = loadOrg(ctx, tx, me.Person.Org, who, gate.Own); err != nil {
			return gone(err, gate.ErrSignIn)
		}
		me.CodesLeft, err = codesLeft(ctx, tx, me.Person.ID)
		return err
	})
	return me, err
}

// SetLang sets the language the program speaks to who acts.
func (s *Service) SetLang(ctx context.Context, lang text.Lang) error {
	act := &ledger.Act{Verb: "me.change"}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		p, err := loadPerson(ctx, tx, PersonID(who.Person), who, gate.Own)
		if err != nil {
			return gone(err, gate.ErrSignIn)
		}
		if !slices.Contains(text.Langs, lang) {
			return fault.New(fault.Invalid, "org.person.lang", "lang", string(lang))
		}
		p.Lang = lang
		act.Public = map[string]any{"lang": lang}
		return updatePerson(ctx, tx, p)
	})
}

// ChangePassword replaces the password of who acts. The session gets a new
// secret, which is returned, and all others end. Faults: ErrPassword,
// org.password.*, ErrWait.
func (s *Service) ChangePassword(ctx context.Context, old, fresh string, from Device) (Signed, error) {
	who, _, err := s.admit(ctx, "me.change")
	if err != nil {
		return Signed{}, err
	}
	id := PersonID(who.Person)
	me, err := s.Me(ctx)
	if err != nil {
		return Signed{}, err
	}
	if err := CheckPassword(fresh, me.Person.Name, me.Person.Mail, me.Org.Name.JA, me.Org.Name.EN, me.Org.Kana); err != nil {
		return Signed{}, err
	}
	// Somebody at an unlocked screen must not guess faster than at the door.
	if err := s.charge(ctx, me.Person.Mail, from); err != nil {
		return Signed{}, err
	}
	var c credential
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		c, err = loadCredential(ctx, tx, id, false)
		return gone(err, ErrPassword)
	})
	if err != nil {
		return Signed{}, err
	}
	right, _, err := s.hasher.verify(ctx, old, c.password)
	if err != nil {
		return Signed{}, err
	}
	if !right[0] {
		return Signed{}, ErrPassword
	}
	digest, err := s.hasher.hash(ctx, fresh)
	if err != nil {
		return Signed{}, err
	}
	out := Signed{Person: id}
	act := &ledger.Act{Verb: "me.change"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		now := s.now()
		cur, err := loadCredential(ctx, tx, id, true)
		if err != nil {
			return gone(err, ErrPassword)
		}
		if cur.password != c.password { // changed meanwhile
			return ErrStale
		}
		cur.password = digest
		if err := saveCredential(ctx, tx, id, cur, now); err != nil {
			return err
		}
		if _, err := endSessions(ctx, tx, id, who.Session, now); err != nil {
			return err
		}
		if err := voidTickets(ctx, tx, id, now); err != nil {
			return err
		}
		if err := clearAttempt(ctx, tx, keyOf("mail", me.Person.Mail)); err != nil {
			return err
		}
		var stored []byte
		out.Secret, stored = newSecret(sessionPrefix)
		act.Public = map[string]any{"what": "password"}
		out.ExpiresAt, err = rotateSession(ctx, tx, who.Session, stored)
		return gone(err, gate.ErrSignIn)
	})
	return out, err
}

// NewCodes replaces the recovery codes of who acts, given a code of their
// device, and returns the new ones, shown once. Fault: ErrCode.
func (s *Service) NewCodes(ctx context.Context, code string, from Device) (codes []string, err error) {
	who, _, err := s.admit(ctx, "me.change")
	if err != nil {
		return nil, err
	}
	me, err := s.Me(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.charge(ctx, me.Person.Mail, from); err != nil {
		return nil, err
	}
	now := s.now()
	how, step, err := s.proof(ctx, PersonID(who.Person), code, now)
	if err != nil {
		return nil, gone(err, ErrCode)
	}
	if how != byCode {
		return nil, ErrCode
	}
	codes = newCodes(recoveryCodes)
	act := &ledger.Act{Verb: "me.change"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		if ok, err := useStep(ctx, tx, PersonID(who.Person), step); err != nil || !ok {
			return orFault(err, ErrCode)
		}
		if err := clearAttempt(ctx, tx, keyOf("mail", me.Person.Mail)); err != nil {
			return err
		}
		act.Public = map[string]any{"what": "recovery_codes"}
		return setCodes(ctx, tx, PersonID(who.Person), codes)
	})
	return codes, err
}

// ofPerson returns the person whose sessions or tokens are meant: oneself when
// id is empty. Others are for the hub's administrators.
func ofPerson(id PersonID, who gate.Identity, reach gate.Reach) (PersonID, error) {
	if id == "" || string(id) == who.Person {
		return PersonID(who.Person), nil
	}
	if reach != gate.All {
		return "", ErrPersonGone
	}
	return id, nil
}

// Sessions returns where a person is signed in, the latest first; oneself when
// id is empty.
func (s *Service) Sessions(ctx context.Context, id PersonID) (out []Session, err error) {
	err = s.read(ctx, "session.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		id, err := ofPerson(id, who, reach)
		if err != nil {
			return err
		}
		out, err = listSessions(ctx, tx, id, s.now())
		for i := range out {
			out[i].Current = out[i].ID == who.Session
		}
		return err
	})
	return out, err
}

// EndSession ends one session of a person; oneself when id is empty. Fault:
// ErrSessionGone.
func (s *Service) EndSession(ctx context.Context, id PersonID, session string) error {
	act := &ledger.Act{Verb: "session.end", Object: "session/" + session}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		id, err := ofPerson(id, who, reach)
		if err != nil {
			return err
		}
		if ok, err := endSession(ctx, tx, session, id, s.now()); err != nil || !ok {
			return orFault(err, ErrSessionGone)
		}
		act.Public = map[string]any{"person": ledger.Person(id)}
		return nil
	})
}

// EndOthers ends all sessions of who acts but the present one, and returns how
// many there were.
func (s *Service) EndOthers(ctx context.Context) (n int64, err error) {
	act := &ledger.Act{Verb: "session.end"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		n, err = endSessions(ctx, tx, PersonID(who.Person), who.Session, s.now())
		act.Public = map[string]any{"ended": n}
		return err
	})
	return n, err
}

var scopeForm = regexp.MustCompile(`^[a-z]+\.([a-z_]+|\*)$`)

// checkToken returns the fault of what was asked for, with all places.
func (s *Service) checkToken(name string, scopes []string, life time.Duration) (Token, error) {
	var p problems
	t := Token{Name: p.text("name", name, true, maxName), Scopes: normalSet(scopes)}
	if len(t.Scopes) == 0 {
		p.add("scopes", "org.token.scope_missing")
	}
	if len(scopes) > maxScopes {
		p.add("scopes", "org.token.scope_many", "max", maxScopes)
	}
	for i, sc := range t.Scopes {
		switch {
		case !scopeForm.MatchString(sc), s.Verbs != nil && !s.known(sc):
			p.add(index("scopes", i), "org.token.scope_unknown", "scope", sc)
		case slices.Contains(sessionOnly, sc):
			p.add(index("scopes", i), "org.token.scope_session", "scope", sc)
		}
	}
	if life == 0 {
		life = tokenLife
	}
	if life < time.Minute || life > maxTokenLife {
		p.add("days", "org.token.life", "max", int(maxTokenLife/(24*time.Hour)))
	}
	t.IssuedAt = s.now()
	t.ExpiresAt = t.IssuedAt.Add(life)
	return t, p.fault("org.token.invalid")
}

func (s *Service) known(scope string) bool {
	if slices.Contains(s.Verbs, scope) {
		return true
	}
	noun, all := cutStar(scope)
	return all && slices.ContainsFunc(s.Verbs, func(v string) bool { return len(v) > len(noun) && v[:len(noun)] == noun })
}

// cutStar returns "asset." of "asset.*".
func cutStar(scope string) (noun string, all bool) {
	if scope == "" || scope[len(scope)-1] != '*' {
		return scope, false
	}
	return scope[:len(scope)-1], true
}

// IssueToken issues an API token to who acts. It can do at most what they can,
// of that only the scopes, and nothing that makes access. A life of zero is 90
// days. The secret is returned once. Faults: org.token.invalid with places,
// ErrManyTokens.
func (s *Service) IssueToken(ctx context.Context, name string, scopes []string, life time.Duration) (Token, string, error) {
	return s.issueToken(ctx, "", name, scopes, life)
}

// IssueTokenFor issues a token to a person, for the admin commands on the
// machine itself. Faults as IssueToken, and ErrPersonGone,
// ErrNotJoined with mail, ErrState.
func (s *Service) IssueTokenFor(ctx context.Context, id PersonID, name string, scopes []string, life time.Duration) (Token, string, error) {
	return s.issueToken(ctx, id, name, scopes, life)
}

func (s *Service) issueToken(ctx context.Context, id PersonID, name string, scopes []string, life time.Duration) (t Token, secret string, err error) {
	act := &ledger.Act{Verb: "token.issue"}
	err = s.do(ctx, act, func(tx *db.Tx, who gate.Identity, _ gate.Reach) error {
		// A token for another would act in their name: only the machine
		// itself, where nobody is signed in, issues one.
		if id == "" {
			id = PersonID(who.Person)
		} else if who.Person != "" && string(id) != who.Person {
			return ErrPersonGone
		}
		p, err := loadPerson(ctx, tx, id, who, gate.All)
		if err != nil {
			return gone(err, ErrPersonGone)
		}
		switch p.State {
		case Active:
		case Invited:
			return fault.New(fault.Conflict, ErrNotJoined.Code, "mail", p.Mail)
		default:
			return ErrState
		}
		if t, err = s.checkToken(name, scopes, life); err != nil {
			return err
		}
		n, err := countTokens(ctx, tx, id, t.IssuedAt)
		if err != nil {
			return err
		}
		if n >= maxTokens {
			return ErrManyTokens
		}
		t.ID, t.Person = newID(), id
		var stored []byte
		secret, stored = newSecret(tokenPrefix)
		act.Object = "token/" + t.ID
		act.Public = map[string]any{"person": ledger.Person(id), "scopes": t.Scopes, "expires_at": t.ExpiresAt}
		return insertToken(ctx, tx, t, stored)
	})
	return t, secret, err
}

// Tokens returns the tokens of a person that were not revoked, the latest
// first; oneself when id is empty.
func (s *Service) Tokens(ctx context.Context, id PersonID) (out []Token, err error) {
	err = s.read(ctx, "token.read", func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		id, err := ofPerson(id, who, reach)
		if err != nil {
			return err
		}
		out, err = listTokens(ctx, tx, id)
		return err
	})
	return out, err
}

// RevokeToken revokes a token of one's own, or anybody's for the hub's
// administrators. Fault: ErrTokenGone.
func (s *Service) RevokeToken(ctx context.Context, id string) error {
	act := &ledger.Act{Verb: "token.revoke", Object: "token/" + id}
	return s.do(ctx, act, func(tx *db.Tx, who gate.Identity, reach gate.Reach) error {
		t, err := loadToken(ctx, tx, id, who, reach)
		if err != nil {
			return gone(err, ErrTokenGone)
		}
		if reach != gate.All && string(t.Person) != who.Person {
			return ErrTokenGone
		}
		if ok, err := revokeToken(ctx, tx, id, s.now()); err != nil || !ok {
			return orFault(err, ErrTokenGone)
		}
		act.Public = map[string]any{"person": ledger.Person(t.Person)}
		return nil
	})
}
