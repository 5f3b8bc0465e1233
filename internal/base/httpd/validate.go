package httpd

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"noroshi/internal/base/fault"
)

// complaint ties a message of huma's validation to a code of ours. The format
// is huma's; what stands at its verb becomes the argument.
type complaint struct {
	format string
	code   string
	arg    string
}

// complaints are all messages that the schemas we use can bring about. What
// is not listed is httpd.field.wrong. Longer formats come before those that
// are the beginning of them.
func complaints() []complaint {
	return []complaint{
		{validation.MsgUnexpectedProperty, "httpd.field.unknown", ""},
		{"unknown query parameter", "httpd.field.unknown", ""},
		{validation.MsgExpectedRequiredProperty, "httpd.field.required", "name"},
		{"required query parameter is missing", "httpd.field.missing", ""},
		{"required path parameter is missing", "httpd.field.missing", ""},
		{"required header parameter is missing", "httpd.field.missing", ""},
		{validation.MsgExpectedRFC3339DateTime, "httpd.field.datetime", ""},
		{validation.MsgExpectedRFC3339Date, "httpd.field.date", ""},
		{validation.MsgExpectedRFC4122UUID, "httpd.field.id", ""},
		{validation.MsgExpectedOneOf, "httpd.field.choice", "choices"},
		{validation.MsgExpectedMinimumNumber, "httpd.field.minimum", "limit"},
		{validation.MsgExpectedMaximumNumber, "httpd.field.maximum", "limit"},
		{validation.MsgExpectedMinLength, "httpd.field.short", "limit"},
		{validation.MsgExpectedMaxLength, "httpd.field.long", "limit"},
		{validation.MsgExpectedMinItems, "httpd.field.few", "limit"},
		{validation.MsgExpectedMaxItems, "httpd.field.many", "limit"},
		{validation.MsgExpectedMatchPattern, "httpd.field.pattern", "pattern"},
		{validation.MsgExpectedBePattern, "httpd.field.pattern", "pattern"},
		{validation.MsgExpectedBoolean, "httpd.field.boolean", ""},
		{validation.MsgExpectedInteger, "httpd.field.integer", ""},
		{validation.MsgExpectedNumber, "httpd.field.number", ""},
		{validation.MsgExpectedString, "httpd.field.string", ""},
		{validation.MsgExpectedArrayItemsUnique, "httpd.field.unique", ""},
		{validation.MsgExpectedArray, "httpd.field.array", ""},
		{validation.MsgExpectedObject, "httpd.field.object", ""},
		{"invalid integer", "httpd.field.integer", ""},
		{"invalid boolean", "httpd.field.boolean", ""},
		{"invalid date/time", "httpd.field.datetime", ""},
		{"request body is required", "httpd.field.missing", ""},
	}
}

// maxPlaces bounds how many places one problem document names.
const maxPlaces = 100

// places says what huma found wrong where. Values are never echoed: they may
// be what must stay secret.
func places(m *huma.ErrorModel) []fault.Place {
	var out []fault.Place
	for _, d := range m.Errors {
		if d == nil || len(out) == maxPlaces {
			continue
		}
		pl := fault.Place{At: pointer(d.Location), Code: "httpd.field.wrong"}
		if d.Location == "body" && m.Status == 400 {
			out = append(out, syntax(d))
			continue
		}
		for _, c := range complaints() {
			head, tail, _ := strings.Cut(c.format, "%")
			if len(tail) > 0 {
				tail = tail[1:] // the verb
				if i := strings.IndexByte(tail, '%'); i >= 0 {
					tail = tail[:i]
				}
			}
			rest, ok := strings.CutPrefix(d.Message, head)
			if !ok || c.arg == "" && rest != "" {
				continue
			}
			pl.Code = c.code
			if c.arg != "" {
				pl.Args = fault.Args{c.arg: strings.TrimSuffix(rest, tail)}
			}
			break
		}
		out = append(out, pl)
	}
	if len(out) == 0 && m.Detail == "request body is required" {
		out = append(out, fault.Place{At: "", Code: "httpd.field.missing"})
	}
	return out
}

// syntax says at which line and column (of characters, from 1) a body stops
// being JSON.
func syntax(d *huma.ErrorDetail) fault.Place {
	body, _ := d.Value.(string)
	var v any
	var bad *json.SyntaxError
	if !errors.As(json.Unmarshal([]byte(body), &v), &bad) {
		return fault.Place{Code: "httpd.field.wrong"}
	}
	before := body[:max(0, min(len(body), int(bad.Offset))-1)]
	line := 1 + strings.Count(before, "\n")
	column := 1 + utf8.RuneCountInString(before[1+strings.LastIndex(before, "\n"):])
	return fault.Place{
		At: fmt.Sprintf("%d:%d", line, column), Code: "httpd.field.json", Args: fault.Args{"line": line, "column": column},
	}
}

var index = regexp.MustCompile(`\[(\d+)\]`)

// pointer turns huma's location into a JSON pointer (RFC 6901) for the body,
// and into the bare name for a parameter.
func pointer(location string) string {
	where, rest, _ := strings.Cut(location, ".")
	if name, _, ok := strings.Cut(where, "["); ok {
		rest = strings.TrimPrefix(location, name)
		where = name
	}
	if where != "body" {
		return rest
	}
	rest = strings.Trim(index.ReplaceAllString(rest, ".$1"), ".")
	if rest == "" {
		return ""
	}
	return "/" + strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(rest, "~", "~0"), "/", "~1"), ".", "/")
}
