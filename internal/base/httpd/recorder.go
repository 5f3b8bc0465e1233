package httpd

import (
	"net/http"
	"strings"
)

// recorder notes what was answered, and answers 304 in place of a body the
// client already has.
type recorder struct {
	http.ResponseWriter
	match  string // If-None-Match of a GET
	status int
	bytes  int64
	wrote  bool
	mute   bool    // 304: the body is not sent
	copied *[]byte // what was written, for an Idempotency-Key
	limit  int     // bytes kept in copied at most
}

func (w *recorder) WriteHeader(status int) {
	if w.wrote {
		return
	}
	if status == http.StatusOK && w.match != "" && etagMatch(w.match, w.Header().Get("ETag")) {
		status, w.mute = http.StatusNotModified, true
		w.Header().Del("Content-Length")
		w.Header().Del("Content-Type")
	}
	w.status = status
	w.wrote = status >= 200
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.mute {
		return len(b), nil
	}
	if w.copied != nil && len(*w.copied) <= w.limit {
		*w.copied = append(*w.copied, b[:min(len(b), w.limit+1-len(*w.copied))]...)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

// probe takes an answer nobody will see.
type probe struct {
	head   http.Header
	status int
}

func (p *probe) Header() http.Header { return p.head }
func (p *probe) WriteHeader(s int)   { p.status = s }
func (p *probe) Write(b []byte) (int, error) {
	if p.status == 0 {
		p.status = http.StatusOK
	}
	return len(b), nil
}

func matchable(req *http.Request) string {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return req.Header.Get("If-None-Match")
	}
	return ""
}

// etagMatch compares weakly (RFC 9110, 8.8.3.2) a tag with a list of tags.
func etagMatch(list, tag string) bool {
	if tag == "" {
		return false
	}
	tag = strings.TrimPrefix(tag, "W/")
	for _, t := range strings.Split(list, ",") {
		t = strings.TrimSpace(t)
		if t == "*" || strings.TrimPrefix(t, "W/") == tag {
			return true
		}
	}
	return false
}
