package exposure

import (
	"context"
	"math/rand/v2"

	"noroshi/internal/base/db"
	"noroshi/internal/engine/product"
)

// dice are the same in every run.
type dice struct{ r *rand.Rand }

func newDice(seed uint64) *dice { return &dice{rand.New(rand.NewPCG(seed, seed))} }

func (d *dice) n(n int) int { return d.r.IntN(n) }

// indexAll makes an index of everything that is said under the keys.
func (h *hub) indexAll(ctx context.Context, tx *db.Tx, keys []string) (*product.Index, error) {
	var list []product.Statement
	err := h.intel.StatementsAbout(ctx, tx, keys, func(s product.Statement) error {
		list = append(list, s)
		return nil
	})
	return product.New(list), err
}
