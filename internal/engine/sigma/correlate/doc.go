// Package correlate evaluates Sigma correlations over the hits of rules: so
// many of them, so many values, these together, these one after the other
// (Sigma correlation rules specification 2.1).
//
// Time spans slide wherever the condition is a floor (gt, gte), so that no
// burst is cut in two by a boundary; what has to be judged as a whole (an upper
// bound, an average, a percentile, a share) goes by spans that begin with the
// first hit and follow one another. A hit without one of the fields it is
// grouped by belongs to no group and is counted. Memory is bounded by [Limits]:
// beyond, the group that waited longest is forgotten, and counted.
package correlate
