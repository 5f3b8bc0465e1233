package situation

import (
	"slices"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

func pagesTask(r *httpd.Router, s *Service) {
	r.Page("GET /situations/{id}/tasks/{task}", func(q *httpd.Request) error { return showTask(q, s, nil) })
	act := func(path string, do func(q *httpd.Request) error) {
		r.Page("POST /situations/{id}/tasks/{task}/"+path, func(q *httpd.Request) error {
			err := do(q)
			if formFault(err) {
				return showTask(q, s, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/situations/" + q.Path("id") + "/tasks/" + q.Path("task"))
		})
	}
	act("state", func(q *httpd.Request) error {
		_, err := s.Move(q.Context(), q.Path("id"), q.Path("task"), TaskState(q.Form("state")), q.Form("answer"))
		return err
	})
	act("messages", func(q *httpd.Request) error {
		_, err := s.SayTask(q.Context(), q.Path("id"), q.Path("task"), thread.Kind(q.Form("kind")), q.Form("text"))
		return err
	})
}

type taskView struct {
	Head     page.Head
	ID, Task ID
	State    string
	Tag      string
	Due      page.Due
	Waits    bool
	Facts    page.Facts
	Needs    []taskLine
	Move     []page.Field
	Messages []messageLine
	Say      []page.Field
}

// showTask is one task: what it is, how it stands, the steps open to who looks,
// and the conversation about it.
func showTask(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	x, err := s.Task(q.Context(), q.Path("id"), q.Path("task"))
	if err != nil {
		return err
	}
	t := x.Task
	v := taskView{ID: x.Event.ID, Task: t.ID, State: p.task(t.State), Tag: taskTag[t.State], Due: p.due(t), Waits: t.Waits && !t.State.Over(), Messages: p.messages(x.Messages, x.Names, x.Event.Org),
		Head: page.Head{H1: t.Title, Crumbs: []page.Crumb{{Text: p.T("situation.web.title"), Href: "/situations"}, {Text: x.Event.Number, Href: "/situations/" + x.Event.ID}, {Text: t.Title}}}}
	add := func(name, value string) {
		if value != "" {
			v.Facts.Rows = append(v.Facts.Rows, page.Fact{Name: name, Value: value})
		}
	}
	add(p.T("situation.web.owner"), x.Names[t.Owner])
	add(p.T("situation.web.given"), x.Names[t.By])
	add(p.T("situation.web.detail"), t.Detail)
	add(p.T("situation.web.answer"), t.Answer)
	for _, n := range x.Needs {
		v.Needs = append(v.Needs, taskLine{ID: n.ID, Title: n.Title, State: p.task(n.State), Tag: taskTag[n.State]})
	}
	if x.Event.State == Open {
		owner, gave := t.Owner == q.Who.Org, t.By == q.Who.Org || x.Me.Part == Lead
		var to []string
		for _, st := range taskSteps {
			if mayStep(t.State, st.to, owner, gave) && st.from == t.State && !(t.Waits && (st.to == Started || st.to == Done)) && !slices.Contains(to, string(st.to)) {
				to = append(to, string(st.to))
			}
		}
		if len(to) > 0 && may(q, "situation.answer") {
			v.Move = []page.Field{{Name: "state", Kind: "choice", Label: p.T("situation.web.move"), Need: page.Required, Options: p.options("situation.to.", to...)},
				{Name: "answer", Kind: "textarea", Label: p.T("situation.web.answer"), Need: page.Optional, Rows: 3, Limit: maxWords}}
		}
		if may(q, "situation.say") {
			v.Say = p.sayFields()
		}
	}
	shell := q.Shell(t.Title)
	shell.Key, shell.Live, shell.Handling = "situations", "/live/situation", &page.Handling{TLP: x.Event.TLP, Clearance: x.Event.Clearance}
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("situation/task", shell, v)
}
