package sigma

import (
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const baseRules = `title: one
id: 11111111-0000-4000-8000-000000000001
name: one
logsource: {product: windows, category: process_creation}
detection:
  sel: {F: a}
  condition: sel
---
title: two
id: 11111111-0000-4000-8000-000000000002
name: two
logsource: {product: windows, service: security}
detection:
  sel: {F: b}
  condition: sel
`

// correlationRule returns a document with a correlation over the rules above.
func correlationRule(body string) string {
	return "---\ntitle: c\nid: c\nname: corr\ncorrelation:\n" + indent(body, "  ") + "\n"
}

func TestCorrelations(t *testing.T) {
	for _, c := range []struct {
		body  string
		check func(*Correlation) bool
	}{
		{"type: event_count\nrules:\n  - one\ngroup-by:\n  - H\ntimespan: 1h\ncondition:\n  gte: 100", func(c *Correlation) bool {
			return c.Type == EventCount && c.Rules[0].Title == "one" && same(c.GroupBy, []string{"H"}) && c.Timespan == time.Hour && same(c.Condition, []Comparison{{GTE, 100}}) && !c.Generate
		}},
		{"type: event_count\nrules: one\ngroup-by: H\ntimespan: 90s\ncondition: {gt: 100, lte: 200}", func(c *Correlation) bool {
			return c.Timespan == 90*time.Second && same(c.Condition, []Comparison{{GT, 100}, {LTE, 200}})
		}},
		{"type: value_count\nrules: [11111111-0000-4000-8000-000000000002]\ngroup-by: [A, B]\ntimespan: 1d\ncondition: {field: User, neq: 3}", func(c *Correlation) bool {
			return c.Type == ValueCount && c.Rules[0].Title == "two" && same(c.Fields, []string{"User"}) && same(c.Condition, []Comparison{{NEQ, 3}})
		}},
		{"type: value_count\nrules: [two]\ngroup-by: [A]\ntimespan: 1w\ncondition: {field: [User, Host], eq: 3}", func(c *Correlation) bool {
			return same(c.Fields, []string{"User", "Host"}) && c.Timespan == 7*24*time.Hour
		}},
		{"type: temporal\nrules: [one, two]\ngroup-by: [H]\ntimespan: 5m", func(c *Correlation) bool {
			return c.Type == Temporal && len(c.Rules) == 2 && len(c.Condition) == 0
		}},
		{"type: temporal\nrules: [one, two]\ngroup-by: [H]\ntimespan: 5m\ncondition: {gte: 1}\ngenerate: true", func(c *Correlation) bool { return c.Generate && len(c.Condition) == 1 }},
		{"type: temporal_ordered\nrules: [two, one]\ngroup-by: [ip]\ntimespan: 5m\naliases:\n  ip: {one: source.ip, two: destination.ip}", func(c *Correlation) bool {
			return c.Type == TemporalOrdered && c.Rules[0].Name == "two" && c.Field("ip", 0) == "destination.ip" && c.Field("ip", 1) == "source.ip" && c.Field("x", 0) == "x"
		}},
		{"type: ordered_temporal\nrules: [one, two]\ngroup-by: [H]\ntimespan: 5m", func(c *Correlation) bool { return c.Type == TemporalOrdered }},
		{"type: value_sum\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {field: bytes, gt: 1.5}", func(c *Correlation) bool {
			return c.Type == ValueSum && same(c.Condition, []Comparison{{GT, 1.5}})
		}},
		{"type: value_avg\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {field: bytes, lt: 3}", func(c *Correlation) bool { return c.Type == ValueAvg }},
		{"type: value_percentile\nrules: [one]\ngroup-by: [H]\ntimespan: 24h\ncondition: {field: Image, lte: 1}", func(c *Correlation) bool { return c.Type == ValuePercentile && c.Percentile == -1 }},
		{"type: value_percentile\nrules: [one]\ngroup-by: [H]\ntimespan: 24h\ncondition: {field: n, lte: 1, percentile: 95}", func(c *Correlation) bool { return c.Percentile == 95 }},
		{"type: value_median\nrules: [one]\ngroup-by: [H]\ntimespan: 24h\ncondition: {field: n, gte: 1}", func(c *Correlation) bool { return c.Type == ValueMedian && c.Percentile == 50 }},
	} {
		all := load([]archived{{"t.yml", []byte(baseRules + correlationRule(c.body))}}, Options{})
		if len(all.Rejected) > 0 || len(all.Correlations) != 1 {
			t.Errorf("%s: %v", c.body, all.Rejected)
			continue
		}
		got := all.Correlations[0].Correlation
		if !c.check(got) {
			t.Errorf("%s: %+v", c.body, got)
		}
		for _, r := range got.Rules {
			if r.Hidden == got.Generate {
				t.Errorf("%s: %s is hidden: %v", c.body, r.Title, r.Hidden)
			}
		}
	}
}

func TestCorrelationsRejected(t *testing.T) {
	const rest = "\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {field: F, gte: 1}"
	for _, c := range []struct {
		body string
		code Code
	}{
		{"type: magic" + rest, CorrelationKind},
		{"rules: [one]\ntimespan: 5m", Missing},
		{"[]", NotMap},
		{"type: event_count\ngroup-by: [H]\ntimespan: 5m\ncondition: {gte: 1}", CorrelationNeeds},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ncondition: {gte: 1}", CorrelationNeeds},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ntimespan: 5m", CorrelationNeeds},
		{"type: value_sum\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {gte: 1}", CorrelationNeeds},
		{"type: value_count\nrules: [one]\ntimespan: 5m\ncondition: {field: F, gte: 65537}", CorrelationMany},
		{"type: temporal\ntimespan: 5m\nrules: [one" + strings.Repeat(", one", maxOver) + "]", CorrelationWide},
		{"type: value_sum\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {field: [a, b], gte: 1}", CorrelationCond},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ntimespan: 5x\ncondition: {gte: 1}", Timeframe},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ntimespan: 0m\ncondition: {gte: 1}", Timeframe},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ntimespan: 99999d\ncondition: {gte: 1}", Timeframe},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {about: 1}", CorrelationCond},
		{"type: event_count\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: {gte: many}", CorrelationCond},
		{"type: temporal\nrules: [one]\ngroup-by: [H]\ntimespan: 5m\ncondition: one and two", CorrelationCond},
		{"type: temporal\nrules: [one, nobody]\ngroup-by: [H]\ntimespan: 5m", CorrelationRef},
		{"type: temporal\nrules: [one, corr]\ngroup-by: [H]\ntimespan: 5m", CorrelationCycle},
		{"type: temporal\nrules: [one, lost]\ngroup-by: [H]\ntimespan: 5m", CorrelationLost},
		{"type: temporal\nrules: [one]\naliases: [x]\ngroup-by: [H]\ntimespan: 5m", NotMap},
	} {
		lost := "---\ntitle: lost\nname: lost\nlogsource: {product: windows}\ndetection: {sel: {F|bogus: a}, condition: sel}\n"
		all := load([]archived{{"t.yml", []byte(baseRules + lost + correlationRule(c.body))}}, Options{})
		if len(all.Rejected) != 2 || all.Rejected[1].Code != c.code || all.Rejected[1].Line == 0 || len(all.Rules) != 2 {
			t.Errorf("%s: %v, want %s", c.body, all.Rejected, c.code)
		}
	}
}

// TestChain asks that correlations over correlations stand behind them and that
// cycles are found from wherever they begin.
func TestChain(t *testing.T) {
	doc := func(name string, rules ...string) string {
		return "---\ntitle: " + name + "\nid: " + name + "\ncorrelation: {type: temporal, rules: [" + strings.Join(rules, ", ") + "], group-by: [H], timespan: 5m}\n"
	}
	all := load([]archived{{"t.yml", []byte(doc("z", "y", "one") + doc("y", "x") + doc("x", "two") + baseRules2())}}, Options{})
	var order []string
	for _, r := range all.Correlations {
		order = append(order, r.ID)
	}
	if strings.Join(order, "") != "xyz" || len(all.Rejected) > 0 {
		t.Errorf("order %v, rejected %v", order, all.Rejected)
	}
	all = load([]archived{{"t.yml", []byte(doc("p", "q") + doc("q", "r") + doc("r", "p", "one") + doc("s", "r") + baseRules2())}}, Options{})
	if len(all.Correlations) != 0 || len(all.Rejected) != 4 {
		t.Errorf("a cycle: %v", all.Rejected)
	}
	for _, n := range all.Rejected {
		if n.Code != CorrelationCycle && n.Code != CorrelationLost {
			t.Error(n)
		}
	}
}

func baseRules2() string { return "---\n" + baseRules }

func TestFilters(t *testing.T) {
	filter := func(rules, logsource, cond string) string {
		return "---\ntitle: f\nlogsource: " + logsource + "\nfilter:\n  rules: " + rules + "\n  adm: {User|startswith: adm_}\n  condition: " + cond + "\n"
	}
	for _, c := range []struct {
		name, text string
		warnings   []Code
		one, two   bool // filtered
	}{
		{"by id", filter("[11111111-0000-4000-8000-000000000001]", "{product: windows}", "not adm"), nil, true, false},
		{"by name", filter("[one, two]", "{product: windows}", "not adm"), nil, true, true},
		{"any", filter("any", "{product: windows}", "not adm"), []Code{FilterAny}, true, true},
		{"any of a category", filter("any", "{category: process_creation}", "not adm"), []Code{FilterAny}, true, false},
		{"of another logsource", filter("[one, two]", "{product: windows, service: security}", "not adm"), []Code{FilterUnmatched}, false, true},
		{"of nobody", filter("[nobody]", "{product: windows}", "not adm"), []Code{FilterUnmatched}, false, false},
		{"any of nothing", filter("any", "{product: zeek}", "not adm"), []Code{FilterUnmatched}, false, false},
		{"keeps", filter("any", "{product: linux}", "adm"), []Code{FilterKeeps, FilterUnmatched}, false, false},
	} {
		all := load([]archived{{"t.yml", []byte(baseRules + c.text)}}, Options{})
		if len(all.Rejected) > 0 || len(all.Rules) != 2 || len(all.Filters) != 1 {
			t.Errorf("%s: %v", c.name, all.Rejected)
			continue
		}
		var codes []Code
		for _, w := range all.Warnings {
			codes = append(codes, w.Code)
		}
		if !same(codes, c.warnings) {
			t.Errorf("%s: warnings %v", c.name, all.Warnings)
		}
		for i, filtered := range []bool{c.one, c.two} {
			f := fields{"F": []string{"a", "b"}, "User": "adm_x"}
			if Eval(all.Rules[i].Expr, f.get) == filtered || !Eval(all.Rules[i].Expr, fields{"F": []string{"a", "b"}, "User": "bob"}.get) {
				t.Errorf("%s: rule %d is %v", c.name, i+1, all.Rules[i].Expr)
			}
		}
	}
	for text, code := range map[string]Code{
		"title: f\nfilter: {rules: any, a: {F: b}, condition: not a}":                                          Missing,
		"title: f\nlogsource: {product: windows}\nfilter: {a: {F: b}, condition: not a}":                       Missing,
		"title: f\nlogsource: {product: windows}\nfilter: {rules: [], a: {F: b}, condition: not a}":            EmptyList,
		"title: f\nlogsource: {product: windows}\nfilter: {rules: any, a: {F: b}}":                             Missing,
		"title: f\nlogsource: {product: windows}\nfilter: {rules: any, condition: not a}":                      NoIdentifier,
		"title: f\nlogsource: {product: windows}\nfilter: []":                                                  NotMap,
		"title: f\nlogsource: {product: windows}\nfilter: {rules: any, a: {F: b}, condition: a | count() > 1}": Aggregate,
	} {
		if _, note := one(t, text, Options{}); note == nil || note.Code != code {
			t.Errorf("%s: %v, want %s", text, note, code)
		}
	}
}

func TestHead(t *testing.T) {
	text := `title: ' Title '
id: i
name: n
status: test
description: |
  two
  lines
author: [A, B]
date: 2024-01-02
modified: 2024-02-03
license: MIT
level: High
tags: [attack.t1059, attack.execution]
references: [https://example.org]
falsepositives: none
fields: [Image]
related: [{id: j, type: derived}]
unknown: {of: others}
noroshi: {title_ja: 題, description_ja: 説, next_ja: 次, next: [look, ask], falsepositives_ja: 害}
logsource: {product: Windows, category: Process_Creation, definition: audit}
detection: {sel: {F: a}, condition: sel}
`
	r, note := one(t, text, Options{})
	if note != nil {
		t.Fatal(note)
	}
	if r.Title != "Title" || r.ID != "i" || r.Name != "n" || r.Status != "test" || r.Description != "two\nlines" || r.Author != "A, B" || r.Date != "2024-01-02" ||
		r.Modified != "2024-02-03" || r.License != "MIT" || r.Level != High || len(r.Tags) != 2 || len(r.References) != 1 || !same(r.FalsePositives, []string{"none"}) ||
		!same(r.Fields, []string{"Image"}) || !same(r.Related, []Related{{"j", "derived"}}) || r.TitleJA != "題" || r.DescriptionJA != "説" || !same(r.NextJA, []string{"次"}) || !same(r.Next, []string{"look", "ask"}) || !same(r.FalsePositivesJA, []string{"害"}) ||
		r.Logsource != (Logsource{"process_creation", "windows", "", "audit"}) || r.File != "t.yml" || r.Line != 1 || r.Ref() != "i" {
		t.Errorf("%+v", r)
	}
}

// TestDocuments asks that what is wrong with one document or file is said with
// its line and that the others are there.
func TestDocuments(t *testing.T) {
	good := "title: good\nlogsource: {product: windows}\ndetection: {sel: {F: a}, condition: sel}\n"
	for _, c := range []struct {
		text     string
		rejected map[Code]int // with the line
		rules    int
	}{
		{good, map[Code]int{}, 1},
		{"\xef\xbb\xbf" + good, map[Code]int{}, 1},
		{strings.ReplaceAll(good, "\n", "\r\n"), map[Code]int{}, 1},
		{strings.ReplaceAll(good, "\n", "\r"), map[Code]int{}, 1},
		{"", map[Code]int{}, 0},
		{"# nothing\n", map[Code]int{}, 0},
		{"%YAML 1.2\n---\n" + good + "...\n", map[Code]int{}, 1},
		{"---\n" + good + "---\n# end\n", map[Code]int{}, 1},
		{good + "--- # second\n" + good, map[Code]int{}, 2},
		{good + "---\ntitle: [\n---\n" + good, map[Code]int{YAML: 5}, 2},
		{good + "---\n\n\ntitle: t\n\tx: y\n---\n" + good, map[Code]int{YAML: 8}, 2},
		{good + "---\n- a\n", map[Code]int{NotRule: 5}, 1},
		{"just text", map[Code]int{NotRule: 1}, 0},
		{"a: b", map[Code]int{NotRule: 1}, 0},
		{"title: t", map[Code]int{Missing: 1}, 0},
		{"title: t\ndetection: {sel: {F: a}, condition: sel}", map[Code]int{Missing: 1}, 0},
		{"logsource: {product: windows}\ndetection: {sel: {F: a}, condition: sel}", map[Code]int{Missing: 1}, 0},
		{"title: t\nlogsource: {product: windows}\ndetection: {condition: sel}", map[Code]int{NoIdentifier: 3}, 0},
		{"title: t\nlogsource: {product: windows}\ndetection: {sel: {F: a}, x: {F: b}}", map[Code]int{Missing: 3}, 0},
		{"title: t\nlogsource: windows\ndetection: {sel: {F: a}, condition: sel}", map[Code]int{NotMap: 2}, 0},
		{"title: t\nlogsource: {product: windows}\ndetection: sel", map[Code]int{NotMap: 3}, 0},
		{"title: {a: b}\nlogsource: {product: windows}\ndetection: {sel: {F: a}, condition: sel}", map[Code]int{NotText: 1}, 0},
		{"title: t\ntitle: u\n", map[Code]int{YAMLDuplicate: 2}, 0},
		{"title: t\nx: *nobody\n", map[Code]int{YAMLAlias: 2}, 0},
		{"title: !!python/object:os.system t\n", map[Code]int{YAMLTag: 1}, 0},
		{"title: \xff\xfe\n", map[Code]int{FileEncoding: 1}, 0},
		{"title: t\nx: \x93quoted\x94\n", map[Code]int{FileEncoding: 2}, 0},
		{"\xff\xfet\x00", map[Code]int{FileEncoding: 1}, 0},
		{"\xfe\xff\x00t", map[Code]int{FileEncoding: 1}, 0},
		{"action: dance\n", map[Code]int{ActionUnknown: 1}, 0},
		{"action: repeat\n", map[Code]int{ActionUnknown: 1}, 0},
	} {
		all := load([]archived{{"t.yml", []byte(c.text)}}, Options{})
		got := map[Code]int{}
		for _, n := range all.Rejected {
			got[n.Code] = n.Line
		}
		if len(all.Rules) != c.rules || !maps.Equal(got, c.rejected) {
			t.Errorf("%q: %d rules, rejected %v", c.text, len(all.Rules), all.Rejected)
		}
	}
}

// TestAnchors asks that anchors, aliases and merge keys are followed.
func TestAnchors(t *testing.T) {
	r, note := one(t, "title: t\nlogsource: {product: windows}\nx: &list [a, b]\ny: &base {G: g, H: h}\ndetection:\n  sel:\n    F: *list\n    <<: *base\n    H: i\n  condition: sel\n", Options{})
	if note != nil {
		t.Fatal(note)
	}
	if !Eval(r.Expr, fields{"F": "b", "G": "g", "H": "i"}.get) || Eval(r.Expr, fields{"F": "b", "G": "g", "H": "h"}.get) || Eval(r.Expr, fields{"F": "c", "G": "g", "H": "i"}.get) {
		t.Error(r.Expr)
	}
}

// TestCollections reads the old collections of several rules in one file.
func TestCollections(t *testing.T) {
	text := `action: global
title: g
id: i
detection: {condition: sel}
---
logsource: {product: windows, service: security}
detection: {sel: {F: a}}
---
logsource: {product: linux}
detection: {sel: {F: b}}
---
action: repeat
logsource: {product: macos}
---
action: reset
---
title: alone
id: j
logsource: {product: zeek}
detection: {sel: {F: c}, condition: sel}
`
	all := load([]archived{{"t.yml", []byte(text)}}, Options{})
	var got []string
	for _, r := range all.Rules {
		got = append(got, r.ID+" "+r.Title+" "+r.Logsource.Product+" "+r.Logsource.Service+" "+r.Expr.String())
	}
	want := []string{`i g windows security F = "a"`, `i#2 g linux  F = "b"`, `i#3 g macos  F = "b"`, `j alone zeek  F = "c"`}
	if !same(got, want) || len(all.Rejected) > 0 {
		t.Errorf("%q, rejected %v", got, all.Rejected)
	}
}

// TestGlobalAlone asks that a global document without others is not lost unsaid.
func TestGlobalAlone(t *testing.T) {
	all := load([]archived{{"t.yml", []byte("\naction: global\ntitle: x\n")}}, Options{})
	if len(all.Warnings) != 1 || all.Warnings[0].Code != FieldIgnored || all.Warnings[0].Line != 2 {
		t.Error(all.Warnings)
	}
}

func TestDuplicates(t *testing.T) {
	all := load([]archived{{"a.yml", []byte(baseRules)}, {"b.yml", []byte(baseRules)}, {"c.yml", []byte(strings.ReplaceAll(baseRules, "id: 1", "id: 2"))}}, Options{})
	if len(all.Rules) != 4 || len(all.Rejected) != 2 || all.Rejected[0].Code != DuplicateID || all.Rejected[0].File != "b.yml" || all.Rejected[0].Args[1] != "a.yml" {
		t.Errorf("%v", all.Rejected)
	}
	if len(all.Warnings) != 2 || all.Warnings[0].Code != DuplicateName {
		t.Errorf("%v", all.Warnings)
	}
}

// TestReasons asks that every code has a sentence that uses its arguments.
func TestReasons(t *testing.T) {
	source, err := os.ReadFile("reason.go")
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile(`Code += "([a-z-]+)"`).FindAllSubmatch(source, -1)
	for _, m := range named {
		if reasons[Code(m[1])] == "" {
			t.Errorf("%s has no sentence", m[1])
		}
	}
	if len(named) != len(reasons) || len(Codes()) != len(reasons) {
		t.Errorf("%d codes, %d sentences", len(named), len(reasons))
	}
	for code, text := range reasons {
		n := Note{File: "f", Line: 3, Rule: "r", Code: code, Args: []string{"<1>", "<2>", "<3>"}}
		if got := n.Error(); strings.Contains(got, "$") || !strings.HasPrefix(got, "f:3: r: ") || text == "" {
			t.Errorf("%s: %s", code, got)
		}
	}
	if got := (Note{File: "f", Code: "odd", Args: []string{"x"}}).Error(); got != "f: odd x" {
		t.Error(got)
	}
	if got := clip(strings.Repeat("語", 100)); len(got) > 130 || !strings.HasSuffix(got, "語…") {
		t.Error(got)
	}
	if _, err := json.Marshal(Note{}); err != nil {
		t.Error(err)
	}
}

func TestValues(t *testing.T) {
	got, err := ParseValues([]byte("\xef\xbb\xbf# names\r\nalice\r\n\r\n srv-* \n"))
	if err != nil || !same(got, []string{"alice", "srv-*"}) {
		t.Errorf("%q %v", got, err)
	}
	if _, err := ParseValues([]byte("a\n\xff")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Error(err)
	}
	if _, err := ParseValues([]byte(strings.Repeat("a\n", maxTests+1))); err == nil {
		t.Error("too many values are taken")
	}
	_, note := one(t, rule("F|expand: '%b%'"), Options{})
	if got := Placeholders([]Note{*note, *note}); !same(got, []string{"b"}) {
		t.Errorf("%q", got)
	}
}

// TestSilenced: what filters and correlations keep from being told is counted,
// and said where who wrote the rule may not know of it.
func TestSilenced(t *testing.T) {
	mine := "title: mine\nname: mine\nlogsource: {product: windows}\ndetection: {s: {A: b}, condition: s}\n"
	quiet := "title: quiet\nlogsource: {product: windows}\nfilter: {rules: any, s: {A: b}, condition: not s}\n"
	over := "title: over\ncorrelation: {type: event_count, rules: [mine], timespan: 5m, condition: {gte: 100}}\n"
	old := "---\ntitle: old\nid: old\nlogsource: {product: linux}\ndetection: {s: {A: b}, condition: s | count() > 5}\n"
	all := load([]archived{{"mine.yml", []byte(mine + old)}, {"quiet.yml", []byte(quiet)}, {"over.yml", []byte(over)}}, Options{})
	var said []string
	for _, n := range all.Warnings {
		if n.Code == FilterAny || n.Code == HidesOther {
			said = append(said, n.Error())
		}
	}
	want := []string{
		"over.yml:1: over: the correlation hides the hits of the rule mine in mine.yml; generate: true shows them too",
		"quiet.yml:1: quiet: the filter is for any rule of its logsource; 1 rules match less because of it",
	}
	if !slices.Equal(said, want) || all.Narrowed() != 1 || all.Hidden() != 1 {
		t.Errorf("%q, %d narrowed, %d hidden", said, all.Narrowed(), all.Hidden())
	}
}
