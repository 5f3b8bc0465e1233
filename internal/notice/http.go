package notice

import (
	"context"
	"net/http"
	"time"

	"noroshi/internal/base/blob"
	"noroshi/internal/base/httpd"
	"noroshi/internal/base/thread"
)

// Routes registers the JSON API of notices: for senders under
// /api/v1/notices, for recipients under /api/v1/letters, for desks under
// /api/v1/tickets.
func Routes(r *httpd.Router, s *Service) {
	routesSender(r, s)
	routesRecipient(r, s)
	routesRelay(r, s)
	routesDesk(r, s)
	routesBundle(r, s)
}

type (
	idIn struct {
		ID string `path:"id" maxLength:"60"`
	}
	noticeOut struct {
		Status int
		ETag   string `header:"ETag"`
		Body   Notice
	}
	draftedOut struct {
		Status int
		ETag   string `header:"ETag"`
		Body   Drafted
	}
	listIn struct {
		httpd.Paging
		Stage    Stage    `query:"stage" enum:"draft,sent,withdrawn,corrected"`
		Severity Severity `query:"severity" enum:"act,attend,watch,track"`
		Number   string   `query:"number" maxLength:"60"`
	}
	inboxIn struct {
		httpd.Paging
		Open     bool     `query:"open" doc:"Only what waits for an answer"`
		State    State    `query:"state" enum:"delivered,opened,checking,affected,not_affected,mitigated,planned,needs_help"`
		Severity Severity `query:"severity" enum:"act,attend,watch,track"`
		Number   string   `query:"number" maxLength:"60"`
	}
	boardIn struct {
		ID string `path:"id" maxLength:"60"`
		httpd.Paging
		State State `query:"state" enum:"listed,delivered,opened,checking,affected,not_affected,mitigated,planned,needs_help"`
	}
	boardOut  struct{ Body Board }
	reviewOut struct{ Body Review }
	letterOut struct{ Body Letter }
)

// These are what a client writes into one act.
type (
	// ReasonInput is why a notice is taken back.
	ReasonInput struct {
		Reason string `json:"reason" maxLength:"20000" doc:"At most 4,000 characters; its recipients read it"`
	}
	// RecipientsInput adds recipients to a draft.
	RecipientsInput struct {
		Recipients []NewRecipient `json:"recipients" maxItems:"10000"`
	}
	// TextInput is one contribution to a conversation.
	TextInput struct {
		Text string `json:"text" maxLength:"20000" doc:"At most 4,000 characters"`
	}
)

// maxBody bounds a draft with many recipients, in bytes.
const maxBody = 8 << 20

func routesSender(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/notices", "notice.list", "List the notices of your organisation", func(ctx context.Context, in *listIn) (*httpd.List[Overview], error) {
		list, next, err := s.List(ctx, Filter{Stage: in.Stage, Severity: in.Severity, Number: in.Number, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "POST /api/v1/notices", "notice.draft", "Draft a notice: from a vulnerability, an item of intelligence, or by hand", func(ctx context.Context, in *struct{ Body NewNotice }) (*draftedOut, error) {
		n, err := s.Draft(ctx, in.Body)
		if err != nil {
			return nil, err
		}
		v, err := s.Review(ctx, n.ID)
		return &draftedOut{http.StatusCreated, httpd.ETag(n.Revision), Drafted{n, v.Recipients, v.Around}}, err
	}, httpd.MaxBody(maxBody))
	httpd.Op(r, "GET /api/v1/notices/{id}", "notice.get", "Read a notice of your organisation", func(ctx context.Context, in *idIn) (*noticeOut, error) {
		n, err := s.Get(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &noticeOut{http.StatusOK, httpd.ETag(n.Revision), n}, nil
	})
	httpd.Op(r, "PUT /api/v1/notices/{id}", "notice.edit", "Write the content of a draft", func(ctx context.Context, in *struct {
		httpd.Match
		ID   string `path:"id" maxLength:"60"`
		Body Content
	}) (*noticeOut, error) {
		revision, err := in.Version()
		if err != nil {
			return nil, err
		}
		n, err := s.Edit(ctx, in.ID, int64(revision), in.Body)
		if err != nil {
			return nil, err
		}
		return &noticeOut{http.StatusOK, httpd.ETag(n.Revision), n}, nil
	})
	httpd.Op(r, "DELETE /api/v1/notices/{id}", "notice.discard", "Throw a draft away", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.Discard(ctx, in.ID)
	})
	httpd.Op(r, "POST /api/v1/notices/{id}/recipients", "notice.enlist", "Add recipients to a draft, or reasons to those it has", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body RecipientsInput
	}) (*struct{}, error) {
		return nil, s.AddRecipients(ctx, in.ID, in.Body.Recipients)
	}, httpd.MaxBody(maxBody))
	httpd.Op(r, "DELETE /api/v1/notices/{id}/recipients/{recipient}", "notice.strike", "Take a recipient off a draft", func(ctx context.Context, in *struct {
		ID        string `path:"id" maxLength:"60"`
		Recipient string `path:"recipient" maxLength:"60"`
	}) (*struct{}, error) {
		return nil, s.RemoveRecipient(ctx, in.ID, in.Recipient)
	})
	httpd.Op(r, "GET /api/v1/notices/{id}/recipients/{recipient}/preview", "notice.preview", "See what one recipient sees", func(ctx context.Context, in *struct {
		ID        string `path:"id" maxLength:"60"`
		Recipient string `path:"recipient" maxLength:"60"`
	}) (*letterOut, error) {
		l, err := s.Preview(ctx, in.ID, in.Recipient)
		return &letterOut{l}, err
	})
	httpd.Op(r, "GET /api/v1/notices/{id}/review", "notice.review", "Check a draft as sending will: tear line, plain words, what is missing", func(ctx context.Context, in *idIn) (*reviewOut, error) {
		v, err := s.Review(ctx, in.ID)
		return &reviewOut{v}, err
	})
	httpd.Op(r, "POST /api/v1/notices/{id}/sending", "notice.send", "Send the draft that was checked", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body SendInput
	}) (*struct{ Body Dispatched }, error) {
		d, err := s.Send(ctx, in.ID, in.Body)
		return &struct{ Body Dispatched }{d}, err
	})
	httpd.Op(r, "POST /api/v1/notices/{id}/withdrawal", "notice.withdraw", "Take a notice back; its recipients keep it, marked", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body ReasonInput
	}) (*struct{}, error) {
		return nil, s.Withdraw(ctx, in.ID, in.Body.Reason)
	})
	httpd.Op(r, "POST /api/v1/notices/{id}/correction", "notice.correct", "Make a draft that will take a notice's place", func(ctx context.Context, in *idIn) (*noticeOut, error) {
		n, err := s.Correct(ctx, in.ID)
		if err != nil {
			return nil, err
		}
		return &noticeOut{http.StatusCreated, httpd.ETag(n.Revision), n}, nil
	})
	httpd.Op(r, "GET /api/v1/notices/{id}/reading", "notice.read", "Read what you were sent, or what your organisation wrote, by id or number", func(ctx context.Context, in *idIn) (*struct{ Body Reading }, error) {
		v, err := s.Read(ctx, in.ID)
		return &struct{ Body Reading }{v}, err
	})
	httpd.Op(r, "GET /api/v1/notices/{id}/board", "notice.board", "See how a notice stands: counts, times, recipients", func(ctx context.Context, in *boardIn) (*boardOut, error) {
		b, err := s.Board(ctx, in.ID, in.State, in.Cursor, in.Limit)
		if b.Rows == nil {
			b.Rows = []Row{}
		}
		return &boardOut{b}, err
	})
	httpd.Op(r, "GET /api/v1/notice-candidates", "notice.candidates", "List operators you may tell, at most a hundred", func(ctx context.Context, in *struct {
		Sector string `query:"sector" maxLength:"60"`
	}) (*struct{ Body []Candidate }, error) {
		list, err := s.Candidates(ctx, in.Sector)
		return &struct{ Body []Candidate }{some(list)}, err
	})
	r.Handle("GET /api/v1/notices/{id}/board.csv", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		table(r, s, w, req)
	}))
}

// table answers with the board as CSV; all of it is made before the first byte
// goes out, so that a fault is still an answer of its own.
func table(r *httpd.Router, s *Service, w http.ResponseWriter, req *http.Request) {
	raw, err := csvOf(req.Context(), s, req.PathValue("id"))
	if err != nil {
		r.Error(w, req, err)
		return
	}
	httpd.Attach(w.Header(), "board.csv", "text/csv; charset=utf-8")
	_, _ = w.Write(raw) // the client went away
}

// some makes a list that JSON writes as [] and never as null.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func routesRecipient(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/letters", "notice.inbox", "List the notices that your organisation was sent", func(ctx context.Context, in *inboxIn) (*httpd.List[Letter], error) {
		list, next, err := s.Inbox(ctx, Filter{Open: in.Open, State: in.State, Severity: in.Severity, Number: in.Number, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/letters/{id}", "notice.open", "Open a notice that you were sent; its sender sees that you did", func(ctx context.Context, in *idIn) (*letterOut, error) {
		l, err := s.Open(ctx, in.ID)
		return &letterOut{l}, err
	})
	httpd.Op(r, "POST /api/v1/letters/{id}/answers", "notice.answer", "Answer; the last answer holds, and those before stay on record", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body AnswerInput
	}) (*struct {
		Status int
		Body   Answered
	}, error) {
		a, err := s.Answer(ctx, in.ID, in.Body)
		return &struct {
			Status int
			Body   Answered
		}{http.StatusCreated, a}, err
	})
	httpd.Op(r, "POST /api/v1/letters/{id}/evidence", "notice.evidence", "Add a file to your answer", func(ctx context.Context, in *struct {
		ID      string `path:"id" maxLength:"60"`
		Name    string `query:"name" maxLength:"240" doc:"File name"`
		RawBody []byte `contentType:"application/octet-stream"`
	}) (*struct {
		Status int
		Body   blob.Meta
	}, error) {
		m, err := s.AddEvidence(ctx, in.ID, in.Name, reader(in.RawBody))
		return &struct {
			Status int
			Body   blob.Meta
		}{http.StatusCreated, m}, err
	}, httpd.MaxBody(20<<20))
	r.Handle("GET /api/v1/letters/{id}/evidence/{file}", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		m, content, err := s.Evidence(req.Context(), req.PathValue("id"), req.PathValue("file"))
		if err != nil {
			r.Error(w, req, err)
			return
		}
		defer content.Close()
		httpd.Attach(w.Header(), m.Name, m.Media)
		copyOut(w, content)
	}))
	httpd.Op(r, "POST /api/v1/letters/{id}/help", "notice.help", "Ask the desk for help, or say more to it", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body TextInput
	}) (*struct{ Body Ticket }, error) {
		t, err := s.AskHelp(ctx, in.ID, in.Body.Text)
		return &struct{ Body Ticket }{t}, err
	})
	httpd.Op(r, "GET /api/v1/letters/{id}/help", "notice.helped", "Read your conversation with the desk", func(ctx context.Context, in *idIn) (*struct{ Body []thread.Message }, error) {
		list, err := s.Help(ctx, in.ID)
		return &struct{ Body []thread.Message }{some(list)}, err
	})
}

func routesRelay(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/letters/{id}/relay", "notice.reachable", "See what you may pass on, to whom, and what to keep in mind", func(ctx context.Context, in *idIn) (*struct{ Body Reachable }, error) {
		v, err := s.Reachable(ctx, in.ID)
		return &struct{ Body Reachable }{v}, err
	})
	httpd.Op(r, "POST /api/v1/letters/{id}/relay", "notice.relay", "Pass a notice on to suppliers and contractors", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body RelayInput
	}) (*struct {
		Status int
		Body   Passed
	}, error) {
		p, err := s.Relay(ctx, in.ID, in.Body)
		return &struct {
			Status int
			Body   Passed
		}{http.StatusCreated, p}, err
	}, httpd.Secret)
	httpd.Op(r, "GET /api/v1/letters/{id}/passing", "notice.passing", "See what became of what you passed on: small counts are ranges", func(ctx context.Context, in *idIn) (*struct{ Body Passing }, error) {
		p, err := s.Passing(ctx, in.ID)
		return &struct{ Body Passing }{p}, err
	})
	httpd.Op(r, "POST /api/v1/letters/{id}/passing/{child}/link", "notice.relink", "Make another link for a firm; the ones before end", func(ctx context.Context, in *struct {
		ID    string `path:"id" maxLength:"60"`
		Child string `path:"child" maxLength:"60"`
	}) (*struct{ Body PassedTo }, error) {
		p, err := s.NewLink(ctx, in.ID, in.Child)
		return &struct{ Body PassedTo }{p}, err
	}, httpd.Secret)
}

func routesDesk(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/tickets", "notice.desk", "List the calls for help at your desk", func(ctx context.Context, in *struct {
		httpd.Paging
		Closed bool `query:"closed"`
	}) (*httpd.List[Ticket], error) {
		list, next, err := s.Tickets(ctx, in.Closed, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "GET /api/v1/tickets/{id}", "notice.ticket", "Open a call for help", func(ctx context.Context, in *idIn) (*struct{ Body Case }, error) {
		c, err := s.Ticket(ctx, in.ID)
		return &struct{ Body Case }{c}, err
	})
	for _, step := range []struct {
		path, op, summary string
		do                func(context.Context, ID) error
	}{
		{"take", "notice.take", "Take a call for help", s.Take},
		{"close", "notice.close", "Close a call for help that was answered", s.Close},
	} {
		httpd.Op(r, "POST /api/v1/tickets/{id}/"+step.path, step.op, step.summary, func(ctx context.Context, in *idIn) (*struct{}, error) {
			return nil, step.do(ctx, in.ID)
		})
	}
	httpd.Op(r, "POST /api/v1/tickets/{id}/answers", "notice.assist", "Answer a call for help", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60"`
		Body TextInput
	}) (*struct{}, error) {
		return nil, s.Assist(ctx, in.ID, in.Body.Text)
	})
}

// guesses limits how often one address may open links: a token cannot be
// guessed, and nobody needs to try.
func guesses(now func() time.Time) *httpd.Buckets {
	return httpd.NewBuckets(2*time.Second, 30, 50_000, now)
}

// routesBundle registers who is behind a closed network. What goes in and out
// there is under /api/v1/feed-bundles.
func routesBundle(r *httpd.Router, s *Service) {
	httpd.Op(r, "GET /api/v1/closed-networks", "notice.closed_list", "List organisations behind a closed network", func(ctx context.Context, in *httpd.Paging) (*httpd.List[ClosedNetwork], error) {
		list, next, err := s.Closed(ctx, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		return httpd.ListOf(ctx, list, next), nil
	})
	httpd.Op(r, "PUT /api/v1/closed-networks/{id}", "notice.closed_enter", "Enter that an organisation is behind a closed network, with the key of its hub", func(ctx context.Context, in *struct {
		ID   string `path:"id" maxLength:"60" doc:"Of the organisation"`
		Body ClosedInput
	}) (*struct{ Body ClosedNetwork }, error) {
		c, err := s.EnterClosed(ctx, in.ID, in.Body)
		return &struct{ Body ClosedNetwork }{c}, err
	})
	httpd.Op(r, "DELETE /api/v1/closed-networks/{id}", "notice.closed_strike", "Strike a closed network off", func(ctx context.Context, in *idIn) (*struct{}, error) {
		return nil, s.StrikeClosed(ctx, in.ID)
	})
}
