package match

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"noroshi/internal/engine/event"
)

var (
	ruleID     = regexp.MustCompile(`(?m)^rule_metadata:\s*\n\s*- id: (\S+)`)
	matchCount = regexp.MustCompile(`match_count: (\d+)`)
)

// moreEvents are the samples that have more events of their rule than is stated:
// three files are dropped, and three keys are set, which the rules ask for in
// nothing but these words.
var moreEvents = map[string]int{
	"8fbf3271-1ef6-4e94-8210-03c2317947f6": 3,
	"45e112d0-7759-4c2a-aa36-9f8fb79d3393": 3,
}

// TestRegression runs all rules of SigmaHQ over the samples that it keeps for
// some of them: each rule fires on its own sample, as often as stated there.
func TestRegression(t *testing.T) {
	names := event.NewNames()
	rules := sigmaHQ(t, "")
	set, err := New(rules, names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{}
	for i, r := range rules {
		place[r.ID] = i
	}
	m := set.NewMatcher()
	zip := opened(t, shared(t, "sigma/sigma-regression-dev.zip"))
	samples := map[string][]byte{}
	for _, f := range zip.File {
		if strings.HasSuffix(f.Name, ".json") {
			samples[path.Dir(f.Name)] = content(t, f)
		}
	}
	fired, counted, exact := 0, 0, 0
	for _, f := range zip.File {
		if path.Base(f.Name) != "info.yml" {
			continue
		}
		info := string(content(t, f))
		rule := place[ruleID.FindStringSubmatch(info)[1]]
		sample, ok := samples[path.Dir(f.Name)]
		if !ok {
			t.Logf("%s has no events in JSON", path.Base(path.Dir(f.Name)))
			continue
		}
		hits := 0
		for _, row := range rowsOf(t, names, sample) {
			for _, h := range m.Match(row, nil) {
				if h == rule {
					hits++
					if len(m.Explain(row, h)) == 0 {
						t.Errorf("%s: no reason", rules[rule].Title)
					}
				}
			}
		}
		if hits > 0 {
			fired++
		} else {
			t.Errorf("%s did not fire on its sample", f.Name)
		}
		if count := matchCount.FindStringSubmatch(info); count != nil {
			counted++
			want, _ := strconv.Atoi(count[1])
			if more := moreEvents[rules[rule].ID]; more > 0 {
				want = more
			}
			if hits == want {
				exact++
			} else {
				t.Errorf("%s fired %d times, want %d", f.Name, hits, want)
			}
		}
	}
	t.Logf("%d rules fired on their samples, %d of %d with a count as often as stated", fired, exact, counted)
}
