package hunt

import (
	"context"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"noroshi/internal/base/httpd"
)

// ReadBook is a rulebook with its editions.
type ReadBook struct {
	Rulebook
	All []Edition `json:"all"` // the newest first
}

// SuppressionInput is a suppression as a client writes it.
type SuppressionInput struct {
	Rule    string    `json:"rule" minLength:"1" maxLength:"500" doc:"Its id, else its name or title"`
	Title   string    `json:"title,omitempty" maxLength:"800" doc:"Of the rule"`
	Host    string    `json:"host,omitempty" maxLength:"500"`
	User    string    `json:"user,omitempty" maxLength:"500"`
	Field   string    `json:"field,omitempty" maxLength:"200"`
	Value   string    `json:"value,omitempty" maxLength:"2000"`
	Reason  string    `json:"reason" minLength:"1" maxLength:"16000" doc:"Why it is harmless"`
	UntilAt time.Time `json:"until_at" doc:"At most a year"`
}

type whyIn struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Why string `json:"why,omitempty" maxLength:"16000"`
	}
}

// saved is an answer that is a file, never shown.
func saved(name, media string, content io.ReadCloser) *struct{ Body func(huma.Context) } {
	return &struct{ Body func(huma.Context) }{func(w huma.Context) {
		defer content.Close()
		w.SetHeader("Content-Type", media)
		w.SetHeader("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
		w.SetStatus(http.StatusOK)
		if _, err := io.Copy(w.BodyWriter(), content); err != nil {
			panic(http.ErrAbortHandler) // cut, so that nobody takes half for all
		}
	}}
}

func routeRules(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/hunt-rules", "hunt.rules", "List rulebooks, those of the program first", func(ctx context.Context, in *struct{ httpd.Paging }) (*httpd.List[Rulebook], error) {
		list, next, err := s.Rulebooks(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/hunt-rules", "hunt.rules_add", "Begin a rulebook", func(ctx context.Context, in *struct {
		Body struct {
			Name  string `json:"name" minLength:"1" maxLength:"800"`
			About string `json:"about,omitempty" maxLength:"16000"`
		}
	}) (*struct {
		Status int
		Body   Rulebook
	}, error) {
		x, err := s.AddRulebook(ctx, in.Body.Name, in.Body.About)
		return &struct {
			Status int
			Body   Rulebook
		}{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-rules/{id}", "hunt.rules_read", "Read a rulebook and its editions", func(ctx context.Context, in *idIn) (*struct{ Body ReadBook }, error) {
		b, all, err := s.Rulebook(ctx, in.ID)
		return &struct{ Body ReadBook }{ReadBook{b, all}}, err
	})
	httpd.Op(r, "POST /api/v1/hunt-rules/{id}/editions", "hunt.rules_upload", "Make an edition of a zip of YAML files; rules that cannot be used are told by line", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Note    string `query:"note" maxLength:"2000"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*struct {
		Status int
		Body   Edition
	}, error) {
		x, err := s.Upload(ctx, in.ID, in.RawBody, in.Note)
		return &struct {
			Status int
			Body   Edition
		}{201, x}, err
	}, httpd.MaxBody(MaxBook+1))
	httpd.Op(r, "GET /api/v1/hunt-rules/{id}/editions/{edition}/file", "hunt.rules_download", "Download an edition as a zip", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Edition string `path:"edition" maxLength:"60" doc:"Its number, or the version of the starter rules"`
	}) (*struct{ Body func(huma.Context) }, error) {
		content, err := s.Download(ctx, in.ID+"/"+in.Edition)
		if err != nil {
			return nil, err
		}
		return saved("rules-"+in.Edition+".zip", "application/octet-stream", content), nil
	})
	httpd.Op(r, "POST /api/v1/hunt-rules/{id}/retire", "hunt.rules_retire", "Retire a rulebook", func(ctx context.Context, in *whyIn) (*struct{}, error) {
		return nil, s.Retire(ctx, in.ID, in.Body.Why)
	})
}

func routeSuppressions(r *httpd.Router, s *Service) {
	type suppressionOut struct {
		Status int
		Body   Suppression
	}
	type offerOut struct{ Body Offer }
	httpd.Op(r, "GET /api/v1/hunt-suppressions", "hunt.suppressions", "List your suppressions, the newest first", func(ctx context.Context, in *struct {
		httpd.Paging
		All bool `query:"all" doc:"Those over and ended too"`
	}) (*httpd.List[Suppression], error) {
		list, next, err := s.Suppressions(ctx, in.All, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/hunt-suppressions", "hunt.suppress", "Declare what a rule finds harmless, for a time and a reason", func(ctx context.Context, in *struct{ Body SuppressionInput }) (*suppressionOut, error) {
		b := in.Body
		x, err := s.Suppress(ctx, NewSuppression{Condition{b.Rule, b.Host, b.User, b.Field, b.Value}, b.Title, b.Reason, b.UntilAt})
		return &suppressionOut{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-suppressions.toml", "hunt.suppress_file", "Download your suppressions for hunt scan --suppress", func(ctx context.Context, _ *struct{}) (*struct{ Body func(huma.Context) }, error) {
		raw, err := s.SuppressFile(ctx)
		if err != nil {
			return nil, err
		}
		return saved("suppressions.toml", "application/toml", io.NopCloser(strings.NewReader(string(raw)))), nil
	})
	httpd.Op(r, "POST /api/v1/hunt-suppressions/{id}/end", "hunt.unsuppress", "End a suppression", func(ctx context.Context, in *whyIn) (*struct{}, error) {
		return nil, s.Unsuppress(ctx, in.ID, in.Body.Why)
	})
	httpd.Op(r, "GET /api/v1/hunt-suppressions/{id}/offer", "hunt.preview", "Read what others would see if you shared a suppression", func(ctx context.Context, in *idIn) (*offerOut, error) {
		x, err := s.Preview(ctx, in.ID)
		return &offerOut{x}, err
	})
	httpd.Op(r, "POST /api/v1/hunt-suppressions/{id}/offer", "hunt.offer", "Share a suppression with all operators", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Named bool `json:"named,omitempty" doc:"Others may learn that it is yours"`
		}
	}) (*offerOut, error) {
		x, err := s.Offer(ctx, in.ID, in.Body.Named)
		return &offerOut{x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-offers", "hunt.offers", "List suppressions that organisations share", func(ctx context.Context, in *struct{ httpd.Paging }) (*httpd.List[Offer], error) {
		list, next, err := s.Offers(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/hunt-offers/{id}/adopt", "hunt.adopt", "Make a shared suppression your own", func(ctx context.Context, in *idIn) (*suppressionOut, error) {
		x, err := s.Adopt(ctx, in.ID)
		return &suppressionOut{201, x}, err
	})
	httpd.Op(r, "POST /api/v1/hunt-offers/{id}/withdraw", "hunt.withdraw", "Take back what you shared", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Withdraw(ctx, in.ID)
	})
}
