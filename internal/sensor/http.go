package sensor

import (
	"context"
	"encoding/json"
	"time"

	"noroshi/internal/base/httpd"
)

// maxFeed bounds a request of a sensor, in bytes.
const maxFeed = 8 << 20

// SourceInput is a source as a client writes it.
type SourceInput struct {
	Name      string `json:"name" minLength:"1" maxLength:"800"`
	Kind      Kind   `json:"kind" enum:"interface,capture,exports,logs"`
	Basis     Basis  `json:"basis" enum:"own-network,consent,test,acquisition" doc:"acquisition is refused: acquired traffic is read by a selection run only"`
	Reason    string `json:"reason,omitempty" maxLength:"16000" doc:"Needed of consent: who agreed, and where it is written"`
	Networks  string `json:"networks,omitempty" maxLength:"16000" doc:"Needed of own-network: prefixes and links it sees, one a line"`
	FullNames bool   `json:"full_names,omitempty" doc:"Names are kept unshortened"`
	NamesWhy  string `json:"names_why,omitempty" maxLength:"16000" doc:"Needed with full_names"`
}

// FoundInput is a finding as a sensor writes it; "text" of a finding is read
// and forgotten, because every reader gets it in their own language.
type FoundInput struct {
	Kind     string          `json:"kind" maxLength:"40"`
	Score    float64         `json:"score" minimum:"0" maximum:"1"`
	Attack   []string        `json:"attack,omitempty" maxItems:"8" doc:"Ids of ATT&CK techniques"`
	Src      string          `json:"src,omitempty" maxLength:"255"`
	Dst      string          `json:"dst,omitempty" maxLength:"255"`
	Start    time.Time       `json:"start"`
	End      time.Time       `json:"end"`
	Evidence json.RawMessage `json:"evidence,omitempty" doc:"Numbers, times, addresses and short words"`
	Text     string          `json:"text,omitempty" maxLength:"4000"`
}

// FeedInput is what a source read in a time, and found. More findings than one
// request takes come in several, and the reading in the first.
type FeedInput struct {
	Reading  *Reading     `json:"reading,omitempty" doc:"What was read and lost; absent where these are further findings of a reading sent before"`
	Findings []FoundInput `json:"findings,omitempty" maxItems:"500"`
}

// DecisionInput is what a person makes of a finding.
type DecisionInput struct {
	State   State     `json:"state" enum:"taken,benign,reported,over"`
	Note    string    `json:"note,omitempty" maxLength:"16000" doc:"Needed of benign: why it is harmless"`
	UntilAt time.Time `json:"until_at,omitzero" doc:"Needed of benign: how long; at most a year"`
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60"`
	}
	sourceOut struct {
		Status int
		Body   Source
	}
	// Seen is a source with its last readings.
	Seen struct {
		Source
		Readings []Reading `json:"readings"`
	}
	findingOut struct{ Body Finding }
)

// Routes registers the JSON API of sources and findings.
func Routes(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/sensors", "sensor.list", "List your sources of traffic", func(ctx context.Context, in *struct{ httpd.Paging }) (*httpd.List[Source], error) {
		items, next, err := s.Sources(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, items, next), nil
	})
	httpd.Op(r, "POST /api/v1/sensors", "sensor.register", "Register a source, with the basis on which it is read", func(ctx context.Context, in *struct{ Body SourceInput }) (*sourceOut, error) {
		x, err := s.Register(ctx, NewSource(in.Body))
		return &sourceOut{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/sensors/{id}", "sensor.read", "Read a source and what it lately read and lost", func(ctx context.Context, in *idIn) (*struct{ Body Seen }, error) {
		x, readings, err := s.Source(ctx, in.ID)
		return &struct{ Body Seen }{Seen{x, readings}}, err
	})
	httpd.Op(r, "POST /api/v1/sensors/{id}/end", "sensor.end", "Close a source", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Why string `json:"why,omitempty" maxLength:"16000"`
		}
	}) (*struct{}, error) {
		return nil, s.End(ctx, in.ID, in.Body.Why)
	})
	httpd.Op(r, "POST /api/v1/sensors/{id}/findings", "sensor.feed", "Take in what a source read, lost and found", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body FeedInput
	}) (*struct{ Body TakenIn }, error) {
		found := make([]Found, len(in.Body.Findings))
		for i, f := range in.Body.Findings {
			found[i] = Found{f.Kind, f.Score, f.Attack, f.Src, f.Dst, f.Start, f.End, f.Evidence}
		}
		var r Reading
		if in.Body.Reading != nil {
			r = *in.Body.Reading
		}
		out, err := s.Take(ctx, in.ID, r, found)
		return &struct{ Body TakenIn }{out}, err
	}, httpd.MaxBody(maxFeed))
	routeFindings(r, s)
}

func routeFindings(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/findings", "finding.list", "List your findings, the most urgent first", func(ctx context.Context, in *struct {
		httpd.Paging
		State  State  `query:"state" enum:"new,taken,benign,reported,over"`
		Kind   string `query:"kind" maxLength:"40"`
		Source string `query:"source" maxLength:"60"`
		Open   bool   `query:"open" doc:"Only what waits for somebody"`
	}) (*httpd.List[Finding], error) {
		items, next, err := s.Findings(ctx, Filter{State: in.State, Kind: in.Kind, Source: in.Source, Open: in.Open, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, items, next), nil
	})
	httpd.Op(r, "GET /api/v1/findings/{id}", "finding.read", "Read a finding", func(ctx context.Context, in *idIn) (*findingOut, error) {
		x, err := s.Finding(ctx, in.ID)
		return &findingOut{x}, err
	})
	httpd.Op(r, "POST /api/v1/findings/{id}/decide", "finding.decide", "Say what you make of a finding of the version you saw", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Version int64  `query:"version" required:"true" minimum:"1"`
		Body    DecisionInput
	}) (*findingOut, error) {
		x, err := s.Decide(ctx, in.ID, in.Version, Decision(in.Body))
		return &findingOut{x}, err
	})
	httpd.Op(r, "POST /api/v1/findings/{id}/release", "finding.release", "Give a finding to the analysts, as a sighting", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body struct {
			Named bool `json:"named,omitempty" doc:"Analysts may learn that it was on your network"`
		}
	}) (*findingOut, error) {
		x, err := s.Release(ctx, in.ID, in.Body.Named)
		return &findingOut{x}, err
	})
}
