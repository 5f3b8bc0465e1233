package approval

import (
	"context"
	"mime"
	"time"

	"noroshi/internal/base/httpd"
)

// TextInput is a question, an answer or a reason.
type TextInput struct {
	Text string `json:"text,omitempty" maxLength:"16000"`
}

// OpinionInput is what an examiner writes.
type OpinionInput struct {
	Text     string   `json:"text,omitempty" maxLength:"16000"`
	Compared []string `json:"compared,omitempty" maxItems:"20" nullable:"false" doc:"Ids of earlier cases beside those that are like it"`
}

// VoteInput is what a member votes.
type VoteInput struct {
	Choice     Choice   `json:"choice" enum:"for,against"`
	Opinion    string   `json:"opinion,omitempty" maxLength:"16000" doc:"Needed against"`
	Conditions []string `json:"conditions,omitempty" maxItems:"50" nullable:"false" doc:"That you want, where you vote for it"`
}

// DecisionInput is how the chair closes a case.
type DecisionInput struct {
	Reason     string   `json:"reason,omitempty" maxLength:"16000"`
	Conditions []string `json:"conditions,omitempty" maxItems:"50" nullable:"false" doc:"Beside those that members wanted"`

	Until time.Time `json:"until,omitzero" doc:"An earlier end than was asked; empty: as asked"`
	Cap   Quantity  `json:"cap,omitzero" doc:"A lower cap than was asked; empty: as asked"`
	Less  Less      `json:"less,omitzero" doc:"What else of it is not granted; empty: all is"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60" doc:"Id, or number such as S-7K3Q-9F2M"`
	}
	textIn struct {
		ID   string `path:"id" maxLength:"60"`
		Body TextInput
	}
	listIn struct {
		httpd.Paging
		State   State  `query:"state" enum:"asked,examined,approved,refused,withdrawn,expired,given_up,revoked"`
		Kind    Kind   `query:"kind" enum:"ff,fd,df,agreement,reidentify,police,defence"`
		Number  string `query:"number" maxLength:"20"`
		Waiting bool   `query:"waiting" doc:"Only what waits for you"`
		Running bool   `query:"running" doc:"Only what is in force, what ends first in front"`
	}
	caseOut struct {
		Status int
		Body   Case
	}
	fileOut struct {
		ContentType        string `header:"Content-Type"`
		ContentDisposition string `header:"Content-Disposition"`
		Body               []byte
	}
)

// Routes registers the JSON API of approvals and of instructions to carriers.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/approvals", "approval.list", "List applications and approvals within your reach", func(ctx context.Context, in *listIn) (*httpd.List[Case], error) {
		list, _, next, err := s.List(ctx, Filter{State: in.State, Kind: in.Kind, Number: in.Number, Waiting: in.Waiting, Running: in.Running, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/approvals", "approval.ask", "Ask the commission for an approval, or for the extension of one", func(ctx context.Context, in *struct{ Body Application }) (*caseOut, error) {
		c, err := s.Ask(ctx, in.Body)
		return &caseOut{201, c}, err
	})
	httpd.Op(r, "GET /api/v1/approvals/{id}", "approval.read", "Read a case: all of it as the commission, your own part as who asked", func(ctx context.Context, in *idIn) (*struct{ Body View }, error) {
		v, err := s.Show(ctx, in.ID)
		return &struct{ Body View }{v}, err
	})
	httpd.Op(r, "GET /api/v1/approvals/{id}/uses", "approval.uses", "List every use that was made of an approval, and every refusal", func(ctx context.Context, in *struct {
		httpd.Paging
		ID string `path:"id" maxLength:"60"`
	}) (*struct{ Body UsesView }, error) {
		v, err := s.Uses(ctx, in.ID, in.Cursor, in.Limit)
		return &struct{ Body UsesView }{v}, err
	})
	httpd.Op(r, "GET /api/v1/approvals/{id}/order", "approval.order", "Download the signed order of an approval", func(ctx context.Context, in *idIn) (*fileOut, error) {
		raw, err := s.Paper(ctx, in.ID)
		return &fileOut{"application/json", attached("order.json"), raw}, err
	})
	httpd.Op(r, "GET /api/v1/approvals/{id}/extension", "approval.extension", "Write an application that goes on from an approval in force, for you to complete", func(ctx context.Context, in *idIn) (*struct{ Body Application }, error) {
		a, err := s.Extension(ctx, in.ID)
		return &struct{ Body Application }{a}, err
	})
	routesSteps(r, s)
	routesInstruction(r, s)
}

// attached is the Content-Disposition of a download (RFC 6266): never inline.
func attached(name string) string {
	return mime.FormatMediaType("attachment", map[string]string{"filename": name})
}

func routesSteps(r *httpd.Router, s *Service) {
	say := func(path, verb, summary string, do func(ctx context.Context, id ID, text string) error) {
		httpd.Op(r, "POST /api/v1/approvals/{id}/"+path, verb, summary, func(ctx context.Context, in *textIn) (*struct{}, error) {
			return nil, do(ctx, in.ID, in.Body.Text)
		})
	}
	say("question", "approval.question", "Ask who asked", s.Question)
	say("answer", "approval.answer", "Answer all open questions", s.Answer)
	say("withdraw", "approval.withdraw", "Take an application back that is not decided", s.Withdraw)
	say("give-up", "approval.give_up", "End an approval of yours before its time", s.GiveUp)
	say("revoke", "approval.revoke", "End an approval, as the commission", s.Revoke)
	httpd.Op(r, "POST /api/v1/approvals/{id}/examine", "approval.examine", "Give an opinion and lay the case before the commission", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body OpinionInput
	}) (*struct{}, error) {
		return nil, s.Examine(ctx, in.ID, in.Body.Text, in.Body.Compared)
	})
	httpd.Op(r, "POST /api/v1/approvals/{id}/vote", "approval.vote", "Vote, or vote again, before the chair closes", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body VoteInput
	}) (*struct{ Body Tally }, error) {
		t, err := s.Vote(ctx, in.ID, NewVote(in.Body))
		return &struct{ Body Tally }{t}, err
	})
	httpd.Op(r, "POST /api/v1/approvals/{id}/decide", "approval.decide", "Close a case once a quorum has voted: the majority decides", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body DecisionInput
	}) (*caseOut, error) {
		c, err := s.Decide(ctx, in.ID, Decision(in.Body))
		return &caseOut{200, c}, err
	})
}

func routesInstruction(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/instructions", "approval.instructions", "List the instructions to your organisation as carrier or party", func(ctx context.Context, in *struct {
		httpd.Paging
		Waiting bool `query:"waiting" doc:"Only those that wait for a confirmation: of receipt, or of having stopped"`
	}) (*httpd.List[Instructed], error) {
		list, next, err := s.Instructions(ctx, Filter{Waiting: in.Waiting, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/instructions/{id}", "approval.instruction", "Read an instruction to your organisation", func(ctx context.Context, in *idIn) (*struct{ Body Instructed }, error) {
		x, err := s.Instruction(ctx, in.ID)
		return &struct{ Body Instructed }{x}, err
	})
	httpd.Op(r, "POST /api/v1/instructions/{id}/confirm", "approval.confirm", "Confirm that an instruction was received, or after its end that you stopped", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Stopped bool   `query:"stopped" doc:"Confirm that nothing more is sent under an instruction that ended"`
	}) (*struct{ Body Instructed }, error) {
		do := s.Confirm
		if in.Stopped {
			do = s.ConfirmStopped
		}
		x, err := do(ctx, in.ID)
		return &struct{ Body Instructed }{x}, err
	})
}
