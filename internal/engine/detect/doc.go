// Package detect finds what hides in communication records: beacons, long
// connections, scans, password guessing, floods and the machines that take part
// in them, stepping stones, remote-management tools, data that leaves, rare
// destinations and fingerprints never seen before.
//
// A Detector reads records one after the other in about the order of their
// times and keeps a bounded state for each key (a pair of machines, a source
// and a port, a victim …). When a table is full, what was used least goes: see
// cache. Every finding has a score from 0 to 1, calibrated so that 0.5 is worth
// a look, the parts of that score, and the numbers they rest on.
//
// The thresholds are in threshold.go, each with its reason. Techniques are
// those of MITRE ATT&CK, Enterprise.
package detect
