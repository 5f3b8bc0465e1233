package notice

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// mailroom is a house whose recipients have mail.
type mailroom struct {
	*house
	office *post.Office
	bus    *bus.Bus
	mu     sync.Mutex
	box    map[string][]mail.Message // by address
	gone   map[string]bool
}

func (m *mailroom) Send(_ context.Context, x mail.Message) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.gone[x.To] {
		return fault.New(fault.Invalid, "mail.refused", "code", 550, "why", "550 no such mailbox")
	}
	m.box[x.To] = append(m.box[x.To], x)
	return nil
}

func eachMailroom(t *testing.T, fn func(m *mailroom)) {
	t.Helper()
	from := append(sources(), db.Source{Noun: "post", FS: post.Migrations}, db.Source{Noun: "channel", FS: channel.Migrations})
	testkit.Each(t, from, func(t *testing.T, d *db.DB) {
		m := &mailroom{house: newHouse(t, d), box: map[string][]mail.Message{}, gone: map[string]bool{}}
		words, err := text.Load(channel.Words)
		if err != nil {
			t.Fatal(err)
		}
		log := slog.New(slog.DiscardHandler)
		m.office = post.New(post.Config{DB: d, Keys: m.Parts.Keys, Mail: m, Log: log, Now: m.Clock.Now})
		m.Channels = channel.Open(channel.Config{DB: d, Ledger: m.Parts.Ledger, Keys: m.Parts.Keys, Office: m.office, Orgs: m.Country.Service, Words: words, BaseURL: m.BaseURL, Mails: true, Now: m.Clock.Now, Deadlines: m.Deadlines})
		m.bus = bus.New(d, log, slices.Concat(Followers(m.Service), channel.Followers(m.Channels))...)
		fn(m)
	})
}

// mailbox gives an organisation a proven mail address.
func (m *mailroom) mailbox(ctx context.Context, address string, contact int) {
	m.t.Helper()
	c, _, err := m.Channels.Set(ctx, channel.Channel{Kind: channel.Mail, Address: address, Contact: contact, Lang: text.JA})
	if err != nil {
		m.t.Fatal(err)
	}
	m.carry()
	words := m.box[address][0].Text
	at := strings.IndexFunc(words, func(r rune) bool { return r >= '0' && r <= '9' })
	if err := m.Channels.Confirm(ctx, c.ID, words[at:at+6]); err != nil {
		m.t.Fatal(err)
	}
	delete(m.box, address)
}

// carry lets everything that is under way arrive.
func (m *mailroom) carry() {
	m.t.Helper()
	for range 4 {
		if err := m.bus.Settle(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
		if _, err := m.office.Round(m.t.Context()); err != nil {
			m.t.Fatal(err)
		}
	}
}

func TestRecipientsAreWrittenTo(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.mailbox(m.wind(), "wind@firm.example", 1)
		m.mailbox(m.sea(), "sea@firm.example", 1)
		n := m.told("wind", "bank")
		if len(m.box) != 0 {
			t.Error("written to before the act is done")
		}
		m.carry()
		if len(m.box["wind@firm.example"]) != 1 || len(m.box) != 1 {
			t.Fatalf("mail for %d addresses", len(m.box))
		}
		got := m.box["wind@firm.example"][0]
		if !strings.Contains(got.Subject, n.Number) || !strings.Contains(got.Text, "https://hub.example/letters/"+m.one(m.wind()).ID) {
			t.Errorf("%s\n%s", got.Subject, got.Text)
		}
		for _, secret := range []string{"EdgeGate", "198.51.100.7", "edge-gate", "入口に欠陥"} { // TLP:AMBER
			if strings.Contains(got.Subject+got.Text+got.HTML+string(got.Calendar), secret) {
				t.Errorf("a mail tells %q", secret)
			}
		}
		m.carry()
		if len(m.box["wind@firm.example"]) != 1 {
			t.Error("written to twice")
		}
		if err := m.Withdraw(m.analyst(), n.ID, "版の誤り"); err != nil {
			t.Fatal(err)
		}
		m.carry()
		if all := m.box["wind@firm.example"]; len(all) != 2 || !strings.Contains(all[1].Subject, "取り下げ") {
			t.Errorf("%d mails after the withdrawal", len(all))
		}
	})
}

func TestWhoeverLeftHasASuccessor(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.mailbox(m.wind(), "left@firm.example", 1)
		m.mailbox(m.wind(), "second@firm.example", 2)
		m.gone["left@firm.example"] = true
		m.told("wind")
		m.carry()
		if len(m.box["second@firm.example"]) != 1 {
			t.Fatalf("the second contact was written to %d times", len(m.box["second@firm.example"]))
		}
		m.carry()
		if len(m.box["second@firm.example"]) != 1 {
			t.Error("and again")
		}
	})
}

func TestRemindersAndTheSecondContact(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.mailbox(m.wind(), "first@firm.example", 1)
		m.mailbox(m.wind(), "second@firm.example", 2)
		m.told("wind")
		for range 12 {
			m.Clock.Pass(time.Hour)
			if _, err := m.Tick(org.Local(t.Context()), m.Clock.Now()); err != nil {
				t.Fatal(err)
			}
			m.carry()
		}
		first, second := m.box["first@firm.example"], m.box["second@firm.example"]
		if len(first) < 3 || len(second) < 1 {
			t.Fatalf("%d and %d mails", len(first), len(second))
		}
		if !strings.Contains(first[1].Subject, "返事を待っています") || !strings.Contains(second[0].Subject, "返事がまだありません") {
			t.Errorf("%s / %s", first[1].Subject, second[0].Subject)
		}
	})
}

// TestAFirmByLinkIsWrittenTo: what a link opens is written out when its mark
// lets it, and only to that firm.
func TestAFirmByLinkIsWrittenTo(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.told("wind")
		p, err := m.Relay(m.wind(), m.one(m.wind()).ID, RelayInput{Children: []Child{firm("kiri")}, Why: "弊社の保守をお願いしているため", Cautions: true})
		if err != nil {
			t.Fatal(err)
		}
		if !p.Children[0].Mailed {
			t.Errorf("%+v", p.Children)
		}
		m.carry()
		got := m.box["kiri@firm.example"]
		if len(got) != 1 || len(m.box) != 1 {
			t.Fatalf("%d mails, %d addresses", len(got), len(m.box))
		}
		for _, want := range []string{p.Children[0].Link, "装置の線を抜いてください", "kiri 御中"} {
			if !strings.Contains(got[0].Text, want) {
				t.Errorf("the mail lacks %q:\n%s", want, got[0].Text)
			}
		}
		if strings.Contains(got[0].Text+got[0].Subject, "EdgeGate") {
			t.Error("it tells what only others read")
		}
	})
}

func TestDeadlinesOfACalendar(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		n := m.told("wind", "sea")
		path, err := m.Channels.Subscribe(m.As("wind", "a", gate.OperatorAdmin))
		if err != nil {
			t.Fatal(err)
		}
		words, _ := text.Load(channel.Words)
		read := func() string {
			raw, err := m.Channels.Subscribed(t.Context(), path, words.Printer(text.JA, nil))
			if err != nil {
				t.Fatal(err)
			}
			return string(raw)
		}
		if got := read(); strings.Count(got, "BEGIN:VEVENT") != 1 || !strings.Contains(got, n.Number) || strings.Contains(got, "EdgeGate") {
			t.Errorf("%s", got)
		}
		if _, err := m.Answer(m.wind(), m.one(m.wind()).ID, AnswerInput{State: Mitigated}); err != nil {
			t.Fatal(err)
		}
		if got := read(); strings.Contains(got, "BEGIN:VEVENT") {
			t.Errorf("an answered notice is still in the calendar: %s", got)
		}
	})
}
