package hunt

import (
	"context"
	"fmt"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
)

// Firsts returns the first example of each of the findings, by their ids, for
// lists of up to 500. Findings that are not there are passed over.
func (s *Service) Firsts(ctx context.Context, ids ...string) (first map[string]Example, err error) {
	first = map[string]Example{}
	err = s.read(ctx, "hunt.findings", func(tx *db.Tx, who gate.Identity) error {
		c, err := s.cipher(ctx, tx, who.Org)
		if err != nil || c == nil || len(ids) == 0 {
			return err
		}
		list, err := listExamples(ctx, tx, who.Org, ids[:min(len(ids), maxIn)])
		if err != nil {
			return fmt.Errorf("examples of findings: %w", err)
		}
		for id, sealed := range list {
			var examples []Example
			if err := c.OpenJSON(sealed, findingName(id)+"/examples", &examples); err != nil {
				return err
			}
			if len(examples) > 0 {
				first[id] = examples[0]
			}
		}
		return nil
	})
	return first, err
}
