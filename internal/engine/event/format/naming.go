package format

import (
	"fmt"

	"github.com/BurntSushi/toml"

	"noroshi/internal/engine/event"
)

// Mapping is the user's own naming of a source.
type Mapping struct {
	Fields map[string]string // the dotted name in the source → the name that rules use
	Log    event.Log         // what kind of log it is; empty parts are seen from the records
}

// ParseMapping reads a mapping written as TOML: logsource = {product, category,
// service} and a table [fields] of names. What the file says of routes (known,
// [[route]], [services], [[alias]]) is for whoever routes rules; any other key is
// an error.
func ParseMapping(text []byte) (*Mapping, error) {
	var file struct {
		Logsource logTable          `toml:"logsource"`
		Fields    map[string]string `toml:"fields"`

		Known    any `toml:"known"`
		Route    any `toml:"route"`
		Services any `toml:"services"`
		Alias    any `toml:"alias"`
	}
	about, err := toml.Decode(string(text), &file)
	if err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	if other := about.Undecoded(); len(other) > 0 {
		return nil, fmt.Errorf("mapping: %s means nothing here; there are [logsource] and [fields]", other[0])
	}
	for from, to := range file.Fields {
		if from == "" || to == "" {
			return nil, fmt.Errorf("mapping: %q = %q: a name is empty", from, to)
		}
	}
	return &Mapping{Fields: file.Fields, Log: event.Log(file.Logsource)}, nil
}

// logTable is an event.Log in TOML.
type logTable struct {
	Product  string `toml:"product"`
	Category string `toml:"category"`
	Service  string `toml:"service"`
}
