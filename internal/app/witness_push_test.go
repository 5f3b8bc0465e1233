package app

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/approval"
	"noroshi/internal/base/config"
	"noroshi/internal/base/db"
	"noroshi/internal/base/ledger"
	"noroshi/internal/engine/tlog"
	"noroshi/internal/oversight"
)

// TestAHubAsksItsWitness has a hub, by its configuration alone, give each new
// checkpoint to an auditor that answers submissions (c2sp.org/tlog-witness).
func TestAHubAsksItsWitness(t *testing.T) {
	secret, vkey, err := tlog.NewCosigner("auditor/commission", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	if err := os.WriteFile(filepath.Join(own, "auditor.key"), []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var door http.Handler
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { door.ServeHTTP(w, r) }))
	defer srv.Close()
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	cfg := config.Default()
	cfg.Hub.DataDir, cfg.Ledger.Origin = t.TempDir(), "hub.example/ledger"
	cfg.Out.Networks, cfg.Out.Plain = []string{"127.0.0.0/8"}, true
	cfg.Witness.Keys, cfg.Witness.URLs, cfg.Witness.Every = []string{vkey}, []string{srv.URL + "/log/"}, 50*time.Millisecond
	h, err := OpenHub(t.Context(), cfg, words, slog.New(slog.DiscardHandler), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	kinds, err := approval.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	a := &oversight.Follower{Remote: os.DirFS(h.Ledger.Dir), Dir: own, Keys: []note.Verifier{h.Ledger.Verifier}, Kinds: kinds, Now: time.Now}
	if err := a.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	door = a.Door()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); h.submit(ctx) }()
	defer func() { stop(); <-ended }()
	for n := uint64(1); n <= 3; n++ {
		if _, err := h.Ledger.Do(t.Context(), &ledger.Act{Verb: "probe.put"}, func(*db.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		if err := h.Ledger.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		var s ledger.Witnessing
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if s, err = h.witnessing(t.Context()); err != nil || !s.Waits && s.Witnesses[0].Size >= n {
				break
			}
		}
		if err != nil || s.Waits || s.Witnesses[0].Size < n {
			t.Fatalf("%d entries were not cosigned: %+v %v", n, s, err)
		}
	}
	if r, err := a.Once(t.Context()); err != nil || len(r.Alarms) > 0 || !r.Cosigned { // what was cosigned is what the entries say
		t.Errorf("following: %+v %v", r.Alarms, err)
	}
}
