package situation

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

// whole reads a whole number; empty is 0.
func whole(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	n, err := strconv.Atoi(norm.NFKC.String(s))
	return n, err == nil
}

func pagesRoom(r *httpd.Router, s *Service) {
	r.Page("GET /situations/{id}", func(q *httpd.Request) error { return showRoom(q, s, nil, "") })
	act := func(path string, do func(q *httpd.Request, id ID) error) {
		r.Page("POST /situations/{id}/"+path, func(q *httpd.Request) error {
			err := do(q, q.Path("id"))
			if formFault(err) {
				return showRoom(q, s, err, path)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/situations/" + q.Path("id"))
		})
	}
	act("participants", func(q *httpd.Request, id ID) error {
		_, err := s.Invite(q.Context(), id, q.Form("org"), readSees(q, "sees"))
		return err
	})
	act("narrow", func(q *httpd.Request, id ID) error {
		return s.Narrow(q.Context(), id, q.Form("member"), readSees(q, "shows"))
	})
	act("incidents", func(q *httpd.Request, id ID) error {
		_, err := s.Join(q.Context(), id, q.Form("incident"))
		if err != nil && fault.KindOf(err) == fault.NotFound { // as one types it, of a report that is not on one's desk
			return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(fault.Place{At: "incident", Code: "situation.bad.incident"})
		}
		return err
	})
	act("decisions", func(q *httpd.Request, id ID) error {
		_, err := s.Decide(q.Context(), id, q.Form("what"), q.Form("why"), q.Forms()["to"]...)
		return err
	})
	act("messages", func(q *httpd.Request, id ID) error {
		_, err := s.Say(q.Context(), id, q.Form("with"), thread.Kind(q.Form("kind")), q.Form("text"))
		return err
	})
	act("reports", func(q *httpd.Request, id ID) error {
		_, err := s.Make(q.Context(), id, q.Form("judgement"))
		return err
	})
	act("close", func(q *httpd.Request, id ID) error { return s.Close(q.Context(), id, q.Form("lessons")) })
	act("tasks", func(q *httpd.Request, id ID) error {
		due, bad := page.ReadTime(q.Forms(), "due_at")
		if bad != nil {
			return fault.New(fault.Invalid, ErrInvalid.Code, "n", 1).At(*bad)
		}
		_, err := s.Assign(q.Context(), id, NewTask{Owner: q.Form("owner"), Title: q.Form("title"), Detail: q.Form("detail"), DueAt: due, Needs: q.Forms()["needs"]})
		return err
	})
}

func readSees(q *httpd.Request, name string) Sees {
	var s Sees
	for _, x := range q.Forms()[name] {
		switch x {
		case "incidents":
			s.Incidents = true
		case "tasks":
			s.Tasks = true
		case "decisions":
			s.Decisions = true
		case "reports":
			s.Reports = true
		case "people":
			s.People = true
		}
	}
	return s
}

// list names what is seen, in a fixed order: also for the ledger, whose entries
// hold maps and lists and no structs.
func (s Sees) list() []string {
	out := []string{}
	for _, x := range []struct {
		on   bool
		name string
	}{{s.Incidents, "incidents"}, {s.Tasks, "tasks"}, {s.Decisions, "decisions"}, {s.Reports, "reports"}, {s.People, "people"}} {
		if x.on {
			out = append(out, x.name)
		}
	}
	return out
}

type taskLine struct {
	ID, Title, Owner, State, Tag string
	Due                          page.Due
	Waits, Late, Mine            bool
}

type decisionLine struct {
	What, Why, Who, To string
	At                 time.Time
}

type personLine struct{ Org, Name, Part, Sees string }

type incidentLine struct {
	Incident
	KindName, Who string
}

// form is a form of the room.
type roomForm struct {
	To, Title, Word, Kind string
	Open                  bool
	Fields                []page.Field
}

type roomView struct {
	Head      page.Head
	ID        ID
	Open      bool
	Clock     page.Due
	Lead      bool
	Tasked    bool
	Facts     page.Facts
	Tasks     []taskLine
	TaskList  *page.List
	Counts    []taskCount
	Decisions []decisionLine
	Incidents []incidentLine
	People    []personLine
	Reports   []Head
	Steps     []page.Step
	Messages  []messageLine
	Forms     map[string]roomForm
	Names     map[string]string
}

type taskCount struct {
	Word string
	N    int
	Bad  bool
}

func (p say) due(t Task) page.Due {
	if t.DueAt.IsZero() {
		return page.Due{Word: p.T("situation.web.no_due")}
	}
	d := page.Due{At: t.DueAt, MetAt: t.DoneAt}
	if !t.DoneAt.IsZero() {
		d.Word = p.T("situation.web.due_done")
	}
	return d
}

// showRoom is the room as who looks sees it. failed is the form that a fault
// belongs to; it comes back open.
func showRoom(q *httpd.Request, s *Service, bad error, failed string) error {
	p := say{q.Printer}
	x, err := s.Get(q.Context(), q.Path("id"), "")
	if err != nil {
		return err
	}
	e := x.Event
	v := roomView{ID: e.ID, Open: e.State == Open, Lead: x.Me.Part == Lead, Tasked: x.Me.Part == Tasked, Names: x.Names, Reports: x.Reports,
		Head:  page.Head{H1: e.Number + "　" + e.Title, Lead: e.Summary, Crumbs: []page.Crumb{{Text: p.T("situation.web.title"), Href: "/situations"}, {Text: e.Number}}},
		Clock: p.clock(e), Messages: p.messages(x.Messages, x.Names, e.Org)}
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("situation.web.leads"), x.Names[e.Org])
	add(p.T("situation.web.about"), strings.Join(e.About, " "))
	add(p.T("situation.web.opened"), p.Time(e.OpenedAt))
	if !e.ClosedAt.IsZero() {
		add(p.T("situation.web.closed"), p.Time(e.ClosedAt))
	}
	add(p.T("situation.web.lessons"), e.Lessons)
	v.tasks(p, x, q)
	for _, d := range slices.Backward(x.Decisions) {
		var to []string
		for _, o := range d.To {
			to = append(to, x.Names[o])
		}
		v.Decisions = append(v.Decisions, decisionLine{d.What, d.Why, x.Names[d.Org], strings.Join(to, p.T("situation.web.comma")), d.At})
	}
	for _, i := range x.Incidents {
		v.Incidents = append(v.Incidents, incidentLine{i, p.T("situation.incident." + i.Kind), x.Names[i.By]})
	}
	for _, y := range x.People {
		var sees []string
		for _, name := range y.Sees.list() {
			sees = append(sees, p.T("situation.sees."+name))
		}
		v.People = append(v.People, personLine{y.Org, x.Names[y.Org], p.T("situation.part." + string(y.Part)), strings.Join(sees, p.T("situation.web.comma"))})
	}
	for _, m := range slices.Backward(x.Log) {
		v.Steps = append(v.Steps, p.moment(m, x.Names))
	}
	if v.Open {
		if err := v.forms(p, x, q, s); err != nil {
			return err
		}
		for name, f := range v.Forms {
			f.Open = f.To == failed
			v.Forms[name] = f
		}
	}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live, shell.Handling = "situations", page.Desk, "/live/situation", &page.Handling{TLP: e.TLP, Clearance: e.Clearance}
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("situation/room", shell, v)
}

// moment is an entry of the time line in words.
func (p say) moment(m Moment, names map[string]string) page.Step {
	st := page.Step{Kind: "done", At: m.At, What: p.T("situation.log." + m.What), Note: names[m.Org]}
	switch m.What {
	case "invited":
		st.What += "　" + names[m.Ref]
	case "joined":
		st.What += "　" + m.Ref
	}
	return st
}

func (v *roomView) tasks(p say, x View, q *httpd.Request) {
	v.TaskList = &page.List{Columns: []page.Column{{Title: p.T("situation.web.task")}, {Title: p.T("situation.web.owner")}, {Title: p.T("situation.web.state")}, {Title: p.T("situation.web.due")}}}
	var done, openN, late int
	for i := range x.Tasks {
		t := &x.Tasks[i]
		l := taskLine{t.ID, t.Title, x.Names[t.Owner], p.task(t.State), taskTag[t.State], p.due(*t), t.Waits && !t.State.Over(), t.Late(q.Now()), t.Owner == q.Who.Org}
		v.Tasks = append(v.Tasks, l)
		switch {
		case t.State == Done:
			done++
		case !t.State.Over():
			openN++
			if l.Late {
				late++
			}
		}
	}
	v.Counts = []taskCount{{p.T("situation.web.n_open"), openN, false}, {p.T("situation.web.n_late"), late, late > 0}, {p.T("situation.web.n_done"), done, false}}
}

// forms are the acts open to who looks.
func (v *roomView) forms(p say, x View, q *httpd.Request, s *Service) error {
	v.Forms = map[string]roomForm{}
	var people []page.Option
	for _, y := range x.People {
		people = append(people, page.Option{Value: y.Org, Label: x.Names[y.Org]})
	}
	if len(x.People) == 0 && !v.Tasked { // who does not see who takes part names the lead, or itself
		for _, o := range slices.Compact([]string{x.Event.Org, q.Who.Org}) {
			people = append(people, page.Option{Value: o, Label: x.Names[o]})
		}
	}
	if may(q, "situation.say") {
		f := roomForm{To: "messages", Word: p.T("situation.web.say"), Fields: p.sayFields()}
		if v.Lead {
			f.Fields = append([]page.Field{{Name: "with", Kind: "select", Label: p.T("situation.web.with"), Need: page.Required, Options: slices.DeleteFunc(slices.Clone(people), func(o page.Option) bool { return o.Value == x.Event.Org })}}, f.Fields...)
		}
		v.Forms["say"] = f
	}
	if v.Tasked {
		return nil
	}
	var needs []page.Option
	for _, t := range x.Tasks {
		if !t.State.Over() && len(needs) < 100 {
			needs = append(needs, page.Option{Value: t.ID, Label: t.Title})
		}
	}
	if may(q, "situation.task") && len(people) > 0 {
		v.Forms["task"] = roomForm{To: "tasks", Title: p.T("situation.web.assign"), Word: p.T("situation.web.assign"), Kind: "primary", Fields: []page.Field{
			{Name: "owner", Kind: "select", Label: p.T("situation.web.owner"), Need: page.Required, Options: people}, {Name: "title", Label: p.T("situation.web.task"), Need: page.Required, Width: "wide"},
			{Name: "detail", Kind: "textarea", Label: p.T("situation.web.detail"), Need: page.Optional, Rows: 3}, {Name: "due_at", Kind: "datetime", Label: p.T("situation.web.due"), Need: page.Optional}}}
		if len(needs) > 0 {
			f := v.Forms["task"]
			f.Fields = append(f.Fields, page.Field{Name: "needs", Kind: "choices", Label: p.T("situation.web.needs"), Need: page.Optional, Options: needs})
			v.Forms["task"] = f
		}
	}
	if may(q, "situation.decide") {
		v.Forms["decide"] = roomForm{To: "decisions", Title: p.T("situation.web.decide"), Word: p.T("situation.web.decide"), Fields: []page.Field{
			{Name: "what", Kind: "textarea", Label: p.T("situation.web.what"), Need: page.Required, Rows: 2}, {Name: "why", Kind: "textarea", Label: p.T("situation.web.why"), Need: page.Optional, Rows: 2},
			{Name: "to", Kind: "choices", Label: p.T("situation.web.to"), Need: page.Optional, Hint: p.T("situation.web.to_hint"), Options: people}}}
	}
	if may(q, "situation.join") {
		v.Forms["join"] = roomForm{To: "incidents", Title: p.T("situation.web.join"), Word: p.T("situation.web.join"), Fields: []page.Field{{Name: "incident", Label: p.T("situation.web.incident_id"), Need: page.Required, Hint: p.T("situation.web.incident_hint"), Width: "wide"}}}
	}
	if !v.Lead {
		return nil
	}
	v.Forms["report"] = roomForm{To: "reports", Title: p.T("situation.web.make"), Word: p.T("situation.web.make"), Fields: []page.Field{{Name: "judgement", Kind: "textarea", Label: p.T("situation.web.judgement"), Need: page.Optional, Rows: 3, Hint: p.T("situation.web.judgement_hint")}}}
	v.Forms["close"] = roomForm{To: "close", Title: p.T("situation.web.close"), Word: p.T("situation.web.close"), Kind: "quiet", Fields: []page.Field{{Name: "lessons", Kind: "textarea", Label: p.T("situation.web.lessons"), Need: page.Required, Rows: 3}}}
	names, err := s.Candidates(q.Context())
	if err != nil {
		return err
	}
	var outside []page.Option
	for _, id := range slices.SortedFunc(maps.Keys(names), func(a, b string) int { return strings.Compare(names[a], names[b]) }) {
		if !slices.ContainsFunc(x.People, func(y Participant) bool { return y.Org == id }) {
			outside = append(outside, page.Option{Value: id, Label: names[id]})
		}
	}
	sees := page.Field{Name: "sees", Kind: "choices", Label: p.T("situation.web.sees"), Need: page.Optional, Hint: p.T("situation.web.sees_hint"), Values: everything.list(), Options: p.options("situation.sees.", everything.list()...)}
	if len(outside) > 0 {
		v.Forms["invite"] = roomForm{To: "participants", Title: p.T("situation.web.invite"), Word: p.T("situation.web.invite"), Fields: []page.Field{{Name: "org", Kind: "select", Label: p.T("situation.web.org"), Need: page.Required, Options: outside}, sees}}
	}
	var members []page.Option
	for _, y := range x.People {
		if y.Part == Member {
			members = append(members, page.Option{Value: y.Org, Label: x.Names[y.Org]})
		}
	}
	if len(members) > 0 {
		sees.Name = "shows"
		v.Forms["narrow"] = roomForm{To: "narrow", Title: p.T("situation.web.narrow"), Word: p.T("situation.web.narrow"), Fields: []page.Field{{Name: "member", Kind: "select", Label: p.T("situation.web.org"), Need: page.Required, Options: members}, sees}}
	}
	return nil
}
