package exposure

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"noroshi/internal/base/gate"
)

// The reads of the pages, on both databases.
func TestGroupsAndConcern(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		var list []said
		for i := range 7 {
			list = append(list, said{id: fmt.Sprintf("CVE-2026-9010%d", i), vendor: "orvane", product: "edgegate", before: fmt.Sprintf("9.1.%d", i+2)})
		}
		h.say(list...)
		for _, name := range []string{"wind", "sea", "bank"} {
			h.add(h.as(name), "cpe", gateway, "version", "9.1.4", "zone", "internet", "quantity", "2")
		}
		h.add(h.wind(), "maker", "Oldsoft", "product", "History H3", "version", "3", "support_ends_at", "2020-01-31")
		h.settle()
		h.attack("CVE-2026-90104")
		h.work()
		// Versions before 9.1.5, .6, .7, .8 concern 9.1.4; and support has ended.
		var got []Group
		cursor := ""
		for range 10 {
			rows, next, err := h.Groups(h.analyst(), Filter{Limit: 2, Cursor: cursor})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, rows...)
			if cursor = next; cursor == "" {
				break
			}
		}
		if len(got) != 5 || got[0].Vulnerability != "CVE-2026-90104" || !got[0].Exploited || got[0].Orgs != 3 || got[0].Devices != 6 || got[0].New != 3 {
			t.Fatalf("%+v", got)
		}
		if !slices.IsSortedFunc(got, func(a, b Group) int { return int(b.Priority) - int(a.Priority) }) {
			t.Errorf("not by what to do next: %+v", got)
		}
		clerk := h.country.As("industry", "c", gate.MinistryClerk)
		theirs, _, err := h.Groups(clerk, Filter{Exploited: true})
		if err != nil || len(theirs) != 1 || theirs[0].Orgs != 2 || theirs[0].Devices != 4 {
			t.Errorf("a ministry: %+v %v", theirs, err)
		}
		c, err := h.Concerned(h.analyst(), "CVE-2026-90104")
		if err != nil || c.Orgs != 3 || c.Devices != 6 || len(c.By) != 2 {
			t.Errorf("%+v %v", c, err)
		}
		if c, err = h.Concerned(clerk, "CVE-2026-90104"); err != nil || c.Orgs != 2 || len(c.By) != 1 || c.By[0].Sector != "electricity" {
			t.Errorf("a ministry: %+v %v", c, err)
		}
		if _, _, err := h.Groups(h.wind(), Filter{}); !errors.Is(err, gate.ErrRole) {
			t.Errorf("an operator asks whom else: %v", err)
		}
		if _, err := h.Concerned(h.wind(), "CVE-2026-90104"); !errors.Is(err, gate.ErrRole) {
			t.Errorf("an operator asks whom else: %v", err)
		}
		found, err := h.List(h.wind(), Filter{Kind: "support"})
		if err != nil || len(found.Rows) != 1 {
			t.Fatalf("%+v %v", found, err)
		}
		e := &found.Rows[0]
		if err := h.Written(h.wind(), e); err != nil || e.Product != "Oldsoft History H3" {
			t.Errorf("%q %v", e.Product, err)
		}
	})
}

func TestWeeksCountWhatWaited(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.say(said{id: "CVE-2026-90104", vendor: "orvane", product: "edgegate", before: "9.2"})
		h.add(h.wind(), "cpe", gateway, "version", "9.1.4", "zone", "internet")
		h.settle()
		h.Clock.Pass(5 * 7 * 24 * time.Hour)
		h.say(said{id: "CVE-2026-90105", vendor: "orvane", product: "edgegate", before: "9.2"})
		h.settle()
		totals := func() (out []int) {
			weeks, err := h.Weeks(h.wind())
			if err != nil || len(weeks) != historyWeeks {
				t.Fatalf("%v %v", weeks, err)
			}
			for i := range weeks {
				out = append(out, weeks[i].Total())
			}
			return out
		}
		if got := totals(); !slices.Equal(got[7:], []int{1, 1, 1, 1, 1, 2}) || got[6] != 0 {
			t.Fatalf("%v", got)
		}
		found, err := h.List(h.wind(), Filter{Vulnerability: "CVE-2026-90104"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Mark(h.wind(), []ID{found.Rows[0].ID}, Handled, ""); err != nil {
			t.Fatal(err)
		}
		h.Clock.Pass(7 * 24 * time.Hour)
		if got := totals(); got[12] != 1 || got[5] != 0 || got[7] != 1 {
			t.Errorf("handled a week ago: %v", got)
		}
		all, err := h.Weeks(h.analyst())
		if err != nil || all[12].Total() != 1 {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestTakeBackRestoresEach(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.say(said{id: "CVE-2026-90104", vendor: "orvane", product: "edgegate", before: "9.2"}, said{id: "CVE-2026-90105", vendor: "orvane", product: "edgegate", before: "9.2"})
		h.add(h.wind(), "cpe", gateway, "version", "9.1.4", "zone", "internet")
		h.settle()
		found, err := h.List(h.wind(), Filter{})
		if err != nil || len(found.Rows) != 2 {
			t.Fatal(found, err)
		}
		ids := []ID{found.Rows[0].ID, found.Rows[1].ID}
		if l, err := h.Last(h.wind()); err != nil || l.Entry != "" {
			t.Fatalf("%+v %v", l, err)
		}
		if _, err := h.Mark(h.wind(), ids[:1], Handled, "直した"); err != nil {
			t.Fatal(err)
		}
		if _, err := h.Judge(h.wind(), NewJudgement{Exposures: ids, Justification: "component_not_present", Words: "外した"}); err != nil {
			t.Fatal(err)
		}
		l, err := h.Last(h.wind())
		if err != nil || l.What != "judged" || len(l.Exposures) != 2 {
			t.Fatalf("%+v %v", l, err)
		}
		if _, err := h.TakeBack(h.as("sea"), l.Entry); !errors.Is(err, ErrVerdict) {
			t.Errorf("another operator takes it back: %v", err)
		}
		if _, err := h.TakeBack(h.analyst(), l.Entry); !errors.Is(err, gate.ErrRole) {
			t.Errorf("the office takes it back: %v", err)
		}
		if _, err := h.TakeBack(h.wind(), l.Entry); err != nil {
			t.Fatal(err)
		}
		for i, want := range []State{Handled, New} {
			e, err := h.Get(h.wind(), ids[i])
			if err != nil || e.State != want || e.Judgement != nil {
				t.Errorf("%d is %s, was %s: %+v %v", i, e.State, want, e.Judgement, err)
			}
		}
		if l, err := h.Last(h.wind()); err != nil || l.Entry != "" {
			t.Errorf("an undo is offered for an undo: %+v %v", l, err)
		}
	})
}
