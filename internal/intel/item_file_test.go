package intel

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/incident"
	"noroshi/internal/testkit"
)

func TestFilesOfItems(t *testing.T) {
	const hash = "44d88612fea8a8f36de82e1278abb02f44d88612fea8a8f36de82e1278abb02f"
	for name, c := range map[string]struct{ file, in, want string }{
		"text":              {"note.txt", "# 題名\nhxxp://bad[.]host.jp/x, 1 つ", "text 題名: | "},
		"csv":               {"a.csv", "ip;comment;seen\n45[.]77.1.9;C2;3\nx;y;z\n\"45.77.1.10\";\"a;b\";4\n", "csv a.csv: 45.77.1.9=C2 45.77.1.10=a;b | ip 1"},
		"csv without names": {"list.csv", "45.77.1.9\nCVE-2024-21762\nevil.badhost.jp\n", "csv list.csv: 45.77.1.9= evil.badhost.jp= CVE-2024-21762 | "},
		"csv by content":    {"-", "type,value\nsha256," + hash + "\n", "csv -: " + hash + "= | "},
		"misp": {"e.json", `{"response":[{"Event":{"info":"A campaign","uuid":"u-1","Orgc":{"name":"Example CERT"},"Tag":[{"name":"tlp:green"},{"name":"admiralty-scale:source-reliability=\"b\""}],
			"Attribute":[{"type":"ip-dst|port","value":"45.77.1.9|443","to_ids":true,"comment":"C2"},{"type":"domain","value":"evil.badhost.jp","to_ids":false},{"type":"vulnerability","value":"CVE-2024-21762","to_ids":false},
			{"type":"text","value":"x"},{"type":"md5","value":"zz","to_ids":"1"}],"Object":[{"name":"file","Attribute":[{"type":"filename|sha256","value":"a.exe|` + hash + `","to_ids":true,"Tag":[{"name":"tlp:amber"}]}]}]}}]}`,
			"misp A campaign: 45.77.1.9=C2 " + hash + "= CVE-2024-21762 | md5 1, text 1, to_ids=false 1 AMBER B6 Example CERT u-1"},
		"stix": {"b.json", `{"type":"bundle","id":"bundle--1","objects":[{"type":"identity","id":"identity--1","name":"Example CERT"},{"type":"report","id":"report--1","name":"A report","description":"What happened","created_by_ref":"identity--1","confidence":75},
			{"type":"indicator","id":"indicator--1","name":"C2","pattern_type":"stix","pattern":"[ipv4-addr:value = '45.77.1.9' OR domain-name:value IN ('evil.badhost.jp', 'b.badhost.jp')] AND [url:value NOT = 'http://good.jp/']","object_marking_refs":["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"]},
			{"type":"indicator","id":"indicator--2","name":"File","pattern":"[file:hashes.'SHA-256' = '` + hash + `' AND file:size > 3]","valid_until":"2027-01-01T00:00:00Z"},
			{"type":"indicator","id":"indicator--3","pattern_type":"yara","pattern":"rule x"},{"type":"vulnerability","id":"vulnerability--1","name":"x","external_references":[{"source_name":"cve","external_id":"CVE-2024-21762"}]},
			{"type":"malware","id":"malware--1"},{"type":"malware","id":"malware--2","revoked":true}]}`,
			"stix A report: 45.77.1.9=C2 evil.badhost.jp=C2 b.badhost.jp=C2 " + hash + "=File (–2027-01-01) CVE-2024-21762 | identity 1, indicator (yara) 1, malware 1, revoked 1 AMBER+STRICT F2 Example CERT bundle--1"},
		"own": {"i.json", `{"title":"題","summary":"要点","indicators":[{"value":"45[.]77.1.9"}],"tlp":"RED"}`, "json 題: 45[.]77.1.9= |  RED"},
	} {
		r, err := readItem(c.file, []byte(c.in), NewItem{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := r.kind + " " + r.item.Title + ":"
		for _, x := range r.item.Indicators {
			got += " " + x.Value + "=" + x.Note
		}
		for _, v := range r.item.Vulnerabilities {
			got += " " + v
		}
		var left []string
		for _, what := range slices.Sorted(maps.Keys(r.left)) {
			left = append(left, fmt.Sprint(what, " ", r.left[what]))
		}
		got += " | " + strings.Join(left, ", ")
		if r.item.TLP != "" {
			got += " " + string(r.item.TLP)
		}
		if r.item.Grade != (Grade{}) {
			got += " " + r.item.Grade.String()
		}
		for _, s := range []string{r.item.Source, r.item.SourceRef} {
			if s != "" {
				got += " " + s
			}
		}
		if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(c.want), " ") {
			t.Errorf("%s:\n got %s\nwant %s", name, got, c.want)
		}
	}
	// A person may make a file's label narrower, never wider.
	for over, want := range map[incident.TLP]incident.TLP{incident.Red: incident.Red, incident.Clear: incident.Amber} {
		if r, err := readItem("e.json", []byte(`{"Event":{"info":"x","Tag":[{"name":"tlp:amber"}]}}`), NewItem{TLP: over}); err != nil || r.item.TLP != want {
			t.Errorf("%s over AMBER: %+v %v", over, r, err)
		}
	}
}

func TestBrokenFilesOfItems(t *testing.T) {
	for _, c := range []struct{ file, in, code, args string }{
		{"x", "\xff", "intel.item.file", ""},
		{"x", "{\"title\": \"a\",\n \"text\": \"b\"", "intel.item.json", "2:13"},
		{"x", "{\"info\":\"a\",\n\"Attribute\":[1,2,,]}", "intel.item.json", "2:18 /Attribute/2"},
		{"x", `{"title":"a","title":"b"}`, "intel.item.json", ""},
		{"x", strings.Repeat("[", 1000), "intel.item.json", ""},
		{"x", `{"nothing":1}`, "intel.item.file_kind", ""},
		{"x", `[]`, "intel.item.file_kind", ""},
		{"x", `{"title":"a","nothing":1}`, "intel.item.file_kind", ""},
		{"x", `{"type":"bundle","objects":[{"type":"report"},{"type":"indicator","pattern":3}]}`, "intel.item.json_value", "/objects/1/pattern"},
		{"x.csv", "ip,comment\n45.77.1.9,\"a\n", "intel.item.csv", "2"},
		{"x.csv", "who,when\na,b\n", "intel.item.csv_columns", ""},
	} {
		_, err := readItem(c.file, []byte(c.in), NewItem{})
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Usage || f.Code != c.code || !strings.Contains(fmt.Sprint(f.Args["line"], ":", f.Args["column"], " ", f.Args["place"], " ", f.Args["line"]), c.args) {
			t.Errorf("%.60q: %v %v", c.in, err, f)
		}
	}
}

func FuzzReadItem(f *testing.F) {
	for _, s := range []string{"a\nb", "ip,x\n1.2.3.4,5", `{"Event":{"info":"x","Attribute":[{"type":"ip-src","value":"1.2.3.4"}]}}`, `{"type":"bundle","objects":[{"type":"indicator","pattern":"[file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e']"}]}`} {
		f.Add("x.csv", []byte(s))
		f.Add("x", []byte(s))
	}
	f.Fuzz(func(t *testing.T, name string, raw []byte) {
		r, err := readItem(name, raw, NewItem{})
		if err != nil {
			if k := fault.KindOf(err); k != fault.Usage {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		for _, x := range r.item.Indicators {
			if r.kind == jsonFile {
				break // checked with the item
			}
			if again, ok := indicatorOf(x.Value); !ok || again.Value != x.Value || again.Type != x.Type {
				t.Fatalf("%q gives %+v", raw, x)
			}
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("[ipv4-addr:value = '1.2.3.4' OR file:hashes.'SHA-256' IN ('a', 'b\\'c')] WITHIN 5 SECONDS")
	f.Fuzz(func(t *testing.T, s string) {
		for _, v := range patternValues(s) {
			if len(v) > len(s) {
				t.Fatalf("%q gives %q", s, v)
			}
		}
	})
}

// outside calls each for the files of an archive of the shared data.
func outside(t *testing.T, name string, each func(file string, raw []byte)) {
	t.Helper()
	z, err := zip.OpenReader(filepath.Join("..", "..", "..", "shared", "data", name))
	if errors.Is(err, os.ErrNotExist) {
		testkit.Skip(t, name+" is not here")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		each(f.Name, raw)
	}
}

// Published events of real campaigns: each is read, with about as many
// indicators as it has; the one that is broken is refused with the place.
func TestRealMISP(t *testing.T) {
	broken := 0
	outside(t, "misp/eset-ioc-misp-dev.zip", func(file string, raw []byte) {
		if path.Ext(file) != ".json" {
			return
		}
		r, err := readItem(path.Base(file), raw, NewItem{})
		switch {
		case strings.HasPrefix(file, "pypi_backdoor/"):
			broken++
			if f := fault.Of(err); f == nil || f.Code != "intel.item.json" || f.Args["line"] != 37374 || f.Args["column"] != 9 {
				t.Errorf("%s: %v", file, err)
			}
		case strings.HasPrefix(file, "dnsbirthday/"):
			if f := fault.Of(err); f == nil || f.Code != "intel.item.file_kind" {
				t.Errorf("%s: %v", file, err)
			}
		case err != nil:
			t.Errorf("%s: %v", file, err)
		default:
			it, err := r.item.normal(0, monday)
			t.Logf("%s: %s, %d indicators (%d as written), %d CVE, %s, left %v", file, it.Title, len(it.Indicators), len(r.item.Indicators), len(it.Vulnerabilities), it.TLP, r.left)
			if err != nil || len(it.Indicators) == 0 || it.Title == "" || it.Source == "" {
				t.Errorf("%s: %v", file, err)
			}
		}
	})
	if broken != 1 && testkit.All() {
		t.Errorf("%d broken files", broken)
	}
	outside(t, "misp/misp-event-samples.zip", func(file string, raw []byte) {
		r, err := readItem(path.Base(file), raw, NewItem{})
		if err != nil && fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v", file, err)
		}
		want, named := map[string]int{"tests/57c4445b-c548-4654-af0b-4be3950d210f.json": 0, "tests/mispevent_testfiles/existing_event.json": 50, "tests/reportlab_testfiles/japanese_test.json": 0,
			"tests/csv_testfiles/valid_fieldnames.csv": 9, "tests/csv_testfiles/invalid_fieldnames.csv": 10, "tests/stix2.json": 0}[file]
		if named && (err != nil || len(r.item.Indicators) < want) {
			t.Errorf("%s: %+v %v", file, r, err)
		}
	})
}

func TestRealSTIX(t *testing.T) {
	for _, archive := range []string{"stix/stix2-json-schemas-examples.zip", "stix/python-stix2-testdata.zip"} {
		outside(t, archive, func(file string, raw []byte) {
			r, err := readItem(path.Base(file), raw, NewItem{})
			if err != nil && fault.KindOf(err) != fault.Usage {
				t.Errorf("%s: %v", file, err)
			}
			want, named := map[string]struct{ indicators, left int }{"examples/threat-reports/poisonivy.json": {20, 40}, "examples/threat-reports/apt1.json": {10, 60}, "examples/indicator-for-c2-ip-address.json": {1, 0},
				"examples/indicators-for-C2-with-COA.json": {2, 3}}[file]
			if !named {
				return
			}
			left := 0
			if err == nil {
				for _, n := range r.left {
					left += n
				}
				t.Logf("%s: %s, %d indicators, left %v", file, r.item.Title, len(r.item.Indicators), r.left)
			}
			if err != nil || len(r.item.Indicators) < want.indicators || left < want.left {
				t.Errorf("%s: %v, %d left", file, err, left)
			}
		})
	}
}
