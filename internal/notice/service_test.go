package notice

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// From a draft to repaired: what the sender sees is what the recipient did.
func TestFromDraftToFixed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: h.to("wind", "sea")})
		if err != nil {
			t.Fatal(err)
		}
		if list, _, _ := h.Inbox(h.wind(), Filter{}); len(list) != 0 {
			t.Fatalf("a draft is in the inbox: %v", list)
		}
		v, err := h.Review(h.analyst(), n.ID)
		if err != nil || len(v.Checked.Problems) != 0 || v.Recipients != 2 {
			t.Fatalf("review: %+v %v", v.Checked, err)
		}
		b, err := h.Board(h.analyst(), n.ID, "", "", 0)
		if err != nil || len(b.Rows) != 2 {
			t.Fatalf("board: %v %v", b.Rows, err)
		}
		before, err := h.Preview(h.analyst(), n.ID, b.Rows[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		d, err := h.Send(h.analyst(), n.ID, SendInput{Revision: n.Revision, Despite: true})
		if err != nil || d.Recipients != 2 {
			t.Fatalf("send: %+v %v", d, err)
		}
		reader := h.wind()
		if b.Rows[0].Org == h.ID("sea") {
			reader = h.sea()
		}
		h.Clock.Pass(9 * time.Minute)
		l := h.one(reader)
		got, err := h.Open(reader, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		// The preview is what arrived, but for where it stands.
		before.State, before.Stage, before.DeliveredAt, before.OpenedAt, before.MayPass = got.State, got.Stage, got.DeliveredAt, got.OpenedAt, got.MayPass
		if diff := cmp.Diff(before, got, cmp.AllowUnexported(Letter{})); diff != "" {
			t.Error(diff)
		}
		if len(got.Why) != 1 || got.Content.Technical == nil || !got.Content.KnownAt.IsZero() {
			t.Errorf("letter: %+v", got)
		}
		h.Clock.Pass(30 * time.Minute)
		for _, in := range []AnswerInput{
			{State: Checking},
			{State: Planned, Date: "2026-12-01", Interim: "線を抜いておく", Note: "試験してから"},
			{State: Mitigated, Note: "新しい版にした"},
		} {
			if _, err := h.Answer(reader, l.ID, in); err != nil {
				t.Fatalf("%s: %v", in.State, err)
			}
			h.Clock.Pass(time.Hour)
		}
		if _, err := h.AddEvidence(reader, l.ID, "画面.png", strings.NewReader("evidence")); err != nil {
			t.Fatal(err)
		}
		got, err = h.Open(reader, l.ID)
		if err != nil || len(got.Answers) != 3 || got.Answers[1].Interim != "線を抜いておく" || !got.Answers[2].Corrects || len(got.Evidence) != 1 {
			t.Fatalf("history: %+v %v", got.Answers, err)
		}
		_, file, err := h.Evidence(h.analyst(), l.ID, got.Evidence[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(file)
		file.Close()
		if string(raw) != "evidence" {
			t.Errorf("evidence %q", raw)
		}
		b, err = h.Board(h.analyst(), n.ID, "", "", 0)
		if err != nil || b.Counts[Mitigated] != 1 || b.Counts[Delivered] != 1 || b.Total != 2 {
			t.Fatalf("board: %+v %v", b.Counts, err)
		}
		for step, want := range map[string]time.Duration{"sent": 10 * time.Minute, "opened": 9 * time.Minute, "answered": 99 * time.Minute, "fixed": 159 * time.Minute} {
			if got := b.Times[step].Median; got != want {
				t.Errorf("%s took %v, want %v", step, got, want)
			}
		}
		var csv bytes.Buffer
		if err := h.Table(h.analyst(), n.ID, &csv); err != nil || strings.Count(csv.String(), "\n") != 3 {
			t.Errorf("csv: %v\n%s", err, csv.String())
		}
		// A correction of an answer takes the repair back.
		if _, err := h.Answer(reader, l.ID, AnswerInput{State: Affected}); err != nil {
			t.Fatal(err)
		}
		if got, _ := h.Open(reader, l.ID); !got.FixedAt.IsZero() || got.State != Affected {
			t.Errorf("after a correction: %+v", got)
		}
	})
}

func TestWhatCannotBeSent(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	for _, c := range []struct {
		name   string
		change func(*Content)
		want   string // code of a problem
	}{
		{"an indicator in the management version", func(c *Content) { c.Management.What.JA = "update[.]edge-gate.example を止める" }, "notice.check.leak"},
		{"an address of the running text", func(c *Content) { c.Small.Note.JA = "198.51.100.7 です" }, "notice.check.leak"},
		{"a hash in capitals", func(c *Content) {
			c.Management.Decide.EN = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08"
		}, "notice.check.leak"},
		{"the name of another recipient", func(c *Content) { c.Technical.Details.JA = "試験seaで見つかりました" }, "notice.check.name"},
		{"no deadline", func(c *Content) { c.AnswerBy = h.now().Add(-time.Hour) }, "notice.check.past"},
		{"no helper", func(c *Content) { c.Small.Helper.Phone = "" }, "notice.check.helper"},
		{"no steps", func(c *Content) { c.Small.Steps = nil }, "notice.check.no_steps"},
		{"no title", func(c *Content) { c.Title.JA = "" }, "notice.field.empty"},
		{"nothing to read for somebody", func(c *Content) { c.Small = nil }, "notice.check.promised"},
	} {
		content := h.content()
		c.change(&content)
		to := h.to("wind", "sea")
		to[1].Versions = []Kind{Small}
		n, err := h.Draft(h.analyst(), NewNotice{Content: content, Recipients: to})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		_, err = h.Send(h.analyst(), n.ID, SendInput{Revision: 1, Despite: true})
		f := fault.Of(err)
		if f == nil || f.Code != "notice.checks" || !strings.Contains(f.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	// Remarks stop it once, and can be accepted.
	content := h.content()
	content.Small.Steps[0].Do.JA = "ファームウェアをアップデートしてください"
	n, err := h.Draft(h.analyst(), NewNotice{Content: content, Recipients: h.to("wind")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 1}); !errors.Is(err, ErrDespite) || !strings.Contains(err.Error(), "jargon") {
		t.Errorf("remarks: %v", err)
	}
	if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 7, Despite: true}); !errors.Is(err, ErrRevision) {
		t.Errorf("another revision: %v", err)
	}
	if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 1, Despite: true}); err != nil {
		t.Errorf("accepted: %v", err)
	}
	if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: 2, Despite: true}); !errors.Is(err, ErrSent) {
		t.Errorf("twice: %v", err)
	}
	for _, bad := range []func(*Content){
		func(c *Content) { c.Small.Steps = make([]Step, 6) },
		func(c *Content) { c.TLP = "PURPLE" },
		func(c *Content) { c.Clearance = 4 },
		func(c *Content) { c.KnownAt = h.now().Add(time.Hour) },
		func(c *Content) { c.About = []string{"'; DROP TABLE"} },
		func(c *Content) { c.Title.JA = strings.Repeat("長", 121) },
	} {
		content := h.content()
		bad(&content)
		if _, err := h.Draft(h.analyst(), NewNotice{Content: content}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v", err)
		}
	}
}

// A ministry writes to its own sectors; who is not there and who is not theirs
// are refused in the same words.
func TestAMinistryWritesToItsSectors(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		try := func(id string) string {
			_, err := h.Draft(h.clerk(), NewNotice{Content: h.content(), Recipients: []NewRecipient{{Org: id}}})
			return fault.Of(err).Error()
		}
		if absent, hidden := try("nobody"), try(h.ID("bank")); absent != hidden {
			t.Errorf("%q, %q", absent, hidden)
		}
		h.exposed = []Exposed{{Org: h.ID("wind"), Product: "EdgeGate 410", Devices: 3, Certain: true, Priority: Act}, {Org: h.ID("bank"), Product: "EdgeGate 410", Devices: 2, Priority: Act}}
		n, err := h.Draft(h.clerk(), NewNotice{Vulnerability: "CVE-2026-90417"})
		if err != nil {
			t.Fatal(err)
		}
		b, err := h.Board(h.clerk(), n.ID, "", "", 0)
		if err != nil || len(b.Rows) != 1 || b.Rows[0].Org != h.ID("wind") || !strings.Contains(b.Rows[0].Why[0].JA, "3台") {
			t.Fatalf("%+v %v", b.Rows, err)
		}
		if n.Content.Severity != Act || n.Content.Management == nil || n.Content.Technical == nil || n.Content.AnswerBy.IsZero() {
			t.Errorf("draft: %+v", n.Content)
		}
	})
}

func TestWithdrawAndCorrect(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind", "sea")
		l := h.one(h.wind())
		fix, err := h.Correct(h.analyst(), n.ID)
		if err != nil {
			t.Fatal(err)
		}
		fix.Content.Title.JA = "EdgeGate 410 の認証回避（訂正）"
		if fix, err = h.Edit(h.analyst(), fix.ID, fix.Revision, fix.Content); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Edit(h.analyst(), fix.ID, 1, fix.Content); !errors.Is(err, ErrRevision) {
			t.Errorf("an old revision: %v", err)
		}
		if got, _ := h.Open(h.wind(), l.ID); got.Stage != Sent {
			t.Errorf("a draft of a correction ends the notice")
		}
		h.Clock.Pass(time.Minute)
		if _, err := h.Send(h.analyst(), fix.ID, SendInput{Revision: fix.Revision, Despite: true}); err != nil {
			t.Fatal(err)
		}
		now := h.one(h.wind())
		if now.ID == l.ID || !strings.Contains(now.Content.Title.JA, "訂正") {
			t.Fatalf("%+v", now)
		}
		old, err := h.Open(h.wind(), l.ID)
		if err != nil || old.Stage != Corrected || old.Replaced != now.ID {
			t.Errorf("%+v %v", old, err)
		}
		if _, err := h.Answer(h.wind(), l.ID, AnswerInput{State: Affected}); !errors.Is(err, ErrEnded) {
			t.Errorf("an answer to what has ended: %v", err)
		}
		if err := h.Withdraw(h.analyst(), fix.ID, "製品が違っていました"); err != nil {
			t.Fatal(err)
		}
		if got, _ := h.Open(h.wind(), now.ID); got.Stage != Withdrawn || got.EndedWhy != "製品が違っていました" {
			t.Errorf("%+v", got)
		}
		if err := h.Withdraw(h.analyst(), fix.ID, "もう一度"); !errors.Is(err, ErrNotSent) {
			t.Errorf("%v", err)
		}
		if n, err := h.Tick(org.Local(context.Background()), h.now().Add(240*time.Hour)); n != 0 || err != nil {
			t.Errorf("reminded of what has ended: %d %v", n, err)
		}
	})
}

func TestHelp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.told("wind", "sea")
		l := h.one(h.wind())
		got, err := h.Answer(h.wind(), l.ID, AnswerInput{State: NeedsHelp, Note: "線が分かりません"})
		if err != nil || got.Ticket == nil || got.Ticket.Desk != h.ID("jpcert") || got.Ticket.Due != h.now().Add(2*time.Hour) {
			t.Fatalf("%+v %v", got.Ticket, err)
		}
		list, _, err := h.Tickets(h.desk(), false, "", 0)
		if err != nil || len(list) != 1 || !strings.Contains(list[0].Name, "wind") {
			t.Fatalf("%+v %v", list, err)
		}
		id := list[0].ID
		if err := h.Close(h.desk(), id); !errors.Is(err, ErrTicket) {
			t.Errorf("closed before it was answered: %v", err)
		}
		for _, step := range []func() error{
			func() error { return h.Take(h.desk(), id) },
			func() error { return h.Assist(h.desk(), id, "青い線です") },
		} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		said, err := h.Help(h.wind(), l.ID)
		if err != nil || len(said) != 2 || said[1].Text != "青い線です" || said[0].AnsweredAt.IsZero() {
			t.Fatalf("%+v %v", said, err)
		}
		if tk, err := h.AskHelp(h.wind(), l.ID, "もう1本あります"); err != nil || tk.ID != id || tk.State != TicketTaken {
			t.Fatalf("%+v %v", tk, err)
		}
		c, err := h.Ticket(h.desk(), id)
		if err != nil || len(c.Messages) != 3 || c.Letter.State != NeedsHelp {
			t.Fatalf("%+v %v", c, err)
		}
		// No other desk and no other operator knows of it.
		for name, ctx := range map[string]context.Context{"office": h.analyst()} {
			if _, err := h.Ticket(ctx, id); !errors.Is(err, ErrNone) {
				t.Errorf("%s: %v", name, err)
			}
			if list, _, _ := h.Tickets(ctx, false, "", 0); len(list) != 0 {
				t.Errorf("%s: %v", name, list)
			}
		}
		if _, err := h.Help(h.sea(), l.ID); !errors.Is(err, ErrNone) {
			t.Errorf("sea: %v", err)
		}
		if err := h.Assist(h.desk(), id, "両方です"); err != nil {
			t.Fatal(err)
		}
		if err := h.Close(h.desk(), id); err != nil {
			t.Fatal(err)
		}
		if tk, err := h.AskHelp(h.wind(), l.ID, "また困りました"); err != nil || tk.ID == id {
			t.Errorf("a closed ticket goes on: %+v %v", tk, err)
		}
	})
}

// Half way, at the end and after it; whoever answered is left alone.
func TestRemindersAndEscalation(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.told("wind", "sea")
		ctx := org.Local(context.Background())
		l := h.one(h.sea())
		if _, err := h.Answer(h.sea(), l.ID, AnswerInput{State: NotAffected}); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			pass time.Duration
			want int
			kind string
			all  int // of this kind so far
		}{
			{3 * time.Hour, 0, "reminder", 0}, {time.Hour, 1, "reminder", 1}, {time.Hour, 0, "reminder", 1}, {3 * time.Hour, 1, "reminder", 2}, {2 * time.Hour, 1, "escalation", 1},
			{37 * time.Hour, 0, "escalation", 1}, {time.Hour, 1, "reminder", 3}, {24 * time.Hour, 1, "escalation", 2}, {1000 * time.Hour, 0, "escalation", 2},
		} {
			h.Clock.Pass(c.pass)
			got, err := h.Tick(ctx, h.now())
			if err != nil || got != c.want {
				t.Errorf("after %v more: %d, want %d; %v", c.pass, got, c.want, err)
			}
			if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM notice_outbox WHERE kind = $1", c.kind); n != c.all {
				t.Errorf("after %v more: %d of %s, want %d", c.pass, n, c.kind, c.all)
			}
		}
		if l := h.one(h.wind()); !l.Escalated {
			t.Errorf("%+v", l)
		}
		if _, err := h.Tick(h.analyst(), h.now()); fault.KindOf(err) != fault.Refused {
			t.Errorf("an analyst ticks: %v", err)
		}
	})
}

// A hub that was down for days does the last of what it missed, once.
func TestTickAfterALongSleep(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	h.told("wind")
	h.Clock.Pass(11 * time.Hour)
	if n, err := h.Tick(org.Local(context.Background()), h.now()); n != 1 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM notice_outbox WHERE kind = 'escalation' AND contact = 2"); n != 1 {
		t.Errorf("%d escalations", n)
	}
}

// Contacts are read when something is sent: who left is not written to.
func TestContactsThatLeft(t *testing.T) {
	h := newHouse(t, testkit.DB(t, sources()...))
	reach := func(rank int) (c org.Contact, fell bool) {
		err := h.Parts.DB.Read(context.Background(), func(tx *db.Tx) (err error) {
			c, fell, err = h.Reach(context.Background(), tx, h.ID("wind"), rank)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return c, fell
	}
	if c, fell := reach(2); c.Duty != org.Responsible || fell {
		t.Errorf("%+v %v", c, fell)
	}
	o, err := h.Country.Get(h.As("wind", "a", gate.OperatorAdmin), org.ID(h.ID("wind")))
	if err != nil {
		t.Fatal(err)
	}
	left := []org.Contact{{Duty: org.AllHours, Name: "当直", Phone: "00-0000-0002"}}
	if err := h.Country.SetContacts(h.As("wind", "a", gate.OperatorAdmin), o.ID, o.Version, left); err != nil {
		t.Fatal(err)
	}
	if c, fell := reach(2); c.Duty != org.AllHours || !fell {
		t.Errorf("%+v %v", c, fell)
	}
}

// Exposures of class Act make one draft per vulnerability; who was told is not
// told again.
func TestDraftsByItself(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := org.Local(context.Background())
		hear := func(name string) {
			err := h.Parts.DB.Write(context.Background(), func(tx *db.Tx) error {
				return Followers(h.Service)[0].Handle(context.Background(), tx, bus.Event{Subject: "exposure.found", Data: []byte(`{"org":"` + h.ID(name) + `","vulnerability":"CVE-2026-90417","exposure":"x"}`)})
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"wind", "sea", "bank"} {
			h.exposed = append(h.exposed, Exposed{Org: h.ID(name), Product: "EdgeGate 410", Devices: 2, Certain: true, Priority: Act})
		}
		h.exposed[2].Priority = Watch
		hear("wind")
		hear("wind")
		hear("sea")
		hear("bank")
		if _, err := h.Tick(ctx, h.now()); err != nil {
			t.Fatal(err)
		}
		list, _, err := h.List(h.analyst(), Filter{})
		if err != nil || len(list) != 1 || list[0].Recipients != 2 || !list[0].Auto {
			t.Fatalf("%+v %v", list, err)
		}
		n := list[0]
		if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: n.Revision, Despite: true}); err != nil {
			t.Fatal(err)
		}
		h.exposed[2].Priority = Act
		hear("sea")
		hear("bank")
		if _, err := h.Tick(ctx, h.now()); err != nil {
			t.Fatal(err)
		}
		list, _, err = h.List(h.analyst(), Filter{Stage: Draft})
		if err != nil || len(list) != 1 || list[0].Recipients != 1 {
			t.Fatalf("%+v %v", list, err)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM notice_found"); n != 0 {
			t.Errorf("%d are left", n)
		}
	})
}
