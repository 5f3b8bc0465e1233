package proxylist

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/measure/act/driver"
	"noroshi/internal/testkit"
)

func local(t testing.TB, format string) Config {
	t.Helper()
	c := Default()
	c.Dir, c.Format, c.File = filepath.Join(t.TempDir(), "state"), format, filepath.Join(t.TempDir(), "held.list")
	return c
}

func opened(t testing.TB, c Config) driver.Driver {
	t.Helper()
	d, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func rule(name string, below bool) driver.Rule {
	return driver.Rule{Order: "order-1", Kind: driver.Proxy, Name: name, Below: below}
}

func apply(t testing.TB, d driver.Driver, add, remove []driver.Rule) {
	t.Helper()
	if err := d.Apply(t.Context(), add, remove); err != nil {
		t.Fatal(err)
	}
}

// read returns the lines of the file without comments, and checks its checksum
// as sha256sum -c does.
func read(t testing.TB, c Config) (lines []string) {
	t.Helper()
	raw, err := os.ReadFile(c.File)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(raw)
	check, err := os.ReadFile(c.File + ".sha256")
	if want := hex.EncodeToString(sum[:]) + "  held.list\n"; err != nil || string(check) != want {
		t.Fatalf("checksum %q, want %q, %v", check, want, err)
	}
	for line := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
}

func TestForms(t *testing.T) {
	rules := []driver.Rule{rule("bad.example", true), rule("deep.bad.example", true), rule("xbad.example", false)}
	for format, want := range map[string][]string{
		"squid":   {".bad.example", "xbad.example"},
		"haproxy": {"=bad.example 0", ".bad.example 0", "=deep.bad.example 0", ".deep.bad.example 0", "=xbad.example 0"}, // an end that nobody knows holds nothing back
		"domains": {"bad.example", "*.bad.example", "deep.bad.example", "*.deep.bad.example", "xbad.example"},
	} {
		c := local(t, format)
		d := opened(t, c)
		apply(t, d, rules, nil)
		if got := read(t, c); !slices.Equal(got, want) {
			t.Errorf("%s: %q", format, got)
		}
		if m, e, err := d.Live(t.Context(), rules); m != nil || e != nil || err != nil {
			t.Errorf("%s: missing %v, extra %v, %v", format, m, e, err)
		}
		// What was covered stands by itself when the wider one ends.
		apply(t, d, nil, rules[:1])
		if got := strings.Join(read(t, c), " "); !strings.Contains(got, "deep.bad.example") || strings.Contains(got, " bad.example") {
			t.Errorf("%s: %q", format, got)
		}
	}
	c := local(t, "hosts")
	d := opened(t, c)
	if err := d.Check(rules[:1]); fault.Of(err).Places[0].Code != "proxylist.below" {
		t.Error(err)
	}
	apply(t, d, rules[2:], nil)
	if got := read(t, c); !slices.Equal(got, []string{"0.0.0.0 xbad.example", ":: xbad.example"}) {
		t.Errorf("%q", got)
	}
}

// Random changes leave the lines that the rules come to, also when the process
// begins anew.
func TestFileIsItsRules(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 5))
	c := local(t, "domains")
	rules := map[driver.Rule]bool{}
	for range 30 {
		d, err := Open(c)
		if err != nil {
			t.Fatal(err)
		}
		var add, remove []driver.Rule
		for r := range rules {
			if rnd.IntN(4) == 0 {
				remove = append(remove, r)
				delete(rules, r)
			}
		}
		for range rnd.IntN(80) {
			r := rule(fmt.Sprintf("n%d.example", rnd.IntN(100)), rnd.IntN(2) == 0)
			r.Order = fmt.Sprint("order-", rnd.IntN(3))
			add = append(add, r)
			rules[r] = true
		}
		apply(t, d, add, remove)
		want := map[string]bool{}
		for r := range rules {
			want[r.Name] = true
			if r.Below {
				want["*."+r.Name] = true
			}
		}
		lines := read(t, c)
		got := map[string]bool{}
		for _, line := range lines {
			got[line] = true
		}
		if !maps.Equal(got, want) || len(got) != len(lines) {
			t.Fatalf("%d lines, want %d", len(lines), len(want))
		}
		if m, e, err := d.Live(t.Context(), slices.Collect(maps.Keys(rules))); m != nil || e != nil || err != nil {
			t.Fatalf("missing %v, extra %v, %v", m, e, err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Each name of a list for HAProxy has its end, the longest of its orders; the file
// beside a list has the first end of all. Both are there again after a start.
func TestEnds(t *testing.T) {
	first, last := time.Unix(1_900_000_000, 0), time.Unix(1_900_003_600, 0)
	a, b := rule("bad.example", true), rule("bad.example", false)
	a.Until, b.Order, b.Until = first, "order-2", last
	beside := func(c Config) string {
		t.Helper()
		raw, err := os.ReadFile(c.File + ".until")
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	c := local(t, "haproxy")
	d, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, d, nil, nil)
	if got := beside(c); got != "253402300799\n" {
		t.Errorf("of nothing: %q", got)
	}
	apply(t, d, []driver.Rule{a}, nil)
	apply(t, d, []driver.Rule{b}, nil) // which changes no effect, and the end
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	again := opened(t, c)
	apply(t, again, []driver.Rule{rule("other.example", false)}, []driver.Rule{rule("other.example", false)}) // before it was told an end
	if got := read(t, c); !slices.Equal(got, []string{"=bad.example 1900003600", ".bad.example 1900000000", "=other.example 1900000000"}) {
		t.Errorf("%q", got)
	}
	if got := beside(c); got != "1900000000\n" {
		t.Errorf("the first end: %q", got)
	}
	apply(t, again, nil, []driver.Rule{a, rule("other.example", false)})
	if got := read(t, c); !slices.Equal(got, []string{"=bad.example 1900003600"}) || beside(c) != "1900003600\n" {
		t.Errorf("%q, %q", got, beside(c))
	}
	if err := os.WriteFile(c.File+".until", []byte("253402300799\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := again.Live(t.Context(), []driver.Rule{b}); fault.Of(err) == nil || fault.Of(err).Code != "proxylist.changed" {
		t.Errorf("another end: %v", err)
	}
}

// What somebody else does to the files is seen and mended.
func TestOthersChanges(t *testing.T) {
	c := local(t, "squid")
	d := opened(t, c)
	rules := []driver.Rule{rule("a.example", true), rule("b.example", false)}
	apply(t, d, rules, nil)
	raw, err := os.ReadFile(c.File)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]struct {
		do      func() error
		missing []driver.Rule
		extra   string
		code    string
	}{
		"a line is another": {do: func() error {
			return os.WriteFile(c.File, []byte(strings.Replace(string(raw), "\nb.example", "\nother.example", 1)), 0o644)
		}, missing: rules[1:], extra: "other.example"},
		"the file is gone":       {do: func() error { return os.Remove(c.File) }, missing: rules},
		"only the order changed": {do: func() error { return os.WriteFile(c.File, []byte(head+"b.example\n.a.example\n"), 0o644) }, code: "proxylist.changed"},
		"the checksum is gone":   {do: func() error { return os.Remove(c.File + ".sha256") }, code: "proxylist.changed"},
	} {
		if err := change.do(); err != nil {
			t.Fatal(err)
		}
		m, e, err := d.Live(t.Context(), rules)
		if change.code != "" {
			if fault.Of(err) == nil || fault.Of(err).Code != change.code {
				t.Errorf("%s: %v", name, err)
			}
		} else if !slices.Equal(m, change.missing) || (len(e) == 1) != (change.extra != "") || len(e) == 1 && e[0].Name != change.extra || err != nil {
			t.Errorf("%s: missing %v, extra %v, %v", name, m, e, err)
		}
		apply(t, d, nil, nil)
		if m, e, err := d.Live(t.Context(), rules); m != nil || e != nil || err != nil {
			t.Errorf("%s, mended: missing %v, extra %v, %v", name, m, e, err)
		}
	}
}

func TestShowAndCheck(t *testing.T) {
	c := local(t, "squid")
	c.Own = []string{"hub.example"}
	d := opened(t, c)
	apply(t, d, []driver.Rule{rule("a.example", false)}, nil)
	before := read(t, c)
	lines, more, err := d.Show([]driver.Rule{rule("a.example", true), rule("b.example", false)}, nil)
	if !slices.Equal(lines, []string{"- a.example", "+ .a.example", "+ b.example"}) || more != 0 || err != nil {
		t.Errorf("%q %d %v", lines, more, err)
	}
	walled := rule("b.example", false)
	walled.Answer = driver.Walled
	for code, r := range map[string]driver.Rule{"names.own": rule("www.hub.example", false), "proxylist.answer": walled, "names.kind": {Order: "o", Kind: driver.Sinkhole, Name: "b.example"}} {
		for _, err := range []error{d.Check([]driver.Rule{r}), d.Apply(t.Context(), []driver.Rule{r}, nil)} {
			if f := fault.Of(err); f == nil || f.Places[0].Code != code {
				t.Errorf("%s: %v", code, err)
			}
		}
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if err := d.Apply(ended, []driver.Rule{rule("b.example", false)}, nil); err != context.Canceled {
		t.Error(err)
	}
	if !slices.Equal(read(t, c), before) {
		t.Error("what was refused changed the file")
	}
}

func TestDry(t *testing.T) {
	c := local(t, "squid")
	opened(t, c)
	d, err := Dry(c)
	if err != nil {
		t.Fatal(err)
	}
	lines, _, err := d.Show([]driver.Rule{rule("a.example", true)}, nil)
	if err != nil || !slices.Equal(lines, []string{"+ .a.example"}) {
		t.Error(lines, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSettings(t *testing.T) {
	for code, change := range map[string]func(*Config){
		"proxylist.format":    func(c *Config) { c.Format = "pac" },
		"proxylist.dir":       func(c *Config) { c.Dir = "" },
		"proxylist.file":      func(c *Config) { c.File = "" },
		"proxylist.max_names": func(c *Config) { c.MaxNames = -1 },
	} {
		c := local(t, "squid")
		change(&c)
		if _, err := Open(c); fault.Of(err) == nil || len(fault.Of(err).Places) != 1 || fault.Of(err).Places[0].Code != code {
			t.Errorf("%s: %v", code, err)
		}
	}
}

func TestWords(t *testing.T) { testkit.Said(t, "proxylist", Words) }
