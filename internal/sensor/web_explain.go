package sensor

import (
	"html/template"
	"strconv"

	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// partView is one of the sub-scores that a finding rests on, in words.
type partView struct{ Name, Hundred, Width string }

// explain fills in what a finding says: what it means, what to do, the
// sub-scores, the numbers and the pictures.
func (v *findingView) explain(p text.Printer, x *Finding) {
	f := x.detected()
	if !p.Has("sensor.finding.kind." + x.Kind) { // of a sensor that is newer than this hub
		return
	}
	v.Say = FindingText(p, f)
	v.Means = p.T("sensor.finding.why."+x.Kind, "other", otherText(p, f), "through", f.Fact("through"))
	v.Do = p.T("sensor.finding.do."+x.Kind, "src", endText(p, f.Src), "other", otherText(p, f), "through", f.Fact("through"))
	for _, part := range f.Parts {
		if key := "sensor.finding.part." + part.Key; p.Has(key) {
			v.Parts = append(v.Parts, partView{p.T(key), strconv.FormatFloat(part.Score, 'f', 2, 64), strconv.FormatFloat(100*min(max(part.Score, 0), 1), 'f', 0, 64)})
		}
	}
	for _, fact := range f.Facts {
		if fact.Key == "period_s" && !sameBeat(f) {
			continue
		}
		key := "sensor.finding.fact." + fact.Key
		if words := factText(p, fact.Key, fact.Value); words != "" && p.Has(key) {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T(key), Value: words})
		}
	}
	b := &sheet{p: p}
	drawFinding(b, f)
	v.Picture = template.HTML(b.String()) // drawFinding escapes every word
}
