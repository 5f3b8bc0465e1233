package incident

import "github.com/danielgtaylor/huma/v2"

// Schema tells OpenAPI how an answer looks in JSON, which its Go fields do
// not: see MarshalJSON.
func (Value) Schema(huma.Registry) *huma.Schema {
	flag := &huma.Schema{Type: huma.TypeBoolean, Enum: []any{true}}
	state := func(name string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{name: flag}, Required: []string{name}, AdditionalProperties: false}
	}
	return &huma.Schema{
		Description: "An answer: plain JSON when known (text, number, true or false, a list, a record, a table), or how much is known of it",
		AnyOf: []*huma.Schema{
			{Type: huma.TypeString}, {Type: huma.TypeNumber}, {Type: huma.TypeBoolean}, {Type: huma.TypeArray, Items: &huma.Schema{}},
			state("unknown"), state("investigating"), state("redacted"),
			{Type: huma.TypeObject, Description: "A range {min, max}, one of which may be left out, or a record", AdditionalProperties: true},
		},
	}
}
