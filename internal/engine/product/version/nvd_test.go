package version

import (
	"archive/zip"
	"encoding/json"
	"strings"
	"testing"

	"noroshi/internal/engine/product/cpe"
)

// Every name and every range that NVD states for the CVEs of the development
// set: names are read and written back, bounds are read by the scheme of their
// maker, and no range ends before it starts.
func TestNVD(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "vuln/nvd-cpe-configs-dev.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	type bounds struct {
		Criteria string
		FromIn   string `json:"versionStartIncluding"`
		FromEx   string `json:"versionStartExcluding"`
		ToIn     string `json:"versionEndIncluding"`
		ToEx     string `json:"versionEndExcluding"`
	}
	names, ranges, read, backwards := 0, 0, 0, 0
	var unread, reversed []string
	var walk func(v any)
	visit := func(m map[string]any) {
		data, _ := json.Marshal(m)
		var b bounds
		if err := json.Unmarshal(data, &b); err != nil {
			t.Fatal(err)
		}
		n, err := cpe.Parse(b.Criteria)
		if err != nil {
			t.Errorf("%s: %v", b.Criteria, err)
			return
		}
		names++
		if back, err := cpe.Parse(n.URI()); err != nil || back != n {
			t.Errorf("%s: as a URI %s: %v, %v", n, n.URI(), back, err)
		}
		s := SchemeOf(n.Part, n.Vendor, n.Product)
		from, to := b.FromIn+b.FromEx, b.ToIn+b.ToEx
		for _, v := range []string{from, to} {
			if v == "" {
				continue
			}
			ranges++
			if _, ok := PrepareBound(s, v, v == to); ok {
				read++
			} else {
				unread = append(unread, v)
			}
		}
		if from != "" && to != "" {
			if c, ok := Compare(s, from, to); ok && (c > 0 || c == 0 && b.FromEx+b.ToEx != "") {
				backwards++
				if s != Java {
					reversed = append(reversed, s.String()+" "+string(n.Product)+" "+from+" > "+to)
				}
			}
		}
	}
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if _, ok := v["criteria"]; ok {
				visit(v)
			}
			for _, x := range v {
				walk(x)
			}
		case []any:
			for _, x := range v {
				walk(x)
			}
		}
	}
	for _, f := range z.File {
		if !strings.HasSuffix(f.Name, ".json") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		var doc any
		err = json.NewDecoder(r).Decode(&doc)
		r.Close()
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		walk(doc)
	}
	t.Logf("%d names, %d bounds, %d read, %d ranges backwards", names, ranges, read, backwards)
	t.Logf("not read: %q", unread[:min(len(unread), 80)])
	t.Logf("backwards: %q", reversed[:min(len(reversed), 80)])
	if names == 0 || float64(read) < 0.995*float64(ranges) {
		t.Errorf("%d of %d bounds are read", read, ranges)
	}
}
