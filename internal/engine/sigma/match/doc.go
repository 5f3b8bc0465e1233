// Package match says which of thousands of Sigma rules are true for an event,
// at the speed of reading the event.
//
// Of every rule a witness is chosen: a few tests of which one must be true
// whenever the rule is. Only witnesses are looked for, all at once, by one pass
// over the text of a row; whatever rule shows none is false and never looked at.
// The few candidates that are left are run. [Set] holds the rules and their
// index and is shared; each goroutine has a [Matcher].
//
// What a rule means is fixed by package sigma; its slow evaluation is the
// measure of this one.
package match
