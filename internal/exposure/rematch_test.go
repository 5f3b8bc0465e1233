package exposure

import (
	"context"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/testkit"
)

// Feeds that arrive while everything is matched again ask for it once more: a
// run that passed a product already must not end as if it knew.
func TestARematchAskedForMeanwhileBeginsAnew(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		ctx := context.Background()
		h.add(h.wind(), "cpe", gateway, "version", "1.0")
		h.settle()
		ask := func() {
			if err := h.Parts.DB.Write(ctx, func(tx *db.Tx) error { return h.ask(ctx, tx) }); err != nil {
				t.Error(err)
			}
		}
		ask()
		passes, now := 0, h.Now
		h.Now = func() time.Time {
			// The clock is read for each product that is computed, and at the end.
			if passes++; passes == 1 {
				ask()
			}
			return now()
		}
		r, err := h.rematch(ctx)
		if err != nil {
			t.Fatal(err)
		}
		h.Now = now
		if r.EndedAt.IsZero() || passes != 3 {
			t.Errorf("the run ended at %v, the clock was read %d times; want the one product computed twice", r.EndedAt, passes)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM exposure_run WHERE ended_at = 0"); n != 0 {
			t.Errorf("%d runs are open", n)
		}
	})
}
