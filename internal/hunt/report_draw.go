package hunt

import (
	"slices"
	"time"

	"noroshi/internal/engine/sigma"
)

// reportStyle is what a report of a hunt has beside the common look.
const reportStyle = `.nums{display:flex;flex-wrap:wrap;gap:8px 32px;list-style:none;padding:0;margin:0 0 12px}.nums b{display:block;font-size:26px;line-height:1.2}.nums .bad b{color:var(--act)}
.l5{fill:var(--act)}.l4{fill:light-dark(#cc5a3a,#ef8a6b)}.l3{fill:light-dark(#c98a1b,#e2b05a)}.l2{fill:var(--ailine)}.l1{fill:var(--rule2)}.l0{fill:var(--rule)}
.fig{min-width:56rem}.f-paper{fill:var(--paper)}.f-none{fill:none}.s-act{stroke:var(--act)}.s-attend{stroke:var(--attend)}.s-line{stroke:var(--ailine)}.s-rule{stroke:var(--rule2)}.s-ink{stroke:var(--ink)}.s2{stroke-width:2}.dash{stroke-dasharray:4 4}.fig .t-b{font-weight:700;fill:var(--ink)}.fig .t-s{font-size:11px}.t-c{text-anchor:middle}.fig .t-on{fill:var(--paper);font-weight:700}
details{margin:8px 0}summary{cursor:pointer}.matrix td,.matrix thead th{text-align:center}.matrix th[scope=row]{text-align:start}.matrix td[data-l]{color:var(--ink);font-weight:700}
.matrix td[data-l="5"],.matrix td[data-l="4"]{background:color-mix(in srgb,var(--act) 30%,transparent)}.matrix td[data-l="3"]{background:color-mix(in srgb,var(--attend) 25%,transparent)}.matrix td[data-l="2"],.matrix td[data-l="1"],.matrix td[data-l="0"]{background:var(--sunken)}
table:not(.matrix) thead th{word-break:keep-all;overflow-wrap:normal}.matrix td,.at{white-space:nowrap}.mono+td{min-width:8rem}tr:has(>.mono)>th{min-width:6rem}
@media print{h2,h3,h4,figcaption{break-after:avoid}.fig{min-width:0}details:not([open])>*:not(summary){display:none}}`

// tactics are those of ATT&CK in the order of an attack.
var tactics = []string{"reconnaissance", "resource-development", "initial-access", "execution", "persistence", "privilege-escalation", "stealth", "defense-evasion", "defense-impairment",
	"credential-access", "discovery", "lateral-movement", "collection", "command-and-control", "exfiltration", "impact"}

func (s *htmlSink) pictures(b *sheet) {
	if s.First != 0 {
		s.bars(b)
	}
	s.matrix(b)
}

// route shows who moved from where to where, as a picture and as a table.
func (s *htmlSink) route(b *sheet) {
	p := s.signs.route()
	if !p.worth() {
		return
	}
	b.f("<h2 id=\"path\">%s</h2>\n<figure><figcaption><b>%s</b>%s</figcaption><div class=\"wide\" tabindex=\"0\">%s</div><p class=\"note\">%s</p></figure>\n", b.t("hunt.path.title"), esc(p.finding(b.p)), b.t("hunt.path.note"), p.svg(b.p), b.t("hunt.path.legend"))
	b.raw("<div class=\"wide\"><table><thead><tr>")
	for _, key := range []string{"hunt.path.no", "hunt.path.at", "hunt.report.host", "hunt.path.user", "hunt.path.stage", "hunt.report.what", "hunt.path.move", "hunt.report.level"} {
		b.f("<th scope=\"col\">%s</th>", b.t(key))
	}
	b.raw("</tr></thead><tbody>")
	for _, r := range p.table(b.p) {
		b.f("<tr><td class=\"num\">%s</td><td class=\"at\">%s</td><td>%s</td><td>%s</td><td>%s</td><th scope=\"row\">%s</th><td>%s</td><td>%s</td></tr>", r.No, esc(b.p.Short(r.At, s.at)), esc(r.Host), esc(r.User), esc(r.Stage), esc(r.What), esc(r.From), esc(r.Level))
	}
	b.raw("</tbody></table></div>\n")
	for _, line := range p.left(b.p) {
		b.f("<p class=\"note\">%s</p>\n", esc(line))
	}
}

// maxBars is how many bars fit a page.
const maxBars = 96

// bins counts detections over time by level, in bars of so many hours each.
func (s *Picture) bins() (bars [][sigma.Critical + 1]int, step int64, top int) {
	hours := s.Last/hour - s.First/hour + 1
	for _, k := range []int64{1, 3, 6, 12, 24, 24 * 7, 24 * 28, 24 * 365} {
		if step = k; hours/k < maxBars-1 {
			break
		}
	}
	step = max(step, hours/(maxBars-1)+1) // a clock that jumped leaves nothing out
	from := s.First / hour / step
	n := int(min(s.Last/hour/step-from+1, maxBars))
	bars, top = make([][sigma.Critical + 1]int, n), 1
	for at, levels := range s.ByHour {
		i := int(at/step - from)
		if i < 0 || i >= n {
			continue
		}
		sum := 0
		for l, k := range levels {
			bars[i][l] += k
		}
		for _, k := range bars[i] {
			sum += k
		}
		top = max(top, sum)
	}
	return bars, step, top
}

// bars draws how many detections there were over time, by level.
func (s *htmlSink) bars(b *sheet) {
	bars, step, top := s.bins()
	n := len(bars)
	b.f("<figure><figcaption><b>%s</b>%s</figcaption><svg viewBox=\"0 0 960 180\" role=\"img\" aria-label=\"%s\" width=\"100%%\">", b.t("hunt.report.over_time"), b.t("hunt.report.over_time_say", "span", b.p.Duration(time.Duration(step)*time.Hour)), b.t("hunt.report.over_time"))
	b.f(`<text x="0" y="12">%s</text><line class="grid" x1="48" x2="960" y1="150" y2="150"/>`, esc(b.p.Number(int64(top))))
	width := 912.0 / float64(n)
	for i, levels := range bars {
		y := 150.0
		for l := len(levels) - 1; l >= 0; l-- { // the gravest at the bottom, where heights are compared
			if k := levels[l]; k > 0 {
				h := max(1.5, 140*float64(k)/float64(top))
				y -= h
				b.f(`<rect class="l%d" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, l, 48+float64(i)*width, max(y, 0), max(width-1, 1), h)
			}
		}
	}
	b.f(`<text x="48" y="172">%s</text><text class="e" x="960" y="172">%s</text></svg>`, esc(b.p.Time(time.Unix(0, s.First))), esc(b.p.Time(time.Unix(0, s.Last))))
	b.raw("<p class=\"note\">")
	for l := sigma.Critical; l >= sigma.Informational; l-- {
		if s.ByLevel[l] > 0 {
			b.f(`<svg width="10" height="10" style="display:inline" aria-hidden="true"><rect class="l%d" width="10" height="10"/></svg> %s %s　`, l, b.t("hunt.level."+l.String()), esc(b.p.Number(int64(s.ByLevel[l]))))
		}
	}
	b.raw("</p></figure>\n")
}

// stage is what was found on a host of one tactic.
type stage struct {
	count int
	level sigma.Level
}

// stages says which hosts have hits of which tactic, the gravest host first, and
// which tactics there are, in the order of an attack.
func (s *Picture) stages() (hosts, used []string, grid map[string]map[string]*stage) {
	grid = map[string]map[string]*stage{}
	seen := map[string]bool{}
	for _, g := range s.Groups {
		for _, t := range Tactics(g.Rule) {
			if !slices.Contains(tactics, t) {
				continue
			}
			seen[t] = true
			for h, n := range g.Hosts.Counts {
				if grid[h] == nil {
					grid[h] = map[string]*stage{}
				}
				c := grid[h][t]
				if c == nil {
					c = &stage{}
					grid[h][t] = c
				}
				c.count += n
				c.level = max(c.level, g.Rule.Level)
			}
		}
	}
	rank := Tally{Counts: map[string]int{}}
	for h, row := range grid {
		for _, c := range row {
			rank.Counts[h] += 1 << (3 * int(c.level)) // one grave outweighs several lesser ones
		}
	}
	for _, t := range tactics {
		if seen[t] {
			used = append(used, t)
		}
	}
	return rank.Names(), used, grid
}

// matrix shows which hosts have hits of which tactic: a row that goes far to the
// right is an attack that got far.
func (s *htmlSink) matrix(b *sheet) {
	hosts, used, grid := s.stages()
	if len(hosts) == 0 {
		return
	}
	b.f("<figure><figcaption><b>%s</b>%s</figcaption><div class=\"wide\"><table class=\"matrix\"><thead><tr><th scope=\"col\">%s</th>", b.t("hunt.report.matrix"), b.t("hunt.report.matrix_say"), b.t("hunt.report.host"))
	for _, t := range used {
		b.f("<th scope=\"col\">%s</th>", esc(tacticText(b.p, t)))
	}
	b.raw("</tr></thead><tbody>")
	for _, h := range hosts[:min(len(hosts), hostsOf)] {
		b.f("<tr><th scope=\"row\">%s</th>", esc(h))
		for _, t := range used {
			if c := grid[h][t]; c != nil {
				b.f("<td data-l=\"%d\">%s</td>", c.level, esc(b.p.Number(int64(c.count))))
			} else {
				b.raw("<td></td>")
			}
		}
		b.raw("</tr>")
	}
	b.raw("</tbody></table></div>")
	if len(hosts) > hostsOf {
		b.f("<p class=\"note\">%s</p>", b.t("hunt.report.more_hosts", "n", len(hosts)-hostsOf))
	}
	b.raw("</figure>\n")
}

// hour is one in nanoseconds.
const hour = int64(time.Hour)
