package fetch

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

// TestAProblemIsSaidAsTheHubSaysIt has what sentences are made of come back from
// JSON as what it was.
func TestAProblemIsSaidAsTheHubSaysIt(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"kind":"refused","code":"gate.role","args":{"verb":"approval.ask","n":1500000,"share":0.5,"since":"2026-11-05T05:05:00Z","wait":90,"value":"2026-11-05T05:05:00Z","name":"x"},
			"places":[{"at":"/a","code":"c","args":{"max":4000000}}]}`))
	}))
	defer srv.Close()
	hub, err := NewHub(srv.URL, "secret", "en")
	if err != nil {
		t.Fatal(err)
	}
	got := fault.Of(hub.Do(t.Context(), "GET", "/", nil, nil, ""))
	want := fault.Args{"verb": gate.Verb("approval.ask"), "n": int64(1500000), "share": 0.5, "since": time.Date(2026, 11, 5, 5, 5, 0, 0, time.UTC), "wait": 90 * time.Second, "value": "2026-11-05T05:05:00Z", "name": "x"}
	if got.Kind != fault.Refused || !reflect.DeepEqual(got.Args, want) || len(got.Places) != 1 || got.Places[0].Args["max"] != int64(4000000) {
		t.Errorf("%+v", got)
	}
}

// TestATokenGoesToItsHostOnly asks for paths that are addresses of another
// host.
func TestATokenGoesToItsHostOnly(t *testing.T) {
	var asked []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	hub, err := NewHub("http://127.0.0.1:1", "secret", "en")
	if err != nil {
		t.Fatal(err)
	}
	host := other.Listener.Addr().String()
	for _, path := range []string{"//" + host + "/checkpoint", "http://" + host + "/checkpoint", "http:checkpoint"} {
		if err := hub.Do(t.Context(), "GET", path, nil, nil, ""); err == nil || fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: %v", path, err)
		}
	}
	if len(asked) != 0 {
		t.Errorf("another host was told %q", asked)
	}
}
