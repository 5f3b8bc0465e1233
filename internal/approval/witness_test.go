package approval

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/tlog"
)

// cosign has a witness cosign what the ledger holds now.
func (h *hub) cosign(w *tlog.Cosigner) {
	h.t.Helper()
	if err := h.Ledger.Settle(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	signed, err := os.ReadFile(filepath.Join(h.Ledger.Dir, tlog.CheckpointPath))
	if err != nil {
		h.t.Fatal(err)
	}
	n, err := note.Open(signed, note.VerifierList(h.Ledger.Verifier))
	if err != nil {
		h.t.Fatal(err)
	}
	msg, err := note.Sign(n, w.At(h.Clock.Now()))
	if err != nil {
		h.t.Fatal(err)
	}
	if err := h.Ledger.Cosign(h.t.Context(), msg); err != nil {
		h.t.Fatal(err)
	}
}

// TestPowerWaitsForAWitness takes a Grant before any witness cosigned, while one
// does, when it is silent, and when it is back.
func TestPowerWaitsForAWitness(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		secret, vkey, err := tlog.NewCosigner("auditor/test", rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		witness, err := tlog.ReadCosigner(secret)
		if err != nil {
			t.Fatal(err)
		}
		key, err := tlog.ReadWitness(vkey)
		if err != nil {
			t.Fatal(err)
		}
		c := h.approve()
		g := h.grantOf(c.ID)
		take := func(what string, want *fault.Error) {
			t.Helper()
			u, err := h.redeem(g, h.hand(), scope(c))
			if want != nil {
				wants(t, what, err, want)
				return
			}
			wants(t, what, err, nil)
			h.finish(u, Quantity{1, 1})
		}
		take("no witness is configured", nil)
		h.Ledger.Witnesses, h.Ledger.Wait = []note.Verifier{key}, 15*time.Minute
		take("none has ever cosigned", ErrNeverWitness)
		h.cosign(witness)
		take("one has", nil)
		seen := h.Clock.Now()
		h.Clock.Pass(14 * time.Minute)
		take("one has a while ago", nil)
		h.Clock.Pass(2 * time.Minute)
		_, err = h.redeem(g, h.hand(), scope(c))
		wants(t, "it is silent", err, ErrUnwitnessed)
		if f := fault.Of(err); f.Kind != fault.Refused || !f.Args["since"].(time.Time).Equal(seen.Truncate(time.Second)) || f.Args["wait"] != 15*time.Minute {
			t.Errorf("the refusal says %+v", f)
		}
		if v, err := h.Uses(h.inspector(), c.ID, "", 0); err != nil || len(v.Refusals) != 2 || v.Refusals[0].Reason != ErrUnwitnessed.Code {
			t.Errorf("refusals are not recorded: %+v %v", v.Refusals, err)
		}
		h.cosign(witness)
		take("it is back", nil)
		h.Ledger.Wait = 0
		h.Clock.Pass(100 * time.Hour)
		take("nothing waits", nil)
	})
}
