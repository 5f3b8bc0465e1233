package app

import "noroshi/internal/measure"

// openMeasures opens the cases of access and neutralisation, which rest on what
// the commission approves.
func (h *Hub) openMeasures(o Options) (err error) {
	h.Measures, err = measure.New(measure.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Orgs: h.Orgs, Approvals: h.Approvals, Now: o.Now})
	return err
}
