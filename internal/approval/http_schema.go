package approval

import "github.com/danielgtaylor/huma/v2"

// waysSchema is a list of directions by their names, not bytes.
func waysSchema() *huma.Schema {
	return &huma.Schema{Type: huma.TypeArray, MaxItems: limit(3), Items: &huma.Schema{Type: huma.TypeString, Enum: []any{"ff", "fd", "df"}}}
}

func limit(n int) *int { return &n }

// Schema says what directions look like.
func (Ways) Schema(huma.Registry) *huma.Schema { return waysSchema() }

// Schema says what a scope looks like.
func (Scope) Schema(huma.Registry) *huma.Schema {
	word := func(format string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: format} }
	list := &huma.Schema{Type: huma.TypeArray, Items: word("")}
	return &huma.Schema{Type: huma.TypeObject, Description: "What a use of an approval was to cover", AdditionalProperties: false, Properties: map[string]*huma.Schema{
		"kind": word(""), "directions": waysSchema(), "link": word(""), "from": word("date-time"), "until": word("date-time"), "selectors": word(""), "fields": list, "subjects": list, "run": word(""), "measure": word(""), "plan": word(""),
	}}
}
