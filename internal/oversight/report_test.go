package oversight

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// TestTheReportIsCountedFromEntries counts the entries of a history by hand and
// holds both versions against that.
func TestTheReportIsCountedFromEntries(t *testing.T) {
	cat, err := text.Load(Words, ledger.Words)
	if err != nil {
		t.Fatal(err)
	}
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7`)
	for seed := range uint64(30) {
		all := lawful(seed, 25)
		r, err := NewReplay(numbers(t))
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]uint64{}
		for i, leaf := range all {
			if err := r.Take(uint64(i), leaf); err != nil {
				t.Fatal(err)
			}
			a, err := ledger.ParseEntry(leaf)
			if err != nil {
				t.Fatal(err)
			}
			if a.At.Add(9*time.Hour).Year() != 2028 || a.Outcome != ledger.Done {
				continue
			}
			kind, _ := a.Public["kind"].(string)
			if e, _ := a.Public["extends"].(string); e != "" {
				kind += "+"
			}
			switch {
			case a.Verb == "approval.ask" || a.Verb == "measure.ask":
				want["asked "+kind]++
			case a.Verb == "approval.decide" && a.Public["to"] == "approved":
				want["approved "+kind]++
			case a.Verb == "approval.decide":
				want["declined "+kind]++
			case a.Verb == "selection.run" && a.Public["approval"] != nil:
				want["runs "]++
			case a.Verb == "selection.read":
				want["read "]++
			}
		}
		res := r.Close(time.Time{})
		p := cat.Printer(text.JA, nil)
		out := r.report(res, 2028, p)
		for _, s := range out.Parts {
			for _, l := range s.Lines {
				key := l.Key + " " + l.Kind
				switch l.Key {
				case "asked", "approved", "declined", "runs", "read":
					if *l.Count != want[key] {
						t.Errorf("seed %d: %s is %d, not %d", seed, key, *l.Count, want[key])
					}
				}
				if l.Kind != "" && l.known && uint64(len(l.Cases)) != *l.Count {
					t.Errorf("seed %d: %s is %d with %d cases", seed, key, *l.Count, len(l.Cases))
				}
				if l.Key == "seen" && *l.Count > 0 && len(l.Cases) == 0 {
					t.Errorf("seed %d: packets without a run", seed)
				}
			}
		}
		open := out.public(p)
		raw, err := json.Marshal(open)
		if err != nil {
			t.Fatal(err)
		}
		page, err := open.HTML(p)
		if err != nil {
			t.Fatal(err)
		}
		if uuid.Match(raw) || uuid.Match(page) {
			t.Errorf("seed %d: the public version names a case", seed)
		}
		for _, s := range open.Parts {
			for _, l := range s.Lines {
				if l.Count != nil && *l.Count > 0 && *l.Count < small {
					t.Errorf("seed %d: the public version says %s is %d", seed, l.Key, *l.Count)
				}
			}
		}
		inner, err := out.HTML(p)
		if err != nil || len(all) > 0 && !uuid.Match(inner) || strings.Contains(string(inner), "oversight.") {
			t.Errorf("seed %d: the inspector's page: %v", seed, err)
		}
	}
}
