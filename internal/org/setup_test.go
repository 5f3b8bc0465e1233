package org

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/key"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
	"noroshi/internal/testkit"
)

// world is a service on a database of its own, with a clock that tests move.
type world struct {
	*Service
	t   *testing.T
	mu  sync.Mutex
	at  time.Time
	sys context.Context
	src string // of the database
}

func (w *world) path() string { return w.src }

// cheap makes password checks fast enough for tests; the default cost has a
// test of its own.
var cheap = Cost{Memory: 8, Time: 1, Lanes: 1}

func newWorld(t *testing.T, change ...func(*Config)) *world {
	t.Helper()
	sources := []db.Source{{Noun: "bus", FS: bus.Migrations}, {Noun: "ledger", FS: ledger.Migrations}, {Noun: "key", FS: key.Migrations},
		{Noun: "httpd", FS: httpd.Migrations}, {Noun: "org", FS: Migrations}}
	source, d := filepath.Join(t.TempDir(), "x.db"), (*db.DB)(nil)
	if os.Getenv(onPostgres) != "" {
		d = testkit.Postgres(t, sources...)
	} else {
		var err error
		if d, err = db.Open(t.Context(), source); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Close() })
		if _, err := d.Migrate(t.Context(), sources...); err != nil {
			t.Fatal(err)
		}
	}
	ring, err := key.OpenRing(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, at: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC), sys: Local(t.Context()), src: source}
	c := Config{DB: d, Ledger: ledger.New(ledger.Config{DB: d, Now: w.clock}), Keys: key.NewStore(ring), Now: w.clock, Cost: cheap, Hashers: 2, DemoLinks: true}
	for _, f := range change {
		f(&c)
	}
	if w.Service, err = New(c); err != nil {
		t.Fatal(err)
	}
	return w
}

// onPostgres is set while TestOnPostgres runs the others once more.
const onPostgres = "NOROSHI_TEST_ORG_ON_POSTGRES"

// TestOnPostgres runs the tests that touch the database on PostgreSQL.
func TestOnPostgres(t *testing.T) {
	if os.Getenv("NOROSHI_TEST_DB") == "" {
		testkit.Skip(t, "NOROSHI_TEST_DB names no PostgreSQL")
	}
	t.Setenv(onPostgres, "1")
	for name, fn := range map[string]func(*testing.T){
		"join": TestJoinAndSignIn, "links": TestAttackerAtTheLinks, "door": TestAttackerAtTheDoor, "unknown address": TestUnknownAddressLooksLikeAWrongPassword,
		"wait": TestWaitIsNotForever, "sessions": TestSessionsEnd, "recovery": TestRecovery, "two organisations": TestOneAddressTwoOrganisations, "demo": TestDemoLinks,
		"who sees whom": TestWhoSeesWhom, "never learns": TestAnOperatorNeverLearnsOfAnother, "who may": TestWhoMayDoWhat,
		"rights": TestRightsThatAnAdministratorCannotGive, "ties": TestTies, "crossing": TestChangesThatCross, "tokens": TestTokens,
		"lists": TestListPagesAndSearch, "routing": TestRouting, "pages": TestPagesOfTheAdministrators, "api": TestAPI,
	} {
		t.Run(name, fn)
	}
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = w.at.Add(d)
}

func number(t *testing.T, n int) Number {
	t.Helper()
	num, err := CompleteNumber(fmt.Sprintf("9999%08d", n))
	if err != nil {
		t.Fatal(err)
	}
	return num
}

// org registers an organisation.
func (w *world) org(n int, kind Kind, sectors ...string) Org {
	w.t.Helper()
	o, err := w.Register(w.sys, Org{Number: number(w.t, n), Name: text.Both{JA: fmt.Sprintf("試験機関%d", n), EN: fmt.Sprintf("Test body %d", n)},
		Kinds: []Kind{kind}, Sectors: sectors})
	if err != nil {
		w.t.Fatalf("register %d: %v", n, err)
	}
	return o
}

// member is somebody who has joined, with all it takes to sign in.
type member struct {
	Person
	password, secret string
	codes            []string
	ctx              context.Context // signed in
	session          string
}

const password = "鯨 corridor seventeen ラジオ"

func (w *world) member(o Org, mail string, roles ...gate.Role) *member {
	w.t.Helper()
	p, link, err := w.Invite(w.sys, Person{Org: o.ID, Name: "試験 太郎", Mail: mail, Roles: roles})
	if err != nil {
		w.t.Fatalf("invite %s: %v", mail, err)
	}
	e, err := w.Enrolment(w.t.Context(), link)
	if err != nil {
		w.t.Fatal(err)
	}
	m := &member{Person: p, password: password, secret: e.Secret}
	j, err := w.Accept(w.t.Context(), link, password, w.code(m), Device{Agent: "Firefox/140 Windows"})
	if err != nil {
		w.t.Fatalf("accept %s: %v", mail, err)
	}
	m.codes = j.Codes
	m.ctx = w.in(j.Secret)
	m.session = j.Secret
	w.pass(step) // so that the next code is another one
	return m
}

// in returns a context in which whoever holds the session acts.
func (w *world) in(session string) context.Context {
	w.t.Helper()
	id, err := w.Session(w.t.Context(), session)
	if err != nil {
		w.t.Fatalf("session: %v", err)
	}
	return gate.With(w.t.Context(), id)
}

func (w *world) code(m *member) string {
	w.t.Helper()
	c, err := totp.GenerateCode(m.secret, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// signIn signs a member in and returns the session.
func (w *world) signIn(m *member) string {
	w.t.Helper()
	next, err := w.SignIn(w.t.Context(), m.Mail, m.password, Device{Addr: "192.0.2.1"})
	if err != nil {
		w.t.Fatalf("password: %v", err)
	}
	s, err := w.SignInCode(w.t.Context(), next, w.code(m), Device{Addr: "192.0.2.1"})
	if err != nil {
		w.t.Fatalf("code: %v", err)
	}
	w.pass(step)
	return s.Secret
}

// entries counts the entries of a verb with an outcome in the record.
func (w *world) entries(verb, outcome string) (n int) {
	w.t.Helper()
	err := w.DB.Read(w.t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(w.t.Context(), "SELECT count(*) FROM ledger_entry WHERE verb = $1 AND leaf LIKE $2", verb, `%"outcome":"`+outcome+`"%`).Scan(&n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
