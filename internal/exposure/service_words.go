package exposure

import (
	"context"

	"noroshi/internal/asset"
	"noroshi/internal/base/db"
)

// maxWritten bounds the exposures that are put into their registers' words at a
// time; those behind keep the dictionary's.
const maxWritten = 2000

// inOwnWords puts products into the words of the register they stand in. It is
// for those who are told what stands in it: its operator, and in a notice.
func (s *Service) inOwnWords(ctx context.Context, tx *db.Tx, rows []Exposure) error {
	said := map[[2]string]string{}
	for i := range rows[:min(len(rows), maxWritten)] {
		e := &rows[i]
		at := [2]string{e.Org, e.ProductKey}
		name, ok := said[at]
		if !ok {
			item, err := anyItem(ctx, tx, e.Org, e.ProductKey)
			if err != nil {
				return err
			}
			if item != "" {
				if name, err = s.Assets.WrittenName(ctx, tx, asset.ID(item)); err != nil {
					return err
				}
			}
			said[at] = name
		}
		if name != "" {
			e.Product = name
		}
	}
	return nil
}
