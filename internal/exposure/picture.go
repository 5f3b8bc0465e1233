package exposure

import (
	"fmt"
	"html"
	"html/template"
	"strconv"
	"strings"
	"unicode/utf8"

	"noroshi/internal/base/text"
)

// pictureWidth is the least width, in pixels, that a page gives a wide figure
// (.wide-fig); words are cut to fit in it. Places are in per cent, so that the
// figure stretches and its text does not.
const pictureWidth = 928

// heat is a matrix of counts: rows by columns, one hue in four steps.
type heat struct {
	Rows, Cols []string
	Cells      map[[2]int]Range // by row and column; none: nothing
	Say        string           // the picture in one sentence
}

// heatSteps are the counts from which a cell is darker, with its fill and the
// class of the number in it. A range is as dark as the least it can be.
var heatSteps = []struct {
	from       int
	fill, text string
}{{50, "h5", "t-c t-on"}, {10, "h4", "t-c t-on"}, {smallCount, "h2", "t-c t-b"}, {1, "h1", "t-c t-b"}}

func heatStep(r Range) int {
	for i, s := range heatSteps {
		if r.Max > 0 && r.Min >= s.from {
			return i
		}
	}
	return -1
}

const (
	heatLabel  = 23.0 // per cent of the width for the names of rows
	heatWidest = 14.0 // per cent of a column at most
	heatLine   = 30   // pixels of a row
	heatHead   = 58   // pixels over the rows
)

// SVG draws the matrix. Looks are classes, geometry is attributes: it follows
// the theme, and no content-security policy stands in its way.
func (h *heat) SVG() template.HTML {
	var b strings.Builder
	height := heatHead + heatLine*len(h.Rows) + 6
	b.Grow(1024 + 160*len(h.Cells))
	fmt.Fprintf(&b, `<svg class="fig" xmlns="http://www.w3.org/2000/svg" width="100%%" height="%d" role="img" aria-label="%s">`, height, html.EscapeString(h.Say))
	wide := min(heatWidest, (100-heatLabel)/float64(max(1, len(h.Cols))))
	for i, c := range h.Cols {
		lines := fold(c, pictureWidth*wide/100-4, 3)
		for j, l := range lines {
			fmt.Fprintf(&b, `<text x="%s" y="%d" class="t-c">%s</text>`, percent(heatLabel+wide*(float64(i)+.5)), heatHead-10-15*(len(lines)-1-j), html.EscapeString(l))
		}
	}
	for i, r := range h.Rows {
		y := heatHead + heatLine*i
		name := fold(r, pictureWidth*heatLabel/100-10, 1)
		fmt.Fprintf(&b, `<line x1="0" x2="100%%" y1="%d" y2="%d" class="grid"/><text x="0" y="%d">%s</text>`, y, y, y+20, html.EscapeString(strings.Join(name, "")))
		for j := range h.Cols {
			n, ok := h.Cells[[2]int{i, j}]
			step := heatStep(n)
			if !ok || step < 0 {
				continue
			}
			s := heatSteps[step]
			fmt.Fprintf(&b, `<rect x="%s" y="%d" width="%s" height="%d" class="%s"/><text x="%s" y="%d" class="%s">%s</text>`,
				percent(heatLabel+wide*float64(j)+.15), y+1, percent(wide-.3), heatLine-2, s.fill, percent(heatLabel+wide*(float64(j)+.5)), y+20, s.text, dash(n))
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String())
}

// dash writes a range for people: 1–4.
func dash(r Range) string { return strings.Replace(r.String(), "-", "–", 1) }

func percent(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

// fold breaks a name into at most n lines that fit into a width of pixels at
// 12 px, and cuts what does not.
func fold(s string, width float64, n int) (out []string) {
	var line strings.Builder
	used := 0.0
	words := strings.SplitAfter(s, " ")
	push := func() {
		if line.Len() > 0 {
			out = append(out, strings.TrimSpace(line.String()))
		}
		line.Reset()
		used = 0
	}
	for _, w := range words {
		if used > 0 && used+widthOf(w) > width {
			push()
		}
		for _, r := range w {
			if c := runeWidth(r); used+c > width {
				push()
				used = c
			} else {
				used += c
			}
			line.WriteRune(r)
		}
	}
	push()
	if len(out) > n {
		out = out[:n]
		last := out[n-1]
		for widthOf(last)+12 > width && last != "" {
			_, size := utf8.DecodeLastRuneInString(last)
			last = last[:len(last)-size]
		}
		out[n-1] = last + "…"
	}
	return out
}

func runeWidth(r rune) float64 {
	if r < 0x2000 {
		return 6.1
	}
	return 12
}

func widthOf(s string) (w float64) {
	for _, r := range s {
		w += runeWidth(r)
	}
	return w
}

// weekFills are the fills of the bars by priority, from the bottom up.
var weekFills = []struct {
	priority Priority
	fill     string
}{{Track, "f-rule"}, {Watch, "f-line"}, {Attend, "f-attend"}, {Act, "f-act"}}

// weeksSVG draws how many exposures waited at the end of each week: one bar a
// week, by priority, the most urgent on top; zero base; the last bar is now.
func weeksSVG(p text.Printer, weeks []Week, say string, height int) template.HTML {
	const roof = 22
	floor := height - 26
	top := 1
	for i := range weeks {
		top = max(top, weeks[i].Total())
	}
	step := roundStep(top)
	scale := float64(floor-roof) / float64((top+step-1)/step*step)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="track" xmlns="http://www.w3.org/2000/svg" height="%d" role="img" aria-label="%s">`, height, html.EscapeString(say))
	for n := step; n <= (top+step-1)/step*step; n += step {
		y := float64(floor) - scale*float64(n)
		fmt.Fprintf(&b, `<line x1="0" x2="100%%" y1="%.1f" y2="%.1f" class="grid"/><text x="0" y="%.1f">%s</text>`, y, y, y-4, html.EscapeString(p.T("exposure.web.n", "n", n)))
	}
	wide := 93.0 / float64(max(1, len(weeks)))
	for i := range weeks {
		x := 7 + wide*float64(i)
		y := float64(floor)
		for _, f := range weekFills {
			n := weeks[i].By[f.priority]
			if n == 0 {
				continue
			}
			h := scale * float64(n)
			y -= h
			fmt.Fprintf(&b, `<rect x="%s" y="%.1f" width="%s" height="%.1f" class="%s"/>`, percent(x), y, percent(wide*.72), max(h-1, .5), f.fill)
		}
		if i == len(weeks)-1 {
			fmt.Fprintf(&b, `<text x="%s" y="%.1f" text-anchor="middle" class="t-b">%s</text>`, percent(x+wide*.36), y-6, p.Number(int64(weeks[i].Total())))
		}
		if (len(weeks)-1-i)%4 == 0 {
			fmt.Fprintf(&b, `<text x="%s" y="%d" text-anchor="middle">%s</text>`, percent(x+wide*.36), floor+18, p.ShortDate(weeks[i].At, weeks[i].At))
		}
	}
	fmt.Fprintf(&b, `<line x1="0" x2="100%%" y1="%d" y2="%d" class="ax"/></svg>`, floor, floor)
	return template.HTML(b.String())
}

// roundStep is the distance of the lines behind bars that reach up to top: 1, 2
// or 5 times a power of ten, so that there are at most five of them.
func roundStep(top int) int {
	for unit := 1; ; unit *= 10 {
		for _, k := range []int{1, 2, 5} {
			if unit*k*5 >= top {
				return unit * k
			}
		}
	}
}

// rangeSVG draws the versions that are meant as a bar, and the registered
// version in it. It needs the two ends in order, not how far apart they are.
func rangeSVG(p text.Printer, g *Ground, say string) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="track" xmlns="http://www.w3.org/2000/svg" height="62" role="img" aria-label="%s"><line x1="0" x2="100%%" y1="32" y2="32" class="ax"/>`, html.EscapeString(say))
	left, right, at := 22.0, 78.0, 50.0
	if g.From == "" {
		left = 0
	}
	if g.To == "" {
		right = 100
	}
	switch {
	case g.Version == g.From:
		at = left
	case g.Version == g.To:
		at = right
	}
	fmt.Fprintf(&b, `<rect x="%s" width="%s" y="27" height="10" class="f-act"/>`, percent(left), percent(right-left))
	end := func(x float64, version string, meant bool) {
		if version == "" {
			return
		}
		fill := "f-paper s-act s2"
		if meant {
			fill = "f-act"
		}
		fmt.Fprintf(&b, `<svg x="%s" y="32" overflow="visible"><circle r="5" class="%s"/></svg><text x="%s" y="56" text-anchor="middle">%s</text>`, percent(x), fill, percent(x), html.EscapeString(version))
	}
	end(left, g.From, !g.After)
	end(right, g.To, g.Through)
	anchor := "middle"
	if at == 0 {
		anchor = "start"
	}
	fmt.Fprintf(&b, `<svg x="%s" y="32" overflow="visible"><path d="M0-7 7-17H-7Z" class="f-ink"/></svg><text x="%s" y="11" text-anchor="%s" class="t-b">%s</text></svg>`,
		percent(at), percent(at), anchor, html.EscapeString(p.T("exposure.web.your_version", "version", g.Version)))
	return template.HTML(b.String())
}
