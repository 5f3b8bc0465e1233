package sensor

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
)

// ReportStyle is the look of a report as one page, also of other nouns: the
// console's colours, A4 when printed.
const ReportStyle = `:root{color-scheme:light dark;--ground:light-dark(#f4f5f3,#0f1317);--paper:light-dark(#fff,#161b20);--sunken:light-dark(#eceeec,#0b0e12);--ink:light-dark(#1a1f25,#e9ecef);--ink2:light-dark(#47505a,#b6bfc8);--rule:light-dark(#d6dad9,#2c343c);--rule2:light-dark(#7c858e,#75818d);--ai:light-dark(#123c82,#a3c2fa);--ailine:light-dark(#9db3d6,#45608f);--act:light-dark(#a61b1b,#ff9b92);--attend:light-dark(#855000,#f0b65b)}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:400 14px/1.6 "Noto Sans JP","Noto Sans CJK JP","BIZ UDPGothic","Hiragino Sans","Yu Gothic UI",Meiryo,system-ui,sans-serif;font-variant-numeric:tabular-nums;line-break:strict;overflow-wrap:anywhere}
:lang(en){font-family:system-ui,"Segoe UI","Noto Sans",sans-serif}
main{max-width:72rem;margin:0 auto;padding:16px 24px 48px}h1{font-size:24px;line-height:1.35;margin:16px 0 8px}h2{font-size:18px;border-top:2px solid var(--ink);padding-top:8px;margin:40px 0 12px}h3{font-size:16px;margin:0}h4{font-size:13px;margin:0 0 4px;color:var(--ink2)}
.lead{font-size:16px;margin:0 0 8px}.note,.when{color:var(--ink2);font-size:13px;margin:0 0 8px}p{margin:0 0 8px}
article{background:var(--paper);border-inline-start:4px solid var(--rule2);padding:16px 20px;margin:0 0 24px}article>header{display:flex;gap:12px;align-items:baseline}.score{font-weight:700;white-space:nowrap}.act .score{color:var(--act)}.attend .score{color:var(--attend)}article:has(>header.act){border-color:var(--act)}article:has(>header.attend){border-color:var(--attend)}
.say{font-size:16px;margin:4px 0}.two{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:8px 32px;margin-top:12px}
table{border-collapse:collapse;width:100%;font-size:13px}th,td{text-align:start;vertical-align:top;padding:5px 8px 5px 0;border-bottom:1px solid var(--rule);font-weight:400}thead th{color:var(--ink2)}.num{text-align:end;white-space:nowrap}.mono{min-width:7.5rem;font-family:ui-monospace,"Noto Sans Mono",Menlo,Consolas,monospace;font-size:12px}
.parts td:last-child{width:45%;padding-top:10px}dl{margin:0;display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:2px 16px;font-size:13px}dt{color:var(--ink2)}dd{margin:0;font-weight:700}dl>div{border-bottom:1px solid var(--rule);padding:3px 0}
figure{margin:12px 0}figcaption{font-size:13px;color:var(--ink2);margin-bottom:8px}figcaption b{color:var(--ink);display:block;font-size:14px}svg{display:block;overflow:visible}svg text{font-size:12px;fill:var(--ink2)}.e{text-anchor:end}.m{text-anchor:middle}.box{padding-inline-start:48px}.lab{padding-inline-start:150px}
.f-act{fill:var(--act)}.f-attend{fill:var(--attend)}.f-ai{fill:var(--ai)}.f-line{fill:var(--ailine)}.f-sunken{fill:var(--sunken)}.grid{stroke:var(--rule)}.h1{fill:light-dark(#dfe7f3,#1c2a40)}.h2{fill:light-dark(#aec3e2,#2f4a75)}.h3{fill:light-dark(#6f92c7,#5079b8)}.h4{fill:light-dark(#2f5ea6,#86ade8)}.h5{fill:light-dark(#0f2f66,#cfe0fd)}
.wide{overflow-x:auto}
@media screen and (max-width:48rem){.list,.list tbody,.list tr,.list td{display:block}.list thead{position:absolute;clip-path:inset(50%)}.list tr{border-bottom:1px solid var(--rule);padding:5px 0}.list td{border:0;padding:1px 0;text-align:start}}
@media(max-width:48rem){.two,dl{grid-template-columns:minmax(0,1fr)}main{padding:8px 16px}}
@media print{:root{color-scheme:light}body{background:#fff;font-size:10pt}main{max-width:none;padding:0}article{break-inside:avoid;border:1px solid var(--rule2);border-inline-start-width:4px}thead{display:table-header-group}tr,figure{break-inside:avoid}}
@page{size:A4;margin:14mm 14mm 18mm;@bottom-center{content:counter(page) " / " counter(pages);font-size:8pt}}`

func pct(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) + "%" }

// meter is a bar from 0 to 1.
func meter(v float64) string {
	return `<svg width="100%" height="8" aria-hidden="true"><rect width="100%" height="8" class="f-sunken"/><rect width="` + pct(100*v) + `" height="8" class="f-ai"/></svg>`
}

// Bounds of a picture. A finding may come from anywhere: what is beyond them is
// not drawn.
const (
	maxRasterRows  = 48
	maxRasterCells = 30 // hexadecimal digits of a row: an hour
	maxBars        = 256
	leastBars      = 12
	maxGaps        = 64
	maxSenders     = 16
)

// drawFinding draws what a finding has to show.
func drawFinding(b *sheet, f *detect.Finding) {
	if grid, ok := f.Fact("grid").([]string); ok {
		grid = grid[:min(len(grid), maxRasterRows)]
		b.f("<h4>%s</h4><div class=\"two\">", b.t("sensor.report.beat"))
		gap := gapText(b.p, f.Number("median_s"))
		raster(b, grid, f.Fact("grid_start"), "f-act", b.t("sensor.report.beat_this"), func(n int) string {
			return b.t("sensor.report.beat_say", "rows", len(grid), "n", n, "gap", gap)
		})
		if rest, ok := f.Fact("ordinary").([]string); ok && marked(rest) {
			raster(b, rest, f.Fact("ordinary_start"), "f-line", b.t("sensor.report.beat_rest"), func(n int) string { return b.t("sensor.report.rest_say", "n", n) })
		}
		b.raw("</div>")
		if gaps, ok := f.Fact("gaps").([]int64); ok && len(gaps) > 0 {
			histogram(b, gaps[:min(len(gaps), maxGaps)], gap)
		}
	}
	if over, ok := f.Fact("over").([]float64); ok && len(over) > 1 {
		bars(b, over[:min(len(over), maxBars)], f)
	}
	if who, ok := f.Fact("senders").([]string); ok && len(who) > 1 {
		how, _ := f.Fact("senders_packets").([]float64)
		if how = how[:min(len(how), len(who))]; tellable(how, f) {
			senders(b, who[:min(len(who), maxSenders)], how)
		}
	}
}

// marked reports whether there is a mark in rows of hexadecimal digits.
func marked(rows []string) bool {
	return slices.ContainsFunc(rows, func(row string) bool { return strings.Trim(row, "0") != "" })
}

// tellable reports whether the amounts of senders tell who sends most. Of more
// senders than places the amounts are bounds from above, each too large by the
// least of them at most: what is left of the largest has to be half of it, and
// in all they cannot be more than came.
func tellable(how []float64, f *detect.Finding) bool {
	if len(how) == 0 {
		return false
	}
	sum := 0.0
	for _, n := range how {
		sum += n
	}
	if all := f.Number("packets"); all > 0 && sum > all {
		return false
	}
	return f.Number("different") <= float64(len(how)) || slices.Max(how)-slices.Min(how) >= slices.Max(how)/2
}

// raster draws time folded by the hour: each row of hexadecimal digits is an
// hour, each bit half a minute.
func raster(b *sheet, rows []string, start any, class, caption string, say func(int) string) {
	type mark struct{ row, cell int }
	var marks []mark
	rows = rows[:min(len(rows), maxRasterRows)]
	for i, row := range rows {
		for k, c := range row[:min(len(row), maxRasterCells)] {
			v, err := strconv.ParseUint(string(c), 16, 8)
			if err != nil {
				continue
			}
			for ; v != 0; v &= v - 1 {
				marks = append(marks, mark{i, 4*k + 3 - bits.TrailingZeros64(v)})
			}
		}
	}
	first := 0
	if s, ok := start.(string); ok {
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			first = t.In(b.p.Zone).Hour()
		}
	}
	const pitch = 11
	h := len(rows)*pitch + 22
	b.f(`<figure><figcaption>%s</figcaption><div class="box"><svg width="100%%" height="%d" role="img" aria-label="%s">`, caption, h, say(len(marks)))
	for i := range rows {
		b.f(`<line x1="0" x2="100%%" y1="%d" y2="%d" class="grid"/>`, i*pitch+10, i*pitch+10)
		if i%6 == 0 {
			b.f(`<text x="-8" y="%d" class="e">%s</text>`, i*pitch+9, b.t("sensor.report.hour", "h", (first+i)%24))
		}
	}
	for _, m := range marks {
		b.f(`<rect x="%s" y="%d" width=".7%%" height="8" class="%s"/>`, pct(100*float64(m.cell)/detect.GridCells), m.row*pitch+1, class)
	}
	for _, m := range []int{0, 15, 30, 45, 60} {
		b.f(`<text x="%s" y="%d" class="m">%s</text>`, pct(float64(m)/0.6), h-4, b.t("sensor.report.minute", "m", m))
	}
	b.raw("</svg></div></figure>")
}

// histogram draws how long it was between beats, up to 2.4 times the median.
func histogram(b *sheet, gaps []int64, gap string) {
	top := max(slices.Max(gaps), 1)
	note := b.t("sensor.report.gaps_note", "gap", gap)
	b.f(`<figure><figcaption><b>%s</b>%s</figcaption><svg width="100%%" height="90" role="img" aria-label="%s">`, b.t("sensor.report.gaps"), note, note)
	for i, n := range gaps {
		h := 64 * float64(max(n, 0)) / float64(top)
		class := "f-line"
		if i == 9 || i == 10 {
			class = "f-act"
		}
		b.f(`<rect x="%s" y="%.1f" width="3.6%%" height="%.1f" class="%s"/>`, pct(float64(i)*100/float64(len(gaps))), 66-h, h, class)
	}
	b.f(`<line x1="0" x2="100%%" y1="66" y2="66" class="grid"/><text x="0" y="82">0</text><text x="%s" y="82" class="m">%s</text></svg></figure>`, pct(100*10/24.0), esc(gap))
}

// bars draws an amount over time.
func bars(b *sheet, over []float64, f *detect.Finding) {
	start, _ := f.Fact("over_start").(string)
	from, err := time.Parse(time.RFC3339, start)
	if err != nil {
		return
	}
	for len(over) > leastBars && over[len(over)-1] <= 0 { // nothing more came
		over = over[:len(over)-1]
	}
	width := time.Duration(f.Number("over_width_s")) * time.Second
	to := from.Add(time.Duration(len(over)) * width)
	top := max(slices.Max(over), 1)
	zone := b.p.Zone
	note, say := b.t("sensor.report.over_note", "width", width), b.t("sensor.report.over_note", "width", width)
	if peak := overAmount(b.p, f, top); peak != "" {
		note = b.t("sensor.report.over_peak", "width", width, "peak", peak)
		say = b.t("sensor.report.over_say", "from", b.p.Time(from), "to", b.p.Time(to), "peak", peak)
	}
	b.f(`<figure><figcaption><b>%s</b>%s</figcaption><svg width="100%%" height="100" role="img" aria-label="%s">`, b.t("sensor.report.over"), note, say)
	for i, v := range over {
		h := 76 * max(v, 0) / top
		b.f(`<rect x="%s" y="%.1f" width="%s" height="%.1f" class="f-attend"/>`, pct(100*float64(i)/float64(len(over))), 78-h, pct(90/float64(len(over))), h)
	}
	b.f(`<line x1="0" x2="100%%" y1="78" y2="78" class="grid"/><text x="0" y="94">%s</text><text x="100%%" y="94" class="e">%s</text></svg></figure>`,
		b.p.Short(from, time.Time{}), b.p.Short(to, time.Time{})+to.In(zone).Format(" MST"))
}

// overAmount is the largest amount of the bars with its unit. It is "" when the
// finding tells less in all: the bars also show minutes that were none of it.
func overAmount(p text.Printer, f *detect.Finding, top float64) string {
	n := int64(min(top, 1<<62))
	switch f.Kind {
	case detect.Flood, detect.ReflectionFlood:
		if all := f.Number("packets"); all > 0 && top > all {
			return ""
		}
		return p.T("sensor.report.packets", "n", n)
	case detect.Reflector:
		return p.Bytes(n)
	}
	return p.T("sensor.report.tries", "n", n)
}

// senders draws who sent how much of a flood.
func senders(b *sheet, who []string, how []float64) {
	order := make([]int, len(who))
	for i := range order {
		order[i] = i
	}
	at := func(i int) float64 {
		if i < len(how) {
			return how[i]
		}
		return 0
	}
	slices.SortFunc(order, func(x, y int) int { return cmp.Compare(at(y), at(x)) })
	var rows []labelled
	for _, i := range order {
		rows = append(rows, labelled{who[i], at(i)})
	}
	labelBars(b, b.t("sensor.report.senders"), b.t("sensor.report.senders_note"), b.t("sensor.report.senders_say", "n", len(who)), rows)
}

type labelled struct {
	label string
	n     float64
}

// labelBars draws bars with their names at the left and numbers at the right.
func labelBars(b *sheet, title, note, say string, rows []labelled) {
	top := 1.0
	for _, r := range rows {
		top = max(top, r.n)
	}
	b.f(`<figure><figcaption><b>%s</b>%s</figcaption><div class="lab"><svg width="100%%" height="%d" role="img" aria-label="%s">`, title, note, len(rows)*22, say)
	for i, r := range rows {
		w := 84 * max(r.n, 0) / top
		b.f(`<text x="-8" y="%d" class="e">%s</text><rect x="0" y="%d" width="%s" height="14" class="f-line"/><text x="%s" y="%d">%s</text>`, i*22+13, esc(r.label), i*22+2, pct(w), pct(w+1), i*22+13, esc(b.p.Number(int64(r.n))))
	}
	b.raw("</svg></div></figure>\n")
}

// Bounds of the picture of who with whom.
const (
	matrixRows    = 24
	matrixColumns = 16
)

// matrix draws one's own machines against the other ends.
func (r *Paper) matrix(b *sheet) {
	type pair struct{ src, dst string }
	best, src, dst := map[pair]float64{}, map[string]float64{}, map[string]float64{}
	for i := range r.Report.Findings {
		f := &r.Report.Findings[i]
		from, to := endText(b.p, f.Src), f.Other()
		if to == "" {
			to = b.p.T("sensor.finding.many")
		}
		k := pair{from, to}
		best[k] = max(best[k], f.Score)
		src[from], dst[to] = max(src[from], f.Score), max(dst[to], f.Score)
	}
	if len(best) < 2 {
		return
	}
	rows, columns := largest(src, matrixRows), largest(dst, matrixColumns)
	const pitch = 20
	top := 190
	b.f(`<h2>%s</h2><figure class="wide"><figcaption>%s</figcaption><svg width="%d" height="%d" role="img" aria-label="%s">`, b.t("sensor.report.matrix"), b.t("sensor.report.matrix_note"),
		170+len(columns)*pitch+140, top+len(rows)*pitch+4, b.t("sensor.report.matrix_say", "src", len(rows), "dst", len(columns)))
	for k, name := range columns {
		x := 176 + k*pitch
		b.f(`<text transform="translate(%d %d) rotate(-55)">%s</text>`, x+12, top-6, esc(shorten(name, 30)))
	}
	for i, name := range rows {
		y := top + i*pitch
		b.f(`<text x="164" y="%d" class="e">%s</text>`, y+14, esc(shorten(name, 22)))
		for k, other := range columns {
			x := 176 + k*pitch
			if v, ok := best[pair{name, other}]; ok {
				b.f(`<rect x="%d" y="%d" width="17" height="17" class="h%d"><title>%s → %s %.2f</title></rect>`, x, y, 1+min(int(v*5), 4), esc(name), esc(other), v)
			} else {
				b.f(`<rect x="%d" y="%d" width="17" height="17" class="f-sunken"/>`, x, y)
			}
		}
	}
	b.raw("</svg></figure>\n")
}

// largest are the keys with the largest values, at most n.
func largest(m map[string]float64, n int) []string {
	keys := slices.Collect(maps.Keys(m))
	slices.SortFunc(keys, func(x, y string) int { return cmp.Or(cmp.Compare(m[y], m[x]), cmp.Compare(x, y)) })
	return keys[:min(len(keys), n)]
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// world counts the other ends by country and network.
func (r *Paper) world(b *sheet) {
	if r.Lookup == nil {
		return
	}
	countries, networks := map[string]float64{}, map[string]float64{}
	date := ""
	for i := range r.Report.Findings {
		f := &r.Report.Findings[i]
		if !f.Dst.IsValid() || f.Score < likely && i > maxListed {
			continue
		}
		info := r.Lookup(f.Dst)
		name := info.Country
		if name == "" {
			name = b.p.T("sensor.report.unknown")
		}
		countries[name]++
		if info.ASN != 0 {
			networks["AS "+strconv.FormatUint(uint64(info.ASN), 10)+" "+shorten(info.Org, 14)]++
		}
		if strings.Trim(info.Source, " .") != "" {
			date = info.Source
		}
	}
	if len(countries) == 0 || date == "" {
		return // nothing is known of any of them
	}
	b.f("<h2>%s</h2><div class=\"two\">", b.t("sensor.report.world"))
	rowsOf := func(m map[string]float64) (out []labelled) {
		for _, k := range largest(m, 12) {
			out = append(out, labelled{k, m[k]})
		}
		return out
	}
	labelBars(b, "", b.t("sensor.report.world_note")+b.t("sensor.report.world_table", "date", date), b.t("sensor.report.world_say"), rowsOf(countries))
	if len(networks) > 0 {
		labelBars(b, "", "", b.t("sensor.report.world_say"), rowsOf(networks))
	}
	b.raw("</div>\n")
}
