package app

import (
	"context"
	"errors"
	"slices"

	"noroshi/internal/approval"
	"noroshi/internal/asset"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/exposure"
	"noroshi/internal/hunt"
	"noroshi/internal/incident"
	"noroshi/internal/intel"
	"noroshi/internal/measure"
	"noroshi/internal/measure/act"
	"noroshi/internal/measure/request"
	"noroshi/internal/notice"
	"noroshi/internal/notice/channel"
	"noroshi/internal/org"
	"noroshi/internal/oversight/desk"
	"noroshi/internal/selection"
	"noroshi/internal/sensor"
	"noroshi/internal/sighting"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// entry is one item of the main menu, for those a verb is open to.
type entry struct {
	page.RailItem
	group string
	open  func(ctx context.Context, who gate.Identity) bool
}

func may(t gate.Table, verb string) func(context.Context, gate.Identity) bool {
	return func(ctx context.Context, _ gate.Identity) bool { return t.May(ctx, verb) }
}

func reaches(t gate.Table, verb string, want gate.Reach) func(context.Context, gate.Identity) bool {
	return func(_ context.Context, who gate.Identity) bool { return t.Reach(who, verb) == want }
}

// menu is the main menu (UI.md, chapter 6): what somebody may not open, they
// do not see.
var menu = []entry{
	{page.RailItem{Key: "home", Href: "/", Icon: "home", Label: "app.menu.home"}, "", func(context.Context, gate.Identity) bool { return true }},
	{page.RailItem{Key: "inbox", Href: "/inbox", Icon: "mail", Label: "app.menu.inbox"}, "app.menu.work", reaches(incident.Access, "incident.list", gate.Addressed)},
	{page.RailItem{Key: "reports", Href: "/reports", Icon: "alert", Label: "app.menu.reports"}, "app.menu.work", reaches(incident.Access, "incident.list", gate.Own)},
	{page.RailItem{Key: "letters", Href: "/letters", Icon: "bell", Label: "app.menu.letters"}, "app.menu.work", may(notice.Access, "notice.answer")},
	{page.RailItem{Key: "exposures", Href: "/exposures", Icon: "target", Label: "exposure.web.title.own"}, "app.menu.work", reaches(exposure.Access, "exposure.list", gate.Own)},
	{page.RailItem{Key: "exposures", Href: "/exposures", Icon: "target", Label: "exposure.web.title.operated"}, "app.menu.work", reaches(exposure.Access, "exposure.list", gate.Operated)},
	{page.RailItem{Key: "exposures", Href: "/exposures", Icon: "target", Label: "exposure.web.title.sector"}, "app.menu.work", reaches(exposure.Access, "exposure.list", gate.Sector)},
	{page.RailItem{Key: "exposures", Href: "/exposures", Icon: "target", Label: "exposure.web.title.all"}, "app.menu.work", reaches(exposure.Access, "exposure.list", gate.All)},
	{page.RailItem{Key: "notices", Href: "/notices", Icon: "bell", Label: "app.menu.notices"}, "app.menu.work", may(notice.Access, "notice.board")},
	{page.RailItem{Key: "tickets", Href: "/tickets", Icon: "question", Label: "app.menu.tickets"}, "app.menu.work", may(notice.Access, "notice.desk")},
	{page.RailItem{Key: "vendor", Href: "/vendor", Icon: "flag", Label: "app.menu.vendor"}, "app.menu.work", may(vendor.Access, "vendor.list")},
	{page.RailItem{Key: "requests", Href: "/requests", Icon: "mail", Label: "app.menu.requests"}, "app.menu.work", func(ctx context.Context, who gate.Identity) bool {
		return who.Is(string(org.Operator)) && request.Access.May(ctx, "request.list")
	}},
	{page.RailItem{Key: "situations", Href: "/situations", Icon: "people", Label: "app.menu.situations"}, "app.menu.work", may(situation.Access, "situation.task")},
	{page.RailItem{Key: "approval", Href: "/approvals", Icon: "document", Label: "app.menu.approvals"}, "app.menu.power", may(approval.Access, "approval.list")},
	{page.RailItem{Key: "approval", Href: "/instructions", Icon: "document", Label: "app.menu.instructions"}, "app.menu.power", func(ctx context.Context, who gate.Identity) bool { return who.Has(gate.CarrierClerk) }},
	{page.RailItem{Key: "measures", Href: "/measures", Icon: "target", Label: "app.menu.measures"}, "app.menu.power", may(measure.Access, "measure.list")},
	{page.RailItem{Key: "acts", Href: "/acts", Icon: "shield", Label: "app.menu.acts"}, "app.menu.power", may(act.Access, "act.list")},
	{page.RailItem{Key: "requests", Href: "/requests", Icon: "mail", Label: "app.menu.requests"}, "app.menu.power", func(ctx context.Context, who gate.Identity) bool {
		return !who.Is(string(org.Operator)) && request.Access.May(ctx, "request.list")
	}},
	{page.RailItem{Key: "orders", Href: "/carrier-orders", Icon: "document", Label: "app.menu.orders"}, "app.menu.power", may(request.Access, "request.orders")},
	{page.RailItem{Key: "oversight", Href: "/oversight", Icon: "scale", Label: "app.menu.oversight"}, "app.menu.power", may(desk.Access, "oversight.inspect")},
	{page.RailItem{Key: "oversight", Href: "/oversight/papers", Icon: "scale", Label: "app.menu.oversight_papers"}, "app.menu.power", func(_ context.Context, who gate.Identity) bool { return desk.Addressee(who) }},
	{page.RailItem{Key: "agreement", Href: "/agreements", Icon: "people", Label: "app.menu.agreements"}, "app.menu.power", may(selection.Access, "agreement.list")},
	{page.RailItem{Key: "selectors", Href: "/selector-lists", Icon: "list", Label: "app.menu.lists"}, "app.menu.power", may(selection.Access, "selection.lists")},
	{page.RailItem{Key: "selection", Href: "/selection", Icon: "pulse", Label: "app.menu.selection"}, "app.menu.power", may(selection.Access, "selection.runs")},
	{page.RailItem{Key: "selection", Href: "/selection/volumes", Icon: "pulse", Label: "app.menu.volumes"}, "app.menu.power", may(selection.Access, "selection.carrier")},
	{page.RailItem{Key: "keys", Href: "/selection/keys", Icon: "shield", Label: "app.menu.keys"}, "app.menu.power", may(selection.Access, "selection.hold")},
	{page.RailItem{Key: "selection", Href: "/disclosures", Icon: "mail", Label: "app.menu.disclosures"}, "app.menu.power", reaches(selection.Access, "selection.read", gate.Addressed)},
	{page.RailItem{Key: "receipts", Href: "/selection/receipts", Icon: "document", Label: "app.menu.receipts"}, "app.menu.power", may(selection.Access, "selection.inspect")},
	{page.RailItem{Key: "assets", Href: "/assets", Icon: "server", Label: "app.menu.assets"}, "app.menu.work", may(asset.Access, "asset.list")},
	{page.RailItem{Key: "statements", Href: "/statements", Icon: "document", Label: "app.menu.statements"}, "app.menu.work", may(asset.Access, "asset.statements")},
	{page.RailItem{Key: "intelligence", Href: "/intelligence", Icon: "info", Label: "app.menu.intelligence"}, "app.menu.watch", may(intel.Access, "intel.add")},
	{page.RailItem{Key: "indicators", Href: "/indicators", Icon: "search", Label: "app.menu.indicators"}, "app.menu.watch", reaches(exposure.Access, "exposure.appear", gate.All)},
	{page.RailItem{Key: "findings", Href: "/findings", Icon: "pulse", Label: "app.menu.findings"}, "app.menu.watch", may(sensor.Access, "finding.list")},
	{page.RailItem{Key: "hunts", Href: "/hunts", Icon: "search", Label: "app.menu.hunts"}, "app.menu.watch", may(hunt.Access, "hunt.list")},
	{page.RailItem{Key: "sightings", Href: "/sightings", Icon: "eye", Label: "app.menu.sightings"}, "app.menu.watch", may(sighting.Access, "sighting.list")},
	{page.RailItem{Key: "vulnerabilities", Href: "/vulnerabilities", Icon: "shield", Label: "app.menu.vulnerabilities"}, "app.menu.watch", may(exposure.Access, "exposure.where")},
	{page.RailItem{Key: "rematch", Href: "/exposures/runs", Icon: "pulse", Label: "exposure.web.runs"}, "app.menu.watch", func(ctx context.Context, who gate.Identity) bool {
		return exposure.Access.May(ctx, "exposure.runs") && !exposure.Access.May(ctx, "exposure.list") // others find it at the queue's head
	}},
	{page.RailItem{Key: "feeds", Href: "/feeds", Icon: "down", Label: "app.menu.feeds"}, "app.menu.watch", may(intel.Access, "intel.import")},
	{page.RailItem{Key: "undelivered", Href: "/undelivered", Icon: "mail", Label: "app.menu.undelivered"}, "app.menu.watch", may(channel.Access, "channel.aside")},
	{page.RailItem{Key: "readings", Href: "/readings", Icon: "eye", Label: "app.menu.readings"}, "app.menu.watch", may(incident.Access, "incident.readings")},
	{page.RailItem{Key: "record", Href: "/record", Icon: "list", Label: "app.menu.record"}, "app.menu.watch", may(ledgerAccess, "ledger.audit")},
	{page.RailItem{Key: "people", Href: "/people", Icon: "people", Label: "app.menu.people"}, "app.menu.own", may(org.Access, "person.list")},
	{page.RailItem{Key: "organisation", Href: "/organisation", Icon: "info", Label: "app.menu.organisation"}, "app.menu.own",
		func(_ context.Context, who gate.Identity) bool { return who.Org != "" && !who.Has(gate.HubAdmin) }},
	{page.RailItem{Key: "organisations", Href: "/organisations", Icon: "info", Label: "app.menu.organisations"}, "app.menu.own",
		func(_ context.Context, who gate.Identity) bool { return who.Has(gate.HubAdmin) }},
}

// dress gives a page the menu of who looks at it.
func (h *Hub) dress(q *httpd.Request, s *page.Shell) {
	s.Notice = h.notice(q)
	if !q.Signed {
		return
	}
	s.Account = "/account"
	h.views(q, s)
	waiting, err := incident.Waiting(q.Context(), h.Incidents)
	letters, e := h.Notices.Waiting(q.Context())
	measures, late, bad := measure.Waiting(q.Context(), h.Measures)
	papers, unread := h.Desk.Waiting(q.Context())
	if err = errors.Join(err, e, bad, unread); err != nil {
		h.log.Error("menu", "error", err) // a page without a number is better than none
	}
	for _, e := range menu {
		if !e.open(q.Context(), q.Who) {
			continue
		}
		if e.Key == "inbox" || e.Key == "reports" {
			e.Count = waiting
		}
		if e.Key == "letters" {
			e.Count = letters
		}
		if e.Key == "oversight" {
			e.Count = papers
		}
		if e.Key == "measures" {
			e.Count, e.Due = measures, late
		}
		i := slices.IndexFunc(s.Rail, func(g page.RailGroup) bool { return g.Title == e.group })
		if i < 0 {
			i = len(s.Rail)
			s.Rail = append(s.Rail, page.RailGroup{Title: e.group})
		}
		s.Rail[i].Items = append(s.Rail[i].Items, e.RailItem)
	}
}

func (h *Hub) notice(q *httpd.Request) string {
	if h.demo {
		return q.Printer.T("app.demo.notice")
	}
	return ""
}

// listed are the pages whose lists can be saved as a view.
var listed = []string{"/reports", "/inbox", "/assets", "/statements", "/readings", "/organisations", "/exposures", "/exposures/sectors", "/notices", "/letters", "/sightings", "/findings", "/hunts", "/vendor"}

// views gives a list the saved views of who looks at it.
func (h *Hub) views(q *httpd.Request, s *page.Shell) {
	path := q.R.URL.Path
	if !slices.Contains(listed, path) {
		return
	}
	views, err := h.Orgs.Views(q.Context(), path)
	if err != nil {
		h.log.Error("saved views", "error", err) // the list is better than none
		return
	}
	for _, v := range views {
		s.Views = append(s.Views, page.View{Name: v.Name, Query: v.Query})
	}
	s.SaveView = "/views"
}
