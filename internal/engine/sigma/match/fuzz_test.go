package match

import (
	"encoding/json"
	"regexp"
	"slices"
	"testing"

	"noroshi/internal/engine/event"
)

// FuzzMatch reads a rule in YAML and an event in JSON and compares the index
// with the slow evaluation, with and without routing.
func FuzzMatch(f *testing.F) {
	const head = "title: t\nlogsource: {product: windows}\n"
	f.Add(head+"detection: {s: {Image|endswith: '\\cmd.exe'}, condition: s}\n", `{"Image":"C:\\CMD.exe"}`)
	f.Add(head+"detection: {s: {A|re: '(?i)K{2}.*ſ', B|contains: [ab, '✨']}, k: [foo, 'b?r'], condition: s or not k}\n", `{"A":["Kkſ",null],"B":{"C":"x✨"}}`)
	f.Add(head+"detection: {s: {A|cidr: 10.0.0.0/8, B|gt: 5, C: null, D|exists: true}, condition: s}\n", `{"A":"10.1.2.3","B":7.5,"D":""}`)
	f.Add(head+"detection: {s: {A|fieldref|endswith: B}, t: {A|contains|cased: İi, B|windash|contains: -foo}, condition: 1 of *}\n", `{"A":"xİi","B":"i /foo"}`)
	f.Add("title: t\nlogsource: {category: process_creation, product: windows}\ndetection: {s: {Image: 'C:\\*', EventID: 1}, condition: s}\n", `{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Image":"c:\\x"}`)
	f.Add("title: t\nlogsource: {service: security, product: windows}\ndetection: {s: {EventID: 4624, A: x}, t: {EventID: [1, 2], A: y}, condition: s or t}\n", `{"Channel":"Security","EventID":[4624,1],"A":["x","y"]}`)
	f.Add("title: t\nlogsource: {category: process_creation, product: windows}\ndetection: {s: {Image|endswith: 'd', EventID|contains: 8}, condition: s}\n", `{"Channel":"Security","EventID":4688,"NewProcessName":"cmd","Provider_Name":null}`)
	f.Fuzz(func(t *testing.T, rule, text string) {
		if len(rule) > 4096 || len(text) > 4096 || !json.Valid([]byte(text)) {
			return
		}
		rules := parsed([]string{rule})
		for _, opt := range []Options{{NoRouting: true}, {Routes: defaultRoutes()}} {
			names := event.NewNames()
			set, err := New(rules, names, opt)
			if err != nil {
				t.Fatal(err)
			}
			row := rowOf(t, names, []byte(text))
			if opt.NoRouting {
				agree(t, set.NewMatcher(), row, names, func(int) string { return rule })
				continue
			}
			copied := rowOf(t, names, []byte(text))
			got, want := set.NewMatcher().Match(row, nil), naiveRouted(rules, defaultRoutes(), copied, names)
			if !slices.Equal(got, want) {
				t.Fatalf("match says %v, eval %v: %s", got, want, described(row, names))
			}
		}
	})
}

// FuzzNeeds checks that what a regular expression is said to need is in every
// text that it matches.
func FuzzNeeds(f *testing.F) {
	for _, s := range [][2]string{
		{`(?i)(set).*&&\s?set`, "Set x && ſet"}, {`cmd.{0,5}(?:/c|/r).+power`, "cmd  /c power"}, {`a|b|`, ""}, {`(foo|bar)+x{2,}`, "foobarxx"},
		{"\uFFFD", "\xff"}, {`(?i)straße|K`, "STRAßE"}, {`\Qa.b\E$`, "a.b"}, {`(?i:k)ey[ab]c`, "KEYac"}, {`x(?:y)?z*`, "x"},
	} {
		f.Add(s[0], s[1])
	}
	f.Fuzz(func(t *testing.T, expr, text string) {
		re, err := regexp.Compile(expr)
		if err != nil || len(expr) > 200 {
			return
		}
		m := re.FindString(text)
		if !re.MatchString(text) {
			return
		}
		for _, n := range needs(expr) {
			if folded := []byte(fold(text)); !n.in(folded) {
				t.Fatalf("%q matches %q in %q without %q", expr, m, text, n)
			}
		}
	})
}
