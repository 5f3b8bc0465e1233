package vendor

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/intel/csaf"
)

// TestWhateverIsAnsweredCanBePublished writes documents of random answers that
// the form accepts.
func TestWhateverIsAnsweredCanBePublished(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	r := rand.New(rand.NewPCG(7, 42))
	bits := []string{"<", "<=", "vers:generic/", ">=1|<2", "9.1.5", " ", "　", "v", "V1", "latest", "＜2", "(2)", "\n", "\t", "or later", "より前", "*", "/", "\\", "\"", "<script>", "~", "%", "EdgeGate", "410", "", "-", ".", ",", "\x00", "é", "all versions"}
	words5 := func() string {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString(bits[r.IntN(len(bits))])
		}
		return b.String()
	}
	wrote := 0
	for range 3000 {
		var list []Product
		for i := range 1 + r.IntN(3) {
			var bad mistakes
			a := ProductAnswer{Name: words5(), Versions: words5(), Status: Statuses[r.IntN(len(Statuses))], Detail: words5(), Interim: words5(), Fix: Fixes[r.IntN(len(Fixes))], Fixed: words5(), FixOn: "2026-11-20"}
			if r.IntN(2) == 0 {
				a.Why, a.FixURL = "component_not_present", "https://maker.example/fix"
			}
			if a = a.normal(&bad, "answers/0", now); len(bad) == 0 {
				list = append(list, Product{ID: string(rune('a' + i)), Name: a.Name, Versions: a.Versions, Status: a.Status, Why: a.Why, Detail: a.Detail, Interim: a.Interim, Fix: a.Fix, FixOn: a.FixOn, Fixed: a.Fixed, FixURL: a.FixURL})
			}
		}
		c := Case{Number: "V-7K3Q-9F2M", Title: "欠陥", Vulnerability: []string{"", "CVE-2026-12345"}[r.IntN(2)]}
		adv, err := advisory(c, "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001", list, issue{maker: "試験の製造者", namespace: "https://hub.example/makers/1", lang: text.JA, words: words.Printer(text.JA, nil), tlp: "AMBER",
			status: csaf.Interim, summary: "受け入れ", at: now})
		if errors.Is(err, ErrNothing) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := csaf.New(adv); err != nil {
			t.Fatalf("%+v\n%v %v", list, err, fault.Of(err).Places)
		}
		wrote++
	}
	if wrote < 300 {
		t.Errorf("%d documents only", wrote)
	}
}
