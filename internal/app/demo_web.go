package app

import (
	"slices"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/org"
)

// doorView is one way in, in the language of the page.
type doorView struct {
	Role, Title, Org, Person string
}

type doorsView struct {
	Head  page.Head
	Doors []doorView
}

// demoPages adds the page that lets anybody in as anybody. It is there in the
// demo only, whose people and facts are invented.
func (h *Hub) demoPages(r *httpd.Router) {
	if !h.demo {
		return
	}
	r.Page("GET /demo", func(q *httpd.Request) error {
		p := q.Printer
		v := doorsView{Head: page.Head{H1: p.T("app.demo.title"), Lead: p.T("app.demo.lead")}}
		for _, s := range h.doors {
			if s.lang == q.Lang {
				v.Doors = append(v.Doors, doorView{string(s.role), p.T("org.role." + string(s.role)), s.org.In(q.Lang), s.name})
			}
		}
		return q.Render("app/demo", q.Shell(p.T("app.demo.title")), v)
	}, httpd.Public)
	r.Page("POST /demo", func(q *httpd.Request) error {
		i := slices.IndexFunc(h.doors, func(s someone) bool { return s.lang == q.Lang && s.role == gate.Role(q.Form("role")) })
		if i < 0 {
			return fault.New(fault.NotFound, "app.demo.nobody")
		}
		link, err := h.Orgs.SignInLink(q.Context(), h.doors[i].person)
		if err != nil {
			return err
		}
		signed, err := h.Orgs.SignInByLink(q.Context(), link, org.Device{Addr: q.Credential().Addr, Agent: q.Credential().Agent})
		if err != nil {
			return err
		}
		q.SignIn(signed.Secret, 0)
		return q.Redirect("/")
	}, httpd.Public)
}
