package vendor

import (
	"errors"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
	"noroshi/internal/intel/csaf"
)

// FuzzAdvisory answers with anything that the form accepts: what is written of
// it is a valid document, or there is nothing to write.
func FuzzAdvisory(f *testing.F) {
	f.Add("EdgeGate 410", "vers:generic/<9.1.5", "9.1.5", "説明", "外に見せない", "https://maker.example/fix", uint8(0), uint8(2))
	f.Add("x", "<= 4.2", "", "", "", "", uint8(3), uint8(0))
	f.Add("名前 (2)", "v1.0 or later", "v2", "a\nb", "", "https://[::1]/", uint8(1), uint8(3))
	words, err := text.Load(Words)
	if err != nil {
		f.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, name, versions, fixed, detail, interim, url string, status, fix uint8) {
		var bad mistakes
		a := ProductAnswer{Name: name, Versions: versions, Status: Statuses[int(status)%len(Statuses)], Detail: detail, Interim: interim, Fix: Fixes[int(fix)%len(Fixes)], Fixed: fixed, FixURL: url, FixOn: "2026-11-20"}
		a = a.normal(&bad, "answers/0", now)
		if len(bad) > 0 {
			return
		}
		p := Product{ID: "1", Name: a.Name, Versions: a.Versions, Status: a.Status, Why: a.Why, Detail: a.Detail, Interim: a.Interim, Fix: a.Fix, FixOn: a.FixOn, Fixed: a.Fixed, FixURL: a.FixURL}
		c := Case{Number: "V-7K3Q-9F2M", Title: "欠陥", Vulnerability: "CVE-2026-12345"}
		adv, err := advisory(c, "0190aaaa-bbbb-7ccc-8ddd-eeeeffff0001", []Product{p, p}, issue{maker: "試験の製造者", namespace: "https://hub.example/makers/1", lang: text.JA, words: words.Printer(text.JA, nil), tlp: "AMBER",
			status: csaf.Interim, summary: "受け入れ", at: now})
		if errors.Is(err, ErrNothing) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := csaf.New(adv); err != nil {
			t.Fatalf("%+v: %v %v", a, err, fault.Of(err).Places)
		}
	})
}
