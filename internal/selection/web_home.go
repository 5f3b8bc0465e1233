package selection

import (
	"time"

	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

// Home gathers what this noun wants of whoever asks: of a party the answer to a
// proposal, of a clerk that to a counter-proposal, of a second analyst a list, of
// a holder a share, of a recipient what was disclosed to it this week. (What a
// handler may carry out stands with approvals.)
func Home(q *httpd.Request, s *Service) (part page.Part, err error) {
	p := voice{q.Printer}
	add := func(severity, title, why, href string) {
		part.Todos = append(part.Todos, page.Todo{Severity: severity, Title: title, Why: why, Href: href, Act: p.T("selection.hub.web.home_open")})
	}
	if at := sees(q, "agreement.list"); at == gate.Addressed || open(q, "agreement.settle") {
		list, names, _, err := s.Agreements(q.Context(), AgreementFilter{Waiting: true, Limit: 10})
		if err != nil {
			return part, err
		}
		for _, a := range list {
			if at == gate.Addressed {
				add("attend", p.T("selection.agreement.web.home_party", "title", a.Terms.Title), p.T("selection.agreement.web.home_party_why", "org", names[a.Org]), "/agreements/"+a.ID)
			} else if a.Keeper == q.Who.Person {
				add("attend", p.T("selection.agreement.web.home_office", "title", a.Terms.Title), names[a.Party], "/agreements/"+a.ID)
			}
		}
	}
	if open(q, "selection.list_second") {
		list, _, err := s.Lists(q.Context(), true, "", 10)
		if err != nil {
			return part, err
		}
		for _, l := range list {
			add("attend", p.T("selection.list.web.home", "name", l.Name), p.T("selection.list.web.home_why", "n", l.Warned), "/selector-lists/"+l.ID)
		}
	}
	if sees(q, "selection.read") == gate.Addressed {
		list, names, _, err := s.Disclosures(q.Context(), "", 3)
		if err != nil {
			return part, err
		}
		for _, d := range list {
			if d.Left > 0 && q.Now().Sub(d.At) < 7*24*time.Hour {
				add("watch", p.T("selection.record.web.home", "n", d.Left), names[d.Org]+" "+d.Basis, "/disclosures")
			}
		}
	}
	if open(q, "selection.hold") {
		if err := homeKeys(q, s, p, add); err != nil {
			return part, err
		}
	}
	return part, nil
}

// homeKeys asks holders to take their share, and to give it when it is needed.
func homeKeys(q *httpd.Request, s *Service, p voice, add func(severity, title, why, href string)) error {
	keys, err := s.Custodies(q.Context())
	if err != nil {
		return err
	}
	for _, c := range keys {
		if c.Mine && !c.Taken {
			add("attend", p.T("selection.custody.web.home"), p.T("selection.custody.web.home_why"), "/selection/keys")
		}
	}
	list, err := s.Openings(q.Context())
	if err != nil {
		return err
	}
	for _, o := range list {
		if o.State == OpeningWaits && !o.Given && !o.Mine && holdsFor(keys, o.key) {
			add("attend", p.T("selection.opening.web.home"), p.T("selection.opening.web.home_why"), "/selection/keys")
		}
	}
	return nil
}
