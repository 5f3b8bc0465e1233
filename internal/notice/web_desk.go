package notice

import (
	"noroshi/internal/base/fault"
	"noroshi/internal/base/page"
	"noroshi/internal/base/thread"
)

func (w *web) desk() {
	w.page("GET /tickets", (*screen).tickets)
	w.page("GET /tickets/{id}", func(v *screen) error { return v.ticket(nil) })
	w.page("POST /tickets/{id}/take", func(v *screen) error { return v.stepped(v.s.Take(v.Context(), v.Path("id"))) })
	w.page("POST /tickets/{id}/answer", func(v *screen) error {
		return v.stepped(v.s.Assist(v.Context(), v.Path("id"), v.Form("answer")))
	})
	w.page("POST /tickets/{id}/close", func(v *screen) error { return v.stepped(v.s.Close(v.Context(), v.Path("id"))) })
}

type ticketRow struct {
	Ticket
	Word string
	Due  page.Due
}

type ticketsView struct {
	Head  page.Head
	List  *page.List
	Rows  []ticketRow
	Empty page.Empty
}

func (v *screen) ticketRow(t Ticket) ticketRow {
	return ticketRow{t, v.T("notice.web.ticket." + string(t.State)), v.due(t.Due, t.AnsweredAt, t.State == TicketClosed && t.AnsweredAt.IsZero())}
}

// tickets is the desk: who needs help, by the clock.
func (v *screen) tickets() error {
	q := v.Queries()
	q.Del("lang")
	list, next, err := v.s.Tickets(v.Context(), q.Get("closed") == "1", q.Get("after"), perPage)
	if err != nil {
		return err
	}
	d := ticketsView{Head: page.Head{H1: v.T("notice.web.tickets"), Lead: v.T("notice.web.tickets.lead")}, Empty: page.Empty{Title: v.T("notice.web.tickets.none"), Say: v.T("notice.web.tickets.none.say")}}
	d.List = &page.List{Path: "/tickets", Query: q, Next: next, Size: perPage, From: 1, Shown: len(list), Total: -1,
		Columns: []page.Column{{Title: v.T("notice.web.col.severity")}, {Title: v.T("notice.web.col.who")}, {Title: v.T("notice.web.col.number")}, {Title: v.T("notice.web.col.state")}, {Title: v.T("notice.web.col.help_by")}, {Title: v.T("notice.web.col.opened")}},
		Filters: []page.Filter{{Name: "closed", Value: "1", Label: v.T("notice.web.ticket.closed"), Count: -1}}}
	for _, t := range list {
		d.Rows = append(d.Rows, v.ticketRow(t))
	}
	shell := v.shell(d.Head.H1, "tickets")
	shell.Density = page.Desk
	return v.Render("notice/tickets", shell, d)
}

type ticketView struct {
	Head    page.Head
	Ticket  ticketRow
	Version *versionView
	State   stated
	Talk    []talkLine
	Answer  page.Field
	MayTake bool
	MayEnd  bool
	Open    bool
}

func (v *screen) ticket(bad error) error {
	c, err := v.s.Ticket(v.Context(), v.Path("id"))
	if err != nil {
		return err
	}
	t := c.Ticket
	d := ticketView{Ticket: v.ticketRow(t), State: v.state(c.Letter.State), MayTake: t.State == TicketOpen, MayEnd: t.State == TicketAnswered, Open: t.State != TicketClosed}
	d.Head = page.Head{Crumbs: []page.Crumb{{Text: v.T("notice.web.tickets"), Href: "/tickets"}, {Text: t.Number}}, H1: v.T("notice.web.ticket.h1", "name", t.Name), Lead: v.say(c.Letter.Content.Title)}
	if len(c.Letter.Kinds) > 0 {
		x := v.version(&c.Letter.Content, c.Letter.Kinds[len(c.Letter.Kinds)-1])
		d.Version = &x
	}
	for _, m := range c.Messages {
		who := t.Name
		if m.From == v.Who.Org {
			who = v.Who.OrgName
		}
		d.Talk = append(d.Talk, talkLine{who, m.Text, m.At, m.From == v.Who.Org})
	}
	d.Answer = page.Field{Name: "answer", Kind: "textarea", Rows: 4, Label: v.T("notice.web.ticket.answer"), Limit: thread.MaxText}
	shell := v.shell(d.Head.H1, "tickets")
	shell.Handling = v.handling(v.highest(&c.Letter.Content), c.Letter.Content.Clearance)
	if bad != nil {
		shell = shell.Fail(bad, v.Forms())
	}
	return v.Render("notice/ticket", shell, d)
}

func (v *screen) stepped(err error) error {
	if err != nil && fault.KindOf(err) == fault.Invalid {
		return v.ticket(err)
	}
	if err != nil {
		return err
	}
	return v.Redirect("/tickets/" + v.Path("id"))
}
