package correlate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/engine/sigma"
)

// everyType is a correlation of each type, one over another, and spans that are
// judged as a whole.
func everyType() (base, all []*sigma.Rule) {
	a, b, c := &sigma.Rule{Name: "a"}, &sigma.Rule{Name: "b"}, &sigma.Rule{Name: "c"}
	span := 5 * time.Minute
	by := []string{"g"}
	count := over("count", sigma.Correlation{Type: sigma.EventCount, GroupBy: by, Timespan: span, Condition: is(sigma.GTE, 3)}, a)
	rules := []*sigma.Rule{a, b, c, count,
		over("once", sigma.Correlation{Type: sigma.EventCount, Timespan: span, Condition: is(sigma.GTE, 1)}, c),
		over("values", sigma.Correlation{Type: sigma.ValueCount, GroupBy: by, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.GT, 2)}, a, b),
		over("any", sigma.Correlation{Type: sigma.Temporal, GroupBy: by, Timespan: span}, a, b, c),
		over("order", sigma.Correlation{Type: sigma.TemporalOrdered, GroupBy: by, Timespan: span}, c, b, a),
		over("few", sigma.Correlation{Type: sigma.EventCount, GroupBy: by, Timespan: span, Condition: is(sigma.LT, 3)}, a),
		over("alike", sigma.Correlation{Type: sigma.ValueCount, GroupBy: by, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.LT, 3)}, a),
		over("sum", sigma.Correlation{Type: sigma.ValueSum, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.GT, 9)}, b),
		over("median", sigma.Correlation{Type: sigma.ValueMedian, GroupBy: by, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.GT, 3)}, b),
		over("average", sigma.Correlation{Type: sigma.ValueAvg, GroupBy: by, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.LT, 3)}, b),
		over("largest", sigma.Correlation{Type: sigma.ValueMax, GroupBy: by, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.GT, 6)}, c),
		over("busy", sigma.Correlation{Type: sigma.EventCount, Timespan: span, Condition: is(sigma.GTE, 7)}, a, b, c),
		over("twice", sigma.Correlation{Type: sigma.TemporalOrdered, GroupBy: by, Timespan: span}, b, c, b),
		over("share", sigma.Correlation{Type: sigma.ValuePercentile, Percentile: -1, Fields: []string{"v"}, Timespan: span, Condition: is(sigma.LT, 20)}, b, c),
		over("chain", sigma.Correlation{Type: sigma.TemporalOrdered, GroupBy: by, Timespan: 3 * span}, count, b),
	}
	return rules[:3], rules
}

// An engine that was stopped at any time and went on from its snapshot finds
// what one finds that never stopped.
func TestSnapshot(t *testing.T) {
	base, rules := everyType()
	rng := rand.New(rand.NewPCG(6, 22))
	total := map[string]bool{}
	for round := range 200 {
		set := Compile(rules)
		few := Limits{Numbers: 6}
		var want, got []string
		one := New(set, few, true, func(f *Finding) error { want = append(want, say(f)); total[f.Rule.Name] = true; return nil })
		emit := func(f *Finding) error { got = append(got, say(f)); return nil }
		two := New(set, few, true, emit)
		at := int64(0)
		for i := range 120 {
			at += rng.Int64N(4) * minute / 2 // often none
			h := &Hit{Rule: base[rng.IntN(3)], Time: at, Ref: Ref{"log\xff", uint64(i)}}
			needs, _ := set.Needs(h.Rule)
			for _, name := range needs {
				v := Value{fmt.Sprint(rng.IntN(8)), rng.IntN(20) > 0}
				if name == "g" {
					v.Text = fmt.Sprintf("\xfe%d", rng.IntN(3))
				}
				h.Values = append(h.Values, v)
			}
			if one.Add(h) != nil || two.Add(h) != nil {
				t.Fatal("an error out of nothing")
			}
			if rng.IntN(10) == 0 {
				_, _ = one.Advance(at+minute/2), two.Advance(at+minute/2)
			}
			if rng.IntN(8) == 0 {
				raw, err := json.Marshal(two.Snapshot())
				if err != nil {
					t.Fatal(err)
				}
				var s Snapshot
				if err := json.Unmarshal(raw, &s); err != nil {
					t.Fatal(err)
				}
				entries := two.entries
				two = New(set, few, true, emit)
				if err := two.Restore(&s); err != nil {
					t.Fatal(err)
				}
				if two.entries > entries {
					t.Fatalf("%d entries became %d", entries, two.entries)
				}
			}
		}
		_, _ = one.Flush(), two.Flush()
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("round %d: %s", round, diff)
		}
	}
	if len(total) != len(rules)-len(base) {
		t.Errorf("only %v found anything", total)
	}
}

// What is no snapshot of the set is refused.
func TestSnapshotOfOthers(t *testing.T) {
	_, rules := everyType()
	set := Compile(rules)
	for _, bad := range []string{
		`{"groups":[{"node":99}]}`, `{"groups":[{"node":-1}]}`, `{"groups":[{"node":0}]}`,
		`{"groups":[{"node":0,"values":["Zw=="],"marks":[[{},{},{},{}]]}]}`,
		`{"groups":[{"node":3,"values":["Zw=="],"marks":[]}]}`,
		`{"groups":[{"node":4,"values":["Zw=="],"marks":[[],[{}],[]]}]}`,
		`{"groups":[{"node":4,"values":["Zw=="],"longer":2,"marks":[[],[],[]]}]}`,
		`{"groups":[{"node":5,"values":["Zw=="]}]}`, `{"groups":[{"node":6,"batch":{"count":1}}]}`,
	} {
		var s Snapshot
		if err := json.Unmarshal([]byte(bad), &s); err != nil {
			t.Fatal(err)
		}
		if err := New(set, Limits{}, true, nil).Restore(&s); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func FuzzSnapshot(f *testing.F) {
	_, rules := everyType()
	set := Compile(rules)
	f.Add([]byte(`{"now":5,"groups":[{"node":0,"group":"Zw==","values":["Zw=="],"marks":[[{"time":1,"source":"YQ==","record":1}]]}]}`))
	f.Add([]byte(`{"now":5,"groups":[{"node":6,"end":9,"batch":{"first":1,"last":2,"hits":[],"count":2,"stride":1}}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var s Snapshot
		if json.Unmarshal(raw, &s) != nil {
			return
		}
		e := New(set, Limits{}, true, func(*Finding) error { return nil })
		if e.Restore(&s) != nil {
			return
		}
		for _, r := range rules[:3] {
			needs, _ := set.Needs(r)
			if err := e.Add(&Hit{Rule: r, Time: 10 * minute, Values: make([]Value, len(needs))}); err != nil {
				t.Fatal(err)
			}
		}
		if err := e.Flush(); err != nil {
			t.Fatal(err)
		}
	})
}
