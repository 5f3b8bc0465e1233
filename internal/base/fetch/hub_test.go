package fetch

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"noroshi/internal/base/fault"
)

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
