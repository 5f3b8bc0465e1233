package csaf

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

func day(n int) time.Time { return time.Date(2026, 3, n, 9, 0, 0, 0, time.UTC) }

// advisory is a vendor's advisory with one of everything.
func advisory(profile Profile, status Status, revisions int) Advisory {
	a := Advisory{
		ID: "KD-2026/0007", Profile: profile, Title: "ルーターの認証の欠陥", Lang: "ja", TLP: "CLEAR", Status: status, Engine: "1.4.0",
		Folder:     "https://kumo.example/.well-known/csaf/white",
		Publisher:  Publisher{Name: "Kumo Denki", Category: "vendor", Namespace: "https://kumo.example", Contact: "psirt@kumo.example"},
		Severity:   "Critical",
		Notes:      []Note{{Category: "summary", Title: "概要", Text: "認証を通らずに設定を変えられます。"}},
		References: []Reference{{Summary: "Support", URL: "https://kumo.example/support"}},
		Products: []Product{
			{ID: "R-old", Vendor: "Kumo Denki", Name: "Router 9", Range: "vers:semver/>=1.0.0|<1.4.2", CPE: "cpe:2.3:o:kumo:router_9_firmware:*:*:*:*:*:*:*:*", Models: []string{"KR-9*"}},
			{ID: "R-new", Vendor: "Kumo Denki", Name: "Router 9", Version: "1.4.2", CPE: "cpe:2.3:o:kumo:router_9_firmware:1.4.2:*:*:*:*:*:*:*"},
			{ID: "A", Vendor: "Kumo Denki", Name: "Agent", Version: "2.1.0", PURL: "pkg:npm/kumo-agent@2.1.0"},
			{ID: "B", Vendor: "Kumo Denki", Name: "Board", CPE: "cpe:2.3:h:kumo:board:-:*:*:*:*:*:*:*"},
		},
		Relationships: []Relationship{{ID: "R-on-B", Name: "Router 9 on Board", Category: "installed_on", Product: "R-old", On: "B"}},
		Groups:        []Group{{ID: "G", Products: []string{"R-old", "R-on-B"}}},
		Vulnerabilities: []Vulnerability{{
			CVE: "CVE-2026-1000", IDs: map[string]string{"Kumo": "KD-BUG-7"}, CWE: "CWE-306", CWEName: "Missing Authentication for Critical Function",
			Discovered: day(1), Notes: []Note{{Category: "description", Text: "…"}},
			Affected: []string{"R-old", "R-on-B"}, Fixed: []string{"R-new"}, NotAffected: []string{"A"},
			Flags:        []Flag{{Why: product.ComponentNotPresent, Products: []string{"A"}}},
			Threats:      []Threat{{Category: "exploit_status", Details: "使われています", Groups: []string{"G"}}},
			Remediations: []Remediation{{Category: "vendor_fix", Details: "1.4.2 にしてください", URL: "https://kumo.example/dl", Restart: "system", Groups: []string{"G"}}},
			Scores:       []Score{{Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Products: []string{"R-old", "R-on-B"}}},
			Involvements: []Involvement{{Party: "vendor", Status: "completed", At: day(1)}},
		}},
	}
	for i := range revisions {
		a.Revisions = append(a.Revisions, Revision{At: day(i + 1), Summary: "改訂"})
	}
	return a
}

func TestNew(t *testing.T) {
	for _, profile := range []Profile{Base, SecurityAdvisory, VEX} {
		for i, status := range []Status{Draft, Interim, Final} {
			doc, err := New(advisory(profile, status, i+1))
			if err != nil {
				t.Fatalf("%s %s: %v", profile, status, err)
			}
			rep := Validate(doc)
			for _, p := range rep.Problems {
				// A product without an identifier, and a range where versions would
				// do, are what this advisory says.
				if !slices.Contains([]string{"6.2.16", "6.2.3", "6.3.9", "6.3.10"}, p.Rule) {
					t.Errorf("%s %s: %+v", profile, status, p)
				}
			}
			var head struct {
				Document struct {
					Tracking struct{ Version, Status string }
				}
			}
			if err := json.Unmarshal(doc, &head); err != nil || head.Document.Tracking.Version != string(rune('1'+i)) || head.Document.Tracking.Status != string(status) {
				t.Errorf("%+v %v", head, err)
			}
			if dir := os.Getenv("NOROSHI_CSAF_OUT"); dir != "" {
				if err := os.WriteFile(filepath.Join(dir, string(profile)+"-"+string(status)+".json"), doc, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

func TestNewIsReadAgain(t *testing.T) {
	doc, err := New(advisory(SecurityAdvisory, Final, 2))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = Read(context.Background(), "x", bytes.NewReader(doc), func(r *feed.Record) error {
		x := product.New(r.Statements)
		for _, c := range []struct {
			version string
			board   bool
		}{{"1.4.1", false}, {"1.4.2", false}, {"0.9", false}} {
			s := product.Subject{Name: r.Statements[0].Root.Lines[0].Name, Version: c.version}
			s.Name.Version = ""
			f, ok := x.Explain(s, "CVE-2026-1000")
			got = append(got, c.version+" "+map[bool]string{true: f.Verdict.String(), false: "-"}[ok])
		}
		return nil
	})
	if want := []string{"1.4.1 affected", "1.4.2 not_affected", "0.9 not_affected"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v %v, want %v", got, err, want)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(a *Advisory)
		at    string
	}{
		"undefined product": {func(a *Advisory) { a.Vulnerabilities[0].Fixed = []string{"Z"} }, "/vulnerabilities/0/product_status/fixed/0"},
		"two statuses":      {func(a *Advisory) { a.Vulnerabilities[0].Fixed = []string{"R-old"} }, "/vulnerabilities/0/product_status/known_affected/0"},
		"no title":          {func(a *Advisory) { a.Title = "" }, "/document/title"},
		"no such language":  {func(a *Advisory) { a.Lang = "ez" }, "/document/lang"},
		"no such TLP":       {func(a *Advisory) { a.TLP = "PURPLE" }, "/document/distribution/tlp/label"},
		"namespace":         {func(a *Advisory) { a.Publisher.Namespace = "kumo" }, "/document/publisher/namespace"},
		"vector":            {func(a *Advisory) { a.Vulnerabilities[0].Scores[0].Vector = "AV:N" }, "/vulnerabilities/0"},
		"cpe":               {func(a *Advisory) { a.Products[0].CPE = "cpe:2.3:x" }, "/product_tree/branches/0/branches/1/branches/0/product/product_identification_helper/cpe"},
	} {
		a := advisory(SecurityAdvisory, Final, 1)
		c.spoil(&a)
		_, err := New(a)
		f := fault.Of(err)
		if f == nil || f.Kind != fault.Invalid || !slices.ContainsFunc(f.Places, func(p fault.Place) bool { return p.At == c.at }) {
			t.Errorf("%s: %v, want %s", name, err, c.at)
		}
	}
	a := advisory(VEX, Final, 1)
	a.Revisions = nil
	if _, err := New(a); fault.Of(err) == nil || fault.Of(err).Code != "csaf.no_revision" {
		t.Error(err)
	}
}

func TestWriteProvider(t *testing.T) {
	key, _ := newKey(t)
	now := time.Now().UTC().Truncate(time.Second)
	site := Site{URL: "https://kumo.example/.well-known/csaf/", Publisher: Publisher{Name: "Kumo Denki", Category: "vendor", Namespace: "https://kumo.example"}, Key: key, Now: now, Labels: []string{"GREEN"}}
	var docs [][]byte
	for i, id := range []string{"KD-2026/0001", "KD-2026/0002", "KD-2026/0003"} {
		a := advisory(SecurityAdvisory, Final, i+1)
		a.ID = id
		if i == 2 {
			a.TLP = "GREEN"
		}
		doc, err := New(a)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, doc)
	}
	out := fstest.MapFS{}
	var order []string
	save := func(name string, b []byte) error {
		out[name] = &fstest.MapFile{Data: bytes.Clone(b)}
		order = append(order, name)
		return nil
	}
	if err := WriteProvider(site, docs, save); err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv("NOROSHI_CSAF_SITE"); dir != "" {
		for name, f := range out {
			if err := os.MkdirAll(filepath.Join(dir, path.Dir(name)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), f.Data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	if last := order[len(order)-1]; last != "provider-metadata.json" {
		t.Errorf("%s is written last", last)
	}
	for _, want := range []string{"white/2026/kd-2026_0001.json", "white/2026/kd-2026_0001.json.sha256", "white/2026/kd-2026_0001.json.sha512", "white/2026/kd-2026_0001.json.asc",
		"white/index.txt", "white/changes.csv", "white/csaf-feed-tlp-white.json", "green/2026/kd-2026_0003.json", "service.json"} {
		if out[want] == nil {
			t.Errorf("%s is not there: %v", want, order)
		}
	}
	if got := string(out["white/changes.csv"].Data); got != "\"2026/kd-2026_0002.json\",\"2026-03-02T09:00:00.000Z\"\n\"2026/kd-2026_0001.json\",\"2026-03-01T09:00:00.000Z\"\n" {
		t.Errorf("changes.csv: %s", got)
	}
	// What we write our own walk takes, by feed and by directory, signed by the key pinned.
	p := &Provider{Get: Folder(out, site.URL), Strict: true, Now: now.Add(time.Hour), Pins: []string{fingerprint(key)}}
	got, res := walkAll(t, p, site.URL+"provider-metadata.json", State{})
	if !slices.Equal(got.docs, []string{"KD-2026/0001", "KD-2026/0002", "KD-2026/0003"}) || len(res.Issues) != 0 {
		t.Errorf("%+v %+v", got, res.Issues)
	}
	out["provider-metadata.json"].Data = bytes.ReplaceAll(out["provider-metadata.json"].Data, []byte(`"rolie"`), []byte(`"x_rolie"`))
	got, res = walkAll(t, p, site.URL+"provider-metadata.json", State{})
	if len(got.docs) != 3 || len(res.Issues) != 0 {
		t.Errorf("%+v %+v", got, res.Issues)
	}
	for name := range out {
		if strings.HasSuffix(name, ".json") && path.Base(name) == "provider-metadata.json" && !json.Valid(out[name].Data) {
			t.Errorf("%s is no JSON", name)
		}
	}
	// A draft, or what may not stand in the open, is not written.
	site.Labels = nil
	if err := WriteProvider(site, docs, save); fault.Of(err) == nil || fault.Of(err).Code != "csaf.not_public" {
		t.Error(err)
	}
	draft, err := New(advisory(SecurityAdvisory, Draft, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := WriteProvider(site, [][]byte{draft}, save); fault.Of(err) == nil || fault.Of(err).Code != "csaf.draft" {
		t.Error(err)
	}
	if err := WriteProvider(site, [][]byte{docs[0], docs[0]}, save); fault.Of(err) == nil || fault.Of(err).Code != "csaf.twice" {
		t.Error(err)
	}
}

func TestFileName(t *testing.T) {
	for id, want := range map[string]string{
		"Example Company - 2019-YH3234": "example_company_-_2019-yh3234.json", "RHBA-2019:0024": "rhba-2019_0024.json",
		"2022 #01-A": "2022_01-a.json", "a+b": "a+b.json",
	} {
		if got := FileName(id); got != want {
			t.Errorf("%q: %s, want %s", id, got, want)
		}
	}
	z := shared(t, "oasis-csaf-tests.zip")
	n := 0
	for _, f := range z.File {
		dir := path.Dir(f.Name)
		valid := strings.HasSuffix(dir, "filenames/data/valid")
		if !valid && !strings.HasSuffix(dir, "filenames/data/invalid") || path.Ext(f.Name) != ".json" {
			continue
		}
		v, err := parse(bytes.NewReader(content(t, z, f.Name)))
		if err != nil {
			t.Fatal(err)
		}
		n++
		if got := FileName(v.str("document", "tracking", "id")) == path.Base(f.Name); got != valid {
			t.Errorf("%s: fits = %v", f.Name, got)
		}
	}
	if n < 6 {
		t.Errorf("only %d files", n)
	}
}
