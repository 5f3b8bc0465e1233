package asset

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(file, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

var (
	filer    = Filer{Name: "蒼浜電力株式会社", Corporate: "9999999999999", Sector: "電気", To: "所管大臣"}
	inScope  = func(*Item) ScopeFacts { return ScopeFacts{Yes, Yes, Yes} }
	firstDay = Date{2026, 11, 22}
)

func TestFilerNumberIsValid(t *testing.T) {
	if !corporateNumber(filer.Corporate) {
		t.Fatal("the example's corporate number fails its check digit")
	}
}

func twoStatements(t *testing.T) (first, second *Statement) {
	t.Helper()
	r := rules(t)
	now := register(
		piece(t, "id", "A-0117", "kind", "vpn", "maker", "オルヴェイン", "product", "EdgeGate 410", "model", "EG410-J", "version", "9.1.3", "zone", "internet", "addresses", "203.0.113.10; 203.0.113.11", "domains", "vpn.example.jp", "connects_to", "A-0031", "quantity", "2", "service", "給電指令の遠隔保守", "operated_by", "自社", "introduced_at", "令和6年4月1日", "cpe", "cpe:2.3:h:orvane:edgegate_410:*:*:*:*:*:*:*:*"),
		piece(t, "id", "A-0031", "kind", "firewall", "maker", "ミナト通信", "product", "FW-70", "zone", "dmz", "introduced_at", "2026-10-20"),
		piece(t, "id", "A-0064", "kind", "mail", "maker", "セルヴィック", "product", "Post 6", "version", "6.0.2", "zone", "dmz"),
		piece(t, "id", "A-0200", "maker", "Microsoft", "product", "Windows Server 2022 Standard", "quantity", "38", "zone", "internal", "version", "21H2"),
		piece(t, "id", "A-0300", "maker", "カナギ電子", "product", "=HYPERLINK(\"http://x.example\")", "site", "@SUM(1)"),
	)
	first, err := r.NewStatement(filer, nil, now, inScope, firstDay)
	if err != nil {
		t.Fatal(err)
	}
	next := []Item{now[0], now[1], now[3], now[4]} // the mail server is gone
	next[0].Sealed.Version, next[0].OperatedBy, next[0].Changed = "9.1.5", "汐見原システムズ", Date{2026, 12, 1}
	next[1].SupportEnds = Date{2027, 1, 31} // not a notified field
	extra := piece(t, "id", "A-0143", "kind", "hypervisor", "maker", "セルヴィック", "product", "VM-Base 4", "quantity", "2", "introduced_at", "2026-12-03")
	extra.ID = "e9"
	unsure := piece(t, "id", "A-0400", "maker", "カナギ電子", "product", "KX-1")
	unsure.ID = "e10"
	second, err = r.NewStatement(filer, first, append(next, extra, unsure), func(it *Item) ScopeFacts {
		if it.Key == "A-0400" {
			return ScopeFacts{Yes, Yes, Unknown}
		}
		return ScopeFacts{Yes, Yes, Yes}
	}, Date{2026, 12, 5})
	if err != nil {
		t.Fatal(err)
	}
	return first, second
}

func TestStatementGoldens(t *testing.T) {
	first, second := twoStatements(t)
	r := rules(t)
	for name, s := range map[string]*Statement{"first": first, "second": second} {
		var b bytes.Buffer
		if err := s.WriteJSON(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, "statement_"+name+".golden.json", b.Bytes())
		for _, lang := range text.Langs {
			var b bytes.Buffer
			if err := s.WriteHTML(&b, r, printer(t, lang)); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(b.String(), "[asset.") {
				t.Errorf("%s %s: a word is missing", name, lang)
			}
			golden(t, "statement_"+name+"."+string(lang)+".golden.html", b.Bytes())
		}
	}
}

func TestStatementDifference(t *testing.T) {
	first, second := twoStatements(t)
	type line struct {
		event Event
		id    string
		duty  string
		due   string
		what  string
	}
	lines := func(s *Statement) (out []line) {
		for i, e := range s.Entries {
			if e.No != i+1 {
				t.Errorf("entry %d is numbered %d", i+1, e.No)
			}
			var f []string
			for _, c := range e.Changes {
				f = append(f, c.Field)
			}
			out = append(out, line{e.Event, e.Item.Key, e.Due.Duty, e.Due.Statutory.String() + e.Due.House.String(), strings.Join(f, " ")})
		}
		return out
	}
	if d := cmp.Diff([]line{
		{EventIntroduction, "A-0031", "introduction", "2026-11-03", ""},
		{EventIntroduction, "A-0064", "undated", "2026-12-06", ""},
		{EventIntroduction, "A-0117", "transition", "2027-03-31", ""},
		{EventIntroduction, "A-0300", "undated", "2026-12-06", ""},
	}, lines(first), cmp.AllowUnexported(line{})); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]line{
		{EventChange, "A-0117", "change", "2026-12-15", "version operated_by"},
		{EventIntroduction, "A-0143", "introduction", "2026-12-17", ""},
		{EventWithdrawal, "A-0064", "withdrawal", "2026-12-19", ""},
	}, lines(second), cmp.AllowUnexported(line{})); d != "" {
		t.Error(d)
	}
	if second.Number != 2 || *second.Since != (Earlier{1, firstDay}) {
		t.Errorf("number %d since %v", second.Number, second.Since)
	}
	if len(second.Excluded) != 1 || second.Excluded[0].Exclusion != "notice-1-windows" || len(second.Undecided) != 1 {
		t.Errorf("excluded %+v undecided %v", second.Excluded, second.Undecided)
	}
	for _, s := range []*Statement{first, second} {
		for _, it := range s.Equipment {
			if it.Sealed.CPE != "" || !it.SupportEnds.IsZero() {
				t.Errorf("%s: a field outside the duty is in the statement", it.Key)
			}
		}
		for _, x := range s.Excluded {
			if x.Item.Sealed.Version != "" || x.Item.Sealed.Zone != "" {
				t.Error("what is excluded says more than its name")
			}
		}
	}
}

func TestStatementRefusals(t *testing.T) {
	r := rules(t)
	first, _ := twoStatements(t)
	one := register(piece(t, "maker", "Orvane", "product", "EdgeGate"))
	for name, c := range map[string]struct {
		filer Filer
		last  *Statement
		now   []Item
		want  string
	}{
		"no name":           {Filer{Corporate: filer.Corporate}, nil, one, "asset.statement.operator_empty"},
		"wrong check digit": {Filer{Name: "x", Corporate: "1999999999999"}, nil, one, "asset.statement.operator_empty"},
		"nothing at all":    {filer, nil, nil, "asset.statement.nothing"},
		"nothing new":       {filer, first, first.Equipment, "asset.statement.nothing"},
	} {
		if s, err := r.NewStatement(c.filer, c.last, c.now, inScope, firstDay); s != nil || fault.Of(err).Code != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatementJSONReadsBack(t *testing.T) {
	_, s := twoStatements(t)
	var b bytes.Buffer
	if err := s.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	got, err := DecodeStatement(&b)
	if err != nil || cmp.Diff(s, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(s, got))
	}
	if _, err := DecodeStatement(strings.NewReader(`{"number":`)); fault.KindOf(err) != fault.Usage {
		t.Errorf("a broken file: %v", err)
	}
}

func TestStatementXLSXHoldsNoFormula(t *testing.T) {
	_, s := twoStatements(t)
	r := rules(t)
	for _, lang := range text.Langs {
		var b bytes.Buffer
		if err := s.WriteXLSX(&b, r, printer(t, lang)); err != nil {
			t.Fatal(err)
		}
		z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range z.File {
			rc, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := io.ReadAll(rc)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(raw, []byte("<f>")) || bytes.Contains(raw, []byte("<f ")) {
				t.Errorf("%s holds a formula", f.Name)
			}
		}
		x, err := excelize.OpenReader(&b)
		if err != nil {
			t.Fatal(err)
		}
		say := printer(t, lang)
		sheets := x.GetSheetList()
		if d := cmp.Diff([]string{say.T("asset.statement.sheet_cover"), say.T("asset.statement.sheet_difference"), say.T("asset.statement.sheet_state"), say.T("asset.statement.sheet_excluded")}, sheets); d != "" {
			t.Fatal(d)
		}
		rows, err := x.GetRows(sheets[2])
		if err != nil {
			t.Fatal(err)
		}
		v := s.View(r, say)
		if len(rows) != len(v.Tables[1].Rows)+1 {
			t.Errorf("%d rows of %d", len(rows), len(v.Tables[1].Rows)+1)
		}
		all := strings.Join(rows[len(rows)-1], "|")
		if !strings.Contains(all, `'=HYPERLINK("http://x.example")`) || !strings.Contains(all, "'@SUM(1)") {
			t.Errorf("not neutralised: %s", all)
		}
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestInert(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "KX-2200": "KX-2200", "=1+1": "'=1+1", " +cmd|' /C calc'!A0": "' +cmd|' /C calc'!A0", "\t@x": "'@x",
		"-2": "'-2", "＝1": "'＝1", "a\x00b\x1f": "ab", "a\nb": "a\nb", "\xff=1": "'=1", "給電": "給電",
	} {
		if got := inert(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := inert(rapid.String().Draw(t, "s"))
		if first := strings.TrimLeft(s, " \n\u3000"); first != "" && strings.ContainsAny(first[:1], "=+-@") {
			t.Fatalf("%q", s)
		}
	})
	if got := inert(strings.Repeat("あ", 40_000)); len([]rune(got)) > 32_767 {
		t.Error("a cell over Excel's limit")
	}
}

// However a register changes, the statements add up: what the last one holds
// plus what this one adds and takes is what this one holds.
func TestStatementsAddUp(t *testing.T) {
	r := rules(t)
	rapid.Check(t, func(t *rapid.T) {
		var last *Statement
		held := 0
		for i := range rapid.IntRange(1, 5).Draw(t, "statements") {
			now := worldRegister(t)
			s, err := r.NewStatement(filer, last, now, inScope, addDays(firstDay, i))
			if err != nil {
				if fault.Of(err).Code != "asset.statement.nothing" {
					t.Fatal(err)
				}
				continue
			}
			c := s.Counts
			if c.Introduced+c.Changed+c.Withdrawn != len(s.Entries) || held+c.Introduced-c.Withdrawn != c.Entries || c.Entries != len(s.Equipment) {
				t.Fatalf("held %d, %+v", held, c)
			}
			if again, err := r.NewStatement(filer, s, now, inScope, addDays(firstDay, i)); again != nil || fault.Of(err).Code != "asset.statement.nothing" {
				t.Fatalf("the same register again: %v", err)
			}
			held, last = c.Entries, s
		}
	})
}

// A statement from elsewhere may say anything; showing it must not break.
func FuzzDecodeStatement(f *testing.F) {
	r := rules(f)
	say := printer(f, text.EN)
	f.Add(`{"number":1,"on":"2026-11-22","filer":{"name":"x"},"entries":[{"no":1,"event":"change","item":{"kind":"?","maker":"<b>"},"changes":[{"field":"further/=1"}]}],"equipment":[{"quantity":-1}]}`)
	f.Add(`{"since":null,"entries":null,"on":""}`)
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := DecodeStatement(strings.NewReader(raw))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := s.WriteHTML(&b, r, say); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), "<b>") {
			t.Fatal("markup of the input reached the page")
		}
	})
}

func BenchmarkStatementXLSX10k(b *testing.B) {
	r := rules(b)
	say := printer(b, text.JA)
	s, err := r.NewStatement(filer, nil, register(manyItems(10_000)...), inScope, firstDay)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := s.WriteXLSX(io.Discard, r, say); err != nil {
			b.Fatal(err)
		}
	}
}
