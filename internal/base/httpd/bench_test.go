package httpd

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"noroshi/internal/base/gate"
)

// BenchmarkChain is what the router adds to an API operation that does
// nothing: headers, identity, metrics, validation, log line dropped.
func BenchmarkChain(b *testing.B) {
	r := New(Options{Identify: func(context.Context, Credential) (gate.Identity, error) {
		return gate.Identity{Person: "p", Org: "o"}, nil
	}})
	Op(r, "GET /api/v1/things", "thing.list", "List", func(ctx context.Context, in *struct{ Paging }) (*List[thing], error) {
		return ListOf(ctx, []thing{{Name: "a"}}, "next"), nil
	})
	req := httptest.NewRequest("GET", "/api/v1/things?limit=10", nil)
	req.Header.Set("Authorization", "Bearer x")
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		if r.ServeHTTP(w, req); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
