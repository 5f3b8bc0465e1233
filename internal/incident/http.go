package incident

import (
	"context"
	"time"

	"noroshi/internal/base/fault"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/text"
	"noroshi/internal/base/thread"
)

// Routes registers the JSON API of reports. Words say what is rendered.
//
// Whoever was sent a report names a purpose to open anything of its content
// (query parameter purpose; GET /api/v1/incident-purposes lists them), and each
// such reading is recorded and shown to the reporter. A GET that records is
// still safe in the sense of RFC 9110, 9.2.1: nobody asks for the record.
func Routes(r *httpd.Router, s *Service, words *text.Catalog) {
	routesCase(r, s)
	routesRecipient(r, s)
	routesFile(r, s, words)
	routesDraft(r, s)
	routesKeep(r, s)
	routesRules(r, s)
}

// CaseItem is a case in a list, with the name of its reporter.
type CaseItem struct {
	Case
	OrgName string `json:"org_name"`
}

type (
	caseIn struct {
		ID string `path:"id" maxLength:"60" doc:"Case id"`
	}
	openIn struct {
		ID      string `path:"id" maxLength:"60" doc:"Case id"`
		Version int    `query:"version" minimum:"0" maximum:"9999" doc:"0, or left out: the last"`
		Purpose string `query:"purpose" maxLength:"60" doc:"Why it is opened; needed unless you are its reporter"`
	}
	listIn struct {
		httpd.Paging
		Waiting  bool     `query:"waiting" doc:"Only what waits for your organisation"`
		State    State    `query:"state" enum:"open,closed,withdrawn"`
		Kind     Kind     `query:"kind" enum:"ransomware,ddos,other,cause"`
		Severity Severity `query:"severity" enum:"act,attend,watch,track"`
		Sector   string   `query:"sector" maxLength:"60"`
		Number   string   `query:"number" maxLength:"60" doc:"Case number; small letters, full width and missing hyphens are taken"`
	}
	reportIn struct {
		RawBody []byte `contentType:"application/vnd.noroshi.report+json"`
	}
	nextIn struct {
		ID      string `path:"id" maxLength:"60"`
		RawBody []byte `contentType:"application/vnd.noroshi.report+json"`
	}
	submittedOut struct {
		Status   int
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     Submitted
	}
	viewOut struct {
		ETag string `header:"ETag"`
		Body View
	}
	versionsOut struct{ Body []Version }
	changesOut  struct{ Body []Change }
	resultOut   struct{ Body Result }
	proofsOut   struct{ Body []Proof }
	reasonIn    struct {
		ID   string `path:"id" maxLength:"60"`
		Body ReasonInput
	}
)

// ReasonInput is why somebody does something.
type ReasonInput struct {
	Reason string `json:"reason" maxLength:"10000" doc:"At most 4,000 characters; sealed, its digest recorded"`
}

func routesCase(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/incidents", "incident.list", "List the reports on your desk: your own, or those that were sent to you", func(ctx context.Context, in *listIn) (*httpd.List[CaseItem], error) {
		f := Filter{Waiting: in.Waiting, State: in.State, Kind: in.Kind, Severity: in.Severity, Sector: in.Sector, Number: in.Number, Cursor: in.Cursor, Limit: in.Limit}
		list, next, err := s.List(ctx, f)
		if err != nil {
			return nil, err
		}
		ids := make([]string, len(list))
		for i, c := range list {
			ids[i] = c.Org
		}
		names, err := s.OrgNames(ctx, httpd.Lang(ctx), ids...)
		if err != nil {
			return nil, err
		}
		items := make([]CaseItem, len(list))
		for i, c := range list {
			items[i] = CaseItem{c, names[c.Org]}
		}
		return httpd.ListOf(ctx, items, next), nil
	})
	httpd.Op(r, "POST /api/v1/incidents", "incident.submit", "Submit a report: a first one, or the next version of the report whose id it has", func(ctx context.Context, in *reportIn) (*submittedOut, error) {
		return submit(ctx, s, "", in.RawBody)
	}, httpd.MaxBody(MaxJSON+1))
	httpd.Op(r, "POST /api/v1/incidents/{id}/versions", "incident.followup", "Submit the next version of a report", func(ctx context.Context, in *nextIn) (*submittedOut, error) {
		return submit(ctx, s, in.ID, in.RawBody)
	}, httpd.MaxBody(MaxJSON+1))
	httpd.Op(r, "GET /api/v1/incidents/{id}", "incident.open", "Open a report", func(ctx context.Context, in *openIn) (*viewOut, error) {
		v, err := s.Open(ctx, in.ID, in.Version, in.Purpose)
		if err != nil {
			return nil, err
		}
		return &viewOut{httpd.ETag(v.Report.Version), v}, nil
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/versions", "incident.versions", "List the versions of a report", func(ctx context.Context, in *openIn) (*versionsOut, error) {
		v, err := s.Open(ctx, in.ID, 0, in.Purpose)
		return &versionsOut{some(v.Versions)}, err
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/versions/{version}/changes", "incident.compare", "Tell how a version differs from the one before it", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Version int    `path:"version" minimum:"1" maximum:"9999"`
		Purpose string `query:"purpose" maxLength:"60"`
	}) (*changesOut, error) {
		list, err := s.Compare(ctx, in.ID, in.Version, in.Purpose)
		return &changesOut{some(list)}, err
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/clocks", "incident.clocks", "Check your own report or draft now: every clock, and what is missing for whom", func(ctx context.Context, in *caseIn) (*resultOut, error) {
		res, err := s.Clocks(ctx, in.ID)
		return &resultOut{res}, err
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/receipts", "incident.receipts", "List the receipts of a report with their proofs", func(ctx context.Context, in *caseIn) (*proofsOut, error) {
		list, err := s.Receipts(ctx, in.ID)
		return &proofsOut{some(list)}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/withdrawal", "incident.withdraw", "Take a report back; it stays where it was sent, marked", func(ctx context.Context, in *reasonIn) (*struct{}, error) {
		return nil, s.Withdraw(ctx, in.ID, in.Body.Reason)
	})
}

// submit takes a report as JSON. With an id it must be of that case.
func submit(ctx context.Context, s *Service, id ID, raw []byte) (*submittedOut, error) {
	report, err := DecodeReport(raw)
	if err != nil {
		return nil, err
	}
	if id != "" && report.ID != "" && report.ID != id {
		return nil, ErrInvalid.At(fault.Place{At: "/id", Code: "incident.hub.id"})
	}
	if id != "" {
		report.ID = id
	}
	got, err := s.Submit(ctx, report, "")
	return submittedAs(got, err)
}

func submittedAs(got Submitted, err error) (*submittedOut, error) {
	if err != nil {
		return nil, err
	}
	return &submittedOut{201, "/api/v1/incidents/" + got.Case.ID, httpd.ETag(got.Case.Version), got}, nil
}

// some makes a list that JSON writes as [] and never as null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// These are what a client writes into one act.
type (
	// AckInput is a recipient's stamp.
	AckInput struct {
		Number string `json:"number,omitempty" maxLength:"240" doc:"Your own 受付番号; the case number when left out"`
	}
	// QuestionInput is a question to the reporter.
	QuestionInput struct {
		Text string `json:"text" maxLength:"20000" doc:"At most 4,000 characters"`
	}
	// AnswerInput is an answer to a recipient.
	AnswerInput struct {
		With string `json:"with" maxLength:"60" doc:"Organisation that is answered"`
		Text string `json:"text" maxLength:"20000" doc:"At most 4,000 characters"`
	}
	// FeedbackInput is what came of a report.
	FeedbackInput struct {
		Done   string `json:"done" maxLength:"20000" doc:"What was done with the report"`
		Advice string `json:"advice,omitempty" maxLength:"20000" doc:"What is advised"`
	}
	// DelayInput asks to show one's readings later.
	DelayInput struct {
		Ground string    `json:"ground" maxLength:"60" doc:"Id of a ground; see GET /api/v1/incident-purposes"`
		Note   string    `json:"note" maxLength:"20000" doc:"Why; for the commission, not for the reporter"`
		Until  time.Time `json:"until" doc:"When they are shown; each ground has a limit"`
	}
	// DecisionInput agrees to a supervision, or refuses it.
	DecisionInput struct {
		Agree bool `json:"agree"`
	}
)

type (
	ackOut struct {
		Status int
		Body   Acknowledged
	}
	messageOut struct {
		Status int
		Body   thread.Message
	}
	messagesOut struct{ Body []thread.Message }
	feedbackOut struct {
		Status int
		Body   Feedback
	}
	feedbacksOut   struct{ Body []Feedback }
	supervisionOut struct {
		Status int
		Body   SupervisionCase
	}
	supervisionsOut struct{ Body []SupervisionCase }
)

func routesRecipient(r *httpd.Router, s *Service) {
	type coverOut struct{ Body Cover }
	httpd.Op(r, "GET /api/v1/incidents/{id}/cover", "incident.cover", "Look at a report that was sent to you without opening it", func(ctx context.Context, in *caseIn) (*coverOut, error) {
		c, err := s.Cover(ctx, in.ID)
		return &coverOut{c}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/acknowledgement", "incident.acknowledge", "Acknowledge a report that was sent to you", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body AckInput
	}) (*ackOut, error) {
		a, err := s.Acknowledge(ctx, in.ID, in.Body.Number)
		return &ackOut{201, a}, err
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/questions", "incident.questions", "Read the questions and answers about a report", func(ctx context.Context, in *openIn) (*messagesOut, error) {
		v, err := s.Open(ctx, in.ID, 0, in.Purpose)
		return &messagesOut{some(v.Messages)}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/questions", "incident.ask", "Ask the reporter", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body QuestionInput
	}) (*messageOut, error) {
		m, err := s.Ask(ctx, in.ID, in.Body.Text)
		return &messageOut{201, m}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/answers", "incident.answer", "Answer a recipient", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body AnswerInput
	}) (*messageOut, error) {
		m, err := s.Answer(ctx, in.ID, in.Body.With, in.Body.Text)
		return &messageOut{201, m}, err
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/feedback", "incident.feedbacks", "Read what came of a report", func(ctx context.Context, in *openIn) (*feedbacksOut, error) {
		v, err := s.Open(ctx, in.ID, 0, in.Purpose)
		return &feedbacksOut{some(v.Feedback)}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/feedback", "incident.feedback", "Tell the reporter what came of the report", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body FeedbackInput
	}) (*feedbackOut, error) {
		f, err := s.Give(ctx, in.ID, in.Body.Done, in.Body.Advice)
		return &feedbackOut{201, f}, err
	})
	type readingsIn struct {
		httpd.Paging
		Case string `query:"case" maxLength:"60" doc:"Only of this case"`
	}
	httpd.Op(r, "GET /api/v1/incident-readings", "incident.readings", "List who opened your reports, for which purpose", func(ctx context.Context, in *readingsIn) (*httpd.List[Reading], error) {
		list, next, err := s.Readings(ctx, in.Case, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/delays", "incident.delay", "Show your readings of a report later, on a recorded ground", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body DelayInput
	}) (*struct{}, error) {
		return nil, s.DelayReadings(ctx, in.ID, in.Body.Ground, in.Body.Note, in.Body.Until)
	})
	httpd.Op(r, "GET /api/v1/incidents/{id}/supervisions", "incident.supervisions", "List the requests to open a report for supervision", func(ctx context.Context, in *caseIn) (*supervisionsOut, error) {
		list, err := s.Supervisions(ctx, in.ID)
		return &supervisionsOut{some(list)}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/supervisions", "incident.supervise", "Ask to open a report for supervision (Act 42, arts 6 and 10)", func(ctx context.Context, in *reasonIn) (*supervisionOut, error) {
		x, err := s.AskSupervision(ctx, in.ID, in.Body.Reason)
		return &supervisionOut{201, x}, err
	})
	httpd.Op(r, "POST /api/v1/incidents/{id}/supervisions/{request}/decision", "incident.agree", "Agree to a supervision that somebody else asked for, or refuse it", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Request string `path:"request" maxLength:"60"`
		Body    DecisionInput
	}) (*struct{}, error) {
		return nil, s.DecideSupervision(ctx, in.ID, in.Request, in.Body.Agree)
	})
}
