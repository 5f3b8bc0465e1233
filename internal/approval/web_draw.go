package approval

import (
	"fmt"
	"html/template"
	"strings"
	"time"

	"noroshi/internal/base/page"
)

// draw shows the uses of an approval as ticks over its period, and how much of
// its cap they took. The picture has no words of anybody's: only numbers of ours.
func (p say) draw(v *UsesView) *page.Figure {
	a := &v.Case.Asked
	whole := v.Case.Until.Sub(a.From)
	at := func(t time.Time) float64 {
		return min(max(float64(t.Sub(a.From))/float64(whole)*100, 0), 100)
	}
	var b strings.Builder
	say := p.T("approval.web.figure_say", "n", v.Case.Uses, "taken", p.quantity(v.Case.Spent), "cap", p.quantity(v.Case.Cap))
	fmt.Fprintf(&b, `<svg width="100%%" height="56" role="img" aria-label="%s">`, template.HTMLEscapeString(say))
	b.WriteString(`<line x1="0" x2="100%" y1="20" y2="20" class="ax"/>`)
	for _, u := range v.Uses {
		x := at(u.At)
		class := "f-ai"
		if u.EndedAt.IsZero() {
			class = "f-attend"
		}
		fmt.Fprintf(&b, `<rect x="%.2f%%" y="8" width="3" height="24" class="%s"/>`, min(x, 99.6), class)
	}
	b.WriteString(`<rect x="0" y="42" width="100%" height="10" class="f-range"/>`)
	if taken := taken(&v.Case); taken > 0 {
		fmt.Fprintf(&b, `<rect x="0" y="42" width="%.2f%%" height="10" class="f-ai"/>`, max(taken*100, .3))
	}
	b.WriteString("</svg>")
	return &page.Figure{Title: p.T("approval.web.figure", "n", v.Case.Uses), Note: p.T("approval.web.figure_note"), SVG: template.HTML(b.String())}
}

// taken is how much of a cap was used, 0 to 1, by whichever of its two bounds is
// nearer.
func taken(c *Case) (share float64) {
	for _, x := range [][2]uint64{{c.Spent.Packets, c.Cap.Packets}, {c.Spent.Bytes, c.Cap.Bytes}} {
		if x[1] > 0 {
			share = max(share, float64(x[0])/float64(x[1]))
		}
	}
	return min(share, 1)
}
