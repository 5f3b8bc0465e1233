package org

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

func TestJoinAndSignIn(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "electricity")
	m := w.member(o, "hanako@example.jp", gate.OperatorAdmin)
	if len(m.codes) != recoveryCodes {
		t.Fatalf("%d recovery codes", len(m.codes))
	}
	ctx := w.in(w.signIn(m))
	who, _ := gate.From(ctx)
	if who.Org != string(o.ID) || !who.Has(gate.OperatorAdmin) || !who.Is("operator") || who.Sectors[0] != "electricity" || who.Session == "" {
		t.Errorf("%+v", who)
	}
	list, err := w.Sessions(ctx, "")
	if err != nil || len(list) != 2 || !list[0].Current || list[1].Device != "Firefox, Windows" {
		t.Errorf("sessions: %+v, %v", list, err)
	}
	// A recovery code works, once.
	for i, want := range []error{nil, ErrCode} {
		next, err := w.SignIn(t.Context(), "HANAKO@example.jp ", m.password, Device{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.SignInCode(t.Context(), next, strings.ToLower(m.codes[0]), Device{}); !errors.Is(err, want) {
			t.Errorf("recovery code, time %d: %v", i+1, err)
		}
	}
	if w.entries("session.open", "done") != 2 || w.entries("person.join", "done") != 1 {
		t.Error("signing in must be on record")
	}
}

func TestAttackerAtTheLinks(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "gas")
	p, link, err := w.Invite(w.sys, Person{Org: o.ID, Name: "試験 次郎", Mail: "jiro@example.jp", Roles: []gate.Role{gate.OperatorViewer}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := w.Enrolment(t.Context(), link)
	if err != nil {
		t.Fatal(err)
	}
	m := &member{Person: p, secret: e.Secret, password: password}
	if _, err := w.Enrolment(t.Context(), link); err != nil {
		t.Error("looking at a link must not use it up")
	}
	if _, err := w.Accept(t.Context(), link, "short", w.code(m), Device{}); !errors.Is(err, fault.New(fault.Invalid, "org.password.short")) {
		t.Errorf("weak password: %v", err)
	}
	if _, err := w.Accept(t.Context(), link, password, "000000", Device{}); !errors.Is(err, ErrCode) {
		t.Errorf("wrong code: %v", err)
	}
	for _, bad := range []string{"", "nrt_", "nrs_" + link[4:], link + "A", link[:len(link)-2] + "AA", strings.Repeat("x", 1<<20)} {
		if _, err := w.Accept(t.Context(), bad, password, w.code(m), Device{}); !errors.Is(err, ErrLink) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	// A new link makes the old one useless.
	again, purpose, err := w.Link(w.sys, p.ID, false)
	if err != nil || purpose != Invitation {
		t.Fatal(purpose, err)
	}
	if _, err := w.Enrolment(t.Context(), link); !errors.Is(err, ErrLink) {
		t.Errorf("old link: %v", err)
	}
	if e, err = w.Enrolment(t.Context(), again); err != nil || e.Secret == m.secret {
		t.Fatal("a new link enrols a new secret", err)
	}
	m.secret = e.Secret
	// Twenty at once: one wins.
	var won atomic.Int32
	var wg sync.WaitGroup
	code := w.code(m)
	for range 20 {
		wg.Go(func() {
			switch _, err := w.Accept(t.Context(), again, password, code, Device{}); {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrLink):
				t.Errorf("loser: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d used one link", won.Load())
	}
	// Expired.
	q, link, err := w.Invite(w.sys, Person{Org: o.ID, Name: "試験 三郎", Mail: "saburo@example.jp", Roles: []gate.Role{gate.OperatorViewer}})
	if err != nil {
		t.Fatal(err)
	}
	w.pass(lifetimes[Invitation])
	if _, err := w.Accept(t.Context(), link, password, "000000", Device{}); !errors.Is(err, ErrLink) {
		t.Errorf("expired: %v", err)
	}
	// Suspended before joining: the link is dead, and resuming does not make
	// somebody active who never chose a password.
	if _, _, err := w.Link(w.sys, q.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Suspend(w.sys, q.ID), w.Resume(w.sys, q.ID)); err != nil {
		t.Fatal(err)
	}
	if q, err = w.Person(w.sys, q.ID); err != nil || q.State != Invited {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestAttackerAtTheDoor(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "oil")
	m := w.member(o, "shiro@example.jp", gate.OperatorReporter)

	t.Run("a code works once", func(t *testing.T) {
		code := w.code(m)
		sign := func() error {
			next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.SignInCode(t.Context(), next, code, Device{})
			return err
		}
		if err := sign(); err != nil {
			t.Fatal(err)
		}
		if err := sign(); !errors.Is(err, ErrCode) {
			t.Errorf("replayed: %v", err)
		}
		w.pass(2 * step)
	})
	t.Run("the same code at once by twenty", func(t *testing.T) {
		var steps []string
		for range 4 { // as many as are free
			next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
			if err != nil {
				t.Fatal(err)
			}
			steps = append(steps, next)
		}
		code := w.code(m)
		var won atomic.Int32
		var wg sync.WaitGroup
		for _, next := range steps {
			for range 2 {
				wg.Go(func() {
					if _, err := w.SignInCode(t.Context(), next, code, Device{}); err == nil {
						won.Add(1)
					}
				})
			}
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d signed in with one code", won.Load())
		}
		w.pass(2 * step)
	})
	t.Run("two find the same code right before either uses it", func(t *testing.T) {
		var right int
		code := w.code(m)
		type half struct {
			t    ticket
			step int64
		}
		var halves []half
		for range 2 {
			next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
			if err != nil {
				t.Fatal(err)
			}
			tk, err := w.claim(t.Context(), next, CodeStep)
			if err != nil {
				t.Fatal(err)
			}
			how, step, err := w.proof(t.Context(), m.ID, code, w.now())
			if err != nil || how != byCode {
				t.Fatal(how, err)
			}
			halves = append(halves, half{tk, step})
		}
		for _, h := range halves {
			err := w.DB.Write(t.Context(), func(tx *db.Tx) error {
				_, err := w.spend(t.Context(), tx, h.t, m.ID, byCode, code, h.step, w.now())
				return err
			})
			if err == nil {
				right++
			} else if !errors.Is(err, ErrCode) {
				t.Error(err)
			}
		}
		if right != 1 {
			t.Errorf("%d signed in with one code", right)
		}
		w.pass(2 * time.Hour)
	})
	t.Run("few codes for one password", func(t *testing.T) {
		next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
		if err != nil {
			t.Fatal(err)
		}
		var want error = ErrCode
		for i := range maxCodeTries + 2 {
			if i == maxCodeTries {
				want = ErrStep
			}
			if _, err := w.SignInCode(t.Context(), next, "000000", Device{}); !errors.Is(err, want) {
				t.Errorf("try %d: %v", i, err)
			}
		}
		if _, err := w.SignInCode(t.Context(), next, w.code(m), Device{}); !errors.Is(err, ErrStep) {
			t.Errorf("the right code after that: %v", err)
		}
	})
	t.Run("the step expires", func(t *testing.T) {
		next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
		if err != nil {
			t.Fatal(err)
		}
		w.pass(lifetimes[CodeStep])
		if _, err := w.SignInCode(t.Context(), next, w.code(m), Device{}); !errors.Is(err, ErrStep) {
			t.Errorf("%v", err)
		}
		w.signIn(m)
	})
	t.Run("a step is no link and a link is no step", func(t *testing.T) {
		next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Accept(t.Context(), next, password, w.code(m), Device{}); !errors.Is(err, ErrLink) {
			t.Errorf("step as link: %v", err)
		}
		if _, err := w.SignInByLink(t.Context(), next, Device{}); !errors.Is(err, ErrLink) {
			t.Errorf("step as demo link: %v", err)
		}
		link, _, err := w.Link(w.sys, m.ID, true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.SignInCode(t.Context(), link, w.code(m), Device{}); !errors.Is(err, ErrStep) {
			t.Errorf("link as step: %v", err)
		}
	})
}

// What an attacker sees of an address nobody has and of one somebody has is
// the same: answers, waits, and how many of each.
func TestUnknownAddressLooksLikeAWrongPassword(t *testing.T) {
	w := newWorld(t)
	w.member(w.org(1, Operator, "water"), "goro@example.jp", gate.OperatorViewer)
	w.pass(2 * time.Hour)
	play := func(mail string) (log []string) {
		for i := range 25 {
			_, err := w.SignIn(t.Context(), mail, "not the password at all", Device{})
			log = append(log, err.Error())
			if i%3 == 2 {
				w.pass(5 * time.Second)
			}
		}
		w.pass(3 * time.Hour)
		return log
	}
	known, unknown := play("goro@example.jp"), play("nobody@example.jp")
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("try %d: %q for somebody, %q for nobody", i, known[i], unknown[i])
		}
	}
	if !strings.Contains(strings.Join(known, " "), "org.signin.wait") {
		t.Error("guessing must be slowed down")
	}
	if w.entries("session.slow", "done") == 0 {
		t.Error("and be on record")
	}
}

// What takes the time is the digest: one for somebody, one for nobody. (A
// clock would measure the machine.)
func TestUnknownAddressTakesTheSameWork(t *testing.T) {
	w := newWorld(t)
	w.member(w.org(1, Operator, "water"), "goro@example.jp", gate.OperatorViewer)
	for _, mail := range []string{"goro@example.jp", "nobody@example.jp"} {
		w.pass(3 * time.Hour)
		before := w.hasher.work.Load()
		if _, err := w.SignIn(t.Context(), mail, "not the password at all", Device{}); !errors.Is(err, ErrSignIn) {
			t.Fatal(err)
		}
		if n := w.hasher.work.Load() - before; n != 1 {
			t.Errorf("%s: %d digests", mail, n)
		}
	}
}

func TestWaitIsNotForever(t *testing.T) {
	w := newWorld(t)
	m := w.member(w.org(1, Operator, "water"), "goro@example.jp", gate.OperatorViewer)
	var worst time.Duration
	for range 60 {
		_, err := w.SignIn(t.Context(), m.Mail, "not the password at all", Device{})
		if errors.Is(err, ErrWait) {
			d := fault.Of(err).Args["wait"].(time.Duration)
			worst = max(worst, d)
			w.pass(d)
		}
	}
	if worst != longestWait {
		t.Errorf("longest wait %v", worst)
	}
	w.pass(longestWait)
	w.signIn(m)
	if _, err := w.SignIn(t.Context(), m.Mail, m.password, Device{}); err != nil {
		t.Errorf("signing in must clear what was counted: %v", err)
	}
}

func TestManyAddressesFromOnePlaceAreSlowed(t *testing.T) {
	w := newWorld(t)
	waited := false
	for i := range freeFromAddress + 5 {
		_, err := w.SignIn(t.Context(), strings.Repeat("a", i%60+1)+string(rune('a'+i%26))+"@example.jp", "spraying one password", Device{Addr: "2001:db8::" + string(rune('1'+i%9))})
		waited = waited || errors.Is(err, ErrWait)
	}
	if !waited {
		t.Error("one network tried a hundred addresses without a wait")
	}
	if _, err := w.SignIn(t.Context(), "x@example.jp", "another network", Device{Addr: "2001:db8:1::1"}); !errors.Is(err, ErrSignIn) {
		t.Errorf("another network: %v", err)
	}
}

// A flood of sign-ins holds a bounded number of hashers and a bounded queue;
// the rest is turned away.
func TestFloodIsBounded(t *testing.T) {
	h := newHasher(cheap, 1, 3)
	leave, err := h.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var crowded atomic.Int32
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if _, _, err := h.verify(t.Context(), "x"); errors.Is(err, ErrCrowded) {
				crowded.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	for crowded.Load() < 47 {
		time.Sleep(time.Millisecond) // real goroutines queue here, no clock is involved
	}
	leave()
	wg.Wait()
	if crowded.Load() != 47 {
		t.Errorf("%d turned away", crowded.Load())
	}
}

func TestRecovery(t *testing.T) {
	w := newWorld(t)
	o := w.org(1, Operator, "telecom")
	m := w.member(o, "hachi@example.jp", gate.OperatorReporter)
	admin := w.member(o, "kyu@example.jp", gate.OperatorAdmin)
	link, purpose, err := w.Link(admin.ctx, m.ID, false)
	if err != nil || purpose != Recovery {
		t.Fatal(purpose, err)
	}
	if e, err := w.Enrolment(t.Context(), link); err != nil || e.Secret != "" {
		t.Error("a recovery must not show or replace the device's secret", err)
	}
	// Who has the mailbox but not the device runs out of tries.
	for range 2 * maxCodeTries {
		if _, err := w.Accept(t.Context(), link, "ラクダ nine harbours", "000000", Device{}); !errors.Is(err, ErrCode) {
			t.Errorf("%v", err)
		}
	}
	if _, err := w.Accept(t.Context(), link, "ラクダ nine harbours", w.code(m), Device{}); !errors.Is(err, ErrLink) {
		t.Errorf("after too many tries: %v", err)
	}
	if link, _, err = w.Link(admin.ctx, m.ID, false); err != nil {
		t.Fatal(err)
	}
	j, err := w.Accept(t.Context(), link, "ラクダ nine harbours", w.code(m), Device{})
	if err != nil || len(j.Codes) != 0 {
		t.Fatal(err)
	}
	if _, err := w.Session(t.Context(), m.session); !errors.Is(err, gate.ErrSignIn) {
		t.Error("a recovery ends all earlier sessions")
	}
	m.password = "ラクダ nine harbours"
	w.pass(step)
	w.signIn(m)
	// Device lost: both anew.
	if link, purpose, err = w.Link(admin.ctx, m.ID, true); err != nil || purpose != ReEnrol {
		t.Fatal(purpose, err)
	}
	e, err := w.Enrolment(t.Context(), link)
	if err != nil || e.Secret == m.secret || e.Secret == "" {
		t.Fatal(err)
	}
	oldCode := w.code(m)
	if _, err := w.Accept(t.Context(), link, password, oldCode, Device{}); !errors.Is(err, ErrCode) {
		t.Errorf("code of the lost device: %v", err)
	}
	old := m.codes[3]
	m.secret, m.password = e.Secret, password
	if j, err = w.Accept(t.Context(), link, password, w.code(m), Device{}); err != nil || len(j.Codes) != recoveryCodes {
		t.Fatal(err)
	}
	w.pass(step)
	next, err := w.SignIn(t.Context(), m.Mail, m.password, Device{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.SignInCode(t.Context(), next, old, Device{}); !errors.Is(err, ErrCode) {
		t.Errorf("an old recovery code: %v", err)
	}
}

// One address in two organisations: the code says which person is meant.
func TestOneAddressTwoOrganisations(t *testing.T) {
	w := newWorld(t)
	a := w.member(w.org(1, Operator, "gas"), "kaz@example.jp", gate.OperatorViewer)
	b := w.member(w.org(2, Contractor), "kaz@example.jp", gate.Maintainer)
	for _, m := range []*member{a, b} {
		if who, _ := gate.From(w.in(w.signIn(m))); who.Person != string(m.ID) {
			t.Errorf("signed in as %s", who.Person)
		}
	}
}

func TestDemoLinks(t *testing.T) {
	w := newWorld(t)
	m := w.member(w.org(1, Operator, "gas"), "kaz@example.jp", gate.OperatorViewer)
	link, err := w.SignInLink(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	s, err := w.SignInByLink(t.Context(), link, Device{})
	if err != nil {
		t.Fatal(err)
	}
	w.in(s.Secret)
	if _, err := w.SignInByLink(t.Context(), link, Device{}); !errors.Is(err, ErrLink) {
		t.Errorf("twice: %v", err)
	}
	link, err = w.SignInLink(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	w.DemoLinks = false
	if _, err := w.SignInLink(t.Context(), m.ID); !errors.Is(err, ErrDemoOnly) {
		t.Errorf("made outside a demo: %v", err)
	}
	if _, err := w.SignInByLink(t.Context(), link, Device{}); !errors.Is(err, ErrLink) {
		t.Errorf("used outside a demo: %v", err)
	}
}

// Nothing by which somebody could sign in is in the database file.
func TestSecretsAreNotInTheDatabase(t *testing.T) {
	w := newWorld(t)
	m := w.member(w.org(1, Operator, "gas"), "kaz@example.jp", gate.OperatorAdmin)
	_, token, err := w.IssueToken(m.ctx, "x", []string{"asset.*"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	demo, err := w.SignInLink(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	session := w.signIn(m)
	if w.DB.Postgres() {
		t.Skip("reads the file of SQLite")
	}
	var file []byte
	for _, suffix := range []string{"", "-wal"} {
		raw, err := os.ReadFile(w.path() + suffix)
		if err != nil && suffix == "" {
			t.Fatal(err)
		}
		file = append(file, raw...)
	}
	if !bytes.Contains(file, []byte("kaz@example.jp")) {
		t.Fatal("this is not the file")
	}
	for name, s := range map[string]string{"password": m.password, "TOTP secret": m.secret, "session": session, "token": token, "link": demo, "recovery code": m.codes[0]} {
		if bytes.Contains(file, []byte(s)) || bytes.Contains(file, []byte(strings.TrimPrefix(s[3:], "_"))) {
			t.Errorf("the %s is in the database", name)
		}
	}
}
