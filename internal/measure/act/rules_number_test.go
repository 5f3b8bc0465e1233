package act

import (
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// An installation's own numbers and grounds are read whole, and what is wrong in
// them is named.
func TestNumbersOfAnInstallation(t *testing.T) {
	n, err := ReadNumbers([]byte(strings.Replace(numbersFile, "value = 720", "value = 48", 1)))
	if err != nil || n.MostHours.Value != 48 || len(n.Grounds) != 4 {
		t.Fatalf("%+v, %v", n, err)
	}
	a := plainAsk("bad.example")
	a.Hours = 49
	if _, _, _, bad := a.task("o", &n); len(bad) != 1 || bad[0].At != "hours" {
		t.Errorf("49 hours: %v", bad)
	}
	a.Hours, a.Basis, a.Ground, a.GroundText = 48, Subscribers, "consent", "約款による。"
	if _, _, _, bad := a.task("o", &n); len(bad) != 0 {
		t.Errorf("48 hours by consent: %v", bad)
	}
	for name, raw := range map[string]string{
		"most_hours: between 1 and 8760":    strings.Replace(numbersFile, "value = 720", "value = 9000", 1),
		"shortest4: between 1 and 32":       strings.Replace(numbersFile, "value = 8\n", "value = 0\n", 1),
		"ground \"consent\" is there twice": strings.Replace(numbersFile, `id = "law"`, `id = "consent"`, 1),
		"ground 4 (\"\")":                   strings.Replace(numbersFile, `id = "law"`, `id = ""`, 1),
		"no ground":                         numbersFile[:strings.Index(numbersFile, "[[ground]]")],
		"lost_minute: no such key":          numbersFile + "\n[lost_minute]\nvalue = 1\n",
		"ask_hours":                         strings.Replace(numbersFile, "この計画の決まり（7日）", "", 1),
	} {
		if _, err := ReadNumbers([]byte(raw)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is refused is said in words, not in the names that programs have.
func TestRefusalsAreWords(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range text.Langs {
		p := words.Printer(lang, nil)
		for _, from := range States {
			for _, act := range []string{"approve", "refuse", "withdraw", "undo", "settle", "take", "outcome", "dry", "end"} {
				if s := p.Fault(step(from, act, "nowhere", AskerSide)).Title; strings.Contains(s, string(from)+"”") || !strings.Contains(s, p.T("act.state."+string(from))) || !strings.Contains(s, p.T("act.do."+act)) || strings.Contains(s, "[") {
					t.Errorf("%s: %s", lang, s)
				}
			}
		}
		for _, what := range []string{"kind", "hours", "below", "targets", "plan"} {
			if s := p.Fault(fault.New(fault.Refused, ErrOffPlan.Code, "what", part(what))).Title; !strings.Contains(s, p.T("act.off."+what)) || strings.Contains(s, "[") {
				t.Errorf("%s: %s", lang, s)
			}
		}
	}
}
