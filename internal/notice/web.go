package notice

import (
	"context"
	"embed"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Web are the console pages of this noun.
//
//go:embed web
var Web embed.FS

// Pages registers the console pages: the sender's, the recipients', the
// desk's, and the page that a link opens without an account. Live pings arrive
// on the topic "notice/<organisation>".
func Pages(r *httpd.Router, s *Service) {
	w := &web{r, s}
	w.sender()
	w.letters()
	w.relay()
	w.desk()
	w.links()
	r.Live("GET /live/notice", func(q *httpd.Request) (string, error) { return "notice/" + q.Who.Org, nil })
}

// web registers routes whose handlers get a screen.
type web struct {
	*httpd.Router
	s *Service
}

func (w *web) page(pattern string, fn func(v *screen) error, opts ...httpd.Option) {
	w.Page(pattern, func(q *httpd.Request) error { return fn(newScreen(q, w.s)) }, opts...)
}

func newScreen(q *httpd.Request, s *Service) *screen {
	return &screen{Request: q, Printer: q.Printer, s: s}
}

// screen is one request for a page of this noun.
type screen struct {
	*httpd.Request
	text.Printer
	s *Service
}

// Context is that of the request, with names in the language of the page.
func (v *screen) Context() context.Context {
	ctx := v.Request.Context()
	if who := v.Who; v.Signed {
		who.Lang = string(v.Request.Lang)
		ctx = gate.With(ctx, who)
	}
	return ctx
}

func (v *screen) lang() text.Lang { return v.Request.Lang }

// say is wording in the language of the page, Japanese when there is no other.
func (v *screen) say(b text.Both) string { return said(b, v.lang()) }

// shell is the frame of a page of notices.
func (v *screen) shell(title, key string) page.Shell {
	shell := v.Shell(title)
	shell.Key, shell.Live = key, "/live/notice"
	return shell
}

// handling is what the black strip says of a letter.
func (v *screen) handling(t TLP, clearance int) *page.Handling {
	return &page.Handling{TLP: string(t), Clearance: clearance, Purpose: v.T("notice.web.purpose")}
}

// highest is the mark of all that a content shows.
func (v *screen) highest(c *Content) TLP {
	marks := []TLP{}
	for _, k := range versionsOf(c, nil) {
		marks = append(marks, v.s.Rules.markOf(c, k))
	}
	return v.s.Rules.Highest(marks...)
}

// comesBack reports whether a fault belongs on the form that made it.
func comesBack(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unmet, fault.Conflict, fault.TooLarge:
		return true
	}
	return false
}

// stateLook is how a recipient's state looks: kind of tag.
func stateLook(s State) string {
	switch s {
	case Mitigated, NotAffected:
		return "good"
	case NeedsHelp:
		return "act"
	case Affected, Planned, Checking:
		return "attend"
	}
	return "plain"
}

// stated is a state for a template: its look and its word.
type stated struct{ Look, Word string }

func (v *screen) state(s State) stated {
	return stated{stateLook(s), v.T("notice.web.state." + string(s))}
}

func (v *screen) kind(k Kind) string { return v.T("notice.web.version." + string(k)) }

// due draws the deadline to answer.
func (v *screen) due(by, met time.Time, over bool) page.Due {
	d := due(by, met, over)
	if !met.IsZero() {
		d.Word = v.T("notice.web.due.answered")
	}
	return d
}

// due draws a deadline, and when it was met.
func due(by, met time.Time, over bool) page.Due {
	switch {
	case !met.IsZero():
		return page.Due{At: by, MetAt: met}
	case over:
		return page.Due{At: by, Off: true}
	}
	return page.Due{At: by}
}
