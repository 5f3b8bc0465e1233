package version

// Readable reports whether the scheme could read the version.
func (p Prepared) Readable() bool { return p.key != "" }

// Fenced reports whether the version stands on a line of development, apart
// from some of which it has no order to other versions.
func (p Prepared) Fenced() bool { return p.from != p.to }

// Kin reports whether two versions stand on the same line of development, or
// one of them on none: then they have an order.
func (p Prepared) Kin(q Prepared) bool {
	return !p.Fenced() || !q.Fenced() || p.from == q.from && p.to == q.to && p.key[:p.to] == q.key[:q.to]
}
