package vendor

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/notice"
	"noroshi/internal/testkit"
)

// Every release is told of: a notice of an earlier one is not that of a later.
func TestASecondReleaseIsToldOfToo(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		h.exposed = []notice.Exposed{{Org: h.country.ID("wind"), Product: "EdgeGate 410", Devices: 3, Certain: true, Priority: notice.Act}}
		_, rs := h.start(h.office(), NewCase{Vulnerability: cve, Makers: []NewMaker{{id, edge()[:1]}}, Send: true})
		r := rs[0].ID
		p := h.open(maker, r).Products[0].ID
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: p, Status: Affected, Fix: Released, Fixed: "9.1.5"}}))
		first, err := h.Tell(h.office(), r)
		if err != nil || first.Recipients != 1 {
			t.Fatalf("%+v %v", first, err)
		}
		h.Clock.Pass(time.Hour)
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: p, Status: Affected, Fix: Planned, FixOn: h.Clock.Now().AddDate(0, 0, 2).Format(dayLayout)}})) // the fix was none
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: p, Status: Affected, Fix: Released, Fixed: "9.1.6"}}))
		second, err := h.Tell(h.office(), r)
		if err != nil || second.Recipients != 1 || second.Notice == first.Notice {
			t.Errorf("the second release: %+v after %+v, %v", second, first, err)
		}
	})
}

// Who brought a case is not for the other makers in it, in whatever they read.
func TestWhoBroughtACaseStaysUnnamed(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a, asA := h.maker()
		b, asB := h.another()
		c, _ := h.start(asA, NewCase{Vulnerability: cve, Makers: []NewMaker{{a, edge()}}})
		r, err := h.AddMaker(h.office(), c.ID, NewMaker{Org: b, Products: []NewProduct{{Name: "別の会社の製品"}}})
		h.must(err)
		h.must(h.Send(h.office(), r.ID, time.Time{}, ""))
		v, err1 := h.Case(asB, c.ID)
		rows, names, _, err2 := h.List(asB, Filter{})
		cases, _, err3 := h.Cases(asB, Filter{})
		products, _, err4 := h.Products(asB, Filter{})
		h.must(errors.Join(err1, err2, err3, err4))
		for what, x := range map[string]any{"case": v, "requests": rows, "names": names, "cases": cases, "products": products, "request": h.open(asB, r.ID)} {
			if raw, _ := json.Marshal(x); strings.Contains(string(raw), a) || len(raw) < 5 {
				t.Errorf("%s: %s", what, raw)
			}
		}
	})
}

// What the coordinator wrote for those in a case goes to no reader of feeds;
// what is marked for them alone does not go there at all.
func TestFactsStayInTheCase(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		handed := map[string]string{}
		h.State = func(_ context.Context, name string, raw []byte) error { handed[name] = string(raw); return nil }
		const facts = "風力の会社で使われた"
		for i, n := range []NewCase{{TLP: "AMBER"}, {TLP: "RED"}, {TLP: "AMBER+STRICT"}, {TLP: "GREEN", Clearance: 1}} {
			n.Vulnerability, n.Facts, n.Makers, n.Send = cve, facts, []NewMaker{{id, edge()[:1]}}, true
			_, rs := h.start(h.office(), n)
			p := h.open(maker, rs[0].ID).Products[0].ID
			h.must(h.Answer(maker, rs[0].ID, []ProductAnswer{{ID: p, Status: Affected, Fix: Released, Fixed: "9.1.5"}}))
			_, err := h.Tick(t.Context())
			h.must(err)
			if len(handed) != 1 {
				t.Errorf("%d: %d documents were handed on", i, len(handed))
			}
			if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM bus_event WHERE subject = 'vendor.fix_released' AND data LIKE '%9.1.5%'"); n != 1 {
				t.Errorf("%d: %d events tell of the fix", i, n)
			}
			_, own, err := h.CSAF(maker, rs[0].ID, "")
			h.must(err)
			_, public, err := h.CSAF(maker, rs[0].ID, "CLEAR")
			h.must(err)
			if !strings.Contains(string(own), facts) || strings.Contains(string(public), facts) {
				t.Errorf("%d: the facts are in the case's document %v, in the public one %v", i, strings.Contains(string(own), facts), strings.Contains(string(public), facts))
			}
		}
		for _, raw := range handed {
			if strings.Contains(raw, facts) {
				t.Errorf("handed on:\n%s", raw)
			}
		}
	})
}

// One request or document that cannot be done holds up no other.
func TestOneBadRequestHoldsUpNone(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		stated := 0
		var bad ID
		h.State = func(_ context.Context, name string, _ []byte) error {
			if stated++; stated == 1 {
				return errors.New("not taken")
			}
			return nil
		}
		for i := range 3 {
			_, rs := h.start(h.office(), NewCase{Vulnerability: cve, Makers: []NewMaker{{id, edge()[:1]}}, Send: true})
			if p := h.open(maker, rs[0].ID).Products[0]; i == 0 {
				bad = p.ID
			} else {
				h.must(h.Answer(maker, rs[0].ID, []ProductAnswer{{ID: p.ID, Status: Affected, Fix: Planned, FixOn: h.Clock.Now().AddDate(0, 0, 20).Format(dayLayout)}}))
			}
		}
		_, rs := h.start(h.office(), NewCase{Vulnerability: cve, Makers: []NewMaker{{id, edge()[:1]}}, Send: true})
		h.must(h.Parts.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE vendor_product SET sealed = $2 WHERE id = $1", bad, []byte("nothing that was sealed"))
			return err
		}))
		h.Clock.Pass((answerDays + 1) * 24 * time.Hour)
		if _, err := h.Tick(t.Context()); err == nil {
			t.Error("nothing is said of what failed")
		}
		if v := h.open(h.office(), rs[0].ID); v.Request.State != NoAnswer {
			t.Errorf("behind the bad one: %s", v.Request.State)
		}
		if stated != 2 {
			t.Errorf("%d documents were tried", stated)
		}
	})
}
