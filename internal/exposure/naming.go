package exposure

import (
	"noroshi/internal/asset"
	"noroshi/internal/engine/product"
)

// likeliest returns what feeds may call a maker's product, the likeliest
// first, over all spellings that the register's own table knows.
func likeliest(d *product.Dictionary, maker, ware string) (best []product.Proposal) {
	for _, w := range asset.Names().Spellings(maker, ware) {
		got := d.Propose(w[0], w[1], "")
		if len(got) == 0 || len(best) > 0 && got[0].Score <= best[0].Score {
			continue
		}
		if best = got; best[0].Identity == product.Equal {
			break
		}
	}
	return best
}
