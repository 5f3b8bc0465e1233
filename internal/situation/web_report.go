package situation

import (
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/org"
)

type countLine struct {
	Name string
	N    int
}

type rangeLine struct {
	Name, Firms, Devices, Told, Opened, Answered, Fixed string
}

type reportView struct {
	Head      page.Head
	Report    Report
	By        string
	Counts    []taskCount
	Incidents []countLine
	Sectors   []countLine
	Open      []taskLine
	Finished  []taskLine
	Decisions []decisionLine
	Ranges    []rangeLine
	Line      []page.Step
	Next      page.Due
}

// showReport is a situation report to be printed.
func showReport(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	version, ok := whole(q.Path("version"))
	if !ok {
		return ErrNone
	}
	e, r, names, err := s.Report(q.Context(), q.Path("id"), version)
	if err != nil {
		return err
	}
	v := reportView{Report: r, By: names[r.By], Next: page.Due{Word: p.T("situation.web.no_beat")},
		Head: page.Head{H1: p.T("situation.report.title", "n", r.Version, "title", r.Title), Lead: p.T("situation.report.span", "from", p.Time(r.From), "to", p.Time(r.At)),
			Crumbs: []page.Crumb{{Text: p.T("situation.web.title"), Href: "/situations"}, {Text: e.Number, Href: "/situations/" + e.ID}, {Text: p.T("situation.report.version", "n", r.Version)}}}}
	if !r.NextAt.IsZero() {
		v.Next = page.Due{At: r.NextAt}
		if r.NextAt.Before(q.Now()) { // an old report is a document: what came next is no alarm
			v.Next.Off, v.Next.Word = true, p.T("situation.report.was_next")
		}
	}
	c := r.Tasks
	v.Counts = []taskCount{{p.T("situation.web.n_open"), c.Open, false}, {p.T("situation.web.n_late"), c.Late, c.Late > 0}, {p.T("situation.web.n_done"), c.Done, false}, {p.T("situation.web.n_cannot"), c.Cannot, c.Cannot > 0}}
	for _, k := range keys(r.Incidents) {
		v.Incidents = append(v.Incidents, countLine{p.T("situation.incident." + k), r.Incidents[k]})
	}
	for _, k := range keys(r.Sectors) {
		v.Sectors = append(v.Sectors, countLine{sectorName(p.Printer, k), r.Sectors[k]})
	}
	v.Open, v.Finished = p.lines(r.Open, names), p.lines(r.Finished, names)
	for _, d := range r.Decisions {
		var to []string
		for _, o := range d.To {
			to = append(to, names[o])
		}
		v.Decisions = append(v.Decisions, decisionLine{d.What, d.Why, names[d.Org], strings.Join(to, p.T("situation.web.comma")), d.At})
	}
	v.Ranges = ranges(r)
	for _, m := range r.Line {
		v.Line = append(v.Line, p.moment(m, names))
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Layout, shell.Handling = "situations", page.Print, &page.Handling{TLP: e.TLP, Clearance: e.Clearance}
	return q.Render("situation/report", shell, v)
}

func (p say) lines(list []TaskLine, names map[string]string) (out []taskLine) {
	for _, t := range list {
		l := taskLine{Title: t.Title, Owner: names[t.Owner], State: p.task(t.State), Tag: taskTag[t.State], Late: t.Late}
		switch {
		case t.State == Done:
			l.Due = page.Due{Word: p.task(t.State)}
		case t.DueAt.IsZero():
			l.Due = page.Due{Word: p.T("situation.web.no_due")}
		default:
			l.Due = page.Due{At: t.DueAt}
		}
		out = append(out, l)
	}
	return out
}

// ranges are the counts by vulnerability, as ranges.
func ranges(r Report) (out []rangeLine) {
	at := map[string]int{}
	line := func(v string) *rangeLine {
		i, ok := at[v]
		if !ok {
			i = len(out)
			at[v] = i
			out = append(out, rangeLine{v, "–", "–", "–", "–", "–", "–"})
		}
		return &out[i]
	}
	for _, x := range r.Exposure {
		l := line(x.Vulnerability)
		l.Firms, l.Devices = sayRange(x.Firms), sayRange(x.Devices)
	}
	for _, x := range r.Answers {
		l := line(x.Vulnerability)
		l.Told, l.Opened, l.Answered, l.Fixed = sayRange(x.Told), sayRange(x.Opened), sayRange(x.Answered), sayRange(x.Fixed)
	}
	return out
}

func sectorName(p text.Printer, id string) string {
	if all, err := org.LoadSectors(nil); err == nil {
		for _, x := range all.List {
			if x.ID == id {
				return x.Name.In(p.Lang)
			}
		}
	}
	return id
}
