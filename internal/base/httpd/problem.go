package httpd

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/text"
)

// Faults of HTTP itself.
var (
	ErrNotFound    = fault.New(fault.NotFound, "httpd.not_found")
	ErrMethod      = fault.New(fault.Usage, "httpd.method")
	ErrCrossOrigin = fault.New(fault.Refused, "httpd.cross_origin")
	ErrBusy        = fault.New(fault.Busy, "httpd.busy")
	ErrRate        = fault.New(fault.Busy, "httpd.rate")
	ErrChanged     = fault.New(fault.Conflict, "httpd.changed") // a form was based on an older version: 409
	ErrMatch       = fault.New(fault.Conflict, "httpd.match")   // an If-Match does not: 412
	ErrNoMatch     = fault.New(fault.Conflict, "httpd.match_missing")
	ErrTooLarge    = fault.New(fault.TooLarge, "httpd.too_large")
	ErrCut         = fault.New(fault.Usage, "httpd.cut")
	ErrBody        = fault.New(fault.Usage, "httpd.body")
	ErrForm        = fault.New(fault.Usage, "httpd.form")
	ErrInput       = fault.New(fault.Invalid, "httpd.input")
	ErrMediaType   = fault.New(fault.Usage, "httpd.media_type")
	ErrCredential  = fault.New(fault.Unauthenticated, "httpd.credential")
)

// statuses are the codes whose HTTP status is finer than that of their kind.
var statuses = map[string]int{
	ErrMethod.Code:    http.StatusMethodNotAllowed,
	ErrRate.Code:      http.StatusTooManyRequests,
	ErrMatch.Code:     http.StatusPreconditionFailed,
	ErrNoMatch.Code:   http.StatusPreconditionRequired,
	ErrCut.Code:       http.StatusRequestTimeout,
	ErrMediaType.Code: http.StatusUnsupportedMediaType,
}

// Status returns the HTTP status of an error: that of its code, else of its kind.
func Status(err error) int {
	f := fault.Of(err)
	if s, ok := statuses[f.Code]; ok {
		return s
	}
	return f.Kind.Status()
}

// Problem is an RFC 9457 problem document. Title is the same for every
// problem of a kind; detail is about this one; both are in the language the
// request asked for. Code and args let a program say it in its own words.
type Problem struct {
	Type     string         `json:"type" doc:"URI of the sort of problem: urn:noroshi:problem: and the code"`
	Title    string         `json:"title" doc:"What sort of problem this is, in words"`
	Status   int            `json:"status" doc:"HTTP status"`
	Detail   string         `json:"detail" doc:"What happened here and what to do, in words"`
	Hint     string         `json:"hint,omitempty" doc:"More help"`
	Instance string         `json:"instance" doc:"urn:noroshi:request: and the id that also stands in the log"`
	Kind     string         `json:"kind" enum:"internal,invalid,usage,unauthenticated,refused,not_found,conflict,too_large,busy,unmet" doc:"Kind of problem"`
	Code     string         `json:"code" doc:"Stable code of the problem"`
	Args     map[string]any `json:"args,omitempty" doc:"Values in the sentence"`
	Places   []ProblemPlace `json:"places,omitempty" doc:"What is wrong where in the input"`
}

// ProblemPlace is one thing wrong at one place of the input.
type ProblemPlace struct {
	At     string         `json:"at" doc:"JSON pointer, parameter, row or field"`
	Detail string         `json:"detail" doc:"What is wrong there and what to do, in words"`
	Code   string         `json:"code" doc:"Stable code"`
	Args   map[string]any `json:"args,omitempty" doc:"Values in the sentence"`
}

// Error returns the code, so that a problem can travel as an error.
func (p *Problem) Error() string { return p.Code }

// GetStatus is how huma learns the status of an error.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is how huma learns the media type of an error.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// problemOf says err in the printer's language. The cause of an internal
// fault, and its arguments, stay in the log.
func problemOf(err error, p text.Printer, request string) *Problem {
	f, m := fault.Of(err), p.Fault(err)
	out := &Problem{
		Type: "urn:noroshi:problem:" + f.Code, Title: p.T("httpd.kind." + f.Kind.String()), Status: Status(f), Detail: m.Title,
		Hint: m.Hint, Instance: "urn:noroshi:request:" + request, Kind: f.Kind.String(), Code: f.Code,
	}
	if f.Kind != fault.Internal {
		out.Args = plain(f.Args)
	}
	for i, pl := range f.Places {
		out.Places = append(out.Places, ProblemPlace{At: pl.At, Detail: m.Places[i].Say, Code: pl.Code, Args: plain(pl.Args)})
	}
	return out
}

// plain keeps the arguments that JSON can carry as they are.
func plain(args fault.Args) map[string]any {
	if len(args) == 0 {
		return nil
	}
	out := make(map[string]any, len(args))
	for k, v := range args {
		if d, ok := v.(time.Duration); ok {
			v = d.Seconds()
		}
		if _, err := json.Marshal(v); err == nil {
			out[k] = v
		}
	}
	return out
}

// errorHeaders sets what an error's answer carries in its head: when to come
// back, how to sign in. An error is never stored by a cache.
func errorHeaders(h http.Header, err error) {
	f := fault.Of(err)
	if wait, ok := f.Args["wait"].(time.Duration); ok {
		h.Set("Retry-After", strconv.Itoa(int((wait+time.Second-1)/time.Second)))
	} else if f.Kind == fault.Busy {
		h.Set("Retry-After", "5")
	}
	if f.Kind == fault.Unauthenticated {
		h.Set("WWW-Authenticate", `Bearer realm="noroshi"`)
	}
	h.Del("ETag")
	h.Set("Cache-Control", "no-store")
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Del("Content-Length")
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the reader went away; the log has the status
}
