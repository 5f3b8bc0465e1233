package hunt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"noroshi/internal/engine/event/format"
	"noroshi/internal/engine/sigma"
)

// rulesOf loads rules that stand in one text.
func rulesOf(t *testing.T, text string) *RuleSet {
	t.Helper()
	set := &RuleSet{}
	if err := set.put("rules.yml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	set.parse(sigma.Options{})
	if len(set.Rejected) > 0 {
		t.Fatal(set.Rejected)
	}
	return set
}

// scannedText runs rules over one file of a given content.
func scannedText(t *testing.T, rules *RuleSet, name string, content []byte, workers int) ([]*Detection, *Report) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	var found []*Detection
	s := &Scan{Paths: []string{file}, Rules: rules, Workers: workers, NoRouting: true}
	report, err := s.Run(context.Background(), func(d *Detection) error { found = append(found, d); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return found, report
}

func manyRules(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "---\ntitle: r%d\nlogsource: {product: x}\ndetection:\n  s: {k: v, CommandLine|contains: xx}\n  condition: s\nlevel: high\n", i)
	}
	return b.String()
}

// TestLargeRowOfManyHits: detections of one event hold one copy of it, and what
// is shown holds on to none of it.
func TestLargeRowOfManyHits(t *testing.T) {
	const size = 4 << 20
	line := fmt.Appendf(nil, `{"time":"2026-01-01T00:00:00Z","k":"v","Computer":%q,"CommandLine":%q}`, strings.Repeat("h", 9000), strings.Repeat("x", size))
	found, report := scannedText(t, rulesOf(t, manyRules(50)), "large.jsonl", line, 1)
	if len(found) != 50 || report.Events != 1 {
		t.Fatalf("%d detections of %d events", len(found), report.Events)
	}
	var picture Picture
	for _, d := range found {
		if &d.Event[0] != &found[0].Event[0] {
			t.Fatal("each detection has an event of its own")
		}
		for _, y := range d.Why {
			if len(y.Value) > maxTold+len("…") {
				t.Fatalf("%d bytes are told of %s", len(y.Value), y.Field)
			}
		}
		if len(d.Host) > maxPerson+len("…") {
			t.Fatalf("the host's name has %d bytes", len(d.Host))
		}
		picture.add(d)
	}
	for _, g := range picture.Groups {
		held := 0
		for _, f := range g.Example.Event {
			held += len(f.Value)
		}
		if held > 4*exampleValue || g.Example.Fields != len(found[0].Event) {
			t.Fatalf("an example holds %d bytes of %d fields", held, g.Example.Fields)
		}
	}
}

// TestCostlyRowIsTold: an event on which not every rule could be tried is named
// with its place, as it may hide a hit.
func TestCostlyRowIsTold(t *testing.T) {
	decoy := strings.Repeat("a", 9_000_000)
	line, err := json.Marshal(map[string]any{"z": []string{"evil" + decoy + "thing", "evil thing"}, "y": []string{"bad" + decoy + "man", "bad man"}})
	if err != nil {
		t.Fatal(err)
	}
	rule := "title: r\nlogsource: {product: x}\ndetection:\n  s: {z|re: 'evil.{0,3}thing'}\n  u: {y|re: 'bad.{0,3}man'}\n  condition: s and u\n"
	found, report := scannedText(t, rulesOf(t, rule), "costly.jsonl", append([]byte("{\"a\":1}\n"), line...), 2)
	src := report.Sources[0]
	if len(found) == 0 && (src.Damaged != 1 || src.Damage[0].Reason != format.Costly || src.Damage[0].Record != 2) {
		t.Fatalf("a hit is lost and nothing is told: %+v", src)
	}
}

// TestSumBeyondNumbers: what logs add up to does not end a run.
func TestSumBeyondNumbers(t *testing.T) {
	rules := rulesOf(t, `title: base
name: base
logsource: {product: x}
detection:
  s: {k: v}
  condition: s
---
title: summed
level: high
correlation:
  type: value_sum
  rules: [base]
  group-by: [g]
  timespan: 5m
  condition: {gte: 100, field: n}
`)
	line := `{"time":"2026-01-01T00:00:00Z","k":"v","g":"a","n":1e308}` + "\n"
	found, _ := scannedText(t, rules, "sum.jsonl", []byte(line+line), 1)
	if len(found) != 1 {
		t.Fatalf("%d detections", len(found))
	}
	var b bytes.Buffer
	if err := (&jsonSink{Encoder: json.NewEncoder(&b)}).take(found[0]); err != nil {
		t.Fatal(err)
	}
}
