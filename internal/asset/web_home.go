package asset

import (
	"slices"
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// homeEntries is up to which size of a register the first page draws up the
// next statement; a larger one says so on its own page.
const homeEntries = 3000

// Home gathers what the register wants of whoever asks: of an operator the
// statement that is due and the gaps that matter most, of a ministry or the
// office the statements that wait for its stamp.
func Home(q *httpd.Request, s *Service) (page.Part, error) {
	switch {
	case Access.Reach(q.Who, "asset.statements") == gate.Addressed:
		return deskHome(q, s)
	case Access.Reach(q.Who, "asset.submit") == gate.Own:
		return operatorHome(q, s)
	}
	return page.Part{}, nil
}

func deskHome(q *httpd.Request, s *Service) (part page.Part, err error) {
	list, _, err := s.Statements(q.Context(), true, "", 10)
	for _, n := range list {
		part.Todos = append(part.Todos, page.Todo{Severity: "attend", Title: q.Printer.T("asset.web.home.stamp", "n", n.Number, "org", n.OrgName),
			Href: "/statements/" + n.ID, Why: q.Printer.T("asset.web.home.came", "at", n.At), Act: q.Printer.T("asset.web.home.open")})
	}
	return part, err
}

func operatorHome(q *httpd.Request, s *Service) (part page.Part, err error) {
	p := q.Printer
	o, err := s.Overview(q.Context(), "")
	if err != nil || o.Tally.Entries == 0 {
		return part, err
	}
	if o.Tally.Entries <= homeEntries {
		d, err := s.Draft(q.Context(), "")
		if err != nil {
			return part, err
		}
		if d.Statement != nil && len(d.Statement.Entries) > 0 {
			part.Todos = append(part.Todos, page.Todo{Severity: "attend", Title: p.T("asset.web.home.notify", "n", len(d.Statement.Entries)),
				Href: "/statements/new", Why: p.T("asset.web.home.notify_why"), Due: earliestDue(p, d.Statement.Entries), Act: p.T("asset.web.home.open")})
		}
	}
	for _, g := range s.Rules.Gaps() {
		if n := o.Tally.Gaps[g.ID]; n > 0 && g.Level == "act" {
			part.Todos = append(part.Todos, page.Todo{Severity: "attend", Title: p.T("asset.gap."+g.ID, "n", n),
				Href: "/assets?gap=" + g.ID, Why: p.T("asset.web.home.gap_why"), Act: p.T("asset.web.home.open")})
		}
	}
	return part, nil
}

// earliestDue is the first day the law names among the entries; without one
// the word of the first.
func earliestDue(p text.Printer, lines []StatementLine) page.Due {
	first := slices.MinFunc(lines, func(a, b StatementLine) int { return dueTime(a.Due).Compare(dueTime(b.Due)) }).Due
	if first.Statutory == (Date{}) {
		return page.Due{Word: first.Say(p)}
	}
	return page.Due{At: dueTime(first)}
}

// dueTime is 24:00 of the day the law names; far away when it names none.
func dueTime(d Due) time.Time {
	if d.Statutory == (Date{}) {
		return time.Unix(1<<40, 0)
	}
	return d.Statutory.In(text.JST).AddDate(0, 0, 1)
}
