package oversight

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/xuri/excelize/v2"

	"noroshi/internal/base/text"
)

// sheet is one table of a workbook.
type sheet struct {
	name   string
	widths []float64
	rows   [][]any
}

// XLSX renders a report as a workbook: the numbers, where it is from, and in the
// inspector's version the cases behind every number, one in each row.
func (out Report) XLSX(p text.Printer) ([]byte, error) {
	say := func(k string) string { return p.T("oversight.report." + k) }
	counts := sheet{say("sheet_counts"), []float64{44, 52, 16}, [][]any{{say("col_item"), say("col_what"), say("col_number")}}}
	cases := sheet{say("sheet_cases"), []float64{44, 52, 60}, [][]any{{say("col_item"), say("col_what"), say("cases")}}}
	for _, s := range out.Parts {
		for _, l := range s.Lines {
			var n any = l.Shown
			if l.Count != nil {
				n = *l.Count
			}
			counts.rows = append(counts.rows, []any{s.Title, l.Label, n})
			for _, c := range l.Cases {
				cases.rows = append(cases.rows, []any{s.Title, l.Label, c})
			}
		}
		if s.Note != "" {
			counts.rows = append(counts.rows, []any{s.Title, s.Note})
		}
	}
	source := sheet{say("sheet_source"), []float64{28, 90}, [][]any{
		{say("title"), calendarYear(out.Year, p)}, {say("version"), say(string(out.Version))}, {say("signer"), out.Signer}, {say("entries"), out.Entries}, {say("root"), out.Root},
		{say("last"), out.Last}, {say("verify"), say("verify_how")},
	}}
	if words := out.Unfinished(p); words != "" {
		source.rows = append(source.rows, []any{say("sheet_year"), words})
	}
	if out.Lost > 0 {
		source.rows = append(source.rows, []any{say("sheet_lost"), p.T("oversight.report.lost", "n", int64(out.Lost))})
	}
	all := []sheet{counts, source}
	if out.Version == ForInspector {
		all = []sheet{counts, cases, source}
	}
	return workbook(all)
}

// workbook writes tables, each on a sheet of its own whose head repeats in print
// on A4.
func workbook(all []sheet) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}, Border: []excelize.Border{{Type: "bottom", Style: 2, Color: "1a1f25"}}})
	if err != nil {
		return nil, fmt.Errorf("report workbook: %w", err)
	}
	plain, err := f.NewStyle(&excelize.Style{Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}})
	if err != nil {
		return nil, fmt.Errorf("report workbook: %w", err)
	}
	for i, s := range all {
		if i == 0 {
			err = f.SetSheetName(f.GetSheetName(0), s.name)
		} else {
			_, err = f.NewSheet(s.name)
		}
		if err == nil {
			err = fill(f, s, bold, plain)
		}
		if err != nil {
			return nil, fmt.Errorf("report workbook: sheet %s: %w", s.name, err)
		}
	}
	var b bytes.Buffer
	if _, err := f.WriteTo(&b); err != nil {
		return nil, fmt.Errorf("report workbook: %w", err)
	}
	return b.Bytes(), nil
}

func fill(f *excelize.File, s sheet, bold, plain int) error {
	for i, w := range s.widths {
		col, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		if err := f.SetColWidth(s.name, col, col, w); err != nil {
			return err
		}
	}
	for i, row := range s.rows {
		style := plain
		if i == 0 {
			style = bold
		}
		for j, v := range row {
			at, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return err
			}
			if text, ok := v.(string); ok {
				err = f.SetCellStr(s.name, at, inert(text))
			} else {
				err = f.SetCellValue(s.name, at, v)
			}
			if err == nil {
				err = f.SetCellStyle(s.name, at, at, style)
			}
			if err != nil {
				return err
			}
		}
	}
	a4, landscape, wide, tall := 9, "landscape", 1, 0
	if err := f.SetPageLayout(s.name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &tall}); err != nil {
		return err
	}
	if err := f.SetHeaderFooter(s.name, &excelize.HeaderFooterOptions{OddFooter: "&C&P / &N"}); err != nil {
		return err
	}
	return f.SetPanes(s.name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

// inert keeps a text of the log from being taken for a formula: what could begin
// one gets an apostrophe in front. Characters that a workbook cannot hold go.
func inert(s string) string {
	s = text.Printable(strings.ToValidUTF8(s, ""))
	if s != "" && strings.ContainsRune("=+-@", rune(s[0])) {
		return "'" + s
	}
	return s
}
