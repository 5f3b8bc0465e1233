package version

// Ordered reports whether the version has an order to every other version that
// the scheme can read: it stands on no line of development apart.
func (p Prepared) Ordered() bool { return p.key != "" && p.from == p.to }
