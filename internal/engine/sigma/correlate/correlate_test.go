package correlate

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/engine/sigma"
)

const minute = int64(time.Minute)

// say writes what an engine found in one line a finding.
func say(f *Finding) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d-%d", f.Rule.Name, f.First/minute, f.Last/minute)
	for _, g := range f.Group {
		fmt.Fprintf(&b, " %s=%s", g.Name, g.Value)
	}
	fmt.Fprintf(&b, " n=%g", f.Count)
	if len(f.Values) > 0 {
		fmt.Fprintf(&b, " %v", f.Values)
	}
	for _, h := range f.Hits {
		fmt.Fprintf(&b, " #%d", h.Record)
	}
	return b.String()
}

// play runs "MINUTE RULE VALUE..." lines through the correlations.
func play(t *testing.T, early bool, limits Limits, rules []*sigma.Rule, script string) (found []string, stats Stats) {
	t.Helper()
	set := Compile(rules)
	e := New(set, limits, early, func(f *Finding) error { found = append(found, say(f)); return nil })
	named := map[string]*sigma.Rule{}
	for _, r := range rules {
		named[r.Name] = r
	}
	for i, line := range strings.Split(strings.TrimSpace(script), "\n") {
		words := strings.Fields(line)
		var at int64
		fmt.Sscan(words[0], &at)
		h := &Hit{Rule: named[words[1]], Time: at * minute, Ref: Ref{Record: uint64(i + 1)}}
		needs, _ := set.Needs(h.Rule)
		for j := range needs {
			v := Value{}
			if j+2 < len(words) && words[j+2] != "-" {
				v = Value{words[j+2], true}
			}
			h.Values = append(h.Values, v)
		}
		if err := e.Add(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	return found, e.Stats()
}

func over(name string, c sigma.Correlation, rules ...*sigma.Rule) *sigma.Rule {
	c.Rules = rules
	for _, r := range rules {
		c.Refs = append(c.Refs, r.Name)
	}
	return &sigma.Rule{Name: name, Correlation: &c}
}

func is(op sigma.CompareOp, x float64) []sigma.Comparison {
	return []sigma.Comparison{{Op: op, Value: x}}
}

func TestTypes(t *testing.T) {
	a, b, c := &sigma.Rule{Name: "a"}, &sigma.Rule{Name: "b"}, &sigma.Rule{Name: "c"}
	span := 10 * time.Minute
	host := []string{"host"}
	for _, x := range []struct {
		name   string
		c      sigma.Correlation
		over   []*sigma.Rule
		script string
		want   []string
	}{
		{"event_count", sigma.Correlation{Type: sigma.EventCount, GroupBy: host, Timespan: span, Condition: is(sigma.GTE, 3)}, []*sigma.Rule{a},
			"0 a x\n5 a x\n9 a y\n10 a x\n12 a x\n40 a x\n45 a x", []string{"event_count 0-12 host=x n=4 #1 #2 #4"}},
		{"event_count just outside the span", sigma.Correlation{Type: sigma.EventCount, GroupBy: host, Timespan: span, Condition: is(sigma.GT, 2)}, []*sigma.Rule{a},
			"0 a x\n5 a x\n11 a x", nil},
		{"event_count without the field it is grouped by", sigma.Correlation{Type: sigma.EventCount, GroupBy: host, Timespan: span, Condition: is(sigma.GTE, 2)}, []*sigma.Rule{a},
			"0 a -\n1 a -\n2 a -", nil},
		{"event_count below", sigma.Correlation{Type: sigma.EventCount, GroupBy: host, Timespan: span, Condition: is(sigma.LT, 2)}, []*sigma.Rule{a},
			"0 a x\n1 a y\n2 a y\n30 a x", []string{"event_count below 0-0 host=x n=1 #1", "event_count below 30-30 host=x n=1 #4"}},
		{"event_count in a range", sigma.Correlation{Type: sigma.EventCount, Timespan: span, Condition: append(is(sigma.GT, 1), is(sigma.LTE, 3)...)}, []*sigma.Rule{a},
			"0 a\n1 a\n2 a\n20 a\n21 a\n22 a\n23 a\n40 a", []string{"event_count in a range 0-2 n=3 #1 #2 #3"}},
		{"event_count of two rules", sigma.Correlation{Type: sigma.EventCount, GroupBy: host, Timespan: span, Condition: is(sigma.GTE, 2)}, []*sigma.Rule{a, b},
			"0 a x\n1 b x", []string{"event_count of two rules 0-1 host=x n=2 #1 #2"}},
		{"value_count", sigma.Correlation{Type: sigma.ValueCount, GroupBy: host, Fields: []string{"user"}, Timespan: span, Condition: is(sigma.GTE, 3)}, []*sigma.Rule{a},
			"0 a x u\n1 a x u\n2 a x v\n3 a x u\n4 a x w\n5 a x z\n30 a x u", []string{"value_count 2-5 host=x n=4 [v u w] #3 #4 #5"}},
		{"value_count too slow", sigma.Correlation{Type: sigma.ValueCount, GroupBy: host, Fields: []string{"user"}, Timespan: span, Condition: is(sigma.GTE, 3)}, []*sigma.Rule{a},
			"0 a x u\n8 a x v\n16 a x w\n24 a x u", nil},
		{"temporal", sigma.Correlation{Type: sigma.Temporal, GroupBy: host, Timespan: span}, []*sigma.Rule{a, b, c},
			"0 c x\n1 a x\n2 b y\n5 b x\n6 c y\n30 a x", []string{"temporal 0-5 host=x n=3 #2 #4 #1"}},
		{"temporal two of three", sigma.Correlation{Type: sigma.Temporal, GroupBy: host, Timespan: span, Condition: is(sigma.GTE, 2)}, []*sigma.Rule{a, b, c},
			"0 c x\n20 a x\n21 b x", []string{"temporal two of three 20-21 host=x n=2 #2 #3"}},
		{"temporal_ordered", sigma.Correlation{Type: sigma.TemporalOrdered, GroupBy: host, Timespan: span}, []*sigma.Rule{a, b, c},
			"0 b x\n1 a x\n2 c x\n3 b x\n4 c x\n20 a y\n21 b y\n31 c y", []string{"temporal_ordered 1-4 host=x n=3 #2 #4 #5"}},
		{"temporal_ordered by the chain that began last", sigma.Correlation{Type: sigma.TemporalOrdered, Timespan: span}, []*sigma.Rule{a, b},
			"0 a\n8 a\n12 b", []string{"temporal_ordered by the chain that began last 8-12 n=2 #2 #3"}},
		{"temporal_ordered of one rule twice", sigma.Correlation{Type: sigma.TemporalOrdered, Timespan: span}, []*sigma.Rule{a, a},
			"0 a\n20 a\n25 a", []string{"temporal_ordered of one rule twice 20-25 n=2 #2 #3"}},
		{"temporal_ordered of one time in any order", sigma.Correlation{Type: sigma.TemporalOrdered, GroupBy: host, Timespan: span}, []*sigma.Rule{a, b, c},
			"0 a x\n5 c x\n5 b x\n40 b y\n40 a y\n41 c y", []string{"temporal_ordered of one time in any order 0-5 host=x n=3 #1 #3 #2", "temporal_ordered of one time in any order 40-41 host=y n=3 #5 #4 #6"}},
		{"temporal_ordered of one rule twice at one time", sigma.Correlation{Type: sigma.TemporalOrdered, Timespan: span}, []*sigma.Rule{a, b, a},
			"0 b\n0 a\n30 a\n30 b\n30 a", []string{"temporal_ordered of one rule twice at one time 30-30 n=3 #3 #4 #5"}},
		{"value_sum over the end of a span", sigma.Correlation{Type: sigma.ValueSum, GroupBy: host, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GTE, 100)}, []*sigma.Rule{a},
			"0 a x 1\n9 a x 60\n11 a x 60\n40 a x 99", []string{"value_sum over the end of a span 9-11 host=x n=120 #2 #3"}},
		{"value_sum after a huge number", sigma.Correlation{Type: sigma.ValueSum, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GTE, 100)}, []*sigma.Rule{a},
			"0 a -1e300\n5 a 60\n11 a 60", []string{"value_sum after a huge number 5-11 n=120 #2 #3"}},
		{"value_sum below", sigma.Correlation{Type: sigma.ValueSum, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.LT, 100)}, []*sigma.Rule{a},
			"0 a 60\n5 a 60\n30 a 60", []string{"value_sum below 30-30 n=60 #3"}},
		{"value_max", sigma.Correlation{Type: sigma.ValueMax, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GT, 5)}, []*sigma.Rule{a},
			"0 a 5\n1 a 6\n2 a 9\n30 a 1", []string{"value_max 0-2 n=9 #1 #2"}},
		{"value_min", sigma.Correlation{Type: sigma.ValueMin, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.LT, 5)}, []*sigma.Rule{a},
			"0 a 5\n1 a 4\n2 a 3\n30 a 9", []string{"value_min 0-2 n=3 #1 #2"}},
		{"value_min above", sigma.Correlation{Type: sigma.ValueMin, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GT, 5)}, []*sigma.Rule{a},
			"0 a 9\n1 a 4\n30 a 9", []string{"value_min above 30-30 n=9 #3"}},
		{"value_avg below", sigma.Correlation{Type: sigma.ValueAvg, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.LT, 5)}, []*sigma.Rule{a},
			"0 a 9\n9 a 2\n11 a 1\n30 a 9", []string{"value_avg below 9-11 n=1.5 #2 #3"}},
		{"value_sum", sigma.Correlation{Type: sigma.ValueSum, GroupBy: host, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GT, 100)}, []*sigma.Rule{a},
			"0 a x 60\n1 a x 0x32\n2 a x much\n20 a x 90", []string{"value_sum 0-1 host=x n=110 #1 #2"}},
		{"value_avg", sigma.Correlation{Type: sigma.ValueAvg, GroupBy: host, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GTE, 10)}, []*sigma.Rule{a},
			"0 a x 5\n1 a x 15\n20 a x 9", []string{"value_avg 0-1 host=x n=10 #1 #2"}},
		{"value_median", sigma.Correlation{Type: sigma.ValueMedian, GroupBy: host, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.EQ, 3)}, []*sigma.Rule{a},
			"0 a x 1\n1 a x 900\n2 a x 3", []string{"value_median 0-2 host=x n=3 #1 #2 #3"}},
		{"value_percentile", sigma.Correlation{Type: sigma.ValuePercentile, Percentile: 75, Fields: []string{"bytes"}, Timespan: span, Condition: is(sigma.GT, 3)}, []*sigma.Rule{a},
			"0 a 1\n1 a 2\n2 a 3\n3 a 4\n4 a 5", []string{"value_percentile 0-4 n=4 #1 #2 #3 #4"}},
		{"value_percentile as a share", sigma.Correlation{Type: sigma.ValuePercentile, Percentile: -1, Fields: []string{"image"}, Timespan: span, Condition: is(sigma.LTE, 25)}, []*sigma.Rule{a},
			"0 a cmd\n1 a cmd\n2 a odd\n3 a cmd", []string{"value_percentile as a share 0-3 n=25 [odd] #1 #2 #3 #4"}},
	} {
		t.Run(x.name, func(t *testing.T) {
			rules := append(slices.Clone(x.over), over(x.name, x.c, x.over...))
			got, _ := play(t, false, Limits{}, rules, x.script)
			if diff := cmp.Diff(x.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestChain: password guessing, then a logon by the same user, where the fields
// have other names.
func TestChain(t *testing.T) {
	failed, logon := &sigma.Rule{Name: "failed"}, &sigma.Rule{Name: "logon"}
	many := over("many", sigma.Correlation{Type: sigma.EventCount, GroupBy: []string{"user", "src"}, Timespan: 5 * time.Minute, Condition: is(sigma.GTE, 3)}, failed)
	after := over("after", sigma.Correlation{Type: sigma.TemporalOrdered, GroupBy: []string{"who"}, Timespan: 10 * time.Minute,
		Aliases: []sigma.Alias{{Name: "who", Fields: map[string]string{"many": "user", "logon": "TargetUserName"}}}}, many, logon)
	got, stats := play(t, false, Limits{}, []*sigma.Rule{failed, logon, many, after}, "0 failed u 1\n1 failed u 1\n2 failed u 1\n3 logon v\n4 logon u\n9 failed u 2")
	want := []string{"many 0-2 user=u src=1 n=3 #1 #2 #3", "after 2-4 who=u n=2 #3 #5"}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if stats.Hits != 6 || stats.Findings != 2 {
		t.Errorf("counted %+v", stats)
	}
}

// TestEarly: who watches is told at once, and once.
func TestEarly(t *testing.T) {
	a := &sigma.Rule{Name: "a"}
	rules := []*sigma.Rule{a, over("many", sigma.Correlation{Type: sigma.EventCount, Timespan: 10 * time.Minute, Condition: is(sigma.GTE, 2)}, a)}
	got, _ := play(t, true, Limits{}, rules, "0 a\n1 a\n2 a\n3 a\n60 a\n61 a")
	if diff := cmp.Diff([]string{"many 0-1 n=2 #1 #2", "many 60-61 n=2 #5 #6"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestBounded: a log that names a new host in every line is counted out, not
// kept.
func TestBounded(t *testing.T) {
	a := &sigma.Rule{Name: "a"}
	for _, c := range []sigma.Correlation{
		{Type: sigma.EventCount, GroupBy: []string{"h"}, Timespan: time.Hour, Condition: is(sigma.GTE, 3)},
		{Type: sigma.EventCount, GroupBy: []string{"h"}, Timespan: time.Hour, Condition: is(sigma.EQ, 3)},
		{Type: sigma.ValueCount, GroupBy: []string{"h"}, Fields: []string{"h"}, Timespan: time.Hour, Condition: is(sigma.GTE, 3)},
	} {
		r := over("many", c, a)
		e := New(Compile([]*sigma.Rule{a, r}), Limits{Groups: 100, Entries: 1000}, false, func(*Finding) error { return nil })
		for i := range 10_000 {
			if err := e.Add(&Hit{Rule: a, Time: int64(i), Values: []Value{{fmt.Sprint(i), true}}}); err != nil {
				t.Fatal(err)
			}
			if len(e.groups) > 100 || e.entries > 1000 {
				t.Fatalf("%d groups, %d entries", len(e.groups), e.entries)
			}
		}
		if e.stats.Evicted != 9900 {
			t.Errorf("%v: evicted %d", c.Type, e.stats.Evicted)
		}
	}
}

// TestNumbersWithoutEnd: what hostile logs add up to can still be written.
func TestNumbersWithoutEnd(t *testing.T) {
	a := &sigma.Rule{Name: "a"}
	for _, kind := range []sigma.CorrelationType{sigma.ValueSum, sigma.ValueAvg, sigma.ValueMedian, sigma.ValuePercentile} {
		for _, script := range []string{"0 a 1e308\n1 a 1e308", "0 a -1e308\n1 a -1e308", "0 a -1e308\n1 a 1e308"} {
			c := sigma.Correlation{Type: kind, Percentile: 90, Fields: []string{"n"}, Timespan: time.Hour, Condition: is(sigma.GTE, -1e308*1.7)}
			rules := []*sigma.Rule{a, over("numbers", c, a)}
			set := Compile(rules)
			e := New(set, Limits{}, false, func(f *Finding) error {
				if math.IsInf(f.Count, 0) || math.IsNaN(f.Count) {
					t.Errorf("type %v of %q is %v", kind, script, f.Count)
				}
				return nil
			})
			for i, line := range strings.Split(script, "\n") {
				if err := e.Add(&Hit{Rule: a, Time: int64(i) * minute, Values: []Value{{strings.Fields(line)[2], true}}}); err != nil {
					t.Fatal(err)
				}
			}
			if err := e.Flush(); err != nil {
				t.Fatal(err)
			}
			if _, err := json.Marshal(e.Stats()); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestJoin: lists of values that are not the same make texts that are not.
func TestJoin(t *testing.T) {
	seen := map[string][]string{}
	letters := []string{"", "a", "\x1f", "\x1e", "a\x1f", "\x1fa", "\x1e\x1f", "\x1f\x1e", "\x1e\x1e"}
	for _, x := range letters {
		for _, y := range letters {
			text, ok := join([]Value{{x, true}, {y, true}}, []int{0, 1})
			if was, twice := seen[text]; twice || !ok {
				t.Errorf("%q is %q and %q", text, was, []string{x, y})
			}
			seen[text] = []string{x, y}
		}
	}
}
