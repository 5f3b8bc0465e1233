package vendor

import (
	"context"
	"errors"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/thread"
)

// ProductInput is a product as a client names it.
type ProductInput struct {
	Name string `json:"name" minLength:"1" maxLength:"800"`
	CPE  string `json:"cpe,omitempty" maxLength:"4000"`
	PURL string `json:"purl,omitempty" maxLength:"4000"`
}

// MakerInput is a maker to be asked, with its products.
type MakerInput struct {
	Org      string         `json:"org,omitempty" maxLength:"60" doc:"Id of the maker; a maker that begins a case leaves it out"`
	Products []ProductInput `json:"products,omitempty" maxItems:"200" nullable:"false"`
}

func (m MakerInput) maker() NewMaker {
	out := NewMaker{Org: m.Org}
	for _, p := range m.Products {
		out.Products = append(out.Products, NewProduct(p))
	}
	return out
}

// CaseInput is a case as a client opens it.
type CaseInput struct {
	Vulnerability string       `json:"vulnerability,omitempty" maxLength:"40" doc:"CVE id"`
	Title         string       `json:"title" minLength:"1" maxLength:"800"`
	Facts         string       `json:"facts,omitempty" maxLength:"16000"`
	TLP           string       `json:"tlp,omitempty" enum:"RED,AMBER+STRICT,AMBER,GREEN,CLEAR" doc:"Empty: AMBER"`
	Clearance     int          `json:"clearance,omitempty" minimum:"0" maximum:"3"`
	EmbargoUntil  time.Time    `json:"embargo_until,omitzero" doc:"Nobody outside learns the content before"`
	EmbargoZone   string       `json:"embargo_zone,omitempty" maxLength:"60" doc:"IANA name of the zone it was agreed in; empty: Asia/Tokyo"`
	Sectors       []string     `json:"sectors,omitempty" maxItems:"50" nullable:"false" doc:"Whose ministries see how it stands"`
	Basis         Basis        `json:"basis,omitempty" enum:"art42,coordination" doc:"Empty: what you ask on"`
	Makers        []MakerInput `json:"makers,omitempty" maxItems:"500" nullable:"false"`
	Send          bool         `json:"send,omitempty" doc:"Ask them at once"`
	DueAt         time.Time    `json:"due_at,omitzero" doc:"Of the answers; empty: seven days"`
}

func (in CaseInput) newCase() NewCase {
	n := NewCase{Vulnerability: in.Vulnerability, Title: in.Title, Facts: in.Facts, TLP: in.TLP, Clearance: in.Clearance,
		Embargo: Embargo{in.EmbargoUntil, in.EmbargoZone}, Sectors: in.Sectors, Basis: in.Basis, Send: in.Send, DueAt: in.DueAt}
	for _, m := range in.Makers {
		n.Makers = append(n.Makers, m.maker())
	}
	return n
}

// Started is a case that was opened, with the requests in it.
type Started struct {
	Case     Case      `json:"case"`
	Requests []Request `json:"requests" nullable:"false"`
}

// AnswersInput is what a maker says of products.
type AnswersInput struct {
	Answers []ProductAnswer `json:"answers" minItems:"1" maxItems:"200" nullable:"false"`
}

// EmbargoInput moves the end of an embargo, or lifts it.
type EmbargoInput struct {
	Until  time.Time `json:"until,omitzero" doc:"Needed unless it is lifted"`
	Lift   bool      `json:"lift,omitempty" doc:"End it now"`
	Zone   string    `json:"zone,omitempty" maxLength:"60"`
	Reason string    `json:"reason" minLength:"1" maxLength:"16000"`
}

// NoteInput is a reason, or words to go with a step.
type NoteInput struct {
	Note  string    `json:"note,omitempty" maxLength:"16000"`
	DueAt time.Time `json:"due_at,omitzero" doc:"Of sending: when the answer is due"`
}

// MessageInput is a message in the conversation with one maker.
type MessageInput struct {
	Product string      `json:"product,omitempty" maxLength:"60" doc:"About this product; empty: about the request"`
	Kind    thread.Kind `json:"kind,omitempty" enum:"question,answer,note"`
	Text    string      `json:"text" minLength:"1" maxLength:"16000"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60"`
	}
	noteIn struct {
		ID   string `path:"id" maxLength:"60"`
		Body NoteInput
	}
	listIn struct {
		httpd.Paging
		State         State  `query:"state" enum:"reported,triaged,request_sent,no_answer,declined,accepted,fix_planned,fix_released,users_notified,closed"`
		Vulnerability string `query:"vulnerability" maxLength:"40"`
		Maker         string `query:"maker" maxLength:"60"`
		Waiting       bool   `query:"waiting" doc:"Only what waits for you"`
		Done          bool   `query:"done" doc:"What is closed too"`
	}
)

// Routes registers the JSON API of requests to makers.
func Routes(r *httpd.Router, s *Service) {
	routesCase(r, s)
	routesRequest(r, s)
	routesDocument(r, s)
}

func routesCase(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/vendor-cases", "vendor.cases", "List cases with makers, the newest first", func(ctx context.Context, in *listIn) (*httpd.List[CaseRow], error) {
		list, next, err := s.Cases(ctx, Filter{Vulnerability: in.Vulnerability, Done: in.Done, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/vendor-cases", "vendor.start", "Open a case and ask makers; a maker begins one about its own products", func(ctx context.Context, in *struct{ Body CaseInput }) (*struct {
		Status int
		Body   Started
	}, error) {
		c, rs, err := s.Start(ctx, in.Body.newCase())
		return &struct {
			Status int
			Body   Started
		}{201, Started{c, rs}}, err
	})
	httpd.Op(r, "GET /api/v1/vendor-cases/{id}", "vendor.case", "Read a case: all of it as coordinator, your own part as maker", func(ctx context.Context, in *idIn) (*struct {
		ETag string `header:"ETag"`
		Body CaseView
	}, error) {
		v, err := s.Case(ctx, in.ID)
		return &struct {
			ETag string `header:"ETag"`
			Body CaseView
		}{httpd.ETag(v.Case.Revision), v}, err
	})
	httpd.Op(r, "PATCH /api/v1/vendor-cases/{id}", "vendor.change", "Change what a case says", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string `path:"id" maxLength:"60"`
		Body CaseChange
	}) (*struct{ Body Case }, error) {
		saw, err := in.Version()
		if err != nil {
			return nil, err
		}
		c, err := s.Change(ctx, in.ID, int64(saw), in.Body)
		if errors.Is(err, ErrRevision) {
			err = httpd.ErrMatch
		}
		return &struct{ Body Case }{c}, err
	})
	httpd.Op(r, "POST /api/v1/vendor-cases/{id}/makers", "vendor.add_maker", "Put one more maker into a case", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body MakerInput
	}) (*struct {
		Status int
		Body   Request
	}, error) {
		x, err := s.AddMaker(ctx, in.ID, in.Body.maker())
		return &struct {
			Status int
			Body   Request
		}{201, x}, err
	})
	httpd.Op(r, "POST /api/v1/vendor-cases/{id}/embargo", "vendor.embargo", "Move the end of an embargo, or lift it", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body EmbargoInput
	}) (*struct{}, error) {
		if in.Body.Lift {
			return nil, s.LiftEmbargo(ctx, in.ID, in.Body.Reason)
		}
		return nil, s.SetEmbargo(ctx, in.ID, Embargo{in.Body.Until, in.Body.Zone}, in.Body.Reason)
	})
}

func routesRequest(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/vendor-requests", "vendor.list", "List requests by deadline: those you coordinate, or those asked of you", func(ctx context.Context, in *listIn) (*httpd.List[Row], error) {
		list, _, next, err := s.List(ctx, Filter{State: in.State, Vulnerability: in.Vulnerability, Maker: in.Maker, Waiting: in.Waiting, Done: in.Done, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/vendor-requests/{id}", "vendor.read", "Read a request with products, history and conversation", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Product string `query:"product" maxLength:"60" doc:"Show the conversation about this product"`
	}) (*struct{ Body RequestView }, error) {
		v, err := s.Open(ctx, in.ID, in.Product)
		return &struct{ Body RequestView }{v}, err
	})
	httpd.Op(r, "GET /api/v1/vendor-products", "vendor.products", "List your own products over all requests, planned fixes by their day first", func(ctx context.Context, in *struct {
		httpd.Paging
		Fix  Fix  `query:"fix" enum:"none,planned,released,will_not"`
		Done bool `query:"done" doc:"Of closed requests too"`
	}) (*httpd.List[ProductRow], error) {
		list, next, err := s.Products(ctx, Filter{Fix: in.Fix, Done: in.Done, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	step := func(path, verb, summary string, do func(ctx context.Context, id, note string, due time.Time) error) {
		httpd.Op(r, "POST /api/v1/vendor-requests/{id}/"+path, verb, summary, func(ctx context.Context, in *noteIn) (*struct{}, error) {
			return nil, do(ctx, in.ID, in.Body.Note, in.Body.DueAt)
		})
	}
	step("triage", "vendor.triage", "Take up what was reported", func(ctx context.Context, id, _ string, _ time.Time) error { return s.Triage(ctx, id) })
	step("send", "vendor.request", "Ask the maker, or ask again", func(ctx context.Context, id, note string, due time.Time) error { return s.Send(ctx, id, due, note) })
	step("told", "vendor.told", "Note that users were told by another way", func(ctx context.Context, id, note string, _ time.Time) error { return s.Told(ctx, id, note) })
	step("close", "vendor.close", "Close a request", func(ctx context.Context, id, note string, _ time.Time) error { return s.Close(ctx, id, note) })
	step("accept", "vendor.accept", "Take a request up", func(ctx context.Context, id, _ string, _ time.Time) error { return s.Accept(ctx, id) })
	step("decline", "vendor.decline", "Say that you will not, and why", func(ctx context.Context, id, note string, _ time.Time) error { return s.Decline(ctx, id, note) })
	httpd.Op(r, "POST /api/v1/vendor-requests/{id}/tell", "vendor.tell", "Send a notice of the fix to everyone exposed", func(ctx context.Context, in *idIn) (*struct{ Body Told }, error) {
		t, err := s.Tell(ctx, in.ID)
		return &struct{ Body Told }{t}, err
	})
	httpd.Op(r, "POST /api/v1/vendor-requests/{id}/answers", "vendor.answer", "Say of your products whether they are affected, and how far the fix is", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body AnswersInput
	}) (*struct{ Body RequestView }, error) {
		if err := s.Answer(ctx, in.ID, in.Body.Answers); err != nil {
			return nil, err
		}
		v, err := s.Open(ctx, in.ID, "")
		return &struct{ Body RequestView }{v}, err
	})
	httpd.Op(r, "POST /api/v1/vendor-requests/{id}/messages", "vendor.say", "Write into the conversation with one maker", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body MessageInput
	}) (*struct {
		Status int
		Body   thread.Message
	}, error) {
		m, err := s.Say(ctx, in.ID, in.Body.Product, in.Body.Kind, in.Body.Text)
		return &struct {
			Status int
			Body   thread.Message
		}{201, m}, err
	})
}
