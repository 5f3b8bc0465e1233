package cpe

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared returns the path of a file of ../shared/data. Without it the test is
// skipped, or fails if NOROSHI_TEST_ALL is set.
func shared(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatalf("public vectors are required: %v", err)
		}
		t.Skipf("public vectors are absent: %v", err)
	}
	return path
}

type vectors struct {
	Matching []struct {
		Source, Target                    map[string]string
		Disjoint, Equal, Subset, Superset bool
	} `json:"name_matching"`
	Unbind []struct {
		CPE   string
		WFN   map[string]string
		Error bool
	}
	Bind []struct {
		WFN   map[string]string
		Bound string
	}
}

func load(t *testing.T) (v vectors) {
	t.Helper()
	data, err := os.ReadFile(shared(t, "vuln/cpe/cpe-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// named makes a name of the attributes of a vector, in WFN notation.
func named(t *testing.T, attrs map[string]string) Name {
	t.Helper()
	var v [11]Value
	for k, text := range attrs {
		i := indexOf(k)
		if i < 0 {
			t.Fatalf("no attribute %q", k)
		}
		switch text {
		case "ANY":
		case "NA":
			v[i] = NA
		default:
			val, off, why := fromWFN(text)
			if why != "" {
				t.Fatalf("%s=%q: byte %d: %s", k, text, off, why)
			}
			v[i] = val
		}
	}
	return fromValues(&v)
}

func TestVectorsMatching(t *testing.T) {
	for i, v := range load(t).Matching {
		a, b := named(t, v.Source), named(t, v.Target)
		var want Relation
		switch {
		case v.Disjoint:
			want = Disjoint
		case v.Equal:
			want = Equal
		case v.Subset:
			want = Subset
		case v.Superset:
			want = Superset
		}
		if got := Compare(a, b); got != want {
			t.Errorf("%d: %s against %s: %v, want %v", i, a, b, got, want)
		}
		if got := Matches(a, b); got != v.Superset {
			t.Errorf("%d: %s means %s: %v", i, a, b, got)
		}
	}
}

func TestVectorsUnbind(t *testing.T) {
	all := load(t)
	bound := map[string]bool{}
	for _, v := range all.Bind {
		bound[v.Bound] = true
	}
	for _, v := range all.Unbind {
		text := v.CPE
		if v.Error && bound[text] {
			// The vectors bind to this very text and refuse it as a URI: it is a formatted string.
			if got, err := Parse(text); err != nil || got.String() != text || strings.HasPrefix(text, "cpe:/") {
				t.Errorf("%s: %v, %v", text, got, err)
			}
			continue
		}
		want := named(t, v.WFN)
		if strings.HasPrefix(text, "~") { // a packed edition alone
			text = "cpe:/a:::::" + text
			want.Part = "a"
		}
		got, err := Parse(text)
		if v.Error != (err != nil) || err == nil && got != want {
			t.Errorf("%s: %v, %v; want %v, error %v", text, got, err, want, v.Error)
		}
	}
}

func TestVectorsBind(t *testing.T) {
	for _, v := range load(t).Bind {
		n := named(t, v.WFN)
		got := n.URI()
		if strings.HasPrefix(v.Bound, "cpe:2.3:") {
			got = n.String()
		}
		if got != v.Bound {
			t.Errorf("%s: %s, want %s", n.WFN(), got, v.Bound)
		}
	}
}

// The valid and invalid names of the OASIS CSAF 2.1 test suite.
func TestOASIS(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "vuln/csaf/oasis-csaf-tests.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for kind, n := range map[string]int{"valid": 10, "invalid": 8} {
		f, err := z.Open("csaf_2.1/test/cpe/data/" + kind + "/cpe.txt")
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Fields(string(data))
		if len(lines) < n {
			t.Errorf("%s: %d names, want %d", kind, len(lines), n)
		}
		for _, line := range lines {
			name, err := Parse(line)
			if (err == nil) != (kind == "valid") {
				t.Errorf("%s is %s: %v, %v", line, kind, name, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	const p = "cpe:2.3:"
	for _, c := range []struct {
		text, attribute string
		offset          int
		why             Reason
	}{
		{"", "", 0, NoPrefix},
		{"cpe:2.4:a:v", "", 0, NoPrefix},
		{strings.Repeat("a", MaxLen+1), "", MaxLen, TooLong},
		{p + "a:v:p", "version", 13, TooFew},
		{p + "a:v:p:1:*:*:*:*:*:*:*:x", "other", 29, TooMany},
		{p + "a::p:1:*:*:*:*:*:*:*", "vendor", 10, Empty},
		{p + "x:v:p:1:*:*:*:*:*:*:*", "part", 8, BadPart},
		{p + "a:v w:p:1:*:*:*:*:*:*:*", "vendor", 11, BadByte},
		{p + "a:三菱:p:1:*:*:*:*:*:*:*", "vendor", 10, BadByte},
		{p + "a:v:p(x:1:*:*:*:*:*:*:*", "product", 13, Unescaped},
		{p + `a:v:p:1:*:*:*:*:*:*:x\`, "other", 29, Dangling},
		{p + "a:v:p*q:1:*:*:*:*:*:*:*", "product", 13, Wildcard},
		{p + "a:v:**p:1:*:*:*:*:*:*:*", "product", 12, Wildcard},
		{p + "a:v:p?*:1:*:*:*:*:*:*:*", "product", 13, Wildcard},
		{"cpe:/a:v:p%", "product", 10, Percent},
		{"cpe:/a:v:%gg", "product", 9, Percent},
		{"cpe:/a:v:p:1:::ja:x", "language", 17, TooMany},
		{"cpe:/a:v:p:1::~a~b", "edition", 18, TooFew},
		{`wfn:[part="a",vendor=v]`, "vendor", 21, Unquoted},
		{`wfn:[part="a",part="o"]`, "part", 14, Repeated},
		{`wfn:[maker="a"]`, "", 5, NoSuch},
		{`wfn:[part="a"`, "", 13, NotClosed},
		{`wfn:[part="a`, "part", 10, NotClosed},
		{`wfn:[part="a"]x`, "", 14, TooMany},
	} {
		_, err := Parse(c.text)
		var e *Error
		if !errors.As(err, &e) || *e != (Error{c.attribute, c.offset, c.why}) {
			t.Errorf("%.60q: %+v, want %s at %d: %s", c.text, e, c.attribute, c.offset, c.why)
		} else if !strings.HasPrefix(e.Error(), "cpe: ") || strings.HasSuffix(e.Error(), ": ") {
			t.Errorf("%.60q: no words for %s", c.text, e.Reason)
		}
	}
}

func TestParse(t *testing.T) {
	want := Name{Part: "o", Vendor: "acme", Product: `edge\(x\)`, Version: "15.2", Update: `\(4\)m3`, Edition: NA, Language: "en-us", TargetHW: "x64"}
	for _, text := range []string{
		`cpe:2.3:o:acme:edge\(x\):15.2:\(4\)m3:-:en-us:*:*:x64:*`,
		`CPE:2.3:O:Acme:Edge\(X\):15\.2:\(4\)M3:-:en\-US:*:*:x64:*`,
		`cpe:/o:acme:edge%28x%29:15.2:%284%29m3:~-~~~x64~:en-us`,
		`wfn:[part="o",vendor="acme",product="edge\(x\)",version="15\.2",update="\(4\)m3",edition=NA,language="en\-us",sw_edition=ANY,target_hw="x64"]`,
		want.String(), want.URI(), want.WFN(),
	} {
		if got, err := Parse(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if got, err := ParseLenient("cpe:2.3:o:acme:edge(x):15.2:(4)m3:-:en-us:::x64:"); err != nil || got != want {
		t.Errorf("lenient: %v, %v", got, err)
	}
}

func TestHyphen(t *testing.T) {
	n := Name{Part: "a", Vendor: "v", Product: "p", Version: `\-`, Update: NA}
	for _, text := range []string{n.String(), n.URI(), n.WFN()} {
		if got, err := Parse(text); err != nil || got != n {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

func TestMake(t *testing.T) {
	for text, want := range map[string]Value{
		"Cisco Systems, Inc.": `cisco_systems\,_inc.`,
		"  IOS   XE ":         "ios_xe",
		"acme":                "acme",
		"Edge (X)":            `edge_\(x\)`,
		"A*B?":                `a\*b\?`,
		"ＦｏｒｔｉＧａｔｅ　６０Ｆ": "fortigate_60f",
		"C++\\x":    `c\+\+\\x`,
		"三菱":        Any,
		"":          Any,
		"-":         `\-`,
		"15.2(4)M3": `15.2\(4\)m3`,
	} {
		got := Make(text)
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		n := Name{Part: "a", Vendor: got}
		if back, err := Parse(n.String()); err != nil || back != n {
			t.Errorf("%q: %v, %v", text, back, err)
		}
	}
}

func TestText(t *testing.T) {
	for v, want := range map[Value]string{`ps\/iges`: "ps/iges", Any: "", NA: "-", `\-`: "-", `\\\*x`: `\*x`} {
		if got := v.Text(); got != want {
			t.Errorf("%q: %q, want %q", v, got, want)
		}
	}
}

// Table 6-2 of NISTIR 7696, row by row, and wildcards at both ends.
func TestCompareValue(t *testing.T) {
	for i, c := range []struct {
		source, target Value
		want           Relation
	}{
		{Any, Any, Equal}, {Any, NA, Superset}, {Any, "i", Superset}, {Any, "m*", Undefined},
		{NA, Any, Subset}, {NA, NA, Equal}, {NA, "i", Disjoint}, {NA, "m*", Undefined},
		{"i", "i", Equal}, {"i", "k", Disjoint}, {"i", "m*", Undefined}, {"i", NA, Disjoint}, {"i", Any, Subset},
		{"m*", "mine", Superset}, {"m*", "other", Disjoint}, {"m*", Any, Subset}, {"m*", NA, Disjoint}, {"m*", "m*", Undefined},
		{"*b*", "abc", Superset}, {"*b*", "b", Superset}, {"?b?", "abbc", Disjoint}, {"?b?", "bb", Superset},
		{"??b*", "aabzzz", Superset}, {"??b*", "aaabzzz", Disjoint}, {`\*b`, "ab", Disjoint}, {`\*b*`, `\*bc`, Superset},
		{`*\\`, `a\\`, Superset}, {`?\!`, `\!\!`, Superset}, {"-*", `\-`, Superset}, {"ab*", "a", Disjoint},
	} {
		if got := CompareValue(c.source, c.target); got != c.want {
			t.Errorf("%d: %q against %q: %v, want %v", i, c.source, c.target, got, c.want)
		}
	}
}

func TestJSON(t *testing.T) {
	type line struct {
		Name Name `json:"name,omitzero"`
	}
	in := line{Name{Part: "o", Vendor: "acme", Product: "edge"}}
	data, err := json.Marshal(in)
	if err != nil || string(data) != `{"name":"cpe:2.3:o:acme:edge:*:*:*:*:*:*:*:*"}` {
		t.Fatalf("%s, %v", data, err)
	}
	var out line
	if err := json.Unmarshal(data, &out); err != nil || out != in {
		t.Errorf("%v, %v", out, err)
	}
	if data, _ := json.Marshal(line{}); string(data) != "{}" {
		t.Errorf("%s", data)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`cpe:2.3:o:acme:edge\(x\):15.2:\(4\)m3:-:en-us:*:*:x64:*`, "cpe:/a:acme:edge%28:?:%01x%02:~-~~~x64~:ja",
		`wfn:[part="a",vendor="\-",version=NA]`, `cpe:2.3:a:?\\*:\-:A\-B:-:*:*:*:*:*:*`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(s) || e.Reason == "" {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		back, err := ParseLenient(n.String())
		if err != nil || back != n {
			t.Fatalf("%q: %q: %v, %v", s, n.String(), back, err)
		}
		for _, text := range []string{n.URI(), n.WFN()} {
			if back, err := Parse(text); err != nil || back != n {
				t.Fatalf("%q: %q: %q, %v", s, text, back, err)
			}
		}
		alone := false // only question marks: the URI can say it, the grammar of the formatted string cannot
		for _, v := range n.Values() {
			alone = alone || v != Any && strings.Trim(string(v), "?") == ""
			Make(v.Text())
		}
		if back, err := Parse(n.String()); !alone && (err != nil || back != n) {
			t.Fatalf("%q: %q: %v, %v", s, n.String(), back, err)
		}
		if r := Compare(n, n); r != Equal && r != Undefined {
			t.Fatalf("%q against itself: %v", s, r)
		}
		Compare(n, Name{Part: "a", Vendor: "acme"})
		Compare(Name{Part: "a", Vendor: "acme"}, n)
	})
}

func BenchmarkParse(b *testing.B) {
	for name, s := range map[string]string{
		"plain":   "cpe:2.3:a:acme:edge_router:10.1.6:h3:*:*:*:linux:*:*",
		"escaped": `cpe:2.3:o:acme:edge:15.2\(4\)m3:*:*:*:*:*:*:*`,
		"uri":     "cpe:/a:acme:edge_router:10.1.6:h3::ja",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompare(b *testing.B) {
	x, _ := Parse("cpe:2.3:a:acme:edge*:*:*:*:*:*:*:*:*")
	y, _ := Parse("cpe:2.3:a:acme:edge_router:10.1.6:h3:*:*:*:linux:*:*")
	b.ReportAllocs()
	for b.Loop() {
		if Compare(x, y) != Superset {
			b.Fatal("no superset")
		}
	}
}
