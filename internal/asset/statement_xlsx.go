package asset

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"noroshi/internal/base/text"
)

// WriteXLSX writes the statement as a workbook: a cover and one sheet per
// table. Every cell is text; none is a formula, whatever the input held.
func (s *Statement) WriteXLSX(w io.Writer, r *Rules, say text.Printer) error {
	v := s.View(r, say)
	f := excelize.NewFile()
	defer f.Close()
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}, Border: []excelize.Border{{Type: "bottom", Style: 2, Color: "1a1f25"}}})
	if err != nil {
		return fmt.Errorf("statement workbook: %w", err)
	}
	plain, err := f.NewStyle(&excelize.Style{NumFmt: 49, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}}) // 49 is "@": text stays text when edited
	if err != nil {
		return fmt.Errorf("statement workbook: %w", err)
	}
	cover := ViewTable{Name: say.T("asset.statement.sheet_cover"), Heads: []string{v.Title, v.Number}}
	for _, row := range v.Cover {
		cover.Rows = append(cover.Rows, row[:])
	}
	for _, note := range []string{v.Warn, v.Note} {
		if note != "" {
			cover.Rows = append(cover.Rows, []string{"", note})
		}
	}
	for i, t := range append([]ViewTable{cover}, v.Tables...) {
		name := sheetName(t.Name)
		if i == 0 {
			err = f.SetSheetName(f.GetSheetName(0), name)
		} else {
			_, err = f.NewSheet(name)
		}
		if err != nil {
			return fmt.Errorf("statement workbook: %w", err)
		}
		if err := writeSheet(f, name, &t, bold, plain); err != nil {
			return fmt.Errorf("statement workbook: sheet %s: %w", name, err)
		}
	}
	if _, err := f.WriteTo(w); err != nil {
		return fmt.Errorf("statement workbook: %w", err)
	}
	return nil
}

func writeSheet(f *excelize.File, name string, t *ViewTable, bold, plain int) error {
	sw, err := f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	for i, h := range t.Heads {
		width := 14.0
		if len(t.Heads) == 2 && i == 1 {
			width = 60
		} else if w := textWidth(h)/6 + 4; w > width {
			width = w
		}
		if err := sw.SetColWidth(i+1, i+1, width); err != nil {
			return err
		}
	}
	if err := sw.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	line := 0
	write := func(cells []string, style int) error {
		line++
		at, err := excelize.CoordinatesToCellName(1, line)
		if err != nil {
			return err
		}
		row := make([]any, len(cells))
		for i, c := range cells {
			row[i] = excelize.Cell{StyleID: style, Value: inert(c)}
		}
		return sw.SetRow(at, row)
	}
	if err := write(t.Heads, bold); err != nil {
		return err
	}
	for _, row := range t.Rows {
		if err := write(row, plain); err != nil {
			return err
		}
	}
	if t.Note != "" {
		if err := write([]string{t.Note}, plain); err != nil {
			return err
		}
	}
	return sw.Flush()
}

// inert makes a text safe to stand in a cell: a spreadsheet must not take it
// for a formula, neither here nor after somebody saves the sheet as CSV, and no
// character is one that a workbook cannot hold. What could begin a formula gets
// an apostrophe in front.
func inert(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	const most = 32_767 // characters of a cell, counted in UTF-16 by Excel
	if len(s) > most {
		n := 0
		for i, r := range s {
			if n++; r > 0xffff {
				n++
			}
			if n > most-2 { // room for the apostrophe and the ellipsis
				s = s[:i] + "…"
				break
			}
		}
	}
	if first, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \n\u3000")); strings.ContainsRune("=+-@＝＋－＠", first) {
		return "'" + s
	}
	return s
}

// sheetName makes a text a valid name of a sheet: at most 31 characters, none
// of them one that Excel reserves.
func sheetName(s string) string {
	s = strings.NewReplacer(":", " ", "\\", " ", "/", " ", "?", " ", "*", " ", "[", "(", "]", ")", "'", "").Replace(s)
	if r := []rune(s); len(r) > 31 {
		s = string(r[:31])
	}
	return s
}
