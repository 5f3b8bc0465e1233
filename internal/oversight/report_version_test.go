package oversight

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"noroshi/internal/approval"
	"noroshi/internal/base/ledger"
	"noroshi/internal/base/text"
)

// TestEveryVersionSaysWhatItMay holds the versions of a report against one
// another, in both languages and all forms: the inspector's names cases, the
// Diet's has its numbers and no case, the public one is no more exact than it may.
func TestEveryVersionSaysWhatItMay(t *testing.T) {
	cat, err := text.Load(Words, ledger.Words)
	if err != nil {
		t.Fatal(err)
	}
	kinds, err := approval.LoadRules("")
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReplay(kinds)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2028, 5, 1, 0, 0, 0, 0, time.UTC)
	paper := func(verb, from, to string, n int) {
		e := ledger.Entry{V: 1, ID: "01a20678-ccf2-71c4-b4aa-3c1b5c7e" + strings.Repeat("0", 3) + string(rune('0'+n)), At: at.Add(time.Duration(n) * time.Second), Who: "a", Org: "b", Verb: verb, Object: "oversight/af8392ba-644e-4e2e-bfe1-71c0ac151b1f",
			Outcome: ledger.Done, Public: map[string]any{"act": strings.TrimPrefix(verb, "oversight."), "kind": "notice", "from": from, "to": to}}
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Take(uint64(n), raw); err != nil {
			t.Fatal(err)
		}
		r.paper() // whatever else the rules make of so short an entry
	}
	paper("oversight.settle", "proposed", "sent", 0)
	paper("oversight.answer", "sent", "answered", 1)
	paper("oversight.answer", "answered", "answered", 2)
	uuid := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4`)
	res := r.Close(time.Time{})
	for _, l := range text.Langs {
		p := cat.Printer(l, nil)
		for _, v := range Versions {
			out := r.Report(res, 2028, v, p)
			page, err := out.HTML(p)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := json.Marshal(out)
			if err != nil {
				t.Fatal(err)
			}
			book, err := out.XLSX(p)
			if err != nil {
				t.Fatal(err)
			}
			f, err := excelize.OpenReader(bytes.NewReader(book))
			if err != nil {
				t.Fatal(err)
			}
			cells := ""
			for _, s := range f.GetSheetList() {
				rows, err := f.GetRows(s)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range rows {
					cells += strings.Join(row, "|") + "\n"
				}
			}
			for form, said := range map[string]string{"page": string(page), "json": string(raw), "workbook": cells} {
				if named := uuid.MatchString(said); named != (v == ForInspector) {
					t.Errorf("%s %s %s: names a case: %v", l, v, form, named)
				}
				if strings.Contains(said, "oversight.report") {
					t.Errorf("%s %s %s: a word is missing", l, v, form)
				}
			}
			if out.Version != v || out.Public != (v == ForEverybody) {
				t.Errorf("%s says that it is %s", v, out.Version)
			}
			for _, s := range out.Parts {
				for _, line := range s.Lines {
					if line.Key == "notices" && (line.Count != nil) == (v == ForEverybody) {
						t.Errorf("%s: one notice is said as %v %s", v, line.Count, line.Shown)
					}
				}
			}
		}
	}
}
