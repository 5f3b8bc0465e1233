package openc2

import (
	"bytes"
	"encoding/json"
	"strings"

	"noroshi/internal/base/fault"
)

// Whole reports whether raw is one JSON value, no deeper than depth, in which no
// object has the same name twice, not in another case either: two readers could
// take such an object for different things, and one of them would have approved
// the other's. Faults name the byte.
func Whole(raw []byte, depth int) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var open []level
	for {
		token, err := d.Token()
		if err != nil {
			return fault.New(fault.Usage, "openc2.json", "offset", d.InputOffset()).Because(err)
		}
		if bad := place(&open, token, depth); bad != "" {
			return fault.New(fault.Usage, bad, "offset", d.InputOffset(), "max", depth)
		}
		if len(open) > 0 {
			continue
		}
		if len(bytes.TrimLeft(raw[d.InputOffset():], " \t\r\n")) > 0 {
			return fault.New(fault.Usage, "openc2.json", "offset", d.InputOffset())
		}
		return nil
	}
}

// folded is a name as readers that are not strict about case see it.
func folded(name string) string { return strings.ToLower(strings.ToUpper(name)) }

// level is an object or a list that is open; names is nil in a list.
type level struct {
	names map[string]bool
	value bool // an object's name was read, its value follows
}

// place takes one token, and returns the code of what is wrong with it.
func place(open *[]level, token json.Token, depth int) (code string) {
	top := len(*open) - 1
	if top >= 0 {
		switch l := &(*open)[top]; {
		case token == json.Delim('}') || token == json.Delim(']'):
			*open = (*open)[:top]
			return ""
		case l.names != nil && !l.value:
			name := folded(token.(string))
			if l.names[name] {
				return "openc2.json.twice"
			}
			l.names[name], l.value = true, true
			return ""
		default:
			l.value = false
		}
	}
	switch token {
	case json.Delim('{'):
		*open = append(*open, level{names: map[string]bool{}})
	case json.Delim('['):
		*open = append(*open, level{})
	}
	if len(*open) > depth {
		return "openc2.json.deep"
	}
	return ""
}
