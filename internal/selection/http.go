package selection

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"noroshi/internal/approval"
	"noroshi/internal/base/httpd"
	"noroshi/internal/engine/deid"
	"noroshi/internal/intel"
	"noroshi/internal/sighting"
)

type (
	idIn struct {
		ID string `path:"id" maxLength:"60"`
	}
	countersigned struct{ Body HubRun }
	createdRun    struct {
		Status int
		Body   HubRun
	}
	runsIn struct {
		httpd.Paging
		Approval string   `query:"approval" maxLength:"60"`
		State    RunState `query:"state" enum:"going,done,interrupted"`
	}
	recordsIn struct {
		httpd.Paging
		Run        string `query:"run" required:"true" maxLength:"60"`
		Purpose    string `query:"purpose" required:"true" enum:"analyse,warn,measure,other" doc:"For what you read them; recorded with each page"`
		Consent    string `query:"consent" maxLength:"60" doc:"Id of the party's consent; needed of the purpose other"`
		Selector   string `query:"selector" maxLength:"20" doc:"Public id of a selector"`
		Disclosure string `query:"disclosure" maxLength:"60" doc:"As a recipient: under which disclosure"`
	}
)

// RunInput is a run before it begins.
type RunInput struct {
	Approval   string `json:"approval" minLength:"1" maxLength:"60"`
	Directions Ways   `json:"directions,omitempty" doc:"Empty: all that were approved"`
	Link       string `json:"link,omitempty" maxLength:"200" doc:"Of which line the packets are; needed, unless the order is a trial on files"`
	Source     string `json:"source,omitempty" maxLength:"200" doc:"What is read, in your words"`
	MadeUp     bool   `json:"made_up,omitempty" doc:"The traffic is made up: the statement may then name made-up networks. The run counts all the same; only the hub's own made-up traffic is a test"`
}

func (in RunInput) run() NewRun {
	return NewRun{Approval: in.Approval, Directions: in.Directions, Link: in.Link, Source: in.Source, Test: in.MadeUp}
}

// DrillInput is a run on made-up traffic of the hub.
type DrillInput struct {
	Approval   string `json:"approval" minLength:"1" maxLength:"60"`
	Directions Ways   `json:"directions,omitempty" doc:"Empty: all that were approved"`
	Traffic    string `json:"traffic" minLength:"1" maxLength:"60" doc:"Id of the made-up traffic"`
	Wait       bool   `json:"wait,omitempty" doc:"Answer when the run has ended"`
}

// BeatInput says up to how much of the cap a run may have taken.
type BeatInput struct {
	Packets uint64 `json:"packets,omitempty"`
	Bytes   uint64 `json:"bytes,omitempty"`
}

// ExtensionInput asks to keep records longer.
type ExtensionInput struct {
	Until  time.Time `json:"until"`
	Reason string    `json:"reason" minLength:"1" maxLength:"16000"`
}

// SightingInput makes a sighting of what one selector found.
type SightingInput struct {
	Selector string `json:"selector" minLength:"1" maxLength:"20"`
	Reason
	Note string `json:"note,omitempty" maxLength:"16000"`
}

// ItemInput drafts an item of intelligence of what one selector found.
type ItemInput struct {
	Selector string `json:"selector" minLength:"1" maxLength:"20"`
	Title    string `json:"title" minLength:"1" maxLength:"800"`
	Reason
}

// DisclosureInput is a provision of records to a recipient.
type DisclosureInput struct {
	Run       string `json:"run" minLength:"1" maxLength:"60"`
	Recipient string `json:"recipient" minLength:"1" maxLength:"60"`
	Selector  string `json:"selector,omitempty" maxLength:"20"`
	Basis     string `json:"basis" minLength:"1" maxLength:"800" doc:"Provision of law"`
	Caveat    string `json:"caveat" minLength:"1" maxLength:"16000" doc:"How it may be handled"`
	Reason
}

// MaxCapture bounds a capture that is sent to the hub, in bytes: it is read while
// it comes in and kept nowhere.
const MaxCapture = 1 << 30

// Routes registers the JSON API of agreements, lists, runs and records.
func Routes(r *httpd.Router, s *Service) {
	routesAgreement(r, s)
	routesList(r, s)
	routesRun(r, s)
	routesRemote(r, s)
	routesRecord(r, s)
	routesCustody(r, s)
}

func routesRun(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/selection-runs", "selection.runs", "List runs within your reach, the newest first", func(ctx context.Context, in *runsIn) (*httpd.List[HubRun], error) {
		list, next, err := s.Runs(ctx, RunFilter{Approval: in.Approval, State: in.State, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/selection-runs/{id}", "selection.run_show", "Read a run: its statement, and what was done with its records", func(ctx context.Context, in *idIn) (*struct{ Body RunView }, error) {
		v, err := s.ShowRun(ctx, in.ID)
		return &struct{ Body RunView }{v}, err
	})
	httpd.Op(r, "POST /api/v1/selection-drills", "selection.drill", "Select from made-up traffic of the hub under an approval in force", func(ctx context.Context, in *struct{ Body DrillInput }) (*createdRun, error) {
		do := s.StartDrill
		if in.Body.Wait {
			do = s.RunDrill
		}
		x, err := do(ctx, NewRun{Approval: in.Body.Approval, Directions: in.Body.Directions}, in.Body.Traffic)
		return &createdRun{201, x}, err
	}, httpd.Secret)
	// A capture is read as it comes: nothing of it is in memory as a whole, nor in
	// a file, and no key can make it be kept for a repetition.
	r.Handle("POST /api/v1/selection-captures", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Idempotency-Key") != "" {
			r.Error(w, req, httpd.ErrKey)
			return
		}
		q := req.URL.Query()
		x, err := s.RunCapture(req.Context(), NewRun{Approval: q.Get("approval"), Link: q.Get("link"), Source: q.Get("source")}, req.Body)
		if err != nil {
			r.Error(w, req, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(x) // the client has gone when this fails
	}), httpd.MaxBody(MaxCapture))
	httpd.Op(r, "GET /api/v1/selection-volumes", "selection.volumes", "List, as a carrier, when and how much was taken under your instructions", func(ctx context.Context, _ *struct{}) (*struct{ Body []CarrierRow }, error) {
		list, err := s.Carrier(ctx)
		if list == nil {
			list = []CarrierRow{}
		}
		return &struct{ Body []CarrierRow }{list}, err
	})
}

func routesRemote(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/selection-runs", "selection.begin", "Redeem an approval for a run on your own machine", func(ctx context.Context, in *struct{ Body RunInput }) (*struct {
		Status int
		Body   Remote
	}, error) {
		x, err := s.BeginRemote(ctx, in.Body.run())
		return &struct {
			Status int
			Body   Remote
		}{201, x}, err
	}, httpd.Secret)
	httpd.Op(r, "GET /api/v1/selection-runs/{id}/selectors", "selection.selectors", "Download the compiled list of your own run", func(ctx context.Context, in *idIn) (*struct {
		ContentType string `header:"Content-Type"`
		Body        []byte
	}, error) {
		raw, err := s.ListFile(ctx, in.ID)
		return &struct {
			ContentType string `header:"Content-Type"`
			Body        []byte
		}{"application/octet-stream", raw}, err
	})
	httpd.Op(r, "POST /api/v1/selection-runs/{id}/beat", "selection.beat", "Say that your run goes on; a refusal ends it", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body BeatInput
	}) (*struct{}, error) {
		return nil, s.Beat(ctx, in.ID, approval.Quantity(in.Body))
	})
	httpd.Op(r, "POST /api/v1/selection-runs/{id}/records/{page}", "selection.deliver", "Hand in a page of records, one JSON object a line", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Page    int64  `path:"page" minimum:"0" maximum:"1000000"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*struct{}, error) {
		return nil, s.Deliver(ctx, in.ID, in.Page, in.RawBody)
	}, httpd.MaxBody(MaxPageBytes+1))
	// A vault goes to the disk as it comes, encrypted; it is no JSON, and the same
	// one sent again is the same one.
	r.Handle("POST /api/v1/selection-runs/{id}/vault", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := s.TakeVault(req.Context(), req.PathValue("id"), req.Body); err != nil {
			r.Error(w, req, err)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}), httpd.MaxBody(deid.MaxVault))
	httpd.Op(r, "POST /api/v1/selection-runs/{id}/statement", "selection.state", "End your run with its signed statement", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*countersigned, error) {
		x, err := s.State(ctx, in.ID, in.RawBody)
		return &countersigned{x}, err
	}, httpd.MaxBody(maxStated+1))
	httpd.Op(r, "DELETE /api/v1/selection-runs/{id}", "selection.abort", "Give your run up: all it handed in is destroyed", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Abort(ctx, in.ID)
	})
}

func routesRecord(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/selection-records", "selection.records", "Read records of a run for a purpose; each page is on the record", func(ctx context.Context, in *recordsIn) (*httpd.List[Stored], error) {
		list, next, err := s.Read(ctx, RecordFilter{Run: in.Run, Selector: in.Selector, Disclosure: in.Disclosure, Cursor: in.Cursor, Limit: in.Limit}, Reason{in.Purpose, in.Consent})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/selection-runs/{id}/extension", "selection.prolong", "Keep the records of a run longer, with a reason", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ExtensionInput
	}) (*struct{ Body Extension }, error) {
		e, err := s.Extend(ctx, in.ID, in.Body.Until, in.Body.Reason)
		return &struct{ Body Extension }{e}, err
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/selection-runs/{id}/sightings", "selection.sighting", "Make a sighting of what one selector found", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body SightingInput
	}) (*struct {
		Status int
		Body   sighting.Sighting
	}, error) {
		x, err := s.Sight(ctx, in.ID, in.Body.Selector, in.Body.Reason, in.Body.Note)
		return &struct {
			Status int
			Body   sighting.Sighting
		}{201, x}, err
	}, httpd.Secret)
	httpd.Op(r, "POST /api/v1/selection-runs/{id}/items", "selection.item", "Draft an item of intelligence of what one selector found", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ItemInput
	}) (*struct {
		Status int
		Body   intel.Item
	}, error) {
		x, err := s.WriteItem(ctx, in.ID, in.Body.Selector, in.Body.Reason, in.Body.Title)
		return &struct {
			Status int
			Body   intel.Item
		}{201, x}, err
	}, httpd.Secret)
	httpd.Op(r, "GET /api/v1/selection-disclosures", "selection.disclosures", "List what was disclosed: to you, or by your office", func(ctx context.Context, in *httpd.Paging) (*httpd.List[Disclosure], error) {
		list, _, next, err := s.Disclosures(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/selection-disclosures", "selection.disclose", "Let a recipient of the order read records of a run", func(ctx context.Context, in *struct{ Body DisclosureInput }) (*struct {
		Status int
		Body   Disclosure
	}, error) {
		b := in.Body
		d, err := s.Disclose(ctx, NewDisclosure{Run: b.Run, Recipient: b.Recipient, Selector: b.Selector, Basis: b.Basis, Caveat: b.Caveat, Why: b.Reason})
		return &struct {
			Status int
			Body   Disclosure
		}{201, d}, err
	}, httpd.Secret)
	httpd.Op(r, "GET /api/v1/selection-receipts", "selection.receipts", "List what was destroyed, the newest first", func(ctx context.Context, in *httpd.Paging) (*httpd.List[Receipt], error) {
		list, next, err := s.Receipts(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
}

// SelectorRow is a selector as the API shows it.
type SelectorRow struct {
	Condition
	Type string `json:"type"`
}

// SecondInput is what a second person decides about a waiting list.
type SecondInput struct {
	Overrides []Override `json:"overrides,omitempty" maxItems:"500" nullable:"false"`
	Drop      bool       `json:"drop,omitempty" doc:"Give the whole list up"`
}

func routesList(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/selector-lists", "selection.lists", "List lists of selectors; to the commission their hashes and counts", func(ctx context.Context, in *struct {
		httpd.Paging
		Waiting bool `query:"waiting" doc:"Only those that wait for you as the second person"`
	}) (*httpd.List[List], error) {
		list, next, err := s.Lists(ctx, in.Waiting, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/selector-lists", "selection.list_make", "Make a list of CSV, STIX 2.1, JSON or plain lines, and of intelligence items", func(ctx context.Context, in *struct {
		Name    string   `query:"name" required:"true" minLength:"1" maxLength:"800"`
		Act     string   `query:"act" maxLength:"200" doc:"Target act of lines that name none"`
		Source  string   `query:"source" maxLength:"200" doc:"Source of lines that name none"`
		Before  string   `query:"before" maxLength:"60" doc:"List that this is the next version of"`
		Items   []string `query:"item" maxItems:"200" doc:"Ids of intelligence items"`
		RawBody []byte   `contentType:"application/octet-stream"`
	}) (*struct {
		Status int
		Body   List
	}, error) {
		l, err := s.MakeList(ctx, NewList{Name: in.Name, File: "list", Data: in.RawBody, Items: in.Items, Source: in.Source, Act: in.Act, Before: in.Before})
		return &struct {
			Status int
			Body   List
		}{201, l}, err
	}, httpd.MaxBody(MaxListFile+1), httpd.Secret)
	httpd.Op(r, "GET /api/v1/selector-lists/{id}", "selection.list", "Read a list", func(ctx context.Context, in *idIn) (*struct{ Body List }, error) {
		l, err := s.List(ctx, in.ID)
		return &struct{ Body List }{l}, err
	})
	httpd.Op(r, "GET /api/v1/selector-lists/{id}/selectors", "selection.conditions", "Open the selectors of a list; it is recorded", func(ctx context.Context, in *struct {
		ID    string `path:"id" maxLength:"60"`
		From  int    `query:"from" minimum:"0" maximum:"100000000"`
		Limit int    `query:"limit" minimum:"1" maximum:"500" default:"50"`
	}) (*struct {
		Body struct {
			Total int           `json:"total"`
			Items []SelectorRow `json:"items" nullable:"false"`
		}
	}, error) {
		list, total, err := s.Conditions(ctx, in.ID, in.From, in.Limit)
		if err != nil {
			return nil, err
		}
		var out struct {
			Body struct {
				Total int           `json:"total"`
				Items []SelectorRow `json:"items" nullable:"false"`
			}
		}
		out.Body.Total, out.Body.Items = total, []SelectorRow{}
		for _, x := range list {
			out.Body.Items = append(out.Body.Items, SelectorRow{x, x.Kind.String()})
		}
		return &out, nil
	})
	httpd.Op(r, "POST /api/v1/selector-lists/{id}/second", "selection.list_second", "Decide, as a second person, of what meets a warning list", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body SecondInput
	}) (*struct{ Body List }, error) {
		l, err := s.Second(ctx, in.ID, in.Body.Overrides, in.Body.Drop)
		return &struct{ Body List }{l}, err
	}, httpd.Secret)
}
