package csaf

import "strings"

// FileName returns the name a document's file has to have: its tracking id in
// lower case, every run of what is not a letter, digit, + or - as one
// underscore, and .json (CSAF 2.0 §5.1).
func FileName(id string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(id) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '+' || r == '-' {
			b.WriteRune(r)
			gap = false
		} else if !gap {
			b.WriteByte('_')
			gap = true
		}
	}
	return b.String() + ".json"
}
