// Package format reads logs of every usual format into rows of package event.
//
// [Detect] says by content which format a file has. A [Splitter] divides the
// file into blocks of whole records, so that several workers decode them at
// once; each worker has a [Decoder], which makes no garbage for an event that
// looks like those before. What cannot be read is [Damage], with its place, and
// reading goes on with the next record.
//
// The fields of a row have the names that Sigma rules use for that source,
// whatever wrapper (Winlogbeat, NXLog, Hayabusa, Velociraptor, …) they came in:
// the tables in dialect/*.toml say which name becomes which. Cloud logs keep
// their own dotted names. Row.Log says what kind of log it is, in the terms of a
// rule's logsource; events of Windows are told by their channel instead.
package format
