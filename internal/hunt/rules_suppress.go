package hunt

import (
	"bytes"
	"fmt"
	"strings"
	"time"

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
// A day is the last on which it holds; an end within a day is a time.
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
		fmt.Fprintf(&out, "\nuntil = %s\n", untilOf(x.UntilAt.UTC()))
	}
	return out.Bytes(), nil
}

// untilOf writes when a suppression ends: the day before a midnight, else the
// time.
func untilOf(end time.Time) string {
	if end.Equal(end.Truncate(24 * time.Hour)) {
		return end.AddDate(0, 0, -1).Format(time.DateOnly)
	}
	return end.Format(time.RFC3339)
}
