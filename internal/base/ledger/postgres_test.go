package ledger

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// TestTwoWhoMeetForTheFirstTimeDoNotBlockEachOther lets pairs of organisations
// name each other at the same moment, each for the first time.
func TestTwoWhoMeetForTheFirstTimeDoNotBlockEachOther(t *testing.T) {
	b := open(t)
	b.DB = postgres(t)
	var wg sync.WaitGroup
	for i := range 100 {
		for j := range 2 {
			wg.Go(func() {
				pair := [2]string{fmt.Sprint("a", i), fmt.Sprint("b", i)}
				me, other := pair[j], pair[1-j]
				ctx := gate.With(t.Context(), gate.Identity{Person: "p" + me, Org: me})
				if _, err := b.Do(ctx, &Act{Verb: "probe.put", Public: map[string]any{"to": []Org{Org(other)}}}, func(*db.Tx) error { return nil }); err != nil {
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
}

// postgres is a schema of its own in the database that NOROSHI_TEST_DB names.
func postgres(t *testing.T) *db.DB {
	t.Helper()
	source := os.Getenv("NOROSHI_TEST_DB")
	if source == "" && os.Getenv("NOROSHI_TEST_ALL") == "1" {
		t.Fatal("NOROSHI_TEST_DB names no PostgreSQL")
	} else if source == "" {
		t.Skip("NOROSHI_TEST_DB names no PostgreSQL")
	}
	u, err := url.Parse(source)
	if err != nil {
		t.Fatal(err)
	}
	schema := "test_" + strings.ToLower(rand.Text()[:20])
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	d, err := db.Open(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	run := func(stmt string) {
		ctx := t.Context()
		if ctx.Err() != nil {
			ctx = context.WithoutCancel(ctx)
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, stmt); return err }); err != nil {
			t.Error(err)
		}
	}
	run("CREATE SCHEMA " + schema)
	t.Cleanup(func() {
		run("DROP SCHEMA " + schema + " CASCADE")
		d.Close()
	})
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "ledger", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	return d
}
