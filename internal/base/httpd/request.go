package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Request is one request for a page, and the answer to it.
type Request struct {
	W       http.ResponseWriter
	R       *http.Request
	Who     gate.Identity // zero when nobody is signed in
	Signed  bool          // somebody is signed in
	Lang    text.Lang
	Printer text.Printer

	router *Router
	values url.Values
	files  []*File
}

// Page registers a page or the target of a form. What fn returns as an error
// becomes an error page. The pattern is one of net/http's mux and names its
// method: "GET /report/{id}".
func (r *Router) Page(pattern string, fn func(q *Request) error, opts ...Option) {
	if m, _, ok := strings.Cut(pattern, " "); !ok || m != method(m) {
		panic("BUG: httpd: a page's pattern names its method: " + pattern)
	}
	r.handle(route{pattern: pattern}, r.request(fn), opts)
}

func (r *Router) request(fn func(q *Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		q := r.newRequest(w, req)
		defer q.close()
		if err := q.parse(); err != nil {
			r.fail(w, req, err)
			return
		}
		if err := fn(q); err != nil {
			r.fail(w, req, err)
		}
	})
}

func (r *Router) newRequest(w http.ResponseWriter, req *http.Request) *Request {
	v := visitOf(req.Context())
	return &Request{W: w, R: req, Who: v.who, Signed: v.signed, Lang: v.lang, Printer: r.opt.Words.Printer(v.lang, nil), router: r}
}

// Context returns the context of the request: who acts is in it (gate.From).
func (q *Request) Context() context.Context { return q.R.Context() }

// ID returns the id of the request.
func (q *Request) ID() string { return RequestID(q.R.Context()) }

// Credential returns what the request came with.
func (q *Request) Credential() Credential { return visitOf(q.R.Context()).cred }

// Now returns the router's time.
func (q *Request) Now() time.Time { return q.router.opt.Now() }

// Path returns a wildcard of the pattern.
func (q *Request) Path(name string) string { return q.R.PathValue(name) }

// Query returns a parameter of the URL, "" when absent.
func (q *Request) Query(name string) string { return query(q.R, name) }

// Queries returns all parameters of the URL.
func (q *Request) Queries() url.Values {
	v, err := url.ParseQuery(q.R.URL.RawQuery)
	if err != nil {
		return url.Values{}
	}
	return v
}

// Int returns a parameter of the URL as a number, or otherwise when it is
// absent or no number.
func (q *Request) Int(name string, otherwise int) int {
	if n, err := strconv.Atoi(q.Query(name)); err == nil {
		return n
	}
	return otherwise
}

// Form returns a field of the posted form without the white space round it,
// "" when absent.
func (q *Request) Form(name string) string { return strings.TrimSpace(q.values.Get(name)) }

// Raw returns a field of the posted form as it was sent: for passwords.
func (q *Request) Raw(name string) string { return q.values.Get(name) }

// Forms returns all fields of the posted form, never nil.
func (q *Request) Forms() url.Values {
	if q.values == nil {
		return url.Values{}
	}
	return q.values
}

// File returns the file of a field of the posted form; nil when none was
// chosen. It is gone when the handler returns.
func (q *Request) File(field string) *File {
	for _, f := range q.files {
		if f.Field == field {
			return f
		}
	}
	return nil
}

// Files returns the posted files in their order.
func (q *Request) Files() []*File { return q.files }

// Shell returns the shell of this request's page with its title, for a page
// that wants to change more of it than the title.
func (q *Request) Shell(title string) page.Shell {
	s := page.Shell{Lang: q.Lang, Now: q.Now(), Path: q.R.URL.RequestURI(), Title: title}
	if c, err := q.R.Cookie(themeCookie); err == nil && (c.Value == "light" || c.Value == "dark") {
		s.Theme = c.Value
	}
	if q.Signed {
		s.Person, s.Org, s.SignOut = q.Who.Name, q.Who.OrgName, "/sign-out"
	} else {
		s.Layout = page.Public
	}
	if q.router.opt.Dress != nil {
		q.router.opt.Dress(q, &s)
	}
	return s
}

// Render answers with a page. A shell with a fault gives the fault's status,
// so that a form which comes back is 422 and not 200.
func (q *Request) Render(name string, shell page.Shell, data any) error {
	var out bytes.Buffer
	if err := q.router.opt.Pages.Render(&out, name, shell, data); err != nil {
		return err
	}
	status := http.StatusOK
	if shell.Fault != nil {
		status = Status(shell.Fault)
		visitOf(q.R.Context()).failed = shell.Fault
		errorHeaders(q.W.Header(), shell.Fault)
	}
	return q.send(status, "text/html; charset=utf-8", &out)
}

// Fragment answers with a part of a page, for a page that reloads it.
func (q *Request) Fragment(name string, data any) error {
	var out bytes.Buffer
	if err := q.router.opt.Pages.Fragment(&out, name, q.Shell(""), data); err != nil {
		return err
	}
	return q.send(http.StatusOK, "text/html; charset=utf-8", &out)
}

// JSON answers with a value, for a page's own script: draft saving.
func (q *Request) JSON(v any) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	return q.send(http.StatusOK, "application/json", &out)
}

func (q *Request) send(status int, contentType string, body *bytes.Buffer) error {
	h := q.W.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Language", string(q.Lang))
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	q.W.WriteHeader(status)
	_, _ = body.WriteTo(q.W) // an error here means that the reader went away
	return nil
}

// Redirect sends the person on with 303: after a form was posted, so that
// going back or reloading posts nothing again. The path is on this site.
func (q *Request) Redirect(path string) error {
	if path != "/" && LocalPath(path) == "/" {
		return fault.New(fault.Internal, "fault.internal").Because(errRedirect(path))
	}
	q.W.Header().Set("Location", path)
	q.W.WriteHeader(http.StatusSeeOther)
	return nil
}

type errRedirect string

func (e errRedirect) Error() string { return "redirect to a path that is not local: " + string(e) }

// Next returns the local path that the parameter or field "next" names, or
// otherwise when it names none.
func (q *Request) Next(otherwise string) string {
	s := q.Form("next")
	if s == "" {
		s = q.Query("next")
	}
	if s = LocalPath(s); s == "/" {
		return otherwise
	}
	return s
}

// Download answers with a file to be saved under the name. The browser runs
// nothing of it: the policy holds, and the type is not guessed.
func (q *Request) Download(name, contentType string, body io.Reader) error {
	Attach(q.W.Header(), name, contentType)
	_, err := io.Copy(q.W, body)
	return err
}

// Attach sets the headers of an answer that is to be saved under the name
// (RFC 6266, with the name in UTF-8 and in ASCII).
func Attach(h http.Header, name, contentType string) {
	ascii := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e || strings.ContainsRune(`"\/:*?<>|%`, r) {
			return '_'
		}
		return r
	}, name)
	h.Set("Content-Type", contentType)
	h.Set("Content-Disposition", `attachment; filename="`+ascii+`"; filename*=UTF-8''`+strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
}

// SignIn sets the session cookie. An age of 0 ends with the browser.
func (q *Request) SignIn(session string, age time.Duration) {
	c := q.router.cookie(q.router.sessionCookie(), session, age)
	http.SetCookie(q.W, c)
}

// SignOut deletes the session cookie and what the browser keeps of the site.
func (q *Request) SignOut() {
	http.SetCookie(q.W, q.router.cookie(q.router.sessionCookie(), "", -1))
	q.W.Header().Set("Clear-Site-Data", `"cache", "storage"`)
}

// SetCookie sets a small cookie of one page, for example which hint was read.
// It must not identify anybody.
func (q *Request) SetCookie(name, value string, age time.Duration) {
	http.SetCookie(q.W, q.router.cookie(name, value, age))
}

// Cookie returns the value of a cookie, "" when absent.
func (q *Request) Cookie(name string) string {
	c, err := q.R.Cookie(name)
	if err != nil {
		return ""
	}
	return c.Value
}

// sessionCookie names the cookie of the session. Over TLS the browser itself
// holds the rule that no other host can set it (RFC 6265bis, 4.1.3.2).
func (r *Router) sessionCookie() string {
	if r.opt.Secure {
		return "__Host-noroshi"
	}
	return "noroshi"
}
