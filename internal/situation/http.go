package situation

import (
	"context"
	"time"

	"noroshi/internal/base/httpd"
	"noroshi/internal/base/thread"
)

// EventInput is an event as a client opens it.
type EventInput struct {
	Title      string   `json:"title" minLength:"1" maxLength:"800"`
	Summary    string   `json:"summary,omitempty" maxLength:"16000"`
	About      []string `json:"about,omitempty" maxItems:"20" nullable:"false" doc:"CVE ids"`
	TLP        string   `json:"tlp,omitempty" enum:"RED,AMBER+STRICT,AMBER,GREEN,CLEAR"`
	Clearance  int      `json:"clearance,omitempty" minimum:"0" maximum:"3"`
	EveryHours int      `json:"every_hours,omitempty" minimum:"0" maximum:"168" doc:"Between reports; 0: none by itself"`
}

// InviteInput is who is let in, and what it sees.
type InviteInput struct {
	Org  string `json:"org" minLength:"1" maxLength:"60"`
	Sees Sees   `json:"sees" doc:"Of a public body; everybody else sees its own tasks and what is addressed to it"`
}

// JoinInput names an incident on one's own desk.
type JoinInput struct {
	Incident string `json:"incident" minLength:"1" maxLength:"60"`
}

// TaskInput is a task as a client gives it.
type TaskInput struct {
	Owner  string    `json:"owner" maxLength:"60" doc:"Id of an organisation that takes part"`
	Title  string    `json:"title" minLength:"1" maxLength:"800"`
	Detail string    `json:"detail,omitempty" maxLength:"16000"`
	DueAt  time.Time `json:"due_at,omitzero"`
	Needs  []ID      `json:"needs,omitempty" maxItems:"20" nullable:"false" doc:"Ids of tasks that have to be done first"`
}

// MoveInput changes how a task stands.
type MoveInput struct {
	State  TaskState `json:"state" enum:"todo,started,done,cannot,cancelled"`
	Answer string    `json:"answer,omitempty" maxLength:"16000"`
}

// NeedsInput names the tasks that have to be done first.
type NeedsInput struct {
	Needs []ID `json:"needs" maxItems:"20" nullable:"false"`
}

// DecisionInput is a decision as a client writes it.
type DecisionInput struct {
	What string   `json:"what" minLength:"1" maxLength:"16000"`
	Why  string   `json:"why,omitempty" maxLength:"16000"`
	To   []string `json:"to,omitempty" maxItems:"300" nullable:"false" doc:"Ids of participants; empty: the members"`
}

// ReportInput is what the lead makes of the facts.
type ReportInput struct {
	Judgement string `json:"judgement,omitempty" maxLength:"16000"`
}

// CloseInput is what was learned.
type CloseInput struct {
	Lessons string `json:"lessons" minLength:"1" maxLength:"16000"`
}

// MessageInput is a message to the lead, or from it to one participant.
type MessageInput struct {
	With string      `json:"with,omitempty" maxLength:"60" doc:"Of the lead: to whom"`
	Task ID          `json:"task,omitempty" maxLength:"60" doc:"In the conversation of this task"`
	Kind thread.Kind `json:"kind,omitempty" enum:"question,answer,note"`
	Text string      `json:"text" minLength:"1" maxLength:"16000"`
}

// ReportOut is a situation report with the names in it.
type ReportOut struct {
	Report Report            `json:"report"`
	Names  map[string]string `json:"names"`
}

type (
	eventOut struct {
		Status int
		Body   Event
	}
	taskOut struct {
		Status int
		Body   Task
	}
)

// Routes registers the JSON API of situation rooms.
func Routes(r *httpd.Router, s *Service) {
	routesEvent(r, s)
	routesTask(r, s)
}

func routesEvent(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/situations", "situation.list", "List the events you take part in", func(ctx context.Context, in *struct {
		httpd.Paging
		Closed bool `query:"closed" doc:"Closed ones too"`
	}) (*httpd.List[Event], error) {
		list, next, err := s.List(ctx, in.Closed, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/situations", "situation.open", "Open an event that you lead", func(ctx context.Context, in *struct{ Body EventInput }) (*eventOut, error) {
		e, err := s.Open(ctx, NewEvent(in.Body))
		return &eventOut{201, e}, err
	})
	httpd.Op(r, "GET /api/v1/situations/{id}", "situation.read", "Read an event, as far as you see of it", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		With string `query:"with" maxLength:"60" doc:"Of the lead: whose conversation"`
	}) (*struct{ Body View }, error) {
		v, err := s.Get(ctx, in.ID, in.With)
		return &struct{ Body View }{v}, err
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/participants", "situation.invite", "Let an organisation in", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body InviteInput
	}) (*struct {
		Status int
		Body   Participant
	}, error) {
		p, err := s.Invite(ctx, in.ID, in.Body.Org, in.Body.Sees)
		return &struct {
			Status int
			Body   Participant
		}{201, p}, err
	})
	httpd.Op(r, "PUT /api/v1/situations/{id}/participants/{org}", "situation.narrow", "Change what a member sees", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Org  string `path:"org" maxLength:"60"`
		Body Sees
	}) (*struct{}, error) {
		return nil, s.Narrow(ctx, in.ID, in.Org, in.Body)
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/incidents", "situation.join", "Join an incident on your desk to an event", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body JoinInput
	}) (*struct {
		Status int
		Body   Incident
	}, error) {
		i, err := s.Join(ctx, in.ID, in.Body.Incident)
		return &struct {
			Status int
			Body   Incident
		}{201, i}, err
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/decisions", "situation.decide", "Write into the log of decisions", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body DecisionInput
	}) (*struct {
		Status int
		Body   Decision
	}, error) {
		d, err := s.Decide(ctx, in.ID, in.Body.What, in.Body.Why, in.Body.To...)
		return &struct {
			Status int
			Body   Decision
		}{201, d}, err
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/messages", "situation.say", "Write to the lead, as the lead to a participant, or about a task", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body MessageInput
	}) (*struct {
		Status int
		Body   thread.Message
	}, error) {
		var m thread.Message
		var err error
		if in.Body.Task != "" {
			m, err = s.SayTask(ctx, in.ID, in.Body.Task, in.Body.Kind, in.Body.Text)
		} else {
			m, err = s.Say(ctx, in.ID, in.Body.With, in.Body.Kind, in.Body.Text)
		}
		return &struct {
			Status int
			Body   thread.Message
		}{201, m}, err
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/reports", "situation.report", "Make a situation report of the facts now", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ReportInput
	}) (*struct {
		Status int
		Body   Report
	}, error) {
		x, err := s.Make(ctx, in.ID, in.Body.Judgement)
		return &struct {
			Status int
			Body   Report
		}{201, x}, err
	})
	httpd.Op(r, "GET /api/v1/situations/{id}/reports/{version}", "situation.reported", "Read a situation report", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Version int    `path:"version" minimum:"1" maximum:"5000"`
	}) (*struct{ Body ReportOut }, error) {
		_, x, names, err := s.Report(ctx, in.ID, in.Version)
		return &struct{ Body ReportOut }{ReportOut{x, names}}, err
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/close", "situation.close", "Close an event with what was learned", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body CloseInput
	}) (*struct{}, error) {
		return nil, s.Close(ctx, in.ID, in.Body.Lessons)
	})
}

func routesTask(r *httpd.Router, s *Service) {
	httpd.Op(r, "POST /api/v1/situations/{id}/tasks", "situation.assign", "Give a task to a participant", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body TaskInput
	}) (*taskOut, error) {
		t, err := s.Assign(ctx, in.ID, NewTask(in.Body))
		return &taskOut{201, t}, err
	})
	httpd.Op(r, "GET /api/v1/situations/{id}/tasks/{task}", "situation.task", "Read a task with its conversation", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Task string `path:"task" maxLength:"60"`
	}) (*struct{ Body TaskView }, error) {
		v, err := s.Task(ctx, in.ID, in.Task)
		return &struct{ Body TaskView }{v}, err
	})
	httpd.Op(r, "POST /api/v1/situations/{id}/tasks/{task}/state", "situation.answer", "Start, end or cancel a task, with an answer", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Task string `path:"task" maxLength:"60"`
		Body MoveInput
	}) (*taskOut, error) {
		t, err := s.Move(ctx, in.ID, in.Task, in.Body.State, in.Body.Answer)
		return &taskOut{200, t}, err
	})
	httpd.Op(r, "PUT /api/v1/situations/{id}/tasks/{task}/needs", "situation.depend", "Say which tasks have to be done first", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Task string `path:"task" maxLength:"60"`
		Body NeedsInput
	}) (*struct{}, error) {
		return nil, s.Depend(ctx, in.ID, in.Task, in.Body.Needs...)
	})
}
