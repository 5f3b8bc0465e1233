package exposure

import (
	"slices"

	"noroshi/internal/asset"
	"noroshi/internal/engine/product"
)

// systemScore is how likely the system is meant that hardware runs: feeds speak
// of the system, registers of the box.
const systemScore = 0.9

// likeliest returns what feeds may call a maker's product, the likeliest
// first, over all spellings that the register's own table knows. Of hardware it
// is the system too, which a person confirms.
func likeliest(d *product.Dictionary, maker, ware string) (best []product.Proposal) {
	for _, w := range asset.Names().Spellings(maker, ware) {
		got := d.Propose(w[0], w[1], "")
		if len(got) == 0 || len(best) > 0 && got[0].Score <= best[0].Score {
			continue
		}
		if best = got; best[0].Identity == product.Equal {
			return best
		}
	}
	runs := asset.Names().Runs(maker, ware)
	if runs == "" {
		return best
	}
	var systems []product.Proposal
	for _, w := range asset.Names().Spellings(maker, runs) {
		for _, p := range d.Propose(w[0], w[1], "") {
			if p.Identity == product.Equal && !slices.ContainsFunc(systems, func(q product.Proposal) bool { return q.Key == p.Key }) {
				p.Identity, p.Score = product.Proposed, systemScore
				systems = append(systems, p)
			}
		}
	}
	return append(systems, best...)
}
