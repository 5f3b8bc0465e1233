package request

import (
	"context"
	"time"

	"noroshi/internal/base/httpd"
)

// SendInput names the mail that was read.
type SendInput struct {
	Digest string `json:"digest" minLength:"64" maxLength:"64" doc:"SHA-256 of the mail, as the preview shows it"`
}

// ReasonInput is a reason.
type ReasonInput struct {
	Text string `json:"text,omitempty" maxLength:"16000"`
}

// LookInput is what registries are asked about.
type LookInput struct {
	Query
	Fresh bool `json:"fresh,omitempty" doc:"Ask again, though an answer of today is there"`
}

// ConfirmInput says how far a carrier is with an order.
type ConfirmInput struct {
	Done bool `json:"done,omitempty" doc:"It was carried out; else it was received"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60" doc:"Id of a request, or number such as R-7K3Q-9F2M"`
	}
	requestOut struct{ Body Request }
	listIn     struct {
		httpd.Paging
		State State  `query:"state" maxLength:"20"`
		Kind  Kind   `query:"kind" maxLength:"20"`
		Case  string `query:"case" maxLength:"60" doc:"Only steps of this measure"`
		Late  bool   `query:"late" doc:"Only what nobody answered in time, or what did not arrive"`
		Open  bool   `query:"open" doc:"Only what is not closed"`
	}
)

// Routes registers the JSON API of requests to others.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/requests", "request.list", "List what your organisation asks others, the newest first", func(ctx context.Context, in *listIn) (*httpd.List[Listed], error) {
		list, next, err := s.List(ctx, Filter{State: in.State, Kind: in.Kind, Case: in.Case, Late: in.Late, Open: in.Open, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/requests", "request.draft", "Write a request; nothing is sent", func(ctx context.Context, in *struct{ Body Draft }) (*struct {
		Status int
		Body   Request
	}, error) {
		got, err := s.Draft(ctx, in.Body)
		return &struct {
			Status int
			Body   Request
		}{201, got}, err
	})
	httpd.Op(r, "POST /api/v1/request-previews", "request.try", "Show the mail that a request would make, and keep nothing", func(ctx context.Context, in *struct{ Body Draft }) (*struct{ Body Shown }, error) {
		v, err := s.Try(ctx, in.Body)
		return &struct{ Body Shown }{v}, err
	})
	httpd.Op(r, "GET /api/v1/requests/{id}", "request.read", "Read a request", func(ctx context.Context, in *idIn) (*struct{ Body View }, error) {
		v, err := s.Show(ctx, in.ID)
		return &struct{ Body View }{v}, err
	})
	httpd.Op(r, "GET /api/v1/requests/{id}/preview", "request.preview", "Show the mail of a request exactly as it goes", func(ctx context.Context, in *idIn) (*struct{ Body Shown }, error) {
		v, err := s.Preview(ctx, in.ID)
		return &struct{ Body Shown }{v}, err
	})
	act(r, "PUT", "", "change", "Write a draft anew", s.Change)
	act(r, "POST", "/send", "send", "Send the mail that you read, as another person than who wrote it", func(ctx context.Context, id ID, in SendInput) (Request, error) { return s.Send(ctx, id, in.Digest) })
	act(r, "POST", "/handed", "handed", "Say what became of a mail that you took to send yourself", s.Handed)
	act(r, "POST", "/answers", "answer", "Write down what came back", s.Answer)
	act(r, "POST", "/follow", "follow", "Ask again, or ask somebody else", s.Follow)
	act(r, "POST", "/close", "close", "End a request", func(ctx context.Context, id ID, in ReasonInput) (Request, error) { return s.Close(ctx, id, in.Text) })
	httpd.Op(r, "POST /api/v1/requests/{id}/check", "request.check", "Write the mail as it will go, for another person to send", func(ctx context.Context, in *idIn) (*requestOut, error) {
		got, err := s.Check(ctx, in.ID)
		return &requestOut{got}, err
	})
	routesDesk(r, s)
}

func routesDesk(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/request-figures", "request.figures", "How the requests of the last year went", func(ctx context.Context, _ *struct{}) (*struct{ Body Figures }, error) {
		f, err := s.Figures(ctx)
		return &struct{ Body Figures }{f}, err
	})
	httpd.Op(r, "GET /api/v1/request-desk", "request.where", "Where answers to your organisation go", func(ctx context.Context, _ *struct{}) (*struct{ Body Desk }, error) {
		d, err := s.Desk(ctx)
		return &struct{ Body Desk }{d}, err
	})
	httpd.Op(r, "PUT /api/v1/request-desk", "request.desk", "Say where answers go", func(ctx context.Context, in *struct{ Body Desk }) (*struct{}, error) {
		return nil, s.SetDesk(ctx, in.Body)
	})
	httpd.Op(r, "POST /api/v1/request-contacts", "request.look", "Ask registries whom to write to", func(ctx context.Context, in *struct{ Body LookInput }) (*struct{ Body Found }, error) {
		f, err := s.Look(ctx, in.Body.Query, in.Body.Fresh)
		return &struct{ Body Found }{f}, err
	})
	httpd.Op(r, "GET /api/v1/carrier-orders", "request.orders", "List the orders to your organisation, as a carrier", func(ctx context.Context, in *httpd.Paging) (*httpd.List[Ordered], error) {
		list, next, err := s.Orders(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/carrier-orders/{id}/confirm", "request.confirm", "Confirm an order, or that it was carried out", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ConfirmInput
	}) (*struct{ Body Ordered }, error) {
		o, err := s.Confirm(ctx, in.ID, in.Body.Done)
		return &struct{ Body Ordered }{o}, err
	})
}

// act registers an act on a request whose body has a form of its own.
func act[T any](r *httpd.Router, method, path, name, summary string, do func(ctx context.Context, id ID, in T) (Request, error)) {
	httpd.Op(r, method+" /api/v1/requests/{id}"+path, "request."+name, summary, func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body T
	}) (*requestOut, error) {
		got, err := do(ctx, in.ID, in.Body)
		return &requestOut{got}, err
	})
}

// hours writes a span in hours, for those who read figures.
func hours(d time.Duration) float64 { return float64(d.Round(time.Minute)) / float64(time.Hour) }
