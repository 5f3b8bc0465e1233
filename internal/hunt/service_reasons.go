package hunt

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// Reasons returns why the first detection of each of the findings was found, by
// their ids, for lists of up to 500. Findings that are not there are passed over.
func (s *Service) Reasons(ctx context.Context, ids ...string) (why map[string][]Why, err error) {
	why = map[string][]Why{}
	err = s.read(ctx, "hunt.findings", func(tx *db.Tx, who gate.Identity) error {
		c, err := s.cipher(ctx, tx, who.Org)
		if err != nil || c == nil || len(ids) == 0 {
			return err
		}
		list, err := listExamples(ctx, tx, who.Org, ids[:min(len(ids), maxIn)])
		if err != nil {
			return fmt.Errorf("reasons of findings: %w", err)
		}
		for id, sealed := range list {
			var examples []Example
			if err := unseal(c, sealed, findingName(id)+"/examples", &examples); err != nil {
				return err
			}
			if len(examples) > 0 {
				why[id] = examples[0].Why
			}
		}
		return nil
	})
	return why, err
}
