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
//
// What resolvers need to be told, beside the zone's primary and key:
//
//	BIND 9         response-policy { zone "ZONE"; } qname-wait-recurse no
//	               min-update-interval 0, or it waits a minute between changes;
//	               allow-query for this machine, which asks for the serial.
//	               Every change of a zone of a million names is half a second of
//	               its work, and seconds after a large one: give it the recent
//	               zone too, in front.
//	Unbound        rpz: with primary, allow-notify and for-downstream: yes. It
//	               knows no TSIG: on this machine it stands in unsigned, on
//	               another it has the zone from Knot DNS beside it.
//	Knot DNS       hands the zone on to resolvers.
//	Knot Resolver  policy.rpz(policy.DENY, 'FILE', true) reads the zone file, and
//	               reads it again with lua-cqueues installed.
//
// An order that ended is forgotten by resolvers at once, and by those who asked
// them within the TTL. If this process is gone for good, BIND forgets the whole
// zone when it expires; Unbound 1.17 holds names back until it is started anew.
package rpz

import "embed"

// Words are the sentences of the package.
//
//go:embed text
var Words embed.FS
