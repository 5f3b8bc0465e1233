package hunt

import (
	"context"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/sigma"
)

const guessing = `title: Failed
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
level: low
---
title: Many failed
correlation:
  type: event_count
  rules: [failed]
  generate: true
  group-by: [TargetUserName]
  timespan: 5m
  condition: {gte: 2}
level: medium
`

const failedTwice = `{"EventID":4625,"Channel":"Security","Computer":"PC-014","@timestamp":"2026-11-02T03:00:01Z","TargetUserName":"user01","IpAddress":"192.0.2.9"}
{"EventID":4625,"Channel":"Security","Computer":"PC-014","@timestamp":"2026-11-02T03:00:02Z","TargetUserName":"user01","IpAddress":"192.0.2.9"}
`

// TestExpected: what a list says is harmless is counted, not told, and feeds no
// correlation; what only nearly fits is told.
func TestExpected(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		list        string
		told, known int
		wrong       string
	}{
		{"", 3, 0, ""},
		{"[[suppress]]\nrule='failed'\nreason='scanner'\nuntil=2026-12-31\n", 0, 2, ""},
		{"[[suppress]]\nrule='failed'\nhost='pc-014'\nuser='USER01'\nreason='scanner'\nuntil='2026-12-31'\n", 0, 2, ""},
		{"[[suppress]]\nrule='failed'\nfield='IpAddress'\nvalue='192.0.2.9'\nreason='scanner'\nuntil=2026-12-31\n", 0, 2, ""},
		{"[[suppress]]\nrule='failed'\nfield='IpAddress'\nvalue='192.0.2.8'\nreason='scanner'\nuntil=2026-12-31\n", 3, 0, ""},
		{"[[suppress]]\nrule='failed'\nhost='PC-015'\nreason='scanner'\nuntil=2026-12-31\n", 3, 0, ""},
		{"[[suppress]]\nrule='Many failed'\nreason='scanner'\nuntil=2026-12-31\n", 2, 1, ""},
		{"[[suppress]]\nrule='failed'\nreason='scanner'\nuntil=2026-11-21\n", 3, 0, ""},
		{"[[suppress]]\nrule='failed'\nreason='scanner'\nuntil=2028-01-01\n", 0, 0, "until"},
		{"[[suppress]]\nrule='failed'\nuntil=2026-12-31\n", 0, 0, "reason"},
		{"[[suppress]]\nrule='failed'\nreason='x'\nvalue='y'\nuntil=2026-12-31\n", 0, 0, "field"},
		{"[[suppress]]\nreason='x'\nuntil=2026-12-31\n", 0, 0, "rule"},
	} {
		live, _, err := ParseExpected([]byte(c.list), now)
		if c.wrong != "" {
			if f := fault.Of(err); f == nil || f.Args["what"] != c.wrong {
				t.Errorf("%q: %v, not wrong about %s", c.list, err, c.wrong)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		set := &RuleSet{}
		if err := set.put("guess.yml", []byte(guessing)); err != nil {
			t.Fatal(err)
		}
		set.parse(sigma.Options{})
		told := 0
		s := &Scan{Paths: []string{"-"}, Stdin: strings.NewReader(failedTwice), Rules: set, Known: live}
		report, err := s.Run(context.Background(), func(*Detection) error { told++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		if told != c.told || report.Known != c.known {
			t.Errorf("%q: told %d, known %d; want %d and %d", c.list, told, report.Known, c.told, c.known)
		}
	}
}
