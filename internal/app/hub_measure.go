package app

import (
	"fmt"
	"os"

	"noroshi/internal/measure"
)

// openMeasures opens the cases of access and neutralisation, which rest on what
// the commission approves.
func (h *Hub) openMeasures(o Options) (err error) {
	var n measure.Numbers
	if name := h.Config.Measure.Numbers; name != "" {
		raw, err := os.ReadFile(name)
		if err == nil {
			n, err = measure.ReadNumbers(raw)
		}
		if err != nil {
			return fmt.Errorf("measure.numbers_file %s: %w", name, err)
		}
	}
	h.Measures, err = measure.New(measure.Config{DB: h.DB, Ledger: h.Ledger, Keys: h.Keys, Orgs: h.Orgs, Approvals: h.Approvals, Numbers: n, Now: o.Now})
	return err
}
