package exposure

import (
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// What a command says is in one language: no parser's English, no code of a
// zone.
func TestCommandWords(t *testing.T) {
	words, err := text.Load(Words)
	if err != nil {
		t.Fatal(err)
	}
	p := words.Printer("ja", nil)
	_, err = parseName("fortios")
	if got := p.Fault(fault.Of(err)).Title; strings.Contains(got, "byte") || strings.Contains(got, "wfn") || !strings.Contains(got, "fortios") {
		t.Errorf("a name that is none: %s", got)
	}
	e := Exposure{Detail: &Detail{Lines: []Line{{Devices: 1, Zone: "internet", Verdict: "affected"}, {Devices: 2, Verdict: "affected"}}}}
	var out strings.Builder
	if err := e.writeText(&out, p); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Contains(got, "internet") || !strings.Contains(got, "インターネット側") || !strings.Contains(got, "不明") {
		t.Errorf("zones:\n%s", got)
	}
}
