package intel

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/engine/product"
	"noroshi/internal/intel/feed"
)

// MaxUpload bounds a feed's file that is sent to the hub: 4 GiB.
const MaxUpload = 4 << 30

// importTime is how long a request that imports may take: to be sent, to be
// fetched, to be read.
const importTime = time.Hour

// Routes registers the JSON API of feeds and vulnerabilities. words are what
// failures are said in.
func Routes(r *httpd.Router, s *Service, words *text.Catalog) {
	routesItem(r, s)
	httpd.Op(r, "GET /api/v1/feeds", "intel.feeds", "How the feeds fare", func(ctx context.Context, _ *struct{}) (*httpd.List[Health], error) {
		feeds, err := s.Feeds(ctx)
		if err != nil {
			return nil, err
		}
		speak(feeds, words.Printer(httpd.Lang(ctx), text.JST))
		return httpd.ListOf(ctx, feeds, ""), nil
	})
	httpd.Op(r, "GET /api/v1/feeds/{id}/imports", "intel.imports", "Imports of a feed, the last first", func(ctx context.Context, in *struct {
		httpd.Paging
		ID string `path:"id" maxLength:"40"`
	}) (*httpd.List[Past], error) {
		list, next, err := s.Imports(ctx, in.ID, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	long(r, "POST /api/v1/feed-imports", httpd.MaxBody(MaxUpload), func(req *http.Request) (Imported, error) {
		q := req.URL.Query()
		whole, _ := strconv.ParseBool(q.Get("whole"))
		return s.Receive(req.Context(), Request{Feed: q.Get("feed"), Whole: whole}, q.Get("name"), req.Body, MaxUpload)
	})
	long(r, "POST /api/v1/feed-fetches", httpd.MaxBody(httpd.DefaultBody), func(req *http.Request) (Imported, error) {
		var in fetchIn
		d := json.NewDecoder(io.LimitReader(req.Body, httpd.DefaultBody))
		d.DisallowUnknownFields()
		if err := d.Decode(&in); err != nil {
			return Imported{}, fault.New(fault.Usage, "intel.fetch_body").Because(err)
		}
		return s.ImportURL(req.Context(), Request(in))
	})
	long(r, "POST /api/v1/feed-bundle-imports", httpd.MaxBody(MaxUpload), func(req *http.Request) (Bundled, error) {
		identity, body, err := splitIdentity(req.Body)
		if err != nil {
			return Bundled{}, err
		}
		return s.TakeBundle(req.Context(), body, req.URL.Query().Get("key"), identity)
	})
	r.Handle("POST /api/v1/feed-bundles", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		patient(w)
		q := req.URL.Query()
		since, err := parseSince(q.Get("since"))
		if err == nil {
			w.Header().Set("Content-Type", "application/zstd")
			_, err = s.Bundle(req.Context(), PackInput{For: clip(q.Get("for")), To: clip(q.Get("to")), Answers: q.Get("answers") == "true", Since: since}, w)
		}
		if err != nil {
			r.Error(w, req, err)
		}
	}))
	httpd.Op(r, "GET /api/v1/vulnerabilities", "intel.search", "Find vulnerabilities", func(ctx context.Context, in *searchIn) (*httpd.List[Brief], error) {
		list, next, err := s.Find(ctx, Search{Text: in.Text, Kind: feed.Kind(in.Kind), Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		out := make([]Brief, 0, len(list))
		for i := range list {
			out = append(out, brief(&list[i]))
		}
		return httpd.ListOf(ctx, out, next), nil
	})
	httpd.Op(r, "GET /api/v1/vulnerabilities/{id}", "intel.read", "What all sources say of a vulnerability", func(ctx context.Context, in *struct {
		ID string `path:"id" maxLength:"200" doc:"CVE id, or any other id that a source gives it"`
	}) (*shownOut, error) {
		v, statements, err := s.Show(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &shownOut{Shown{v, statements}}, nil
	})
}

// shownOut is a vulnerability as the API gives it.
type shownOut struct {
	Body Shown
}

// fetchIn is a Request as JSON.
type fetchIn struct {
	Feed  string `json:"feed"`
	Whole bool   `json:"whole"`
	URL   string `json:"url"`
}

// searchIn is what a search asks for.
type searchIn struct {
	httpd.Paging
	Text string `query:"q" maxLength:"200" doc:"Beginning of an id, or words of product names"`
	Kind string `query:"kind" enum:"cve5,nvd,kev,epss,csaf,osv,jvn" doc:"Those of which a source of this kind speaks; kev: those used in attacks"`
}

// Shown is a vulnerability as the API gives it, with what sources state of
// products.
type Shown struct {
	Vulnerability
	Statements []product.Statement `json:"statements"`
}

// Brief is a vulnerability in a list.
type Brief struct {
	ID         string            `json:"id"`
	Title      map[string]string `json:"title" doc:"By language: en, ja"`
	Modified   time.Time         `json:"modified,omitzero"`
	Withdrawn  bool              `json:"withdrawn,omitempty"`
	Score      float64           `json:"score,omitempty" doc:"CVSS"`
	Vector     string            `json:"vector,omitempty"`
	Exploited  bool              `json:"exploited" doc:"In a catalogue of those used in attacks"`
	Since      time.Time         `json:"exploited_since,omitzero"`
	Likelihood float64           `json:"likelihood,omitempty" doc:"EPSS, 0 to 1"`
	Sources    []string          `json:"sources" nullable:"false" doc:"Feeds that speak of it"`
}

func brief(v *Vulnerability) Brief {
	b := Brief{ID: v.ID, Title: v.Title, Modified: v.Modified, Withdrawn: v.Withdrawn, Sources: []string{}}
	if v.Severity != nil {
		b.Score, b.Vector = v.Severity.Score.Score, v.Severity.Vector
	}
	if v.Exploited != nil {
		b.Exploited, b.Since = true, v.Exploited.Added
	}
	if v.Likelihood != nil {
		b.Likelihood = v.Likelihood.Score
	}
	seen := map[string]bool{}
	for i := range v.Accounts {
		if f := v.Accounts[i].Feed; !seen[f] {
			seen[f] = true
			b.Sources = append(b.Sources, f)
		}
	}
	return b
}

// long registers an import: its body is read as it comes, and it may take as
// long as a feed takes.
func long[T any](r *httpd.Router, pattern string, body httpd.Option, fn func(req *http.Request) (T, error)) {
	r.Handle(pattern, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		patient(w)
		got, err := fn(req)
		if err != nil {
			r.Error(w, req, err)
			return
		}
		answer(w, got)
	}), body)
}

// patient gives a request an hour.
func patient(w http.ResponseWriter) {
	c := http.NewResponseController(w)
	_ = c.SetReadDeadline(time.Now().Add(importTime)) // a test's writer has no deadlines
	_ = c.SetWriteDeadline(time.Now().Add(importTime))
}

// parseSince reads a day of Japan (2026-11-01) or an instant (RFC 3339).
func parseSince(v string) (time.Time, error) {
	if v == "" {
		return time.Time{}, nil
	}
	if t, err := time.ParseInLocation("2006-01-02", v, text.JST); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, v)
	if err != nil {
		return t, fault.New(fault.Usage, "intel.bundle.since", "value", clip(v)).Because(err)
	}
	return t, nil
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the reader is gone
}

// speak puts failures into words.
func speak(feeds []Health, p text.Printer) {
	for i := range feeds {
		if f := feeds[i].Failed; f != nil {
			m := p.Fault(f.fault())
			f.Say, f.Hint = m.Title, m.Hint
		}
	}
}
