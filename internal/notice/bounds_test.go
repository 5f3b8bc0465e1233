package notice

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/notice/channel"
)

// A call for help with a letter of TLP:RED does not show it to a desk that is
// no recipient; what is not RED it reads.
func TestADeskReadsNoRed(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ask := func(c Content) (Letter, string) {
			n, err := h.Draft(h.analyst(), NewNotice{Content: c, Recipients: h.to("wind")})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := h.Send(h.analyst(), n.ID, SendInput{Revision: n.Revision, Despite: true}); err != nil {
				t.Fatal(err)
			}
			h.Clock.Pass(time.Second)
			tk, err := h.AskHelp(h.wind(), h.one(h.wind()).ID, "どの線ですか")
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.Ticket(h.desk(), tk.ID)
			if err != nil || len(got.Messages) != 1 {
				t.Fatalf("%+v %v", got.Messages, err)
			}
			raw, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			return got.Letter, string(raw)
		}
		c := h.content()
		c.Technical.TLP = Red
		if l, raw := ask(c); len(l.Kinds) != 2 || strings.Contains(raw, "198.51.100.7") || !strings.Contains(raw, "遠隔保守の入口") {
			t.Errorf("one version is RED: %v\n%s", l.Kinds, raw)
		}
		c = h.content()
		c.TLP, c.Management.TLP, c.Technical.TLP, c.Small.TLP = Red, Red, Red, Red
		l, raw := ask(c)
		for _, secret := range []string{"EdgeGate", "198.51.100.7", "装置の線", "台帳にあります", "CVE-2026-90417"} {
			if strings.Contains(raw, secret) {
				t.Errorf("all is RED, and the desk reads %q:\n%s", secret, raw)
			}
		}
		if len(l.Kinds) != 0 {
			t.Errorf("%v", l.Kinds)
		}
	})
}

// The hub is nobody's means to write to any address: after so many a day the
// links are made and handed over.
func TestMailsOfADay(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.told("wind")
		l := m.one(m.wind())
		err := m.DB.Write(t.Context(), func(tx *transaction) error {
			for range maxMails {
				if _, err := m.Channels.Mail(t.Context(), tx, channel.Letter{Owner: m.ID("wind"), Object: letterOf("x"), Reason: channel.First, Class: "act"}, "a@firm.example", "", "ja"); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		pass := func(name string) PassedTo {
			out, err := m.Relay(m.wind(), l.ID, RelayInput{Children: []Child{firm(name)}, Why: "弊社の台帳にあるため", Cautions: true})
			if err != nil {
				t.Fatal(err)
			}
			return out.Children[0]
		}
		if c := pass("kiri"); c.Mailed || c.Link == "" {
			t.Errorf("%+v", c)
		}
		m.Clock.Pass(25 * time.Hour)
		if c := pass("yama"); !c.Mailed {
			t.Errorf("a day later: %+v", c)
		}
	})
}

// A file is found under the notice that it answers, and under no other.
func TestAFileOfAnotherNotice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind")
		l := h.one(h.wind())
		m, err := h.AddEvidence(h.wind(), l.ID, "a.txt", strings.NewReader("proof"))
		if err != nil {
			t.Fatal(err)
		}
		other := h.told("sea")
		if _, _, err := h.evidence(h.analyst(), other.ID, l.ID, m.ID); !errors.Is(err, ErrNone) {
			t.Errorf("under another notice: %v", err)
		}
		_, file, err := h.evidence(h.analyst(), n.ID, l.ID, m.ID)
		if err != nil {
			t.Fatal(err)
		}
		file.Close()
	})
}

// A draft that is marked wider than the item it rests on says so, whenever it
// was widened and whoever sends it.
func TestADraftWiderThanItsItem(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		gone := false
		h.Item = func(context.Context, string) (Facts, error) {
			if gone {
				return Facts{}, ErrNone
			}
			return Facts{Title: duo("欠陥", "A flaw"), About: []string{"CVE-2026-90417"}, TLP: Red, Clearance: 1}, nil
		}
		c := h.content()
		c.TLP, c.Clearance = Red, 1
		n, err := h.Draft(h.high(), NewNotice{Item: "item-1", Nobody: true, Content: c, Recipients: h.to("wind")})
		if err != nil {
			t.Fatal(err)
		}
		said := func(want ...string) Review {
			v, err := h.Review(h.high(), n.ID)
			if err != nil {
				t.Fatal(err)
			}
			raw, _ := json.Marshal(v.Checked.Remarks)
			for _, code := range []string{"notice.check.wider", "notice.check.lower", "notice.check.unseen"} {
				if strings.Contains(string(raw), code) != contains(want, code) {
					t.Errorf("want %v: %s", want, raw)
				}
			}
			return v
		}
		said()
		c.TLP, c.Clearance, c.Item = Clear, 0, ""
		if _, err := h.Edit(h.high(), n.ID, n.Revision, c); err != nil {
			t.Fatal(err)
		}
		v := said("notice.check.wider", "notice.check.lower")
		if _, err := h.Send(h.high(), n.ID, SendInput{Revision: v.Notice.Revision}); !errors.Is(err, ErrDespite) || !strings.Contains(err.Error(), "notice.check.wider") {
			t.Errorf("sent without a word: %v", err)
		}
		gone = true
		said("notice.check.unseen")
		if _, err := h.Send(h.high(), n.ID, SendInput{Revision: v.Notice.Revision, Despite: true}); err != nil {
			t.Error(err)
		}
	})
}
