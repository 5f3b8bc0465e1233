// Package bgp tells one's own routers what to discard: a BGP speaker that
// announces flow specifications (RFC 8955, RFC 8956) with rate 0, and
// destinations to blackhole (RFC 5635 by destination, RFC 7999).
//
// It speaks with the configured routers alone, needs no privileged port, and
// learns nothing: every route received is refused, and a router that sends more
// than a thousand loses the session. A destination is always within prefixes
// registered as one's own, never broader than the floor, and every route carries
// NO_EXPORT: what is discarded is traffic to oneself, in one's own network.
//
// A rule is withdrawn at its end and when the process ends. There is no graceful
// restart, so that a router that loses us forwards again, at the latest when the
// session's hold time (30 s) has passed. The state is the speaker's own table,
// empty at the start.
//
// Routers that check flow specifications against their best route (RFC 8955,
// section 6) have to trust this speaker, as RFC 9117 describes for a controller.
package bgp

import "embed"

// Words are the sentences of what this equipment refuses.
//
//go:embed text
var Words embed.FS
