//go:build linux

package main

import (
	"maps"
	"strings"
	"testing"
)

// Each program says in its own way what it found.
func TestTitles(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want map[string]int
	}{
		"nothing":   {"", map[string]int{}},
		"noroshi":   {`{"kind":"rule","rule":{"id":"1","title":"A"}}` + "\n" + `{"kind":"rule","rule":{"id":"1","title":"A"}}` + "\n", map[string]int{"A": 2}},
		"rsigma":    {`{"rule_title":"A","rule_id":"1","matched_fields":[]}` + "\n" + `{"rule_title":"B"}`, map[string]int{"A": 1, "B": 1}},
		"chainsaw":  {`{"group":"Sigma","name":"A","id":"1","document":{"data":{"rule":{}}}}`, map[string]int{"A": 1}},
		"hayabusa":  {`{"RuleTitle":"A","Details":{"Name":"x"},"RuleID":"1"}`, map[string]int{"A": 1}},
		"zircolite": {`[{"title":"A","count":7,"matches":[{"title":"x"}]},{"title":"B","count":2}]`, map[string]int{"A": 7, "B": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := titles(strings.NewReader(c.in))
			if err != nil || !maps.Equal(got, c.want) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
		})
	}
	if _, err := titles(strings.NewReader(`{"rule":`)); err == nil {
		t.Error("half a line is not an error")
	}
}
