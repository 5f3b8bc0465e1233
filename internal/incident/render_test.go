package incident

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	flags "flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"noroshi/internal/base/text"
)

var update = flags.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update to accept:\n%s", name, diff)
	}
}

func sheet(t testing.TB, r *Report, id string, lang text.Lang) *Sheet {
	t.Helper()
	p, ok := Builtin().Get(id)
	if !ok {
		t.Fatal("no profile", id)
	}
	return Fill(r, p, Facts{}, checkNow, sentences(t).Printer(lang, nil))
}

func TestGoldenForms(t *testing.T) {
	for _, c := range []struct {
		kind Kind
		id   string
		lang text.Lang
		as   FileFormat
	}{
		{Ransomware, "jp-act42", text.JA, JSON},
		{Ransomware, "jp-act42", text.EN, HTML},
		{DDoS, "jp-common-1", text.JA, HTML},
		{Other, "jp-ppc", text.EN, JSON},
		{Ransomware, "uk-csr-regulator", text.JA, HTML},
	} {
		raw, err := sheet(t, Template(c.kind), c.id, c.lang).File(c.as)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.id+"."+string(c.lang)+".golden."+string(c.as), raw)
	}
}

// Every sentence that profiles, clocks, checks, forms and commands may need
// exists, and none is said by nobody.
func TestFormWordsComplete(t *testing.T) {
	cat := sentences(t)
	family := regexp.MustCompile(`^incident\.(profile|clock|check|ready|sheet|calendar|cli|status)\.`)
	used := map[string]bool{}
	for _, s := range Statuses {
		used["incident.status."+string(s)] = true
	}
	for k := range startFields {
		used["incident.clock.waiting."+string(k)] = true
	}
	for _, s := range []ClockState{ClockMet, ClockMetLate, ClockLate} {
		used["incident.clock."+string(s)] = true
	}
	for _, r := range []Reason{ReasonEmpty, ReasonInvestigating, ReasonGate, ReasonConsent} {
		used["incident.check."+string(r)] = true
	}
	for _, r := range []Ready{ReadyYes, ReadyMissing, ReadyOpen, ReadyConsent, ReadyNotInUse} {
		used["incident.ready."+string(r)] = true
	}
	for _, m := range regexp.MustCompile(`\.T "([a-z_]+)"`).FindAllStringSubmatch(formPage, -1) {
		used["incident.sheet."+m[1]] = true
	}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		src, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(incident\.[a-z_.]*[a-z])"`).FindAllStringSubmatch(string(src), -1) {
			if family.MatchString(m[1]) && !strings.HasSuffix(name, "_test.go") {
				used[m[1]] = true
			}
		}
	}
	for k := range used {
		if !cat.Has(k) {
			t.Errorf("no words for %s", k)
		}
	}
	for _, k := range cat.Keys() {
		if family.MatchString(k) && !used[strings.TrimSuffix(k, ".hint")] {
			t.Errorf("%s is said by nobody", k)
		}
	}
}

// No form shows a key instead of a sentence, in either language.
func TestEveryFormHasItsWords(t *testing.T) {
	for _, k := range Kinds {
		for _, p := range Builtin().All {
			for _, lang := range text.Langs {
				raw, err := sheet(t, Template(k), p.ID, lang).HTML()
				if err != nil {
					t.Fatal(err)
				}
				if i := bytes.Index(raw, []byte("[incident.")); i >= 0 {
					t.Errorf("%s %s: %s", p.ID, lang, raw[i:i+60])
				}
				if !p.InForce(checkNow) && !bytes.Contains(raw, []byte(sentences(t).Printer(lang, nil).T("incident.sheet.not_for_use"))) {
					t.Errorf("%s does not say that it is not in force", p.ID)
				}
				if !bytes.Contains(raw, []byte(sentences(t).Printer(lang, nil).T("incident.sheet.our_layout"))) && lang == text.JA {
					t.Errorf("%s does not say that the layout is ours", p.ID)
				}
			}
		}
	}
}

var hostileTexts = []string{"=HYPERLINK(\"http://x.example\",\"y\")", "+1+1", "-2+3|cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "  =1+1", "＝1+1", "＋1", "\u200b=1", "\n=1",
	"<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", "{{.}}", "]]>", "a\x00b\x1f", "\ufffe", strings.Repeat("長", 10000)}

// What a reporter writes is never a formula, and never markup.
func TestHostileTextIsHarmless(t *testing.T) {
	for _, s := range hostileTexts {
		r := Template(Other)
		r.Values["event.outline"], r.Values["event.title"], r.Values["operator.name"] = KnownValue(s), KnownValue(s), KnownValue(s)
		form := sheet(t, r, "jp-act42", text.JA)
		raw, err := form.XLSX()
		if err != nil {
			t.Fatalf("%.20q: %v", s, err)
		}
		book, err := excelize.OpenReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%.20q: %v", s, err)
		}
		for _, name := range book.GetSheetList() {
			rows, err := book.GetRows(name)
			if err != nil {
				t.Fatal(err)
			}
			for n, row := range rows {
				for c, cell := range row {
					at, _ := excelize.CoordinatesToCellName(c+1, n+1)
					if f, _ := book.GetCellFormula(name, at); f != "" {
						t.Errorf("%.20q: %s holds the formula %s", s, at, f)
					}
					if head := strings.TrimLeft(cell, " \u3000\u200b\ufeff\n"); head != "" && strings.ContainsAny(head[:1], "=+-@\t") {
						t.Errorf("%.20q: %s begins like a formula: %.20q", s, at, cell)
					}
				}
			}
		}
		page, err := form.HTML()
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"<script", "<img", "onerror=alert(1)>"} {
			if bytes.Contains(page, []byte(bad)) {
				t.Errorf("%.20q is markup in the page", s)
			}
		}
		js, err := form.JSON()
		if err != nil || !json.Valid(js) {
			t.Errorf("%.20q: %v", s, err)
		}
	}
}

func FuzzNeutral(f *testing.F) {
	for _, s := range hostileTexts {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := neutral(s)
		if strings.HasPrefix(got, "=") || strings.HasPrefix(got, "+") || strings.HasPrefix(got, "-") || strings.HasPrefix(got, "@") || strings.HasPrefix(got, "\t") {
			t.Errorf("%q becomes %q", s, got)
		}
		if n := len([]rune(got)); n > maxCell {
			t.Errorf("%d characters", n)
		}
	})
}

// A redacted copy hides the sensitive and says why.
func TestRedactedForm(t *testing.T) {
	form := sheet(t, Template(Ransomware).Redact(), "jp-act42", text.JA)
	page, err := form.HTML()
	if err != nil {
		t.Fatal(err)
	}
	name := Template(Ransomware).Value("contact.responsible").V.(Row)["name"]
	if bytes.Contains(page, []byte(name)) || !bytes.Contains(page, []byte("■")) || !form.Redacted {
		t.Error("the responsible person is still named")
	}
}

// What has its own consent stays out of every form until that is given.
func TestFieldConsent(t *testing.T) {
	p, _ := Builtin().Get("jp-jpcert")
	q := *p
	q.Layout = []LayoutSection{{Title: text.Both{JA: "同業", EN: "Peers"}, Groups: []string{"voluntary"}, Rows: []LayoutRow{{Label: text.Both{JA: "x", EN: "x"}, Text: "{share.peer_note}"}}}}
	for _, agreed := range []bool{false, true} {
		r := Template(Ransomware)
		r.Values["share.peer_note"] = KnownValue("同業の方へ")
		r.Consents = map[string]bool{"share_indicators_consent": agreed}
		page, err := Fill(r, &q, Facts{}, checkNow, sentences(t).Printer(text.JA, nil)).HTML()
		if err != nil || bytes.Contains(page, []byte("同業の方へ")) != agreed {
			t.Errorf("agreed %v: %v", agreed, err)
		}
	}
}

// The authority's own workbook is filled, and nothing else in it changes.
func TestOfficialWorkbook(t *testing.T) {
	src := excelize.NewFile()
	style, _ := src.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	for cell, v := range map[string]string{"A1": "公式の様式", "A3": "名称", "C9": "あと"} {
		_ = src.SetCellStr("Sheet1", cell, v)
	}
	_ = src.SetCellStyle("Sheet1", "B3", "B3", style)
	_ = src.MergeCell("Sheet1", "B3", "D3")
	_ = src.SetCellFormula("Sheet1", "D9", "1+1")
	v := excelize.NewDataValidation(true)
	v.SetSqref("B5:B6")
	_ = v.SetDropList([]string{"はい", "いいえ"})
	_ = src.AddDataValidation("Sheet1", v)
	_, _ = src.NewSheet("記入要領")
	_ = src.SetCellStr("記入要領", "A1", "読んでください")
	var b bytes.Buffer
	if err := src.Write(&b); err != nil {
		t.Fatal(err)
	}
	official := `
[official]
file = "form.xlsx"
name = { ja = "様式", en = "Form" }
cells = [
  { sheet = "Sheet1", cell = "B3", field = "operator.name" },
  { sheet = "Sheet1", cell = "B5", text = "{report.stage} {report.version}" },
  { sheet = "Sheet1", cell = "A9", field = "event.outline" },
  { sheet = "Sheet1", cell = "F9", field = "event.title" },
  { sheet = "Sheet1", cell = "B40", field = "event.status" },
  { sheet = "Sheet1", cell = "A40", field = "systems.count" },
]
`
	ps, err := LoadProfiles(fstest.MapFS{"x.toml": {Data: []byte(extraProfile + official)}, "form.xlsx": {Data: b.Bytes()}})
	if err != nil {
		t.Fatal(err)
	}
	p, _ := ps.Get("xx-test")
	r := Template(Ransomware)
	r.Values["event.outline"] = KnownValue("=cmd & <b>太字</b>")
	raw, err := Fill(r, p, Facts{}, checkNow, sentences(t).Printer(text.JA, nil)).XLSX()
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	name, _ := r.Value("operator.name").Text()
	title, _ := r.Value("event.title").Text()
	for cell, want := range map[string]string{"A1": "公式の様式", "A3": "名称", "B3": name, "B5": "速報 第1版", "A9": "'=cmd & <b>太字</b>", "C9": "あと", "F9": title, "B40": "封じ込めた"} {
		if got, err := book.GetCellValue("Sheet1", cell); err != nil || got != want {
			t.Errorf("%s: %q, want %q (%v)", cell, got, want, err)
		}
	}
	if f, _ := book.GetCellFormula("Sheet1", "D9"); f != "1+1" {
		t.Errorf("the authority's formula is %q", f)
	}
	if got, _ := book.GetCellStyle("Sheet1", "B3"); got != style {
		t.Errorf("style %d, want %d", got, style)
	}
	if m, _ := book.GetMergeCells("Sheet1"); len(m) != 1 {
		t.Errorf("merges %v", m)
	}
	if dv, _ := book.GetDataValidations("Sheet1"); len(dv) != 1 {
		t.Errorf("validations %v", dv)
	}
	before, after := partsOf(t, b.Bytes()), partsOf(t, raw)
	for name, want := range before {
		if name == "xl/worksheets/sheet1.xml" {
			continue
		}
		if !bytes.Equal(want, after[name]) {
			t.Errorf("%s changed", name)
		}
	}
	if len(before) != len(after) {
		t.Errorf("%d parts became %d", len(before), len(after))
	}
}

func partsOf(t *testing.T, raw []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if out[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return out
}

// Cells of a sheet are found by hand, so hand-made XML must not break it.
func FuzzSetCells(f *testing.F) {
	f.Add(`<worksheet><sheetData><row r="1"><c r="A1" s="3"><v>1</v></c></row><row r="7"/></sheetData></worksheet>`)
	f.Add(`<x:worksheet xmlns:x="a"><x:sheetData><x:row r="2"><x:c r="C2"/></x:row></x:sheetData></x:worksheet>`)
	f.Add(`<worksheet><sheetData/></worksheet>`)
	f.Fuzz(func(t *testing.T, src string) {
		out, err := setCells([]byte(src), map[string]string{"A1": "x", "B7": "y", "C7": "z", "A2": "w"})
		if err != nil {
			return
		}
		if n := bytes.Count(out, []byte("inlineStr")); n < 4 {
			t.Errorf("%d of 4 cells in %s", n, out)
		}
	})
}

// The clocks of all regimes keep their ids when a later version moves them.
func TestCalendar(t *testing.T) {
	ids := func(raw []byte) (out []string) {
		for _, l := range strings.Split(string(raw), "\r\n") {
			if id, ok := strings.CutPrefix(l, "UID:"); ok {
				out = append(out, id)
			}
		}
		return out
	}
	r := Template(Ransomware)
	r.ID = NewID()
	say := sentences(t).Printer(text.JA, nil)
	one := Calendar(r, Builtin(), Facts{}, checkNow, say)
	next := r.Next(Followup)
	next.Values["event.recognised_at"] = KnownValue("2026-11-01T00:00:00+09:00")
	two := Calendar(next, Builtin(), Facts{}, checkNow.Add(time.Hour), say)
	if diff := cmp.Diff(ids(one), ids(two)); diff != "" || len(ids(one)) < 4 {
		t.Errorf("ids moved or are few: %s %v", diff, ids(one))
	}
	if bytes.Equal(one, two) {
		t.Error("the deadlines did not move")
	}
	r.ID = NewID()
	if cmp.Equal(ids(one), ids(Calendar(r, Builtin(), Facts{}, checkNow, say))) {
		t.Error("two reports share their ids")
	}
	name, _ := r.Value("operator.name").Text()
	title, _ := r.Value("event.title").Text()
	if flat := strings.ReplaceAll(string(one), "\r\n ", ""); strings.Contains(flat, name) || strings.Contains(flat, title) || !strings.Contains(flat, "社内の目安") {
		t.Error("the calendar tells of the report, or does not name a house target")
	}
	done := Facts{Submitted: map[StageRef]time.Time{{"jp-act42", "prompt"}: checkNow, {"jp-act42", "detail"}: checkNow}}
	if n := len(ids(Calendar(r, Builtin(), done, checkNow, say))); n != len(ids(one))-2 {
		t.Errorf("%d clocks after two are met, of %d", n, len(ids(one)))
	}
}

// All profiles to XLSX, JSON and HTML: at most 300 ms.
func BenchmarkRenderAll(b *testing.B) {
	r := Template(Ransomware)
	cat := sentences(b)
	say := cat.Printer(text.JA, nil)
	for b.Loop() {
		for _, p := range Builtin().All {
			s := Fill(r, p, Facts{}, checkNow, say)
			for _, f := range FileFormats {
				if _, err := s.File(f); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	r := Template(Ransomware)
	for b.Loop() {
		Check(r, Builtin(), Facts{}, checkNow)
	}
}
