package hunt

import (
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// keepView says until when results are kept, with the hold that keeps them
// longer.
type keepView struct {
	Say, Why string
	To, Do   string // address and word of the act; empty where the reader has none
	Version  int64
	Field    page.Field
	Open     bool
}

// pagesKeep registers the hold on a hunt.
func (c *console) pagesKeep(r *httpd.Router) {
	hold := func(as func(q *httpd.Request, version int64) (Hunt, error)) func(q *httpd.Request) error {
		return func(q *httpd.Request) error {
			if err := c.May(q.Context(), "hunt.hold"); err != nil {
				return err
			}
			if _, err := c.Hunt(q.Context(), q.Path("id")); err != nil {
				return err
			}
			version, err := versionOf(q)
			var h Hunt
			if err == nil {
				h, err = as(q, version)
			}
			if onForm(err) {
				return c.showDesk(q, err)
			}
			if err != nil {
				return err
			}
			return q.Redirect("/hunts/" + h.ID + "#keep")
		}
	}
	r.Page("POST /hunts/{id}/hold", hold(func(q *httpd.Request, version int64) (Hunt, error) {
		return c.Hold(q.Context(), q.Path("id"), version, q.Form("why"))
	}))
	r.Page("POST /hunts/{id}/unhold", hold(func(q *httpd.Request, version int64) (Hunt, error) {
		return c.Unhold(q.Context(), q.Path("id"), version, q.Form("why"))
	}))
}

// keeping is what a desk says of how long its results are kept.
func (c *console) keeping(q *httpd.Request, h Hunt, bad error) keepView {
	p := q.Printer
	v := keepView{Say: p.T("hunt.web.keep_say", "days", c.Days()), Version: h.Version, Open: bad != nil && q.Forms().Has("why")}
	act, hint := "hold", "hunt.web.hold_hint"
	if !h.HoldAt.IsZero() {
		v.Say, v.Why = p.T("hunt.web.keep_held", "at", p.Date(h.HoldAt)), printableLines(h.HoldWhy)
		act, hint = "unhold", "hunt.web.unhold_hint"
	}
	if may(q, "hunt.hold") {
		v.To, v.Do = "/hunts/"+h.ID+"/"+act, p.T("hunt.web."+act)
		v.Field = page.Field{Name: "why", Kind: "textarea", Label: p.T("hunt.web.hold_why"), Need: page.Required, Hint: p.T(hint), Rows: 2, Limit: maxWords}
	}
	return v
}

// keptText says until when the findings of a run are kept.
func keptText(p text.Printer, r Received) string {
	switch {
	case !r.RemovedAt.IsZero():
		return p.T("hunt.web.run_removed", "at", p.Date(r.RemovedAt))
	case r.KeptUntil.IsZero():
		return p.T("hunt.web.kept_held")
	}
	return p.T("hunt.web.run_kept", "at", p.Date(r.KeptUntil))
}
