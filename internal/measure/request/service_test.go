package request

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/testkit"
)

// The mail that goes is the mail that was read, byte for byte, and another person
// sends it than who wrote it.
func TestTheMailThatGoesIsTheOneThatWasRead(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		r := h.checked(phishing(h.Clock.Now()))
		read, err := h.Preview(h.as("wind/reporter2"), r.ID)
		h.must("preview", err)
		if read.Digest != r.Digest || read.Way != ByMail || !strings.Contains(read.Subject, r.Number) {
			t.Errorf("%+v", read)
		}
		_, err = h.Send(h.as("wind/reporter1"), r.ID, r.Digest)
		wants(t, "who wrote it", err, ErrTwo)
		_, err = h.Send(h.as("wind/reporter2"), r.ID, strings.Repeat("0", 64))
		wants(t, "another mail", err, ErrDigest)
		sent, err := h.Send(h.as("wind/reporter2"), r.ID, read.Digest)
		h.must("send", err)
		if sent.State != Sending {
			t.Errorf("%s", sent.State)
		}
		_, err = h.Send(h.as("wind/reporter2"), r.ID, read.Digest)
		wants(t, "twice", err, ErrMove)
		h.round()
		if len(h.box.taken) != 1 || string(h.box.taken[0].Raw) != read.Raw || h.box.taken[0].To != "abuse@host.example" {
			t.Fatalf("taken %+v", h.box.taken)
		}
		if got := h.look(r.ID); got.State != Sent || got.SentAt.IsZero() || !got.NextAt.Equal(h.Clock.Now().Add(48*time.Hour)) {
			t.Errorf("%+v", got)
		}
		intent, outcome := h.acts("request.send"), h.acts("request.outcome")
		done := intent[len(intent)-1].Public
		if done["phase"] != "intent" || done["digest"] != read.Digest || done["writer"] == done["sender"] || done["one_enough"] != false {
			t.Errorf("intent %v", done)
		}
		if len(outcome) != 1 || outcome[0].Public["outcome"] != "sent" || outcome[0].Public["intent"] != intent[len(intent)-1].ID || outcome[0].Who != "" {
			t.Errorf("outcome %+v", outcome)
		}
		h.round()
		if len(h.box.taken) != 1 || len(h.acts("request.outcome")) != 1 {
			t.Error("it went twice, or its outcome was written twice")
		}
	})
}

// What changes after the check is checked again; a mail that waited long is too.
func TestOnlyAFreshCheckIsSent(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		r, err := h.Draft(h.as("wind/reporter1"), phishing(h.Clock.Now()))
		h.must("draft", err)
		_, err = h.Check(h.as("wind/reporter1"), r.ID)
		wants(t, "nobody said where answers go", err, ErrDesk)
		h.desk("wind/admin1")
		r, err = h.Check(h.as("wind/reporter1"), r.ID)
		h.must("check", err)
		d := phishing(h.Clock.Now())
		d.Asked = "Please take the page down today."
		changed, err := h.Change(h.as("wind/reporter2"), r.ID, d)
		h.must("change", err)
		if changed.State != Drafted || changed.Digest != "" {
			t.Errorf("%+v", changed)
		}
		_, err = h.Send(h.as("wind/reporter1"), r.ID, r.Digest)
		wants(t, "changed", err, ErrMove)
		r, err = h.Check(h.as("wind/reporter1"), r.ID)
		h.must("check", err)
		_, err = h.Send(h.as("wind/reporter2"), r.ID, r.Digest)
		wants(t, "who wrote it last", err, ErrTwo)
		h.Clock.Pass(freshFor)
		if _, err = h.Send(h.as("wind/reporter1"), r.ID, r.Digest); fault.Of(err).Code != "request.need.fresh" {
			t.Errorf("old: %v", err)
		}
	})
}

// A small firm may say that one person is enough; a body of power may not.
func TestOnePersonIsEnoughOnlyForOperators(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		one := Desk{Reply: "csirt@wind.example", OneEnough: true}
		for _, who := range []string{"police/command1", "jpcert/clerk1", "office/clerk1"} {
			if err := h.SetDesk(h.as(who), one); !placed(err, "one_enough", "request.bad.one") {
				t.Errorf("%s: %v", who, err)
			}
		}
		h.must("desk", h.SetDesk(h.as("wind/admin1"), one))
		r := h.checked(phishing(h.Clock.Now()))
		_, err := h.Send(h.as("wind/reporter1"), r.ID, r.Digest)
		h.must("send", err)
		if e := h.acts("request.send"); e[0].Public["one_enough"] != true {
			t.Errorf("%v", e[0].Public)
		}
	})
}

// A dead letter is seen, with the other side's words, and the request can be
// mended and sent again.
func TestAMailThatDoesNotArriveIsSeen(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		h.box.fail = fault.New(fault.Invalid, "mail.refused", "code", 550, "why", "550 no such mailbox abuse@host.example")
		r := h.sent(phishing(h.Clock.Now()))
		if r.State != Undelivered || !r.SentAt.IsZero() || r.Facts.Gone {
			t.Fatalf("%+v", r)
		}
		v, err := h.Show(h.as("wind/reporter1"), r.ID)
		h.must("show", err)
		if m := v.Mails[0]; m.Outcome != Undelivered || !strings.Contains(m.Why, "no such mailbox") || strings.Contains(m.Why, "@") {
			t.Errorf("%+v", m)
		}
		late, _, err := h.List(h.as("wind/viewer1"), Filter{Late: true})
		if err != nil || len(late) != 1 {
			t.Errorf("%d %v", len(late), err)
		}
		h.box.fail = nil
		d := v.Draft
		d.To.Mail = "abuse@noc.host.example"
		defer func() { // the mail that did not arrive is not sent after all
			h.must("again", h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error { return h.Office.Again(t.Context(), tx, v.Mails[0].ID) }))
			h.round()
			if len(h.box.taken) != 1 || h.box.taken[0].To != d.To.Mail {
				t.Errorf("the superseded mail went: %+v", h.box.taken)
			}
		}()
		_, err = h.Change(h.as("wind/reporter1"), r.ID, d)
		h.must("change", err)
		r, err = h.Check(h.as("wind/reporter1"), r.ID)
		h.must("check", err)
		_, err = h.Send(h.as("wind/reporter2"), r.ID, r.Digest)
		h.must("send", err)
		h.round()
		if r = h.look(r.ID); r.State != Sent || len(h.box.taken) != 1 {
			t.Errorf("%s, %d taken", r.State, len(h.box.taken))
		}
	})
}

// Silence is said outright after the days that the organisation waits; then the
// same desk is asked again, or somebody else. An answer that comes late counts.
func TestSilenceIsFollowedUp(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.must("desk", h.SetDesk(h.as("wind/admin1"), Desk{Reply: "csirt@wind.example", FollowDays: 2}))
		d := phishing(h.Clock.Now())
		d.By = time.Time{}
		r := h.sent(d)
		h.Clock.Pass(48*time.Hour - time.Second)
		h.round()
		if got := h.look(r.ID); got.State != Sent {
			t.Errorf("too early: %s", got.State)
		}
		h.Clock.Pass(time.Second)
		h.round()
		h.round()
		if got := h.look(r.ID); got.State != NoAnswer || len(h.acts("request.overdue")) != 1 || len(h.box.taken) != 1 {
			t.Errorf("%s, %d mails: nobody is written to by a clock", got.State, len(h.box.taken))
		}
		_, err := h.Follow(h.as("wind/reporter1"), r.ID, FollowInput{Purpose: Escalation, To: d.To})
		if !placed(err, "to.mail", "request.bad.same") {
			t.Errorf("the same desk: %v", err)
		}
		_, err = h.Follow(h.as("wind/reporter1"), r.ID, FollowInput{Purpose: Escalation, To: Contact{Mail: "abuse@registrar.example", Provider: "Registrar Example", Lang: text.JA}})
		h.must("follow", err)
		r, err = h.Check(h.as("wind/reporter1"), r.ID)
		h.must("check", err)
		_, err = h.Send(h.as("wind/reporter2"), r.ID, r.Digest)
		h.must("send", err)
		h.round()
		m, err := show(h.box.taken[1].Raw)
		h.must("read", err)
		if !strings.Contains(m.Parts[0].Text, "ほかの窓口へ依頼しました") || strings.Contains(h.box.taken[1].To+string(h.box.taken[1].Raw), "Host Example") {
			t.Errorf("the second desk reads:\n%s", m.Parts[0].Text)
		}
		pasted := "Re: [" + r.Number + "]\r\nThe page is gone.\r\n"
		gone := h.Clock.Now().Add(-time.Minute)
		got, err := h.Answer(h.as("wind/reporter2"), r.Number, AnswerInput{Says: SaysGone, Text: pasted, GoneAt: gone})
		h.must("answer", err)
		v, err := h.Show(h.as("wind/reporter1"), r.ID)
		h.must("show", err)
		if got.State != Acted || !got.GoneAt.Equal(gone) || len(v.Answers) != 1 || v.Answers[0].Digest != digestOf([]byte(pasted)) {
			t.Errorf("%+v %+v", got, v.Answers)
		}
		_, err = h.Close(h.as("wind/reporter2"), r.ID, "")
		h.must("close", err)
	})
}

// Whether it is down is what somebody says; of oneself it is no answer of theirs.
func TestWhoSaysThatItStopped(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		r := h.sent(phishing(h.Clock.Now()))
		for at, in := range map[string]AnswerInput{"by": {Says: SaysReceived, By: OwnLogs, Text: "x"}, "text": {Says: SaysGone}, "gone_at": {Says: SaysGone, Text: "x", GoneAt: h.Clock.Now().Add(time.Hour)}, "says": {Text: "x"}} {
			if _, err := h.Answer(h.as("wind/reporter1"), r.ID, in); fault.KindOf(err) != fault.Invalid || fault.Of(err).Places[0].At != at {
				t.Errorf("%s: %v", at, err)
			}
		}
		h.Clock.Pass(3 * time.Hour)
		_, err := h.Answer(h.as("wind/reporter1"), r.ID, AnswerInput{Says: SaysGone, By: OwnLogs, Text: "当方の記録では、16時から通信がない。"})
		h.must("answer", err)
		f, err := h.Figures(h.as("wind/reporter1"))
		h.must("figures", err)
		if f.Total.Sent != 1 || f.Total.Answered != 0 || f.Total.Gone != 1 || f.Total.Median != 3*time.Hour || len(f.Providers) != 1 || f.Providers[0].Provider != "Host Example" {
			t.Errorf("%+v", f)
		}
		// It came back.
		_, err = h.Follow(h.as("wind/reporter1"), r.ID, FollowInput{Purpose: FollowUp})
		h.must("follow", err)
		if got := h.look(r.ID); !got.GoneAt.IsZero() || got.State != Drafted {
			t.Errorf("%+v", got)
		}
	})
}

// What is asked of a provider on one's own account is nobody else's to know, and
// leaves no name in the record or in events.
func TestNobodyElseLearnsWhoWasAsked(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		r := h.sent(phishing(h.Clock.Now()))
		for _, who := range []string{"sea/reporter1", "jpcert/clerk1", "industry/clerk1", "commission/member1", "commission/examiner1", "police/command1", "police/executive1", "office/clerk1", "hub/admin1", "privacy/clerk1", "carrier/clerk1"} {
			ctx := h.as(who)
			_, err1 := h.Show(ctx, r.ID)
			_, err2 := h.Preview(ctx, r.Number)
			_, err3 := h.Close(ctx, r.ID, "x")
			list, _, err4 := h.List(ctx, Filter{})
			f, err5 := h.Figures(ctx)
			for i, err := range []error{err1, err2, err3} {
				if k := fault.KindOf(err); k != fault.NotFound && k != fault.Refused {
					t.Errorf("%s, %d: %v", who, i, err)
				}
			}
			if err4 == nil && len(list) > 0 || err5 == nil && f.Total.Sent > 0 {
				t.Errorf("%s sees %d requests, figures %+v", who, len(list), f)
			}
		}
		secrets := []string{"host.example", "Host Example", "山田電機", "login.bad", "198.51.100.7", "csirt@", r.Number}
		for _, table := range []string{"SELECT leaf FROM ledger_entry", "SELECT data FROM bus_event", "SELECT sealed FROM measure_request", "SELECT sealed FROM measure_request_mail", "SELECT object || recipient || why FROM post_letter"} {
			h.must("read", h.Parts.DB.Read(t.Context(), func(tx *db.Tx) error {
				rows, err := tx.Query(t.Context(), table)
				if err != nil {
					return err
				}
				defer rows.Close()
				for rows.Next() {
					var raw []byte
					if err := rows.Scan(&raw); err != nil {
						return err
					}
					for _, s := range secrets {
						if strings.Contains(string(raw), s) {
							t.Errorf("%s tells %q: %s", table, s, raw)
						}
					}
				}
				return rows.Err()
			}))
		}
	})
}

// A viewer reads and does nothing; a refusal is on the record.
func TestAViewerOnlyReads(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		r := h.checked(phishing(h.Clock.Now()))
		v, err := h.Show(h.as("wind/viewer1"), r.ID)
		h.must("show", err)
		if len(v.Acts) != 0 {
			t.Errorf("%v", v.Acts)
		}
		_, err = h.Send(h.as("wind/viewer1"), r.ID, r.Digest)
		if fault.KindOf(err) != fault.Refused || h.Entries(t, "request.send", "refused") != 1 {
			t.Errorf("%v", err)
		}
		_, err = h.Draft(h.as("carrier/clerk1"), phishing(h.Clock.Now()))
		if fault.KindOf(err) != fault.Refused {
			t.Errorf("%v", err)
		}
	})
}

// Without a mail server people send the file with a program of their own, and say
// what became of it.
func TestByHand(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		h.From = ""
		r := h.checked(phishing(h.Clock.Now()))
		v, err := h.Preview(h.as("wind/reporter2"), r.ID)
		h.must("preview", err)
		if v.Way != InHand || !strings.Contains(v.From, "csirt@wind.example") || v.ReplyTo != "" {
			t.Errorf("%+v", v)
		}
		_, err = h.Send(h.as("wind/reporter2"), r.ID, r.Digest)
		h.must("send", err)
		h.round()
		if got := h.look(r.ID); got.State != Sending || len(h.box.taken) != 0 {
			t.Errorf("%s", got.State)
		}
		h.Clock.Pass(2 * time.Hour)
		x, err := h.Show(h.as("wind/reporter2"), r.ID)
		h.must("show", err)
		if !x.Stuck {
			t.Error("an intent without an outcome is not shown")
		}
		got, err := h.Handed(h.as("wind/reporter2"), r.ID, Handed{Sent: true})
		h.must("handed", err)
		if got.State != Sent || got.SentAt.IsZero() {
			t.Errorf("%+v", got)
		}
	})
}

// The hub is nobody's means to flood a mailbox.
func TestMailsAreBounded(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	h.desk("wind/admin1")
	var err error
	n := 0
	for ; n < sentPerHour+5 && err == nil; n++ {
		r := h.checked(phishing(h.Clock.Now()))
		_, err = h.Send(h.as("wind/reporter2"), r.ID, r.Digest)
	}
	wants(t, "too many", err, ErrOften)
	if n != sentPerHour+1 {
		t.Errorf("the %dth was refused", n)
	}
}

// A dry run shows the mail and keeps nothing.
func TestADryRunKeepsNothing(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.desk("wind/admin1")
		v, err := h.Try(h.as("wind/reporter1"), phishing(h.Clock.Now()))
		h.must("try", err)
		if len(v.Parts) != 3 || v.Type != "multipart/report" {
			t.Errorf("%+v", v)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM measure_request"); n != 0 {
			t.Errorf("%d are kept", n)
		}
		var x map[string]any
		h.must("xarf", json.Unmarshal([]byte(v.Parts[2].Text), &x))
		if x["type"] != "phishing" || x["source_identifier"] != "198.51.100.7" {
			t.Errorf("%v", x)
		}
	})
}
