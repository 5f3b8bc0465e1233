package match

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/engine/event"
	"noroshi/internal/engine/sigma"
)

// rulesOf returns rules with the given detections, of process creations unless
// the text has its own logsource.
func rulesOf(t testing.TB, detections ...string) []*sigma.Rule {
	t.Helper()
	texts := make([]string, len(detections))
	for i, d := range detections {
		texts[i] = "title: t\nlogsource: {category: process_creation, product: windows}\n" + d
	}
	rules := parsed(texts)
	if len(rules) != len(detections) {
		t.Fatalf("%d of %d rules were read", len(rules), len(detections))
	}
	return rules
}

func TestExplain(t *testing.T) {
	names := event.NewNames()
	rules := rulesOf(t, `detection:
  img:
    - Image|endswith: ['\cmd.exe', '\powershell.exe']
    - OriginalFileName: Cmd.Exe
  key: [Whoami, absent]
  filter:
    User: nobody
  condition: img and key and not filter
`, `detection:
  s: {User|neq: nobody}
  condition: s
`, `detection:
  s: {Image|endswith: '\cmd.exe'}
  condition: not s
`, `detection:
  s: {Image|endswith: '\whoami.exe', Company: null}
  condition: s
`)
	set, err := New(rules, names, Options{NoRouting: true})
	if err != nil {
		t.Fatal(err)
	}
	m := set.NewMatcher()
	row := &event.Row{}
	row.AddString(names.ID("Image"), event.Text, `C:\Windows\CMD.exe`)
	row.AddString(names.ID("CommandLine"), event.Text, `cmd /c WhoAmI /all`)
	row.AddString(names.ID("User"), event.Text, `EXAMPLE\taro`)
	if got := m.Match(row, nil); !cmp.Equal(got, []int{0, 1}) {
		t.Fatalf("hits %v", got)
	}
	for rule, want := range [][]Why{
		{{"Image", "endswith", `\cmd.exe`, `C:\Windows\CMD.exe`, 0}, {"CommandLine", "contains", "whoami", "cmd /c WhoAmI /all", 1}},
		{{"User", "not null", "", `EXAMPLE\taro`, 2}},
		nil,
		nil,
	} {
		if diff := cmp.Diff(want, m.Explain(row, rule)); diff != "" {
			t.Errorf("rule %d: %s", rule, diff)
		}
	}
	row.Reset()
	row.AddString(names.ID("Image"), event.Text, `C:\whoami.exe`)
	for rule, want := range [][]Why{
		nil,
		nil,
		{{"Image", "not endswith", `\cmd.exe`, `C:\whoami.exe`, 0}},
		{{"Image", "endswith", `\whoami.exe`, `C:\whoami.exe`, 0}, {"Company", "null", "", "", -1}},
	} {
		if diff := cmp.Diff(want, m.Explain(row, rule)); diff != "" {
			t.Errorf("rule %d: %s", rule, diff)
		}
	}
}

func TestReport(t *testing.T) {
	names := event.NewNames()
	rules := rulesOf(t, "detection: {s: {Image|endswith: '\\cmd.exe'}, condition: s}\n", "detection: {s: {EventID: 4625}, condition: s}\n")
	rules[1].Logsource = sigma.Logsource{Product: "windows", Service: "security"}
	set, err := New(rules, names, Options{Fields: []string{"ParentImage"}})
	if err != nil {
		t.Fatal(err)
	}
	m := set.NewMatcher()
	for _, id := range []string{"1", "4624", "4624", "4688"} {
		row := &event.Row{Log: event.Log{Product: "windows"}}
		channel, image := "Security", "NewProcessName"
		if id == "1" {
			channel, image = "Microsoft-Windows-Sysmon/Operational", "Image"
		}
		row.AddString(event.Channel, event.Text, channel)
		row.AddString(event.EventID, event.Number, id)
		row.AddString(names.ID(image), event.Text, `C:\Windows\System32\cmd.exe`)
		row.AddString(names.ID("ParentProcessName"), event.Text, `C:\parent.exe`)
		if got := m.Match(row, nil); len(got) > 0 != (id == "1" || id == "4688") {
			t.Errorf("event %s: hits %v", id, got)
		}
		if parent := string(row.Get(names.ID("ParentImage"))); parent == `C:\parent.exe` != (id == "4688") {
			t.Errorf("event %s: ParentImage %q", id, parent)
		}
	}
	r := set.Report(m)
	type line struct {
		id          string
		rows        uint64
		rules, live int
	}
	var got []line
	for _, s := range r.Sources {
		got = append(got, line{s.EventID, s.Rows, s.Rules, s.Live})
	}
	want := []line{{"1", 1, 1, 1}, {"4624", 2, 1, 0}, {"4688", 1, 2, 1}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(line{})); diff != "" {
		t.Error(diff)
	}
	if r.Rows != 4 || r.Hits != 2 || len(r.Unmet) != 0 || len(r.Unknown) != 0 {
		t.Errorf("%+v", r)
	}
}
