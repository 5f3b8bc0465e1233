package notice

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/org"
)

// chain passes a notice on: from wind to its contractor, and to a firm by link.
func (m *mailroom) chain() Passed {
	m.t.Helper()
	m.tie(org.ContractorTie, "wind", "contractor")
	m.mailbox(m.contractor(), "contractor@firm.example", 1)
	out, err := m.Relay(m.wind(), m.one(m.wind()).ID, RelayInput{Children: []Child{{Org: m.ID("contractor")}, firm("kiri")}, Why: "弊社の保守をお願いしているため", Cautions: true})
	if err != nil {
		m.t.Fatal(err)
	}
	m.carry()
	return out
}

// A correction reaches its recipients as a notice, and everybody down the
// chain as the end of the one they follow.
func TestACorrectionIsToldDownTheChain(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.mailbox(m.wind(), "wind@firm.example", 1)
		m.mailbox(m.sea(), "sea@firm.example", 1)
		n := m.told("wind", "sea")
		m.chain()
		fix, err := m.Correct(m.analyst(), n.ID)
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.Board(m.analyst(), fix.ID, "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range b.Rows { // sea is no recipient of the correction
			if r.Org == m.ID("sea") {
				if err := m.RemoveRecipient(m.analyst(), fix.ID, r.ID); err != nil {
					t.Fatal(err)
				}
			}
		}
		if fix, err = m.Get(m.analyst(), fix.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Service.Send(m.analyst(), fix.ID, SendInput{Revision: fix.Revision, Despite: true}); err != nil {
			t.Fatal(err)
		}
		m.carry()
		for address, want := range map[string]string{"wind@firm.example": fix.Number, "sea@firm.example": n.Number + " は取り下げ", "contractor@firm.example": n.Number + " は取り下げ", "kiri@firm.example": n.Number + " は取り下げ"} {
			if all := m.box[address]; len(all) != 2 || !strings.Contains(all[1].Subject, want) {
				t.Errorf("%s: %d mails, the last should tell %q", address, len(all), want)
			}
		}
	})
}

// A firm by link hears of reminders and of the end, and of what does not hold
// any more it is not told once more what to do.
func TestAFirmByLinkHearsOn(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		n := m.told("wind")
		out := m.chain()
		for range 7 {
			m.Clock.Pass(time.Hour)
			if _, err := m.Tick(org.Local(t.Context()), m.now()); err != nil {
				t.Fatal(err)
			}
			m.carry()
		}
		if err := m.Withdraw(m.analyst(), n.ID, "版の誤り"); err != nil {
			t.Fatal(err)
		}
		m.carry()
		all := m.box["kiri@firm.example"]
		if len(all) < 3 || !strings.Contains(all[1].Subject, "返事を待っています") || !strings.Contains(all[len(all)-1].Subject, "取り下げ") {
			t.Fatalf("%d mails: %+v", len(all), all)
		}
		for _, x := range all[1:] {
			if strings.Contains(x.Text+x.HTML, tokenOf(out.Children[1].Link)) || !strings.Contains(x.Text, "前にお渡ししたリンク") || strings.Contains(x.HTML, "href") {
				t.Errorf("the way to it:\n%s", x.Text)
			}
		}
		if last := all[len(all)-1]; strings.Contains(last.Text, "装置の線を抜いてください") {
			t.Errorf("a withdrawal repeats the steps:\n%s", last.Text)
		}
	})
}

// When the mail with a firm's link comes back, whoever passed the notice on
// sees it, until another link is made.
func TestALinkThatDidNotArrive(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.gone["kiri@firm.example"] = true
		m.told("wind")
		out := m.chain()
		letter := m.one(m.wind()).ID
		back := func() (names []string) {
			p, err := m.Passing(m.wind(), letter)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range p.To {
				if c.Undelivered {
					names = append(names, c.Name)
				}
			}
			return names
		}
		if got := back(); len(got) != 1 || got[0] != "kiri" {
			t.Fatalf("came back: %v", got)
		}
		delete(m.gone, "kiri@firm.example")
		if _, err := m.NewLink(m.wind(), letter, out.Children[1].ID); err != nil {
			t.Fatal(err)
		}
		m.carry()
		if got := back(); len(got) != 0 || len(m.box["kiri@firm.example"]) != 1 {
			t.Errorf("after another link: %v", got)
		}
	})
}

// However many a notice reached, none is left out.
func TestAllAreReached(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind")
		const more = 2*reachedAtOnce + 7
		ctx := context.Background()
		err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error {
			list := make([]Recipient, more)
			for i := range list {
				list[i] = Recipient{ID: newBlind(), Notice: n.ID, Parent: "p", From: h.ID("wind"), Tier: 1, Kinds: []Kind{Small}, State: Delivered, DeliveredAt: h.now(), sealed: []byte{0}}
			}
			return insertRecipients(ctx, tx, list)
		})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[ID]bool{}
		err = h.Parts.DB.Read(ctx, func(tx *db.Tx) error {
			return eachReached(ctx, tx, n.ID, func(list []Recipient) error {
				for _, r := range list {
					seen[r.ID] = true
				}
				return nil
			})
		})
		if err != nil || len(seen) != more+1 {
			t.Errorf("%d of %d, %v", len(seen), more+1, err)
		}
	})
}

// Of one notice one correction is written at a time, and never do two hold.
func TestOneCorrection(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind")
		first, err := h.Correct(h.analyst(), n.ID)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Correct(h.analyst(), n.ID); !errors.Is(err, ErrCorrecting) {
			t.Errorf("a second correction: %v", err)
		}
		if err := h.Discard(h.analyst(), first.ID); err != nil {
			t.Fatal(err)
		}
		if first, err = h.Correct(h.analyst(), n.ID); err != nil {
			t.Fatal(err)
		}
		// Two drafts as an older hub let them be.
		other, err := h.Draft(h.analyst(), NewNotice{Content: h.content(), Recipients: h.to("wind")})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE notice_notice SET corrects = $2 WHERE id = $1", other.ID, n.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Send(h.analyst(), first.ID, SendInput{Revision: first.Revision, Despite: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Send(h.analyst(), other.ID, SendInput{Revision: other.Revision, Despite: true}); !errors.Is(err, ErrCorrected) {
			t.Errorf("two corrections of one: %v", err)
		}
	})
}
