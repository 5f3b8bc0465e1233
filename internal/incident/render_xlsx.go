package incident

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

// neutral makes a text harmless for a spreadsheet: one that a program could
// take for a formula, now or after it is edited or saved as CSV, gets an
// apostrophe before it. Full-width signs count too: Japanese input turns them
// into formulas. What no cell can hold, control characters and more than
// 32,767 characters, is taken out.
func neutral(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r == utf8.RuneError || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, strings.ReplaceAll(s, "\r\n", "\n"))
	head := strings.TrimLeft(s, " \u00a0\u3000\u200b\ufeff\n")
	if r, _ := utf8.DecodeRuneInString(head); head != "" && strings.ContainsRune("=+-@\t＝＋－＠", r) {
		s = "'" + s
	}
	return shortenCell(s)
}

const maxCell = 32767 // characters, in UTF-16 units, that a cell can hold

func shortenCell(s string) string {
	n := 0
	for i, r := range s {
		n++
		if r > 0xffff {
			n++
		}
		if n > maxCell-1 {
			return s[:i] + "…"
		}
	}
	return s
}

// XLSX renders the form as a workbook. With an official workbook that file is
// filled, and otherwise untouched; without one the layout is ours and says so.
// No cell is ever a formula.
func (s *Sheet) XLSX() ([]byte, error) {
	if s.profile.Official != nil {
		raw, err := s.profile.fillOfficial(func(c CellMap) string {
			if c.Text != "" {
				return neutral(s.compose(c.Text))
			}
			return neutral(s.compose("{" + string(c.Field) + "}"))
		})
		if err != nil {
			return nil, fmt.Errorf("fill the official workbook of %s: %w", s.Profile, err)
		}
		return raw, nil
	}
	w := &sheetWriter{s: s, f: excelize.NewFile(), name: s.say.T("incident.sheet.tab"), row: 1}
	defer w.f.Close()
	w.write()
	if w.err != nil {
		return nil, fmt.Errorf("render %s as XLSX: %w", s.Profile, w.err)
	}
	var b bytes.Buffer
	if err := w.f.Write(&b); err != nil {
		return nil, fmt.Errorf("render %s as XLSX: %w", s.Profile, err)
	}
	return b.Bytes(), nil
}

// sheetWriter writes rows downwards and keeps the first error.
type sheetWriter struct {
	s                                    *Sheet
	f                                    *excelize.File
	name                                 string
	row                                  int
	err                                  error
	title, strip, note, head, label, val int // styles
}

func (w *sheetWriter) do(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *sheetWriter) style(st *excelize.Style) int {
	id, err := w.f.NewStyle(st)
	w.do(err)
	return id
}

func (w *sheetWriter) set(col string, text string, style int) {
	cell := fmt.Sprintf("%s%d", col, w.row)
	w.do(w.f.SetCellStr(w.name, cell, neutral(text)))
	w.do(w.f.SetCellStyle(w.name, cell, cell, style))
}

// wide writes one text over the columns A to F.
func (w *sheetWriter) wide(text string, style int, height float64) {
	w.set("A", text, style)
	a, f := fmt.Sprintf("A%d", w.row), fmt.Sprintf("F%d", w.row)
	w.do(w.f.MergeCell(w.name, a, f))
	w.do(w.f.SetCellStyle(w.name, a, f, style))
	w.do(w.f.SetRowHeight(w.name, w.row, height))
	w.row++
}

// pair writes a label and its text over the columns B to F.
func (w *sheetWriter) pair(label, text string) {
	w.set("A", label, w.label)
	w.set("B", text, w.val)
	b, f := fmt.Sprintf("B%d", w.row), fmt.Sprintf("F%d", w.row)
	w.do(w.f.MergeCell(w.name, b, f))
	w.do(w.f.SetCellStyle(w.name, b, f, w.val))
	w.do(w.f.SetRowHeight(w.name, w.row, height(text, 72)))
	w.row++
}

// height guesses the points a text of full-width characters takes in a merged
// cell, which spreadsheets do not measure themselves.
func height(text string, perLine int) float64 {
	lines := 0
	for _, l := range strings.Split(text, "\n") {
		n := 0
		for _, r := range l {
			n++
			if r > 0xff {
				n++
			}
		}
		lines += 1 + n/perLine
	}
	return min(float64(lines)*15+3, 400)
}

func (w *sheetWriter) write() {
	border := []excelize.Border{{Type: "top", Color: "D6DAD9", Style: 1}, {Type: "bottom", Color: "D6DAD9", Style: 1}}
	wrap := &excelize.Alignment{WrapText: true, Vertical: "top"}
	w.do(w.f.SetSheetName("Sheet1", w.name))
	w.title = w.style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 16}, Alignment: wrap})
	w.strip = w.style(&excelize.Style{Font: &excelize.Font{Bold: true, Color: "FFFFFF"}, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"000000"}}, Alignment: wrap})
	w.note = w.style(&excelize.Style{Font: &excelize.Font{Size: 10, Color: "47505A"}, Alignment: wrap})
	w.head = w.style(&excelize.Style{Font: &excelize.Font{Bold: true, Size: 12}, Border: []excelize.Border{{Type: "top", Color: "1A1F25", Style: 2}}, Alignment: wrap})
	w.label = w.style(&excelize.Style{Font: &excelize.Font{Size: 10, Bold: true}, Border: border, Alignment: wrap})
	w.val = w.style(&excelize.Style{Font: &excelize.Font{Size: 10}, Border: border, Alignment: wrap, NumFmt: 49})
	w.do(w.f.SetColWidth(w.name, "A", "A", 28))
	w.do(w.f.SetColWidth(w.name, "B", "F", 15))

	s := w.s
	w.wide(s.Strip(), w.strip, 18)
	w.wide(s.Name, w.title, 24)
	w.wide(s.Basis, w.note, height(s.Basis, 100))
	w.wide(s.StatusLine(), w.note, 16)
	for _, n := range s.Notices {
		w.wide("※ "+n, w.note, height(n, 100))
	}
	w.pair(s.say.T("incident.sheet.to"), s.recipientsText())
	for _, c := range s.Clocks {
		w.pair(s.say.T("incident.sheet.clock", "stage", c.Name), c.Say)
	}
	for _, p := range s.Parts {
		w.wide(p.Title, w.head, 20)
		for _, l := range p.Lines {
			w.pair(l.Label, l.Text)
			w.table(l)
		}
	}
	w.wide(s.Foot(), w.note, 16)
	w.page()
}

// table writes the rows of a table, each as one text, so that any number of
// columns fits the page.
func (w *sheetWriter) table(l Line) {
	for i, row := range l.Cells {
		var parts []string
		for n, cell := range row {
			if cell != "" {
				parts = append(parts, w.s.say.T("incident.sheet.pair", "stage", l.Head[n], "says", cell))
			}
		}
		w.pair(fmt.Sprintf("%s %d", l.Label, i+1), strings.Join(parts, "\n"))
	}
}

// page sets A4, the repeated handling strip and the page numbers.
func (w *sheetWriter) page() {
	size, fit := 9, 0
	w.do(w.f.SetPageLayout(w.name, &excelize.PageLayoutOptions{Size: &size, FitToHeight: &fit}))
	yes := true
	w.do(w.f.SetSheetProps(w.name, &excelize.SheetPropsOptions{FitToPage: &yes}))
	w.do(w.f.SetHeaderFooter(w.name, &excelize.HeaderFooterOptions{OddFooter: "&C&P / &N"}))
	w.do(w.f.SetDefinedName(&excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: "'" + w.name + "'!$1:$1", Scope: w.name}))
	w.do(w.f.SetDocProps(&excelize.DocProperties{Title: neutral(w.s.Name), Creator: "Noroshi", Created: w.s.MadeAt.Format("2006-01-02T15:04:05Z"), Modified: w.s.MadeAt.Format("2006-01-02T15:04:05Z"), LastModifiedBy: "Noroshi"}))
}

// Strip returns the handling strip: the label, what it allows, and the state
// of the form.
func (s *Sheet) Strip() string {
	label, _ := s.mark("report.tlp")
	out := label + "　" + s.say.T("incident.sheet.purpose")
	if !s.InForce {
		out += "　" + s.say.T("incident.sheet.not_for_use")
	}
	return out
}

// StatusLine says whether the regime is law, since when, and where the form's
// rules come from.
func (s *Sheet) StatusLine() string {
	code := "incident.status." + string(s.Status)
	if s.Status == InForce && s.profile.EffectiveFrom != "" {
		code = "incident.status.in_force_from"
		if !s.InForce {
			code = "incident.status.not_yet"
		}
	}
	return s.say.T(code, "day", s.since(), "source", s.Source)
}

// since is the day from which the regime is law, in its own zone.
func (s *Sheet) since() string {
	there := s.say
	there.Zone = s.profile.effective.Location()
	return there.Date(s.profile.effective)
}

// Foot returns the line under the form: who made it, when, and from what.
func (s *Sheet) Foot() string {
	id := s.Report
	if id == "" {
		id = s.say.T("incident.sheet.draft")
	}
	return s.say.T("incident.sheet.foot", "at", s.say.Time(s.MadeAt), "profile", s.Profile, "id", id)
}

func (s *Sheet) recipientsText() string {
	out := make([]string, len(s.To))
	for i, a := range s.To {
		out[i] = a.Name
		if a.Desk != "" {
			out[i] += s.say.T("incident.sheet.desk", "desk", a.Desk)
		}
		if a.Withheld != "" {
			out[i] += " — " + a.Withheld
		}
	}
	return strings.Join(out, "\n")
}
