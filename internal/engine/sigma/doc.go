// Package sigma reads Sigma rules, specification 2.1: YAML in, trees of tests
// out. It knows every modifier, conditions, filters, placeholders, correlations
// and the old aggregations behind a pipe, and which logs a logsource means.
//
// What a rule means is fixed by [Eval], slow and plain; the index in match is
// fast and answers the same. A rule that cannot run is reported with its file,
// line and reason in [Collection.Rejected]; nothing is skipped silently.
//
// Source: Sigma Specification 2.1.0, https://github.com/SigmaHQ/sigma-specification
package sigma
