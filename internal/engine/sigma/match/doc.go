// Package match says which of thousands of Sigma rules are true for an event,
// at the speed of reading the event.
//
// Of every rule a witness is chosen: a few tests of which one must be true
// whenever the rule is (of And the kid that shows the most seldom, of Or all
// kids, of Not nothing). Only witnesses are looked for: whole values and their
// ends by hash, texts inside values by one pass over the row, the rest where
// its field is. A rule that shows no witness is false and never looked at; the
// few candidates that are left are run. With routing, rows of one channel,
// provider and number share an index of the rules meant for them, in which what
// the rules ask of these three is decided beforehand.
//
// [Set] holds the rules and their indexes and is shared; each goroutine has a
// [Matcher]. [Matcher.Explain] says why a rule fired, [Set.Report] why none did.
// Time and memory for a row are bounded whatever it holds.
//
// What a rule means is fixed by package sigma; its slow evaluation is the
// measure of this one.
package match
