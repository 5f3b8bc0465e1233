package asset

import (
	"io"
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// maxWarnRows is how many rows a warning names; its number counts them all.
const maxWarnRows = 20

// Checked is the result of checking an equipment list without a hub: what the
// file is, which rows cannot be accepted, and what else deserves a look.
type Checked struct {
	Name       string           `json:"file"`
	File       File             `json:"read"`
	Rows       int              `json:"rows"`
	Valid      int              `json:"valid"`
	Invalid    int              `json:"invalid"`
	Duplicate  int              `json:"duplicate"`
	Clean      bool             `json:"clean"` // no row is invalid
	Problems   []CheckedRow     `json:"problems"`
	Duplicates []CheckedCopy    `json:"duplicates"`
	Notes      []CheckedRow     `json:"notes"` // accepted, but a person should look
	Warnings   []CheckedWarning `json:"warnings"`
	Register   Tally            `json:"register"` // of the valid rows
}

// CheckedRow is one row with what was found in it.
type CheckedRow struct {
	Place    string    `json:"place"` // "row 23" of a table, "/components/3" of a CycloneDX document; empty = the whole file
	Row      int       `json:"row,omitempty"`
	Maker    string    `json:"maker,omitempty"`
	Product  string    `json:"product,omitempty"`
	Findings []Finding `json:"findings"`
}

// Finding is one thing found at one place. Say is its sentence, once the
// result has been put into words.
type Finding struct {
	At   string     `json:"at"`
	Code string     `json:"code"`
	Args fault.Args `json:"args,omitempty"`
	Say  string     `json:"say,omitempty"`
}

// CheckedCopy is a row that repeats an earlier one.
type CheckedCopy struct {
	Place  string `json:"place"`
	Row    int    `json:"row"`
	SameAs string `json:"same_as"`
}

// CheckedWarning is a gap that valid rows have: what is missing for warnings to
// reach the equipment, or that its support ends.
type CheckedWarning struct {
	ID      string `json:"id"`      // of the gap; "support_ended" and "support_ending"
	Level   string `json:"level"`   // act, attend or watch
	Devices int    `json:"devices"` // quantity counted
	Entries int    `json:"entries"`
	Rows    []int  `json:"rows"` // the first of them
	Say     string `json:"say,omitempty"`
}

// Check reads an equipment list and checks it as an import would, against an
// empty register, as of a day. Its error is that of [Read]: a list with wrong
// rows is a result, not an error.
func (r *Rules) Check(name string, in io.ReaderAt, size int64, today Date) (*Checked, error) {
	var rows []Row
	file, err := Read(name, in, size, func(row Row) error {
		rows = append(rows, row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	plan := NewPlan(nil, rows, false)
	c := &Checked{
		Name: name, File: file, Rows: plan.Counts.Rows, Valid: plan.Counts.Added, Invalid: plan.Counts.Invalid, Duplicate: plan.Counts.Duplicate, Clean: plan.Counts.Invalid == 0,
		Problems: []CheckedRow{}, Duplicates: []CheckedCopy{}, Notes: []CheckedRow{}, Warnings: []CheckedWarning{},
	}
	if len(file.Notes) > 0 {
		c.Notes = append(c.Notes, CheckedRow{Findings: findings(file.Notes)})
	}
	warn := map[string]*CheckedWarning{}
	for i := range plan.Rows {
		row := &plan.Rows[i]
		switch row.Outcome {
		case Invalid:
			c.Problems = append(c.Problems, CheckedRow{row.Place, row.Number, row.Item.Maker, row.Item.Product, findings(row.Problems)})
			continue
		case Duplicate:
			c.Duplicates = append(c.Duplicates, CheckedCopy{row.Place, row.Number, row.SameAs})
			continue
		}
		if len(row.Notes) > 0 {
			c.Notes = append(c.Notes, CheckedRow{row.Place, row.Number, row.Item.Maker, row.Item.Product, findings(row.Notes)})
		}
		c.Register.Add(r, row.Item, today)
		for _, g := range r.Lacks(row.Item) {
			noteGap(warn, g.ID, g.Level, row)
		}
		switch r.Support(row.Item, today) {
		case SupportEnded:
			noteGap(warn, "support_ended", "act", row)
		case SupportEnding:
			noteGap(warn, "support_ending", "attend", row)
		}
	}
	for _, w := range warn {
		c.Warnings = append(c.Warnings, *w)
	}
	levels := []string{"act", "attend", "watch"}
	slices.SortFunc(c.Warnings, func(a, b CheckedWarning) int {
		if d := slices.Index(levels, a.Level) - slices.Index(levels, b.Level); d != 0 {
			return d
		}
		if d := b.Devices - a.Devices; d != 0 {
			return d
		}
		return strings.Compare(a.ID, b.ID)
	})
	return c, nil
}

func noteGap(warn map[string]*CheckedWarning, id, level string, row *PlannedRow) {
	w := warn[id]
	if w == nil {
		w = &CheckedWarning{ID: id, Level: level}
		warn[id] = w
	}
	w.Entries++
	w.Devices += max(1, row.Item.Quantity)
	if len(w.Rows) < maxWarnRows {
		w.Rows = append(w.Rows, row.Number)
	}
}

func findings(places []fault.Place) []Finding {
	out := make([]Finding, len(places))
	for i, p := range places {
		out[i] = Finding{At: p.At, Code: p.Code, Args: p.Args}
	}
	return out
}

// Speak fills in the sentence of every finding and warning.
func (c *Checked) Speak(say text.Printer) {
	for _, rows := range [][]CheckedRow{c.Problems, c.Notes} {
		for i := range rows {
			for j := range rows[i].Findings {
				f := &rows[i].Findings[j]
				f.Say = sayPlace(say, fault.Place{At: f.At, Code: f.Code, Args: f.Args})
			}
		}
	}
	for i := range c.Warnings {
		w := &c.Warnings[i]
		w.Say = say.T("asset.gap."+w.ID, "n", w.Devices)
	}
}

// sayPlace says one problem. Sentences of a table name row and column
// themselves; the others are led by their place.
func sayPlace(say text.Printer, p fault.Place) string {
	s := say.Fault(fault.New(fault.Invalid, p.Code).At(p)).Places[0].Say
	if _, named := p.Args["row"]; named || p.At == "" {
		return s
	}
	return p.At + ": " + s
}

// maxShown is how many rows of each sort a person is shown.
const maxShown = 50

// WriteText writes the result for a person. Speak comes first.
func (c *Checked) WriteText(w io.Writer, say text.Printer) error {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	line(say.T("asset.check.read", "file", c.Name, "rows", c.Rows, "format", string(c.File.Format)))
	if c.File.Encoding != "" {
		line(say.T("asset.check.encoding", "encoding", c.File.Encoding))
	}
	line(say.T("asset.check.summary", "invalid", c.Invalid, "duplicate", c.Duplicate, "valid", c.Valid))
	if n := c.Register.Excluded; n > 0 {
		line(say.T("asset.check.excluded", "n", n))
	}
	list := func(head string, n int, each func(i int)) {
		if n == 0 {
			return
		}
		line("\n" + head)
		for i := range min(n, maxShown) {
			each(i)
		}
		if n > maxShown {
			line("  " + say.T("asset.check.first_invalid", "n", n-maxShown))
		}
	}
	rows := func(rows []CheckedRow) func(int) {
		return func(i int) {
			for _, f := range rows[i].Findings {
				line("  " + f.Say)
			}
		}
	}
	list(say.T("asset.check.invalid", "n", c.Invalid), len(c.Problems), rows(c.Problems))
	list(say.T("asset.check.duplicate", "n", c.Duplicate), len(c.Duplicates), func(i int) {
		d := c.Duplicates[i]
		line("  " + say.T("asset.check.same_as", "place", c.sayRow(say, d.Row, d.Place), "other", c.sayRow(say, rowNumber(d.SameAs), d.SameAs)))
	})
	list(say.T("asset.check.warnings"), len(c.Warnings), func(i int) {
		line("  " + say.T("asset.check.level_"+c.Warnings[i].Level) + "  " + c.Warnings[i].Say + c.sayRows(say, &c.Warnings[i]))
	})
	list(say.T("asset.check.notes"), len(c.Notes), rows(c.Notes))
	if c.Clean {
		line("\n" + say.T("asset.check.clean"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// sayRow names a row of a table in the reader's language; the pointer of a
// document is the same in both.
func (c *Checked) sayRow(say text.Printer, n int, place string) string {
	if c.File.Format == FormatCycloneDX || n == 0 {
		return place
	}
	return say.T("asset.check.row", "n", strconv.Itoa(n))
}

func rowNumber(place string) int {
	n, err := strconv.Atoi(strings.TrimPrefix(place, "row "))
	if err != nil {
		return 0
	}
	return n
}

func (c *Checked) sayRows(say text.Printer, w *CheckedWarning) string {
	if c.File.Format == FormatCycloneDX {
		return ""
	}
	const most = 5
	var names []string
	for _, n := range w.Rows[:min(most, len(w.Rows))] {
		names = append(names, c.sayRow(say, n, ""))
	}
	s := strings.Join(names, say.T("asset.check.comma"))
	if w.Entries > most {
		s += say.T("asset.check.comma") + say.T("asset.check.more", "n", w.Entries-most)
	}
	return say.T("asset.check.rows", "rows", s)
}
