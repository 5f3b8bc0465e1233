package feed

import "noroshi/internal/engine/product"

type line = product.Line

// walk calls each with every line below n.
func walk(n *product.Node, each func(*line)) {
	for i := range n.Lines {
		each(&n.Lines[i])
	}
	for i := range n.Children {
		walk(&n.Children[i], each)
	}
}
