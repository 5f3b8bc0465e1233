package exposure

import (
	"slices"
	"strings"

	"noroshi/internal/asset"
	"noroshi/internal/engine/product"
)

// systemScore is how likely the system is meant that hardware runs: feeds speak
// of the system, registers of the box.
const systemScore = 0.9

// maxSpelled bounds the ways a product is written that are looked up.
const maxSpelled = 16

// spelled returns the ways in which sources that give no name may write what a
// subject is, each once: by its name, else by the words of its register. Of
// hardware it is the system too.
func spelled(s *product.Subject, words string) (out []string) {
	maker, ware := strings.ReplaceAll(s.Name.Vendor.Text(), "_", " "), strings.ReplaceAll(s.Name.Product.Text(), "_", " ")
	if s.Name.IsZero() {
		maker, ware, _ = strings.Cut(words, "\t")
	}
	if maker == "" || ware == "" {
		return nil
	}
	var seen [maxSpelled]string
	add := func(ware string) {
		for _, w := range asset.Names().Spellings(maker, ware) {
			text := w[0] + " " + w[1]
			if k := product.TextKey(text); k != "" && len(out) < maxSpelled && !slices.Contains(seen[:len(out)], k) {
				seen[len(out)] = k
				out = append(out, text)
			}
		}
	}
	if runs := asset.Names().Runs(maker, ware); runs != "" && (s.Name.IsZero() || s.Name.Part == "h") {
		add(runs)
	}
	add(ware)
	return out
}

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
