package bus

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/base/db"
)

func open(t *testing.T) *db.DB {
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "t.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	if _, err := d.Migrate(t.Context(), db.Source{Noun: "bus", FS: Migrations}); err != nil {
		t.Fatal(err)
	}
	return d
}

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

func publish(t *testing.T, d *db.DB, subject string, data any, orgs ...string) {
	t.Helper()
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return Publish(t.Context(), tx, subject, data, orgs...) }); err != nil {
		t.Fatal(err)
	}
}

func TestEachFollowerHandlesEachEventOnce(t *testing.T) {
	d := open(t)
	heard := map[string][]string{}
	follow := func(name string, subjects ...string) Follower {
		return Follower{name, subjects, func(_ context.Context, _ *db.Tx, ev Event) error {
			heard[name] = append(heard[name], string(ev.Data))
			return nil
		}}
	}
	b := New(d, quiet, follow("a", "x.done"), follow("b", "x.done", "y.done"))
	for i := range 600 {
		publish(t, d, "x.done", i)
	}
	publish(t, d, "y.done", "y")
	publish(t, d, "z.done", "nobody follows")
	for range 2 {
		if err := b.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(heard["a"]) != 600 || len(heard["b"]) != 601 || heard["a"][0] != "0" || heard["a"][599] != "599" {
		t.Errorf("a heard %d, b heard %d", len(heard["a"]), len(heard["b"]))
	}
}

func TestAFailingEventHoldsUpNoOther(t *testing.T) {
	d := open(t)
	var heard []string
	b := New(d, quiet, Follower{"f", []string{"x.done"}, func(_ context.Context, _ *db.Tx, ev Event) error {
		if string(ev.Data) == "1" {
			return errors.New("boom")
		}
		heard = append(heard, string(ev.Data))
		return nil
	}})
	for i := range 3 {
		publish(t, d, "x.done", i)
	}
	for range 3 {
		if _, err := b.Round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	// 0 ran twice: its first run was undone with the group. Effects outside
	// the transaction are the follower's to avoid.
	if len(heard) != 3 || heard[len(heard)-1] != "2" {
		t.Errorf("heard %v", heard)
	}
	var tries, left int
	if err := d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), "SELECT count(*), max(tries) FROM bus_delivery").Scan(&left, &tries)
	}); err != nil || left != 1 || tries != 1 {
		t.Errorf("left %d, tries %d, %v", left, tries, err)
	}
}

func TestAnEventOfAnUndoneActDoesNotExist(t *testing.T) {
	d := open(t)
	boom := errors.New("boom")
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		if err := Publish(t.Context(), tx, "x.done", 1); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatal(err)
	}
	b := New(d, quiet, Follower{"f", []string{"x.done"}, func(context.Context, *db.Tx, Event) error { t.Error("heard"); return nil }})
	if err := b.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestPagesHearOnlyOfTheirOwn(t *testing.T) {
	d := open(t)
	b := New(d, quiet)
	heard := map[string]int{}
	b.Changed = func(noun, org string) { heard[noun+"/"+org]++ }
	publish(t, d, "x.done", nil, "org-a", "org-c")
	publish(t, d, "x.undone", nil, "org-a")
	publish(t, d, "y.done", nil)
	for range 2 {
		if err := b.ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(heard) != 2 || heard["x/org-a"] != 1 || heard["x/org-c"] != 1 {
		t.Errorf("%v", heard)
	}
}

// TestAClockThatJumpedAheadSilencesNoPage publishes as if the clock had been
// a day ahead, and then as it is.
func TestAClockThatJumpedAheadSilencesNoPage(t *testing.T) {
	d := open(t)
	b := New(d, quiet)
	heard := map[string]int{}
	b.Changed = func(noun, org string) { heard[noun+"/"+org]++ }
	b.seen, b.seenAt = "ffffffff-ffff-7fff-8fff-ffffffffffff", time.Now().Add(24*time.Hour).UnixMicro() // heard before the clock went back
	publish(t, d, "x.done", nil, "org-a")
	for range 3 {
		if err := b.ping(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if heard["x/org-a"] != 1 {
		t.Errorf("%v", heard)
	}
}
