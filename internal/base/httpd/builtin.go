package httpd

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"noroshi/internal/base/page"
)

// part is one thing the hub needs to be well.
type part struct {
	name  string
	ask   func(ctx context.Context) error
	aside bool // shown, and the hub is well without it
}

// Health is what /healthz answers: 200 when every part that the hub needs is well,
// else 503.
// What is wrong with a part stands in the log, not here.
type Health struct {
	Status  string       `json:"status"` // "ok" or "ill"
	Version string       `json:"version,omitempty"`
	Parts   []HealthPart `json:"parts"`
}

// HealthPart is one part of the hub.
type HealthPart struct {
	Name string  `json:"name"`
	OK   bool    `json:"ok"`
	MS   float64 `json:"ms"`
}

// Health adds a part to /healthz. Ask must be quick and honour its context,
// which ends after two seconds.
func (r *Router) Health(name string, ask func(ctx context.Context) error) {
	r.health = append(r.health, part{name, ask, false})
}

// HealthAside adds a part that /healthz shows without calling the hub ill: a hub
// that still does its work is not to be taken away from its people for it.
func (r *Router) HealthAside(name string, ask func(ctx context.Context) error) {
	r.health = append(r.health, part{name, ask, true})
}

func (r *Router) builtin() {
	for pattern, h := range map[string]http.HandlerFunc{
		"GET /healthz": r.serveHealth, "GET /metrics": r.serveMetrics, "GET /openapi.json": r.serveSpec,
	} {
		r.handle(route{pattern: pattern, public: true, bare: true}, h, nil)
	}
	if r.opt.Pages == nil {
		return
	}
	r.Page("POST /theme", setTheme, Public)
	r.serveAssets(r.opt.Pages)
}

func (r *Router) serveHealth(w http.ResponseWriter, req *http.Request) {
	ctx, cancel := context.WithTimeout(req.Context(), 2*time.Second)
	defer cancel()
	out := Health{Status: "ok", Version: r.opt.Version, Parts: []HealthPart{}}
	status := http.StatusOK
	for _, p := range r.health {
		start := time.Now()
		err := p.ask(ctx)
		if err != nil {
			if !p.aside {
				out.Status, status = "ill", http.StatusServiceUnavailable
			}
			r.opt.Log.Error("health", "part", p.name, "error", err.Error())
		}
		out.Parts = append(out.Parts, HealthPart{p.name, err == nil, float64(time.Since(start).Microseconds()) / 1000})
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(out)
}

// serveMetrics shows metrics to this machine or to a bearer of the token, and
// to everybody else nothing at all.
func (r *Router) serveMetrics(w http.ResponseWriter, req *http.Request) {
	v := visitOf(req.Context())
	if token := r.opt.MetricsToken; token != "" {
		a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(v.cred.Bearer))
		if subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
			r.fail(w, req, ErrNotFound)
			return
		}
	} else if ip := net.ParseIP(v.cred.Addr); ip == nil || !ip.IsLoopback() || forwarded(req) {
		r.fail(w, req, ErrNotFound)
		return
	}
	r.opt.Metrics.Handler().ServeHTTP(w, req)
}

// forwarded reports whether a proxy on this machine brought the request from
// elsewhere.
func forwarded(req *http.Request) bool {
	for _, h := range []string{"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via"} {
		if req.Header.Get(h) != "" {
			return true
		}
	}
	return false
}

func (r *Router) serveSpec(w http.ResponseWriter, _ *http.Request) {
	raw := r.OpenAPI()
	sum := sha256.Sum256(raw)
	w.Header().Set("Content-Type", "application/openapi+json")
	w.Header().Set("Cache-Control", "public, max-age=300")
	w.Header().Set("ETag", ETag(hex.EncodeToString(sum[:8])))
	_, _ = w.Write(raw)
}

// setTheme remembers light, dark or the system's choice, and goes back.
func setTheme(q *Request) error {
	switch t := q.Form("theme"); t {
	case "light", "dark":
		q.SetCookie(themeCookie, t, choiceAge)
	default:
		q.SetCookie(themeCookie, "", -1)
	}
	return q.Redirect(q.Next("/"))
}

// serveAssets serves the stylesheet, the script and the icon. Their addresses
// hold a digest of their content, so a browser asks once.
func (r *Router) serveAssets(pages *page.Set) {
	small := map[string][]byte{}
	for _, a := range pages.Assets() {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(a.Body) // into memory: cannot fail
		_ = z.Close()
		small[a.Path] = b.Bytes()
	}
	r.handle(route{pattern: "GET " + page.AssetPath, public: true, bare: true}, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		a, ok := pages.Asset(req.URL.Path)
		if !ok {
			r.fail(w, req, ErrNotFound)
			return
		}
		h := w.Header()
		h.Set("Cache-Control", Immutable)
		h.Set("Content-Type", a.Type)
		h.Set("Vary", "Accept-Encoding")
		body := a.Body
		if strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = small[a.Path]
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}), nil)
}
