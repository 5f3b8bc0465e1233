package sensor

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/geo"
)

// runGeo runs "geo" with what is on standard input, and returns the exit code
// and both outputs.
func runGeo(t *testing.T, in string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	words, err := text.Load(cli.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	now := func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }
	e := &cli.Env{In: strings.NewReader(in), Out: &out, Err: &errs, Words: words, Now: now}
	e.Listen(args)
	root := e.Root("noroshi", "noroshi")
	root.AddCommand(geoCommand(e))
	code = e.Run(t.Context(), root, append([]string{"geo"}, args...))
	if both := out.String() + errs.String(); strings.Contains(both, "[sensor.") {
		t.Errorf("words are missing in %q", both)
	}
	return code, out.String(), errs.String()
}

func TestGeoLookupAtOnce(t *testing.T) {
	code, out, errs := runGeo(t, "", "lookup", "8.8.8.8", "210.138.0.1", "192.168.0.1", "1.1.1.1", "2001:200::1", "--lang", "ja")
	want := []string{"8.8.8.8 国外 US - 一覧にある", "210.138.0.1 国内 JP - 一覧にある", "192.168.0.1 不明 - - 私用アドレス",
		"1.1.1.1 国外 - - 割り当て済みで、自国の一覧にない", "2001:200::1 国内 JP - 一覧にある"}
	for i, line := range strings.Split(strings.TrimSpace(out), "\n") {
		if got := strings.Join(strings.Fields(line), " "); got != want[i] {
			t.Errorf("%q, want %q", got, want[i])
		}
	}
	if code != 0 || !strings.Contains(errs, "2026-02-01") || !strings.Contains(errs, "CC0-1.0") || !strings.Contains(errs, "294 日前") {
		t.Errorf("exit %d, %s", code, errs)
	}
	code, out, _ = runGeo(t, "", "lookup", "1.1.1.1", "198.51.100.7", "10.0.0.1", "--strict", "--home", "198.51.100.0/24", "--home=jp,10.0.0.1", "--lang", "en")
	if code != 0 || !strings.Contains(out, "1.1.1.1       unknown") || !strings.Contains(out, "198.51.100.7  domestic  -  -  one's own network") || !strings.Contains(out, "10.0.0.1      domestic") {
		t.Errorf("exit %d, %s", code, out)
	}
}

func TestGeoLookupJSON(t *testing.T) {
	in := "8.8.8.8\n\n# remark\n  ::ffff:8.8.8.8  \nnonsense\x1b[31m\n" + strings.Repeat("9", 9000) + "\n210.138.0.1"
	code, out, errs := runGeo(t, in, "lookup", "--json", "--lang", "en")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 2 || len(lines) != 5 || !strings.Contains(errs, "line 5") || !strings.Contains(errs, "line 6") || strings.Contains(errs+out, "\x1b") {
		t.Fatalf("exit %d, %q, %q", code, out, errs)
	}
	var got struct {
		Addr, Side, Reason, Country, Source, Date, Error string
	}
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil || got.Addr != "8.8.8.8" || got.Side != "foreign" || got.Reason != "listed" ||
		got.Country != "US" || !strings.Contains(got.Source, "rir-ip") || got.Date != "2026-02-01" {
		t.Errorf("%s: %+v %v", lines[0], got, err)
	}
	if lines[2] != `{"addr":"nonsense␛[31m","error":"not an address"}` {
		t.Error(lines[2])
	}
	if err := json.Unmarshal([]byte(lines[4]), &got); err != nil || got.Side != "domestic" {
		t.Errorf("the last line, without an end: %s", lines[4])
	}
	if code, _, errs := runGeo(t, "", "lookup", "8.8.8.8:53", "--lang", "en"); code != 2 || !strings.Contains(errs, "hint: ") {
		t.Errorf("an address with a port: exit %d, %s", code, errs)
	}
}

func TestGeoBuildAndLookup(t *testing.T) {
	dir := t.TempDir()
	write := func(name, body string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte("2400:2000::,2400:2fff:ffff:ffff:ffff:ffff:ffff:ffff,JP\n"))
	z.Close()
	four, six := write("v4.csv", "prefix,country,asn,as-name\n1.0.16.0/20,JP,2519,ARTERIA\n8.8.8.0/24,US,AS15169,GOOGLE\n"), write("v6.csv.gz", packed.String())
	out := filepath.Join(dir, "t.geo")
	code, said, errs := runGeo(t, "", "build", "--csv", four, "--csv", six, "--out", out, "--date", "2026-11-01", "--licence", "CC0-1.0", "--source", "a test", "--lang", "en")
	if code != 0 || !strings.Contains(said, "IPv4: 2 ranges (4,352 addresses); IPv6: 1 range (17,592,186,044,416 /64 networks)") || !strings.Contains(errs, "from 3 ranges") {
		t.Fatalf("exit %d, %s %s", code, said, errs)
	}
	code, said, errs = runGeo(t, "", "lookup", "--table", out, "8.8.8.8", "1.0.16.1", "2400:2000::1", "9.9.9.9", "--lang", "en")
	if code != 0 || !strings.Contains(said, "AS15169 GOOGLE") || !strings.Contains(said, "9.9.9.9       unknown   -   -               not in the table") || !strings.Contains(errs, "a test (2026-11-01, CC0-1.0)") || strings.Contains(errs, "old") {
		t.Errorf("exit %d, %s %s", code, said, errs)
	}
	code, said, _ = runGeo(t, "", "table", "--table", out, "--json")
	var f TableFacts
	if err := json.Unmarshal([]byte(said), &f); err != nil || code != 0 || f.Source != "a test" || f.Date != "2026-11-01" || f.Systems != 2 || f.Ranges6 != 1 {
		t.Errorf("exit %d, %s", code, said)
	}
	if code, said, _ = runGeo(t, "", "table", "--lang", "ja"); code != 0 || !strings.Contains(said, "CN DE IR JP KP KR RU TW US") {
		t.Errorf("exit %d, %s", code, said)
	}
	// Again over the table: replaced. Over another file: refused.
	if code, _, errs := runGeo(t, "", "build", "--csv", four, "--out", out, "--lang", "en"); code != 0 || !strings.Contains(errs, "not stated") {
		t.Errorf("exit %d, %s", code, errs)
	}
	for name, c := range map[string]struct {
		args []string
		says []string
	}{
		"another file":   {[]string{"--csv", four, "--out", four}, []string{"left alone"}},
		"no input":       {nil, []string{"--csv", "--mmdb"}},
		"not there":      {[]string{"--csv", four + "x"}, []string{"v4.csvx"}},
		"bad rows":       {[]string{"--csv", write("bad.csv", "1.0.16.0/20,JP\n1.0.0.1/24,JP\n1.2.3.4,JPN\n")}, []string{"bad.csv:2", "bits are set", "bad.csv:3", "two letters"}},
		"contradiction":  {[]string{"--csv", write("two.csv", "1.0.16.0/20,JP\n1.0.16.0/20,US\n")}, []string{"two.csv:1", "two.csv:2", "1.0.16.0-1.0.31.255 is US"}},
		"no home":        {[]string{"--csv", four, "--home", "FR"}, []string{"no range of FR", "hint: "}},
		"nothing in it":  {[]string{"--csv", write("none.csv", "a,b\n")}, []string{"Not one range"}},
		"no MMDB":        {[]string{"--mmdb", four}, []string{"no readable MMDB"}},
		"no date":        {[]string{"--csv", four, "--date", "yesterday"}, []string{"yesterday"}},
		"nowhere to put": {[]string{"--csv", four, "--out", filepath.Join(dir, "no", "t.geo")}, []string{"Cannot write"}},
		"broken gzip":    {[]string{"--csv", write("x.gz", packed.String()[:20])}, []string{"x.gz"}},
	} {
		target := append([]string{"build", "--out", filepath.Join(dir, "never.geo"), "--lang", "en"}, c.args...)
		code, said, errs := runGeo(t, "", target...)
		for _, want := range c.says {
			if !strings.Contains(errs, want) {
				t.Errorf("%s: %q lacks %q", name, errs, want)
			}
		}
		if code != 2 || said != "" {
			t.Errorf("%s: exit %d, %q", name, code, said)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "never.geo")); err == nil {
		t.Error("a table was written in spite of an error")
	}
	if raw, err := os.ReadFile(four); err != nil || !strings.HasPrefix(string(raw), "prefix,") {
		t.Error("the input was overwritten")
	}
}

func TestGeoTablesThatCannotBeUsed(t *testing.T) {
	table, err := geo.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	file := table.Encode()
	name := filepath.Join(t.TempDir(), "t.geo")
	other := bytes.Clone(file)
	other[7]++
	for says, raw := range map[string][]byte{"damaged": file[:len(file)/2], "another version": other, "not a table": []byte("1.0.0.0/8,US\n")} {
		if err := os.WriteFile(name, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := runGeo(t, "", "lookup", "--table", name, "8.8.8.8", "--lang", "en"); code != 2 || !strings.Contains(errs, says) {
			t.Errorf("%s: exit %d, %s", says, code, errs)
		}
	}
	for home, says := range map[string]string{"FR": "no range of FR", "127.0.0.0/8": "cannot be one's own", "10.0.0.1/8": "cannot be one's own", "Japan": "neither"} {
		if code, _, errs := runGeo(t, "", "lookup", "8.8.8.8", "--home", home, "--lang", "en"); code != 2 || !strings.Contains(errs, says) || !strings.Contains(errs, "hint: ") {
			t.Errorf("--home %s: exit %d, %s", home, code, errs)
		}
	}
}
