package incident

import (
	"strings"
	"testing"
)

func TestDictionary(t *testing.T) {
	d := Dictionary()
	if n := len(d.All); n < 120 {
		t.Errorf("only %d questions", n)
	}
	for i, it := range d.Items {
		if it.N != i+1 || it.Label.Empty() {
			t.Errorf("item %d is %+v", i+1, it)
		}
	}
	if len(d.Items) != 7 {
		t.Errorf("joint order art 4(3) names seven items, not %d", len(d.Items))
	}
	asked := map[string]bool{}
	for _, f := range d.All {
		asked[f.Group] = true
		seen := map[string]bool{}
		for _, o := range f.Options {
			if seen[o.ID] || o.Label.Empty() {
				t.Errorf("%s: option %q twice or without words", f.ID, o.ID)
			}
			seen[o.ID] = true
		}
		for _, k := range f.Kinds {
			if !strings.Contains("ransomware ddos other cause", string(k)) {
				t.Errorf("%s: kind %q", f.ID, k)
			}
		}
		if f.Source == "" {
			t.Errorf("%s names no source", f.ID)
		}
	}
	for _, g := range d.Groups {
		if !asked[g.ID] {
			t.Errorf("group %s asks nothing", g.ID)
		}
	}
	for item := 1; item <= 7; item++ {
		for _, k := range Kinds {
			n := 0
			for _, f := range d.All {
				if f.Item == item && f.For(k) {
					n++
				}
			}
			if n == 0 {
				t.Errorf("nobody asks %s for statutory item %d", k, item)
			}
		}
	}
}

func TestDictionaryWordsMatchTypes(t *testing.T) {
	d := Dictionary()
	for name, pair := range map[string][2]int{
		"kinds": {len(d.Kinds), len(Kinds)}, "stages": {len(d.Stages), len(Stages)},
		"severities": {len(d.Severities), len(Severities)}, "TLP labels": {len(d.TLPs), len(TLPs)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s: words for %d of %d", name, pair[0], pair[1])
		}
	}
	for i, h := range d.TLPs {
		if h.ID != string(TLPs[i]) || !strings.HasPrefix(h.Label.EN, TLPs[i].Label()) {
			t.Errorf("label %d is %q (%q)", i, h.ID, h.Label.EN)
		}
	}
}

func TestParseFieldsRefuses(t *testing.T) {
	const head = "[[group]]\nid=\"g\"\nlabel={ja=\"あ\",en=\"a\"}\n"
	for name, c := range map[string]struct{ body, want string }{
		"an unknown key":          {"[[field]]\nid=\"a\"\nlable=1\n", "unknown keys"},
		"no label":                {"[[field]]\nid=\"a\"\ntype=\"text\"\ngroup=\"g\"\nmax=1\n", "no label"},
		"one language":            {"[[field]]\nid=\"a\"\ntype=\"text\"\ngroup=\"g\"\nmax=1\nlabel={ja=\"あ\",en=\"a\"}\nhint={ja=\"あ\",en=\"\"}\n", "one language only"},
		"no group":                {"[[field]]\nid=\"a\"\ntype=\"text\"\nmax=1\nlabel={ja=\"あ\",en=\"a\"}\n", "no group"},
		"a range of words":        {"[[field]]\nid=\"a\"\ntype=\"text\"\ngroup=\"g\"\nrange=true\nmax=1\nlabel={ja=\"あ\",en=\"a\"}\n", "cannot be a range"},
		"a choice of nothing":     {"[[field]]\nid=\"a\"\ntype=\"choice\"\ngroup=\"g\"\nlabel={ja=\"あ\",en=\"a\"}\n", "options belong"},
		"a text without a limit":  {"[[field]]\nid=\"a\"\ntype=\"text\"\ngroup=\"g\"\nlabel={ja=\"あ\",en=\"a\"}\n", "no limit"},
		"hidden without a reason": {"[[field]]\nid=\"a\"\ntype=\"bool\"\ngroup=\"g\"\nsensitive=true\nlabel={ja=\"あ\",en=\"a\"}\n", "belong together"},
		"a check nobody knows":    {"[[field]]\nid=\"a\"\ntype=\"text\"\ngroup=\"g\"\nmax=1\ncheck=\"x\"\nlabel={ja=\"あ\",en=\"a\"}\n", "no check"},
	} {
		if _, err := parseFields(head + c.body); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
