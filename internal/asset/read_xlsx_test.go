package asset

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"noroshi/internal/base/fault"
)

// parts are the files inside an XLSX by name.
type parts map[string]string

func book(sheets ...string) parts {
	p := parts{
		"_rels/.rels": `<Relationships><Relationship Id="r1" Type="http://x/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-411]ggge&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>` +
			`<numFmt numFmtId="165" formatCode="0.00E+00"/></numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>` +
			`<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>`,
		"xl/sharedStrings.xml": `<sst><si><t>maker</t></si><si><t>product</t></si><si><r><t>フォーティ</t></r><r><t>ネット</t></r><rPh sb="0" eb="1"><t>ヨミ</t></rPh></si>` +
			`<si><t xml:space="preserve"> a_x000A_b </t></si></sst>`,
	}
	names, rels := "", ""
	for i, s := range sheets {
		names += fmt.Sprintf(`<sheet name="S%d" sheetId="%d" r:id="rId%d"/>`, i+1, i+1, i+1)
		rels += fmt.Sprintf(`<Relationship Id="rId%d" Type="http://x/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, i+1)
		p[fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1)] = s
	}
	p["xl/workbook.xml"] = `<?xml version="1.0" encoding="UTF-8"?><workbook xmlns:r="http://r"><workbookPr/><sheets>` + names + `</sheets></workbook>`
	p["xl/_rels/workbook.xml.rels"] = `<Relationships>` + rels + `</Relationships>`
	return p
}

func (p parts) zip(t testing.TB) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range []string{"_rels/.rels", "xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/styles.xml", "xl/sharedStrings.xml"} {
		if s, ok := p[name]; ok {
			addPart(t, z, name, s)
		}
	}
	for i := 1; p[fmt.Sprintf("xl/worksheets/sheet%d.xml", i)] != ""; i++ {
		name := fmt.Sprintf("xl/worksheets/sheet%d.xml", i)
		addPart(t, z, name, p[name])
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func addPart(t testing.TB, z *zip.Writer, name, content string) {
	t.Helper()
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func sheetXLSX(t testing.TB, rows string) []byte { return book(data1(rows)).zip(t) }

func data1(rows string) string { return `<worksheet><sheetData>` + rows + `</sheetData></worksheet>` }

const headRow = `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>` +
	`<c r="C1" t="inlineStr"><is><t>version</t></is></c><c r="D1" t="str"><v>導入日</v></c><c r="E1" t="str"><v>site</v></c></row>`

const simpleSheet = headRow + `<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="str"><v>B</v></c></row>`

func TestXLSXCells(t *testing.T) {
	for name, c := range map[string]struct {
		cells             string
		version, day, loc string
		notes, problems   string
	}{
		"text":           {`<c r="C2" t="str"><v>7.10</v></c>`, "7.10", "", "", "", ""},
		"number":         {`<c r="C2"><v>7.1</v></c>`, "7.1", "", "", "row 2, column C asset.import.version_number", ""},
		"binary noise":   {`<c r="C2"><v>15.100000000000001</v></c>`, "15.1", "", "", "row 2, column C asset.import.version_number", ""},
		"date":           {`<c r="D2" s="1"><v>46112</v></c>`, "", "2026-03-31", "", "", ""},
		"era date":       {`<c r="D2" s="2"><v>46112.75</v></c>`, "", "2026-03-31", "", "", ""},
		"bare serial":    {`<c r="D2"><v>46112</v></c>`, "", "2026-03-31", "", "", ""},
		"typed digits":   {`<c r="D2"><v>20260331</v></c>`, "", "2026-03-31", "", "", ""},
		"iso date":       {`<c r="D2" t="d"><v>2026-03-31T00:00:00</v></c>`, "", "2026-03-31", "", "", ""},
		"no date":        {`<c r="D2"><v>12</v></c>`, "", "", "", "", "row 2, column D asset.import.date_bad"},
		"style of E":     {`<c r="E2" s="3"><v>12</v></c>`, "", "", "12", "", ""},
		"escape, spaces": {`<c r="E2" t="s"><v>3</v></c>`, "", "", "a b", "", ""},
		"boolean":        {`<c r="E2" t="b"><v>1</v></c>`, "", "", "TRUE", "", ""},
		"formula":        {`<c r="E2" t="str"><f>A1&amp;"x"</f><v>Tokyo</v></c>`, "", "", "Tokyo", "row 2, column E asset.import.formula", ""},
		"formula, empty": {`<c r="E2"><f>A1</f></c>`, "", "", "", "", "row 2, column E asset.import.formula_empty"},
		"error":          {`<c r="E2" t="e"><v>#REF!</v></c>`, "", "", "", "", "row 2, column E asset.import.cell_error"},
		"no such string": {`<c r="E2" t="s"><v>99</v></c>`, "", "", "", "", "row 2, column E asset.import.cell_broken"},
		"not a number":   {`<c r="E2"><v>NaN</v></c>`, "", "", "", "", "row 2, column E asset.import.cell_broken"},
		"unknown type":   {`<c r="E2" t="zz"><v>1</v></c>`, "", "", "", "", "row 2, column E asset.import.cell_broken"},
		"long":           {`<c r="E2" t="str"><v>` + strings.Repeat("x", 40_000) + `</v></c>`, "", "", "", "", "row 2, column E asset.import.cell_long"},
		"very long":      {`<c r="E2" t="inlineStr"><is><t>` + strings.Repeat("あ", 500_000) + `</t></is></c>`, "", "", "", "", "row 2, column E asset.import.cell_long"},
		"prefixed":       {`<x:c r="E2" t="str"><x:v>Osaka</x:v></x:c>`, "", "", "Osaka", "", ""},
	} {
		f, rows, err := readAll(sheetXLSX(t, headRow+`<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="str"><v>B</v></c>`+c.cells+`</row>`))
		if err != nil || len(rows) != 1 || f.Sheet != "S1" {
			t.Errorf("%s: %v %v", name, err, rows)
			continue
		}
		it := rows[0].Item
		if it.Maker != "フォーティネット" || it.Sealed.Version != c.version || it.Introduced.String() != c.day || it.Sealed.Site != c.loc ||
			strings.Join(spots(rows[0].Notes), ";") != c.notes || strings.Join(spots(rows[0].Problems), ";") != c.problems {
			t.Errorf("%s: %+v %v %v", name, it, spots(rows[0].Notes), spots(rows[0].Problems))
		}
		say(t, fault.New(fault.Invalid, "asset.import.file_empty").At(append(rows[0].Notes, rows[0].Problems...)...))
	}
}

func TestXLSXCalendarOf1904(t *testing.T) {
	p := book(data1(headRow + `<row r="2"><c r="A2" t="s"><v>2</v></c><c r="B2" t="str"><v>B</v></c><c r="D2" s="1"><v>44650</v></c></row>` +
		`<row r="3"><c r="A3" t="s"><v>2</v></c><c r="B3" t="str"><v>B</v></c><c r="D3"><v>44650</v></c></row>`))
	p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], "<workbookPr/>", `<workbookPr date1904="1"/>`, 1)
	_, rows, err := readAll(p.zip(t))
	if err != nil || rows[0].Item.Introduced != (Date{2026, 3, 31}) || rows[1].Item.Introduced != (Date{2026, 3, 31}) {
		t.Errorf("%v %v", rows, err)
	}
}

func TestXLSXSheets(t *testing.T) {
	cover := data1(`<row><c t="str"><v>表紙</v></c></row>`)
	p := book(cover, data1(simpleSheet), data1(simpleSheet))
	f, rows, err := readAll(p.zip(t))
	if err != nil || f.Sheet != "S2" || len(rows) != 1 || !cmp.Equal(spots(f.Notes), []string{"workbook asset.import.sheets_unread"}) {
		t.Errorf("%+v %v %v", f, rows, err)
	}
	p["xl/workbook.xml"] = strings.Replace(p["xl/workbook.xml"], `name="S2"`, `name="S2" state="hidden"`, 1)
	if f, _, err := readAll(p.zip(t)); err != nil || f.Sheet != "S3" {
		t.Errorf("hidden: %+v %v", f, err)
	}
	if _, _, err := readAll(book(cover).zip(t)); fault.Of(err).Code != "asset.import.header_missing" {
		t.Error(err)
	}
	if _, _, err := readAll(book(data1(headRow)).zip(t)); err != nil {
		t.Errorf("a header alone is an empty list: %v", err)
	}
}

func TestXLSXThatCannotBeRead(t *testing.T) {
	with := func(name, content string) []byte {
		p := book(data1(simpleSheet))
		p[name] = content
		return p.zip(t)
	}
	without := func(name string) []byte {
		p := book(data1(simpleSheet))
		delete(p, name)
		return p.zip(t)
	}
	good := book(data1(simpleSheet)).zip(t)
	locked := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 70_000)...)
	for _, b := range []byte("EncryptedPackage") {
		locked = append(locked, b, 0)
	}
	bomb := headRow + strings.Repeat(`<row></row>`, 3_000_000)
	laughs := `<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><sst><si><t>&b;</t></si></sst>`
	for name, c := range map[string]struct {
		raw  []byte
		want string
		kind fault.Kind
	}{
		"old":              {locked[:20_000], "file_old", fault.Usage},
		"locked":           {locked, "file_locked", fault.Usage},
		"cut":              {good[:len(good)/2], "xlsx_broken", fault.Usage},
		"no relations":     {without("_rels/.rels"), "file_unknown", fault.Usage},
		"no workbook":      {without("xl/workbook.xml"), "xlsx_broken", fault.Usage},
		"word":             {with("_rels/.rels", `<Relationships><Relationship Id="1" Type="x/officeDocument" Target="xl/styles.xml"/></Relationships>`), "xlsx_broken", fault.Usage},
		"binary workbook":  {with("_rels/.rels", `<Relationships><Relationship Id="1" Type="x/officeDocument" Target="xl/workbook.bin"/></Relationships>`), "file_old", fault.Usage},
		"sheet elsewhere":  {with("xl/_rels/workbook.xml.rels", `<Relationships><Relationship Id="rId1" Target="../../../etc/passwd"/></Relationships>`), "xlsx_broken", fault.Usage},
		"entities":         {with("xl/sharedStrings.xml", laughs), "xlsx_dtd", fault.Invalid},
		"unknown entity":   {with("xl/sharedStrings.xml", `<sst><si><t>&xxe;</t></si></sst>`), "xlsx_broken", fault.Usage},
		"unclosed":         {with("xl/sharedStrings.xml", `<sst><si><t>x`), "xlsx_broken", fault.Usage},
		"crossed":          {with("xl/sharedStrings.xml", `<sst><si></sst></si>`), "xlsx_broken", fault.Usage},
		"deep":             {with("xl/sharedStrings.xml", strings.Repeat("<a>", 100_000)), "xlsx_broken", fault.Usage},
		"long tag":         {with("xl/sharedStrings.xml", `<sst a="`+strings.Repeat("x", 1<<20)+`"/>`), "xlsx_broken", fault.Usage},
		"billion rows":     {sheetXLSX(t, bomb), "xlsx_bomb", fault.TooLarge},
		"row number":       {sheetXLSX(t, headRow+`<row r="1048577"><c t="str"><v>x</v></c></row>`), "rows_many", fault.TooLarge},
		"rows backwards":   {sheetXLSX(t, headRow+`<row r="5"/><row r="4"/>`), "xlsx_broken", fault.Usage},
		"cells backwards":  {sheetXLSX(t, headRow+`<row r="2"><c r="B2"/><c r="A2"/></row>`), "xlsx_broken", fault.Usage},
		"columns":          {sheetXLSX(t, headRow+`<row r="2"><c r="XFD2" t="str"><v>x</v></c></row>`), "columns_many", fault.TooLarge},
		"column reference": {sheetXLSX(t, headRow+`<row r="2"><c r="ZZZZ2"/></row>`), "xlsx_broken", fault.Usage},
		"empty":            {book(data1("")).zip(t), "file_empty", fault.Usage},
		"twice": {func() []byte {
			var buf bytes.Buffer
			z := zip.NewWriter(&buf)
			addPart(t, z, "_rels/.rels", "<a/>")
			addPart(t, z, "_RELS/.rels", "<a/>")
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			return buf.Bytes()
		}(), "xlsx_broken", fault.Usage},
		"entries": {func() []byte {
			var buf bytes.Buffer
			z := zip.NewWriter(&buf)
			for i := range maxEntries + 1 {
				addPart(t, z, fmt.Sprint(i), "")
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			return buf.Bytes()
		}(), "xlsx_entries", fault.TooLarge},
	} {
		start := time.Now()
		_, _, err := readAll(c.raw)
		if f := fault.Of(err); err == nil || f.Code != "asset.import."+c.want || f.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
			continue
		}
		say(t, err)
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: took %v to refuse", name, d)
		}
	}
}

// A part that says it is small and is not: the declared size is not trusted.
func TestXLSXThatLiesAboutItsSize(t *testing.T) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	p := book(data1(simpleSheet))
	for name, s := range p {
		if name == "xl/sharedStrings.xml" {
			continue
		}
		addPart(t, z, name, s)
	}
	content := []byte("<sst>" + strings.Repeat("<si><t>x</t></si>", 1000) + "</sst>")
	w, err := z.CreateRaw(&zip.FileHeader{Name: "xl/sharedStrings.xml", Method: zip.Store, CRC32: crc32.ChecksumIEEE(content), CompressedSize64: uint64(len(content)), UncompressedSize64: 10})
	if err == nil {
		_, err = w.Write(content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := readAll(buf.Bytes()); fault.Of(err).Code != "asset.import.xlsx_broken" {
		t.Error(err)
	}
}

// What a spreadsheet program writes is read as it means it.
func TestXLSXByAnotherWriter(t *testing.T) {
	x := excelize.NewFile()
	defer x.Close()
	date, err := x.NewStyle(&excelize.Style{NumFmt: 14})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []any{"識別子", "メーカー", "製品名", "版", "数量", "導入日", "運用者"} {
		must(t, x.SetCellValue("Sheet1", columnLetters(i)+"3", v))
	}
	for i, v := range []any{"R-1", "ヤマハ(株)", "RTX1210", "14.01.42", 3, time.Date(2024, 4, 1, 0, 0, 0, 0, time.UTC), 7000012050002} {
		must(t, x.SetCellValue("Sheet1", columnLetters(i)+"4", v))
	}
	must(t, x.SetCellStyle("Sheet1", "F4", "F4", date))
	must(t, x.SetCellFormula("Sheet1", "H4", "1+1"))
	must(t, x.SetCellValue("Sheet1", "H3", "備考"))
	buf, err := x.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	_, rows, err := readAll(buf.Bytes())
	if err != nil || len(rows) != 1 || rows[0].Number != 4 {
		t.Fatal(err, rows)
	}
	it := rows[0].Item
	if it.MakerName != "Yamaha" || it.Kind != KindRouter || it.Quantity != 3 || it.Introduced != (Date{2024, 4, 1}) || it.OperatedBy != "7000012050002" {
		t.Errorf("%+v", it)
	}
	if d := cmp.Diff([]string{"row 4, column H asset.import.formula_empty"}, spots(rows[0].Problems)); d != "" {
		t.Error(d)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func FuzzReadXLSX(f *testing.F) {
	f.Add(`<worksheet>`+simpleSheet+`</worksheet>`, book("")["xl/sharedStrings.xml"])
	f.Add(`<worksheet><row><c t="inlineStr"><is><r><t>maker</t></r></is></c><c r="C1" t="str"><v>product</v></c></row></worksheet>`, `<sst/>`)
	f.Fuzz(func(t *testing.T, sheet, shared string) {
		p := book(sheet)
		p["xl/sharedStrings.xml"] = shared
		checkRead(t, p.zip(t))
	})
}

func FuzzReadXLSXBytes(f *testing.F) {
	f.Add(book(data1(simpleSheet)).zip(f))
	f.Fuzz(func(t *testing.T, raw []byte) { checkRead(t, append([]byte("PK\x03\x04"), raw...)) })
}
