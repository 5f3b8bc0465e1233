package app

import (
	"context"
	"path/filepath"

	"noroshi/internal/approval"
	"noroshi/internal/base/ledger"
	"noroshi/internal/selection"
)

// openPower opens what asks for power and what uses it. Orders are signed with a
// key of their own, beside that of the ledger.
func (h *Hub) openPower(o Options) error {
	cfg := h.Config
	signer, verifier, vkey, err := ledger.OpenSigner(filepath.Join(filepath.Dir(cfg.LedgerKey()), "approval.key"), cfg.Ledger.Origin+"/approval")
	if err != nil {
		return err
	}
	h.Approvals, err = approval.New(approval.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Threads: h.Threads, Orgs: h.Orgs,
		Signer: signer, Verifier: verifier, Fields: selection.Fields, Now: o.Now})
	if err != nil {
		return err
	}
	drills := []selection.Drill{}
	if o.Demo {
		d, err := h.drill()
		if err != nil {
			return err
		}
		drills = append(drills, d)
	}
	h.Selections, err = selection.Open(selection.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Blobs: h.Blobs, Threads: h.Threads, Orgs: h.Orgs,
		Approvals: h.Approvals, Sightings: h.Sightings, Intel: h.Intel, Drills: drills, Signer: h.Ledger.Signer, Authority: vkey, Log: h.log, Now: o.Now})
	if err != nil {
		return err
	}
	h.Approvals.Lists, h.Approvals.Counts = h.lists, h.Selections.Count
	if err := h.openMeasures(o); err != nil {
		return err
	}
	return h.openDesk(o)
}

// mostLists is how many lists of conditions a form offers.
const mostLists = 50

// lists are the newest lists of who asks that an application can name.
func (h *Hub) lists(ctx context.Context) (out []approval.Selectors, err error) {
	got, _, err := h.Selections.Lists(ctx, false, "", mostLists)
	for _, l := range got {
		if l.State == selection.ListReady {
			out = append(out, approval.Selectors{Hash: l.SHA256, Name: l.Name, Count: l.Selectors})
		}
	}
	return out, err
}
