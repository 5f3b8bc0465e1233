package sigma

import (
	"strings"
	"testing"
)

// conditionRule returns a rule with six search identifiers that each ask for one
// letter in the event, and a condition.
func conditionRule(cond string) string {
	return "title: t\nlogsource: {product: windows}\ndetection:\n" +
		"  sel_a: {F|contains: a}\n  sel_b: {F|contains: b}\n  filter_c: {F|contains: c}\n  filter_d: {F|contains: d}\n  _hidden: {F|contains: h}\n  e: {F|contains: e}\n" +
		"  condition: " + cond + "\n"
}

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		cond    string
		yes, no []string
	}{
		{"sel_a", []string{"a"}, []string{"b"}},
		{"sel_a and sel_b", []string{"ab"}, []string{"a", "b"}},
		{"sel_a or sel_b", []string{"a", "b"}, []string{"c"}},
		{"not sel_a", []string{"b"}, []string{"a"}},
		{"not not sel_a", []string{"a"}, []string{"b"}},
		{"NOT sel_a AND sel_b", []string{"b"}, []string{"ab", "c"}},
		{"sel_a or sel_b and filter_c", []string{"a", "bc"}, []string{"b", "c"}},
		{"(sel_a or sel_b) and filter_c", []string{"ac", "bc"}, []string{"a", "c"}},
		{"not sel_a or sel_b", []string{"b", "c", "ab"}, []string{"a"}},
		{"not (sel_a or sel_b)", []string{"c"}, []string{"a", "b"}},
		{"( ( sel_a ) )", []string{"a"}, []string{"b"}},
		{"sel_a and(not sel_b)", []string{"a"}, []string{"ab"}},
		{"1 of sel_*", []string{"a", "b"}, []string{"c"}},
		{"any of sel_*", []string{"a", "b"}, []string{"c"}},
		{"all of sel_*", []string{"ab"}, []string{"a", "b"}},
		{"1 of sel_* and not 1 of filter_*", []string{"a", "be"}, []string{"ac", "bd", "e"}},
		{"1 of *_?", nil, nil},
		{"1 of *l_*", []string{"a"}, []string{"c"}},
		{"1 of them", []string{"a", "e"}, []string{"h", "x"}},
		{"all of them", []string{"abcde"}, []string{"abcd", "bcde"}},
		{"1 of *", []string{"a"}, []string{"h"}},
		{"1 of _*", []string{"h"}, []string{"a"}},
		{"_hidden", []string{"h"}, []string{"a"}},
		{"2 of them", []string{"ab", "ce", "abcde"}, []string{"a", "ah", "h"}},
		{"3 of them and not sel_a", []string{"bcd"}, []string{"abcd", "bc"}},
		{"9 of them", nil, []string{"abcdeh"}},
		{"1 of e", []string{"e"}, []string{"a"}},
		{"\n    - sel_a and sel_b\n    - filter_c", []string{"ab", "c"}, []string{"a"}},
	} {
		r, note := one(t, conditionRule(c.cond), Options{})
		if c.yes == nil && c.no == nil {
			if note == nil || note.Code != ConditionName {
				t.Errorf("%s: %v", c.cond, note)
			}
			continue
		}
		if note != nil {
			t.Errorf("%s: %v", c.cond, note)
			continue
		}
		for i, text := range append(c.yes, c.no...) {
			if want := i < len(c.yes); Eval(r.Expr, fields{"F": text}.get) != want {
				t.Errorf("%s on %q: %v", c.cond, text, !want)
			}
		}
	}
}

func TestConditionsRejected(t *testing.T) {
	for _, c := range []struct {
		cond string
		code Code
	}{
		{"''", ConditionEmpty},
		{"[]", ConditionEmpty},
		{"{a: b}", NotText},
		{"nobody", ConditionName},
		{"1 of nobody*", ConditionName},
		{"sel_a sel_b", ConditionSyntax},
		{"sel_a and", ConditionSyntax},
		{"and sel_a", ConditionSyntax},
		{"sel_a and or sel_b", ConditionSyntax},
		{"(sel_a", ConditionSyntax},
		{"sel_a)", ConditionSyntax},
		{"()", ConditionSyntax},
		{"not", ConditionSyntax},
		{"1 of", ConditionSyntax},
		{"1 of (sel_a)", ConditionSyntax},
		{"0 of them", ConditionName},
		{"sel_a | near sel_b", ConditionNear},
		{"sel_a | count(", Aggregate},
		{"sel_a | count() by > 3", Aggregate},
		{"sel_a | median(F) > 3", Aggregate},
		{"sel_a | sum() > 3", Aggregate},
		{"sel_a | count() > many", Aggregate},
		{"sel_a | count() => 3", Aggregate},
		{"sel_a | count() > 3 or sel_b", Aggregate},
		{"\n    - sel_a\n    - sel_b | count() > 3", Aggregate},
		{strings.Repeat("(", 200) + "sel_a" + strings.Repeat(")", 200), TooLarge},
		{strings.Repeat("not ", 200) + "sel_a", TooLarge},
		{strings.Repeat("sel_a or ", 10000) + "sel_a", TooLarge},
	} {
		r, note := one(t, conditionRule(c.cond), Options{})
		if note == nil {
			t.Errorf("%.60s became %v", c.cond, r.Expr)
		} else if note.Code != c.code || note.Line < 10 {
			t.Errorf("%.60s: %v, want %s", c.cond, note, c.code)
		}
	}
	many := "title: t\nlogsource: {product: windows}\ndetection:\n"
	for i := range 40 {
		many += "  s" + strings.Repeat("x", i) + ": {F: a}\n"
	}
	if _, note := one(t, many+"  condition: 20 of them\n", Options{}); note == nil || note.Code != TooLarge {
		t.Errorf("20 of 40: %v", note)
	}
}

// TestAggregations reads the old conditions behind a pipe.
func TestAggregations(t *testing.T) {
	for _, c := range []struct {
		cond, frame string
		want        Correlation
	}{
		{"sel_a | count() > 5", "", Correlation{Type: EventCount, Condition: []Comparison{{GT, 5}}}},
		{"sel_a | count() by host >= 5", "10m", Correlation{Type: EventCount, GroupBy: []string{"host"}, Condition: []Comparison{{GTE, 5}}, Timespan: 10 * 60e9}},
		{"sel_a |count(Target) by src, dst < 2.5", "1d", Correlation{Type: ValueCount, Fields: []string{"Target"}, GroupBy: []string{"src", "dst"}, Condition: []Comparison{{LT, 2.5}}, Timespan: 24 * 3600e9}},
		{"sel_a and not sel_b | SUM( bytes ) BY ip<=30", "30s", Correlation{Type: ValueSum, Fields: []string{"bytes"}, GroupBy: []string{"ip"}, Condition: []Comparison{{LTE, 30}}, Timespan: 30e9}},
		{"sel_a | avg(x) == 3", "", Correlation{Type: ValueAvg, Fields: []string{"x"}, Condition: []Comparison{{EQ, 3}}}},
		{"sel_a | min(x) != 3", "", Correlation{Type: ValueMin, Fields: []string{"x"}, Condition: []Comparison{{NEQ, 3}}}},
		{"sel_a | max(x) = 3", "", Correlation{Type: ValueMax, Fields: []string{"x"}, Condition: []Comparison{{EQ, 3}}}},
	} {
		text := conditionRule(c.cond)
		if c.frame != "" {
			text += "  timeframe: " + c.frame + "\n"
		}
		all := load([]archived{{"t.yml", []byte("id: x\nlevel: high\n" + text)}}, Options{})
		if len(all.Rejected) > 0 || len(all.Rules) != 1 || len(all.Correlations) != 1 || len(all.Warnings) != 1 || all.Warnings[0].Code != OldAggregation {
			t.Errorf("%s: %+v", c.cond, all)
			continue
		}
		r, base := all.Correlations[0], all.Rules[0]
		got := *r.Correlation
		if got.Rules[0] != base || !base.Hidden || base.Expr == nil || r.Expr != nil || r.ID != "x" || r.Level != High || base.Aggregation == nil {
			t.Errorf("%s: the rule is not split: %+v, %+v", c.cond, r, base)
		}
		if got.Type != c.want.Type || !same(got.GroupBy, c.want.GroupBy) || !same(got.Fields, c.want.Fields) || got.Timespan != c.want.Timespan || !same(got.Condition, c.want.Condition) {
			t.Errorf("%s: %+v", c.cond, got)
		}
	}
}

func same[T comparable](a, b []T) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func FuzzCondition(f *testing.F) {
	for _, s := range []string{"a and (b or not 1 of c*)", "all of them | count(x) by y > 3", "2 of *", "not not a", "(((", "a | near b"} {
		f.Add(s)
	}
	ids := &names{order: []string{"a", "b", "c1", "c2", "_d"}, exprs: map[string]*Expr{}}
	for _, name := range ids.order {
		ids.exprs[name] = leaf(&Test{Field: name, Kind: Exists})
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, pipe, p := parseCondition(text, 1, ids)
		if p != nil {
			if (Note{Code: p.code, Args: p.args}).Reason() == "" {
				t.Fatal("a rejection without a reason")
			}
			return
		}
		Eval(e, fields{"a": "", "c1": ""}.get)
		if pipe != "" {
			parseAggregation(pipe, 1)
		}
	})
}
