package selector

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"noroshi/internal/testkit"
)

var noon = time.Date(2027, 11, 22, 12, 0, 0, 0, time.UTC).UnixNano()

// read reads a list without warning lists.
func read(t testing.TB, data string, o Options) (*Set, Report, error) {
	t.Helper()
	if o.Warnings == nil {
		o.Warnings = none
	}
	return Read("list", []byte(data), o, nil)
}

// problems returns the lines and what is wrong with them.
func problems(r Report) string {
	var s []string
	for _, e := range r.Errors {
		var v *ValueError
		var shape *ShapeError
		var text *TextError
		var warned *WarnedError
		what := "?"
		switch {
		case errors.As(e.Err, &v):
			what = string(v.Problem)
		case errors.As(e.Err, &shape):
			what = string(shape.Problem)
		case errors.As(e.Err, &text):
			what = text.Column
		case errors.As(e.Err, &warned):
			what = string(warned.Problem)
		}
		s = append(s, fmt.Sprintf("%d:%s", e.Line, what))
	}
	return strings.Join(s, " ")
}

func TestReadLines(t *testing.T) {
	s, r, err := read(t, "\xef\xbb\xbf# a list\r\n\r\n192.0.2.1 # why\r\n192.0.2.1\r\n\thxxp://evil.example/a#frag\n\"# no remark\"\n.evil.example\t# below", Options{})
	if err != nil || r.Format != Lines || r.Lines != 5 || r.Taken != 4 || r.Duplicates != 1 || s.Len() != 4 {
		t.Fatalf("%+v %v", r, err)
	}
	if got := s.Info(3); got.Value != "hex:23206e6f2072656d61726b" {
		t.Errorf("%+v", got)
	}
	if _, _, err := read(t, "# nothing\n", Options{}); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}

// TestBrokenLines: a million of them are counted, a hundred kept, and the list
// is refused unless told otherwise.
func TestBrokenLines(t *testing.T) {
	n := 1_000_000
	if testing.Short() {
		n = 10_000
	}
	list := "192.0.2.1\n" + strings.Repeat("no thing\n", n) + "192.0.2.2\n" + strings.Repeat("x", maxLine+1) + "\n\xff\xfe\n"
	_, r, err := read(t, list, Options{})
	var refused *RefusedError
	if !errors.As(err, &refused) || r.Broken != n+2 || len(r.Errors) != maxErrors || r.Errors[0].Line != 2 || r.Taken != 2 {
		t.Fatalf("%d broken, %d kept, %v", r.Broken, len(r.Errors), err)
	}
	if s, r, err := read(t, list, Options{Skip: true}); err != nil || s.Len() != 2 || r.Broken != n+2 {
		t.Fatal(r.Broken, err)
	}
}

func TestReadCSV(t *testing.T) {
	s, r, err := read(t, `# comment
"Value",type,expires,Source,act,approval
192.0.2.1,,2027-11-22T21:00:01+09:00,item-1,act-1,ap-1
192.0.2.2,ip-dst,2027-11-22T21:00:00+09:00,item-2,act-1,ap-1
evil.example,suffix,,,,
"""cmd.exe""",command,,"item, three",,
"636d642e",pattern
`, Options{Now: noon, Default: Selector{Source: "feed", Act: "act-9", Approval: "ap-9", Expires: noon + 5}})
	if err != nil || r.Format != CSV || r.Taken != 4 || r.Expired != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	for i, want := range []Selector{
		{Kind: Address, Value: "192.0.2.1", Source: "item-1", Act: "act-1", Approval: "ap-1", Expires: noon + 1e9},
		{Kind: Suffix, Value: ".evil.example", Source: "feed", Act: "act-9", Approval: "ap-9", Expires: noon + 5},
		{Kind: Pattern, Value: "hex:636d642e657865", Source: "item, three", Act: "act-9", Approval: "ap-9", Expires: noon + 5},
		{Kind: Pattern, Value: "hex:636d642e", Source: "feed", Act: "act-9", Approval: "ap-9", Expires: noon + 5},
	} {
		if got := s.Info(ID(i + 1)); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	for list, want := range map[string]string{
		"value,colour\n192.0.2.1,red\n":                     "1:header",
		"value,value\n192.0.2.1,192.0.2.2\n":                "1:header",
		"value\n192.0.2.1,x\n":                              "2:columns",
		"value,source\n,x\n":                                "2:columns",
		"value,type\n192.0.2.1,colour\n":                    "2:kind",
		"value,expires\n192.0.2.1,2027-01-01\n":             "2:expires",
		"value,expires\n192.0.2.1,0001-01-01T00:00:00Z\n":   "2:expires",
		"value,source\n192.0.2.1,a\u202eb\n":                "2:source",
		"value,act\n192.0.2.1," + strings.Repeat("a", 2000): "2:act",
		"value\n\"192.0.2.1\"x\n192.0.2.9\n":                "2:quotes",
		"value\n192.0.2.1\n\"192.0.2.2\n":                   "3:quotes",
		"value\n\xff\n":                                     "2:line",
		"value,type\nevil.example,address\n10.0.0.1/8,cidr": "2:address 3:host_bits",
	} {
		if _, r, err := read(t, list, Options{}); err == nil || problems(r) != want {
			t.Errorf("%q: %s %v, want %s", list, problems(r), err, want)
		}
	}
}

func TestReadJSONLines(t *testing.T) {
	s, r, err := read(t, `{"type":"domain","value":"evil[.]example","source":"i-1","expires":"2028-01-01T00:00:00Z"}`+"\n"+`{"value":"tcp/4444"}`+"\n", Options{})
	if err != nil || r.Format != JSONLines || s.Len() != 2 || s.Info(1).Value != "evil.example" || s.Info(1).Source != "i-1" {
		t.Fatalf("%+v %v", r, err)
	}
	_, r, _ = read(t, `{"value":"tcp/4444"}`+"\n"+`{"valeu":"tcp/4445"}`+"\n[]\n{\n"+`{"value":"tcp/4446"}{}`+"\n", Options{})
	if got := problems(r); got != "2:json 3:json 4:json 5:json" {
		t.Error(got)
	}
}

func bundle(patterns ...string) string {
	var objects []string
	for i, p := range patterns {
		objects = append(objects, fmt.Sprintf(`{"type":"indicator","id":"indicator--%d","pattern_type":"stix","pattern":%q,"valid_until":"2028-01-01T00:00:00Z"}`, i+1, p))
	}
	return `{"id":"bundle--1","type":"bundle","objects":[` + strings.Join(objects, ",") + `,{"type":"malware","id":"malware--1"}]}`
}

func TestReadSTIX(t *testing.T) {
	s, r, err := read(t, bundle(`[ipv4-addr:value = '192.0.2.1' OR ipv4-addr:value = '192.0.2.0/24']`, `[domain-name:value IN ('a.example','b.example')]`,
		`[url:value = 'http://evil.example/x']`, `[file:hashes.'SHA-256' = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855']`,
		`[x509-certificate:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']`, `[network-traffic:dst_port = 4444]`, `[process:name = 'x']`,
		`[network-traffic:x_ja4 = 't13d1516h2_8daaf6152771_b186095e22b6']`), Options{})
	if err != nil || r.Format != STIX || r.Lines != 9 || r.Taken != 9 || r.Passed != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	if got := s.Info(4); got.Value != "b.example" || got.Kind != Domain || got.Source != "indicator--2" || got.Expires == 0 {
		t.Errorf("%+v", got)
	}
	_, r, _ = read(t, bundle(`[ipv4-addr:value = '192.0.2.1' AND domain-name:value = 'a.example']`, `[ipv4-addr:value = '192.0.2.1'] FOLLOWEDBY [domain-name:value = 'a.example']`, `[nonsense`, `[ipv4-addr:value = '192.0.2.1']`), Options{Skip: true})
	if got := problems(r); got != "1:narrower 2:narrower 3:stix" || r.Taken != 1 {
		t.Error(got, r.Taken)
	}
	// A bundle that breaks off is refused even when broken lines are left out.
	whole := bundle(`[ipv4-addr:value = '192.0.2.1']`)
	for _, broken := range []string{whole[:len(whole)-1], whole[:len(whole)-20], whole + whole, whole[:len(whole)-2] + `,"x"}`} {
		var refused *RefusedError
		if _, r, err := read(t, broken, Options{Skip: true}); !errors.As(err, &refused) || !strings.HasSuffix(problems(r), ":bundle") {
			t.Errorf("%s: %v %s", broken[max(0, len(broken)-30):], err, problems(r))
		}
	}
	// Revoked and in other languages: counted, not taken.
	if _, r, _ := read(t, `{"type":"bundle","objects":[{"type":"indicator","revoked":true,"pattern":"[ipv4-addr:value = '192.0.2.1']"},{"type":"indicator","pattern_type":"sigma","pattern":"x"},{"type":"indicator","revoked":"yes"}]}`, Options{}); r.Passed != 2 || problems(r) != "3:stix" {
		t.Errorf("%+v", r)
	}
}

// shared opens an archive of the shared test data.
func shared(t testing.TB, name string) *zip.ReadCloser {
	t.Helper()
	z, err := zip.OpenReader("../../../../shared/data/" + name)
	if err != nil {
		testkit.Skip(t, "no shared data: "+err.Error())
	}
	t.Cleanup(func() { z.Close() })
	return z
}

func content(t testing.TB, f *zip.File) []byte {
	t.Helper()
	r, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestRealBundles reads the bundles of others: every object is accounted for.
func TestRealBundles(t *testing.T) {
	files, taken := 0, 0
	for _, f := range shared(t, "stix/python-stix2-testdata.zip").File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		raw := content(t, f)
		if !isBundle(raw) {
			continue
		}
		_, r, err := Read(f.Name, raw, Options{Skip: true, Warnings: none}, nil)
		if err != nil && !errors.Is(err, ErrEmpty) {
			t.Errorf("%s: %v", f.Name, err)
		}
		files, taken = files+1, taken+r.Taken
	}
	t.Logf("%d bundles, %d selectors", files, taken)
	if files == 0 {
		t.Error("no bundle found")
	}
}

func TestEveryFormatGivesTheSameList(t *testing.T) {
	values := []string{"192.0.2.1", "10.0.0.0/8", "evil.example", ".bad.example", "tcp/4444", "evil.example/{x}"}
	var csv, lines bytes.Buffer
	csv.WriteString("type,value\n")
	for _, v := range values {
		k, _, _ := Parse(0, v)
		fmt.Fprintf(&csv, "%s,%s\n", k, v)
		fmt.Fprintln(&lines, v)
	}
	a, _, err := read(t, csv.String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := read(t, lines.String(), Options{})
	if err != nil || a.Hash() != b.Hash() {
		t.Errorf("%v %v %v", a, b, err)
	}
}

// TestRealLists reads lists of indicators as people keep them. Every line is
// accounted for, and every name that was taken is found.
func TestRealLists(t *testing.T) {
	b := NewBuilder(Options{Skip: true})
	var sum Report
	for _, f := range shared(t, "ioc/maltrail-trails-dev.zip").File {
		if !strings.HasSuffix(f.Name, ".txt") {
			continue
		}
		r, err := b.Read(f.Name, content(t, f))
		if err != nil {
			t.Fatal(f.Name, err)
		}
		if r.Taken+r.Duplicates+r.Broken+r.Warned != r.Lines {
			t.Errorf("%+v", r)
		}
		for _, e := range r.Errors { // each of them with a reason that has a name
			if problems(Report{Errors: []*LineError{e}}) == fmt.Sprintf("%d:?", e.Line) {
				t.Errorf("%s: %v", f.Name, e)
			}
		}
		sum.Lines, sum.Taken, sum.Broken, sum.Warned = sum.Lines+r.Lines, sum.Taken+r.Taken, sum.Broken+r.Broken, sum.Warned+r.Warned
	}
	s, err := b.Compile()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d lines: %d taken, %d not, and %d kept out by a warning list", sum.Lines, sum.Taken, sum.Broken, sum.Warned)
	if s.Len() != sum.Taken || sum.Taken < sum.Lines/2 {
		t.Errorf("%d selectors", s.Len())
	}
	for i := range s.Len() {
		if in := s.Info(ID(i + 1)); in.Kind == Domain && s.Name([]byte(in.Value)) != ID(i+1) {
			t.Fatalf("%s is not found", in.Value)
		}
	}
}

// TestWhatIsNoTextIsNoList gives captures, packed files and others: none of their
// bytes is said.
func TestWhatIsNoTextIsNoList(t *testing.T) {
	secret := "MAIL FROM:<hanako@example.jp>\n"
	for data, want := range map[string]string{
		"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + secret: "capture",
		"\xa1\xb2\x3c\x4d" + secret:                 "capture",
		"\x0a\x0d\x0d\x0a\x1c\x00" + secret:         "capture",
		"\x1f\x8b\x08" + secret:                     "packed",
		"\x28\xb5\x2f\xfd" + secret:                 "packed",
		secret + "\x00" + secret:                    "other",
	} {
		_, _, err := Read("list", []byte(data), Options{}, nil)
		var e *BinaryError
		if !errors.As(err, &e) || e.What != want || strings.Contains(err.Error(), "hanako") {
			t.Errorf("%q: %v", data, err)
		}
	}
	_, r, err := Read("list", []byte("192.0.2.1\n\xff"+secret), Options{}, nil)
	if err == nil || r.Broken != 1 || strings.Contains(fmt.Sprint(err, r.Errors[0]), "hanako") {
		t.Errorf("a line that is not UTF-8: %v", err)
	}
}
