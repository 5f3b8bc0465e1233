// Package rpz tells one's own resolvers what to answer for names that orders
// hold back: a response policy zone (draft-vixie-dnsop-dns-rpz), of which this
// process is the hidden primary.
//
// It answers three questions about one zone, SOA, AXFR (RFC 5936) and IXFR
// (RFC 1995), to the resolvers it was told and to nobody else, and tells them
// when the zone changes (RFC 1996). Between machines every message is signed
// (TSIG, RFC 8945). It resolves nothing and asks nobody for a name that is held
// back: whether resolvers have the zone is seen from the serial they hold.
//
// Records are made while they are sent. Every message repeats the question, so
// that the zone's name is always at byte 12 and every owner is its labels and a
// pointer there: a record has the same bytes wherever it stands.
package rpz

import "embed"

// Words are the sentences of the package.
//
//go:embed text
var Words embed.FS
