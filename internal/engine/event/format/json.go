package format

import (
	"noroshi/internal/engine/event"
)

// jsonReader decodes blocks of JSON.
type jsonReader struct {
	lines bool
}

func newJSONReader(o Options, lines bool) *jsonReader { return &jsonReader{lines: lines} }

func (r *jsonReader) rows(b *Block, row *event.Row, yield func(*event.Row) error) ([]Damage, error) {
	return b.Damage, nil
}
