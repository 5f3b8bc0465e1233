package hunt

import (
	"context"
	"time"

	"noroshi/internal/base/httpd"
)

type (
	idIn struct {
		ID string `path:"id" maxLength:"60"`
	}
	// VersionIn names a thing and the version that the client saw.
	VersionIn struct {
		ID      string `path:"id" maxLength:"60"`
		Version int64  `query:"version" required:"true" minimum:"1"`
	}
	huntOut struct {
		Status int
		Body   Hunt
	}
	runOut struct{ Body Received }
)

// HuntInput is a hunt as a client writes it.
type HuntInput struct {
	Title    string    `json:"title" minLength:"1" maxLength:"800"`
	Question string    `json:"question" minLength:"1" maxLength:"16000" doc:"Why you hunt: what would be seen if the intruder were there"`
	Hosts    string    `json:"hosts,omitempty" maxLength:"16000" doc:"In words, or one a line"`
	From     time.Time `json:"from,omitzero" doc:"Of the logs"`
	Until    time.Time `json:"until,omitzero" doc:"Of the logs"`
	Logs     string    `json:"logs,omitempty" maxLength:"16000" doc:"Kinds of logs, in words"`
	Rules    []string  `json:"rules,omitempty" maxItems:"20" doc:"Editions: starter/2026-11-22 or id/number"`
	Notice   string    `json:"notice,omitempty" maxLength:"800" doc:"Number of the notice that asks for it, or words"`
}

// RunInput is a run before its results come in.
type RunInput struct {
	Key string `json:"key" minLength:"8" maxLength:"128" doc:"Of your choice; with the same key again you get the run that is there"`
	Told
}

// PartInput is a part of the results of a run.
type PartInput struct {
	Detections []LineInput `json:"detections" minItems:"1" maxItems:"2000" doc:"Lines of hunt scan --format jsonl"`
}

// Routes registers the JSON API of hunts in the hub.
func Routes(r *httpd.Router, s *Service) {
	routeHunts(r, s)
	routeHold(r, s)
	routeRuns(r, s)
	routeFindings(r, s)
	routeTriage(r, s)
	routeRules(r, s)
	routeSuppressions(r, s)
}

func routeHunts(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/hunts", "hunt.list", "List your hunts, the newest first", func(ctx context.Context, in *struct {
		httpd.Paging
		Stage Stage `query:"stage" enum:"draft,open,closed"`
	}) (*httpd.List[Hunt], error) {
		list, next, err := s.Hunts(ctx, HuntFilter{Stage: in.Stage, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/hunts", "hunt.draft", "Write down a hunt", func(ctx context.Context, in *struct{ Body HuntInput }) (*huntOut, error) {
		x, err := s.Draft(ctx, NewHunt(in.Body))
		return &huntOut{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/hunts/{id}", "hunt.read", "Read a hunt by its id or number", func(ctx context.Context, in *idIn) (*huntOut, error) {
		x, err := s.Hunt(ctx, in.ID)
		return &huntOut{200, x}, err
	})
	httpd.Op(r, "PUT /api/v1/hunts/{id}", "hunt.change", "Rewrite a hunt of the version you saw", func(ctx context.Context, in *struct {
		VersionIn
		Body HuntInput
	}) (*huntOut, error) {
		x, err := s.Change(ctx, in.ID, in.Version, NewHunt(in.Body))
		return &huntOut{200, x}, err
	})
	httpd.Op(r, "POST /api/v1/hunts/{id}/begin", "hunt.begin", "Open a hunt: results may come in", func(ctx context.Context, in *VersionIn) (*huntOut, error) {
		x, err := s.Begin(ctx, in.ID, in.Version)
		return &huntOut{200, x}, err
	})
	httpd.Op(r, "POST /api/v1/hunts/{id}/close", "hunt.close", "End a hunt with a conclusion", func(ctx context.Context, in *struct {
		VersionIn
		Body struct {
			Conclusion Conclusion `json:"conclusion" enum:"found,not_found,unclear"`
			Words      string     `json:"words" minLength:"1" maxLength:"16000"`
		}
	}) (*huntOut, error) {
		x, err := s.Close(ctx, in.ID, in.Version, in.Body.Conclusion, in.Body.Words)
		return &huntOut{200, x}, err
	})
}

// HoldInput is why results are kept, or are no longer.
type HoldInput struct {
	Why string `json:"why" minLength:"1" maxLength:"16000"`
}

type holdIn struct {
	VersionIn
	Body HoldInput
}

func routeHold(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/hunts/{id}/hold", "hunt.hold", "Keep the results of a hunt beyond their time", func(ctx context.Context, in *holdIn) (*huntOut, error) {
		x, err := s.Hold(ctx, in.ID, in.Version, in.Body.Why)
		return &huntOut{200, x}, err
	})
	httpd.Op(r, "POST /api/v1/hunts/{id}/unhold", "hunt.unhold", "Let the results of a hunt go at their time again", func(ctx context.Context, in *holdIn) (*huntOut, error) {
		x, err := s.Unhold(ctx, in.ID, in.Version, in.Body.Why)
		return &huntOut{200, x}, err
	})
}

func routeRuns(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/hunt-runs", "hunt.runs", "List runs, the newest first", func(ctx context.Context, in *struct {
		httpd.Paging
		Hunt string `query:"hunt" maxLength:"60" doc:"Id or number of a hunt"`
	}) (*httpd.List[Received], error) {
		list, next, err := s.Runs(ctx, in.Hunt, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/hunts/{id}/runs", "hunt.receive", "Begin to send the results of a run", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body RunInput
	}) (*struct {
		Status int
		Body   Received
	}, error) {
		x, err := s.Receive(ctx, in.ID, in.Body.Key, in.Body.Told)
		return &struct {
			Status int
			Body   Received
		}{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-runs/{id}", "hunt.run", "Read a run", func(ctx context.Context, in *idIn) (*runOut, error) {
		x, err := s.Run(ctx, in.ID)
		return &runOut{x}, err
	})
	httpd.Op(r, "PUT /api/v1/hunt-runs/{id}/parts/{number}", "hunt.receive_part", "Send a part of a run's results, numbered from 1; a part that is there changes nothing", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"60"`
		Number int    `path:"number" minimum:"1" maximum:"1000000"`
		Body   PartInput
	}) (*runOut, error) {
		list, err := incomings(in.Body.Detections)
		if err != nil {
			return nil, err
		}
		x, err := s.ReceivePart(ctx, in.ID, in.Number, list)
		return &runOut{x}, err
	}, httpd.MaxBody(MaxPart+64<<10))
	httpd.Op(r, "POST /api/v1/hunt-runs/{id}/end", "hunt.receive_end", "Say that a run came in whole", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Parts int `json:"parts" minimum:"0"`
		}
	}) (*runOut, error) {
		x, err := s.ReceiveEnd(ctx, in.ID, in.Body.Parts)
		return &runOut{x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-runs/{id}/compare", "hunt.compare", "Count what came, went and stayed since an older run of the same hunt", func(ctx context.Context, in *struct {
		ID     string `path:"id" maxLength:"60"`
		Before string `query:"before" required:"true" maxLength:"60" doc:"Id of the older run"`
	}) (*struct{ Body Compared }, error) {
		x, err := s.Compare(ctx, in.Before, in.ID)
		return &struct{ Body Compared }{x}, err
	})
	httpd.Op(r, "GET /api/v1/hunt-runs/{id}/changes", "hunt.changed", "List what came, went or stayed since an older run of the same hunt", func(ctx context.Context, in *struct {
		httpd.Paging
		ID     string `path:"id" maxLength:"60"`
		Before string `query:"before" required:"true" maxLength:"60" doc:"Id of the older run"`
		Change Change `query:"change" required:"true" enum:"new,gone,both"`
	}) (*httpd.List[Finding], error) {
		list, next, err := s.Changed(ctx, in.Before, in.ID, in.Change, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
}
