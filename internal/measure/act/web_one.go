package act

import (
	"cmp"
	"context"
	"strconv"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// form is an act that is open to who looks.
type form struct {
	To, Title, Kind, Digest string
	Fields                  []page.Field
}

type oneView struct {
	Head        page.Head
	ID          string
	State, Tag  string
	Trouble     *trouble
	Alarm       string
	Due         page.Due
	Facts       page.Facts
	Shown       *shownView
	Waits       string // why there is no dry run yet
	Forms       []form
	Steps       []page.Step
	Measure     string
	Whole       bool // the list can be read
	Warned      []string
	WarnedTitle string
}

// trouble is what a night shift has to look at: since when equipment does not hold
// what it was told, which rules that is about, and what to do.
type trouble struct{ Title, Says, Do string }

// troubleOf is that of an order; nil where there is none.
func troubleOf(p text.Printer, x *View) *trouble {
	if x.State != Half && x.State != Stuck || x.Words == nil {
		return nil
	}
	var t trouble
	since, newest := x.ToldAt, false
	for _, h := range x.Past { // the newest first
		if h.Act != "outcome" {
			continue
		}
		if h.To != x.State {
			break
		}
		if since = h.At; !newest {
			t.Says, newest = h.Said, true
		}
	}
	n := x.Rules
	if x.State == Half {
		n = x.Missing
	}
	key := string(x.State)
	if x.Reason == "unreachable" {
		key += "_unseen"
	}
	t.Title, t.Do = p.T("act.web.trouble."+key, "at", since, "n", n), p.T("act.web.do."+key)
	return &t
}

type shownView struct {
	Title, Says string
	Fits        bool
	Folded      bool // it is read before an approval; afterwards it is in the way
	Lines       []string
	More        string
}

// showOne is an order: what it holds back and why, what the equipment says would
// change, how it stands, and what who looks may do.
func showOne(q *httpd.Request, s *Service, bad error) error {
	p := q.Printer
	x, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	o, t := &x.Order, &x.Task
	v := oneView{ID: o.ID, State: p.T("act.state." + string(o.State)), Tag: tagOf(o.State), Measure: t.Chain, Whole: x.Words != nil}
	v.Head = page.Head{H1: p.T("act.web.head", "number", o.Number, "kind", p.T("act.kind."+string(t.Kind))), Lead: p.T("act.web.asked_by", "org", x.Unit, "at", o.AskedAt), Crumbs: []page.Crumb{{Text: p.T("act.web.title"), Href: "/acts"}, {Text: o.Number}}}
	if o.alarmed() {
		v.Alarm = p.T("act.alarm." + o.Alarm)
	}
	if o.State.timed() {
		v.Due = page.Due{At: o.Until}
	}
	v.Trouble = troubleOf(p, &x)
	v.Facts.Rows = factRows(p, &x, s)
	if w := o.Words; w != nil && len(w.Warned) > 0 {
		v.WarnedTitle = p.T("act.web.warned", "n", o.WarnedCount)
		for _, i := range w.Warned[:min(len(w.Warned), 20)] {
			v.Warned = append(v.Warned, p.T("act.web.by", "act", i.Target, "who", i.List))
		}
	}
	switch {
	case o.Shown != nil:
		v.Shown = &shownView{Title: p.T("act.web.shown", "at", o.Shown.At, "n", o.Shown.Rules), Fits: o.Shown.Fits, Folded: o.State != Asked, Lines: o.Shown.Lines[:min(len(o.Shown.Lines), 100)], Says: cmp.Or(o.Shown.Says, o.Shown.Reason)}
		if rest := len(o.Shown.Lines) - len(v.Shown.Lines) + o.Shown.More; rest > 0 {
			v.Shown.More = p.T("act.cli.more", "n", rest)
		}
	case o.State == Asked && o.Words != nil:
		v.Waits = p.T("act.undried") + p.T("act.undried.hint")
	}
	for _, h := range x.Past {
		note := h.Said
		if h.Act == "alarm" && note != "" {
			note = p.T("act.alarm." + note)
		}
		what := p.T("act.act." + h.Act)
		if h.To != h.From && (h.Act == "outcome" || h.Act == "end") { // the others say where they lead
			what = p.T("act.web.became", "act", what, "state", p.T("act.state."+string(h.To)))
		}
		v.Steps = append(v.Steps, page.Step{Kind: "done", At: h.At, What: p.T("act.web.by", "act", what, "who", cmp.Or(h.Name, p.T("act.side."+string(h.By)))), Note: note})
	}
	v.Forms = forms(p, &x)
	return render(q, "act/one", v.Head.H1, v, bad)
}

// factRows are an order in words.
func factRows(p text.Printer, x *View, s *Service) (out []page.Fact) {
	add := func(key, value string) {
		if value != "" {
			out = append(out, page.Fact{Name: p.T(key), Value: value})
		}
	}
	o, t, w := &x.Order, &x.Task, x.Words
	if w != nil {
		sample := strings.Join(w.Sample, "\n")
		if rest := t.Count - len(w.Sample); rest > 0 {
			sample += "\n" + p.T("act.cli.more", "n", rest)
		}
		add("act.web.targets", sample)
	} else {
		add("act.web.targets", p.T("act.cli.targets", "n", t.Count))
	}
	if t.Below {
		add("act.web.below", p.T("act.cli.below"))
	}
	if t.Answer != "" {
		add("act.web.answer", p.T("act.answer."+string(t.Answer)))
	}
	if t.Sources {
		add("act.web.direction", p.T("act.cli.sources"))
	}
	if t.Other.IsValid() {
		add("act.cli.other", t.Other.String())
	}
	if t.Protocol != 0 {
		add("act.web.protocol", strings.TrimSuffix(strconv.Itoa(int(t.Protocol))+" "+strconv.Itoa(int(t.Port)), " 0"))
	}
	add("act.web.hours", p.T("act.web.hours_n", "n", t.Hours))
	add("act.web.basis", p.T("act.basis."+string(t.Basis)))
	for _, g := range s.Numbers.Grounds {
		if g.ID == t.Ground {
			add("act.web.ground", g.Name.In(p.Lang))
		}
	}
	if w != nil {
		add("act.web.ground_text", w.GroundText)
		add("act.web.grounds", w.Grounds)
		add("act.web.intel", strings.Join(w.Intel, "\n"))
		add("act.web.override", w.Override)
	}
	if !o.Until.IsZero() {
		add("act.web.period", p.Time(o.From)+" – "+p.Time(o.Until))
	}
	if o.State.held() || o.State.over() && !o.SentAt.IsZero() {
		says := p.T("act.web.rules", "n", o.Rules)
		if o.Missing+o.Extra > 0 {
			says += " / " + p.T("act.web.odd", "missing", o.Missing, "extra", o.Extra)
		}
		if p.Has("act.reason." + o.Reason) {
			says += " / " + p.T("act.reason."+o.Reason)
		}
		add("act.web.equipment", says)
	}
	return out
}

// forms are those of the acts that are open to who looks.
func forms(p text.Printer, x *View) (out []form) {
	for _, a := range x.Acts {
		f := form{To: a, Title: p.T("act.do." + a)}
		switch {
		case a == "approve":
			f.Kind, f.Digest = "primary", x.Digest
			if x.WarnedCount > 0 {
				f.Fields = []page.Field{{Name: "override", Kind: "textarea", Label: p.T("act.cli.override"), Need: page.Required, Rows: 2, Limit: maxWords}}
			}
		default:
			if a == "undo" || a == "refuse" {
				f.Kind = "stop"
			}
			f.Fields = []page.Field{{Name: a + "_text", Kind: "textarea", Label: p.T("act.web.why"), Need: page.Required, Rows: 2, Limit: maxWords}}
		}
		out = append(out, f)
	}
	return out
}

func pagesActs(r *httpd.Router, s *Service) {
	act := func(name string, do func(q *httpd.Request) error) {
		r.Page("POST /acts/{id}/"+name, func(q *httpd.Request) error {
			err := do(q)
			if formFault(err) {
				return showOne(q, s, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/acts/" + q.Path("id"))
		})
	}
	act("approve", func(q *httpd.Request) error {
		_, err := s.Approve(q.Context(), q.Path("id"), Decision{Digest: q.Form("digest"), Override: q.Form("override")})
		return err
	})
	for name, do := range map[string]func(ctx context.Context, id, text string) (Order, error){"refuse": s.Refuse, "withdraw": s.Withdraw, "undo": s.Undo, "settle": s.Settle} {
		act(name, func(q *httpd.Request) error {
			_, err := do(q.Context(), q.Path("id"), q.Form(name+"_text"))
			return err
		})
	}
}

// homeRows is how many orders the first page names.
const homeRows = 10

// Home gathers what own-network orders want of whoever asks: what waits for their
// approval, and what an alarm was raised about.
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	if !Access.May(q.Context(), "act.approve") {
		return part, nil
	}
	p := q.Printer
	for _, f := range []Filter{{State: Asked, Limit: homeRows}, {Wrong: true, Limit: homeRows}} {
		list, _, _, err := s.List(q.Context(), f)
		if err != nil {
			return part, err
		}
		for i := range list {
			o := &list[i]
			t := page.Todo{Severity: "attend", Href: "/acts/" + o.ID, Act: p.T("act.home.open"), Why: p.T("act.kind."+string(o.Task.Kind)) + " " + p.T("act.cli.targets", "n", o.Task.Count)}
			switch {
			case o.State == Asked && o.asker != q.Who.Person && !o.DriedAt.IsZero() && !o.fits:
				t.Title = p.T("act.home.unfit", "number", o.Number)
			case o.State == Asked && o.asker != q.Who.Person && !o.DriedAt.IsZero():
				t.Title = p.T("act.home.approve", "number", o.Number)
			case o.State == Stuck || o.State == Half:
				t.Severity, t.Title = "act", p.T("act.home."+string(o.State), "number", o.Number)
			case o.alarmed():
				t.Severity, t.Title, t.Why = "act", p.T("act.home.alarm", "number", o.Number), p.T("act.alarm."+o.Alarm)
			default:
				continue
			}
			part.Todos = append(part.Todos, t)
		}
	}
	return part, nil
}
