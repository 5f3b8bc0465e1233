// Package fetch is the only way out of the program. It has two doors: [Hub], a
// client of the hub that a person named on the command line, which follows no
// redirect and reads a bounded answer; and [Client], which goes to feeds and
// to other programs by a [Policy].
package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/gate"
)

// MaxAnswer bounds what is read of one answer: 64 MiB.
const MaxAnswer = 64 << 20

// Hub is a client of one hub's JSON API.
type Hub struct {
	base  *url.URL
	token string
	lang  string
	http  *http.Client
}

// NewHub returns a client. The base is an http or https URL; a token is sent
// only to its host, and over plain http only to this machine.
func NewHub(base, token, lang string) (*Hub, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fault.New(fault.Usage, "fetch.hub_url", "url", base)
	}
	if u.Scheme == "http" && u.Hostname() != "127.0.0.1" && u.Hostname() != "::1" && u.Hostname() != "localhost" {
		return nil, fault.New(fault.Usage, "fetch.hub_plain", "url", base)
	}
	return &Hub{u, strings.TrimSpace(token), lang, &http.Client{
		Timeout:       2 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// problem is an RFC 9457 problem document as the hub writes it.
type problem struct {
	Kind   string        `json:"kind"`
	Code   string        `json:"code"`
	Args   fault.Args    `json:"args"`
	Title  string        `json:"title"`
	Places []fault.Place `json:"places"`
}

// Do sends body as JSON (nil: none; []byte: as it is) and decodes the answer
// into out (nil: dropped; *[]byte: as it is). A problem document comes back
// as the fault it describes. key, if not empty, is the Idempotency-Key.
func (h *Hub) Do(ctx context.Context, method, path string, body, out any, key string) error {
	ref, err := url.Parse(path)
	if err != nil || ref.Scheme != "" || ref.Host != "" || ref.Opaque != "" { // the token is for this host
		return fault.New(fault.Usage, "fetch.hub_url", "url", path).Because(err)
	}
	var r io.Reader
	contentType := "application/json"
	switch b := body.(type) {
	case nil:
	case []byte:
		r, contentType = bytes.NewReader(b), "application/octet-stream"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return err
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, h.base.ResolveReference(ref).String(), r)
	if err != nil {
		return err
	}
	if r != nil {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Accept", "application/json, application/problem+json, application/octet-stream") // no page for people
	req.Header.Set("Accept-Language", h.lang)
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	return h.answer(h.http, req, out)
}

// Send is Do for a body that is read while it is sent, such as a large file,
// and for as long as ctx lets it take.
func (h *Hub) Send(ctx context.Context, path string, body io.Reader, out any) error {
	ref, err := url.Parse(path)
	if err != nil || ref.Scheme != "" || ref.Host != "" || ref.Opaque != "" {
		return fault.New(fault.Usage, "fetch.hub_url", "url", path).Because(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base.ResolveReference(ref).String(), body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Accept-Language", h.lang)
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	patient := *h.http
	patient.Timeout = 0
	return h.answer(&patient, req, out)
}

// Save posts to a path and writes what comes back to w as it comes, however
// much and however long; a problem document comes back as its fault.
func (h *Hub) Save(ctx context.Context, path string, w io.Writer) error {
	ref, err := url.Parse(path)
	if err != nil || ref.Scheme != "" || ref.Host != "" || ref.Opaque != "" {
		return fault.New(fault.Usage, "fetch.hub_url", "url", path).Because(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.base.ResolveReference(ref).String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Language", h.lang)
	if h.token != "" {
		req.Header.Set("Authorization", "Bearer "+h.token)
	}
	patient := *h.http
	patient.Timeout = 0
	res, err := patient.Do(req)
	if err != nil {
		return fault.New(fault.Busy, "fetch.hub_unreachable", "url", h.base.String()).Because(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		raw, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return fault.New(fault.Busy, "fetch.hub_unreachable", "url", h.base.String()).Because(err)
		}
		return asFault(res.StatusCode, raw)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return fault.New(fault.Busy, "fetch.hub_unreachable", "url", h.base.String()).Because(err)
	}
	return nil
}

// answer sends a request and reads what comes back.
func (h *Hub) answer(client *http.Client, req *http.Request, out any) error {
	res, err := client.Do(req)
	if err != nil {
		return fault.New(fault.Busy, "fetch.hub_unreachable", "url", h.base.String()).Because(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(res.Body, MaxAnswer+1))
	if err != nil {
		return fault.New(fault.Busy, "fetch.hub_unreachable", "url", h.base.String()).Because(err)
	}
	if len(raw) > MaxAnswer {
		return fault.New(fault.TooLarge, "fetch.answer_too_large")
	}
	if res.StatusCode >= 300 {
		return asFault(res.StatusCode, raw)
	}
	switch o := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*o = raw
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fault.New(fault.Internal, "fetch.answer_odd").Because(err)
	}
	return nil
}

func asFault(status int, raw []byte) error {
	var p problem
	if json.Unmarshal(raw, &p) != nil || p.Code == "" {
		return fault.New(byStatus(status), "fetch.hub_status", "status", status)
	}
	for i := range p.Places {
		sayable(p.Places[i].Args)
	}
	f := fault.New(byStatus(status), p.Code).At(p.Places...)
	f.Args = sayable(p.Args)
	for k := fault.Internal; k <= fault.Unmet; k++ {
		if k.String() == p.Kind {
			f.Kind = k
		}
	}
	return f
}

// sayable makes of arguments that came as JSON what sentences are made of again:
// whole numbers, instants, spans, and the verb of a refusal.
func sayable(args fault.Args) fault.Args {
	for k, v := range args {
		switch v := v.(type) {
		case float64:
			if k == "wait" { // seconds
				args[k] = time.Duration(v * float64(time.Second))
			} else if n := int64(v); float64(n) == v && n > -1<<53 && n < 1<<53 {
				args[k] = n
			}
		case string:
			if k == "verb" {
				args[k] = gate.Verb(v)
			} else if t, err := time.Parse(time.RFC3339Nano, v); err == nil && k != "value" {
				args[k] = t
			}
		}
	}
	return args
}

func byStatus(status int) fault.Kind {
	for k := fault.Invalid; k <= fault.Busy; k++ {
		if k.Status() == status {
			return k
		}
	}
	return fault.Internal
}
