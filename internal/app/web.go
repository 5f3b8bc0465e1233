package app

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/asset"
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
	"noroshi/internal/oversight/desk"
	"noroshi/internal/selection"
	"noroshi/internal/sensor"
	"noroshi/internal/situation"
	"noroshi/internal/vendor"
)

// homeView is the first page: what to do, by when, and what came back.
type homeView struct {
	Head  page.Head
	Todos []page.Todo
	Empty page.Empty
	Parts []page.Part
}

// pages registers the app's own pages.
func (h *Hub) pages(r *httpd.Router) {
	r.Page("GET /{$}", func(q *httpd.Request) error {
		p := q.Printer
		v := homeView{Head: page.Head{H1: p.T("app.home.title"), Lead: p.Date(q.Now())},
			Empty: page.Empty{Title: p.T("app.home.nothing"), Say: p.T("app.home.nothing_hint")}}
		for _, part := range []func() (page.Part, error){
			func() (page.Part, error) {
				t, err := incident.Home(q, h.Incidents)
				if t.Writes {
					v.Head.Acts = []page.Act{{Text: p.T("incident.web.report"), Href: "/reports/new", Kind: "primary", Icon: "document"}}
				}
				return page.Part{Todos: t.Todos, Template: "incident/home", Data: t}, err
			},
			func() (page.Part, error) { return sensor.Home(q, h.Sensors) },
			func() (page.Part, error) { return hunt.Home(q, h.Hunts) },
			func() (page.Part, error) { return notice.Home(q, h.Notices) },
			func() (page.Part, error) { return exposure.Home(q, h.Exposures) },
			func() (page.Part, error) { return intel.Home(q, h.Intel) },
			func() (page.Part, error) { return vendor.Home(q, h.Vendors) },
			func() (page.Part, error) { return approval.Home(q, h.Approvals) },
			func() (page.Part, error) { return selection.Home(q, h.Selections) },
			func() (page.Part, error) { return situation.Home(q, h.Situations) },
			func() (page.Part, error) { return measure.Home(q, h.Measures) },
			func() (page.Part, error) { return act.Home(q, h.Acts) },
			func() (page.Part, error) { return desk.Home(q, h.Desk) },
			func() (page.Part, error) { return request.Home(q, h.Requests) },
			func() (page.Part, error) { return asset.Home(q, h.Assets) },
		} {
			got, err := part()
			if err != nil {
				return err
			}
			v.Todos, v.Parts = append(v.Todos, got.Todos...), append(v.Parts, got)
		}
		// What has a deadline comes first, the nearest on top; of the rest the
		// most urgent, in the order of the nouns.
		slices.SortStableFunc(v.Todos, func(a, b page.Todo) int {
			return cmp.Or(due(a).Compare(due(b)), cmp.Compare(urgency(a), urgency(b)))
		})
		shell := q.Shell(p.T("app.home.title"))
		shell.Key, shell.Live = "home", "/live/incident"
		return q.Render("app/home", shell, v)
	})
	r.Page("GET /published", func(q *httpd.Request) error {
		part := desk.PublicPart(q, h.Desk, h.Ledger.VKey, strings.TrimSuffix(h.Config.Hub.BaseURL, "/")+"/ledger")
		return q.Render("app/published", q.Shell(q.Printer.T("app.published.title")), homeView{Parts: []page.Part{part}})
	}, httpd.Public)
}

// urgency is the place of a thing to do among those without a deadline.
func urgency(t page.Todo) int {
	return slices.Index([]string{"act", "attend", "watch", "track"}, t.Severity)
}

// due is when a thing to do is due; far away when it has no deadline.
func due(t page.Todo) time.Time {
	if t.Due.At.IsZero() {
		return time.Unix(1<<40, 0)
	}
	return t.Due.At
}
