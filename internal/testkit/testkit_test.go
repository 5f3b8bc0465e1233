package testkit

import (
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
)

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	for range 2 {
		Each(t, Base(), func(t *testing.T, d *db.DB) {
			p := NewParts(t, d)
			act := &ledger.Act{Verb: "test.act"}
			if _, err := p.Ledger.Do(t.Context(), act, func(*db.Tx) error { return nil }); err != nil {
				t.Fatal(err)
			}
			if n := p.Entries(t, "test.act", ledger.Done); n != 1 {
				t.Errorf("%d entries; another test's database?", n)
			}
			if n := Count(t, d, "SELECT count(*) FROM bus_event"); n != 0 {
				t.Errorf("%d events", n)
			}
		})
	}
}
