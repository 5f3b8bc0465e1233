// Package stix holds values of STIX 2.1 (OASIS Standard of 10 June 2021): the
// observable objects that communication records become, with the deterministic
// ids of section 2.9, observed-data, indicators and bundles, and the patterning
// language of section 9 with a matcher.
package stix
