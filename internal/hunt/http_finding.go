package hunt

import (
	"context"

	"noroshi/internal/base/httpd"
)

// FilterIn narrows a list of findings.
type FilterIn struct {
	Hunt      string `query:"hunt" maxLength:"60" doc:"Id or number"`
	Run       string `query:"run" maxLength:"60"`
	Rule      string `query:"rule" maxLength:"500" doc:"Id, else name or title"`
	Host      string `query:"host" maxLength:"500"`
	User      string `query:"user" maxLength:"500" doc:"Account"`
	Technique string `query:"technique" maxLength:"20" doc:"Such as T1059.001"`
	Level     string `query:"level" enum:"critical,high,medium,low,informational"`
	State     State  `query:"state" enum:"new,taken,harmless,real,unclear"`
	Waiting   bool   `query:"waiting" doc:"Only new and taken ones"`
}

func (in FilterIn) filter() FindingFilter {
	return FindingFilter{Hunt: in.Hunt, Run: in.Run, Rule: in.Rule, Host: in.Host, User: in.User, Technique: in.Technique, Level: in.Level, State: in.State, Waiting: in.Waiting}
}

// FilterInput is a filter in the body of a request.
type FilterInput struct {
	Hunt      string `json:"hunt,omitempty" maxLength:"60"`
	Run       string `json:"run,omitempty" maxLength:"60"`
	Rule      string `json:"rule,omitempty" maxLength:"500"`
	Host      string `json:"host,omitempty" maxLength:"500"`
	User      string `json:"user,omitempty" maxLength:"500"`
	Technique string `json:"technique,omitempty" maxLength:"20"`
	Level     string `json:"level,omitempty" enum:"critical,high,medium,low,informational"`
	State     State  `json:"state,omitempty" enum:"new,taken,harmless,real,unclear"`
	Waiting   bool   `json:"waiting,omitempty"`
}

// DecisionInput is what a person makes of a finding.
type DecisionInput struct {
	State  State  `json:"state" enum:"new,taken,harmless,real,unclear"`
	Reason string `json:"reason,omitempty" maxLength:"16000" doc:"Needed of harmless, real and unclear"`
}

// TriageInput is a decision on many findings.
type TriageInput struct {
	IDs    []string     `json:"ids,omitempty" maxItems:"2000" doc:"Either these"`
	Filter *FilterInput `json:"filter,omitempty" doc:"or all that a filter finds"`
	Expect int          `json:"expect,omitempty" minimum:"0" doc:"Needed with a filter: how many you saw; when it is another number nothing is changed"`
	DecisionInput
}

// ReleaseInput says which values of a finding are released.
type ReleaseInput struct {
	Values []string `json:"values" minItems:"1" maxItems:"200" doc:"Of those that the finding says may be released"`
	Named  bool     `json:"named,omitempty" doc:"Analysts may learn that it was on your network"`
}

type findingOut struct{ Body Finding }

func routeFindings(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/hunt-findings", "hunt.findings", "List what your hunts found, by rule, host and account, the gravest first", func(ctx context.Context, in *struct {
		httpd.Paging
		FilterIn
	}) (*httpd.List[Finding], error) {
		f := in.filter()
		f.Cursor, f.Limit = in.Cursor, in.Limit
		list, next, err := s.Findings(ctx, f)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/hunt-count", "hunt.count", "Count what a filter finds", func(ctx context.Context, in *FilterIn) (*struct {
		Body struct {
			Count int `json:"count"`
		}
	}, error) {
		var out struct {
			Body struct {
				Count int `json:"count"`
			}
		}
		n, err := s.Count(ctx, in.filter())
		out.Body.Count = n
		return &out, err
	})
	httpd.Op(r, "GET /api/v1/hunt-counts", "hunt.counts", "Count findings by host, account, technique or rule, the most first", func(ctx context.Context, in *struct {
		FilterIn
		By    string `query:"by" required:"true" enum:"host,user,technique,rule"`
		Limit int    `query:"limit" minimum:"1" maximum:"500"`
	}) (*httpd.List[Counted], error) {
		list, err := s.Counts(ctx, in.filter(), in.By, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, ""), nil
	})
	httpd.Op(r, "GET /api/v1/hunt-findings/{id}", "hunt.finding", "Read a finding with its examples, and what of it may be released", func(ctx context.Context, in *idIn) (*findingOut, error) {
		x, err := s.Finding(ctx, in.ID)
		return &findingOut{x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-findings/{id}/near", "hunt.near", "Read what happened within an hour on the same host, and of the same account", func(ctx context.Context, in *idIn) (*struct{ Body Near }, error) {
		x, err := s.Near(ctx, in.ID)
		return &struct{ Body Near }{x}, err
	})
	httpd.Op(r, "POST /api/v1/hunt-findings/{id}/release", "hunt.release", "Give values of a finding to the analysts, as sightings", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ReleaseInput
	}) (*findingOut, error) {
		x, err := s.Release(ctx, in.ID, in.Body.Values, in.Body.Named)
		return &findingOut{x}, err
	})
}

func routeTriage(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/hunt-findings/{id}/decide", "hunt.decide", "Say what you make of a finding of the version you saw", func(ctx context.Context, in *struct {
		VersionIn
		Body DecisionInput
	}) (*findingOut, error) {
		x, err := s.Decide(ctx, in.ID, in.Version, Decision(in.Body))
		return &findingOut{x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-decisions", "hunt.batches", "List your last decisions on many findings", func(ctx context.Context, _ *struct{}) (*httpd.List[Batch], error) {
		list, err := s.Batches(ctx)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, ""), nil
	})
	httpd.Op(r, "POST /api/v1/hunt-decisions", "hunt.triage", "Decide on many findings in one act, which can be undone", func(ctx context.Context, in *struct{ Body TriageInput }) (*struct {
		Status int
		Body   Batch
	}, error) {
		on := Choice{IDs: in.Body.IDs, Expect: in.Body.Expect}
		if f := in.Body.Filter; f != nil {
			q := FilterIn(*f).filter()
			on.Filter = &q
		}
		x, err := s.Triage(ctx, on, Decision(in.Body.DecisionInput))
		return &struct {
			Status int
			Body   Batch
		}{201, x}, err
	}, httpd.MaxBody(1<<20))
	httpd.Op(r, "POST /api/v1/hunt-decisions/{id}/undo", "hunt.undo", "Give findings back what they were, where nothing changed since", func(ctx context.Context, in *idIn) (*struct{ Body Undone }, error) {
		x, err := s.Undo(ctx, in.ID)
		return &struct{ Body Undone }{x}, err
	})
}
