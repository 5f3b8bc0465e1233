package feed

import (
	"bytes"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
)

// fuzz feeds a parser with damaged samples. Whatever comes, it must answer with
// records that hold what their kind promises, or with a fault that has words.
func fuzz(f *testing.F, seeds ...string) {
	for _, s := range seeds {
		f.Add([]byte(sample(f, s)))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		file, err := at("2026-03-02").Read(t.Context(), "fuzz", bytes.NewReader(b), func(r *Record) error {
			n++
			if !plainID(r.ID) || r.Kind == "" || r.By == "" && r.Kind != NVD && r.Kind != CVE5 && r.Kind != OSV {
				t.Errorf("%+v", r)
			}
			for _, s := range r.Statements {
				if s.Vulnerability != r.ID || s.Source == "" || r.Withdrawn && r.Kind != NVD {
					t.Errorf("%+v", s)
				}
			}
			if len(r.Further) > mostFurther+4<<10 || len(r.References) > mostReferences {
				t.Errorf("%s: %d bytes further, %d references", r.ID, len(r.Further), len(r.References))
			}
			return nil
		})
		if err != nil {
			if c := fault.Of(err).Code; !strings.HasPrefix(c, "feed.") {
				t.Errorf("%s: %v", c, err)
			}
			return
		}
		if file.Records != n {
			t.Errorf("%d records, %+v", n, file)
		}
	})
}

// FuzzArchive damages packed files.
func FuzzArchive(f *testing.F) {
	kev := sample(f, "kev.json")
	f.Add(gzipped(f, strings.NewReader(kev)))
	f.Add(zstdOf(f, strings.NewReader(kev)))
	f.Add(zipped(f, "a.json", kev, "b.csv", sample(f, "epss.csv")))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := reader.Read(t.Context(), "fuzz", bytes.NewReader(b), ignore); err != nil && !strings.HasPrefix(fault.Of(err).Code, "feed.") {
			t.Error(err)
		}
	})
}

func FuzzNVD(f *testing.F)  { fuzz(f, "nvd.json", "nvd_override.json") }
func FuzzCVE5(f *testing.F) { fuzz(f, "cve5.json") }
func FuzzKEV(f *testing.F)  { fuzz(f, "kev.json") }
func FuzzEPSS(f *testing.F) { fuzz(f, "epss.csv") }
func FuzzOSV(f *testing.F)  { fuzz(f, "osv.json") }
func FuzzEOL(f *testing.F)  { fuzz(f, "eol_products.json", "eol_v1.json", "eol_old.json") }
func FuzzJVN(f *testing.F)  { fuzz(f, "jvnrss.xml", "vuldef.xml") }
