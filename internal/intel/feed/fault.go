package feed

import (
	"errors"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/jsonscan"
)

// fault is what is wrong at a place of the document being read. A place is a
// JSON pointer, a line of a CSV file, or an element of an XML document.
func (p *reading) fault(code, place string, pairs ...any) error {
	if place == "" {
		place = "/"
	}
	return fault.New(fault.Invalid, code, append([]any{"file", p.name, "place", place}, pairs...)...)
}

// words of what jsonscan finds, which says the place itself.
var jsonFaults = []struct {
	err  error
	code string
}{
	{jsonscan.ErrSyntax, "feed.json_syntax"},
	{jsonscan.ErrCut, "feed.cut"},
	{jsonscan.ErrTwice, "feed.json_twice"},
	{jsonscan.ErrDeep, "feed.json_deep"},
	{jsonscan.ErrLarge, "feed.json_large"},
	{jsonscan.ErrText, "feed.json_text"},
	{jsonscan.ErrAfter, "feed.json_after"},
}

// broken turns what a scanner or reader returned into a fault; faults and what
// yield returned stay as they are.
func (p *reading) broken(err error) error {
	var f *fault.Error
	var bad *jsonscan.Error
	switch {
	case err == nil, errors.As(err, &f):
		return err
	case errors.As(err, &bad):
		for _, w := range jsonFaults {
			if errors.Is(bad.Err, w.err) {
				place := bad.Path
				if place == "" {
					place = "/"
				}
				return fault.New(fault.Invalid, w.code, "file", p.name, "place", place, "byte", bad.Offset).Because(err)
			}
		}
		return p.broken(bad.Err)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.Invalid, "feed.cut", "file", p.name, "place", "/", "byte", p.bytes).Because(err)
	}
	return err
}

// clip shortens what a fault shows of the input.
func clip(s string) string {
	const most = 80
	s = strings.ToValidUTF8(s, "?")
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, s)
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// plainID reports whether s can be the id of a vulnerability or a product: it
// is used in addresses and file names. Sources use letters, digits and -_.:/~+@.
func plainID(s string) bool {
	if s == "" || len(s) > 200 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("-_.:/~+@", c) >= 0) {
			return false
		}
	}
	return true
}

// isCVE reports whether s is a CVE id (CVE Record Format 5, cveId).
func isCVE(s string) bool {
	if len(s) < 13 || len(s) > 28 || s[:4] != "CVE-" || s[8] != '-' {
		return false
	}
	for i := 4; i < len(s); i++ {
		if i != 8 && (s[i] < '0' || s[i] > '9') {
			return false
		}
	}
	return true
}

// stemOf returns the name of a file without folder and ending.
func stemOf(name string) string {
	name = path.Base(strings.ReplaceAll(name, "\\", "/"))
	for _, end := range []string{".gz", ".zst", ".json"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}
