package exposure

import (
	"bytes"
	"encoding/xml"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

func TestPictures(t *testing.T) {
	words, err := text.Load(Words, page.Words)
	if err != nil {
		t.Fatal(err)
	}
	p := words.Printer(text.JA, nil)
	h := &heat{Rows: []string{"EdgeGate 410", `<b>&"quoted" and a name far longer than what fits into the label`, "Post 6"}, Cols: []string{"電気", "クレジットカード", "金融"}, Say: `3製品と3分野。"<&>"`,
		Cells: map[[2]int]Range{{0, 0}: {1, 4}, {0, 1}: {7, 7}, {1, 2}: {12, 12}, {2, 0}: {80, 80}, {2, 2}: {0, 0}}}
	var weeks []Week
	for i := range historyWeeks {
		weeks = append(weeks, Week{At: time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, 7*i), By: map[Priority]int{Act: i % 3, Attend: 2 * i, Track: 5}})
	}
	for name, svg := range map[string]string{
		"heat":        string(h.SVG()),
		"heat_empty":  string((&heat{Say: "なし"}).SVG()),
		"weeks":       string(weeksSVG(p, weeks, "13週", weeksHeight)),
		"weeks_empty": string(weeksSVG(p, []Week{{At: weeks[0].At}}, "空", weeksHeightPaper)),
		"range":       string(rangeSVG(p, &Ground{From: "9.1.0", To: "9.1.8", Version: "9.1.5"}, "<範囲>")),
		"range_open":  string(rangeSVG(p, &Ground{To: "9.1.8", Through: true, Version: "9.1.8"}, "範囲")),
	} {
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s is no XML: %v\n%s", name, err, svg)
			}
		}
		if !strings.Contains(svg, `role="img" aria-label="`) || strings.Contains(svg, "style=") || strings.Contains(svg, "NaN") || strings.Contains(svg, "<b>") {
			t.Errorf("%s: %s", name, svg)
		}
		golden(t, "picture_"+name+".golden.svg", []byte(svg))
	}
	if n := roundStep(1); n != 1 {
		t.Error(n)
	}
	for top := 1; top < 100_000; top = top*3/2 + 1 {
		if n := roundStep(top); top > 5*n || n > 1 && top <= n {
			t.Errorf("%d lines of %d", top, n)
		}
	}
}

func TestPictureCSV(t *testing.T) {
	var b strings.Builder
	if err := WriteCSV(&b, []Square{{Sector: "electricity", Product: "=cmd()", Key: "cpe:o:orvane:edgegate", Week: "2026-11-16", Priority: Act, Orgs: Range{1, 4}, Rows: Range{10, 99}, Devices: Range{12, 12}}}); err != nil {
		t.Fatal(err)
	}
	golden(t, "picture.golden.csv", []byte(b.String()))
}

// Every cell of a picture is a range where it is small, whatever is drawn.
func TestSmallCountsStayRanges(t *testing.T) {
	for n := range 2000 {
		r := rangeOf(n)
		if n > 0 && n < smallCount && (r.Min == r.Max || heatStep(r) != len(heatSteps)-1) || n >= smallCount && r.Min != n {
			t.Errorf("%d: %v", n, r)
		}
		sum := added(r, rangeOf(1))
		if sum.Min == sum.Max {
			t.Errorf("%d and one more tell that it is one: %v", n, sum)
		}
	}
	if _, err := os.Stat("testdata"); err != nil {
		t.Error(err)
	}
}

var update = flag.Bool("update", false, "write golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}
