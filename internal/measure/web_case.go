package measure

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

type chainView struct {
	ID, Title, State, Tag, Notice string
	Late                          bool
	Due                           page.Due
	Turn                          string // what who looks has to do now
	Awaits                        string // whom the chain waits for, where it is nobody who looks
	Altered                       bool
	Missing                       []string
	Brake                         []string
	Papers                        []paperLink
	Facts                         page.Facts
	Emergency                     page.Facts
	Bounds                        page.Facts
	Plan                          []planLine
	Officers                      []officerLine
	Steps                         []page.Step
	More                          bool // there are earlier acts
	Done                          []doneLine
	MoreDone                      bool
	Voices                        []voiceLine
	Tried                         *triedView
	Now                           []form // that who looks has to do now
	Forms                         []form
	Approval                      string
}

// paperLink leads to the form of a paper.
type paperLink struct{ Text, Href string }

type planLine struct{ Number, Kind, On, What, Undo, Ends, Mark, Tag string }

type officerLine struct {
	Person, Name string
	At           time.Time
	Dismiss      bool
}

type doneLine struct {
	Number, Intent, Outcome, Tag, Says, Evidence, Whom string
	At                                                 time.Time
}

type voiceLine struct {
	Name, Word, Text string
	At               time.Time
}

type caseView struct {
	Head     page.Head
	First    bool // who reads the case does not work on it: the threat comes first
	Facts    page.Facts
	Chains   []chainView
	Others   []string
	Same     string
	Unit     string // of which further emergencies can be shut off here
	UnitName string
	Switches []string
	Holds    string
	Shut     bool // what who looks says now
	Here     string
}

// showCase is a case: the threat, and each chain of command that who looks may
// see, with what waits for them, what it lacks, its papers, what was done, and
// what they may do.
func showCase(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	people, err := s.hands(q, &x)
	if err != nil {
		return err
	}
	t := x.Case.Threat
	v := caseView{Head: page.Head{H1: x.Case.Number + "　" + t.Title, Lead: p.T("measure.web.opened_by", "org", x.Names[x.Case.Org], "at", x.Case.CreatedAt), Crumbs: []page.Crumb{{Text: p.T("measure.web.title"), Href: "/measures"}, {Text: x.Case.Number}}}}
	v.First = x.Side != CommandSide && x.Side != ExecutorSide
	v.Facts.Rows = p.rows("measure.web.machine", t.Machine, "measure.web.does", t.Does, "measure.web.protected", t.Protected, "measure.web.rank", p.T("measure.rank."+string(t.Rank)), "measure.web.victims", t.Victims)
	for _, e := range t.Evidence {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("measure.web.evidence"), Value: e.Says, Note: p.T("measure.noun."+noun(e.Noun)) + " " + e.ID})
	}
	if x.Same > 0 {
		v.Same = p.T("measure.cli.same", "n", x.Same)
	}
	for i := range x.Chains {
		v.Chains = append(v.Chains, p.chain(s, &x, &x.Chains[i], people))
	}
	for _, o := range x.Others {
		line := p.T("measure.cli.other") + " " + x.Names[o.Org] + " " + p.state(o.State)
		if !o.Until.IsZero() {
			line += " " + p.Time(o.From) + " – " + p.Time(o.Until)
		}
		v.Others = append(v.Others, line)
	}
	v.switches(p, q, &x)
	v.Here = "/measures/" + q.Path("id")
	return render(q, "measure/case", v.Head.H1, v, bad)
}

// noun is the kind of a piece of evidence that has a word.
func noun(n string) string {
	if slices.Contains(Nouns, n) {
		return n
	}
	return "other"
}

// switches says what both sides say of further emergencies of the unit.
func (v *caseView) switches(p say, q *httpd.Request, x *View) {
	if len(x.Chains) == 0 || !x.Side.inside() {
		return
	}
	v.Holds = p.T("measure.web.open")
	for _, w := range x.Switches {
		if w.Agreed {
			v.Holds = p.T("measure.web.shut")
		}
		word := p.T("measure.web.says_open")
		if w.Shut {
			word = p.T("measure.web.says_shut")
		}
		v.Switches = append(v.Switches, p.T("measure.side."+string(w.Side))+"："+word)
		if w.Side == x.Side {
			v.Shut = w.Shut
		}
	}
	v.UnitName = x.Names[x.Chains[0].Org]
	if Access.May(q.Context(), "measure.switch") {
		v.Unit = x.Chains[0].Org
	}
}

// rows are facts by name and value; what is empty is left out.
func (p say) rows(pairs ...string) (out []page.Fact) {
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			out = append(out, page.Fact{Name: p.T(pairs[i]), Value: pairs[i+1]})
		}
	}
	return out
}

func (p say) chain(s *Service, x *View, c *ChainView, people []page.Option) chainView {
	v := chainView{ID: c.ID, Title: p.body(c.Facts.Body) + "　" + x.Names[c.Org], State: p.state(c.State), Tag: tagOf(c.State), Late: c.Late, Altered: len(c.Altered) > 0, More: c.PastNext != "", MoreDone: c.DoneNext != ""}
	if c.Facts.Notice != "" {
		v.Notice = p.T("measure.notice." + string(c.Facts.Notice))
	}
	switch c.Facts.Notice {
	case Due:
		v.Due = page.Due{At: c.NoticeDueAt, Word: p.T("measure.web.notice_due")}
	case Noticed:
		v.Due = page.Due{At: c.ReviewDueAt, Word: p.T("measure.web.review_due")}
	}
	if c.Waits != "" {
		v.Turn = p.T("measure.web.turn", "act", p.act(c.Waits))
		if c.Waits == "second" && !c.declared() {
			v.Turn = p.T("measure.web.turn_sign")
		}
	}
	if key := "measure.awaits." + string(c.State); c.Waits == "" && !x.Side.asked() && p.Has(key) {
		v.Awaits = p.T(key)
	}
	for _, id := range slices.Sorted(maps.Keys(c.Missing)) {
		v.Missing = append(v.Missing, p.T("measure.cli.missing", "guard", p.T("measure.guard."+strings.ToLower(id)), "article", c.Missing[id]))
	}
	if x.Side == CommandSide || x.Side == SuperiorSide {
		v.Brake = p.brake(c)
	}
	v.Facts.Rows = p.papers(c)
	v.Emergency.Rows = p.rows("measure.web.declared", c.Words["declare"], "measure.web.signed", c.Words["second"], "measure.web.told", c.Words["notify"])
	v.bounds(p, c)
	v.plan(p, c)
	v.Tried = p.tried(c)
	for i := range c.Past {
		v.Steps = append(v.Steps, p.step(&c.Past[i]))
	}
	for _, d := range c.Done {
		v.Done = append(v.Done, p.doneLine(&d))
	}
	for _, w := range c.Voices {
		v.Voices = append(v.Voices, voiceLine{w.Name, p.T("measure.voice." + choice(w.Recommends)), w.Text, w.At})
	}
	for _, o := range c.Officers {
		v.Officers = append(v.Officers, officerLine{o.Person, o.Name, o.At, x.Side == CommandSide && slices.Contains(c.Acts, "dismiss")})
	}
	if x.Side.inside() {
		v.Approval = c.Approval
	}
	v.acts(p, s, c, people)
	return v
}

// brake is what stands against an emergency of a chain that could be declared.
func (p say) brake(c *ChainView) (out []string) {
	f := &c.Facts
	if !slices.Contains(c.Acts, "declare") && c.State != Declared && (c.State != Authorised || f.Approved) {
		return nil
	}
	if f.Barred {
		out = append(out, p.T("measure.guard.fresh"))
	}
	if f.Overdue && !f.Seconded {
		out = append(out, p.T("measure.guard.brake"))
	}
	return out
}

// bounds are what the commission set, and when the power ends.
func (v *chainView) bounds(p say, c *ChainView) {
	if b := c.Bounds; b != nil {
		v.Bounds.Rows = append(p.rows("measure.web.bound_number", b.Number, "measure.web.bound_until", p.Time(b.Until)), p.rows("measure.web.conditions", strings.Join(b.Conditions, "\n"))...)
		if len(b.Conditions) == 0 {
			v.Bounds.Rows = append(v.Bounds.Rows, page.Fact{Name: p.T("measure.web.conditions"), Value: p.T("measure.web.no_conditions")})
		}
	}
	if !c.Ends.IsZero() {
		v.Bounds.Rows = append(v.Bounds.Rows, p.rows("measure.web.ends", p.Time(c.Ends))...)
	}
}

// plan are the steps of the plan, with what became of each.
func (v *chainView) plan(p say, c *ChainView) {
	if c.Planned == nil {
		return
	}
	for i, s := range c.Planned.Steps {
		l := planLine{Number: strconv.Itoa(i + 1), Kind: p.T("measure.kind." + string(s.Kind)), On: s.On, What: s.What, Undo: s.Undo}
		if s.Hours > 0 {
			l.Ends = p.T("measure.web.ends_after", "hours", s.Hours)
		}
		for _, d := range c.Done { // the last of a number counts
			if d.Number == i+1 {
				x := p.doneLine(&d)
				l.Mark, l.Tag = x.Outcome, x.Tag
			}
		}
		v.Plan = append(v.Plan, l)
	}
}

// outcomeTag is how an outcome looks.
var outcomeTag = map[Outcome]string{Worked: "good", Failed: "attend", Deviated: "act", Lost: "act", Unsaid: "plain"}

func (p say) doneLine(d *Done) doneLine {
	l := doneLine{Number: strconv.Itoa(d.Number), Intent: d.Intent, Says: d.Says, Evidence: d.Evidence, At: d.IntendedAt, Outcome: p.T("measure.web.under_way"), Tag: "watch"}
	switch {
	case d.Outcome != "":
		l.Outcome, l.Tag = p.T("measure.outcome."+string(d.Outcome)), outcomeTag[d.Outcome]
	case d.Phase == Intended:
		l.Outcome = p.T("measure.web.waits_second")
	}
	var whom []string
	for _, x := range []struct{ key, name string }{{"measure.web.first", d.First}, {"measure.web.second", d.Second}, {"measure.web.account", d.Account}} {
		if x.name != "" {
			whom = append(whom, p.T(x.key)+" "+x.name)
		}
	}
	l.Whom = strings.Join(whom, "、")
	return l
}

// papers are the documents of a chain in words.
func (p say) papers(c *ChainView) (out []page.Fact) {
	if l := c.Location; l != nil {
		out = append(out, page.Fact{Name: p.T("measure.web.place"), Value: l.Grounds, Note: strings.TrimSpace(p.T("measure.place."+string(l.Place)) + " " + l.Country)})
	}
	if a := c.Assessment; a != nil {
		for _, f := range p.findings(a) {
			if f.f.Grounds != "" {
				met := p.T("measure.web.not_met")
				if f.f.Met {
					met = p.T("measure.web.met")
				}
				out = append(out, page.Fact{Name: p.T("measure.web." + f.name), Value: f.f.Grounds, Note: met})
			}
		}
		out = append(out, p.rows("measure.web.necessity", a.Necessity, "measure.web.collateral", a.Collateral)...)
		if a.OwnerIsVictim {
			out = append(out, page.Fact{Name: p.T("measure.web.owner"), Value: p.T("measure.web.owner_is_victim")})
		}
	}
	if w := c.Worksheet; w != nil {
		out = append(out, p.rows("measure.web.basis", p.T("measure.basis."+w.Basis), "measure.web.peril", w.Peril, "measure.web.only_way", w.OnlyWay, "measure.web.sovereignty", w.Sovereignty, "measure.web.others", w.Others, "measure.web.tallinn", strings.Join(w.Rules, ", "))...)
	}
	out = append(out, p.rows("measure.web.minister", c.Words["answer"], "measure.web.minister", p.objected(c), "measure.web.agreed", c.Words["agree"], "measure.web.ordered", c.Words["order"])...)
	if !c.OrderUntil.IsZero() {
		out = append(out, p.rows("measure.web.order_ends", p.Time(c.OrderUntil))...)
	}
	if pl := c.Planned; pl != nil {
		out = append(out, p.rows("measure.web.hours", p.Time(pl.From)+" – "+p.Time(pl.Until), "measure.web.ordinary", pl.Ordinary, "measure.web.stop_when", strings.Join(pl.StopWhen, "\n"), "measure.web.deconflict", pl.Deconflict)...)
	}
	return append(out, p.rows("measure.web.looked_back", c.Words["review"])...)
}

// objected is the Foreign Minister's objection, where it is their last word.
func (p say) objected(c *ChainView) string {
	if c.Facts.Consulted {
		return ""
	}
	return c.Words["object"]
}

// namedFinding is a finding and the word for it.
type namedFinding struct {
	name string
	f    *Finding
}

// findings lists those of an assessment, in the order of the law.
func (p say) findings(a *Assessment) []namedFinding {
	return []namedFinding{{"unlawful", &a.Unlawful}, {"danger", &a.Danger}, {"urgent", &a.Urgent}, {"proportionate", &a.Proportionate}, {"organised", &a.Organised}, {"indispensable", &a.Indispensable}}
}
