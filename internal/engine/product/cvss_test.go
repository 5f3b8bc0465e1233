package product

import (
	"archive/zip"
	"bufio"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// shared returns the path of a file of the shared test data, and skips the
// test where there is none.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := "../../../../shared/data/" + name
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("NOROSHI_TEST_ALL") != "" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data here: %v", err)
	}
	return path
}

var (
	vectorLine = regexp.MustCompile(`^(\S+) - \((.*)\)$`)
)

// Every vector of the collection scores as its calculator scored it.
func TestCVSSVectors(t *testing.T) {
	z, err := zip.OpenReader(shared(t, "copyleft/cvss/redhat-cvss-vectors-dev.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	seen := map[string]int{}
	for _, f := range z.File {
		if !strings.HasPrefix(f.Name, "tests/vectors_") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		for s := bufio.NewScanner(r); s.Scan(); {
			m := vectorLine.FindStringSubmatch(strings.TrimSpace(s.Text()))
			if m == nil {
				continue
			}
			got, err := ParseCVSS(m[1])
			if err != nil {
				t.Errorf("%s: %v", f.Name, err)
				continue
			}
			seen[got.Version]++
			for i, want := range strings.Split(strings.TrimSuffix(m[2], ","), ",") {
				if want = strings.TrimSpace(want); want == "None" || want == "" {
					continue
				}
				score, err := strconv.ParseFloat(want, 64)
				if err != nil {
					t.Fatal(err)
				}
				if have := [...]float64{got.Base, got.Temporal, got.Overall}[i]; have != score {
					t.Errorf("%s: %s: score %d is %v, want %v", f.Name, m[1], i, have, score)
				}
			}
		}
		r.Close()
	}
	for _, v := range []string{"2.0", "3.0", "3.1", "4.0"} {
		if seen[v] == 0 {
			t.Errorf("no vectors of CVSS %s", v)
		}
	}
	t.Logf("vectors by version: %v", seen)
}

func TestCVSSSeverityAndErrors(t *testing.T) {
	for _, c := range []struct {
		vector string
		want   Severity
	}{
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", SeverityCritical},
		{"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", SeverityNone},
		{"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:L/SA:N", SeverityMedium},
		{"(AV:N/AC:L/Au:N/C:C/I:C/A:C)", SeverityHigh},
		{"CVSS2#AV:N/AC:L/Au:S/C:P/I:P/A:N", SeverityMedium},
	} {
		got, err := ParseCVSS(c.vector)
		if err != nil || got.Severity != c.want {
			t.Errorf("%s: %v %v, want %v", c.vector, got.Severity, err, c.want)
		}
	}
	for _, bad := range []string{"", "CVSS:5.0/AV:N", "CVSS:3.1/AV:N", "CVSS:3.1/AV:Q/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "AV:N", strings.Repeat("A", 9999)} {
		if got, err := ParseCVSS(bad); err == nil {
			t.Errorf("%.40q: no error, got %v", bad, got)
		} else if !strings.HasPrefix(err.Error(), "CVSS") || len(err.Error()) > 700 {
			t.Errorf("%.40q: unclear error %v", bad, err)
		}
	}
}

func FuzzParseCVSS(f *testing.F) {
	f.Add("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
	f.Add("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:L/VI:L/VA:N/SC:N/SI:L/SA:N")
	f.Add("(AV:N/AC:L/Au:N/C:C/I:C/A:C)")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCVSS(s)
		if err == nil && (c.Base < 0 || c.Base > 10 || c.Overall < 0 || c.Overall > 10) {
			t.Errorf("%q scores %v", s, c)
		}
	})
}
