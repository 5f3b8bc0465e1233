// Package correlate evaluates Sigma correlations over the hits of rules: so
// many of them, so many values, these together, these one after the other
// (Sigma correlation rules specification 2.1).
//
// Time spans slide: at every hit the condition is about the span that ends with
// it, so that no burst is cut in two by a boundary. Only where a part of a span
// proves nothing (a count or a sum below something, or equal to it, the least of
// all values above something, a share) spans begin with the first hit and follow
// one another, and each is judged as a whole.
//
// Hits of one time stand in any order: many logs count whole seconds, and which
// file is read first says nothing, so that rules one after the other may also be
// at the same time.
//
// A hit without one of the fields it is grouped by belongs to no group and is
// counted. Memory is bounded by [Limits]: beyond, the group that waited longest
// is forgotten, and counted. Within one group up to [Limits].Numbers hits are
// kept one by one; of more, those that came within a 32,768th of the span count
// as one for sums and counts, and evenly chosen ones stand for all in
// percentiles, which is counted.
package correlate
