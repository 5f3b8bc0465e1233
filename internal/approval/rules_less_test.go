package approval

import (
	"slices"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/testkit"
)

// TestTheCommissionGrantsLess: what it takes away is not in the order, so that no run
// has it, and stays visible beside what was asked.
func TestTheCommissionGrantsLess(t *testing.T) {
	h := newHub(t, testkit.DB(t, sources()...))
	c := h.ask(func(a *Application) { a.Addresses = "plain" })
	h.examine(c.ID)
	for _, n := range []string{"1", "2", "3"} {
		if _, err := h.Vote(h.member(n), c.ID, NewVote{Choice: For}); err != nil {
			t.Fatal(err)
		}
	}
	asked := c.Asked
	for _, bad := range []struct {
		at   string
		less Less
	}{
		{"retain", Less{RetainDays: asked.RetainDays + 1}}, {"retain", Less{RetainDays: -1}}, {"without_fields", Less{Fields: []string{"ja4"}}},
		{"without_fields", Less{Fields: asked.Fields}}, {"without_recipients", Less{Recipients: []string{"nobody"}}},
	} {
		_, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "認める。", Less: bad.less})
		if err == nil || !slices.ContainsFunc(fault.Of(err).Places, func(p fault.Place) bool { return p.At == bad.at }) {
			t.Errorf("%+v: %v", bad.less, err)
		}
	}
	less := Less{RetainDays: 7, Pseudonyms: true, Fields: asked.Fields[:1], Recipients: asked.Recipients[:1]}
	c, err := h.Decide(h.member("1"), c.ID, Decision{Reason: "短く保存することを条件に認める。", Less: less})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := h.Paper(h.clerk(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(raw, h.Verifier)
	if err != nil {
		t.Fatal(err)
	}
	o := g.Order()
	if o.RetainDays != 7 || o.Addresses != "pseudonym" || slices.Contains(o.Fields, asked.Fields[0]) || len(o.Fields) != len(asked.Fields)-1 || slices.Contains(o.Recipients, asked.Recipients[0]) {
		t.Errorf("%+v", o)
	}
	v, err := h.Show(h.clerk(), c.ID)
	if err != nil || v.Case.Less.RetainDays != 7 || v.Case.Asked.RetainDays != asked.RetainDays {
		t.Fatalf("%+v %v", v.Case.Less, err)
	}
	h.Clock.Pass(24 * time.Hour)
	if a, err := h.Extension(h.clerk(), c.ID); err != nil || a.RetainDays != 7 || a.Addresses != "pseudonym" {
		t.Errorf("an extension begins with what was granted: %+v %v", a, err)
	}
}
