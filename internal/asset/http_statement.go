package asset

import (
	"context"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
)

// SubmitInput says which draft is submitted.
type SubmitInput struct {
	Sector   string `json:"sector,omitempty" maxLength:"60" doc:"Business type it is submitted for; empty: the first of the operator"`
	Revision int64  `json:"revision" doc:"register.revision of the draft that was seen"`
}

// StampInput is a recipient's own number; empty takes the statement's.
type StampInput struct {
	Number string `json:"number,omitempty" maxLength:"200"`
}

// QuestionInput is what a recipient asks.
type QuestionInput struct {
	Text string `json:"text" maxLength:"12000" doc:"At most 4,000 characters"`
}

// AnswerInput is what the operator answers, and to whom.
type AnswerInput struct {
	With string `json:"with" maxLength:"60" doc:"Organisation that asked"`
	Text string `json:"text" maxLength:"12000" doc:"At most 4,000 characters"`
}

// DraftMade is a draft, and why it cannot be submitted, in words.
type DraftMade struct {
	StatementDraft
	Blocked string `json:"blocked,omitempty" doc:"Why it cannot be submitted"`
	Code    string `json:"code,omitempty" doc:"Stable code of that"`
}

type noticeIn struct {
	ID string `path:"id" maxLength:"60"`
}

func routesStatement(r *httpd.Router, s *Service, words *text.Catalog) {
	httpd.Op(r, "GET /api/v1/asset-scope", "asset.steps", "List the questions of the scope check with their sources", func(context.Context, *struct{}) (*struct{ Body []Step }, error) {
		return &struct{ Body []Step }{s.Rules.Steps()}, nil
	})
	httpd.Op(r, "PUT /api/v1/asset-scope", "asset.scope", "Answer the scope check for all equipment without an answer of its own", func(ctx context.Context, in *struct{ Body ScopeFacts }) (*struct{}, error) {
		return nil, s.SetFacts(ctx, in.Body)
	})
	httpd.Op(r, "GET /api/v1/statement-draft", "asset.draft", "Draw up the next statement: the difference to the last one", func(ctx context.Context, in *struct {
		Sector string `query:"sector" maxLength:"60"`
	}) (*struct{ Body DraftMade }, error) {
		d, err := s.Draft(ctx, in.Sector)
		if err != nil {
			return nil, err
		}
		out := DraftMade{StatementDraft: d}
		if d.Blocked != nil {
			out.Code, out.Blocked = d.Blocked.Code, words.Printer(httpd.Lang(ctx), text.JST).Fault(d.Blocked).Title
		}
		return &struct{ Body DraftMade }{out}, nil
	})
	httpd.Op(r, "POST /api/v1/statements", "asset.submit", "Submit the next statement to the competent ministry", func(ctx context.Context, in *struct{ Body SubmitInput }) (*struct {
		Status int
		Body   Submitted
	}, error) {
		got, err := s.Submit(ctx, in.Body.Sector, in.Body.Revision)
		return &struct {
			Status int
			Body   Submitted
		}{201, got}, err
	})
	httpd.Op(r, "GET /api/v1/statements", "asset.statements", "List the statements you submitted or were sent", func(ctx context.Context, in *struct {
		httpd.Paging
		Waiting bool `query:"waiting" doc:"Only what waits for your organisation"`
	}) (*httpd.List[Notice], error) {
		list, next, err := s.Statements(ctx, in.Waiting, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/statements/{id}", "asset.open", "Open a statement; a recipient's reading is recorded", func(ctx context.Context, in *noticeIn) (*struct{ Body OpenStatement }, error) {
		v, err := s.Statement(ctx, in.ID)
		return &struct{ Body OpenStatement }{v}, err
	})
	httpd.Op(r, "GET /api/v1/statements/{id}/form", "asset.form", "Write a statement as a file", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"60"`
		Format string `query:"format" enum:"xlsx,json,html" default:"json"`
	}) (*struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}, error) {
		f, err := s.Form(ctx, in.ID, in.Format, words.Printer(httpd.Lang(ctx), text.JST))
		return &struct {
			ContentType string `header:"Content-Type"`
			Body        []byte
		}{f.Type, f.Body}, err
	})
	httpd.Op(r, "POST /api/v1/statements/{id}/acknowledgement", "asset.acknowledge", "Stamp a statement that was sent to you; a ministry's stamp passes it on", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body StampInput
	}) (*struct{ Body Acknowledged }, error) {
		a, err := s.Acknowledge(ctx, in.ID, in.Body.Number)
		return &struct{ Body Acknowledged }{a}, err
	})
	httpd.Op(r, "POST /api/v1/statements/{id}/questions", "asset.ask", "Ask the operator about a statement", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body QuestionInput
	}) (*struct{ Body thread.Message }, error) {
		m, err := s.Ask(ctx, in.ID, in.Body.Text)
		return &struct{ Body thread.Message }{m}, err
	})
	httpd.Op(r, "POST /api/v1/statements/{id}/answers", "asset.answer", "Answer a recipient of your statement", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body AnswerInput
	}) (*struct{ Body thread.Message }, error) {
		m, err := s.Answer(ctx, in.ID, in.Body.With, in.Body.Text)
		return &struct{ Body thread.Message }{m}, err
	})
}

func isStale(err error) bool { return fault.Of(err) != nil && fault.Of(err).Code == ErrStale.Code }
