package oversight

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/base/ledger"
	"noroshi/internal/oversight/rogue"
)

// TestLawfulHistoriesRaiseNoAlarm replays a thousand, whole and cut off
// anywhere: what was lawful up to an instant is lawful then.
func TestLawfulHistoriesRaiseNoAlarm(t *testing.T) {
	kinds, asked := numbers(t), map[string]uint64{}
	entries := 0
	for seed := range uint64(1000) {
		all := lawful(seed, 2+int(seed%4))
		if seed%3 == 0 {
			all = all[:len(all)*int(1+seed%7)/8]
		}
		entries += len(all)
		for i, leaf := range all {
			if seed < 20 {
				if _, err := ledger.ParseEntry(leaf); err != nil {
					t.Fatalf("seed %d entry %d is no entry: %v", seed, i, err)
				}
			}
		}
		res := judge(t, kinds, all)
		for _, v := range res.Violations {
			last := all[v.Entries[len(v.Entries)-1]]
			t.Fatalf("seed %d: %s %s %v in %s", seed, v.Rule, v.Found, v.Args, last)
		}
		for rule, n := range res.Checked {
			asked[rule] += n
		}
	}
	for rule, n := range asked {
		if n == 0 {
			t.Errorf("rule %s was never asked", rule)
		}
	}
	t.Logf("%d entries", entries)
}

// TestUnlawfulHistoriesAreFound breaks one rule in each of many histories: the
// rule that was broken is named, and where nothing else follows from it, alone.
func TestUnlawfulHistoriesAreFound(t *testing.T) {
	kinds, made, named := numbers(t), 0, map[string]int{}
	histories := map[uint64][][]byte{}
	for _, c := range rogue.Crimes() {
		done := 0
		for seed := uint64(0); done < 4 && seed < 400; seed++ {
			if histories[seed] == nil {
				histories[seed] = lawful(10_000+seed, 4)
			}
			all, ok, err := c.Commit(histories[seed], seed)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				continue
			}
			done++
			res := judge(t, kinds, all)
			rules := map[string]bool{}
			for _, v := range res.Violations {
				rules[v.Rule] = true
			}
			if !rules[c.Rule] || c.Alone && len(rules) != 1 {
				t.Errorf("%s, seed %d: found %v, want %s", c.Name, seed, say(res), c.Rule)
				break
			}
		}
		if done < 4 {
			t.Errorf("%s: only %d histories had a place for it", c.Name, done)
		}
		made += done
		named[c.Rule] += done
	}
	for _, id := range ruleIDs {
		if named[id] == 0 {
			t.Errorf("rule %s is broken by none", id)
		}
	}
	if made < 200 {
		t.Errorf("only %d unlawful histories", made)
	}
	t.Logf("%d unlawful histories", made)
}

func say(res Result) (out []string) {
	for _, v := range res.Violations {
		out = append(out, fmt.Sprintf("%s/%s%v", v.Rule, v.Found, v.Args))
	}
	return out
}

// TestALawfulEntryAllocatesNothing: reading on, with cases and runs that are
// known, takes no memory.
func TestALawfulEntryAllocatesNothing(t *testing.T) {
	r, err := NewReplay(numbers(t))
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	take := func(leaf []byte) {
		if err := r.Take(n, leaf); err != nil {
			t.Fatal(err)
		}
		n++
	}
	all := lawful(5, 12)
	end := -1
	for i, leaf := range all {
		if strings.Contains(string(leaf), `"verb":"selection.read"`) && strings.Contains(string(leaf), `"records":0`) {
			end = i
		}
	}
	if end < 0 {
		t.Fatal("nothing is read")
	}
	for _, leaf := range all[:end+1] {
		take(leaf)
	}
	leaf := bytes.Clone(all[end]) // a reading of the same run, again and again, under new ids
	at := bytes.Index(leaf, []byte(`"id":"`)) + len(`"id":"`) + len(id{}) - 12
	runs := 2 * window // ids are forgotten, and remembered, in the same room
	got := testing.AllocsPerRun(runs, func() {
		for i, x := 11, n; i >= 0; i, x = i-1, x>>4 {
			leaf[at+i] = "0123456789abcdef"[x&15]
		}
		take(leaf)
	})
	if got > 0 || len(r.found) > 0 {
		t.Errorf("%v allocations an entry: %v", got, r.found[:min(3, len(r.found))])
	}
}

func BenchmarkReplay(b *testing.B) {
	var leaves [][]byte
	for seed := range uint64(20) {
		leaves = append(leaves, lawful(seed, 40)...)
	}
	size := 0
	for _, l := range leaves {
		size += len(l)
	}
	b.ReportAllocs()
	kinds := numbers(b)
	n := 0
	for b.Loop() {
		r, err := NewReplay(kinds)
		if err != nil {
			b.Fatal(err)
		}
		for i, l := range leaves {
			if err := r.Take(uint64(i), l); err != nil {
				b.Fatal(err)
			}
		}
		n += len(leaves)
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "entries/s")
	b.ReportMetric(float64(size)/float64(len(leaves)), "B/entry")
}
