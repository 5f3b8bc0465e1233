package exposure

import (
	"html/template"
	"net/url"
	"strings"
	"time"

	"noroshi/internal/asset"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/engine/product"
)

// pagesOne are one exposure and what is done to it.
func pagesOne(r *httpd.Router, s *Service) {
	r.Page("GET /exposures/{id}", func(q *httpd.Request) error { return on(q, s).showOne() })
	r.Page("POST /exposures/{id}/mark", func(q *httpd.Request) error {
		_, err := s.Mark(q.Context(), []ID{ID(q.Path("id"))}, State(q.Form("state")), q.Form("words"))
		return then(q, err)
	})
	r.Page("POST /exposures/{id}/undo", func(q *httpd.Request) error {
		_, err := s.Undo(q.Context(), []ID{ID(q.Path("id"))})
		return then(q, err)
	})
	r.Page("POST /exposures/{id}/agree", func(q *httpd.Request) error {
		_, err := s.Agree(q.Context(), ID(q.Path("id")), q.Form("verdict"))
		return then(q, err)
	})
}

// then goes back to the exposure after an act on it.
func then(q *httpd.Request, err error) error {
	if err != nil {
		return err
	}
	return q.Redirect("/exposures/" + url.PathEscape(q.Path("id")))
}

// judge takes the form of a verdict or a proposal.
func (v *screen) judge() error {
	n := NewJudgement{Exposures: ids(v.Forms()["id"]), Justification: product.Justification(v.Form("justification")), Words: v.Form("words")}
	until, bad := page.ReadDate(v.Forms(), "until")
	if bad != nil {
		return v.showVerdict(n.Exposures, errJudgement.At(*bad))
	}
	if !until.IsZero() {
		n.Until = endOfDay(until)
	}
	var err error
	if v.may("exposure.judge") {
		_, err = v.s.Judge(v.Context(), n)
	} else {
		_, err = v.s.Propose(v.Context(), n)
	}
	if err != nil && formFault(err) && fault.KindOf(err) == fault.Invalid {
		return v.showVerdict(n.Exposures, err)
	}
	if err != nil {
		return err
	}
	if len(n.Exposures) == 1 {
		return v.Redirect("/exposures/" + url.PathEscape(string(n.Exposures[0])))
	}
	return v.Redirect("/exposures")
}

// oneView is one exposure in words.
type oneView struct {
	Head     page.Head
	Row      rowView
	Say      string // the verdict in one sentence
	More     string // what follows from it for others
	Asked    []answer
	Hidden   string // why reasons or equipment are not shown
	Proof    []step
	Lines    []lineView
	Left     int // lines left out
	Against  []againstView
	Facts    page.Facts
	Acts     []page.Act
	Verdict  *verdictOf
	Proposed []verdictOf
	Past     []page.Step
	Undo     *page.Flash
}

// answer is one question of the decision with its answer and where it comes
// from.
type answer struct{ Question, Answer, Basis string }

// step is one step of the proof why it is this organisation.
type step struct {
	Bold, Say string
	Chips     []chip
	Picture   template.HTML
}

type chip struct{ Text, Href string }

// lineView is equipment that is alike.
type lineView struct {
	Items                                   []chip
	More                                    int
	Devices                                 int
	Version, Zone, Operator, Identity, Ends string
	Essential                               bool
	Sure, SureTag, SureShape                string
}

// againstView is a statement that says otherwise.
type againstView struct {
	Source, Say string
	Overruled   bool
}

type verdictOf struct {
	ID, Why, Words, By string
	At, Until          time.Time
}

// LastDay is an instant of the last day on which the verdict holds.
func (x verdictOf) LastDay() time.Time { return x.Until.Add(-time.Minute) }

// one gathers an exposure for the page and for the desk's right side.
func (v *screen) one(id ID) (*oneView, error) {
	e, err := v.s.Get(v.Context(), id)
	if err != nil {
		return nil, err
	}
	if err := v.s.Written(v.Context(), &e); err != nil {
		return nil, err
	}
	d := &oneView{Row: v.row(&e)}
	d.Say = v.p.T("exposure.web.verdict_say", "sure", d.Row.Sure, "n", e.Devices)
	if d.Row.Org != "" {
		d.Say = v.p.T("exposure.web.verdict_say_org", "org", d.Row.Org, "sure", d.Row.Sure, "n", e.Devices)
	}
	if v.may("exposure.where") && e.Vulnerability != SupportEnd {
		c, err := v.s.Concerned(v.Context(), e.Vulnerability)
		if err != nil {
			return nil, err
		}
		if c.Orgs > 1 {
			d.More = v.p.T("exposure.web.others", "n", c.Orgs-1)
		}
	}
	d.Asked = v.asked(&e)
	if e.Detail == nil {
		d.Hidden = v.p.T("exposure.web.hidden")
	} else if err := v.proof(d, &e); err != nil {
		return nil, err
	}
	d.Facts = v.facts(&e)
	d.Acts = v.acts(&e)
	if j := e.Judgement; j != nil {
		x := v.judgement(j)
		d.Verdict = &x
	}
	for i := range e.Proposed {
		d.Proposed = append(d.Proposed, v.judgement(&e.Proposed[i]))
	}
	for i := range e.Past {
		x := &e.Past[i]
		note := strings.TrimSpace(x.Person)
		if x.Words != "" {
			note = strings.TrimSpace(note + " " + v.p.T("exposure.web.quote", "words", x.Words))
		}
		d.Past = append(d.Past, page.Step{Kind: "done", At: x.At, What: v.p.T("exposure.web.past." + x.What), Note: note})
	}
	d.Past = append(d.Past, page.Step{Kind: "done", At: e.FoundAt, What: v.p.T("exposure.web.past.found")})
	return d, nil
}

func (v *screen) judgement(j *Judgement) verdictOf {
	return verdictOf{ID: j.ID, Why: v.p.T("exposure.why." + string(j.Justification)), Words: j.Words, By: j.Person, At: j.At, Until: j.Until}
}

// acts are what the reader may do about an exposure, the first first.
func (v *screen) acts(e *Exposure) (acts []page.Act) {
	at := "/exposures/" + url.PathEscape(string(e.ID))
	mark := func(word string, to State, kind string) {
		acts = append(acts, page.Act{Text: v.p.T(word), Href: at + "/mark", Post: true, Name: "state", Value: string(to), Kind: kind})
	}
	open := e.State == New || e.State == Seen || e.State == Judged && e.Review != ""
	judge := page.Act{Text: v.p.T("exposure.web.do.judge"), Href: "/exposures/verdict?" + url.Values{"id": {string(e.ID)}}.Encode()}
	switch {
	case v.may("exposure.mark"):
		if open && e.State != Judged {
			mark("exposure.web.do.handled", Handled, "primary")
		}
		if e.State == New {
			mark("exposure.web.do.seen", Seen, "")
		}
		if open || e.State == Handled {
			acts = append(acts, judge)
		}
		if e.State == Handled {
			mark("exposure.web.do.reopen", New, "")
		}
		if e.Judgement != nil {
			acts = append(acts, page.Act{Text: v.p.T("exposure.web.do.undo"), Href: at + "/undo", Post: true})
		}
	case v.may("exposure.propose"):
		if e.Vulnerability != SupportEnd {
			acts = append(acts, page.Act{Text: v.p.T("exposure.web.do.notice"), Href: "/notices/new?" + url.Values{"vulnerability": {e.Vulnerability}}.Encode(), Kind: "primary", Icon: "bell"})
		}
		if open {
			judge.Text = v.p.T("exposure.web.do.propose")
			acts = append(acts, judge)
		}
	}
	return acts
}

// questions puts the codes of reasons under the questions of the decision.
var questions = []struct {
	key   string
	codes map[string]string // code → where the answer comes from
}{
	{"exploited", map[string]string{"exploited_known": "kev", "ransomware": "kev", "exploited_here": "sighting", "exploited_stated": "ssvc", "poc": "ssvc", "likely": "epss", "no_exploit": "feeds"}},
	{"reach", map[string]string{"zone_internet": "register", "zone_dmz": "register", "zone_internal": "register", "zone_ot": "register", "zone_isolated": "register", "zone_unknown_edge": "register", "zone_unknown": "register"}},
	{"automatic", map[string]string{"automatable": "ssvc", "automatable_vector": "cvss"}},
	{"service", map[string]string{"essential": "register", "control": "register", "devices": "register", "dependents": "supply", "impact_total": "cvss", "impact_partial": "ssvc"}},
	{"support", map[string]string{"support_ended": "feeds", "support_ends": "feeds"}},
	{"sure", map[string]string{"name_proposed": "register", "platform_only": "feeds", "version_unknown": "register", "verdict_unknown": "feeds"}},
}

// asked answers the questions of the decision. Without the detail it is what
// stands in public.
func (v *screen) asked(e *Exposure) (out []answer) {
	reasons := e.Reasons
	if len(reasons) == 0 && e.Facts != nil {
		if !e.Facts.KnownAt.IsZero() {
			reasons = append(reasons, Reason{"exploited_known", 0})
		}
		if e.Facts.Ransomware {
			reasons = append(reasons, Reason{"ransomware", 0})
		}
		if e.Facts.KnownAt.IsZero() && e.Facts.Likelihood > 0 {
			reasons = append(reasons, Reason{"likely", int(e.Facts.Likelihood * 100)})
		}
	}
	for _, q := range questions {
		for _, r := range reasons {
			if basis, ok := q.codes[r.Code]; ok {
				out = append(out, answer{v.p.T("exposure.web.ask." + q.key), v.p.T("exposure.because."+r.Code, "n", r.N), v.p.T("exposure.web.basis." + basis)})
			}
		}
	}
	return out
}

// proof says why it is this organisation: the statement, the version, the
// equipment, and what stands on it.
func (v *screen) proof(d *oneView, e *Exposure) error {
	pieces, err := v.s.Equipment(v.Context(), e)
	if err != nil {
		return err
	}
	operators := map[string]string{}
	if len(e.Detail.Lines) > 0 {
		if operators, err = v.s.Assets.Contractors(v.Context()); err != nil {
			return err
		}
	}
	for i := range e.Detail.Lines {
		d.Lines = append(d.Lines, v.line(&e.Detail.Lines[i], pieces, operators))
		for j := range e.Detail.Lines[i].Because {
			v.against(d, &e.Detail.Lines[i].Because[j])
		}
	}
	d.Left = e.Detail.More
	if len(e.Detail.Lines) == 0 {
		return nil
	}
	l, shown := &e.Detail.Lines[0], &d.Lines[0]
	if e.Vulnerability == SupportEnd {
		d.Proof = append(d.Proof, step{Bold: v.p.T("exposure.web.proof.support", "date", l.Ends), Say: v.p.T("exposure.web.proof.support_say")})
	} else if len(l.Because) > 0 {
		g := &l.Because[0]
		x := step{Bold: v.p.T("exposure.web.proof.named", "source", speaker(g)), Say: v.p.T("exposure.web.proof.named_say")}
		x.Chips = append(x.Chips, chip{e.Vulnerability, "/vulnerabilities/" + url.PathEscape(e.Vulnerability)})
		if g.Ref != "" {
			x.Chips = append(x.Chips, chip{cut(g.Ref, 60), ""})
		}
		d.Proof = append(d.Proof, x, v.versionStep(g))
	}
	named := step{Bold: v.p.T("exposure.web.proof.register", "n", e.Devices), Say: v.p.T("exposure.web.identity." + identityWord(l.Identity))}
	for i := range d.Lines {
		named.Chips = append(named.Chips, d.Lines[i].Items...)
	}
	named.Chips = named.Chips[:min(len(named.Chips), shownItems)]
	d.Proof = append(d.Proof, named)
	place := step{Bold: v.p.T("exposure.web.proof.place", "zone", shown.Zone), Say: v.p.T("exposure.web.proof.no_service")}
	if l.Essential {
		place.Say = v.p.T("exposure.web.proof.service", "service", v.service(l, pieces))
	}
	if shown.Operator != "" {
		place.Say += v.p.T("exposure.web.proof.operator", "name", shown.Operator)
	}
	d.Proof = append(d.Proof, place)
	return nil
}

func (v *screen) service(l *Line, pieces map[string]Piece) string {
	for _, id := range l.Items {
		if s := pieces[id].Service; s != "" {
			return s
		}
	}
	return v.p.T("exposure.web.proof.some_service")
}

// versionStep says how the registered version stands to what is meant.
func (v *screen) versionStep(g *Ground) step {
	x := step{Bold: v.ground(g), Say: v.p.T("exposure.web.proof.version_say")}
	if g.Rule == string(product.InRange) && g.Version != "" {
		x.Picture = rangeSVG(v.p, g, x.Bold)
	}
	return x
}

// ground is one step of a finding in words. What is kept of it does not name a
// platform.
func (v *screen) ground(g *Ground) string {
	key := "exposure.proof." + g.Rule
	if g.Rule == string(product.MakerSays) {
		key += ".not_affected"
	}
	if !v.p.Has(key) {
		key = "exposure.web.proof.other"
	}
	return v.p.T(key, "by", speaker(g), "version", g.Version, "range", v.between(g), "product", v.p.T("exposure.web.proof.platform"))
}

// between is the range of a ground in words: from 7.4.0, before 7.4.3.
func (v *screen) between(g *Ground) string {
	var ends []string
	end := func(key, version string) {
		if version != "" && version != "0" && version != "*" {
			ends = append(ends, v.p.T("exposure.proof.range."+key, "v", version))
		}
	}
	if g.After {
		end("after", g.From)
	} else {
		end("from", g.From)
	}
	if g.Through {
		end("through", g.To)
	} else {
		end("before", g.To)
	}
	return strings.Join(ends, v.p.T("exposure.proof.range.and"))
}

// speaker is who says what a ground rests on, as people call them.
func speaker(g *Ground) string {
	return source(&product.Statement{Source: g.Source, By: g.By})
}

// against notes a statement that says otherwise, once.
func (v *screen) against(d *oneView, g *Ground) {
	if !g.Overruled && g.Rule != string(product.SourcesDisagree) {
		return
	}
	x := againstView{speaker(g), v.ground(g), g.Overruled}
	for _, had := range d.Against {
		if had == x {
			return
		}
	}
	d.Against = append(d.Against, x)
}

func identityWord(s string) string {
	switch s {
	case "given", "confirmed", "equal", "proposed":
		return s
	}
	return "other"
}

// shownItems is how many pieces of equipment a line names; the rest is a
// number.
const shownItems = 6

func (v *screen) line(l *Line, pieces map[string]Piece, operators map[string]string) lineView {
	x := lineView{Devices: l.Devices, Version: l.Version, Zone: v.zone(l.Zone), Identity: v.p.T("exposure.web.identity." + identityWord(l.Identity)), Ends: l.Ends, Essential: l.Essential}
	x.Sure, x.SureTag, x.SureShape = v.sure(l.Verdict, l.Certainty)
	if l.Operated != "" {
		if x.Operator = operators[l.Operated]; x.Operator == "" {
			x.Operator = l.Operated
		}
		if l.Operated == asset.Own {
			x.Operator = ""
		}
	}
	for i, id := range l.Items {
		if i == shownItems {
			x.More = l.Entries - i
			break
		}
		c := chip{pieces[id].Key, "/assets/" + url.PathEscape(id)}
		if c.Text == "" {
			c.Text = v.p.T("exposure.web.no_key", "n", i+1)
		}
		x.Items = append(x.Items, c)
	}
	return x
}

// zone is where equipment stands, in words.
func (v *screen) zone(z string) string {
	switch z {
	case "internet", "dmz", "internal", "ot", "isolated":
		return v.p.T("exposure.web.zone." + z)
	}
	return v.p.T("exposure.web.zone.unknown")
}

// facts stand beside the decision and do not make it.
func (v *screen) facts(e *Exposure) (f page.Facts) {
	f.Tight = true
	add := func(key, value, note string) {
		if value != "" {
			f.Rows = append(f.Rows, page.Fact{Name: v.p.T(key), Value: value, Note: note})
		}
	}
	if b := e.Facts; b != nil {
		if b.Score > 0 {
			add("exposure.web.fact.cvss", score(b.Score), b.Vector)
		}
		if b.Likelihood > 0 {
			add("exposure.web.fact.epss", v.p.T("exposure.web.fact.epss_say", "p", score(b.Likelihood*100)), "")
		}
		if !b.KnownAt.IsZero() {
			note := ""
			if b.Ransomware {
				note = v.p.T("exposure.web.fact.ransomware")
			}
			add("exposure.web.fact.kev", v.p.Date(b.KnownAt), note)
		}
		if !b.DueAt.IsZero() {
			add("exposure.web.fact.kev_due", v.p.Date(b.DueAt), "")
		}
	}
	add("exposure.web.fact.product", e.Product, "")
	if !e.FoundAt.IsZero() {
		add("exposure.web.fact.found", v.p.Time(e.FoundAt), "")
	}
	if !e.ChangedAt.Equal(e.FoundAt) {
		add("exposure.web.fact.changed", v.p.Time(e.ChangedAt), "")
	}
	return f
}

func (v *screen) showOne() error {
	d, err := v.one(ID(v.Path("id")))
	if err != nil {
		return err
	}
	d.Head = page.Head{H1: d.Row.Title, Crumbs: []page.Crumb{{Text: v.p.T("exposure.web.title." + reachWord(v.reach())), Href: "/exposures"}, {Text: d.Row.Product}}, Acts: d.Acts}
	d.Head.Lead = d.Row.Next
	if v.reach() == gate.All || v.reach() == gate.Sector {
		d.Head.Lead = d.Row.Org
	}
	if v.may("exposure.undo") {
		last, err := v.s.Last(v.Context())
		if err != nil {
			return err
		}
		if len(last.Exposures) == 1 && last.Exposures[0] == d.Row.ID {
			d.Undo = &page.Flash{Kind: "good", Text: v.p.T("exposure.web.did."+last.What, "n", 1), Undo: "/exposures/undo?" + url.Values{"act": {last.Entry}, "one": {string(d.Row.ID)}}.Encode()}
		}
	}
	shell := v.shell(d.Head.H1, "exposures")
	shell.Live = "/live/exposure"
	if d.Undo != nil {
		shell.Flash = append(shell.Flash, *d.Undo)
	}
	return v.Render("exposure/one", shell, d)
}
