package exposure

import (
	"errors"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

// A register says "Orvane, Edge Gate" and no CPE.
func TestAFreeTextIsNamedByAPerson(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edge_gate", before: "9.9"}, said{id: "CVE-2026-90002", vendor: "orvane", product: "edge_gate_manager", before: "9.9"})
		h.attack("CVE-2026-90002")
		h.settle()
		h.add(h.wind(), "maker", "オルヴェイン", "product", "エッジ", "version", "1.0")
		h.add(h.wind(), "maker", "Orvane", "product", "Edge Gate", "version", "9.1.5")
		h.add(h.wind(), "maker", "Orvane", "product", "Edge-Gate Managr", "version", "9.1.5", "zone", "internet")
		h.settle()
		got := h.rows()
		if len(got) != 2 || !strings.Contains(got[0], "CVE-2026-90001 cpe:o:orvane:edge_gate affected exact") || !strings.Contains(got[1], "CVE-2026-90002 cpe:o:orvane:edge_gate_manager unknown exact 1/1 watch") {
			t.Fatalf("equal and proposed: %v", got)
		}
		names, _, err := h.Names(h.wind(), true, "", 10)
		if err != nil || len(names) != 3 {
			t.Fatalf("%+v %v", names, err)
		}
		at := map[string]Name{}
		for _, n := range names {
			at[n.State] = n
		}
		near := at[nameProposed]
		if at[nameEqual].CPE != cpeOf("orvane", "edge_gate") || near.CPE != cpeOf("orvane", "edge_gate_manager") || len(near.Proposals) == 0 {
			t.Fatalf("%+v", names)
		}
		// A person confirms it; it holds for the next of the same product too.
		if _, err := h.SetName(h.wind(), NewName{MakerKey: near.MakerKey, ProductKey: near.ProductKey, CPE: near.CPE}); err != nil {
			t.Fatal(err)
		}
		h.add(h.wind(), "maker", "ＯＲＶＡＮＥ", "product", "edge-gate managr", "version", "9.2")
		h.settle()
		if got = h.rows(); len(got) != 2 || !strings.Contains(got[1], "affected exact 2/2 attend") {
			t.Errorf("confirmed: %v", got)
		}
		// Or says: none of them.
		if _, err := h.SetName(h.wind(), NewName{MakerKey: near.MakerKey, ProductKey: near.ProductKey}); err != nil {
			t.Fatal(err)
		}
		h.settle()
		if got = h.rows(); len(got) != 1 {
			t.Errorf("refused: %v", got)
		}
		for name, c := range map[string]struct {
			as   string
			n    NewName
			want error
		}{
			"another's register": {"sea", NewName{MakerKey: near.MakerKey, ProductKey: near.ProductKey, CPE: near.CPE}, ErrProduct},
			"no such product":    {"wind", NewName{MakerKey: "orvane", ProductKey: "nothing", CPE: near.CPE}, ErrProduct},
			"a wildcard":         {"wind", NewName{MakerKey: near.MakerKey, ProductKey: near.ProductKey, CPE: "cpe:2.3:o:orvane:*:*:*:*:*:*:*:*:*"}, errName},
			"no CPE at all":      {"wind", NewName{MakerKey: near.MakerKey, ProductKey: near.ProductKey, CPE: "orvane"}, errName},
			"no PURL at all":     {"wind", NewName{MakerKey: near.MakerKey, ProductKey: near.ProductKey, PURL: "orvane"}, errName},
		} {
			if _, err := h.SetName(h.as(c.as), c.n); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// The contractor that operates none of it.
		h.tie("contractor", "wind", "contractor")
		keeper := h.country.As("contractor", "m", gate.Maintainer)
		n := NewName{Org: h.country.ID("wind"), MakerKey: near.MakerKey, ProductKey: near.ProductKey, CPE: near.CPE}
		if _, err := h.SetName(keeper, n); !errors.Is(err, ErrProduct) {
			t.Errorf("a contractor that operates none: %v", err)
		}
		h.add(h.wind(), "maker", "Orvane", "product", "Edge-Gate Managr", "version", "9.3", "operated_by", h.number("contractor"))
		h.settle()
		if _, err := h.SetName(keeper, n); err != nil {
			t.Errorf("a contractor that operates one: %v", err)
		}
		if _, err := h.SetName(h.country.As("office", "n", gate.OfficeAnalyst), n); fault.KindOf(err) != fault.Refused {
			t.Errorf("the office: %v", err)
		}
	})
}

// Feeds learn of a product after the register did.
func TestANameIsProposedLater(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		h.add(h.wind(), "maker", "Orvane", "product", "Edge Gate", "version", "9.1.5")
		h.settle()
		h.say(said{id: "CVE-2026-90001", vendor: "orvane", product: "edge_gate", before: "9.9"})
		h.settle()
		if _, err := h.Rematch(h.analyst()); err != nil {
			t.Fatal(err)
		}
		if got := h.rows(); len(got) != 1 || !strings.Contains(got[0], "cpe:o:orvane:edge_gate affected exact") {
			t.Errorf("%v", got)
		}
	})
}
