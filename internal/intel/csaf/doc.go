// Package csaf reads, checks, fetches and writes security advisories in the
// Common Security Advisory Framework, versions 2.0 and 2.1 (OASIS).
//
// [Read] turns a document into one [feed.Record] per vulnerability, one
// vulnerability at a time. [Validate] checks a document against the schema and
// the tests of section 6. [Provider] walks what a provider publishes, checks
// hash and signature of every document and says what changed since. [New]
// writes a document and [WriteProvider] a provider's folder.
//
// Everything that loops over input is bounded: depth of nesting, length of a
// document, of a line of a list, number of entries and of problems reported.
package csaf
