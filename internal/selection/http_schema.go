package selection

import "github.com/danielgtaylor/huma/v2"

// Schema says what directions look like: their names, not bytes.
func (Ways) Schema(huma.Registry) *huma.Schema {
	most := 3
	return &huma.Schema{Type: huma.TypeArray, MaxItems: &most, Items: &huma.Schema{Type: huma.TypeString, Enum: []any{"ff", "fd", "df"}}}
}
