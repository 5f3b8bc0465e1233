package csaf

import "embed"

// Words are the sentences of this package: its faults, what a check of a
// document finds (csaf.schema.…, csaf.test.…) and what is odd about a provider.
//
//go:embed text
var Words embed.FS
