package desk

import (
	"context"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/mail"
	office "noroshi/internal/base/post"
	"noroshi/internal/base/text"
	"noroshi/internal/notice/channel"
	"noroshi/internal/testkit"
)

// mailbox keeps what a hub sends.
type mailbox struct {
	*office.Office
	mails []mail.Message
}

func (b *mailbox) Send(_ context.Context, m mail.Message) error {
	b.mails = append(b.mails, m)
	return nil
}

// mailed is a hub at which the commission and some bodies are told by mail.
func mailed(t *testing.T) (*hub, *mailbox) {
	h := newHub(t, testkit.DB(t, append(sources(), db.Source{Noun: "post", FS: office.Migrations}, db.Source{Noun: "channel", FS: channel.Migrations})...))
	words, err := text.Load(channel.Words)
	h.must(err)
	box := &mailbox{}
	box.Office = office.New(office.Config{DB: h.Parts.DB, Keys: h.Parts.Keys, Mail: box, Log: slog.New(slog.DiscardHandler), Now: h.Clock.Now})
	h.Channels = channel.Open(channel.Config{DB: h.Parts.DB, Ledger: h.Parts.Ledger, Keys: h.Parts.Keys, Office: box.Office, Orgs: h.country.Service, Words: words, BaseURL: "https://hub.example", Mails: true, Now: h.Clock.Now})
	for _, who := range []string{"commission/inspector", "police/command", "office/clerk"} {
		place, _, _ := strings.Cut(who, "/")
		c, _, err := h.Channels.Set(h.as(who), channel.Channel{Kind: channel.Mail, Address: place + "@hub.example", Lang: text.JA, Contact: 1})
		h.must(err)
		_, err = box.Round(t.Context())
		h.must(err)
		h.must(h.Channels.Confirm(h.as(who), c.ID, regexp.MustCompile(`\b\d{6}\b`).FindString(box.mails[len(box.mails)-1].Text)))
	}
	box.mails = nil
	return h, box
}

// came is what arrived since it was asked last: to whom, and the end of the subject.
func (h *hub) came(b *mailbox) (out []string) {
	h.t.Helper()
	_, err := b.Round(h.t.Context())
	h.must(err)
	for _, m := range b.mails {
		to, _, _ := strings.Cut(m.To, "@")
		_, says, _ := strings.Cut(m.Subject, " ")
		out = append(out, to+" "+says)
		if strings.Contains(m.Text+m.Subject, "兼務") || strings.Contains(m.Text, "見た理由") || !strings.Contains(m.Text, "https://hub.example/oversight/") {
			h.t.Errorf("a mail says %q, %q", m.Subject, m.Text)
		}
	}
	b.mails = nil
	slices.Sort(out)
	return out
}

func (h *hub) wants(b *mailbox, when string, want ...string) {
	h.t.Helper()
	if got := h.came(b); !slices.Equal(got, want) {
		h.t.Errorf("%s: %q arrived, not %q", when, got, want)
	}
}

// TestWhatIsOwedIsToldByLetter walks a notice past its day and a sealed entry: the
// body hears of what it owes when it comes, before its day and after it, the
// commission of what is late and of answers, and nobody else of anything.
func TestWhatIsOwedIsToldByLetter(t *testing.T) {
	const arrived, awaited, late, answered = "知らせが届きました", "返事を待っています", "期限を過ぎました", "回答が届きました"
	h, box := mailed(t)
	p, err := h.Draft(h.as("commission/inspector"), h.draft())
	h.must(err)
	_, err = h.Propose(h.as("commission/member1"), p.ID)
	h.must(err)
	h.wants(box, "before it is settled")
	_, err = h.Settle(h.as("commission/member2"), p.ID)
	h.must(err)
	h.wants(box, "settled", "police "+arrived)
	days := func(n int) { h.Clock.Pass(time.Duration(n) * 24 * time.Hour); h.tick() }
	days(10)
	h.wants(box, "four days before its day")
	days(1)
	h.tick()
	h.wants(box, "three days before its day", "police "+awaited)
	days(2)
	h.wants(box, "a day before its day")
	days(2)
	h.wants(box, "past its day", "commission "+late, "police "+late)
	days(6)
	h.wants(box, "six days later")
	days(1)
	h.wants(box, "a week later", "commission "+late, "police "+late)
	_, err = h.Answer(h.as("police/command"), p.ID, Reply{Text: "改めた"})
	h.must(err)
	h.wants(box, "answered", "commission "+answered)
	_, err = h.Insist(h.as("commission/member1"), p.ID, "いつからかを書くこと")
	h.must(err)
	h.wants(box, "asked again", "police "+awaited)
	_, err = h.Close(h.as("commission/member1"), p.ID, "改まった")
	h.must(err)
	days(30)
	h.wants(box, "closed")

	r := h.power(1)
	h.tick()
	o, err := h.Unseal(h.as("commission/inspector"), Asking{Entry: r.Entry, Ground: ForSample, Text: "目的を確かめる"})
	h.must(err)
	h.wants(box, "asked to open", "police "+arrived)
	days(4)
	h.wants(box, "three days before the day of an opening", "police "+awaited)
	days(4)
	h.wants(box, "an opening past its day", "commission "+late, "police "+late)
	_, err = h.Open(h.as("police/command"), o.ID, Giving{Content: "見た理由 <b>"})
	h.must(err)
	h.wants(box, "opened", "commission "+answered)
	if n := h.Entries(t, "oversight.remind", ledger.Done); n != 5 {
		t.Errorf("%d reminders are on record", n)
	}
	v, err := h.Show(h.as("police/command"), p.ID)
	h.must(err)
	var acts []string
	for _, x := range v.Past {
		acts = append(acts, x.Act)
	}
	if want := []string{"settle", "prompt", "remind", "remind", "answer", "insist", "close"}; !slices.Equal(acts, want) {
		t.Errorf("the body reads of %v, not %v", acts, want)
	}
}
