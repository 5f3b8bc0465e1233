package obs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestLogHidesSecrets(t *testing.T) {
	for _, format := range []string{JSON, Text} {
		var b bytes.Buffer
		log, err := NewLog(&b, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.With("api_token", "hunter2").WithGroup("request").Info("signed in",
			"person", "p1", "Password", "hunter2", "Set-Cookie", "hunter2", "plain", Secret("hunter2"),
			slog.Group("session", slog.String("addr", "192.0.2.1")), "error", fmt.Sprintf("%v %s %#v", Secret("hunter2"), Secret("hunter2"), Secret("hunter2")))
		log.Debug("not at this level")
		out := b.String()
		if strings.Contains(out, "hunter2") || strings.Contains(out, "not at this level") {
			t.Errorf("%s tells: %s", format, out)
		}
		if strings.Count(out, hidden) != 7 || !strings.Contains(out, "p1") || !strings.Contains(out, "192.0.2.1") {
			t.Errorf("%s hides too much or too little: %s", format, out)
		}
		if format == JSON && json.Unmarshal(b.Bytes(), new(map[string]any)) != nil {
			t.Errorf("not JSON: %s", out)
		}
	}
	for _, bad := range [][2]string{{"xml", "info"}, {JSON, "loud"}} {
		if _, err := NewLog(&bytes.Buffer{}, bad[0], bad[1]); err == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}

func TestMetricsAreOfThisRegistryOnly(t *testing.T) {
	a, b := NewMetrics("1"), NewMetrics("2")
	a.Counter("reports_total", "Reports.", "kind").WithLabelValues("ddos").Add(2)
	a.GaugeFunc("queue_length", "Waiting.", func() float64 { return 7 })
	a.Histogram("import_seconds", "Imports.", []float64{1, 10}).WithLabelValues().Observe(5)
	end := a.Begin()
	scrape := func(m *Metrics) string {
		w := httptest.NewRecorder()
		m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	if s := scrape(a); !strings.Contains(s, "noroshi_http_requests_in_flight 1") {
		t.Error("nothing under way")
	}
	end("PROPFIND", "GET /x", 404, time.Millisecond)
	s := scrape(a)
	for _, want := range []string{
		`noroshi_reports_total{kind="ddos"} 2`, "noroshi_queue_length 7", `noroshi_import_seconds_bucket{le="10"} 1`, "noroshi_http_requests_in_flight 0",
		`noroshi_http_requests_total{method="other",route="GET /x",status="404"} 1`, `version="1"`,
	} {
		if !strings.Contains(s, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(scrape(b), "reports_total") {
		t.Error("two registries share a metric")
	}
}
