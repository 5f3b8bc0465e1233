// Package hunt looks through logs with rules (脅威ハンティング): it opens what
// people have, gives every event to the rules it is for, and shows what was
// found so that a person can act on it.
package hunt

import "embed"

// Words are the sentences of this noun.
//
//go:embed text
var Words embed.FS
