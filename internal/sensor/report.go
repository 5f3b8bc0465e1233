package sensor

import (
	"fmt"
	"html"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/text"
	"noroshi/internal/engine/detect"
	"noroshi/internal/engine/geo"
)

// Paper is a report of findings for people: one page that stands alone, prints,
// and needs no script.
type Paper struct {
	Report *detect.Report
	At     time.Time // when it was made
	Files  int
	Home   []netip.Prefix
	Lookup func(netip.Addr) geo.Info // country and network of an address; nil draws no map of them
}

// Bounds of a page: more than anybody reads.
const (
	maxDetailed = 40
	maxListed   = 400
)

// WriteHTML writes the page: no script, nothing loaded from elsewhere.
func (r *Paper) WriteHTML(w io.Writer, p text.Printer) error {
	b := &sheet{p: p}
	title := p.T("sensor.report.title")
	b.raw(`<!doctype html>` + "\n")
	b.f(`<html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">`, p.Lang)
	b.raw(`<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`)
	b.f("<title>%s</title><style>%s</style></head><body><main>\n", esc(title), ReportStyle)
	r.head(b, title)
	r.first(b)
	r.matrix(b)
	r.world(b)
	r.list(b)
	r.held(b)
	r.read(b)
	b.raw("</main></body></html>\n")
	_, err := io.WriteString(w, b.String())
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

func esc(s string) string { return html.EscapeString(s) }

// worth are the findings that a person should look at.
func (r *Paper) worth() []detect.Finding { return atLeast(r.Report.Findings, likely) }

func (r *Paper) head(b *sheet, title string) {
	s := &r.Report.Stats
	b.f("<header><h1>%s</h1>", esc(title))
	if s.Records > 0 {
		b.f("<p class=\"lead\">%s</p>", b.t("sensor.report.lead", "from", b.p.Time(time.Unix(0, s.First)), "to", b.p.Time(time.Unix(0, s.Last)), "records", s.Records, "worth", len(r.worth())))
	}
	b.f("<p class=\"note\">%s</p></header>\n", b.t("sensor.report.content"))
}

// first shows what is worth a look, one by one.
func (r *Paper) first(b *sheet) {
	worth := r.worth()
	b.f("<h2>%s</h2>\n", b.t("sensor.report.first"))
	switch why := unjudged(r.Report); {
	case why != "":
		b.f("<p class=\"lead\"><b>%s</b> %s</p>\n", b.t(why), b.t(why+".hint"))
	case len(worth) == 0:
		b.f("<p>%s</p>\n", b.t("sensor.report.none"))
	}
	if r.Report.Stats.Records > 0 && r.Report.Stats.Home == 0 && len(r.Report.Findings) > 0 {
		b.f("<p class=\"lead\">%s</p>\n", b.t("sensor.detect.no_home"))
	}
	for i := range worth[:min(len(worth), maxDetailed)] {
		r.detail(b, i+1, &worth[i])
	}
}

func rankClass(score float64) string {
	if score >= sure {
		return "act"
	}
	return "attend"
}

// detail is one finding: what, the picture, why, what it means, what to do.
func (r *Paper) detail(b *sheet, no int, f *detect.Finding) {
	kind := string(f.Kind)
	b.f("<article id=\"f%d\"><header class=\"%s\"><span class=\"score\">%s %.2f</span><h3>%s</h3></header>\n", no, rankClass(f.Score), rankMark(f.Score), f.Score, b.t("sensor.finding.kind."+kind))
	b.f("<p class=\"say\">%s</p><p class=\"when\">%s – %s</p>\n", esc(FindingText(b.p, f)), esc(b.p.Time(time.Unix(0, f.Start))), esc(b.p.Time(time.Unix(0, f.End))))
	drawFinding(b, f)
	b.f("<div class=\"two\"><section><h4>%s</h4><p>%s</p></section><section><h4>%s</h4><p>%s</p></section></div>\n",
		b.t("sensor.report.means"), b.t("sensor.finding.why."+kind, "other", otherText(b.p, f)),
		b.t("sensor.report.do"), b.t("sensor.finding.do."+kind, "src", endText(b.p, f.Src), "other", otherText(b.p, f), "through", f.Fact("through")))
	b.f("<div class=\"two\"><section><h4>%s</h4><table class=\"parts\"><thead><tr><th scope=\"col\">%s</th><th scope=\"col\" class=\"num\">%s</th><th></th></tr></thead><tbody>",
		b.t("sensor.report.why"), b.t("sensor.report.part"), b.t("sensor.report.points"))
	for _, part := range f.Parts {
		b.f("<tr><th scope=\"row\">%s</th><td class=\"num\">%.2f</td><td>%s</td></tr>", b.t("sensor.finding.part."+part.Key), part.Score, meter(part.Score))
	}
	b.f("</tbody></table></section><section><h4>%s</h4><dl>", b.t("sensor.report.numbers"))
	if place := r.place(b.p, f.Dst); place != "" {
		b.f("<div><dt>%s</dt><dd>%s<br>%s</dd></div>", b.t("sensor.detect.head.dst"), esc(f.Dst.String()), esc(place))
	}
	for _, x := range f.Facts {
		if x.Key == "period_s" && !sameBeat(f) {
			continue
		}
		key := "sensor.finding.fact." + x.Key
		if v := factText(b.p, x.Key, x.Value); v != "" && b.p.Has(key) {
			b.f("<div><dt>%s</dt><dd>%s</dd></div>", b.t(key), esc(v))
		}
	}
	b.f("<div><dt>%s</dt><dd>%s</dd></div></dl></section></div></article>\n", b.t("sensor.report.attack"), esc(strings.Join(f.Attack, " ")))
}

// place is the country and the network of an address, "" when neither is known.
func (r *Paper) place(p text.Printer, a netip.Addr) string {
	if r.Lookup == nil || !a.IsValid() {
		return ""
	}
	i := r.Lookup(a)
	var out []string
	if i.Country != "" {
		out = append(out, i.Country)
	}
	if i.ASN != 0 {
		out = append(out, fmt.Sprintf("AS %d %s", i.ASN, i.Org))
	}
	if len(out) == 0 {
		return ""
	}
	return strings.TrimSpace(strings.Join(out, ", "))
}

// list is every finding in a line.
func (r *Paper) list(b *sheet) {
	all := r.Report.Findings
	if len(all) == 0 {
		return
	}
	b.f("<h2>%s</h2><p class=\"note\">%s</p>\n<table class=\"list\"><thead><tr>", b.t("sensor.report.list"), b.t("sensor.report.list_note"))
	for _, h := range []string{"score", "kind", "src", "dst", "when", "text"} {
		if h == "when" {
			b.f("<th scope=\"col\">%s</th>", esc(whenHead(b.p)))
			continue
		}
		b.f("<th scope=\"col\">%s</th>", b.t("sensor.detect.head."+h))
	}
	b.raw("</tr></thead><tbody>\n")
	for i := range all[:min(len(all), maxListed)] {
		f := &all[i]
		b.f("<tr><td class=\"num\">%s&nbsp;%.2f</td><td>%s</td><td class=\"mono\">%s</td><td class=\"mono\">%s</td><td>%s</td><td>%s</td></tr>\n", rankMark(f.Score), f.Score,
			b.t("sensor.finding.kind."+string(f.Kind)), esc(endText(b.p, f.Src)), esc(otherText(b.p, f)), b.p.Short(time.Unix(0, f.Start), time.Time{}), esc(FindingText(b.p, f)))
	}
	b.raw("</tbody></table>\n")
	more := max(len(all)-maxListed, 0)
	for _, n := range r.Report.More {
		more += n
	}
	if more > 0 {
		b.f("<p class=\"note\">%s</p>\n", b.t("sensor.detect.more", "n", more, "kind", b.p.T("sensor.report.list")))
	}
}

// held shows what was expected, and what no longer is.
func (r *Paper) held(b *sheet) {
	if len(r.Report.Allowed) > 0 {
		b.f("<h2>%s</h2><table class=\"list\"><thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead><tbody>\n", b.t("sensor.report.allowed"), b.t("sensor.detect.head.text"), b.t("sensor.report.reason"), b.t("sensor.report.until"))
		for i := range r.Report.Allowed[:min(len(r.Report.Allowed), maxListed)] {
			f := &r.Report.Allowed[i]
			b.f("<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", esc(FindingText(b.p, f)), esc(f.Allowed.Reason), esc(b.p.Date(f.Allowed.Until)))
		}
		b.raw("</tbody></table>\n")
	}
	if len(r.Report.Expired) > 0 {
		b.f("<h2>%s</h2><table class=\"list\"><thead><tr><th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead><tbody>\n", b.t("sensor.report.expired"), b.t("sensor.report.reason"), b.t("sensor.report.until"))
		for _, a := range r.Report.Expired {
			b.f("<tr><td>%s</td><td>%s</td></tr>\n", esc(a.Reason), esc(b.p.Date(a.Until)))
		}
		b.raw("</tbody></table>\n")
	}
}

// read says what the page rests on.
func (r *Paper) read(b *sheet) {
	s := &r.Report.Stats
	networks := b.p.T("sensor.report.private")
	if len(r.Home) > 0 {
		var list []string
		for _, p := range r.Home {
			list = append(list, p.String())
		}
		slices.Sort(list)
		networks = strings.Join(list, ", ")
	}
	b.f("<h2>%s</h2><dl class=\"row\">", b.t("sensor.report.read"))
	for _, row := range [][2]string{{"files", b.p.Number(int64(r.Files))}, {"records", b.p.Number(s.Records)}, {"home", b.p.Number(int64(s.Home))}, {"outside", b.p.Number(int64(s.Outside))}, {"networks", networks}, {"made", b.p.Time(r.At)}} {
		b.f("<div><dt>%s</dt><dd>%s</dd></div>", b.t("sensor.report."+row[0]), esc(row[1]))
	}
	b.raw("</dl>\n")
	for kind, n := range s.Evicted {
		b.f("<p class=\"note\">%s</p>\n", b.t("sensor.detect.evicted", "table", kind, "n", n))
	}
}
