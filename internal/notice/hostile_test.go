package notice

import (
	"context"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/bus"
	"noroshi/internal/base/db"
	"noroshi/internal/base/fault"
	"noroshi/internal/org"
	"noroshi/internal/testkit"
)

// hear tells the noun of an exposure.
func (h *house) hear(name, vulnerability string) {
	h.t.Helper()
	err := h.Parts.DB.Write(context.Background(), func(tx *db.Tx) error {
		return Followers(h.Service)[0].Handle(context.Background(), tx, bus.Event{Subject: "exposure.found", Data: []byte(`{"org":"` + h.ID(name) + `","vulnerability":"` + vulnerability + `"}`)})
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A feed that lies about one vulnerability holds up neither the drafts for
// others nor anybody's reminders, and is not tried for ever.
func TestOneBadFactHoldsUpNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.told("sea")
		h.exposed = []Exposed{{Org: h.ID("wind"), Product: "EdgeGate", Devices: 1, Certain: true, Priority: Act}}
		good := h.Vulnerability
		h.Vulnerability = func(ctx context.Context, tx *db.Tx, id string) (Facts, error) {
			f, err := good(ctx, tx, id)
			if id == "CVE-2026-0001" {
				f.AttackAt = h.now().AddDate(1, 0, 0)
			}
			return f, err
		}
		h.hear("wind", "CVE-2026-0001")
		h.hear("wind", "CVE-2026-0002")
		h.Clock.Pass(4 * time.Hour)
		n, err := h.Tick(org.Local(context.Background()), h.now())
		if n != 1 || err == nil || !strings.Contains(err.Error(), "CVE-2026-0001") {
			t.Errorf("%d reminded, %v", n, err)
		}
		if list, _, err := h.List(h.analyst(), Filter{Stage: Draft}); err != nil || len(list) != 1 || list[0].Content.About[0] != "CVE-2026-0002" {
			t.Errorf("%+v %v", list, err)
		}
		if n, err := h.Tick(org.Local(context.Background()), h.now()); n != 0 || err != nil {
			t.Errorf("again: %d %v", n, err)
		}
	})
}

// An exposure of whoever left the hub, or of the office itself, keeps no draft
// from the others.
func TestExposuresOfNobody(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for _, id := range []string{h.ID("wind"), h.ID("office"), "0198ffff-0000-7000-8000-000000000000"} {
			h.exposed = append(h.exposed, Exposed{Org: id, Product: "EdgeGate", Devices: 1, Certain: true, Priority: Act})
		}
		n, err := h.Draft(h.analyst(), NewNotice{Vulnerability: "CVE-2026-0002"})
		if err != nil {
			t.Fatal(err)
		}
		if b, err := h.Board(h.analyst(), n.ID, "", "", 0); err != nil || b.Total != 1 {
			t.Errorf("%+v %v", b.Counts, err)
		}
	})
}

// A ministry's draft says nothing of what is exposed outside of its sectors:
// neither how urgent it is there nor what is there.
func TestADraftTellsOfNoOtherSector(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.exposed = []Exposed{{Org: h.ID("bank"), Product: "VaultGate 9000", Devices: 3, Certain: true, Priority: Act, FoundAt: h.now().Add(-30 * time.Hour)}}
		n, err := h.Draft(h.clerk(), NewNotice{Vulnerability: "CVE-2026-0002"})
		if err != nil {
			t.Fatal(err)
		}
		h.exposed = nil
		want, err := h.Draft(h.clerk(), NewNotice{Vulnerability: "CVE-2026-0002"})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := digestOf(&n.Content), digestOf(&want.Content); a != b {
			t.Errorf("a bank's exposure shows in a draft of the ministry of industry: %+v", n.Content)
		}
	})
}

// Whom a recipient passed a notice on to, its sender sees as a range: a preview
// is no way around.
func TestAPreviewCountsNobodysSuppliers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := h.told("wind")
		l := h.one(h.wind())
		if _, err := h.Relay(h.wind(), l.ID, RelayInput{Children: []Child{firm("kiri"), firm("yama")}, Why: "弊社の台帳にあるため", Cautions: true}); err != nil {
			t.Fatal(err)
		}
		if mine := h.read(h.wind()); mine.Passed != 2 {
			t.Errorf("its own count is %d", mine.Passed)
		}
		if p, err := h.Preview(h.analyst(), n.ID, l.ID); err != nil || p.Passed != 0 {
			t.Errorf("the sender sees %d, %v", p.Passed, err)
		}
	})
}

// The hub writes to an address that somebody typed only so often.
func TestLinksOfADay(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.told("wind")
		l := h.one(h.wind())
		out, err := h.Relay(h.wind(), l.ID, RelayInput{Children: []Child{firm("kiri")}, Why: "弊社の台帳にあるため", Cautions: true})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			if _, err = h.NewLink(h.wind(), l.ID, out.Children[0].ID); err != nil {
				break
			}
		}
		if fault.KindOf(err) != fault.TooLarge {
			t.Errorf("twenty links in no time: %v", err)
		}
		h.Clock.Pass(25 * time.Hour)
		if _, err := h.NewLink(h.wind(), l.ID, out.Children[0].ID); err != nil {
			t.Error(err)
		}
	})
}

// What was withdrawn is no news for a second contact, and one recipient whose
// part cannot be opened holds up no other's mail.
func TestLettersThatCannotGo(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.mailbox(m.wind(), "wind@firm.example", 1)
		m.mailbox(m.wind(), "second@firm.example", 2)
		m.mailbox(m.sea(), "sea@firm.example", 1)
		bad := m.told("bank")
		if err := m.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE notice_notice SET sealed = $2 WHERE id = $1", bad.ID, []byte("nothing that was sealed"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		n := m.told("wind", "sea")
		m.carry()
		if len(m.box["wind@firm.example"]) != 1 || len(m.box["sea@firm.example"]) != 1 {
			t.Fatalf("%d and %d mails", len(m.box["wind@firm.example"]), len(m.box["sea@firm.example"]))
		}
		if c := testkit.Count(t, m.DB, "SELECT count(*) FROM notice_outbox WHERE done_at = 0 AND tries = 1 AND problem <> ''"); c != 1 {
			t.Errorf("%d rows are laid aside", c)
		}
		if err := m.Withdraw(m.analyst(), n.ID, "版の誤り"); err != nil {
			t.Fatal(err)
		}
		letter := m.one(m.wind()).ID
		if err := m.DB.Write(t.Context(), func(tx *db.Tx) error { return m.unreached(t.Context(), tx, letterOf(letter)) }); err != nil {
			t.Fatal(err)
		}
		m.carry()
		if len(m.box["second@firm.example"]) != 0 {
			t.Error("a withdrawn notice goes to the second contact as a new one")
		}
	})
}

// The name of a firm is a name: in the hub's mail to it nobody writes lines of
// their own.
func TestANameIsOneLine(t *testing.T) {
	eachMailroom(t, func(m *mailroom) {
		m.told("wind")
		l := m.one(m.wind())
		if _, err := m.Relay(m.wind(), l.ID, RelayInput{Children: []Child{{Name: "霧沢精工\n\n至急こちらへ:\nhttps://evil.example", Mail: "info@kirisawa.example"}}, Why: "台帳にあるため", Cautions: true}); err != nil {
			t.Fatal(err)
		}
		m.carry()
		got := m.box["info@kirisawa.example"]
		if len(got) != 1 || strings.Contains(got[0].Text, "\nhttps://evil") || strings.Contains(got[0].Text, "\n至急") {
			t.Errorf("%d mails\n%v", len(got), got)
		}
	})
}
