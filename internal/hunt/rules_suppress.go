package hunt

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// suppressFile writes suppressions as "hunt scan --suppress" reads them:
//
//	[[suppress]]
//	rule = "id, name or title"
//	host = ""
//	user = ""
//	field = ""
//	value = ""
//	reason = "why it is harmless"
//	until = 2027-01-31
//
// The day is the last on which it holds in full, in UTC.
func suppressFile(list []Suppression) ([]byte, error) {
	var out bytes.Buffer
	for i := range list {
		x := &list[i]
		if i > 0 {
			out.WriteByte('\n')
		}
		out.WriteString("[[suppress]]\n")
		var one bytes.Buffer
		enc := toml.NewEncoder(&one)
		enc.Indent = ""
		err := enc.Encode(struct {
			Condition
			Reason string `toml:"reason"`
		}{x.Condition, x.Reason})
		if err != nil {
			return nil, fmt.Errorf("suppressions: %w", err)
		}
		out.WriteString(strings.TrimSpace(one.String()))
		fmt.Fprintf(&out, "\nuntil = %s\n", x.UntilAt.UTC().Format("2006-01-02"))
	}
	return out.Bytes(), nil
}
