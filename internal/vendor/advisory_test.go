package vendor

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"noroshi/internal/base/fault"
	"noroshi/internal/intel/csaf"
)

// TestADocumentAtEachStep follows a request and reads what was written.
func TestADocumentAtEachStep(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		var stated []string
		h.State = func(_ context.Context, name string, raw []byte) error {
			if rep := csaf.Validate(raw); !rep.OK() {
				return fmt.Errorf("%s: %v", name, rep.Problems)
			}
			if bytes.Contains(raw, []byte(`"status": "draft"`)) {
				return fmt.Errorf("%s: a draft", name)
			}
			stated = append(stated, name)
			return nil
		}
		id, maker := h.maker()
		until := h.Clock.Now().AddDate(0, 0, 5)
		_, rs := h.start(h.office(), NewCase{Vulnerability: cve, Facts: "認証なしに管理画面へ入れる", Embargo: Embargo{Until: until}, Makers: []NewMaker{{id, []NewProduct{{Name: "EdgeGate 410", CPE: "cpe:2.3:h:orvane:edgegate_410:-:*:*:*:*:*:*:*"}, {Name: "EdgeGate 900"}, {Name: "EdgeGate 77"}}}}, Send: true})
		r := rs[0].ID
		if _, _, err := h.CSAF(maker, r, ""); !errors.Is(err, ErrNothing) {
			t.Errorf("nothing was said: %v", err)
		}
		v := h.open(maker, r)
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: v.Products[0].ID, Status: Affected, Versions: "vers:generic/<9.1.5", Fix: Planned, FixOn: "2026-11-25", Interim: "外に見せない"},
			{ID: v.Products[1].ID, Status: NotAffected, Why: "component_not_present"}}))
		if _, _, err := h.CSAF(maker, r, "CLEAR"); !errors.Is(err, ErrEmbargo) {
			t.Errorf("under an embargo: %v", err)
		}
		h.Clock.Pass(1e9)
		h.must(h.Answer(maker, r, []ProductAnswer{{ID: v.Products[0].ID, Status: Affected, Versions: "vers:generic/<9.1.5", Fix: Released, Fixed: "9.1.5", FixURL: "https://maker.example/410"}}))
		if _, err := h.Tick(t.Context()); err != nil || len(stated) != 0 {
			t.Fatalf("%v %v", stated, err)
		}
		h.Clock.Pass(until.Sub(h.Clock.Now()))
		for range 2 {
			if _, err := h.Tick(t.Context()); err != nil || len(stated) != 1 {
				t.Fatalf("once: %v %v", stated, err)
			}
		}
		h.must(h.Told(h.office(), r, "電話で"))
		h.must(h.Close(h.office(), r, "行き渡った"))
		v = h.open(maker, r)
		var status []string
		for _, d := range v.Documents {
			_, raw, err := h.Download(h.office(), r, d.ID)
			if err != nil || !csaf.Validate(raw).OK() {
				t.Fatalf("%v", err)
			}
			status = append(status, d.Status+" "+d.Version)
		}
		if got := strings.Join(status, ", "); got != "final 4, final 3, draft 2, draft 1" {
			t.Error(got)
		}
		_, raw, err := h.CSAF(maker, r, "CLEAR")
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Document struct {
				Category  string `json:"category"`
				Publisher struct {
					Category string `json:"category"`
				} `json:"publisher"`
				Distribution struct {
					TLP struct {
						Label string `json:"label"`
					} `json:"tlp"`
				} `json:"distribution"`
				Tracking struct {
					Status   string           `json:"status"`
					Version  string           `json:"version"`
					Revision []map[string]any `json:"revision_history"`
				} `json:"tracking"`
			} `json:"document"`
			Vulnerabilities []struct {
				Status       map[string][]string `json:"product_status"`
				Remediations []map[string]any    `json:"remediations"`
			} `json:"vulnerabilities"`
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		d := doc.Document
		if d.Category != "csaf_security_advisory" || d.Publisher.Category != "vendor" || d.Distribution.TLP.Label != "WHITE" || d.Tracking.Status != "final" || d.Tracking.Version != "4" || len(d.Tracking.Revision) != 4 {
			t.Errorf("%+v", d)
		}
		s := doc.Vulnerabilities[0].Status
		if fmt.Sprint(s["known_affected"], s["fixed"], s["known_not_affected"], len(s)) != "[P1] [P1F] [P2] 3" {
			t.Errorf("%v", s)
		}
		if bytes.Contains(raw, []byte("EdgeGate 77")) {
			t.Error("nobody said anything of that product")
		}
		var b bytes.Buffer
		if n, err := h.Folder(maker, "https://maker.example/.well-known/csaf/", &b); err != nil || n != 1 {
			t.Fatalf("%d %v", n, err)
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, f := range z.File {
			names = append(names, f.Name)
		}
		if all := strings.Join(names, " "); !strings.Contains(all, "provider-metadata.json") || !strings.Contains(all, "/2026/noroshi-v-") || !strings.Contains(all, ".sha512") {
			t.Errorf("%s", all)
		}
	})
}

// TestAMakersDocumentIsItsAnswer hands in what another request wrote.
func TestAMakersDocumentIsItsAnswer(t *testing.T) {
	eachHub(t, func(t *testing.T, h *hub) {
		id, maker := h.maker()
		doc, err := csaf.New(csaf.Advisory{ID: "ORVANE-2026-001", Profile: csaf.SecurityAdvisory, Title: "認証の回避", Lang: "ja", TLP: "AMBER", Status: csaf.Interim,
			Publisher: csaf.Publisher{Name: "Orvane", Category: "vendor", Namespace: "https://orvane.example"}, Revisions: []csaf.Revision{{At: h.Clock.Now(), Summary: "初版"}},
			Notes: []csaf.Note{{Category: "summary", Title: "概要", Text: "認証の回避"}}, References: []csaf.Reference{{Summary: "この文書", URL: "https://orvane.example/2026/orvane-2026-001.json", Self: true}},
			Products: []csaf.Product{{ID: "A", Vendor: "Orvane", Name: "EdgeGate 410", Range: "vers:generic/<9.1.5"}, {ID: "AF", Vendor: "Orvane", Name: "EdgeGate 410", Version: "9.1.5"},
				{ID: "B", Vendor: "Orvane", Name: "EdgeGate 900"}, {ID: "C", Vendor: "Orvane", Name: "EdgeGate 3"}},
			Vulnerabilities: []csaf.Vulnerability{{CVE: cve, Title: "認証の回避", Notes: []csaf.Note{{Category: "description", Title: "説明", Text: "認証なしに入れる"}},
				Affected: []string{"A"}, Fixed: []string{"AF"}, NotAffected: []string{"B"}, Investigating: []string{"C"},
				Flags:        []csaf.Flag{{Why: "component_not_present", Products: []string{"B"}}},
				Remediations: []csaf.Remediation{{Category: "vendor_fix", Details: "9.1.5 に", Products: []string{"A"}}}}}})
		if err != nil {
			t.Fatal(err)
		}
		_, rs := h.start(h.office(), NewCase{Vulnerability: cve, Makers: []NewMaker{{id, edge()}}, Send: true})
		r := rs[0].ID
		d, err := h.Upload(maker, r, doc)
		if err != nil || d.Name != "orvane-2026-001.json" {
			t.Fatalf("%+v %v", d, err)
		}
		v := h.open(h.office(), r)
		if v.Request.State != FixReleased || len(v.Products) != 3 {
			t.Fatalf("%+v %+v", v.Request, v.Products)
		}
		p := v.Products
		if p[0].Status != Affected || p[0].Fixed != "9.1.5" || !strings.Contains(p[0].Versions, "<9.1.5") || p[1].Status != NotAffected || p[1].Why != "component_not_present" || p[2].Status != Unknown {
			t.Errorf("%+v", p)
		}
		if _, raw, err := h.Download(h.office(), r, d.ID); err != nil || !bytes.Equal(raw, doc) {
			t.Errorf("kept as it came: %v", err)
		}
		_, other := h.start(h.office(), NewCase{Vulnerability: "CVE-2026-99999", Makers: []NewMaker{{id, edge()}}, Send: true})
		if _, err := h.Upload(maker, other[0].ID, doc); fault.KindOf(err) != fault.Invalid {
			t.Errorf("about another vulnerability: %v", err)
		}
		for _, bad := range []string{"", "{}", "[]", `{"document":{}}`, strings.Repeat("[", 1000), string(doc[:len(doc)/2])} {
			if _, err := h.Upload(maker, other[0].ID, []byte(bad)); err == nil || fault.KindOf(err) == fault.Internal {
				t.Errorf("%.20q: %v", bad, err)
			}
		}
		if v := h.open(h.office(), other[0].ID); v.Request.State != RequestSent || len(v.Documents) != 0 {
			t.Errorf("nothing changed: %+v", v)
		}
	})
}
