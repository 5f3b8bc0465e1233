package write

import (
	"fmt"
	"io"
)

// FormatError says that a format is none of Formats.
type FormatError struct{ Format Format }

func (e *FormatError) Error() string { return fmt.Sprintf("write: no format %q", string(e.Format)) }

// New returns a Writer of a format. The error is a FormatError, or w's.
func New(w io.Writer, f Format) (Writer, error) {
	switch f {
	case JSONL:
		return newLines(w, appendJSONL), nil
	case CSV:
		return newCSV(w)
	case Zeek:
		return newLines(w, appendZeek), nil
	case EVE:
		return newLines(w, appendEVE), nil
	case Parquet:
		return newParquet(w), nil
	case STIX:
		return newSTIX(w), nil
	}
	return nil, &FormatError{f}
}
