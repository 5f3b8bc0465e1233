package feed

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// samples are the invented feeds of testdata and the kind each is found to be.
var samples = map[string]Kind{
	"nvd.json": NVD, "nvd_override.json": NVD, "kev.json": KEV, "epss.csv": EPSS, "cve5.json": CVE5, "osv.json": OSV,
	"eol_products.json": EOL, "eol_v1.json": EOL, "eol_old.json": EOL, "jvnrss.xml": JVN, "vuldef.xml": JVN,
}

// Each kind, read and written as JSON: what other programs get to see of it.
func TestSamples(t *testing.T) {
	for name, kind := range samples {
		t.Run(name, func(t *testing.T) {
			in, err := os.ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			w := json.NewEncoder(&out)
			w.SetEscapeHTML(false)
			w.SetIndent("", " ")
			f, err := reader.Read(t.Context(), name, bytes.NewReader(in), func(r *Record) error { return w.Encode(r) })
			if err != nil {
				t.Fatal(err)
			}
			if f.Kind != kind || f.Bytes != int64(len(in)) || f.Files != 1 {
				t.Errorf("read %+v", f)
			}
			if err := w.Encode(f); err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", strings.TrimSuffix(name, filepath.Ext(name))+".golden.json")
			if *update {
				if err := os.WriteFile(golden, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), out.String()); d != "" {
				t.Error(d)
			}
		})
	}
}
