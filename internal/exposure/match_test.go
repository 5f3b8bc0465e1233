package exposure

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/cli"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

const fortiNVD = `{"format":"NVD_CVE","version":"2.0","resultsPerPage":1,"startIndex":0,"totalResults":1,"timestamp":"2024-03-01T00:00:00.000","vulnerabilities":[{"cve":{"id":"CVE-2024-21762","published":"2024-02-09T09:15:08.087","lastModified":"2024-02-13T17:39:51.590","vulnStatus":"Analyzed","descriptions":[],"metrics":{},"configurations":[{"nodes":[{"operator":"OR","negate":false,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:o:fortinet:fortios:*:*:*:*:*:*:*:*","versionStartIncluding":"7.4.0","versionEndExcluding":"7.4.3","matchCriteriaId":"C119229A-3805-47C1-B3F9-AF1A4007A63B"}]}]}],"references":[]}}]}`

func stated(t testing.TB) *Stated {
	t.Helper()
	path := filepath.Join(t.TempDir(), "nvd.json")
	if err := os.WriteFile(path, []byte(fortiNVD), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := ReadStated(context.Background(), []string{path}, feed.Reader{})
	if err != nil {
		t.Fatal(err)
	}
	s.learn("CVE-2024-21762", Known{Exploited: true, Ransomware: true, Likelihood: 0.94, Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"})
	s.learn("CVE-2024-21762", Known{Stated: Active, Automatable: "yes", Impact: "total"})
	s.learn("CVE-2020-0001", Known{Withdrawn: true, Stated: Conceivable})
	return s
}

// A compiled file says what its feeds said, and one that was changed in any
// byte is refused.
func TestCompiledFeeds(t *testing.T) {
	s := stated(t)
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	again, err := readCompiled(bytes.NewReader(b.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s.known, again.known); d != "" || again.Statements() != s.Statements() {
		t.Errorf("%d statements, want %d; facts: %s", again.Statements(), s.Statements(), d)
	}
	for i := range b.Len() {
		bad := bytes.Clone(b.Bytes())
		bad[i] ^= 0x20
		if _, err := readCompiled(bytes.NewReader(bad)); err == nil {
			t.Fatalf("byte %d is changed and nobody says so", i)
		}
		if _, err := readCompiled(bytes.NewReader(b.Bytes()[:i])); err == nil {
			t.Fatalf("cut off after %d bytes and nobody says so", i)
		}
	}
}

func FuzzReadFacts(f *testing.F) {
	s := stated(f)
	var b bytes.Buffer
	if _, err := s.WriteTo(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes()[16:100])
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Stated
		if err := s.readFacts(b); err != nil && err != errCompiled {
			t.Fatal(err)
		}
	})
}

// Each line of JSON can be read, whatever stands in the list, and equipment
// that is alike gets the same lines.
func TestMatchLines(t *testing.T) {
	words, err := text.Load(cli.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range text.Langs {
		env := cli.New(words)
		env.Listen([]string{"--lang", string(lang)})
		var out bytes.Buffer
		env.Out, env.Err = &out, &bytes.Buffer{}
		env.Root("noroshi", "").SetArgs(nil)
		list := "key,maker,product,version,cpe,zone\n" +
			"\"a\"\"1\\\",Fortinet,FortiOS,7.4.2,,internet\n" + "機器2,Fortinet,FortiOS,7.4.2,,internet\n" +
			"c,Fortinet,FortiOS,,cpe:2.3:o:fortinet:fortios:7.4.3:*:*:*:*:*:*:*,internet\n"
		s := stated(t)
		w := newMatching(s, env.Words.Printer(lang, nil), true, true, newTold())
		var lines []map[string]any
		rows, bad, _, err := s.ReadEquipment("list.csv", strings.NewReader(list), int64(len(list)), func(e *Equipment) error {
			return w.equipment(e, func() error {
				var l map[string]any
				if err := json.Unmarshal(w.out, &l); err != nil {
					t.Fatalf("%s: %v", w.out, err)
				}
				lines, w.out = append(lines, l), w.out[:0]
				return nil
			})
		})
		if err != nil || rows != 3 || bad != 0 || len(lines) != 3 {
			t.Fatalf("%d rows, %d bad, %d lines, %v", rows, bad, len(lines), err)
		}
		if lines[0]["asset"] != `a"1\` || lines[1]["asset"] != "機器2" {
			t.Errorf("assets %v, %v", lines[0]["asset"], lines[1]["asset"])
		}
		for i, want := range []string{"affected", "affected", "not_affected"} {
			l := lines[i]
			if l["verdict"] != want || l["certainty"] != "exact" || len(l["because"].([]any)) == 0 {
				t.Errorf("%s, line %d: %v", lang, i, l)
			}
			if _, has := l["priority"]; has != (want == "affected") {
				t.Errorf("line %d: priority %v", i, l["priority"])
			}
		}
		if lines[0]["priority"] != "act" && lines[0]["priority"] != "attend" {
			t.Errorf("priority %v of what is used in attacks", lines[0]["priority"])
		}
	}
}

// Every rule of a proof has its words in both languages.
func TestEveryRuleHasWords(t *testing.T) {
	words, err := text.Load(cli.Words, Words)
	if err != nil {
		t.Fatal(err)
	}
	st := &product.Statement{Source: "csaf", By: "Fortinet PSIRT"}
	for _, lang := range text.Langs {
		f := newPhrases(words.Printer(lang, nil))
		for _, rule := range []product.Rule{
			product.InRange, product.OutOfRange, product.SameVersion, product.OtherVersion, product.AllVersions, product.NoVersion, product.NotComparable,
			product.PlatformPresent, product.PlatformMissing, product.PlatformUnknown, product.OnlyPlatform, product.OtherEdition, product.EditionUnknown,
			product.MakerSays, product.NameProposed, product.Renamed, product.WildcardRefused, product.SourcesDisagree, product.StillInvestigate, product.OtherProduct,
		} {
			for _, status := range []product.Status{product.NotAffected, product.Fixed} {
				r := product.Reason{Rule: rule, Statement: st, Line: &product.Line{Status: status, Why: product.CodeNotPresent}, Version: "7.4.2", Overruled: status == product.Fixed}
				if s := f.reason(&r); s == "" || strings.Contains(s, "exposure.") || strings.ContainsAny(s, "\x00\x01{}") {
					t.Errorf("%s %s: %q", lang, rule, s)
				}
			}
		}
	}
}
