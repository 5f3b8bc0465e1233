// Package evtx reads Windows event logs (EVTX) into rows of package event.
//
// A file is a header of 4 KiB and chunks of 64 KiB that do not refer to each
// other, so workers decode them independently: [Chunks] splits a stream of any
// size, a [Decoder] for each worker turns a chunk into rows. The binary XML of a
// record names a template; a template is compiled once for a worker into a flat
// list of steps whose field names are already known, and a record is then
// nothing but its values put in those places. No tree, no map and no string is
// made for an event.
//
// Fields have the names that Sigma rules use. The parts of System are Channel,
// EventID, Provider_Name, Execution_ProcessID and so on; a <Data Name="x"> is x,
// one without a name is Data, once for each; an element of UserData has its own
// name and an attribute Element_Attribute. Where two want one name, the first
// element has it and others their dotted path, such as UserData.Log.Channel. The
// values are shown as the common tools for these logs show them: hexadecimal
// numbers as 0x3e7, identifiers as S-1-5-18, times in UTC with microseconds,
// GUIDs in upper case without braces, binary data as hex.
//
// Nothing in a file is believed: sizes, counts, offsets and references are
// checked, nesting and work are bounded, and what cannot be read is reported as
// [Damage] with its place while the rest goes on. Where the listing of records
// is broken, records are searched for by their signature and marked as carved.
//
// The format is not published whole; this follows [MS-EVEN6] for binary XML and
// the layout of files as they are.
package evtx
