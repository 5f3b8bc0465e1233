package incident

import (
	"context"
	"encoding/json"
	"time"

	"noroshi/internal/base/httpd"
)

// DraftStart says what to begin: a first report of a kind, or the next version
// of a case.
type DraftStart struct {
	Kind  Kind   `json:"kind,omitempty" enum:"ransomware,ddos,other,cause" doc:"Of a first report"`
	Case  string `json:"case,omitempty" maxLength:"60" doc:"Case to continue, instead of kind"`
	Stage Stage  `json:"stage,omitempty" enum:"followup,final" doc:"Of the next version; followup when left out"`
}

// DraftChange is what changed in a draft since the revision in If-Match. What
// is left out stays.
type DraftChange struct {
	Values   map[string]json.RawMessage `json:"values,omitempty" doc:"Answers by field, as in a report; null takes one back"`
	Kind     *Kind                      `json:"kind,omitempty" enum:"ransomware,ddos,other,cause"`
	Class    *string                    `json:"class,omitempty" maxLength:"100" doc:"RSIT class; empty takes it back"`
	Severity *Severity                  `json:"severity,omitempty" doc:"act, attend, watch, track; empty takes it back"`
	TLP      *TLP                       `json:"tlp,omitempty" doc:"RED, AMBER+STRICT, AMBER, GREEN, CLEAR"`
	Consents map[string]bool            `json:"consents,omitempty"`
	Scope    map[string]string          `json:"scope,omitempty" doc:"Answers of the scope check; empty takes one back"`
}

func (c DraftChange) changes() (Changes, error) {
	values, err := DecodeValues(c.Values)
	return Changes{values, c.Kind, c.Class, c.Severity, c.TLP, c.Consents, c.Scope}, err
}

// ClashInput chooses one side of a clash.
type ClashInput struct {
	Other bool `json:"other" doc:"true takes the value that is not in the draft"`
}

type (
	draftOut struct {
		Status   int
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     Draft
	}
	draftsOut  struct{ Body []DraftLine }
	previewOut struct{ Body Preview }
)

func drafted(status int, d Draft, err error) (*draftOut, error) {
	if err != nil {
		return nil, err
	}
	return &draftOut{status, draftPath(d.ID), httpd.ETag(d.Revision), d}, nil
}

func draftPath(id ID) string { return "/api/v1/incident-drafts/" + id }

func routesDraft(r *httpd.Router, s *Service) {
	const all, one = "/api/v1/incident-drafts", "/api/v1/incident-drafts/{id}"
	httpd.Op(r, "GET "+all, "incident.drafts", "List the drafts of your organisation", func(ctx context.Context, _ *struct{}) (*draftsOut, error) {
		list, err := s.Drafts(ctx)
		return &draftsOut{some(list)}, err
	})
	httpd.Op(r, "POST "+all, "incident.draft_start", "Begin a report, or the next version of one", func(ctx context.Context, in *struct{ Body DraftStart }) (*draftOut, error) {
		if in.Body.Case == "" {
			d, err := s.StartDraft(ctx, in.Body.Kind)
			return drafted(201, d, err)
		}
		stage := in.Body.Stage
		if stage == "" {
			stage = Followup
		}
		d, err := s.StartNext(ctx, in.Body.Case, stage)
		return drafted(201, d, err)
	})
	httpd.Op(r, "GET "+one, "incident.draft_read", "Read a draft; its ETag is the revision", func(ctx context.Context, in *caseIn) (*draftOut, error) {
		d, err := s.Draft(ctx, in.ID)
		return drafted(200, d, err)
	})
	httpd.Op(r, "PATCH "+one, "incident.draft", "Save what changed since the revision in If-Match; fields that two people changed are kept twice, in clashes", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string `path:"id" maxLength:"60"`
		Body DraftChange
	}) (*draftOut, error) {
		base, err := in.Version()
		if err != nil {
			return nil, err
		}
		changes, err := in.Body.changes()
		if err != nil {
			return nil, err
		}
		d, err := s.SaveDraft(ctx, in.ID, int64(base), changes)
		return drafted(200, d, err)
	}, httpd.MaxBody(MaxJSON+1))
	httpd.Op(r, "DELETE "+one, "incident.draft_discard", "Discard a draft with its files", func(ctx context.Context, in *caseIn) (*struct{}, error) {
		return nil, s.DiscardDraft(ctx, in.ID)
	})
	httpd.Op(r, "GET "+one+"/preview", "incident.preview", "Tell what would happen if the draft were submitted now", func(ctx context.Context, in *caseIn) (*previewOut, error) {
		p, err := s.PreviewDraft(ctx, in.ID)
		return &previewOut{p}, err
	})
	httpd.Op(r, "POST "+one+"/clashes/{choice}", "incident.draft_choose", "Choose one of two values", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"60"`
		Choice string `path:"choice" maxLength:"60"`
		Body   ClashInput
	}) (*draftOut, error) {
		d, err := s.ResolveClash(ctx, in.ID, in.Choice, in.Body.Other)
		return drafted(200, d, err)
	})
	httpd.Op(r, "POST "+one+"/submission", "incident.draft_submit", "Submit the draft as it stands at the revision in If-Match", func(ctx context.Context, in *struct {
		httpd.Match
		ID string `path:"id" maxLength:"60"`
	}) (*submittedOut, error) {
		revision, err := in.Version()
		if err != nil {
			return nil, err
		}
		return submittedAs(s.SubmitDraft(ctx, in.ID, int64(revision)))
	})
}

// ExtendInput keeps content longer.
type ExtendInput struct {
	Until  time.Time `json:"until" doc:"After the present end, within ten years"`
	Reason string    `json:"reason" maxLength:"20000"`
}

func routesKeep(r *httpd.Router, s *Service) {
	type holdOut struct{ Body ReasonInput }
	httpd.Op(r, "GET /api/v1/incidents/{id}/hold", "incident.hold_reason", "Read why a report is under legal hold", func(ctx context.Context, in *caseIn) (*holdOut, error) {
		why, err := s.HoldReason(ctx, in.ID)
		return &holdOut{ReasonInput{why}}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/hold", "incident.hold", "Put a report under legal hold: nothing of it is destroyed", func(ctx context.Context, in *reasonIn) (*struct{}, error) {
		return nil, s.Hold(ctx, in.ID, in.Body.Reason)
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/hold/release", "incident.release", "Take a report off legal hold", func(ctx context.Context, in *reasonIn) (*struct{}, error) {
		return nil, s.Release(ctx, in.ID, in.Body.Reason)
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/retention", "incident.extend", "Keep the content of a report longer", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ExtendInput
	}) (*struct{}, error) {
		return nil, s.Extend(ctx, in.ID, in.Body.Until, in.Body.Reason)
	})
}
