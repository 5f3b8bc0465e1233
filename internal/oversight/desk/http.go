package desk

import (
	"context"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/oversight"
)

// TextInput is a reason.
type TextInput struct {
	Text string `json:"text,omitempty" maxLength:"8000"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60" doc:"Id or number"`
	}
	textIn struct {
		ID   string `path:"id" maxLength:"60"`
		Body TextInput
	}
	listIn struct {
		httpd.Paging
		State string `query:"state" maxLength:"20"`
		Open  bool   `query:"open" doc:"Only what is neither closed nor given up"`
	}
	paperOut       struct{ Body Paper }
	openingOut     struct{ Body Opening }
	boardOut       struct{ Body Board }
	created[T any] struct {
		Status int
		Body   T
	}
)

// Routes registers the JSON API of the desk. Words are for the sentences of what
// an inspection found.
func Routes(r *httpd.Router, s *Service, words *text.Catalog) {
	say := func(ctx context.Context) text.Printer { return words.Printer(httpd.Lang(ctx), nil) }
	httpd.Op(r, "GET /api/v1/oversight/inspection", "oversight.inspect", "What the inspection of the ledger came to", func(ctx context.Context, _ *struct{}) (*boardOut, error) {
		b, err := s.Inspection(ctx, say(ctx))
		return &boardOut{b}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/inspection", "oversight.replay", "Read the whole ledger again, now", func(ctx context.Context, _ *struct{}) (*boardOut, error) {
		if err := s.Replay(ctx); err != nil {
			return nil, err
		}
		b, err := s.Inspection(ctx, say(ctx))
		return &boardOut{b}, err
	})
	httpd.Op(r, "GET /api/v1/oversight/entries/{place}", "oversight.entry", "Read what one entry of the ledger says in clear", func(ctx context.Context, in *struct {
		Place uint64 `path:"place"`
	}) (*struct{ Body Shown }, error) {
		e, err := s.Entry(ctx, in.Place)
		return &struct{ Body Shown }{e}, err
	})
	httpd.Op(r, "GET /api/v1/oversight/reports/{year}", "oversight.report", "Count the yearly report from the ledger", func(ctx context.Context, in *struct {
		Year    int               `path:"year" minimum:"2025" maximum:"9999"`
		Version oversight.Version `query:"version" enum:"inspector,diet,public" default:"inspector"`
	}) (*struct{ Body oversight.Report }, error) {
		out, err := s.Report(ctx, in.Year, in.Version, say(ctx))
		return &struct{ Body oversight.Report }{out}, err
	})
	routesPapers(r, s)
	routesSamples(r, s)
	routesOpenings(r, s)
}

func routesPapers(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/oversight/papers", "oversight.list", "List notices, requests and recommendations within your reach", func(ctx context.Context, in *listIn) (*httpd.List[Paper], error) {
		list, _, next, err := s.List(ctx, Filter{State: in.State, Open: in.Open, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/oversight/papers", "oversight.draft", "Draft a notice, a request or a recommendation", func(ctx context.Context, in *struct{ Body Draft }) (*created[Paper], error) {
		p, err := s.Draft(ctx, in.Body)
		return &created[Paper]{201, p}, err
	})
	httpd.Op(r, "GET /api/v1/oversight/papers/{id}", "oversight.read", "Read a paper with its history, as far as you may see it", func(ctx context.Context, in *idIn) (*struct{ Body View }, error) {
		v, err := s.Show(ctx, in.ID)
		return &struct{ Body View }{v}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/papers/{id}/revise", "oversight.revise", "Write a draft anew", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Draft
	}) (*paperOut, error) {
		p, err := s.Revise(ctx, in.ID, in.Body)
		return &paperOut{p}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/papers/{id}/answer", "oversight.answer", "Answer as the body that it is addressed to", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Reply
	}) (*paperOut, error) {
		p, err := s.Answer(ctx, in.ID, in.Body)
		return &paperOut{p}, err
	})
	for _, x := range []struct {
		name, summary string
		do            func(context.Context, ID) (Paper, error)
	}{{"propose", "Put a draft to the other members", s.Propose}, {"settle", "Settle and send a paper that another member proposed", s.Settle}} {
		httpd.Op(r, "POST /api/v1/oversight/papers/{id}/"+x.name, "oversight."+x.name, x.summary, func(ctx context.Context, in *idIn) (*paperOut, error) {
			p, err := x.do(ctx, in.ID)
			return &paperOut{p}, err
		})
	}
	for _, x := range []struct {
		name, summary string
		do            func(context.Context, ID, string) (Paper, error)
	}{{"back", "Return a proposal to its drafter", s.Back}, {"drop", "Give a paper up before it was settled", s.Drop}, {"insist", "Tell the body that its answer is not enough", s.Insist}, {"close", "Close a paper", s.Close}} {
		httpd.Op(r, "POST /api/v1/oversight/papers/{id}/"+x.name, "oversight."+x.name, x.summary, func(ctx context.Context, in *textIn) (*paperOut, error) {
			p, err := x.do(ctx, in.ID, in.Body.Text)
			return &paperOut{p}, err
		})
	}
}

func routesSamples(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/oversight/samples", "oversight.samples", "List the sampling plans", func(ctx context.Context, in *listIn) (*httpd.List[Plan], error) {
		list, next, err := s.Plans(ctx, Filter{Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/oversight/samples", "oversight.plan", "Plan a sample, with the promise of a nonce", func(ctx context.Context, in *struct{ Body Planning }) (*created[Plan], error) {
		p, err := s.Plan(ctx, in.Body)
		return &created[Plan]{201, p}, err
	})
	httpd.Op(r, "GET /api/v1/oversight/samples/{id}", "oversight.sample", "Read a plan with its sample", func(ctx context.Context, in *idIn) (*struct{ Body Plan }, error) {
		p, err := s.Sample(ctx, in.ID)
		return &struct{ Body Plan }{p}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/samples/{id}/reveal", "oversight.reveal", "Reveal the nonce of a plan that is in the signed log: with it the sample is drawn", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Revealing
	}) (*struct{ Body Plan }, error) {
		p, err := s.Reveal(ctx, in.ID, in.Body)
		return &struct{ Body Plan }{p}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/samples/{id}/check", "oversight.check", "Write down what was found of one act of a sample", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Checking
	}) (*struct{}, error) {
		return nil, s.Check(ctx, in.ID, in.Body)
	})
}

func routesOpenings(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/oversight/openings", "oversight.openings", "List the wishes to open sealed parts within your reach", func(ctx context.Context, in *listIn) (*httpd.List[Opening], error) {
		list, _, next, err := s.Openings(ctx, Filter{State: in.State, Open: in.Open, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/oversight/openings", "oversight.unseal", "Ask the organisation whose act it was to open the sealed part of an entry", func(ctx context.Context, in *struct{ Body Asking }) (*created[Opening], error) {
		o, err := s.Unseal(ctx, in.Body)
		return &created[Opening]{201, o}, err
	})
	httpd.Op(r, "GET /api/v1/oversight/openings/{id}", "oversight.opening", "Read one wish, without what was opened", func(ctx context.Context, in *idIn) (*openingOut, error) {
		o, _, err := s.Opening(ctx, in.ID)
		return &openingOut{o}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/openings/{id}/open", "oversight.open", "Give the sealed part; it is held against the digest in the log", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body Giving
	}) (*openingOut, error) {
		o, err := s.Open(ctx, in.ID, in.Body)
		return &openingOut{o}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/openings/{id}/withhold", "oversight.withhold", "Say why the sealed part is not opened", func(ctx context.Context, in *textIn) (*openingOut, error) {
		o, err := s.Withhold(ctx, in.ID, in.Body.Text)
		return &openingOut{o}, err
	})
	httpd.Op(r, "POST /api/v1/oversight/openings/{id}/look", "oversight.look", "See what was opened, as who asked for it", func(ctx context.Context, in *idIn) (*struct{ Body Content }, error) {
		c, err := s.Look(ctx, in.ID)
		return &struct{ Body Content }{c}, err
	})
}
