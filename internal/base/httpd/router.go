package httpd

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"noroshi/internal/base/db"
	"noroshi/internal/base/gate"
	"noroshi/internal/base/key"
	"noroshi/internal/base/obs"
	"noroshi/internal/base/page"
	"noroshi/internal/base/text"
)

// Bounds of a request and of the server, unless Options or a route say
// otherwise.
const (
	DefaultBody       = 1 << 20  // bytes of a JSON body or an ordinary form
	DefaultConcurrent = 256      // requests under way
	maxLarge          = 6        // requests with a body over DefaultBody that are taken in at a time
	maxFields         = 2000     // fields of a form
	maxFiles          = 10       // files of a form
	keptBody          = 64 << 10 // bytes of an answer kept for an Idempotency-Key
)

// Credential is what a request brings to be known by: a session (from the
// cookie) or a bearer token (from the Authorization header), never both.
type Credential struct {
	Session string
	Bearer  string
	Addr    string // address of the client, without port
	Agent   string // User-Agent, cut to 200 bytes
}

// Options is what a router needs of the world.
type Options struct {
	Words *text.Catalog
	Pages *page.Set // nil for a server without pages: errors are then problem documents
	// Identify returns who a credential stands for; a fault of the kind
	// Unauthenticated when it stands for nobody (any more).
	Identify func(ctx context.Context, c Credential) (gate.Identity, error)
	// Dress fills the shell of a page with what only the app knows: the rail,
	// the addresses of account and search, the footer's notice. It may be nil.
	Dress func(q *Request, s *page.Shell)
	DB    *db.DB // for Idempotency-Key; nil answers keys with a fault
	// Ring seals the answers that are kept for an Idempotency-Key: they say what is
	// sealed elsewhere. Without one none is kept, and the same key again is a conflict.
	Ring    *key.Ring
	Now     func() time.Time
	Log     *slog.Logger
	Metrics *obs.Metrics
	Secure  bool   // served over TLS, here or in front: Secure cookies, HSTS
	BaseURL string // "https://hub.example": its origin may post forms; empty: same origin only
	Version string // for the OpenAPI document
	// MetricsToken opens /metrics to a bearer of it. Without one only this
	// machine may read them.
	MetricsToken string
	Concurrent   int // requests under way; 0 is DefaultConcurrent
	Streams      int // live streams; 0 is 1,024
}

// Router serves pages, the API and live pings. Routes are added before the
// first request.
type Router struct {
	opt    Options
	mux    *http.ServeMux
	api    huma.API
	ops    *apiMux
	routes map[string]*route // by mux pattern
	cross  *http.CrossOriginProtection
	slots  chan struct{}
	large  chan struct{}
	pings  *pings
	health []part
	spec   func() []byte
	quit   chan struct{}
	once   sync.Once
}

// route is what the chain has to know of a route before its handler runs.
type route struct {
	pattern string
	public  bool
	api     bool
	bare    bool // for machines and caches: who asks is not looked at
	stream  bool // holds no slot and has no write deadline
	secret  bool // the answer holds a secret: not kept for an Idempotency-Key
	body    int64
}

// Option changes one thing about a route.
type Option func(*route)

// Public lets anybody in, signed in or not.
func Public(r *route) { r.public = true }

// Secret says that the answer holds something shown only once, such as a new
// token. It is then not kept for an Idempotency-Key: the same key again is a
// conflict instead of a replay.
func Secret(r *route) { r.secret = true }

// MaxBody sets how many bytes the body of a request may have.
func MaxBody(n int64) Option { return func(r *route) { r.body = n } }

// New returns a router that serves only the built-in routes: /healthz,
// /metrics, /openapi.json, /theme and, with pages, their assets.
func New(o Options) *Router {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = obs.NewMetrics(o.Version)
	}
	if o.Concurrent <= 0 {
		o.Concurrent = DefaultConcurrent
	}
	r := &Router{
		opt: o, mux: http.NewServeMux(), routes: map[string]*route{}, cross: http.NewCrossOriginProtection(),
		slots: make(chan struct{}, o.Concurrent), large: make(chan struct{}, maxLarge), pings: newPings(o.Streams), quit: make(chan struct{}),
	}
	if o.BaseURL != "" {
		if err := r.cross.AddTrustedOrigin(strings.TrimSuffix(o.BaseURL, "/")); err != nil {
			panic("BUG: httpd: base URL: " + err.Error()) // config.Check refuses it first
		}
	}
	r.newAPI()
	r.builtin()
	return r
}

// handle registers a handler behind the chain.
func (r *Router) handle(rt route, h http.Handler, opts []Option) *route {
	for _, o := range opts {
		o(&rt)
	}
	if rt.body == 0 {
		rt.body = DefaultBody
	}
	r.mux.Handle(rt.pattern, h)
	r.routes[rt.pattern] = &rt
	return &rt
}

// Handle registers a plain handler: files to download, tiles, protocols of
// others. The handler may use ErrorTo for its errors.
func (r *Router) Handle(pattern string, h http.Handler, opts ...Option) {
	r.handle(route{pattern: pattern}, h, opts)
}

// Route is one registered route, for tests that walk all of them.
type Route struct {
	Pattern string // "GET /report/{id}"
	Public  bool
	API     bool
	Stream  bool
}

// Routes lists all routes in order of pattern.
func (r *Router) Routes() []Route {
	out := make([]Route, 0, len(r.routes))
	for _, rt := range r.routes {
		out = append(out, Route{rt.pattern, rt.public, rt.api, rt.stream})
	}
	slices.SortFunc(out, func(a, b Route) int { return strings.Compare(a.Pattern, b.Pattern) })
	return out
}

// Close ends the live streams, so that the server can shut down.
func (r *Router) Close() { r.once.Do(func() { close(r.quit) }) }
