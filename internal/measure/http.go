package measure

import (
	"context"

	"noroshi/internal/base/httpd"
)

// TextInput is a reason, an answer or a report.
type TextInput struct {
	Text string `json:"text,omitempty" maxLength:"16000"`
}

// OfficerInput names somebody who may carry out.
type OfficerInput struct {
	Person string `json:"person,omitempty" maxLength:"100"`
}

// UnitInput names an organisation.
type UnitInput struct {
	Org string `json:"org,omitempty" maxLength:"100"`
}

// SwitchInput is what one side says of further emergencies of a unit.
type SwitchInput struct {
	Org  string `json:"org,omitempty" maxLength:"100" doc:"The unit; a unit speaks of itself"`
	Shut bool   `json:"shut,omitempty"`
}

// NewCase is a case that was opened, with its first chain of command.
type NewCase struct {
	Case  Case  `json:"case"`
	Chain Chain `json:"chain"`
}

// RuleBook is what binds measures: the numbers, the catalogue and the guards, with
// what they rest on.
type RuleBook struct {
	Numbers Numbers     `json:"numbers"`
	Steps   []Catalogue `json:"steps"`
	Guards  []Bound     `json:"guards"`
}

// Bound is a guard as a reader sees it.
type Bound struct {
	ID      string `json:"id"`
	Article string `json:"article"`
	House   bool   `json:"house_rule,omitempty"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60" doc:"Id of a case or of a chain of command, or number such as M-7K3Q-9F2M"`
	}
	pageIn struct {
		httpd.Paging
		ID string `path:"id" maxLength:"60" doc:"Id of a chain of command; of a case, its first"`
	}
	textIn struct {
		ID   string `path:"id" maxLength:"60"`
		Body TextInput
	}
	chainOut struct{ Body Chain }
	listIn   struct {
		httpd.Paging
		State  State  `query:"state" maxLength:"20"`
		Number string `query:"number" maxLength:"20"`
		Late   bool   `query:"late" doc:"Only with a notice or a review that is past its time"`
	}
)

// Routes registers the JSON API of measures.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/measures", "measure.list", "List the cases within your reach, by their chains of command", func(ctx context.Context, in *listIn) (*httpd.List[Listed], error) {
		list, _, next, err := s.List(ctx, Filter{State: in.State, Number: in.Number, Late: in.Late, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/measures", "measure.open", "Open a case", func(ctx context.Context, in *struct{ Body Opening }) (*struct {
		Status int
		Body   NewCase
	}, error) {
		k, c, err := s.Open(ctx, in.Body)
		return &struct {
			Status int
			Body   NewCase
		}{201, NewCase{k, c}}, err
	})
	httpd.Op(r, "GET /api/v1/measures/{id}", "measure.read", "Read a case, as far as you may see it", func(ctx context.Context, in *idIn) (*struct{ Body View }, error) {
		v, err := s.Show(ctx, in.ID)
		return &struct{ Body View }{v}, err
	})
	httpd.Op(r, "GET /api/v1/measures/{id}/acts", "measure.acts", "The history of a chain of command, the last act first", func(ctx context.Context, in *pageIn) (*httpd.List[Past], error) {
		list, _, next, err := s.Past(ctx, in.ID, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/measures/{id}/steps", "measure.steps", "What was carried out on a chain of command, the last step first", func(ctx context.Context, in *pageIn) (*httpd.List[Done], error) {
		list, next, err := s.Done(ctx, in.ID, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/measure-ratio", "measure.ratio", "How often emergencies were used, beside approvals", func(ctx context.Context, _ *struct{}) (*struct{ Body Ratio }, error) {
		v, err := s.Ratio(ctx)
		return &struct{ Body Ratio }{v}, err
	})
	httpd.Op(r, "GET /api/v1/measure-rules", "measure.rules", "The rules that bind measures, with what they rest on", func(ctx context.Context, _ *struct{}) (*struct{ Body RuleBook }, error) {
		b, err := s.Book(ctx)
		return &struct{ Body RuleBook }{b}, err
	})
	httpd.Op(r, "POST /api/v1/measure-switches", "measure.switch", "Say for your side whether further emergencies of a unit that is late are shut", func(ctx context.Context, in *struct{ Body SwitchInput }) (*struct{}, error) {
		return nil, s.Shut(ctx, in.Body.Org, in.Body.Shut)
	})
	routesPapers(r, s)
	routesTexts(r, s)
	routesSteps(r, s)
}

// post registers an act whose body has a form of its own.
func post[T any](r *httpd.Router, path, name, summary string, do func(ctx context.Context, id ID, in T) (Chain, error)) {
	httpd.Op(r, "POST /api/v1/measures/{id}/"+path, "measure."+name, summary, func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body T
	}) (*chainOut, error) {
		c, err := do(ctx, in.ID, in.Body)
		return &chainOut{c}, err
	})
}

func routesPapers(r *httpd.Router, s *Service) {
	post(r, "assess", "assess", "Write what you find of the conditions of the law", s.Assess)
	post(r, "locate", "locate", "Write where the machine is believed to stand", s.Locate)
	post(r, "plan", "plan", "Write the plan; another plan needs its own consultation and approval", s.Draft)
	post(r, "consult", "consult", "Ask the Foreign Minister", s.Consult)
	post(r, "answer", "answer", "Answer for the Foreign Minister", s.Answer)
	post(r, "order", "order", "Record the Prime Minister's order, with its period", s.Order)
	post(r, "weigh", "weigh", "Say how you see an emergency, as a member of the commission", s.Weigh)
	post(r, "designate", "designate", "Designate somebody who may carry out", func(ctx context.Context, id ID, in OfficerInput) (Chain, error) {
		return s.Designate(ctx, id, in.Person)
	})
	post(r, "dismiss", "dismiss", "End a designation", func(ctx context.Context, id ID, in OfficerInput) (Chain, error) {
		return s.Dismiss(ctx, id, in.Person)
	})
	post(r, "invite", "invite", "Put the self-defence forces on a case", func(ctx context.Context, id ID, in UnitInput) (Chain, error) { return s.Invite(ctx, id, in.Org) })
}

func routesTexts(r *httpd.Router, s *Service) {
	for _, x := range []struct {
		name, summary string
		do            func(ctx context.Context, id ID, text string) (Chain, error)
	}{
		{"agree", "Request the self-defence forces, or consent, as the safety commission", s.Agree},
		{"ask", "Lay the plan before the oversight commission", s.Ask},
		{"recall", "Take back what is before others, or give up what was approved", s.Recall},
		{"drop", "Give a case up before anything was done", s.Drop},
		{"second", "Sign as a superior an emergency against which something of earlier ones stands", s.Second},
		{"declare", "Declare that there is no time for a prior approval", s.Declare},
		{"notify", "Tell the commission of an emergency", s.Notify},
		{"settle", "Close the review of an emergency with what most of a quorum of the commission say", s.Settle},
		{"account", "Write, for the command, what is known of a step whose officers are gone", s.Account},
		{"authorise", "Let those who were designated carry the plan out", s.Authorise},
		{"finish", "End the carrying out", s.Finish},
		{"stop", "Stop everything at once", s.Stop},
		{"restore", "Record what was put back as it was", s.Restore},
		{"tell", "Record how the owner of the machine was told", s.Tell},
		{"review", "Look back at what it came to", s.Review},
		{"close", "Close the chain of command", s.Close},
	} {
		httpd.Op(r, "POST /api/v1/measures/{id}/"+x.name, "measure."+x.name, x.summary, func(ctx context.Context, in *textIn) (*chainOut, error) {
			c, err := x.do(ctx, in.ID, in.Body.Text)
			return &chainOut{c}, err
		})
	}
}

func routesSteps(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/measures/{id}/begin", "measure.begin", "Begin to carry the plan out: the approval is redeemed", func(ctx context.Context, in *idIn) (*chainOut, error) {
		c, err := s.Begin(ctx, in.ID)
		return &chainOut{c}, err
	})
	httpd.Op(r, "POST /api/v1/measures/{id}/vouch", "measure.vouch", "Vouch, as another of the command, for what is known of a step whose officers are gone", func(ctx context.Context, in *idIn) (*chainOut, error) {
		c, err := s.Vouch(ctx, in.ID)
		return &chainOut{c}, err
	})
	httpd.Op(r, "POST /api/v1/measures/{id}/steps/{number}", "measure.intend", "Write which step you are about to carry out", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"60"`
		Number int    `path:"number" minimum:"1" maximum:"50"`
		Body   TextInput
	}) (*chainOut, error) {
		c, err := s.Intend(ctx, in.ID, in.Number, in.Body.Text)
		return &chainOut{c}, err
	})
	httpd.Op(r, "POST /api/v1/measures/{id}/go", "measure.go", "Say go to the step that somebody else intends", func(ctx context.Context, in *idIn) (*chainOut, error) {
		c, err := s.Go(ctx, in.ID)
		return &chainOut{c}, err
	})
	post(r, "outcome", "outcome", "Write what became of the step; a deviation stops everything", s.Outcome)
	httpd.Op(r, "POST /api/v1/measures/{id}/unsay", "measure.unsay", "Take an intent back before anybody said go", func(ctx context.Context, in *textIn) (*chainOut, error) {
		c, err := s.Unsay(ctx, in.ID, in.Body.Text)
		return &chainOut{c}, err
	})
}
