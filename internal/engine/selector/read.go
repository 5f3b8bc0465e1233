package selector

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/zeebo/blake3"
	"golang.org/x/mod/sumdb/note"
)

// Format is how a list is written.
type Format string

// The formats that Read tells apart by the first bytes.
const (
	Lines      Format = "lines"    // one value in each line
	CSV        Format = "csv"      // with a header: type,value,source,act,approval,expires,reason,by
	STIX       Format = "stix"     // a bundle of STIX 2.1, its indicators
	JSONLines  Format = "json"     // one JSON object in each line, named as the CSV columns
	CompiledAs Format = "compiled" // made by Encode
)

// The bounds of what a report keeps and of one line.
const (
	maxErrors = 100
	maxLine   = 8192
)

// LineError says what is wrong at one place of a list.
type LineError struct {
	Line   int    // from 1; of a bundle, the place of the object
	Object string // the id of the STIX object, or ""
	Err    error  // *ValueError, *TextError, *WarnedError, *ShapeError or ErrFull
}

func (e *LineError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns what is wrong.
func (e *LineError) Unwrap() error { return e.Err }

// ShapeError says that a line is not written as its format asks.
type ShapeError struct {
	Problem Problem
	Value   string // what stands there, cut and made printable; "" of BadLine: it may be anything
}

func (e *ShapeError) Error() string { return "selector: " + string(e.Problem) + ": " + e.Value }

// What can be wrong with a line besides its value.
const (
	BadLine     Problem = "line"     // too long, or not UTF-8
	BadColumns  Problem = "columns"  // more cells than the header has, or none for the value
	BadQuotes   Problem = "quotes"   // quotation marks of CSV
	BadHeader   Problem = "header"   // a column of a name that means nothing here
	BadJSON     Problem = "json"     // no JSON object, or an unknown member
	BadExpires  Problem = "expires"  // no time of RFC 3339
	BadSTIX     Problem = "stix"     // a pattern that cannot be read
	BadNarrower Problem = "narrower" // a pattern that asks for several things at once
	BadBundle   Problem = "bundle"   // the bundle breaks off or is no JSON
)

// Report says what a list held.
type Report struct {
	Name       string
	Format     Format
	Lines      int // lines with something in them, or objects
	Taken      int
	Duplicates int // the same kind and value again: the first one stays
	Expired    int
	Passed     int          // objects that are no traffic to select: other STIX objects, file hashes, revoked ones
	Overridden int          // of those taken: met a warning list, and carry a second person's reason
	Broken     int          // lines that cannot be taken
	Warned     int          // lines that a warning list kept out, and that nobody overrides
	Errors     []*LineError // the first of both
}

// RefusedError says that a list was refused as a whole because of its broken lines.
type RefusedError struct{ Report Report }

func (e *RefusedError) Error() string {
	return fmt.Sprintf("selector: %s: %d of %d lines cannot be taken, the first: %v", e.Report.Name, e.Report.Broken, e.Report.Lines, e.Report.Errors[0])
}

// ErrEmpty is returned for a list without any selector.
var ErrEmpty = errors.New("selector: the list holds no selector")

// Read makes a Set of a list in any of the formats. A compiled list keeps what
// it was compiled with; of Options only Warnings and Now count: one that holds what
// a warning list keeps out, and nobody overrode, is refused, and selectors that have
// expired since are counted and left out (see Live). With known keys the list must
// be compiled and signed by one of them.
func Read(name string, data []byte, o Options, known note.Verifiers) (*Set, Report, error) {
	if Compiled(data) || known != nil {
		r := Report{Name: name, Format: CompiledAs}
		s, err := Load(data, known)
		if err != nil {
			return nil, r, err
		}
		if o.Warnings == nil {
			o.Warnings = BuiltIn()
		}
		if err := o.Warnings.unwarned(&s.body); err != nil {
			return nil, r, err
		}
		r.Lines = s.Len()
		r.Overridden, _ = s.Overridden()
		if o.Now != 0 {
			if s, r.Expired, err = s.Live(o.Now); err != nil {
				return nil, r, err
			}
		}
		if r.Taken = s.Len(); r.Taken == 0 {
			return nil, r, ErrEmpty
		}
		return s, r, nil
	}
	b := NewBuilder(o)
	r, err := b.Read(name, data)
	if err != nil {
		return nil, r, err
	}
	if b.Len() == 0 {
		return nil, r, ErrEmpty
	}
	s, err := b.Compile()
	if err == nil { // warnings change with the program, and what is left out with them
		blake3.DeriveKey(contextRefs, data, s.refs[:])
	}
	return s, r, err
}

// Read adds the selectors of a list that is not compiled. When a line cannot be
// taken, the error is a *RefusedError after all lines were looked at, and the
// Builder is of no more use; with Options.Skip such lines are left out instead.
// What a warning list keeps out is left out always, and counted.
// A list that breaks off is always refused.
func (b *Builder) Read(name string, data []byte) (Report, error) {
	in := reading{b: b, r: Report{Name: name}}
	if what := binaryOf(data); what != "" {
		return in.r, &BinaryError{what}
	}
	before := b.overridden
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	in.r.Format = formatOf(data)
	var whole error
	switch in.r.Format {
	case STIX:
		whole = in.stix(data)
	case JSONLines:
		in.lines(data, in.jsonLine)
	case CSV:
		in.csv(data)
	default:
		in.lines(data, in.plainLine)
	}
	in.r.Overridden = b.overridden - before
	if in.full {
		return in.r, ErrFull
	}
	if whole != nil || in.r.Broken > 0 && !b.o.Skip {
		return in.r, &RefusedError{in.r}
	}
	return in.r, nil
}

// BinaryError says that what was given is no list at all: no line of it is shown,
// for it may be a capture of what people wrote to each other.
type BinaryError struct{ What string } // "capture", "packed" or "other"

func (e *BinaryError) Error() string { return "selector: not a list, but binary: " + e.What }

// binaryOf tells by the first bytes what is no text; "" for what may be a list.
func binaryOf(data []byte) string {
	for _, m := range [...]struct{ magic, what string }{
		{"\xd4\xc3\xb2\xa1", "capture"}, {"\xa1\xb2\xc3\xd4", "capture"}, {"\x4d\x3c\xb2\xa1", "capture"}, {"\xa1\xb2\x3c\x4d", "capture"}, // pcap
		{"\x0a\x0d\x0d\x0a", "capture"},                        // pcapng
		{"\x1f\x8b", "packed"}, {"\x28\xb5\x2f\xfd", "packed"}, // gzip, zstd
		{"PK\x03\x04", "packed"}, {"\xfd7zXZ", "packed"}, // zip, xz
	} {
		if bytes.HasPrefix(data, []byte(m.magic)) {
			return m.what
		}
	}
	if bytes.IndexByte(data[:min(len(data), 4096)], 0) >= 0 {
		return "other"
	}
	return ""
}

// formatOf looks at the first line that is neither empty nor a comment.
func formatOf(data []byte) Format {
	for len(data) > 0 {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			data = rest
			continue
		}
		if line[0] == '{' {
			if isBundle(data) {
				return STIX
			}
			return JSONLines
		}
		if isHeader(line) {
			return CSV
		}
		return Lines
	}
	return Lines
}

// reading is one list on its way into a Builder.
type reading struct {
	b    *Builder
	r    Report
	full bool
}

// add gives a selector to the Builder and counts what became of it.
func (in *reading) add(line int, object string, s Selector) {
	added, err := in.b.Add(s)
	switch {
	case errors.Is(err, ErrFull):
		in.full = true
	case err != nil:
		in.broken(line, object, err)
	case added == Taken:
		in.r.Taken++
	case added == Duplicate:
		in.r.Duplicates++
	default:
		in.r.Expired++
	}
}

func (in *reading) broken(line int, object string, err error) {
	var w *WarnedError
	if errors.As(err, &w) && w.Problem == WarnedListed {
		in.r.Warned++
	} else {
		in.r.Broken++
	}
	if len(in.r.Errors) < maxErrors {
		in.r.Errors = append(in.r.Errors, &LineError{line, object, err})
	}
}

// lines calls take with every line that says something.
func (in *reading) lines(data []byte, take func(n int, line string)) {
	in.b.expect(bytes.Count(data, []byte("\n")), len(data))
	for n := 1; len(data) > 0 && !in.full; n++ {
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		in.r.Lines++
		if len(line) > maxLine || !utf8.Valid(line) {
			in.broken(n, "", &ShapeError{Problem: BadLine})
			continue
		}
		take(n, string(line))
	}
}

// plainLine reads a value and what follows " #" as a remark.
func (in *reading) plainLine(n int, line string) {
	if line[0] != '"' {
		if i := strings.Index(line, " #"); i > 0 {
			line = line[:i]
		} else if i := strings.Index(line, "\t#"); i > 0 {
			line = line[:i]
		}
	}
	in.add(n, "", Selector{Value: line})
}

// expiresAt reads a time with its zone: a date alone would leave open when the
// day ends.
func expiresAt(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || t.Year() < 1971 || t.Year() > 2261 {
		return 0, &ShapeError{BadExpires, shown(text)}
	}
	return t.UnixNano(), nil
}
