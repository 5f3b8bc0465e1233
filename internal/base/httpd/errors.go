package httpd

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Web are the pages of this package: the source "httpd" of a page.Set.
//
//go:embed web
var Web embed.FS

// errorPage is what web/error.html draws.
type errorPage struct {
	Head             page.Head
	Title, Say, Hint string
	Places           []text.PlaceInWords
	Rule             string // code of a refusal
	Request          string
	SignIn           string // address of the sign-in page; empty offers none
}

// Error answers the request with err, as an error page or a problem document.
// For handlers registered with Handle; pages and API operations return their
// errors.
func (r *Router) Error(w http.ResponseWriter, req *http.Request, err error) { r.fail(w, req, err) }

// fail answers with an error: a page for a browser, a problem document for
// everything else.
func (r *Router) fail(w http.ResponseWriter, req *http.Request, err error) {
	v := visitOf(req.Context())
	err = settle(req, err)
	v.failed = err
	if rec, ok := w.(*recorder); ok && rec.wrote {
		return // half an answer is on its way; the log has the error
	}
	errorHeaders(w.Header(), err)
	p := r.opt.Words.Printer(v.lang, nil)
	if !r.wantsPage(req, v) {
		doc := problemOf(err, p, v.id)
		writeProblem(w, doc)
		return
	}
	f := fault.Of(err)
	if f.Kind == fault.NotFound {
		// One page for what is not there and for what is not yours to know.
		f = ErrNotFound
	}
	m := p.Fault(f)
	data := errorPage{Title: p.T("httpd.kind." + f.Kind.String()), Say: m.Title, Hint: m.Hint, Places: m.Places, Request: v.id}
	data.Head = page.Head{H1: data.Title}
	if m.Title != data.Title {
		data.Head.Lead = m.Title
	}
	switch f.Kind {
	case fault.Refused:
		data.Rule = f.Code
	case fault.Unauthenticated:
		data.SignIn = "/sign-in"
	}
	q := r.newRequest(w, req)
	shell := q.Shell(data.Title)
	if !q.Signed {
		shell.Layout = page.Public
	}
	var out bytes.Buffer
	if perr := r.opt.Pages.Render(&out, "httpd/error", shell, data); perr != nil {
		r.opt.Log.Error("error page", "request", v.id, "error", perr.Error())
		writeProblem(w, problemOf(err, p, v.id))
		return
	}
	_ = q.send(Status(f), "text/html; charset=utf-8", &out)
}

// wantsPage reports whether an error is told as a page.
func (r *Router) wantsPage(req *http.Request, v *visit) bool {
	if r.opt.Pages == nil || v.route.api || isAPI(req) {
		return false
	}
	accept := req.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "text/html") || strings.Contains(accept, "*/*")
}

// settle gives errors of the transport their own fault: a client that went
// away or a deadline is no defect of ours.
func settle(req *http.Request, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return err
	}
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(over.Limit).Because(err)
	case req.Context().Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return ErrCut.Because(err)
	}
	return err
}

// SignedIn returns the identity of the request, or the fault of a stranger.
func (q *Request) SignedIn() (gate.Identity, error) {
	if !q.Signed {
		return gate.Identity{}, gate.ErrSignIn
	}
	return q.Who, nil
}

// ETag makes an entity tag of what identifies a version: a number, a digest.
func ETag(version any) string {
	switch v := version.(type) {
	case int:
		return `"` + strconv.Itoa(v) + `"`
	case int64:
		return `"` + strconv.FormatInt(v, 10) + `"`
	case string:
		return `"` + strings.Map(etagRune, v) + `"`
	}
	panic("BUG: httpd.ETag: not a number or a string")
}

func etagRune(r rune) rune {
	if r <= 0x20 || r == '"' || r == 0x7f || r > 0xff {
		return '_'
	}
	return r
}
