package feed

import (
	"archive/zip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
)

// data returns the path of real public data, or skips.
func data(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "..", "shared", "data", "vuln", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("no real data beside the repository: ", err)
	}
	return path
}

// reader reads as on the day the data was gathered.
var reader = Reader{Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)}

func TestRealNVD(t *testing.T) {
	platforms, lines, bad := 0, 0, 0
	files, err := reader.Open(t.Context(), data(t, "nvd-cpe-configs-dev.zip"), func(r *Record) error {
		for _, s := range r.Statements {
			if s.Vulnerability != r.ID || s.Source != "nvd" || s.Ref == "" {
				t.Errorf("%s: statement %+v", r.ID, s)
			}
			walk(&s.Root, func(l *line) {
				lines++
				if l.Platform {
					platforms++
				}
				if l.Name.Part == "" {
					bad++
					t.Logf("%s: %q", r.ID, l.Text)
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", files)
	if len(files) != 1 || files[0].Kind != NVD || files[0].Records != 8299 || lines != 38604 || bad != 0 {
		t.Errorf("read %+v, %d lines, %d platforms, %d without a name", files, lines, platforms, bad)
	}
}

func TestRealKEV(t *testing.T) {
	ransom := 0
	files, err := reader.Open(t.Context(), data(t, "kev/known_exploited_vulnerabilities.json"), func(r *Record) error {
		if r.Exploited.Ransomware {
			ransom++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Kind != KEV || files[0].Records != 1404 || files[0].Version != "2025.08.25" || ransom == 0 {
		t.Errorf("read %+v, %d used by ransomware", files, ransom)
	}
}

func TestRealCVE5(t *testing.T) {
	var named, packages, texts, unsure, ranges, singles, decisions, exploited, dead int
	unclear := map[string]int{}
	files, err := reader.Open(t.Context(), data(t, "cve5-vulnrichment-dev.zip"), func(r *Record) error {
		if r.Decision != nil {
			decisions++
		}
		if r.Exploited != nil {
			exploited++
		}
		if !r.Withdrawn && len(r.Statements) == 0 {
			dead++
		}
		for _, s := range r.Statements {
			if s.Vulnerability != r.ID || s.Source != "cve" || s.By == "" || s.At.IsZero() || s.Licence == "" {
				t.Errorf("%s: statement %+v", r.ID, s)
			}
			walk(&s.Root, func(l *line) {
				switch {
				case l.Name.Part != "":
					named++
				case l.Package != "":
					packages++
				case l.Text != "":
					texts++
				default:
					t.Errorf("%s: a line without a product: %+v", r.ID, l)
				}
				ranges += len(l.Ranges)
				singles += len(l.Versions)
				if l.Status == product.StatusUnknown {
					unsure++
					unclear[l.Detail]++
				}
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	f := files[0]
	t.Logf("%+v; lines: %d named, %d packages, %d texts, %d unsure; %d ranges, %d single versions; %d decisions, %d exploited, %d without a statement", f, named, packages, texts, unsure, ranges, singles, decisions, exploited, dead)
	if os.Getenv("SHOW") != "" {
		for k, n := range unclear {
			if n > 2 {
				t.Log(n, k)
			}
		}
	}
	if len(files) != 1 || f.Kind != CVE5 || f.Records != 3265 || f.Withdrawn != 6 || decisions != 3259 || exploited != 107 {
		t.Errorf("read %+v; %d decisions, %d exploited", f, decisions, exploited)
	}
}

func TestRealEOL(t *testing.T) {
	cycles, named, open, ended := 0, 0, 0, 0
	files, err := reader.Open(t.Context(), data(t, "eol/endoflife-products.json.gz"), func(r *Record) error {
		for _, l := range r.Lives {
			cycles++
			if len(l.Names) > 0 {
				named++
			}
			if l.Open {
				open++
			}
			if l.Ended {
				ended++
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 1 || files[0].Kind != EOL || files[0].Records != 464 || cycles != 8351 || open+ended != 1123 {
		t.Errorf("read %+v: %d cycles, %d named, %d open, %d ended", files, cycles, named, open, ended)
	}
}

// The samples of NVD's own records: read one by one they are all right;
// together two of them say different things about one CVE on the same day, so
// that the archive as a whole is refused.
func TestRealNVDSamples(t *testing.T) {
	path := data(t, "nvd-api2-samples.zip")
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	exploited, open, single := 0, 0, 0
	for _, m := range z.File {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		f, err := reader.Read(t.Context(), m.Name, r, func(r *Record) error {
			if len(r.Statements) != 1 || len(r.Scores) == 0 || r.Licence != LicenceNVD || r.Description["en"] == "" {
				t.Errorf("%s: %+v", m.Name, r)
			}
			if r.Exploited != nil {
				exploited++
			}
			walk(&r.Statements[0].Root, func(l *line) {
				switch {
				case len(l.Ranges) == 0 && l.Name.Version == "":
					open++
				case len(l.Ranges) == 0 && l.Name.Version != "-":
					single++
				}
			})
			return nil
		})
		if err != nil || f.Records != 1 || f.Kind != NVD {
			t.Errorf("%s: %+v %v", m.Name, f, err)
		}
		r.Close()
	}
	if len(z.File) != 7 || exploited != 3 || open == 0 || single == 0 {
		t.Errorf("%d files, %d exploited, %d lines without a version, %d with one", len(z.File), exploited, open, single)
	}
	if _, err := reader.Open(t.Context(), path, ignore); fault.Of(err).Code != "feed.contradiction" || fault.Of(err).Args["id"] != "CVE-2017-5638" {
		t.Error(err)
	}
}
