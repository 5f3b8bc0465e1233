// Package synth makes up a day of traffic of an operator that does not exist:
// offices, servers, a control network and a zone that faces the Internet, with
// what such machines do all day, and attacks planted into it. One seed gives one
// day, record for record. The demo plays it, tests find in it what was planted.
// Beside it, some minutes of a line between countries (WriteLink).
//
// One's own machines are in 10.20.0.0/16 and 192.0.2.0/24 (RFC 5737), those
// outside in 198.18.0.0/15 (RFC 2544) and 198.51.100.0/24: nobody's. Names are
// under .example, but for a few services that everybody's machines ask for.
package synth
