package asset

import (
	"fmt"
	"html"
	"strconv"
	"strings"
	"unicode"

	"noroshi/internal/base/text"
)

// minFigure is the least width a page may give the figure, in pixels: below
// that it scrolls (.wide-fig), so that text never shrinks.
const minFigure = 928

// legendHeight is the strip under the drawing that says what the marks mean.
const legendHeight = 28

// SVG draws the picture as one inline element: looks by class, geometry in
// attributes, no style and no script, so that it follows the page's theme and
// its content-security policy. It has no viewBox: it stretches, its text does
// not. The whole is an image with one sentence; the same content belongs in a
// table beside it.
func (p *Picture) SVG(say text.Printer) string {
	l := p.Layout()
	var b strings.Builder
	b.Grow(4096 + 900*len(p.Nodes) + 300*len(p.Links))
	h := l.Height + legendHeight
	fmt.Fprintf(&b, `<svg class="fig" xmlns="http://www.w3.org/2000/svg" width="100%%" height="%d" role="img" aria-label="%s">`, h, svgText(p.Sentence(say)))
	for i, c := range l.Columns {
		ground := "f-sunken"
		if i%2 == 1 {
			ground = "f-none"
		}
		fmt.Fprintf(&b, `<rect x="%s" y="0" width="%s" height="%d" class="%s"/>`, pct(c.X), pct(c.W), l.Height, ground)
		fmt.Fprintf(&b, `<text x="%s" y="24" class="t-b">%s</text>`, pct(c.X+c.W*boxLeft), svgText(say.T(zoneWord(c.Zone))))
	}
	// Hot wires come first in the data and last in the drawing, on top.
	for i := len(l.Wires) - 1; i >= 0; i-- {
		class := "s-rule"
		if p.Links[l.Wires[i].Link].Hot {
			class = "s-act s3"
		}
		fmt.Fprintf(&b, `<g class="f-none %s">`, class)
		for _, s := range l.Wires[i].Parts {
			fmt.Fprintf(&b, `<line x1="%s" y1="%d" x2="%s" y2="%d"/>`, pct(s.X1), s.Y1, pct(s.X2), s.Y2)
		}
		b.WriteString(`</g>`)
	}
	room := minFigure*boxWide/float64(max(1, len(p.Zones))) - 14
	for i := range p.Nodes {
		p.Nodes[i].draw(&b, l.Boxes[i], room, say)
	}
	legend(&b, l.Height, say)
	b.WriteString(`</svg>`)
	return b.String()
}

// Sentence says the picture in words: how much stands where, how it hangs
// together, and what asks for something.
func (p *Picture) Sentence(say text.Printer) string {
	var where []string
	for _, z := range p.Zones {
		if z.Devices > 0 {
			where = append(where, say.T("asset.picture.zone", "zone", say.T(zoneWord(z.Zone)), "n", z.Devices))
		}
	}
	if len(where) == 0 {
		return say.T("asset.picture.empty")
	}
	return say.T("asset.picture.sentence", "zones", strings.Join(where, say.T("asset.picture.comma")),
		"links", len(p.Links)+p.MoreLinks, "act", p.Marks.Act, "attend", p.Marks.Attend)
}

// Label is the name of a node: of its product, its kind, or the party outside.
func (n *Node) Label(say text.Printer) string {
	switch {
	case n.Outside != "":
		return n.Outside
	case n.Several > 0 && n.Beyond:
		return say.T("asset.picture.more_outside", "n", n.Several)
	case n.Several > 0:
		return say.T("asset.picture.more_kinds", "n", n.Several)
	case n.Product != "":
		return n.Product
	}
	return say.T("asset.kind." + string(n.Kind))
}

// Describe says a node in one sentence, with its counts.
func (n *Node) Describe(say text.Printer) string {
	if n.Beyond {
		return say.T("asset.picture.outside", "name", n.Label(say))
	}
	return say.T("asset.picture.node", "name", n.Label(say), "n", n.Devices, "act", n.Marks.Act, "attend", n.Marks.Attend)
}

func zoneWord(z Zone) string {
	if z == "" {
		return "asset.zone.none"
	}
	return "asset.zone." + string(z)
}

// The shapes of the marks, in a square of 7 px, so that no state is told by
// colour alone: a diamond asks to act, a triangle to look, a square is fine.
var marks = [...]struct{ shape, class string }{
	MarkAct:    {"m3.5 0 3.5 3.5-3.5 3.5L0 3.500Z", "f-act"},
	MarkAttend: {"M3.500 0 7 7H0Z", "f-attend"},
	MarkFine:   {"M.5.5h6v6h-6Z", "f-line"},
}

func (n *Node) draw(b *strings.Builder, at Box, room float64, say text.Printer) {
	fmt.Fprintf(b, `<svg x="%s" y="%d" width="%s" height="%d"><title>%s</title>`, pct(at.X), at.Y, pct(at.W), at.H, svgText(n.Describe(say)))
	switch {
	case n.Beyond:
		fmt.Fprintf(b, `<rect width="100%%" height="%d" rx="%d" class="f-range"/>`, at.H, at.H/2)
	case n.Marks.Act > 0:
		fmt.Fprintf(b, `<rect width="100%%" height="%d" class="f-paper s-act s2"/>`, at.H)
	default:
		fmt.Fprintf(b, `<rect width="100%%" height="%d" class="f-paper s-rule"/>`, at.H)
	}
	fmt.Fprintf(b, `<text x="10" y="20" class="t-b">%s</text>`, svgText(fit(n.Label(say), room)))
	if n.Beyond {
		b.WriteString(`</svg>`)
		return
	}
	// The count stands at the right end, by the marks: a long name never meets it.
	fmt.Fprintf(b, `<text x="100%%" dx="-10" y="%d" class="t-e">%s</text>`, boxHead+7, say.Number(int64(n.Devices)))
	counts := [...]int{MarkAct: n.Marks.Act, MarkAttend: n.Marks.Attend, MarkFine: n.Marks.Fine}
	if n.Devices > maxMarks {
		n.drawBar(b, counts[:], say)
	} else {
		i := 0
		for m, k := range counts {
			for range k {
				fmt.Fprintf(b, `<path transform="translate(%s %d)" d="%s" class="%s"/>`, num(10+7.5*float64(i%marksInRow)), boxHead+i/marksInRow*markPitch, marks[m].shape, marks[m].class)
				i++
			}
		}
	}
	b.WriteString(`</svg>`)
}

// drawBar draws many devices as one bar in proportion, and the numbers of
// those that ask for something under it.
func (n *Node) drawBar(b *strings.Builder, counts []int, say text.Printer) {
	const full = 60.0 // per cent of the box
	x, dx := 0.0, 0
	for m, k := range counts {
		w := full * float64(k) / float64(n.Devices)
		if k > 0 {
			fmt.Fprintf(b, `<svg x="10" y="%d" width="100%%" height="7"><rect x="%s" width="%s" height="7" class="%s"/></svg>`, boxHead, pct(x), pct(w), marks[m].class)
		}
		x += w
		if Mark(m) == MarkFine || k == 0 {
			continue
		}
		s := say.Number(int64(k))
		fmt.Fprintf(b, `<path transform="translate(%d %d)" d="%s" class="%s"/><text x="%d" y="%d" class="t-s">%s</text>`, 10+dx, boxHead+15, marks[m].shape, marks[m].class, 20+dx, boxHead+22, s)
		dx += 18 + 7*len(s)
	}
}

func legend(b *strings.Builder, top int, say text.Printer) {
	x := 4.0
	for m, word := range [...]string{MarkAct: "asset.picture.act", MarkAttend: "asset.picture.attend", MarkFine: "asset.picture.fine"} {
		s := say.T(word)
		fmt.Fprintf(b, `<path transform="translate(%s %d)" d="%s" class="%s"/><text x="%s" y="%d">%s</text>`, num(x), top+12, marks[m].shape, marks[m].class, num(x+12), top+20, svgText(s))
		x += 32 + textWidth(s)
	}
}

// textWidth guesses the width of a text at 12 px: Japanese letters are as
// wide as they are high, the others about half.
func textWidth(s string) (w float64) {
	for _, r := range s {
		if r >= 0x1100 && !(r >= 0xff61 && r <= 0xff9f) {
			w += 12
		} else {
			w += 6.5
		}
	}
	return w
}

// fit cuts a text to a width, ending in an ellipsis.
func fit(s string, room float64) string {
	if textWidth(s) <= room {
		return s
	}
	w := 12.0
	for i, r := range s {
		if w += textWidth(string(r)); w > room {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// svgText makes a text fit to stand in markup: escaped, and without the
// characters that no XML document may hold.
func svgText(s string) string {
	return html.EscapeString(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar || r == '\ufffe' || r == '\uffff' {
			return -1
		}
		return r
	}, s))
}

func pct(v float64) string { return num(v) + "%" }

func num(v float64) string {
	return strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', 2, 64), "0"), ".")
}
