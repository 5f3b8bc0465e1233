// Package selector compiles lists of search conditions (selectors) once and
// matches them at the rate of a line: addresses and networks, domain names,
// fingerprints of TLS clients, URI templates, certificate hashes, ports and
// byte patterns. Act 42 of 2025, art 22(1) (automatic selection).
//
// A list is read and checked by Read, or built with a Builder, and becomes a
// Set: one file of bytes that is used in place, with indexes made at load. A
// selector carries where it came from, the act it is aimed at, the approval it
// rests on and when it expires; warning lists keep selectors out that would
// catch everybody, unless a second person says why not.
//
// Nothing here keeps what was probed: a probe answers with an ID or 0.
package selector
