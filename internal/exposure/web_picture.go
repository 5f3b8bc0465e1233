package exposure

import (
	"bytes"
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// How much a picture draws; the table and the CSV have the rest.
const (
	heatProducts = 14
	heatWeeks    = 13

	weeksHeight      = 210 // pixels
	weeksHeightPaper = 120 // so that all fits on one sheet
	tableRows        = 40
)

// pagesPicture are the pictures by sector and product, and the executive's page.
func pagesPicture(r *httpd.Router, s *Service) {
	r.Page("GET /exposures/sectors", func(q *httpd.Request) error { return on(q, s).showSectors() })
	r.Page("GET /exposures/sectors.csv", func(q *httpd.Request) error {
		weeks := q.Query("weeks") == "1"
		squares, err := s.Picture(q.Context(), filterOf(q), weeks)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := WriteCSV(&b, squares); err != nil {
			return err
		}
		name := "exposure-sectors.csv"
		if weeks {
			name = "exposure-sectors-weeks.csv"
		}
		return q.Download(name, "text/csv; charset=utf-8", &b)
	})
	r.Page("GET /executive", func(q *httpd.Request) error { return on(q, s).showExecutive() })
}

type sectorsView struct {
	Head   page.Head
	List   *page.List
	Empty  *page.Empty
	Map    page.Figure
	Weeks  page.Figure
	Legend []legendItem
	Rows   []squareView
	Cut    bool
	CSV    string
	CSVall string
}

type legendItem struct{ Class, Say string }

// squareView is one cell of the picture as a row of the table.
type squareView struct {
	Sector, Product, Href  string
	Priority               string
	Orgs, Devices, Entries string
}

func (v *screen) showSectors() error {
	f := filterOf(v.Request)
	squares, err := v.s.Picture(v.Context(), f, false)
	if err != nil {
		return err
	}
	over, err := v.s.Picture(v.Context(), f, true)
	if err != nil {
		return err
	}
	word := reachWord(Access.Reach(v.Who, "exposure.picture"))
	d := sectorsView{Head: page.Head{H1: v.p.T("exposure.web.sectors"), Lead: v.p.T("exposure.web.sectors_lead." + word),
		Crumbs: []page.Crumb{{Text: v.p.T("exposure.web.title." + reachWord(v.reach())), Href: "/exposures"}, {Text: v.p.T("exposure.web.sectors")}}}}
	query := v.Queries()
	d.CSV = "/exposures/sectors.csv" + asQuery(query)
	query.Set("weeks", "1")
	d.CSVall = "/exposures/sectors.csv" + asQuery(query)
	d.Head.Acts = []page.Act{{Text: v.p.T("exposure.web.csv"), Href: d.CSV, Icon: "down"}, {Text: v.p.T("exposure.web.csv_weeks"), Href: d.CSVall, Icon: "down"}}
	d.List = &page.List{Path: "/exposures/sectors", Query: v.Queries(), Total: -1}
	for p := Act; ; p-- {
		d.List.Filters = append(d.List.Filters, page.Filter{Name: "priority", Value: p.String(), Label: v.p.T("page.severity." + p.String()), Count: -1})
		if p == Track {
			break
		}
	}
	d.List.Filters = append(d.List.Filters, page.Filter{Name: "exploited", Value: "1", Label: v.p.T("exposure.web.exploited"), Count: -1}, page.Filter{Name: "kind", Value: "support", Label: v.p.T("exposure.web.filter.support"), Count: -1})
	if len(squares) == 0 {
		d.Empty = &page.Empty{Title: v.p.T("exposure.web.sectors_none"), Say: v.p.T("exposure.web.sectors_none_say")}
	}
	m := v.heatMap(squares)
	d.Map = page.Figure{Title: v.mapTitle(squares), Note: v.p.T("exposure.web.map_note"), SVG: m.SVG(), Table: "#table"}
	w := v.heatWeeks(over)
	d.Weeks = page.Figure{Title: v.p.T("exposure.web.weeks_title"), Note: v.p.T("exposure.web.weeks_note"), SVG: w.SVG(), Table: d.CSVall}
	for i := len(heatSteps) - 1; i >= 0; i-- {
		say := v.p.T("exposure.web.step_from", "n", heatSteps[i].from)
		if i > 0 {
			say = v.p.T("exposure.web.step", "from", heatSteps[i].from, "to", heatSteps[i-1].from-1)
		}
		d.Legend = append(d.Legend, legendItem{heatSteps[i].fill, say})
	}
	d.Cut = len(squares) > tableRows
	for _, q := range squares[:min(len(squares), tableRows)] {
		d.Rows = append(d.Rows, squareView{Sector: v.sectorName(q.Sector), Product: q.Product, Href: "/exposures?" + url.Values{"sector": {q.Sector}, "product": {q.Key}}.Encode(),
			Priority: q.Priority.String(), Orgs: dash(q.Orgs), Entries: dash(q.Rows), Devices: dash(q.Devices)})
	}
	return v.Render("exposure/sectors", v.shell(d.Head.H1, "sectors"), d)
}

func asQuery(q url.Values) string {
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// added adds two counts of which either may be a range.
func added(a, b Range) Range { return Range{a.Min + b.Min, a.Max + b.Max} }

// mapTitle is the finding of the map: the cell that asks for most.
func (v *screen) mapTitle(squares []Square) string {
	if len(squares) == 0 {
		return v.p.T("exposure.web.sectors_none")
	}
	q := &squares[0]
	return v.p.T("exposure.web.map_title", "sector", v.sectorName(q.Sector), "product", q.Product, "n", dash(q.Orgs), "priority", v.p.T("page.severity."+q.Priority.String()))
}

// heatMap is operators by product and sector; the products that stand first in
// the list, which is the most urgent first.
func (v *screen) heatMap(squares []Square) *heat {
	h := &heat{Cells: map[[2]int]Range{}}
	rows, cols := map[string]int{}, map[string]int{}
	var sectors []string
	for i := range squares {
		q := &squares[i]
		if _, ok := cols[q.Sector]; !ok {
			cols[q.Sector] = 0
			sectors = append(sectors, q.Sector)
		}
	}
	order := v.sectorOrder()
	slices.SortFunc(sectors, func(a, b string) int { return cmp.Compare(order[a], order[b]) })
	for i, s := range sectors {
		cols[s] = i
		h.Cols = append(h.Cols, v.sectorName(s))
	}
	for i := range squares {
		q := &squares[i]
		r, ok := rows[q.Key]
		if !ok {
			if len(rows) == heatProducts {
				continue
			}
			r = len(rows)
			rows[q.Key] = r
			h.Rows = append(h.Rows, q.Product)
		}
		h.Cells[[2]int{r, cols[q.Sector]}] = q.Orgs
	}
	h.Say = v.p.T("exposure.web.map_say", "products", len(h.Rows), "sectors", len(h.Cols)) + v.mapTitle(squares)
	return h
}

func (v *screen) sectorOrder() map[string]int {
	m := map[string]int{}
	for i, s := range v.s.Orgs.Sectors.List {
		m[s.ID] = i
	}
	return m
}

// heatWeeks is what still waits by sector and the week in which it was found.
func (v *screen) heatWeeks(squares []Square) *heat {
	h := &heat{Cells: map[[2]int]Range{}}
	monday := v.Now().In(text.JST)
	monday = monday.AddDate(0, 0, -(int(monday.Weekday())+6)%7)
	cols, rows := map[string]int{}, map[string]int{}
	for i := range heatWeeks {
		day := monday.AddDate(0, 0, -7*(heatWeeks-1-i))
		cols[day.Format(time.DateOnly)] = i
		h.Cols = append(h.Cols, v.p.ShortDate(day, day))
	}
	var sectors []string
	for i := range squares {
		if _, ok := cols[squares[i].Week]; ok && !slices.Contains(sectors, squares[i].Sector) {
			sectors = append(sectors, squares[i].Sector)
		}
	}
	order := v.sectorOrder()
	slices.SortFunc(sectors, func(a, b string) int { return cmp.Compare(order[a], order[b]) })
	for i, s := range sectors {
		rows[s] = i
		h.Rows = append(h.Rows, v.sectorName(s))
	}
	for i := range squares {
		q := &squares[i]
		if c, ok := cols[q.Week]; ok {
			at := [2]int{rows[q.Sector], c}
			h.Cells[at] = added(h.Cells[at], q.Rows)
		}
	}
	h.Say = v.p.T("exposure.web.weeks_say", "sectors", len(h.Rows), "weeks", heatWeeks)
	return h
}

type executiveView struct {
	Head   page.Head
	Five   []five
	Figure page.Figure
	Legend []page.Mass
	Decide *decision
	Print  bool
}

// five is one of the five numbers.
type five struct {
	Say, Unit, Note string
	N               int
	Href            string
}

// decision is the one thing an executive is asked.
type decision struct {
	Title, Why, Href string
	Due              page.Due
	Options          []option
}

type option struct{ What, Gain, Left string }

func (v *screen) showExecutive() error {
	f, err := v.s.Figures(v.Context())
	if err != nil {
		return err
	}
	weeks, err := v.s.Weeks(v.Context())
	if err != nil {
		return err
	}
	found, err := v.s.List(v.Context(), Filter{Limit: 1})
	if err != nil {
		return err
	}
	d := executiveView{Print: v.Query("print") == "1"}
	d.Head = page.Head{H1: v.p.T("exposure.web.five"), Lead: v.p.Date(v.Now())}
	if !d.Print {
		d.Head.Acts = []page.Act{{Text: v.p.T("exposure.web.print"), Href: "/executive?print=1", Icon: "print"}}
	}
	unit := v.p.T("exposure.web.unit")
	for _, x := range []struct {
		key  string
		n    int
		href string
	}{{"act", f.Act, "?priority=act"}, {"attacked", f.Attacked, "?exploited=1"}, {"unsupported", f.Unsupported, "?kind=support"}, {"new", f.New, "?sort=newest"}, {"closed", f.Closed, "?state=handled"}} {
		d.Five = append(d.Five, five{v.p.T("exposure.web.five." + x.key), unit, v.p.T("exposure.web.five_note." + x.key), x.n, "/exposures" + x.href})
	}
	title, say := v.weeksWords(weeks)
	height := weeksHeight
	if d.Print {
		height = weeksHeightPaper
	}
	d.Figure = page.Figure{Title: title, Note: v.p.T("exposure.web.weeks_bar_note"), SVG: weeksSVG(v.p, weeks, say, height)}
	for i := len(weekFills) - 1; i >= 0; i-- {
		x := weekFills[i]
		d.Legend = append(d.Legend, page.Mass{Label: v.p.T("page.severity." + x.priority.String()), N: weeks[len(weeks)-1].By[x.priority], Class: x.fill})
	}
	if len(found.Rows) > 0 && found.Rows[0].Priority >= Attend {
		e, err := v.s.Get(v.Context(), found.Rows[0].ID)
		if err != nil {
			return err
		}
		if err := v.s.Written(v.Context(), &e); err != nil {
			return err
		}
		d.Decide = v.decide(&e)
		d.Head.Lead += v.p.T("exposure.web.one_decision")
	}
	shell := v.shell(d.Head.H1, "executive")
	shell.Density = page.Roomy
	if d.Print {
		shell.Layout, shell.Density = page.Print, page.Desk
	}
	return v.Render("exposure/executive", shell, d)
}

// weeksWords are the finding of the picture, and the picture in a sentence.
func (v *screen) weeksWords(weeks []Week) (title, say string) {
	first, last, most := weeks[0].Total(), weeks[len(weeks)-1].Total(), 0
	for i := range weeks {
		most = max(most, weeks[i].Total())
	}
	key := "same"
	switch {
	case last > first:
		key = "more"
	case last < first:
		key = "less"
	}
	return v.p.T("exposure.web.weeks_bar."+key, "from", first, "to", last), v.p.T("exposure.web.weeks_bar_say", "from", first, "to", last, "most", most)
}

// decide puts the most urgent exposure as a question with its choices.
func (v *screen) decide(e *Exposure) *decision {
	r := v.row(e)
	d := &decision{Title: v.p.T("exposure.web.decide", "name", r.Title), Href: r.Href, Due: r.Due}
	var why []string
	for _, a := range v.asked(e) {
		why = append(why, a.Answer)
	}
	who := r.Sure
	if v.reach() != gate.Own {
		who = r.Org + " " + r.Sure
	}
	d.Why = strings.Join(append([]string{v.p.T("exposure.web.decide_why", "who", strings.TrimSpace(who), "n", e.Devices)}, why...), v.p.T("exposure.web.between"))
	keys := []string{"fix", "cut", "accept"}
	if e.Vulnerability == SupportEnd {
		keys = []string{"replace", "cut", "accept"}
	}
	if v.reach() == gate.All || v.reach() == gate.Sector {
		keys = []string{"tell", "ask"}
	}
	for _, k := range keys {
		d.Options = append(d.Options, option{v.p.T("exposure.web.option." + k), v.p.T("exposure.web.option_gain." + k), v.p.T("exposure.web.option_left." + k)})
	}
	return d
}
