package selection

import (
	"context"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/thread"
)

// ProposalInput offers an agreement to a party.
type ProposalInput struct {
	Party   string  `json:"party" minLength:"1" maxLength:"60"`
	Article Article `json:"article" enum:"art11,art12"`
	Terms   Terms   `json:"terms"`
}

// AnswerInput is a step about the version of the words that was read.
type AnswerInput struct {
	Version int    `json:"version" minimum:"1"`
	Note    string `json:"note,omitempty" maxLength:"16000" doc:"Never needed"`
}

// OfferInput proposes other terms.
type OfferInput struct {
	Version int    `json:"version" minimum:"1" doc:"Of the words that were read"`
	Terms   Terms  `json:"terms"`
	Note    string `json:"note,omitempty" maxLength:"16000"`
}

type (
	answerIn struct {
		ID   string `path:"id" maxLength:"60"`
		Body AnswerInput
	}
	agreementOut struct{ Body Agreement }
)

func routesAgreement(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/agreements", "agreement.list", "List agreements: your own as office or party", func(ctx context.Context, in *struct {
		httpd.Paging
		Waiting bool `query:"waiting" doc:"Only what waits for you"`
		Ended   bool `query:"ended" doc:"What is over too"`
	}) (*httpd.List[Agreement], error) {
		list, _, next, err := s.Agreements(ctx, AgreementFilter{Waiting: in.Waiting, Ended: in.Ended, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/agreements", "agreement.propose", "Offer an agreement to a party", func(ctx context.Context, in *struct{ Body ProposalInput }) (*struct {
		Status int
		Body   Agreement
	}, error) {
		a, err := s.Propose(ctx, in.Body.Party, in.Body.Article, in.Body.Terms)
		return &struct {
			Status int
			Body   Agreement
		}{201, a}, err
	}, httpd.Secret)
	httpd.Op(r, "GET /api/v1/agreements/{id}", "agreement.read", "Read an agreement", func(ctx context.Context, in *idIn) (*struct{ Body AgreementView }, error) {
		v, err := s.Agreement(ctx, in.ID)
		return &struct{ Body AgreementView }{v}, err
	})
	step := func(path, verb, summary string, do func(ctx context.Context, id string, b AnswerInput) (Agreement, error)) {
		httpd.Op(r, "POST /api/v1/agreements/{id}/"+path, verb, summary, func(ctx context.Context, in *answerIn) (*agreementOut, error) {
			a, err := do(ctx, in.ID, in.Body)
			return &agreementOut{a}, err
		}, httpd.Secret)
	}
	step("accept", "agreement.accept", "Accept the words the other side proposed last", func(ctx context.Context, id string, b AnswerInput) (Agreement, error) {
		return s.Accept(ctx, id, b.Version)
	})
	step("refuse", "agreement.answer", "Refuse a proposal; no reason is needed", func(ctx context.Context, id string, b AnswerInput) (Agreement, error) {
		return s.Decline(ctx, id, b.Version, b.Note)
	})
	step("take-back", "agreement.settle", "Take a proposal back", func(ctx context.Context, id string, b AnswerInput) (Agreement, error) {
		return s.TakeBack(ctx, id, b.Version, b.Note)
	})
	step("end", "agreement.end", "End an agreement in force, at once", func(ctx context.Context, id string, b AnswerInput) (Agreement, error) {
		return s.Terminate(ctx, id, b.Version, b.Note)
	})
	httpd.Op(r, "POST /api/v1/agreements/{id}/offer", "agreement.offer", "Propose other words", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body OfferInput
	}) (*agreementOut, error) {
		a, err := s.Offer(ctx, in.ID, in.Body.Version, in.Body.Terms, in.Body.Note)
		return &agreementOut{a}, err
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/agreements/{id}/keeper", "agreement.hand_over", "Give the conduct of an agreement to another clerk", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Person string `json:"person" minLength:"1" maxLength:"60"`
		}
	}) (*struct{}, error) {
		return nil, s.HandOver(ctx, in.ID, in.Body.Person)
	})
	httpd.Op(r, "POST /api/v1/agreements/{id}/messages", "agreement.say", "Write into the talks", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Kind thread.Kind `json:"kind,omitempty" enum:"question,answer,note"`
			Text string      `json:"text" minLength:"1" maxLength:"16000"`
		}
	}) (*struct{ Body thread.Message }, error) {
		m, err := s.Say(ctx, in.ID, in.Body.Kind, in.Body.Text)
		return &struct{ Body thread.Message }{m}, err
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/agreements/{id}/grants", "agreement.grant", "Issue the approval to select by a list, under an agreement in force", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			List string `json:"list" minLength:"1" maxLength:"60"`
		}
	}) (*struct{ Body AgreementGrant }, error) {
		g, err := s.Grant(ctx, in.ID, in.Body.List)
		return &struct{ Body AgreementGrant }{g}, err
	})
	httpd.Op(r, "POST /api/v1/agreements/{id}/consents", "agreement.consent", "Consent, as the party, to another purpose", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Purpose string    `json:"purpose" minLength:"1" maxLength:"16000"`
			Until   time.Time `json:"until"`
		}
	}) (*struct{ Body Consent }, error) {
		c, err := s.Consent(ctx, in.ID, in.Body.Purpose, in.Body.Until)
		return &struct{ Body Consent }{c}, err
	}, httpd.Secret)
	httpd.Op(r, "DELETE /api/v1/agreements/{id}/consents/{consent}", "agreement.consent_withdraw", "Take a consent back", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Consent string `path:"consent" maxLength:"60"`
	}) (*struct{}, error) {
		return nil, s.WithdrawConsent(ctx, in.ID, in.Consent)
	})
	httpd.Op(r, "POST /api/v1/agreements/{id}/returned", "agreement.return", "Give an analysis result back to the party", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Title string `json:"title" minLength:"1" maxLength:"800"`
			Text  string `json:"text" minLength:"1" maxLength:"16000"`
		}
	}) (*struct{ Body Returned }, error) {
		x, err := s.Return(ctx, in.ID, in.Body.Title, in.Body.Text)
		return &struct{ Body Returned }{x}, err
	}, httpd.Secret)
}

func routesCustody(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/selection-keys", "selection.keys", "List keys of re-identification that you hold a share of, or that your office had made", func(ctx context.Context, _ *struct{}) (*struct{ Body []Custody }, error) {
		list, err := s.Custodies(ctx)
		if list == nil {
			list = []Custody{}
		}
		return &struct{ Body []Custody }{list}, err
	})
	httpd.Op(r, "GET /api/v1/selection-holders", "selection.holders", "List who is ready to hold shares: all as a clerk, else yourself", func(ctx context.Context, _ *struct{}) (*struct{ Body []Holder }, error) {
		list, err := s.Holders(ctx)
		if list == nil {
			list = []Holder{}
		}
		return &struct{ Body []Holder }{list}, err
	})
	httpd.Op(r, "POST /api/v1/selection-holders", "selection.hold", "Say that you are ready to hold shares of keys, or not any more", func(ctx context.Context, in *struct {
		Body struct {
			Ready bool `json:"ready"`
		}
	}) (*struct{}, error) {
		return nil, s.Hold(ctx, in.Body.Ready)
	})
	httpd.Op(r, "POST /api/v1/selection-keys", "selection.custody", "Have a key made for an approval and cut into two shares", func(ctx context.Context, in *struct {
		Body struct {
			Approval string `json:"approval" minLength:"1" maxLength:"60"`
			First    string `json:"first" minLength:"1" maxLength:"60" doc:"Person"`
			Second   string `json:"second" minLength:"1" maxLength:"60" doc:"Another person"`
		}
	}) (*struct{ Body Custody }, error) {
		c, err := s.Custody(ctx, in.Body.Approval, in.Body.First, in.Body.Second)
		return &struct{ Body Custody }{c}, err
	})
	httpd.Op(r, "POST /api/v1/selection-keys/{id}/share", "selection.share_take", "Take your share; the hub then has it no more", func(ctx context.Context, in *idIn) (*struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}, error) {
		raw, err := s.TakeShare(ctx, in.ID)
		return &struct {
			ContentType string `header:"Content-Type"`
			Body        []byte
		}{"application/octet-stream", raw}, err
	}, httpd.Secret)
	httpd.Op(r, "GET /api/v1/selection-openings", "selection.openings", "List re-identifications: yours, those that wait for your share, or all as inspector", func(ctx context.Context, _ *struct{}) (*struct{ Body []Opening }, error) {
		list, err := s.Openings(ctx)
		if list == nil {
			list = []Opening{}
		}
		return &struct{ Body []Opening }{list}, err
	})
	httpd.Op(r, "POST /api/v1/selection-openings", "selection.reidentify", "Begin a re-identification that the commission approved", func(ctx context.Context, in *struct {
		Body struct {
			Approval string `json:"approval" minLength:"1" maxLength:"60"`
			Reason
		}
	}) (*struct{ Body Opening }, error) {
		o, err := s.AskOpening(ctx, in.Body.Approval, in.Body.Reason)
		return &struct{ Body Opening }{o}, err
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/selection-openings/{id}/share", "selection.share_give", "Give your share for one re-identification", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*struct{}, error) {
		return nil, s.GiveShare(ctx, in.ID, in.RawBody)
	}, httpd.MaxBody(16<<10), httpd.Secret)
	httpd.Op(r, "POST /api/v1/selection-openings/{id}/result", "selection.reveal", "See, once, what the pseudonyms stand for", func(ctx context.Context, in *idIn) (*struct{ Body []OpenedName }, error) {
		list, err := s.OpenPseudonyms(ctx, in.ID)
		return &struct{ Body []OpenedName }{list}, err
	}, httpd.Secret)
}
