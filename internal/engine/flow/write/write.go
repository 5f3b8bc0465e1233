// Package write puts records of communications into the forms that other
// programs read. It writes what a record says and nothing more, so that what a
// record cannot hold is in no file either.
package write

import (
	"bufio"
	"io"

	"noroshi/internal/engine/flow/record"
)

// Format is a form in which records are written.
type Format string

// The formats.
const (
	JSONL   Format = "jsonl"   // one JSON object a line, as record.AppendJSON makes it
	CSV     Format = "csv"     // one row a record, its facts in short (RFC 4180)
	Zeek    Format = "zeek"    // JSON as the logs conn, dns, http and ssl of Zeek, told apart by _path
	EVE     Format = "eve"     // JSON as the events flow, dns, http, tls and quic of Suricata
	Parquet Format = "parquet" // columns, as CSV has them with types
	STIX    Format = "stix"    // one STIX 2.1 bundle of observed-data
)

// Formats are all of them.
var Formats = [...]Format{JSONL, CSV, Zeek, EVE, Parquet, STIX}

// Writer writes records. It keeps nothing of a record after Write returns but
// what is to be written. Close ends the form; it does not close what is written
// to.
type Writer interface {
	Write(r *record.Record) error
	Close() error
}

// lines writes records as text, each by one function.
type lines struct {
	w      *bufio.Writer
	b      []byte
	append func(b []byte, r *record.Record) []byte
}

func newLines(w io.Writer, each func(b []byte, r *record.Record) []byte) *lines {
	return &lines{w: bufio.NewWriterSize(w, 1<<16), append: each}
}

// Write implements Writer.
func (l *lines) Write(r *record.Record) error {
	l.b = l.append(l.b[:0], r)
	_, err := l.w.Write(l.b)
	return err
}

// Close implements Writer.
func (l *lines) Close() error { return l.w.Flush() }

func appendJSONL(b []byte, r *record.Record) []byte { return append(record.AppendJSON(b, r), '\n') }
