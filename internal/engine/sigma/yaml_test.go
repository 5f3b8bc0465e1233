package sigma

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hostile are files that would cost much more than their size if they were
// read without bounds.
func hostile() map[string]string {
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 10; i++ {
		ref := fmt.Sprintf("*a%d", i-1)
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.Join([]string{ref, ref, ref, ref, ref, ref, ref, ref, ref, ref}, ", "))
	}
	merges := "a0: &a0 {k: v}\n"
	for i := 1; i < 40; i++ {
		merges += fmt.Sprintf("a%d: &a%d {<<: [*a%d, *a%d], x%d: [*a%d, *a%d]}\n", i, i, i-1, i-1, i, i-1, i-1)
	}
	deep, nested := "", ""
	for i := range 1500 {
		deep += strings.Repeat(" ", i) + "a:\n"
		nested += strings.Repeat(" ", i) + "- - -\n"
	}
	var keys, docs strings.Builder
	for i := range 150_000 {
		fmt.Fprintf(&keys, "k%d: v\n", i)
		docs.WriteString("---\na: b\n")
	}
	n := MaxDocument - 1000
	return map[string]string{
		"aliases":          bomb,
		"alias of itself":  "a: &a [*a, *a]\n",
		"merges":           merges,
		"lists in lists":   strings.Repeat("[", n),
		"closed lists":     strings.Repeat("[", n/2) + strings.Repeat("]", n/2),
		"maps in maps":     strings.Repeat("{a: ", n/4),
		"dashes":           strings.Repeat("- ", n/2) + "x",
		"questions":        strings.Repeat("? ", n/2) + "x",
		"deep maps":        deep,
		"deep lists":       nested,
		"many keys":        keys.String(),
		"many documents":   docs.String(),
		"long list":        "a:\n" + strings.Repeat("- x\n", n/4),
		"long flow list":   "a: [" + strings.Repeat("x,", n/2-10) + "]",
		"anchors":          strings.Repeat("&a ", n/3) + "x",
		"anchors in lines": strings.Repeat("&a\n", n/3) + "x",
		"aliases in lists": "a: &a x\nb: [" + strings.Repeat("*a,", n/3-10) + "]",
		"tags":             strings.Repeat("!a ", n/3) + "x",
		"long text":        "a: " + strings.Repeat("x", n),
		"long quoted":      "a: \"" + strings.Repeat("\\n", n/2-10) + "\"",
		"open quote":       "a: \"" + strings.Repeat("x\n", n/2-10),
		"open quotes":      strings.Repeat("a: '\n", n/5),
		"quoted in lines":  "a: '" + strings.Repeat("\n", n-10) + "'",
		"block text":       "a: |\n" + strings.Repeat("  x\n", n/4),
		"folded text":      "a: >\n" + strings.Repeat("  x\n", n/4),
		"block heads":      strings.Repeat("a: |\n", n/5),
		"plain in lines":   "a: x\n" + strings.Repeat("  y\n", n/4),
		"comments":         strings.Repeat("# x\n", n/4) + "a: b\n",
		"comments in list": "a:\n" + strings.Repeat("# x\n- y\n", n/8),
		"blanks":           strings.Repeat(" ", n) + "a: b\n",
		"lines":            strings.Repeat("\n", n) + "a: b\n",
		"colons":           strings.Repeat("a:", n/2),
		"tabs":             strings.Repeat("\t", n),
		"directives":       strings.Repeat("%YAML 1.2\n", n/10),
		"nul":              strings.Repeat("\x00", n),
		"dashed":           rule("F|windash: '" + strings.Repeat(" -a", 5) + strings.Repeat("x", n-1000) + "'"),
		"dashed wildcards": rule("F|windash: '" + strings.Repeat(" -a", 5) + strings.Repeat("*x", 900) + "'"),
		"dashed values":    rule("F|windash:" + strings.Repeat("\n  - '"+strings.Repeat(" -a", 5)+strings.Repeat("x", 10000)+"'", 90)),
		"large patterns":   rule("F|re:" + strings.Repeat("\n  - '"+strings.Repeat(".{1000}", 9)+"'", 3000)),
		"wildcards":        rule("F|contains: '" + strings.Repeat("*?", n/4) + "'"),
		"large":            strings.Repeat("a", MaxFile+1),
		"large document":   strings.Repeat("# a\n", MaxDocument),
	}
}

// TestHostile asks that each is read or rejected in little memory and time. The
// bounds are loose: without any the first would take more than there is.
func TestHostile(t *testing.T) {
	blank := map[string]bool{"directives": true, "tabs": true, "large document": true} // nothing is in them
	for name, text := range hostile() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		f := Parse("t.yml", []byte(text), Options{})
		took := time.Since(start)
		runtime.ReadMemStats(&after)
		spent := (after.TotalAlloc - before.TotalAlloc) >> 20
		if spent > 1024 || took > 60*time.Second {
			t.Errorf("%s: %d MB in %v", name, spent, took)
		}
		if len(f.Rejected) == 0 && !blank[name] {
			t.Errorf("%s: not rejected", name)
		}
		note := "read"
		if len(f.Rejected) > 0 {
			note = clip(f.Rejected[0].Error())
		}
		t.Logf("%-17s %7d bytes %5d MB %8v %s", name, len(text), spent, took.Round(time.Millisecond), note)
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{
		rule("F|contains|all|windash: [' -a', b]\n'|re|i': x.y\nG|cidr: ::/0"), baseRules + correlationRule("type: temporal\nrules: [one, two, c]\ngroup-by: [H]\ntimespan: 5m"),
		"action: global\ntitle: x\n---\naction: repeat\n", "a: &a [*a]\nb: {<<: *a}", "title: >-\n  x\n  y\nlogsource: {}\nfilter: {rules: any, a: {b: c}, condition: a}",
		"? a\n: b\n", "\xef\xbb\xbf%YAML 1.2\n--- |\n x\n...\n", rule("F|expand: '%a%'"), rule("- a\n- 1.5\n- ~"), rule("F|hour|gte: 0x1"),
	} {
		f.Add(s)
	}
	o := Options{Values: map[string][]string{"a": {"x*", "y"}}}
	f.Fuzz(func(t *testing.T, text string) {
		all := load([]archived{{"t.yml", []byte(text)}}, o)
		for _, n := range append(all.Rejected, all.Warnings...) {
			if n.Reason() == "" || n.Line < 0 || n.Line > strings.Count(strings.ReplaceAll(text, "\r", "\n"), "\n")+1 {
				t.Fatalf("%v", n)
			}
		}
		for _, r := range all.Rules {
			Eval(r.Expr, fields{"F": "x", "G": nil}.get)
			for test := range r.Expr.Tests {
				if test.Key() == "" || test.String() == "" {
					t.Fatalf("%+v", test)
				}
			}
		}
	})
}
