package channel_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	"noroshi/internal/base/page"
	"noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// hub is a service of channels among invented organisations, with a mail
// server and a program that answers as the test says.
type hub struct {
	*channel.Service
	*testkit.Parts
	t    *testing.T
	who  *country.Country
	bus  *bus.Bus
	mu   sync.Mutex
	box  []mail.Message
	dead map[string]bool // mail addresses that are refused
	hook []string        // bodies a program got
}

func (h *hub) Send(_ context.Context, m mail.Message) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.dead[m.To] {
		return fault.New(fault.Invalid, "mail.refused", "code", 550, "why", "550 no such mailbox")
	}
	h.box = append(h.box, m)
	return nil
}

func sources() []db.Source {
	return append(append(testkit.Base(), country.Sources()...), db.Source{Noun: "post", FS: post.Migrations}, db.Source{Noun: "channel", FS: channel.Migrations}, db.Source{Noun: "httpd", FS: httpd.Migrations})
}

var loaded = sync.OnceValues(func() (*text.Catalog, error) {
	return text.Load(channel.Words, page.Words, httpd.Words, gate.Words, db.Words, org.Words, post.Words, mail.Words)
})

func newHub(t *testing.T, d *db.DB) *hub {
	p := testkit.NewParts(t, d)
	h := &hub{Parts: p, t: t, who: country.New(t, p), dead: map[string]bool{}}
	words, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	office := post.New(post.Config{DB: d, Keys: p.Keys, Mail: h, Log: log, Now: p.Clock.Now, Post: func(_ context.Context, url string, _ map[string]string, body []byte) (int, error) {
		h.hook = append(h.hook, url+" "+string(body))
		return 204, nil
	}})
	h.Service = channel.Open(channel.Config{DB: d, Ledger: p.Ledger, Keys: p.Keys, Office: office, Orgs: h.who.Service, Words: words, BaseURL: "https://hub.example", Mails: true, Now: p.Clock.Now,
		Deadlines: func(_ context.Context, _ *db.Tx, org string) ([]channel.Deadline, error) {
			if org != h.who.ID("wind") {
				return nil, nil
			}
			return []channel.Deadline{{Number: "N-1", Class: "act", At: p.Clock.Now().Add(24 * time.Hour), Link: "https://hub.example/notices/1"}}, nil
		}})
	h.bus = bus.New(d, log, channel.Followers(h.Service)...)
	return h
}

func each(t *testing.T, fn func(h *hub)) {
	testkit.Each(t, sources(), func(t *testing.T, d *db.DB) { fn(newHub(t, d)) })
}

func (h *hub) wind() context.Context { return h.who.As("wind", "a", gate.OperatorAdmin) }
func (h *hub) sea() context.Context  { return h.who.As("sea", "a", gate.OperatorAdmin) }

func (h *hub) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *hub) deliver() {
	h.t.Helper()
	_, err := h.Office.Round(h.t.Context())
	h.must(err)
	h.must(h.bus.Settle(h.t.Context()))
}

func (h *hub) queue(l channel.Letter) (n int) {
	h.t.Helper()
	h.must(h.DB.Write(h.t.Context(), func(tx *db.Tx) (err error) { n, err = h.Queue(h.t.Context(), tx, l); return err }))
	return n
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

// mailbox adds a mail channel and proves it.
func (h *hub) mailbox(ctx context.Context, c channel.Channel) channel.Channel {
	h.t.Helper()
	c.Kind = channel.Mail
	c, _, err := h.Set(ctx, c)
	h.must(err)
	h.deliver()
	last := h.box[len(h.box)-1]
	h.must(h.Confirm(ctx, c.ID, sixDigits.FindString(last.Text)))
	h.box = nil
	return c
}

func (h *hub) letter(contact int, class, tlp string) channel.Letter {
	return channel.Letter{Owner: h.who.ID("office"), Object: "notice/r1", Recipient: h.who.ID("wind"), Reason: channel.First, Contact: contact, Number: "N-7QK2", Class: class, TLP: tlp,
		Title: text.Both{JA: "装置の更新", EN: "Update a device"}, Lines: []text.Both{{JA: "線を抜いてください。", EN: "Unplug the line."}}, AnswerBy: h.Clock.Now().Add(6 * time.Hour), Path: "/notices/r1"}
}

func TestAMailAddressIsProvenByItsCode(t *testing.T) {
	each(t, func(h *hub) {
		c, _, err := h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "当直 <Desk@Firm.Example>"})
		h.must(err)
		if c.Address != "Desk@firm.example" {
			t.Errorf("address %s", c.Address)
		}
		h.deliver()
		if len(h.box) != 1 {
			t.Fatalf("%d mails", len(h.box))
		}
		if n := h.queue(h.letter(1, "act", "GREEN")); n != 0 {
			t.Error("a letter goes to an address nobody proved")
		}
		code := sixDigits.FindString(h.box[0].Text)
		wrong := "000000"
		if code == wrong {
			wrong = "000001"
		}
		if err := h.Confirm(h.wind(), c.ID, wrong); !errors.Is(err, channel.ErrCode) {
			t.Errorf("a wrong code: %v", err)
		}
		if err := h.Confirm(h.sea(), c.ID, code); !errors.Is(err, channel.ErrNone) {
			t.Errorf("another organisation: %v", err)
		}
		h.must(h.Confirm(h.wind(), c.ID, code))
		if n := h.queue(h.letter(1, "act", "GREEN")); n != 1 {
			t.Errorf("%d letters", n)
		}
	})
}

func TestACodeCannotBeGuessed(t *testing.T) {
	each(t, func(h *hub) {
		c, _, err := h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "desk@firm.example"})
		h.must(err)
		h.deliver()
		code := sixDigits.FindString(h.box[0].Text)
		for range 5 {
			if err := h.Confirm(h.wind(), c.ID, "x"); !errors.Is(err, channel.ErrCode) {
				t.Fatal(err)
			}
		}
		if err := h.Confirm(h.wind(), c.ID, code); !errors.Is(err, channel.ErrCode) {
			t.Errorf("the right code after five wrong ones: %v", err)
		}
	})
}

// Many guesses at once are as few as many one after the other.
func TestACodeCannotBeGuessedAtOnce(t *testing.T) {
	each(t, func(h *hub) {
		c, _, err := h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "desk@firm.example"})
		h.must(err)
		h.deliver()
		var g sync.WaitGroup
		for range 24 {
			g.Go(func() {
				if err := h.Confirm(h.wind(), c.ID, "x"); !errors.Is(err, channel.ErrCode) {
					t.Errorf("%v", err)
				}
			})
		}
		g.Wait()
		if err := h.Confirm(h.wind(), c.ID, sixDigits.FindString(h.box[0].Text)); !errors.Is(err, channel.ErrCode) {
			t.Errorf("the right code after 24 wrong ones: %v", err)
		}
		if n := testkit.Count(t, h.DB, "SELECT tries FROM notice_channel"); n != 5 {
			t.Errorf("%d tries", n)
		}
	})
}

// Whoever has a role here cannot have somebody else's mailbox flooded.
func TestTheHubFloodsNobody(t *testing.T) {
	each(t, func(h *hub) {
		c, _, err := h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "victim@elsewhere.example"})
		h.must(err)
		if err := h.Test(h.wind(), c.ID); !errors.Is(err, channel.ErrUnproven) {
			t.Errorf("a test to an address nobody proved: %v", err)
		}
		for range 100 {
			h.must(h.Remove(h.wind(), c.ID))
			if c, _, err = h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "victim@elsewhere.example"}); err != nil {
				break
			}
		}
		if !errors.Is(err, channel.ErrOften) {
			t.Errorf("a hundred mails in no time: %v", err)
		}
		h.Clock.Pass(61 * time.Minute)
		_, _, err = h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "desk@firm.example"})
		h.must(err)
	})
}

func TestMailSaysNoMoreThanItsMark(t *testing.T) {
	each(t, func(h *hub) {
		h.mailbox(h.wind(), channel.Channel{Address: "desk@firm.example", Lang: text.JA})
		for tlp, open := range map[string]bool{"CLEAR": true, "GREEN": true, "AMBER": false, "AMBER+STRICT": false, "RED": false, "": false, "WHITE": false} {
			h.box = nil
			h.queue(h.letter(1, "act", tlp))
			h.deliver()
			if len(h.box) != 1 {
				t.Fatalf("%s: %d mails", tlp, len(h.box))
			}
			m := h.box[0]
			all := m.Subject + m.Text + m.HTML + string(m.Calendar)
			if got := strings.Contains(all, "線を抜いて") || strings.Contains(all, "装置の更新"); got != open {
				t.Errorf("TLP:%s: words in the mail %v", tlp, got)
			}
			for _, want := range []string{"即応", "N-7QK2", "https://hub.example/notices/r1"} {
				if !strings.Contains(m.Subject+m.Text, want) {
					t.Errorf("TLP:%s: the mail lacks %s:\n%s", tlp, want, m.Text)
				}
			}
			if !strings.Contains(string(m.Calendar), "BEGIN:VEVENT") || m.ID == "" {
				t.Error("no deadline in the mail")
			}
		}
	})
}

func TestQuietHours(t *testing.T) {
	at := func(s string) time.Time {
		t, err := time.Parse(time.RFC3339, "2026-11-22T"+s+":00+09:00")
		if err != nil {
			panic(err)
		}
		return t
	}
	night, noon := channel.Quiet{From: 22 * 60, To: 6 * 60}, channel.Quiet{From: 12 * 60, To: 13 * 60}
	for _, c := range []struct {
		name string
		q    channel.Quiet
		now  string
		wait time.Duration
	}{
		{"before", night, "21:59", 0}, {"at its beginning", night, "22:00", 8 * time.Hour}, {"before midnight", night, "23:30", 6*time.Hour + 30*time.Minute},
		{"after midnight", night, "05:59", time.Minute}, {"at its end", night, "06:00", 0}, {"within a day", noon, "12:30", 30 * time.Minute}, {"none", channel.Quiet{}, "03:00", 0},
		{"equal minutes", channel.Quiet{From: 60, To: 60}, "01:00", 0},
	} {
		if got := c.q.End(at(c.now)).Sub(at(c.now)); got != c.wait {
			t.Errorf("%s: waits %v, want %v", c.name, got, c.wait)
		}
	}
	c := channel.Channel{Least: "attend", Quiet: night}
	for class, want := range map[string]string{"act": "now", "attend": "later", "watch": "never", "track": "never"} {
		due, ok := c.Due(class, at("23:00"))
		got := "never"
		if ok && due.Equal(at("23:00")) {
			got = "now"
		} else if ok {
			got = "later"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", class, got, want)
		}
	}
}

func TestTheSecondContact(t *testing.T) {
	each(t, func(h *hub) {
		first := h.mailbox(h.wind(), channel.Channel{Address: "first@firm.example"})
		h.mailbox(h.wind(), channel.Channel{Address: "second@firm.example", Contact: 2})
		h.queue(h.letter(1, "act", "GREEN"))
		h.queue(h.letter(2, "act", "GREEN"))
		h.deliver()
		to := map[string]int{}
		for _, m := range h.box {
			to[m.To]++
		}
		if len(to) != 2 || to["first@firm.example"] != 1 || to["second@firm.example"] != 1 {
			t.Fatalf("%v", to)
		}
		h.dead["first@firm.example"] = true // somebody left
		h.queue(h.letter(1, "act", "GREEN"))
		h.deliver()
		all, err := h.List(h.wind())
		h.must(err)
		if all[0].ID != first.ID || all[0].State != channel.Failing || all[0].Why != "550 no such mailbox" {
			t.Errorf("%+v", all[0])
		}
		h.must(h.Remove(h.wind(), first.ID))
		h.box = nil
		h.queue(h.letter(1, "act", "GREEN"))
		h.deliver()
		if len(h.box) != 1 || h.box[0].To != "second@firm.example" {
			t.Errorf("with the first contact gone nobody is told: %d mails", len(h.box))
		}
	})
}

func TestWebhook(t *testing.T) {
	each(t, func(h *hub) {
		c, secret, err := h.Set(h.wind(), channel.Channel{Kind: channel.Webhook, Address: "https://soc.firm.example/hook"})
		h.must(err)
		if !strings.HasPrefix(secret, "whsec_") {
			t.Fatalf("secret %q", secret)
		}
		h.deliver()
		all, err := h.List(h.wind())
		h.must(err)
		if len(h.hook) != 1 || !strings.Contains(h.hook[0], "channel.test") || all[0].State != channel.Confirmed {
			t.Fatalf("%v, %+v", h.hook, all)
		}
		h.queue(h.letter(1, "watch", "AMBER"))
		h.deliver()
		if len(h.hook) != 2 || !strings.Contains(h.hook[1], `"type":"notice.first"`) || strings.Contains(h.hook[1], "装置") {
			t.Errorf("%v", h.hook)
		}
		if got := h.Entries(t, "channel.set", ledger.Done); got != 1 {
			t.Errorf("%d entries", got)
		}
		h.must(h.Remove(h.wind(), c.ID))
	})
}

func TestBadChannels(t *testing.T) {
	each(t, func(h *hub) {
		for _, c := range []channel.Channel{{}, {Kind: channel.Mail, Address: "nobody"}, {Kind: channel.Webhook, Address: "http://soc.example/"}, {Kind: channel.Webhook, Address: "https://u:p@soc.example/"},
			{Kind: channel.Mail, Address: "a@b.example", Contact: 3}, {Kind: channel.Mail, Address: "a@b.example", Least: "never"}, {Kind: channel.Mail, Address: "a@b.example", Quiet: channel.Quiet{From: 2000}}} {
			if _, _, err := h.Set(h.wind(), c); fault.KindOf(err) != fault.Invalid || len(fault.Of(err).Places) == 0 {
				t.Errorf("%+v: %v", c, err)
			}
		}
		if _, _, err := h.Set(h.who.As("commission", "a", gate.Examiner), channel.Channel{Kind: channel.Mail, Address: "a@b.example"}); fault.KindOf(err) != fault.Refused {
			t.Errorf("an examiner sets a channel: %v", err)
		}
		for range channel.Most {
			_, _, err := h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "a@b.example"})
			h.must(err)
		}
		if _, _, err := h.Set(h.wind(), channel.Channel{Kind: channel.Mail, Address: "a@b.example"}); !errors.Is(err, channel.ErrMost) {
			t.Errorf("one too many: %v", err)
		}
	})
}

func TestCalendar(t *testing.T) {
	each(t, func(h *hub) {
		words, _ := loaded()
		p := words.Printer(text.JA, nil)
		first, err := h.Subscribe(h.wind())
		h.must(err)
		out, err := h.Subscribed(t.Context(), first, p)
		h.must(err)
		if !strings.Contains(string(out), "UID:N-1@notice.noroshi") {
			t.Errorf("%s", out)
		}
		second, err := h.Subscribe(h.wind())
		h.must(err)
		for _, gone := range []string{first, second + "x", "/channels/calendar/", ""} {
			if _, err := h.Subscribed(t.Context(), gone, p); !errors.Is(err, channel.ErrNone) {
				t.Errorf("%q opens a calendar: %v", gone, err)
			}
		}
		_, err = h.Subscribed(t.Context(), second, p)
		h.must(err)
	})
}

// TestPages walks the page of channels: what is wrong comes back at its field,
// what is right is there, masked.
func TestPages(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	words, err := loaded()
	h.must(err)
	pages, err := page.New(words, page.Source{Noun: "httpd", FS: httpd.Web}, page.Source{Noun: "channel", FS: channel.Web})
	h.must(err)
	r := httpd.New(httpd.Options{Words: words, Pages: pages, DB: h.DB, Now: h.Clock.Now, Log: slog.New(slog.DiscardHandler), Version: "test", Identify: func(_ context.Context, c httpd.Credential) (gate.Identity, error) {
		if c.Session == "" {
			return gate.Identity{}, gate.ErrSignIn
		}
		id, _ := gate.From(h.wind())
		return id, nil
	}})
	channel.Routes(r, h.Service)
	channel.Pages(r, h.Service)
	send := func(method, path string, form url.Values) (int, string) {
		q := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		q.Header.Set("Accept", "text/html")
		q.AddCookie(&http.Cookie{Name: "noroshi", Value: "wind"})
		w := httptest.NewRecorder()
		r.ServeHTTP(w, q)
		raw, _ := io.ReadAll(w.Result().Body)
		return w.Code, string(raw)
	}
	form := url.Values{"kind": {"mail"}, "address": {"nobody"}, "contact": {"1"}, "least": {"act"}, "lang": {"ja"}, "quiet.from": {"22：00"}, "quiet.to": {"6"}}
	if code, body := send("POST", "/channels", form); code != 422 || !strings.Contains(body, "メールアドレスを書いてください") || !strings.Contains(body, `value="nobody"`) {
		t.Errorf("%d\n%s", code, body)
	}
	form.Set("address", "desk@firm.example")
	if code, body := send("POST", "/channels", form); code != 303 {
		t.Fatalf("%d\n%s", code, body)
	}
	code, body := send("GET", "/channels", nil)
	if code != 200 || !strings.Contains(body, "d…k@firm.example") || strings.Contains(body, "desk@firm.example<") || !strings.Contains(body, "22:00〜6:00") {
		t.Errorf("%d\n%s", code, body)
	}
	if code, body := send("POST", "/channels/calendar", nil); code != 200 || !strings.Contains(body, "https://hub.example/channels/calendar/") {
		t.Errorf("%d\n%s", code, body)
	}
	if code, _ := send("GET", "/undelivered", nil); code != 403 {
		t.Errorf("an operator sees letters of all: %d", code)
	}
}
