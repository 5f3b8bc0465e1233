package selection

import (
	"bytes"
	"io"

	"noroshi/internal/approval"
	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
)

func pagesKey(r *httpd.Router, s *Service) {
	r.Page("GET /selection/keys", func(q *httpd.Request) error { return showKeys(q, s, nil) })
	r.Page("POST /selection/keys", func(q *httpd.Request) error {
		_, err := s.Custody(q.Context(), q.Form("approval"), q.Form("first"), q.Form("second"))
		return after(q, s, err)
	})
	r.Page("POST /selection/holders", func(q *httpd.Request) error {
		return after(q, s, s.Hold(q.Context(), q.Form("ready") == "1"))
	})
	r.Page("POST /selection/keys/{id}/share", func(q *httpd.Request) error {
		raw, err := s.TakeShare(q.Context(), q.Path("id"))
		if err != nil {
			return after(q, s, err)
		}
		defer clear(raw)
		return q.Download("noroshi-"+q.Path("id")+".share", "application/octet-stream", bytes.NewReader(raw))
	})
	r.Page("POST /selection/openings", func(q *httpd.Request) error {
		_, err := s.AskOpening(q.Context(), q.Form("approval"), Reason{q.Form("purpose"), q.Form("consent")})
		return after(q, s, err)
	})
	r.Page("POST /selection/openings/{id}/share", func(q *httpd.Request) error {
		f := q.File("share")
		if f == nil {
			return after(q, s, ErrShare)
		}
		raw, err := io.ReadAll(io.LimitReader(f.Reader(), 1<<14))
		if err != nil {
			return err
		}
		return after(q, s, s.GiveShare(q.Context(), q.Path("id"), raw))
	}, httpd.MaxBody(1<<16))
	// The result is shown once, in the answer itself, and stands at no address.
	r.Page("POST /selection/openings/{id}/result", func(q *httpd.Request) error {
		list, err := s.OpenPseudonyms(q.Context(), q.Path("id"))
		if err != nil {
			return after(q, s, err)
		}
		p := voice{q.Printer}
		v := struct {
			Head page.Head
			Rows []OpenedName
		}{page.Head{H1: p.T("selection.opening.web.result"), Lead: p.T("selection.opening.web.result_lead"), Crumbs: []page.Crumb{{Text: p.T("selection.opening.web.title"), Href: "/selection/keys"}, {Text: p.T("selection.opening.web.result")}}}, list}
		shell := q.Shell(v.Head.H1)
		shell.Key, shell.Density, shell.Handling = "selection", page.Desk, p.handling("")
		return q.Render("selection/opened", shell, v)
	})
}

// after returns to the page of keys, with a fault where there is one.
func after(q *httpd.Request, s *Service, err error) error {
	if formFault(err) || isKind(err, fault.NotFound) {
		return showKeys(q, s, err)
	}
	if err != nil {
		return err
	}
	return q.Redirect("/selection/keys")
}

type openingLine struct {
	Opening
	Word, Tag, For string
	Shares         int
	Give, Result   bool
}

type keysView struct {
	Head     page.Head
	Keys     []Custody
	Openings []openingLine
	Make     []page.Field
	Ask      []page.Field
	Holds    bool
	Ready    bool // who looks said that they can hold shares
	TooFew   bool

	holders []Holder
}

var openingTag = map[OpeningState]string{OpeningWaits: "attend", OpeningDone: "good"}

// showKeys is the page of shares and re-identifications: each sees what is theirs.
func showKeys(q *httpd.Request, s *Service, bad error) error {
	p := voice{q.Printer}
	v := keysView{Head: page.Head{H1: p.T("selection.opening.web.title"), Lead: p.T("selection.opening.web.lead")}, Holds: open(q, "selection.hold")}
	var err error
	if v.Holds {
		if v.Keys, err = s.Custodies(q.Context()); err != nil {
			return err
		}
		if v.holders, err = s.Holders(q.Context()); err != nil {
			return err
		}
		for _, h := range v.holders {
			v.Ready = v.Ready || h.Me
		}
	}
	list, err := s.Openings(q.Context())
	if err != nil {
		return err
	}
	for _, o := range list {
		l := openingLine{Opening: o, Word: p.T("selection.opening.state_of." + string(o.State)), Tag: openingTag[o.State], For: p.T("selection.record.reason." + o.Purpose)}
		for _, at := range []bool{!o.FirstAt.IsZero(), !o.SecondAt.IsZero()} {
			if at {
				l.Shares++
			}
		}
		l.Give = o.State == OpeningWaits && !o.Mine && holdsFor(v.Keys, o.key)
		l.Result = o.State == OpeningWaits && o.Mine && l.Shares == 2
		v.Openings = append(v.Openings, l)
	}
	if open(q, "selection.custody") {
		if err := v.making(q, s, p); err != nil {
			return err
		}
	}
	if open(q, "selection.reidentify") {
		if err := v.asking(q, s, p); err != nil {
			return err
		}
	}
	return render(q, "selection/keys", "selection", v.Head.H1, v, bad)
}

// holdsFor reports whether who looks holds a share of the key of an approval.
func holdsFor(list []Custody, approvalID string) bool {
	for _, c := range list {
		if c.Approval == approvalID && c.Mine {
			return true
		}
	}
	return false
}

// making offers the approvals without a key, and asks for two holders.
func (v *keysView) making(q *httpd.Request, s *Service, p voice) error {
	cases, _, _, err := s.Approvals.List(q.Context(), approval.Filter{Running: true, Limit: 100})
	if err != nil {
		return err
	}
	f := page.Field{Name: "approval", Kind: "select", Label: p.T("selection.hub.web.approval"), Need: page.Required}
	for _, c := range cases {
		if c.Asked.Kind != approval.Reidentify && !has(v.Keys, c.ID) {
			f.Options = append(f.Options, page.Option{Value: c.ID, Label: c.Number + " " + p.T("selection.hub.kind."+string(c.Asked.Kind)) + " " + c.Asked.Link})
		}
	}
	if len(f.Options) > 0 {
		first := page.Field{Name: "first", Kind: "select", Label: p.T("selection.custody.web.first"), Hint: p.T("selection.custody.web.holder_hint"), Need: page.Required}
		for _, h := range v.holders {
			if !h.Me {
				first.Options = append(first.Options, page.Option{Value: h.Person, Label: h.Name + "（" + h.Org + "）"})
			}
		}
		second := first
		second.Name, second.Label = "second", p.T("selection.custody.web.second")
		if v.TooFew = len(first.Options) < 2; !v.TooFew {
			v.Make = []page.Field{f, first, second}
		}
	}
	return nil
}

func has(list []Custody, approvalID string) bool {
	for _, c := range list {
		if c.Approval == approvalID {
			return true
		}
	}
	return false
}

// asking offers the re-identifications that were approved.
func (v *keysView) asking(q *httpd.Request, s *Service, p voice) error {
	cases, _, _, err := s.Approvals.List(q.Context(), approval.Filter{Kind: approval.Reidentify, Running: true, Limit: 100})
	if err != nil {
		return err
	}
	f := page.Field{Name: "approval", Kind: "select", Label: p.T("selection.hub.web.approval"), Need: page.Required}
	for _, c := range cases {
		f.Options = append(f.Options, page.Option{Value: c.ID, Label: c.Number})
	}
	if len(f.Options) > 0 {
		v.Ask = append([]page.Field{f}, p.reasonFields(nil, false)...)
	}
	return nil
}
