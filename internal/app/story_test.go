package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// random are the parts of a sentence that no seed decides: the number of a
// case or a notice, the root of the log.
var random = regexp.MustCompile(`[A-Z]-[0-9A-Z]{4}-[0-9A-Z]{4}|[0-9A-Za-z+/]{43}=`)

// The story happens, in either language, and the same seed tells it twice.
func TestStoryIsToldTwice(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range text.Langs {
		var first storyTold
		for turn := range 2 {
			dir := t.TempDir()
			var out bytes.Buffer
			got, err := tellStory(t.Context(), words, words.Printer(l, nil), dir, 42, "none", &out)
			if err != nil {
				t.Fatalf("%v\n%s", err, out.String())
			}
			if strings.ContainsAny(out.String(), "[]{}") {
				t.Errorf("words are missing:\n%s", out.String())
			}
			for _, name := range []string{"ledger/checkpoint", "ledger/tile", "ledger.vkey"} {
				if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil {
					t.Error(err)
				}
			}
			if !got.Ledger.Verified || got.Ledger.Entries < 180 || len(got.Steps) != 71 {
				t.Errorf("%d steps, ledger %+v", len(got.Steps), got.Ledger)
			}
			nouns := map[string]int{}
			for _, x := range got.Steps {
				nouns[x.Noun]++
			}
			want := map[string]int{"org": 1, "asset": 6, "incident": 11, "intel": 2, "exposure": 3, "notice": 9, "vendor": 4, "situation": 3, "sensor": 3, "hunt": 5, "sighting": 2, "approval": 3, "selection": 10, "measure": 5, "ledger": 3, "oversight": 1}
			if d := cmp.Diff(want, nouns); d != "" {
				t.Errorf("%s: other steps are told:\n%s", l, d)
			}
			if n := strings.Count(out.String(), "✓"); n != len(got.Steps) {
				t.Errorf("%s: %d steps in words, %d in JSON", l, n, len(got.Steps))
			}
			took := int64(0)
			for i := range got.Steps {
				s := &got.Steps[i]
				took += s.MS
				s.MS, s.What = 0, random.ReplaceAllString(s.What, "…")
				if !s.OK || s.What == "" {
					t.Errorf("step %d: %+v", i+1, *s)
				}
			}
			t.Logf("%s: %d ms", l, took)
			if turn == 0 {
				first = got
			} else if d := cmp.Diff(first, got); d != "" {
				t.Errorf("the same seed tells another story:\n%s", d)
			}
		}
	}
}

// A step that does not happen ends the story, and says which.
func TestStoryStopsWhereSomethingDoesNotHappen(t *testing.T) {
	words, err := Words()
	if err != nil {
		t.Fatal(err)
	}
	s := &story{say: words.Printer(text.EN, nil), country: &country{clock: &clock{}}}
	err = s.perform([]scene{
		{"org", 0, func() (string, error) { return "one", nil }},
		{"asset", 0, func() (string, error) { return "two", must(1 > 2, "one is not more than two") }},
		{"ledger", 0, func() (string, error) { t.Error("goes on"); return "", nil }},
	})
	if err == nil || fault.KindOf(err).Exit() == 0 {
		t.Errorf("%v", err)
	}
	if len(s.whole.Steps) != 2 || !s.whole.Steps[0].OK || s.whole.Steps[1].OK {
		t.Errorf("%+v", s.whole.Steps)
	}
	raw, err := json.Marshal(s.whole)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"steps":[{"noun":"org","what":"one","ok":true,"ms":0},{"noun":"asset","what":"What should have happened did not: one is not more than two","ok":false,"ms":0}],"ledger":{"entries":0,"verified":false}}`
	if d := cmp.Diff(want, string(raw)); d != "" {
		t.Error(d)
	}
}
