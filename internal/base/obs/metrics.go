package obs

import (
	"net/http"
	"runtime"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics is a registry of its own, so that two hubs in one process (as in
// tests) do not meet. Every metric's name begins with noroshi_.
type Metrics struct {
	reg      *prometheus.Registry
	inflight prometheus.Gauge
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
}

// NewMetrics returns a registry with the metrics of Go, of the process and of
// HTTP.
func NewMetrics(version string) *Metrics {
	m := &Metrics{reg: prometheus.NewRegistry()}
	m.reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.inflight = m.Gauge("http_requests_in_flight", "HTTP requests under way.").WithLabelValues()
	m.requests = m.Counter("http_requests_total", "HTTP requests by method, route and status.", "method", "route", "status")
	m.took = m.Histogram("http_request_seconds", "Time to answer an HTTP request, by route.",
		[]float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10}, "route")
	m.Gauge("build_info", "Version of the program; always 1.", "version", "go").WithLabelValues(version, runtime.Version()).Set(1)
	return m
}

// Counter registers a counter noroshi_<name>. Labels must have few values.
func (m *Metrics) Counter(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "noroshi", Name: name, Help: help}, labels)
	m.reg.MustRegister(c)
	return c
}

// Gauge registers a gauge noroshi_<name>. Labels must have few values.
func (m *Metrics) Gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "noroshi", Name: name, Help: help}, labels)
	m.reg.MustRegister(g)
	return g
}

// GaugeFunc registers a gauge noroshi_<name> that is asked when scraped.
func (m *Metrics) GaugeFunc(name, help string, fn func() float64) {
	m.reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "noroshi", Name: name, Help: help}, fn))
}

// Histogram registers a histogram noroshi_<name>. Labels must have few values.
func (m *Metrics) Histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "noroshi", Name: name, Help: help, Buckets: buckets}, labels)
	m.reg.MustRegister(h)
	return h
}

// Begin notes that a request began and returns what notes its end. The route
// is the pattern of the mux, never the path, which anybody can invent; the
// method is one of the known ones or "other".
func (m *Metrics) Begin() func(method, route string, status int, took time.Duration) {
	m.inflight.Inc()
	return func(method, route string, status int, took time.Duration) {
		m.inflight.Dec()
		switch method {
		case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE":
		default:
			method = "other"
		}
		m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
		m.took.WithLabelValues(route).Observe(took.Seconds())
	}
}

// Handler serves the metrics in the formats of Prometheus.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.reg, promhttp.HandlerOpts{MaxRequestsInFlight: 2, Timeout: 10 * time.Second})
}
