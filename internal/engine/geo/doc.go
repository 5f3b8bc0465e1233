// Package geo says on which side of a border an address lies: domestic,
// foreign, or unknown. It turns prefix tables (CSV, MMDB, country lists) into
// one compact file, compiles a table for a home country and one's own prefixes
// into a form that answers within nanoseconds, and combines the sides of two
// addresses into the four classes 外外, 外内, 内外 and 内内.
//
// What is not sure is unknown: addresses nobody listed, addresses the IANA
// special-purpose registries take out of the public network (RFC 6890),
// multicast, and country codes that name a region containing the home country.
// Unknown is a class of its own, never a kind of foreign. Only prefixes that a
// person declares to be their own go before that.
//
// A Table is the data, a Classifier is a table seen from a country. Both are
// immutable and may be used by any number of goroutines.
package geo
