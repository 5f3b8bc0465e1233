package hunt

import (
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/sigma"
)

// Bounds of a report: findings it is drawn from, lines of its timeline, findings
// it asks for what left.
const (
	reportFindings = 2000
	reportLines    = 60
	reportSteps    = 8
	reportLeft     = 50
)

type stageCell struct {
	N     int
	Class string
}

type hostStages struct {
	Host  string
	Cells []stageCell
}

type reportView struct {
	Head      page.Head
	Hunt      Hunt
	Run       Received
	Ended     string
	Say       []string
	Numbers   []figure
	Cut       string // said when the report is drawn from a part
	Picture   page.Figure
	Legend    []page.Mass
	Tactics   []string
	Stages    []hostStages
	Route     routeView
	MoreHosts int
	Lines     []row
	MoreLines int
	Evidence  page.Facts
	Next      []string
	Left      []Released
	LeftMore  bool
	Scope     page.Facts
	Close     bool
}

type figure struct {
	N    string
	Word string
	Bad  bool
}

// levelFill are the fills of the levels in pictures, of none to critical.
var levelFill = [sigma.Critical + 1]string{"f-rule", "f-rule", "f-line", "f-ai", "f-attend", "f-act"}

func (c *console) showReport(q *httpd.Request) error {
	p := q.Printer
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	shelf, err := c.shelf()
	if err != nil {
		return err
	}
	v := reportView{Hunt: h, Close: h.Stage == Opened && may(q, "hunt.close"), Scope: huntFacts(q, h)}
	v.Hunt.Words = printableLines(h.Words)
	v.Head = page.Head{H1: p.T("hunt.web.report_of", "number", h.Number, "title", text.Printable(h.Title)), Lead: text.Printable(h.Question), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number, Href: "/hunts/" + h.ID}, {Text: p.T("hunt.web.report")}}}
	if v.Close {
		v.Head.Acts = []page.Act{{Text: p.T("hunt.web.close"), Href: "/hunts/" + h.ID + "/close", Kind: "primary"}}
	}
	if h.Conclusion != "" {
		v.Ended = p.T("hunt.web.conclusion." + string(h.Conclusion))
	}
	runs, _, err := c.Runs(q.Context(), h.ID, "", runsShown)
	if err != nil {
		return err
	}
	var list []Finding
	if len(runs) > 0 {
		v.Run = latest(runs)
		if i := slices.IndexFunc(runs, func(r Received) bool { return r.ID == q.Query("run") }); i >= 0 {
			v.Run = runs[i]
		}
		if list, err = c.gather(q, &v); err != nil {
			return err
		}
	}
	v.fill(p, shelf, list)
	if v.Route, err = c.route(q, shelf, list); err != nil {
		return err
	}
	if err := c.left(q, &v, list); err != nil {
		return err
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density = "hunts", page.Desk
	shell.Handling = &page.Handling{TLP: "AMBER+STRICT", Clearance: 1, Purpose: p.T("hunt.web.report_purpose")}
	return q.Render("hunt/report", shell, v)
}

// gather reads the findings of the run, the gravest first, up to a bound.
func (c *console) gather(q *httpd.Request, v *reportView) (list []Finding, err error) {
	f := FindingFilter{Hunt: v.Hunt.ID, Run: v.Run.ID, Limit: 500}
	for len(list) < reportFindings {
		some, next, err := c.Findings(q.Context(), f)
		if err != nil {
			return nil, err
		}
		list = append(list, some...)
		if f.Cursor = next; next == "" {
			return list, nil
		}
	}
	v.Cut = q.Printer.T("hunt.web.report_cut", "n", len(list), "all", v.Run.Groups)
	return list, nil
}

// picture groups findings as a report of the program does: by rule, over time,
// by host. It counts a finding at the hour in which it begins.
func picture(shelf *shelf, list []Finding) *Picture {
	s := &Picture{ByHour: map[int64]*[sigma.Critical + 1]int{}}
	groups := map[string]*Group{}
	for i := range list {
		f := &list[i]
		r := shelf.ruleOf(f)
		g := groups[f.Rule]
		if g == nil {
			g = &Group{Rule: r}
			groups[f.Rule], s.Groups = g, append(s.Groups, g)
		}
		g.Count++
		s.Count++
		s.ByLevel[r.Level]++
		for _, t := range []*Tally{&g.Hosts, &s.Hosts} {
			t.add(f.Host)
		}
		s.Users.add(f.User)
		if !f.First.IsZero() {
			at := f.First.UnixNano()
			if s.First == 0 || at < s.First {
				s.First = at
			}
			s.Last = max(s.Last, at)
			s.hour(at, r.Level)
		}
	}
	return s
}

func (v *reportView) fill(p text.Printer, shelf *shelf, list []Finding) {
	var real, waiting, unclear []Finding
	for _, f := range list {
		switch f.State {
		case Real:
			real = append(real, f)
		case Unsure:
			unclear = append(unclear, f)
		case Fresh, Taken:
			waiting = append(waiting, f)
		}
	}
	seen := real // what is shown in the order of time: what was decided to be real, else what may be
	if len(seen) == 0 {
		seen = slices.Concat(unclear, waiting)
	}
	hosts, users := Tally{}, Tally{}
	for i := range seen {
		hosts.add(seen[i].Host)
		users.add(seen[i].User)
	}
	n := func(k int) string { return p.Number(int64(k)) }
	v.Numbers = []figure{{n(len(real)), p.T("hunt.web.state.real"), len(real) > 0}, {n(len(unclear)), p.T("hunt.web.state.unclear"), false}, {n(len(waiting)), p.T("hunt.web.waiting"), len(waiting) > 0},
		{n(len(list)), p.T("hunt.web.findings"), false}, {n(hosts.Len()), p.T("hunt.web.hosts_of"), false}, {n(users.Len()), p.T("hunt.web.users_of"), false}}
	switch {
	case len(list) == 0:
		v.Say = append(v.Say, p.T("hunt.web.report_none"))
	case len(real) > 0:
		v.Say = append(v.Say, p.T("hunt.web.report_real", "n", len(real), "hosts", hosts.Len()))
	default:
		v.Say = append(v.Say, p.T("hunt.web.report_harmless"))
	}
	if len(waiting) > 0 {
		v.Say = append(v.Say, p.T("hunt.web.report_waiting", "n", len(waiting)))
	}
	v.timeline(p, shelf, seen)
	s := picture(shelf, list)
	v.draw(p, s)
	v.stages(p, s)
	for _, f := range real {
		for _, step := range nextText(p, shelf.ruleOf(&f)) {
			if step = text.Printable(step); len(v.Next) < reportSteps && !slices.Contains(v.Next, step) {
				v.Next = append(v.Next, step)
			}
		}
	}
	add := adder(&v.Evidence)
	if v.Run.ID == "" {
		return
	}
	r := v.Run
	add(p.T("hunt.web.run_at"), p.Time(r.At))
	add(p.T("hunt.web.events"), zero(p, int64(r.Events)))
	add(p.T("hunt.web.sources"), zero(p, int64(r.Sources)))
	add(p.T("hunt.web.damage"), zero(p, int64(r.Damage)))
	add(p.T("hunt.web.detections"), zero(p, int64(r.Taken)))
	add(p.T("hunt.web.beyond"), zero(p, int64(r.Beyond)))
	add(p.T("hunt.web.program"), text.Printable(r.Program))
	add(p.T("hunt.web.rules_sum"), r.Told.Rules)
	add(p.T("hunt.web.pack_sum"), r.Pack)
	add(p.T("hunt.web.keep"), keptText(p, r))
	add(p.T("hunt.web.entry"), r.Entry)
}

// zero leaves a number out that is none.
func zero(p text.Printer, n int64) string {
	if n == 0 {
		return ""
	}
	return p.Number(n)
}

// timeline puts findings in the order of their times.
func (v *reportView) timeline(p text.Printer, shelf *shelf, list []Finding) {
	list = slices.Clone(list[:min(len(list), reportLines)])
	slices.SortStableFunc(list, func(a, b Finding) int { return a.First.Compare(b.First) })
	for i := range list {
		v.Lines = append(v.Lines, shelf.row(p, &list[i]))
	}
}

// draw draws how many findings began when, by level.
func (v *reportView) draw(p text.Printer, s *Picture) {
	if s.First == 0 {
		return
	}
	bars, step, top := s.bins()
	var b strings.Builder
	title := p.T("hunt.web.began")
	fmt.Fprintf(&b, `<svg class="fig" viewBox="0 0 960 180" role="img" aria-label="%s"><text x="0" y="14">%s</text><line class="grid" x1="48" x2="960" y1="150" y2="150"/>`,
		template.HTMLEscapeString(p.T("hunt.web.began_say", "n", s.Count)), template.HTMLEscapeString(p.Number(int64(top))))
	width := 912 / float64(len(bars))
	for i, levels := range bars {
		y := 150.0
		for l := len(levels) - 1; l >= 0; l-- { // the gravest at the bottom, where heights are compared
			if k := levels[l]; k > 0 {
				high := max(1.5, 130*float64(k)/float64(top))
				y = max(y-high, 0)
				fmt.Fprintf(&b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"/>`, levelFill[l], 48+float64(i)*width, y, min(max(width-1, 1), 60), high)
			}
		}
	}
	fmt.Fprintf(&b, `<text x="48" y="172">%s</text><text x="960" y="172" class="t-e">%s</text></svg>`, template.HTMLEscapeString(p.Time(time.Unix(0, s.First))), template.HTMLEscapeString(p.Time(time.Unix(0, s.Last))))
	note := p.T("hunt.web.began_note", "span", time.Duration(step)*time.Hour)
	v.Picture = page.Figure{Title: title, Note: note, SVG: template.HTML(b.String())} // every word is escaped above
	for l := sigma.Critical; l >= sigma.Informational; l-- {
		if s.ByLevel[l] > 0 {
			v.Legend = append(v.Legend, page.Mass{Label: levelWord(p, l.String()), N: s.ByLevel[l], Class: levelFill[l]})
		}
	}
}

// stages fills in which hosts have findings of which stage of an attack.
func (v *reportView) stages(p text.Printer, s *Picture) {
	hosts, used, grid := s.stages()
	for _, t := range used {
		v.Tactics = append(v.Tactics, tacticText(p, t))
	}
	for _, host := range hosts[:min(len(hosts), hostsOf)] {
		x := hostStages{Host: text.Printable(host)}
		for _, t := range used {
			cell := stageCell{}
			if at := grid[host][t]; at != nil {
				cell = stageCell{at.count, levelTag[at.level.String()]}
			}
			x.Cells = append(x.Cells, cell)
		}
		v.Stages = append(v.Stages, x)
	}
	v.MoreHosts = max(len(hosts)-hostsOf, 0)
}

// left lists what was given outside.
func (c *console) left(q *httpd.Request, v *reportView, list []Finding) error {
	n := 0
	for _, f := range list {
		if f.ReleasedAt.IsZero() {
			continue
		}
		if n++; n > reportLeft {
			v.LeftMore = true
			break
		}
		whole, err := c.Finding(q.Context(), f.ID)
		if err != nil {
			return err
		}
		for _, r := range whole.Released {
			if !slices.ContainsFunc(v.Left, func(x Released) bool { return x.Value == r.Value }) {
				v.Left = append(v.Left, r)
			}
		}
	}
	return nil
}

type closeView struct {
	Head    page.Head
	Hunt    Hunt
	Waiting int
	Fields  []page.Field
}

// showClose asks how a hunt ended.
func (c *console) showClose(q *httpd.Request, bad error) error {
	p := q.Printer
	if err := c.May(q.Context(), "hunt.close"); err != nil {
		return err
	}
	h, err := c.Hunt(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	v := closeView{Hunt: h, Head: page.Head{H1: p.T("hunt.web.close"), Lead: p.T("hunt.web.close_lead"), Crumbs: []page.Crumb{{Text: p.T("hunt.web.hunts"), Href: "/hunts"}, {Text: h.Number, Href: "/hunts/" + h.ID}, {Text: p.T("hunt.web.close")}}}}
	runs, _, err := c.Runs(q.Context(), h.ID, "", runsShown)
	if err != nil {
		return err
	}
	if len(runs) > 0 {
		if v.Waiting, err = c.Count(q.Context(), FindingFilter{Hunt: h.ID, Run: latest(runs).ID, Waiting: true}); err != nil {
			return err
		}
	}
	var options []page.Option
	for _, x := range Conclusions {
		options = append(options, page.Option{Value: string(x), Label: p.T("hunt.web.conclusion." + string(x)), Hint: p.T("hunt.web.conclusion_say." + string(x))})
	}
	v.Fields = []page.Field{{Name: "conclusion", Kind: "choice", Label: p.T("hunt.web.conclusion"), Need: page.Required, Options: options},
		{Name: "words", Kind: "textarea", Label: p.T("hunt.web.words"), Need: page.Required, Hint: p.T("hunt.web.words_hint"), Rows: 4, Limit: maxWords}}
	return render(q, "close", "hunts", v.Head.H1, v, bad)
}

func (c *console) close(q *httpd.Request) error {
	version, err := versionOf(q)
	var h Hunt
	if err == nil {
		h, err = c.Close(q.Context(), q.Path("id"), version, Conclusion(q.Form("conclusion")), q.Form("words"))
	}
	if onForm(err) {
		return c.showClose(q, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/hunts/" + h.ID + "/report")
}
