package intel

import (
	"context"
	"errors"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/incident"
	"noroshi/internal/testkit"
	"noroshi/internal/testkit/country"
)

// By which power communications were selected stays with what is written of
// them, whoever edits it (FACTS P22).
func TestSelectedItemKeepsItsProvenance(t *testing.T) {
	testkit.Each(t, append(sources(), country.Sources()...), func(t *testing.T, d *db.DB) {
		h := newItemHub(t, d)
		c := country.New(t, h.Parts)
		h.Orgs = c.Service
		who := c.Identity("office", "n", gate.OfficeAnalyst)
		who.Clearance = 1
		analyst := gate.With(context.Background(), who)
		it, err := h.AddFromSelection(analyst, "run-1", "fd", NewItem{Title: "指令の出所", Indicators: []Indicator{{Type: AddressIndicator, Value: "198.51.100.7"}}})
		if err != nil || it.Origin != FromSelection || it.TLP != incident.AmberStrict {
			t.Fatalf("%+v %v", it, err)
		}
		if it, err = h.Edit(analyst, it.ID, it.Revision, NewItem{Title: "別の題", Source: "別の出所"}); err != nil {
			t.Fatal(err)
		}
		got, err := h.Item(analyst, it.ID)
		if err != nil || got.Origin != FromSelection || len(got.Provenance) != 1 || got.Provenance[0].Kind != "fd" || got.Provenance[0].Ref != "run-1" {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := h.AddFromSelection(analyst, "run-1", "dd", NewItem{Title: "x"}); !errors.Is(err, ErrItem) {
			t.Errorf("a label that is none: %v", err)
		}
	})
}
