package page

import (
	"fmt"
	"html/template"
	"strings"
)

// Mass is one part of a whole in a chart.
type Mass struct {
	Label string
	N     int
	Class string // fill class of the stylesheet: f-act f-attend f-line f-rule f-good f-ai …
}

// Figure is a picture too wide for a small screen, such as a map of zones: it
// keeps its size and scrolls, and says so.
type Figure struct {
	Title string // the finding
	Note  string // what a mark is
	// SVG is <svg class="fig" viewBox="…" role="img" aria-label="a sentence">,
	// without style attributes; its words are escaped by whoever draws it.
	SVG   template.HTML
	Table string // address of the same as a table; empty draws none
}

// Squares draws one square per thing, most urgent first. Above 400 things a
// square stands for several, and the caption says of how many instead of Note.
type Squares struct {
	Title  string // the finding
	Note   string // what a square is, while it is one thing
	Unit   string // the word after a number of things: "台", "devices"
	Say    string // the picture in one sentence
	Parts  []Mass
	Across int // squares in a row; zero is 36
	Table  string
}

const most = 400

type square struct {
	X, Y  int
	Class string
}

func (d *drawer) squares(q Squares) (template.HTML, error) {
	across := q.Across
	if across <= 0 {
		across = 36
	}
	total := 0
	for _, p := range q.Parts {
		if p.N < 0 {
			return "", fmt.Errorf("squares: %s is negative", p.Label)
		}
		total += p.N
	}
	per := (total + most - 1) / most
	view := struct {
		Squares
		Width, Height, Per int
		Marks              []square
	}{Squares: q, Width: across*12 - 2, Per: max(per, 1)}
	for _, p := range q.Parts {
		for range (p.N + view.Per - 1) / view.Per {
			n := len(view.Marks)
			view.Marks = append(view.Marks, square{n % across * 12, n / across * 12, p.Class})
		}
	}
	if view.Per > 1 {
		if q.Unit == "" {
			return "", fmt.Errorf("squares: %d things to a square, and no unit to say so", view.Per)
		}
		view.Note = d.p.T("page.chart.per", "n", view.Per, "unit", q.Unit)
	}
	view.Height = max((len(view.Marks)+across-1)/across*12-2, 10)
	return d.html("page/squares", view)
}

// Bars is a bar chart with labels at the left and values at the bars. Bars
// start at zero and share the scale of the largest.
type Bars struct {
	Title string
	Note  string
	Say   string
	Unit  string
	Parts []Mass
	Table string // address of the same as table or CSV; empty draws none
}

type barRow struct {
	Mass
	W, TextX string
	Inside   bool
}

func (d *drawer) bars(b Bars) (template.HTML, error) {
	top := 1
	for _, p := range b.Parts {
		if p.N < 0 {
			return "", fmt.Errorf("bars: %s is negative", p.Label)
		}
		top = max(top, p.N)
	}
	view := struct {
		Bars
		Rows []barRow
	}{Bars: b}
	for _, p := range b.Parts {
		w := 84 * float64(p.N) / float64(top)
		if p.Class == "" {
			p.Class = "f-line"
		}
		view.Rows = append(view.Rows, barRow{Mass: p, W: percent(w), TextX: percent(w + 1)})
	}
	return d.html("page/bars", view)
}

// spark draws a line of numbers 16 px high, the last one marked. The words
// say what it shows.
func (d *drawer) spark(say string, values []int) (template.HTML, error) {
	if len(values) == 0 {
		return "", nil
	}
	lo, hi := min(0, values[0]), values[0]
	for _, v := range values {
		lo, hi = min(lo, v), max(hi, v)
	}
	const w, h = 96.0, 16.0
	span := float64(max(hi-lo, 1))
	step := w / float64(max(len(values)-1, 1))
	var b strings.Builder
	x, y := 0.0, 0.0
	for i, v := range values {
		x, y = float64(i)*step, h-1.5-(h-3)*float64(v-lo)/span
		fmt.Fprintf(&b, "%c%.1f %.1f", "ML"[min(i, 1)], x, y)
	}
	return d.html("page/spark", struct {
		Say, Path, X, Y string
	}{say, b.String(), fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", y)})
}
