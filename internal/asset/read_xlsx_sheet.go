package asset

import (
	"errors"
	"io"
	"math"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
)

// sheetReader reads one sheet, a row at a time.
type sheetReader struct {
	wb    *workbook
	t     *table
	x     *xmlScanner
	cells []cell
	buf   []byte
	texts *interner
	row   int // number of the row being read
	rows  int // row elements seen
}

// rows gives the rows of a sheet to the table.
func (wb *workbook) rows(s sheet, t *table) error {
	if s.part == "" {
		return brokenXLSX(s.name, errors.New("sheet without part"))
	}
	r := &sheetReader{wb: wb, t: t, texts: newInterner()}
	return wb.scan(s.part, func(x *xmlScanner) error {
		r.x = x
		if string(x.name) != "row" {
			return nil
		}
		return r.readRow()
	})
}

func (r *sheetReader) readRow() error {
	r.rows++
	next := r.row + 1
	if ref, ok := r.x.attr("r"); ok {
		n, err := strconv.Atoi(ref)
		if err != nil || n < next {
			return brokenXLSX("row "+ref, errors.New("rows out of order"))
		}
		next = n
	}
	r.row = next
	if r.row > maxSheetRows {
		return fault.New(fault.TooLarge, "asset.import.rows_many", "max", MaxRows)
	}
	r.cells = r.cells[:0]
	col := 0
	for {
		k, err := r.x.next()
		if err != nil {
			return unexpected(err)
		}
		switch {
		case k == xmlEnd:
			return r.t.row(r.row, r.cells)
		case k != xmlStart:
		case string(r.x.name) != "c":
			if err := r.x.skip(); err != nil {
				return unexpected(err)
			}
		default:
			if ref, ok := r.x.attr("r"); ok {
				n, ok := columnOf(ref)
				if !ok || n < col {
					return brokenXLSX("cell "+ref, errors.New("cells out of order"))
				}
				col = n
			}
			c, err := r.readCell()
			if err != nil {
				return unexpected(err)
			}
			if c != (cell{}) {
				if col >= MaxColumns {
					return fault.New(fault.TooLarge, "asset.import.columns_many", "row", r.row, "max", MaxColumns)
				}
				for len(r.cells) < col {
					r.cells = append(r.cells, cell{})
				}
				r.cells = append(r.cells, c)
			}
			col++
		}
	}
}

// unexpected turns an end inside an element into what it is.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return errXML
	}
	return err
}

// columnOf returns the column of a reference such as AB12, A being 0.
func columnOf(ref string) (int, bool) {
	n, i := 0, 0
	for i < len(ref) && i < 4 && ref[i] >= 'A' && ref[i] <= 'Z' {
		n = n*26 + int(ref[i]-'A') + 1
		i++
	}
	return n - 1, i > 0 && n <= 16_384 && (i == len(ref) || digit(ref[i]))
}

// readCell reads a c element to its end.
func (r *sheetReader) readCell() (cell, error) {
	kind, _ := r.x.attr("t")
	style, _ := r.x.attr("s")
	var c cell
	r.buf = r.buf[:0]
	value, over := false, false
	depth, inValue := 1, false
	for depth > 0 {
		k, err := r.x.next()
		if err != nil {
			return c, err
		}
		switch k {
		case xmlEnd:
			inValue = false
			depth--
		case xmlText:
			if inValue && len(r.buf) <= MaxCell {
				r.buf = append(r.buf, r.x.text...)
				over = over || r.x.over
			}
		case xmlStart:
			switch string(r.x.name) {
			case "v":
				value, inValue = true, true
				depth++
			case "f":
				c.formula = true
				if err := r.x.skip(); err != nil {
					return c, err
				}
			case "is":
				var long bool
				if r.buf, long, err = richText(r.x, r.buf[:0]); err != nil {
					return c, err
				}
				value, over = true, over || long
			default:
				if err := r.x.skip(); err != nil {
					return c, err
				}
			}
		}
	}
	if over || len(r.buf) > MaxCell {
		return cell{text: cut(string(r.buf), 40), trouble: "cell_long"}, nil
	}
	if !value {
		if c.formula {
			c.trouble = "formula_empty"
		}
		return c, nil
	}
	return r.decode(c, kind, style), nil
}

// decode gives the text of a cell its meaning (ECMA-376 part 1, 18.18.11).
func (r *sheetReader) decode(c cell, kind, style string) cell {
	switch kind {
	case "s":
		n, err := strconv.Atoi(strings.TrimSpace(string(r.buf)))
		text, long, ok := r.wb.shared.get(n)
		switch {
		case err != nil || !ok:
			c.trouble = "cell_broken"
		case long:
			c.text, c.trouble = string(text), "cell_long"
		default:
			c.text = r.texts.text(text)
		}
	case "str", "d":
		c.text = r.texts.text(appendEscaped(nil, r.buf))
	case "inlineStr":
		c.text = r.texts.text(r.buf)
	case "b":
		c.text = "FALSE"
		if strings.TrimSpace(string(r.buf)) == "1" {
			c.text = "TRUE"
		}
	case "e":
		c.text, c.trouble = cut(string(r.buf), 40), "cell_error"
	case "", "n":
		raw := strings.TrimSpace(string(r.buf))
		if raw == "" {
			return c
		}
		f, err := strconv.ParseFloat(raw, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			c.text, c.trouble = cut(raw, 40), "cell_broken"
			return c
		}
		if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(r.wb.dates) && r.wb.dates[n] {
			if d, ok := serialDate(f, r.wb.from1904); ok {
				c.text = d.String()
				return c
			}
		}
		// 15 digits are what a spreadsheet shows; the rest is binary noise.
		c.text, c.number, c.serial = strconv.FormatFloat(f, 'g', 15, 64), true, f
	default:
		c.text, c.trouble = cut(string(r.buf), 40), "cell_broken"
	}
	return c
}
