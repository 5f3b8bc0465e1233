package exposure

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

// wordy is a record of the CVE list whose assigner gives words only, rejected
// where there is no product.
func wordy(id, maker, ware, before string) string {
	type m = map[string]any
	meta := m{"cveId": id, "assignerOrgId": "11111111-1111-4111-8111-111111111111", "assignerShortName": "orvane", "state": "PUBLISHED",
		"datePublished": "2026-02-03T10:15:00.000Z", "dateUpdated": "2026-02-20T01:00:00.000Z"}
	cna := m{"providerMetadata": m{"orgId": "11111111-1111-4111-8111-111111111111", "shortName": "orvane"}, "descriptions": []m{{"lang": "en", "value": "A flaw."}},
		"affected":   []m{{"vendor": maker, "product": ware, "defaultStatus": "unaffected", "versions": []m{{"version": "7.2.0", "lessThan": before, "status": "affected", "versionType": "custom"}}}},
		"references": []m{{"url": "https://orvane.example/" + id}}}
	if ware == "" {
		meta["state"], meta["dateRejected"] = "REJECTED", "2026-02-20T01:00:00.000Z"
		cna = m{"providerMetadata": cna["providerMetadata"], "rejectedReasons": cna["descriptions"]}
	}
	raw, err := json.Marshal(m{"dataType": "CVE_RECORD", "dataVersion": "5.1", "cveMetadata": meta, "containers": m{"cna": cna}})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// The CVE list gives only words for most of what is new. They are never more
// than a question, and are no word of another version.
func TestWordsAreAskedAbout(t *testing.T) {
	dir := t.TempDir()
	for i, text := range []string{wordy("CVE-2026-90001", "Fortinet", "FortiOS", "7.2.5"), wordy("CVE-2026-90002", "Cisco", "Cisco IOS XE Software", "17.9.5"),
		wordy("CVE-2026-90003", "Orvane", "Other", "9")} {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("CVE-2026-9000%d.json", i+1)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ReadStated(context.Background(), []string{dir}, feed.Reader{})
	if err != nil {
		t.Fatal(err)
	}
	list := "key,maker,product,version,cpe\n" +
		"a,フォーティネット,FortiOS,7.2.4,\n" +
		"b,Fortinet,FortiOS,7.2.4,cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*\n" +
		"c,Fortinet,FortiGate 100F,7.2.4,\n" +
		"d,Fortinet,FortiOS,7.2.5,\n" +
		"e,Cisco,IOS XE,,cpe:2.3:o:cisco:ios_xe:17.9.4:*:*:*:*:*:*:*\n" +
		"f,Fortinet,FortiWeb,7.2.4,\n"
	got := map[string][]string{}
	_, bad, places, err := s.ReadEquipment("list.csv", strings.NewReader(list), int64(len(list)), func(e *Equipment) error {
		s.of(&e.variant, false, func(f *product.Finding) {
			got[e.Asset] = append(got[e.Asset], f.Vulnerability+" "+f.Verdict.String()+" "+string(f.Because[0].Rule))
		})
		return nil
	})
	if err != nil || bad > 0 {
		t.Fatal(places, err)
	}
	forti, cisco := []string{"CVE-2026-90001 unknown name_proposed"}, []string{"CVE-2026-90002 unknown name_proposed"}
	for key, want := range map[string][]string{"a": forti, "b": forti, "c": forti, "d": nil, "e": cisco, "f": nil} {
		if !slices.Equal(got[key], want) {
			t.Errorf("%s: %v, want %v", key, got[key], want)
		}
	}
}

// The hub says the same, however it came to know; and where a source gives a
// name, that alone counts.
func TestWordsAreAskedAboutOnTheHub(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		check := func(when string, want ...string) {
			t.Helper()
			h.settle()
			got := h.rows()
			for i := range got {
				got[i] = got[i][:strings.LastIndex(got[i], " ")]
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %v, want %v", when, got, want)
			}
			run, err := h.Rematch(h.analyst())
			if err != nil || run.Counts.Found+run.Counts.Changed+run.Counts.Ended != 0 {
				t.Fatalf("%s: a rematch finds %+v to write, %v", when, run.Counts, err)
			}
		}
		box := h.add(h.wind(), "maker", "フォーティネット", "product", "FortiOS", "version", "7.2.4")
		text := "text:fortinet/fortios"
		check("nothing said")
		h.take("cve", []byte(wordy("CVE-2026-90001", "Fortinet", "FortiOS", "7.2.5")), false)
		check("said later", "wind CVE-2026-90001 "+text+" unknown exact 1/1")
		h.add(h.as("sea"), "maker", "Fortinet", "product", "FortiOS", "cpe", cpeOf("fortinet", "fortios"), "version", "7.2.3")
		check("said before", "sea CVE-2026-90001 cpe:o:fortinet:fortios unknown exact 1/1", "wind CVE-2026-90001 "+text+" unknown exact 1/1")
		h.change(h.wind(), box, "version", "7.2.5")
		check("fixed", "sea CVE-2026-90001 cpe:o:fortinet:fortios unknown exact 1/1")
		h.say(said{id: "CVE-2026-90001", vendor: "fortinet", product: "fortios", before: "7.2.5"})
		check("named", "sea CVE-2026-90001 cpe:o:fortinet:fortios affected exact 1/1")
	})
}

// One source that takes back does not silence another, but the CVE list does:
// it alone gives out the id. A file and the hub answer alike.
func TestWhoMayTakeBack(t *testing.T) {
	nvd := func(rejected bool) string {
		raw, err := json.Marshal(map[string]any{"resultsPerPage": 1, "startIndex": 0, "totalResults": 1, "format": "NVD_CVE", "version": "2.0", "timestamp": "2026-03-01T04:05:06.789",
			"vulnerabilities": []said{{id: "CVE-2026-90001", vendor: "fortinet", product: "fortios", before: "7.2.5", withdrawn: rejected}}})
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	list := func(rejected bool) string {
		ware := "FortiOS"
		if rejected {
			ware = ""
		}
		return wordy("CVE-2026-90001", "Fortinet", ware, "7.2.5")
	}
	for name, c := range map[string]struct {
		list, nvd bool // take back
		want      string
	}{
		"nobody":    {false, false, "affected"},
		"NVD alone": {false, true, "unknown"},
		"the list":  {true, false, ""},
		"both":      {true, true, ""},
	} {
		dir := t.TempDir()
		for file, text := range map[string]string{"nvd.json": nvd(c.nvd), "CVE-2026-90001.json": list(c.list)} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, order := range [][]string{{"nvd.json", "CVE-2026-90001.json"}, {"CVE-2026-90001.json", "nvd.json"}} {
			s, err := ReadStated(context.Background(), []string{filepath.Join(dir, order[0]), filepath.Join(dir, order[1])}, feed.Reader{})
			if err != nil {
				t.Fatal(err)
			}
			v, got := variant{ident: ident{name: "cpe:2.3:o:fortinet:fortios:7.2.4:*:*:*:*:*:*:*"}}, ""
			s.of(&v, false, func(f *product.Finding) { got = f.Verdict.String() })
			if got != c.want {
				t.Errorf("%s takes back: %q, want %q", name, got, c.want)
			}
		}
	}
	eachHub(t, func(t *testing.T, h *hub) {
		h.add(h.wind(), "cpe", cpeOf("fortinet", "fortios"), "version", "7.2.4")
		check := func(when, want string) {
			t.Helper()
			h.settle()
			if got := strings.Join(h.rows(), ", "); want == "" && got != "" || !strings.Contains(got, want) {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
			if run, err := h.Rematch(h.analyst()); err != nil || run.Counts.Found+run.Counts.Changed+run.Counts.Ended != 0 {
				t.Errorf("%s: a rematch finds %+v to write, %v", when, run.Counts, err)
			}
		}
		h.take("nvd", []byte(nvd(false)), false)
		h.take("cve", []byte(list(false)), false)
		check("nobody", " affected ")
		h.take("nvd", []byte(strings.ReplaceAll(nvd(true), "2026-02-20T01", "2026-02-20T02")), false)
		check("NVD alone", " unknown ")
		h.take("cve", []byte(strings.ReplaceAll(list(true), "2026-02-20T01", "2026-02-21T01")), false)
		check("the list", "")
		h.take("cve", []byte(strings.ReplaceAll(list(false), "2026-02-20T01", "2026-02-22T01")), false)
		check("given out again", " unknown ")
	})
}
