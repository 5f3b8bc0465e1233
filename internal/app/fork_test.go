package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"time"

	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
	"noroshi/internal/org"
)

// TestAHubWhoseLedgerForkedStops serves on a database older than the ledger's
// folder: it must not go on taking acts that are never recorded.
func TestAHubWhoseLedgerForkedStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Hub.DataDir, cfg.Hub.DB, cfg.Ledger.Interval = t.TempDir(), "", 20*time.Millisecond
	h, err := OpenHub(ctx, cfg, words, slog.New(slog.DiscardHandler), Options{Cost: org.Cost{Memory: 64, Time: 1, Lanes: 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer h.DB.Close()
	for range 3 {
		if _, err := h.Ledger.Do(ctx, &ledger.Act{Verb: "probe.put"}, func(*db.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Ledger.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	if err := h.Ledger.Close(); err != nil {
		t.Fatal(err)
	}
	if err := h.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM ledger_entry WHERE seq > 0"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "UPDATE ledger_head SET numbered = 1, published = 0, root = ''")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Run(ctx, l); !errors.Is(err, ledger.ErrFork) || ctx.Err() != nil {
		t.Errorf("%v, %v", err, ctx.Err())
	}
}
