package csaf

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/version"
	"noroshi/internal/intel/feed"
)

func readAll(t testing.TB, doc string) []*feed.Record {
	t.Helper()
	var out []*feed.Record
	err := Read(context.Background(), "test.json", strings.NewReader(doc), func(r *feed.Record) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const head20 = `"document":{"category":"csaf_security_advisory","csaf_version":"2.0","publisher":{"category":"vendor","name":"Kumo Denki","namespace":"https://kumo.example"},
"title":"Two faults","tracking":{"current_release_date":"2026-03-02T00:00:00Z","id":"KD-2026-1","initial_release_date":"2026-03-01T00:00:00Z",
"revision_history":[{"date":"2026-03-01T00:00:00Z","number":"1","summary":"first"}],"status":"final","version":"1"}}`

func TestReadTree(t *testing.T) {
	tree := `"product_tree":{"branches":[{"category":"vendor","name":"Kumo","branches":[
	{"category":"product_name","name":"Router","branches":[
	  {"category":"product_version_range","name":"vers:semver/>=1.0.0|<1.4.2","product":{"name":"r","product_id":"A","product_identification_helper":{"cpe":"cpe:2.3:o:kumo:router:*:*:*:*:*:*:*:*","model_numbers":["R1"]}}},
	  {"category":"product_version","name":"1.4.2","product":{"name":"r","product_id":"B","product_identification_helper":{"cpe":"cpe:2.3:o:kumo:router:1.4.2:*:*:*:*:*:*:*"}}},
	  {"category":"product_version_range","name":"all builds with the old bootloader","product":{"name":"r","product_id":"C"}}]},
	{"category":"product_name","name":"Agent","product":{"name":"a","product_id":"D","product_identification_helper":{"purl":"pkg:npm/kumo-agent@2.1.0"}}},
	{"category":"product_name","name":"Board","product":{"name":"b","product_id":"H","product_identification_helper":{"cpe":"cpe:2.3:h:kumo:board:-:*:*:*:*:*:*:*"}}}]}],
	"relationships":[{"category":"installed_on","product_reference":"A","relates_to_product_reference":"H","full_product_name":{"name":"r on b","product_id":"AH"}}],
	"product_groups":[{"group_id":"G","product_ids":["B","D"]}]}`
	found := `"vulnerabilities":[{"cve":"CVE-2026-1000","ids":[{"system_name":"x","text":"KD-7"}],"product_status":{"known_affected":["AH","C"],"fixed":["B","nowhere"],"known_not_affected":["D"]},
	 "flags":[{"label":"component_not_present","product_ids":["D"]}],"remediations":[{"category":"vendor_fix","details":"Install 1.4.2","product_ids":["AH"]}],
	 "x_unheard":{"of":1},"scores":[{"products":["AH"],"cvss_v3":{"version":"3.1","vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","baseScore":9.8,"baseSeverity":"CRITICAL"}}]}]`
	recs := readAll(t, "{"+head20+","+tree+","+found+"}")
	if len(recs) != 1 {
		t.Fatalf("%d records", len(recs))
	}
	r := recs[0]
	root := r.Statements[0].Root
	var got []string
	var walk func(n product.Node, in string)
	walk = func(n product.Node, in string) {
		for _, l := range n.Lines {
			b, _ := json.Marshal(l)
			got = append(got, in+string(b))
		}
		for _, c := range n.Children {
			walk(c, in+map[product.Op]string{product.Or: "or ", product.And: "and "}[c.Op])
		}
	}
	walk(root, "")
	want := []string{
		`{"status":2,"name":"cpe:2.3:o:kumo:router:1.4.2:*:*:*:*:*:*:*"}`,
		`{"status":1,"package":"pkg:npm/kumo-agent","scheme":1,"versions":["2.1.0"],"why":"component_not_present"}`,
		`{"text":"Kumo Router","versions":["? all builds with the old bootloader"],"detail":"all builds with the old bootloader"}`,
		`and {"name":"cpe:2.3:o:kumo:router:*:*:*:*:*:*:*:*","scheme":1,"ranges":[{"From":"1.0.0","To":"1.4.2","FromExcluded":false,"ToIncluded":false}],"fixed":"1.4.2","detail":"Install 1.4.2"}`,
		`and {"platform":true,"name":"cpe:2.3:h:kumo:board:-:*:*:*:*:*:*:*"}`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if r.ID != "CVE-2026-1000" || !cmp.Equal(r.Aliases, []string{"KD-7"}) || r.By != "Kumo Denki" || len(r.Scores) != 1 || r.Scores[0].Score != 9.8 || !cmp.Equal(r.Remedies, []string{"Install 1.4.2"}) {
		t.Errorf("%+v", r)
	}
	for _, kept := range []string{`"vulnerability.x_unheard":{"of":1}`, `"model_numbers":["R1"]`, `"tracking":{`, `"category":"vendor"`, `"_undefined_products":["nowhere"]`} {
		if strings.Contains(string(r.Further), kept) {
			continue
		}
		t.Errorf("further lacks %s: %s", kept, r.Further)
	}
	if !json.Valid(r.Further) {
		t.Errorf("further is no JSON: %s", r.Further)
	}
	// The same when the vulnerabilities stand before the tree.
	turned := "{" + found + "," + tree + "," + head20 + "}"
	if d := cmp.Diff(recs, readAll(t, turned)); d != "" {
		t.Error("order of members matters: ", d)
	}
}

func TestReadVersions(t *testing.T) {
	type r = version.Range
	for _, c := range []struct {
		text     string
		ranges   []r
		versions string
		fixed    string
	}{
		{"vers:all/*", nil, "", ""},
		{"*", nil, "", ""},
		{"All versions", nil, "", ""},
		{"< 3.2", []r{{To: "3.2"}}, "", "3.2"},
		{"<=V1.2", []r{{To: "V1.2", ToIncluded: true}}, "", ""},
		{"vers:all/<V36.0.156", []r{{To: "V36.0.156"}}, "", "V36.0.156"},
		{">= 2.0.1 | <= 4.5.3", []r{{From: "2.0.1", To: "4.5.3", ToIncluded: true}}, "", ""},
		{"vers:all/>=V3.0.1<V3.0.3", []r{{From: "V3.0.1", To: "V3.0.3"}}, "", "V3.0.3"},
		{"All versions >V1.1 and <V2.0.1", []r{{From: "V1.1", FromExcluded: true, To: "V2.0.1"}}, "", "V2.0.1"},
		{"All firmware versions < V5.2", []r{{To: "V5.2"}}, "", "V5.2"},
		{"< V7.4 SP1 Update 14", []r{{To: "V7.4 SP1 Update 14"}}, "", "V7.4 SP1 Update 14"},
		{"vers:gem/>=2.2.0|!=2.2.1|<2.3.0", []r{{From: "2.2.0", To: "2.2.1"}, {From: "2.2.1", FromExcluded: true, To: "2.3.0"}}, "", ""},
		{"vers:npm/1.2.3|>=2.0.0|<5.0.0", []r{{From: "2.0.0", To: "5.0.0"}}, "1.2.3", "5.0.0"},
		{"2.7 | 3.0.71 | >= 4.0 | <= 4.6.4 | 4.7.2", []r{{From: "4.0", To: "4.6.4", ToIncluded: true}}, "2.7 3.0.71 4.7.2", ""},
		{"prior to 4.2", []r{{To: "4.2"}}, "", "4.2"},
		{"4.2 and prior", []r{{To: "4.2", ToIncluded: true}}, "", ""},
		{"3.0 through 3.9", []r{{From: "3.0", To: "3.9", ToIncluded: true}}, "", ""},
		{"9.x", []r{{From: "9.x", To: "9.x", ToIncluded: true}}, "", ""},
		// What is not sure is not read.
		{"All versions with Fortinet NGFW", nil, "? All versions with Fortinet NGFW", ""},
		{"All versions < V8.2 SP1 with WinCC V7.4 SP1 Upd11", nil, "? All versions < V8.2 SP1 with WinCC V7.4 SP1 Upd11", ""},
		{"<= 4.1 | < january 20 2017.", nil, "? <= 4.1 | < january 20 2017.", ""},
		{"6.02 (excluding Version 5.83 Version 5.92 and all subsequent minor releases)", nil, "? 6.02 (excluding Version 5.83 Version 5.92 and all subsequent minor releases)", ""},
		{">= 5.0 | < 4.0", nil, "? >= 5.0 | < 4.0", ""},
		{"-", nil, "? -", ""}, // no version is not every version
	} {
		v := readVersions("", c.text, version.Generic)
		if d := cmp.Diff(c.ranges, v.ranges); d != "" || strings.Join(v.versions, " ") != c.versions || v.fixed != c.fixed {
			t.Errorf("%q: %s versions %q fixed %q", c.text, d, v.versions, v.fixed)
		}
	}
	// A text that is not read is never a match.
	got := readVersions("", "all builds before the August patch", version.Generic)
	if _, ok := version.Prepare(got.scheme, got.versions[0]); ok {
		t.Error("an unread text can be compared: ", got.versions)
	}
}

func TestReadRefuses(t *testing.T) {
	for name, c := range map[string]struct{ doc, code, at string }{
		"cut short":  {`{"document":{"csaf_version":"2.0"`, "csaf.cut_short", "/document"},
		"trailing":   {`{` + head20 + `} x`, "csaf.trailing", ""},
		"twice":      {`{` + head20 + `,"document":{}}`, "csaf.double_name", ""},
		"deep":       {`{` + head20 + `,"x":` + strings.Repeat("[", 400) + strings.Repeat("]", 400) + `}`, "csaf.too_deep", ""},
		"utf8":       {"{" + head20 + `,"x":"` + "\xff" + `"}`, "csaf.utf8", "/x"},
		"version":    {`{"document":{"csaf_version":"1.2"}}`, "csaf.version", "/document/csaf_version"},
		"no id":      {`{"document":{"csaf_version":"2.0"}}`, "csaf.no_id", "/document/tracking/id"},
		"no doc":     {`{}`, "csaf.no_document", ""},
		"half a 𝄞":   {`{` + head20 + `,"x":"\ud834"}`, "csaf.utf8", "/x"},
		"not object": {`[]`, "csaf.want_object", ""},
	} {
		err := Read(context.Background(), "bad.json", strings.NewReader(c.doc), func(*feed.Record) error { return nil })
		f := fault.Of(err)
		if f == nil || f.Code != c.code || f.Args["file"] != "bad.json" {
			t.Errorf("%s: %v, want %s", name, err, c.code)
			continue
		}
		if len(f.Places) > 0 && c.at != "" && !strings.HasPrefix(f.Places[0].At, c.at) {
			t.Errorf("%s: at %s, want %s", name, f.Places[0].At, c.at)
		}
	}
	stop := errors.New("stop")
	err := Read(context.Background(), "x", strings.NewReader(`{`+head20+`,"product_tree":{},"vulnerabilities":[{"cve":"CVE-2026-1"}]}`), func(*feed.Record) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("yield's error is lost: %v", err)
	}
}

// Every real document is read, and what is not understood is counted.
func TestReadRealDocuments(t *testing.T) {
	z := shared(t, "cisa-csaf-dev.zip")
	docs, records, statements, lines, unread, all, sound, bytesRead := 0, 0, 0, 0, 0, 0, 0, 0
	for _, f := range z.File {
		if path.Ext(f.Name) != ".json" {
			continue
		}
		raw := content(t, z, f.Name)
		docs++
		bytesRead += len(raw)
		err := Read(context.Background(), f.Name, bytes.NewReader(raw), func(r *feed.Record) error {
			records++
			for _, s := range r.Statements {
				statements++
				var count func(n product.Node)
				count = func(n product.Node) {
					for _, l := range n.Lines {
						lines++
						if len(l.Versions) == 1 && strings.HasPrefix(l.Versions[0], "? ") {
							unread++
						} else if len(l.Versions)+len(l.Ranges) == 0 {
							all++
						}
					}
					for _, c := range n.Children {
						count(c)
					}
				}
				count(s.Root)
			}
			if !json.Valid(r.Further) {
				t.Errorf("%s: further is no JSON", f.Name)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
		if Validate(raw).OK() {
			sound++
		}
	}
	t.Logf("%d documents (%d bytes), %d valid, %d vulnerabilities, %d statements, %d lines, of these %d unread, %d all versions", docs, bytesRead, sound, records, statements, lines, unread, all)
	if docs != 478 || records != 1421 || statements < 1400 {
		t.Errorf("%d documents, %d records, %d statements", docs, records, statements)
	}
	if unread*10 > lines {
		t.Errorf("%d of %d lines could not be read", unread, lines)
	}
}

// The reader of feeds finds the documents in an archive by their content and
// has them read here.
func TestFeedReaderHook(t *testing.T) {
	shared(t, "cisa-csaf-dev.zip")
	n := 0
	files, err := feed.Reader{CSAF: Read}.Open(context.Background(), filepath.Join("..", "..", "..", "..", "shared", "data", "vuln", "csaf", "cisa-csaf-dev.zip"), func(r *feed.Record) error {
		n++
		return nil
	})
	if err != nil || n != 1421 || len(files) != 1 || files[0].Kind != feed.CSAF || files[0].Files != 478 {
		t.Errorf("%d records, %+v, %v", n, files, err)
	}
}
