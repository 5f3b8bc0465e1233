package asset

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/testkit"
)

// TestTwoWhoRemoveTheSameCountOnce lets two people take the same piece out at
// once, and a third change it.
func TestTwoWhoRemoveTheSameCountOnce(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		for n := range 12 {
			e, err := h.Add(h.wind(), draftOf("kind", "vpn", "maker", "Asahi", "product", fmt.Sprint("Gate ", n)), "", "")
			if err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			var did atomic.Int32
			for i := range 4 {
				wg.Go(func() {
					if h.Remove(h.country.As("wind", fmt.Sprint(i), gate.OperatorReporter), e.ID, e.Revision) == nil {
						did.Add(1)
					}
				})
			}
			wg.Wait()
			if did.Load() != 1 {
				t.Errorf("removed %d times", did.Load())
			}
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT items FROM asset_register WHERE org_id = $1", h.country.ID("wind")); n != 0 {
			t.Errorf("the register counts %d of 0 entries", n)
		}
		if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM asset_change WHERE org_id = $1 AND what = 'removed'", h.country.ID("wind")); n != 12 {
			t.Errorf("%d removals of 12 in the history", n)
		}
	})
}

// TestAnExpiredPreviewIsSwept leaves a list in preview: it shows where an
// operator is weak, so it goes whether or not somebody previews another.
func TestAnExpiredPreviewIsSwept(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		list := "maker,product\nAsahi,Gate\n"
		if _, err := h.PreviewImport(h.wind(), "x.csv", strings.NewReader(list), int64(len(list)), false); err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{1, 0} {
			if err := h.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := testkit.Count(t, h.Parts.DB, "SELECT count(*) FROM asset_preview"); n != want {
				t.Errorf("%d previews, want %d", n, want)
			}
			h.Clock.Pass(PreviewAge + time.Second)
		}
	})
}

// slow is a list during whose reading something else is done.
type slow struct {
	*strings.Reader
	meanwhile func()
}

func (s slow) ReadAt(p []byte, off int64) (int, error) {
	s.meanwhile()
	return s.Reader.ReadAt(p, off)
}

// TestReadingAListHoldsNoReader uses up every reader of the database while a
// list is read, as other imports would.
func TestReadingAListHoldsNoReader(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		list := "maker,product\nAsahi,Gate\n"
		free := 0
		in := slow{strings.NewReader(list), func() {
			if free > 0 {
				return
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var all func(n int) error
			all = func(n int) error { // that many transactions, each within the last
				return h.Parts.DB.Read(ctx, func(tx *db.Tx) error {
					if free = max(free, n); h.Parts.DB.Postgres() && n == 24 || n == 8 && !h.Parts.DB.Postgres() {
						return nil
					}
					return all(n + 1)
				})
			}
			if err := all(1); err != nil {
				t.Errorf("%d readers are free: %v", free, err)
			}
		}}
		v, err := h.PreviewImport(h.wind(), "x.csv", in, int64(len(list)), false)
		if err != nil || v.Counts.Added != 1 {
			t.Fatalf("%+v %v", v.Counts, err)
		}
		if got, err := h.ApplyImport(h.wind(), v.Token); err != nil || got.Counts.Added != 1 {
			t.Errorf("%+v %v", got, err)
		}
	})
}
