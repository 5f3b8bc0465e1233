package measure

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// A paper has a page of its own: a case that is opened, an assessment, a place, a
// plan, a worksheet. What was written before stands in its fields.

type paperView struct {
	Head   page.Head
	To     string // where it is sent
	Back   string
	Groups []paperGroup
	More   string // the word on the button that adds empty rows
	Rows   int
	Send   string
}

type paperGroup struct {
	Title, Say string
	Fields     []page.Field
}

// Rows of steps and of evidence that a form offers beyond those that are filled in.
const (
	spare   = 2
	maxRows = 50
)

func pagesPapers(r *httpd.Router, s *Service) {
	r.Page("GET /measures/new", func(q *httpd.Request) error {
		if err := s.may(q.Context(), "measure.open"); err != nil {
			return err
		}
		return showOpening(q, s, &Threat{}, spare, nil)
	})
	r.Page("POST /measures", func(q *httpd.Request) error {
		t, rows := readThreat(q)
		if q.Form("more") != "" {
			if err := s.may(q.Context(), "measure.open"); err != nil {
				return err
			}
			return showOpening(q, s, &t, rows+spare, nil)
		}
		k, _, err := s.Open(q.Context(), Opening{Threat: t})
		if formFault(err) {
			return showOpening(q, s, &t, rows, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/measures/" + k.ID)
	})
	for _, name := range sheets {
		r.Page("GET /measures/{id}/write/"+name, func(q *httpd.Request) error { return showPaper(q, s, name, nil, 0, nil) })
		r.Page("POST /measures/{id}/"+name, func(q *httpd.Request) error {
			x, rows := readPaper(q, name)
			if q.Form("more") != "" {
				return showPaper(q, s, name, x, rows+spare, nil)
			}
			err := s.write(q, name, x)
			if formFault(err) {
				return showPaper(q, s, name, x, rows, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/measures/" + q.Path("id"))
		})
	}
}

// write makes the act of a paper.
func (s *Service) write(q *httpd.Request, name string, x any) (err error) {
	ctx, id := q.Context(), q.Path("id")
	switch v := x.(type) {
	case *Assessment:
		_, err = s.Assess(ctx, id, *v)
	case *Location:
		_, err = s.Locate(ctx, id, *v)
	case *Plan:
		_, err = s.Draft(ctx, id, *v)
	case *Worksheet:
		_, err = s.Consult(ctx, id, *v)
	}
	return err
}

// readPaper reads what a form says. What cannot be read is empty: the rules say
// what is missing.
func readPaper(q *httpd.Request, name string) (any, int) {
	finding := func(at string) Finding { return Finding{q.Form(at+"/met") == "yes", q.Form(at + "/grounds")} }
	switch name {
	case "assess":
		a := &Assessment{Necessity: q.Form("necessity"), Collateral: q.Form("collateral"), OwnerIsVictim: q.Form("owner_is_victim") != ""}
		for _, f := range (say{}).findings(a) {
			*f.f = finding(f.name)
		}
		return a, 0
	case "locate":
		return &Location{Place: Place(q.Form("place")), Country: q.Form("country"), Grounds: q.Form("grounds")}, 0
	case "consult":
		return &Worksheet{Basis: q.Form("basis"), Peril: q.Form("peril"), OnlyWay: q.Form("only_way"), Sovereignty: q.Form("sovereignty"), Others: q.Form("others"), Rules: lines(q.Form("rules"))}, 0
	}
	from, _ := page.ReadTime(q.Forms(), "from") // what is no time is none, and the rules say so
	until, _ := page.ReadTime(q.Forms(), "until")
	p := &Plan{From: from, Until: until, Ordinary: q.Form("ordinary"), StopWhen: lines(q.Form("stop_when")), Deconflict: q.Form("deconflict")}
	rows := rowsOf(q)
	for i := range rows {
		at := "steps/" + strconv.Itoa(i) + "/"
		hours, _ := strconv.Atoi(q.Form(at + "hours"))
		x := PlanStep{StepKind(q.Form(at + "kind")), q.Form(at + "on"), q.Form(at + "what"), q.Form(at + "undo"), hours}
		if x == (PlanStep{}) {
			continue
		}
		p.Steps = append(p.Steps, x)
	}
	return p, rows
}

// rowsOf is how many rows a form had.
func rowsOf(q *httpd.Request) int {
	n, _ := strconv.Atoi(q.Form("rows"))
	return max(0, min(n, maxRows))
}

func readThreat(q *httpd.Request) (t Threat, rows int) {
	t = Threat{Title: q.Form("title"), Machine: q.Form("machine"), Does: q.Form("does"), Protected: q.Form("protected"), Rank: Rank(q.Form("rank")), Victims: q.Form("victims")}
	rows = rowsOf(q)
	for i := range rows {
		at := "evidence/" + strconv.Itoa(i) + "/"
		e := Evidence{Noun: q.Form(at + "noun"), ID: q.Form(at + "id"), Digest: q.Form(at + "digest"), Says: q.Form(at + "says")}
		if e.ID == "" && e.Digest == "" && e.Says == "" {
			continue
		}
		t.Evidence = append(t.Evidence, e)
	}
	return t, rows
}

// lines are the lines of a text that say something.
func lines(s string) (out []string) {
	for l := range strings.Lines(s) {
		if l = strings.TrimSpace(l); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// area, choice and words are fields of the papers.
func (p say) area(name, label, value string, rows int) page.Field {
	return page.Field{Name: name, Kind: "textarea", Label: p.T(label), Need: page.Required, Rows: rows, Limit: maxWords, Value: value}
}

func (p say) choice(name, label, prefix, value string, from ...string) page.Field {
	f := page.Field{Name: name, Kind: "choice", Label: p.T(label), Need: page.Required, Value: value}
	for _, x := range from {
		f.Options = append(f.Options, page.Option{Value: x, Label: p.T(prefix + x)})
	}
	return f
}

func hinted(f page.Field, hint string) page.Field { f.Hint = hint; return f }

// showOpening is the form that opens a case.
func showOpening(q *httpd.Request, s *Service, t *Threat, rows int, bad error) error {
	p := say{q.Printer}
	rows = max(rows, len(t.Evidence))
	v := paperView{To: "/measures", Back: "/measures", More: p.T("measure.web.more_evidence"), Rows: rows, Send: p.act("open"),
		Head: page.Head{H1: p.act("open"), Lead: p.T("measure.hint.open"), Crumbs: []page.Crumb{{Text: p.T("measure.web.title"), Href: "/measures"}, {Text: p.act("open")}}}}
	g := paperGroup{Title: p.T("measure.web.threat"), Fields: []page.Field{
		{Name: "title", Label: p.T("measure.web.case_title"), Need: page.Required, Value: t.Title, Width: "wide"},
		{Name: "machine", Label: p.T("measure.web.machine"), Need: page.Required, Value: t.Machine, Width: "wide", Example: "198.51.100.7", Hint: p.T("measure.hint.machine")},
		p.area("does", "measure.web.does", t.Does, 4), p.area("protected", "measure.web.protected", t.Protected, 3)}}
	ranks := make([]string, len(Ranks))
	for i, r := range Ranks {
		ranks[i] = string(r)
	}
	victims := p.area("victims", "measure.web.victims", t.Victims, 2)
	victims.Need = page.Optional
	g.Fields = append(g.Fields, p.choice("rank", "measure.web.rank", "measure.rank.", string(t.Rank), ranks...), victims)
	v.Groups = append(v.Groups, g)
	var nouns []page.Option
	for _, n := range Nouns {
		nouns = append(nouns, page.Option{Value: n, Label: p.T("measure.noun." + n)})
	}
	for i := range rows {
		var e Evidence
		if i < len(t.Evidence) {
			e = t.Evidence[i]
		}
		at := "evidence/" + strconv.Itoa(i) + "/"
		fields := []page.Field{{Name: at + "noun", Kind: "select", Label: p.T("measure.web.noun"), Value: e.Noun, Options: nouns},
			{Name: at + "id", Label: p.T("measure.web.id"), Value: e.ID, Width: "wide"}, {Name: at + "says", Kind: "textarea", Label: p.T("measure.web.says"), Rows: 2, Value: e.Says},
			{Name: at + "digest", Label: p.T("measure.web.digest"), Need: page.Optional, Value: e.Digest, Width: "wide"}}
		group := paperGroup{Title: p.T("measure.web.evidence_n", "n", i+1), Fields: fields}
		if i == 0 {
			group.Say = p.T("measure.hint.evidence")
		}
		v.Groups = append(v.Groups, group)
	}
	return render(q, "measure/paper", v.Head.H1, v, bad)
}

// showPaper is the form of a paper of a chain: with what was typed, or with what
// was written before.
func showPaper(q *httpd.Request, s *Service, name string, x any, rows int, bad error) error {
	if err := s.may(q.Context(), "measure."+name); err != nil {
		return err
	}
	p := say{q.Printer}
	id := q.Path("id")
	got, err := s.Show(q.Context(), id)
	if err != nil {
		return err
	}
	c := &got.Chains[max(0, slices.IndexFunc(got.Chains, func(c ChainView) bool { return c.ID == id }))]
	v := paperView{To: "/measures/" + c.ID + "/" + name, Back: "/measures/" + c.ID, Send: p.act(name),
		Head: page.Head{H1: p.act(name), Lead: p.T("measure.web.by_side", "what", got.Case.Number+"　"+got.Case.Threat.Title, "who", got.Case.Threat.Machine),
			Crumbs: []page.Crumb{{Text: p.T("measure.web.title"), Href: "/measures"}, {Text: got.Case.Number, Href: "/measures/" + c.ID}, {Text: p.act(name)}}}}
	switch name {
	case "assess":
		v.Groups = p.assessForm(either(x, c.Assessment), c.Facts.Body)
	case "locate":
		v.Groups = p.locateForm(either(x, c.Location))
	case "consult":
		v.Groups = p.consultForm(either(x, c.Worksheet))
	case "plan":
		plan := either(x, c.Planned)
		v.Rows = min(max(rows, len(plan.Steps)+spare), s.Numbers.PlanSteps.Value)
		v.Groups, v.More = p.planForm(s, &plan, v.Rows, got.Case.Threat.Machine), p.T("measure.web.more_steps")
	}
	if bad != nil {
		bad = renamed(bad, "", "stop_when", "rules")
	}
	return render(q, "measure/paper", v.Head.H1, v, bad)
}

// either is what was typed, or else what was written before.
func either[T any](typed any, before *T) (out T) {
	if x, ok := typed.(*T); ok && x != nil {
		return *x
	}
	if before != nil {
		return *before
	}
	return out
}

func (p say) assessForm(a Assessment, b Body) (out []paperGroup) {
	for _, f := range p.findings(&a) {
		if b != Defence && (f.name == "organised" || f.name == "indispensable") {
			continue
		}
		met := ""
		if f.f.Grounds != "" {
			met = map[bool]string{true: "yes", false: "no"}[f.f.Met]
		}
		out = append(out, paperGroup{Title: p.T("measure.web." + f.name), Say: p.T("measure.hint." + f.name), Fields: []page.Field{
			p.choice(f.name+"/met", "measure.web.finding", "measure.finding.", met, "yes", "no"), p.area(f.name+"/grounds", "measure.web.grounds", f.f.Grounds, 3)}})
	}
	victim := page.Field{Name: "owner_is_victim", Kind: "check", Label: p.T("measure.web.owner_is_victim")}
	if a.OwnerIsVictim {
		victim.Value = "on"
	}
	return append(out, paperGroup{Title: p.T("measure.web.weighing"), Fields: []page.Field{
		hinted(p.area("necessity", "measure.web.necessity", a.Necessity, 3), p.T("measure.hint.necessity")),
		hinted(p.area("collateral", "measure.web.collateral", a.Collateral, 3), p.T("measure.hint.collateral")), victim}})
}

func (p say) locateForm(l Location) []paperGroup {
	return []paperGroup{{Title: p.T("measure.web.place"), Say: p.T("measure.hint.place"), Fields: []page.Field{
		p.choice("place", "measure.web.place", "measure.place.", string(l.Place), string(Japan), string(Abroad), string(Unknown)),
		{Name: "country", Label: p.T("measure.web.country"), Need: page.Optional, Value: l.Country},
		p.area("grounds", "measure.web.grounds", l.Grounds, 4)}}}
}

func (p say) consultForm(w Worksheet) []paperGroup {
	rules := page.Field{Name: "rules", Kind: "textarea", Label: p.T("measure.web.tallinn"), Need: page.Optional, Rows: 2, Value: strings.Join(w.Rules, "\n"), Hint: p.T("measure.hint.lines")}
	return []paperGroup{{Title: p.T("measure.web.worksheet"), Say: p.T("measure.hint.worksheet"), Fields: []page.Field{
		p.choice("basis", "measure.web.basis", "measure.basis.", w.Basis, Bases...),
		hinted(p.area("peril", "measure.web.peril", w.Peril, 3), p.T("measure.hint.peril")), hinted(p.area("only_way", "measure.web.only_way", w.OnlyWay, 3), p.T("measure.hint.only_way")),
		hinted(p.area("sovereignty", "measure.web.sovereignty", w.Sovereignty, 3), p.T("measure.hint.sovereignty")), hinted(p.area("others", "measure.web.others", w.Others, 3), p.T("measure.hint.others")), rules}}}
}

// instant is a time as a field holds it.
func instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(text.JST).Format(time.RFC3339)
}

func (p say) planForm(s *Service, x *Plan, rows int, machine string) []paperGroup {
	stop := hinted(p.area("stop_when", "measure.web.stop_when", strings.Join(x.StopWhen, "\n"), 3), p.T("measure.hint.lines"))
	out := []paperGroup{{Title: p.T("measure.web.frame"), Say: p.T("measure.hint.plan"), Fields: []page.Field{
		{Name: "from", Kind: "datetime", Label: p.T("measure.web.from"), Need: page.Required, Value: instant(x.From)},
		{Name: "until", Kind: "datetime", Label: p.T("measure.web.until"), Need: page.Required, Value: instant(x.Until), Hint: p.T("measure.hint.until", "hours", s.Numbers.WindowHours.Value)},
		hinted(p.area("ordinary", "measure.web.ordinary", x.Ordinary, 3), p.T("measure.hint.ordinary")), stop,
		hinted(p.area("deconflict", "measure.web.deconflict", x.Deconflict, 2), p.T("measure.hint.deconflict"))}}}
	kinds := []page.Option{{Label: p.T("measure.web.no_step")}}
	for _, c := range Steps {
		kinds = append(kinds, page.Option{Value: string(c.Kind), Label: p.T("measure.kind." + string(c.Kind))})
	}
	for i := range rows {
		var st PlanStep
		if i < len(x.Steps) {
			st = x.Steps[i]
		}
		at, hours := "steps/"+strconv.Itoa(i)+"/", ""
		if st.Hours > 0 {
			hours = strconv.Itoa(st.Hours)
		}
		g := paperGroup{Title: p.T("measure.web.step_n", "n", i+1), Fields: []page.Field{
			{Name: at + "kind", Kind: "select", Label: p.T("measure.web.kind"), Value: string(st.Kind), Options: kinds},
			{Name: at + "on", Label: p.T("measure.web.on"), Value: st.On, Width: "wide", Hint: p.T("measure.hint.on", "machine", machine)},
			{Name: at + "what", Kind: "textarea", Label: p.T("measure.web.what"), Rows: 2, Value: st.What, Limit: maxWords},
			{Name: at + "undo", Kind: "textarea", Label: p.T("measure.web.undo"), Rows: 2, Value: st.Undo, Hint: p.T("measure.hint.undo"), Limit: maxWords},
			{Name: at + "hours", Kind: "number", Label: p.T("measure.web.own_hours"), Value: hours, Unit: p.T("measure.web.unit_hours"), Hint: p.T("measure.hint.own_hours", "hours", s.Numbers.EmergencyHours.Value)}}}
		if i == 0 {
			g.Say = p.T("measure.hint.steps")
		}
		out = append(out, g)
	}
	return out
}
