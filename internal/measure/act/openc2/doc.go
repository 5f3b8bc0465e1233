// Package openc2 reads and writes commands of OpenC2, language specification 1.0
// and its profile for stateless packet filtering (SLPF) 1.0: what an order of ours
// says in the words of other makers' equipment, and what theirs would be as an
// order of ours.
//
// A command that comes in is plan text. It becomes a proposal, which a person may
// ask for as an order of their own and another person approves, or it is shown
// with the reason why we have no equipment for it. Nothing is carried out here,
// and nothing that a command names is looked up.
//
// Names are held back by resolvers and proxies, for which no profile of 1.0
// exists: those commands use the target domain_name, and actuators and arguments
// under x-noroshi (language specification, section 3.1.5: extensions).
package openc2

import "embed"

// Words are the sentences of what cannot be read or has no equipment here.
//
//go:embed text
var Words embed.FS
