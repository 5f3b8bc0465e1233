package db

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestCloseLeavesNothingOpen closes while queries that nobody asked before are
// read, some by who went away: when Close has returned nothing holds the files,
// and nothing makes one of them again.
func TestCloseLeavesNothingOpen(t *testing.T) {
	for range 20 {
		dir := t.TempDir()
		d, err := Open(t.Context(), filepath.Join(dir, "t.db"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Migrate(t.Context(), Source{"probe", schema}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				_ = d.Read(ctx, func(tx *Tx) error { // closed meanwhile, or cancelled
					if i%2 == 0 {
						cancel()
					}
					return tx.QueryRow(ctx, "SELECT count(*) + "+string(rune('0'+i%10))+" FROM probe_row").Scan(new(int))
				})
				cancel()
			})
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if n := d.pool.Stats().OpenConnections; n != 0 {
			t.Errorf("%d connections are open", n)
		}
		wg.Wait()
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) != 1 {
			t.Errorf("%v are left", left)
		}
	}
}
