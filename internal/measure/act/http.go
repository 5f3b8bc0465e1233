package act

import (
	"context"

	"noroshi/internal/base/httpd"
)

// TextInput is a reason.
type TextInput struct {
	Text string `json:"text,omitempty" maxLength:"16000"`
}

// MaxAsk bounds the body of an order, in bytes: a million names.
const MaxAsk = 128 << 20

type (
	idIn struct {
		ID string `path:"id" maxLength:"60" doc:"Id of an order, or number such as A-7K3Q-9F2M"`
	}
	textIn struct {
		ID   string `path:"id" maxLength:"60"`
		Body TextInput
	}
	orderOut struct{ Body Order }
	listIn   struct {
		httpd.Paging
		State State  `query:"state" maxLength:"20"`
		Held  bool   `query:"held" doc:"Only what the equipment may hold now"`
		Wrong bool   `query:"wrong" doc:"Only what somebody has to look at: an alarm, live in part, not taken away"`
		Case  string `query:"case" maxLength:"60" doc:"Chain of command of a case of measures"`
	}
)

// Routes registers the JSON API of own-network orders.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/act-orders", "act.list", "List the own-network orders within your reach", func(ctx context.Context, in *listIn) (*httpd.List[Order], error) {
		list, _, next, err := s.List(ctx, Filter{State: in.State, Held: in.Held, Wrong: in.Wrong, Case: in.Case, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/act-orders", "act.ask", "Ask that something be held back on your own network", func(ctx context.Context, in *struct{ Body Ask }) (*struct {
		Status int
		Body   Order
	}, error) {
		o, err := s.Ask(ctx, in.Body)
		return &struct {
			Status int
			Body   Order
		}{201, o}, err
	}, httpd.MaxBody(MaxAsk))
	httpd.Op(r, "GET /api/v1/act-orders/{id}", "act.read", "Read an order with its dry run and history", func(ctx context.Context, in *idIn) (*struct{ Body View }, error) {
		v, err := s.Show(ctx, in.ID)
		return &struct{ Body View }{v}, err
	})
	httpd.Op(r, "POST /api/v1/act-orders/{id}/approve", "act.approve", "Approve the order that you saw, as another person than who asked", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Decision
	}) (*orderOut, error) {
		o, err := s.Approve(ctx, in.ID, in.Body)
		return &orderOut{o}, err
	})
	for _, x := range []struct {
		name, summary string
		do            func(ctx context.Context, id, text string) (Order, error)
	}{
		{"refuse", "Refuse an order, as another person than who asked", s.Refuse},
		{"withdraw", "Take an order back before it was carried out", s.Withdraw},
		{"undo", "Have everything taken away that an order put there", s.Undo},
		{"settle", "Write down, by hand, that nothing of an order is held any more", s.Settle},
	} {
		httpd.Op(r, "POST /api/v1/act-orders/{id}/"+x.name, "act."+x.name, x.summary, func(ctx context.Context, in *textIn) (*orderOut, error) {
			o, err := x.do(ctx, in.ID, in.Body.Text)
			return &orderOut{o}, err
		})
	}
	httpd.Op(r, "GET /api/v1/act-actuators", "act.actuators", "List the actuators of your organisation, and the key that they are told by", func(ctx context.Context, _ *struct{}) (*struct{ Body Machines }, error) {
		m, err := s.Actuators(ctx)
		return &struct{ Body Machines }{m}, err
	})
	httpd.Op(r, "GET /api/v1/act-rules", "act.rules", "The numbers and legal grounds that bind own-network orders", func(ctx context.Context, _ *struct{}) (*struct{ Body Numbers }, error) {
		n, err := s.Book(ctx)
		return &struct{ Body Numbers }{n}, err
	})
	routesMachine(r, s)
}

// routesMachine registers what actuators use.
func routesMachine(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/act-work", "act.carry", "Ask, as an actuator, for something to do, and wait for it", func(ctx context.Context, in *struct{ Body Contact }) (*struct{ Body Jobs }, error) {
		j, err := s.Work(ctx, in.Body)
		return &struct{ Body Jobs }{j}, err
	}, httpd.Secret, httpd.MaxBody(2<<20))
	httpd.Op(r, "GET /api/v1/act-orders/{id}/targets", "act.targets", "Download the targets of an order, one a line", func(ctx context.Context, in *idIn) (*struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}, error) {
		raw, err := s.Targets(ctx, in.ID)
		return &struct {
			ContentType string `header:"Content-Type"`
			Body        []byte
		}{"text/plain; charset=utf-8", raw}, err
	})
	httpd.Op(r, "POST /api/v1/act-orders/{id}/dry", "act.dry", "Say, as an actuator, what an order would change", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Dried
	}) (*struct{}, error) {
		_, err := s.Dry(ctx, in.ID, in.Body)
		return nil, err
	})
	httpd.Op(r, "POST /api/v1/act-orders/{id}/take", "act.take", "Take, as an actuator, an approved order: its Grant is redeemed, and your intent is on record", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Claim
	}) (*struct{ Body Carry }, error) {
		c, err := s.Take(ctx, in.ID, in.Body)
		return &struct{ Body Carry }{c}, err
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/act-orders/{id}/outcome", "act.outcome", "Say, as an actuator, what came of your intent", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Outcome
	}) (*struct{}, error) {
		_, err := s.Tell(ctx, in.ID, in.Body)
		return nil, err
	})
	httpd.Op(r, "POST /api/v1/act-alarms", "act.alarm", "Raise an alarm, as an actuator", func(ctx context.Context, in *struct{ Body Warning }) (*struct{}, error) {
		return nil, s.Warn(ctx, in.Body)
	})
}
