package match

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"noroshi/internal/engine/event"
)

// TestHostile tries rows that are made to cost time or memory.
func TestHostile(t *testing.T) {
	names := event.NewNames()
	var detections []string
	for i := range 200 {
		detections = append(detections, fmt.Sprintf("detection: {s: {CommandLine|contains|all: [witness%d, aaaaaaaaaaab], CommandLine|re: '(a+)+c%d'}, condition: s}\n", i, i))
	}
	set, err := New(rulesOf(t, detections...), names, Options{NoRouting: true})
	if err != nil {
		t.Fatal(err)
	}
	m := set.NewMatcher()
	line := names.ID("CommandLine")
	long := &event.Row{}
	var text strings.Builder
	for i := range 200 {
		fmt.Fprintf(&text, "witness%d c%d ", i, i)
	}
	long.AddString(line, event.Text, text.String()+strings.Repeat("a", 1<<20)+"ab")
	if hits := m.Match(long, nil); len(hits) != 0 {
		t.Errorf("hits %v", hits)
	}
	if m.Stats().Cut != 1 {
		t.Errorf("work %d was not cut", m.work)
	}
	many := &event.Row{}
	for i := range 20_000 {
		many.AddString(line, event.Text, fmt.Sprint("witness", i%200))
		many.AddString(names.ID(fmt.Sprint("f", i)), event.Text, "x")
	}
	if hits := m.Match(many, nil); len(hits) != 0 {
		t.Errorf("hits %v", hits)
	}
	small := &event.Row{}
	small.AddString(line, event.Text, "witness7 aaaaaaaaaaab ac7")
	if hits := m.Match(small, nil); !slices.Equal(hits, []int{7}) {
		t.Errorf("after all that: hits %v", hits)
	}
	if cap(m.text) > keepText {
		t.Errorf("%d bytes are kept", cap(m.text))
	}
}

// TestKinds tries more kinds of rows than are remembered.
func TestKinds(t *testing.T) {
	names := event.NewNames()
	rules := rulesOf(t, "detection: {s: {Image|endswith: '\\cmd.exe'}, condition: s}\n")
	set, err := New(rules, names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := set.NewMatcher()
	row := &event.Row{Log: event.Log{Product: "windows"}}
	for i := range 2 * maxKinds {
		channel, id, image := fmt.Sprint("Hostile ", i), "1", "Image"
		switch i % 5 {
		case 1:
			channel = "Microsoft-Windows-Sysmon/Operational"
		case 2:
			channel, id, image = "Security", "4688", "NewProcessName"
		}
		row.Reset()
		row.AddString(event.Channel, event.Text, channel)
		row.AddString(event.EventID, event.Number, id)
		row.AddString(names.ID(image), event.Text, `C:\cmd.exe`)
		if i >= maxKinds { // no kind like it was there before
			row.AddString(event.Provider, event.Text, fmt.Sprint("Provider ", i, strings.Repeat("x", i%7*300)))
		}
		if hits := m.Match(row, nil); len(hits) != len(map[int][]int{1: {0}, 2: {0}}[i%5]) {
			t.Fatalf("row %d on %s: hits %v", i, channel, hits)
		}
	}
	if n := len(set.router.kinds); n > maxKinds {
		t.Errorf("%d kinds are remembered", n)
	}
	if s := m.Stats(); s.Beyond == 0 || s.Rows != 2*maxKinds {
		t.Errorf("%+v", s)
	}
}

// TestTogether lets matchers work on one set at once.
func TestTogether(t *testing.T) {
	names := event.NewNames()
	rules := rulesOf(t, "detection: {s: {Image|endswith: '\\cmd.exe'}, condition: s}\n", "detection: {s: {CommandLine|contains: whoami}, condition: s}\n")
	set, err := New(rules, names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	image, line := names.ID("Image"), names.ID("CommandLine")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			m := set.NewMatcher()
			for i := range 2000 {
				row := &event.Row{Log: event.Log{Product: "windows"}}
				row.AddString(event.Channel, event.Text, "Microsoft-Windows-Sysmon/Operational")
				row.AddString(event.EventID, event.Number, fmt.Sprint(i%40))
				row.AddString(image, event.Text, `C:\cmd.exe`)
				row.AddString(line, event.Text, `WHOAMI`)
				if hits := m.Match(row, nil); len(hits) == 2 != (i%40 == 1) {
					t.Errorf("event %d: hits %v", i%40, hits)
					return
				}
			}
		})
	}
	all.Wait()
}

// TestAllocations matches rows of a kind that was there before.
func TestAllocations(t *testing.T) {
	names := event.NewNames()
	rules := rulesOf(t, "detection: {s: {Image|endswith: '\\cmd.exe', CommandLine|contains: [whoami, 'net ?ser']}, condition: s}\n",
		"detection: {s: {CommandLine|re: 'who.mi /[a-z]+', ParentProcessId|gt: 4, IpAddress|cidr: 10.0.0.0/8}, k: ['/priv'], condition: s or k}\n")
	set, err := New(rules, names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m := set.NewMatcher()
	var row event.Row
	var hits []int
	add := func(name, value string) { row.AddString(names.ID(name), event.Text, value) }
	match := func() {
		for _, c := range [][3]string{{"Security", "4688", "NewProcessName"}, {"Microsoft-Windows-Sysmon/Operational", "1", "Image"}} {
			row.Reset()
			row.Log.Product = "windows"
			add("Channel", c[0])
			add("EventID", c[1])
			add(c[2], `C:\Windows\ＣＭＤ\cmd.exe`)
			add("CommandLine", "cmd /c WHOAMI /priv")
			add("IpAddress", "10.1.2.3")
			add("ParentProcessId", "77")
			if hits = m.Match(&row, hits[:0]); len(hits) != 2 {
				t.Fatalf("hits %v", hits)
			}
		}
	}
	if n := testing.AllocsPerRun(200, match); n >= 1 {
		t.Errorf("%v allocations", n)
	}
}

// TestRepeated gives rows the keys that routes ask for more than once, in every
// order: no value hides the others.
func TestRepeated(t *testing.T) {
	names := event.NewNames()
	rules := rulesOf(t, "detection: {s: {Image|endswith: '\\cmd.exe'}, condition: s}\n")
	set, err := New(rules, names, Options{})
	if err != nil {
		t.Fatal(err)
	}
	type pair struct{ name, value string }
	security := []pair{{"Channel", "Security"}, {"EventID", "4688"}, {"Provider_Name", "Microsoft-Windows-Security-Auditing"}, {"NewProcessName", `C:\cmd.exe`}}
	for i, c := range []struct {
		more []pair
		want int
	}{
		{nil, 1},
		{[]pair{{"EventID", "1234"}}, 1},
		{[]pair{{"EventID", ""}}, 1},
		{[]pair{{"Channel", "Application"}}, 1},
		{[]pair{{"Channel", "Application"}, {"EventID", "7"}, {"Provider_Name", "Nobody"}}, 1},
		{[]pair{{"Channel", "a\x00b"}, {"EventID", "7\x00"}, {"EventID", "8"}, {"EventID", "4688"}}, 1},
	} {
		m := set.NewMatcher()
		for first := range 2 {
			row := &event.Row{Log: event.Log{Product: "windows"}}
			fields := append(append([]pair{}, c.more...), security...)
			if first == 1 {
				fields = append(append([]pair{}, security...), c.more...)
			}
			for _, f := range fields {
				row.AddString(names.ID(f.name), event.Text, f.value)
			}
			if hits := m.Match(row, nil); len(hits) != c.want {
				t.Errorf("row %d, %d: hits %v", i, first, hits)
			}
			if len(m.Places(row, 0)) == 0 {
				t.Errorf("row %d, %d: not explained", i, first)
			}
		}
	}
	// Without end they are for every rule.
	row := &event.Row{Log: event.Log{Product: "windows"}}
	for i := range 500 {
		row.AddString(event.EventID, event.Number, fmt.Sprint(i))
		row.AddString(event.Channel, event.Text, fmt.Sprint("c", i))
	}
	row.AddString(names.ID("Image"), event.Text, `C:\cmd.exe`)
	m := set.NewMatcher()
	if hits := m.Match(row, nil); len(hits) != 1 {
		t.Errorf("hits %v", hits)
	}
	if r := set.Report(m); len(r.Sources) > 1 {
		t.Errorf("%+v", r.Sources)
	}
}
