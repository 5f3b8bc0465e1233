package asset

import (
	"context"
	"errors"
	"slices"
	"testing"

	"noroshi/internal/base/db"
)

// What matching reads is what the register holds, opened, and nothing of
// another operator's.
func TestRegistersAreReadForMatching(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		a := h.add(h.wind(), "id", "A-1", "version", "9.1.5", "cpe", "cpe:2.3:o:orvane:edgegate:*:*:*:*:*:*:*:*")
		b := h.add(h.wind(), "id", "A-2", "product", "EdgeGate 420")
		other := h.add(h.country.As("sea", "a", "operator.reporter"), "id", "B-1")
		changed, err := h.Change(h.wind(), a.ID, a.Revision, draftOf("id", "A-1", "maker", "Orvane", "product", "EdgeGate 410", "version", "9.2"), "", "")
		if err != nil {
			t.Fatal(err)
		}
		wind, sea := h.country.ID("wind"), h.country.ID("sea")
		ctx := context.Background()
		err = h.Parts.DB.Read(ctx, func(tx *db.Tx) error {
			orgs, err := h.Registers(ctx, tx, "", 10)
			if want := []string{min(wind, sea), max(wind, sea)}; err != nil || !slices.Equal(orgs, want) {
				t.Errorf("registers: %v %v", orgs, err)
			}
			if rest, err := h.Registers(ctx, tx, orgs[0], 10); err != nil || len(rest) != 1 {
				t.Errorf("after the first: %v %v", rest, err)
			}
			have := map[ID]int{}
			if err := h.Revisions(ctx, tx, wind, func(id ID, n int) error { have[id] = n; return nil }); err != nil || len(have) != 2 || have[a.ID] != changed.Revision || have[b.ID] != 1 {
				t.Errorf("revisions: %v %v", have, err)
			}
			var got []string
			each := func(e *Entry) error { got = append(got, e.Key+" "+e.Sealed.Version); return nil }
			if err := h.Matchable(ctx, tx, wind, []ID{a.ID, other.ID, "nothing"}, each); err != nil || !slices.Equal(got, []string{"A-1 9.2"}) {
				t.Errorf("opened: %v %v", got, err)
			}
			if err := h.Matchable(ctx, tx, "nobody", []ID{a.ID}, each); err != nil || len(got) != 1 {
				t.Errorf("of nobody: %v %v", got, err)
			}
			ids, err := h.MatchableOf(ctx, tx, wind, b.MakerKey, b.ProductKey)
			if err != nil || !slices.Equal(ids, []ID{b.ID}) {
				t.Errorf("of a product: %v %v", ids, err)
			}
			stop := errors.New("stop")
			if err := h.Revisions(ctx, tx, wind, func(ID, int) error { return stop }); !errors.Is(err, stop) {
				t.Errorf("an error goes through: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
