package incident

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// JSON renders the form for machines: what stands in each row, in words and
// as the value of the report.
func (s *Sheet) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, fmt.Errorf("render %s as JSON: %w", s.Profile, err)
	}
	return b.Bytes(), nil
}
