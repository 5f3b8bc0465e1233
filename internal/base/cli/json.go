package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"noroshi/internal/base/fault"
)

// ReadJSON reads a JSON file of at most limit bytes into a value, strictly, so that
// a mistake is found, and its place said, before anything is sent.
func ReadJSON(name string, limit int64, into any) error {
	raw, err := ReadFile(name, limit)
	if err != nil {
		return err
	}
	return ParseJSON(name, raw, into)
}

// ParseJSON is ReadJSON of what was read already. Fields that the value does not
// have are refused: somebody meant something by them.
func ParseJSON(name string, raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); more != io.EOF {
			return fault.New(fault.Usage, "cli.json_more", "file", name)
		}
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) { // the library names the program's own types
		return fault.New(fault.Usage, "cli.json_place", "file", name, "place", cmp.Or(wrong.Field, "/"))
	}
	if field, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fault.New(fault.Usage, "cli.json_unknown", "file", name, "place", strings.Trim(field, `"`))
	}
	at := len(raw) // a text that ends too early
	var bad *json.SyntaxError
	if errors.As(err, &bad) {
		at = int(bad.Offset)
	}
	return fault.New(fault.Usage, "cli.json", "file", name, "line", 1+bytes.Count(raw[:at], []byte("\n")), "detail", err.Error())
}
