// Package evtx reads Windows event logs (EVTX) into rows of package event.
//
// A file is a header of 4 KiB and chunks of 64 KiB that do not refer to each
// other, so workers decode them independently: [Chunks] splits a stream of any
// size, a [Decoder] for each worker turns a chunk into rows. The binary XML of a
// record names a template; a template is compiled once for a chunk into a flat
// list of steps whose field names are already known, and a record is then
// nothing but its values put in those places. No tree, no map and no string is
// made for an event.
//
// Nothing in a file is believed: sizes, counts, offsets and references are
// checked, nesting and work are bounded, and what cannot be read is reported as
// [Damage] with its place while the rest goes on. Where the listing of records
// is broken, records are searched for by their signature and marked as carved.
//
// The format is not published whole; this follows [MS-EVEN6] for binary XML and
// the layout of files as they are.
package evtx
