package asset

import (
	"errors"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
)

// headRows is how many rows with content may stand above the header: a title,
// a date, a remark.
const headRows = 20

// cell is one cell of a table as its reader found it.
type cell struct {
	text    string
	number  bool    // stored as a number, and shown as one
	serial  float64 // the number
	formula bool    // text is the cached result of a formula
	trouble string  // code of what makes the cell useless, or empty
}

// table turns rows of cells into Rows: finds the header, maps the columns,
// checks every row.
type table struct {
	file     *File
	yield    func(Row) error
	from1904 bool
	stop     error // what yield failed with

	head     int // rows with content seen before the header
	found    bool
	best     []string // headers of the most header-like row, for the message
	bestN    int
	fields   [fieldCount]int   // column of each field, -1 = none
	further  []further         // columns kept as further fields
	others   map[string]string // further fields of the row at hand
	nameless map[int]bool      // columns without header that had content, reported once
}

type further struct {
	col  int
	name string
}

// errStop is what row returns when yield failed with t.stop.
var errStop = errors.New("the caller stopped the reading")

var errNoHeader = fault.New(fault.Invalid, "asset.import.header_missing")

func newTable(f *File, yield func(Row) error) *table {
	return &table{file: f, yield: yield, nameless: map[int]bool{}, others: map[string]string{}}
}

// row takes the next row; number is the spreadsheet's. The cells are only
// read until row returns.
func (t *table) row(number int, cells []cell) error {
	last := -1
	for i := range cells {
		if cells[i].text != "" || cells[i].trouble != "" {
			last = i
		}
	}
	if last < 0 || blank(cells) {
		return nil
	}
	if last >= MaxColumns {
		return fault.New(fault.TooLarge, "asset.import.columns_many", "row", number, "max", MaxColumns)
	}
	if !t.found {
		return t.header(number, cells[:last+1])
	}
	if t.file.Rows == MaxRows {
		return fault.New(fault.TooLarge, "asset.import.rows_many", "max", MaxRows)
	}
	t.file.Rows++
	if t.stop = t.yield(t.item(number, cells[:last+1])); t.stop != nil {
		return errStop
	}
	return nil
}

func blank(cells []cell) bool {
	for i := range cells {
		if cells[i].trouble != "" || strings.TrimSpace(cells[i].text) != "" {
			return false
		}
	}
	return true
}

// header looks whether a row is the header: it names maker and product.
func (t *table) header(number int, cells []cell) error {
	var rank [fieldCount]int
	for f := range t.fields {
		t.fields[f] = -1
	}
	known := 0
	var twice error
	for i := range cells {
		f, r, ok := fieldOf(cells[i].text)
		if !ok {
			continue
		}
		known++
		switch {
		case t.fields[f] < 0 || r < rank[f]:
			t.fields[f], rank[f] = i, r
		case r == rank[f]:
			twice = fault.New(fault.Invalid, "asset.import.column_twice", "name", clip(cells[i].text),
				"first", columnLetters(t.fields[f]), "second", columnLetters(i), "row", number)
		}
	}
	if t.fields[FieldMaker] < 0 || t.fields[FieldProduct] < 0 {
		if known > t.bestN || t.best == nil {
			t.bestN, t.best = known, nil
			for i := range cells {
				t.best = append(t.best, clip(cells[i].text))
			}
		}
		if t.head++; t.head == headRows {
			return errNoHeader
		}
		return nil
	}
	if twice != nil {
		return twice
	}
	t.found = true
	taken := map[int]bool{}
	for _, col := range t.fields {
		taken[col] = true
	}
	names := map[string]bool{}
	for i := range cells {
		name, ok := cleanLine(cells[i].text)
		if taken[i] || ok && name == "" {
			continue
		}
		if !ok || len(name) > MaxName {
			return fault.New(fault.Invalid, "asset.import.header_bad", "row", number, "col", columnLetters(i))
		}
		if names[name] { // two columns of one name: both are kept
			name += " (" + columnLetters(i) + ")"
		}
		names[name] = true
		t.further = append(t.further, further{i, name})
		t.file.Further = append(t.file.Further, name)
	}
	if len(t.further) > MaxFurther {
		return fault.New(fault.TooLarge, "asset.import.further_columns", "n", len(t.further), "max", MaxFurther)
	}
	return nil
}

// missing is the fault of a table that ended without a header.
func (t *table) missing() error {
	lacks := func(f Field) bool {
		for _, h := range t.best {
			if got, _, ok := fieldOf(h); ok && got == f {
				return false
			}
		}
		return true
	}
	seen := clip(strings.Join(t.best, ", "))
	switch {
	case t.best == nil:
		return fault.New(fault.Usage, "asset.import.file_empty")
	case t.bestN > 0 && lacks(FieldMaker) && !lacks(FieldProduct):
		return fault.New(fault.Invalid, "asset.import.maker_column_missing", "seen", seen)
	case t.bestN > 0 && lacks(FieldProduct) && !lacks(FieldMaker):
		return fault.New(fault.Invalid, "asset.import.product_column_missing", "seen", seen)
	}
	return fault.New(fault.Invalid, "asset.import.header_missing", "seen", seen)
}

func (t *table) item(number int, cells []cell) Row {
	at := func(col int, code string) fault.Place {
		num := strconv.Itoa(number)
		letters := columnLetters(col)
		return fault.Place{At: "row " + num + ", column " + letters, Code: "asset.import." + code, Args: fault.Args{"row": number, "col": letters}}
	}
	row := Row{Place: "row " + strconv.Itoa(number), Number: number}
	clear(t.others)
	d := Draft{Further: t.others}
	var broken []fault.Place
	use := func(col int) string {
		c := &cells[col]
		if c.trouble != "" {
			broken = append(broken, at(col, c.trouble))
			return ""
		}
		if c.formula {
			row.Notes = append(row.Notes, at(col, "formula"))
		}
		return c.text
	}
	var skip [fieldCount]bool // fields whose cell is already complained of
	for f := range Field(fieldCount) {
		col := t.fields[f]
		if col < 0 || col >= len(cells) {
			continue
		}
		n := len(broken)
		d.Values[f] = use(col)
		skip[f] = len(broken) > n
		switch c := &cells[col]; {
		case !c.number:
		case f == FieldVersion:
			row.Notes = append(row.Notes, at(col, "version_number"))
		case f == FieldIntroduced || f == FieldChanged || f == FieldSupportEnds:
			// 20260331 is a date typed as a number; a day number is small.
			if day, ok := serialDate(c.serial, t.from1904); ok {
				d.Values[f] = day.String()
			}
		}
	}
	for _, fu := range t.further {
		if fu.col < len(cells) && cells[fu.col] != (cell{}) {
			if v := use(fu.col); v != "" {
				t.others[fu.name] = v
			}
		}
	}
	it, problems := New(&d, func(f Field) fault.Place {
		col := t.fields[f]
		if col < 0 { // the field has no column of its own
			return fault.Place{At: row.Place, Code: "asset."}
		}
		return at(col, "")
	})
	row.Item = it
	row.assume(&d)
	row.Problems = broken
	for _, p := range problems {
		if t.complained(p, skip, at) {
			continue
		}
		if name, ok := strings.CutPrefix(p.At, "further/"); ok {
			for _, fu := range t.further {
				if clip(fu.name) == name {
					q := at(fu.col, "further_bad")
					q.Args["name"], q.Args["max"] = name, MaxFurtherV
					p = q
					break
				}
			}
		}
		row.Problems = append(row.Problems, p)
	}
	t.orphans(number, cells)
	return row
}

// complained reports whether a problem is only the echo of one its cell
// already has: a maker that could not be read is not also empty.
func (t *table) complained(p fault.Place, skip [fieldCount]bool, at func(int, string) fault.Place) bool {
	for f, s := range skip {
		if s && p.At == at(t.fields[f], "").At {
			return true
		}
	}
	return false
}

// orphans reports, once a column, content that stands under no header: it is
// not read, and somebody should know.
func (t *table) orphans(number int, cells []cell) {
	for i := range cells {
		if cells[i].text == "" || t.nameless[i] || t.mapped(i) {
			continue
		}
		t.nameless[i] = true
		num, letters := strconv.Itoa(number), columnLetters(i)
		t.file.Notes = append(t.file.Notes, fault.Place{
			At: "row " + num + ", column " + letters, Code: "asset.import.column_nameless", Args: fault.Args{"row": number, "col": letters},
		})
	}
}

func (t *table) mapped(col int) bool {
	for _, c := range t.fields {
		if c == col {
			return true
		}
	}
	for _, fu := range t.further {
		if fu.col == col {
			return true
		}
	}
	return false
}
