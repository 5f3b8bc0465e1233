// Package incident is the operator's duty to report compromise events (特定侵害
// 事象等の報告): Act 42 of 2025 art 5 and the joint order of eight ministries
// (令和8年8府省令第4号) art 4. One report, answered once, becomes every
// authority's form with its own clock.
//
// Invariants: a value is known, a range, unknown or being investigated, never
// silently blank; a report carries exactly one TLP 2.0 label; a consent is off
// until it is given; what a question means, whom it concerns and which words
// it has is data in data/*.toml, never Go. A statutory clock that the law
// gives no number ("promptly") has no number here either.
//
// Everything in the rules, decode, parse, diff and redact files is pure: it
// takes bytes, values and an instant, and reads neither clock nor network.
package incident

import "embed"

// Words are the sentences of this package.
//
//go:embed text
var Words embed.FS
