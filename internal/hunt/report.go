package hunt

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
	"noroshi/internal/sensor"
)

// htmlSink writes one page that stands alone, prints and needs no script: for
// the lead of an incident and for who decides.
type htmlSink struct {
	Picture
	signs signs
	w     io.Writer
	p     text.Printer
	at    time.Time
	rules *RuleSet
}

func (s *htmlSink) take(d *Detection) error {
	s.add(d)
	s.signs.add(d, ruleTitle(s.p, d.Rule))
	return nil
}

// Bounds of a page: more than anybody reads.
const (
	detailed  = 60
	listed    = 500
	valueOf   = 2000
	hostsOf   = 12
	sourcesOf = 60
)

func (s *htmlSink) close(r *Report) error {
	s.rank()
	b := &sheet{p: s.p}
	title := b.p.T("hunt.report.title")
	b.raw("<!doctype html>\n")
	b.f(`<html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`, b.p.Lang)
	b.raw(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`)
	b.f("<title>%s</title><style>%s%s</style></head><body><main>\n", esc(title), sensor.ReportStyle, reportStyle)
	s.head(b, r, title)
	s.summary(b)
	s.pictures(b)
	s.route(b)
	s.grave(b)
	s.rest(b)
	s.read(b, r)
	b.raw("</main></body></html>\n")
	_, err := io.WriteString(s.w, b.String())
	return err
}

// sheet is the page that is written.
type sheet struct {
	strings.Builder
	p text.Printer
}

func (b *sheet) raw(s string)                      { b.WriteString(s) }
func (b *sheet) f(format string, args ...any)      { fmt.Fprintf(b, format, args...) }
func (b *sheet) t(key string, pairs ...any) string { return esc(b.p.T(key, pairs...)) }

// esc writes what comes from logs and rules into a page.
func esc(s string) string { return html.EscapeString(text.Printable(s)) }

// isGrave reports whether a rule's hits are looked at one by one.
func isGrave(r *sigma.Rule) bool { return r.Level >= sigma.Medium }

func (s *htmlSink) head(b *sheet, r *Report, title string) {
	b.f("<header><h1>%s</h1>", esc(title))
	if s.First != 0 {
		b.f("<p class=\"lead\">%s</p>", b.t("hunt.report.lead", "from", b.p.Time(time.Unix(0, s.First)), "to", b.p.Time(time.Unix(0, s.Last)), "events", int64(r.Events), "rules", r.Rules))
	} else {
		b.f("<p class=\"lead\">%s</p>", b.t("hunt.report.lead_untimed", "events", int64(r.Events), "rules", r.Rules))
	}
	b.f("<p class=\"note\">%s</p></header>\n", b.t("hunt.report.made", "at", b.p.Time(s.at)))
}

// summary says in a few sentences what a person has to know who reads no
// further.
func (s *htmlSink) summary(b *sheet) {
	b.f("<section><h2>%s</h2>\n<ul class=\"nums\">", b.t("hunt.report.summary"))
	worst := s.ByLevel[sigma.Critical] + s.ByLevel[sigma.High]
	num := func(key string, n int, class string) {
		b.f("<li class=\"%s\"><b>%s</b> %s</li>", class, esc(b.p.Number(int64(n))), b.t(key))
	}
	class := ""
	if worst > 0 {
		class = "bad"
	}
	num("hunt.report.num.worst", worst, class)
	num("hunt.report.num.all", s.Count, "")
	num("hunt.report.num.kinds", len(s.Groups), "")
	num("hunt.report.num.hosts", s.Hosts.Len(), "")
	num("hunt.report.num.users", s.Users.Len(), "")
	b.raw("</ul>\n")
	switch {
	case s.Count == 0:
		b.f("<p class=\"lead\">%s</p>", b.t("hunt.report.none"))
	case worst == 0:
		b.f("<p class=\"lead\">%s</p>", b.t("hunt.report.nothing_grave", "n", s.Count))
	default:
		var titles []string
		for _, g := range s.Groups[:min(len(s.Groups), 3)] {
			titles = append(titles, b.p.T("hunt.report.quoted", "title", ruleTitle(b.p, g.Rule)))
		}
		b.f("<p class=\"lead\">%s</p>", b.t("hunt.report.grave_first", "titles", strings.Join(titles, b.p.T("hunt.report.comma"))))
		if hosts := s.worstHosts(); len(hosts) > 0 {
			b.f("<p>%s</p>", b.t("hunt.report.grave_hosts", "hosts", some(hosts, 5)))
		}
	}
	b.f("<p class=\"note\">%s</p></section>\n", b.t("hunt.report.caution"))
}

// worstHosts are the hosts with grave hits, those with the most kinds of them
// first.
func (s *htmlSink) worstHosts() []string {
	kinds := map[string]int{}
	for _, g := range s.Groups {
		if g.Rule.Level >= sigma.High {
			for h := range g.Hosts.Counts {
				kinds[h]++
			}
		}
	}
	t := Tally{Counts: kinds}
	return t.Names()
}

// grave shows the groups that are looked at one by one.
func (s *htmlSink) grave(b *sheet) {
	n := 0
	for _, g := range s.Groups {
		if isGrave(g.Rule) {
			n++
		}
	}
	if n == 0 {
		return
	}
	b.f("<h2>%s</h2>\n<p class=\"note\">%s</p>\n", b.t("hunt.report.findings"), b.t("hunt.report.order"))
	for _, g := range s.Groups[:min(n, detailed)] {
		s.article(b, g)
	}
	if n > detailed {
		b.f("<p class=\"note\">%s</p>", b.t("hunt.report.more", "n", n-detailed))
	}
}

func levelClass(l sigma.Level) string {
	switch {
	case l >= sigma.High:
		return "act"
	case l == sigma.Medium:
		return "attend"
	}
	return ""
}

// article is one group: what, where, why, what next.
func (s *htmlSink) article(b *sheet, g *Group) {
	r := g.Rule
	b.f("<article><header class=\"%s\"><span class=\"score\">%s</span><h3>%s</h3></header>\n", levelClass(r.Level), b.t("hunt.level."+levelKey(r.Level)), esc(ruleTitle(b.p, r)))
	b.f("<p class=\"say\">%s", b.t("hunt.table.count", "n", g.Count, "hosts", g.Hosts.Len()))
	if g.First != 0 {
		b.f("　%s", esc(period(b.p, g.First, g.Last)))
	}
	b.raw("</p>\n")
	if about := ruleAbout(b.p, r); about != "" {
		b.f("<p>%s</p>\n", esc(cut(about, 1200)))
	}
	b.raw("<dl>")
	pair := func(key, value string) {
		if value != "" {
			b.f("<div><dt>%s</dt><dd>%s</dd></div>", b.t(key), esc(value))
		}
	}
	pair("hunt.report.hosts", some(g.Hosts.Names(), hostsOf))
	pair("hunt.report.users", some(g.Users.Names(), hostsOf))
	pair("hunt.report.attack", attackText(b.p, r))
	pair("hunt.report.rule", r.Ref())
	b.raw("</dl>\n")
	s.evidence(b, g.Example)
	b.f("<div class=\"two\"><section><h4>%s</h4>%s</section>", b.t("hunt.report.next"), steps(nextText(b.p, r)))
	harmless := r.FalsePositives
	if b.p.Lang == text.JA && len(r.FalsePositivesJA) > 0 {
		harmless = r.FalsePositivesJA
	}
	if len(harmless) > 0 {
		b.f("<section><h4>%s</h4>%s</section>", b.t("hunt.report.harmless"), steps(harmless))
	}
	b.raw("</div></article>\n")
}

// evidence shows why an event was hit, field by field, and the event.
func (s *htmlSink) evidence(b *sheet, d *Detection) {
	b.f("<h4>%s</h4><p class=\"when\">%s</p><div class=\"wide\"><table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead><tbody>", b.t("hunt.report.why"),
		b.t("hunt.table.at", "source", d.Source, "n", d.Record), b.t("hunt.report.field"), b.t("hunt.report.value"), b.t("hunt.report.test"))
	var seen []Why
	for _, y := range d.Why {
		if slices.Contains(seen, y) || len(seen) > maxWhys {
			continue
		}
		seen = append(seen, y)
		field := y.Field
		if field == "" {
			field = b.p.T("hunt.why.any")
		}
		b.f("<tr><th scope=\"row\">%s</th><td class=\"mono\">%s</td><td>%s</td></tr>", esc(field), esc(cut(y.Value, valueOf)), esc(cut(testText(b.p, y), valueOf)))
	}
	b.raw("</tbody></table></div>\n")
	if len(d.Event) > 0 {
		b.f("<details><summary>%s</summary><table><tbody>", b.t("hunt.report.event", "n", d.Fields))
		for _, f := range d.Event {
			b.f("<tr><th scope=\"row\">%s</th><td class=\"mono\">%s</td></tr>", esc(f.Name), esc(cut(f.Value, valueOf)))
		}
		b.raw("</tbody></table></details>\n")
	}
	if len(d.Hits) > 0 {
		b.f("<details><summary>%s</summary><ul>", b.t("hunt.report.hits", "n", len(d.Hits)))
		for _, h := range d.Hits {
			b.f("<li>%s</li>", b.t("hunt.table.record", "source", h.Source, "n", h.Record))
		}
		b.raw("</ul></details>\n")
	}
}

// testText says in words what a rule asked of a field.
func testText(p text.Printer, y Why) string {
	op, not := strings.CutPrefix(y.Op, "not ")
	key := op
	if op == "=" {
		key = "equals"
	}
	say := op + " " + y.Want
	if key = "hunt.op." + strings.NewReplacer("-", "_", "|", "_", " ", "_").Replace(key); p.Has(key) {
		say = p.T(key, "value", y.Want)
	}
	if not {
		return p.T("hunt.op.not", "what", say)
	}
	return say
}

func steps(list []string) string {
	var b strings.Builder
	b.WriteString("<ul>")
	for _, x := range list {
		b.WriteString("<li>" + esc(cut(x, 600)) + "</li>")
	}
	b.WriteString("</ul>")
	return b.String()
}

// nextText are the steps after a hit: those of the rule, or what holds for all
// of its level.
func nextText(p text.Printer, r *sigma.Rule) []string {
	own := r.Next
	if p.Lang == text.JA && len(r.NextJA) > 0 {
		own = r.NextJA
	}
	if len(own) > 0 {
		return own
	}
	steps := []string{p.T("hunt.next.known"), p.T("hunt.next.around")}
	if r.Level >= sigma.High {
		return append(steps, p.T("hunt.next.keep"), p.T("hunt.next.report"))
	}
	return steps
}

// attackText names techniques and tactics.
func attackText(p text.Printer, r *sigma.Rule) string {
	var parts []string
	for _, t := range Tactics(r) {
		parts = append(parts, tacticText(p, t))
	}
	return strings.Join(append(parts, Techniques(r)...), p.T("hunt.report.comma"))
}

func tacticText(p text.Printer, tactic string) string {
	if key := "hunt.tactic." + strings.ReplaceAll(tactic, "-", "_"); p.Has(key) {
		return p.T(key)
	}
	return tactic
}

// rest lists the groups that are not looked at one by one.
func (s *htmlSink) rest(b *sheet) {
	var rest []*Group
	for _, g := range s.Groups {
		if !isGrave(g.Rule) {
			rest = append(rest, g)
		}
	}
	if len(rest) == 0 {
		return
	}
	b.f("<h2>%s</h2>\n<div class=\"wide\"><table><thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th><th scope=\"col\" class=\"num\">%s</th><th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead><tbody>",
		b.t("hunt.report.rest"), b.t("hunt.report.level"), b.t("hunt.report.what"), b.t("hunt.report.times"), b.t("hunt.report.hosts"), b.t("hunt.report.when"))
	for _, g := range rest[:min(len(rest), listed)] {
		when := ""
		if g.First != 0 {
			when = period(b.p, g.First, g.Last)
		}
		b.f("<tr><td>%s</td><td>%s</td><td class=\"num\">%s</td><td>%s</td><td>%s</td></tr>", b.t("hunt.level."+levelKey(g.Rule.Level)), esc(ruleTitle(b.p, g.Rule)), esc(b.p.Number(int64(g.Count))),
			esc(some(g.Hosts.Names(), tableHosts)), esc(when))
	}
	b.raw("</tbody></table></div>\n")
}

// read says what was looked at, with what, and what could not be read.
func (s *htmlSink) read(b *sheet, r *Report) {
	b.f("<h2>%s</h2>\n<p>%s</p>", b.t("hunt.report.read"), b.t("hunt.report.read_say", "events", int64(r.Events), "sources", len(r.Sources), "kinds", kindsText(r)))
	if s.rules != nil {
		b.f("<p>%s</p><p class=\"note mono\">SHA-256 %s</p>", b.t("hunt.report.rules_say", "n", r.Rules, "rejected", len(s.rules.Rejected)), s.rules.Sum())
	}
	var lines []string
	for _, src := range r.Sources {
		for _, d := range src.Damage {
			lines = append(lines, damageText(b.p, src.Name, d))
		}
		if src.Ended != nil {
			lines = append(lines, b.p.Fault(src.Ended).Title)
		}
	}
	for _, p := range r.Passed {
		lines = append(lines, b.p.Fault(p.Err).Title)
	}
	if len(lines) == 0 {
		b.f("<p>%s</p>", b.t("hunt.report.whole"))
		return
	}
	b.f("<h4>%s</h4><ul>", b.t("hunt.report.broken", "n", len(lines)))
	for _, l := range lines[:min(len(lines), sourcesOf)] {
		b.f("<li>%s</li>", esc(l))
	}
	b.raw("</ul>\n")
}
