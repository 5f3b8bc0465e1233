package sighting

import (
	"context"
	"errors"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
)

// What was selected keeps by which power it was, and nobody claims that by hand
// (FACTS P22).
func TestProvenanceStays(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		office := h.country.ID("office")
		put := func(n New) (x Sighting, err error) {
			act := &ledger.Act{Verb: "selection.sight"}
			_, err = h.Ledger.Do(context.Background(), act, func(tx *db.Tx) error {
				x, err = h.Put(context.Background(), tx, office, act.Entry, n)
				return err
			})
			return x, err
		}
		for _, p := range Provenances {
			x, err := put(New{What: Indicator, Value: "198.51.100.7", Origin: FromSelection, Provenance: p})
			if err != nil {
				t.Fatal(err)
			}
			got, err := h.Get(h.analyst(), x.ID)
			if err != nil || got.Provenance != p || got.Origin != FromSelection {
				t.Errorf("%s: %+v %v", p, got, err)
			}
		}
		for _, n := range []New{
			{What: Indicator, Value: "198.51.100.7", Origin: FromSelection},
			{What: Indicator, Value: "198.51.100.7", Origin: FromSelection, Provenance: "dd"},
			{What: Indicator, Value: "198.51.100.7", Origin: ByHand, Provenance: "ff"},
		} {
			if _, err := put(n); !errors.Is(err, ErrInvalid) {
				t.Errorf("%+v: %v", n, err)
			}
		}
		if _, err := h.Record(h.analyst(), New{What: Indicator, Value: "198.51.100.7", Origin: FromSelection, Provenance: "ff"}); !errors.Is(err, ErrInvalid) {
			t.Errorf("by hand: %v", err)
		}
	})
}
