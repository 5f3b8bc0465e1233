// Package export decodes what routers and probes export about flows (NetFlow
// v5, NetFlow v9 (RFC 3954), IPFIX (RFC 7011, RFC 5103) and sFlow v5) into
// columns. A template is compiled once into copies of (offset, width, column);
// the records of a set are then copied column by column.
//
// Everything that grows with the input is bounded by Limits: exporters,
// templates, fields, and the sets that wait for a template. What is evicted,
// lost, late or malformed is counted and never kept silent about. No field of
// a Batch can hold text: names, payload and other octets of a record are
// skipped where they stand.
package export
