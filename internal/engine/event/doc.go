// Package event is one log event as a row: interned names and their values in
// one buffer that is used again for the next event. Readers of logs fill rows,
// rules are evaluated over rows, and nothing in between makes a map or a
// string for each event.
//
// Nested values are flattened with dots (a.b.c); a list becomes one field for
// each of its elements, all under the same name. An absent field, an empty
// text and a null are three different things and stay so.
package event
