package request

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/measure"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// box takes mail as a server would.
type box struct {
	mu    sync.Mutex
	taken []mail.Message
	fail  error
}

func (b *box) Send(_ context.Context, m mail.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.taken = append(b.taken, m)
	return nil
}

type hub struct {
	*Service
	*testkit.Parts
	t       testing.TB
	box     *box
	bus     *bus.Bus
	country *country.Country
	carrier string
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "post", FS: post.Migrations}, db.Source{Noun: "approval", FS: approval.Migrations}, db.Source{Noun: "measure", FS: measure.Migrations}, db.Source{Noun: "request", FS: Migrations})
}

func newHub(t testing.TB, d *db.DB) *hub {
	t.Helper()
	p := testkit.NewParts(t, d)
	h := &hub{Parts: p, t: t, country: country.New(t, p), box: &box{}}
	signer, verifier, _ := testkit.Key(t, "hub.test.example/approval")
	a, err := approval.New(approval.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Threads: p.Threads, Orgs: h.country.Service, Signer: signer, Verifier: verifier, Now: p.Clock.Now})
	h.must("approvals", err)
	m, err := measure.New(measure.Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: h.country.Service, Approvals: a, Now: p.Clock.Now, Person: h.person})
	h.must("measures", err)
	office := post.New(post.Config{DB: p.DB, Keys: p.Keys, Mail: h.box, Log: slog.New(slog.DiscardHandler), Now: p.Clock.Now})
	words, err := text.Load(Words)
	h.must("words", err)
	h.Service = New(Config{DB: p.DB, Ledger: p.Ledger, Keys: p.Keys, Orgs: h.country.Service, Measures: m, Office: office, Words: words, From: "noroshi@hub.example", Signer: signer, Verifier: verifier, Version: "test", Now: p.Clock.Now, Dir: t.TempDir()})
	h.bus = bus.New(p.DB, slog.New(slog.DiscardHandler), Followers(h.Service)...)
	h.carrier = h.country.ID("carrier")
	return h
}

func eachHub(t *testing.T, fn func(t *testing.T, h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(t, newHub(t, d)) })
}

// roles are who there is, by the beginning of their name.
var roles1 = []struct {
	name string
	role gate.Role
}{{"police/command", gate.PoliceCommand}, {"police/executive", gate.PoliceExecutive}, {"foreign/clerk", gate.ForeignClerk}, {"commission/member", gate.CommissionMember}, {"commission/examiner", gate.Examiner},
	{"wind/reporter", gate.OperatorReporter}, {"wind/admin", gate.OperatorAdmin}, {"wind/viewer", gate.OperatorViewer}, {"sea/reporter", gate.OperatorReporter}, {"jpcert/clerk", gate.JPCERTClerk},
	{"industry/clerk", gate.MinistryClerk}, {"office/clerk", gate.OfficeClerk}, {"hub/admin", gate.HubAdmin}, {"privacy/clerk", gate.PrivacyClerk}, {"carrier/", gate.CarrierClerk}}

func (h *hub) who(name string) gate.Identity {
	h.t.Helper()
	for _, r := range roles1 {
		if strings.HasPrefix(name, r.name) {
			place, person, _ := strings.Cut(name, "/")
			return h.country.Identity(place, person, r.role)
		}
	}
	h.t.Fatalf("nobody is called %s", name)
	return gate.Identity{}
}

func (h *hub) as(name string) context.Context { return gate.With(context.Background(), h.who(name)) }

func (h *hub) person(_ context.Context, _ *db.Tx, id string) (gate.Identity, error) {
	for _, r := range roles1 {
		if strings.HasPrefix(id, r.name) {
			return h.who(id), nil
		}
	}
	return gate.Identity{}, org.ErrPersonGone
}

func (h *hub) must(what string, err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatalf("%s: %v", what, err)
	}
}

// round carries mail out, and writes down what became of it.
func (h *hub) round() {
	h.t.Helper()
	_, err := h.Office.Round(h.t.Context())
	h.must("post", err)
	h.must("bus", h.bus.Settle(h.t.Context()))
	_, err = h.Tick(h.t.Context())
	h.must("tick", err)
}

func (h *hub) desk(name string) {
	h.t.Helper()
	h.must("desk", h.SetDesk(h.as(name), Desk{Reply: "csirt@wind.example", Name: "当直", Phone: "+81-3-0000-0000"}))
}

// phishing is a request of a power company about somebody who poses as it.
func phishing(now time.Time) Draft {
	return Draft{Kind: Takedown, To: Contact{Mail: "abuse@host.example", Provider: "Host Example", Lang: text.EN},
		Subject:  Subject{Address: "198.51.100.7", Port: 443, Protocol: "tcp", Name: "login.bad.example", URL: "https://login.bad.example/sign-in", Harm: Phishing, Does: "It shows a copy of a power company's sign-in page and collects passwords."},
		Evidence: []Evidence{{Noun: "sighting", ID: "0190", Digest: strings.Repeat("ab", 32), From: now.Add(-3 * time.Hour), Until: now.Add(-time.Hour), Says: "Customers were sent to this page.", Lines: "2026-11-21T21:00:01Z GET /sign-in 198.51.100.7:443"}},
		Asked:    "Please take the page down.", By: now.Add(48 * time.Hour), Victim: Victim{Who: "山田電機の顧客", Hide: []string{"山田電機", "yamada.example"}}}
}

// checked is a request of the power company whose mail stands ready.
func (h *hub) checked(d Draft) Request {
	h.t.Helper()
	r, err := h.Draft(h.as("wind/reporter1"), d)
	h.must("draft", err)
	r, err = h.Check(h.as("wind/reporter1"), r.ID)
	h.must("check", err)
	return r
}

// sent is one that went out.
func (h *hub) sent(d Draft) Request {
	h.t.Helper()
	r := h.checked(d)
	r, err := h.Send(h.as("wind/reporter2"), r.ID, r.Digest)
	h.must("send", err)
	h.round()
	return h.look(r.ID)
}

// look reads a request as its organisation.
func (h *hub) look(id ID) Request {
	h.t.Helper()
	v, err := h.Show(h.as("wind/reporter1"), id)
	h.must("show", err)
	return v.Request
}

func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// placed reports whether a fault has a place with a code.
func placed(err error, at, code string) bool {
	if err == nil {
		return false
	}
	for _, p := range fault.Of(err).Places {
		if p.At == at && p.Code == code {
			return true
		}
	}
	return false
}

// acts reads the ledger's entries of a verb, the first first.
func (h *hub) acts(verb string) (out []ledger.Entry) {
	h.t.Helper()
	h.must("entries", h.Parts.DB.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(context.Background(), "SELECT leaf FROM ledger_entry WHERE verb = $1 ORDER BY id", verb)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var leaf []byte
			if err := rows.Scan(&leaf); err != nil {
				return err
			}
			e, err := ledger.ParseEntry(leaf)
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return rows.Err()
	}))
	return out
}
