package measure

import (
	"crypto/rand"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/engine/tlog"
)

// TestAnEmergencyWaitsForNoWitness: while nobody cosigns the ledger an approved
// plan waits, and a declared emergency goes on.
func TestAnEmergencyWaitsForNoWitness(t *testing.T) {
	h := lite(t)
	_, vkey, err := tlog.NewCosigner("auditor/test", rand.Reader)
	h.must("key", err)
	key, err := tlog.ReadWitness(vkey)
	h.must("key", err)
	h.Ledger.Witnesses, h.Ledger.Wait = []note.Verifier{key}, 15*time.Minute
	ordinary, _ := h.approved()
	h.Clock.Pass(61 * time.Minute)
	if _, err := h.Begin(h.as("police/executive1"), ordinary.ID); code(err) != "approval.grant.never_witnessed" {
		t.Errorf("an approved plan began without a witness: %v", err)
	}
	h.Ledger.Wait = 0
	_, err = h.Begin(h.as("police/executive1"), ordinary.ID)
	h.must("begin when nothing waits", err)

	h = lite(t)
	h.Ledger.Witnesses, h.Ledger.Wait = []note.Verifier{key}, 15*time.Minute
	urgent := h.emergency()
	_, err = h.Notify(h.as("police/command"), urgent.ID, "いとまがなかった理由。")
	h.must("notify", err)
	h.Clock.Pass(61 * time.Minute)
	_, err = h.Begin(h.as("police/executive1"), urgent.ID)
	h.must("an emergency without a witness", err)
}
