package incident

import (
	"maps"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

func TestScope(t *testing.T) {
	type a = map[string]string
	base := a{"designated": "yes", "uses": "yes", "important": "yes", "event": "compromise"}
	with := func(pairs ...string) a {
		m := maps.Clone(base)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	for name, c := range map[string]struct {
		in      a
		want    ScopeVerdict
		sources string // each must be among the reasons
	}{
		"compromise":                    {with(), ScopeReport, "Act No. 42 of 2025, art 5"},
		"without effect on the service": {with("impact", "no"), ScopeReport, "that no effect is needed"},
		"excluded by Notice 1":          {with("excluded", "yes"), ScopeReport, "Notice No. 1 of 15 September 2026"},
		"a causing event":               {with("event", "cause"), ScopeReport, "Joint Order No. 4 of 2026, art 4"},
		"a causing event, no effect":    {with("event", "cause", "impact", "no", "excluded", "yes"), ScopeReport, "Notice No. 1 of 15 September 2026"},
		"only suspected":                {with("event", "unknown"), ScopeLikely, "Joint Order No. 4 of 2026, art 4(2)"},
		"designation not known":         {with("designated", "unknown"), ScopeLikely, "Act No. 42 of 2025, art 2(3)"},
		"use not known":                 {with("uses", "unknown"), ScopeLikely, "Act No. 42 of 2025, arts 2(3), 5"},
		"importance not known":          {with("important", "unknown"), ScopeLikely, "Act No. 42 of 2025, arts 2(3), 5"},
		"early signs":                   {with("event", "sign"), ScopePrecursor, "no law provides for it"},
		"nothing":                       {with("event", "none"), ScopeNone, "Act No. 42 of 2025, art 5"},
		"a small firm":                  {with("designated", "no"), ScopeVoluntary, "Act No. 42 of 2025, arts 2(3), 5"},
		"a small firm, signs":           {with("designated", "no", "event", "sign"), ScopePrecursor, "Act No. 42 of 2025, arts 2(3), 5"},
		"owned but not used":            {with("uses", "no"), ScopeVoluntary, "the operator that uses the computer"},
		"not an important computer":     {with("important", "no"), ScopeVoluntary, "Act No. 42 of 2025, arts 2(2), 5"},
		"personal data":                 {with("personal", "yes"), ScopeReport, "Act on the Protection of Personal Information, art 26"},
	} {
		got, err := Scope(c.in)
		if err != nil || got.Verdict != c.want {
			t.Errorf("%s: %q %v, want %q", name, got.Verdict, err, c.want)
		}
		var all []string
		for _, r := range got.Reasons {
			all = append(all, r.Source.In(text.EN))
		}
		if !strings.Contains(strings.Join(all, "|"), c.sources) {
			t.Errorf("%s: %v does not rest on %s", name, all, c.sources)
		}
		if got.Statutory != (c.want == ScopeReport || c.want == ScopeLikely) {
			t.Errorf("%s: statutory %v", name, got.Statutory)
		}
		if (c.want == ScopeVoluntary || c.want == ScopePrecursor) && len(got.Paths) == 0 {
			t.Errorf("%s: no voluntary path", name)
		}
	}
}

// every calls f with each complete set of answers.
func every(t *ScopeTable, f func(map[string]string)) {
	answers := map[string]string{}
	var walk func(int)
	walk = func(i int) {
		if i == len(t.Questions) {
			f(answers)
			return
		}
		for _, o := range t.Questions[i].Options {
			answers[t.Questions[i].ID] = o.ID
			walk(i + 1)
		}
	}
	walk(0)
}

// Every combination of answers meets a row and every row, note and path is
// met. Business impact and exclusion from notification never change a verdict.
func TestScopeTableIsWhole(t *testing.T) {
	table := ScopeRules()
	rows, notes, n := map[int]bool{}, map[int]bool{}, 0
	verdicts := map[string]ScopeVerdict{}
	every(table, func(a map[string]string) {
		n++
		r, err := table.Decide(a)
		if err != nil || r.Verdict == ScopeOpen || r.Ask != "" || len(r.Reasons) == 0 || r.Label.Empty() || r.Next.Empty() {
			t.Fatalf("%v: %+v %v", a, r, err)
		}
		for i, row := range table.Rows {
			if fits, _ := table.fits(row.When, a); fits {
				rows[i] = true
				break
			}
		}
		for i, note := range table.Notes {
			for _, said := range r.Reasons {
				notes[i] = notes[i] || said.Text == note.Text
			}
		}
		key := a["designated"] + a["uses"] + a["important"] + a["event"]
		if v, seen := verdicts[key]; seen && v != r.Verdict {
			t.Fatalf("%v: impact, exclusion or personal data changed %s to %s", a, v, r.Verdict)
		}
		verdicts[key] = r.Verdict
	})
	if len(rows) != len(table.Rows) || n != 3*3*3*5*3*3*3 {
		t.Errorf("%d of %d rows are met by %d sets of answers", len(rows), len(table.Rows), n)
	}
	for i := range table.Notes {
		if !notes[i] {
			t.Errorf("note %d is never said", i+1)
		}
	}
}

// One question at a time, from none to a verdict, and the questions asked are
// enough: answering the rest changes nothing.
func TestScopeAsksOnlyWhatItNeeds(t *testing.T) {
	table := ScopeRules()
	every(table, func(all map[string]string) {
		given := map[string]string{}
		for range table.Questions {
			r, err := table.Decide(given)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != ScopeOpen {
				break
			}
			if _, again := given[r.Ask]; again {
				t.Fatalf("%v: %s is asked twice", given, r.Ask)
			}
			given[r.Ask] = all[r.Ask]
		}
		short, _ := table.Decide(given)
		whole, _ := table.Decide(all)
		if short.Verdict == ScopeOpen || short.Verdict != whole.Verdict {
			t.Fatalf("%v says %q, %v says %q", given, short.Verdict, all, whole.Verdict)
		}
	})
}

func TestScopeRefuses(t *testing.T) {
	_, err := Scope(map[string]string{"designated": "perhaps", "colour": "red"})
	if fault.KindOf(err) != fault.Invalid || len(fault.Of(err).Places) != 2 {
		t.Errorf("%v", err)
	}
	for name, raw := range map[string]string{
		"an unknown key":   "[[row]]\nwehn={}\n",
		"no such question": "[[row]]\nwhen={x=[\"yes\"]}\nverdict=\"none\"\nsource={ja=\"根\",en=\"s\"}\nreason={ja=\"あ\",en=\"a\"}\n",
		"no such verdict":  "[[row]]\nverdict=\"maybe\"\nsource={ja=\"根\",en=\"s\"}\nreason={ja=\"あ\",en=\"a\"}\n",
		"no source":        "[[path]]\nid=\"x\"\nlabel={ja=\"あ\",en=\"a\"}\n",
		"half a source":    "[[question]]\nid=\"x\"\nsource={ja=\"根\"}\nlabel={ja=\"あ\",en=\"a\"}\n",
		"a silent note":    "[[note]]\nsource={ja=\"根\",en=\"s\"}\n",
	} {
		if _, err := parseScope(raw); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
