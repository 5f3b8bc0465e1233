package feed

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"noroshi/internal/base/fault"
	"noroshi/internal/engine/product"
	"noroshi/internal/engine/product/cpe"
)

// slowNVD is the form of an override as encoding/json reads it.
type slowNVD struct {
	Annotation struct {
		ID string `json:"cve_id"`
	} `json:"_annotation"`
	CVE struct {
		Configurations []struct {
			Operator string `json:"operator"`
			Nodes    []struct {
				Operator string `json:"operator"`
				Negate   bool   `json:"negate"`
				Match    []struct {
					Criteria   string `json:"criteria"`
					Vulnerable bool   `json:"vulnerable"`
					From       string `json:"versionStartIncluding"`
					After      string `json:"versionStartExcluding"`
					To         string `json:"versionEndIncluding"`
					Before     string `json:"versionEndExcluding"`
				} `json:"cpeMatch"`
			} `json:"nodes"`
		} `json:"configurations"`
	} `json:"cve"`
}

// said writes a record's applicability as a logical sentence.
func (s *slowNVD) said(t *testing.T) string {
	var all []string
	for _, c := range s.CVE.Configurations {
		var nodes []string
		for _, n := range c.Nodes {
			var lines []string
			for _, m := range n.Match {
				name, err := cpe.ParseLenient(m.Criteria)
				if err != nil {
					t.Fatal(m.Criteria, err)
				}
				low, high := "["+m.From, m.To+"]"
				if m.After != "" {
					low = "(" + m.After
				}
				if m.To == "" {
					high = m.Before + ")"
				}
				if low+high == "[)" {
					low, high = "", ""
				}
				lines = append(lines, fmt.Sprint(name, m.Vulnerable, low, high))
			}
			nodes = append(nodes, joinAs(n.Operator, lines))
		}
		all = append(all, joinAs(c.Operator, nodes))
	}
	return joinAs("OR", all)
}

func joinAs(op string, parts []string) string {
	if op == "" {
		op = "OR"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " "+op+"\n ") + ")"
}

func sentenceOf(n *product.Node) string {
	var parts []string
	for i := range n.Lines {
		l := &n.Lines[i]
		low, high := "", ""
		if len(l.Ranges) > 0 {
			r := l.Ranges[0]
			low, high = "["+r.From, r.To+")"
			if r.FromExcluded {
				low = "(" + r.From
			}
			if r.ToIncluded {
				high = r.To + "]"
			}
		}
		parts = append(parts, fmt.Sprint(l.Name, !l.Platform, low, high))
	}
	for i := range n.Children {
		parts = append(parts, sentenceOf(&n.Children[i]))
	}
	return joinAs([]string{"OR", "AND"}[n.Op], parts)
}

// Every applicability statement of the real records says what encoding/json
// finds there.
func TestTwinNVD(t *testing.T) {
	z, err := zip.OpenReader(data(t, "nvd-cpe-configs-dev.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	want := map[string]string{}
	for _, m := range z.File {
		if !strings.HasSuffix(m.Name, ".json") {
			continue
		}
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var s slowNVD
		if err := json.Unmarshal(b, &s); err != nil {
			t.Fatal(err)
		}
		want[s.Annotation.ID] = s.said(t)
	}
	seen := 0
	if _, err := reader.Open(t.Context(), data(t, "nvd-cpe-configs-dev.zip"), func(r *Record) error {
		seen++
		if d := cmp.Diff(want[r.ID], sentenceOf(&r.Statements[0].Root)); d != "" {
			t.Errorf("%s: %s", r.ID, d)
		}
		return nil
	}); err != nil || seen != 8299 || len(want) != seen {
		t.Error(seen, len(want), err)
	}
}

// A few bytes of a source become hundreds of ours: records made of nothing but
// such bytes are refused before they fill the memory.
func TestSwollenRecords(t *testing.T) {
	many := func(head, part, tail string) string { return head + strings.Repeat(part+",", 900_000) + part + tail }
	for name, in := range map[string]string{
		"lines":     many(`{"cve":{"id":"CVE-2026-90001","configurations":[{"nodes":[{"cpeMatch":[`, `{"criteria":"x"}`, `]}]}]}}`),
		"nodes":     many(`{"cve":{"id":"CVE-2026-90001","configurations":[{"nodes":[`, `{}`, `]}]}}`),
		"versions":  many(`{"cveMetadata":{"cveId":"CVE-2026-90001"},"containers":{"cna":{"affected":[{"vendor":"a","product":"b","versions":[`, `{"version":"1"}`, `]}]}}}`),
		"changes":   many(`{"cveMetadata":{"cveId":"CVE-2026-90001"},"containers":{"cna":{"affected":[{"vendor":"a","product":"b","versions":[{"version":"1","lessThan":"2","changes":[`, `{"at":"1"}`, `]}]}]}}}`),
		"osv":       many(`{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"versions":[`, `"1"`, `]}]}`),
		"osv range": many(`{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"a"},"ranges":[{"type":"SEMVER","events":[`, `{"introduced":"1"},{"fixed":"2"}`, `]}]}]}`),
		"cpes":      `{"cveMetadata":{"cveId":"CVE-2026-90001"},"containers":{"cna":{"affected":[{"cpes":[` + numbered(2000, `"cpe:2.3:a:v%d:p:*:*:*:*:*:*:*:*"`) + `],"versions":[` + numbered(2000, `{"version":"1","lessThan":"%d","status":"affected"}`) + `]}]}}}`,
	} {
		before := heap()
		_, err := Read(t.Context(), name, strings.NewReader(in), ignore)
		if fault.Of(err).Code != "feed.many_parts" {
			t.Errorf("%s: %v", name, err)
		}
		if used := int64(heap()) - int64(before); used > 300<<20 {
			t.Errorf("%s: %d MiB", name, used>>20)
		}
	}
	in := "<VULDEF-Document><Vulinfo>" + strings.Repeat("<a/>", 300_000) + "</Vulinfo></VULDEF-Document>"
	if _, err := Read(t.Context(), "elements", strings.NewReader(in), ignore); fault.Of(err).Code != "feed.xml_large" {
		t.Error(err)
	}
	lines := sample(t, "epss.csv")
	if _, err := (Reader{Limits: Limits{Records: 1}}).Read(t.Context(), "epss", strings.NewReader(lines), ignore); fault.Of(err).Code != "feed.many_records" {
		t.Error(err)
	}
}

func numbered(n int, form string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, form, i+2)
	}
	return b.String()
}
