package asset

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// readAll reads a file given as bytes.
func readAll(raw []byte) (File, []Row, error) {
	var rows []Row
	f, err := Read("list", bytes.NewReader(raw), int64(len(raw)), func(r Row) error {
		rows = append(rows, r)
		return nil
	})
	return f, rows, err
}

// spots lists the problems as "place code".
func spots(places []fault.Place) []string {
	var out []string
	for _, p := range places {
		out = append(out, p.At+" "+p.Code)
	}
	return out
}

// say checks that a fault can be said in both languages, with nothing left open.
func say(t testing.TB, err error) {
	t.Helper()
	words, e := text.Load(Words)
	if e != nil {
		t.Fatal(e)
	}
	for _, l := range text.Langs {
		m := words.Printer(l, nil).Fault(err)
		for _, p := range m.Places {
			m.Title += p.Say
		}
		if strings.ContainsAny(m.Title, "{}[]") {
			t.Errorf("%s: not said: %s", l, m.Title)
		}
	}
}

const japaneseList = `設備一覧（2026年11月）,,,,
,,,,
識別子,メーカー,製品名,版,サポート終了日,台数,区画,備考
FW-01,フォーティネット,FortiGate 60F,7.4.3,令和8年3月31日,２台,インターネット接続,"本社
2階"
,,,,,,,
SV-02,日本電気株式会社,Express5800,,H31.4.1,1,制御系,髙橋が担当
`

func TestCSVInEveryEncoding(t *testing.T) {
	var want []Row
	for _, c := range []struct {
		name string
		enc  encoding.Encoding
	}{
		{"utf-8", encoding.Nop},
		{"utf-8", unicode.UTF8BOM},
		{"utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
		{"utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)},
		{"utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
		{"shift_jis", japanese.ShiftJIS},
		{"euc-jp", japanese.EUCJP},
		{"iso-2022-jp", japanese.ISO2022JP},
	} {
		list := japaneseList
		if c.name == "euc-jp" || c.name == "iso-2022-jp" {
			list = strings.ReplaceAll(list, "髙", "高") // only CP932 has the former
		}
		if c.name == "utf-16le" {
			list = strings.Repeat("note,,,\n", 10) + list // enough ASCII to see the pattern without a mark
		}
		raw, err := c.enc.NewEncoder().Bytes([]byte(list))
		if err != nil {
			t.Fatal(c.name, err)
		}
		f, rows, err := readAll(raw)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if f.Encoding != c.name || f.Rows != 2 || !cmp.Equal(f.Further, []string{"備考"}) {
			t.Errorf("%s: %+v", c.name, f)
		}
		if c.name == "utf-16le" {
			for i := range rows {
				rows[i].Number -= 10
				rows[i].Place = fmt.Sprint("row ", rows[i].Number)
			}
		}
		if want == nil {
			want = rows
			continue
		}
		for i := range rows {
			rows[i].Item.Further["備考"] = strings.ReplaceAll(rows[i].Item.Further["備考"], "高", "髙")
		}
		if d := cmp.Diff(want, rows); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
	fw, sv := want[0], want[1]
	if fw.Number != 4 || sv.Number != 6 || fw.Place != "row 4" || fw.Problems != nil {
		t.Errorf("rows %d %d, %v", fw.Number, sv.Number, fw.Problems)
	}
	wantItem := Item{
		Key: "FW-01", Kind: KindFirewall, Maker: "フォーティネット", Product: "FortiGate 60F",
		MakerName: "Fortinet", MakerKey: "fortinet", ProductName: "FortiGate 60F", ProductKey: "fortigate60f",
		Quantity: 2, SupportEnds: Date{2026, 3, 31}, Further: map[string]string{"備考": "本社 2階"},
		Sealed: Sealed{Version: "7.4.3", Zone: ZoneInternet},
	}
	if d := cmp.Diff(wantItem, fw.Item); d != "" {
		t.Error(d)
	}
	if sv.Item.MakerName != "NEC" || sv.Item.SupportEnds != (Date{2019, 4, 1}) || sv.Item.Sealed.Zone != ZoneOT {
		t.Errorf("%+v", sv.Item)
	}
}

func TestCSVForms(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want string // maker|product|version of each row
	}{
		"comma":           {"maker,product,version\nA,B,1\n", "A|B|1"},
		"semicolon":       {"Maker;Product;Version\nA;B, with comma;1\n", "A|B, with comma|1"},
		"tab":             {"maker\tproduct\tversion\nA\tB\t1\n", "A|B|1"},
		"excel directive": {"sep=;\nmaker;product;version\nA;B;1\n", "A|B|1"},
		"cr only":         {"maker,product\rA,B\rC,D", "A|B| C|D|"},
		"crlf":            {"maker,product\r\nA,B\r\nC,D\r\n", "A|B| C|D|"},
		"quotes":          {"maker,product\n\"A \"\"x\"\"\",\"B\nb\"\n", `A "x"|B b|`},
		"stray quote":     {"maker,product\nA 19\" rack,B\n", `A 19" rack|B|`},
		"space and quote": {"maker,product\nA,  \"B, c\"\n", "A|B, c|"},
		"short row":       {"maker,product,version\nA,B\n", "A|B|"},
		"needs in header": {"メーカー名（必須）,製品名 ※,型番\nA,B,C\n", "A|B|"},
		"plainer wins":    {"機器名,製品名,メーカー\nhost-1,B,A\n", "A|B|"},
	} {
		_, rows, err := readAll([]byte(c.in))
		var got []string
		for _, r := range rows {
			if r.Problems != nil {
				t.Errorf("%s: %v", name, r.Problems)
			}
			got = append(got, r.Item.Maker+"|"+r.Item.Product+"|"+r.Item.Sealed.Version)
		}
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

func TestCSVProblemsNameRowAndColumn(t *testing.T) {
	_, rows, err := readAll([]byte("id,kind,maker,product,quantity,cpe,purl,addresses,zone,introduced_at,changed_at,operated_by\n" +
		"1,toaster,,B,0,cpe:/a:x,npm,http://x/,moon,2026-02-30,3/1,123\n" +
		"2,vpn,A\x00B,C,,,,,,2026-05-01,2026-04-01,1234567890123\n" +
		"3,vpn,\"" + strings.Repeat("x", 40_000) + "\",C\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{
		"row 2, column L asset.import.corporate_length", "row 2, column B asset.import.kind_unknown",
		"row 2, column E asset.import.quantity_bad", "row 2, column F asset.import.cpe_bad", "row 2, column G asset.import.purl_bad",
		"row 2, column I asset.import.zone_unknown", "row 2, column H asset.import.address_bad",
		"row 2, column J asset.import.date_bad", "row 2, column K asset.import.date_bad", "row 2, column C asset.import.maker_empty",
	}, {
		"row 3, column C asset.import.hidden_characters", "row 3, column L asset.import.corporate_check",
		"row 3, column K asset.import.changed_before_introduced",
	}, {"row 4, column C asset.import.cell_long"}}
	for i, w := range want {
		if d := cmp.Diff(w, spots(rows[i].Problems)); d != "" {
			t.Errorf("row %d: %s", i+2, d)
		}
		say(t, fault.New(fault.Invalid, "asset.import.file_empty").At(rows[i].Problems...))
	}
	if got := rows[0].Problems[1].Args; got["row"] != 2 || got["col"] != "B" || got["value"] != "toaster" {
		t.Errorf("%v", got)
	}
}

func TestCSVThatCannotBeRead(t *testing.T) {
	many := "maker,product" + strings.Repeat(",x", MaxColumns) + "\n"
	further := "maker,product"
	for i := range MaxFurther + 1 {
		further += fmt.Sprintf(",c%d", i)
	}
	for name, c := range map[string]struct {
		in   string
		want string
		kind fault.Kind
	}{
		"empty":             {"", "asset.import.file_empty", fault.Usage},
		"blank":             {" \r\n\r\n", "asset.import.file_empty", fault.Usage},
		"only commas":       {",,,\n,,,\n", "asset.import.file_empty", fault.Usage},
		"no header":         {"A,B\nC,D\n", "asset.import.header_missing", fault.Invalid},
		"no maker":          {"id,product\n1,2\n", "asset.import.maker_column_missing", fault.Invalid},
		"no product":        {"id,メーカー\n1,2\n", "asset.import.product_column_missing", fault.Invalid},
		"two makers":        {"maker,product,maker\n", "asset.import.column_twice", fault.Invalid},
		"open quote":        {"maker,product\nA,\"B\nC,D\n", "asset.import.csv_quote", fault.Usage},
		"columns":           {many, "asset.import.columns_many", fault.TooLarge},
		"cells":             {"maker,product\n" + strings.Repeat(",", 20_000), "asset.import.columns_many", fault.TooLarge},
		"further":           {further + "\n", "asset.import.further_columns", fault.TooLarge},
		"pdf":               {"%PDF-1.7\n\x00\x01\x02\x03", "asset.import.file_unknown", fault.Usage},
		"html":              {"<html><table>", "asset.import.file_unknown", fault.Usage},
		"nul":               {"maker\x00\x00\x00\x00\x00\x00\x00\x00,product", "asset.import.file_unknown", fault.Usage},
		"rows":              {"maker,product\n" + strings.Repeat("A,B\n", MaxRows+1), "asset.import.rows_many", fault.TooLarge},
		"rows of nothing":   {"maker,product\n" + strings.Repeat("\n", maxSheetRows+1), "asset.import.rows_many", fault.TooLarge},
		"header far down":   {strings.Repeat("x,y\n", headRows) + "maker,product\nA,B\n", "asset.import.header_missing", fault.Invalid},
		"header of control": {"maker,product,a\x01b\nA,B,C\n", "asset.import.file_unknown", fault.Usage},
	} {
		_, _, err := readAll([]byte(c.in))
		f := fault.Of(err)
		if err == nil || f.Code != c.want || f.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
		}
		say(t, err)
	}
	_, err := Read("x", strings.NewReader(""), MaxFile+1, nil)
	if fault.Of(err).Code != "asset.import.file_large" {
		t.Error(err)
	}
}

func TestReadReturnsTheErrorOfYield(t *testing.T) {
	stop := errors.New("stop")
	for name, raw := range map[string][]byte{"csv": []byte("maker,product\nA,B\n"), "json": []byte(deviceBOM), "xlsx": sheetXLSX(t, simpleSheet)} {
		if _, err := Read("x", bytes.NewReader(raw), int64(len(raw)), func(Row) error { return stop }); err != stop {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestColumnWithoutHeaderIsReportedOnce(t *testing.T) {
	f, _, err := readAll([]byte("maker,product,\nA,B,lost\nA,C,lost\n"))
	if err != nil || !cmp.Equal(spots(f.Notes), []string{"row 2, column C asset.import.column_nameless"}) {
		t.Errorf("%v %v", f.Notes, err)
	}
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte(japaneseList))
	f.Add([]byte("maker,product,further\n\"A\",\"\"\"\",=1+1\n"))
	f.Add([]byte("sep=;\nmaker;product\r\x00;\xff\xfe"))
	sjis, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(japaneseList))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sjis)
	f.Fuzz(func(t *testing.T, raw []byte) { checkRead(t, raw) })
}

// checkRead holds what is true of every file: it is read or refused with a
// classified fault, and a good row survives being written and read again.
func checkRead(t *testing.T, raw []byte) {
	_, rows, err := readAll(raw)
	if err != nil && fault.KindOf(err) == fault.Internal {
		t.Fatalf("unclassified: %v", err)
	}
	for _, r := range rows {
		if len(r.Problems) > 0 {
			continue
		}
		if r.Item.Maker == "" || r.Item.Product == "" || r.Item.Quantity < 1 || r.Item.Kind == "" {
			t.Fatalf("incomplete: %+v", r.Item)
		}
		var d Draft
		for _, f := range Fields() {
			d.Values[f] = r.Item.Value(f)
		}
		d.Further = r.Item.Further
		again, problems := New(&d, nil)
		if problems != nil || !cmp.Equal(r.Item, again) {
			t.Fatalf("not stable: %v\n%s", problems, cmp.Diff(r.Item, again))
		}
	}
}
