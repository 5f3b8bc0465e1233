package exposure

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"noroshi/internal/base/gate"
)

// A ministry sees its sectors, with small counts as ranges, and nothing of
// another's.
func TestPicturesHideSmallCounts(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for _, who := range []string{"wind", "sea", "bank"} {
			h.add(h.as(who), "cpe", gateway, "version", "9.1.5", "quantity", "13")
		}
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edgegate", before: "9.9"}, said{id: "CVE-2026-90002", vendor: "orvane", product: "edgegate", before: "9.9"})
		h.settle()
		h.Clock.Pass(8 * 24 * time.Hour)
		h.add(h.as("sea"), "cpe", cpeOf("orvane", "other"), "version", "1.0")
		h.say(said{id: "CVE-2026-90003", vendor: "orvane", product: "other", before: "9.9"})
		h.attack("CVE-2026-90003")
		h.settle()
		industry := h.country.As("industry", "c", gate.MinistryClerk)
		got, err := h.Picture(industry, Filter{}, false)
		if err != nil || len(got) != 2 {
			t.Fatalf("%+v %v", got, err)
		}
		for _, q := range got {
			if q.Sector != "electricity" || q.Orgs != (Range{1, 4}) || q.Rows != (Range{1, 9}) {
				t.Errorf("%+v", q)
			}
		}
		if got[0].Product != "Orvane Other" || got[1].Devices != (Range{10, 99}) {
			t.Errorf("the most urgent first, devices by magnitude: %+v", got)
		}
		weeks, err := h.Picture(h.analyst(), Filter{}, true)
		if err != nil || len(weeks) != 3 {
			t.Fatalf("%+v %v", weeks, err)
		}
		// The clock stood at Sunday, 2026-11-22 09:00 in Japan, and then at Monday, the 30th.
		var monday []string
		for _, q := range weeks {
			monday = append(monday, q.Week+" "+q.Product)
		}
		slices.Sort(monday)
		if !slices.Equal(monday, []string{"2026-11-16 Orvane Edgegate", "2026-11-16 Orvane Edgegate", "2026-11-30 Orvane Other"}) {
			t.Errorf("weeks: %v", monday)
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, []Square{{Sector: "electricity", Product: "=cmd()", Key: "cpe:o:x:y", Priority: Act, Orgs: rangeOf(2), Rows: coarse(12), Devices: coarse(250)}}); err != nil {
			t.Fatal(err)
		}
		if want := "sector,product,product_key,week,priority,organisations,exposures,devices\nelectricity,'=cmd(),cpe:o:x:y,,act,1-4,10-99,100-999\n"; b.String() != want {
			t.Errorf("%q, want %q", b.String(), want)
		}
	})
}

func TestFigures(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		e, change := h.exposed()
		h.add(h.wind(), "product", "Old Gate", "zone", "internal", "support_ends_at", "2026-01-01")
		h.settle()
		h.attack("CVE-2026-90001")
		h.settle()
		figures := func(want Figures) {
			t.Helper()
			if got, err := h.Figures(h.wind()); err != nil || got != want {
				t.Errorf("%+v %v, want %+v", got, err, want)
			}
		}
		figures(Figures{Act: 1, Attacked: 1, Unsupported: 1, New: 2})
		h.Clock.Pass(10 * 24 * time.Hour)
		figures(Figures{Act: 1, Attacked: 1, Unsupported: 1})
		change("version", "9.9.9")
		figures(Figures{Unsupported: 1, Closed: 1})
		if got, err := h.Figures(h.as("sea")); err != nil || got != (Figures{}) {
			t.Errorf("another's: %+v %v", got, err)
		}
		list, err := h.List(h.analyst(), Filter{Priority: "watch", Sector: "electricity", Kind: "support", Sort: SortNewest, Org: e.Org})
		if err != nil || len(list.Rows) != 1 {
			t.Errorf("narrowed: %+v %v", list, err)
		}
		for _, bad := range []Filter{{Priority: "urgent"}, {State: "gone"}, {Verdict: "x"}, {Kind: "x"}, {Sort: "x"}} {
			if _, err := h.List(h.wind(), bad); err == nil {
				t.Errorf("%+v is taken for a filter", bad)
			}
		}
	})
}

// Pages of a list are whole: every row once, in the order of what to do next.
func TestPagesOfAList(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		var all []said
		for i := range 12 {
			all = append(all, said{id: "CVE-2026-9001" + string(rune('a'+i)), vendor: "orvane", product: "edgegate", before: "9.9"})
			all[i].id = "CVE-2026-900" + string(rune('1'+i/10)) + string(rune('0'+i%10))
		}
		h.add(h.wind(), "cpe", gateway, "version", "9.1.5", "zone", "internet", "service", "送電")
		h.say(all...)
		h.attack(all[3].id, all[7].id)
		h.settle()
		for _, sort := range []string{SortNext, SortNewest} {
			seen := map[ID]bool{}
			last := int64(1) << 60
			f := Filter{Sort: sort, Limit: 5}
			for pages := 0; ; pages++ {
				got, err := h.List(h.wind(), f)
				if err != nil || pages > 3 {
					t.Fatal(pages, err)
				}
				for _, r := range got.Rows {
					if seen[r.ID] || sort == SortNext && r.rank > last {
						t.Errorf("%s: %s twice or out of order", sort, r.ID)
					}
					seen[r.ID], last = true, r.rank
				}
				if f.Cursor = got.Next; f.Cursor == "" {
					break
				}
			}
			if len(seen) != 12 {
				t.Errorf("%s: %d of 12", sort, len(seen))
			}
		}
	})
}
