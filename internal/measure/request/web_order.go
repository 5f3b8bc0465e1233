package request

import (
	"strings"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

type orderRow struct {
	Ordered
	StateWord, Tag, Cap string
	Waits, Open         bool
}

type ordersView struct {
	Head  page.Head
	List  *page.List
	Rows  []orderRow
	Empty *page.Empty
}

// pagesOrders registers a carrier's pages: the orders to it, and nothing else.
func pagesOrders(r *httpd.Router, s *Service) {
	r.Page("GET /carrier-orders", func(q *httpd.Request) error { return showOrders(q, s, nil) })
	r.Page("POST /carrier-orders/{id}/confirm", func(q *httpd.Request) error {
		_, err := s.Confirm(q.Context(), q.Path("id"), q.Form("done") == "yes")
		if formFault(err) {
			return showOrders(q, s, err)
		}
		if err != nil {
			return err
		}
		return q.Redirect("/carrier-orders")
	})
}

func showOrders(q *httpd.Request, s *Service, bad error) error {
	p := say{q.Printer}
	list, next, err := s.Orders(q.Context(), q.Query("after"), 50)
	if err != nil {
		return err
	}
	v := ordersView{Head: page.Head{H1: p.T("request.order.title"), Lead: p.T("request.order.lead")}}
	for _, o := range list {
		row := orderRow{Ordered: o, StateWord: p.T("request.order.state.received"), Tag: "watch", Waits: o.ConfirmedAt.IsZero() && o.DoneAt.IsZero(), Open: o.DoneAt.IsZero()}
		switch {
		case row.Waits:
			row.StateWord, row.Tag = p.T("request.order.state.waits"), "attend"
		case !row.Open:
			row.StateWord, row.Tag = p.T("request.order.state.done"), "good"
		}
		var parts []string
		if o.Instruction.Cap.Bytes > 0 {
			parts = append(parts, p.Bytes(int64(min(o.Instruction.Cap.Bytes, 1<<62))))
		}
		if o.Instruction.Cap.Packets > 0 {
			parts = append(parts, p.T("request.order.packets", "n", o.Instruction.Cap.Packets))
		}
		if row.Cap = strings.Join(parts, "　"); row.Cap == "" {
			row.Cap = p.T("request.order.no_cap")
		}
		v.Rows = append(v.Rows, row)
	}
	if len(list) == 0 {
		v.Empty = &page.Empty{Title: p.T("request.order.empty"), Say: p.T("request.order.empty_say")}
	}
	v.List = &page.List{Path: "/carrier-orders", Query: q.Queries(), Next: next, Size: 50, From: 1, Shown: len(list), Total: -1}
	shell := q.Shell(v.Head.H1)
	shell.Key, shell.Density, shell.Live = "orders", page.Desk, "/live/request"
	if bad != nil {
		shell = shell.Fail(bad, q.Forms())
	}
	return q.Render("request/orders", shell, v)
}

// homeOrders names the orders that a carrier has not confirmed, and those that it has
// not reported carried out.
func homeOrders(q *httpd.Request, s *Service) (part page.Part, err error) {
	p := say{q.Printer}
	list, _, err := s.Orders(q.Context(), "", 50)
	for _, o := range list {
		t := page.Todo{Severity: "act", Title: p.T("request.home.order", "number", o.Instruction.Number), Href: "/carrier-orders#" + o.ID, Why: o.Office, Due: page.Due{At: o.Instruction.Until}, Act: p.T("request.home.read")}
		switch {
		case !o.DoneAt.IsZero() || len(part.Todos) == homeRows:
			continue
		case !o.ConfirmedAt.IsZero():
			t.Severity, t.Title = "watch", p.T("request.home.ordered", "number", o.Instruction.Number)
		}
		part.Todos = append(part.Todos, t)
	}
	return part, err
}
