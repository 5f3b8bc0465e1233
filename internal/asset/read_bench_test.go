package asset

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/japanese"
)

const benchRows = 100_000

var benchHead = []string{
	"識別子", "種別", "メーカー", "製品名", "型番", "版", "CPE", "PURL", "数量", "重要な役務", "区画", "アドレス", "運用者", "設置場所", "導入日", "サポート終了日", "備考",
}

func benchRow(i int) []string {
	makers := []string{"フォーティネット", "Cisco Systems Inc.", "日本電気株式会社", "架空電機(株)", "パロアルトネットワークス"}
	products := []string{"FortiGate 60F", "ASA 5506-X", "UNIVERGE IX2310", "制御盤 KD-100", "PA-3220"}
	return []string{
		fmt.Sprintf("EQ-%06d", i), "ファイアウォール", makers[i%5], products[i%5], fmt.Sprintf("M-%d", i%400), fmt.Sprintf("%d.%d.%d", i%9, i%13, i%31),
		fmt.Sprintf("cpe:2.3:h:example:device_%d:-:*:*:*:*:*:*:*", i%500), "", "2", "送電の監視", "インターネット接続", fmt.Sprintf("192.0.%d.%d; 2001:db8:%x::%x", i>>8&255, i&255, i>>12, i&4095),
		"自社", fmt.Sprintf("第%d変電所", i%97), "令和8年3月31日", "2031/3/31", "備考欄",
	}
}

func benchCSV(testing.TB) []byte {
	var b bytes.Buffer
	b.WriteString(strings.Join(benchHead, ",") + "\n")
	for i := range benchRows {
		b.WriteString(strings.Join(benchRow(i), ",") + "\n")
	}
	return b.Bytes()
}

func benchSJIS(t testing.TB) []byte {
	raw, err := japanese.ShiftJIS.NewEncoder().Bytes(benchCSV(t))
	must(t, err)
	return raw
}

func benchXLSX(t testing.TB) []byte {
	x := excelize.NewFile()
	defer x.Close()
	w, err := x.NewStreamWriter("Sheet1")
	must(t, err)
	row := func(n int, cells []string) {
		out := make([]any, len(cells))
		for i, c := range cells {
			out[i] = c
		}
		must(t, w.SetRow(fmt.Sprint("A", n), out))
	}
	row(1, benchHead)
	for i := range benchRows {
		row(i+2, benchRow(i))
	}
	must(t, w.Flush())
	buf, err := x.WriteToBuffer()
	must(t, err)
	return buf.Bytes()
}

// benchShared is the same list with the texts in the shared table, as Excel saves it.
func benchShared(t testing.TB) []byte {
	index := map[string]int{}
	var strs, sheet strings.Builder
	row := func(n int, cells []string) {
		fmt.Fprintf(&sheet, `<row r="%d" spans="1:17">`, n)
		for i, c := range cells {
			at, ok := index[c]
			if !ok {
				at = len(index)
				index[c] = at
				fmt.Fprintf(&strs, `<si><t>%s</t></si>`, c)
			}
			fmt.Fprintf(&sheet, `<c r="%s%d" s="0" t="s"><v>%d</v></c>`, columnLetters(i), n, at)
		}
		sheet.WriteString("</row>")
	}
	row(1, benchHead)
	for i := range benchRows {
		row(i+2, benchRow(i))
	}
	p := book(data1(sheet.String()))
	p["xl/sharedStrings.xml"] = `<sst>` + strs.String() + `</sst>`
	return p.zip(t)
}

func benchCycloneDX(testing.TB) []byte {
	var b bytes.Buffer
	b.WriteString(`{"bomFormat":"CycloneDX","specVersion":"1.6","components":[`)
	for i := range benchRows {
		r := benchRow(i)
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"type":"device","manufacturer":{"name":%q},"name":%q,"version":%q,"cpe":%q,"properties":[{"name":"noroshi:id","value":%q},{"name":"noroshi:zone","value":"internet"},{"name":"noroshi:addresses","value":%q},{"name":"noroshi:site","value":%q}]}`,
			r[2], r[3], r[5], r[6], r[0], r[11], r[13])
	}
	b.WriteString("]}")
	return b.Bytes()
}

// BenchmarkRead reads and normalises 100,000 rows and keeps every one, as an
// import does; live-MB is what is then in use, besides the file.
func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name string
		make func(testing.TB) []byte
	}{{"csv", benchCSV}, {"csv-sjis", benchSJIS}, {"xlsx-inline", benchXLSX}, {"xlsx-shared", benchShared}, {"cyclonedx", benchCycloneDX}} {
		b.Run(c.name, func(b *testing.B) {
			raw := c.make(b)
			var before, after runtime.MemStats
			for b.Loop() {
				runtime.GC()
				runtime.ReadMemStats(&before)
				rows := make([]Row, 0, benchRows)
				_, err := Read(c.name, bytes.NewReader(raw), int64(len(raw)), func(r Row) error {
					if len(r.Problems) > 0 {
						return fmt.Errorf("%s: %v", r.Place, r.Problems)
					}
					rows = append(rows, r)
					return nil
				})
				if err != nil || len(rows) != benchRows {
					b.Fatal(err, len(rows))
				}
				runtime.GC()
				runtime.ReadMemStats(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "live-MB")
				runtime.KeepAlive(rows)
			}
			b.ReportMetric(float64(len(raw))/1e6, "file-MB")
			b.ReportMetric(float64(b.N)*benchRows/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkXML is the scanner beside encoding/xml on the same sheet.
func BenchmarkXML(b *testing.B) {
	var sheet strings.Builder
	sheet.WriteString("<worksheet><sheetData>")
	for i := range 20_000 {
		fmt.Fprintf(&sheet, `<row r="%d"><c r="A%d" s="1" t="s"><v>%d</v></c><c r="B%d" t="str"><v>架空電機 &amp; Co</v></c></row>`, i+1, i+1, i, i+1)
	}
	sheet.WriteString("</sheetData></worksheet>")
	s := sheet.String()
	b.Run("scanner", func(b *testing.B) {
		b.SetBytes(int64(len(s)))
		for b.Loop() {
			x := newXML(strings.NewReader(s))
			for {
				if _, err := x.next(); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("encoding-xml", func(b *testing.B) {
		b.SetBytes(int64(len(s)))
		for b.Loop() {
			if _, err := twin(s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
