package intel

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
)

func place(at, code string) fault.Place { return fault.Place{At: at, Code: code} }

// ItemChange is what differs in one field: the text before and after, or what
// came to a list and what went from it.
type ItemChange struct {
	Field   string   `json:"field"` // title, summary, text, english/title …, tlp, clearance, grade, source, source_ref, valid_until, indicators, vulnerabilities
	Old     string   `json:"old,omitempty"`
	New     string   `json:"new,omitempty"`
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
}

// diffItems tells field by field how an item differs from what it was.
func diffItems(old, now *Item) (out []ItemChange) {
	for _, w := range []struct{ field, a, b string }{
		{"title", old.Title, now.Title}, {"summary", old.Summary, now.Summary}, {"text", old.Text, now.Text},
		{"english/title", old.English.Title, now.English.Title}, {"english/summary", old.English.Summary, now.English.Summary}, {"english/text", old.English.Text, now.English.Text},
		{"tlp", old.TLP.Label(), now.TLP.Label()}, {"clearance", strconv.Itoa(old.Clearance), strconv.Itoa(now.Clearance)}, {"grade", old.Grade.String(), now.Grade.String()},
		{"source", old.Source, now.Source}, {"source_ref", old.SourceRef, now.SourceRef}, {"valid_until", stamp(old.ValidUntil), stamp(now.ValidUntil)},
	} {
		if w.a != w.b {
			out = append(out, ItemChange{Field: w.field, Old: w.a, New: w.b})
		}
	}
	list := func(field string, a, b []string) {
		c := ItemChange{Field: field, Added: without(b, a), Removed: without(a, b)}
		if len(c.Added)+len(c.Removed) > 0 {
			out = append(out, c)
		}
	}
	list("indicators", old.Values(), now.Values())
	list("vulnerabilities", old.Vulnerabilities, now.Vulnerabilities)
	return out
}

// Values are the item's indicators in their one spelling.
func (it *Item) Values() (out []string) {
	for _, x := range it.Indicators {
		out = append(out, x.Value)
	}
	return out
}

func without(list, less []string) (out []string) {
	have := make(map[string]bool, len(less))
	for _, v := range less {
		have[v] = true
	}
	for _, v := range list {
		if !have[v] && !slices.Contains(out[max(0, len(out)-1):], v) {
			out = append(out, v)
		}
	}
	return out
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strings.TrimSuffix(t.Format(time.RFC3339), "T00:00:00Z")
}
