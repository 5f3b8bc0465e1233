package desk

import (
	"slices"
	"strconv"
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/notice/channel"
)

// stateTag is how a state looks.
var stateTag = map[State]string{Drafted: "plain", Proposed: "ai", Sent: "attend", Answered: "watch", Closed: "good", Dropped: "plain"}

type paperRow struct {
	ID, Number, Title, Kind, To, State, Tag string
	Due                                     page.Due
	Late                                    bool
}

type listView struct {
	Head  page.Head
	Tabs  []tab
	List  *page.List
	Rows  any
	Empty *page.Empty
}

func pagesPapers(r *httpd.Router, s *Service) {
	r.Page("GET /oversight/papers", func(q *httpd.Request) error { return showPapers(q, s) })
	r.Page("GET /oversight/papers/new", func(q *httpd.Request) error { return showDraft(q, s, nil, nil) })
	r.Page("POST /oversight/papers", func(q *httpd.Request) error {
		d, err := draftOf(q)
		var out Paper
		if err == nil || !Access.May(q.Context(), "oversight.draft") {
			out, err = s.Draft(q.Context(), d)
		}
		if formFault(err) {
			return showDraft(q, s, nil, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/oversight/papers/" + out.ID)
	})
	r.Page("GET /oversight/papers/{id}", func(q *httpd.Request) error { return showPaper(q, s, nil) })
	r.Page("GET /oversight/papers/{id}/edit", func(q *httpd.Request) error {
		if err := s.may(q.Context(), "oversight.revise"); err != nil {
			return err
		}
		v, err := s.Show(q.Context(), q.Path("id"))
		if err != nil {
			return err
		}
		if !slices.Contains(v.Acts, "revise") {
			return ErrStep
		}
		return showDraft(q, s, &v.Paper, nil)
	})
	post := func(act string, do func(q *httpd.Request, id ID) (Paper, error)) {
		r.Page("POST /oversight/papers/{id}/"+act, func(q *httpd.Request) error {
			_, err := do(q, q.Path("id"))
			if formFault(err) {
				return showPaper(q, s, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/oversight/papers/" + q.Path("id"))
		})
	}
	r.Page("POST /oversight/papers/{id}/revise", func(q *httpd.Request) error {
		d, err := draftOf(q)
		if err == nil || !Access.May(q.Context(), "oversight.revise") {
			_, err = s.Revise(q.Context(), q.Path("id"), d)
		}
		if formFault(err) {
			v, e := s.Show(q.Context(), q.Path("id"))
			if e != nil {
				return e
			}
			return showDraft(q, s, &v.Paper, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/oversight/papers/" + q.Path("id"))
	})
	post("propose", func(q *httpd.Request, id ID) (Paper, error) { return s.Propose(q.Context(), id) })
	post("settle", func(q *httpd.Request, id ID) (Paper, error) { return s.Settle(q.Context(), id) })
	post("back", func(q *httpd.Request, id ID) (Paper, error) { return s.Back(q.Context(), id, q.Form("back_text")) })
	post("drop", func(q *httpd.Request, id ID) (Paper, error) { return s.Drop(q.Context(), id, q.Form("drop_text")) })
	post("insist", func(q *httpd.Request, id ID) (Paper, error) { return s.Insist(q.Context(), id, q.Form("insist_text")) })
	post("close", func(q *httpd.Request, id ID) (Paper, error) { return s.Close(q.Context(), id, q.Form("close_text")) })
	post("answer", func(q *httpd.Request, id ID) (Paper, error) {
		return s.Answer(q.Context(), id, Reply{Text: q.Form("answer_text"), Digests: strings.Fields(q.Form("answer_digests"))})
	})
}

// showPapers lists the papers within reach.
func showPapers(q *httpd.Request, s *Service) error {
	p := say{q.Printer}
	list, names, next, err := s.List(q.Context(), Filter{Open: q.Query("open") == "1", State: q.Query("state"), Cursor: q.Query("after"), Limit: 50})
	if err != nil {
		return err
	}
	v := listView{Head: page.Head{H1: p.T("desk.paper.title"), Lead: p.T("desk.paper.lead")}, Tabs: tabs(q, p, "papers")}
	if Access.May(q.Context(), "oversight.draft") {
		v.Head.Acts = []page.Act{{Text: p.T("desk.paper.new"), Href: "/oversight/papers/new", Kind: "primary", Icon: "document"}}
	} else {
		v.Head.Lead = p.T("desk.paper.lead_body")
	}
	if channel.Access.May(q.Context(), "channel.list") {
		v.Head.Acts = append(v.Head.Acts, page.Act{Text: p.T("channel.web.title"), Href: "/channels", Kind: "small", Icon: "mail"})
	}
	var rows []paperRow
	for _, x := range list {
		rows = append(rows, paperRow{ID: x.ID, Number: x.Number, Title: x.Title, Kind: p.kind(x.Kind), To: names[x.To], State: p.state(x.State), Tag: stateTag[x.State], Due: p.due(&x), Late: x.Late})
	}
	v.Rows = rows
	if len(rows) == 0 {
		v.Empty = &page.Empty{Title: p.T("desk.paper.empty"), Say: p.T("desk.paper.empty_say")}
	}
	v.List = &page.List{Path: "/oversight/papers", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(rows), Total: -1,
		Columns: []page.Column{{Title: p.T("desk.paper.col")}, {Title: p.T("desk.paper.kind")}, {Title: p.T("desk.paper.to")}, {Title: p.T("desk.paper.state")}, {Title: p.T("desk.paper.due")}},
		Filters: []page.Filter{{Name: "open", Value: "1", Label: p.T("desk.paper.only_open"), Count: -1}}}
	return render(q, "desk/papers", v.Head.H1, v, nil)
}

// due is when an answer is due; what is answered or closed has no clock.
func (p say) due(x *Paper) page.Due {
	switch x.State {
	case Sent:
		return page.Due{At: x.DueAt}
	case Answered, Closed:
		return page.Due{At: x.DueAt, Word: p.state(x.State), Off: true}
	}
	return page.Due{}
}

type draftView struct {
	Head   page.Head
	Tabs   []tab
	Action string
	Fields []page.Field
	House  string
}

// showDraft is the form of a draft: a new one, perhaps from what the replay found,
// or one that is written anew.
func showDraft(q *httpd.Request, s *Service, old *Paper, bad error) error {
	p := say{q.Printer}
	bodies, err := s.Bodies(q.Context())
	if err != nil {
		return err
	}
	d := Paper{Rule: q.Query("rule")}
	for _, x := range q.Queries()["entry"] {
		if n, err := strconv.ParseUint(x, 10, 64); err == nil && len(d.Entries) < maxEntries {
			d.Entries = append(d.Entries, n)
		}
	}
	v := draftView{Head: page.Head{H1: p.T("desk.paper.new"), Lead: p.T("desk.paper.new_lead")}, Tabs: tabs(q, p, "papers"), Action: "/oversight/papers"}
	if old != nil {
		d = *old
		v.Head.H1, v.Action = p.T("desk.paper.edit", "number", d.Number), "/oversight/papers/"+d.ID+"/revise"
	} else if s.known(d.Rule) && d.Text == "" {
		d.Kind, d.Title = Notice, p.T("desk.paper.from_rule", "rule", p.T("oversight.rule."+d.Rule))
		d.Text = p.T("desk.paper.from_rule_text", "rule", p.T("oversight.rule."+d.Rule), "entries", places(d.Entries))
	}
	v.Head.Crumbs = []page.Crumb{{Text: p.T("desk.paper.title"), Href: "/oversight/papers"}, {Text: v.Head.H1}}
	kinds, to := []page.Option{}, []page.Option{{Value: "", Label: p.T("desk.paper.choose")}}
	for _, k := range Kinds {
		kinds = append(kinds, page.Option{Value: string(k), Label: p.kind(k), Hint: p.T("desk.paper.days_house", "n", s.Numbers.answer(k).Value)})
	}
	for _, b := range bodies {
		to = append(to, page.Option{Value: b.ID, Label: b.Name})
	}
	rules := []page.Option{{Value: "", Label: p.T("desk.paper.no_rule")}}
	for _, x := range s.Rules.Rules {
		rules = append(rules, page.Option{Value: x.ID, Label: p.T("oversight.rule." + x.ID)})
	}
	days := ""
	if d.Days > 0 {
		days = strconv.Itoa(d.Days)
	}
	v.House = p.T("desk.paper.house", "source", s.Numbers.NoticeDays.Source.In(p.Lang))
	v.Fields = []page.Field{
		{Name: "kind", Kind: "choice", Label: p.T("desk.paper.kind"), Need: page.Required, Options: kinds, Value: string(d.Kind)},
		{Name: "to", Kind: "select", Label: p.T("desk.paper.to"), Need: page.Required, Options: to, Value: d.To},
		{Name: "title", Label: p.T("desk.paper.subject"), Need: page.Required, Limit: maxTitle, Width: "wide", Value: d.Title},
		{Name: "text", Kind: "textarea", Label: p.T("desk.paper.text"), Need: page.Required, Rows: 8, Limit: maxWords, Value: d.Text, Hint: p.T("desk.paper.text_hint")},
		{Name: "rule", Kind: "select", Label: p.T("desk.paper.rule"), Need: page.Optional, Options: rules, Value: d.Rule},
		{Name: "entries", Label: p.T("desk.paper.entries"), Need: page.Optional, Hint: p.T("desk.paper.entries_hint"), Example: "120, 134", Width: "wide", Value: places(d.Entries)},
		{Name: "days", Kind: "number", Label: p.T("desk.paper.days"), Need: page.Optional, Hint: p.T("desk.paper.days_hint"), Unit: p.T("desk.paper.days_unit"), Width: "w4", Value: days},
	}
	return render(q, "desk/draft", v.Head.H1, v, bad)
}

func places(list []uint64) string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = strconv.FormatUint(n, 10)
	}
	return strings.Join(out, ", ")
}

// draftOf reads the form of a draft.
func draftOf(q *httpd.Request) (d Draft, err error) {
	d = Draft{Kind: Kind(q.Form("kind")), To: q.Form("to"), Rule: q.Form("rule"), Title: q.Form("title"), Text: q.Form("text")}
	for _, x := range strings.FieldsFunc(q.Form("entries"), func(r rune) bool { return r == ',' || r == ' ' || r == '、' || r == '，' }) {
		n, err := strconv.ParseUint(x, 10, 63)
		if err != nil {
			return d, invalid("entries", "desk.bad.places")
		}
		d.Entries = append(d.Entries, n)
	}
	if s := q.Form("days"); s != "" {
		if d.Days, err = strconv.Atoi(s); err != nil || d.Days < 1 {
			return d, invalid("days", "desk.bad.days")
		}
	}
	return d, nil
}

type actForm struct {
	To, Title, Kind, Say string
	Fields               []page.Field
}

type paperView struct {
	Head       page.Head
	Tabs       []tab
	ID         string
	State, Tag string
	Due        page.Due
	Late       bool
	Facts      page.Facts
	Text       string
	Entries    []placeLink
	Plain      []string // places as words, for who may not read entries
	Steps      []page.Step
	Digests    []string
	Forms      []actForm
	Edit       string
	Guards     []guard
}

// guard is one of the two members that a paper needs.
type guard struct {
	Done bool
	Text string
}

// showPaper is one paper, with its history and what who looks may do.
func showPaper(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Show(q.Context(), q.Path("id"))
	if err != nil {
		return err
	}
	d := &x.Paper
	v := paperView{ID: d.ID, Tabs: tabs(q, p, "papers"), State: p.state(d.State), Tag: stateTag[d.State], Due: p.due(d), Late: d.Late, Text: d.Text,
		Head: page.Head{H1: d.Number + "　" + d.Title, Lead: p.T("desk.paper.is", "kind", p.kind(d.Kind), "org", x.Names[d.To]), Crumbs: []page.Crumb{{Text: p.T("desk.paper.title"), Href: "/oversight/papers"}, {Text: d.Number}}}}
	if d.Rule != "" {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.paper.rule"), Value: p.T("oversight.rule." + d.Rule)})
	}
	if !d.SentAt.IsZero() {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.paper.sent_at"), Value: p.Time(d.SentAt)})
	}
	if !d.DueAt.IsZero() {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.paper.due"), Value: p.Time(d.DueAt), Note: p.T("desk.paper.days_n", "n", d.Days)})
	} else {
		v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: p.T("desk.paper.days"), Value: p.T("desk.paper.days_n", "n", d.Days)})
	}
	if Access.May(q.Context(), "oversight.inspect") {
		v.Entries = links(q, d.Entries)
		if d.SentAt.IsZero() && d.State != Dropped {
			v.Guards = []guard{{d.State == Proposed, p.T("desk.paper.first")}, {false, p.T("desk.paper.second")}}
		}
	} else {
		for _, n := range d.Entries {
			v.Plain = append(v.Plain, strconv.FormatUint(n, 10))
		}
	}
	for _, h := range x.Past {
		st := page.Step{Kind: "done", At: h.At, What: p.T("desk.done." + h.Act), Note: h.Said}
		if h.Org != "" {
			st.What = p.T("desk.web.by", "what", st.What, "who", x.Names[h.Org])
		}
		if h.Act == "remind" {
			st.Kind = "fire"
		}
		v.Steps, v.Digests = append(v.Steps, st), append(v.Digests, h.Digests...)
	}
	if slices.Contains(x.Acts, "revise") {
		v.Edit = "/oversight/papers/" + d.ID + "/edit"
	}
	v.Forms = p.forms(d, x.Acts)
	return render(q, "desk/paper", v.Head.H1, v, bad)
}

// forms are those of the acts that are open to who looks, what leads on first.
func (p say) forms(d *Paper, acts []string) (out []actForm) {
	area := func(act string) page.Field {
		return page.Field{Name: act + "_text", Kind: "textarea", Label: p.T("desk.paper.reason"), Need: page.Required, Rows: 3, Limit: maxWords}
	}
	for _, act := range []string{"propose", "settle", "answer", "close", "insist", "back", "drop"} {
		if !slices.Contains(acts, act) {
			continue
		}
		f := actForm{To: act, Title: p.act(act), Say: p.T("desk.say."+act, "n", d.Days)}
		switch act {
		case "propose", "settle":
			f.Kind = "primary"
		case "answer":
			f.Kind = "primary"
			answer := area(act)
			answer.Label, answer.Rows, answer.Hint = p.T("desk.paper.answer"), 6, p.T("desk.paper.answer_hint")
			f.Fields = []page.Field{answer, {Name: "answer_digests", Kind: "textarea", Rows: 2, Label: p.T("desk.paper.digests"), Need: page.Optional, Hint: p.T("desk.paper.digests_hint")}}
		case "drop":
			f.Kind = "stop"
			f.Fields = []page.Field{area(act)}
		default:
			f.Fields = []page.Field{area(act)}
		}
		if act == "close" && d.State == Sent {
			f.Title = p.T("desk.paper.close_open")
		}
		out = append(out, f)
	}
	return out
}
