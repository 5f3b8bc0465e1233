package httpd

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"unicode"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"noroshi/internal/base/fault"
)

// apiMux puts huma's operations behind the router's chain.
type apiMux struct {
	r    *Router
	opts []Option // of the operation being registered
}

// HandleFunc registers an operation.
func (m *apiMux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.r.handle(route{pattern: pattern, api: true}, http.HandlerFunc(h), m.opts)
}

// ServeHTTP serves the router: huma asks for it and does not call it.
func (m *apiMux) ServeHTTP(w http.ResponseWriter, req *http.Request) { m.r.ServeHTTP(w, req) }

func (r *Router) newAPI() {
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: json.Unmarshal}
	r.ops = &apiMux{r: r}
	r.api = humago.New(r.ops, huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Noroshi (狼煙)", Version: r.opt.Version,
				Description: "Register equipment and report incidents once. Errors are RFC 9457 problem documents in Japanese or English (Accept-Language). Lists are paged with cursor and limit. A POST with an Idempotency-Key can be sent again safely.",
				License:     &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Components: &huma.Components{
				Schemas:         huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}, "session": {Type: "apiKey", In: "cookie", Name: r.sessionCookie()}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		// huma makes its own errors with a package variable. We leave that
		// alone and turn them into ours here, where the request is known.
		Transformers: []huma.Transformer{r.own},
	})
	r.spec = sync.OnceValue(r.openAPI)
}

// Op registers an API operation. The pattern is "POST /api/v1/reports/{id}",
// the verb is what it does in the words of the access table
// ("incident.submit"); it must be unique and becomes the operationId. Input
// and output are structs in huma's manner: fields with path, query and header
// tags, and Body. The returned error becomes a problem document.
func Op[I, O any](r *Router, pattern, verb, summary string, h func(ctx context.Context, in *I) (*O, error), opts ...Option) {
	m, path, ok := strings.Cut(pattern, " ")
	if !ok || !strings.HasPrefix(path, "/api/v1/") || !strings.Contains(verb, ".") {
		panic("BUG: httpd.Op: want METHOD /api/v1/… and noun.verb: " + pattern + " " + verb)
	}
	noun, _, _ := strings.Cut(verb, ".")
	rt := route{}
	for _, o := range opts {
		o(&rt)
	}
	if rt.body == 0 {
		rt.body = DefaultBody
	}
	op := huma.Operation{
		OperationID: verb, Method: m, Path: path, Summary: summary, Tags: []string{noun},
		// huma refuses at its limit, we above it: see body in chain.go.
		MaxBodyBytes: rt.body + 1, BodyReadTimeout: -1,
		Responses: map[string]*huma.Response{"default": {
			Description: "Problem (RFC 9457)",
			Content: map[string]*huma.MediaType{"application/problem+json": {
				Schema: r.api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem"),
			}},
		}},
	}
	if !rt.public {
		op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	}
	if m == http.MethodPost {
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Description: "Chosen by the client, 1 to 200 printable characters. The same key and request again get the first answer, and nothing is done twice.",
			Schema: &huma.Schema{Type: "string", MinLength: ptr(1), MaxLength: ptr(200)},
		})
	}
	r.ops.opts = opts
	huma.Register(r.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := h(ctx, in)
		if err != nil {
			return nil, r.problem(ctx, err)
		}
		return out, nil
	})
}

func ptr[T any](v T) *T { return &v }

// problem turns an error into the document that is sent.
func (r *Router) problem(ctx context.Context, err error) error {
	v := visitOf(ctx)
	v.failed = err
	p := problemOf(err, r.opt.Words.Printer(v.lang, nil), v.id)
	head := http.Header{}
	errorHeaders(head, err)
	return huma.ErrorWithHeaders(p, head)
}

// own turns huma's errors into problem documents in the reader's language.
func (r *Router) own(ctx huma.Context, _ string, body any) (any, error) {
	m, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	v := visitOf(ctx.Context())
	err := explain(m, v.route)
	v.failed = err
	p := problemOf(err, r.opt.Words.Printer(v.lang, nil), v.id)
	p.Status = m.Status // already decided, and sent
	return p, nil
}

// openAPI writes the document. The address of each error schema is ours.
func (r *Router) openAPI() []byte {
	api := r.api.OpenAPI()
	delete(api.Components.Schemas.Map(), schemaName(reflect.TypeFor[huma.ErrorModel](), ""))
	delete(api.Components.Schemas.Map(), schemaName(reflect.TypeFor[huma.ErrorDetail](), ""))
	raw, err := json.Marshal(api)
	if err != nil {
		panic("BUG: httpd: OpenAPI: " + err.Error())
	}
	return raw
}

// OpenAPI returns the OpenAPI 3.1 document of all operations as JSON. It is
// made once, after the last operation was registered.
func (r *Router) OpenAPI() []byte { return r.spec() }

// schemaName names a type in the document: the package and the type, so that
// the Item of one noun is not the Item of another. Type parameters follow.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	name := t.Name()
	if name == "" {
		return pascal(hint)
	}
	base, params, generic := strings.Cut(name, "[")
	out := pascal(lastElement(t.PkgPath())) + pascal(base)
	if strings.HasSuffix(t.PkgPath(), "/httpd") {
		out = pascal(base)
	}
	if generic {
		for _, p := range strings.Split(strings.TrimSuffix(params, "]"), ",") {
			out += pascal(lastElement(p))
		}
	}
	return out
}

func lastElement(s string) string { return s[strings.LastIndex(s, "/")+1:] }

// pascal joins the words of s, each with a capital: "asset.Item" is AssetItem.
func pascal(s string) string {
	var b strings.Builder
	up := true
	for _, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			up = true
			continue
		}
		if up {
			r = unicode.ToUpper(r)
		}
		b.WriteRune(r)
		up = false
	}
	return b.String()
}

// explain says huma's complaint as a fault with places.
func explain(m *huma.ErrorModel, rt *route) *fault.Error {
	switch m.Status {
	case http.StatusRequestEntityTooLarge:
		return tooLarge(rt.body)
	case http.StatusUnsupportedMediaType:
		return ErrMediaType
	case http.StatusRequestTimeout:
		return ErrCut
	case http.StatusNotFound:
		return ErrNotFound
	case http.StatusBadRequest:
		return ErrBody.At(places(m)...)
	case http.StatusUnprocessableEntity:
		return ErrInput.At(places(m)...)
	}
	return fault.New(fault.Internal, "fault.internal")
}
