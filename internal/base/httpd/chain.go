package httpd

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/text"
)

// visit is what the chain learns of one request and its handlers read.
type visit struct {
	id     string // request id
	route  *route
	lang   text.Lang
	signed bool
	who    gate.Identity
	cred   Credential
	failed error  // the error that was answered, for the log
	url    string // path and query, for Link headers
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	if v == nil {
		v = &visit{lang: text.JA}
	}
	return v
}

// Lang returns the language of the request that ctx belongs to.
func Lang(ctx context.Context) text.Lang { return visitOf(ctx).lang }

// RequestID returns the id of the request that ctx belongs to: what a person
// can quote and the log can be searched for.
func RequestID(ctx context.Context) string { return visitOf(ctx).id }

// ServeHTTP runs the chain and the route's handler.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	start := time.Now()
	v := &visit{id: uuid.Must(uuid.NewV7()).String(), url: req.URL.RequestURI(), cred: r.credential(req)}
	_, pattern := r.mux.Handler(req)
	v.route = r.routes[pattern]
	if v.route == nil {
		v.route = &route{pattern: "none", public: true, body: DefaultBody}
	}
	rec := &recorder{ResponseWriter: w, match: matchable(req)}
	strict(rec.Header(), r.opt.Secure)
	rec.Header().Set("X-Request-Id", v.id)
	req = req.WithContext(context.WithValue(req.Context(), visitKey{}, v))
	v.lang = r.language(rec, req)
	done := r.opt.Metrics.Begin()
	defer func() {
		p := recover()
		abort := p == http.ErrAbortHandler //nolint:errorlint // net/http compares it so, too
		if p != nil && !abort {
			r.panicked(rec, req, v, p)
		}
		done(req.Method, v.route.pattern, rec.code(), time.Since(start))
		r.log(req, v, rec, time.Since(start))
		if abort {
			panic(p)
		}
	}()
	r.guard(rec, req, v)
}

// guard lets a request through to its handler, or answers why not.
func (r *Router) guard(w *recorder, req *http.Request, v *visit) {
	if !v.route.stream {
		select {
		case r.slots <- struct{}{}:
			defer func() { <-r.slots }()
		default:
			r.fail(w, req, ErrBusy)
			return
		}
	}
	if err := r.cross.Check(req); err != nil {
		r.fail(w, req, ErrCrossOrigin.Because(err))
		return
	}
	if req.ContentLength > v.route.body {
		// Answered before the body is read, so the connection cannot go on.
		w.Header().Set("Connection", "close")
		r.fail(w, req, tooLarge(v.route.body))
		return
	}
	limit := v.route.body
	if v.route.api {
		limit += 2 // so that huma, which reads up to one more, answers 413 itself
	}
	req.Body = http.MaxBytesReader(w.ResponseWriter, req.Body, limit)
	req, err := r.identify(req, v)
	if err != nil {
		r.fail(w, req, err)
		return
	}
	if v.route.pattern == "none" {
		r.nothing(w, req)
		return
	}
	if !v.signed && !v.route.public {
		r.stranger(w, req, v)
		return
	}
	if req.ContentLength != 0 {
		leave, err := r.receive(w, req, v)
		if err != nil {
			r.fail(w, req, err)
			return
		}
		defer leave()
	}
	if key := req.Header.Get("Idempotency-Key"); key != "" && v.route.api && req.Method == http.MethodPost {
		r.keyed(w, req, v, key)
		return
	}
	r.mux.ServeHTTP(w, req)
}

// receive makes ready for a body. An ordinary one has half a minute to come,
// so that slow senders do not hold every slot; only a few large ones are taken
// in at a time, because they may stand in memory, and the rest wait a while.
func (r *Router) receive(w *recorder, req *http.Request, v *visit) (leave func(), err error) {
	if v.route.body <= DefaultBody {
		// Not every test's writer has deadlines; the server's always does.
		_ = http.NewResponseController(w.ResponseWriter).SetReadDeadline(time.Now().Add(smallBody))
		return func() {}, nil
	}
	patience := time.NewTimer(largeWait)
	defer patience.Stop()
	select {
	case r.large <- struct{}{}:
		return func() { <-r.large }, nil
	case <-patience.C:
		return nil, ErrBusy
	case <-req.Context().Done():
		return nil, ErrCut
	}
}

// nothing answers a path or method without a route.
func (r *Router) nothing(w *recorder, req *http.Request) {
	// The mux knows more than we do: 405 with the methods allowed, or a
	// redirect to the clean path.
	h, _ := r.mux.Handler(req)
	probe := &probe{head: http.Header{}}
	h.ServeHTTP(probe, req)
	switch {
	case probe.status == http.StatusMethodNotAllowed:
		w.Header().Set("Allow", probe.head.Get("Allow"))
		r.fail(w, req, ErrMethod)
	case probe.status >= 300 && probe.status < 400:
		w.Header().Set("Location", probe.head.Get("Location"))
		w.WriteHeader(probe.status)
	default:
		r.fail(w, req, ErrNotFound)
	}
}

// identify puts who acts into the context. A credential that stands for
// nobody makes a bearer an error and a browser a stranger.
func (r *Router) identify(req *http.Request, v *visit) (*http.Request, error) {
	if r.opt.Identify == nil || v.route.bare || v.cred.Session == "" && v.cred.Bearer == "" {
		return req, nil
	}
	id, err := r.opt.Identify(req.Context(), v.cred)
	switch {
	case err == nil:
	case fault.KindOf(err) != fault.Unauthenticated:
		return req, fmt.Errorf("identify: %w", err)
	case v.cred.Bearer != "":
		return req, ErrCredential.Because(err)
	default:
		return req, nil
	}
	if l, ok := text.ParseLang(id.Lang); ok && !chosen(req) {
		v.lang = l
	}
	// Names and titles that services write follow the page, not the account.
	id.Lang = string(v.lang)
	v.signed, v.who = true, id
	req = req.WithContext(gate.With(req.Context(), id))
	return req, nil
}

// stranger sends a person to the sign-in page and back, and a program away.
func (r *Router) stranger(w *recorder, req *http.Request, v *visit) {
	if !v.route.api && r.opt.Pages != nil && (req.Method == http.MethodGet || req.Method == http.MethodHead) && !v.route.stream {
		http.Redirect(w, req, signInPath(v.url), http.StatusSeeOther)
		return
	}
	r.fail(w, req, gate.ErrSignIn)
}

func (r *Router) panicked(w *recorder, req *http.Request, v *visit, p any) {
	r.opt.Log.Error("panic", "request", v.id, "route", v.route.pattern, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if !w.wrote {
		r.fail(w, req, fmt.Errorf("panic in %s", v.route.pattern))
	}
}

// log writes one line for a request: the route's pattern and not its path or
// query, which may name what is secret.
func (r *Router) log(req *http.Request, v *visit, w *recorder, took time.Duration) {
	level := slog.LevelInfo
	if v.route.bare {
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("request", v.id), slog.String("method", method(req.Method)), slog.String("route", v.route.pattern),
		slog.Int("status", w.code()), slog.Int64("bytes", w.bytes), slog.Duration("took", took), slog.String("addr", v.cred.Addr),
	}
	if v.signed {
		attrs = append(attrs, slog.String("person", v.who.Person))
	}
	if v.failed != nil {
		f := fault.Of(v.failed)
		attrs = append(attrs, slog.String("code", f.Code))
		if f.Kind == fault.Internal {
			level = slog.LevelError
			attrs = append(attrs, slog.String("error", v.failed.Error()))
		}
	}
	r.opt.Log.LogAttrs(req.Context(), level, "http", attrs...)
}

func method(m string) string {
	switch m {
	case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
		return m
	}
	return "other"
}

func (r *Router) credential(req *http.Request) Credential {
	c := Credential{Addr: req.RemoteAddr, Agent: req.UserAgent()}
	if host, _, err := net.SplitHostPort(req.RemoteAddr); err == nil {
		c.Addr = host
	}
	if len(c.Agent) > 200 {
		c.Agent = strings.ToValidUTF8(c.Agent[:200], "")
	}
	if scheme, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		c.Bearer = strings.TrimSpace(token)
		return c
	}
	if k, err := req.Cookie(r.sessionCookie()); err == nil {
		c.Session = k.Value
	}
	return c
}
